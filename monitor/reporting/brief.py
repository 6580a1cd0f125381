"""A digest in the few words of a message: facts for the text `brief`, in both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from monitor.engine.explain import number
from monitor.engine.rank import Place, rankings, ranks
from monitor.model.colour import Colour
from monitor.model.incident import Incident, Kind
from monitor.model.verdict import Param
from monitor.reporting.digest import Digest, Goal
from monitor.reporting.scene import Scene
from monitor.reporting.targets import TargetLine

_GOALS, _INCIDENTS = 5, 5  # that are named
_LOCALES = ("vi", "en")


def brief(told: Digest, scene: Scene) -> dict[str, Param]:
    """What the text may say of a digest; instants are aware UTC, what is not known is left out."""
    count = {one.colour: one.now for one in told.counts}
    changed = next((one.change for one in told.counts if one.colour is Colour.GREEN), None)
    # Of a few units all are among the best; those of them that are not green are the lowest all the same.
    lowest = [p for p in told.worst or told.best[::-1] if scene.colour(p.unit) is not Colour.GREEN]
    incidents = sorted(told.incidents, key=_widest_first)
    facts: dict[str, Param] = {
        "total": sum(count.values()) - count.get(Colour.EXCLUDED, 0),
        "green": count.get(Colour.GREEN, 0),
        "yellow": count.get(Colour.YELLOW, 0),
        "red": count.get(Colour.RED, 0),
        "unknown": count.get(Colour.UNKNOWN, 0),
        "green_change": None if changed is None else f"{changed:+d}" if changed else "=",
        "previous": told.since,
        "codes": ", ".join(place.unit for place in lowest) or None,
        "silent": ", ".join(f"{one.source} ({one.owner})" for one in told.silent) or None,
        "open": len(incidents) or None,
        "refs": _named([f"{one.ref} ({one.unit})" for one in incidents], _INCIDENTS),
        "now": told.at,
    }
    facts |= _headline(told, scene)
    for locale in _LOCALES:
        facts[f"lowest_{locale}"] = _places(lowest, scene, locale)
        facts[f"best_{locale}"] = _places(told.best, scene, locale)
        facts[f"goals_{locale}"] = _goals(told.goals, locale)
    return facts


def _widest_first(incident: Incident) -> tuple[bool, bool, float]:
    return incident.cover is not None, incident.kind is not Kind.MASS, incident.opened_at.timestamp()


def _named(names: Sequence[str], most: int) -> str | None:
    return ", ".join(names[:most]) + (f" +{len(names) - most}" if len(names) > most else "") or None


def _headline(told: Digest, scene: Scene) -> Mapping[str, Param]:
    """The figure of the unit itself whose date is next."""
    dated = (
        goal for goal in told.goals if goal.own is not None and isinstance(goal.own.value, float) and goal.deadline
    )
    goal = next(dated, None)
    rule = scene.rules().get(goal.own.criterion) if goal and goal.own else None
    if goal is None or goal.own is None or rule is None or rule.target is None:
        return {}
    indicator = scene.ruleset.indicators.get(rule.indicator or "")
    return {
        "kpi_vi": goal.title[0],
        "kpi_en": goal.title[1],
        "kpi_sms": indicator.sms if indicator else goal.title[0],
        "measure": goal.own.measure,
        "sign": goal.own.comparator,
        "value": goal.own.value,
        "target": rule.target.goal.operand,
        "op": rule.target.goal.op,
        "deadline": goal.deadline,
        "n": goal.working_days_left,
        **_rank(goal.own, scene, told.at),
    }


def _rank(line: TargetLine, scene: Scene, at: datetime) -> Mapping[str, Param]:
    """Where the unit stands by a figure among those beside it; nothing where it is the only one of whom it is known."""
    ranked = next(
        (one for one in rankings(scene.ruleset, scene.calendar.day(at)) if line.criterion in one.criteria), None
    )
    unit = scene.units[line.unit]
    group = [one for one in scene.units if one.parent == unit.parent and one.level is unit.level]
    places = () if ranked is None else ranks(ranked, group, scene.states, None)
    place = next((one for one in places if one.unit == unit.code), None)
    return {} if place is None or place.rank is None or place.of < 2 else {"rank": place.rank, "rank_total": place.of}


def _places(places: Sequence[Place], scene: Scene, locale: str) -> str | None:
    def name(place: Place) -> str:
        score = "-" if place.value is None else number(100 * place.value, locale)
        unit = scene.units[place.unit]
        return f"{place.unit} {unit.name_en if locale == 'en' else unit.name_vi} ({score}%)"

    return _named([name(place) for place in places], len(places))


def _goals(goals: Sequence[Goal], locale: str) -> str | None:
    told = [goal for goal in goals if goal.met + goal.not_yet + goal.late + goal.unknown][:_GOALS]
    return "; ".join(_goal(goal, english=locale == "en") for goal in told) or None


def _goal(goal: Goal, *, english: bool) -> str:
    others, left = goal.not_yet + goal.late, goal.working_days_left
    parts = [
        f"{goal.title[english]} {goal.met} {('đạt', 'met')[english]}",
        f"{others} {('chưa đạt', 'not')[english]}" if others else "",
        f"{goal.late} {('quá hạn', 'overdue')[english]}" if goal.late else "",
        f"{goal.unknown} {('chưa rõ', 'unknown')[english]}" if goal.unknown else "",
    ]
    if left is not None and not goal.late:
        parts.append(("còn {} ngày làm việc", "{} working days left")[english].format(left))
    return ", ".join(part for part in parts if part)
