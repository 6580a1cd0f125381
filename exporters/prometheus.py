"""The /metrics page: unit series from text blocks that are rendered once per change, own metrics beside them.

prometheus-client's registry renders 99,000 series in about a second on the event loop. Here each unit keeps its lines
as bytes, one block per metric. A commit or a poll only marks a unit; the page renders the marked units anew and joins
all blocks, and does both in a thread beside the event loop. So colours, counts and totals of one page are one moment.
"""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from math import isfinite, isnan

from monitor.api import (
    Collected,
    Colour,
    Exporter,
    ExporterContext,
    Level,
    Page,
    Phase,
    Reason,
    Snapshot,
    Unit,
    UnitState,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
GZIP_LEVEL = 1

# Series of one unit: name -> help. All are gauges; the order is the page's order.
FAMILIES: Mapping[str, str] = {
    "denbao_unit_colour": "Colour: -2 maintenance, -1 unknown, 0 green, 1 yellow, 2 red.",
    "denbao_unit_info": "Names and place of a unit; always 1.",
    "denbao_unit_colour_since_timestamp_seconds": "When the unit took its present colour.",
    "denbao_unit_score_ratio": "Weighted score of the known criteria, 0 to 1.",
    "denbao_unit_coverage_ratio": "Known weight over total weight, 0 to 1.",
    "denbao_unit_reported_colour": "Colour that the national system reports: -1 unknown, 0 green, 1 yellow, 2 red.",
    "denbao_indicator_value": "Newest value in the indicator's own unit; yes 1, partly 0.5, no 0.",
    "denbao_criterion_colour": "Colour of one criterion: -1 unknown, 0 green, 1 yellow, 2 red.",
    "denbao_target_projected_value": "Value of a target at its date if it goes on as now, in the indicator's own unit.",
    "denbao_target_required_pace": "Change per working day that reaches the goal at its date; 0 when it is met.",
    "denbao_unit_rank": "Place among the units of one parent by an indicator or by score; 1 is best, ties share it.",
    "denbao_probe_success": "1 when the last check of the probe went well.",
    "denbao_probe_duration_seconds": "How long the last check took.",
    "denbao_probe_attempts": "How often the target was asked in the last check; 1 unless it went badly at first.",
    "denbao_probe_step_duration_seconds": "How long each step of a journey took in the last attempt.",
    "denbao_probe_certificate_expiry_timestamp_seconds": "When the certificate that the target last showed expires.",
}
_WORDS = {"partly": 0.5, "in_progress": 0.5}
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_COLOURS = (Colour.YELLOW, Colour.RED, Colour.UNKNOWN)  # that an incident can have
_PHASES = (Phase.OPEN, Phase.ACKNOWLEDGED, Phase.CLOSING, Phase.UNANSWERED)

Labels = tuple[tuple[str, str], ...]
Samples = list[tuple[Labels, float]]


def create(context: ExporterContext) -> Exporter:
    """Called once by the service."""
    return PrometheusExporter(context)


class PrometheusExporter:
    """Implements monitor.api.Exporter."""

    path = "/metrics"

    def __init__(self, context: ExporterContext) -> None:
        self._context = context
        self._board = _Board(context)
        self._states: dict[str, UnitState] = {}  # marked: to be rendered with the next page
        self._polls: dict[str, Collected] = {}  # source -> its last poll since then
        self._one_page = asyncio.Lock()

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
            self._polls[collected.source] = collected

    async def page(self, accept: str, accept_encoding: str) -> Page:
        """The whole page, packed when the client takes gzip."""
        # A client that goes away must not let a second page begin while the thread of the first is at work.
        return await asyncio.shield(self._page(takes_gzip(accept_encoding)))

    async def _page(self, packed: bool) -> Page:
        async with self._one_page:
            own = await self._context.own_metrics()
            board, states, polls = self._board, self._states, self._polls
            self._states, self._polls = {}, {}
            body = await asyncio.to_thread(_made, board, states, polls, own, packed)
        return Page(body, CONTENT_TYPE, "gzip" if packed else "")


def _made(
    board: _Board, states: Mapping[str, UnitState], polls: Mapping[str, Collected], own: bytes, packed: bool
) -> bytes:
    board.update(states, polls.values())
    body = b"".join((*board.lines(), own))
    return gzip.compress(body, GZIP_LEVEL, mtime=0) if packed else body


def takes_gzip(accept_encoding: str) -> bool:
    """Whether a client that sent this header takes a packed page; "gzip;q=0" says that it does not."""
    for part in accept_encoding.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        if coding in ("gzip", "*"):
            return not any(
                parameter.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000") for parameter in parameters
            )
    return False


class _Board:
    """The blocks of all units and what is counted over them. Used by one thread at a time."""

    def __init__(self, context: ExporterContext, units: Mapping[str, Unit] | None = None) -> None:
        self._version = context.version
        self._ranks = context.ranks
        self._units = units or {}
        self._siblings: dict[str, list[Unit]] = {}  # parent -> units that are ranked among one another
        for unit in self._units.values():
            if unit.parent:
                self._siblings.setdefault(unit.parent, []).append(unit)
        self._states: dict[str, UnitState] = {}
        self._probes: dict[str, dict[str, Collected]] = {}  # unit -> source -> last poll
        self._probed: dict[str, str] = {}  # source -> unit
        self._blocks: dict[str, dict[str, bytes]] = {name: {} for name in FAMILIES}  # family -> unit -> lines
        self._deadlines: dict[str, frozenset[tuple[str, float]]] = {}  # unit -> (criterion, deadline)
        self._agreed: Counter[tuple[str, float]] = Counter()  # units that have this deadline for this criterion

    def update(self, states: Mapping[str, UnitState], polls: Iterable[Collected]) -> None:
        """Render the units that changed; one that the site does not have is passed over."""
        known = {code: state for code, state in states.items() if code in self._units}
        ranked = {self._units[code].parent for code, state in known.items() if self._moves(code, state)}
        self._states.update(known)
        for parent in ranked:
            self._rank(parent or "")
        for code, state in known.items():
            self._put(code, _samples(self._units[code], state))
            self._count(code, state)
        asked = dict.fromkeys(code for code in map(self._take, polls) if code in self._units)
        for code in dict.fromkeys((*known, *asked)):
            self._put(code, _probe_samples(code, self._probes.get(code, {})))

    def _moves(self, code: str, state: UnitState) -> bool:
        """Whether a change can move ranks: most commits say the same figures again."""
        before = self._states.get(code)
        return before is None or _figures(before) != _figures(state)

    def _rank(self, parent: str) -> None:
        """The ranks of one group anew."""
        siblings = self._siblings.get(parent, [])
        samples: Samples = [
            ((("unit", unit), ("indicator", indicator)), rank)
            for unit, indicator, rank in self._ranks(siblings, self._states)
        ]
        if samples:
            self._blocks["denbao_unit_rank"][parent] = _block("denbao_unit_rank", samples)
        else:
            self._blocks["denbao_unit_rank"].pop(parent, None)

    def _take(self, poll: Collected) -> str:
        """Keep a poll; the code of its unit. A probe that brought no answer at all has no result to show."""
        if poll.readings:
            code = self._probed[poll.source] = poll.readings[0].unit
            self._probes.setdefault(code, {})[poll.source] = poll
            return code
        code = self._probed.get(poll.source, "")
        self._probes.get(code, {}).pop(poll.source, None)
        return code

    def lines(self) -> Iterator[bytes]:
        """The page, family by family."""
        for name, text in FAMILIES.items():
            if blocks := self._blocks[name]:
                yield _head(name, text)
                yield from blocks.values()
        for name, text, samples in self._totals():
            if samples:
                yield _head(name, text)
                yield _block(name, samples)

    def _put(self, code: str, families: Iterable[tuple[str, Samples]]) -> None:
        standing = self._states[code].standing
        shown = standing is None or standing.colour is not Colour.EXCLUDED
        for name, samples in families:
            if samples and shown:
                self._blocks[name][code] = _block(name, samples)
            else:
                self._blocks[name].pop(code, None)

    def _count(self, code: str, state: UnitState) -> None:
        due = _deadlines(state)
        self._agreed.subtract(self._deadlines.get(code, ()))
        self._agreed.update(due)
        self._deadlines[code] = due

    def _totals(self) -> Iterator[tuple[str, str, Samples]]:
        yield "denbao_units", "Units by colour.", self._unit_counts()
        yield "denbao_incidents", "Incidents open now.", self._incident_counts()
        yield (
            "denbao_target_deadline_timestamp_seconds",
            "First instant at which it is too late, for most of the units.",
            self._common_deadlines(),
        )
        yield "denbao_build_info", "Version of the running program; always 1.", [((("version", self._version),), 1)]

    def _unit_counts(self) -> Samples:
        counts: Counter[tuple[str, str, Colour]] = Counter()
        for unit in self._units.values():
            standing = self._states[unit.code].standing
            counts[unit.level.value, unit.province or "", Colour.UNKNOWN if standing is None else standing.colour] += 1
        # Every colour of a level and province is there, zeros too: they add up to the level's units.
        groups = sorted({(level, province) for level, province, _ in counts})
        return [
            ((("level", level), ("province", province), ("colour", colour.value)), counts[level, province, colour])
            for level, province in groups
            for colour in Colour
        ]

    def _incident_counts(self) -> Samples:
        counts: Counter[tuple[str, Colour, Phase]] = Counter()
        for code, state in self._states.items():
            for incident in state.incidents.values():
                counts[self._units[code].province or "", incident.colour, incident.phase] += 1
        provinces = {unit.province or "" for unit in self._units.values() if unit.level is not Level.NATION}
        provinces |= {province for province, _, _ in counts}
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
        # Exceptions and old values give single units other deadlines; one line can only tell that of the most.
        chosen: dict[str, tuple[int, float]] = {}
        for (criterion, at), units in self._agreed.items():
            if units > 0:
                chosen[criterion] = max(chosen.get(criterion, (0, 0.0)), (units, at))
        return [((("criterion", criterion),), at) for criterion, (_, at) in sorted(chosen.items())]


def _samples(unit: Unit, state: UnitState) -> Iterator[tuple[str, Samples]]:
    """The families that a unit's state fills."""
    code = ("unit", unit.code)
    place = (("level", unit.level.value), ("province", unit.province or ""))
    standing = state.standing
    colour = (Colour.UNKNOWN if standing is None else standing.colour).number
    yield "denbao_unit_colour", _one((code, *place), colour)
    yield "denbao_unit_info", _one((code, ("name", unit.name_vi), *place, ("parent", unit.parent or "")), 1)
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
    colours = ((key, held.colour.number) for key, held in sorted(state.criteria.items()))
    yield "denbao_criterion_colour", [((code, ("criterion", key)), of) for key, of in colours if of is not None]


def _of_targets(code: tuple[str, str], state: UnitState, figure: str) -> Samples:
    """One figure of every forecast that tells it."""
    told = ((key, getattr(held.verdict.forecast, figure, None)) for key, held in sorted(state.criteria.items()))
    return [((code, ("criterion", key)), value) for key, value in told if value is not None]


def _figures(state: UnitState) -> tuple[object, ...]:
    """All that ranks are made of."""
    standing = state.standing
    own = tuple((key, held.verdict.value, held.verdict.colour) for key, held in state.criteria.items())
    return (None if standing is None else (standing.score, standing.colour), own)


def _one(labels: Labels, value: float | None) -> Samples:
    return [] if value is None else [(labels, value)]


def _probe_samples(code: str, probes: Mapping[str, Collected]) -> Iterator[tuple[str, Samples]]:
    """The families that a unit's probes fill."""
    named = {source.partition("/")[0]: poll for source, poll in sorted(probes.items())}
    labelled = [((("unit", code), ("probe", name)), poll) for name, poll in named.items()]
    yield "denbao_probe_success", [(labels, float(poll.readings[0].value)) for labels, poll in labelled]
    yield "denbao_probe_duration_seconds", [(labels, poll.duration) for labels, poll in labelled]
    checks = [(labels, poll.check) for labels, poll in labelled if poll.check is not None]
    yield "denbao_probe_attempts", [(labels, check.attempts) for labels, check in checks]
    yield (
        "denbao_probe_step_duration_seconds",
        [((*labels, ("step", name)), spent) for labels, check in checks for name, spent in check.steps.items()],
    )
    expiries = [(labels, check.certificate_expires) for labels, check in checks]
    yield (
        "denbao_probe_certificate_expiry_timestamp_seconds",
        [(labels, at.timestamp()) for labels, at in expiries if at is not None],
    )


def _deadlines(state: UnitState) -> frozenset[tuple[str, float]]:
    """The general date of each target: an exemption is one unit's own, and its verdict remembers the old date."""
    due = ((key, _general(held.verdict.deadline, held.verdict.reasons)) for key, held in state.criteria.items())
    return frozenset((key, at.timestamp()) for key, at in due if at is not None)


def _general(deadline: datetime | None, why: Iterable[Reason]) -> datetime | None:
    old = next((reason.params.get("old") for reason in why if reason.code == "exempted"), None)
    return old if isinstance(old, datetime) else deadline


def _number(value: float | bool | str) -> float | None:
    """The value as a number; None for a word that has none, and for what is no number at all."""
    if isinstance(value, str):
        return _WORDS.get(value)
    return None if isnan(value) else float(value)


def _head(name: str, text: str) -> bytes:
    return f"# HELP {name} {text}\n# TYPE {name} gauge\n".encode()


def _block(name: str, samples: Iterable[tuple[Labels, float]]) -> bytes:
    lines = []
    for labels, value in samples:
        inside = ",".join(f'{key}="{text.translate(_ESCAPES)}"' for key, text in labels)
        lines.append(f"{name}{{{inside}}} {_figure(value)}\n")
    # Texts are cleaned at the edge; should a lone surrogate slip through all the same, it costs a letter, not the page.
    return "".join(lines).encode("utf-8", "replace")


def _figure(value: float) -> str:
    if isfinite(value):
        return repr(value)
    return "NaN" if isnan(value) else "+Inf" if value > 0 else "-Inf"
