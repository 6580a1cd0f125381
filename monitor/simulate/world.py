"""The simulated province as a pure function of (seed, territory, moment): nothing is remembered, nothing is random."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Final, Literal, get_args

from monitor.simulate import table
from monitor.simulate.chance import between, draw, drift
from monitor.simulate.table import Item, Level, ProfileName, Range
from monitor.simulate.territory import Territory

Mood = Literal["calm", "lively"]
"""calm: no outages by itself. lively: one or two centres are out for some minutes now and then."""

LOCAL: Final = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
REFRESH_HOUR: Final = 1
WEEKS_OF_A_MOOD: Final = 21.0
OUTAGE_WINDOW: Final = 900
OUTAGE_CHANCE: Final = 0.6
BACKUP_HOUR: Final = 23


@dataclass(frozen=True, slots=True)
class Span:
    """The days a figure covers, first and last included, in local time."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """How many days, at least 1."""
        return max(1, (self.end - self.start).days + 1)

    def back(self, days: int) -> Span:
        """The same span, `days` earlier."""
        return Span(self.start - timedelta(days=days), self.end - timedelta(days=days))


@dataclass(frozen=True, slots=True)
class Figure:
    """One true value: per cent 0-100 (or a count), with the numerator and denominator it comes from."""

    value: float
    numerator: int
    denominator: int


def data_day(now: datetime) -> date:
    """The local day whose figures are out at `now` (aware): they are refreshed at 01:00 local time."""
    return (now.astimezone(LOCAL) - timedelta(hours=REFRESH_HOUR)).date()


def published_at(day: date) -> datetime:
    """The instant at which the figures of a local day came out (aware, UTC)."""
    return datetime.combine(day, time(REFRESH_HOUR), LOCAL).astimezone(UTC)


class World:
    """Seeded and reproducible: equal seeds, territories and instants give equal values, across restarts."""

    def __init__(self, seed: int, territory: Territory, mood: Mood = "calm") -> None:
        """Raises ValueError for a mood that is neither calm nor lively."""
        if mood not in get_args(Mood):
            raise ValueError(f"world must be calm or lively, not {mood!r}")
        self.seed = seed
        self.territory = territory
        self.mood: Mood = mood
        self._profiles = self._deal_profiles()
        self._remembered = lru_cache(maxsize=20_000)(self._figure)

    def profile(self, code: str) -> ProfileName:
        """What kind of commune this is; "good" for a code that is no commune."""
        return self._profiles.get(code, "good")

    def level(self, code: str, indicator: str, heavy: bool = False) -> Level:
        """How good a commune is in one indicator; constant for a seed."""
        profile = self.profile(code)
        if profile == "poor":
            return "poor"
        if heavy:
            return "middling" if profile == "middling" and indicator in self._heavy_weakness(code) else "good"
        chance = table.LIGHT_WEAKNESS.get(profile, 0.0)
        return "middling" if draw(self.seed, "weak", code, indicator) < chance else "good"

    def row_day(self, code: str, now: datetime) -> date | None:
        """The local day of a commune's newest row, or None when its row is missing altogether."""
        profile = self.profile(code)
        if profile == "missing":
            return None
        return data_day(now) - timedelta(days=1 if profile == "late" else 0)

    def figure(self, code: str, item: Item, span: Span) -> Figure:
        """The true value of one index line for one commune over a span."""
        return self._remembered(code, item, span)

    def checklist(self, code: str, indicator: str, day: date) -> float | str:
        """A value of the hand-kept list: a rate in per cent, or a Vietnamese word for yes, partly, no."""
        level = self.level(code, indicator)
        if indicator in table.WORDS:
            return table.WORDS[indicator][level]
        return self._wander(table.CHECKLIST[indicator][level], day.toordinal(), code, indicator, digits=1)

    def network_loss(self, code: str, now: datetime) -> float:
        """Probe loss of the commune's line, per cent; wanders by the hour."""
        level = self.level(code, "network_loss_rate")
        hour = now.timestamp() / 3600
        return self._wander(table.NETWORK_LOSS[level], hour, code, "network_loss_rate", digits=2)

    def latency(self, code: str) -> float:
        """Seconds a centre takes to answer by nature; 0 for most."""
        if draw(self.seed, "slow", code) >= table.SLOW_SHARE:
            return 0.0
        return round(between(*table.SLOW_RANGE, self.seed, "latency", code), 3)

    def out(self, code: str, now: datetime) -> bool:
        """Whether a centre is down by itself at `now`; never in a calm world."""
        if self.mood == "calm" or not self.territory.communes:
            return False
        window, second = divmod(now.timestamp(), OUTAGE_WINDOW)
        if draw(self.seed, "outage", window) >= OUTAGE_CHANCE:
            return False
        begin = between(0, 300, self.seed, "begin", window)
        length = between(120, 480, self.seed, "length", window)
        return begin <= second < begin + length and code in self._victims(window)

    def system(self, code: str, indicator: str, now: datetime) -> float:
        """A measured value of a shared system in the indicator's unit (booleans as 0 and 1)."""
        local = now.astimezone(LOCAL)
        if indicator == "backup_age_hours":
            return round(((local.hour - BACKUP_HOUR) % 24) + local.minute / 60, 2)
        if indicator == "tls_days_left":
            offset = int(between(0, 58, self.seed, "tls", code))
            return float(90 - (local.toordinal() + offset) % 58)
        if indicator in table.SYSTEM_RANGES:
            return self._wander(table.SYSTEM_RANGES[indicator], local.toordinal(), code, indicator, digits=3)
        return 1.0

    def _figure(self, code: str, item: Item, span: Span) -> Figure:
        level = self.level(code, item.code, item.heavy)
        value = self._wander(item.span(level), span.end.toordinal(), code, item.code, digits=2)
        denominator = item.fixed or max(1, round(self._dossiers_per_day(code) * span.days * item.share))
        if item.counts:
            return Figure(float(round(value)), round(value), denominator)
        numerator = round(value * denominator / 100)
        return Figure(round(numerator * 100 / denominator, 2), numerator, denominator)

    def _dossiers_per_day(self, code: str) -> float:
        return between(*table.DOSSIERS_PER_DAY, self.seed, "dossiers", code)

    def _wander(self, bounds: Range, position: float, code: str, name: str, *, digits: int) -> float:
        low, high = bounds
        own = draw(self.seed, "own", code, name)
        share = 0.6 * own + 0.4 * drift(position, WEEKS_OF_A_MOOD, self.seed, "drift", code, name)
        return round(low + (high - low) * share, digits)

    def _heavy_weakness(self, code: str) -> set[str]:
        heavy = [item.code for item in table.ITEMS if item.heavy]
        return {heavy[int(draw(self.seed, "heavy", turn, code) * len(heavy))] for turn in range(2)}

    def _victims(self, window: float) -> set[str]:
        communes = self.territory.communes
        count = 1 if draw(self.seed, "victims", window) < 0.6 else 2
        return {communes[int(draw(self.seed, "victim", turn, window) * len(communes))].code for turn in range(count)}

    def _deal_profiles(self) -> dict[str, ProfileName]:
        codes = [commune.code for commune in self.territory.communes]
        queue = iter(sorted(codes, key=lambda code: draw(self.seed, "profile", code)))
        dealt: dict[str, ProfileName] = {}
        for name, percent in table.MIX:
            for _ in range(round(percent * len(codes) / 100)):
                dealt[next(queue)] = name
        return dealt
