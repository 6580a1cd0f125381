"""Which readings count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.engine.evidence import absorb, believable, clamp, inconsistent, not_after, unratable
from monitor.model.reading import Comparator, Reading
from tests.unit.engine_scene import DAY, DOWN_MINUTES, HOUR, MINUTE, NOON, RATE, UP, measure, told

readings = st.lists(
    st.builds(
        lambda minute, value: told(value, NOON + minute * MINUTE),
        st.integers(0, 30),
        st.sampled_from([True, False, 1.0, 0.0, "partly"]),
    ),
    max_size=8,
    unique_by=lambda reading: reading.as_of,
)


def what_counts(kept) -> dict[str, tuple]:
    return {key: (type(r.value), r.value, r.as_of) for key, r in kept.items()}


@given(readings)
def test_the_same_news_twice_is_nothing(news):
    once = absorb({}, news).evidence
    assert absorb(once, news).evidence == once


@given(readings, st.randoms())
def test_the_order_in_which_one_batch_arrives_does_not_matter(news, dice):
    shuffled = list(news)
    dice.shuffle(shuffled)
    assert absorb({}, shuffled) == absorb({}, news)


@given(readings, st.randoms())
def test_the_order_in_which_single_readings_arrive_does_not_matter(news, dice):
    kept = absorb({}, news).evidence
    dice.shuffle(news)
    one_by_one: dict[str, Reading] = {}
    for reading in news:
        one_by_one = dict(absorb(one_by_one, [reading]).evidence)
    assert what_counts(one_by_one) == what_counts(kept)


@given(readings)
def test_what_counts_is_never_older_than_anything_heard(news):
    kept = absorb({}, news).evidence
    assert all(kept[reading.indicator].as_of >= reading.as_of for reading in news)


def test_an_older_value_is_history_and_never_overwrites_a_newer():
    before = absorb({}, [told(81.0)]).evidence
    late = absorb(before, [told(50.0, NOON - HOUR)])
    assert late.evidence == before
    assert [reading.value for reading in late.fresh] == [50.0]


def test_a_revision_counts_and_both_values_are_facts():
    first = told(68.91)
    revised = told(70.5, received=NOON + HOUR)
    after = absorb(absorb({}, [first]).evidence, [revised])
    assert after.evidence["rate"].value == 70.5
    assert after.fresh[0].value == 70.5


def test_a_revision_that_was_received_earlier_does_not_undo_the_later_one():
    kept = absorb({}, [told(70.5, received=NOON + HOUR)]).evidence
    assert absorb(kept, [told(68.91)]).evidence["rate"].value == 70.5


def test_another_denominator_or_sign_is_a_revision_too():
    before = absorb({}, [told(80.0, denominator=10.0)]).evidence
    assert absorb(before, [told(80.0, denominator=20.0, received=NOON + MINUTE)]).fresh
    assert absorb(before, [told(80.0, sign=">", denominator=10.0, received=NOON + MINUTE)]).fresh


def test_the_same_claim_heard_again_later_is_nothing_and_does_not_hide_what_comes_with_it():
    first = told(80.0, numerator=8.0, denominator=10.0)
    before = absorb({}, [first]).evidence
    again = told(80.0, numerator=8.0, denominator=10.0, received=NOON + HOUR)
    after = absorb(before, [again, told(True, NOON + HOUR, indicator="up")])
    assert after.evidence["rate"].received_at == NOON
    assert [reading.indicator for reading in after.fresh] == ["up"]


def test_another_numerator_of_the_same_rate_is_a_revision():
    before = absorb({}, [told(80.0, numerator=8.0, denominator=10.0)]).evidence
    [fresh] = absorb(before, [told(80.0, numerator=8.04, denominator=10.0, received=NOON + MINUTE)]).fresh
    assert fresh.numerator == 8.04


def test_yes_is_not_one():
    before = absorb({}, [told(True)]).evidence
    after = absorb(before, [told(1.0, received=NOON + MINUTE)])
    assert after.evidence["rate"].value is not True


def test_a_run_of_one_value_keeps_its_start_and_another_value_begins_a_new_one():
    minutes = [told(value, NOON + n * MINUTE) for n, value in enumerate([False, False, False, True, True, False])]
    starts = []
    kept: dict[str, Reading] = {}
    for reading in minutes:
        kept = dict(absorb(kept, [reading]).evidence)
        starts.append(kept["rate"].since)
    assert starts == [NOON, NOON, NOON, NOON + 3 * MINUTE, NOON + 3 * MINUTE, NOON + 5 * MINUTE]


def test_a_claim_from_the_future_is_clamped_and_named():
    ahead = told(81.0, NOON + HOUR, received=NOON)
    assert clamp(ahead).as_of == NOON
    assert clamp(ahead).note == "clamped: as_of was in the future"
    assert clamp(told(81.0)) == told(81.0)


def test_what_the_probe_said_stays_beside_the_clamping():
    note = clamp(told(False, NOON + HOUR, received=NOON, note="connection refused")).note
    assert note == "connection refused; clamped: as_of was in the future"


@pytest.mark.parametrize(
    ("since", "then"), [(NOON - DAY, NOON - DAY), (NOON, NOON - HOUR), (NOON - HOUR, NOON - HOUR), (None, None)]
)
def test_when_our_clock_is_set_back_a_run_begins_no_later_than_now(since, then):
    ahead = not_after(NOON - HOUR, {"rate": replace(told(81.0, NOON), since=since)})["rate"]
    assert (ahead.as_of, ahead.received_at, ahead.since) == (NOON - HOUR, NOON - HOUR, then)


@pytest.mark.parametrize(
    ("indicator", "value", "reason"),
    [
        (RATE, 68.91, None),
        (RATE, "a lot", "'a lot' is not a number"),
        (RATE, True, "True is not a number"),
        (RATE, float("nan"), "nan is not a finite number"),
        (RATE, float("inf"), "inf is not a finite number"),
        (measure(minimum=0.0, maximum=100.0), -1.0, "-1 is less than the least possible 0"),
        (measure(minimum=0.0, maximum=100.0), 100.5, "100.5 is more than the greatest possible 100"),
        (measure(minimum=0.0, maximum=100.0), 0.0, None),
        (measure(minimum=0.0, maximum=100.0), 100.0, None),
        (UP, False, None),
        (UP, 1.0, "1.0 is neither true nor false"),
        (UP, "partly", "'partly' is neither true nor false"),
        (measure("ready", "bool", states=("partly",)), "partly", None),
        (measure("mode", "state", states=("on", "off")), "on", None),
        (measure("mode", "state", states=("on", "off")), True, "True is none of on, off"),
        (DOWN_MINUTES, 5.0, "down_minutes is derived from up and takes no readings"),
    ],
)
def test_a_value_that_cannot_be_true_is_refused_with_a_sentence(indicator, value, reason):
    assert believable(indicator, value) == reason


def test_of_two_claims_of_one_instant_that_arrive_together_the_last_counts():
    assert absorb({"rate": told(75.0)}, [told(76.0)]).evidence["rate"].value == 76.0


SHARE = measure(maximum=100.0)


@pytest.mark.parametrize(
    ("indicator", "value", "sign", "parts", "reason"),
    [
        (SHARE, 50.0, "=", (5.0, 10.0), None),
        (SHARE, 51.0, "=", (5.0, 10.0), None),  # as far as rounding goes
        (SHARE, 51.5, "=", (5.0, 10.0), "51.5 % is stated, but 5 of 10 is 50.00 %"),
        (SHARE, 48.5, "=", (5.0, 10.0), "48.5 % is stated, but 5 of 10 is 50.00 %"),
        (SHARE, 67.7, "=", (2.0, 3.0), "67.7 % is stated, but 2 of 3 is 66.67 %"),
        (SHARE, 40.0, ">", (5.0, 10.0), None),
        (SHARE, 100.0, "=", (10.0, 10.0), None),
        (SHARE, 100.0, ">", (11.0, 10.0), "11 of 10: a part is more than its whole"),
        (SHARE, 50.0, "=", (None, 10.0), None),
        (SHARE, 50.0, "=", (5.0, None), None),
        (SHARE, 50.0, "=", (5.0, 0.0), None),
        (SHARE, "none", "=", (5.0, 10.0), None),
        (SHARE, True, "=", (5.0, 10.0), None),
        (measure(maximum=101.0), 99.0, "=", (5.0, 10.0), None),  # no share: growth, say
        (measure(), 99.0, "=", (5.0, 10.0), None),
        (measure(unit="days", maximum=100.0), 99.0, "=", (5.0, 10.0), None),
    ],
)
def test_a_share_and_its_parts_agree_or_it_is_said_how_they_do_not(indicator, value, sign, parts, reason):
    assert inconsistent(indicator, value, Comparator(sign), *parts) == reason


def test_signs_are_part_of_what_is_said():
    both = [told(75.0, sign=">"), told(75.0, NOON + timedelta(seconds=1))]
    assert absorb({}, both).evidence["rate"].comparator is Comparator.EQ


def test_history_keeps_every_change_and_one_repeat_an_hour() -> None:
    start = datetime(2025, 8, 6, 1, 0, tzinfo=UTC)
    evidence: Mapping[str, Reading] = {}
    kept = []
    for minute in range(180):
        at = start + timedelta(minutes=minute)
        news = Reading("02143", "centre_reachable", minute != 90, at, at, "centre-health/02143")
        absorbed = absorb(evidence, [news])
        evidence = absorbed.evidence
        kept += [reading.as_of.strftime("%H:%M") for reading in absorbed.fresh]
    assert kept == ["01:00", "02:00", "02:30", "02:31", "03:00"]


def test_what_a_reading_says_of_itself_is_kept_when_it_goes_on_or_begins_a_run():
    said = told(True, NOON, indicator="up", sign="~", numerator=1.0, denominator=2.0, note="HTTP status 200")
    first = absorb({}, [said]).evidence["up"]
    assert first == replace(said, since=NOON)
    again = replace(said, as_of=NOON + MINUTE, received_at=NOON + 2 * MINUTE, note="slow")
    assert absorb({"up": first}, [again]).evidence["up"] == replace(again, since=NOON)


def test_of_no_cases_there_is_no_rate_whatever_is_stated():
    share, number = measure("share"), measure("number", unit="case")
    assert unratable(share, 0.0) == "the denominator is 0: there is nothing to rate"
    assert [unratable(share, 1.0), unratable(share, None), unratable(number, 0.0)] == [None, None, None]
