"""Until when a message is worth sending: each sort of message against the table, and what it ends with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.alerting.digests import BRIEF
from monitor.alerting.notices import STILL_OPEN
from monitor.alerting.outcome import Way, follow
from monitor.alerting.plan import Policy, StepSpec
from monitor.alerting.replies import REPLY
from monitor.alerting.worth import DAY, HOUR, too_late
from monitor.model.colour import Colour
from monitor.model.incident import LATER, OWN_PREFIX, Fault, Kind, Notice, Outcome
from monitor.model.state import Withhold
from tests.unit.alerting_scene import CHAIR, DIRECTORY, FOCAL, HEAD, centre, local, minutes, reacted
from tests.unit.alerting_scene import HOUR as AN_HOUR

NOW = datetime(2025, 8, 6, 2, tzinfo=UTC)
CALL = Notice(
    "02143/centre/t/0/0/0/focal/sms", "02143/centre/t", "ABC234", "02143", "outage", "focal", "sms",
    NOW, "", "", "DO", urgent=True, cause="centre", trouble=Kind.OUTAGE, colour=Colour.RED,
)  # fmt: skip
YELLOW = replace(CALL, kind="kpi_yellow", trouble=Kind.KPI_YELLOW, colour=Colour.YELLOW, urgent=False)
SILENT = replace(CALL, kind="silent", trouble=Kind.SILENT, colour=Colour.UNKNOWN, urgent=False)
OVER = replace(CALL, kind="recovered", requires=CALL.key, urgent=False)
REMINDER = replace(CALL, kind=STILL_OPEN, until=NOW + HOUR / 2)
ANSWER = replace(CALL, kind=REPLY, cause="", trouble=None, colour=None, incident="reply/sms/1")
DIGEST = replace(CALL, kind=BRIEF, cause="", trouble=None, colour=None, incident="digest/19/2025-08-06T07:30")
OWN = replace(CALL, kind="self", cause="", trouble=None, colour=None, incident=f"{OWN_PREFIX}no_sweep/t")
EVER = timedelta(days=400)
SORTS = {
    "a red call": (CALL, None, None),
    "a yellow call": (YELLOW, DAY, Outcome.REFUSED),
    "that a source is silent": (SILENT, DAY, Outcome.REFUSED),
    "that it is over": (OVER, DAY, Outcome.SUPPRESSED),
    "a reminder to who answered": (REMINDER, HOUR / 2, Outcome.SUPPRESSED),
    "an answer to a message": (ANSWER, HOUR, Outcome.SUPPRESSED),
    "a digest": (DIGEST, None, None),
    "the monitor's own alarm": (OWN, None, None),
}


@pytest.mark.parametrize("sort", SORTS)
def test_each_message_is_worth_sending_for_as_long_as_the_table_says(sort):
    notice, lasts, outcome = SORTS[sort]
    last = EVER if lasts is None else lasts - timedelta.resolution
    assert too_late(notice, NOW, NOW + last, maybe_sent=False) is None
    if lasts is not None:
        receipt = too_late(notice, NOW, NOW + lasts, maybe_sent=False)
        assert receipt is not None and receipt.outcome is outcome
        assert receipt.detail == f"too late: it was worth sending until {NOW + lasts:%Y-%m-%d %H:%M} UTC"


def test_what_held_a_message_back_makes_it_no_later():
    assert too_late(OVER, NOW + DAY, NOW + 1.5 * DAY, maybe_sent=False) is None
    assert too_late(REMINDER, NOW + DAY, NOW + 1.5 * DAY, maybe_sent=False) is not None  # its end stands in it


def test_what_may_have_gone_and_is_late_is_perhaps_sent():
    receipt = too_late(YELLOW, NOW, NOW + DAY, maybe_sent=True)
    assert receipt is not None and receipt.outcome is Outcome.MAYBE_SENT


def test_what_is_too_late_goes_by_no_other_channel():
    receipt = too_late(YELLOW, NOW, NOW + DAY, maybe_sent=False)
    assert receipt is not None and receipt.fault is Fault.LATE
    after = follow(receipt, YELLOW, Way(next_of={"focal": "mail"}), 1, NOW + DAY, 0.0)
    assert (after.receipt, after.again_at, after.next_channel) == (receipt, None, "")


# --- a later call replaces an earlier one ------------------------------------------------------------------------

OPENED = local(6, 9)
DOWN = centre(Colour.RED, OPENED, 16.0)


def test_a_call_that_still_waits_is_replaced_by_the_next_one_to_the_same_address():
    told = reacted({}, DOWN, OPENED)
    assert told.withheld == ()
    first = reacted(told.open, DOWN, OPENED + minutes(120))  # head, and the chair for the first time
    assert first.withheld == ()
    again = reacted(first.open, DOWN, OPENED + minutes(180))
    (before,) = (notice.key for notice in first.notices if notice.recipient == "chair")
    assert [notice.recipient for notice in again.notices] == ["chair"]
    assert again.withheld == (Withhold(again.notices[0].incident, LATER, notices=frozenset({before})),)


def called_by(*via: tuple[str, ...]):
    """The keys that each further call of the focal point by these channels replaces, as step, repeat and channel."""
    steps = tuple(StepSpec(number * AN_HOUR, ("commune_focal",), channels) for number, channels in enumerate(via))
    focal = replace(FOCAL, channels=("zalo", "sms", "mail"), after={"zalo": "sms"})
    directory = replace(DIRECTORY, policies=(Policy("all", frozenset(Kind), steps),), recipients=(focal, HEAD, CHAIR))
    alerts = reacted({}, DOWN, OPENED, directory=directory)
    found = []
    for number in range(1, len(via)):
        alerts = reacted(alerts.open, DOWN, OPENED + minutes(60 * number), directory=directory)
        keys = {key for order in alerts.withheld for key in order.notices or ()}
        found.append({tuple(key.split("/")[-4:-3] + key.split("/")[-1:]) for key in keys})
    return found


def test_what_took_over_from_another_channel_is_replaced_with_it():
    assert called_by(("zalo",), ("zalo",)) == [{("0", "zalo"), ("0", "sms")}]
    assert called_by(("zalo",), ("sms",)) == [{("0", "sms")}]
    assert called_by(("mail",), ("sms",)) == [set()]  # by another way: both are told
    assert called_by(("sms",), ("zalo",)) == [set()]
