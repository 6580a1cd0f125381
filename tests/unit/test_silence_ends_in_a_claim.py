"""Claims at the edge of what holds messages back: a silence that has just ended, and maintenance."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from monitor.adapters.clock import SystemClock
from monitor.adapters.store import SqlStore
from monitor.alerting.muting import JUDGED_FIRST
from monitor.decide import Policy
from monitor.model.colour import Colour
from monitor.model.incident import Kind
from monitor.model.muting import ended
from monitor.model.state import UnitState
from monitor.service.evaluator import Evaluator
from tests.contract.store_facts import decision, incident, notice
from tests.unit.engine_scene import CALENDAR, COMMUNE, SESSIONS, directory, ruleset, units
from tests.unit.muting_scene import muting, silence, window


async def test_what_a_silence_held_goes_when_it_is_ended_although_a_claim_came_at_that_moment(tmp_path, monkeypatch):
    store, clock = SqlStore(tmp_path / "d.db"), SystemClock()
    await store.open()
    evaluator = Evaluator(Policy(units(), ruleset(), directory(), CALENDAR, SESSIONS), store, clock, lambda _: None)
    await evaluator.load()
    now = clock.now()
    quiet = silence(now - timedelta(hours=1), now + timedelta(hours=5))
    await evaluator.mute(quiet, "silence_add", "an")
    call = replace(notice(), unit=COMMUNE, due_at=now, cause="up", trouble=Kind.OUTAGE, colour=Colour.RED, urgent=True)
    await store.commit([decision(UnitState(COMMUNE), notices=(call,))])
    assert await store.lease("log", "me", clock.now(), 10, 20, evaluator.held) == []  # the silence holds it

    # A busy loop: the sender's claim is queued behind the end of the silence; the loop hears of both a little later.
    whole = store.mute

    async def mute(what, entry):
        ending = asyncio.ensure_future(whole(what, entry))
        await asyncio.sleep(0)  # it is queued in the store's thread
        claim = asyncio.ensure_future(store.lease("log", "me", clock.now(), 10, 20, evaluator.held))
        await ending
        claimed.extend(await claim)

    claimed: list[object] = []
    monkeypatch.setattr(store, "mute", mute)
    await evaluator.mute(ended(quiet, "an", clock.now()), "silence_end", "an")
    claimed += await store.lease("log", "me", clock.now(), 10, 20, evaluator.held)
    left = [(one.detail, one.next_at) for one in await store.deliveries() if one.state == "pending"]
    await store.close()
    assert len(claimed) == 1, left


async def test_a_call_from_before_maintenance_is_not_claimed_before_its_unit_was_judged_anew(tmp_path):
    store, clock = SqlStore(tmp_path / "d.db"), SystemClock()
    await store.open()
    now = clock.now()
    works = muting(window(now - timedelta(hours=1), now - timedelta(minutes=1)))
    policy = Policy(units(), ruleset(), directory(), CALENDAR, SESSIONS, muting=works)
    paused = replace(incident(), unit=COMMUNE, cause="up", paused_since=now - timedelta(hours=1))
    call = replace(notice(), unit=COMMUNE, due_at=now - timedelta(hours=2), cause="up", trouble=Kind.OUTAGE)
    before = UnitState(COMMUNE)
    shown = decision(before, after=replace(before, incidents={"up": paused}), incidents=(paused,), notices=(call,))
    await store.commit([shown])
    evaluator = Evaluator(policy, store, clock, lambda _: None)
    await evaluator.load()
    claimed = await store.lease("log", "me", clock.now(), 10, 20, evaluator.held)
    (waiting,) = await store.deliveries()
    await store.close()
    assert (claimed, waiting.detail) == ([], JUDGED_FIRST)
