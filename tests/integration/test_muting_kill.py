"""A silence that was answered with 200 is on disk: the service is killed -9 at once, and it holds in the next life."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.integration.process import denbao
from tests.integration.trial import COMMUNES, Trial, make_trial

pytestmark = pytest.mark.integration


async def begun(trial: Trial, number: int) -> tuple[str, dict[str, Any]]:
    """A silence or window that the service says it has taken."""
    what = "silences" if number % 2 else "maintenance"
    order = {"matchers": [f"unit={COMMUNES[number % len(COMMUNES)]}"], "for": "2h", "comment": f"lần {number}"}
    headers = {"Authorization": f"Bearer {trial.token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{trial.board.base}/api/v1/{what}", json=order, headers=headers) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return what, await answer.json()


@pytest.mark.parametrize("kills", [3, pytest.param(30, marks=pytest.mark.nightly)])
async def test_no_silence_that_was_accepted_is_lost_by_a_kill(tmp_path: Path, kills: int) -> None:
    trial = await make_trial(tmp_path)
    trial.write()
    accepted: list[tuple[str, dict[str, Any]]] = []
    async with trial.stopped_service() as service:
        for number in range(kills):
            await service.start()
            await trial.judged(service)
            made = await asyncio.gather(*(begun(trial, 6 * number + one) for one in range(6)))
            await service.kill()
            accepted += made
        await service.start()
        await trial.judged(service)
        for what in ("silences", "maintenance"):
            found = {one["id"]: one for one in (await trial.board.json(f"/api/v1/{what}"))["items"]}
            wanted = {one["id"]: one["ends_at"] for sort, one in accepted if sort == what}
            assert {name: one["ends_at"] for name, one in found.items()} == wanted
            assert {one["state"] for one in found.values()} == {"active"}


async def test_the_commands_preview_add_list_and_end(tmp_path: Path) -> None:
    trial = await make_trial(tmp_path)
    trial.write()
    at = ("--site", trial.folder)
    async with trial.serving():
        order = ("unit=02143", "--for", "2h", "--comment", "thay thiết bị")
        preview = await denbao("silence", "add", *at, *order, "--preview")
        assert (preview.code, preview.out.partition(" incidents")[0]) == (0, "would mute 0"), preview
        made = await denbao("silence", "add", *at, *order)
        name = made.out.partition(":")[0]
        assert made.code == 0 and name.startswith("S-"), made
        listed = await denbao("silence", "list", *at)
        assert name in listed.out and "local: thay thiết bị" in listed.out
        assert (await denbao("silence", "end", *at, name)).out == f"{name}: ended by local\n"
        assert (await denbao("silence", "list", *at)).out == "nothing is muted\n"
        assert name in (await denbao("silence", "list", *at, "--all")).out
        nightly = ("--every", "2nd sun", "--at", "22:00", "--for", "2h", "--until", "2099-12-31")
        refused = await denbao("maintenance", "add", *at, "level=system", *nightly, "--comment", "sao lưu")
        assert refused.code == 1 and "give an 'until' within 366 days" in refused.err, refused
        added = await denbao("maintenance", "add", *at, "level=system", "--for", "1h", "--comment", "sao lưu", "--json")
        assert '"state": "active"' in added.out, added
        assert (await denbao("maintenance", "list", *at, "--json")).out.count('"id"') == 1
