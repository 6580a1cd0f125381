"""Vietnamese mobile numbers in one spelling."""

from __future__ import annotations

import re

_BETWEEN = str.maketrans("", "", " .-()\u00a0")
_MOBILE = re.compile(r"(?:0|\+?84)([35789][0-9]{8})", re.ASCII)


def normal_phone(text: str) -> str:
    """`84` and nine digits, for `0912 345 678`, `+84912345678` or `84912345678`.

    Raises ValueError with a sentence ("what; right") that does not repeat the number: it is personal.
    """
    found = _MOBILE.fullmatch(text.strip().translate(_BETWEEN))
    if found is None:
        raise ValueError("is not a Vietnamese mobile number; write 0 or 84 and nine digits, such as 0912345678")
    return f"84{found[1]}"
