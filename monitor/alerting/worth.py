"""Until when a message is worth sending, and what it ends with then. Nothing is dropped: each gets its reason.

| message | worth sending | after that |
|---|---|---|
| call, red | while its incident is open, as it was and unanswered | withheld, or suppressed: told by a later call |
| call, not red | the same, for a day at most | refused: too late; counts among what nobody heard (`unheard`) |
| recovery | for a day | suppressed: too late |
| reminder to somebody who answered | until their answer ends | suppressed: too late |
| answer to somebody who wrote | for an hour | suppressed: too late |
| digest | until the next edition is due | suppressed: the next digest is due (`monitor.alerting.digests`) |
| the monitor's own alarm | until it is told again, answered or over | suppressed: told by a later call |

A span counts from when nothing held the message back: a silence, quiet hours, a limit and a relapse make nothing late,
and neither does the time in which the service was off: it counts from the start. What may have gone and is late is not
repeated, and stays what it is: perhaps sent.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.alerting.replies import REPLY
from monitor.model.colour import Colour
from monitor.model.incident import Fault, Notice, Outcome, Receipt

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def lasts(notice: Notice) -> timedelta | None:
    """For how long a message is worth sending; None: until something else replaces or withholds it."""
    if notice.kind == REPLY:
        return HOUR
    return DAY if notice.requires is not None or (notice.cause and notice.colour is not Colour.RED) else None


def too_late(notice: Notice, since: datetime, now: datetime, *, maybe_sent: bool) -> Receipt | None:
    """How a message ends that is not worth sending any more; None while it is. `since`: nothing has held it back."""
    span = lasts(notice)
    ends = (notice.until, None if span is None else since + span)
    over = min((at for at in ends if at is not None), default=None)
    if over is None or now < over:
        return None
    is_call = notice.cause and notice.requires is None and notice.until is None
    outcome = Outcome.MAYBE_SENT if maybe_sent else Outcome.REFUSED if is_call else Outcome.SUPPRESSED
    return Receipt(outcome, f"too late: it was worth sending until {over:%Y-%m-%d %H:%M} UTC", fault=Fault.LATE)
