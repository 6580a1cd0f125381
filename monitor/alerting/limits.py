"""How many messages a channel may carry: to one recipient, altogether, and in a day. Pure counting, no clock.

What is over a limit is held with its reason until there is room again; nothing is dropped. Whoever waits is asked in
the order in which the outbox sends, urgent before old, so what is short goes to what is urgent. Of the day's messages
a part can be kept back for urgent ones. What is urgent, would wait longer than a minute and can be told by another
channel is passed on to that; where there is none, or what is not urgent waits for long, whoever runs the monitor is
told (`monitor.alerting.unheard`). What the monitor says of itself is counted and never held: it may be that the limit
is what is wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from monitor.alerting.muting import Held
from monitor.alerting.retry import URGENT


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many messages in any stretch of so many seconds."""

    number: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What one channel may carry. None: as much as it likes."""

    per_recipient: Rate | None = None
    per_channel: Rate | None = None
    per_day: int | None = None  # messages from midnight to midnight
    reserve: int = 0  # of these, only for urgent ones
    zone: tzinfo = UTC  # whose midnight
    others: Collection[str] = ()  # recipients who can be told by another channel

    @property
    def bound(self) -> bool:
        """Whether anything is limited at all."""
        return (self.per_recipient, self.per_channel, self.per_day) != (None, None, None)

    def day_start(self, now: datetime) -> datetime:
        """The last midnight, aware UTC."""
        return now.astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Spent:
    """Messages that went, may have gone or are going, within a stretch of time."""

    number: int = 0
    oldest: datetime | None = None  # when the first of them went


@dataclass(frozen=True, slots=True)
class Counts:
    """What a channel has carried so far."""

    recipients: Mapping[str, Spent] = field(default_factory=dict)  # within the time of `per_recipient`
    channel: Spent = Spent()  # within that of `per_channel`
    day: int = 0  # since the last midnight


@dataclass(frozen=True, slots=True)
class Waiting:
    """One notice that is due."""

    key: str
    recipient: str
    urgent: bool
    own: bool = False  # about the monitor itself


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may be sent now, who is held, and who is to be told by another channel and why."""

    admitted: tuple[str, ...]
    held: Mapping[str, Held]
    passed: Mapping[str, str] = field(default_factory=dict)


def admit(waiting: Sequence[Waiting], counts: Counts, limits: Limits, now: datetime) -> Admission:
    """Go through those who wait, in their order, and count each that is admitted."""
    admitted: list[str] = []
    held: dict[str, Held] = {}
    passed: dict[str, str] = {}
    mine: dict[str, int] = {}
    for one in waiting:
        gone = Counts(
            {one.recipient: _plus(counts.recipients.get(one.recipient, Spent()), mine.get(one.recipient, 0))},
            _plus(counts.channel, len(admitted)),
            counts.day + len(admitted),
        )
        over = None if one.own else _over(one, gone, limits, now)
        if over is None:
            admitted.append(one.key)
            mine[one.recipient] = mine.get(one.recipient, 0) + 1
        elif one.urgent and one.recipient in limits.others and over.until - now > URGENT:
            passed[one.key] = over.reason
        else:
            held[one.key] = over
    return Admission(tuple(admitted), held, passed)


def _plus(spent: Spent, more: int) -> Spent:
    return Spent(spent.number + more, spent.oldest)


def _over(one: Waiting, gone: Counts, limits: Limits, now: datetime) -> Held | None:
    day = _over_day(one, gone.day, limits, now)
    if day is not None:
        return day
    if limits.per_recipient is not None:
        over = _over_rate(gone.recipients[one.recipient], limits.per_recipient, "to this recipient", now)
        if over is not None:
            return over
    return None if limits.per_channel is None else _over_rate(gone.channel, limits.per_channel, "by this channel", now)


def _over_day(one: Waiting, gone: int, limits: Limits, now: datetime) -> Held | None:
    if limits.per_day is None:
        return None
    room = limits.per_day if one.urgent else limits.per_day - limits.reserve
    if gone < room:
        return None
    kept = "" if one.urgent or not limits.reserve else f", {limits.reserve} more are kept for urgent ones"
    return Held(f"held: the day's {room} messages are used up{kept}", _next_midnight(limits, now))


def _next_midnight(limits: Limits, now: datetime) -> datetime:
    # Noon of the next day and back: a day of 23 or 25 hours has its midnight too.
    noon = limits.day_start(now) + timedelta(hours=36)
    return limits.day_start(noon)


def _over_rate(spent: Spent, rate: Rate, whose: str, now: datetime) -> Held | None:
    if spent.number < rate.number:
        return None
    free = (spent.oldest or now) + timedelta(seconds=rate.seconds)
    until = max(free, now + timedelta(seconds=1))
    return Held(f"held: {rate.number} messages {whose} in {rate.seconds:g} s", until)
