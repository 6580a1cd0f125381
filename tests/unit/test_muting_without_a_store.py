"""A silence that is asked for while the store does not answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from monitor.model.errors import StoreError
from monitor.model.muting import Silence
from monitor.model.state import AuditEntry
from monitor.service.away.line import PATIENCE
from tests.unit.engine_scene import COMMUNE
from tests.unit.test_backlog import Office, play, polled


def test_it_is_refused_does_not_stop_judging_and_holds_if_it_turns_out_to_be_stored() -> None:
    async def story(office: Office) -> None:
        await polled(office, 60)
        office.store.hangs = hangs = asyncio.Event()
        whole = office.store.mute

        async def mute(what: Silence, entry: AuditEntry) -> None:
            await hangs.wait()
            await whole(what, entry)

        office.store.mute = mute  # type: ignore[method-assign,assignment]
        now = office.clock.now()
        silence = Silence("s1", (), now, now + timedelta(hours=1), "an", "x", now)
        asked = asyncio.ensure_future(office.evaluator.mute(silence, "silence_add", "an"))
        await polled(office, 2 * int(PATIENCE), COMMUNE)
        with pytest.raises(StoreError):
            await asked
        await polled(office, 300, COMMUNE)
        assert office.colours()[COMMUNE] == "red"
        office.store.hangs = None
        hangs.set()
        await polled(office, 60, COMMUNE)
        assert silence in office.evaluator.policy.muting.silences

    play(story)
