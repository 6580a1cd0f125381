"""Which source is due in which second."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.reading import Collected
from monitor.service.sweep import SLOTS, phase, slots_of, spread, until_phase
from monitor.testing.doubles import ScriptedSource


def source(name: str = "probe/02143", period: float = 60) -> ScriptedSource:
    def nothing(now: datetime) -> Collected:
        return Collected(name, now)

    return ScriptedSource(name, "02143", nothing, period)


@pytest.mark.parametrize(("period", "slots"), [(1, 60), (5, 12), (15, 4), (30, 2), (60, 1), (300, 1), (86_400, 1)])
def test_a_source_has_as_many_slots_in_a_minute_as_polls(period, slots):
    assert len(set(slots_of(source(period=period)))) == slots


@pytest.mark.parametrize("period", [0, -60, 0.5, 7, 45, 90, 61])
def test_a_period_that_fits_no_minute_is_refused(period):
    with pytest.raises(ValueError, match="neither divides a minute"):
        slots_of(source(period=period))


@given(st.text(), st.sampled_from([15, 60, 300, 3600]), st.integers(0, 2**31))
def test_a_sources_own_instants_fall_into_its_slots(name, period, epoch):
    made = source(name, period)
    wait = until_phase(made, epoch)
    assert 0 < wait <= period
    assert (epoch + int(wait)) % period == phase(name, period)
    assert (epoch + int(wait)) % SLOTS in slots_of(made)


def test_the_phase_is_the_same_on_every_machine():
    assert phase("centre-health/02143", 60) == 46
    assert phase("centre-health/02143", 3600) == 1306


def test_all_sources_spread_evenly_over_the_slots():
    slots = spread(source(f"centre-health/{number:05d}") for number in range(3321))
    counts = [len(slots[slot]) for slot in range(SLOTS)]
    assert sum(counts) == 3321
    assert min(counts) > 25
    assert max(counts) < 100


def test_every_source_is_in_the_slots_that_it_says():
    sources = [source(f"s{number}", (15, 60, 300)[number % 3]) for number in range(30)]
    counted = Counter(one.id for slot in spread(sources).values() for one in slot)
    assert all(counted[one.id] == len(slots_of(one)) for one in sources)
