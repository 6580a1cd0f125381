"""A unit's state is written quickly where that says the same, and exactly where it would not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.store.codec import STATE, Codec
from monitor.model.errors import StoreError
from monitor.model.reading import Reading
from monitor.model.rolling import Rolling, Tally, Tier
from monitor.model.state import UnitState
from monitor.model.verdict import Reason
from tests.contract.store_facts import NOW, rich_state

INSTANTS = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC))
NUMBERS = st.one_of(st.floats(allow_nan=False), st.integers(-(2**80), 2**80))
FINITE = st.floats(allow_nan=False, allow_infinity=False)  # of what is optional an endless number is written as nothing
VALUES = st.one_of(NUMBERS, st.booleans(), st.text())
PARAMS = st.dictionaries(st.text(), st.one_of(VALUES, INSTANTS, st.none()), max_size=4)


@st.composite
def states(draw) -> UnitState:
    """States with anything where anything may stand."""
    state = rich_state()
    held, incident, standing = state.criteria["kpi"], state.incidents["portal"], state.standing
    assert standing is not None
    verdict, ahead = held.verdict, held.verdict.forecast
    assert ahead is not None
    said = replace(
        verdict,
        value=draw(VALUES),
        numerator=draw(st.one_of(st.none(), FINITE)),
        reasons=(Reason("band", draw(PARAMS)),),
        forecast=draw(st.one_of(st.none(), st.builds(replace, st.just(ahead), projected=FINITE))),
    )
    told = Reading(
        "00010", "kpi", draw(VALUES), draw(INSTANTS), NOW, "feed", denominator=draw(FINITE), note=draw(st.text())
    )
    return replace(
        state,
        standing=replace(standing, reasons=(Reason("all_green", draw(PARAMS)),)),
        criteria={draw(st.text()): replace(held, verdict=said, since=draw(INSTANTS))},
        evidence={"kpi": told},
        rivals=draw(st.sampled_from(({}, {"kpi": (told, told)}))),
        incidents=draw(st.sampled_from(({}, {"portal": replace(incident, facts=draw(PARAMS))}))),
        rolling={"probe": Rolling(1.5, True, 1.5, Tier(1.5, Tally(4, 1.0, latencies={3: 2, 40: 1})))},
    )


def written(write, state: UnitState) -> str:
    """What is read from the document (1e22 and 1e+22, 1 and 1.0 are one number), or that it cannot be written."""
    try:
        return repr(STATE.decode(write(state)))
    except StoreError:
        return "refused"


@given(state=states())
def test_a_state_is_written_as_the_general_codec_writes_it_and_read_as_it_was(state):
    quick = written(STATE.encode, state)
    assert quick == written(lambda one: Codec.encode(STATE, one), state)
    assert quick == "refused" or STATE.decode(STATE.encode(state)) == state


@pytest.mark.parametrize("odd", [float("inf"), float("-inf"), 10**30, NOW], ids=str)
def test_what_one_of_the_writers_cannot_say_is_kept_wherever_it_stands(odd):
    state = rich_state()
    reason = Reason("band", {"value": odd})
    held = replace(state.criteria["kpi"], verdict=replace(state.criteria["kpi"].verdict, reasons=(reason,)))
    for changed in (
        replace(state, criteria={"kpi": held}),
        replace(state, incidents={"portal": replace(state.incidents["portal"], facts={"value": odd})}),
    ):
        assert STATE.decode(STATE.encode(changed)) == changed


def test_a_text_that_is_none_is_refused_by_both():
    state = replace(rich_state(), evidence={"kpi": Reading("00010", "kpi", "\ud800", NOW, NOW, "feed")})
    with pytest.raises(StoreError):
        STATE.encode(replace(state, criteria={}, standing=None))
