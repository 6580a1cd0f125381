"""Matchers, days, occurrences and ends of silences and windows, as facts."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.store import codec
from monitor.alerting.orders import Order, Refused, silence_of, window_of
from monitor.model.matcher import matches, parse_matcher, parse_matchers, subject, unknown_name
from monitor.model.muting import Muting, Repeat, Silence, Span, When, Window, ended, maintenance_spans, under_way
from monitor.model.recurrence import parse_recurrence
from tests.unit.engine_scene import COMMUNE, OTHER, PROVINCE, SYSTEM, local, units
from tests.unit.muting_scene import series, silence, window

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
SYDNEY, NEW_YORK, BERLIN = "Australia/Sydney", "America/New_York", "Europe/Berlin"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOON = local(6, 12)
CAUSES = ("centre_reachable", "silent:portal", "mass:centre_reachable")


def at(zone: str, *wall: int, fold: int = 0) -> datetime:
    return datetime(*wall, tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)  # type: ignore[misc,arg-type]


# -- matchers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "holds"),
    [
        (f"unit={COMMUNE}", True), (f"unit!={COMMUNE}", False), (f"unit={OTHER}", False),
        (f"unit={OTHER}|{COMMUNE}", True),
        (f"under={PROVINCE}", True), (f"province={PROVINCE}", True), ("province=01", False), ("level=commune", True),
        ("level!=system|nation", True), (f"system={SYSTEM}", True), ("criterion=up", True), ("criterion=u*", True),
        ("criterion=*p", True), ("criterion=u*p*", True), ("criterion=p*", False), ("criterion=*x*", False),
        ("unit=*", True),
        ("kind=outage", True), ("kind!=outage", False), ("colour=red", True), ("colour=yellow|red", True),
        ("criterion=*up*up", False),
    ],
)  # fmt: skip
def test_a_matcher_says_what_it_is_about(written, holds):
    about = subject(COMMUNE, units(), "up", "outage", "red")
    assert matches(parse_matchers((written,)), about) is holds
    assert str(parse_matcher(written)) == written


def test_all_matchers_must_hold_and_none_at_all_mutes_nothing():
    about = subject(COMMUNE, units(), "up", "outage", "red")
    assert matches(parse_matchers(("level=commune", "colour=red")), about)
    assert not matches(parse_matchers(("level=commune", "colour=yellow")), about)
    assert not matches((), about)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("02143", "is no matcher; write field=value or field!=value"),
        ("comune=02143", "field one of unit, under, level"),
        ("unit=", "has an empty, long or unreadable value"),
        ("unit=a||b", "has an empty, long or unreadable value"),
        ("unit=" + "a" * 101, "has an empty, long or unreadable value"),
        ("unit=" + "|".join(map(str, range(51))), "has 51 values; at most 50, or use *"),
    ],
)
def test_a_wrong_matcher_is_told_what_would_be_right(written, said):
    with pytest.raises(ValueError, match=r"write|use") as refused:
        parse_matcher(written)
    assert said in str(refused.value)


def test_a_name_that_nothing_answers_to_is_a_typing_error_and_no_silence():
    for slip, said in (
        ("unit=02999", "unit=02999: there is no unit '02999' at this site"),
        ("level=comune", "level=comune: there is no level 'comune' at this site; did you mean 'commune'?"),
        ("kind=outtage", "there is no kind 'outtage' at this site; did you mean 'outage'?"),
        ("colour=yellow|do", "there is no colour 'do' at this site; known: red, unknown, yellow"),
        ("criterion=centre_reachible", "'centre_reachible' at this site; did you mean 'centre_reachable'?"),
        ("criterion!=centre_reachible", "did you mean 'centre_reachable'?"),
        ("criterion=silent:portl", "did you mean 'silent:portal'?"),
        ("criterion=cnetre_*", "there is no criterion 'cnetre_*' at this site"),
        ("unit=99*", "there is no unit '99*' at this site"),
    ):
        assert said in (unknown_name(parse_matchers((slip,)), units(), CAUSES) or ""), slip
    assert unknown_name(parse_matchers(("kind=outage|mass", "colour!=red")), units(), CAUSES) is None
    right = ("unit=021*", f"system={SYSTEM}", "criterion=centre_*|silent:portal|mass:*", "criterion!=silent:*")
    assert unknown_name(parse_matchers(right), units(), CAUSES) is None


@given(st.text("ab*", min_size=1, max_size=40), st.text("ab", max_size=40))
def test_a_pattern_matches_as_the_standard_library_has_it(pattern, value):
    from fnmatch import fnmatchcase

    from monitor.model.matcher import _like

    assert _like(pattern, value) is fnmatchcase(value, pattern)


# -- days -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("day", [1, 2, 3]), ("sun", [3, 10, 17, 24, 31]), ("1,15", [1, 15]), ("last", [31]), ("2nd sun", [10]),
        ("last fri", [29]), ("1st mon,last", [4, 31]), ("4th sun", [24]), ("last sun", [31]),
        (" Sun ,  2ND   sun", [3, 10, 17, 24, 31]),
    ],
)  # fmt: skip
def test_days_are_named_as_people_name_them(written, days):
    found = parse_recurrence(written)
    in_august = [n for n in range(1, 32) if found.falls_on(date(2025, 8, n))]
    assert in_august[: len(days)] == days
    assert written == "day" or in_august == days
    assert parse_recurrence(str(found)) == found


@pytest.mark.parametrize("written", ["", "32", "0", "5th sun", "monday", "2nd", "day,sun", "last last", "*/2"])
def test_a_day_that_is_none_is_refused(written):
    with pytest.raises(ValueError, match="names no day; write day, or of mon to sun"):
        parse_recurrence(written)


def test_a_month_without_a_31st_has_none_and_the_last_day_of_february_is_found():
    days = parse_recurrence("31,last")
    assert [d for d in range(1, 29) if days.falls_on(date(2025, 2, d))] == [28]
    assert days.falls_on(date(2024, 2, 29)) and not days.falls_on(date(2024, 2, 28))


# -- occurrences ------------------------------------------------------------------------------------------------------


def test_a_window_holds_from_its_start_counted_to_its_end_not_counted():
    once = window(NOON, NOON + HOUR)
    tick = timedelta.resolution
    found = [once.active(instant) is not None for instant in (NOON - tick, NOON, NOON + HOUR - tick, NOON + HOUR)]
    assert found == [False, True, True, False]
    assert [once.when(i) for i in (NOON - tick, NOON, NOON + HOUR)] == [When.COMING, When.ACTIVE, When.PAST]


def test_a_night_window_is_local_and_reaches_over_midnight():
    nightly = series(local(1), local(31), "day", "22:00", 8)
    assert nightly.active(local(7, 5)) == Span(local(6, 22), local(7, 6))
    assert nightly.active(local(7, 6)) is None and nightly.when(local(7, 12)) is When.COMING
    assert nightly.next_change(local(7, 12), local(9)) == local(7, 22)


def test_sc_25_mute_intervals_are_read_on_the_local_clock_of_their_own_zone():
    """SC-25: nights 17-24 and 00-09 and weekends in Sydney; asked in UTC, at any place (alertmanager#2646)."""
    begins, ends = at(SYDNEY, 2023, 12, 1), at(SYDNEY, 2024, 3, 1)
    nights = series(begins, ends, "day", "17:00", 16, zone=SYDNEY)
    weekend = series(begins, ends, "sat", "00:00", 48, zone=SYDNEY)
    assert nights.active(at(SYDNEY, 2024, 1, 1, 0, 0)) and nights.active(at(SYDNEY, 2024, 1, 1, 9, 0)) is None
    assert weekend.active(at(SYDNEY, 2024, 1, 6, 10)) and nights.active(at(SYDNEY, 2024, 1, 6, 10)) is None
    assert (
        nights.active(datetime(2024, 1, 1, 10, tzinfo=UTC))
        and weekend.active(datetime(2024, 1, 1, 10, tzinfo=UTC)) is None
    )
    both = datetime(2024, 1, 6, 10, tzinfo=UTC)  # 21:00 on a Saturday in Sydney
    assert nights.active(both) and weekend.active(both)


def test_sc_26_the_last_day_of_a_month_is_found_in_the_month_in_which_clocks_change():
    """SC-26: 31 March in New York."""
    last = series(at(NEW_YORK, 2024, 1, 1), at(NEW_YORK, 2024, 12, 31), "last", "00:00", 24, zone=NEW_YORK)
    assert last.active(at(NEW_YORK, 2024, 3, 31, 12)) == Span(at(NEW_YORK, 2024, 3, 31), at(NEW_YORK, 2024, 4, 1))
    assert last.active(at(NEW_YORK, 2024, 3, 30, 12)) is None


def test_a_start_that_clocks_skip_is_the_end_of_the_gap_and_one_shown_twice_comes_once():
    nightly = series(at(BERLIN, 2024, 3, 1), at(BERLIN, 2024, 12, 1), "day", "02:30", 1, zone=BERLIN)
    spring = list(nightly.spans(at(BERLIN, 2024, 3, 31), at(BERLIN, 2024, 4, 1)))
    assert spring == [Span(at(BERLIN, 2024, 3, 31, 3), at(BERLIN, 2024, 3, 31, 4))]
    autumn = list(nightly.spans(at(BERLIN, 2024, 10, 27), at(BERLIN, 2024, 10, 28)))
    assert autumn == [Span(at(BERLIN, 2024, 10, 27, 2, 30), at(BERLIN, 2024, 10, 27, 2, 30) + HOUR)]


@pytest.mark.parametrize("zone", ["Asia/Ho_Chi_Minh", BERLIN, NEW_YORK, SYDNEY, "Australia/Lord_Howe", "Pacific/Apia"])
@pytest.mark.parametrize("clock", ["00:00", "02:30", "23:30"])
def test_over_fourteen_years_a_daily_window_comes_once_a_day_and_never_overlaps(zone, clock):
    for year in range(2024, 2038):
        daily = series(at(zone, year, 1, 1), at(zone, year, 12, 31), "day", clock, 2, zone=zone)
        spans = list(daily.spans(daily.starts, daily.ends))
        assert abs(len(spans) - (daily.ends - daily.starts).days) <= 1
        assert all(earlier.ends < later.starts for earlier, later in pairwise(spans))
        assert all(timedelta() < span.ends - span.starts <= 2 * HOUR for span in spans)


INSTANTS = st.integers(0, 20 * 24 * 60).map(lambda minutes: local(1) + timedelta(minutes=minutes))
DAYS = st.sampled_from(["day", "sun", "1,15", "last", "2nd sun,tue", "10"])


@given(DAYS, st.times(), st.integers(1, 40), INSTANTS, INSTANTS)
def test_what_is_active_and_what_comes_next_agree_with_the_list_of_all_occurrences(days, clock, hours, now, until):
    made = series(local(3), local(20), days, f"{clock:%H:%M}", hours)
    spans = list(made.spans(local(1), local(31)))
    assert made.active(now) == next((span for span in spans if span.starts <= now < span.ends), None)
    edges = [edge for span in spans for edge in (span.starts, span.ends) if now < edge < until]
    assert made.next_change(now, until) == min(edges, default=None)


@given(st.lists(st.tuples(INSTANTS, st.integers(0, 3000)), max_size=5), INSTANTS, INSTANTS)
def test_maintenance_spans_are_merged_cut_and_cover_exactly_what_some_window_covers(given_spans, start, end):
    windows = [window(begin, begin + timedelta(minutes=n), name=f"M-{i}") for i, (begin, n) in enumerate(given_spans)]
    merged = maintenance_spans(windows, start, end)
    assert all(earlier.ends < later.starts for earlier, later in pairwise(merged))
    assert all(start <= span.starts < span.ends <= end for span in merged)
    for minutes in range(0, 22 * 24 * 60, 97):
        instant = local(1) + timedelta(minutes=minutes, seconds=30)
        covered = start <= instant < end and under_way(windows, instant) is not None
        assert any(span.starts <= instant < span.ends for span in merged) is covered


# -- ends -------------------------------------------------------------------------------------------------------------


def test_what_is_ended_is_over_at_that_instant_and_never_comes_back():
    """alertmanager#3457: an expired silence was there again."""
    quiet = ended(silence(NOON, NOON + 4 * HOUR), "binh", NOON + HOUR)
    nightly = ended(series(local(1), local(31), "day", "22:00", 8), "binh", local(7))
    for days in range(40):
        instant = NOON + HOUR + days * DAY
        assert quiet.when(instant) is When.PAST
        assert nightly.when(max(instant, local(7))) is When.PAST
    with pytest.raises(ValueError, match="S-ONE is over already"):
        ended(quiet, "binh", NOON + 2 * HOUR)


def test_ending_what_has_not_begun_means_that_it_never_does():
    coming = ended(silence(NOON + DAY, NOON + 2 * DAY), "binh", NOON)
    assert [coming.when(NOON + n * HOUR) for n in range(0, 72, 6)] == [When.PAST] * 12


def test_of_several_silences_the_one_that_ends_last_is_named():
    about = subject(COMMUNE, units())
    both = Muting((silence(NOON, NOON + HOUR, name="S-A"), silence(NOON, NOON + 2 * HOUR, name="S-B")))
    found = both.silence(about, NOON)
    assert found is not None and found.id == "S-B"
    assert both.silence(about, NOON + 2 * HOUR) is None


def test_silences_and_windows_come_back_from_json_exactly():
    nightly = series(local(1), local(31), "2nd sun,last,mon", "22:00", 8, f"unit!={COMMUNE}|x*")
    assert codec.WINDOW.decode(codec.WINDOW.encode(nightly)) == nightly
    quiet = silence(NOON, NOON + HOUR)
    assert codec.SILENCE.decode(codec.SILENCE.encode(quiet)) == quiet


# -- orders -----------------------------------------------------------------------------------------------------------


def ordered(**more) -> Silence:
    return silence_of(Order(**({"matchers": ("unit=*",), "comment": "vì"} | more)), "an", units(), CAUSES, HANOI, NOON)


def planned(**more) -> Window:
    return window_of(Order(**({"matchers": ("level=system",), "comment": "vì"} | more)), "an", units(), HANOI, NOON)


NIGHTLY = {"every": "day", "at": "22:00", "seconds": 60.0}


def test_an_order_without_an_offset_is_on_the_clock_of_the_site_and_a_day_is_counted_in_full():
    quiet = ordered(starts="2025-08-07T22:00", until="2025-08-08")
    assert (quiet.starts, quiet.ends) == (local(7, 22), local(9))
    assert ordered(seconds=7200.0).ends == NOON + 2 * HOUR
    assert ordered(until="2025-08-07T00:00:00+00:00").ends == datetime(2025, 8, 7, tzinfo=UTC)


def test_a_name_is_derived_from_what_was_said_so_that_the_same_order_is_the_same_silence():
    assert ordered(seconds=60.0).id == ordered(seconds=60.0).id != ordered(seconds=61.0).id
    assert ordered(seconds=60.0).id.startswith("S-") and planned(seconds=60.0).id.startswith("M-")


def test_a_recurring_order_becomes_a_window_on_the_local_clock():
    nightly = planned(every="last sun", at="22:00", seconds=7200.0, until="2025-12-31")
    assert nightly.repeat == Repeat(parse_recurrence("last sun"), time(22), 7200.0, "Asia/Ho_Chi_Minh")
    assert next(nightly.spans(NOON, local(31, 23, 59))).starts == local(31, 22)


@pytest.mark.parametrize(
    ("make", "more", "field", "said"),
    [
        (ordered, {}, "until", "it needs an end: give exactly one of"),
        (ordered, {"seconds": 60.0, "until": "2025-08-09"}, "until", "it needs an end: give exactly one of"),
        (ordered, {"seconds": 31 * 86400.0}, "for", "it lasts 31 days; at most 30 days"),
        (ordered, {"until": "2025-08-05"}, "until", "it ends before it starts"),
        (ordered, {"starts": "2025-08-01", "until": "2025-08-05"}, "until", "its end has passed"),
        (ordered, {"seconds": 1e300}, "for", "it lasts too long"),
        (ordered, {"until": "tomorrow"}, "until", "'tomorrow' is no instant; write 2026-11-28T22:00"),
        (ordered, {"until": "9999-12-31"}, "until", "is no instant"),
        (ordered, {"seconds": 60.0, "starts": "2027-08-01"}, "from", "it starts more than 366 days ahead"),
        (ordered, {"seconds": 60.0, "comment": "  "}, "comment", "say why"),
        (ordered, {"seconds": 60.0, "matchers": ()}, "matchers", "there is no matcher; write unit=* for everything"),
        (ordered, {"seconds": 60.0, "matchers": ("unit=02999",)}, "matchers", "there is no unit '02999' at this site"),
        (ordered, {"seconds": 60.0, "every": "day"}, "every", "a silence does not come again"),
        (planned, {"seconds": 60.0, "matchers": ("colour=red",)}, "matchers", "'colour' cannot be asked here"),
        (planned, NIGHTLY, "until", "a window that comes again needs an end"),
        (planned, NIGHTLY | {"seconds": None, "until": "2025-09-01"}, "for", "say how long each time"),
        (planned, NIGHTLY | {"at": "25:00", "until": "2025-09-01"}, "at", "say when on the local"),
        (planned, NIGHTLY | {"until": "2026-09-01"}, "until", "it comes again for 391"),
        (planned, NIGHTLY | {"seconds": 86400.0, "until": "2025-09-01"}, "for", "it begins again before"),
        (planned, NIGHTLY | {"every": "last", "until": "2025-08-20"}, "until", "it never begins between"),
        (planned, NIGHTLY | {"every": "noday", "until": "2025-08-20"}, "every", "names no day"),
        (planned, {"at": "22:00", "seconds": 60.0}, "at", "'at' goes with 'every'"),
    ],
)  # fmt: skip
def test_an_order_that_cannot_be_carried_out_names_the_field_and_what_would_be_right(make, more, field, said):
    with pytest.raises(Refused) as refused:
        make(**more)
    assert refused.value.field == field
    assert said in str(refused.value)
