"""The /metrics page: unit series from blocks of text that are rendered and packed once per change, own metrics beside.

prometheus-client's registry renders 135,000 series in about a second on the event loop. Here a commit or a poll only
marks a unit. Shortly before a page is due the marked units are rendered anew (`prepare`), so that the page itself does
that for the news of the last second only and joins what is kept (monitor/reporting/exposition.py). A page takes all
marks at one moment and renders them before it shows anything: its colours, counts and totals are of that moment, and
all of it is committed.

Rendering gives the event loop away every millisecond or two. A thread beside the loop would not help, for it holds the
interpreter as well, and handing each slice over costs more than the slice's share of the work.
"""

from __future__ import annotations

import asyncio
from array import array
from collections import Counter, deque
from collections.abc import Generator, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from itertools import chain, product, starmap
from math import isnan
from types import coroutine
from typing import NamedTuple

from monitor.api import (
    CATALOGUE,
    END,
    NO_FIGURE,
    OPENMETRICS,
    TEXT,
    Collected,
    Colour,
    Exporter,
    ExporterContext,
    Family,
    IndexPoints,
    Labels,
    Level,
    Page,
    Phase,
    Reason,
    Samples,
    Snapshot,
    Unit,
    UnitState,
    gzipped,
    head,
    pack,
    packed_head,
    rendered,
    wants_gzip,
    wants_openmetrics,
)

_WORDS = {"partly": 0.5, "in_progress": 0.5}
_COLOURS = (Colour.YELLOW, Colour.RED, Colour.UNKNOWN)  # that an incident can have
_PHASES = (Phase.OPEN, Phase.ACKNOWLEDGED, Phase.CLOSING, Phase.UNANSWERED)
_WITHOUT_REASON = (Colour.GREEN, Colour.EXCLUDED)
_RANK = "denbao_unit_rank"
_TOTALS = ("denbao_units", "denbao_incidents", "denbao_target_deadline_timestamp_seconds")
_ALONE: Mapping[Hashable, int] = {"": 0}  # the one place in a family of totals
_STEPS = 8  # between two turns of the event loop: a unit rendered, some fragments packed ...; one or two milliseconds
_COPIED = 20  # pieces of text in a step: copying is quick
_LATE = 60  # seconds after which a reader who was expected comes no more
_NOBODY = ""  # no province: the nation's

_Spent = tuple[tuple[str, ...], bytes]  # names, and as many numbers (seconds)
_names: dict[tuple[str, ...], tuple[str, ...]] = {}  # sets of names, each once; as many as kinds of probes and journeys


def create(context: ExporterContext) -> Exporter:
    """Called once by the service."""
    return PrometheusExporter(context)


class PrometheusExporter:
    """Implements monitor.api.Exporter."""

    path = "/metrics"

    def __init__(self, context: ExporterContext) -> None:
        self._context = context
        self._board = _Board(context)
        self._states: dict[str, UnitState] = {}  # marked: to be rendered before the next page
        self._polls: dict[str, _Poll] = {}  # source -> its last poll since then
        self._readers = _Readers()
        self._packs = False  # whether anybody takes packed pages
        self._one_at_a_time = asyncio.Lock()  # who renders

    def start(self, snapshot: Snapshot) -> None:
        """Take over all units; those of an earlier start are forgotten."""
        self._board = _Board(self._context, {unit.code: unit for unit in snapshot.units})
        self._polls = {}
        self._states = {unit.code: snapshot.states.get(unit.code, UnitState(unit.code)) for unit in snapshot.units}

    def changed(self, states: Sequence[UnitState]) -> None:
        """Mark the units of a commit."""
        self._states.update((state.unit, state) for state in states)

    def polled(self, collected: Collected) -> None:
        """Keep a probe's last result; a feed (many values, no single yes/no) has its own metrics."""
        broken = collected.failure and not collected.readings
        if broken or collected.check is not None:
            self._polls[collected.source] = _shown(collected)

    def problems(self) -> Sequence[str]:
        """Metrics that the last page left out, one sentence each."""
        budget = self._context.max_series
        return tuple(
            f"{name}: left out of {self.path}, its {series} series are more than what is left of the "
            f"{budget} of metrics: max_series:"
            for name, series in self._board.refused.items()
        )

    async def prepare(self) -> None:
        """Called each second: shortly before a page is due, render what is marked."""
        if self._readers.expected():
            await asyncio.shield(self._prepared())

    async def page(self, accept: str, accept_encoding: str) -> Page:
        """The whole page in the format that the client likes best, packed when it takes gzip."""
        self._readers.came()
        # A client that goes away must not leave marks behind that were taken and are not rendered.
        return await asyncio.shield(self._page(wants_openmetrics(accept), wants_gzip(accept_encoding)))

    async def _prepared(self) -> None:
        async with self._one_at_a_time:
            await self._rendered()

    async def _page(self, openmetrics: bool, packed: bool) -> Page:
        async with self._one_at_a_time:
            self._packs = self._packs or packed
            own = await self._context.own_metrics(openmetrics)
            board = await self._rendered()
            families = board.families()
            last = b"".join((*board.about_the_page(openmetrics), own, END if openmetrics else b""))
            body = _packed(families, last, openmetrics) if packed else await _plain(families, last, openmetrics)
        return Page(body, OPENMETRICS if openmetrics else TEXT, "gzip" if packed else "")

    async def _rendered(self) -> _Board:
        """The board of this moment: with what is marked now, and nothing that comes while it is rendered."""
        board, states, polls = self._board, self._states, self._polls
        self._states, self._polls = {}, {}
        await _in_steps(board.update(states, polls))
        if self._packs:
            await _in_steps(step for family in board.families() for step in family.pack())
        return board


class _Readers:
    """When the next page is due: readers come in even steps, so it is as long after the last one as that was before.

    Where several take turns the longer of the last two steps counts: what is rendered too early is rendered twice.
    """

    def __init__(self) -> None:
        self._steps: deque[int] = deque(maxlen=2)  # seconds between the last pages
        self._waited = 0  # seconds since the last one

    def came(self) -> None:
        """A page is asked for."""
        self._steps.append(self._waited)
        self._waited = 0

    def expected(self) -> bool:
        """Asked each second: whether a page is due within the next one, or was and is late."""
        self._waited += 1
        return bool(self._steps) and 0 <= self._waited + 1 - max(self._steps) <= _LATE


async def _in_steps(work: Iterable[None]) -> None:
    for number, _ in enumerate(work, start=1):
        if number % _STEPS == 0:
            await _turn()


@coroutine
def _turn() -> Generator[None, None, None]:
    """Whoever waits for the event loop gets it. No clock is asked for that, so it is the same in virtual time."""
    yield


def _packed(families: Sequence[Family], last: bytes, openmetrics: bool) -> bytes:
    pieces = ((packed_head(one.metric, openmetrics=openmetrics), one.packed()) for one in families)
    return gzipped((*chain.from_iterable(pieces), pack(last)))


async def _plain(families: Sequence[Family], last: bytes, openmetrics: bool) -> bytes:
    page = BytesIO()  # grows in place, where one join would keep the event loop for all of it
    await _in_steps(_copied(families, page, openmetrics))
    page.write(last)
    return page.getvalue()


def _copied(families: Sequence[Family], page: BytesIO, openmetrics: bool) -> Iterator[None]:
    for family in families:
        page.write(head(family.metric, openmetrics=openmetrics))
        for number, text in enumerate(family.text()):
            page.write(text)
            if number % _COPIED == 0:
                yield


class _Tally:
    """How many units say each key. What is said is remembered, so that a change costs that unit only."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str | float, ...]] = Counter()
        self.moved = True  # since somebody looked
        self._said: dict[str, tuple[tuple[str | float, ...], ...]] = {}

    def say(self, unit: str, keys: tuple[tuple[str | float, ...], ...]) -> None:
        """All that a unit says now."""
        before = self._said.get(unit, ())
        if before != keys:
            self.counts.subtract(before)
            self.counts.update(keys)
            for key in before:
                if not self.counts[key]:
                    del self.counts[key]
            self._said[unit] = keys
            self.moved = True


class _Board:
    """The blocks of all units and what is counted over them."""

    def __init__(self, context: ExporterContext, units: Mapping[str, Unit] | None = None) -> None:
        self.refused: Mapping[str, int] = {}  # metrics that the last page left out -> their series
        self._context = context
        self._units = units or {}
        self._places: Mapping[Hashable, int] = {code: place for place, code in enumerate(self._units)}
        self._levels = sorted({(unit.level.value, unit.province or _NOBODY) for unit in self._units.values()})
        self._siblings: dict[str, list[str]] = {}  # parent -> units that are ranked among one another
        for unit in self._units.values():
            if unit.parent:
                self._siblings.setdefault(unit.parent, []).append(unit.code)
        self._seats = {code: seat for group in self._siblings.values() for seat, code in enumerate(group)}
        groups = tuple(product(self._siblings, context.ranking.asked))  # parent, indicator
        self._groups: Mapping[Hashable, int] = {group: place for place, group in enumerate(groups)}
        self._figures = {group: [NO_FIGURE] * len(self._siblings[group[0]]) for group in groups}  # by seat
        self._heads: dict[tuple[str, str], list[bytes]] = {}
        self._hidden: set[str] = set()  # units that are excluded: nothing is shown of them
        self._probes: dict[str, dict[str, _Poll]] = {}  # unit -> source -> last poll
        self._probed: dict[str, str] = {}  # source -> unit
        self._families: dict[str, Family] = {}
        self._colours, self._incidents, self._deadlines = _Tally(), _Tally(), _Tally()
        self._series = 0  # on the last page

    def update(self, states: Mapping[str, UnitState], polls: Mapping[str, _Poll]) -> Iterator[None]:
        """Render the units that changed, one a step; one that the site does not have is passed over."""
        known = {code: state for code, state in states.items() if code in self._units}
        asked = [code for code in starmap(self._take, polls.items()) if code in self._units]
        moved: set[tuple[str, str]] = set()
        for code in dict.fromkeys((*known, *asked)):
            if state := known.get(code):
                self._show(code, state)
                self._put(code, _samples(self._units[code], state))
                self._put(code, _index_samples(code, self._context.ranking.indexes(state)))
                self._count(self._units[code], state)
                moved.update(self._moved(state))
            self._put(code, _probe_samples(code, self._probes.get(code, {})))
            yield
        for parent, name in sorted(moved):
            self._rank(parent, name)
            yield
        self._put_totals()

    def families(self) -> Sequence[Family]:
        """What the page shows, in the order of the catalogue, as far as the budget of series reaches.

        A metric that does not fit is left out as a whole, for half of it would be wrong in every sum.
        """
        shown: list[Family] = []
        refused: dict[str, int] = {}
        self._series = 0
        for name in CATALOGUE:
            family = self._families.get(name)
            if family is None or not family.series:
                continue
            if self._series + family.series > self._context.max_series:
                refused[name] = family.series
            else:
                shown.append(family)
                self._series += family.series
        self.refused = refused
        return shown

    def about_the_page(self, openmetrics: bool) -> Iterator[bytes]:
        """What the page says of itself; also when the budget is used up."""
        left_out = [((("metric", name),), series) for name, series in self.refused.items()]
        told: Iterable[tuple[str, Samples]] = (
            ("denbao_page_series", [((), self._series)]),
            ("denbao_page_refused_series", left_out),
            ("denbao_build_info", [((("version", self._context.version),), 1)]),
        )
        for name, samples in told:
            if samples:
                yield head(CATALOGUE[name], openmetrics=openmetrics)
                yield rendered(name, samples)

    def _moved(self, state: UnitState) -> Iterator[tuple[str, str]]:
        """Groups (by parent) and indicators in which a unit's figure is another: most commits say the same again."""
        parent = self._units[state.unit].parent
        if parent:
            seat, now = self._seats[state.unit], self._context.ranking.figures(state)
            for name in self._context.ranking.asked:
                figures, figure = self._figures[parent, name], now.get(name, NO_FIGURE)
                if figures[seat] != figure:
                    figures[seat] = figure
                    yield parent, name

    def _rank(self, parent: str, name: str) -> None:
        """The ranks of one group by one indicator."""
        ranks = self._context.ranking.ranks(name, self._figures[parent, name])
        places = zip(self._rank_heads(parent, name), ranks, strict=True)
        lines = [b"%b%d\n" % (top, rank) for top, rank in places if rank is not None]
        self._family(_RANK).put_lines((parent, name), b"".join(lines))

    def _rank_heads(self, parent: str, name: str) -> list[bytes]:
        """Lines of ranks up to the rank: one moved figure writes those of all its siblings anew."""
        if (parent, name) not in self._heads:
            samples = (((("unit", code), ("indicator", name)), 0) for code in self._siblings[parent])
            self._heads[parent, name] = [rendered(_RANK, [sample])[: -len(b"0\n")] for sample in samples]
        return self._heads[parent, name]

    def _take(self, source: str, poll: _Poll) -> str:
        """Keep a poll; the code of its unit. A probe that brought no answer at all has no result to show."""
        if poll.unit:
            self._probed[source] = poll.unit
            self._probes.setdefault(poll.unit, {})[source] = poll
            return poll.unit
        code = self._probed.get(source, "")
        self._probes.get(code, {}).pop(source, None)
        return code

    def _family(self, name: str) -> Family:
        if name not in self._families:
            places = self._groups if name == _RANK else _ALONE if name in _TOTALS else self._places
            self._families[name] = Family(CATALOGUE[name], places)
        return self._families[name]

    def _show(self, code: str, state: UnitState) -> None:
        if state.standing is not None and state.standing.colour is Colour.EXCLUDED:
            self._hidden.add(code)
        else:
            self._hidden.discard(code)

    def _put(self, code: str, families: Iterable[tuple[str, Samples]]) -> None:
        for name, samples in families:
            self._family(name).put(code, () if code in self._hidden else samples)

    def _count(self, unit: Unit, state: UnitState) -> None:
        standing = state.standing
        colour = Colour.UNKNOWN if standing is None else standing.colour
        province = unit.province or _NOBODY
        self._colours.say(unit.code, ((unit.level.value, province, colour),))
        self._incidents.say(
            unit.code, tuple((province, incident.colour, incident.phase) for incident in state.incidents.values())
        )
        self._deadlines.say(unit.code, _deadlines(state))

    def _put_totals(self) -> None:
        tallies = (self._colours, self._incidents, self._deadlines)
        told = (self._unit_counts, self._incident_counts, self._common_deadlines)
        for name, tally, samples in zip(_TOTALS, tallies, told, strict=True):
            if tally.moved:
                tally.moved = False
                self._family(name).put("", samples())

    def _unit_counts(self) -> Samples:
        counts = self._colours.counts
        # Every colour of a level and province is there, zeros too: they add up to the level's units.
        return [
            ((("level", level), ("province", province), ("colour", colour.value)), counts[level, province, colour])
            for level, province in self._levels
            for colour in Colour
        ]

    def _incident_counts(self) -> Samples:
        counts = self._incidents.counts
        provinces = {unit.province or _NOBODY for unit in self._units.values() if unit.level is not Level.NATION}
        provinces |= {str(province) for province, _, _ in counts}
        return [
            (
                (("province", province), ("colour", colour.value), ("phase", phase.value)),
                counts[province, colour, phase],
            )
            for province in sorted(provinces)
            for colour in _COLOURS
            for phase in _PHASES
        ]

    def _common_deadlines(self) -> Samples:
        # Exceptions and old values give single units other deadlines; one line can only tell that of the most, and of
        # as many the earlier, as the board does (monitor.model.verdict.common_deadline).
        chosen: dict[str, tuple[int, float]] = {}
        for (criterion, at), units in self._deadlines.counts.items():
            chosen[str(criterion)] = max(chosen.get(str(criterion), (0, 0.0)), (units, -float(at)))
        return [((("criterion", criterion),), -at) for criterion, (_, at) in sorted(chosen.items())]


def _samples(unit: Unit, state: UnitState) -> Iterator[tuple[str, Samples]]:
    """The families that a unit's state fills."""
    code = ("unit", unit.code)
    place = (("level", unit.level.value), ("province", unit.province or ""))
    standing = state.standing
    colour = (Colour.UNKNOWN if standing is None else standing.colour).number
    yield "denbao_unit_colour", _one((code, *place), colour)
    yield "denbao_unit_info", _one((code, ("name", unit.name_vi), *place, ("parent", unit.parent or "")), 1)
    yield "denbao_unit_depends_info", [((code, ("system", system)), 1) for system in unit.depends_on]
    if standing is not None:
        yield "denbao_unit_colour_since_timestamp_seconds", _one((code,), standing.since.timestamp())
        yield "denbao_unit_score_ratio", _one((code,), standing.score)
        yield "denbao_unit_coverage_ratio", _one((code,), standing.coverage)
    if "reported_colour" in state.evidence:
        yield "denbao_unit_reported_colour", _one((code,), state.reported.number)
    values = ((key, _number(reading.value)) for key, reading in sorted(state.evidence.items()))
    yield "denbao_indicator_value", [((code, ("indicator", key)), value) for key, value in values if value is not None]
    yield "denbao_target_projected_value", _of_targets(code, state, "projected")
    yield "denbao_target_required_pace", _of_targets(code, state, "required_pace")
    yield "denbao_target_actual_pace", _of_targets(code, state, "actual_pace")
    colours = ((key, held.colour.number) for key, held in sorted(state.criteria.items()))
    yield "denbao_criterion_colour", [((code, ("criterion", key)), of) for key, of in colours if of is not None]
    yield "denbao_criterion_reason_info", [((code, *why), 1) for why in _reasons(state)]


def _index_samples(code: str, indexes: Sequence[IndexPoints]) -> Iterator[tuple[str, Samples]]:
    """The families of what a unit earns; of an index of which nothing is known there is nothing to show."""
    told = [((("unit", code), ("index", index.book)), index) for index in indexes if index.known]
    yield "denbao_unit_index_points", [(labels, index.points) for labels, index in told]
    yield "denbao_unit_index_known_points", [(labels, index.known) for labels, index in told]
    grades = ((labels, index.grade) for labels, index in told)
    yield (
        "denbao_unit_index_grade_info",
        [
            ((*labels, ("grade", grade.id), ("assumed", "yes" if grade.assumed else "no")), 1)
            for labels, grade in grades
            if grade is not None
        ],
    )
    yield (
        "denbao_unit_index_group_points",
        [
            ((*labels, ("group", group.id)), group.points)
            for labels, index in told
            for group in index.groups
            if group.known
        ],
    )


def _reasons(state: UnitState) -> Iterator[Labels]:
    """Why criteria are not green. Codes and not sentences, whose figures would make new series all the time."""
    for key, held in sorted(state.criteria.items()):
        if held.colour not in _WITHOUT_REASON:
            for reason in dict.fromkeys(reason.code for reason in held.reasons):
                yield ("criterion", key), ("reason", reason)


def _of_targets(code: tuple[str, str], state: UnitState, figure: str) -> Samples:
    """One figure of every forecast that tells it."""
    told = ((key, getattr(held.verdict.forecast, figure, None)) for key, held in sorted(state.criteria.items()))
    return [((code, ("criterion", key)), value) for key, value in told if value is not None]


def _one(labels: Labels, value: float | None) -> Samples:
    return [] if value is None else [(labels, value)]


class _Poll(NamedTuple):
    """What the page shows of a probe's last poll: of tens of thousands the rest would be the largest part."""

    unit: str = ""  # empty: it brought no answer at all
    success: float = 0.0
    duration: float = 0.0  # seconds
    attempts: int | None = None  # None: it does not tell how it went
    phases: tuple[str, ...] = ()
    in_phases: bytes = b""  # as many numbers (seconds): two objects, one of them shared, in place of a table for each
    steps: tuple[str, ...] = ()
    in_steps: bytes = b""
    expires: float | None = None  # Unix time; of the certificate


def _shown(poll: Collected) -> _Poll:
    if not poll.readings:
        return _Poll()
    first, check = poll.readings[0], poll.check
    if check is None:
        return _Poll(first.unit, float(first.value), poll.duration)
    expires = None if check.certificate_expires is None else check.certificate_expires.timestamp()
    told = check.attempts, *_spent(check.phases), *_spent(check.steps), expires
    return _Poll(first.unit, float(first.value), poll.duration, *told)


def _spent(seconds: Mapping[str, float]) -> _Spent:
    if not seconds:
        return (), b""
    names = tuple(seconds)
    return _names.setdefault(names, names), array("d", seconds.values()).tobytes()


def _told(names: tuple[str, ...], seconds: bytes) -> Iterator[tuple[str, float]]:
    return zip(names, memoryview(seconds).cast("d"), strict=True)


def _probe_samples(code: str, probes: Mapping[str, _Poll]) -> Iterator[tuple[str, Samples]]:
    """The families that a unit's probes fill."""
    named = {source.partition("/")[0]: poll for source, poll in sorted(probes.items())}
    polls = [((("unit", code), ("probe", name)), poll) for name, poll in named.items()]
    yield "denbao_probe_success", [(labels, poll.success) for labels, poll in polls]
    yield "denbao_probe_duration_seconds", [(labels, poll.duration) for labels, poll in polls]
    yield "denbao_probe_attempts", [(at, poll.attempts) for at, poll in polls if poll.attempts is not None]
    yield (
        "denbao_probe_phase_duration_seconds",
        [
            ((*labels, ("phase", name)), spent)
            for labels, poll in polls
            for name, spent in _told(poll.phases, poll.in_phases)
        ],
    )
    yield (
        "denbao_probe_step_duration_seconds",
        [
            ((*labels, ("step", name)), spent)
            for labels, poll in polls
            for name, spent in _told(poll.steps, poll.in_steps)
        ],
    )
    yield (
        "denbao_probe_certificate_expiry_timestamp_seconds",
        [(labels, poll.expires) for labels, poll in polls if poll.expires is not None],
    )


def _deadlines(state: UnitState) -> tuple[tuple[str, float], ...]:
    """The general date of each target: an exemption is one unit's own, and its verdict remembers the old date."""
    due = ((key, _general(held.verdict.deadline, held.verdict.reasons)) for key, held in state.criteria.items())
    return tuple((key, at.timestamp()) for key, at in due if at is not None)


def _general(deadline: datetime | None, why: Iterable[Reason]) -> datetime | None:
    old = next((reason.params.get("old") for reason in why if reason.code == "exempted"), None)
    return old if isinstance(old, datetime) else deadline


def _number(value: float | bool | str) -> float | None:
    """The value as a number; None for a word that has none, and for what is no number at all."""
    if isinstance(value, str):
        return _WORDS.get(value)
    return None if isnan(value) else float(value)
