"""Which rows of an answer are believed: units, dates, duplicates, and how refusals are counted."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from monitor.config.spec import AsOf, Column
from monitor.model.reading import MAX_REJECTED, Comparator, Reading
from tests.unit.feed_frames import MIDNIGHT, NOW, RATE, feed_spec, parsed, refusals, values

SPEC = feed_spec("json")
DATED = feed_spec("json", as_of=AsOf.FIELD, as_of_field="at")


def rows(*given: dict[str, object]) -> str:
    return json.dumps({"rows": given})


def test_a_reading_carries_everything_that_is_known_of_it():
    spec = feed_spec("json", Column("rate", "ratio", "n", "d"))
    collected = parsed(spec, rows({"code": "02143", "ratio": ">68.47", "n": "63", "d": 92}))
    assert (collected.source, collected.at, collected.failure, collected.rejected) == ("portal", NOW, "", ())
    assert collected.readings == (Reading("02143", "rate", 68.47, MIDNIGHT, NOW, "portal", Comparator.GT, 63.0, 92.0),)


def test_a_unit_that_is_not_here_is_refused_with_the_nearest_code_and_the_good_rows_count():
    collected = parsed(SPEC, rows({"code": "02149", "ratio": 1}, {"code": "02143", "ratio": 2}))
    assert values(collected) == {("02143", "rate"): 2}
    assert refusals(collected) == [("rows[0]", "unknown-unit")]
    assert collected.rejected[0].detail == "no unit has the code '02149': did you mean '02143'?"


@pytest.mark.parametrize("code", ["2143", 2143])
def test_a_code_that_lost_its_zero_is_not_guessed_but_explained(code):
    collected = parsed(SPEC, rows({"code": code, "ratio": 1}))
    assert collected.readings == ()
    assert "did you mean '02143'? Spreadsheets lose leading zeros" in collected.rejected[0].detail


def test_with_a_mapping_only_the_foreign_codes_count():
    spec = feed_spec("json", mapping={"H19.02": "02143"})
    collected = parsed(spec, rows({"code": "H19.02", "ratio": 1}, {"code": "02143", "ratio": 2}))
    assert values(collected) == {("02143", "rate"): 1}
    assert refusals(collected) == [("rows[1]", "unknown-unit")]


LONG = "https://dichvucong.example.vn/trung-tam/kiem-tra-tinh-trang-hoat-dong?ma="


def test_a_code_may_be_as_long_as_the_address_of_a_page_and_only_the_whole_of_it_counts():
    spec = feed_spec("json", mapping={f"{LONG}02143": "02143", LONG[:60]: "01840"})
    collected = parsed(spec, rows({"code": f"{LONG}02143", "ratio": 1}, {"code": f"{LONG}01840", "ratio": 2}))
    assert values(collected) == {("02143", "rate"): 1}
    assert refusals(collected) == [("rows[1]", "unknown-unit")]


def test_a_code_beyond_all_bounds_is_nobodys():
    spec = feed_spec("json", mapping={"A" * 1000: "02143"})
    collected = parsed(spec, rows({"code": "A" * 1000, "ratio": 1}, {"code": "A" * 1001, "ratio": 2}))
    assert values(collected) == {("02143", "rate"): 1}
    assert refusals(collected) == [("rows[1]", "unknown-unit")]


@pytest.mark.parametrize("code", [None, "", "  ", True, 21.5, [], {}])
def test_a_row_that_names_no_unit_is_refused(code):
    collected = parsed(SPEC, rows({"code": code, "ratio": 1}))
    assert collected.readings == ()
    assert collected.rejected[0].reason in ("missing", "not-a-number")


def test_rows_of_one_unit_that_contradict_each_other_are_all_refused():
    collected = parsed(
        SPEC, rows({"code": "02143", "ratio": 1}, {"code": "01840", "ratio": 5}, {"code": "02143", "ratio": 2})
    )
    assert values(collected) == {("01840", "rate"): 5}
    assert refusals(collected) == [("rows[0]", "duplicate"), ("rows[2]", "duplicate")]
    assert "stands also in rows[2]" in collected.rejected[0].detail


def test_a_row_that_is_simply_there_twice_counts_once():
    collected = parsed(SPEC, rows({"code": "02143", "ratio": 1}, {"code": "02143", "ratio": 1}))
    assert values(collected) == {("02143", "rate"): 1}
    assert collected.rejected == ()


def test_rows_of_several_days_are_history_but_two_of_one_day_contradict():
    collected = parsed(
        DATED,
        rows(
            {"code": "02143", "ratio": 1, "at": "19/11/2026"},
            {"code": "02143", "ratio": 2, "at": "20/11/2026"},
            {"code": "01840", "ratio": 3, "at": "2026-11-20T08:00:00"},
            {"code": "01840", "ratio": 4, "at": "2026-11-20T09:00:00"},
        ),
    )
    assert [reading.value for reading in collected.readings] == [1, 2]
    assert refusals(collected) == [("rows[2]", "duplicate"), ("rows[3]", "duplicate")]


@pytest.mark.parametrize(
    ("at", "kept"),
    [("2026-11-21T05:01:00Z", True), ("2026-11-21T05:01:01Z", False), ("22/11/2026", False), ("9999-12-31", False)],
)
def test_a_row_from_the_future_is_refused_beyond_a_minute(at, kept):
    collected = parsed(DATED, rows({"code": "02143", "ratio": 1, "at": at}))
    assert bool(collected.readings) is kept
    assert refusals(collected) == ([] if kept else [("rows[0]", "future")])


@pytest.mark.parametrize(
    ("at", "reason"),
    [(None, "missing"), ("", "missing"), ("soon", "bad-row"), ("01/01/1900", "bad-row"), ({}, "bad-row")],
)
def test_a_row_without_a_credible_date_is_refused_where_a_date_is_declared(at, reason):
    collected = parsed(DATED, rows({"code": "02143", "ratio": 1, "at": at}))
    assert collected.readings == ()
    assert refusals(collected) == [("rows[0]", reason)]


def test_a_bad_cell_costs_only_itself():
    spec = feed_spec("json", RATE, Column("overdue", "late"))
    collected = parsed(spec, rows({"code": "02143", "ratio": "137.5 %", "late": 3}))
    assert values(collected) == {("02143", "overdue"): 3}
    assert collected.rejected[0].detail == "unit 02143, rate: 137.5 is more than the greatest possible 100"


def test_a_unit_that_is_missing_is_not_refused_here():
    spec = feed_spec("json", expects=frozenset({"02143", "01840"}))
    assert parsed(spec, rows({"code": "02143", "ratio": 1})).rejected == ()


def test_a_column_of_which_no_row_says_anything_is_named():
    spec = feed_spec("json", RATE, Column("overdue", "lateCount"))
    collected = parsed(spec, rows({"code": "02143", "ratio": 1}))
    assert refusals(collected) == [("", "missing")]
    assert "overdue" in collected.rejected[0].detail and "lateCount" in collected.rejected[0].detail


def test_refusals_are_kept_up_to_a_bound_and_counted_beyond_it():
    collected = parsed(SPEC, rows(*({"code": f"x{n}", "ratio": 1} for n in range(1000)), {"code": "19", "ratio": 1}))
    assert len(collected.rejected) == MAX_REJECTED
    assert (collected.rejected[-1].reason, collected.rejected[-1].detail) == ("more", "and 801 more")
    assert values(collected) == {("19", "rate"): 1}


def test_foreign_text_is_cleaned_before_it_is_repeated():
    collected = parsed(SPEC, rows({"code": "\ud800\nx\x00" + "y" * 5000, "ratio": 1}))
    detail = collected.rejected[0].detail
    assert "\ufffd" in detail and "\n" not in detail and "\x00" not in detail and len(detail) <= 300


def test_the_day_is_that_of_the_site():
    late = datetime(2026, 11, 20, 17, tzinfo=UTC)  # already the 21st in Vietnam
    assert parsed(SPEC, rows({"code": "02143", "ratio": 1})).readings[0].as_of == late


def test_of_a_flood_of_rows_that_contradict_each_other_all_are_counted_and_few_are_kept():
    flood = rows(*({"code": "02143", "ratio": 5 + number % 2} for number in range(500)))
    collected = parsed(SPEC, flood)
    assert (collected.readings, collected.refused) == ((), {"duplicate": 500})
    assert len(collected.rejected) == MAX_REJECTED


def test_of_equal_rows_the_newest_counts_once():
    given = ({"code": "02143", "ratio": 5, "at": f"20/11/2026 {hour:02}:00"} for hour in (9, 11, 10))
    found = parsed(DATED, rows(*given))
    assert [reading.as_of.hour for reading in found.readings] == [4] and found.rejected == ()
