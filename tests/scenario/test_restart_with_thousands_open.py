"""A restart and a reload with 3,321 open incidents tell nobody anything, and the next step comes at its own time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

from monitor.adapters.store.memory import MemoryStore
from monitor.alerting.outcome import Way
from monitor.alerting.plan import StepSpec
from monitor.decide import Policy
from monitor.model.unit import Level
from monitor.ports import Store
from monitor.service.evaluator import Evaluator
from monitor.service.sender import Sender
from monitor.testing.clock import LoopClock, run
from monitor.testing.doubles import RecordingTransport
from tests.scenario.mass_scene import START, country, policy, reading

HOUR = 3600.0


def with_steps(collapses: tuple = ()) -> Policy:
    """The focal point at once, the province after an hour; every centre is an incident of its own."""
    made = policy(country(), collapses)
    steps = (StepSpec(0, ("commune",), ("sms",)), StepSpec(HOUR, ("province",), ("sms",)))
    plans = tuple(replace(plan, steps=steps) if plan.name == "outage" else plan for plan in made.directory.policies)
    return replace(made, directory=replace(made.directory, policies=plans))


@contextlib.asynccontextmanager
async def a_life(rules: Policy, store: Store, clock: LoopClock, sms: RecordingTransport) -> AsyncIterator[Evaluator]:
    """What a service does with what was committed, from its start until it is killed."""
    await store.open()
    sender = Sender(store, {"sms": sms}, {"sms": Way(500)}, clock, lambda: 0.0, "me")
    evaluator = Evaluator(rules, store, clock, sender.notice)
    await evaluator.load()
    tasks = [asyncio.ensure_future(work) for work in (evaluator.run(), sender.run())]
    try:
        evaluator.judge_all()
        await evaluator.submit(())
        yield evaluator
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await store.close()


def test_nobody_hears_of_a_restart_or_a_reload_with_3321_open_incidents() -> None:
    async def story() -> None:
        clock, store, rules = LoopClock(START), MemoryStore(), with_steps()
        sms = RecordingTransport(clock)
        communes = [unit.code for unit in rules.units if unit.level is Level.COMMUNE]
        async with a_life(rules, store, clock, sms) as evaluator:
            await evaluator.submit([reading(code, False, 1.0) for code in communes])
            await clock.sleep(60)
        told = len(sms.rings)
        assert told == len({ring.notice.recipient for ring in sms.rings}) == len(communes) == 3321

        book = rules.ruleset.books[0]
        reloaded = replace(rules, ruleset=replace(rules.ruleset, books=(replace(book, version="2"),)))
        for changed, seconds in ((rules, 600), (reloaded, HOUR)):
            async with a_life(changed, store, clock, sms) as evaluator:
                assert sum(bool(state.incidents) for state in evaluator.states.values()) == 3321
                await clock.sleep(600)
                assert await store.outbox() == {} and len(sms.asked) == told
                await clock.sleep(seconds - 600)
        later = sms.rings[told:]
        assert {ring.notice.recipient.split("-")[0] for ring in later} == {"province"} and len(later) == 3321
        assert min((ring.at - START).total_seconds() for ring in later) >= HOUR

    run(story())
