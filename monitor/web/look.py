"""What the board shows, as plain rows made from committed states. Templates only lay them out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.alerting.troubles import SILENT_PREFIX
from monitor.engine.book import Criterion
from monitor.model.colour import Colour
from monitor.model.incident import MASS_PREFIX, Incident, Kind
from monitor.model.state import UnitState
from monitor.model.text import unaccent
from monitor.model.unit import Level, Unit
from monitor.model.verdict import CriterionState, common_deadline
from monitor.service.app import Service
from monitor.web import charts
from monitor.web.texts import Words

KINDS: Mapping[str, tuple[str, str]] = {
    "xa": ("Xã", "commune"),
    "phuong": ("Phường", "ward"),
    "dac_khu": ("Đặc khu", "special zone"),
    "tinh": ("Tỉnh", "province"),
    "thanh_pho": ("Thành phố", "city"),
}
WORST_FIRST = (Colour.RED, Colour.UNKNOWN, Colour.YELLOW, Colour.MAINTENANCE, Colour.GREEN, Colour.EXCLUDED)
_PROGRESS = (Colour.RED, Colour.YELLOW, Colour.GREEN, Colour.UNKNOWN)
_ALWAYS = (Colour.RED, Colour.YELLOW, Colour.GREEN, Colour.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Tile:
    """One unit on the board."""

    code: str
    kind: str  # "Xã", "commune"; empty where the name says it
    name: str
    colour: Colour


@dataclass(frozen=True, slots=True)
class Group:
    """Units side by side with their counts; `code` is the unit they roll up into, empty for all provinces."""

    code: str
    tiles: tuple[Tile, ...]
    counts: tuple[tuple[Colour, int], ...]

    @property
    def total(self) -> int:
        """Units of the group."""
        return len(self.tiles)


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One incident in a list."""

    incident: Incident
    unit: Unit | None
    name: str
    cause: str
    count: str = ""  # "25/92": children in trouble of a mass outage
    cover: Tile | None = None  # unit of the wider trouble that takes it in


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One target with its deadline and how far the units are."""

    title: str
    goal: str
    deadline: datetime | None
    days_left: int | None
    own: tuple[Colour, str] | None  # the province's own colour and value with its unit of measure
    met: int
    not_yet: int
    late: int
    unknown: int

    @property
    def total(self) -> int:
        """Units that this target judges."""
        return self.met + self.not_yet + self.late + self.unknown

    @property
    def fulfilled(self) -> bool:
        """Whether no unit, and neither the whole, is known to fall short."""
        own = self.own is None or self.own[0] in (Colour.GREEN, Colour.UNKNOWN)
        return own and not self.late and not self.not_yet

    @property
    def parts(self) -> tuple[charts.Part, ...]:
        """The counts as a bar in the colours of the board."""
        counts = (self.late, self.not_yet, self.met, self.unknown)
        return charts.bar(tuple(zip(_PROGRESS, counts, strict=True)))

    @property
    def deadline_day(self) -> str:
        """What targets are put together by: the deadline, those without one last."""
        return self.deadline.isoformat() if self.deadline else "~"


def tile(unit: Unit, state: UnitState, t: Words) -> Tile:
    """One unit as a tile: its bare name, and its kind beside the code."""
    kind, name = _parted(unit, t)
    return Tile(unit.code, kind, name, state.colour)


def _parted(unit: Unit, t: Words) -> tuple[str, str]:
    """("Xã", "Văn Lang") or ("commune", "Van Lang"); a name that does not say its kind stays whole."""
    kind = t.pick(KINDS.get(unit.kind, ("", "")))
    if t.locale == "vi" and kind and unit.name_vi.startswith(f"{kind} "):
        return kind, unit.name_vi.removeprefix(f"{kind} ")
    if t.locale == "en" and kind and unit.name_en.endswith(f" {kind}"):
        return kind, unit.name_en.removesuffix(f" {kind}")
    return "", t.pick((unit.name_vi, unit.name_en))


def group(code: str, codes: Iterable[str], service: Service, t: Words) -> Group:
    """Units as tiles, worst first, then by name."""
    states, units = service.evaluator.shown, service.site.units
    tiles = [tile(units[one], states[one], t) for one in codes]
    tiles.sort(key=lambda one: (WORST_FIRST.index(one.colour), unaccent(one.name).casefold(), one.name, one.code))
    found = Counter(one.colour for one in tiles)
    shown = [*_ALWAYS, *(colour for colour in (Colour.MAINTENANCE, Colour.EXCLUDED) if found[colour])]
    return Group(code, tuple(tiles), tuple((colour, found[colour]) for colour in shown))


def incident_row(incident: Incident, service: Service, t: Words) -> IncidentRow:
    """One incident with its unit and cause in words."""
    unit = next((unit for unit in service.site.units if unit.code == incident.unit), None)  # it may be gone by now
    name = t.pick((unit.name_vi, unit.name_en)) if unit else incident.unit
    affected, total = incident.facts.get("affected"), incident.facts.get("total")
    count = f"{affected}/{total}" if incident.kind is Kind.MASS else ""
    return IncidentRow(incident, unit, name, cause(incident, service, t), count, _cover(incident, service, t))


def _cover(incident: Incident, service: Service, t: Words) -> Tile | None:
    wider = incident.cover.unit if incident.cover and incident.open else ""
    return tile(service.site.units[wider], service.evaluator.shown[wider], t) if wider in service.site.units else None


def beneath(incident: Incident, service: Service, t: Words) -> list[Tile]:
    """The units in trouble because of an open incident: by what they take over from it, or as it takes theirs in."""
    if not incident.open:
        return []
    units, states = service.site.units, service.evaluator.shown
    among = units.children(incident.unit) if incident.kind is Kind.MASS else units.dependants(incident.unit)
    return [tile(units[code], states[code], t) for code in among if _suffers(states[code], incident)]


def _suffers(state: UnitState, incident: Incident) -> bool:
    held = state.criteria.get(incident.cause)
    taken_over = held is not None and held.caused_by == incident.unit and held.colour in (Colour.RED, Colour.YELLOW)
    return taken_over or any(one.cover and one.cover.unit == incident.unit for one in state.incidents.values())


def cause(incident: Incident, service: Service, t: Words) -> str:
    """The title of the criterion, or which source is silent."""
    if incident.cause.startswith(SILENT_PREFIX):
        return t("source_silent", source=incident.cause.removeprefix(SILENT_PREFIX))
    day = service.site.calendar.local(incident.closed_at or service.clock.now()).date()
    rule = service.site.ruleset.criterion(incident.cause.removeprefix(MASS_PREFIX), day)
    return t.pick((rule.title_vi, rule.title_en)) if rule else incident.cause


def open_incidents(service: Service, t: Words, among: Iterable[str]) -> list[IncidentRow]:
    """Open incidents of these units as committed: what a wider one takes in last, unanswered red first, the oldest."""
    states = service.evaluator.shown
    found = [incident for code in among for incident in states[code].incidents.values()]
    found.sort(
        key=lambda i: (
            i.cover is not None,
            i.acked_by is not None,
            WORST_FIRST.index(i.colour),
            i.kind is not Kind.MASS,
            i.opened_at,
            i.key,
        )
    )
    return [incident_row(incident, service, t) for incident in found]


def targets(service: Service, t: Words, head: Unit | None, below: Sequence[str], now: datetime) -> list[TargetRow]:
    """Targets that judge the province or its communes, the next deadline first."""
    states = service.evaluator.shown
    rows: list[TargetRow] = []
    for rule in service.site.ruleset.criteria(service.site.calendar.local(now).date()).values():
        if rule.target is None:
            continue
        held = [states[code].criteria[rule.id] for code in below if rule.id in states[code].criteria]
        own = states[head.code].criteria.get(rule.id) if head else None
        if held or own:
            rows.append(_target(rule, own, held, service, t, now))
    # A target without a deadline is one that could not be judged: it stands last.
    rows.sort(key=lambda row: (row.deadline is None, row.deadline or now, row.title))
    return rows


def _target(
    rule: Criterion,
    own: CriterionState | None,
    held: Sequence[CriterionState],
    service: Service,
    t: Words,
    now: datetime,
) -> TargetRow:
    assert rule.target is not None
    calendar = service.site.calendar
    indicator = service.site.ruleset.indicators.get(rule.indicator or "")
    deadline = (own.verdict.deadline if own else None) or common_deadline(one.verdict.deadline for one in held)
    left = None
    if deadline is not None:
        left = calendar.working_days_between(calendar.local(now).date(), calendar.local(deadline).date())
    kinds = Counter(_progress(one) for one in held)
    return TargetRow(
        title=t.pick((rule.title_vi, rule.title_en)),
        goal=t.condition(rule.target.goal, indicator),
        deadline=deadline,
        days_left=left,
        own=None if own is None else (own.colour, t.value(own.verdict, indicator)),
        met=kinds["met"],
        not_yet=kinds["not_yet"],
        late=kinds["late"],
        unknown=kinds["unknown"],
    )


def _progress(held: CriterionState) -> str:
    if not held.colour.known:
        return "unknown"
    if held.colour is Colour.GREEN:
        return "met"
    return "late" if held.verdict.overdue else "not_yet"


def probes(service: Service) -> tuple[int, int]:
    """(probes whose target answered well when last asked, all probes)."""
    probes, states = service.site.probes, service.evaluator.shown
    last = ((probe, states[probe.unit].evidence.get(probe.gives)) for probe in probes)
    return sum(told is not None and told.source == probe.id and told.value is True for probe, told in last), len(probes)


def shown_on(province: str, service: Service) -> tuple[str, ...]:
    """Codes on the board of a province: its own units and what belongs to no province."""
    return tuple(unit.code for unit in service.site.units if unit.province in (province, None))


def systems(service: Service, t: Words, among: Iterable[str]) -> list[Tile]:
    """Shared systems among these units, in site order."""
    units, states = service.site.units, service.evaluator.shown
    return [tile(units[code], states[code], t) for code in among if units[code].level is Level.SYSTEM]
