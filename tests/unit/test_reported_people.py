"""What a report says of the past of an incident or a message, and that it names nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.model.colour import Colour
from monitor.model.incident import Delivery, Incident, Kind, Notice, Outcome, Phase
from monitor.reporting.anonymous import masked, person
from monitor.reporting.deliveries import state_at
from monitor.reporting.incidents import as_it_was

START = datetime(2026, 11, 18, 1, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


INCIDENT = Incident(
    "02143/centre/x", "ABC234", "02143", "centre", Kind.OUTAGE, Colour.RED, at(0),
    phase=Phase.CLOSED, acked_by="an", acked_at=at(10), well_since=at(30), closed_at=at(40),
)  # fmt: skip


@pytest.mark.parametrize(
    ("minute", "phase", "answered"),
    [
        (0, Phase.OPEN, False),
        (5, Phase.OPEN, False),
        (10, Phase.ACKNOWLEDGED, True),
        (29, Phase.ACKNOWLEDGED, True),
        (40, Phase.CLOSED, True),
        (500, Phase.CLOSED, True),
    ],
)
def test_an_incident_is_told_as_it_was_at_that_instant(minute, phase, answered):
    then = as_it_was(INCIDENT, at(minute))
    assert then is not None
    assert (then.phase, then.acked_by is not None, then.closed_at is not None) == (phase, answered, minute >= 40)


def test_before_it_opened_there_was_no_incident():
    assert as_it_was(INCIDENT, at(-1)) is None


def test_an_answer_that_had_not_come_yet_is_not_told():
    acknowledged = replace(INCIDENT, phase=Phase.ACKNOWLEDGED, well_since=None, closed_at=None)
    then = as_it_was(acknowledged, at(5))
    assert then is not None and (then.phase, then.acked_by) == (Phase.OPEN, None)


def test_a_message_that_was_sent_later_was_waiting_then():
    notice = Notice("k", "i", "R", "02143", "outage", "an", "mail", at(0), "s", "b", "t")
    sent = Delivery(notice, Outcome.SENT.value, 1, sent_at=at(7))
    assert (state_at(sent, at(5)), state_at(sent, at(7))) == ("pending", "sent")
    assert state_at(Delivery(notice, Outcome.REFUSED.value), at(5)) == "refused"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("550 no such user an.nguyen@thainguyen.gov.vn", "550 no such user a***@***"),
        ("84912345678 is not a subscriber", "***678 is not a subscriber"),
        ("gọi 0912 345 678 hoặc +84 912-345-678", "gọi ***678 hoặc ***678"),
        ("refused (0912345678)", "refused (***678)"),
        ("since 2025-08-06 16:00, 12345 of 67890", "since 2025-08-06 16:00, 12345 of 67890"),
        ("02143/centre/2025-08-19T17:00:00.050000+00:00", "02143/centre/2025-08-19T17:00:00.050000+00:00"),
        ("Quyết định 1234/QĐ-UBND, hồ sơ 000.00.19.H55-250806-0001", None),
    ],
)
def test_numbers_and_addresses_are_hidden_and_dates_and_codes_are_not(text, hidden):
    assert masked(text) == (text if hidden is None else hidden)


def test_a_person_is_one_letter_and_four_digits_always_the_same_and_nobody_is_nothing():
    assert person("an-nguyen") == person("an-nguyen") != person("an-tran")
    assert person("an-nguyen").startswith("a***") and len(person("an-nguyen")) == 8
    assert person("") == ""
