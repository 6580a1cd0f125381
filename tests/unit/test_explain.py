"""Reasons as sentences."""

from __future__ import annotations

from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.engine import reasons
from monitor.engine.explain import COLOURS, SENTENCES, colour_name, limit_text, number, sentence, span, value_text
from monitor.model.colour import Colour
from monitor.model.reading import Comparator
from monitor.model.verdict import Reason
from tests.unit.engine_scene import CALENDAR, local

CODES = sorted(value for name, value in vars(reasons).items() if name.isupper())
LOCALES = ("vi", "en")
params = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9),
    st.datetimes(timezones=st.just(local(1).tzinfo)),
)  # fmt: skip


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("code", CODES)
def test_every_reason_has_a_sentence_in_both_languages_with_the_same_figures(code):
    vietnamese, english = SENTENCES[code]
    assert vietnamese
    assert english
    assert fields(vietnamese) == fields(english)


def test_there_is_no_sentence_without_a_reason():
    assert set(SENTENCES) == set(CODES)


@given(st.sampled_from(CODES), st.sampled_from(LOCALES), st.dictionaries(st.text("abcdefgh_", max_size=9), params))
def test_no_parameter_makes_a_sentence_fail(code, locale, extra):
    names = fields(SENTENCES[code][0])
    assert sentence(Reason(code, extra), locale, CALENDAR).count("?") >= len(names - set(extra))


@given(st.sampled_from(CODES), st.sampled_from(LOCALES), st.data())
def test_no_value_makes_a_sentence_fail(code, locale, data):
    names = sorted(fields(SENTENCES[code][0]))
    reason = Reason(code, {name: data.draw(params) for name in names})
    assert "{" not in sentence(Reason(code, dict.fromkeys(names, 1)), locale)
    assert sentence(reason, locale, CALENDAR)
    assert sentence(reason, locale)


def test_a_code_of_a_later_version_is_shown_as_itself():
    assert sentence(Reason("no_such_code", {"x": 1}), "vi") == "no_such_code"


@pytest.mark.parametrize(
    ("value", "vietnamese", "english"),
    [
        (68.91, "68,91", "68.91"),
        (68.476, "68,48", "68.48"),
        (80.0, "80", "80"),
        (100, "100", "100"),
        (1000, "1.000", "1,000"),
        (14000.5, "14.000,5", "14,000.5"),
        (0, "0", "0"),
        (-0.001, "-0,01", "-0.01"),
        (-1e-10, "0", "0"),
        (-3.5, "-3,5", "-3.5"),
        (0.1 + 0.2, "0,3", "0.3"),
    ],
)
def test_numbers_are_written_as_people_of_the_language_write_them(value, vietnamese, english):
    assert (number(value, "vi"), number(value, "en")) == (vietnamese, english)


@pytest.mark.parametrize(
    ("seconds", "vietnamese", "english"),
    [
        (59, "59 giây", "59 seconds"),
        (119, "119 giây", "119 seconds"),
        (150, "2,5 phút", "2.5 minutes"),
        (7200, "2 giờ", "2 hours"),
        (180_000, "2,1 ngày", "2.1 days"),
    ],
)
def test_spans_are_in_their_largest_sensible_unit(seconds, vietnamese, english):
    assert (span(seconds, "vi"), span(seconds, "en")) == (vietnamese, english)


def test_words_signs_and_nothing():
    assert (value_text(True, "vi"), value_text(False, "en")) == ("có", "no")
    assert (value_text("partly", "vi"), value_text("another", "vi")) == ("một phần", "another")
    assert value_text(80.0, "vi", Comparator.GT) == "> 80"
    assert value_text(None, "vi") == "-"


def test_instants_are_local_and_written_day_first():
    reason = Reason(reasons.STALE, {"age": local(20), "limit": 3600})
    assert "00:00 20/08/2025" in sentence(reason, "vi", CALENDAR)


@pytest.mark.parametrize("colour", Colour)
def test_every_colour_has_a_name(colour):
    assert colour_name(colour, "vi") == COLOURS[colour][0]
    assert colour_name(colour, "en")


@pytest.mark.parametrize(
    ("reason", "vietnamese", "english"),
    [
        (
            Reason(reasons.NOT_YET, {"value": 68.91, "goal": ">= 80", "gap": 11.09, "days": 10}),
            "68,91 chưa đạt chỉ tiêu ≥ 80; còn 10 ngày làm việc",
            "68.91 does not yet meet the target ≥ 80; 10 working days left",
        ),
        (
            Reason(reasons.OVERDUE, {"value": 68.91, "goal": ">= 80", "days": 1}),
            "68,91 không đạt chỉ tiêu ≥ 80, đã quá hạn 1 ngày",
            "68.91 misses the target ≥ 80, 1 day overdue",
        ),
        (
            Reason(reasons.UNDECIDED, {"value": 75.0, "sign": ">", "band": ">= 80"}),
            "nguồn chỉ nói >75: chưa chắc đạt ngưỡng, không tính là xanh",
            "the source only says >75: it may miss the band, so it is not counted green",
        ),
        (
            Reason(reasons.LAST_LEVEL, {"criterion": "rate", "level": "red"}),
            "tiêu chí rate mất số liệu khi đang đỏ, vẫn tính như vậy",
            "the criterion rate fell silent while red and still counts so",
        ),
    ],
)
def test_sentences_read_as_meant(reason, vietnamese, english):
    assert (sentence(reason, "vi", CALENDAR), sentence(reason, "en", CALENDAR)) == (vietnamese, english)


@pytest.mark.parametrize(
    ("written", "vietnamese", "english"),
    [
        (">= 80.5", "≥ 80,5", "≥ 80.5"),
        ("<= 15", "≤ 15", "≤ 15"),
        ("95.5 to <100", "95,5 đến <100", "95.5 to <100"),
        ("== 7", "7", "7"),
        ("== true", "“có”", "“yes”"),
        ("== partly", "“một phần”", "“partly”"),
        ("false", "“không”", "“no”"),
    ],
)
def test_a_limit_is_written_for_people_in_their_language(written, vietnamese, english):
    assert (limit_text(written, "vi"), limit_text(written, "en")) == (vietnamese, english)


@pytest.mark.parametrize(
    ("seconds", "vietnamese", "english"),
    [
        (59.6, "60 giây", "60 seconds"),
        (1234 * 60.0, "20,6 giờ", "20.6 hours"),
        (119.0, "119 giây", "119 seconds"),
        (120.0, "2 phút", "2 minutes"),
        (7199.0, "120 phút", "120 minutes"),
        (7200.0, "2 giờ", "2 hours"),
        (3600.0 * 47, "47 giờ", "47 hours"),
        (172800.0, "2 ngày", "2 days"),
        (8460.0, "2,4 giờ", "2.4 hours"),  # 2.35
        (203_040.0, "2,4 ngày", "2.4 days"),  # 2.35
        (86400.0 * 2000, "2.000 ngày", "2,000 days"),
        (3600.0 * 40 + 3550, "41 giờ", "41 hours"),
    ],
)
def test_a_duration_is_told_in_its_largest_sensible_unit(seconds, vietnamese, english):
    assert (span(seconds, "vi"), span(seconds, "en")) == (vietnamese, english)


def test_zeros_and_points_are_taken_off_the_end_and_nothing_else():
    assert [number(value, "en") for value in (100.0, 10.5, 1000.0, 0.0, -1e-10, 68.916)] == [
        "100", "10.5", "1,000", "0", "0", "68.92",
    ]  # fmt: skip


def test_only_an_age_is_a_span_and_a_yes_is_quoted():
    stale = Reason(reasons.STALE, {"age": 7200.0, "limit": 120.0})
    assert sentence(stale, "en") == "the data is 2 hours old (limit 2 minutes) and is no longer believed"
    assert "2 giờ (giới hạn 2 phút)" in sentence(stale, "vi")
    low = Reason(reasons.LOW_SCORE, {"score": 0.25, "limit": 7200.0})
    assert (sentence(low, "en"), sentence(low, "vi")) == ("the score 0.25 is below 7,200", "điểm 0,25 thấp hơn 7.200")
    yes = Reason(reasons.TARGET_MET, {"value": True, "goal": "== true"})
    assert sentence(yes, "vi") == "“có” đạt chỉ tiêu “có”"
    assert sentence(yes, "en") == "“yes” meets the target “yes”"
    one = Reason(reasons.NOT_YET, {"value": 79.5, "goal": ">= 80.5", "gap": 1.0, "days": 1})
    assert sentence(one, "vi") == "79,5 chưa đạt chỉ tiêu ≥ 80,5; còn 1 ngày làm việc"
    assert sentence(one, "en") == "79.5 does not yet meet the target ≥ 80.5; 1 working day left"
    assert sentence(Reason(reasons.STALE), "vi") == "số liệu đã cũ ? (giới hạn ?), không còn được tin"


def test_a_colour_has_its_word_in_each_language():
    assert (colour_name(Colour.RED, "vi"), colour_name(Colour.RED, "en")) == ("đỏ", "red")


def test_what_looks_like_a_plural_in_vietnamese_stays_as_it_is():
    assert sentence(Reason(reasons.BLIND, {"error": "1 days"}), "vi").endswith(": 1 days")
