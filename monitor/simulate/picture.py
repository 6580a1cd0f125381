"""What the world shows at one instant: its true values with the commands laid over them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeGuard

from monitor.simulate import table
from monitor.simulate.controls import Controls, Value
from monitor.simulate.table import ITEMS, Item
from monitor.simulate.world import Figure, Span, World, data_day

LOSS_WHEN_DOWN = 100.0
LOSS_WHEN_SLOW = 8.0


@dataclass(frozen=True, slots=True)
class Shown:
    """One value as a source writes it; without numerator and denominator when it is not a number."""

    value: Value
    numerator: int | None
    denominator: int | None


class Picture:
    """One look at the province. Cheap to make; holds nothing of its own but the instant."""

    def __init__(self, world: World, controls: Controls, now: datetime) -> None:
        self.world = world
        self.controls = controls
        self.now = now

    def centre_state(self, code: str) -> str:
        """up, down, slow, hang or nonsense: the command if there is one, otherwise the world's own doing."""
        forced = self.controls.centres.get(code)
        return forced or ("down" if self.world.out(code, self.now) else "up")

    def row_day(self, code: str) -> date | None:
        """The local day of the unit's row; None when the row is missing."""
        return self.world.row_day(code, self.now)

    def shown(self, code: str, item: Item, span: Span) -> Shown:
        """One index line of one commune or of the province (by its code)."""
        if item.indicator and (code, item.indicator) in self.controls.values:
            return _told(self.controls.values[code, item.indicator], item, self._true(code, item, span))
        if self._talks_nonsense(code):
            return Shown(table.NONSENSE[ITEMS.index(item) % len(table.NONSENSE)], None, None)
        figure = self._true(code, item, span)
        return Shown(figure.value, figure.numerator, figure.denominator)

    def total_score(self, code: str, span: Span) -> Value:
        """The unit's Decision 766 score, 0 to 100 points, unless told otherwise."""
        if (code, table.TOTAL_SCORE) in self.controls.values:
            return self.controls.values[code, table.TOTAL_SCORE]
        if self._talks_nonsense(code):
            return table.NONSENSE[0]
        shown = [(item, self.shown(code, item, span).value) for item in ITEMS]
        return round(sum(points(item, value) for item, value in shown), 2)

    def checklist(self, code: str, indicator: str, day: date) -> Value:
        """A value of the hand-kept list for a commune, or the mean of the communes for the province."""
        if (code, indicator) in self.controls.values:
            return self.controls.values[code, indicator]
        if code == self.world.territory.code:
            rates = [self.checklist(commune.code, indicator, day) for commune in self.world.territory.communes]
            numbers = [rate for rate in rates if _is_number(rate) and 0 <= rate <= 100]
            return round(sum(numbers) / len(numbers), 1) if numbers else None
        if indicator in table.CHECKLIST and self._talks_nonsense(code):
            return 137.5
        return self.world.checklist(code, indicator, day)

    def network_loss(self, code: str) -> Value:
        """Probe loss of a commune's line in per cent; a centre that is down loses everything."""
        if (code, "network_loss_rate") in self.controls.values:
            return self.controls.values[code, "network_loss_rate"]
        state = self.centre_state(code)
        if state in ("down", "hang"):
            return LOSS_WHEN_DOWN
        if self._talks_nonsense(code):
            return 137.5
        return LOSS_WHEN_SLOW if state == "slow" else self.world.network_loss(code, self.now)

    def system(self, code: str, indicator: str) -> Value:
        """A measured value of a shared system; its population link is down while it is down itself."""
        if (code, indicator) in self.controls.values:
            return self.controls.values[code, indicator]
        if indicator == "population_db_link_ok" and self.controls.systems.get(code) in ("down", "hang"):
            return 0.0
        return self.world.system(code, indicator, self.now)

    def today(self) -> date:
        """The local day whose figures are out."""
        return data_day(self.now)

    def _talks_nonsense(self, code: str) -> bool:
        forced = self.controls.centres.get(code)
        return forced == "nonsense" or (forced is None and self.world.profile(code) == "nonsense")

    def _true(self, code: str, item: Item, span: Span) -> Figure:
        if code == self.world.territory.code:
            return self._province(item, span)
        figure = self.world.figure(code, item, span)
        told = self.controls.values.get((code, item.indicator or ""))
        if _is_number(told):
            return Figure(float(told), _numerator(told, item, figure), figure.denominator)
        return figure

    def _province(self, item: Item, span: Span) -> Figure:
        parts = [self._true(commune.code, item, span) for commune in self.world.territory.communes]
        numerator = sum(part.numerator for part in parts)
        denominator = sum(part.denominator for part in parts) or 1
        value = float(numerator) if item.counts else round(numerator * 100 / denominator, 2)
        return Figure(value, numerator, denominator)


def points(item: Item, value: Value) -> float:
    """Points of one line: all at the target, otherwise in proportion; none for what is not a rate in per cent."""
    if not _is_number(value) or not 0 <= value <= 100 or not item.max_score:
        return 0.0
    return min(item.max_score, value * item.max_score / (item.target or 100.0))


def _told(value: Value, item: Item, figure: Figure) -> Shown:
    if _is_number(value):
        return Shown(value, _numerator(value, item, figure), figure.denominator)
    return Shown(value, None, None)


def _numerator(value: float, item: Item, figure: Figure) -> int:
    return round(value if item.counts else value * figure.denominator / 100)


def _is_number(value: Value) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
