"""What silences, maintenance and quiet hours hold back: calls that fall due, and notices that are owed already.

A silence stops the telling, not the watching. Two places hold it, and both ask the same pure questions:

* An incident under a silence calls nobody (`monitor.alerting.incidents`). What falls due waits and comes once when the
  silence ends, if the trouble is still there and unanswered then.
* A notice that is owed already, good news included, is not sent (`held_back`, asked within the claim). It stays owed
  and goes when the silence ends, unless it is withheld by then because the incident was answered or closed. Good news
  still goes only to those who were told. After maintenance a call waits for the first answer (`judged_first`).

Quiet hours are asked twice as well: when a call falls due (`monitor.alerting.escalate`), and here, at the claim of
what is owed. What a limit, a silence or a dead gateway kept until the night waits for the morning.

Where this itself fails, nothing is held back: a mistake in muting must page, not mute.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.alerting.digests import BRIEF
from monitor.alerting.escalate import quiet_until
from monitor.alerting.plan import Directory
from monitor.model.incident import Incident, Notice
from monitor.model.matcher import Subject, subject
from monitor.model.muting import Muting, Silence, Window, maintenance_spans, under_way
from monitor.model.unit import Units

JUDGED_FIRST = "held: its unit is judged anew after the maintenance"
NEXT_ANSWER = timedelta(minutes=1)  # after which it is looked whether it was
LOOK_AGAIN = timedelta(minutes=15)  # what is held is asked for again, so nothing outlives a window that was taken away


@dataclass(frozen=True, slots=True)
class Held:
    """Why a notice is not sent now (muted, in quiet hours, or over a limit), and when to ask again."""

    reason: str
    until: datetime


def silence_of(incident: Incident, about: Subject, muting: Muting, now: datetime) -> Silence | None:
    """The silence that covers an incident now."""
    if not muting.silences:
        return None
    kind, colour = incident.kind.value, incident.colour.value
    return muting.silence(replace(about, criterion=incident.cause, kind=kind, colour=colour), now)


def held_back(notice: Notice, muting: Muting, units: Units, now: datetime) -> Held | None:
    """Why a notice that is owed must not be sent at this instant; None when it may. Only incidents are muted."""
    if not notice.cause or notice.unit not in units:
        return None
    work = under_way(muting.windows_of(notice.unit, units), now)
    if work is not None:
        window, span = work
        return Held(window.reason, min(span.ends, now + LOOK_AGAIN))
    if not muting.silences:
        return None
    kind = notice.trouble.value if notice.trouble else ""
    colour = notice.colour.value if notice.colour else ""
    about = subject(notice.unit, units, notice.cause, kind, colour)
    silence = muting.silence(about, now)
    return None if silence is None else Held(silence.reason, min(silence.ends, now + LOOK_AGAIN))


def judged_first(
    notice: Notice, incidents: Iterable[Incident], windows: Iterable[Window], now: datetime
) -> Held | None:
    """That a call from before planned work waits, as its plan does, until its unit was judged anew; None: it may go.

    `incidents` are those of its unit. At most a quarter of an hour after the work, which may be all that is known.
    """
    paused = any(one.key == notice.incident and one.paused_since is not None for one in incidents)
    works = maintenance_spans(windows, now - LOOK_AGAIN, now) if paused else ()
    ends = works[-1].ends + LOOK_AGAIN if works else now
    return Held(JUDGED_FIRST, min(ends, now + NEXT_ANSWER)) if now < ends else None


def asleep(notice: Notice, directory: Directory, zone: ZoneInfo, now: datetime) -> Held | None:
    """That a message of an incident, or a digest, waits for the end of its recipient's quiet hours; None: it may go.

    An answer to somebody who wrote, and what the monitor says of itself, do not wait.
    """
    person = directory.person(notice.recipient)
    if person is None or not (notice.cause or notice.kind == BRIEF):
        return None
    ends = quiet_until([person], notice.trouble, notice.colour, zone, now).get(person.id)
    return None if ends is None else Held("held: the recipient has quiet hours", ends)
