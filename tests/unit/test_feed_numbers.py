"""What counts as a number, a date and a word in a feed, and what does not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.adapters.feeds.cells import Cell, Stated, read_cell
from monitor.adapters.feeds.moments import default_moment, read_moment
from monitor.adapters.feeds.numbers import Number, Unfit, read_number
from monitor.config.spec import AsOf, Column
from monitor.model.reading import Comparator, Value
from tests.unit.feed_frames import CALENDAR, INDICATORS, MIDNIGHT, NOW, RATE


def number(raw: object, decimal: str = ".") -> Number:
    read = read_number(raw, decimal)
    assert isinstance(read, Number), read
    return read


def stated(value: object, column: Column = RATE, numerator: object = None, denominator: object = None) -> Stated:
    read = read_cell(Cell(column, value, numerator, denominator), INDICATORS[column.indicator])
    assert isinstance(read, Stated), read
    return read


def unfit(value: object, column: Column = RATE, numerator: object = None, denominator: object = None) -> Unfit:
    read = read_cell(Cell(column, value, numerator, denominator), INDICATORS[column.indicator])
    assert isinstance(read, Unfit), read
    return read


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("68.91", ".", 68.91), ("68,91", ",", 68.91), ("68,91 %", ",", 68.91), ("100%", ".", 100.0), ("0", ".", 0.0),
        (" 12 ", ".", 12.0), ("-3", ".", -3.0), ("\u22123", ".", -3.0), ("14 000", ".", 14000.0),
        ("14\u00a0000,5", ",", 14000.5), ("1.234.567,8", ",", 1234567.8), ("14.000", ",", 14000.0),
        ("1,2E+04", ",", 12000.0), ("1e-3", ".", 0.001), (7, ".", 7.0), (7.5, ",", 7.5),
    ],
)  # fmt: skip
def test_numbers_are_read_with_the_declared_decimal_sign(text, decimal, value):
    assert number(text, decimal).value == value


@pytest.mark.parametrize(
    ("text", "comparator", "value"),
    [
        (">80", Comparator.GT, 80), ("≥ 80", Comparator.GE, 80), (">=80", Comparator.GE, 80), ("<5", Comparator.LT, 5),
        ("≤5 %", Comparator.LE, 5), ("~14000", Comparator.APPROX, 14000), ("= 3", Comparator.EQ, 3),
    ],
)  # fmt: skip
def test_how_exactly_a_number_is_stated_is_kept(text, comparator, value):
    assert (number(text).comparator, number(text).value) == (comparator, value)


def test_a_fraction_is_a_share_with_both_its_parts():
    assert number("63/92") == Number(68.4782608696, Comparator.EQ, 63, 92, percent=True)
    assert number("1.552/7.576", ",").value == pytest.approx(20.4857, abs=1e-4)


@pytest.mark.parametrize(
    "text",
    [
        "n/a", "abc", "-", "%", "80-90", "1.2.3", "12 34", "1_000", "0x10", "٣", "１２", "1e999", "nan", "Infinity",
        "63/92 %", "1/2/3", "/", ">", ">>5", "5 5 5 5", "'5", True, [1], 10**400, float("inf"), float("nan"),
    ],
)  # fmt: skip
def test_what_is_no_finite_plain_number_is_refused(text):
    read = read_number(text)
    assert isinstance(read, Unfit)
    assert read.reason == "not-a-number"


@pytest.mark.parametrize(
    ("text", "decimal", "said"), [("68,91", ".", "decimal comma"), ("68.91", ",", "decimal point")]
)
def test_the_other_decimal_sign_is_refused_and_named_never_guessed(text, decimal, said):
    read = read_number(text, decimal)
    assert isinstance(read, Unfit)
    assert said in read.detail and text in read.detail


@pytest.mark.parametrize("text", ["0.095", "0.950", "00.750", "-0.500", "012.500"])
def test_thousands_begin_with_no_nought_so_such_a_point_is_a_decimal_point(text):
    read = read_number(text, ",")
    assert isinstance(read, Unfit) and read.reason == "decimal-sign"


def test_nothing_of_nothing_is_no_rate():
    read = read_number("0/0")
    assert isinstance(read, Unfit)
    assert read.reason == "missing"


@pytest.mark.parametrize("raw", [None, "", "   ", "\u00a0", "\u200b"])
def test_a_blank_is_missing_and_never_zero(raw):
    assert read_cell(Cell(RATE, raw), INDICATORS["rate"]) is None


@pytest.mark.parametrize(
    ("raw", "reason"), [(-12.0, "out-of-range"), ("137.5 %", "out-of-range"), ("n/a", "not-a-number")]
)
def test_values_that_cannot_be_are_refused(raw, reason):
    assert unfit(raw).reason == reason


def test_a_negative_number_is_fine_where_the_indicator_allows_it():
    assert stated(-2, Column("days_left", "d")).value == -2


def test_the_scale_turns_a_ratio_into_per_cent_without_the_dust_of_binary_numbers():
    ratio = Column("rate", "ratio", scale=100)
    assert stated(0.57, ratio).value == 57.0
    assert stated("57 %", ratio).value == 57.0, "a per cent sign says that it is one already"


def test_a_share_of_something_that_is_counted_is_refused():
    assert "counted in count" in unfit("12 %", Column("overdue", "n")).detail


def test_numerator_and_denominator_come_along_whether_texts_or_numbers():
    parts = Column("rate", "r", "n", "d")
    assert stated(50, parts, "46", 92) == Stated(50.0, Comparator.EQ, 46.0, 92.0)
    assert stated("63/92", parts, None, "") == Stated(68.4782608696, Comparator.EQ, 63.0, 92.0)


@pytest.mark.parametrize(
    ("numerator", "denominator", "reason"),
    [(1, "many", "not-a-number"), (-1, 5, "out-of-range"), (0, 0, "missing"), (1, True, "not-a-number")],
)
def test_a_rate_whose_parts_make_no_sense_is_refused(numerator, denominator, reason):
    assert unfit(50, Column("rate", "r", "n", "d"), numerator, denominator).reason == reason


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("Đủ", True),
        ("  một   phần ", "partly"),
        ("THIẾU", False),
        (1.0, True),
        (0, False),
        (True, True),
        ("false", False),
    ],
)
def test_words_are_compared_as_people_mean_them(raw: object, value: Value):
    words: dict[str, bool | str] = {"đủ": True, "một phần": "partly", "thiếu": False, "1": True, "0": False}
    assert stated(raw, Column("staffed", "s", words=words)).value == value


def test_an_unknown_word_is_refused():
    assert unfit("đang làm", Column("staffed", "s", words={"đủ": True})).reason == "unknown-word"
    assert unfit(2, Column("staffed", "s")).reason == "unknown-word"


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("21/11/2026", MIDNIGHT),
        ("2026-11-21", MIDNIGHT),
        ("1.11.2026", datetime(2026, 10, 31, 17, tzinfo=UTC)),
        ("21/11/2026 08:30", datetime(2026, 11, 21, 1, 30, tzinfo=UTC)),
        ("2026-11-21T08:30:00", datetime(2026, 11, 21, 1, 30, tzinfo=UTC)),
        ("2026-11-21T01:30:00Z", datetime(2026, 11, 21, 1, 30, tzinfo=UTC)),
        ("2026-11-21T08:30:00+07:00", datetime(2026, 11, 21, 1, 30, tzinfo=UTC)),
    ],
)
def test_dates_are_read_in_the_zone_of_the_site_unless_they_name_another(text, instant):
    assert read_moment(text, CALENDAR) == instant


@pytest.mark.parametrize(
    "raw",
    ["", "hôm nay", "31/02/2026", "11/21/2026", "21/11-2026", "46000", "0001-01-01", "9999-12-31T23:59-23:00", 5, [1]],
)
def test_what_is_no_date_is_none(raw):
    assert read_moment(raw, CALENDAR) is None


def test_without_a_date_of_its_own_a_row_is_of_the_poll_or_of_its_local_day():
    assert default_moment(AsOf.FETCH, NOW, CALENDAR) == NOW
    assert default_moment(AsOf.DAY, NOW, CALENDAR) == MIDNIGHT
