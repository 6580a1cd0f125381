"""Committed facts for whoever shows them."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.model.state import Decision, UnitState
from monitor.service.events import EventHub


def batch(number: int) -> Sequence[Decision]:
    state = UnitState("02143", number)
    return (Decision(before=state, after=state),)


def test_listeners_hear_every_batch_in_order():
    hub = EventHub()
    heard: list[int] = []
    hub.listen(lambda decisions: heard.append(decisions[0].after.version))
    for number in range(5):
        hub.publish(batch(number))
    assert heard == [0, 1, 2, 3, 4]


def test_a_listener_that_breaks_costs_nobody_else_anything(caplog):
    hub = EventHub()
    heard: list[int] = []

    def broken(_: Sequence[Decision]) -> None:
        raise RuntimeError("a plug-in")

    hub.listen(broken)
    hub.listen(lambda decisions: heard.append(decisions[0].after.version))
    hub.publish(batch(7))
    assert heard == [7]
    assert "a listener broke" in caplog.text
