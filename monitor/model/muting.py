"""Muting: a silence tells nobody, a maintenance window judges nothing. Both say who, why, and until when.

    coming ──starts──> active ──ends──> past        (an early end moves `ends`; nothing that is past comes back)

What is active is a function of the facts here and of the instant asked about. No "next run" is stored: the occurrences
of a window are computed from the local calendar at each use. A start that clocks skip is the end of the gap, one that
they show twice is its first occurrence; a duration is real time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from hashlib import blake2b
from itertools import pairwise
from zoneinfo import ZoneInfo

from monitor.model.hours import first_instant
from monitor.model.matcher import Matcher, Subject, matches, subject
from monitor.model.recurrence import Recurrence
from monitor.model.unit import Units

LONGEST_SILENCE = timedelta(days=30)
LONGEST_WINDOW = timedelta(days=30)  # of one occurrence
LONGEST_SERIES = timedelta(days=366)  # from the first occurrence of a recurring window to its `until`
FURTHEST_START = timedelta(days=366)  # ahead
REMEMBERED = timedelta(days=32)  # for which what is over is still at hand, so that a rolling month can leave it out
MOST_ACTIVE = 200  # silences and windows that are not past, made at run time
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time; `ends` is the first instant that is no longer in it. Aware UTC."""

    starts: datetime
    ends: datetime


class When(StrEnum):
    """Where a silence or window stands at an instant."""

    COMING = "coming"  # or between two occurrences
    ACTIVE = "active"
    PAST = "past"


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody is told of matching incidents from `starts` (counted) to `ends` (not counted)."""

    id: str
    matchers: tuple[Matcher, ...]
    starts: datetime  # aware UTC
    ends: datetime
    by: str
    comment: str
    created: datetime
    ended_by: str = ""  # who ended it before its time

    @property
    def reason(self) -> str:
        """Why a notice is held back, in words for the outbox."""
        return f"silence {self.id}"

    def when(self, now: datetime) -> When:
        """Coming, active or past."""
        return _when(now, self.starts, self.ends)


@dataclass(frozen=True, slots=True)
class Repeat:
    """When the occurrences of a recurring window begin and how long each lasts."""

    days: Recurrence
    at: time  # on the local clock of `zone`
    seconds: float
    zone: str  # IANA name


@dataclass(frozen=True, slots=True)
class Window:
    """Planned work at matching units: once from `starts` to `ends`, or again and again between them."""

    id: str
    matchers: tuple[Matcher, ...]  # about units only
    starts: datetime  # aware UTC
    ends: datetime  # of a recurring one: by then all is over
    by: str
    comment: str
    created: datetime
    repeat: Repeat | None = None
    ended_by: str = ""

    @property
    def reason(self) -> str:
        """Why a notice is held back, in words for the outbox."""
        return f"maintenance {self.id}"

    def spans(self, start: datetime, end: datetime) -> Iterator[Span]:
        """Its occurrences that touch [start, end), in order, uncut by those bounds."""
        if self.repeat is None:
            yield from _within([Span(self.starts, self.ends)], start, end)
            return
        zone, lasts = ZoneInfo(self.repeat.zone), timedelta(seconds=self.repeat.seconds)
        first, last = max(start, self.starts) - lasts, min(end, self.ends)
        # One day early: a start that clocks skip may belong to the day before.
        yield from _within(self._occurrences(_day(first, zone) - _DAY, _day(last, zone)), start, end)

    def _occurrences(self, first: date, last: date) -> Iterator[Span]:
        assert self.repeat is not None
        zone, lasts = ZoneInfo(self.repeat.zone), timedelta(seconds=self.repeat.seconds)
        for ahead in range((last - first).days + 1):
            day = first + ahead * _DAY
            if self.repeat.days.falls_on(day):
                begins = first_instant(datetime.combine(day, self.repeat.at), zone)
                yield Span(max(begins, self.starts), min(begins + lasts, self.ends))

    def active(self, now: datetime) -> Span | None:
        """The occurrence that is under way."""
        return next(self.spans(now, now + timedelta.resolution), None)

    def next_change(self, now: datetime, horizon: datetime) -> datetime | None:
        """The next instant after `now` and before `horizon` at which an occurrence begins or ends."""
        edges = (edge for span in self.spans(now, horizon) for edge in (span.starts, span.ends))
        return min((edge for edge in edges if now < edge < horizon), default=None)

    def when(self, now: datetime) -> When:
        """Coming (also between two occurrences), active or past."""
        if self.repeat is None:
            return _when(now, self.starts, self.ends)
        if now >= self.ends:
            return When.PAST
        return When.ACTIVE if self.active(now) else When.COMING


@dataclass(frozen=True)
class Muting:
    """All silences and windows that a decision may look at. The answers for a unit's windows are remembered."""

    silences: tuple[Silence, ...] = ()
    windows: tuple[Window, ...] = ()
    _of_unit: dict[str, tuple[Window, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def windows_of(self, code: str, units: Units) -> tuple[Window, ...]:
        """Windows, whenever they are, that are about a unit."""
        if not self.windows:
            return ()
        found = self._of_unit.get(code)
        if found is None:
            about = subject(code, units)
            found = tuple(window for window in self.windows if matches(window.matchers, about))
            self._of_unit[code] = found
        return found

    def with_all(self, more: Iterable[Silence | Window]) -> Muting:
        """The same with what was ordered at run time, which replaces a window of the site with the same id."""
        more = tuple(more)
        changed = {one.id for one in more}
        silences = (*self.silences, *(one for one in more if isinstance(one, Silence)))
        windows = tuple(window for window in self.windows if window.id not in changed)
        return Muting(silences, (*windows, *(one for one in more if isinstance(one, Window))))

    def having(self, what: Silence | Window, now: datetime) -> Muting:
        """The same with one more, or one changed; what was over long ago is dropped."""

        def kept(one: Silence | Window) -> bool:
            return one.id != what.id and one.ends > now - REMEMBERED

        silences, windows = tuple(filter(kept, self.silences)), tuple(filter(kept, self.windows))
        if isinstance(what, Silence):
            return Muting((*silences, what), windows)
        return Muting(silences, (*windows, what))

    def silence(self, subject: Subject, now: datetime) -> Silence | None:
        """The silence that covers an incident; of several the one that ends last."""
        covering = (s for s in self.silences if s.starts <= now < s.ends and matches(s.matchers, subject))
        return max(covering, key=lambda silence: (silence.ends, silence.id), default=None)

    def next_silence_change(self, now: datetime) -> datetime | None:
        """The next instant at which any silence begins or ends."""
        edges = (edge for silence in self.silences for edge in (silence.starts, silence.ends))
        return min((edge for edge in edges if edge > now), default=None)


NOTHING_MUTED = Muting()


def under_way(windows: Iterable[Window], now: datetime) -> tuple[Window, Span] | None:
    """The window that covers this instant with its occurrence; of several the one that ends last."""
    found = ((window, span) for window in windows if (span := window.active(now)) is not None)
    return max(found, key=lambda pair: (pair[1].ends, pair[0].id), default=None)


def maintenance_spans(windows: Iterable[Window], start: datetime, end: datetime) -> tuple[Span, ...]:
    """The time within [start, end) that is under maintenance, cut to it, merged and in order.

    What is measured then is no outage and no availability: a reader takes it out of both sides of the ratio.
    """
    if start >= end:
        return ()
    cut = (
        Span(max(span.starts, start), min(span.ends, end)) for window in windows for span in window.spans(start, end)
    )
    merged: list[Span] = []
    for span in sorted(cut, key=lambda one: one.starts):
        if merged and span.starts <= merged[-1].ends:
            merged[-1] = Span(merged[-1].starts, max(merged[-1].ends, span.ends))
        else:
            merged.append(span)
    return tuple(merged)


def ended(mute: Silence | Window, by: str, now: datetime) -> Silence | Window:
    """The same, over from now on. Raises ValueError when it is over already."""
    if now >= mute.ends:
        raise ValueError(f"{mute.id} is over already")
    return replace(mute, starts=min(mute.starts, now), ends=now, ended_by=by)


def mistake(mute: Silence | Window, now: datetime) -> tuple[str, str] | None:
    """Which part of it is wrong (from, for, until), and a sentence that says what would be right; None: all is well."""
    if mute.ends <= mute.starts:
        return "until", "it ends before it starts; give an end after the start"
    if mute.ends <= now:
        return "until", "its end has passed; give an end in the future"
    if mute.starts > now + FURTHEST_START:
        return "from", f"it starts more than {FURTHEST_START.days} days ahead; add it later"
    if isinstance(mute, Window) and mute.repeat is not None:
        return _mistake_of_series(mute, mute.repeat)
    longest = LONGEST_SILENCE if isinstance(mute, Silence) else LONGEST_WINDOW
    if mute.ends - mute.starts > longest:
        days = (mute.ends - mute.starts).days
        return "until", f"it lasts {days} days; at most {longest.days} days, then say it again"
    return None


def _mistake_of_series(window: Window, repeat: Repeat) -> tuple[str, str] | None:
    if window.ends - window.starts > LONGEST_SERIES:
        days = (window.ends - window.starts).days
        return "until", f"it comes again for {days} days; give an 'until' within {LONGEST_SERIES.days} days"
    if not 0 < repeat.seconds <= LONGEST_WINDOW.total_seconds():
        return (
            "for",
            f"it lasts {repeat.seconds:g} s each time; from a second to {LONGEST_WINDOW.days} days are possible",
        )
    spans = list(window.spans(window.starts, window.ends))
    if not spans:
        return "until", "it never begins between its start and its 'until'; give a later one"
    if any(later.starts <= earlier.ends for earlier, later in pairwise(spans)):
        return "for", "it begins again before it has ended; make it shorter or rarer"
    return None


def identity(sort: str, at: datetime, *said: str) -> str:
    """A short name for people, derived from what was said and when, never random: S-7QK2MZ, M-..."""
    digest = blake2b("\0".join((sort, at.astimezone(UTC).isoformat(), *said)).encode(), digest_size=8).digest()
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that reads like another
    return f"{sort}-" + "".join(letters[byte % len(letters)] for byte in digest[:6])


def _when(now: datetime, starts: datetime, ends: datetime) -> When:
    if now >= ends:
        return When.PAST
    return When.COMING if now < starts else When.ACTIVE


def _within(spans: Iterable[Span], start: datetime, end: datetime) -> Iterator[Span]:
    return (span for span in spans if span.starts < span.ends and span.starts < end and span.ends > start)


def _day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def newest_first(found: Sequence[Silence | Window], now: datetime) -> list[Silence | Window]:
    """For lists: active ones, then coming, then past; the nearest to now first."""
    order = [When.ACTIVE, When.COMING, When.PAST]

    def rank(mute: Silence | Window) -> tuple[int, float, str]:
        when = mute.when(now)
        far = (mute.starts if when is When.COMING else mute.ends) - now
        return order.index(when), abs(far.total_seconds()), mute.id

    return sorted(found, key=rank)
