"""The digest of a province, of the nation or of any unit: how its units stand, what changed since the last digest.

`digest` is a pure function of what is committed; whoever sends it decides when and to whom.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.engine.rank import Place, Ranked, ranks
from monitor.model.colour import Colour
from monitor.model.incident import Incident, Kind, Phase
from monitor.model.unit import Unit, Units
from monitor.model.verdict import common_deadline
from monitor.reporting.columns import (
    COLOUR,
    DAYS_LEFT,
    DEADLINE,
    GOAL,
    MEASURE,
    NAME,
    RANK,
    UNIT,
    WORKING_DAYS_LEFT,
    Columns,
    table,
)
from monitor.reporting.incidents import as_it_was, incident_columns, source_of
from monitor.reporting.report import Column, Report, Shares, Sort
from monitor.reporting.scene import Scene
from monitor.reporting.targets import TargetLine, targets

TEN = 10


@dataclass(frozen=True, slots=True)
class Count:
    """How many units have a colour, and how many had it at the last digest; None: that is not known."""

    colour: Colour
    now: int
    before: int | None

    @property
    def change(self) -> int | None:
        """More than before, or fewer (negative)."""
        return None if self.before is None else self.now - self.before


@dataclass(frozen=True, slots=True)
class SilentSource:
    """A source that owes figures and does not send them."""

    source: str
    owner: str  # code of the unit that answers for it
    since: datetime  # when that was told


@dataclass(frozen=True, slots=True)
class Goal:
    """One target over the units that have it."""

    title: tuple[str, str]
    goal: str  # ">= 80"
    own: TargetLine | None  # of the head itself
    met: int
    not_yet: int
    late: int
    unknown: int
    deadline: datetime | None  # first instant at which it is too late
    days_left: int | None
    working_days_left: int | None

    def is_history(self, at: datetime) -> bool:
        """Everybody met it, and its date has passed."""
        all_met = not (self.not_yet or self.late or self.unknown) and (
            self.own is None or self.own.colour is Colour.GREEN
        )
        return all_met and self.deadline is not None and self.deadline <= at


@dataclass(frozen=True, slots=True)
class Digest:
    """What somebody should know of a unit and all below it, at an instant."""

    head: Unit
    at: datetime
    since: datetime  # of the last digest
    counts: tuple[Count, ...]
    goals: tuple[Goal, ...]
    worst: tuple[Place, ...]  # lowest score first
    best: tuple[Place, ...]
    silent: tuple[SilentSource, ...]
    incidents: tuple[Incident, ...]  # open, as they were then; oldest first

    @property
    def known(self) -> int:
        """Units of which a colour is known."""
        return sum(count.now for count in self.counts if count.colour.known)


def members(units: Units, head: Unit) -> tuple[str, ...]:
    """Codes of the units that the digest of a unit counts: those right below it, or itself where there are none."""
    return tuple(units.children(head.code)) or (head.code,)


def digest(
    scene: Scene,
    head: Unit,
    before: Mapping[str, Colour],
    incidents: Iterable[Incident],
    since: datetime,
    at: datetime,
) -> Digest:
    """The digest of `head` at an instant. `before` are the colours of its `members` at the last digest, `since`.

    The scene's states are those of that instant. A source is silent while an incident says so.
    """
    group = [scene.units[code] for code in members(scene.units, head)]
    about = frozenset(unit.code for unit in scene.units if head.code in scene.units.lineage(unit.code))
    open_now = _open(incidents, about | _systems(scene, about), at)
    scores = ranks(Ranked("score"), group, scene.states, None)
    ranked = [place for place in scores if place.rank is not None]
    best = tuple(ranked[:TEN])
    # Nobody is among the best and the worst, and nobody is the worst who is as good as the best.
    worst = tuple(place for place in reversed(ranked[max(TEN, len(ranked) - TEN) :]) if place.rank != 1)
    return Digest(
        head=head,
        at=at,
        since=since,
        counts=_counts(scene, group, before),
        goals=tuple(_goals(scene, head, group, at)),
        worst=worst,
        best=best,
        silent=_silent(open_now),
        incidents=tuple(one for one in open_now if one.kind is not Kind.SILENT),
    )


def _systems(scene: Scene, about: frozenset[str]) -> frozenset[str]:
    """The shared systems on which the units depend: their trouble is trouble here."""
    return frozenset(system for code in about for system in scene.units[code].depends_on)


def _open(incidents: Iterable[Incident], about: frozenset[str], at: datetime) -> tuple[Incident, ...]:
    then = (as_it_was(one, at) for one in incidents if one.unit in about)
    found = [one for one in then if one is not None and one.open]
    return tuple(sorted(found, key=lambda one: (one.opened_at, one.key)))


def _counts(scene: Scene, group: Sequence[Unit], before: Mapping[str, Colour]) -> tuple[Count, ...]:
    now = [scene.colour(unit.code) for unit in group]
    then = [before.get(unit.code, Colour.UNKNOWN) for unit in group] if before else None
    return tuple(Count(c, now.count(c), None if then is None else then.count(c)) for c in Colour)


def _goals(scene: Scene, head: Unit, group: Sequence[Unit], at: datetime) -> Iterable[Goal]:
    among = {unit.code for unit in group}
    told: dict[tuple[object, ...], list[TargetLine]] = {}
    for line in targets(scene, at):
        if line.unit in among or line.unit == head.code:
            told.setdefault((line.title, line.goal), []).append(line)
    goals = [goal for found in told.values() if not (goal := _goal(found, head, among)).is_history(at)]
    return sorted(goals, key=lambda goal: (goal.deadline is None, goal.deadline or at, goal.title))


def _goal(found: Sequence[TargetLine], head: Unit, among: set[str]) -> Goal:
    own = next((line for line in found if line.unit == head.code), None)
    held = [line for line in found if line.unit in among]
    dated = _dated(own, found)
    progress = [_progress(line) for line in held]
    return Goal(
        title=found[0].title,
        goal=found[0].goal,
        own=own,
        met=progress.count("met"),
        not_yet=progress.count("not_yet"),
        late=progress.count("late"),
        unknown=progress.count("unknown"),
        deadline=dated.deadline,
        days_left=dated.days_left,
        working_days_left=dated.working_days_left,
    )


def _dated(own: TargetLine | None, found: Sequence[TargetLine]) -> TargetLine:
    """Whose date is told: the unit's own, else that of most units below it; an exemption moves that of one only."""
    if own is not None and own.deadline is not None:
        return own
    deadline = common_deadline(line.deadline for line in found)
    return next(line for line in found if line.deadline == deadline or deadline is None)


def _progress(line: TargetLine) -> str:
    if line.overdue:
        return "late"
    if not line.colour.known:
        return "unknown"
    return "met" if line.colour is Colour.GREEN else "not_yet"


def _silent(open_now: Sequence[Incident]) -> tuple[SilentSource, ...]:
    found = [one for one in open_now if one.kind is Kind.SILENT and one.well_since is None]
    told = (SilentSource(source_of(one), one.unit, one.opened_at) for one in found)
    return tuple(sorted(told, key=lambda one: (one.since, one.source)))


def digest_report(told: Digest, scene: Scene) -> Report:
    """A digest as a report."""
    counts = {count.colour: count for count in told.counts}
    total = sum(count.now for count in told.counts)
    empty = scene.before_record(told.at)
    green = counts[Colour.GREEN]
    moved = "" if green.change is None else f" ({green.change:+d})" if green.change else " (=)"
    since = scene.calendar.local(told.since)
    summary = (
        f"{green.now}{moved} xanh, {counts[Colour.YELLOW].now} vàng, {counts[Colour.RED].now} đỏ, "
        f"{counts[Colour.UNKNOWN].now} chưa rõ trên {total} đơn vị; thay đổi so với {since:%H:%M ngày %d/%m/%Y}.",
        f"{green.now}{moved} green, {counts[Colour.YELLOW].now} yellow, {counts[Colour.RED].now} red, "
        f"{counts[Colour.UNKNOWN].now} unknown of {total} units; the change is since {since:%Y-%m-%d %H:%M}.",
    )
    waiting = any(one.phase is Phase.OPEN for one in told.incidents)
    places, answered = _places(scene), Column("answered", ("Xác nhận", "Answered"), Sort.INSTANT)
    return scene.report(
        "digest",
        (f"Bản tin: {told.head.name_vi}", f"Digest: {told.head.name_en}"),
        told.at,
        (
            table("counts", ("Các đơn vị theo màu", "Units by colour"), _COUNTS, told.counts),
            table("targets", ("Chỉ tiêu", "Targets"), _GOALS, told.goals),
            table("worst", ("Mười đơn vị thấp nhất", "Lowest ten"), places, told.worst),
            table("best", ("Mười đơn vị cao nhất", "Best ten"), places, told.best),
            table("silent", ("Nguồn không gửi số liệu", "Silent sources"), _silences(scene), told.silent),
            table(
                "incidents",
                ("Sự cố đang mở", "Open incidents"),
                (*incident_columns(scene), (answered, lambda one: one.acked_at)),
                told.incidents,
            ),
        ),
        (summary,),
        (Shares(("Các đơn vị", "Units"), tuple((c.colour, c.now) for c in told.counts)),),
        empty=empty,
        bad=waiting or counts[Colour.RED].now > 0,
    )


_COUNTS: Columns[Count] = (
    (COLOUR, lambda count: count.colour),
    (Column("number", ("Số đơn vị", "Units"), Sort.WHOLE), lambda count: count.now),
    (Column("change", ("Thay đổi", "Change"), Sort.WHOLE), lambda count: count.change),
)
_GOALS: Columns[Goal] = (
    (Column("target", ("Chỉ tiêu", "Target")), lambda goal: goal.title),
    (GOAL, lambda goal: goal.goal),
    (Column("value", ("Giá trị chung", "Value of the whole"), Sort.NUMBER), lambda goal: _figure(goal.own)),
    (MEASURE, lambda goal: None if goal.own is None else goal.own.measure),
    (COLOUR, lambda goal: None if goal.own is None else goal.own.colour),
    (Column("met", ("Đạt", "Met"), Sort.WHOLE), lambda goal: goal.met),
    (Column("not_yet", ("Chưa đạt", "Not yet"), Sort.WHOLE), lambda goal: goal.not_yet),
    (Column("late", ("Quá hạn", "Overdue"), Sort.WHOLE), lambda goal: goal.late),
    (Column("unknown", ("Chưa rõ", "Unknown"), Sort.WHOLE), lambda goal: goal.unknown),
    (DEADLINE, lambda goal: goal.deadline),
    (DAYS_LEFT, lambda goal: goal.days_left),
    (WORKING_DAYS_LEFT, lambda goal: goal.working_days_left),
)


def _silences(scene: Scene) -> Columns[SilentSource]:
    return (
        (Column("source", ("Nguồn", "Source"), Sort.CODE), lambda one: one.source),
        (Column("owner", ("Phụ trách", "Owner"), Sort.CODE), lambda one: one.owner),
        (NAME, lambda one: scene.name(one.owner)),
        (Column("since", ("Từ", "Since"), Sort.INSTANT), lambda one: one.since),
    )


def _figure(own: TargetLine | None) -> float | None:
    return None if own is None or isinstance(own.value, (str, bool)) else own.value


def _places(scene: Scene) -> Columns[Place]:
    return (
        (RANK, lambda place: place.rank),
        (UNIT, lambda place: place.unit),
        (NAME, lambda place: scene.name(place.unit)),
        (
            Column("score", ("Điểm", "Score"), Sort.PERCENT),
            lambda place: None if place.value is None else round(100 * place.value, 6),
        ),
        (COLOUR, lambda place: scene.colour(place.unit)),
    )
