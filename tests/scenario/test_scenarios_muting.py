"""Silences and maintenance over the whole service in virtual time, by the scenarios of docs/scenarios.md."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model.colour import Colour
from monitor.model.incident import Phase
from monitor.model.muting import Silence, Window
from monitor.service.app import Service
from monitor.testing.clock import run
from tests.scenario.muting_story import START, A, Act, B, Story, at, play
from tests.unit.muting_scene import silence, window

MAINTENANCE = Colour.MAINTENANCE


def muted(what: Silence | Window) -> Act:
    return lambda service: service.desk.add(what, "an")


def freed(what: Silence | Window) -> Act:
    return lambda service: service.desk.end(what.id, type(what), "binh")


def both_down(unit: str, minute: float) -> bool:
    return minute >= 2


def down_between(first: float, last: float):
    return lambda unit, minute: unit == A and first <= minute < last


def recipients(story: Story, unit: str) -> list[str]:
    return [who for _, who in story.rang(unit)]


def test_sc_22_a_silence_mutes_what_it_matches_and_nothing_else_and_what_fell_due_comes_once_at_its_end():
    """SC-22."""
    quiet = silence(START, at(60), f"unit={A}")
    story = play(both_down, [(0.5, muted(quiet))], minutes=65)
    assert [minute for minute, _ in story.rang(A) if minute < 60] == []
    assert {minute for minute, _ in story.rang(A)} == {60.0}
    assert len(recipients(story, A)) == len(set(recipients(story, A)))  # once each, however much fell due
    assert story.rang(B)[0][0] < 15 and len(story.rang(B)) >= 4


def test_sc_23_when_a_silence_is_ended_early_messages_go_on_in_that_moment():
    """SC-23."""
    quiet = silence(START, at(600))
    story = play(both_down, [(0.5, muted(quiet)), (30, freed(quiet))], minutes=40)
    assert {minute for minute, _ in story.rang(A)} == {30.0} == {minute for minute, _ in story.rang(B)}


def test_sc_28_the_end_of_maintenance_shows_at_once_and_an_answer_given_before_it_still_stands():
    """SC-28, inverted on purpose: there the blackout is still shown until the next report."""
    work = window(at(10), at(600), f"unit={A}")

    async def answer(service: Service) -> None:
        (incident,) = service.evaluator.states[A].incidents.values()
        await service.evaluator.acknowledge(incident.ref, "an")

    acts = [(5, answer), (10, muted(work)), (30, freed(work))]
    story = play(both_down, acts, minutes=90, look=(9, 10, 29, 30, 35))
    assert [story.colours[A, minute] for minute in (9, 10, 29)] == [Colour.RED, MAINTENANCE, MAINTENANCE]
    assert story.colours[A, 30] is Colour.UNKNOWN  # nothing was heard since
    assert story.colours[A, 35] is Colour.RED
    assert [minute for minute, _ in story.rang(A) if minute > 5] == []


def test_sc_29_what_breaks_under_maintenance_pages_nobody_and_afterwards_only_the_first_step_goes_out():
    """SC-29."""
    work = window(START, at(60), f"unit={A}")
    story = play(both_down, [(0.5, muted(work))], minutes=68, look=(30,))
    assert story.colours[A, 30] is MAINTENANCE
    assert recipients(story, A) == []  # the focal point has no mail; what it got is in the next line
    first = [ring for ring in story.rings if ring.notice.unit == A]
    assert {ring.notice.recipient for ring in first} == {f"focal-{A}"}
    assert all(at(60) < ring.at < at(63) for ring in first)


def test_sc_89_what_recovers_under_a_silence_is_closed_and_only_those_who_were_told_hear_of_it_at_its_end():
    """SC-89."""
    told = play(down_between(2, 20), [(15, muted(silence(at(15), at(60))))], minutes=70)
    heard = {(r.notice.recipient, r.notice.channel) for r in told.rings if r.notice.kind == "outage"}
    after = [r for r in told.rings if r.notice.kind == "recovered"]
    assert heard and {(r.notice.recipient, r.notice.channel) for r in after} == heard
    assert {r.at for r in after} == {at(60)}
    never = play(down_between(2, 20), [(0.5, muted(silence(START, at(60))))], minutes=70)
    assert never.rings == []


def test_a_silence_that_begins_by_itself_holds_what_is_owed_and_lets_it_go_at_its_end():
    story = play(both_down, [(0.5, muted(silence(at(8), at(40))))], minutes=60)
    assert [ring for ring in story.rings if at(8) <= ring.at < at(40)] == []
    assert any(at(40) <= ring.at < at(40.1) for ring in story.rings)


def test_it_is_said_in_the_outbox_which_silence_holds_a_recovery():
    story = play(down_between(2, 20), [(15, muted(silence(at(15), at(60))))], minutes=50)

    async def asked() -> list[tuple[str, str]]:
        found = await story.store.deliveries()
        return [(one.state, one.detail) for one in found if one.notice.kind == "recovered"]

    assert set(run(asked())) == {("pending", "silence S-ONE")}


# -- whatever happens -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    down: tuple[tuple[int, int], ...]
    quiet: tuple[tuple[int, int, int | None], ...]  # from, for, ended early at


SPANS = st.tuples(st.integers(1, 80), st.integers(3, 30))
PLANS = st.builds(
    Plan,
    down=st.lists(SPANS, min_size=1, max_size=3).map(tuple),
    quiet=st.lists(
        st.tuples(st.integers(0, 80), st.integers(1, 40), st.none() | st.integers(1, 90)), min_size=1, max_size=3
    ).map(tuple),
)


def silences(plan: Plan) -> list[tuple[Silence, float]]:
    """Each with the minute in which it was really over."""
    made = []
    for number, (first, lasts, early) in enumerate(plan.quiet):
        ends = first + lasts
        over = min(ends, early) if early is not None and early > first else ends
        made.append((silence(at(first), at(ends), name=f"S-{number}"), float(over)))
    return made


@settings(max_examples=settings().max_examples // 8)
@given(plan=PLANS)
def test_nothing_is_sent_while_muted_no_recovery_that_is_owed_is_lost_and_nothing_stays_behind(plan):
    acts: list[tuple[float, Act]] = []
    for quiet, over in silences(plan):
        acts.append(((quiet.starts - START) / timedelta(minutes=1), muted(quiet)))
        if at(over) < quiet.ends:
            acts.append((over, freed(quiet)))
    story = play(lambda unit, m: unit == A and any(a <= m < a + n for a, n in plan.down), acts, minutes=240)
    for ring in story.rings:
        assert not any(quiet.starts < ring.at < at(over) for quiet, over in silences(plan))
    incidents = run(story.store.incidents(open_only=False))
    assert all(incident.phase is Phase.CLOSED for incident in incidents)
    for incident in incidents:
        mine = [ring for ring in story.rings if ring.notice.incident == incident.key]
        told = {(r.notice.recipient, r.notice.channel) for r in mine if r.notice.requires is None}
        recovered = {(r.notice.recipient, r.notice.channel) for r in mine if r.notice.requires is not None}
        assert recovered == told
    assert len({ring.key for ring in story.rings}) == len(story.rings)
    assert run(story.store.outbox()) == {}
