"""Every target of a site: how far, how long, where it is heading, what a group still lacks; and that as a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.engine.book import Criterion, Ruleset
from monitor.engine.reach import ANSWERED, smallest_set
from monitor.engine.rollup import Members, gap, in_the_way
from monitor.model.colour import Colour
from monitor.model.hours import Calendar
from monitor.model.state import UnitState
from monitor.model.unit import Level, Unit, Units
from monitor.model.verdict import CriterionState, Forecast
from monitor.reporting.ahead import forecast_lines
from monitor.reporting.report import Cell, Column, Report, Shares, Sort, Table, Words
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
        measure="%" if indicator is None else "" if indicator.unit in _NO_MEASURE else indicator.unit,
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


def missed(lines: Sequence[TargetLine]) -> bool:
    """True when one is red: its date has passed unmet, or it is beyond its floor."""
    return any(line.colour is Colour.RED or line.overdue for line in lines)


_COLUMNS = (
    Column("unit", ("Mã", "Code"), Sort.CODE),
    Column("name", ("Đơn vị", "Unit")),
    Column("criterion", ("Tiêu chí", "Criterion"), Sort.CODE, data_only=True),
    Column("title", ("Chỉ tiêu", "Target")),
    Column("colour", ("Màu", "Colour"), Sort.COLOUR),
    Column("value", ("Giá trị", "Value"), Sort.NUMBER),
    Column("comparator", ("Dấu", "Sign"), Sort.CODE, data_only=True),
    Column("measure", ("Đơn vị tính", "Measure"), Sort.CODE),
    Column("goal", ("Mục tiêu", "Goal"), Sort.LIMIT),
    Column("numerator", ("Tử số", "Numerator"), Sort.NUMBER, data_only=True),
    Column("denominator", ("Mẫu số", "Denominator"), Sort.NUMBER, data_only=True),
    Column("deadline", ("Trước", "Before"), Sort.INSTANT),
    Column("days_left", ("Còn (ngày)", "Days left"), Sort.WHOLE),
    Column("working_days_left", ("Ngày làm việc còn lại", "Working days left"), Sort.WHOLE),
    Column("overdue", ("Quá hạn", "Overdue"), data_only=True),
    Column("required_pace", ("Nhịp cần mỗi ngày", "Pace needed a day"), Sort.NUMBER, data_only=True),
    Column("actual_pace", ("Nhịp hiện nay", "Pace now"), Sort.NUMBER, data_only=True),
    Column("projected", ("Dự kiến đến hạn", "Projected"), Sort.NUMBER),
    Column("in_the_way", ("Đơn vị chưa đạt", "Units in the way"), Sort.WHOLE),
    Column("needed", ("Tập nhỏ nhất", "Smallest set"), Sort.WHOLE),
    Column("rule", ("Quy tắc", "Rule"), Sort.CODE, data_only=True),
)
_LACKING = (
    Column("unit", ("Mã", "Code"), Sort.CODE),
    Column("criterion", ("Tiêu chí", "Criterion"), Sort.CODE),
    Column("child", ("Mã đơn vị chưa đạt", "Unit in the way"), Sort.CODE),
    Column("name", ("Đơn vị chưa đạt", "Its name")),
    Column("gap", ("Khoảng cách đến xanh", "Gap to green"), Sort.PERCENT, 0),
    Column("needed", ("Thuộc tập nhỏ nhất", "In the smallest set")),
)
_FORECASTS = (
    Column("unit", ("Mã", "Code"), Sort.CODE),
    Column("criterion", ("Tiêu chí", "Criterion"), Sort.CODE),
    Column("forecast", ("Dự báo", "Forecast")),
)


def targets_report(scene: Scene, at: datetime, unit: str | None = None, level: Level | None = None) -> Report:
    """All targets of the scene, of one unit or of one level, as they stand at an instant."""
    made = Site(scene.units, scene.ruleset, scene.calendar, scene.states)
    told = [
        line
        for line in targets(made, at)
        if scene.about(line.unit) and unit in (None, line.unit) and level in (None, scene.units[line.unit].level)
    ]
    counts = [(colour, sum(line.colour is colour for line in told)) for colour in Colour]
    late = sum(line.overdue for line in told)
    return Report(
        kind="targets",
        title=("Chỉ tiêu và thời hạn", "Targets and deadlines"),
        site=scene.site,
        zone=scene.calendar.zone,
        at=at,
        tables=(
            Table("targets", ("Chỉ tiêu", "Targets"), _COLUMNS, tuple(_row(line, scene) for line in told)),
            Table(
                "lacking",
                ("Đơn vị còn thiếu, gần xanh nhất trước", "What groups lack, nearest to green first"),
                _LACKING,
                tuple(row for line in told for row in _lacking_rows(line, scene)),
            ),
            Table(
                "forecasts",
                ("Dự báo", "Forecasts"),
                _FORECASTS,
                tuple((line.unit, line.criterion, words) for line in told for words in forecast_lines(line.forecast)),
            ),
        ),
        paragraphs=(_summary(told, late),),
        charts=(Shares(("Chỉ tiêu theo màu", "Targets by colour"), tuple(counts)),) if told else (),
        empty=not told,
        bad=missed(told),
    )


def _summary(told: Sequence[TargetLine], late: int) -> Words:
    if not told:
        return "Không có chỉ tiêu nào được đánh giá.", "No target was judged."
    return f"{len(told)} chỉ tiêu; {late} quá hạn.", f"{len(told)} targets; {late} overdue."


def _row(line: TargetLine, scene: Scene) -> tuple[Cell, ...]:
    forecast = line.forecast or Forecast()
    lacks = line.lacking
    return (
        line.unit,
        scene.name(line.unit),
        line.criterion,
        line.title,
        line.colour,
        line.value,
        line.comparator,
        line.measure,
        line.goal,
        line.numerator,
        line.denominator,
        line.deadline,
        line.days_left,
        line.working_days_left,
        line.overdue,
        forecast.required_pace,
        forecast.actual_pace,
        forecast.projected,
        None if lacks is None else len(lacks.in_the_way),
        None if lacks is None or lacks.needed is None else len(lacks.needed),
        line.rule,
    )


def _lacking_rows(line: TargetLine, scene: Scene) -> Iterator[tuple[Cell, ...]]:
    if line.lacking is None:
        return
    needed = {code for code, _ in line.lacking.needed or ()}
    shown = dict((*(line.lacking.needed or ()), *line.lacking.in_the_way))
    for code, gap_left in shown.items():
        known = None if line.lacking.needed is None else code in needed
        yield line.unit, line.criterion, code, scene.name(code), round(100 * gap_left, 6), known
