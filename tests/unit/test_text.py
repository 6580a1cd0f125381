"""Text is cleaned at the edge, unaccented for SMS, and folded for comparing names."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.text import clean, fold, unaccent
from monitor.registry import load_registry

ANY_TEXT = st.text(st.characters(), max_size=60)
VIETNAMESE = st.text("aàáảãạăằắâầấbcdđeèéêềếghiìíklmnoòóôồốơờớpqrstuùúưừứvxyỳýỷỹỵ ", max_size=30)


@given(ANY_TEXT, st.integers(0, 80))
def test_cleaned_text_is_one_valid_line_of_bounded_length(text: str, limit: int) -> None:
    line = clean(text, limit)
    assert len(line) <= limit
    assert unicodedata.is_normalized("NFC", line)
    assert line == " ".join(line.split(" ")).strip()
    assert not [char for char in line if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    line.encode("utf-8")


@given(ANY_TEXT)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ("  Xã \t Văn\r\nLang\u00a0 ", "Xã Văn Lang"),
        ("Xa\u0303 Va\u0306n Lang", "Xã Văn Lang"),
        ("Văn\x00 La\x1bng\u200b", "Văn Lang"),
        ("\u202eVăn Lang", "Văn Lang"),
        ("Văn \ud800Lang", "Văn \ufffdLang"),
        ("", ""),
    ],
)
def test_blanks_collapse_marks_compose_and_the_invisible_goes(raw: str, line: str) -> None:
    assert clean(raw) == line


def test_a_run_of_marks_is_bounded_before_it_is_composed() -> None:
    # Canonical ordering of such a run is quadratic: unbounded, this test would not end.
    assert len(clean("a" + "\u0300\u0316" * 500_000)) == 200


@pytest.mark.parametrize(
    ("accented", "plain"),
    [
        ("Xã Văn Lăng", "Xa Van Lang"),
        ("Đặc khu Lý Sơn", "Dac khu Ly Son"),
        ("đường Ưu Ướt", "duong Uu Uot"),
        ("Xã Ea H’Leo", "Xa Ea H'Leo"),
        ("đe\u0302\u0309", "de"),
    ],
)
def test_unaccenting_strips_every_vietnamese_mark(accented: str, plain: str) -> None:
    assert unaccent(accented) == plain


@given(VIETNAMESE)
def test_unaccented_vietnamese_is_ascii_and_as_long(text: str) -> None:
    assert unaccent(text).isascii()
    assert len(unaccent(text)) == len(text)


def test_every_name_of_the_registry_unaccents_to_its_ascii_name() -> None:
    registry = load_registry()
    for place in (*registry.communes(), *registry.provinces):
        assert unaccent(place.name_vi) == place.name_ascii
        assert place.name_ascii.isascii()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hoà Bình", "Hòa Bình"),
        ("Điềm Thuỵ", "Điềm Thụy"),
        ("Thuỷ", "Thủy"),
        ("Uý", "Úy"),
        ("Phú Quý", "Phú Qúy"),
        ("Định Hoá", "ĐỊNH  HÓA"),
        ("Ea H’Leo", "ea h'leo"),
        ("M`Drắk", "M´Drắk"),
        ("Văn Miếu–Quốc Tử Giám", "Văn Miếu - Quốc Tử Giám"),
        ("Văn Lang", unicodedata.normalize("NFD", "văn lang")),
    ],
)
def test_two_spellings_of_one_name_fold_to_one_key(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Văn Lang", "Văn Lăng"), ("Sơn Hà", "Sơn Hạ"), ("Ba Tơ", "Ba Tô"), ("Đa", "Da"), ("A Bà", "À Ba")],
)
def test_different_marks_stay_different_names(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(VIETNAMESE)
def test_folding_ignores_case_and_composition_and_is_stable(text: str) -> None:
    assert fold(text.upper()) == fold(unicodedata.normalize("NFD", text)) == fold(text)
    assert fold(fold(text)) == fold(text)


def test_megabytes_of_blanks_or_marks_are_not_looked_through():
    """One call over all of it would keep the event loop from its work."""
    assert clean(" " * 200_000 + "x") == ""
    assert clean("x" + "\u0301\u0316" * 100_000, 10).startswith("x")
