"""Names that were meant: a hint for somebody who misspelt one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint at the name that was meant: `did you mean 'url'?`, else what there is to choose from, if it is short."""
    names = sorted(set(known))
    if close := likeliest(word, names):
        return f"did you mean '{close}'?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= 20 else ""


def likeliest(word: str, known: Iterable[str]) -> str:
    """The known name that is most like a word; empty where none is like it."""
    # Of codes every second one is like every other: only one digit may differ.
    cutoff = 0.8 if word.isdigit() else 0.6
    return next(iter(get_close_matches(word, sorted(known), n=1, cutoff=cutoff)), "")
