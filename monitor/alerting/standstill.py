"""After a time in which nobody looked (no power, a long restart): what waited is told when its unit was asked again.

A call is doubted that fell due before the service began to look, more than `OVERSLEPT` ago, and of whose trouble no
answer has come since. It waits until as many answers as are needed to be believed had their time to come (`patience`);
what is over by then is not told. Steps are put off (`monitor.alerting.escalate`), what is in the outbox waits at its
claim.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from monitor.alerting.collapse import once_more
from monitor.engine.book import Criterion, Indicator
from monitor.model.colour import Colour
from monitor.model.incident import Incident, Kind, Notice
from monitor.model.state import UnitState
from monitor.model.verdict import CriterionState

OVERSLEPT = timedelta(minutes=5)
_OF_MANY = (Kind.MASS, Kind.SILENT)
ASKED_FIRST = "held: its unit is asked first"


def doubted_until(
    due_at: datetime, said_at: datetime | None, began: datetime | None, wait: timedelta, now: datetime
) -> datetime | None:
    """Until when a call waits for its unit; None: it need not. `began`: when the service began to look; `said_at`: when
    the last answer came that says that the trouble is there."""
    if began is None or said_at is None or said_at > began or due_at >= min(began, now - OVERSLEPT):
        return None
    until = min(began, now) + wait  # the clock may have been set back since
    return until if now < until else None


def said(incident: Incident, state: CriterionState | None) -> datetime | None:
    """When the last answer came that says that the trouble of an incident is there; None: nobody knows. Of many units,
    and of a source that is silent, none is counted: they are asked again in any case."""
    if incident.kind in _OF_MANY:
        return incident.opened_at
    heard = state.verdict.received_at if state else None
    well = state is not None and state.raw is Colour.GREEN  # and not yet for long enough to be believed
    return incident.opened_at if heard is not None and well else heard


def patience(incident: Incident, rules: Mapping[str, Criterion], indicators: Mapping[str, Indicator]) -> timedelta:
    """For how long the next answers are waited for; nothing where none was promised."""
    if incident.kind in _OF_MANY:
        return OVERSLEPT
    rule = rules.get(incident.cause)
    return once_more(indicators.get(rule.indicator or ""), rule.keep.readings) if rule else timedelta(0)


def held_until(
    notice: Notice,
    state: UnitState | None,
    rules: Mapping[str, Criterion],
    indicators: Mapping[str, Indicator],
    began: datetime | None,
    now: datetime,
) -> datetime | None:
    """The same of a message that is owed; good news and what is of no open incident does not wait."""
    incidents = state.incidents.values() if state and notice.requires is None else ()
    incident = next((one for one in incidents if one.key == notice.incident), None)
    if state is None or incident is None:
        return None
    last, wait = said(incident, state.criteria.get(incident.cause)), patience(incident, rules, indicators)
    return doubted_until(notice.due_at, last, began, wait, now)
