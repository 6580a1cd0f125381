"""What silences and maintenance hold back: calls that fall due, and notices that are owed already.

A silence stops the telling, not the watching. Two places hold it, and both ask the same pure questions:

* An incident under a silence calls nobody (`monitor.alerting.incidents`). What falls due waits and comes once when the
  silence ends, if the trouble is still there and unanswered then.
* A notice that is owed already, good news included, is not sent (`held_back`, asked within the claim). It stays owed
  and goes when the silence ends, unless it is withheld by then because the incident was answered or closed. Good news
  still goes only to those who were told.

Where this itself fails, nothing is held back: a mistake in muting must page, not mute.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.model.incident import Incident, Notice
from monitor.model.matcher import Subject, subject
from monitor.model.muting import Muting, Silence, under_way
from monitor.model.unit import Units

LOOK_AGAIN = timedelta(minutes=15)  # what is held is asked for again, so nothing outlives a window that was taken away


@dataclass(frozen=True, slots=True)
class Held:
    """Why a notice is not sent now (muted, or over a limit), and when to ask again."""

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
