"""Everything from which a unit's colour can be computed again elsewhere, as plain JSON. Its shape is version 1.

`monitor.reporting.recompute` does so, and docs/explain.md describes the shape. Instants are ISO 8601 with offset, days
and their deadlines are instants already, spans are seconds, shares are per cent, scores are ratios 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from monitor.engine import reasons
from monitor.engine.book import Criterion, Formula, Indicator, Need, RollUp, Ruleset, Target
from monitor.engine.formula import gather
from monitor.engine.pace import expected
from monitor.engine.rate import figure
from monitor.engine.rollup import Members, counted
from monitor.engine.sample import windows
from monitor.engine.target import deadline
from monitor.model.hours import Calendar
from monitor.model.reading import Reading, Value
from monitor.model.series import NOTHING
from monitor.model.state import UnitState
from monitor.model.unit import Unit, Units
from monitor.model.verdict import Counts, CriterionState, Reason

VERSION = 1
_BROKEN = (reasons.RULE_BROKEN, reasons.SET_ASIDE, reasons.BLIND)
_NO_UNITS = Units(())

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Scene:
    """What is looked up for one unit: its state, the rules with its own dates, and those around it."""

    state: UnitState
    rules: Mapping[str, Criterion]
    ruleset: Ruleset
    calendar: Calendar
    now: datetime
    systems: tuple[UnitState, ...]
    members: Members


def facts(
    unit: Unit,
    state: UnitState,
    ruleset: Ruleset,
    calendar: Calendar,
    now: datetime,
    systems: Sequence[UnitState] = (),
    children: Sequence[UnitState] = (),
    units: Units = _NO_UNITS,
) -> Json:
    """The facts behind a committed state. `systems` are the states of those that the unit depends on.

    `children` are the states of those below it, and `units` tells their weights and levels. The facts compute the
    committed colour while `now` lies before `recheck_at`; later they compute what would be said now.
    """
    rules = ruleset.criteria(calendar.local(now).date(), unit)
    scene = _Scene(state, rules, ruleset, calendar, now, tuple(systems), Members(tuple(children), units))
    standing, rule = state.standing, ruleset.standing
    return {
        "version": VERSION,
        "unit": unit.code,
        "now": now.isoformat(),
        "zone": str(calendar.zone),
        "recheck_at": _iso(state.recheck_at),
        "valid_from": _midnight(unit.valid_from, calendar),
        "valid_to": _midnight(unit.valid_to, calendar),
        "colour": state.colour.value,
        "set_aside": standing is not None and _broken(standing.reasons) is not None,
        "maintenance": standing is not None and _paused(standing.reasons),
        "children": _counts(None if standing is None else standing.children),
        "members": _members(scene.members),
        "standing": {
            "min_coverage": rule.min_coverage,
            "green_score": rule.green_score,
            "red_score": rule.red_score,
            "yellow_weight": rule.yellow_weight,
        },
        "criteria": [_criterion(held, scene) for key, held in state.criteria.items() if key in rules],
    }


def _midnight(day: date | None, calendar: Calendar) -> str | None:
    return None if day is None else calendar.start_of_day(day).isoformat()


def _members(members: Members) -> list[Json]:
    """The children that are not left out, as groups see them."""
    if not members.children:
        return []
    return [
        {"unit": one.code, "colour": one.colour.value, "level": one.level.value, "weight": one.weight}
        for one in counted(Counts(), members)
    ]


def _criterion(held: CriterionState, scene: _Scene) -> Json:
    rule = scene.rules[held.criterion]
    shared: Json = {
        "id": held.criterion,
        "colour": held.colour.value,
        "level": held.level.value,
        "weight": held.weight,
        "critical": held.critical,
        "caused_by": held.caused_by,
        "broken": _broken(held.verdict.reasons),
        "paused": _paused(held.verdict.reasons),
    }
    if held.caused_by is not None:
        return {**shared, "kind": "inherited", "from": [*_carried(held.criterion, rule, scene)]}
    indicator = scene.ruleset.indicators.get(rule.indicator or "")
    return {
        **shared,
        "kind": _kind(rule),
        "rule": _rule(rule, indicator, scene),
        **_told(rule, indicator, scene, broken=shared["broken"] is not None),
        "run": _run(held),
    }


def _carried(criterion: str, rule: Criterion, scene: _Scene) -> Iterable[Json]:
    """The same criterion of every system that carries it, or owes it and was never judged."""
    units = scene.members.units
    for system in scene.systems:
        unit = _found(system.unit, units)
        if unit is not None and not unit.holds_on(_today(scene)):
            continue  # nobody takes anything over from it
        if criterion in system.criteria:
            rules = scene.rules if unit is None else scene.ruleset.criteria(_today(scene), unit)
            theirs = _Scene(system, rules, scene.ruleset, scene.calendar, scene.now, (), Members((), units))
            yield _criterion(system.criteria[criterion], theirs)
        elif unit is not None and rule.applies_to(unit):
            yield {"id": criterion, "kind": "unjudged", "colour": "unknown", "broken": None}


def _found(code: str, units: Units) -> Unit | None:
    if code not in units:
        return None
    return units[code]


def _kind(rule: Criterion) -> str:
    if rule.rollup is not None:
        return rule.rollup.value
    return "when" if rule.formulas else "reading"


def _told(rule: Criterion, indicator: Indicator | None, scene: _Scene, *, broken: bool) -> Json:
    """What the rule judged: a reading, several inputs, or figures of the children."""
    if rule.rollup is RollUp.RATE:
        return {"figures": [*_figures(rule, indicator, scene)]}
    if rule.rollup is not None:
        return {}
    if rule.formulas:
        return _inputs(rule, scene, broken=broken)
    if indicator is None:
        return {"input": None}
    reading = scene.state.evidence.get(indicator.evidence)
    rivals = scene.state.rivals.get(indicator.evidence, ())
    return {
        "input": _input(reading),
        "windows": [] if reading is None else _windows(rule, indicator, reading, scene),
        "sources": [{**(_input(one) or {}), "counts": one == reading} for one in rivals],
    }


def _windows(rule: Criterion, indicator: Indicator, reading: Reading, scene: _Scene) -> list[Json]:
    if reading.denominator is None or reading.denominator >= rule.min_sample:
        return []
    past = scene.state.series.get(indicator.evidence, NOTHING)
    return [
        {
            "window": one.period.value,
            "months": one.months,
            "numerator": one.numerator,
            "denominator": one.denominator,
            "exact": one.exact,
        }
        for one in windows(indicator, reading, past, scene.calendar)
    ]


def _inputs(rule: Criterion, scene: _Scene, *, broken: bool) -> Json:
    indicators, evidence = scene.ruleset.indicators, scene.state.evidence
    return {
        "inputs": [
            {
                "indicator": name,
                "max_age": rule.max_age if rule.max_age is not None else indicators[name].max_age,
                "input": _input(evidence.get(indicators[name].evidence)),
            }
            for name in rule.inputs
        ],
        "conditions": [*_conditions(rule, scene, broken=broken)],
    }


def _conditions(rule: Criterion, scene: _Scene, *, broken: bool) -> Iterable[Json]:
    """Each with its truth, or with what the error is; those after the one that decided were not asked."""
    values = {} if broken else gather(rule, scene.ruleset.indicators, scene.state.evidence, scene.now).values
    asked = not broken
    for one in rule.formulas:
        truth = _truth(one, values) if asked else None
        asked = asked and truth is False
        yield {"colour": one.colour.value, "expression": one.text, "where": str(one.where), "truth": truth}


def _truth(condition: Formula, values: Mapping[str, Value]) -> bool | str | None:
    try:
        return None if condition.evaluate is None else condition.evaluate(values)
    except Exception as broken:  # an explanation is given even of a rule that breaks
        return type(broken).__name__


def _figures(rule: Criterion, indicator: Indicator | None, scene: _Scene) -> Iterable[Json]:
    for child in scene.members.children:
        found = figure(rule, child, scene.members.units, indicator, scene.now)
        if found is not None:
            yield {
                "unit": child.unit,
                "numerator": found.numerator,
                "denominator": found.denominator,
                "comparator": found.comparator.value,
                "until": _iso(found.until),
            }


def _rule(rule: Criterion, indicator: Indicator | None, scene: _Scene) -> Json:
    default = None if indicator is None else indicator.max_age
    return {
        "where": str(rule.where),
        "bands": [
            {"colour": band.colour.value, "conditions": [[c.op, c.operand] for c in band.conditions]}
            for band in rule.bands
        ],
        "target": None if rule.target is None else _target(rule, rule.target, indicator, scene),
        "points": None if rule.points is None else {"maximum": rule.points.maximum, "target": rule.points.target},
        "measure": "value" if indicator is None else indicator.measure.value,
        "least": None if indicator is None else indicator.minimum,
        "most": None if indicator is None else indicator.maximum,
        "max_age": rule.max_age if rule.max_age is not None else default,
        "warn_age": None if indicator is None else indicator.warn_age,
        "min_sample": rule.min_sample,
        "max_red_share": rule.max_red_share,
        "colours": sorted(colour.value for colour in rule.colours),
        "nth": rule.nth,
        "for": _need(rule.hold),
        "keep": _need(rule.keep),
        "flap": None if rule.flap is None else {"window": rule.flap.window},
    }


def _need(need: Need) -> Json:
    return {"readings": need.readings, "seconds": need.seconds, "of": need.of}


def _target(rule: Criterion, target: Target, indicator: Indicator | None, scene: _Scene) -> Json:
    reading = None if rule.rollup or indicator is None else scene.state.evidence.get(indicator.evidence)
    as_of = scene.now if reading is None else reading.as_of
    due = deadline(target, as_of, scene.calendar)
    asked = expected(target, due.last_good_day, _today(scene), scene.calendar)
    pace, exemption, general = target.pace, target.exemption, target.general
    return {
        "goal": [target.goal.op, target.goal.operand],
        "floor": target.floor,
        "margin": target.margin,
        "too_late_from": due.at.isoformat(),
        "pace": None
        if pace is None or asked is None
        else {"expected": asked, "tolerance": pace.tolerance, "behind": "red" if pace.behind_red else "reason"},
        "exemption": None
        if exemption is None or general is None
        else {
            "paper": exemption.paper,
            "where": str(exemption.where),
            "instead_of": deadline(general, as_of, scene.calendar).at.isoformat(),
        },
    }


def _today(scene: _Scene) -> date:
    return scene.calendar.local(scene.now).date()


def _run(held: CriterionState) -> Json:
    return {
        "since": held.raw_since.isoformat(),
        "readings": held.raw_count,
        "away_since": _iso(held.away_since),
        "away_readings": held.away_count,
        "counts_readings": held.verdict.received_at is not None,
        "recent": held.recent,
        "tally": held.tally,
        "flapping_since": _iso(held.flapping_since),
        "steady": held.steady.value,
    }


def _broken(why: Sequence[Reason]) -> str | None:
    """The code of the reason that says that judging itself failed."""
    return next((one.code for one in why if one.code in _BROKEN), None)


def _paused(why: Sequence[Reason]) -> bool:
    """Whether maintenance is the reason, or that nothing was heard yet after it."""
    return any(one.code in (reasons.UNDER_MAINTENANCE, reasons.AFTER_MAINTENANCE) for one in why)


def _input(reading: Reading | None) -> Json | None:
    if reading is None:
        return None
    return {
        "value": reading.value,
        "comparator": reading.comparator.value,
        "numerator": reading.numerator,
        "denominator": reading.denominator,
        "as_of": reading.as_of.isoformat(),
        "received_at": reading.received_at.isoformat(),
        "since": _iso(reading.since),
        "source": reading.source,
    }


def _counts(counts: Counts | None) -> Mapping[str, int] | None:
    names = ("green", "yellow", "red", "unknown", "maintenance", "excluded")
    return None if counts is None else {name: getattr(counts, name) for name in names}


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
