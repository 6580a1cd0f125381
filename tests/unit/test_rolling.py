"""Derived figures: rolling sums against a plain list of all answers, and what is and is not counted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from math import ceil
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.store import codec
from monitor.engine.book import Indicator
from monitor.engine.rolling import (
    DAY,
    ERROR,
    HOUR,
    Derived,
    Figure,
    Plan,
    What,
    figure,
    latency_class,
    merged,
    pack,
    percentile,
    roll,
    roll_all,
    unpack,
)
from monitor.model.hours import Calendar, Sessions
from monitor.model.reading import Reading
from monitor.model.rolling import Answer, Rolling, Tally
from monitor.model.state import UnitState

START = datetime(2025, 8, 5, 16, 20, tzinfo=UTC)  # forty minutes before midnight in Vietnam
VIETNAM = Calendar(frozenset(), frozenset(), ZoneInfo("Asia/Ho_Chi_Minh"))
BERLIN = Calendar(frozenset(), frozenset(), ZoneInfo("Europe/Berlin"))
OFFICE = Sessions(VIETNAM, (((time(7, 30), time(11, 30)), (time(13, 30), time(17))),) * 5 + ((), ()))
PERIOD = 60.0
PATIENCE = 150.0  # seconds: two and a half periods

DAY_LONG = Derived("available", What.AVAILABILITY, 24 * HOUR, known=0)
MONTH_LONG = Derived("month", What.AVAILABILITY, 30 * DAY, known=0)
LOSS = Derived("lossy", What.LOSS, 2 * HOUR)
SLOW = Derived("slow", What.P95, 6 * HOUR)
PLAN = Plan("probe", PERIOD, (DAY_LONG, MONTH_LONG, LOSS, SLOW))


def indicator(name: str, unit: str, cadence: float) -> Indicator:
    return Indicator(name, "x", "x", "x", unit, "x", 9000.0, cadence=cadence)


INDICATORS = {
    "available": indicator("available", "%", 3600.0),
    "month": indicator("month", "%", 3600.0),
    "lossy": indicator("lossy", "%", 300.0),
    "slow": indicator("slow", "s", 300.0),
    "office": indicator("office", "minutes", 60.0),
}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def answer(seconds: float, good: bool = True, took: float = 0.2, **more: int) -> Answer:
    return Answer("19", "probe", at(seconds), good, took if good else None, **{"lost": int(not good), **more})


def rolled(*answers: Answer, plan: Plan = PLAN, calendar: Calendar = VIETNAM, before: Rolling | None = None) -> Rolling:
    now = before
    for one in answers:
        now = roll(now, one, plan, calendar)
    assert now is not None
    return now


def shown(derived: Derived, now: Rolling, seconds: float, calendar: Calendar = VIETNAM) -> Figure:
    found = figure(derived, now, at(seconds), calendar)
    assert found is not None
    return found


# -- the list model ----------------------------------------------------------------------------------------------


@dataclass
class Listed:
    """All answers, kept; every figure is counted from the whole list."""

    answers: list[Answer]
    excluded: list[tuple[datetime, datetime]]

    def spoken(self, begin: datetime) -> tuple[float, float]:
        """Seconds up and down since an instant."""
        sums = {True: 0.0, False: 0.0}
        for one, following in pairwise(self.answers):
            late = (following.at - one.at).total_seconds() > PATIENCE
            end = one.at + timedelta(seconds=PERIOD) if late else following.at
            begins = max(one.at, begin)
            if begins < end:
                left_out = [(min(last, end) - max(first, begins)).total_seconds() for first, last in self.excluded]
                sums[one.good] += (end - begins).total_seconds() - sum(max(0.0, out) for out in left_out)
        return sums[True], sums[False]

    def counted(self, begin: datetime) -> list[Answer]:
        planned = [any(first <= one.at < last for first, last in self.excluded) for one in self.answers]
        return [one for one, out in zip(self.answers, planned, strict=True) if one.at >= begin and not out]


GAPS = st.sampled_from((15.0, 60.0, 60.0, 61.5, 149.9, 150.0, 150.1, 900.0, 5_000.0, 40_000.0, 100_000.0))
POLLS = st.lists(st.tuples(GAPS, st.booleans(), st.floats(0.0005, 90.0)), min_size=2, max_size=60)
SPANS = st.lists(st.tuples(st.integers(0, 300_000), st.integers(1, 20_000)), max_size=2)


def apart(spans: list[tuple[int, int]]) -> list[tuple[datetime, datetime]]:
    """Spans that do not overlap: the second begins after the first."""
    found, reached = list[tuple[datetime, datetime]](), 0
    for begin, length in sorted(spans):
        begins = max(begin, reached)
        reached = begins + length
        found.append((at(begins), at(reached)))
    return found


@given(POLLS, SPANS)
def test_figures_are_those_of_a_list_of_all_answers(polls, spans):
    excluded, now, seconds = tuple(apart(spans)), None, 0.0
    answers = list[Answer]()
    for gap, good, took in polls:
        seconds += gap
        answers.append(answer(seconds, good, took))
        now = roll(now, answers[-1], PLAN, VIETNAM, excluded)
    assert now is not None
    listed, last = Listed(answers, list(excluded)), answers[-1].at
    for derived, begin in (
        (DAY_LONG, (last - timedelta(days=1)).replace(minute=0, second=0, microsecond=0)),
        (MONTH_LONG, VIETNAM.start_of_day(VIETNAM.local(last - timedelta(days=30)).date())),
    ):
        up, down = listed.spoken(begin)
        found = figure(derived, now, last, VIETNAM)
        if up + down == 0:
            assert found is None
            continue
        assert found is not None and found.numerator is not None
        stretches = 25 if derived is DAY_LONG else 31
        assert abs(found.numerator * 60 - up) <= stretches * 0.0005 + 1e-6  # rounded once when an hour or day closes
        assert abs(found.down * 60 - down) <= stretches * 0.0005 + 1e-6
        assert found.value == pytest.approx(100 * up / (up + down), abs=0.1)
    counted = listed.counted((last - timedelta(hours=2)).replace(minute=0, second=0, microsecond=0))
    found = figure(LOSS, now, last, VIETNAM)
    assert (found is None) == (not counted)
    if found is not None:
        assert (found.numerator, found.denominator) == (sum(one.lost for one in counted), len(counted))
    counted = listed.counted((last - timedelta(hours=6)).replace(minute=0, second=0, microsecond=0))
    took = sorted(max(one.seconds, 0.001) for one in counted if one.seconds is not None)
    found = figure(SLOW, now, last, VIETNAM)
    assert (found is None) == (not took)
    if found is not None:
        exact = took[max(0, ceil(0.95 * len(took)) - 1)]
        assert found.value == pytest.approx(exact, rel=ERROR + 1e-9)
        assert found.denominator == len(took)


@given(POLLS)
def test_a_restart_after_any_answer_changes_nothing(polls):
    kept = started_anew = None
    seconds = 0.0
    for gap, good, took in polls:
        seconds += gap
        kept = roll(kept, answer(seconds, good, took), PLAN, VIETNAM)
        state = UnitState("19", rolling={} if started_anew is None else {"probe": started_anew})
        read = codec.STATE.decode(codec.STATE.encode(replace(state, rolling=without_closed(state.rolling))))
        before = with_closed(read.rolling.get("probe"), started_anew)
        started_anew = roll(before, answer(seconds, good, took), PLAN, VIETNAM)
    assert started_anew == kept


def without_closed(rolling):
    return {source: with_closed(one, None) for source, one in rolling.items()}


def with_closed(rolling, other):
    if rolling is None:
        return None
    hours, days = (b"", b"") if other is None else (other.hours.closed, other.days.closed)
    return replace(rolling, hours=replace(rolling.hours, closed=hours), days=replace(rolling.days, closed=days))


LATENCIES = st.lists(st.floats(0.0001, 4000.0), max_size=50)


def classed(latencies: list[float]) -> dict[int, int]:
    found: dict[int, int] = {}
    for seconds in latencies:
        found = merged((found, {latency_class(seconds): 1}))
    return found


@given(LATENCIES, LATENCIES, LATENCIES)
def test_latencies_of_stretches_add_up_in_any_order_to_those_of_all_together(one, two, three):
    first, second, third = map(classed, (one, two, three))
    assert merged((merged((first, second)), third)) == merged((first, merged((second, third))))
    assert merged((first, second)) == merged((second, first)) == classed(one + two)


@given(LATENCIES, st.sampled_from((0.5, 0.9, 0.95, 0.99)))
def test_a_percentile_is_within_the_stated_error_of_the_answer_of_its_rank(latencies, share):
    found = percentile(classed(latencies), share)
    if not latencies:
        assert found is None
        return
    exact = max(sorted(latencies)[max(0, ceil(share * len(latencies)) - 1)], 0.001)
    assert found == pytest.approx(exact, rel=ERROR + 1e-9)


TALLIES = st.lists(
    st.builds(
        Tally,
        start=st.integers(0, 10**6),
        up=st.integers(0, 90_000_000).map(lambda ms: ms / 1000),
        down=st.integers(0, 90_000_000).map(lambda ms: ms / 1000),
        excluded=st.integers(0, 90_000_000).map(lambda ms: ms / 1000),
        sent=st.integers(0, 10**6),
        lost=st.integers(0, 10**6),
        latencies=st.dictionaries(st.integers(0, 254), st.integers(1, 65_535)),
    ),
    max_size=5,
)


@given(TALLIES)
def test_packed_tallies_come_back(tallies):
    assert unpack(pack(tallies)) == tallies


# -- time ----------------------------------------------------------------------------------------------------------


def minutes(*states: bool, since: float = 0) -> list[Answer]:
    """One answer a minute."""
    return [answer(since + 60 * number, good) for number, good in enumerate(states)]


def test_an_outage_counts_from_the_first_bad_answer_to_the_first_good_one():
    now = rolled(*minutes(True, True, False, False, True, True))
    found = shown(DAY_LONG, now, 300)
    assert (found.down, found.numerator, found.denominator) == (2.0, 3.0, 5.0)
    assert found.value == 60.0


def test_time_without_answers_is_neither_up_nor_down_beyond_one_period():
    now = rolled(answer(0), answer(60), answer(60 + 3600, False), answer(3720, True))
    found = shown(MONTH_LONG, now, 3720)
    assert (found.numerator, found.down, found.denominator) == (2.0, 1.0, 3.0)
    assert found.measured == pytest.approx(100 * 3 / 62)


def test_an_answer_that_is_a_little_late_leaves_no_gap():
    found = shown(DAY_LONG, rolled(answer(0, False), answer(PATIENCE, True)), PATIENCE)
    assert (found.down, found.measured) == (2.5, 100.0)


def test_availability_is_not_told_while_too_little_of_its_window_is_known():
    strict = replace(MONTH_LONG, known=50.0)
    now = rolled(answer(0), answer(60), answer(4000), answer(4060))
    assert figure(strict, now, at(4060), VIETNAM) is None
    assert figure(replace(strict, known=2.0), now, at(4060), VIETNAM) is not None


def test_half_a_second_is_measured_in_full_and_nothing_more_than_all_of_it_ever_is():
    found = shown(replace(DAY_LONG, known=100.0), rolled(answer(0), answer(0.5)), 0.5)
    assert (found.value, found.measured) == (100.0, 100.0)
    rounded_up = rolled(*(answer(0.0004 + 60 * minute) for minute in range(60)))
    assert shown(DAY_LONG, rounded_up, 3540.0004).measured == 100.0
    assert shown(LOSS, rolled(answer(0)), 0).measured == 0.0


def test_the_window_begins_with_the_first_answer_or_at_the_start_of_its_first_hour_or_day():
    now = rolled(*(answer(60 * number) for number in range(40 * 24 * 60)))
    end = 60.0 * (40 * 24 * 60 - 1)  # 00:19 of 15 September in Vietnam
    assert shown(DAY_LONG, now, end).since == at(end - 24 * 3600 - 19 * 60)
    assert shown(MONTH_LONG, now, end).since == VIETNAM.start_of_day(datetime(2025, 8, 15).date())
    assert now.hours is not None and now.days is not None
    assert (len(unpack(now.hours.closed)), len(unpack(now.days.closed))) == (24, 30)
    young = rolled(*minutes(True, True, True))
    assert shown(MONTH_LONG, young, 120).since == START
    assert 30 <= shown(MONTH_LONG, now, end).denominator / 24 / 60 < 31


def test_time_is_cut_where_hours_meet_and_an_hour_of_which_nothing_is_known_takes_no_room():
    hourly = rolled(answer(0), answer(8_000), plan=Plan("probe", 3_600.0, (LOSS,)))
    assert hourly.hours is not None
    assert [tally.up for tally in unpack(hourly.hours.closed)] == [2_400.0, 3_600.0]
    assert hourly.hours.open.up == 2_000.0
    late = rolled(answer(2_340), answer(2_400 + 7_200))  # the first one spoke up to the end of its hour
    assert late.hours is not None
    assert [tally.up for tally in unpack(late.hours.closed)] == [60.0]


def test_what_lies_before_the_window_no_longer_counts():
    ill = [answer(60 * number, good=number >= 60) for number in range(60 * 40)]
    assert shown(DAY_LONG, rolled(*ill[: 60 * 24]), 60 * (60 * 24 - 1)).down == 60.0
    assert shown(DAY_LONG, rolled(*ill), 60 * (60 * 40 - 1)).down == 0.0


def test_time_passing_without_answers_moves_the_window_and_says_nothing():
    now = rolled(*minutes(False, True, True))
    assert shown(DAY_LONG, now, 3600 * 20).down == 1.0
    assert figure(LOSS, now, at(3600 * 20), VIETNAM) is None
    told = roll_all({"probe": now}, (), {"probe": PLAN}, INDICATORS, OFFICE)
    assert told.rolling == {"probe": now} and told.readings == ()


def test_an_answer_at_midnight_belongs_to_the_day_that_begins():
    now = rolled(*minutes(*[True] * 41))
    assert now.days is not None
    assert (now.days.open.start, now.days.open.up) == (datetime(2025, 8, 6).toordinal(), 0)
    assert [tally.up for tally in unpack(now.days.closed)] == [2400]


def test_a_day_of_twenty_five_hours_is_one_day():
    fold = datetime(2025, 10, 26, 12, tzinfo=UTC)
    since = (fold - START).total_seconds() - 3 * 86_400
    now = rolled(*(answer(since + 60 * number) for number in range(3 * 24 * 60)), calendar=BERLIN)
    assert now.days is not None
    days = {tally.start: tally.up for tally in unpack(now.days.closed)}
    assert days[datetime(2025, 10, 25).toordinal()] == 24 * 3600
    following = rolled(*(answer(since + 60 * number) for number in range(4 * 24 * 60)), calendar=BERLIN)
    assert following.days is not None
    days = {tally.start: tally.up for tally in unpack(following.days.closed)}
    assert days[datetime(2025, 10, 26).toordinal()] == 25 * 3600


# -- what is left out ----------------------------------------------------------------------------------------------


def test_planned_maintenance_is_neither_up_nor_down_and_its_answers_do_not_count():
    states = [True] * 10 + [False] * 20 + [True] * 11
    planned = ((at(600), at(1500)), (at(1200), at(1680)))  # two that overlap: 18 of the 20 bad minutes
    now = None
    for one in minutes(*states):
        now = roll(now, one, PLAN, VIETNAM, planned)
    assert now is not None
    found = shown(DAY_LONG, now, 2400)
    assert (found.down, found.excluded, found.numerator, found.measured) == (2.0, 18.0, 20.0, 100.0)
    assert shown(LOSS, now, 2400).denominator == 41 - 18


def test_of_one_minute_every_window_takes_its_own_part_once():
    apart = ((at(10), at(20)), (at(30), at(35)), (at(32), at(40)), (at(55), at(600)))
    now = roll(rolled(answer(0)), answer(60), PLAN, VIETNAM, apart)
    assert shown(DAY_LONG, now, 60).excluded == (10 + 10 + 5) / 60


def test_maintenance_that_is_announced_afterwards_changes_nothing():
    now = rolled(*minutes(False, False, True))
    later = roll(now, answer(180), PLAN, VIETNAM, ((at(0), at(120)),))
    assert shown(DAY_LONG, later, 180).down == 2.0


def test_a_bad_answer_has_no_latency_and_every_attempt_counts_for_loss():
    now = rolled(answer(0, took=1.0, sent=3, lost=2), answer(60, False, sent=4, lost=4), answer(120, took=1.0))
    assert (shown(LOSS, now, 120).numerator, shown(LOSS, now, 120).denominator) == (6.0, 8.0)
    assert shown(SLOW, now, 120).denominator == 2


# -- the clock -----------------------------------------------------------------------------------------------------


def test_the_same_answer_twice_and_a_small_step_back_count_nothing():
    now = rolled(answer(0), answer(60))
    assert roll(now, answer(60), PLAN, VIETNAM) is now
    assert roll(now, answer(30, False), PLAN, VIETNAM) is now


def test_latencies_are_classed_from_a_millisecond_to_the_last_class():
    assert [latency_class(seconds) for seconds in (0.0001, 0.001, 0.00101, 1e9)] == [0, 0, 1, 254]


def test_a_clock_that_was_ahead_for_a_while_costs_what_it_measured_then_and_nothing_else():
    before = rolled(*minutes(*[True] * 90))
    ahead = rolled(*minutes(*[False] * 90, since=10 * 365 * 86_400), before=before)
    back = rolled(*minutes(True, True, since=90 * 60), before=ahead)
    found = shown(MONTH_LONG, back, 91 * 60)
    # The last answer before the step spoke for one period; of what came after it only the minute after the way back.
    assert (found.down, found.numerator) == (0.0, 91.0)


def test_after_a_step_back_a_closed_hour_is_open_again():
    now = rolled(*minutes(*[True] * 60))
    assert now.hours is not None
    earlier = roll(now, answer(60), PLAN, VIETNAM)
    assert earlier.hours is not None
    assert (earlier.hours.open.start, earlier.hours.open.sent) == (now.hours.open.start - 1, 41)
    assert shown(DAY_LONG, earlier, 60).numerator == 40.0


def test_an_answer_is_older_than_the_last_one_by_no_more_than_its_patience_or_the_clock_was_set_back():
    last = rolled(answer(0), answer(600))
    assert roll(last, answer(600 - PATIENCE), PLAN, VIETNAM) is last
    assert roll(last, answer(600 - PATIENCE - 1), PLAN, VIETNAM).at == at(600 - PATIENCE - 1).timestamp()


def test_a_clock_set_back_before_the_first_answer_begins_the_sums_there():
    now = rolled(*minutes(*[True] * 60))
    earlier = roll(now, answer(-2 * 86_400), PLAN, VIETNAM)
    assert earlier.hours is not None and now.hours is not None
    assert (earlier.hours.open.start, earlier.hours.open.sent) == (now.hours.open.start - 49, 1)
    assert earlier.hours.closed == b"" and earlier.hours.since == at(-2 * 86_400).timestamp()
    assert shown(DAY_LONG, roll(earlier, answer(60 - 2 * 86_400), PLAN, VIETNAM), 60 - 2 * 86_400).numerator == 1.0


# -- what is told --------------------------------------------------------------------------------------------------


def told(*answers: Answer, plan: Plan = PLAN) -> list[Reading]:
    found: list[Reading] = []
    rolling: dict[str, Rolling] = {}
    for one in answers:
        now = roll_all(rolling, (one,), {"probe": plan}, INDICATORS, OFFICE)
        rolling = dict(now.rolling)
        found += now.readings
    return found


def test_a_figure_is_told_at_the_first_answers_and_after_each_full_cadence():
    readings = told(*minutes(*[True] * 61))
    assert [(r.as_of - START).total_seconds() / 60 for r in readings if r.indicator == "month"] == [1, 40]
    five = [(r.as_of - START).total_seconds() / 60 for r in readings if r.indicator == "slow"]
    assert five == [0, 1, *range(5, 61, 5)]


def test_availability_is_told_when_the_target_is_well_again():
    readings = told(*minutes(True, True, False, False, True))
    assert [(r.indicator, r.numerator, r.denominator) for r in readings if r.as_of == at(240)] == [
        ("available", 2.0, 4.0), ("month", 2.0, 4.0),
    ]  # fmt: skip


def test_a_reading_says_its_window_what_is_known_of_it_and_how_long_the_target_was_down():
    available, _, lossy, slow = told(answer(0, False), answer(60))[1:]  # the first answer tells of loss alone
    assert [r.value for r in (available, lossy)] == [0.0, 50.0]
    assert slow.value == pytest.approx(0.2, rel=ERROR)
    assert {(r.as_of, r.received_at) for r in (available, lossy, slow)} == {(at(60), at(60))}
    assert available.note == "availability since 2025-08-05 23:20, down 1.0 min, 100.0 % of the time measured"
    assert lossy.note == "loss since 2025-08-05 23:20, 1 of 2 lost"
    assert slow.note == "p95 since 2025-08-05 23:20, 1 good answers, within 3 %"
    assert (slow.unit, slow.source, slow.denominator, slow.numerator) == ("19", "probe", 1.0, None)


def test_maintenance_that_was_left_out_is_said():
    now = roll_all({}, (answer(0),), {"probe": PLAN}, INDICATORS, OFFICE)
    planned = ((at(0), at(30)),)
    available, *_ = roll_all(now.rolling, (answer(60),), {"probe": PLAN}, INDICATORS, OFFICE, planned).readings
    said = "down 0.0 min, 100.0 % of the time measured, 0.5 min of maintenance left out"
    assert available.note == f"availability since 2025-08-05 23:20, {said}"


def test_what_nobody_has_an_indicator_for_is_passed_over_and_the_others_are_told():
    plan = Plan("probe", PERIOD, (Derived("nobody", What.LOSS, HOUR), LOSS))
    assert [reading.indicator for reading in told(answer(0), plan=plan)] == ["lossy"]


@pytest.mark.parametrize(("first", "later"), [(LOSS, "month"), (MONTH_LONG, "lossy")])
def test_a_figure_that_is_asked_for_later_is_told_at_its_own_first_answers(first, later):
    few = Plan("probe", PERIOD, (first,))
    now = roll_all({}, minutes(*[True] * 11), {"probe": few}, INDICATORS, OFFICE)
    heard = []
    for minute in range(11, 14):
        now = roll_all(now.rolling, (answer(60 * minute),), {"probe": PLAN}, INDICATORS, OFFICE)
        heard.append(later in {reading.indicator for reading in now.readings})
    assert heard == [False, True, False]


def test_a_plan_keeps_the_hours_and_the_days_of_its_longest_windows():
    plan = Plan("probe", PERIOD, (DAY_LONG, LOSS, MONTH_LONG, Derived("week", What.AVAILABILITY, 7 * DAY)))
    assert (plan.hours, plan.days, plan.timed, plan.patience) == (24, 30, False, PATIENCE)
    slow = Plan("probe", 30.0, (Derived("slow", What.P95, 1.5 * HOUR),))
    assert (slow.hours, slow.days, slow.timed, slow.patience) == (2, 0, True, 90.0)


def test_minutes_of_an_outage_are_told_when_they_change_and_not_otherwise():
    plan = Plan("probe", PERIOD, (Derived("office", What.OFFICE_OUTAGE, 0.0),))
    rarely = {"office": indicator("office", "minutes", 86_400.0)}
    morning = (datetime(2025, 8, 6, 2, 20, tzinfo=UTC) - START).total_seconds()  # 09:20
    now, heard = roll_all({}, (), {}, rarely, OFFICE), list[list[float]]()
    for seconds, good in ((0, True), (15, True), (30, False), (45, False), (90, False), (105, False), (120, True)):
        now = roll_all(now.rolling, (answer(morning + seconds, good),), {"probe": plan}, rarely, OFFICE)
        heard.append([float(reading.value) for reading in now.readings])
    assert heard == [[0.0], [], [], [], [1.0], [], [0.0]]


def test_an_outage_over_lunch_counts_the_minutes_in_which_the_office_was_open():
    plan = Plan("probe", PERIOD, (Derived("office", What.OFFICE_OUTAGE, 0.0),))
    lunch = (datetime(2025, 8, 6, 4, 20, tzinfo=UTC) - START).total_seconds()  # 11:20; closed from 11:30 to 13:30
    states = [True] * 2 + [False] * 135 + [True] * 2
    readings = told(*minutes(*states, since=lunch), plan=plan)
    values = {(reading.as_of - at(lunch)).total_seconds() / 60: reading.value for reading in readings}
    assert [values[minute] for minute in (1, 2, 3, 10, 130, 136, 137, 138)] == [0, 0, 1, 8, 8, 14, 0, 0]
    assert values[11] == 8.0  # 11:31
    assert readings[0].denominator is None and readings[0].note == ""


def test_answers_of_several_sources_are_told_of_together_and_one_that_no_plan_asks_for_is_passed_over():
    ping = Plan("ping", PERIOD, (Derived("month", What.LOSS, HOUR),))
    probe = Plan("probe", PERIOD, (LOSS,))
    answers = [replace(answer(0), source=source) for source in ("nobody", "probe", "ping")]
    told_of = roll_all({}, answers, {"probe": probe, "ping": ping}, INDICATORS, OFFICE)
    assert set(told_of.rolling) == {"probe", "ping"}
    assert [(reading.indicator, reading.source) for reading in told_of.readings] == [
        ("lossy", "probe"), ("month", "ping"),
    ]  # fmt: skip


def test_a_source_that_no_plan_asks_for_is_forgotten_at_the_next_answer():
    old = rolled(answer(0))
    now = roll_all({"gone": old}, (answer(0),), {"probe": PLAN}, INDICATORS, OFFICE)
    assert set(now.rolling) == {"probe"}
    nothing = roll_all({"gone": old}, (replace(answer(0), source="gone"),), {"probe": PLAN}, INDICATORS, OFFICE)
    assert nothing.readings == ()


def test_only_what_is_asked_for_is_kept():
    month = rolled(*minutes(True, True), plan=Plan("probe", PERIOD, (MONTH_LONG,)))
    assert month.hours is None and month.days is not None and month.days.open.latencies == {}
    assert month.days.closed == b""
    day = rolled(*(answer(3600 * n) for n in range(40)), plan=Plan("probe", 3600.0, (LOSS, SLOW)))
    assert day.hours is not None and len(unpack(day.hours.closed)) == 6  # the longer of the two windows
    assert day.hours.open.latencies == {latency_class(0.2): 1}
    short = rolled(*minutes(True, True), plan=Plan("probe", PERIOD, (LOSS,)))
    assert short.days is None and short.hours is not None and short.hours.open.latencies == {}
