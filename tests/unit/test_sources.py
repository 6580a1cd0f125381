"""Several sources of one indicator, and the reported colour."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.engine.explain import sentence
from monitor.engine.reported import believed_until, difference, differs, reported
from monitor.engine.sources import chosen, counts_now, hear, hear_unjudged, next_change, remarks
from monitor.model.colour import Colour
from monitor.model.state import UnitState
from monitor.model.verdict import Standing
from tests.unit.engine_scene import CALENDAR, COMMUNE, GREEN, HOUR, MINUTE, NOON, RED, UNKNOWN, measure, told

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


def test_of_all_that_differ_the_one_that_differs_most_is_named_whatever_its_place():
    news = [told(90.0, source="best"), told(70.0, source="a"), told(99.0, source="second"), told(70.0, source="z")]
    [said] = remarks(BOTH, news, NOON)
    assert sentence(said, "en") == "two sources differ by 20 (limit 5): best says 90, z says 70"


@pytest.mark.parametrize(
    ("values", "disagree", "named"),
    [
        ((0.1 + 0.2, 0.3), 0.0, False),  # a number is what it is to nine digits
        ((0.300000001, 0.3), 0.0, True),
        (("full", "part"), 0.5, False),  # words and yes or no have no distance
        ((True, 3.0), 0.5, False),
        ((90.0,), 0.5, False),  # nobody to differ from
        ((90.0, 10.0), None, False),  # nobody asked
    ],
)
def test_numbers_differ_by_more_than_the_limit_and_nothing_else_does(values, disagree, named):
    news = [told(value, source=source) for value, source in zip(values, ("best", "second"), strict=False)]
    assert bool(remarks(replace(BOTH, disagree=disagree), news, NOON)) is named


def test_a_stand_in_is_named_with_the_source_it_stands_in_for():
    [said] = remarks(BOTH, [told(70.0, source="second")], NOON)
    assert sentence(said, "en") == (
        "taken from second, for the preferred source best has no figure that is still believed"
    )


@pytest.mark.parametrize("indicator", [measure(disagree=5.0, max_age=3600.0), replace(BOTH, sources=("portal",))])
def test_nobody_stands_in_where_no_source_is_preferred_or_the_preferred_one_is_believed(indicator):
    assert remarks(indicator, [told(70.0)], NOON) == ()


def test_a_figure_that_nobody_believes_any_more_stands_in_for_nothing_and_differs_from_nothing():
    assert remarks(BOTH, [told(70.0, source="second"), told(20.0, source="third")], NOON + HOUR) == ()


@pytest.mark.parametrize(
    ("source", "counts"),
    [
        ("second/02143", True),  # a probe is named by its id, without the unit
        ("push:best/5", False),  # a push is named by all of its name
        ("push:key/5", True),
        ("push:key", False),
    ],
)
def test_a_source_is_preferred_by_the_name_that_rules_give_it(source, counts):
    preferring = replace(BOTH, sources=("best", "second", "push:key/5"))
    readings = [told(70.0, source=source), told(80.0, NOON + MINUTE, source="somebody")]
    assert (chosen(preferring, readings, NOON + MINUTE).source == source) is counts


def test_of_sources_nobody_prefers_the_newest_claim_counts_then_the_one_received_last():
    listed = measure(disagree=5.0)
    older, newer = told(70.0, source="a"), told(80.0, NOON + MINUTE, source="b")
    later = told(90.0, NOON + MINUTE, source="c", received=NOON + 2 * MINUTE)
    assert chosen(listed, [older, newer], NOON + HOUR) == newer
    assert chosen(listed, [older, newer, later], NOON + HOUR) == later


@pytest.mark.parametrize(
    ("indicator", "contested"),
    [
        (measure(sources=("best",)), True),
        (measure(disagree=5.0), True),
        (measure(), False),
        (None, False),  # a reading of a book that is gone
    ],
)
def test_only_what_may_be_contested_is_kept_by_source(indicator, contested):
    known = {} if indicator is None else {"rate": indicator}
    heard = hear({}, {}, [told(70.0)], known, NOON)
    assert (heard.evidence["rate"].value, "rate" in heard.rivals) == (70, contested)


def test_when_a_book_first_prefers_a_source_the_figure_that_counted_is_a_rival():
    before = {"rate": told(90.0, source="best")}
    heard = hear(before, {}, [told(70.0, NOON + MINUTE, source="second")], KNOWN, NOON + MINUTE)
    assert [reading.source for reading in heard.rivals["rate"]] == ["best", "second"]
    assert heard.evidence["rate"].value == 90


def test_history_keeps_the_news_of_every_source_and_a_past_is_made_of_the_one_that_counts():
    news = [told(70.0, source="second"), told(90.0, source="best"), told(True, indicator="up")]
    heard = hear({}, {}, news, KNOWN, NOON)
    assert {reading.source for reading in heard.fresh} == {"second", "best", "portal"}
    assert {reading.source for reading in counts_now(heard)} == {"best", "portal"}


def test_what_goes_stale_now_has_changed_and_is_no_next_change():
    heard = after([told(90.0, source="best")], NOON)
    assert next_change(heard.rivals, KNOWN, NOON + HOUR) is None


def test_while_no_rule_can_be_asked_every_source_is_heard_and_none_is_chosen():
    before = after([told(90.0, source="best"), told(80.0, source="second")], NOON)
    news = [
        told(70.0, NOON + MINUTE, source="second"), told(60.0, NOON + MINUTE, source="best"),
        told(50.0, NOON + MINUTE, source="third"), told(40.0, NOON - MINUTE, source="third"),
        told(True, NOON + MINUTE, indicator="up"),
    ]  # fmt: skip
    heard = hear_unjudged(before.evidence, before.rivals, news)
    assert [(reading.source, reading.value) for reading in heard.rivals["rate"]] == [
        ("best", 60), ("second", 70), ("third", 50),
    ]  # fmt: skip
    assert (heard.evidence["rate"].value, heard.evidence["up"].value) == (90, True)
    assert sorted(map(str, (reading.value for reading in heard.fresh))) == ["40.0", "50.0", "60.0", "70.0", "True"]


REPORT = measure("reported_colour", "state", 3600.0, states=("green", "yellow", "red"))
GREEN_REPORT = told("green", indicator="reported_colour")


def test_a_report_that_is_too_old_is_unknown():
    told_so = {"reported_colour": GREEN_REPORT}
    assert reported(told_so, {"reported_colour": REPORT}, NOON) is Colour.GREEN
    assert reported(told_so, {"reported_colour": REPORT}, NOON + HOUR) is Colour.UNKNOWN


@pytest.mark.parametrize(
    ("evidence", "indicators"),
    [
        ({}, {"reported_colour": REPORT}),
        ({"reported_colour": GREEN_REPORT}, {}),
        ({"reported_colour": replace(GREEN_REPORT, value="blue")}, {"reported_colour": REPORT}),
    ],
)
def test_no_report_and_one_that_no_rule_reads_are_unknown(evidence, indicators):
    assert believed_until(evidence, indicators) is None
    assert reported(evidence, indicators, NOON) is Colour.UNKNOWN


def stands(computed, said, evidence=(GREEN_REPORT,)) -> UnitState:
    standing = None if computed is None else Standing(computed, NOON, computed, NOON)
    return UnitState(COMMUNE, standing=standing, reported=said, evidence={r.indicator: r for r in evidence})


@pytest.mark.parametrize(
    ("computed", "said", "different"),
    [
        (RED, GREEN, True), (GREEN, GREEN, False), (UNKNOWN, GREEN, False), (RED, UNKNOWN, False), (None, GREEN, False),
        (UNKNOWN, UNKNOWN, False),
    ],
)  # fmt: skip
def test_two_colours_differ_only_where_both_are_known(computed, said, different):
    state = stands(computed, said)
    assert differs(state) is different
    assert (difference(state) is not None) is different


def test_a_difference_says_both_colours_and_who_reported_when():
    said = difference(stands(RED, GREEN))
    assert said is not None
    assert sentence(said, "en", CALENDAR) == (
        "the national system reports green (source portal, 12:00 06/08/2025), the rules give red"
    )


def test_a_difference_whose_report_is_gone_cannot_be_told():
    assert difference(stands(RED, GREEN, evidence=())) is None
