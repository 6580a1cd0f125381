"""Records of the registry: places, places that ceased, and the answers to a search by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from monitor.model.unit import Level

# Kind: Vietnamese words that introduce a name (the first is official), and the English word.
PREFIXES: Mapping[str, tuple[str, ...]] = {
    "nation": (),
    "tinh": ("Tỉnh",),
    "thanh_pho": ("Thành phố", "TP", "TP."),
    "xa": ("Xã",),
    "phuong": ("Phường",),
    "dac_khu": ("Đặc khu",),
}
_ENGLISH: Mapping[str, str] = {
    "tinh": "province",
    "thanh_pho": "city",
    "xa": "commune",
    "phuong": "ward",
    "dac_khu": "special zone",
}


@dataclass(frozen=True, slots=True)
class Place:
    """One administrative unit as it was in one span of validity."""

    code: str  # statistics code: province 2 digits, commune 5 digits; "VN" for the nation
    kind: str  # tinh, thanh_pho, xa, phuong, dac_khu, nation
    level: Level
    province: str | None  # code of the province it lies in, of a province its own; None for the nation
    name_vi: str  # full name with its kind: "Xã Văn Lang"
    name_ascii: str  # the same, unaccented: "Xa Van Lang"; not unique, so show the code beside it
    valid_from: date
    valid_to: date | None = None  # first day on which this record no longer holds; None: still holds

    @property
    def bare_vi(self) -> str:
        """The name without its kind: "Văn Lang"."""
        return _bare(self.name_vi, self.kind)

    @property
    def name_en(self) -> str:
        """The name for English texts: "Van Lang commune"."""
        words = len(PREFIXES[self.kind][0].split()) if PREFIXES[self.kind] else 0
        return " ".join([*self.name_ascii.split()[words:], _ENGLISH.get(self.kind, "")]).strip()

    def holds_on(self, day: date) -> bool:
        """Whether this record is the fact of that day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True, slots=True)
class Former:
    """A unit that ceased: which unit it became part of."""

    level: Level
    code: str | None  # None where no source names it
    name_vi: str
    name_ascii: str
    successor: str  # code of the unit that holds its area
    valid_to: date  # first day on which it no longer existed
    status: str  # how sure the successor is: "sourced", "to verify" ...


@dataclass(frozen=True, slots=True)
class Found:
    """Exactly one place bears the name."""

    place: Place


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several places may be meant; nothing is guessed."""

    name: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class NotFound:
    """No place bears the name: the nearest ones (best first), and the former unit of that name if there was one."""

    name: str
    suggestions: tuple[Place, ...] = ()
    former: Former | None = None


Match = Found | Ambiguous | NotFound


def sentence(match: Ambiguous | NotFound) -> str:
    """Why a name is not taken for a unit, and which ones may be meant."""
    if isinstance(match, Ambiguous):
        return f"'{match.name[:60]}' may be {_listed(match.places, ' or ')}; write its marks, or its code"
    near = f"; did you mean {_listed(match.suggestions, ' or ')}?" if match.suggestions else ""
    if match.former is not None:
        return f"{match.former.name_vi} is no unit since {match.former.valid_to}{near}"
    return f"no unit is called '{match.name[:60]}' here{near}"


def _listed(places: tuple[Place, ...], between: str) -> str:
    return between.join(f"{place.name_vi} ({place.code})" for place in places)


NATION = Place("VN", "nation", Level.NATION, None, "Việt Nam", "Viet Nam", date(2025, 7, 1))


def _bare(name: str, kind: str) -> str:
    official = PREFIXES[kind][:1]
    return name.removeprefix(official[0]).strip() if official else name
