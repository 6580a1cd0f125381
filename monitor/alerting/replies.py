"""What people write back: "OK S10234", "tại sao S10234", "XONG"; and which incident they mean.

    words                                     what is asked
    OK, NHAN, DA NHAN, XAC NHAN, XONG + code  acknowledge that incident; what follows the code is a note
    the same alone                            acknowledge the one incident that awaits the sender, if it is only one
    the same + TAT CA, ALL                    acknowledge all that await the sender
    TAI SAO, VI SAO, LY DO, WHY (+ code)      explain that incident's unit
    the same + the number of a digest         which of its units need somebody now, and why the worst does
    HELP, TRO GIUP, HUONG DAN, ?              how to answer
    anything else                             nothing is changed, and how to answer is said

Case, marks and punctuation do not matter, nor does "Ma" or "Ref" before a code or number. The verb comes first: "chưa
OK" answers nothing. Codes have no 0, 1 or 8, so those stand for O, I and B.
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
_LABELS = frozenset({"MA", "REF"})  # "Ma S10234", as every SMS ends
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
    for length in (2, 1):
        ask = _VERBS.get(keys[:length])
        if ask is not None and len(keys) >= length:
            return _meant(ask, keys[length:], [word for word, _ in words[length:]])
    return Said(Ask.UNCLEAR)


def _meant(ask: Ask, rest: tuple[str, ...], words: list[str]) -> Said:
    if ask is Ask.HELP or not rest:
        return Said(ask)
    if rest[0] in _LABELS and len(rest) > 1:
        rest, words = rest[1:], words[1:]
    if ask is Ask.ACKNOWLEDGE and rest in _EVERYTHING:
        return Said(Ask.ALL)
    if number := _EDITION.fullmatch(rest[0]) or _EDITION.fullmatch("".join(rest[:2])):
        return Said(ask, edition="-".join(number.groups()))
    if _CODE.fullmatch(rest[0]):
        return Said(ask, rest[0], " ".join(words[1:]) if ask is Ask.ACKNOWLEDGE else "")
    return Said(Ask.UNCLEAR)  # "ok chưa?" is no answer


def readings(code: str) -> tuple[str, ...]:
    """The references that a written code can mean."""
    return tuple(dict.fromkeys((code, code.translate(_LOOKS_LIKE))))


def called(code: str, incidents: Iterable[Incident]) -> tuple[Incident, ...]:
    """Those incidents that a written code can mean."""
    return tuple(incident for incident in incidents if incident.ref in readings(code))


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
