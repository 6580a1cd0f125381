"""The /metrics page: unit series from text blocks that are rendered once per change, own metrics beside them.

prometheus-client's registry renders 99,000 series in about a second on the event loop. Here each unit keeps its lines
as bytes, one piece per metric; a change renders one unit anew and a page is a join of pieces.
"""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from monitor.api import (
    Collected,
    Colour,
    Exporter,
    ExporterContext,
    Level,
    Page,
    Phase,
    Snapshot,
    Unit,
    UnitState,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# name -> (type, help). The order is the page's order.
FAMILIES: Mapping[str, tuple[str, str]] = {
    "denbao_unit_colour": ("gauge", "Colour: -2 maintenance, -1 unknown, 0 green, 1 yellow, 2 red."),
    "denbao_unit_info": ("gauge", "Names and place of a unit; always 1."),
    "denbao_unit_colour_since_timestamp_seconds": ("gauge", "When the unit took its present colour."),
    "denbao_unit_score_ratio": ("gauge", "Weighted score of the known criteria, 0 to 1."),
    "denbao_unit_coverage_ratio": ("gauge", "Known weight over total weight, 0 to 1."),
    "denbao_indicator_value": ("gauge", "Newest value in the indicator's own unit; yes 1, partly 0.5, no 0."),
    "denbao_criterion_colour": ("gauge", "Colour of one criterion: -1 unknown, 0 green, 1 yellow, 2 red."),
    "denbao_probe_success": ("gauge", "1 when the last check of the probe went well."),
    "denbao_probe_duration_seconds": ("gauge", "How long the last check took."),
}
_WORDS = {"true": 1.0, "partly": 0.5, "in_progress": 0.5, "false": 0.0}
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
GZIP_LEVEL = 1


def create(context: ExporterContext) -> Exporter:
    """Called once by the service."""
    return PrometheusExporter(context)


class PrometheusExporter:
    """Implements monitor.api.Exporter."""

    path = "/metrics"

    def __init__(self, context: ExporterContext) -> None:
        self._context = context
        self._units: Mapping[str, Unit] = {}
        self._pieces: dict[str, dict[str, bytes]] = {name: {} for name in FAMILIES}
        self._states: dict[str, UnitState] = {}
        self._deadlines: dict[str, float] = {}

    def start(self, snapshot: Snapshot) -> None:
        """Render every unit once."""
        self._units = {unit.code: unit for unit in snapshot.units}
        for unit in snapshot.units:
            self._put("denbao_unit_info", unit.code, _info(unit))
            self._render(snapshot.states.get(unit.code, UnitState(unit.code)))

    def changed(self, states: Sequence[UnitState]) -> None:
        """Render the units of a commit."""
        for state in states:
            self._render(state)

    def polled(self, collected: Collected) -> None:
        """Keep a probe's last result; a feed (many units, no single yes/no) has its own metrics."""
        if len(collected.readings) != 1 or not isinstance(collected.readings[0].value, bool):
            return
        reading = collected.readings[0]
        labels = f'{{unit="{_escape(reading.unit)}",probe="{_escape(collected.source.partition("/")[0])}"}}'
        self._put("denbao_probe_success", collected.source, _line(labels, float(reading.value)))
        self._put("denbao_probe_duration_seconds", collected.source, _line(labels, collected.duration))

    async def page(self, accept: str, accept_encoding: str) -> Page:
        """The whole page; packed off the event loop when the client takes gzip."""
        own = await self._context.own_metrics()
        parts = [*self._unit_pages(), self._totals(), own]
        if "gzip" not in accept_encoding:
            return Page(b"".join(parts), CONTENT_TYPE)
        packed = await asyncio.to_thread(lambda: gzip.compress(b"".join(parts), GZIP_LEVEL, mtime=0))
        return Page(packed, CONTENT_TYPE, "gzip")

    def _unit_pages(self) -> Iterable[bytes]:
        for name, (kind, text) in FAMILIES.items():
            pieces = self._pieces[name]
            if pieces:
                yield f"# HELP {name} {text}\n# TYPE {name} {kind}\n".encode()

                yield b"".join(pieces.values())

    def _put(self, name: str, key: str, lines: str) -> None:
        if lines:
            self._pieces[name][key] = "".join(f"{name}{line}\n" for line in lines.split("\n")).encode()
        else:
            self._pieces[name].pop(key, None)

    def _render(self, state: UnitState) -> None:
        unit = self._units.get(state.unit)
        if unit is None:
            return
        self._states[unit.code] = state
        code = f'{{unit="{_escape(unit.code)}"}}'
        standing = state.standing
        colour = Colour.UNKNOWN if standing is None else standing.colour
        self._put("denbao_unit_colour", unit.code, _coloured(_placed(unit), colour))
        if standing is not None:
            since = standing.since.timestamp()
            self._put("denbao_unit_colour_since_timestamp_seconds", unit.code, _line(code, since))
            score = "" if standing.score is None else _line(code, standing.score)
            self._put("denbao_unit_score_ratio", unit.code, score)
            self._put("denbao_unit_coverage_ratio", unit.code, _line(code, standing.coverage))
        self._put("denbao_indicator_value", unit.code, _values(unit, state))
        self._put("denbao_criterion_colour", unit.code, _criteria(unit, state))
        for key, held in state.criteria.items():
            if held.verdict.deadline is not None:
                self._deadlines[key] = held.verdict.deadline.timestamp()

    def _totals(self) -> bytes:
        lines = [*self._unit_counts(), *self._incident_counts()]
        if self._deadlines:
            name = "denbao_target_deadline_timestamp_seconds"
            lines += [f"# HELP {name} First instant at which it is too late.", f"# TYPE {name} gauge"]
            lines += [f'{name}{{criterion="{_escape(key)}"}} {at!r}' for key, at in sorted(self._deadlines.items())]
        lines += [
            "# HELP denbao_build_info Version of the running program; always 1.",
            "# TYPE denbao_build_info gauge",
            f'denbao_build_info{{version="{_escape(self._context.version)}"}} 1',
        ]
        return ("\n".join(lines) + "\n").encode()

    def _unit_counts(self) -> list[str]:
        counts: Counter[tuple[str, str, str]] = Counter()
        for unit in self._units.values():
            standing = self._states[unit.code].standing
            colour = Colour.UNKNOWN if standing is None else standing.colour
            counts[unit.level.value, unit.province or "", colour.value] += 1
        # Every colour of a level and province is there, zeros too: they add up to the level's units.
        groups = sorted({(level, province) for level, province, _ in counts})
        lines = ["# HELP denbao_units Units by colour.", "# TYPE denbao_units gauge"]
        for level, province in groups:
            for colour in Colour:
                labels = f'level="{level}",province="{_escape(province)}",colour="{colour.value}"'
                lines.append(f"denbao_units{{{labels}}} {counts[level, province, colour.value]}")
        return lines

    def _incident_counts(self) -> list[str]:
        counts: Counter[tuple[str, str, str]] = Counter()
        for code, state in self._states.items():
            for incident in state.incidents.values():
                province = self._units[code].province or ""
                counts[province, incident.colour.value, incident.phase.value] += 1
        provinces = sorted({unit.province or "" for unit in self._units.values() if unit.level is not Level.NATION})
        lines = ["# HELP denbao_incidents Incidents open now.", "# TYPE denbao_incidents gauge"]
        for province in provinces:
            for colour in (Colour.YELLOW, Colour.RED, Colour.UNKNOWN):
                for phase in (Phase.OPEN, Phase.ACKNOWLEDGED):
                    labels = f'province="{_escape(province)}",colour="{colour.value}",phase="{phase.value}"'
                    lines.append(f"denbao_incidents{{{labels}}} {counts[province, colour.value, phase.value]}")
        return lines


def _placed(unit: Unit) -> str:
    place = f'level="{unit.level.value}",province="{_escape(unit.province or "")}"'
    return f'{{unit="{_escape(unit.code)}",{place}}}'


def _info(unit: Unit) -> str:
    labels = {
        "unit": unit.code,
        "name": unit.name_vi,
        "level": unit.level.value,
        "province": unit.province or "",
        "parent": unit.parent or "",
    }
    inside = ",".join(f'{key}="{_escape(value)}"' for key, value in labels.items())
    return f"{{{inside}}} 1"


def _values(unit: Unit, state: UnitState) -> str:
    code = _escape(unit.code)
    lines = []
    for key, reading in sorted(state.evidence.items()):
        value = _number(reading.value)
        if value is not None:
            lines.append(f'{{unit="{code}",indicator="{_escape(key)}"}} {value!r}')
    return "\n".join(lines)


def _criteria(unit: Unit, state: UnitState) -> str:
    code = _escape(unit.code)
    found = [(key, held.colour.number) for key, held in sorted(state.criteria.items())]
    return "\n".join(
        f'{{unit="{code}",criterion="{_escape(key)}"}} {number}' for key, number in found if number is not None
    )


def _coloured(labels: str, colour: Colour) -> str:
    return "" if colour.number is None else f"{labels} {colour.number}"


def _number(value: float | bool | str) -> float | None:
    if isinstance(value, str):
        return _WORDS.get(value)
    return float(value)


def _line(labels: str, value: float) -> str:
    return f"{labels} {value!r}"


def _escape(text: str) -> str:
    return text.translate(_ESCAPES)
