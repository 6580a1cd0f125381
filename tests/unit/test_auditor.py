"""The auditor of plans: what it must find, and what it must not call a gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from monitor.alerting.auditor import Audit, Fault, Gap, excused, gaps, owes_since
from monitor.alerting.plan import StepSpec
from monitor.model.colour import Colour
from monitor.model.incident import Incident, Notice, Phase
from monitor.model.muting import NOTHING_MUTED, Muting
from monitor.model.state import UnitState
from monitor.model.unit import Units
from tests.unit.alerting_scene import COMMUNE, DIRECTORY, HOUR, MINUTE, OUTAGES, centre, local, minutes, reacted
from tests.unit.muting_scene import silence

NOW = local(6, 9)
DOWN = centre(Colour.RED, NOW, 20.0)
UNITS = Units((replace(COMMUNE, parent=None),))
GRACE = 60.0


def opened(*steps: StepSpec) -> tuple[Incident, tuple[Notice, ...]]:
    directory = replace(DIRECTORY, policies=(replace(OUTAGES, steps=steps),)) if steps else DIRECTORY
    alerts = reacted({}, DOWN, NOW, directory=directory)
    (incident,) = alerts.open.values()
    return incident, alerts.notices


def outbox(notices: Sequence[Notice], state: str = "sent", why: str = "") -> dict[str, tuple[str, str]]:
    return {notice.key: (state, why) for notice in notices}


def faults(incident: Incident, rows: dict[str, tuple[str, str]], after: float = 0.0, excuse: str = "") -> list[Fault]:
    found = gaps([incident], {incident.key: rows}, lambda _: excuse, NOW + minutes(after), GRACE)
    assert all((gap.incident, gap.ref) == (incident.key, incident.ref) for gap in found)
    return [gap.fault for gap in found]


def test_an_ordinary_incident_has_no_gap():
    incident, notices = opened()
    assert faults(incident, outbox(notices)) == []
    for state, why in (("pending", ""), ("leased", ""), ("refused", "no such number"), ("suppressed", "recovered")):
        assert faults(incident, outbox(notices, state, why)) == []


def test_a_message_that_was_deleted_is_lost():
    incident, notices = opened()
    rows = outbox(notices)
    del rows[notices[0].key]
    assert faults(incident, rows) == [Fault.LOST]


def test_a_step_marked_as_called_without_any_message_is_untold():
    incident, notices = opened()
    first, second, *rest = incident.steps
    planted = replace(incident, steps=(first, replace(second, fired=1), *rest))
    assert faults(planted, outbox(notices), after=40) == [Fault.UNTOLD]
    named = replace(incident, steps=(first, replace(second, fired=1, called="0/1/0"), *rest))
    assert faults(named, outbox(notices), after=40) == [Fault.UNTOLD]


def test_what_an_older_version_called_counts_by_its_people():
    incident, notices = opened()
    first, *rest = incident.steps
    assert faults(replace(incident, steps=(replace(first, called=""), *rest)), outbox(notices)) == []


def test_a_message_suppressed_without_a_reason_is_a_gap():
    incident, notices = opened()
    assert faults(incident, outbox(notices, "suppressed")) == [Fault.UNREASONED] * len(notices)


def test_a_step_is_uncalled_from_its_grace_on_and_a_repeat_too():
    incident, notices = opened()
    assert faults(incident, outbox(notices), after=30) == []
    assert faults(incident, outbox(notices), after=31) == [Fault.UNCALLED]
    again, told = opened(StepSpec(0, ("commune_focal",), ("mail",), repeat=HOUR))
    assert faults(again, outbox(told), after=60.5) == []
    assert faults(again, outbox(told), after=61) == [Fault.UNCALLED]


def test_what_excuses_a_call_is_no_gap():
    incident, notices = opened()
    assert faults(incident, outbox(notices), after=45, excuse="silenced") == []
    answered = replace(incident, phase=Phase.ACKNOWLEDGED)
    assert faults(answered, outbox(notices), after=45) == []


def test_a_step_that_reached_nobody_left_its_reason():
    nobody, _ = opened(StepSpec(0, ("nobody_holds_this",), ("mail",)))
    assert [step.skipped for step in nobody.steps] == ["nobody"]
    assert faults(nobody, {}) == []
    still = StepSpec(30 * MINUTE, ("commune_chair",), ("sms",), still=True)
    directory = replace(DIRECTORY, policies=(replace(OUTAGES, steps=(OUTAGES.steps[0], still)),))
    before = reacted({}, DOWN, NOW, directory=directory)
    later = reacted(before.open, centre(Colour.UNKNOWN, NOW, 80.0), NOW + minutes(30), directory=directory)
    (incident,) = later.open.values()
    assert incident.steps[1].skipped == "unseen"
    assert faults(incident, outbox(before.notices), after=45) == []


def test_a_lower_step_that_falls_due_with_a_higher_one_says_who_told_its_people():
    two = (StepSpec(MINUTE, ("commune_focal",), ("mail",)), StepSpec(2 * MINUTE, ("commune_focal",), ("mail",)))
    directory = replace(DIRECTORY, policies=(replace(OUTAGES, steps=two),))
    before = reacted({}, DOWN, NOW, directory=directory)
    later = reacted(before.open, DOWN, NOW + minutes(5), directory=directory)
    (incident,) = later.open.values()
    assert [(step.skipped, step.called) for step in incident.steps] == [("told by a later step", ""), ("", "0/1/0")]
    assert faults(incident, outbox(later.notices), after=10) == []


def test_a_silence_maintenance_and_a_missing_unit_are_excuses():
    incident, _ = opened()
    state = UnitState(COMMUNE.code, criteria=DOWN)
    assert excused(incident, state, UNITS, NOTHING_MUTED, NOW) == ""
    muted = Muting(silences=(silence(NOW - minutes(1), NOW + minutes(1), "unit=02143"),))
    assert excused(incident, state, UNITS, muted, NOW)
    assert excused(incident, state, UNITS, muted, NOW + minutes(2)) == ""
    out = UnitState(COMMUNE.code, criteria=centre(Colour.MAINTENANCE, NOW))
    assert excused(incident, out, UNITS, NOTHING_MUTED, NOW) == "maintenance"
    assert excused(incident, None, UNITS, NOTHING_MUTED, NOW) == "the unit is not on the site"


def test_a_gap_counts_when_two_runs_have_found_it():
    one, two = (Gap("i", "ABCDEF", Fault.LOST, name) for name in ("one", "two"))
    first = Audit().after([one])
    second = first.after([one, two])
    third = second.after([two])
    assert [run.found for run in (first, second, third)] == [frozenset(), {one}, {two}]


def test_an_incident_owes_a_call_from_the_time_of_its_next_step_on_and_none_once_it_was_answered():
    incident, _ = opened()
    assert owes_since(incident) == min(step.due_at for step in incident.steps if step.fired == 0)
    assert owes_since(replace(incident, phase=Phase.ACKNOWLEDGED)) is None
    assert owes_since(replace(incident, steps=())) is None
    called = tuple(replace(step, fired=1, repeat=None) for step in incident.steps)
    assert owes_since(replace(incident, steps=called)) is None
    held = replace(called[0], held_until=NOW + minutes(5))
    assert owes_since(replace(incident, steps=(held, *called[1:]))) == NOW + minutes(5)
