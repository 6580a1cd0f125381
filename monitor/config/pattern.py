"""Regular expressions of the config: those of RE2, which no text can slow down beyond its length."""

from __future__ import annotations

from typing import Any

import re2


def compile_pattern(text: str) -> Any:
    """A compiled pattern with exactly one group. Raises ValueError with a sentence ("what; right")."""
    options = re2.Options()
    options.log_errors = False
    try:
        pattern = re2.compile(text, options)
    except re2.error:
        raise ValueError(
            f"'{text[:80]}' is no regular expression of RE2; see github.com/google/re2/wiki/Syntax"
        ) from None
    if pattern.groups != 1:
        raise ValueError(f"'{text[:80]}' has {pattern.groups} groups; put the wanted part, and no other, in brackets")
    return pattern
