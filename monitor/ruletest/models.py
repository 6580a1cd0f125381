"""What may stand in `rules/<book>_test.yaml`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from monitor.config.rulemodels import Id, LevelWord, Operand, Words
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


class Children(Section):
    """Children of a province or of the nation, by colour."""

    green: Whole = 0
    yellow: Whole = 0
    red: Whole = 0
    unknown: Whole = 0
    maintenance: Whole = 0
    excluded: Whole = 0


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


class MadeUnit(Section):
    """A unit made for the test."""

    level: LevelWord
    code: str = "made"
    province: str | None = None
    kind: str = "made"


class TestModel(Section):
    """One test: of a criterion, or (without one) of the colour of a whole unit by this book."""

    name: Words
    criterion: Id | None = None
    unit: MadeUnit | str  # a level, or the code of a unit of the site
    given: list[Given] = Field(default=[])
    children: Children | None = None
    expect: Annotated[list[Seen], Field(min_length=1)]


class TestFileModel(Section):
    """A file of tests."""

    book: Id
    tests: Annotated[list[TestModel], Field(min_length=1)]
