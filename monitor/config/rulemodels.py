"""What may stand in `rules/indicators.yaml` and in a rule book, before it becomes the frozen types of the engine."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from monitor.config.asked import LevelName
from monitor.config.fields import Code, Day, Span, Title
from monitor.config.models import Names
from monitor.config.yaml import Section
from monitor.engine.book import Need
from monitor.engine.flapping import REMEMBERED

_DURATION = re.compile(r"([1-9][0-9]{0,5})(s|m|h|d)")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_CADENCES = {"hourly": 3600.0, "daily": 86400.0, "weekly": 7 * 86400.0, "monthly": 31 * 86400.0}
_NEED = re.compile(r"(?:([1-9][0-9]{0,2})(?:x| of ([1-9][0-9]?)))?\s*(?:([1-9][0-9]{0,5}(?:s|m|h|d)))?")
_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")


def seconds(text: str) -> float:
    """A duration written as `90s`, `5m`, `50h` or `17d`, in seconds. Raises ValueError with a sentence."""
    if (match := _DURATION.fullmatch(text)) is None:
        raise ValueError("is not a duration; write it as 90s, 5m, 50h or 17d")
    return int(match[1]) * _SECONDS[match[2]]


def cadence_seconds(text: str) -> float:
    """A cadence (`60s`, `5m`, hourly, daily, weekly, monthly) in seconds. Raises ValueError with a sentence."""
    if text in _CADENCES:
        return _CADENCES[text]
    try:
        return seconds(text)
    except ValueError:
        raise ValueError("is not a cadence; write hourly, daily, weekly, monthly, or a duration such as 60s") from None


def _cadence(text: str) -> str:
    cadence_seconds(text)
    return text


def _need(text: Any) -> Need:
    match = _NEED.fullmatch(text) if isinstance(text, str) else None
    if match is None or not any(match.groups()):
        raise ValueError("is not a hold; write 2x (readings in a row), 3 of 5, 90s, or both as 2x 60s")
    readings, among = int(match[1] or 1), int(match[2] or 0)
    if among and readings > among:
        raise ValueError(f"asks for {readings} of {among} readings; the first number is not greater than the second")
    if among > REMEMBERED:
        raise ValueError(f"looks at {among} readings; at most {REMEMBERED} are remembered")
    if among and match[3]:
        raise ValueError(f"mixes {readings} of {among} readings with a time; write one of them")
    return Need(readings, seconds(match[3]) if match[3] else 0.0, among)


def _is_id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError("is no name for a rule; use small letters a to z, digits and _")
    return text


def _is_plain(text: str) -> str:
    if not text.isascii():
        raise ValueError("holds a letter with an accent; SMS takes plain letters only")
    return text


Id = Annotated[str, AfterValidator(_is_id)]
Hold = Annotated[Need, BeforeValidator(_need), WithJsonSchema({"type": "string", "examples": ["2x", "90s", "2x 60s"]})]
Share = Annotated[float, Field(ge=0, le=100)]  # per cent
Operand = bool | float | str


class IndicatorModel(Section):
    """One entry of the catalogue."""

    name: Names
    sms: Annotated[str, Field(min_length=1, max_length=13), AfterValidator(_is_plain)]
    unit: Literal["%", "points", "minutes", "s", "hours", "days", "count", "bool", "state"]
    states: list[Id] = Field(default=[])
    group: Literal["institutions", "infrastructure", "data", "services", "security", "resources", "rollup", "meta"]
    cadence: Annotated[str, AfterValidator(_cadence)]
    max_age: Span | None = None
    warn_age: Span | None = None
    window: Literal["month", "quarter", "year"] | None = None
    monotonic: Literal["rising"] | None = None
    sources: list[str] = Field(default=[])
    disagree: Annotated[float, Field(gt=0)] | None = None
    measure: Literal["value", "elapsed"] = "value"
    of: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    source: Title
    assumed: bool = False


class CatalogueModel(Section):
    """`rules/indicators.yaml`."""

    indicators: Annotated[dict[Id, IndicatorModel], Field(min_length=1)]


class BandsModel(Section):
    """Colours and the values that give them."""

    green: Operand | None = None
    yellow: Operand | None = None
    red: Operand | None = None


class StepModel(Section):
    """One step of a stepped pace."""

    on: Day
    value: float


class PaceModel(Section):
    """The way from a baseline to the goal."""

    baseline: float
    start: Day | None = None
    curve: Literal["linear", "stepped"] = "linear"
    steps: list[StepModel] = Field(default=[])
    tolerance: Annotated[float, Field(ge=0)] = 0
    behind: Literal["yellow", "red"] = "yellow"


class TargetModel(Section):
    """A goal with a date."""

    value: Operand
    before: Day | None = None
    by: Day | None = None
    every: Literal["month", "quarter", "year"] | None = None
    floor: float | None = None
    margin: Annotated[float, Field(ge=0)] = 0
    pace: PaceModel | None = None
    trend: Span | None = None
    remind: list[Annotated[int, Field(ge=1, le=250)]] = Field(default=[10, 5, 3, 1])


class ScopeModel(Section):
    """Which units a criterion judges."""

    levels: Annotated[list[LevelName], Field(min_length=1)]
    kinds: list[Id] = Field(default=[])
    provinces: list[Code] = Field(default=[])
    units: list[Code] = Field(default=[])


class FlapModel(Section):
    """From which share of changes on a criterion flaps; per cent."""

    start: Share = 50
    end: Share = 25
    window: Annotated[int, Field(ge=3, le=21)] = 21


class PointsModel(Section):
    """What a rate earns in the book's index."""

    max: Annotated[float, Field(gt=0, le=100)]
    group: str
    target: Annotated[float, Field(gt=0, le=100)] = 100


class WhenModel(Section):
    """Free conditions in CEL by colour."""

    red: Title | None = None
    yellow: Title | None = None
    green: Title | None = None


class CriterionModel(Section):
    """One rule."""

    id: Id
    title: Names | None = None
    indicator: str | None = None
    rollup: (
        Literal["green_share", "score", "worst", "count", "share", "weight", "weight_share", "nth_best", "rate"] | None
    ) = None
    colours: list[Literal["green", "yellow", "red", "unknown"]] = Field(default=["green"])
    nth: Annotated[int, Field(ge=1)] | None = None
    max_red_share: Share | None = None
    explained_by: list[str] = Field(default=[])  # criteria of systems
    points: PointsModel | None = None
    when: WhenModel | None = None
    inputs: list[str] = Field(default=[])
    applies_to: ScopeModel
    inherit: list[LevelName] = Field(default=[])
    bands: BandsModel | None = None
    target: TargetModel | None = None
    weight: dict[LevelName, Annotated[float, Field(ge=0, le=100)]] = Field(default={})
    critical: bool = False
    outage: bool = False
    hold: Annotated[Hold | None, Field(alias="for")] = None
    keep: Hold | None = None
    flap: FlapModel | None = None
    max_age: Span | None = None
    alert: list[Literal["red", "yellow"]] = Field(default=["red"])
    min_sample: Annotated[float, Field(ge=0)] = 0
    legal_basis: list[Title] = Field(default=[])
    source: Title
    assumed: bool = False


class StandingModel(Section):
    """How a unit's colour follows from its criteria; per cent."""

    min_coverage: Share = 70
    green_score: Share = 80
    red_score: Share = 50
    yellow_weight: Annotated[float, Field(ge=0)] = 5


class ValidModel(Section):
    """Days on which a book judges, both included."""

    since: Annotated[Day | None, Field(alias="from")] = None
    to: Day | None = None


class GradeModel(Section):
    """A grade of an index."""

    id: Id
    name: Names
    at_least: Share
    assumed: bool = False


class IndexGroupModel(Section):
    """A group of an index."""

    id: str
    name: Names
    max: Annotated[float, Field(gt=0, le=100)]


class IndexModel(Section):
    """Points by group, and grades."""

    groups: Annotated[list[IndexGroupModel], Field(min_length=1)]
    grades: list[GradeModel] = Field(default=[])


class BookModel(Section):
    """A rule book."""

    book: Id
    version: Title
    title: Names
    valid: ValidModel = ValidModel()
    standing: StandingModel | None = None
    index: IndexModel | None = None
    criteria: Annotated[list[CriterionModel], Field(min_length=1)]
    weights: dict[LevelName, Annotated[float, Field(ge=0)]] = Field(default={})  # what each level adds up to


class ExemptionModel(Section):
    """Another date of one target for one unit, by a paper."""

    criterion: Id
    unit: Code
    before: Day | None = None
    by: Day | None = None
    paper: Title
    decided: Day
    until: Day | None = None


class RegisterModel(Section):
    """`rules/exceptions.yaml`."""

    exceptions: list[ExemptionModel]
