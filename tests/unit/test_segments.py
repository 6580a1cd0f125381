"""Lengths and segments of text messages, against the figures of 3GPP TS 23.038 and 23.040."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.segments import BASIC, EXTENSION, aliens, gsm_length, segments


def test_the_alphabet_has_its_127_characters_and_an_escape_for_ten_more():
    assert len(BASIC) == 127
    assert len(EXTENSION) == 10
    assert not BASIC & EXTENSION


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1), ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3),
        ("€" * 80, 1), ("€" * 80 + "a", 2),
        ("đ" + "a" * 69, 1), ("đ" + "a" * 70, 2), ("đ" * 134, 2), ("đ" * 135, 3),
        ("😀" * 35, 1), ("😀" * 36, 2), ("😀" * 66, 2), ("😀" * 67, 3),
    ],
)  # fmt: skip
def test_a_message_has_as_many_segments_as_the_standard_says(text, parts):
    assert segments(text) == parts


def test_an_extended_character_is_never_split_between_two_segments():
    assert segments("a" * 152 + "€" + "a" * 151) == 2
    assert segments("a" * 152 + "€" + "a" * 152) == 3  # 306 septets, but the escape had to move to the second


def test_the_gsm_measure_counts_extended_characters_twice_and_refuses_others():
    assert gsm_length("abc") == 3
    assert gsm_length("[€]") == 6
    with pytest.raises(ValueError, match="ă"):
        gsm_length("Văn")
    assert aliens("Văn Lăng") == "ă"


@given(st.text(max_size=700))
def test_segments_hold_the_message_and_one_less_would_not(text):
    count = segments(text)
    if aliens(text):
        length, one, joined, most = len(text.encode("utf-16-le", "surrogatepass")) // 2, 70, 67, 2
    else:
        length, one, joined, most = gsm_length(text), 160, 153, 2
    if length <= one:
        assert count == 1
    else:  # at most one unit of each segment stays empty, where a character would have been split
        assert -(-length // joined) <= count <= -(-length // (joined - most + 1))
