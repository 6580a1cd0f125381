"""What is decided while the store is away: kept in its order, by events and not by polls, and handed over once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.adapters.store.memory import MemoryStore
from monitor.alerting.plan import Directory, Recipient, StepSpec
from monitor.alerting.plan import Policy as Plan
from monitor.decide import Policy, Watch
from monitor.engine.book import Criterion, Need
from monitor.model.errors import StoreError
from monitor.model.incident import (
    LATER,
    Delivery,
    Fault,
    Incident,
    Kind,
    Notice,
    Outcome,
    Phase,
    Receipt,
    Step,
    Unheard,
)
from monitor.model.reading import Collected, Reading, SourceHealth
from monitor.model.state import Decision, Transition, UnitState, Withhold
from monitor.service.away import backlog as keeping
from monitor.service.away.backlog import READINGS, Backlog
from monitor.service.away.line import PATIENCE
from monitor.service.evaluator import Evaluator
from monitor.testing.clock import LoopClock, run
from tests.unit.engine_scene import (
    CALENDAR,
    CENTRE,
    COMMUNE,
    COMMUNES,
    GREEN,
    MINUTE,
    NATION,
    NOON,
    ONLINE,
    OTHER,
    PROVINCE,
    RED,
    SESSIONS,
    SHARE,
    SHARED,
    SYSTEM,
    ruleset,
    told,
    units,
)

# -- what is kept ------------------------------------------------------------------------------------------------------


def reading(number: int, source: str = "portal") -> Reading:
    return told(float(number), NOON + timedelta(seconds=number), source=source)


def quiet(before: UnitState, *news: Reading) -> Decision:
    return Decision(before, replace(before, evidence={one.indicator: one for one in news}), readings=news)


def loud(before: UnitState, **what: object) -> Decision:
    change = Transition(before.unit, "", NOON, GREEN, RED)
    return Decision(before, before, **{"transitions": (change,), **what})  # type: ignore[arg-type]


def call(number: int, recipient: str = "an", channel: str = "sms", *, requires: str | None = None) -> Notice:
    key, due_at = f"incident/0/0/{number}/{recipient}/{channel}", NOON + number * MINUTE
    return Notice(key, "incident", "REF", COMMUNE, "outage", recipient, channel, due_at, "", "", "", requires=requires)


def episode(key: str, **how: object) -> Incident:
    return Incident(key, "REF", COMMUNE, "up", Kind.OUTAGE, RED, NOON, **how)  # type: ignore[arg-type]


def test_a_decision_that_nobody_is_told_of_goes_into_the_one_before_it():
    kept = Backlog()
    state = kept.add(loud(UnitState(COMMUNE, 7)))
    for number in range(5):
        state = kept.add(quiet(state, reading(number)))
    (one,) = kept.owed([COMMUNE])
    assert (one.before.version, state.version, len(one.transitions)) == (7, 8, 1)
    assert one.after.evidence == {"rate": reading(4)}
    assert [reading.value for reading in one.readings] == [0, 1, 2, 3, 4]


def test_of_many_readings_the_last_ones_and_the_last_of_each_source_are_kept():
    kept, state = Backlog(), UnitState(COMMUNE)
    state = kept.add(quiet(state, reading(0, "another")))
    for number in range(1, 1000):
        state = kept.add(quiet(state, reading(number)))
    (one,) = kept.owed([COMMUNE])
    assert [one.value for one in one.readings] == [0, *range(1000 - READINGS, 1000)]


def test_changes_of_colour_are_kept_each_for_itself_and_handed_over_in_rounds():
    kept = Backlog()
    first, other = kept.add(loud(UnitState(COMMUNE))), kept.add(loud(UnitState(OTHER)))
    kept.add(loud(first))
    assert [(one.before.unit, one.before.version) for one in kept.owed([COMMUNE, OTHER])] == [
        (COMMUNE, 0), (OTHER, 0), (COMMUNE, 1),
    ]  # fmt: skip
    assert other.version == 1


def test_what_a_later_call_withholds_of_what_is_kept_and_of_what_the_store_has_is_handed_over(monkeypatch):
    def later(*keys: str) -> Withhold:
        return Withhold("incident", LATER, notices=frozenset(keys))

    known = replace(UnitState(COMMUNE, 7), incidents={"up": episode("incident")})
    monkeypatch.setattr(keeping, "MOST", 3)
    kept, state = Backlog(), known
    for n in range(1, 6):
        named = (later(call(n - 1).key, "stored"),) if n > 1 else ()
        state = kept.add(loud(state, notices=(call(n),), withheld=named))
    made = kept.owed([COMMUNE])
    assert made[0].withheld == (later("stored"),)  # by the decisions that became one
    assert [order for one in made for order in one.withheld if call(1).key in (order.notices or ())] == [
        later(call(1).key)
    ]


def test_how_an_incident_is_now_goes_into_the_decision_before():
    kept = Backlog()
    state = kept.add(loud(UnitState(COMMUNE), incidents=(episode("a"),)))
    for count in range(1000):
        state = kept.add(Decision(state, state, incidents=(episode("a", facts={"count": count}),)))
    (one,) = kept.owed([COMMUNE])
    assert one.incidents == (episode("a", facts={"count": 999}),)


def test_a_clock_that_is_set_back_moves_what_had_fallen_due_and_not_what_is_owed_in_the_morning():
    kept = Backlog()
    kept.add(loud(UnitState(COMMUNE), notices=(call(1), call(60), call(600))))
    kept.hasten(3600.0, NOON + MINUTE)
    (one,) = kept.owed([COMMUNE])
    assert [notice.due_at for notice in one.notices] == [NOON - 59 * MINUTE, NOON, NOON + 600 * MINUTE]


def made_one(monkeypatch: pytest.MonkeyPatch, *decisions: Mapping[str, object]) -> list[Decision]:
    """These decisions, of which no more than three are kept."""
    monkeypatch.setattr(keeping, "MOST", 3)
    kept, state = Backlog(), UnitState(COMMUNE, 7)
    for one in decisions:
        state = kept.add(loud(state, **one))
    made = kept.owed([COMMUNE])
    assert (len(made), state.version) == (3, 10)
    assert [one.before.version for one in made] == [7, 8, 9]
    return made


def test_of_too_many_decisions_the_two_oldest_become_one_and_what_was_withheld_is_so_still(monkeypatch):
    over = Withhold("incident", "recovered")
    made = made_one(monkeypatch, {"notices": (call(1),)}, {"withheld": (over,), "notices": (call(2),)}, {}, {})
    assert [notice.key for notice in made[0].notices] == [call(1).key, call(2).key]
    assert made[0].withheld == ()
    assert made[1].withheld == (Withhold("incident", "recovered", notices=frozenset({call(1).key})),)


def test_what_a_plan_names_is_kept_of_many_calls_and_the_last_one(monkeypatch):
    plan = (Step(NOON, (), called="0/0/2"),)
    told = ({"notices": (call(n),), "incidents": (episode("incident", steps=plan),)} for n in range(30))
    keys = [notice.key for notice in made_one(monkeypatch, *told)[0].notices]
    assert keys == [call(number).key for number in (2, 25, 26, 27)]


def test_of_many_that_came_and_went_the_last_ones_are_kept_with_their_messages(monkeypatch):
    def passed(number: int) -> dict[str, object]:
        one = episode(f"{number}", phase=Phase.CLOSED)
        return {"incidents": (one,), "notices": (replace(call(number), incident=one.key),)}

    first = made_one(monkeypatch, *map(passed, range(30)))[0]
    assert [one.key for one in first.incidents] == ["25", "26", "27"]
    assert [one.incident for one in first.notices] == ["25", "26", "27"]
    assert len(first.transitions) == 3


def test_what_the_store_was_asked_to_take_stays_as_it_is():
    kept = Backlog()
    state = kept.add(loud(UnitState(COMMUNE)), asked=True)
    last = kept.add(quiet(state, reading(1)))
    taken = kept.taken(state)
    assert taken is not None and [one.after for one in taken] == [UnitState(COMMUNE)]
    assert [one.before for one in kept.owed([COMMUNE])] == [state]
    assert kept.taken(replace(last, reported=RED)) is None
    assert kept.taken(last) and not kept


def test_what_the_store_was_asked_to_take_is_recognised_when_older_decisions_are_one(monkeypatch):
    monkeypatch.setattr(keeping, "MOST", 3)
    kept, state = Backlog(), UnitState(COMMUNE)
    for number in range(3):
        state = kept.add(loud(replace(state, reported=(GREEN, RED, GREEN)[number])), asked=True)
    later = kept.add(loud(replace(state, reported=RED)))
    assert (state.version, later.version) == (3, 3)
    assert kept.taken(state) is not None
    assert [one.before for one in kept.owed([COMMUNE])] == [state]


# -- the evaluator over a store that comes and goes -------------------------------------------------------------------


class AwayStore(MemoryStore):
    """Refuses, answers nothing, or writes and says no."""

    def __init__(self) -> None:
        super().__init__()
        self.away = self.lies = False
        self.hangs: asyncio.Event | None = None
        self.commits = 0

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[UnitState]:
        self.commits += 1
        if self.hangs is not None:
            await self.hangs.wait()
        if self.away:
            raise StoreError("disk full")
        states = await super().commit(decisions)
        if self.lies:
            raise StoreError("no answer")
        return states

    async def save_health(self, health: Sequence[SourceHealth]) -> None:
        if self.away:
            raise StoreError("disk full")
        await super().save_health(health)


def plans() -> Directory:
    """The duty officer at once, and again after every 150 s; the head after five minutes."""
    steps = (StepSpec(0, ("duty",), ("log",), repeat=150.0), StepSpec(300.0, ("head",), ("log",)))
    duty = Recipient("duty", "duty", PROVINCE, "Trực ban", channels=("log",))
    head = Recipient("head", "head", PROVINCE, "Giám đốc", channels=("log",))
    roles = {"duty": ("trực ban", "duty officer"), "head": ("giám đốc", "head")}
    return Directory((duty, head), (Plan("all", frozenset(Kind), steps),), roles)


FEED = Watch("portal", PROVINCE, frozenset({"rate"}), 900.0, frozenset(COMMUNES))
HELD = replace(CENTRE, hold=Need(2), keep=Need(2))


class SteppedClock(LoopClock):
    """A clock whose wall time can be stepped."""

    step = timedelta()

    def now(self) -> datetime:
        return super().now() + self.step


class Office:
    """An evaluator, its store, and what it published."""

    def __init__(self, people: Directory | None = None, centre: Criterion = HELD, online: Criterion = ONLINE) -> None:
        self.clock = SteppedClock(NOON)
        self.store = AwayStore()
        self.published: list[Decision] = []
        rules = ruleset(centre, SHARED, online, SHARE)
        policy = Policy(units(), rules, people or plans(), CALENDAR, SESSIONS, (FEED,))
        self.evaluator = Evaluator(policy, self.store, self.clock, self.published.extend)

    def probe(self, well: bool, *communes: str) -> None:
        now = self.clock.now()
        for unit in communes or (COMMUNE,):
            one = told(well, now, unit=unit, indicator="up", source=f"probe/{unit}")
            self.evaluator.take(Collected(one.source, now, (one,)))

    def system(self, well: bool) -> None:
        now = self.clock.now()
        self.evaluator.take(
            Collected("probe", now, (told(well, now, unit=SYSTEM, indicator="system_up", source="probe"),))
        )

    def feed(self, value: float) -> None:
        now = self.clock.now()
        rows = tuple(told(value, now, unit=unit) for unit in COMMUNES)
        self.evaluator.take(Collected("portal", now, rows))

    def fine(self) -> None:
        self.system(True)
        self.probe(True, *COMMUNES)
        self.feed(90.0)

    async def passes(self, seconds: float) -> None:
        """All is asked each half minute and answers as it did; `seconds` go by."""
        await self.clock.sleep(seconds)

    def colours(self) -> dict[str, str]:
        return {unit: state.colour.value for unit, state in self.evaluator.shown.items()}

    def stored(self, unit: str = COMMUNE) -> str:
        return self.evaluator.states[unit].colour.value


def play(story: Callable[[Office], Awaitable[None]], **how: Any) -> None:
    async def whole() -> None:
        await lived(Office(**how), story)

    run(whole())


async def lived(office: Office, story: Callable[[Office], Awaitable[None]]) -> None:
    await office.store.open()
    await office.evaluator.load()
    task = asyncio.ensure_future(office.evaluator.run())
    await story(office)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def polled(office: Office, seconds: int, *down: str) -> None:
    """Each thirty seconds everything is asked; those that are down say so."""
    for _ in range(seconds // 30):
        office.system(True)
        for unit in COMMUNES:
            office.probe(unit not in down, unit)
        office.feed(90.0)
        await office.clock.sleep(30)


def test_while_the_store_is_away_judging_goes_on_and_is_shown_as_not_stored():
    async def story(office: Office) -> None:
        await polled(office, 60)
        told = len(office.published)
        office.store.away = True
        await polled(office, 120, COMMUNE)
        assert [office.evaluator.unstored_since] == [NOON + timedelta(seconds=60.05)]
        shown = office.evaluator.shown
        assert (shown[COMMUNE].colour, shown[OTHER].colour, shown[PROVINCE].colour) == (RED, GREEN, RED)
        assert office.stored() == "green"
        assert shown[COMMUNE].incidents == {} == office.evaluator.states[COMMUNE].incidents
        assert not any(one.notices or one.incidents for one in office.published[told:])
        office.store.away = False
        await polled(office, 30, COMMUNE)
        assert office.evaluator.unstored_since is None
        assert office.evaluator.shown is office.evaluator.states
        assert office.stored() == "red"

    play(story)


def test_nothing_is_shown_greener_than_its_evidence_allows():
    async def story(office: Office) -> None:
        await polled(office, 60)
        office.store.away = True
        await office.passes(200)
        assert office.colours()[COMMUNE] == "unknown"
        assert office.stored() == "green"

    play(story)


def test_on_the_return_incidents_have_the_times_at_which_they_were_judged():
    async def story(office: Office) -> None:
        await polled(office, 60)
        office.store.away = True
        await polled(office, 240, COMMUNE)
        await polled(office, 360)
        office.store.away = False
        await polled(office, 30)
        (incident,) = [one for one in await office.store.incidents(open_only=False) if one.cause == "up"]
        assert incident.opened_at == NOON + timedelta(seconds=60 + 30.05)  # the second bad answer
        assert incident.closed_at == NOON + timedelta(seconds=60 + 240 + 30.05)
        calls = [one for one in await office.store.deliveries() if one.notice.incident == incident.key]
        assert {one.state for one in calls if one.notice.requires is None} == {Outcome.SUPPRESSED.value}
        changes = [(one.after, one.at) for one in await office.store.transitions(COMMUNE) if not one.criterion]
        assert [colour for colour, _ in changes[:2]] == [GREEN, RED]

    play(story)


async def owed(office: Office) -> list[Delivery]:
    return [one for one in await office.store.deliveries() if one.state == "pending"]


def test_of_the_calls_that_fell_due_meanwhile_each_person_hears_the_last():
    async def story(office: Office) -> None:
        await polled(office, 60)
        office.store.away = True
        await polled(office, 660, COMMUNE)
        office.store.away, back = False, office.clock.now()
        await office.clock.sleep(3)
        waiting = [one for one in await owed(office) if one.notice.cause == "up"]
        assert sorted(one.notice.recipient for one in waiting) == ["duty", "head"]
        assert await office.store.stuck(back) == (0, None)  # none is late at once
        reasons = {one.detail for one in await office.store.deliveries() if one.state == Outcome.SUPPRESSED.value}
        assert reasons == {LATER}

    play(story)


def test_who_pushes_or_answers_is_refused_and_nothing_overtakes_what_is_kept():
    async def story(office: Office) -> None:
        await polled(office, 60, OTHER)
        (incident,) = office.evaluator.states[OTHER].incidents.values()
        office.store.away = True
        await polled(office, 60, COMMUNE, OTHER)
        with pytest.raises(StoreError):
            await office.evaluator.submit([told(10.0, office.clock.now())])
        with pytest.raises(StoreError):
            await office.evaluator.acknowledge(incident.ref, "an")
        with pytest.raises(StoreError):
            await office.evaluator.tell(COMMUNE, ())
        office.store.away = False
        await office.evaluator.acknowledge(incident.ref, "an")  # before the loop has looked
        assert office.stored() == "red"
        assert office.evaluator.states[COMMUNE].evidence["rate"].value == 10.0
        assert office.evaluator.states[OTHER].incidents["up"].acked_by == "an"

    play(story)


def test_a_store_that_does_not_answer_is_away_until_it_does():
    async def story(office: Office) -> None:
        await polled(office, 60)
        office.store.hangs = hangs = asyncio.Event()
        await polled(office, 120, COMMUNE)
        assert office.evaluator.degraded == f"it does not answer within {PATIENCE:g} s"
        assert office.colours()[COMMUNE] == "red"
        asked = office.store.commits
        await polled(office, 120, COMMUNE)
        assert office.store.commits == asked
        office.store.hangs = None
        hangs.set()
        await polled(office, 30, COMMUNE)
        assert (office.evaluator.degraded, office.stored()) == ("", "red")

    play(story)


def test_a_store_that_writes_and_says_no_is_found_out_and_nothing_is_written_twice():
    async def story(office: Office) -> None:
        await polled(office, 60)
        office.store.lies = True
        await polled(office, 90, COMMUNE)
        office.store.lies = False
        await polled(office, 90, COMMUNE)
        assert (office.evaluator.degraded, office.stored()) == ("", "red")
        changes = [one.after for one in await office.store.transitions(COMMUNE) if one.criterion == "up"]
        assert changes == [RED, GREEN]
        (incident,) = [one for one in await office.store.incidents() if one.cause == "up"]
        assert incident.opened_at == NOON + timedelta(seconds=90.05)

    play(story)


def test_where_the_store_holds_what_is_not_ours_the_unit_is_judged_anew():
    async def story(office: Office) -> None:
        await polled(office, 60)
        office.store.away = True
        await polled(office, 90, COMMUNE)
        office.store._states[COMMUNE] = replace(office.store._states[COMMUNE], version=99)
        office.store.away = False
        await polled(office, 120, COMMUNE)
        state = office.evaluator.states[COMMUNE]
        assert (state.colour, state.version >= 100, office.evaluator.degraded) == (RED, True, "")

    play(story)


def test_a_unit_that_changes_for_ever_is_kept_in_so_many_decisions_and_loses_no_colour(monkeypatch):
    monkeypatch.setattr(keeping, "MOST", 6)

    async def story(office: Office) -> None:
        await polled(office, 60)
        office.store.away = True
        for _ in range(2):  # two rows of the feed make it red
            office.feed(50.0)
            await office.clock.sleep(30)
        for number in range(40):
            office.system(True)
            office.probe(number % 2 == 0, COMMUNE)
            await office.clock.sleep(60)
            assert len(office.evaluator._detour.backlog._kept[COMMUNE]) <= 6
            assert office.evaluator.shown[COMMUNE].criteria["rate"].colour is RED
        office.store.away = False
        await office.clock.sleep(5)
        state = office.evaluator.states[COMMUNE]
        assert (office.evaluator.degraded, state.criteria["rate"].colour, "rate" in state.incidents) == ("", RED, True)

    at_once, held = replace(HELD, hold=Need(1), keep=Need(1)), replace(ONLINE, hold=Need(2), keep=Need(2))
    play(story, centre=at_once, online=held)


def test_an_incident_that_is_told_again_and_again_keeps_the_time_at_which_it_opened(monkeypatch):
    monkeypatch.setattr(keeping, "MOST", 4)

    async def story(office: Office) -> None:
        await polled(office, 60)
        office.store.away = True
        await polled(office, 1800, COMMUNE)  # a call each 150 s
        office.store.away = False
        await polled(office, 30, COMMUNE)
        found = [one for one in await office.store.incidents(open_only=False) if one.cause == "up"]
        assert [one.opened_at - NOON for one in found] == [timedelta(seconds=60 + 30.05)]
        assert sorted(one.notice.recipient for one in await owed(office) if one.notice.cause == "up") == [
            "duty",
            "head",
        ]

    play(story)


def test_a_clock_set_back_while_the_store_is_away_makes_no_call_late():
    async def story(office: Office) -> None:
        await polled(office, 60)
        office.store.away = True
        await polled(office, 90, COMMUNE)
        office.clock.step = -timedelta(hours=1)
        await polled(office, 60, COMMUNE)
        office.store.away = False
        await polled(office, 30, COMMUNE)
        assert [one for one in await owed(office) if one.notice.cause == "up"]
        due = await office.store.next_due("log")
        assert due is not None and due <= office.clock.now()

    play(story)


def by_steps(*steps: StepSpec, channels: tuple[str, ...] = ("log",)) -> Directory:
    people = plans()
    reached = tuple(replace(one, channels=channels) for one in people.recipients)
    return replace(people, recipients=reached, policies=(Plan("all", frozenset(Kind), steps),))


def test_a_call_by_one_channel_is_not_dropped_for_a_later_one_by_another():
    steps = (StepSpec(0, ("duty",), ("sms",)), StepSpec(300.0, ("duty",), ("mail",)))

    async def story(office: Office) -> None:
        await polled(office, 60)
        office.store.away = True
        await polled(office, 660, COMMUNE)
        office.store.away = False
        await office.clock.sleep(3)
        assert sorted(one.notice.channel for one in await owed(office) if one.notice.cause == "up") == ["mail", "sms"]

    play(story, people=by_steps(*steps, channels=("sms", "mail")))


@pytest.mark.parametrize("away", [False, True])
def test_a_call_that_reached_nobody_is_over_when_the_next_step_was_told(away):
    found: list[Unheard] = []

    async def story(office: Office) -> None:
        await polled(office, 60)
        office.store.away = away
        await polled(office, 420, COMMUNE)
        office.store.away = False
        await polled(office, 30, COMMUNE)
        now = office.clock.now()
        for lease in await office.store.lease("log", "me", now, 50, 20.0):
            head = lease.notice.recipient == "head"
            said = Receipt(Outcome.SENT) if head else Receipt(Outcome.REFUSED, fault=Fault.RECIPIENT)
            assert await office.store.settle(lease, said, now, None)
        found.extend(await office.store.unheard(now + 2 * MINUTE))

    play(story, people=by_steps(StepSpec(0, ("duty",), ("log",)), StepSpec(300.0, ("head",), ("log",))))
    assert found == []


def test_a_kill_while_the_store_is_away_loses_what_was_never_accepted_and_no_more():
    async def story(office: Office) -> None:
        await polled(office, 60)
        await office.evaluator.submit([told(75.0, office.clock.now())])
        office.store.away = True
        await polled(office, 90, COMMUNE)
        again = Office()
        again.store = office.store
        again.evaluator = Evaluator(office.evaluator.policy, office.store, office.clock, again.published.extend)
        await again.evaluator.load()
        assert again.evaluator.states[COMMUNE].evidence["rate"].value == 75.0
        assert again.evaluator.states == office.evaluator.states

    play(story)


# -- as if the store had never been away ------------------------------------------------------------------------------

EVENT = st.one_of(
    st.tuples(st.just("probe"), st.booleans(), st.sampled_from(COMMUNES)),
    st.tuples(st.just("system"), st.booleans()),
    st.tuples(st.just("feed"), st.sampled_from([50.0, 70.0, 90.0])),
    st.tuples(st.just("wait")),
)
EVENTS = st.lists(st.tuples(st.sampled_from([1, 20, 60, 150]), EVENT), min_size=1, max_size=8)
_DOWN, _UP = ("probe", False, COMMUNE), ("probe", True, COMMUNE)
_COMES_AND_GOES = [(20, event) for event in (_DOWN, _DOWN, _UP, _UP, _DOWN, _DOWN, ("feed", 50.0), ("feed", 50.0))]


@pytest.mark.parametrize("most", [2, keeping.MOST])
@settings(max_examples=15, deadline=None)
@given(before=EVENTS, meanwhile=EVENTS, after=st.lists(EVENTS, max_size=1))
@example([(1, _DOWN)], [(60, _DOWN), (60, _UP), (60, _UP)], [])
@example([], _COMES_AND_GOES * 4, [])
def test_after_the_return_all_is_as_if_the_store_had_never_been_away(most, before, meanwhile, after):
    """Beyond the bound old changes, what came and went, and calls that later ones repeat are gone."""

    async def story(office: Office, away: bool) -> None:
        await happens(office, before)
        office.store.away = away
        await happens(office, meanwhile)
        office.store.away = False
        await office.clock.sleep(3)
        for events in after:
            await happens(office, events)

    async def one(away: bool) -> Office:
        office = Office()
        await lived(office, lambda it: story(it, away))
        return office

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping, "MOST", most)
        never, was = run(one(False)), run(one(True))
    assert was.evaluator.degraded == ""
    assert stripped(was.evaluator.states) == stripped(never.evaluator.states)
    assert was.store._states == {unit: one for unit, one in was.evaluator.states.items() if one.version}
    found, all_incidents, rows, all_rows = _incidents(was), _incidents(never), _rows(was), _rows(never)
    gone, gone_rows = all_incidents.keys() - found.keys(), all_rows.keys() - rows.keys()
    assert most == 2 or not (gone or gone_rows)
    assert found == {key: all_incidents[key] for key in found}
    assert not any(all_incidents[key].open for key in gone)
    for key, row in rows.items():
        # Where the later call is one of those that are gone, what withheld that one withheld this one as well.
        replaced = row.detail == LATER or (most == 2 and all_rows[key].detail == LATER)
        assert replaced or (row.state, row.detail) == (all_rows[key].state, all_rows[key].detail)
    for key in gone_rows:
        call = all_rows[key].notice
        assert call.incident in gone or any(_repeats(row.notice, call) for row in rows.values())
    for unit in (*COMMUNES, SYSTEM, PROVINCE, NATION):
        told, changes = was.store._transitions[unit], never.store._transitions[unit]
        assert told == [one for one in changes if one in told] if most == 2 else told == changes
        assert _last_of_each(told) == _last_of_each(changes)


async def happens(office: Office, events: Sequence[tuple[int, tuple[object, ...]]]) -> None:
    for gap, (what, *given_) in events:
        await office.clock.sleep(gap)
        if what != "wait":
            getattr(office, str(what))(*given_)


def _repeats(later: Notice, call: Notice) -> bool:
    same = (later.incident, later.recipient, later.channel) == (call.incident, call.recipient, call.channel)
    return same and later.due_at > call.due_at


def _last_of_each(changes: Sequence[Transition]) -> dict[str, Transition]:
    return {one.criterion: one for one in changes}


def stripped(states: dict[str, UnitState]) -> dict[str, UnitState]:
    """What was committed in fewer steps has a lower version."""
    return {unit: replace(state, version=0) for unit, state in states.items()}


def _rows(office: Office) -> dict[str, Delivery]:
    return {key: row.delivery() for key, row in office.store._notices._rows.items()}


def _incidents(office: Office) -> dict[str, Incident]:
    return dict(office.store._incidents)
