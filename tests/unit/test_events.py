"""Committed facts for whoever watches."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from monitor.model.state import Decision, UnitState
from monitor.service.events import BACKLOG, EventHub


def batch(number: int) -> Sequence[Decision]:
    state = UnitState("02143", number)
    return (Decision(before=state, after=state),)


Heard = list[int]


async def follow(hub: EventHub, into: list[int]) -> None:
    async for decisions in hub.watch():
        into.append(decisions[0].after.version)


async def started(hub: EventHub, into: list[int]) -> asyncio.Task[None]:
    task = asyncio.get_running_loop().create_task(follow(hub, into))
    await asyncio.sleep(0)
    return task


async def test_listeners_and_watchers_hear_every_batch_in_order():
    hub, heard, watched = EventHub(), Heard(), Heard()
    hub.listen(lambda decisions: heard.append(decisions[0].after.version))
    task = await started(hub, watched)
    for number in range(5):
        hub.publish(batch(number))
    hub.close()
    await task
    assert heard == [0, 1, 2, 3, 4]


async def test_a_listener_that_breaks_costs_nobody_else_anything(caplog):
    hub, heard = EventHub(), Heard()

    def broken(_: Sequence[Decision]) -> None:
        raise RuntimeError("a plug-in")

    hub.listen(broken)
    hub.listen(lambda decisions: heard.append(decisions[0].after.version))
    hub.publish(batch(7))
    assert heard == [7]
    assert "a listener broke" in caplog.text


async def test_a_watcher_hears_what_is_published_while_it_watches():
    hub, watched = EventHub(), Heard()
    hub.publish(batch(1))
    task = await started(hub, watched)
    assert hub.watchers == 1
    hub.publish(batch(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert watched == [2]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert hub.watchers == 0


async def test_a_watcher_that_is_too_slow_loses_its_stream_and_slows_nobody():
    hub, slow, quick = EventHub(), Heard(), Heard()
    lame = await started(hub, slow)
    for number in range(BACKLOG + 1):
        hub.publish(batch(number))
    fine = await started(hub, quick)
    hub.publish(batch(999))
    await lame
    assert slow == []
    assert hub.watchers == 1
    hub.close()
    await fine
    assert hub.watchers == 0


async def test_the_end_of_the_hub_is_the_end_of_every_stream():
    hub, watched = EventHub(), Heard()
    tasks = [await started(hub, watched) for _ in range(3)]
    hub.close()
    await asyncio.gather(*tasks)
    assert hub.watchers == 0
