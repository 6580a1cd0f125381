"""Which calls that nobody took are still an alarm, and what it says."""

from __future__ import annotations

from dataclasses import replace

from monitor.alerting.unheard import figures, still_owed
from monitor.model.incident import Answer, Cover, Incident, Party, Phase, Terms, Unheard
from tests.unit.alerting_scene import DIRECTORY, local
from tests.unit.test_auditor import opened

INCIDENT, _ = opened()
FIRST = Unheard(INCIDENT.key, INCIDENT.unit, f"{INCIDENT.generation}/0/0", local(6, 9))


def owed(incident: Incident | None, call: Unheard = FIRST, excuse: str = "") -> bool:
    return bool(still_owed([call], lambda _: incident, lambda _: excuse))


def test_a_call_that_nobody_took_is_owed_while_its_incident_is_open_and_unanswered():
    assert owed(INCIDENT)
    assert [phase for phase in Phase if owed(replace(INCIDENT, phase=phase))] == [Phase.OPEN]
    assert not owed(None)


def test_what_is_silenced_explained_or_called_for_anew_is_superseded():
    assert not owed(INCIDENT, excuse="silenced by an")
    assert not owed(replace(INCIDENT, cover=Cover("19", "mass:centre")))
    assert owed(replace(INCIDENT, cover=Cover("19", "mass:centre", spares=("02143",))))
    new = INCIDENT.generation + 1
    assert not owed(replace(INCIDENT, generation=new, since_generation=new))


def test_what_nobody_heard_is_owed_also_when_the_plan_was_made_anew_for_others():
    """The answer of one party has ended, or a mass outage: the calls to everybody else are as they were."""
    first, *others = (replace(step, called=f"0/{number}/0") for number, step in enumerate(INCIDENT.steps))
    anew = replace(INCIDENT, generation=1, steps=(*others, first))  # other numbers
    assert owed(anew)
    said = figures(still_owed([FIRST], lambda _: anew, lambda _: ""), DIRECTORY)
    assert said is not None and said["posts_vi"] == DIRECTORY.roles[first.role][0]
    assert owed(replace(anew, steps=tuple(others)))  # it was repeated since
    said = figures(still_owed([FIRST], lambda _: replace(anew, steps=()), lambda _: ""), DIRECTORY)
    assert said is not None and said["posts_vi"] is None


def test_a_call_to_a_party_that_has_answered_by_another_way_is_over():
    people = tuple(one.recipient for one in INCIDENT.steps[0].to)
    parties = (Party("one", people), Party("two", ("chair",)))
    waiting = replace(INCIDENT, terms=Terms(parties=parties))
    assert owed(waiting)
    assert not owed(replace(waiting, answers=(Answer(people[0], INCIDENT.opened_at, party="one"),)))
    assert owed(replace(waiting, answers=(Answer("chair", INCIDENT.opened_at, party="two"),)))


def test_what_is_no_call_of_the_plan_is_none():
    assert not owed(INCIDENT, replace(FIRST, call="0/reminder/2025-08-06T02:00:00+00:00"))
    assert not owed(INCIDENT, replace(FIRST, call="0"))


def test_the_alarm_counts_the_calls_and_names_the_oldest_with_its_posts():
    assert figures([], DIRECTORY) is None
    said = figures(still_owed([FIRST, FIRST], lambda _: INCIDENT, lambda _: ""), DIRECTORY)
    assert said is not None
    assert (said["count"], said["first_code"], said["first_ref"]) == (2, INCIDENT.unit, INCIDENT.ref)
    role = INCIDENT.steps[0].role
    assert (said["posts_vi"], said["posts_en"]) == DIRECTORY.roles.get(role, (role, role))
