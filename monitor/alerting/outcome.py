"""What follows a send: is the notice done, tried again and when, or does the recipient's next channel take over?

| the send ended | with a next channel | without one |
|---|---|---|
| sent | done | done |
| try again | later, with back-off; the 30th try (urgent: the third, or a long wait): refused, next channel | later |
| refused: recipient, message | refused, next channel | refused |
| refused: too late (`worth`) | refused | refused |
| refused: left the post | suppressed where the plan calls somebody instead, else refused | the same |
| refused: channel (configuration, money, login) | refused, next channel; the channel rests | later; the channel rests |
| refused: quota | refused, next channel | after midnight |
| refused: night | urgent: refused, next channel; else at six | at six |
| unknown, a repeat would be recognised | later, same key, marked; as above: maybe sent, next channel | later |
| unknown, a repeat would ring twice | maybe sent, next channel | later, after a long pause, marked |

A notice that an earlier life left as unknown is treated like an unknown send before it is sent again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta, tzinfo

from monitor.alerting.limits import Limits
from monitor.alerting.retry import URGENT, next_try
from monitor.model.incident import Fault, Notice, Outcome, Receipt

PATIENCE = 3  # attempts of an urgent notice by one channel while there is another
CALM = 30  # of one that is not: about half an hour
MORNING = time(6)  # assumed: Zalo says that messages are not sent at night, not until when
REST = timedelta(seconds=60)  # after a fault of the channel itself, before it is asked again


# what is not decided yet -> how it ends where another channel takes over
_UNDONE = {Outcome.TRY_AGAIN: Outcome.REFUSED, Outcome.UNKNOWN: Outcome.MAYBE_SENT}


@dataclass(frozen=True, slots=True)
class Way:
    """How one channel is used."""

    parallel: int = 1  # sends at once
    blind: bool = False  # a repeat is not recognised by the provider: the telephone rings twice
    limits: Limits | None = None
    next_of: Mapping[str, str] = field(default_factory=dict)  # recipient -> channel that takes over
    zone: tzinfo = UTC  # of the site: whose night and midnight

    @property
    def admits(self) -> Limits | None:
        """The limits, and who can be told by another channel."""
        return None if self.limits is None else replace(self.limits, others=self.next_of)


@dataclass(frozen=True, slots=True)
class Following:
    """What becomes of a notice: its receipt as stored, and when it is tried again or which channel takes over."""

    receipt: Receipt
    again_at: datetime | None = None
    next_channel: str = ""


def follow(receipt: Receipt, notice: Notice, way: Way, attempt: int, now: datetime, chance: float) -> Following:
    """See the table above. `chance` (0 to 1) spreads the tries."""
    following = "" if receipt.fault in (Fault.LEFT, Fault.LATE) else way.next_of.get(notice.recipient, "")
    if receipt.outcome is Outcome.UNKNOWN and way.blind and following:
        return Following(replace(receipt, outcome=Outcome.MAYBE_SENT), next_channel=following)
    if receipt.outcome is Outcome.REFUSED:
        return _refused(receipt, notice, following, now, way.zone)
    if receipt.outcome not in _UNDONE:
        return Following(receipt)
    blind = way.blind and receipt.outcome is Outcome.UNKNOWN
    again = next_try(receipt.outcome, attempt, now, chance, receipt.retry_after, blind=blind)
    late = notice.urgent and again - now > URGENT
    if following and (late or attempt >= (PATIENCE if notice.urgent else CALM)):
        return Following(replace(receipt, outcome=_UNDONE[receipt.outcome]), next_channel=following)
    return Following(receipt, again)


def _refused(receipt: Receipt, notice: Notice, following: str, now: datetime, zone: tzinfo) -> Following:
    waits = _waits(receipt.fault, now, zone)
    held = receipt.fault is Fault.NIGHT and not notice.urgent
    if following and not held:
        return Following(receipt, next_channel=following)
    if waits is not None:
        return Following(replace(receipt, outcome=Outcome.TRY_AGAIN), waits)
    return Following(receipt)


def _waits(fault: Fault, now: datetime, zone: tzinfo) -> datetime | None:
    """When what was refused may be taken; None: never."""
    if fault in (Fault.CHANNEL, Fault.LOGIN):
        return now + REST
    if fault is Fault.QUOTA:
        return _next(time(0), now, zone)
    return _next(MORNING, now, zone) if fault is Fault.NIGHT else None


def _next(hour: time, now: datetime, zone: tzinfo) -> datetime:
    local = now.astimezone(zone)
    today = datetime.combine(local.date(), hour, zone)
    return (today if today > local else datetime.combine(local.date() + timedelta(days=1), hour, zone)).astimezone(UTC)


def take_over(notice: Notice, channel: str) -> Notice:
    """The same message, owed by the recipient's next channel under that channel's own key, as old as it is.

    The key is the one that the plan gives to this recipient and channel: if the plan owes it already, it is not owed
    twice.
    """
    head = notice.key.removesuffix(f"/{notice.channel}")  # the key of an answer to a reply does not end with a channel
    return replace(notice, key=f"{head}/{channel}", channel=channel, instead_of=notice.origin)
