"""What may stand in `rules/<book>_test.yaml`."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from monitor.config.asked import LevelName
from monitor.config.fields import Span, Title
from monitor.config.rulemodels import Id, Operand
from monitor.config.yaml import Section

Whole = Annotated[int, Field(ge=0)]


def instant(text: str) -> datetime:
    """An ISO 8601 instant; without an offset it is naive, and means the site's time zone. Raises ValueError."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is no instant; write it as 2025-08-20T00:00:00+07:00") from None


def _is_instant(text: str) -> str:
    instant(text)
    return text


Instant = Annotated[str, AfterValidator(_is_instant)]


class Given(Section):
    """A reading. Without `as_of` it is repeated, fresh, at every instant the test looks at."""

    value: Operand
    indicator: str | None = None  # the criterion's own unless said
    comparator: Literal["=", ">", ">=", "<", "<=", "~"] = "="
    as_of: Instant | None = None
    numerator: float | None = None
    denominator: float | None = None
    source: str = "test"  # for an indicator with several


_RUN = re.compile(
    r"(_|-?\d{1,12}(?:\.\d{1,6})?|true|false|[a-z][a-z0-9_]*?)(?:([+-]\d{1,9}(?:\.\d{1,6})?))?(?:x(\d{1,4}))?"
)
_WORDS = {"true": True, "false": False}


def series_values(text: str) -> list[bool | float | str | None]:
    """The values of a series, None where nothing came. Raises ValueError with a sentence.

    `80` is one value, `82x3` the same three times, `80+1x5` the five values 80 to 84, `_` and `_x3` are missing ones.
    """
    values: list[bool | float | str | None] = []
    for word in text.split():
        match = _RUN.fullmatch(word)
        number = match is not None and (match[1].lstrip("-")[:1].isdigit())
        if match is None or (match[2] and not (number and match[3])):
            raise ValueError(f"'{word}' is no value of a series; write 80, 82x3, 80+1x5, true, a state, or _ for none")
        for step in range(int(match[3] or 1)):
            if number:
                values.append(round(float(match[1]) + step * float(match[2] or 0), 9))
            else:
                values.append(None if match[1] == "_" else _WORDS.get(match[1], match[1]))
    return values


def _is_series(text: str) -> str:
    series_values(text)
    return text


class Series(Section):
    """Many readings at even distances."""

    start: Instant
    every: Span
    values: Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_is_series)]
    indicator: str | None = None  # the criterion's own unless said


class Child(Section):
    """One child of a group, where its weight or its figures count. It is fresh at every instant the test looks at."""

    colour: Literal["green", "yellow", "red", "unknown", "maintenance", "excluded"] = "green"
    was: Literal["green", "yellow", "red"] | None = None  # last colour of one that fell silent
    weight: Annotated[float, Field(gt=0)] = 1
    numerator: float | None = None
    denominator: float | None = None
    comparator: Literal["=", ">", ">=", "<", "<=", "~"] = "="


class Children(Section):
    """Children of a province or of the nation, by colour, or each by itself."""

    green: Whole = 0
    yellow: Whole = 0
    red: Whole = 0
    unknown: Whole = 0
    maintenance: Whole = 0
    excluded: Whole = 0
    each: list[Child] = Field(default=[])


class Told(Section):
    """A notice that becomes owed: the kind of its text, and the role that hears it."""

    kind: Literal["outage", "recovered", "kpi_yellow", "kpi_red", "overdue", "kpi_met"]
    to: Id


class Seen(Section):
    """What must be seen at an instant; what is left out is not looked at."""

    at: Instant
    given: Operand | None = None  # a fresh reading of the criterion's own indicator at this instant
    judged: bool = True  # false: the book or criterion does not judge the unit on that day
    colour: Literal["green", "yellow", "red", "unknown", "excluded"] | None = None
    reasons: list[str] = Field(default=[])  # codes that must be among the reasons
    value: Operand | None = None  # numbers to two decimals
    working_days_left: Whole | None = None
    overdue: bool | None = None
    deadline: Instant | None = None  # first instant at which it is too late
    caused_by: str | None = None  # the system that explains it
    score: float | None = None  # of a whole unit, per cent
    points: float | None = None  # of a criterion, or of a whole unit in the book's index
    grade: str | None = None  # of a whole unit in the book's index; "none": too little is known
    incidents: list[Id] | None = None  # criteria of the unit with an open incident now, all of them; []: none
    notices: list[Told] | None = None  # all that became owed since the instant before in this test; []: silence


class MadeUnit(Section):
    """A unit made for the test."""

    level: LevelName
    code: str = "made"
    province: str | None = None
    kind: str = "made"


class TestModel(Section):
    """One test: of a criterion, or (without one) of the colour of a whole unit by this book."""

    name: Title
    criterion: Id | None = None
    unit: MadeUnit | str  # a level, or the code of a unit of the site
    given: list[Given] = Field(default=[])
    series: list[Series] = Field(default=[])
    children: Children | None = None
    expect: Annotated[list[Seen], Field(min_length=1)]

    @property
    def tells(self) -> bool:
        """Whether it says anything of incidents or notices."""
        return any(seen.incidents is not None or seen.notices is not None for seen in self.expect)


class TestFileModel(Section):
    """A file of tests."""

    book: Id
    tests: Annotated[list[TestModel], Field(min_length=1)]
