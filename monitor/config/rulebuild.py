"""One criterion of a rule book: from its model to the engine's type, with every mistake named at its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import inf

from monitor.config.formula import compile_formula
from monitor.config.problems import Location, Problem
from monitor.config.rulebands import between, conditions, flaws
from monitor.config.rulegroups import ORDERED, group_measure, group_mistakes
from monitor.config.rulemodels import BandsModel, CriterionModel, PaceModel, TargetModel, too_short
from monitor.config.yaml import Document
from monitor.engine.book import (
    Band,
    Condition,
    Criterion,
    Curve,
    Flap,
    Formula,
    Indicator,
    Need,
    Pace,
    Period,
    Points,
    RollUp,
    Target,
    Where,
)
from monitor.engine.flapping import greatest
from monitor.model.colour import Colour
from monitor.model.nearest import nearest
from monitor.model.unit import Level

_PARENTS = ("province", "nation")  # levels that have children


@dataclass(frozen=True, slots=True)
class Source:
    """The file a criterion comes from. `indicators` is None when the catalogue itself is broken."""

    document: Document
    book: str
    indicators: Mapping[str, Indicator] | None

    def where(self, at: Location) -> Where:
        """Place of a value, for explanations."""
        return Where(self.document.name, self.document.line(at))


@dataclass(slots=True)
class _Work:
    """A criterion being built: its entry, its place, and the problems so far."""

    source: Source
    entry: CriterionModel
    at: Location
    problems: list[Problem] = field(default_factory=list)

    def complain(self, step: Location, what: str, right: str = "") -> None:
        self.problems.append(self.source.document.problem((*self.at, *step), f"{self.entry.id}: {what}", right))


def build_criterion(source: Source, entry: CriterionModel, at: Location) -> tuple[Criterion | None, list[Problem]]:
    """The criterion, or every problem in it."""
    work = _Work(source, entry, at)
    indicator = _indicator(work)
    measured = group_measure(entry) or indicator
    bands, target, formulas = _bands(work, measured), _target(work, measured), _formulas(work)
    _check_shape(work)
    _check_levels(work)
    _check_holds(work)
    _check_age(work, indicator)
    if work.problems:
        return None, work.problems
    return _criterion(work, indicator, bands, target, formulas), []


def _criterion(
    work: _Work,
    indicator: Indicator | None,
    bands: tuple[Band, ...],
    target: Target | None,
    formulas: tuple[Formula, ...],
) -> Criterion:
    entry, scope = work.entry, work.entry.applies_to
    return Criterion(
        id=entry.id,
        book=work.source.book,
        title_vi=entry.title.vi if entry.title else indicator.name_vi if indicator else entry.id,
        title_en=entry.title.en if entry.title else indicator.name_en if indicator else entry.id,
        levels=frozenset(map(Level, scope.levels)),
        indicator=indicator.id if indicator else None,
        rollup=RollUp(entry.rollup) if entry.rollup else None,
        max_red_share=entry.max_red_share,
        explained_by=tuple(entry.explained_by),
        colours=frozenset(map(Colour, entry.colours)),
        nth=entry.nth or 0,
        points=None if entry.points is None else Points(entry.points.max, entry.points.group, entry.points.target),
        formulas=formulas,
        inputs=_inputs(work) if entry.when else (),
        bands=bands,
        target=target,
        weight={Level(level): weight for level, weight in entry.weight.items()},
        critical=entry.critical,
        outage=entry.outage,
        inherit=frozenset(map(Level, entry.inherit)),
        kinds=frozenset(scope.kinds),
        provinces=frozenset(scope.provinces),
        units=frozenset(scope.units),
        hold=entry.hold or Need(),
        keep=entry.keep or Need(),
        flap=None if entry.flap is None else Flap(entry.flap.start, entry.flap.end, entry.flap.window),
        max_age=entry.max_age,
        alert=frozenset(map(Colour, entry.alert)),
        min_sample=entry.min_sample,
        legal_basis=tuple(entry.legal_basis),
        source=entry.source,
        assumed=entry.assumed,
        where=work.source.where(work.at),
    )


def _indicator(work: _Work) -> Indicator | None:
    """The indicator named, or the one with the criterion's own id. A roll-up may do without one."""
    known = work.source.indicators
    if known is None:
        return None
    name = work.entry.indicator or work.entry.id
    free = work.entry.rollup is not None or (work.entry.when is not None and work.entry.inputs)
    if name not in known and (work.entry.indicator is not None or not free):
        step = ("indicator",) if work.entry.indicator is not None else ("id",)
        work.complain(step, f"there is no indicator '{name}'", nearest(name, known))
    return known.get(name)


# -- bands ------------------------------------------------------------------------------------------------------------


def _bands(work: _Work, indicator: Indicator | None) -> tuple[Band, ...]:
    model = work.entry.bands
    if model is None:
        return ()
    bands = [band for colour, written in _written(model) if (band := _band(work, colour, written)) is not None]
    if indicator is not None and len(bands) == len(_written(model)):
        by_colour = {band.colour.value: band.conditions for band in bands}
        for flaw in flaws(by_colour, indicator, complete=work.entry.target is None):
            name = f"bands.{flaw.band}" if flaw.band else "bands"
            work.complain(("bands", flaw.band) if flaw.band else ("bands",), f"{name} {flaw.what}", flaw.right)
    return tuple(bands)


def _written(model: BandsModel) -> list[tuple[str, bool | float | str]]:
    pairs = (("green", model.green), ("yellow", model.yellow), ("red", model.red))
    return [(colour, written) for colour, written in pairs if written is not None]


def _band(work: _Work, colour: str, written: bool | float | str) -> Band | None:
    parts = _conditions(work, ("bands", colour), written)
    if parts is None:
        return None
    text = (
        str(written).lower() if isinstance(written, bool) else f"{written:g}" if isinstance(written, float) else written
    )
    return Band(Colour(colour), parts, text, work.source.where((*work.at, "bands", colour)))


def _conditions(work: _Work, step: Location, written: bool | float | str) -> tuple[Condition, ...] | None:
    try:
        return conditions(written)
    except ValueError as error:
        what, _, right = str(error).partition("; ")
        work.complain(step, what, right)
        return None


def _formulas(work: _Work) -> tuple[Formula, ...]:
    model, known = work.entry.when, work.source.indicators
    if model is None or known is None:
        return ()
    names = _inputs(work)
    unknown = [(number, name) for number, name in enumerate(work.entry.inputs) if name not in known]
    for number, name in unknown:
        work.complain(("inputs", number), f"there is no indicator '{name}'", nearest(name, known))
    for name in () if unknown else names:
        if known[name].of is not None:
            right = f"name '{known[name].of}' instead"
            work.complain(("when",), f"'{name}' grows by itself, which a condition cannot follow", right)
    if work.problems:
        return ()
    written = (("red", model.red), ("yellow", model.yellow), ("green", model.green))
    made = [_formula(work, colour, text, names) for colour, text in written if text is not None]
    return tuple(formula for formula in made if formula is not None)


def _formula(work: _Work, colour: str, text: str, names: tuple[str, ...]) -> Formula | None:
    assert work.source.indicators is not None
    step = ("when", colour)
    try:
        evaluate = compile_formula(text, {name: work.source.indicators[name] for name in names})
    except ValueError as error:
        what, _, right = str(error).partition("; ")
        work.complain(step, f"when.{colour} {what}", right)
        return None
    return Formula(Colour(colour), text, work.source.where((*work.at, *step)), evaluate)


def _inputs(work: _Work) -> tuple[str, ...]:
    """What the conditions may read: the criterion's own indicator, where there is one, and its inputs."""
    known, own = work.source.indicators or {}, work.entry.indicator or work.entry.id
    return tuple(dict.fromkeys(([own] if own in known else []) + work.entry.inputs))


# -- target -----------------------------------------------------------------------------------------------------------


def _target(work: _Work, indicator: Indicator | None) -> Target | None:
    model = work.entry.target
    if model is None:
        return None
    dates = [key for key in ("before", "by", "every") if getattr(model, key) is not None]
    if len(dates) != 1:
        said = f"two dates ({' and '.join(dates)})" if dates else "no date"
        work.complain(("target", *dates[-1:]), f"the target has {said}", "give exactly one of before, by, every")
    goal = _goal(work, model, indicator)
    if goal is None or len(dates) != 1:
        return None
    return Target(
        goal=goal,
        before=model.before,
        by=model.by,
        every=Period(model.every) if model.every else None,
        floor=model.floor,
        margin=model.margin,
        pace=_pace(work, model, goal),
        trend_days=30 if model.trend is None else max(1, round(model.trend / 86400)),
        remind_days=tuple(sorted(set(model.remind), reverse=True)),
        where=work.source.where((*work.at, "target")),
    )


def _pace(work: _Work, target: TargetModel, goal: Condition) -> Pace | None:
    model = target.pace
    if model is None:
        return None
    for step, what, right in _pace_mistakes(model, target, goal):
        work.complain(("target", "pace", *step), what, right)
    steps = tuple((step.on, step.value) for step in model.steps)
    return Pace(model.baseline, model.start, Curve(model.curve), steps, model.tolerance, model.behind == "red")


def _pace_mistakes(model: PaceModel, target: TargetModel, goal: Condition) -> Iterator[tuple[Location, str, str]]:
    if isinstance(goal.operand, bool | str):
        yield (), "a goal that is no number has no pace", "leave pace out"
        return
    sign = -1 if goal.op in ("<", "<=") else 1
    if sign * model.baseline >= sign * goal.operand:
        yield ("baseline",), f"the baseline {model.baseline:g} meets the goal '{goal}' already", "give where it began"
    last = target.by or (target.before - timedelta(days=1) if target.before else None)
    if model.start is None and last is not None:
        yield (), "a pace to one date needs its start", "write start: 2025-08-06"
    if model.start is not None and last is None:
        yield ("start",), "a goal that recurs starts its pace with each period", "leave start out"
    if model.start is not None and last is not None and model.start > last:
        yield ("start",), f"the pace starts on {model.start}, after the last good day {last}", "let it start earlier"
    if (model.curve == "stepped") != bool(model.steps):
        yield (), "'curve: stepped' and 'steps' belong together", "write both or neither"
    if model.steps and last is None:
        yield ("steps",), "steps are days of one date, and the goal recurs", "use a linear curve"
    yield from _step_mistakes(model, sign, last, goal.operand)


def _step_mistakes(model: PaceModel, sign: int, last: date | None, goal: float) -> Iterator[tuple[Location, str, str]]:
    day, value = model.start, model.baseline
    for number, step in enumerate(model.steps):
        at = ("steps", number)
        if (day is not None and step.on < day) or (last is not None and step.on > last):
            yield at, f"the step on {step.on} is out of order", "list days from the start to the last good day"
        if not sign * value <= sign * step.value <= sign * goal:
            yield (
                at,
                f"the step to {step.value:g} leads away from the goal",
                f"it must lie between {value:g} and {goal:g}",
            )
        day, value = step.on, step.value


def _goal(work: _Work, model: TargetModel, indicator: Indicator | None) -> Condition | None:
    parts = _conditions(work, ("target", "value"), model.value)
    if parts is None:
        return None
    if len(parts) != 1:
        work.complain(("target", "value"), f"the goal '{model.value}' is a range", "write one bound, such as >= 80")
        return None
    if indicator is not None:
        for flaw in flaws({"target.value": parts}, indicator, complete=False):
            work.complain(("target", "value"), f"target.value {flaw.what}", flaw.right)
    if model.floor is not None:
        _check_floor(work, parts[0], model.floor, indicator)
    if model.margin:
        _check_margin(work, parts[0], model.margin, indicator)
    return parts[0]


def _check_margin(work: _Work, goal: Condition, margin: float, indicator: Indicator | None) -> None:
    step = ("target", "margin")
    if isinstance(goal.operand, bool | str):
        work.complain(step, "a goal that is no number has no margin")
        return
    last = goal.operand + (margin if goal.op in ("<", "<=") else -margin)
    if indicator is not None and _nothing_beyond(goal, last, indicator):
        most = abs(goal.operand - _farthest(goal, indicator))
        what = f"with the margin {margin:g} nothing is red after the date: {indicator.id} lies {between(indicator)}"
        work.complain(step, what, f"write less than {most:g}")


def _farthest(goal: Condition, indicator: Indicator) -> float:
    """The value farthest from the goal; infinite where the indicator has no such bound."""
    if goal.op in ("<", "<="):
        return inf if indicator.maximum is None else indicator.maximum
    return -inf if indicator.minimum is None else indicator.minimum


def _nothing_beyond(goal: Condition, bound: float, indicator: Indicator) -> bool:
    """Whether no value can be on the far side of a bound, seen from the goal."""
    last = _farthest(goal, indicator)
    return bound >= last if goal.op in ("<", "<=") else bound <= last


def _check_floor(work: _Work, goal: Condition, floor: float, indicator: Indicator | None) -> None:
    step = ("target", "floor")
    if isinstance(goal.operand, bool | str):
        work.complain(step, "a goal that is no number has no floor")
        return
    at_most = goal.op in ("<", "<=")
    if (at_most and floor <= goal.operand) or (not at_most and floor >= goal.operand):
        side = "more" if at_most else "less"
        work.complain(step, f"the floor {floor:g} lies beyond the goal '{goal}'", f"it must be {side} than the goal")
    elif indicator is not None and floor != _farthest(goal, indicator) and _nothing_beyond(goal, floor, indicator):
        what = f"the floor {floor:g} lies outside of what {indicator.id} can be, {between(indicator)}"
        right = f"write {'less' if at_most else 'more'} than {_farthest(goal, indicator):g}, or leave it out"
        work.complain(step, what, right)


# -- the rest ---------------------------------------------------------------------------------------------------------


def _check_shape(work: _Work) -> None:
    entry = work.entry
    judged = entry.target is not None or (entry.bands is not None and _written(entry.bands))
    ordered = entry.rollup in ORDERED
    if ordered and judged:
        child = "worst" if entry.rollup == "worst" else "n-th best"
        work.complain(("rollup",), f"the {child} child is a colour already", "leave bands and target out")
    elif not ordered and not judged and not _has_conditions(work) and entry.points is None:
        work.complain((), "the criterion has neither bands nor a target", "give it one of them")
    if entry.when is not None and (judged or entry.rollup is not None):
        work.complain(("when",), "a condition judges by itself", "leave bands, target and rollup out")
    if entry.inputs and entry.when is None:
        work.complain(("inputs",), "only a condition has inputs", "add 'when', or leave 'inputs' out")
    if entry.points is not None:
        _check_points(work, bool(judged))
    if entry.max_red_share is not None and entry.rollup is None:
        work.complain(("max_red_share",), "max_red_share needs a roll-up")
    for step, what, right in group_mistakes(entry, work.source.indicators):
        work.complain(step, what, right)
    if entry.rollup is not None and entry.inherit:
        work.complain(("inherit",), "a roll-up is not inherited")
    if "yellow" in entry.alert and entry.target is None:
        work.complain(("alert",), "yellow is told only near a deadline, and there is no target", "write alert: [red]")


def _has_conditions(work: _Work) -> bool:
    model = work.entry.when
    return model is not None and any(text is not None for text in (model.red, model.yellow, model.green))


def _check_points(work: _Work, judged: bool) -> None:
    entry, known = work.entry, work.source.indicators
    indicator = known.get(entry.indicator or entry.id) if known is not None else None
    if entry.rollup is not None:
        work.complain(("points",), "points are earned by an indicator, not by a roll-up")
    elif indicator is not None and indicator.unit != "%":
        what = f"points are earned by a rate, but '{indicator.id}' is measured in {indicator.unit}"
        work.complain(("points",), what, "name an indicator in %")
    if not judged and (entry.critical or any(entry.weight.values())):
        right = "take weight and critical out, or give it bands or a target"
        work.complain(("points",), "a criterion that only earns points has no weight in the colour", right)


def _check_age(work: _Work, indicator: Indicator | None) -> None:
    age = work.entry.max_age
    if age is not None and indicator is not None and age < indicator.cadence:
        work.complain(("max_age",), *too_short(age, indicator.cadence, indicator.id))


def _check_levels(work: _Work) -> None:
    entry, levels = work.entry, work.entry.applies_to.levels
    for level in _unreached(entry):
        reach = ", ".join([*levels, *entry.inherit])
        work.complain(("weight", level), f"there is a weight for {level}, which the criterion does not reach", reach)
    if entry.inherit and "system" not in levels:
        work.complain(("inherit",), "only a system's criterion is inherited", "add system to applies_to.levels")
    if both := sorted(set(levels) & set(entry.inherit)):
        work.complain(("inherit",), f"{both[0]} is judged itself and inherits, too", "name it in one of them")
    if entry.rollup is not None and (low := [level for level in levels if level not in _PARENTS]):
        work.complain(("applies_to", "levels"), f"a {low[0]} has no children to roll up")


def _unreached(entry: CriterionModel) -> Iterator[str]:
    return (level for level in entry.weight if level not in (*entry.applies_to.levels, *entry.inherit))


# -- holds ------------------------------------------------------------------------------------------------------------


def _check_holds(work: _Work) -> None:
    entry = work.entry
    for key, need in (("for", entry.hold), ("keep", entry.keep)):
        if need is not None and entry.rollup is not None and (need.of or need.readings > 1):
            work.complain((key,), f"{key} counts readings, and a roll-up has none", "write a time, such as 15m")
    if entry.flap is None:
        return
    if entry.rollup is not None:
        work.complain(("flap",), "a roll-up has no readings that could flap", "leave flap out")
    start, end, most = entry.flap.start, entry.flap.end, greatest(entry.flap.window)
    if end >= start:
        work.complain(("flap",), f"flap.end {end:g} is not below flap.start {start:g}", "it must be less")
    if end == 0:
        work.complain(("flap",), "flap.end 0 is never gone below, so flapping would never end", "write 25")
    if start > most:
        work.complain(("flap",), f"flap.start {start:g} is never reached: the greatest share is {most:g}")
