"""Why a unit has its colour: every criterion with value, thresholds, deadline, age of data and place of the rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from monitor.engine.book import Criterion, Indicator, Ruleset
from monitor.engine.explain import colour_name, sentence, value_text
from monitor.engine.index import IndexPoints, tally, total_differs
from monitor.engine.reported import difference
from monitor.model.colour import Colour
from monitor.model.hours import Calendar
from monitor.model.reading import Reading
from monitor.model.state import UnitState
from monitor.model.unit import Unit
from monitor.model.verdict import CriterionState, Forecast, Reason
from monitor.reporting.ahead import forecast_lines


@dataclass(frozen=True, slots=True)
class CriterionWhy:
    """One criterion's part of the answer. Sentences are (Vietnamese, English)."""

    id: str
    title: tuple[str, str]
    colour: Colour
    since: datetime
    level: Colour
    value: tuple[str, str]  # with unit of measure
    thresholds: tuple[str, ...]  # "green >=80", "target >= 80 before 2025-08-20", "floor 60"
    reasons: tuple[tuple[str, str], ...]
    deadline: datetime | None
    working_days_left: int | None
    overdue: bool
    data_age: float | None  # seconds
    as_of: datetime | None
    source: str
    weight: float
    critical: bool
    caused_by: str | None
    rule: str  # file:line
    legal_basis: tuple[str, ...]
    basis: str  # where the rule's figures come from
    assumed: bool
    days_left: int | None = None  # calendar days, today included
    forecast: Forecast | None = None  # figures in the indicator's unit
    ahead: tuple[tuple[str, str], ...] = ()  # the forecast in sentences
    told: str = ""  # what the source added to the value: why a probe failed, in its own words
    event_since: datetime | None = None  # age of the event: survives a short silence, which `since` does not


@dataclass(frozen=True, slots=True)
class Why:
    """The whole answer for one unit."""

    unit: Unit
    at: datetime
    colour: Colour
    since: datetime | None
    level: Colour
    score: float | None  # ratio 0 to 1
    coverage: float  # ratio 0 to 1
    reasons: tuple[tuple[str, str], ...]
    caused_by: str | None
    criteria: tuple[CriterionWhy, ...]
    reported: Colour = Colour.UNKNOWN  # what the national system says
    indexes: tuple[IndexPoints, ...] = ()


_URGENCY = {
    Colour.RED: 0,
    Colour.UNKNOWN: 1,
    Colour.YELLOW: 2,
    Colour.MAINTENANCE: 3,
    Colour.GREEN: 4,
    Colour.EXCLUDED: 5,
}


def why(unit: Unit, state: UnitState, ruleset: Ruleset, calendar: Calendar, now: datetime) -> Why:
    """Explain a committed state; the worst criteria come first."""
    today = calendar.local(now).date()
    rules = ruleset.criteria(today, unit)
    criteria = [
        _criterion(held, rules[key], ruleset.indicators, state.evidence, calendar, now)
        for key, held in state.criteria.items()
        if key in rules
    ]
    criteria.sort(key=lambda c: (_URGENCY[c.colour], not c.critical, -c.weight, c.id))
    standing = state.standing
    found = indexes(state, ruleset, today)
    titles = {key: (rule.title_vi, rule.title_en) for key, rule in rules.items()}
    return Why(
        unit=unit,
        at=now,
        colour=state.colour,
        since=None if standing is None else standing.since,
        level=Colour.UNKNOWN if standing is None else standing.level,
        score=None if standing is None else standing.score,
        coverage=0.0 if standing is None else standing.coverage,
        reasons=_sentences((*(standing.reasons if standing else ()), *_reported(state, found)), calendar, titles),
        caused_by=None if standing is None else standing.caused_by,
        criteria=tuple(criteria),
        reported=state.reported,
        indexes=found,
    )


def indexes(state: UnitState, ruleset: Ruleset, on: date) -> tuple[IndexPoints, ...]:
    """What a committed unit earns in the index of every book that has one and is valid on a local day."""
    found = (tally(book, state.criteria) for book in ruleset.books if book.valid_on(on))
    return tuple(index for index in found if index is not None)


def _reported(state: UnitState, earned: tuple[IndexPoints, ...]) -> tuple[Reason, ...]:
    apart = (difference(state), *(total_differs(index, state.criteria) for index in earned))
    return tuple(reason for reason in apart if reason is not None)


def _criterion(
    held: CriterionState,
    rule: Criterion,
    indicators: Mapping[str, Indicator],
    evidence: Mapping[str, Reading],
    calendar: Calendar,
    now: datetime,
) -> CriterionWhy:
    verdict = held.verdict
    indicator = indicators.get(rule.indicator or "")
    reading = evidence.get(indicator.evidence) if indicator and held.caused_by is None else None
    return CriterionWhy(
        id=held.criterion,
        title=(rule.title_vi, rule.title_en),
        colour=held.colour,
        since=held.since,
        level=held.level,
        value=(_value(held, indicator, "vi"), _value(held, indicator, "en")),
        thresholds=thresholds(rule),
        reasons=_sentences(verdict.reasons, calendar, {}),
        deadline=verdict.deadline,
        working_days_left=verdict.working_days_left,
        overdue=verdict.overdue,
        data_age=None if verdict.as_of is None else (now - verdict.as_of).total_seconds(),
        as_of=verdict.as_of,
        source=verdict.source,
        weight=held.weight,
        critical=held.critical,
        caused_by=held.caused_by,
        rule=str(rule.where),
        legal_basis=rule.legal_basis,
        basis=rule.source,
        assumed=rule.assumed,
        days_left=verdict.days_left,
        forecast=verdict.forecast,
        ahead=forecast_lines(verdict.forecast),
        event_since=held.episode_since,
        told=reading.note if reading and reading.as_of == verdict.as_of else "",
    )


def thresholds(rule: Criterion) -> tuple[str, ...]:
    """The rule's limits as written."""
    lines = [f"{band.colour.value} {band.text}" for band in rule.bands]
    target = rule.target
    if target is not None:
        when = (
            f"before {target.before}" if target.before else f"by {target.by}" if target.by else f"every {target.every}"
        )
        lines.append(f"target {target.goal} {when}")
        if target.exemption is not None:
            lines.append(f"by {target.exemption.paper} ({target.exemption.where})")
        if target.floor is not None:
            lines.append(f"floor {target.floor:g}")
        if target.margin:
            lines.append(f"margin {target.margin:g}")
        if target.pace is not None:
            behind = ", behind it red" if target.pace.behind_red else ""
            lines.append(f"pace {target.pace.curve} from {target.pace.baseline:g}{behind}")
    if rule.points is not None:
        worth = rule.points
        lines.append(f"{worth.maximum:g} points of {worth.group} from {worth.target:g} % on")
    if rule.max_red_share is not None:
        lines.append(f"red share <= {rule.max_red_share:g} %")
    return tuple(lines)


def _value(held: CriterionState, indicator: Indicator | None, locale: str) -> str:
    verdict = held.verdict
    text = value_text(verdict.value, locale, verdict.comparator)
    unit = "%" if indicator is None and verdict.value is not None else indicator.unit if indicator else ""
    measured = isinstance(verdict.value, (int, float)) and not isinstance(verdict.value, bool)
    text = f"{text} {_UNITS.get(unit, (unit, unit))[locale == 'en']}".rstrip() if measured else text
    if verdict.numerator is not None and verdict.denominator is not None:
        counts = (value_text(verdict.numerator, locale), value_text(verdict.denominator, locale))
        text += f" ({counts[0]}/{counts[1]})"
    return text


_UNITS = {
    "minutes": ("phút", "minutes"),
    "s": ("giây", "s"),
    "days": ("ngày", "days"),
    "hours": ("giờ", "hours"),
    "count": ("", ""),
    "points": ("điểm", "points"),
    "bool": ("", ""),
    "state": ("", ""),
}


def _sentences(
    reasons: tuple[Reason, ...], calendar: Calendar, titles: Mapping[str, tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    return tuple(
        (_sentence(reason, "vi", calendar, titles), _sentence(reason, "en", calendar, titles)) for reason in reasons
    )


def _sentence(reason: Reason, locale: str, calendar: Calendar, titles: Mapping[str, tuple[str, str]]) -> str:
    named = reason.params.get("criterion")
    if isinstance(named, str) and named in titles:
        title = f"\N{LEFT DOUBLE QUOTATION MARK}{titles[named][locale == 'en']}\N{RIGHT DOUBLE QUOTATION MARK}"
        reason = Reason(reason.code, {**reason.params, "criterion": title})
    return sentence(reason, locale, calendar)


def headline(answer: Why) -> tuple[str, str]:
    """Code, name and colour in one line, Vietnamese and English."""
    unit = answer.unit
    return (
        f"{unit.code} {unit.name_vi}: {colour_name(answer.colour, 'vi').upper()}",
        f"{unit.code} {unit.name_en}: {colour_name(answer.colour, 'en').upper()}",
    )
