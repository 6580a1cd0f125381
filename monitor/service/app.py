"""The service: builds everything that can fail, then starts it in order, and stops it in reverse order, by name."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial

from monitor.adapters.pushing.buffer import Buffer
from monitor.alerting.links import filled
from monitor.alerting.outcome import Way
from monitor.alerting.plan import Recipient
from monitor.config.spec import Site
from monitor.decide import Policy, Watch, darken
from monitor.engine.hygiene import inspect
from monitor.engine.rolling import Plan
from monitor.engine.sources import named
from monitor.model.colour import Colour
from monitor.model.errors import StoreError
from monitor.model.incident import LOOPBACK, Notice
from monitor.model.muting import Muting
from monitor.model.reading import Collected
from monitor.model.snapshot import Snapshot
from monitor.model.state import AuditEntry, Decision, UnitState
from monitor.ports import Clock, Exporter, Host, Remembering, Shelf, Source, Store, Timetable, Transport
from monitor.service.auditor import Auditor
from monitor.service.brokenrules import BrokenRules
from monitor.service.canary import Canary
from monitor.service.channelwatch import ChannelWatch
from monitor.service.complaints import Complaints
from monitor.service.digests import Digests
from monitor.service.direct import DirectWay
from monitor.service.evaluator import Evaluator
from monitor.service.events import EventHub
from monitor.service.exporters import Exporters
from monitor.service.forwarding import Forwarder, Post
from monitor.service.heartbeats import Heartbeats
from monitor.service.linking import Linked
from monitor.service.metrics import SelfMetrics
from monitor.service.muting import Desk
from monitor.service.ownline import OwnLine, behind
from monitor.service.places import places_of
from monitor.service.poller import PollEnd, Poller
from monitor.service.replies import Replies
from monitor.service.reports import Apart, here
from monitor.service.retention import Housekeeping
from monitor.service.selfwatch import NoHost, SelfWatch, Watched
from monitor.service.sender import LOOK, Sender
from monitor.service.strays import Strays
from monitor.service.validity import asked_today

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Adapters:
    """Every source of surprise of one service, real or virtual."""

    clock: Clock
    store: Store
    timetable: Timetable
    sources: Sequence[Source]
    transports: Mapping[str, Transport]
    exporters: Mapping[str, Exporter]
    chance: Callable[[], float]
    owner: str = "denbao"  # name of this process in leases
    files: int = 1024  # that the process may open
    look: float = LOOK  # seconds after which the outbox is looked at without being woken
    link_keys: tuple[bytes, ...] = ()  # the first signs links in messages; none: links are not signed
    apart: Apart = here  # for what computes for long; virtual time has no threads
    post: Post | None = None  # to where metrics are pushed; None: they are not
    shelf: Shelf | None = None  # for what messages carry; None: they carry nothing
    host: Host | None = None  # None: the service does not watch itself, as in a story on a fast clock
    closers: Sequence[Callable[[], Awaitable[None]]] = ()  # called last at a stop: connections that sources share


class Service:
    """One running site."""

    def __init__(self, site: Site, adapters: Adapters, metrics: SelfMetrics) -> None:
        self.site = site
        self.metrics = metrics
        self.clock = clock = adapters.clock
        self.store = store = adapters.store
        self.export_watch = Exporters(adapters.exporters)
        self.exporters = self.export_watch.by_name
        self.forwarder = self._forwarder(adapters.post)
        self.hub = EventHub()
        self.complaints = Complaints(frozenset(feed.id for feed in site.feeds))
        self.evaluator = Evaluator(policy_of(site), store, clock, self.hub.publish, metrics.decided)
        self.own_line = OwnLine([source for source in adapters.sources if source.id in site.own_line], clock)
        self.heartbeats = Heartbeats(site.heartbeats, self.evaluator, clock, self.own_line)
        sources = self._sources(adapters)
        transports = {name: self._wrapped(name, transport) for name, transport in adapters.transports.items()}
        self.canary = self._canary(adapters)
        self.poller = self._poller(adapters, sources)
        self.sender = self._sender(adapters, transports)
        self.link_keys = adapters.link_keys
        self.digests = Digests(site, self.evaluator, store, clock, self.ready, adapters.apart, adapters.shelf)
        self.desk = Desk(self.evaluator, store, self.sender, clock)
        self._watch_itself(adapters, sources, transports)
        self.replies = Replies(site, self.evaluator, store, clock, self.self_watch)
        self.site_problems = site.problems  # mistakes on disk, file:line, while an older site or older rules judge
        metrics.reloaded(worked=not site.problems)
        self.started_at: datetime | None = None
        self.first_sweep_at: datetime | None = None
        self._timetable = adapters.timetable
        self._transports = adapters.transports
        self._closers = adapters.closers
        self._tasks: list[asyncio.Task[None]] = []

    @cached_property
    def strays(self) -> Strays:
        """Who hands on what channels owe that the site has no more."""
        return Strays(self.store, self.site.channels, self._home, self.clock, self.sender.look, self.evaluator.hand_on)

    @cached_property
    def _measuring(self) -> frozenset[tuple[str, str]]:
        return measuring(self.site)

    def _sources(self, adapters: Adapters) -> Sequence[Source]:
        self._recalls = {source.id: source.recall for source in adapters.sources if isinstance(source, Remembering)}
        named = frozenset(probe.id for probe in self.site.probes)
        fetched = frozenset(feed.id for feed in self.site.feeds if not feed.is_local)
        believed = behind(adapters.sources, named, fetched, self.site.own_line, self.own_line)
        return (*believed, *self.heartbeats.by_id.values())

    def _poller(self, adapters: Adapters, sources: Sequence[Source]) -> Poller:
        return Poller(
            sources,
            self.clock,
            self._collected,
            places=places_of(self.site, adapters.files),
            observe=self.metrics.swept,
            count=self._polled,
            wanted=asked_today(self.site, self.clock),
        )

    def _canary(self, adapters: Adapters) -> Canary | None:
        """For the heartbeat alone: it proves that a page would go out."""
        carrier = next(iter(self.site.units), None)
        if adapters.host is None or carrier is None or not self.site.own_alarm.heartbeats:
            return None
        canary = Canary(lambda notices: self.evaluator.tell(carrier.code, notices), self.store, self.clock)
        self.metrics.registry.register(canary)
        return canary

    def _sender(self, adapters: Adapters, transports: Mapping[str, Transport]) -> Sender:
        sending = (adapters.chance, adapters.owner, adapters.look, self.evaluator.held)
        ways = ways_of(self.site)
        if self.canary is not None:
            transports, ways = {**transports, LOOPBACK: self.canary}, {**ways, LOOPBACK: Way()}
        sender = Sender(self.store, transports, ways, self.clock, *sending)
        sender.hand_on = self.evaluator.hand_on
        return sender

    def _watch_itself(self, adapters: Adapters, sources: Sequence[Source], transports: Mapping[str, Transport]) -> None:
        store, clock, own = self.store, self.clock, self.site.own_alarm
        self._on_a_host = adapters.host is not None
        self.broken_rules = BrokenRules()
        self.metrics.channels(adapters.transports)
        self.metrics.spending.follow(self.site.channels.values(), self.site.zone)
        self.channel_watch = ChannelWatch(self.sender, adapters.transports)
        self.auditor = Auditor(store, self.evaluator, clock, own.audit_every, own.audit_grace)
        self.direct = DirectWay(transports, clock, store.note_sent)
        watched = Watched(
            store, self.evaluator, self.auditor, self.canary, self.own_line, sources,
            ready=self.ready,
            stopped=lambda: len(self.sender.stopped),
            ending=lambda: len(self.channel_watch.warnings),
            problems=lambda: len(self.site_problems),
        )  # fmt: skip
        self.self_watch = SelfWatch(own, watched, adapters.host or NoHost(), self.direct, clock)
        self.metrics.lagged = self.self_watch.lagged
        self.metrics.store_away(lambda: self.evaluator.degraded_for)
        collectors = (self.export_watch, self.broken_rules, self.channel_watch, self.auditor, self.self_watch)
        for collector in collectors:
            self.metrics.registry.register(collector)

    def _forwarder(self, post: Post | None) -> Forwarder | None:
        if self.site.push is None or post is None:
            return None
        buffer = Buffer(self.site.root / "var" / "push", self.site.push.buffer)
        page = partial(self.exporters["prometheus"].page, "", "")
        forwarder = Forwarder(self.site.push, buffer, page, post, self.clock)
        self.metrics.registry.register(forwarder)
        return forwarder

    def export_problems(self) -> tuple[str, ...]:
        """What is wrong with exporters and pushed metrics, one sentence each."""
        pushed = () if self.forwarder is None else self.forwarder.sentences()
        return (*self.export_watch.sentences(), *pushed)

    async def open(self) -> None:
        """Open the store and take over what was committed. Raises StoreError, also if another process has it."""
        await self.store.open()
        await self.evaluator.load()
        self.heartbeats.resume()
        self.complaints.resume(self.evaluator.health.values())
        for source, recall in self._recalls.items():
            recall(self.evaluator.health.get(source))
        for exporter in self.exporters.values():
            exporter.start(self.snapshot())
        self.broken_rules.start(self.evaluator.states.values())
        self.hub.listen(self._committed)
        self.hub.listen(self.broken_rules.committed)
        self.hub.listen(self.metrics.committed)
        self.hub.listen(self.sender.notice)
        self.hub.listen(self.strays.notice)
        self.started_at = self.clock.now()
        await self.store.audit(AuditEntry(self.started_at, "denbao", "start", self.site.version))

    async def start(self) -> None:
        """Let the loops run; opens the store first unless that is done. Raises StoreError."""
        if self.started_at is None:
            await self.open()
        self._spawn("evaluator", self.evaluator.run)
        self._spawn("sender", self.sender.run)
        self._spawn("strays", self.strays.run)
        self._spawn("digests", self.digests.run)
        self._spawn("retention", Housekeeping(self.site.retention, self.store, self.clock, self.site.calendar).run)
        self._spawn("channel upkeep", partial(self.channel_watch.run, self.clock))
        self._spawn("loop lag", lambda: self.metrics.watch_loop(self.clock))
        self._spawn("own line", self.own_line.run)
        self._spawn("first sweep", self._first_sweep)
        for name, exporter in self.exporters.items():
            self._spawn(f"exporter {name}", partial(exporter.run, self.clock))
        if self.forwarder is not None:
            self._spawn("push", self.forwarder.run)
        if self._on_a_host:
            canary = {} if self.canary is None else {"canary": self.canary.run}
            for name, loop in {"auditor": self.auditor.run, **canary, **self.self_watch.loops}.items():
                self._spawn(name, loop)

    async def stop(self) -> None:
        """Stop in reverse order: no new polls, decide what arrived, finish sends, close."""
        await self._timetable.stop()
        await self.poller.stop()
        await self._cancel()
        await self.direct.stop()
        with contextlib.suppress(Exception):  # a store that is gone must not keep the rest from stopping
            await self.evaluator.settle()
        await self.sender.drain()
        for transport in self._transports.values():
            await transport.close()
        for close in self._closers:
            await close()
        with contextlib.suppress(Exception):  # so that a report knows from when on nothing was measured
            await self.store.audit(AuditEntry(self.clock.now(), "denbao", "stop", self.site.version))
        await self.store.close()

    def refuse(self, problems: Sequence[str]) -> None:
        """The site on disk cannot be used: this one goes on, and says so on the board, in the log and as a metric."""
        for problem in problems:
            log.error("the site is not reloaded: %s", problem)
        self.site_problems = tuple(problems)
        self.metrics.reloaded(worked=False)

    def snapshot(self) -> Snapshot:
        """What is committed now."""
        return Snapshot(self.site.units, self.evaluator.states)

    def ready(self) -> str:
        """Why the service is not ready; empty when it is: config loaded, store writable, first sweep judged."""
        if self.started_at is None:
            return "the store is not open yet"
        if self.first_sweep_at is None:
            return "the first sweep is not judged yet"
        return f"the store cannot be written: {self.evaluator.degraded}" if self.evaluator.degraded else ""

    async def _first_sweep(self) -> None:
        sweep = asyncio.ensure_future(self.poller.sweep())
        await self.clock.sleep(0)  # it has begun
        self.poller.start(self._timetable)  # polling waits neither for the slowest source nor for the disk
        await sweep
        self.evaluator.judge_all()
        with contextlib.suppress(StoreError):  # the evaluator tries again, and `ready` says why it has to
            await self.evaluator.submit(())
        self.first_sweep_at = self.clock.now()

    def _polled(self, end: PollEnd) -> None:
        self.metrics.ended(end)
        if end in (PollEnd.ANSWERED, PollEnd.FAILED):
            self.self_watch.polled()

    def _collected(self, collected: Collected) -> None:
        for table in collected.before:
            self._taken(table)
        collected = self._taken(collected)  # first: a plug-in that breaks must not lose news
        self.metrics.collected(collected)
        self.complaints.hear(collected, self.evaluator.health.get(collected.source))
        for exporter in self.exporters.values():
            exporter.polled(collected)

    def _taken(self, collected: Collected) -> Collected:
        """What of an answer is believed, and is on its way now."""
        source = collected.source
        if collected.shape is not None:
            known = replace(self.evaluator.known(source), measuring=self._measuring)
            collected = inspect(collected, self.evaluator.health.get(source), known)
        self.evaluator.take(collected)
        health = self.evaluator.health.get(source)
        if source in self._recalls:
            self._recalls[source](health)
        if health is None or collected.tables is None or collected.failure:
            return collected
        return replace(collected, rejected=health.rejected, refused=health.refused)  # those of other tables, too

    def _linked(self, notice: Notice) -> Notice:
        """The message as it goes out, with its recipient's links."""
        return filled(notice, self.site.directory.base_url.rstrip("/"), self.link_keys, self.clock.now())

    def _wrapped(self, channel: str, transport: Transport) -> Linked:
        """The log of a service is read by more people than one: what it shows answers nothing."""
        spec = self.site.channels.get(channel)
        shown = spec is not None and spec.kind == "log"
        return Linked(transport, (lambda notice: notice) if shown else self._linked, self._holds)

    def _holds(self, notice: Notice) -> bool:
        """Whether its recipient holds a post on this local day, and if it is a call, the one that was called."""
        person = self._person(notice.recipient)
        return person is not None and (not notice.cause or self.evaluator.holds_post(notice))

    def _home(self, recipient: str) -> str:
        """The first channel of somebody who holds their post; otherwise empty."""
        person = self._person(recipient)
        return next(iter(person.channels), "") if person else ""

    def _person(self, recipient: str) -> Recipient | None:
        return self.site.directory.person(recipient, self.site.calendar.local(self.clock.now()).date())

    def _committed(self, decisions: Sequence[Decision]) -> None:
        states = [self._exported(decision.after) for decision in decisions]
        for exporter in self.exporters.values():
            exporter.changed(states)

    def _exported(self, state: UnitState) -> UnitState:
        """What metrics show of a unit: what is stored, and unknown where it is judged otherwise by now."""
        stored = self.evaluator.states[state.unit]
        if state is stored or _colours(state) == _colours(stored):
            return stored
        return darken(stored, self.evaluator.degraded, self.clock.now())

    def _spawn(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(self._supervise(name, loop), name=name))

    async def _supervise(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """A loop that breaks is counted and started again with a pause; it never ends in silence."""
        while True:
            try:
                await loop()
                return
            except Exception:
                log.exception("the %s loop broke and starts again", name)
                self.metrics.broke(name)
                await self.clock.sleep(1.0)

    async def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()


def ways_of(site: Site) -> Mapping[str, Way]:
    """How each channel of a site is used."""
    people = site.directory.recipients
    return {
        name: Way(
            spec.parallel, spec.blind, spec.limits, {p.id: p.after[name] for p in people if name in p.after}, site.zone
        )
        for name, spec in site.channels.items()
    }


def _colours(state: UnitState) -> tuple[Colour, Mapping[str, Colour]]:
    return state.colour, {key: criterion.colour for key, criterion in state.criteria.items()}


def measuring(site: Site) -> frozenset[tuple[str, str]]:
    """Sources that are asked, as rules name them, each with an indicator that it fills."""
    probes = {
        (named(probe.id), indicator)
        for probe in site.probes
        for indicator in (probe.gives, *probe.also.values(), *(derived.indicator for derived in probe.derives))
    }
    feeds = {(feed.id, column.indicator) for feed in site.feeds for column in feed.columns}
    return frozenset(probes | feeds | {(beat.source, beat.gives) for beat in site.heartbeats})


def policy_of(site: Site) -> Policy:
    """The part of a site that decisions read."""
    watches = tuple(
        Watch(feed.id, feed.owner, frozenset(c.indicator for c in feed.columns), feed.max_silence, feed.expects)
        for feed in site.feeds
    )
    # A late heartbeat is a reading and no silence; watched, its last success is remembered.
    beats = tuple(Watch(b.source, b.unit, frozenset({b.gives}), b.every + b.grace) for b in site.heartbeats)
    plans = {probe.id: Plan(probe.id, probe.period, probe.derives) for probe in site.probes if probe.derives}
    muting, watched = Muting(windows=site.maintenance), (*watches, *beats)
    return Policy(site.units, site.ruleset, site.directory, site.calendar, site.sessions, watched, plans, muting)
