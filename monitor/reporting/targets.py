"""Every target of a site: how far, how long, where it is heading, and what a group still lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.engine.book import Criterion, Ruleset
from monitor.engine.reach import ANSWERED, smallest_set
from monitor.engine.rollup import Members, gap, in_the_way
from monitor.model.colour import Colour
from monitor.model.hours import Calendar
from monitor.model.state import UnitState
from monitor.model.unit import Unit, Units
from monitor.model.verdict import CriterionState, Forecast


@dataclass(frozen=True, slots=True)
class Lacking:
    """What keeps a group from its goal. Units are (code, gap as a ratio 0 to 1), nearest to green first."""

    in_the_way: tuple[tuple[str, float], ...]
    needed: tuple[tuple[str, float], ...] | None  # smallest set that must turn green; None: no set would do


@dataclass(frozen=True, slots=True)
class TargetLine:
    """One target of one unit."""

    unit: str
    criterion: str
    title: tuple[str, str]  # Vietnamese, English
    colour: Colour
    value: float | bool | str | None
    comparator: str
    numerator: float | None
    denominator: float | None
    measure: str  # unit of measure
    goal: str  # ">= 80"
    deadline: datetime | None  # first instant at which it is too late
    days_left: int | None
    working_days_left: int | None
    overdue: bool
    forecast: Forecast | None
    rule: str  # file:line
    lacking: Lacking | None  # of a group target that is not met


@dataclass(frozen=True, slots=True)
class Site:
    """What a list of targets is made from."""

    units: Units
    ruleset: Ruleset
    calendar: Calendar
    states: Mapping[str, UnitState]


def targets(site: Site, now: datetime) -> Iterator[TargetLine]:
    """All targets by unit in site order, as they were judged last; those taken over from a system are the system's."""
    day = site.calendar.local(now).date()
    for unit in site.units:
        state = site.states.get(unit.code)
        for rule in site.ruleset.criteria_of(unit, day):
            held = None if state is None else state.criteria.get(rule.id)
            if rule.target is not None and held is not None and rule.applies_to(unit):
                yield _line(site, unit, rule, held, now)


def _line(site: Site, unit: Unit, rule: Criterion, held: CriterionState, now: datetime) -> TargetLine:
    verdict, indicator = held.verdict, site.ruleset.indicators.get(rule.indicator or "")
    return TargetLine(
        unit=unit.code,
        criterion=rule.id,
        title=(rule.title_vi, rule.title_en),
        colour=held.colour,
        value=verdict.value,
        comparator=verdict.comparator.value,
        numerator=verdict.numerator,
        denominator=verdict.denominator,
        measure="%" if indicator is None else indicator.unit,
        goal="" if rule.target is None else str(rule.target.goal),
        deadline=verdict.deadline,
        days_left=verdict.days_left,
        working_days_left=verdict.working_days_left,
        overdue=verdict.overdue,
        forecast=verdict.forecast,
        rule=str(rule.where),
        lacking=None if verdict.colour is Colour.GREEN else lacking(site, unit, rule, now),
    )


def lacking(site: Site, unit: Unit, rule: Criterion, now: datetime) -> Lacking | None:
    """What a group lacks; None for what is no group of units that turn green one by one."""
    if rule.rollup not in ANSWERED:
        return None
    children = tuple(site.states.get(code, UnitState(code)) for code in site.units.children(unit.code))
    members = Members(children, site.units, site.ruleset.indicators.get(rule.indicator or ""))
    reach = smallest_set(rule, members, now, site.calendar, site.ruleset.standing.min_coverage)
    gaps = {child.unit: gap(child) for child in children}
    blocking = tuple((child.unit, gaps[child.unit]) for child in in_the_way(rule, members))
    turned = None if reach is None or reach.turned is None else tuple((code, gaps[code]) for code in reach.turned)
    return Lacking(blocking, turned)


def missed(lines: list[TargetLine]) -> bool:
    """True when one is red: its date has passed unmet, or it is beyond its floor."""
    return any(line.colour is Colour.RED or line.overdue for line in lines)
