"""How long a text message is, and how many segments an operator charges for it.

Alphabet and extension table: 3GPP TS 23.038 (GSM 03.38), clauses 6.2.1 and 6.2.1.1; a character outside them makes the
whole message UCS-2 (clause 6.2.3). Of several segments each loses six octets to the header that joins them:
3GPP TS 23.040, clause 9.2.3.24.1. No character is split between two segments.
"""

from __future__ import annotations

from collections.abc import Sequence

GSM_ONE = 160  # septets of a message of one segment
GSM_JOINED = 153  # septets of each of several
UCS2_ONE = 70  # 16-bit units of a message of one segment
UCS2_JOINED = 67  # 16-bit units of each of several

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")  # an escape and the character: two septets each
GSM = BASIC | EXTENSION


def aliens(text: str) -> str:
    """The characters that the GSM alphabet does not have, each once, sorted; empty: it is a GSM message."""
    return "".join(sorted(set(text) - GSM))


def gsm_length(text: str) -> int:
    """Septets in the GSM alphabet. Raises ValueError for a character it does not have."""
    if alien := aliens(text):
        raise ValueError(f"not in the GSM alphabet: {alien!r}")
    return len(text) + sum(char in EXTENSION for char in text)


def segments(text: str) -> int:
    """Segments of the message; an empty one is one segment."""
    if aliens(text):
        return _filled([_units(char) for char in text], UCS2_ONE, UCS2_JOINED)
    return _filled([1 + (char in EXTENSION) for char in text], GSM_ONE, GSM_JOINED)


def _units(char: str) -> int:
    """16-bit units: two for a character beyond the basic plane, such as a picture."""
    return 1 + (ord(char) > 0xFFFF)


def _filled(sizes: Sequence[int], one: int, joined: int) -> int:
    if sum(sizes) <= one:
        return 1
    count, room = 1, joined
    for size in sizes:
        if size > room:
            count, room = count + 1, joined
        room -= size
    return count
