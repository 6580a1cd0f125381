"""Availability of units over any span of the past, from the history of their colours.

Theory. A criterion with `outage: true` says whether its unit works. Its colours, in the order in which they were
committed, cut the span into stretches:

    red                        down, from the commit on: a hold (`for`, `keep`) delays both ends
    yellow, of an interruption that is counted (`measure: elapsed`)    down, from the beginning that was counted
    green, yellow              up
    unknown, not judged yet    not measured: neither up nor down
    maintenance, excluded      left out

While the monitor itself did not run, nothing was measured: from its last sign of life to its next start. Availability
is up / (up + down). Silence never makes it better or worse, it only makes the share of what was measured smaller.

An availability that is aimed at leaves a budget of outages: what it allows of the time that was measured. More than all
of it is used exactly where the availability is below the aim.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from itertools import chain

from monitor.engine.book import Criterion, Measure
from monitor.engine.explain import number
from monitor.model.colour import Colour
from monitor.model.hours import Calendar, Sessions
from monitor.model.muting import Span
from monitor.model.state import Transition
from monitor.model.unit import Level, Unit
from monitor.reporting.columns import NAME, UNIT, Columns, table
from monitor.reporting.report import Bar, Bars, Column, Report, Sort, Stretch, Strips, Words, best_and_worst
from monitor.reporting.scene import Scene

DRAWN = 20  # units in a picture, the worst
DIGITS = 3  # of an availability, after the decimal mark
Seconds = tuple[float, float]  # from (counted) to (not counted), since 1970


@dataclass(frozen=True, slots=True)
class Grades:
    """From which availability on it is green or yellow (per cent, counted); below that it is red.

    The figures are those of the bundled rule `system_availability_30d`. No paper names any.
    """

    green: float = 99.5
    yellow: float = 99.0

    def of(self, availability: float | None) -> Colour:
        """The colour of an availability in per cent; unknown where there is none."""
        if availability is None:
            return Colour.UNKNOWN
        if availability >= self.green:
            return Colour.GREEN
        return Colour.YELLOW if availability >= self.yellow else Colour.RED


ASSUMED = Grades()


class How(IntEnum):
    """What a stretch of time counts as."""

    UP = 0
    DOWN = 1
    UNKNOWN = 2
    LEFT_OUT = 3


_HOW: Mapping[Colour, How] = {
    Colour.GREEN: How.UP,
    Colour.YELLOW: How.UP,
    Colour.RED: How.DOWN,
    Colour.UNKNOWN: How.UNKNOWN,
    Colour.MAINTENANCE: How.LEFT_OUT,
    Colour.EXCLUDED: How.LEFT_OUT,
}
_SHOWN = {How.UP: Colour.GREEN, How.DOWN: Colour.RED, How.UNKNOWN: Colour.UNKNOWN, How.LEFT_OUT: Colour.MAINTENANCE}
Piece = tuple[float, float, How]


class Office:
    """Office time as one growing sum, so that many stretches can be asked about quickly."""

    def __init__(self, sessions: Sessions, span: Span) -> None:
        self._edges: list[float] = []  # a session opens, closes, opens ...
        self._sums: list[float] = []  # office seconds before each edge
        total = 0.0
        for opens, closes in sessions.between(span.starts, span.ends):
            start, end = opens.timestamp(), closes.timestamp()
            self._edges += (start, end)
            self._sums += (total, total + end - start)
            total += end - start

    def seconds(self, start: float, end: float) -> float:
        """Office seconds between two instants."""
        return self._before(end) - self._before(start)

    def _before(self, at: float) -> float:
        place = bisect_right(self._edges, at) - 1
        if place < 0:
            return 0.0
        return self._sums[place] + (at - self._edges[place] if place % 2 == 0 else 0.0)


@dataclass(frozen=True, slots=True)
class Measured:
    """What became of a span of time at one unit. All in seconds."""

    up: float = 0.0
    down: float = 0.0
    unknown: float = 0.0
    left_out: float = 0.0
    office_up: float = 0.0
    office_down: float = 0.0
    outages: int = 0  # an interruption that goes on through something unknown or left out counts once
    longest: float = 0.0

    @property
    def availability(self) -> float | None:
        """Per cent of the measured time; None where nothing was measured."""
        known = self.up + self.down
        return 100 * self.up / known if known > 0 else None

    @property
    def in_office_hours(self) -> float | None:
        """The same within office hours."""
        known = self.office_up + self.office_down
        return 100 * self.office_up / known if known > 0 else None

    def budget(self, aim: float) -> float | None:
        """Seconds of outage that an availability of `aim` per cent allows; None where nothing was measured."""
        known = self.up + self.down
        return known * (100 - aim) / 100 if known > 0 else None

    @property
    def known(self) -> float:
        """Per cent of the span, without what is left out, that was measured."""
        whole = self.up + self.down + self.unknown
        return 100 * (self.up + self.down) / whole if whole > 0 else 0.0


def pieces(changes: Iterable[Transition], elapsed: bool, span: Span, blind: Sequence[Seconds] = ()) -> list[Piece]:
    """The span of one criterion at one unit, cut into stretches. `changes` in the order of their commits.

    `elapsed`: its value is the minutes of an interruption so far. `blind`: when the monitor did not run; in order.
    """
    start, end = span.starts.timestamp(), span.ends.timestamp()
    cuts: list[tuple[float, How]] = []
    for change in changes:
        at, how = change.at.timestamp(), _how(change.after, elapsed)
        if how is How.DOWN and elapsed:
            at = max(at - 60 * _minutes(change), cuts[-1][0] if cuts else 0.0)
        if at >= end:
            break
        while cuts and cuts[-1][0] >= at:
            cuts.pop()
        cuts.append((at, how))
    found: list[Piece] = []
    cursor, current = start, How.UNKNOWN
    for at, how in cuts:
        if at > cursor:
            found += _seen(cursor, at, current, blind)
            cursor = at
        current = how
    return found + list(_seen(cursor, end, current, blind))


def _how(colour: Colour, elapsed: bool) -> How:
    return How.DOWN if elapsed and colour is Colour.YELLOW else _HOW[colour]


def _minutes(change: Transition) -> float:
    """Minutes for which an interruption had lasted when it changed the colour."""
    values = (reason.params.get("value") for reason in change.reasons)
    return next((float(value) for value in values if isinstance(value, (int, float))), 0.0)


def _seen(start: float, end: float, how: How, blind: Sequence[Seconds]) -> Iterator[Piece]:
    """A stretch without what nobody measured; planned work is left out whoever watched."""
    if how not in (How.UNKNOWN, How.LEFT_OUT):
        for begins, ends in blind:
            if begins < end and ends > start:
                if begins > start:
                    yield start, begins, how
                yield max(begins, start), min(ends, end), How.UNKNOWN
                start = min(ends, end)
    if start < end:
        yield start, end, how


def measured(found: Iterable[Piece], office: Office) -> Measured:
    """The sums of some stretches, which are in order."""
    sums = [0.0, 0.0, 0.0, 0.0]
    office_up = office_down = longest = running = 0.0
    outages, down = 0, False
    for start, end, how in found:
        sums[how] += end - start
        if how is How.DOWN:
            outages += not down
            running = end - start + (running if down else 0.0)
            longest, down = max(longest, running), True
            office_down += office.seconds(start, end)
        elif how is How.UP:
            office_up += office.seconds(start, end)
            down = False
    up, gone, unknown, left_out = sums
    return Measured(up, gone, unknown, left_out, office_up, office_down, outages, longest)


@dataclass(frozen=True, slots=True)
class Line:
    """One criterion of one unit over the span."""

    unit: Unit
    criterion: Criterion
    measured: Measured
    pieces: tuple[Piece, ...]


def lines(scene: Scene, changes: Iterable[Transition], span: Span, blind: Sequence[Seconds] = ()) -> Iterator[Line]:
    """Every unit of the scene with each criterion that says whether it works; those it takes over are the system's."""
    rules = [rule for rule in scene.rules().values() if rule.outage]
    names = {rule.id for rule in rules}
    history: dict[tuple[str, str], list[Transition]] = {}
    for change in changes:
        if change.criterion in names:
            history.setdefault((change.unit, change.criterion), []).append(change)
    cut: list[tuple[Unit, Criterion, tuple[Piece, ...]]] = []
    for unit in scene.chosen():
        there = _there(unit, span, scene.calendar)
        for rule in rules:
            own = history.get((unit.code, rule.id), ())
            if own and there is not None and rule.applies_to(unit):
                cut.append((unit, rule, tuple(pieces(own, _is_elapsed(rule, scene), there, blind))))
    office = Office(scene.sessions, _measured_part(span, chain.from_iterable(found for _, _, found in cut)))
    for unit, rule, found in cut:
        yield Line(unit, rule, measured(found, office), found)


def _measured_part(span: Span, found: Iterable[Piece]) -> Span:
    """From the first that was measured on: a span may begin decades before the record, and each day has its hours."""
    starts = min((start for start, _, how in found if how in (How.UP, How.DOWN)), default=span.ends.timestamp())
    return replace(span, starts=datetime.fromtimestamp(starts, UTC))


def _there(unit: Unit, span: Span, calendar: Calendar) -> Span | None:
    """The part of a span in which there is such a unit: its criteria go with it, without a change of colour."""
    starts = span.starts if unit.valid_from is None else max(span.starts, calendar.start_of_day(unit.valid_from))
    ends = span.ends if unit.valid_to is None else min(span.ends, calendar.start_of_day(unit.valid_to))
    return Span(starts, ends) if starts < ends else None


def _is_elapsed(rule: Criterion, scene: Scene) -> bool:
    indicator = scene.ruleset.indicators.get(rule.indicator or "")
    return indicator is not None and indicator.measure is Measure.ELAPSED


_LEVELS: Mapping[Level, Words] = {
    Level.SYSTEM: ("hệ thống dùng chung", "shared system"),
    Level.COMMUNE: ("cấp xã", "commune"),
    Level.PROVINCE: ("cấp tỉnh", "province"),
    Level.NATION: ("toàn quốc", "nation"),
}


def availability_report(
    scene: Scene,
    changes: Iterable[Transition],
    span: Span,
    grades: Grades = ASSUMED,
    blind: Sequence[Seconds] = (),
) -> Report:
    """Systems first, then communes and the rest in site order."""
    found = list(lines(scene, changes, span, blind))
    told = [line for line in found if line.measured.known > 0]
    up, down = sum(line.measured.up for line in told), sum(line.measured.down for line in told)
    ordered = sorted(found, key=lambda line: line.unit.level is not Level.SYSTEM)  # systems first, then site order
    worst = sorted(told, key=lambda line: (line.measured.availability or 0.0, line.unit.code, line.criterion.id))
    return scene.report(
        "availability",
        ("Độ sẵn sàng", "Availability"),
        span,
        (table("units", ("Hệ thống và đơn vị", "Systems and units"), _columns(grades), ordered),),
        _told(100 * up / (up + down), grades) if told else (scene.nothing_recorded(),),
        _charts(worst[:DRAWN], span, grades) if told else (),
        empty=not told,
        bad=any(grades.of(line.measured.availability) is Colour.RED for line in told),
    )


def _columns(grades: Grades) -> Columns[Line]:
    def budget(line: Line) -> float | None:
        granted = line.measured.budget(grades.green)
        return None if granted is None else round(granted, 3)

    def used(line: Line) -> float | None:
        granted = line.measured.budget(grades.green)
        return _rounded(100 * line.measured.down / granted) if granted else None

    def left(line: Line) -> float | None:
        granted = line.measured.budget(grades.green)
        return None if granted is None else round(max(granted - line.measured.down, 0.0), 3)

    return (
        (UNIT, lambda line: line.unit.code),
        (NAME, lambda line: line.unit.name_vi),
        (Column("level", ("Cấp", "Level"), data_only=True), lambda line: _LEVELS[line.unit.level]),
        (
            Column("criterion", ("Tiêu chí", "Criterion")),
            lambda line: (line.criterion.title_vi, line.criterion.title_en),
        ),
        (
            Column("availability", ("Độ sẵn sàng", "Availability"), Sort.PERCENT, DIGITS, fixed=True),
            lambda line: _rounded(line.measured.availability),
        ),
        (Column("colour", ("Mức", "Grade"), Sort.COLOUR), lambda line: grades.of(line.measured.availability)),
        (
            Column("office", ("Trong giờ làm việc", "In office hours"), Sort.PERCENT, DIGITS, fixed=True),
            lambda line: _rounded(line.measured.in_office_hours),
        ),
        (Column("outages", ("Số lần gián đoạn", "Outages"), Sort.WHOLE), lambda line: line.measured.outages),
        (Column("down", ("Gián đoạn", "Down"), Sort.SECONDS), lambda line: round(line.measured.down, 3)),
        (
            Column(
                "office_down", ("Gián đoạn trong giờ làm việc", "Down in office hours"), Sort.SECONDS, data_only=True
            ),
            lambda line: round(line.measured.office_down, 3),
        ),
        (Column("longest", ("Lần dài nhất", "Longest"), Sort.SECONDS), lambda line: round(line.measured.longest, 3)),
        (Column("budget", ("Gián đoạn cho phép", "Outage budget"), Sort.SECONDS, data_only=True), budget),
        (Column("used", ("Đã dùng mức cho phép", "Budget used"), Sort.PERCENT, 1), used),
        (Column("left", ("Còn được phép", "Budget left"), Sort.SECONDS), left),
        (Column("known", ("Đo được", "Measured"), Sort.PERCENT), lambda line: _rounded(line.measured.known)),
        (
            Column("left_out", ("Bảo trì, không tính", "Maintenance, left out"), Sort.SECONDS),
            lambda line: round(line.measured.left_out, 3),
        ),
    )


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)


def _told(total: float, grades: Grades) -> tuple[Words, ...]:
    altogether = [number(total, locale, DIGITS, fixed=True) for locale in ("vi", "en")]
    comma = [altogether[0], *(f"{edge:g}".replace(".", ",") for edge in (grades.green, grades.yellow))]
    return (
        (
            f"Chung: {comma[0]} %. Đã trừ thời gian bảo trì; thời gian không đo được không tính là hoạt động "
            "cũng không tính là gián đoạn.",
            f"Altogether {altogether[1]} %. Maintenance is left out; time that was not measured is neither up nor "
            "down.",
        ),
        (
            f"Mức: xanh từ {comma[1]} %, vàng từ {comma[2]} % (giả định, chưa có văn bản quy định).",
            f"Grades: green from {grades.green:g} %, yellow from {grades.yellow:g} % (assumed, no paper names any).",
        ),
        (
            f"Mức cho phép: phần thời gian đo được mà {comma[1]} % cho phép gián đoạn.",
            f"Budget: how much of the measured time may be outages at {grades.green:g} %.",
        ),
    )


def _charts(worst: Sequence[Line], span: Span, grades: Grades) -> tuple[Bars | Strips, ...]:
    bars = best_and_worst(
        (Bar(_label(line), line.measured.availability, grades.of(line.measured.availability)) for line in worst),
        DRAWN,
    )
    low = min(bar.value or 0.0 for bar in bars)
    floor = next(edge for edge in (99.0, 95.0, 90.0, 50.0, 0.0) if low > edge or edge == 0.0)
    strips = tuple((_label(line), tuple(map(_stretch, line.pieces))) for line in worst)
    title = f"Thấp nhất (trục từ {floor:g} %)", f"Lowest (the scale begins at {floor:g} %)"
    return Bars(title, bars, "%", floor, 100.0, DIGITS, fixed=True), Strips(("Diễn biến", "Course"), span, strips)


def _label(line: Line) -> str:
    return f"{line.unit.code} {line.unit.name_vi}"


def _stretch(piece: Piece) -> Stretch:
    start, end, how = piece
    return Stretch(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC), _SHOWN[how])


def blind_stretches(signs: Iterable[tuple[datetime, datetime]], patience: timedelta) -> tuple[Seconds, ...]:
    """When the monitor did not run: (last sign of life, next start) where they lie more than `patience` apart."""
    return tuple((sign.timestamp(), start.timestamp()) for sign, start in sorted(signs) if start - sign > patience)
