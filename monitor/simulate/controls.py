"""What a person or a test has told the simulated province to do; laid over what the world does by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from monitor.model.text import clean
from monitor.simulate import table
from monitor.simulate.territory import Territory

STATES: Final = ("up", "down", "slow", "hang", "nonsense")
FEED_MODES: Final = (
    "ok", "html", "truncated", "wrong-encoding", "empty", "huge", "drip", "error500",
    "duplicate-row", "unknown-code", "future",
)  # fmt: skip
SERVICES: Final = (
    "service-results", "transparency", "dvc-progress-tree", "provide-online-tree",
    "formality-online-payment-tree", "dossier-digitized", "handling-satisfaction",
)  # fmt: skip
FEEDS: Final = ("portal", "manual", "metrics", *SERVICES)
"""`portal` stands for all portal services at once; a single service's own mode comes first."""

LARGEST_VALUE: Final = 1e15

Value = str | int | float | bool | None
"""What may stand in for an indicator's value; None leaves it out of its row."""


class ControlError(Exception):
    """A command to the simulated province that it cannot follow: unknown name (404) or bad value (400)."""

    def __init__(self, detail: str, status: int = 400, known: tuple[str, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.known = known


@dataclass(slots=True)
class Controls:
    """The commands in force. Every setter raises ControlError and changes nothing when it is refused."""

    territory: Territory
    centres: dict[str, str] = field(default_factory=dict)
    systems: dict[str, str] = field(default_factory=dict)
    values: dict[tuple[str, str], Value] = field(default_factory=dict)
    feeds: dict[str, str] = field(default_factory=dict)

    def set_centre(self, code: str, state: object) -> None:
        """Force the state of a commune's centre."""
        self.require_commune(code)
        self.centres[code] = _one_of("state", state, STATES)

    def set_system(self, code: str, state: object) -> None:
        """Force the state of a shared system."""
        self.require_system(code)
        self.systems[code] = _one_of("state", state, STATES)

    def set_value(self, code: str, indicator: str, value: object) -> None:
        """Replace one indicator of one unit: a number, a word, a boolean, or None to leave it out."""
        known = self._indicators_of(code)
        if indicator not in known:
            raise ControlError(f"unit {code} has no indicator {indicator!r} here", 404, known)
        if value is not None and not isinstance(value, str | int | float):
            raise ControlError("value must be a number, a string, a boolean or null")
        if isinstance(value, int | float) and not abs(value) <= LARGEST_VALUE:
            raise ControlError(f"a number must be finite and at most {LARGEST_VALUE:g}; send NaN as a string")
        self.values[code, indicator] = clean(value) if isinstance(value, str) else value

    def set_feed(self, name: str, mode: object) -> None:
        """Choose how a feed misbehaves; `ok` mends it."""
        if name not in FEEDS:
            raise ControlError(f"unknown feed {name!r}", 404, FEEDS)
        self.feeds[name] = _one_of("mode", mode, FEED_MODES)

    def mode(self, *names: str) -> str:
        """The mode of the first of these feeds that was told one; `ok` when none was."""
        return next((self.feeds[name] for name in names if name in self.feeds), "ok")

    def clear(self) -> None:
        """Forget every command."""
        for told in (self.centres, self.systems, self.values, self.feeds):
            told.clear()

    def as_json(self) -> dict[str, object]:
        """The commands in force, for showing."""
        values: dict[str, dict[str, Value]] = {}
        for (code, indicator), value in sorted(self.values.items()):
            values.setdefault(code, {})[indicator] = value
        return {
            "centres": dict(sorted(self.centres.items())),
            "systems": dict(sorted(self.systems.items())),
            "values": values,
            "feeds": dict(sorted(self.feeds.items())),
        }

    def require_commune(self, code: str) -> None:
        """Raise ControlError when the code is no commune of the province."""
        if all(commune.code != code for commune in self.territory.communes):
            raise ControlError(f"no commune {code!r} in province {self.territory.code}", 404)

    def require_system(self, code: str) -> None:
        """Raise ControlError when the code is no shared system."""
        if code not in table.SYSTEMS:
            raise ControlError(f"unknown system {code!r}", 404, tuple(table.SYSTEMS))

    def _indicators_of(self, code: str) -> tuple[str, ...]:
        if code in table.SYSTEMS:
            return table.SYSTEM_INDICATORS
        if code == self.territory.code:
            return (*table.KPI_INDICATORS, *table.CHECKLIST)
        self.require_commune(code)
        return table.COMMUNE_INDICATORS


def _one_of(name: str, given: object, known: tuple[str, ...]) -> str:
    if not isinstance(given, str) or given not in known:
        raise ControlError(f"{name} must be one of {', '.join(known)}", 400, known)
    return given
