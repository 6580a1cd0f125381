"""What every report is made from: the facts of a site, and the states of its units at the instant of the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from monitor.engine.book import Criterion, Ruleset
from monitor.model.hours import Calendar, Sessions
from monitor.model.state import UnitState
from monitor.model.unit import Unit, Units


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

    def rules(self) -> Mapping[str, Criterion]:
        """All criteria by id, for their titles."""
        return {criterion.id: criterion for book in self.ruleset.books for criterion in book.criteria}
