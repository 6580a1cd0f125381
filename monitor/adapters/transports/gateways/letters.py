"""Which letters an SMS gateway takes: replacements by gateway, the alphabet, the number of segments.

Vendors do not say which of `# & % [ ] { } < @ \\` they refuse, so none of them is sent to any.
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor.alerting.wording import SMS_LIMIT, gsm_length

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
_UNICODE = (70, 67)  # characters of a single segment, and of each of several
_GSM = (SMS_LIMIT, 153)


def fitting(text: str, gateway: str) -> str:
    """The text in letters that the gateway takes; in brief where it would need a second segment."""
    full = _mapped(text, gateway, 0)
    return full if segments(full) == 1 else _mapped(text, gateway, 1)


def _mapped(text: str, gateway: str, form: int) -> str:
    letters = MAPS.get(gateway, {})
    return " ".join("".join(letters[char][form] if char in letters else char for char in text).split())


def is_unicode(text: str) -> bool:
    """Whether a text has a letter that is not in the GSM alphabet, so that a segment has 70 characters."""
    try:
        gsm_length(text)
    except ValueError:
        return True
    return False


def segments(text: str) -> int:
    """How many SMS a text is, and costs."""
    alone, each = _UNICODE if is_unicode(text) else _GSM
    length = len(text.encode("utf-16-be")) // 2 if is_unicode(text) else gsm_length(text)
    return 1 if length <= alone else -(-length // each)
