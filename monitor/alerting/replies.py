"""What people write back: "OK S10234", "tại sao S10234", "XONG"; and which incident they mean.

    words                                     what is asked
    OK, NHAN, DA NHAN, XAC NHAN, XONG + code  acknowledge that incident; what follows the code is a note
    the same alone                            acknowledge the one incident that awaits the sender, if it is only one
    the same + TAT CA, ALL                    acknowledge all that await the sender
    TAI SAO, VI SAO, LY DO, WHY (+ code)      explain that incident's unit; also in the midst of a sentence
    the same + the number of a digest         which of its units need somebody now, and why the worst does
    HELP, TRO GIUP, HUONG DAN, ?              how to answer
    anything else                             nothing is changed, and how to answer is said

Case, marks and punctuation do not matter, nor do polite words before the verb ("Dạ"), "Ma" or "su co" before a code or
number, and blanks in a code with figures. To acknowledge, the verb comes first: "chưa OK" answers nothing. Codes have
no 0, 1 or 8, so those stand for O, I and B.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitor.alerting.notices import address_in
from monitor.model.incident import Incident
from monitor.model.text import clean, unaccent

REPLY = "reply"  # kind of a notice that answers
LONGEST = 500  # characters that are read
CODE_LENGTH = 6


class Ask(StrEnum):
    """What somebody wants."""

    ACKNOWLEDGE = "acknowledge"
    ALL = "all"  # acknowledge all
    WHY = "why"
    HELP = "help"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Said:
    """One reply as it was understood."""

    ask: Ask
    code: str = ""  # as written, in capitals; empty: none
    note: str = ""
    edition: str = ""  # number of a digest, "2711-1706"; empty: none


_VERBS: Mapping[tuple[str, ...], Ask] = {
    ("OK",): Ask.ACKNOWLEDGE,
    ("OKE",): Ask.ACKNOWLEDGE,
    ("OKAY",): Ask.ACKNOWLEDGE,
    ("ACK",): Ask.ACKNOWLEDGE,
    ("NHAN",): Ask.ACKNOWLEDGE,
    ("DA", "NHAN"): Ask.ACKNOWLEDGE,
    ("XAC", "NHAN"): Ask.ACKNOWLEDGE,
    ("XONG",): Ask.ACKNOWLEDGE,
    ("TAI", "SAO"): Ask.WHY,
    ("TAISAO",): Ask.WHY,
    ("VI", "SAO"): Ask.WHY,
    ("LY", "DO"): Ask.WHY,
    ("WHY",): Ask.WHY,
    ("HELP",): Ask.HELP,
    ("TRO", "GIUP"): Ask.HELP,
    ("HUONG", "DAN"): Ask.HELP,
}
_EVERYTHING = (("TAT", "CA"), ("TATCA",), ("ALL",))
_LABELS = frozenset({"MA", "REF", "CODE", "SU", "CO", "SO", "TIN", "BAN"})  # "Ma S10234", as every SMS ends
_POLITE = frozenset({"DA", "VANG", "THUA", "ANH", "CHI", "EM", "TOI", "MINH", "XIN", "CHAO", "ALO"})
_NO_KEY = re.compile(r"[^A-Z0-9]")
_CODE = re.compile(rf"[A-Z0-9]{{{CODE_LENGTH}}}")
_EDITION = re.compile(r"([0-9]{4})([0-9]{4})")  # "2711-1706", also as two words
_GLUED = re.compile(rf"(OK|WHY)([A-Z0-9]{{{CODE_LENGTH}}})")  # "OK-S10234"
_LOOKS_LIKE = str.maketrans("018", "OIB")


def parse(text: str) -> Said:
    """What a reply says. Whatever it is, this is an answer: nothing is raised."""
    line = clean(text[:LONGEST], LONGEST)
    words = [(word, key) for word in line.split() if (key := _NO_KEY.sub("", unaccent(word).upper()))]
    keys = tuple(key for _, key in words)
    if not keys:
        return Said(Ask.HELP if "?" in line else Ask.UNCLEAR)
    if glued := _GLUED.fullmatch(keys[0]):
        keys, words = (glued[1], glued[2], *keys[1:]), [words[0], *words]
    for at in range(len(keys)):
        ask, length = _verb(keys[at:])
        if ask is not None:
            return _meant(ask, keys[at + length :], [word for word, _ in words[at + length :]])
        if keys[at] not in _POLITE:
            break
    return _asked_why(keys)


def _verb(keys: tuple[str, ...]) -> tuple[Ask | None, int]:
    """What the first words ask, and how many they are."""
    return next(((_VERBS[keys[:n]], n) for n in (2, 1) if len(keys) >= n and keys[:n] in _VERBS), (None, 0))


def _asked_why(keys: tuple[str, ...]) -> Said:
    """A question in the midst of a sentence, with the code behind it or before it: it changes nothing."""
    for at in range(1, len(keys)):
        ask, length = _verb(keys[at:])
        if ask is Ask.WHY:
            said = _meant(ask, keys[at + length :], [])
            before = keys[at - 1]
            return Said(ask, before) if not (said.code or said.edition) and _CODE.fullmatch(before) else said
    return Said(Ask.UNCLEAR)


def _meant(ask: Ask, rest: tuple[str, ...], words: list[str]) -> Said:
    if ask is Ask.HELP:
        return Said(ask)
    while skipped := _said_again(ask, rest):
        rest, words = rest[skipped:], words[skipped:]
    if not rest:
        return Said(ask)
    if ask is Ask.ACKNOWLEDGE and rest in _EVERYTHING:
        return Said(Ask.ALL)
    if number := _EDITION.fullmatch(rest[0]) or _EDITION.fullmatch("".join(rest[:2])):
        return Said(ask, edition="-".join(number.groups()))
    code, length = _code(rest)
    if code:
        return Said(ask, code, " ".join(words[length:]) if ask is Ask.ACKNOWLEDGE else "")
    if ask is Ask.WHY and rest[0].isalpha():  # "tại sao lại đỏ?"
        return Said(ask)
    return Said(Ask.UNCLEAR)  # "ok chưa?" is no answer


def _said_again(ask: Ask, rest: tuple[str, ...]) -> int:
    """How many words at the beginning add nothing: "OK, đã nhận sự cố mã S10234"."""
    if not rest or _CODE.fullmatch(rest[0]):
        return 0
    again, length = _verb(rest)
    return length if again is ask else int(rest[0] in _LABELS and len(rest) > 1)


def _code(words: tuple[str, ...]) -> tuple[str, int]:
    """The code at the beginning, and how many words it takes: "S1 0234" is one, "da nhan" is none."""
    for count in range(1, min(len(words), CODE_LENGTH) + 1):
        joined = "".join(words[:count])
        if _CODE.fullmatch(joined) and (count == 1 or not joined.isalpha()):
            return joined, count
    return "", 0


def readings(code: str) -> tuple[str, ...]:
    """The references that a written code can mean."""
    return tuple(dict.fromkeys((code, code.translate(_LOOKS_LIKE))))


def called(code: str, incidents: Iterable[Incident]) -> tuple[Incident, ...]:
    """Those incidents that a written code can mean."""
    return tuple(incident for incident in incidents if incident.ref in readings(code))


def alike(code: str, refs: Iterable[str]) -> tuple[str, ...]:
    """The references that a wrong code may be meant for: one letter is another one, or two have changed places."""

    def like(ref: str) -> bool:
        return any(
            sum(one != other for one, other in zip(read, ref, strict=True)) == 1 or sorted(read) == sorted(ref)
            for read in readings(code)
            if len(read) == len(ref)
        )

    return tuple(ref for ref in refs if like(ref))


def told(incident: Incident, people: Collection[str]) -> str | None:
    """Which of these people (ids) was owed a message about an incident; None when nobody was."""
    reached = {address_in(key).recipient for key in incident.owed}
    return next((person for person in people if person in reached), None)


def newest(incident: Incident, keys: Iterable[str]) -> int | None:
    """The newest generation of an incident among the keys of its notices; None when there is none."""
    named = (key.removeprefix(f"{incident.key}/").partition("/")[0] for key in keys)
    return max((int(name) for name in named if name.isdecimal()), default=None)


def awaits(incident: Incident, person: str) -> bool:
    """Whether an answer of this person would be news."""
    return incident.open and incident.acked_by is None and person not in incident.answered
