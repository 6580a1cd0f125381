"""Every target of a site: how far, how long, where it is heading, what a group still lacks; and that as a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.engine.book import Criterion
from monitor.engine.reach import ANSWERED, smallest_set
from monitor.engine.rollup import Members, gap, in_the_way
from monitor.model.colour import Colour
from monitor.model.state import UnitState
from monitor.model.unit import Level, Unit
from monitor.model.verdict import CriterionState, Forecast
from monitor.reporting.ahead import forecast_lines
from monitor.reporting.columns import (
    COLOUR,
    CRITERION,
    DAYS_LEFT,
    DEADLINE,
    GOAL,
    MEASURE,
    NAME,
    UNIT,
    WORKING_DAYS_LEFT,
    Columns,
    table,
)
from monitor.reporting.report import Column, Report, Shares, Sort, Words
from monitor.reporting.scene import Scene

_NO_MEASURE = ("bool", "state")  # yes and no, and words, are counted in nothing


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


def targets(scene: Scene, now: datetime) -> Iterator[TargetLine]:
    """All targets by unit in site order, as they were judged last; those taken over from a system are the system's."""
    day = scene.calendar.local(now).date()
    for unit in scene.units:
        state = scene.states.get(unit.code)
        for rule in scene.ruleset.criteria_of(unit, day):
            held = None if state is None else state.criteria.get(rule.id)
            if rule.target is not None and held is not None and rule.applies_to(unit):
                yield _line(scene, unit, rule, held, now)


def _line(scene: Scene, unit: Unit, rule: Criterion, held: CriterionState, now: datetime) -> TargetLine:
    verdict, indicator = held.verdict, scene.ruleset.indicators.get(rule.indicator or "")
    return TargetLine(
        unit=unit.code,
        criterion=rule.id,
        title=(rule.title_vi, rule.title_en),
        colour=held.colour,
        value=verdict.value,
        comparator=verdict.comparator.value,
        numerator=verdict.numerator,
        denominator=verdict.denominator,
        measure="%" if indicator is None else "" if indicator.unit in _NO_MEASURE else indicator.unit,
        goal="" if rule.target is None else str(rule.target.goal),
        deadline=verdict.deadline,
        days_left=verdict.days_left,
        working_days_left=verdict.working_days_left,
        overdue=verdict.overdue,
        forecast=verdict.forecast,
        rule=str(rule.where),
        lacking=None if verdict.colour is Colour.GREEN else lacking(scene, unit, rule, now),
    )


def lacking(scene: Scene, unit: Unit, rule: Criterion, now: datetime) -> Lacking | None:
    """What a group lacks; None for what is no group of units that turn green one by one."""
    if rule.rollup not in ANSWERED:
        return None
    children = tuple(scene.states.get(code, UnitState(code)) for code in scene.units.children(unit.code))
    members = Members(children, scene.units, scene.ruleset.indicators.get(rule.indicator or ""))
    reach = smallest_set(rule, members, now, scene.calendar, scene.ruleset.standing.min_coverage)
    gaps = {child.unit: gap(child) for child in children}
    blocking = tuple((child.unit, gaps[child.unit]) for child in in_the_way(rule, members))
    turned = None if reach is None or reach.turned is None else tuple((code, gaps[code]) for code in reach.turned)
    return Lacking(blocking, turned)


def missed(lines: Sequence[TargetLine]) -> bool:
    """True when one is red: its date has passed unmet, or it is beyond its floor."""
    return any(line.colour is Colour.RED or line.overdue for line in lines)


def targets_report(scene: Scene, at: datetime, unit: str | None = None, level: Level | None = None) -> Report:
    """All targets of the scene, of one unit or of one level, as they stand at an instant."""
    told = [
        line
        for line in targets(scene, at)
        if scene.about(line.unit) and unit in (None, line.unit) and level in (None, scene.units[line.unit].level)
    ]
    counts = [(colour, sum(line.colour is colour for line in told)) for colour in Colour]
    late = sum(line.overdue for line in told)
    return scene.report(
        "targets",
        ("Chỉ tiêu và thời hạn", "Targets and deadlines"),
        at,
        (
            table("targets", ("Chỉ tiêu", "Targets"), _lines(scene), told),
            table(
                "lacking",
                ("Đơn vị còn thiếu, gần xanh nhất trước", "What groups lack, nearest to green first"),
                _children(scene),
                (child for line in told for child in _lacked(line)),
            ),
            table(
                "forecasts",
                ("Dự báo", "Forecasts"),
                _FORECASTS,
                ((line, words) for line in told for words in forecast_lines(line.forecast)),
            ),
        ),
        (_summary(told, late),),
        (Shares(("Chỉ tiêu theo màu", "Targets by colour"), tuple(counts)),) if told else (),
        empty=not told,
        bad=missed(told),
    )


def _summary(told: Sequence[TargetLine], late: int) -> Words:
    if not told:
        return "Không có chỉ tiêu nào được đánh giá.", "No target was judged."
    return f"{len(told)} chỉ tiêu; {late} quá hạn.", f"{len(told)} targets; {late} overdue."


def _lines(scene: Scene) -> Columns[TargetLine]:
    def ahead(line: TargetLine) -> Forecast:
        return line.forecast or Forecast()

    return (
        (UNIT, lambda line: line.unit),
        (NAME, lambda line: scene.name(line.unit)),
        (replace(CRITERION, data_only=True), lambda line: line.criterion),
        (Column("title", ("Chỉ tiêu", "Target")), lambda line: line.title),
        (COLOUR, lambda line: line.colour),
        (Column("value", ("Giá trị", "Value"), Sort.NUMBER), lambda line: line.value),
        (Column("comparator", ("Dấu", "Sign"), Sort.CODE, data_only=True), lambda line: line.comparator),
        (MEASURE, lambda line: line.measure),
        (GOAL, lambda line: line.goal),
        (Column("numerator", ("Tử số", "Numerator"), Sort.NUMBER, data_only=True), lambda line: line.numerator),
        (Column("denominator", ("Mẫu số", "Denominator"), Sort.NUMBER, data_only=True), lambda line: line.denominator),
        (DEADLINE, lambda line: line.deadline),
        (DAYS_LEFT, lambda line: line.days_left),
        (WORKING_DAYS_LEFT, lambda line: line.working_days_left),
        (Column("overdue", ("Quá hạn", "Overdue"), data_only=True), lambda line: line.overdue),
        (
            Column("required_pace", ("Nhịp cần mỗi ngày", "Pace needed a day"), Sort.NUMBER, data_only=True),
            lambda line: ahead(line).required_pace,
        ),
        (
            Column("actual_pace", ("Nhịp hiện nay", "Pace now"), Sort.NUMBER, data_only=True),
            lambda line: ahead(line).actual_pace,
        ),
        (Column("projected", ("Dự kiến đến hạn", "Projected"), Sort.NUMBER), lambda line: ahead(line).projected),
        (
            Column("in_the_way", ("Đơn vị chưa đạt", "Units in the way"), Sort.WHOLE),
            lambda line: None if line.lacking is None else len(line.lacking.in_the_way),
        ),
        (
            Column("needed", ("Tập nhỏ nhất", "Smallest set"), Sort.WHOLE),
            lambda line: None if line.lacking is None or line.lacking.needed is None else len(line.lacking.needed),
        ),
        (Column("rule", ("Quy tắc", "Rule"), Sort.CODE, data_only=True), lambda line: line.rule),
    )


@dataclass(frozen=True, slots=True)
class _Child:
    """A unit that keeps a group from its goal."""

    group: TargetLine
    code: str
    gap: float  # a ratio, 0 to 1
    needed: bool | None  # in the smallest set that would do; None: no set would


def _lacked(line: TargetLine) -> Iterator[_Child]:
    if line.lacking is None:
        return
    needed = dict(line.lacking.needed or ())
    for code, left in (needed | dict(line.lacking.in_the_way)).items():
        yield _Child(line, code, left, None if line.lacking.needed is None else code in needed)


def _children(scene: Scene) -> Columns[_Child]:
    return (
        (UNIT, lambda child: child.group.unit),
        (CRITERION, lambda child: child.group.criterion),
        (Column("child", ("Mã đơn vị chưa đạt", "Unit in the way"), Sort.CODE), lambda child: child.code),
        (Column("name", ("Đơn vị chưa đạt", "Its name")), lambda child: scene.name(child.code)),
        (
            Column("gap", ("Khoảng cách đến xanh", "Gap to green"), Sort.PERCENT, 0),
            lambda child: round(100 * child.gap, 6),
        ),
        (Column("needed", ("Thuộc tập nhỏ nhất", "In the smallest set")), lambda child: child.needed),
    )


_FORECASTS: Columns[tuple[TargetLine, Words]] = (
    (UNIT, lambda told: told[0].unit),
    (CRITERION, lambda told: told[0].criterion),
    (Column("forecast", ("Dự báo", "Forecast")), lambda told: told[1]),
)
