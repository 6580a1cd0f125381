"""Matchers: which units and incidents a silence or a maintenance window is about.

Written `field=value`, `field!=value`; several values are joined by `|`, and `*` stands for any characters. All matchers
of one list must hold. There are no regular expressions: a pattern is matched in one pass, whatever it says.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from monitor.model.colour import Colour
from monitor.model.incident import Kind
from monitor.model.nearest import nearest
from monitor.model.text import clean
from monitor.model.unit import Level, Unit, Units

MOST_MATCHERS = 10  # of one silence or window
MOST_VALUES = 50  # of one matcher
LONGEST = 100  # characters of one value


class Field(StrEnum):
    """What a matcher looks at."""

    UNIT = "unit"  # the unit's code
    UNDER = "under"  # the unit itself, or any unit above it: a whole province, with its communes
    LEVEL = "level"
    PROVINCE = "province"  # code of the province it lies in
    SYSTEM = "system"  # a shared system, or one that the unit depends on
    CRITERION = "criterion"  # cause of the incident: criterion id, or silent:<source>
    KIND = "kind"  # of the incident: outage, kpi_yellow, kpi_red, overdue, silent
    COLOUR = "colour"  # of the incident


OF_INCIDENTS = (Colour.RED, Colour.YELLOW, Colour.UNKNOWN)
OF_UNITS = frozenset({Field.UNIT, Field.UNDER, Field.LEVEL, Field.PROVINCE, Field.SYSTEM})


@dataclass(frozen=True, slots=True)
class Subject:
    """What matchers are held against: a unit, or an incident at it."""

    unit: Unit
    lineage: tuple[str, ...]  # the unit's code and those above it
    criterion: str = ""
    kind: str = ""
    colour: str = ""

    def values(self, field: Field) -> tuple[str, ...]:
        """The values of one field; any of them may match."""
        unit = self.unit
        match field:
            case Field.UNIT:
                return (unit.code,)
            case Field.UNDER:
                return self.lineage
            case Field.LEVEL:
                return (unit.level.value,)
            case Field.PROVINCE:
                return (unit.code if unit.level is Level.PROVINCE else unit.province or "",)
            case Field.SYSTEM:
                return (unit.code, *unit.depends_on) if unit.level is Level.SYSTEM else unit.depends_on
            case Field.CRITERION:
                return (self.criterion,)
            case Field.KIND:
                return (self.kind,)
            case Field.COLOUR:
                return (self.colour,)


def subject(code: str, units: Units, criterion: str = "", kind: str = "", colour: str = "") -> Subject:
    """A unit, or an incident at it, as matchers see it; a system is also under its province. Raises NotFound."""
    unit = units[code]
    above = units.lineage(code)
    if unit.province and unit.province not in above:
        above = (*above, unit.province)
    return Subject(unit, above, criterion, kind, colour)


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition. A negated one holds when none of the patterns matches."""

    field: Field
    patterns: tuple[str, ...]
    negated: bool = False

    def holds(self, subject: Subject) -> bool:
        """Whether the subject meets the condition."""
        found = any(_like(pattern, value) for pattern in self.patterns for value in subject.values(self.field))
        return found is not self.negated

    def __str__(self) -> str:
        return f"{self.field.value}{'!=' if self.negated else '='}{'|'.join(self.patterns)}"


def parse_matcher(text: str) -> Matcher:
    """A matcher from `province=19`, `level!=system` or `criterion=centre_*|line_*`.

    Raises ValueError with a sentence that says what would be right.
    """
    name, sign, rest = text.partition("=")
    negated = name.endswith("!")
    word = name.removesuffix("!").strip()
    known = [field.value for field in Field]
    if not sign or word not in known:
        raise ValueError(
            f"{clean(text, 60)!r} is no matcher; write field=value or field!=value, field one of {_list(known)}"
        )
    patterns = tuple(dict.fromkeys(part.strip() for part in rest.split("|")))
    if any(not part or len(part) > LONGEST or part != clean(part, LONGEST) for part in patterns):
        raise ValueError(
            f"the matcher of {word!r} has an empty, long or unreadable value; write {word}=value, or {word}=*"
        )
    if len(patterns) > MOST_VALUES:
        raise ValueError(f"the matcher of {word!r} has {len(patterns)} values; at most {MOST_VALUES}, or use *")
    return Matcher(Field(word), patterns, negated)


def parse_matchers(texts: tuple[str, ...], fields: frozenset[Field] = frozenset(Field)) -> tuple[Matcher, ...]:
    """All matchers of a list, each about one of `fields`.

    Raises ValueError; also for an empty list, for muting everything has to be said: `unit=*`.
    """
    if not texts:
        raise ValueError("there is no matcher; write unit=* for everything")
    if len(texts) > MOST_MATCHERS:
        raise ValueError(f"there are {len(texts)} matchers; at most {MOST_MATCHERS}")
    made = tuple(parse_matcher(text) for text in texts)
    for matcher in made:
        if matcher.field not in fields:
            there = _list([one.value for one in Field if one in fields])
            raise ValueError(f"{matcher.field.value!r} cannot be asked here; there is {there}")
    return made


def unknown_name(matchers: tuple[Matcher, ...], units: Units, causes: Collection[str] = ()) -> str | None:
    """What is wrong with a value that names nothing at this site: a slip would mute nothing. None: all known.

    `causes` are those that incidents can have there: criteria, `silent:` and a source, `mass:` and a criterion.
    """
    codes = {unit.code for unit in units}
    known = {
        Field.UNIT: codes,
        Field.UNDER: codes,
        Field.SYSTEM: {unit.code for unit in units.at(Level.SYSTEM)},
        Field.PROVINCE: {unit.code for unit in units.at(Level.PROVINCE)} | {unit.province or "" for unit in units},
        Field.LEVEL: {level.value for level in Level},
        Field.KIND: {kind.value for kind in Kind},
        Field.COLOUR: {colour.value for colour in OF_INCIDENTS},
        Field.CRITERION: set(causes),
    }
    for matcher in matchers:
        for pattern in matcher.patterns:
            names = known[matcher.field]
            if not any(_like(pattern, name) for name in names):
                hint = nearest(pattern, names)
                return f"{matcher}: there is no {matcher.field.value} {pattern!r} at this site" + (hint and f"; {hint}")
    return None


def matches(matchers: tuple[Matcher, ...], subject: Subject) -> bool:
    """Whether all of them hold; an empty list matches nothing."""
    return bool(matchers) and all(matcher.holds(subject) for matcher in matchers)


def touches(matchers: tuple[Matcher, ...], unit: Subject) -> bool:
    """Whether some incident at the unit may be meant: what is asked of units holds."""
    return bool(matchers) and all(m.holds(unit) for m in matchers if m.field in OF_UNITS)


def _like(pattern: str, value: str) -> bool:
    """Whether the value has the pattern's form; `*` is any characters. Each piece is looked for once, left to right."""
    first, *pieces = pattern.split("*")
    if not pieces:
        return value == first
    *middle, last = pieces
    if not value.startswith(first) or len(value) < len(first) + len(last) or not value.endswith(last):
        return False
    at, end = len(first), len(value) - len(last)
    for piece in middle:
        found = value.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _list(words: list[str]) -> str:
    return ", ".join(words)
