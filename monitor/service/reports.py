"""Reads from the store what a report needs, and makes it. Nothing is changed.

A report is made of the states at its instant (`scene`) and of the recorded history. What is read grows with the
history, so whoever waits is told how far it is.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Protocol, TypeVar

from monitor.config.spec import Site
from monitor.engine.rank import Ranked, rankings
from monitor.model.incident import Delivery, Incident
from monitor.model.muting import Span
from monitor.model.nearest import nearest
from monitor.model.state import AuditEntry, Transition, UnitState
from monitor.model.unit import Level, Unit
from monitor.ports import History, Store
from monitor.reporting.availability import ASSUMED, Grades, Seconds, availability_report, blind_stretches
from monitor.reporting.deliveries import deliveries_report
from monitor.reporting.digest import Digest, digest, digest_report, members
from monitor.reporting.incidents import first_answers, incidents_report
from monitor.reporting.periods import DIGESTS
from monitor.reporting.ranking import ranking_report
from monitor.reporting.report import Report
from monitor.reporting.scene import Scene
from monitor.reporting.targets import targets_report

KINDS = ("digest", "ranking", "targets", "availability", "incidents", "deliveries")
OF_STATES = frozenset({"digest", "ranking", "targets"})  # need the states of the units at their instant
MOST = 1_000_000  # incidents or messages that are read
_KEPT = timedelta(hours=1)  # history keeps one repeat of a reading in this time
LOOKS_BACK = timedelta(days=366)  # as far as a sample of a rule reaches: what is rebuilt may miss something before
PATIENCE = timedelta(minutes=5)  # without a sign of life before a start: shorter ones are a restart

Fact = TypeVar("Fact", Transition, AuditEntry)
Apart = Callable[..., Awaitable[Any]]  # calls a function with arguments where it holds nobody up
Progress = Callable[[str, int], None]  # what is read, and how much of it so far


async def here(function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls a function at once, and holds up whatever else there is."""
    return function(*arguments)


def in_silence(_what: str, _number: int) -> None:
    """Progress that nobody waits for."""


class Records(Store, History, Protocol):
    """A store with its history."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What report, of when, and about whom."""

    kind: str  # one of KINDS
    span: Span  # what is not of a span is as of its end
    within: str | None = None  # only this unit and those below it
    unit: str | None = None  # targets: only this one
    level: Level | None = None  # ranking: who is ranked (communes unless said); targets: only this level
    indicator: str = "score"  # ranking
    grades: Grades = ASSUMED
    live: bool = False  # `at` is now: what is over is not read
    told_at: datetime | None = None  # the end of the span unless said

    @property
    def at(self) -> datetime:
        """The instant as of which it is told."""
        return self.told_at or self.span.ends


def scene_of(site: Site, states: Mapping[str, UnitState], within: str | None = None) -> Scene:
    """The facts of a site for its reports. Recipients are told by the role they hold."""
    titles = site.directory.roles
    roles = {
        person.id: titles[person.role][0] if person.role in titles else person.role
        for person in site.directory.recipients
    }
    name = site.name_vi, site.name_en
    return Scene(name, site.units, site.ruleset, site.sessions, states, roles, within)


async def make(asked: Asked, scene: Scene, store: Records, progress: Progress = in_silence) -> Report:
    """One report. Raises StoreError, NotFound for a unit that the site has not, ValueError for another mistake."""
    needs = _NEEDS[asked.kind] if asked.live or asked.kind not in OF_STATES else (*_NEEDS[asked.kind], "readings")
    began, kept = await begin_of_record(store), await kept_since(store, needs)
    if began is not None and kept is not None:
        began = max(began, kept)
    behind = kept if kept is None or asked.live or asked.kind not in OF_STATES else kept + LOOKS_BACK
    scene = replace(scene, within=asked.within, began=began, kept=behind)
    return await _MAKERS[asked.kind](asked, scene, store, progress)


def ranked_by(scene: Scene, indicator: str, on: date) -> Ranked:
    """What is ranked, by the indexes of a local day. Raises ValueError for what has no better end."""
    known = {ranked.id: ranked for ranked in rankings(scene.ruleset, on)}
    if indicator not in known:
        hint = nearest(indicator, known)
        raise ValueError(f"{indicator!r} cannot be ranked{'; ' if hint else ''}{hint}")
    return known[indicator]


async def _ranking(asked: Asked, scene: Scene, _store: Records, _progress: Progress) -> Report:
    level = asked.level or Level.COMMUNE
    group = [unit for unit in scene.chosen() if unit.level is level and unit.code != scene.within]
    ranked = ranked_by(scene, asked.indicator, scene.calendar.local(asked.at).date())
    return await asyncio.to_thread(ranking_report, scene, ranked, group, asked.at)


async def _targets(asked: Asked, scene: Scene, _store: Records, _progress: Progress) -> Report:
    return await asyncio.to_thread(targets_report, scene, asked.at, asked.unit, asked.level)


async def _digest(asked: Asked, scene: Scene, store: Records, progress: Progress) -> Report:
    head = scene.units[asked.within] if asked.within is not None else _head(scene)
    since = DIGESTS.last_before(asked.at, scene.calendar)
    told = await digest_of(scene, head, since, asked.at, store, progress, live=asked.live)
    return digest_report(told, scene)


async def digest_of(
    scene: Scene,
    head: Unit,
    since: datetime,
    at: datetime,
    store: Records,
    progress: Progress = in_silence,
    apart: Apart = asyncio.to_thread,
    *,
    live: bool = False,
) -> Digest:
    """What happened at a unit and below since the last digest. Raises StoreError.

    `live`: `at` is now, and what is read does not grow with the history. Of a past instant all incidents are read:
    those that are over may have been open then.
    """
    before = await store.colours_at(members(scene.units, head), since)
    found = await _incidents(store, progress, open_only=live)
    made: Digest = await apart(digest, scene, head, before, found, since, at)
    return made


def _head(scene: Scene) -> Unit:
    provinces = scene.units.at(Level.PROVINCE)
    nation = scene.units.at(Level.NATION)
    if len(provinces) == 1 or not nation:
        return next(iter((*provinces, *scene.units.all)))
    return nation[0]


async def _availability(asked: Asked, scene: Scene, store: Records, progress: Progress) -> Report:
    changes = await transitions(store, asked.span.ends, progress)
    blind = await blind_of(store, changes, asked.span, progress)
    return await asyncio.to_thread(availability_report, scene, changes, asked.span, asked.grades, blind)


async def _incidents_told(asked: Asked, scene: Scene, store: Records, progress: Progress) -> Report:
    found = await _incidents(store, progress)
    answers = first_answers(await audit(store, asked.span.ends, progress))
    return await asyncio.to_thread(incidents_report, scene, found, answers, asked.span)


async def _deliveries(asked: Asked, scene: Scene, store: Records, progress: Progress) -> Report:
    found = await _messages(store, progress)
    return await asyncio.to_thread(deliveries_report, scene, found, asked.span)


_MAKERS: Mapping[str, Callable[[Asked, Scene, Records, Progress], Awaitable[Report]]] = {
    "digest": _digest,
    "ranking": _ranking,
    "targets": _targets,
    "availability": _availability,
    "incidents": _incidents_told,
    "deliveries": _deliveries,
}


# Of which sorts of record a report tells (see `monitor.ports.Store.prune`); what is rebuilt is made of readings, too.
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "digest": ("transitions",),
    "ranking": (),
    "targets": (),
    "availability": ("transitions",),
    "incidents": ("incidents",),
    "deliveries": ("notices",),
}


async def kept_since(store: History, sorts: Sequence[str]) -> datetime | None:
    """Since when all of these sorts of record are whole; None: nothing of them was deleted. Raises StoreError."""
    since = [at for what in sorts if (at := await store.kept_since(what)) is not None]
    return max(since, default=None)


async def begin_of_record(store: History) -> datetime | None:
    """When the first change of colour was written down; None: nothing was."""
    first = (await store.recorded("transitions", limit=1)).facts
    return next((change.at for change in first if isinstance(change, Transition)), None)


async def transitions(store: History, until: datetime, progress: Progress = in_silence) -> list[Transition]:
    """All changes of colour up to an instant, in the order of their commits."""
    return await _recorded(store, "transitions", Transition, until, progress)


async def audit(store: History, until: datetime, progress: Progress = in_silence) -> list[AuditEntry]:
    """All audit entries up to an instant, in order."""
    return await _recorded(store, "audit", AuditEntry, until, progress)


async def _recorded(store: History, what: str, sort: type[Fact], until: datetime, progress: Progress) -> list[Fact]:
    found: list[Fact] = []
    mark: int | None = 0
    while mark is not None:
        stretch = await store.recorded(what, after=mark)
        mark = stretch.mark
        found += [fact for fact in stretch.facts if isinstance(fact, sort) and fact.at <= until]
        progress(what, len(found))
    return found


async def blind_of(
    store: Records, changes: Sequence[Transition], span: Span, progress: Progress = in_silence
) -> tuple[Seconds, ...]:
    """When the monitor did not run within a span: from the last thing it wrote down until it started again.

    History keeps one repeat of a reading an hour, so after a kill that may be up to an hour too early, and never too
    late. What stopped in order has said so.
    """
    entries = await audit(store, span.ends, progress)
    starts = [place for place, entry in enumerate(entries) if _says(entry, "start") and entry.at > span.starts]
    signs: list[tuple[datetime, datetime]] = []
    for place in starts:
        sign = await _last_sign(store, changes, entries[:place], entries[place].at)
        if sign is not None:
            signs.append((sign, entries[place].at))
    sign = await _last_sign(store, changes, entries, span.ends)
    stopped = bool(entries) and _says(entries[-1], "stop")
    if sign is not None and (stopped or span.ends - sign > _KEPT + PATIENCE):
        signs.append((sign, span.ends))
    return blind_stretches(signs, PATIENCE)


def _says(entry: AuditEntry, action: str) -> bool:
    return (entry.actor, entry.action) == ("denbao", action)


async def _last_sign(
    store: Records, changes: Sequence[Transition], entries: Sequence[AuditEntry], before: datetime
) -> datetime | None:
    """When the last thing was written down before an instant: an audit entry, a change of colour, a reading."""
    signs = [entry.at for entry in entries[-1:]]
    signs += [change.at for change in changes[: bisect_left(changes, before, key=_at)][-1:]]
    heard = await store.last_received(before)
    return max([*signs, *([heard] if heard is not None else [])], default=None)


def _at(change: Transition) -> datetime:
    return change.at


async def _incidents(store: Store, progress: Progress, *, open_only: bool = False) -> Sequence[Incident]:
    found = await store.incidents(open_only=open_only, limit=MOST)
    progress("incidents", len(found))
    return found


async def _messages(store: Store, progress: Progress) -> Sequence[Delivery]:
    found = await store.deliveries(limit=MOST)
    progress("deliveries", len(found))
    return found
