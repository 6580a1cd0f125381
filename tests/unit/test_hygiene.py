"""An answer of a feed is held against what was known before it: size, headers, figures that only grow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.feeds import KINDS
from monitor.adapters.store.codec import HEALTH
from monitor.config.spec import Column
from monitor.engine.book import Indicator, Period
from monitor.engine.hygiene import Known, after_poll, bounded, inspect
from monitor.model.reading import MAX_REJECTED, Collected, Comparator, Drift, Reading, Rejected, Shape, SourceHealth
from tests.unit.feed_frames import CALENDAR, FRAME, INDICATORS, NOW, RATE, feed_spec, parsed, refusals

LATER = timedelta(minutes=5)
DAY = timedelta(days=1)
HANDLED = Indicator("handled", "", "", "", "count", "services", 3 * 86400.0, window=Period.MONTH, rising=True)


class Feed:
    """Polls one after another, each held against what is remembered of those before."""

    def __init__(self, indicators: Mapping[str, Indicator] = INDICATORS) -> None:
        self.health: SourceHealth | None = None
        self.held: dict[tuple[str, str], Reading] = {}
        self.indicators = indicators
        self.now = NOW

    def answers(self, collected: Collected) -> Collected:
        """The answer as it counts; what is remembered goes through the store's own words, as over a restart."""
        self.now += LATER
        known = Known(self.indicators, CALENDAR, lambda unit, name: self.held.get((unit, name)))
        told = inspect(replace(collected, at=self.now), self.health, known)
        for reading in told.readings:
            before = self.held.get((reading.unit, reading.indicator))
            if before is None or reading.as_of >= before.as_of:
                self.held[reading.unit, reading.indicator] = reading
        self.health = HEALTH.decode(HEALTH.encode(after_poll(self.health, told, "19")))
        return told


def of(rows: int) -> Collected:
    """An answer with a row of so many units."""
    read = tuple(Reading(f"{unit:05}", "rate", 80.0, NOW, NOW, "portal") for unit in range(rows))
    return Collected("portal", NOW, read, shape=Shape(rows))


def reasons_of(collected: Collected) -> list[str]:
    return [refused.reason for refused in collected.rejected]


def test_an_answer_with_less_than_half_of_the_rows_is_held_back_and_nothing_of_it_counts():
    feed = Feed()
    assert feed.answers(of(92)).readings
    told = feed.answers(of(45))
    assert told.readings == () and told.held
    assert told.rejected[0].detail == (
        "units with a row: 45, in the last good answer 92; held back until the next answer confirms it"
    )
    assert told.refused == {"rows-fell": 1}


def test_that_rows_fell_is_told_first_and_of_the_whole_answer():
    feed = Feed()
    feed.answers(of(92))
    strange = Rejected("portal", "line 2", "unknown-unit", "no unit 99999", "99999")
    told = feed.answers(replace(of(40), rejected=(strange,), refused={"unknown-unit": 1}))
    assert [(one.row, one.reason) for one in told.rejected] == [("", "rows-fell"), ("line 2", "unknown-unit")]
    assert told.refused == {"unknown-unit": 1, "rows-fell": 1}


@pytest.mark.parametrize(
    "collected",
    [replace(of(1), failure="feed portal: timeout"), replace(of(1), shape=None)],
    ids=["a failure", "what has no shape"],
)
def test_an_answer_that_cannot_be_held_against_another_stays_as_it_is(collected):
    known = Known(INDICATORS, CALENDAR, lambda unit, name: None)
    assert inspect(collected, after_poll(None, of(92), "19"), known) is collected


def test_half_of_the_rows_is_no_fall():
    feed = Feed()
    feed.answers(of(92))
    assert len(feed.answers(of(46)).readings) == 46


def test_the_next_answer_confirms_it_and_is_the_new_measure():
    feed = Feed()
    feed.answers(of(92))
    feed.answers(of(40))
    assert len(feed.answers(of(40)).readings) == 40
    assert feed.answers(of(19)).held


def test_when_all_rows_are_back_they_count_at_once():
    feed = Feed()
    feed.answers(of(92))
    feed.answers(of(40))
    assert reasons_of(feed.answers(of(92))) == []
    assert feed.health is not None and feed.health.held is None


def test_an_answer_that_goes_on_shrinking_is_held_back_anew_and_an_empty_one_confirms_nothing():
    feed = Feed()
    feed.answers(of(92))
    assert [feed.answers(of(rows)).held for rows in (40, 30, 0, 0)] == [True] * 4


def test_a_failure_between_changes_nothing():
    feed = Feed()
    feed.answers(of(92))
    feed.answers(of(40))
    feed.answers(Collected("portal", NOW, failure="feed portal: timeout"))
    assert not feed.answers(of(40)).held


def test_of_four_rows_one_left_is_a_fall_and_the_next_one_left_confirms_it():
    feed = Feed()
    feed.answers(of(4))
    assert [feed.answers(of(1)).held for _ in range(2)] == [True, False]


def test_of_three_rows_one_may_be_missing():
    feed = Feed()
    feed.answers(of(3))
    assert not feed.answers(of(1)).held


@given(st.lists(st.integers(0, 100), max_size=12))
def test_what_is_held_back_lasts_no_longer_than_one_answer_unless_it_shrinks(sizes):
    feed = Feed()
    before = None
    for size in sizes:
        told = feed.answers(of(size))
        if told.held and before is not None and before[0]:
            assert size < max(before[1], 1)
        before = told.held, size


# headers

TABLE = feed_spec("csv", Column("rate", "Tỷ lệ"), Column("overdue", "Quá hạn"), unit="Mã")


def table(*headers: str, rows: int = 2) -> Collected:
    lines = [";".join(headers), *(";".join((code, "80", "1", "x", "y")[: len(headers)]) for code in ("01840", "02143"))]
    return parsed(replace(TABLE, delimiter=";"), "\n".join(lines[: rows + 1]))


def test_a_column_that_never_was_is_missing_and_no_drift():
    feed = Feed()
    for _ in range(2):
        told = feed.answers(table("Mã", "Tỷ lệ"))
        assert [(one.reason, one.column, one.row) for one in told.rejected] == [("missing", "overdue", "line 1")]


def test_a_renamed_column_stops_with_one_failure_and_the_others_count():
    feed = Feed()
    feed.answers(table("Mã", "Tỷ lệ", "Quá hạn"))
    for _ in range(3):
        told = feed.answers(table("Mã", "Tỷ lệ", "Số quá hạn"))
        assert {reading.indicator for reading in told.readings} == {"rate"}
        assert [(one.reason, one.column, one.row) for one in told.rejected] == [("schema-drift", "overdue", "line 1")]
        assert told.refused == {"schema-drift": 1}
    assert told.rejected[0].detail.endswith("gone since then: 'Quá hạn'; new: 'Số quá hạn'")
    assert feed.health is not None and feed.health.drift is not None
    assert (feed.health.drift.gone, feed.health.drift.new) == (("Quá hạn",), ("Số quá hạn",))


def test_a_new_header_is_a_note_and_refuses_nothing():
    feed = Feed()
    feed.answers(table("Mã", "Tỷ lệ", "Quá hạn"))
    told = feed.answers(table("Mã", "Tỷ lệ", "Quá hạn", "Ghi chú"))
    assert told.rejected == () and len(told.readings) == 4
    assert feed.health is not None and feed.health.drift is not None
    assert feed.health.drift.new == ("Ghi chú",) and feed.health.drift.gone == ()


def test_a_header_that_comes_back_ends_the_drift():
    feed = Feed()
    feed.answers(table("Mã", "Tỷ lệ", "Quá hạn"))
    feed.answers(table("Mã", "Tỷ lệ", "Số quá hạn"))
    assert feed.answers(table("Mã", "Tỷ lệ", "Quá hạn")).rejected == ()
    assert feed.health is not None and feed.health.drift is not None and feed.health.drift.gone == ()


def test_an_answer_without_headers_is_no_drift_and_one_that_is_held_back_tells_its_own():
    feed = Feed()
    feed.answers(replace(of(4), shape=Shape(4, ("a", "b"))))
    feed.answers(of(4))
    assert feed.health is not None and feed.health.drift is None
    feed.answers(replace(of(4), shape=Shape(4, ("a", "b"))))
    assert feed.answers(replace(of(1), shape=Shape(1, ("a",)))).held
    assert feed.health.drift == Drift(feed.now, ("b",), ())


def test_keys_of_json_rows_are_headers():
    spec = feed_spec("json")
    feed = Feed()
    feed.answers(parsed(spec, '{"rows": [{"code": "02143", "ratio": 1}]}'))
    told = feed.answers(parsed(spec, '{"rows": [{"code": "02143", "ratio_pct": 1}]}'))
    assert reasons_of(told) == ["schema-drift"]
    assert "gone since then: 'ratio'; new: 'ratio_pct'" in told.rejected[0].detail


def spoken(*headers: str) -> SourceHealth:
    """What is known of a feed whose last answer had these headers and said something of `rate`."""
    return SourceHealth("portal", "19", shape=Shape(1, headers, ("rate",)))


def lacking(*headers: str, column: str = "rate", reason: str = "missing") -> Collected:
    """An answer with these headers, of which one row was refused."""
    refused = Rejected("portal", "line 1", reason, f"no '{column}'", column=column)
    return Collected("portal", NOW, rejected=(refused,), refused={reason: 1}, shape=Shape(1, headers))


def named(collected: Collected, before: SourceHealth) -> Rejected:
    """The one refused row, as it is called in the light of what was known before."""
    [refused] = inspect(collected, before, Known(INDICATORS, CALENDAR, lambda unit, name: None)).rejected
    return refused


@pytest.mark.parametrize(
    ("before", "collected"),
    [
        (spoken(), lacking()),
        (spoken("a"), lacking("a", "b")),
        (spoken("a"), lacking("b", column="overdue")),
        (spoken("a"), lacking("b", reason="not-a-number")),
    ],
    ids=["no headers at all", "headers are new and none is gone", "a column that never spoke", "another trouble"],
)
def test_only_a_column_that_spoke_and_went_with_its_header_has_drifted(before, collected):
    assert named(collected, before).reason == collected.rejected[0].reason


def test_three_headers_are_named_and_the_others_counted_in_one_short_sentence():
    told = named(lacking("x"), spoken("a", "b", "c", "d", "e"))
    assert told.detail == "no 'rate'; gone since then: 'a', 'b', 'c' and 2 more; new: 'x'"
    assert "'c' and 1 more; new" in named(lacking("x"), spoken("a", "b", "c", "d")).detail
    assert named(lacking("x"), spoken("a", "b", "c")).detail == "no 'rate'; gone since then: 'a', 'b', 'c'; new: 'x'"
    assert len(named(lacking("x" * 200), spoken("y" * 200)).detail) == 300


# figures that only grow


def count(value: float, day: int, month: int = 11, at: datetime = NOW) -> Reading:
    as_of = datetime(2026, month, day, tzinfo=UTC)
    return Reading("02143", "handled", value, as_of, max(at, as_of), "portal")


def handled(*readings: Reading) -> Collected:
    places = {(one.unit, one.indicator, one.as_of): f"line {n}" for n, one in enumerate(readings, 2)}
    return Collected("portal", NOW, readings, shape=Shape(1), places=places)


@pytest.fixture
def growing() -> Feed:
    feed = Feed({"handled": HANDLED})
    feed.answers(handled(count(1204, 19)))
    return feed


def test_a_cumulative_figure_that_falls_is_refused_with_its_line(growing):
    told = growing.answers(handled(count(812, 20)))
    assert told.readings == ()
    [refused] = told.rejected
    assert (refused.row, refused.reason, refused.unit, refused.column, refused.cell) == (
        "line 2", "backwards", "02143", "handled", "812",
    )  # fmt: skip
    assert refused.detail == "unit 02143, handled: 812, but 1204 on 2026-11-19: it only grows"
    assert told.refused == {"backwards": 1}


LAST_OF_YEAR = datetime(2026, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "last_day", "falls"),
    [
        (Period.MONTH, datetime(2026, 11, 29, tzinfo=UTC), True),
        (Period.MONTH, datetime(2026, 11, 30, tzinfo=UTC), False),
        (Period.QUARTER, datetime(2026, 10, 31, tzinfo=UTC), True),
        (Period.QUARTER, datetime(2026, 11, 30, tzinfo=UTC), True),
        (Period.QUARTER, datetime(2026, 9, 30, tzinfo=UTC), False),
        (Period.YEAR, datetime(2026, 9, 30, tzinfo=UTC), True),
        (Period.YEAR, LAST_OF_YEAR, False),
        (None, LAST_OF_YEAR, True),
    ],
)
def test_a_figure_may_be_less_on_the_next_day_only_where_a_new_period_begins(window, last_day, falls):
    feed = Feed({"handled": replace(HANDLED, window=window)})
    feed.now = last_day + DAY
    before, after = (
        Reading("02143", "handled", value, day, day, "portal")
        for value, day in ((1204.0, last_day), (3.0, last_day + DAY))
    )
    feed.answers(handled(before))
    assert reasons_of(feed.answers(handled(after))) == (["backwards"] if falls else [])


def test_the_same_figure_on_a_later_day_is_no_contradiction(growing):
    assert growing.answers(handled(count(1204, 20))).rejected == ()


def test_a_figure_has_no_say_from_the_very_instant_at_which_it_is_too_old(growing):
    age = timedelta(seconds=HANDLED.max_age)
    late = replace(count(812, 20), received_at=count(1204, 19).as_of + age)
    assert reasons_of(growing.answers(handled(replace(late, received_at=late.received_at - LATER)))) == ["backwards"]
    assert growing.answers(handled(late)).rejected == ()


@pytest.mark.parametrize("stated", [{"value": "partly"}, {"value": True}, {"comparator": Comparator.GT}])
def test_what_is_no_exact_number_contradicts_nothing_and_is_contradicted_by_nothing(growing, stated):
    vague = replace(count(3, 20), **stated)
    assert growing.answers(handled(vague)).readings == (vague,)
    assert growing.answers(handled(count(812, 21))).rejected == ()


def test_of_two_claims_of_one_instant_the_first_is_held_and_a_place_that_nobody_named_is_empty():
    feed = Feed({"handled": HANDLED})
    first, second, third = count(10, 19), count(5, 19), count(7, 20)
    told = feed.answers(replace(handled(first, second, third), places={}))
    assert [(refused.row, refused.cell) for refused in told.rejected] == [("", "7")]


def test_a_new_period_starts_anew(growing):
    assert growing.answers(handled(count(3, 1, month=12, at=NOW + 10 * DAY))).rejected == ()


def test_a_correction_of_its_own_day_is_taken_and_what_follows_it_counts(growing):
    told = growing.answers(handled(count(801, 19), count(812, 20)))
    assert [reading.value for reading in told.readings] == [801, 812]


def test_a_late_value_above_a_later_one_is_refused_and_one_below_it_is_taken(growing):
    assert reasons_of(growing.answers(handled(count(1300, 18)))) == ["backwards"]
    assert reasons_of(growing.answers(handled(count(1100, 18)))) == []


def test_a_figure_that_is_too_old_to_be_believed_has_no_say(growing):
    assert growing.answers(handled(count(812, 23, at=NOW + 3 * DAY))).rejected == ()


def test_every_unit_whose_figure_falls_is_refused(growing):
    growing.answers(handled(replace(count(50, 19), unit="19")))
    told = growing.answers(handled(replace(count(5, 20), unit="19"), count(812, 20)))
    assert [(refused.unit, refused.row) for refused in told.rejected] == [("02143", "line 3"), ("19", "line 2")]
    assert told.readings == () and told.refused == {"backwards": 2}


def test_within_one_answer_a_fall_is_seen_too():
    told = Feed({"handled": HANDLED}).answers(handled(count(10, 19), count(5, 20), count(12, 21)))
    assert [reading.value for reading in told.readings] == [10, 12]
    assert [refused.row for refused in told.rejected] == ["line 3"]


# what is kept


def test_when_a_source_answered_and_failed_first_and_last_is_remembered_through_both():
    seen = Rejected("portal", "line 2", "unknown-unit", "no unit 99999")
    good = replace(of(4), rejected=(seen,), refused={"unknown-unit": 1})
    first = after_poll(None, good, "19")
    assert first == SourceHealth(
        "portal", "19", NOW, NOW, rejected=(seen,), refused={"unknown-unit": 1}, shape=Shape(4), newest=NOW
    )
    failed = Collected("portal", NOW + LATER, failure="feed portal: timeout", stage="fetch")
    second = after_poll(first, failed, "19")
    assert second == replace(first, last_failure=NOW + LATER, failing_since=NOW + LATER, failure=failed.failure,
                             stage="fetch")  # fmt: skip
    third = after_poll(second, replace(failed, at=NOW + 2 * LATER), "19")
    assert third == replace(second, last_failure=NOW + 2 * LATER)
    fourth = after_poll(third, replace(of(4), at=NOW + 3 * LATER), "19")
    assert fourth == replace(third, last_success=NOW + 3 * LATER, failing_since=None, rejected=(), refused={})
    assert after_poll(None, failed, "19").first_success is None
    cut = replace(failed, cut=True)
    earlier = replace(cut, at=NOW - LATER)
    excused = [after_poll(None, cut, "19"), after_poll(first, cut, "19"), after_poll(first, earlier, "19")]
    assert [one.excused for one in excused] == [0.0, LATER.total_seconds(), 0.0]
    assert after_poll(excused[1], replace(of(4), at=NOW + 2 * LATER), "19").excused == 0.0


def test_as_many_refused_rows_as_are_kept_are_all_named_and_the_rest_is_counted_once():
    rows = [Rejected("portal", f"line {n}", "unknown-unit", "no such unit") for n in range(MAX_REJECTED)]
    rest = Rejected("portal", "", "more", "and 3 more")
    assert bounded("portal", [*rows, rest], MAX_REJECTED) == tuple(rows)
    assert bounded("portal", [*rows, rest], MAX_REJECTED + 2) == (*rows[:-1], replace(rest, detail="and 3 more"))


def test_refused_rows_keep_since_when_and_the_count_goes_on_where_the_list_ends():
    spec = feed_spec("json")
    bad = '{"rows": [' + ",".join(f'{{"code": "9{n:04}", "ratio": 1}}' for n in range(300)) + "]}"
    feed = Feed()
    first = feed.answers(parsed(spec, bad))
    assert first.refused == {"unknown-unit": 300}
    assert len(first.rejected) == MAX_REJECTED and first.rejected[-1].detail == "and 101 more"
    again = feed.answers(parsed(spec, bad))
    assert {one.first_seen for one in again.rejected[:-1]} == {NOW + LATER}
    assert feed.health is not None and feed.health.rejected == again.rejected


def test_a_failure_keeps_the_refused_rows_of_the_last_answer():
    feed = Feed()
    feed.answers(parsed(feed_spec("json"), '{"rows": [{"code": "99999", "ratio": 1}]}'))
    feed.answers(Collected("portal", NOW, failure="feed portal: timeout", stage="fetch"))
    assert feed.health is not None
    assert [one.reason for one in feed.health.rejected] == ["unknown-unit"] and feed.health.stage == "fetch"


def test_a_refused_row_says_what_stood_there_in_one_short_line():
    body = '{"rows": [{"code": "02143", "ratio": "6\\u0000 8\\n<b>%s"}]}' % ("x" * 500)
    [refused] = parsed(feed_spec("json"), body).rejected[:1]
    assert (refused.unit, refused.column) == ("02143", "rate")
    assert refused.cell.startswith("6 8 <b>xxx") and len(refused.cell) <= 60


# what a row says by itself


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('"ratio": "101"', "out-of-range"),
        ('"ratio": 50, "n": 93, "d": 92', "impossible"),
        ('"ratio": 50, "n": 63, "d": 92', "impossible"),
        ('"ratio": "68,47"', "decimal-sign"),
    ],
)
def test_values_that_cannot_be_are_refused(row, reason):
    spec = feed_spec("json", Column("rate", "ratio", "n", "d"))
    assert refusals(parsed(spec, f'{{"rows": [{{"code": "02143", {row}}}]}}'))[0] == ("rows[0]", reason)


@pytest.mark.parametrize("ratio", ["68.48", "68", '">68"', '">60"'])
def test_a_rate_may_be_rounded_or_cut_off(ratio):
    spec = feed_spec("json", Column("rate", "ratio", "n", "d"))
    body = f'{{"rows": [{{"code": "02143", "ratio": {ratio}, "n": 63, "d": 92}}]}}'
    assert parsed(spec, body).rejected == ()


def test_a_unit_that_was_merged_away_is_told_with_its_successor():
    body = '{"rows": [{"code": "Hà Giang", "ratio": 1}, {"code": "Tuyên Quang", "ratio": 1}]}'
    first, second, *_ = parsed(feed_spec("json"), body).rejected
    assert (first.reason, second.reason) == ("former-unit", "unknown-unit")
    assert first.detail == "Hà Giang became part of Tỉnh Tuyên Quang (08) on 2025-07-01; send that one"


def test_a_unit_of_the_site_that_has_ended_takes_no_more_rows():
    frame = replace(FRAME, ended={"02143": CALENDAR.local(NOW).date()})
    body = b'{"rows": [{"code": "02143", "ratio": 1}, {"code": "01840", "ratio": 1}]}'
    collected = KINDS["json"](feed_spec("json"), body, {}, NOW, frame)
    assert refusals(collected) == [("rows[0]", "former-unit")]
    assert [reading.unit for reading in collected.readings] == ["01840"]


def test_a_source_knows_how_new_the_newest_row_is_that_it_ever_brought_for_anybody():
    def poll(at: datetime, *as_of: datetime) -> Collected:
        rows = tuple(Reading("02143", "rate", 1.0, one, at, "portal") for one in as_of)
        return Collected("portal", at, rows)

    hour = timedelta(hours=1)
    first = after_poll(None, poll(NOW), "19")
    assert first.newest == NOW  # nothing yet, and it cannot be blamed for the time before
    rows = after_poll(first, poll(NOW + 2 * hour, NOW + hour, NOW - hour), "19")
    assert rows.newest == NOW + hour
    assert after_poll(rows, poll(NOW + 9 * hour), "19").newest == NOW + hour
    assert after_poll(rows, poll(NOW + 9 * hour, NOW + 99 * hour), "19").newest == NOW + 9 * hour
    older = replace(rows, newest=None)  # of an earlier version
    assert after_poll(older, poll(NOW + 9 * hour), "19").newest is None
    assert after_poll(older, poll(NOW + 9 * hour, NOW + hour), "19").newest == NOW + hour


def held(by: str, name: str, as_of: datetime = NOW) -> Reading:
    return Reading("02143", name, 70.0, as_of, as_of, by)


@pytest.mark.parametrize(
    ("counting", "sources", "disagree", "taken"),
    [
        (None, (), None, True),
        (held("other", "rate"), (), None, False),
        (held("centre/02143", "rate"), (), None, False),
        (held("portal", "rate"), (), None, True),  # its own
        (held("push:local", "rate"), (), None, True),  # somebody's correction ends with the next row
        (held("gone", "rate"), (), None, True),  # a source that the site has no more
        (held("elsewhere", "rate"), (), None, True),  # one that is asked for something else by now
        (held("other", "rate", NOW - timedelta(seconds=3600)), (), None, True),  # too old to be believed
        (held("other", "rate"), ("other",), None, True),  # ranked: both are kept
        (held("other", "rate"), ("portal",), None, True),
        (held("other", "rate"), (), 5.0, True),
    ],
)
def test_what_another_source_measures_already_is_not_overwritten_unless_one_of_them_is_preferred(
    counting, sources, disagree, taken
):
    rate = replace(INDICATORS["rate"], sources=sources, disagree=disagree)
    known = Known(
        {"rate": rate}, CALENDAR, lambda _unit, _name: None, lambda _unit, _name: counting,
        frozenset({("portal", "rate"), ("other", "rate"), ("centre", "rate"), ("elsewhere", "count")}),
    )  # fmt: skip
    found = inspect(parsed(feed_spec("csv", RATE), "code,ratio\n02143,5\n"), None, known)
    assert bool(found.readings) is taken
    if not taken:
        assert (refusals(found), found.refused) == ([("", "measured")], {"measured": 1})
        assert found.rejected[0].detail.startswith("unit 02143, rate: already measured by ")
