"""What every report is made from: the facts of a site, and the states of its units at the instant of the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.engine.book import Criterion, Ruleset
from monitor.model.colour import Colour
from monitor.model.hours import Calendar, Sessions
from monitor.model.muting import Span
from monitor.model.state import UnitState
from monitor.model.unit import Unit, Units
from monitor.reporting.report import Chart, Report, Table, Words


@dataclass(frozen=True, slots=True)
class Scene:
    """A site, and whom the report is about: `within` a unit (that one and all below it), or everybody."""

    site: tuple[str, str]  # its name, Vietnamese and English
    units: Units
    ruleset: Ruleset
    sessions: Sessions
    states: Mapping[str, UnitState] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)  # id of a recipient -> role, which tells no person
    within: str | None = None
    began: datetime | None = None  # when the record begins; None: nothing was recorded
    kept: datetime | None = None  # before this something was deleted that a report may need; None: nothing was

    @property
    def calendar(self) -> Calendar:
        """Working days and the time zone."""
        return self.sessions.calendar

    def about(self, code: str) -> bool:
        """Whether a unit is one of those that the report is about. One that is no longer in the site is, if all are."""
        return self.within is None or (code in self.units and self.within in self.units.lineage(code))

    def chosen(self) -> Iterator[Unit]:
        """The units that the report is about, in site order."""
        return (unit for unit in self.units if self.about(unit.code))

    def name(self, code: str) -> str:
        """Vietnamese name of a unit; its code where the site no longer has it."""
        return self.units[code].name_vi if code in self.units else code

    def colour(self, code: str) -> Colour:
        """The colour of a unit; unknown while it was never judged."""
        return self.states[code].colour if code in self.states else Colour.UNKNOWN

    def rules(self) -> Mapping[str, Criterion]:
        """All criteria by id, for their titles."""
        return {criterion.id: criterion for book in self.ruleset.books for criterion in book.criteria}

    def before_record(self, when: datetime | Span) -> bool:
        """Whether an instant, or a whole span, lies before the record: quiet there is not known to be quiet."""
        if self.began is None:
            return True
        return self.began >= when.ends if isinstance(when, Span) else self.began > when

    def nothing_recorded(self) -> Words:
        """The sentence of a report that has nothing to tell."""
        if self.began is None:
            return "Không có số liệu nào được ghi.", "Nothing was recorded."
        began = self.calendar.local(self.began)
        return (
            f"Không có số liệu của thời gian này; dữ liệu bắt đầu từ {began:%d/%m/%Y %H:%M}.",
            f"Nothing was recorded of this time; the record begins at {began:%Y-%m-%d %H:%M}.",
        )

    def _not_kept(self, kept: datetime) -> Words:
        """The sentence of a report that reaches behind what is kept."""
        since = self.calendar.local(kept)
        return (
            f"Một phần số liệu trước {since:%d/%m/%Y %H:%M} đã bị xóa theo thời hạn lưu; báo cáo có thể thiếu.",
            f"Some of what was before {since:%Y-%m-%d %H:%M} is not kept any more; this report may lack it.",
        )

    def report(
        self,
        kind: str,
        title: Words,
        when: datetime | Span,
        tables: tuple[Table, ...],
        paragraphs: tuple[Words, ...],
        charts: tuple[Chart, ...] = (),
        *,
        empty: bool,
        bad: bool = False,
    ) -> Report:
        """A report of the scene at an instant, or of a span up to its end.

        An empty one of a time before the record says when that begins, and draws nothing.
        """
        at, span = (when.ends, when) if isinstance(when, Span) else (when, None)
        if empty and self.before_record(when):
            paragraphs, charts = (self.nothing_recorded(),), ()
        elif self.kept is not None and (when.starts if isinstance(when, Span) else when) < self.kept:
            paragraphs = (*paragraphs, self._not_kept(self.kept))
        return Report(kind, title, self.site, self.calendar.zone, at, tables, span, paragraphs, charts, empty, bad)
