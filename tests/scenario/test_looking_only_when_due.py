"""Cost follows change: looking at news and at `recheck_at` decides the same as looking at every minute as well."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.decide import Policy, View, decide
from monitor.engine.book import Band, Book, Condition, Criterion, Indicator, Measure, Need, Ruleset
from monitor.engine.hygiene import after_poll
from monitor.engine.rolling import Derived, Plan, What
from monitor.model.colour import Colour
from monitor.model.muting import NOTHING_MUTED, Muting
from monitor.model.reading import Collected, Reading, SourceHealth
from monitor.model.rolling import Answer
from monitor.model.state import Decision, UnitState
from monitor.model.unit import Level
from monitor.service.app import policy_of
from monitor.testing.site import COMMUNES, FEED, PROVINCE, small_site
from tests.unit.muting_scene import muting, silence, window

START = datetime(2025, 8, 19, 15, 40, tzinfo=UTC)  # eighty minutes before a deadline and a midnight
MINUTE = timedelta(minutes=1)
HOURS = 3
COMMUNE = COMMUNES[0]
EXAMPLES = settings().max_examples // 4  # each is hundreds of decisions


def policy() -> Policy:
    """The small site with rules that also look at time alone: how long the line is down, holds in seconds, and a figure
    that is derived from the probe and goes stale.
    """
    made = policy_of(small_site())
    elapsed = Indicator("down", "x", "x", "x", "minutes", "x", 3000, measure=Measure.ELAPSED, of="reachable")
    bands = (
        Band(Colour.GREEN, (Condition("<", 5.0),), "<5"),
        Band(Colour.YELLOW, (Condition(">=", 5.0), Condition("<=", 17.0)), "5 to 17"),
        Band(Colour.RED, (Condition(">", 17.0),), ">17"),
    )
    rule = Criterion(
        "line", "trial", "x", "x", frozenset({Level.COMMUNE}), "down", bands=bands, weight={Level.COMMUNE: 4.0},
        hold=Need(1, 130.0), keep=Need(2, 300.0), outage=True,
    )  # fmt: skip
    rolling = Indicator("available", "x", "x", "x", "%", "x", 1500.0, cadence=600.0)
    derived = Criterion(
        "day", "trial", "x", "x", frozenset({Level.COMMUNE}), "available", min_sample=20,
        bands=(Band(Colour.GREEN, (Condition(">=", 80.0),), ">=80"), Band(Colour.RED, (Condition("<", 80.0),), "<80")),
        weight={Level.COMMUNE: 4.0}, hold=Need(1, 130.0), keep=Need(2),
    )  # fmt: skip
    book = Book("timed", "1", "x", "x", (rule, derived))
    rules = Ruleset({**made.ruleset.indicators, "down": elapsed, "available": rolling}, (*made.ruleset.books, book))
    plan = Plan("probe", 300.0, (Derived("available", What.AVAILABILITY, 3600.0, known=30.0),))
    return replace(made, ruleset=rules, plans={"probe": plan})


@dataclass(frozen=True)
class News:
    """One poll: of the probe (good, bad), of the feed (with our row, without it, failed)."""

    second: int
    feed: bool
    good: bool
    value: float | None


POLLS = st.lists(
    st.builds(
        News,
        second=st.integers(0, (HOURS - 1) * 3600),
        feed=st.booleans(),
        good=st.booleans(),
        value=st.sampled_from((None, 60.0, 79.99, 80.0, 95.0)),
    ),
    min_size=1,
    max_size=40,
)


def told(decision: Decision) -> Iterable[object]:
    """What a decision changes for others: colours, incidents, what is owed and no longer owed."""
    yield from ((t.criterion, t.at, t.before, t.after) for t in decision.transitions)
    yield from ((i.key, i.phase, i.kind, i.generation) for i in decision.incidents)
    yield from ((n.key, n.due_at) for n in decision.notices)
    yield from decision.withheld


class Line:
    """One unit through time: decided when it has news, when its time has come, and at `every` tick if given."""

    def __init__(self, unit: str, rules: Policy) -> None:
        self.rules = rules
        self.state = UnitState(unit)
        self.health: dict[str, SourceHealth] = {}
        self.said: list[object] = []
        self.looks = 0

    def look(self, now: datetime, *news: Reading, answers: tuple[Answer, ...] = ()) -> None:
        decision = decide(View(self.state, news, health=self.health, answers=answers), self.rules, now)
        self.state = decision.after
        self.said += told(decision)
        self.looks += 1

    def play(self, polls: Iterable[News], *, every_minute: bool) -> None:
        waiting = sorted(polls, key=lambda poll: poll.second)
        minutes = [START + n * MINUTE for n in range(HOURS * 60)] if every_minute else []
        end = START + timedelta(hours=HOURS)
        self.look(START)
        while True:
            poll_at = START + timedelta(seconds=waiting[0].second) if waiting else end
            now = min(poll_at, self.state.recheck_at or end, minutes[0] if minutes else end)
            if now >= end:
                return
            if minutes and minutes[0] <= now:
                minutes.pop(0)
            if waiting and poll_at <= now:
                self.poll(waiting.pop(0), now)
            else:
                self.look(now)

    def poll(self, poll: News, now: datetime) -> None:
        if not poll.feed:
            answer = Answer(COMMUNE, "probe", now, poll.good)
            self.look(now, Reading(COMMUNE, "reachable", poll.good, now, now, "probe"), answers=(answer,))
            return
        from_feed = () if not poll.good or poll.value is None else (poll.value,)
        failure = "" if poll.good else "503"
        self.health[FEED] = after_poll(self.health.get(FEED), Collected(FEED, now, failure=failure), PROVINCE)
        self.look(now, *(Reading(COMMUNE, "online", value, now, now, FEED) for value in from_feed))


def same(unit: str, polls: list[News], muted: Muting = NOTHING_MUTED) -> tuple[Line, Line]:
    rules = replace(policy(), muting=muted)
    lazy, eager = Line(unit, rules), Line(unit, rules)
    lazy.play(polls, every_minute=False)
    eager.play(polls, every_minute=True)
    return lazy, eager


@settings(max_examples=EXAMPLES)
@given(polls=POLLS)
def test_a_commune_is_decided_the_same_when_looked_at_only_when_due(polls):
    lazy, eager = same(COMMUNE, polls)
    assert lazy.said == eager.said
    assert lazy.state.incidents == eager.state.incidents


@settings(max_examples=EXAMPLES)
@given(polls=POLLS)
def test_the_owner_of_a_feed_is_decided_the_same_when_looked_at_only_when_due(polls):
    lazy, eager = same(PROVINCE, [replace(poll, feed=True, value=None) for poll in polls])
    assert lazy.said == eager.said
    assert lazy.state.incidents == eager.state.incidents


def test_a_derived_figure_is_told_judged_and_goes_stale_the_same_when_looked_at_only_when_due():
    polls = [News(300 * n, False, not 4 <= n < 8, None) for n in range(20)]  # the last at 95 minutes of 180
    lazy, eager = same(COMMUNE, polls)
    assert lazy.said == eager.said
    assert {Colour.RED, Colour.UNKNOWN} <= {one[3] for one in lazy.said if isinstance(one, tuple) and one[0] == "day"}
    assert lazy.state.rolling == eager.state.rolling != {}


SPANS = st.tuples(st.integers(0, HOURS * 60), st.integers(1, 90)).map(
    lambda of: (START + of[0] * MINUTE, START + (of[0] + of[1]) * MINUTE)
)


@settings(max_examples=EXAMPLES)
@given(polls=POLLS, work=st.lists(SPANS, max_size=2), quiet=st.lists(SPANS, max_size=2), of=st.booleans())
def test_with_windows_and_silences_it_is_decided_the_same_when_looked_at_only_when_due(polls, work, quiet, of):
    unit = PROVINCE if of else COMMUNE
    muted = muting(
        *(window(starts, ends, f"unit={unit}", name=f"M-{n}") for n, (starts, ends) in enumerate(work)),
        *(silence(starts, ends, name=f"S-{n}") for n, (starts, ends) in enumerate(quiet)),
    )
    lazy, eager = same(unit, polls, muted)
    assert lazy.said == eager.said
    assert lazy.state.incidents == eager.state.incidents


def test_looking_only_when_due_is_the_cheaper_half_of_it():
    lazy, eager = same(COMMUNE, [News(600 * n, False, n % 6 < 3, None) for n in range(17)])
    assert lazy.said == eager.said and len(lazy.said) > 5
    assert lazy.looks * 2 < eager.looks
