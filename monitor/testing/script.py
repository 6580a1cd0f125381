"""What will happen in one simulated run, drawn from its seed before it begins: the truth, and the faults.

Each seed enables a random part of the faults with random weights, so that some runs are calm in one respect and wild
in another. Everything ends before the quiet last hour, in which "eventually" has to become true.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from monitor.testing.site import CHANNELS, COMMUNES, PROBED

Window = tuple[float, float]  # seconds since the beginning: from, to
QUIET = 3600.0  # seconds at the end without any fault or flip
_NEVER = 0.0


@dataclass(frozen=True)
class Odds:
    """Probability of each fault at one passage of its seam, ratio 0 to 1."""

    aim: float = _NEVER  # kill -9 between claim, send and mark, and right after a commit
    refused_before: float = _NEVER  # the store says no and has done nothing
    refused_after: float = _NEVER  # the store says no and has done it
    lost_reply: float = _NEVER  # the message arrives, the answer does not
    failed: float = _NEVER  # the provider says "try again"
    slow: float = _NEVER  # the provider takes up to fourteen seconds


@dataclass(frozen=True)
class Script:
    """Truth and faults of one run."""

    seconds: float
    odds: Odds
    down: dict[str, list[Window]]  # probed unit -> when its service does not answer
    mute: dict[str, list[Window]]  # probed unit -> when its probe cannot tell
    values: dict[str, list[tuple[float, float]]]  # commune -> (from, online rate)
    feed_down: list[Window]
    provider_down: dict[str, list[Window]]
    busy: frozenset[str]  # channels whose provider answers 429 with a Retry-After while it is down
    store_down: list[Window]
    deaths: list[tuple[float, float, bool]]  # (when, seconds until the next start, by kill -9)
    pushes: list[float]
    answers_calls: float  # probability that somebody who is called answers
    quiet_at: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "quiet_at", self.seconds - QUIET)

    def is_up(self, unit: str, second: float) -> bool:
        """Whether the unit's service answers at that second."""
        return not within(self.down[unit], second)

    def value(self, commune: str, second: float) -> float:
        """The online rate of a commune at that second, per cent."""
        return next(value for start, value in reversed(self.values[commune]) if start <= second)


def within(windows: list[Window], second: float) -> bool:
    """Whether a second lies in one of the windows."""
    return any(start <= second < end for start, end in windows)


def draw(seed: int, hours: float) -> Script:
    """The script of a seed. At least two hours, of which the last one is quiet."""
    if hours * 3600 <= QUIET:
        raise ValueError(f"{hours:g} hours leave nothing before the quiet hour")
    dice = Random(f"{seed}/script")  # noqa: S311 (a test is drawn, nothing is guarded)
    last = hours * 3600 - QUIET
    return Script(
        seconds=hours * 3600,
        odds=_odds(dice),
        down={unit: _flips(dice, last) for unit in PROBED},
        mute={unit: _windows(dice, last, 7200, (100, 600)) if dice.random() < 0.3 else [] for unit in PROBED},
        values={commune: _values(dice, last) for commune in COMMUNES},
        feed_down=_feed_down(dice, last),
        provider_down={
            channel: _windows(dice, last, 2400, (20, 900)) if dice.random() < 0.7 else [] for channel in CHANNELS
        },
        busy=frozenset(channel for channel in CHANNELS if dice.random() < 0.5),
        store_down=_windows(dice, last, 1800, (1, 50)) if dice.random() < 0.6 else [],
        deaths=_deaths(dice, last),
        pushes=sorted(dice.uniform(10, last) for _ in range(dice.randrange(0, 60))),
        answers_calls=dice.choice((0.0, 0.1, 0.3, 0.6)),
    )


def _odds(dice: Random) -> Odds:
    def maybe(most: float) -> float:
        return dice.uniform(most / 5, most) if dice.random() < 0.6 else 0.0

    return Odds(maybe(0.03), maybe(0.02), maybe(0.02), maybe(0.15), maybe(0.15), maybe(0.2))


def _windows(dice: Random, last: float, gap: float, length: tuple[float, float], first: float = 0.0) -> list[Window]:
    """Windows of random length with random gaps (of this mean) between them, all over before `last`."""
    windows: list[Window] = []
    at = first + dice.expovariate(1 / gap)
    while (end := at + dice.uniform(*length)) < last:
        windows.append((at, end))
        at = end + 60 + dice.expovariate(1 / gap)
    return windows


def _flips(dice: Random, last: float) -> list[Window]:
    """Blips, interruptions and long outages; the last one may outlast the run."""
    lengths = dice.choice(((5, 100), (60, 900), (600, 5400)))
    flips = _windows(dice, last, dice.choice((900, 3600)), lengths)
    if dice.random() < 0.2:
        flips = [window for window in flips if window[1] < last - 300]
        flips.append((last - dice.uniform(0, 200), float("inf")))
    return flips


def _values(dice: Random, last: float) -> list[tuple[float, float]]:
    starts = sorted(dice.uniform(0, last) for _ in range(dice.randrange(0, 3)))
    return [(start, dice.choice((60.0, 79.99, 80.0, 95.0))) for start in (0.0, *starts)]


def _feed_down(dice: Random, last: float) -> list[Window]:
    windows = _windows(dice, last, 2400, (100, 3000)) if dice.random() < 0.6 else []
    if dice.random() < 0.2:  # it never answered since the site exists
        end = dice.uniform(1500, 3000)
        windows = [(0.0, end), *(window for window in windows if window[0] > end + 60)]
    return windows


def _deaths(dice: Random, last: float) -> list[tuple[float, float, bool]]:
    often = dice.choice((600, 1800, 7200))
    pauses = ((0.1, 5), (5, 120), (300, 1500))
    return [
        (at, dice.uniform(*dice.choice(pauses)), dice.random() < 0.8)
        for at, _ in _windows(dice, last - 1800, often, (1, 2))
    ]
