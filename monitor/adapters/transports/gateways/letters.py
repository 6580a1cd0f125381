"""Which letters an SMS gateway takes: replacements by gateway."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.model.letters import USUAL, Letters, spelt
from monitor.model.segments import segments

MAPS: Mapping[str, Letters] = dict.fromkeys(("esms", "speedsms", "stringee", "vietguys", "viettel", "vnpt"), USUAL)


def fitting(text: str, gateway: str) -> str:
    """The text in letters that the gateway takes; in brief where it would need a second segment."""
    letters = MAPS.get(gateway, {})
    full = spelt(text, letters)
    return full if segments(full) == 1 else spelt(text, letters, brief=True)
