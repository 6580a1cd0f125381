"""Words as people type them: cleaned at the edge, unaccented for SMS, folded for comparing names."""

from __future__ import annotations

import re
import unicodedata

# What keyboards and spreadsheets make of the apostrophe in "Ea H'Leo" and of the dash in "Văn Miếu - Quốc Tử Giám".
APOSTROPHES = "'`\u2019\u2018\u02bc\u00b4\uff07"
_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2212"
_LOOKED_AT = 100_000  # characters: megabytes of blanks would keep the event loop from its work
_TONES = frozenset("\u0300\u0301\u0303\u0309\u0323")  # grave, acute, tilde, hook above, dot below
_D_BAR = str.maketrans("đĐ", "dD")
_ONE_APOSTROPHE = str.maketrans(dict.fromkeys(APOSTROPHES, "'"))
_DASH_WITH_BLANKS = re.compile(rf"\s*[{_DASHES}]\s*")
_PLURAL_OF_ONE = re.compile(
    r"(?<![\d.,])1 ((?:working |failed |dependent )?(?:day|hour|minute|second|check|reading|reminder|unit))s\b"
)
_WORD = re.compile(r"[^\W\d_]+(?:[\u0300-\u036f]+[^\W\d_]*)*")


def clean(text: str, limit: int = 200) -> str:
    """One line of valid text in NFC, at most `limit` characters.

    White space of any kind becomes single blanks; control and invisible format characters go; a lone surrogate
    becomes U+FFFD, so that the damage stays visible. What stands after 100,000 characters is not looked at.
    """
    # Printable text holds no control, format or surrogate character: nearly all text, spared the look at each.
    text = text[:_LOOKED_AT]
    kept = text if text.isprintable() else "".join(_kept(char) for char in text)
    line = " ".join(kept.split())
    if line.isascii():
        return line[:limit].strip()
    # Composing shrinks at most four to one, and it is quadratic in a run of marks: bound the text first.
    return unicodedata.normalize("NFC", line[: 4 * limit])[:limit].strip()


def _kept(char: str) -> str:
    if char.isspace():
        return " "
    category = unicodedata.category(char)
    if category == "Cs":
        return "\ufffd"
    return "" if category in ("Cc", "Cf") else char


def unaccent(text: str) -> str:
    """The text without Vietnamese marks, đ and Đ as d and D, apostrophes as the ASCII one."""
    if text.isascii():
        return text.translate(_ONE_APOSTROPHE)
    bare = "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
    return unicodedata.normalize("NFC", bare).translate(_D_BAR).translate(_ONE_APOSTROPHE)


def fold(text: str) -> str:
    """A key under which two spellings of one name are equal. It is for comparing, not for showing.

    Blanks, case, apostrophes and dashes are unified, and so is where the tone sits ("Hoà" and "Hòa"): a Vietnamese
    syllable has one tone, so the key carries it at the end of the word. Different marks stay different names.
    """
    line = clean(text).casefold().translate(_ONE_APOSTROPHE)
    line = unicodedata.normalize("NFD", _DASH_WITH_BLANKS.sub(" - ", line))
    return unicodedata.normalize("NFC", _WORD.sub(_tone_last, line)).strip()


def _tone_last(word: re.Match[str]) -> str:
    letters = [char for char in word[0] if char not in _TONES]
    tones = [char for char in word[0] if char in _TONES]
    return "".join(letters + tones)


def singular(english: str) -> str:
    """An English sentence with "1 days" put right."""
    return _PLURAL_OF_ONE.sub(r"1 \1", english)
