"""Letters that SMS gateways do not take, what is sent instead, and the room that a text then needs.

Vendors do not say which of `# & % [ ] { } < @ \\` they refuse, so none of them is sent to any.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from monitor.model.segments import gsm_length

# letter -> (what it becomes, the same in brief for a text that would need a second segment)
Letters: TypeAlias = Mapping[str, tuple[str, str]]
USUAL: Letters = {
    "%": (" phan tram", " pt"),
    "&": (" va ", "+"),
    "#": ("so ", "so "),
    "@": (" tai ", " "),
    "<": (" duoi ", " duoi "),
    ">": (" tren ", " tren "),
    "[": ("(", "("),
    "]": (")", ")"),
    "{": ("(", "("),
    "}": (")", ")"),
    "\\": ("/", "/"),
    "^": ("", ""),
    "~": ("-", "-"),
    "|": ("/", "/"),
}
_REPLACED = frozenset(USUAL)


def spelt(text: str, letters: Letters, *, brief: bool = False) -> str:
    """The text with each of these letters replaced, and no two blanks in a row."""
    return " ".join("".join(letters[char][brief] if char in letters else char for char in text).split())


def septets(text: str) -> int:
    """The room that a text of the GSM alphabet needs in an SMS, as it is and as a gateway sends it, in brief.

    Raises ValueError for a character that the alphabet does not have.
    """
    plain = gsm_length(text)
    return plain if _REPLACED.isdisjoint(text) else max(plain, gsm_length(spelt(text, USUAL, brief=True)))
