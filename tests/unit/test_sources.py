"""Several sources of one indicator, and the reported colour."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.engine.reported import reported
from monitor.engine.sources import hear, next_change, remarks
from monitor.model.colour import Colour
from tests.unit.engine_scene import HOUR, MINUTE, NOON, measure, told

BOTH = measure(sources=("best", "second"), disagree=5.0, max_age=3600.0)
KNOWN = {"rate": BOTH}
NEWS = st.lists(
    st.builds(
        lambda source, minute, value: told(float(value), NOON + minute * MINUTE, source=source),
        st.sampled_from([*(f"s{n}" for n in range(12)), "best", "second"]), st.integers(0, 90), st.integers(0, 100),
    ),
    max_size=30, unique_by=lambda reading: (reading.source, reading.as_of),
)  # fmt: skip
LATER = NOON + 90 * MINUTE


def after(news, now=LATER):
    return hear({}, {}, news, KNOWN, now)


def shown(heard):
    return {key: (r.source, r.value, r.as_of) for key, r in heard.evidence.items()}


@given(NEWS, st.randoms())
def test_any_order_of_arrival_gives_the_same_evidence(news, dice):
    shuffled = list(news)
    dice.shuffle(shuffled)
    heard = after([])
    for reading in shuffled:
        heard = hear(heard.evidence, heard.rivals, [reading], KNOWN, LATER)
    assert shown(heard) == shown(after(news))
    assert all(len(kept) <= 8 for kept in heard.rivals.values())


@given(NEWS)
def test_an_older_claim_of_a_source_changes_nothing(news):
    heard = after(news)
    old = [told(1.0, reading.as_of - 200 * MINUTE, source=reading.source) for reading in news]
    assert shown(hear(heard.evidence, heard.rivals, old, KNOWN, LATER)) == shown(heard)


def test_a_stale_source_hands_over_at_its_instant_and_takes_back():
    heard = after([told(90.0, source="best"), told(70.0, NOON + 30 * MINUTE, source="second")], NOON + 30 * MINUTE)
    assert heard.evidence["rate"].value == 90
    assert next_change(heard.rivals, KNOWN, NOON + 30 * MINUTE) == NOON + HOUR
    handed = hear(heard.evidence, heard.rivals, (), KNOWN, NOON + HOUR)
    assert handed.evidence["rate"].value == 70
    assert [r.code for r in remarks(BOTH, handed.rivals["rate"], NOON + HOUR)] == ["stand_in"]
    back = hear(handed.evidence, handed.rivals, [told(91.0, NOON + HOUR, source="best")], KNOWN, NOON + HOUR)
    assert back.evidence["rate"].value == 91


def test_sources_that_differ_by_more_than_the_limit_are_both_named():
    heard = after([told(90.0, source="best"), told(84.0, source="second")], NOON)
    [said] = remarks(BOTH, heard.rivals["rate"], NOON)
    assert (said.code, said.params["difference"]) == ("sources_disagree", 6)
    near = after([told(90.0, source="best"), told(85.0, source="second")], NOON)
    assert remarks(BOTH, near.rivals["rate"], NOON) == ()


def test_a_report_that_is_too_old_is_unknown():
    colour = measure("reported_colour", "state", 3600.0, states=("green", "yellow", "red"))
    told_so = {"reported_colour": told("green", indicator="reported_colour")}
    assert reported(told_so, {"reported_colour": colour}, NOON) is Colour.GREEN
    assert reported(told_so, {"reported_colour": colour}, NOON + HOUR) is Colour.UNKNOWN
