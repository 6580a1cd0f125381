"""The life of a notice in the outbox, for both stores.

    pending ──lease──> leased ──settle──> sent | refused | maybe_sent | suppressed     (final)
       ^                 │  └──expires──> unknown, maybe sent
       └── try_again / unknown, claimable again at next_at

A notice that is withheld while leased keeps the reason: the send under way may still end as sent, but it is not
repeated, and no other channel takes over. So does one that was sent already, for its provider may still say that it
failed: another channel takes over then, unless the message was withheld meanwhile.

Good news waits while its trouble is there again, in a later incident. Once its address has heard of that one it is
suppressed; where that one ends before, the good news goes. So it does where the trouble came back in the same incident;
who has heard of the end by then, and of nothing bad since, does not hear of it again.

What is over a limit becomes try_again without an attempt: it counts among what nobody took so far, and where it is not
urgent only once it has waited for long.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from monitor.model.incident import FAILED, LATER, LEFT, Fault, Notice, Outcome, Phase, Receipt

_YEAR = 31_557_600.0  # seconds
PENDING = "pending"
LEASED = "leased"
WAITING = frozenset({PENDING, Outcome.TRY_AGAIN.value, Outcome.UNKNOWN.value})  # claimable when their time has come
UNDECIDED = WAITING | {LEASED}
FINAL = frozenset({Outcome.SENT.value, Outcome.REFUSED.value, Outcome.MAYBE_SENT.value, Outcome.SUPPRESSED.value})
MAYBE = frozenset({Outcome.UNKNOWN, Outcome.MAYBE_SENT})  # the recipient may have heard of it

IN_VAIN = frozenset({Outcome.REFUSED.value, Outcome.MAYBE_SENT.value, Outcome.TRY_AGAIN.value, Outcome.UNKNOWN.value})
WENT = frozenset({LEASED, Outcome.SENT.value})  # may still be found to have failed
FALLIBLE = WAITING | WENT  # with at least one attempt
DIRECT = "sent past the outbox"
NEVER_TOLD = "never_told"  # why a recovery is suppressed whose bad news did not go out
OVER = "its end was told before"  # ... or whose address has heard nothing bad since
BACK = "the trouble is back"  # ... or of which the trouble was told anew before it went
THERE = frozenset({Phase.OPEN.value, Phase.ACKNOWLEDGED.value, Phase.CLOSING.value})  # of incidents that are not over


def state_after(outcome: Outcome, withheld: str) -> str:
    """State of a notice after a send: an outcome's own word, but what is withheld is not tried again."""
    return Outcome.SUPPRESSED.value if withheld and outcome.value in WAITING else outcome.value


def detail_after(outcome: Outcome, said: str, withheld: str) -> str:
    """Why the notice is as it is: the transport's words, or the reason for which it is not tried again."""
    return withheld if withheld and outcome.value in WAITING else said


def planned(receipt: Receipt, notice: Notice) -> bool:
    """Whether waiting is what was meant: at night Zalo sends nothing, and nothing urgent waits for its morning."""
    return receipt.outcome is Outcome.TRY_AGAIN and receipt.fault is Fault.NIGHT and not notice.urgent


def not_before(due_at: datetime, fell_due: bool, now: datetime, by: float) -> datetime:
    """The earliest instant to which a wait may be moved when the clock was set back `by` seconds (a year: by nobody
    knows how much).

    What was owed ahead of its time waits for it: a recovery in the morning, a digest, a reminder. `fell_due`: the time
    of this one has come before, for it is a call, which is owed when it falls due, or it was tried; it lies ahead only
    because the clock did.
    """
    ahead = due_at > now and (not fell_due if by >= _YEAR else due_at > now + timedelta(seconds=by))
    return due_at if ahead else now


def place(placed_at: datetime, next_at: datetime, by: float) -> datetime:
    """The place of what is claimed at `next_at` since the clock was set back: before what is owed from then on."""
    return placed_at - timedelta(seconds=by) if placed_at > next_at else placed_at


def was_told(state: str, maybe_sent: bool, final: str) -> bool:
    """Whether the recipient heard of it, as far as anybody can know: an attempt that ended unknown counts as heard."""
    return (state == Outcome.SENT.value or maybe_sent) and final != FAILED


def failed(state: str, attempt: int, final: str, detail: str) -> bool:
    """Whether a notice did not reach its provider so far: refused, given up, over a limit, tried in vain, owed to
    somebody who left, or in vain until a later call; or failed afterwards."""
    if state in IN_VAIN or (state == LEASED and attempt > 1):
        return True
    return (
        left(state, detail)
        or (state == Outcome.SUPPRESSED.value and detail == LATER)
        or (state == Outcome.SENT.value and final == FAILED)
    )


def left(state: str, detail: str) -> bool:
    """Whether a notice went to nobody because its recipient had left, and somebody else is called instead."""
    return state == Outcome.SUPPRESSED.value and detail == LEFT


def directly(receipt: Receipt) -> dict[str, Any]:
    """What there is to know of a message that went past the outbox."""
    return {"state": Outcome.SENT.value, "attempt": 1, "detail": DIRECT, "provider_id": receipt.id}


def handed_over(channel: str) -> str:
    """Why a notice is not repeated whose provider said that it failed."""
    return f"failed, its provider says; told by {channel} instead"
