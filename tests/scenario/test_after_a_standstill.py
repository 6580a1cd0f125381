"""What fell due while nobody looked: the unit is asked once more before anybody is called for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from monitor.alerting.incidents import react
from monitor.alerting.troubles import Silent, Trouble
from monitor.model.colour import Colour
from monitor.model.incident import Kind, Notice, Outcome, Receipt
from monitor.model.verdict import CriterionState
from monitor.testing.clock import run
from monitor.testing.doubles import Reply
from monitor.testing.site import COMMUNES, MAX_AGE, POLL
from tests.unit.alerting_scene import CENTRE, DIRECTORY, INDICATORS, centre, local, minutes, reacted, scene
from tests.unit.own_alarm_scene import Scene

DOWN = Reply(Receipt(Outcome.TRY_AGAIN, "503"), arrives=False)
NOW = local(6, 9)
MORNING = local(7, 6)
MINUTELY = {**INDICATORS, "centre_outage_minutes": replace(INDICATORS["centre_outage_minutes"], cadence=60.0)}


def heard(colour: Colour, at, received) -> Mapping[str, CriterionState]:
    """The centre as it is judged at one instant, by an answer that came at another."""
    state = centre(colour, at, 16.0)[CENTRE.id]
    return {CENTRE.id: replace(state, verdict=replace(state.verdict, received_at=received))}


def opened():
    return reacted({}, heard(Colour.RED, NOW, NOW), NOW, indicators=MINUTELY).open


def told(alerts) -> list[str]:
    return [notice.recipient for notice in alerts.notices]


@pytest.mark.parametrize("colour", [Colour.RED, Colour.UNKNOWN])
def test_after_a_night_without_power_nobody_is_called_before_the_unit_was_asked_again(colour):
    """The head was due after 30 minutes, the chair after two hours; their server slept from 9:01 until 6:00."""
    awake = reacted(opened(), heard(colour, MORNING, NOW), MORNING, indicators=MINUTELY, began=MORNING)
    asked = MORNING + minutes(1.5)
    assert (told(awake), awake.recheck_at) == ([], asked)
    well = reacted(awake.open, heard(Colour.GREEN, asked, asked), asked, indicators=MINUTELY, began=MORNING)
    assert {notice.kind for notice in well.notices} == {"recovered"}
    assert set(told(well)) == {"focal"}


@pytest.mark.parametrize(("colour", "received"), [(Colour.RED, MORNING + minutes(1)), (Colour.UNKNOWN, NOW)])
def test_what_is_still_there_or_cannot_be_seen_then_is_called_at_once(colour, received):
    awake = reacted(opened(), heard(Colour.UNKNOWN, MORNING, NOW), MORNING, indicators=MINUTELY, began=MORNING)
    asked = MORNING + minutes(1.5)
    after = reacted(awake.open, heard(colour, asked, received), asked, indicators=MINUTELY, began=MORNING)
    assert told(after) == ["head", "chair"]


def test_what_is_well_by_its_first_answer_after_it_is_not_called_for_until_it_is_clear():
    alerts = opened()
    back = heard(Colour.RED, MORNING, MORNING)
    held = {CENTRE.id: replace(back[CENTRE.id], raw=Colour.GREEN, raw_since=MORNING)}
    awake = reacted(alerts, held, MORNING, indicators=MINUTELY, began=MORNING - minutes(0.01))
    assert (told(awake), awake.recheck_at) == ([], MORNING + minutes(1.49))


QUIET = Silent("portal", local(4, 9), 172_800.0, 68.9, local(4, 9))


def test_what_a_source_that_is_silent_was_to_be_called_for_waits_until_it_could_be_asked():
    told_of = reacted({}, {}, NOW, [QUIET])
    awake = reacted(told_of.open, {}, MORNING, [QUIET], began=MORNING)
    assert (told(awake), awake.recheck_at) == ([], MORNING + minutes(5))
    assert told(reacted(awake.open, {}, MORNING + minutes(5), [QUIET], began=MORNING)) == ["head", "chair"]


def test_a_mass_outage_that_was_open_before_waits_until_its_units_could_be_asked():
    facts = dict.fromkeys(("affected", "total", "units", "codes", "more"), 6) | {"whole": False, "few": False}
    mass = {"mass:centre": Trouble("mass:centre", Kind.MASS, Colour.RED, NOW, facts)}
    policy = replace(DIRECTORY.policies[0], kinds=frozenset({Kind.MASS}))
    view = scene({}, directory=replace(DIRECTORY, policies=(policy,)), causes=frozenset(mass))
    begun = react({}, mass, view, NOW)
    assert told(begun) == ["focal", "focal"]
    awake = react(begun.open, mass, replace(view, began=MORNING), MORNING)
    assert (told(awake), awake.recheck_at) == ([], MORNING + minutes(5))


def test_a_call_that_a_silence_held_does_not_wait_although_no_answer_came_for_long():
    """A figure that comes once a day, and its silence ends: the service was awake."""
    daily = heard(Colour.RED, MORNING, NOW)
    assert told(reacted(opened(), daily, MORNING, indicators=MINUTELY, began=NOW - minutes(600))) == ["head", "chair"]


def test_a_restart_of_some_minutes_puts_nothing_off():
    began = NOW + minutes(34)
    seen = heard(Colour.RED, NOW, NOW + minutes(29))
    assert told(reacted(opened(), seen, began, indicators=MINUTELY, began=began)) == ["head"]


def test_a_call_that_is_in_time_does_not_wait_although_nothing_is_seen():
    dark = heard(Colour.UNKNOWN, NOW, NOW)
    assert told(reacted(opened(), dark, NOW + minutes(30), indicators=MINUTELY)) == ["head"]


def off_for_an_hour(meanwhile: Callable[[Scene], None]) -> list[Notice]:
    """What rang of an outage whose messages a dead gateway did not take before the service was off; in their order."""
    rings: list[Notice] = []

    async def story() -> None:
        scene = Scene()
        rules = scene.site.ruleset
        known = {key: replace(one, cadence=POLL) for key, one in rules.indicators.items()}
        scene.site = replace(scene.site, ruleset=replace(rules, indicators=known))
        scene.service = scene.made()
        await scene.service.start()
        await scene.passes(5)
        scene.broken |= {"sms": DOWN, "mail": DOWN}
        scene.down.add(COMMUNES[0])
        await scene.passes(5)
        await scene.service.stop()
        meanwhile(scene)
        scene.broken.clear()
        await scene.passes(60)
        scene.service = scene.made()
        await scene.service.start()
        await scene.passes(10)
        rings.extend(ring.notice for name in ("sms", "mail") for ring in scene.transports[name].rings)
        await scene.service.stop()

    run(story())
    return rings


def test_a_message_that_waited_while_the_service_was_off_waits_for_its_unit_and_goes_if_that_is_still_down():
    assert off_for_an_hour(lambda scene: scene.down.clear()) == []
    still_down = off_for_an_hour(lambda _: None)
    assert {(notice.kind, notice.recipient) for notice in still_down} >= {("outage", f"focal-{COMMUNES[0]}")}
    assert {notice.kind for notice in still_down} == {"outage"}


def test_a_service_that_was_off_calls_nobody_for_what_was_over_before_it_came_back():
    async def story() -> None:
        scene = Scene()
        rules = scene.site.ruleset
        known = {key: replace(one, cadence=POLL) for key, one in rules.indicators.items()}
        scene.site = replace(scene.site, ruleset=replace(rules, indicators=known))
        scene.service = scene.made()
        await scene.service.start()
        await scene.passes(5)
        scene.down.add(COMMUNES[0])
        await scene.passes(5)
        await scene.service.stop()
        scene.down.clear()
        await scene.passes(60)
        before = len(scene.transports["sms"].rings) + len(scene.transports["mail"].rings)
        assert before
        scene.service = scene.made()
        await scene.service.start()
        await scene.passes(10)
        rings = [ring.notice for name in ("sms", "mail") for ring in scene.transports[name].rings]
        assert {notice.kind for notice in rings[before:]} <= {"recovered"}
        assert {notice.kind for notice in rings} == {"outage", "recovered"}
        assert "head" not in {notice.recipient for notice in rings}
        await scene.service.stop()

    assert MAX_AGE < 3600
    run(story())
