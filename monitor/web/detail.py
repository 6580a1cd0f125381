"""What the pages of one unit and of one incident show, as plain rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monitor.alerting.escalate import ANSWERED, LATER_STEP, NOBODY, SPARED, UNSEEN
from monitor.alerting.plan import Directory
from monitor.engine.book import Criterion, Indicator, Measure
from monitor.engine.index import IndexPoints
from monitor.engine.rank import Place, earned_by, index_rankings, ranks
from monitor.model.colour import Colour
from monitor.model.incident import Delivery, Incident, Outcome, Phase, Step
from monitor.model.state import Transition
from monitor.model.unit import Unit
from monitor.reporting.why import CriterionWhy
from monitor.service.app import Service
from monitor.web import charts
from monitor.web.texts import Words

READINGS = 40  # readings in one trend line


@dataclass(frozen=True, slots=True)
class CriterionCard:
    """One criterion on the page of a unit."""

    why: CriterionWhy
    title: str
    value: str  # with its unit of measure
    sample: str  # "1.723/1.848"; empty for what is no share
    limits: tuple[tuple[str, str], ...]  # (colour word or "target", limit)
    reasons: tuple[str, ...]
    trend: str  # points of a line; empty without history
    readings: int


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One line of a unit's history."""

    at: datetime
    what: str
    before: Colour
    after: Colour


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step of an incident's plan."""

    who: str
    to: tuple[str, ...]
    due_at: datetime
    repeat: str
    state: str
    nobody: str  # what stands in place of people


def standings(index: IndexPoints, unit: Unit, service: Service) -> tuple[Place, ...]:
    """Where a unit stands among its siblings by an index, then by each of its groups."""
    site, states = service.site, service.evaluator.states
    book = next(book for book in site.ruleset.books if book.id == index.book)
    siblings = [site.units[code] for code in site.units.children(unit.parent)] if unit.parent else [unit]
    group = [one for one in siblings if one.level is unit.level]
    earned = earned_by(book, group, states)
    today = site.calendar.local(service.clock.now()).date()
    places = (ranks(one, group, states, today, earned) for one in index_rankings(book, site.ruleset))
    return tuple(place for ranked in places for place in ranked if place.unit == unit.code)


async def card(found: CriterionWhy, unit: Unit, service: Service, t: Words) -> CriterionCard:
    """One criterion with its limits in words and its recent values. Raises StoreError."""
    now = service.clock.now()
    rule = service.site.ruleset.criteria(service.site.calendar.local(now).date(), unit).get(found.id)
    points, count = await _trend(rule, found, unit, service)
    value, _, sample = t.pick(found.value).partition(" (")
    return CriterionCard(
        why=found,
        title=t.pick(found.title),
        value=value,
        sample=sample.removesuffix(")"),
        limits=limits(rule, service, t) if rule else (),
        reasons=tuple(t.pick(reason) for reason in (*found.reasons, *found.ahead)),
        trend=points,
        readings=count,
    )


async def _trend(rule: Criterion | None, found: CriterionWhy, unit: Unit, service: Service) -> tuple[str, int]:
    indicator = service.site.ruleset.indicators.get(rule.indicator or "") if rule else None
    if indicator is None or found.caused_by or not _has_numbers(indicator):
        return "", 0
    readings = await service.store.readings(unit.code, indicator.id, limit=READINGS)
    return charts.sparkline(readings), len(readings)


def _has_numbers(indicator: Indicator) -> bool:
    return indicator.measure is Measure.VALUE and indicator.unit not in ("bool", "state")


def limits(rule: Criterion, service: Service, t: Words) -> tuple[tuple[str, str], ...]:
    """The rule's limits in the reader's language: bands by colour, then target and floor."""
    indicator = service.site.ruleset.indicators.get(rule.indicator or "")
    found = [
        (band.colour.value, " · ".join(t.condition(condition, indicator) for condition in band.conditions))
        for band in rule.bands
    ]
    target = rule.target
    if target is not None:
        goal = t.condition(target.goal, indicator)
        found.append(("target", f"{goal}, {t(f'every_{target.every.value}')}" if target.every else goal))
        if target.floor is not None:
            found.append(("floor", t.number(target.floor)))
    if rule.max_red_share is not None:
        found.append(("red", t("red_share", share=t.number(rule.max_red_share))))
    return tuple(found)


def change_row(change: Transition, service: Service, t: Words) -> ChangeRow:
    """One change of colour; the whole unit's or one criterion's."""
    day = service.site.calendar.local(change.at).date()
    rule = service.site.ruleset.criterion(change.criterion, day) if change.criterion else None
    title = t.pick((rule.title_vi, rule.title_en)) if rule else change.criterion or t("whole_unit")
    return ChangeRow(change.at, title, change.before, change.after)


def step_row(step: Step, incident: Incident, service: Service, t: Words) -> StepRow:
    """One step: who, by which channel, when, and whether it happened."""
    return StepRow(
        who=roles(step.role, service, t),
        to=tuple(f"{address.recipient} · {address.channel}" for address in step.to),
        due_at=step.due_at,
        repeat=t("repeat", span=t.span(step.repeat)) if step.repeat else "",
        state=_step_state(step, incident, t),
        nobody=t("nobody") if step.skipped in ("", NOBODY) else "",
    )


def roles(names: str, service: Service, t: Words) -> str:
    """Titles of the roles that a step calls."""
    titles = service.site.directory.roles
    parts = [name.strip() for name in names.split(",")]
    return ", ".join(t.pick(titles[name]) if name in titles else name for name in parts)


def told(deliveries: Sequence[Delivery], service: Service) -> tuple[str, ...]:
    """Who has been told, each once with the channels, the first one first; by name where the directory knows it."""
    found: dict[str, dict[str, None]] = {}
    for one in reversed(deliveries):
        if one.state == Outcome.SENT:
            found.setdefault(one.notice.recipient, {})[one.notice.channel] = None
    people = service.site.directory
    return tuple(f"{_called(who, people)} ({', '.join(channels)})" for who, channels in found.items())


def _called(who: str, people: Directory) -> str:
    person = people.person(who)
    return who if person is None else person.name


_PASSED: Final[Mapping[str, str]] = {  # why a step told nobody -> its words
    NOBODY: "reached_nobody",
    SPARED: "spared",
    LATER_STEP: "told_later",
    UNSEEN: "not_seen_then",
    ANSWERED: "party_answered",
}


def _step_state(step: Step, incident: Incident, t: Words) -> str:
    if step.skipped and not step.told:
        return t(_PASSED[step.skipped])
    if step.fired:
        calls = step.told or step.fired  # a plan of an earlier version did not count those that went to somebody
        return t("told") if calls == 1 else t("told_times", count=calls)
    return t("waiting") if incident.phase is Phase.OPEN else t("withheld")
