from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.retry import next_try
from monitor.model.incident import Outcome

NOW = datetime(2025, 8, 6, 1, tzinfo=UTC)


def wait(outcome: Outcome, attempt: int, chance: float = 0.0, retry_after: float | None = None) -> float:
    return (next_try(outcome, attempt, NOW, chance, retry_after) - NOW).total_seconds()


def test_waits_double_from_one_second_to_a_minute():
    assert [wait(Outcome.TRY_AGAIN, attempt) for attempt in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_chance_takes_up_to_half_of_the_wait():
    assert wait(Outcome.TRY_AGAIN, 5, 0.5) == 12


@given(st.integers(1, 10**9), st.floats(0, 1, exclude_max=True))
def test_it_never_gives_up_and_never_waits_longer_than_a_minute_unasked(attempt, chance):
    assert 0.5 <= wait(Outcome.TRY_AGAIN, attempt, chance) <= 60


def test_what_may_have_been_sent_is_not_repeated_at_once():
    assert wait(Outcome.UNKNOWN, 1) == 15
    assert wait(Outcome.UNKNOWN, 7) == 60


@pytest.mark.parametrize(
    ("asked", "waited"),
    [(120, 120), (0.2, 1), (-5, 1), (float("nan"), 1), (float("inf"), 1), (10**9, 3600)],
)
def test_retry_after_is_honoured_up_to_an_hour_and_only_when_it_makes_sense(asked, waited):
    assert wait(Outcome.TRY_AGAIN, 1, retry_after=asked) == waited


@pytest.mark.parametrize("outcome", [Outcome.SENT, Outcome.REFUSED, Outcome.SUPPRESSED])
def test_a_final_outcome_has_no_next_try(outcome):
    with pytest.raises(ValueError, match="final"):
        next_try(outcome, 1, NOW, 0.0)


@pytest.mark.parametrize(("attempt", "chance"), [(0, 0.0), (1, 1.0), (1, -0.1)])
def test_attempts_count_from_one_and_chance_stays_below_one(attempt, chance):
    with pytest.raises(ValueError, match="attempt"):
        next_try(Outcome.TRY_AGAIN, attempt, NOW, chance)


def test_the_next_try_is_an_aware_instant():
    assert next_try(Outcome.TRY_AGAIN, 1, NOW, 0.0) == NOW + timedelta(seconds=1)
