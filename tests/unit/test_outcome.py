"""What follows a send, by the table in monitor.alerting.outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitor.alerting.outcome import REST, Following, Way, follow, take_over
from monitor.model.incident import Fault, Notice, Outcome, Receipt

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
EVENING = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)  # 23:30 in Hanoi
NOTICE = Notice(
    "i/0/1/0/focal/zalo", "i", "S10234", "00010", "outage", "focal", "zalo", EVENING, "s", "b", "sms", urgent=True
)
CHAIN = Way(next_of={"focal": "sms"})
ALONE = Way()


def after(receipt: Receipt, way: Way, *, urgent: bool = True, attempt: int = 1) -> Following:
    return follow(receipt, replace(NOTICE, urgent=urgent), replace(way, zone=HANOI), attempt, EVENING, 0.0)


def refused(fault: Fault) -> Receipt:
    return Receipt(Outcome.REFUSED, "said no", fault=fault)


def test_what_was_sent_is_done():
    assert after(Receipt(Outcome.SENT), CHAIN) == Following(Receipt(Outcome.SENT))


@pytest.mark.parametrize("fault", [Fault.LEFT, Fault.LATE])
def test_who_left_the_post_and_what_is_too_late_goes_by_no_other_channel_either(fault):
    assert after(refused(fault), CHAIN) == Following(refused(fault))


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in (Fault.LEFT, Fault.LATE)])
def test_whatever_is_refused_goes_to_the_next_channel(fault):
    found = after(refused(fault), CHAIN)
    assert (found.receipt.outcome, found.next_channel, found.again_at) == (Outcome.REFUSED, "sms", None)


@pytest.mark.parametrize("fault", [Fault.RECIPIENT, Fault.MESSAGE])
def test_without_a_next_channel_what_is_refused_stays_refused(fault):
    assert after(refused(fault), ALONE) == Following(refused(fault))


@pytest.mark.parametrize("fault", [Fault.CHANNEL, Fault.LOGIN])
def test_a_broken_channel_is_asked_again_where_there_is_no_other(fault):
    found = after(refused(fault), ALONE)
    assert (found.receipt.outcome, found.again_at) == (Outcome.TRY_AGAIN, EVENING + REST)


def test_a_used_up_quota_is_back_after_midnight_and_the_night_ends_at_six():
    assert after(refused(Fault.QUOTA), ALONE).again_at == datetime(2026, 11, 20, 17, tzinfo=UTC)
    assert after(refused(Fault.NIGHT), ALONE).again_at == datetime(2026, 11, 20, 23, tzinfo=UTC)


def test_at_night_only_what_is_urgent_goes_to_the_next_channel():
    assert after(refused(Fault.NIGHT), CHAIN).next_channel == "sms"
    calm = after(refused(Fault.NIGHT), CHAIN, urgent=False)
    assert (calm.receipt.outcome, calm.next_channel) == (Outcome.TRY_AGAIN, "")
    assert calm.again_at == datetime(2026, 11, 20, 23, tzinfo=UTC)


def test_what_may_have_arrived_is_repeated_only_where_that_is_recognised():
    unknown = Receipt(Outcome.UNKNOWN, "timed out")
    assert after(unknown, CHAIN).next_channel == ""
    blind = after(unknown, replace(CHAIN, blind=True))
    assert (blind.receipt.outcome, blind.next_channel) == (Outcome.MAYBE_SENT, "sms")
    alone = after(unknown, Way(blind=True))
    assert alone.receipt.outcome is Outcome.UNKNOWN and alone.again_at is not None
    assert (alone.again_at - EVENING).total_seconds() >= 300


@pytest.mark.parametrize("outcome", [Outcome.TRY_AGAIN, Outcome.UNKNOWN])
def test_what_is_urgent_waits_for_three_failures_of_a_channel_and_what_is_not_for_half_an_hour_of_them(outcome):
    assert after(Receipt(outcome), CHAIN, attempt=2).next_channel == ""
    found = after(Receipt(outcome), CHAIN, attempt=3)
    assert found.next_channel == "sms"
    assert found.receipt.outcome is (Outcome.REFUSED if outcome is Outcome.TRY_AGAIN else Outcome.MAYBE_SENT)
    assert after(Receipt(outcome), CHAIN, attempt=29, urgent=False).next_channel == ""
    assert after(Receipt(outcome), CHAIN, attempt=30, urgent=False).next_channel == "sms"
    assert after(Receipt(outcome), ALONE, attempt=9).receipt.outcome is outcome


@pytest.mark.parametrize("outcome", [Outcome.TRY_AGAIN, Outcome.UNKNOWN])
def test_what_is_urgent_waits_no_longer_than_a_minute_for_a_gateway_that_asks_for_more(outcome):
    busy = Receipt(outcome, "HTTP 429", retry_after=3600.0)
    found = after(busy, CHAIN)
    assert found.next_channel == "sms" and found.receipt.outcome.value in ("refused", "maybe_sent")
    assert after(replace(busy, retry_after=60.0), CHAIN).again_at == EVENING + timedelta(seconds=60)
    assert after(busy, CHAIN, urgent=False).again_at == after(busy, ALONE).again_at == EVENING + timedelta(hours=1)


def test_the_next_channel_owes_the_same_text_under_the_key_of_its_own_and_the_chain_goes_on():
    sms = take_over(NOTICE, "sms")
    assert (sms.key, sms.channel, sms.instead_of, sms.due_at) == ("i/0/1/0/focal/sms", "sms", "zalo", NOTICE.due_at)
    assert take_over(sms, "mail").instead_of == "zalo"
    assert (sms.origin, NOTICE.origin) == ("zalo", "zalo")


def test_two_answers_to_replies_that_another_channel_tells_are_two():
    first, second = (take_over(replace(NOTICE, key=f"reply/zalo/{digest}"), "sms") for digest in ("aa", "bb"))
    assert (first.key, second.key) == ("reply/zalo/aa/sms", "reply/zalo/bb/sms")
    assert take_over(first, "mail").key == "reply/zalo/aa/mail"
