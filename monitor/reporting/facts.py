"""Everything from which a unit's colour can be computed again elsewhere, as plain JSON. Its shape is version 1.

`monitor.reporting.recompute` does so, and docs/explain.md describes the shape. Instants are ISO 8601 with offset, days
and their deadlines are instants already, spans are seconds, shares are per cent, scores are ratios 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from monitor.engine.book import Criterion, Indicator, Ruleset, Target
from monitor.model.hours import Calendar
from monitor.model.reading import Reading
from monitor.model.state import UnitState
from monitor.model.unit import Unit
from monitor.model.verdict import Counts, CriterionState

VERSION = 1

Json = dict[str, Any]


def facts(
    unit: Unit, state: UnitState, ruleset: Ruleset, calendar: Calendar, now: datetime, systems: Sequence[UnitState] = ()
) -> Json:
    """The facts behind a committed state. `systems` are the states of those that the unit depends on.

    They compute the committed colour while `now` lies before `recheck_at`; later they compute what would be said now.
    """
    day = calendar.local(now).date()
    rules = {c.id: c for book in ruleset.books if book.valid_on(day) for c in book.criteria}
    standing, rule = state.standing, ruleset.standing
    return {
        "version": VERSION,
        "unit": unit.code,
        "now": now.isoformat(),
        "zone": str(calendar.zone),
        "recheck_at": _iso(state.recheck_at),
        "colour": "unknown" if standing is None else standing.colour.value,
        "set_aside": standing is not None and any(r.code in ("set_aside", "blind") for r in standing.reasons),
        "children": _counts(None if standing is None else standing.children),
        "standing": {
            "min_coverage": rule.min_coverage,
            "green_score": rule.green_score,
            "red_score": rule.red_score,
            "yellow_weight": rule.yellow_weight,
        },
        "criteria": [
            _criterion(held, rules[key], ruleset, state, systems)
            for key, held in state.criteria.items()
            if key in rules
        ],
    }


def _criterion(
    held: CriterionState, rule: Criterion, ruleset: Ruleset, state: UnitState, systems: Sequence[UnitState]
) -> Json:
    shared: Json = {
        "id": held.criterion,
        "colour": held.colour.value,
        "level": held.level.value,
        "weight": held.weight,
        "critical": held.critical,
        "caused_by": held.caused_by,
    }
    if held.caused_by is not None:
        carriers = [one for one in systems if held.criterion in one.criteria]
        nested = [_criterion(one.criteria[held.criterion], rule, ruleset, one, ()) for one in carriers]
        return {**shared, "kind": "inherited", "from": nested}
    indicator = ruleset.indicators.get(rule.indicator or "")
    return {
        **shared,
        "kind": "reading" if rule.rollup is None else rule.rollup.value,
        "rule": _rule(rule, indicator, held),
        "input": None if indicator is None else _input(state.evidence.get(indicator.evidence)),
        "run": {
            "since": held.raw_since.isoformat(),
            "readings": held.raw_count,
            "away_since": _iso(held.away_since),
            "away_readings": held.away_count,
        },
    }


def _rule(rule: Criterion, indicator: Indicator | None, held: CriterionState) -> Json:
    default = None if indicator is None else indicator.max_age
    return {
        "where": str(rule.where),
        "bands": [
            {"colour": band.colour.value, "conditions": [[c.op, c.operand] for c in band.conditions]}
            for band in rule.bands
        ],
        "target": None if rule.target is None else _target(rule.target, held),
        "measure": "value" if indicator is None else indicator.measure.value,
        "max_age": rule.max_age if rule.max_age is not None else default,
        "min_sample": rule.min_sample,
        "max_red_share": rule.max_red_share,
        "for": {"readings": rule.hold.readings, "seconds": rule.hold.seconds},
        "keep": {"readings": rule.keep.readings, "seconds": rule.keep.seconds},
    }


def _target(target: Target, held: CriterionState) -> Json:
    return {
        "goal": [target.goal.op, target.goal.operand],
        "floor": target.floor,
        "margin": target.margin,
        "too_late_from": _iso(held.verdict.deadline),
    }


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
