"""Which letters an SMS gateway takes: replacements by gateway.

Vendors do not say which of `# & % [ ] { } < @ \\` they refuse, so none of them is sent to any.
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor.model.segments import segments

# letter -> (what it becomes, the same in brief for a text that would need a second segment)
_USUAL: Mapping[str, tuple[str, str]] = {
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
MAPS: Mapping[str, Mapping[str, tuple[str, str]]] = dict.fromkeys(
    ("esms", "speedsms", "stringee", "vietguys", "viettel", "vnpt"), _USUAL
)


def fitting(text: str, gateway: str) -> str:
    """The text in letters that the gateway takes; in brief where it would need a second segment."""
    full = _mapped(text, gateway, 0)
    return full if segments(full) == 1 else _mapped(text, gateway, 1)


def _mapped(text: str, gateway: str, form: int) -> str:
    letters = MAPS.get(gateway, {})
    return " ".join("".join(letters[char][form] if char in letters else char for char in text).split())
