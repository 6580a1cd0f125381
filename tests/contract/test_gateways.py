"""What every message gateway promises, tried against a stand-in that speaks as the vendor documents it.

Nothing here leaves the loopback: a site's workers may dial nothing but what its allow-list names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest
import pytest_asyncio
from apprise.manager_plugins import NotificationManager

from monitor.adapters.clock import SystemClock
from monitor.adapters.transports import factory
from monitor.adapters.transports.factory import open_transports
from monitor.adapters.transports.gateways.codes import CLASSES, codes, receipt_of
from monitor.adapters.transports.gateways.registry import GATEWAYS
from monitor.config.spec import Template
from monitor.model.incident import Fault, Outcome, Receipt
from monitor.ports import Transport
from monitor.simulate.gateways import BOTS, IDEMPOTENT, FakeGateways, Mood
from tests.integration.gateway_tools import ALL, PHONE, SECRET, USER, deliver, gateway_site, notice_by, opened
from tests.integration.posts import SLACK, shelf

pytestmark = pytest.mark.integration
HURRIED = ", timeout: 2s"
OURS = tuple(name for name in ALL if name not in BOTS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def workers():
    """What is left of the workers of earlier tests."""
    async with shelf() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def line(tmp_path, request, workers, monkeypatch):
    """Stand-ins and transports of one gateway, with the options that a test names."""
    name, more = request.param
    monkeypatch.setattr(factory, "Pool", workers.pool)
    async with opened(tmp_path, name, more=more) as (fake, transports):
        yield name, fake, transports[name]


Line = tuple[str, FakeGateways, Transport]


def each(*names: str, more: str = ""):
    lines = pytest.mark.parametrize("line", [(name, more) for name in names], indirect=True, ids=names)
    return lambda test: pytest.mark.asyncio(loop_scope="module")(lines(test))


@each(*ALL)
async def test_a_message_that_was_taken_is_sent_once_with_the_providers_id(line: Line):
    name, fake, transport = line
    receipt = await deliver(transport, name)
    assert receipt.outcome is Outcome.SENT, receipt
    (arrived,) = fake.arrived
    assert arrived.to == (USER if name in ("zalooa", *BOTS) else PHONE)
    assert name in (*BOTS, "viettel", "vnpt") or receipt.id == "id-1"


@each(*ALL)
async def test_a_second_attempt_carries_the_same_name_and_is_recognised_where_that_is_possible(line: Line):
    name, fake, transport = line
    first = await deliver(transport, name)
    second = await deliver(transport, name, attempt=2, maybe_sent=True)
    assert (first.outcome, second.outcome) == (Outcome.SENT, Outcome.SENT)
    assert len(fake.arrived) == (1 if name in IDEMPOTENT else 2)


REFUSED: Mapping[str, str] = {"esms": "177", "speedsms": "105", "vietguys": "-10", "zalozns": "-118"}
MONEY: Mapping[str, str] = {"esms": "103", "speedsms": "300", "vietguys": "-9", "zalozns": "-115"}
LOGIN: Mapping[str, str] = {"esms": "101", "speedsms": "007", "vietguys": "-5", "zalozns": "-1241", "zalooa": "-242"}


@each(*REFUSED)
async def test_a_recipient_who_cannot_be_reached_is_refused_for_the_next_channel(line: Line):
    name, fake, transport = line
    fake.moods[name] = Mood("code", REFUSED[name])
    receipt = await deliver(transport, name)
    assert (receipt.outcome, receipt.fault) == (Outcome.REFUSED, Fault.RECIPIENT), receipt


@each(*MONEY)
async def test_without_money_the_channel_is_at_fault(line: Line):
    name, fake, transport = line
    fake.moods[name] = Mood("code", MONEY[name])
    receipt = await deliver(transport, name)
    assert (receipt.outcome, receipt.fault) == (Outcome.REFUSED, Fault.CHANNEL), receipt


@each(*LOGIN)
async def test_with_a_wrong_login_the_channel_is_at_fault(line: Line):
    name, fake, transport = line
    fake.moods[name] = Mood("code", LOGIN[name])
    receipt = await deliver(transport, name)
    assert (receipt.outcome, receipt.fault) == (Outcome.REFUSED, Fault.CHANNEL), receipt


@each(*ALL)
async def test_a_401_is_a_fault_of_the_channel_too(line: Line):
    name, fake, transport = line
    fake.moods[name] = Mood("status", "401")
    receipt = await deliver(transport, name)
    assert (receipt.outcome, receipt.fault) == (Outcome.REFUSED, Fault.CHANNEL), receipt


@each(*ALL)
async def test_a_5xx_after_the_message_left_ends_unknown(line: Line):
    name, fake, transport = line
    fake.moods[name] = Mood("status", "502")
    assert (await deliver(transport, name)).outcome is Outcome.UNKNOWN


@each(*ALL)
async def test_a_429_is_tried_again_when_the_gateway_says(line: Line):
    name, fake, transport = line
    fake.moods[name] = Mood("status", "429")
    receipt = await deliver(transport, name)
    assert (receipt.outcome, receipt.retry_after) == (Outcome.TRY_AGAIN, 37.0)


@each(*ALL)
async def test_a_lost_answer_ends_unknown_and_the_repeat_rings_at_most_where_it_cannot_be_recognised(line: Line):
    name, fake, transport = line
    fake.moods[name] = Mood("lost")
    assert (await deliver(transport, name)).outcome is Outcome.UNKNOWN
    fake.moods.clear()
    again = await deliver(transport, name, attempt=2, maybe_sent=True)
    assert again.outcome is Outcome.SENT
    assert len(fake.arrived) == (1 if name in IDEMPOTENT else 2)


@each(*OURS)
@pytest.mark.parametrize("mood", ["garbled", "packed", "huge"])
async def test_an_answer_that_is_not_understood_or_too_long_ends_unknown_and_the_worker_goes_on(line: Line, mood: str):
    name, fake, transport = line
    await deliver(transport, name)
    before = transport._pool.pids  # type: ignore[attr-defined]
    fake.moods[name] = Mood(mood)
    assert (await deliver(transport, name, attempt=2)).outcome is Outcome.UNKNOWN
    fake.moods.clear()
    assert (await deliver(transport, name, attempt=3)).outcome is Outcome.SENT
    assert transport._pool.pids == before  # type: ignore[attr-defined]


@each(*ALL, more=HURRIED)
@pytest.mark.parametrize("mood", ["silent", "drip"])
async def test_no_answer_and_one_that_drips_end_at_the_deadline(line: Line, mood: str):
    name, fake, transport = line
    await deliver(transport, name)
    fake.moods[name] = Mood(mood)
    async with asyncio.timeout(2 + SLACK):
        receipt = await deliver(transport, name, attempt=2)
    expected = Outcome.SENT if name in BOTS and mood == "drip" else Outcome.UNKNOWN
    assert receipt.outcome in (expected, Outcome.UNKNOWN), receipt


@each(*ALL)
async def test_a_redirect_is_not_followed(line: Line):
    name, fake, transport = line
    fake.moods[name] = Mood("redirect")
    receipt = await deliver(transport, name)
    assert receipt.outcome is Outcome.REFUSED and receipt.fault is Fault.CHANNEL
    assert sum(fake.asked.values()) - fake.asked["oauth"] == 1


@each(*ALL)
async def test_no_receipt_holds_a_secret_or_an_address(line: Line):
    name, fake, transport = line
    receipts = []
    for mood in (Mood(), Mood("code", "-1"), Mood("status", "500"), Mood("garbled"), Mood("lost")):
        if mood.kind == "code" and name in BOTS:
            continue
        fake.moods[name] = mood
        receipts.append(await deliver(transport, name))
    assert not any(word in repr(receipts) for word in (SECRET, PHONE, USER, "access-1"))


@each("esms", "speedsms", "stringee", "vietguys", "viettel", "vnpt")
async def test_an_sms_has_no_letter_that_a_gateway_might_refuse(line: Line):
    name, fake, transport = line
    await deliver(transport, name)
    assert fake.arrived[0].text == "(DO) Xa Van Lang: Cong DVC khong truy cap duoc. Ma S10234"


@each("zalozns")
async def test_a_template_gets_the_words_of_the_notice_under_its_own_names(line: Line):
    _, fake, transport = line
    await deliver(transport, "zalozns")
    fields = fake.arrived[0].fields
    assert fields["template_data"] == {"don_vi": "Xã Văn Lang", "ma": "S10234", "ly_do": "không trả lời, 81,5%"}
    assert len(fields["tracking_id"]) <= 48


@each("zalozns", more=HURRIED)
@pytest.mark.parametrize("mood", [Mood("status", "503"), Mood("lost")])
async def test_while_nobody_says_what_became_of_an_earlier_attempt_nothing_is_handed_over(line: Line, mood: Mood):
    _, fake, transport = line
    fake.moods |= {"zalozns": Mood("lost"), "status": mood}
    for attempt in (1, 2):
        receipt = await deliver(transport, "zalozns", attempt=attempt, maybe_sent=attempt > 1)
        assert receipt.outcome is Outcome.UNKNOWN, receipt
    assert len(fake.arrived) == fake.asked["zalozns"] == 1
    fake.moods.clear()
    assert (await deliver(transport, "zalozns", attempt=3, maybe_sent=True)).outcome is Outcome.SENT
    assert len(fake.arrived) == 1


@each("zalozns")
async def test_what_zalo_never_saw_is_handed_over(line: Line):
    _, fake, transport = line
    fake.moods["zalozns"] = Mood("status", "502")
    assert (await deliver(transport, "zalozns")).outcome is Outcome.UNKNOWN
    fake.moods.clear()
    assert (await deliver(transport, "zalozns", attempt=2, maybe_sent=True)).outcome is Outcome.SENT
    assert len(fake.arrived) == 1


@each("zalozns")
async def test_the_question_what_became_of_it_renews_an_access_token_too(line: Line):
    _, fake, transport = line
    fake.moods["zalozns"] = Mood("lost")
    await deliver(transport, "zalozns")
    fake.moods.clear()
    fake.access_token = "revoked-elsewhere"
    assert (await deliver(transport, "zalozns", attempt=2, maybe_sent=True)).outcome is Outcome.SENT
    assert (len(fake.arrived), fake.asked["zalozns"], fake.refreshed) == (1, 1, 2)


@each("zalozns")
async def test_a_template_gets_a_link_whole_or_not_at_all(line: Line):
    _, fake, transport = line
    wanted = {"vi_sao": "why_url", "nut": "why_token", "don_vi": "unit", "xac_nhan": "ack_url"}
    transport.extras = replace(transport.extras, templates={"any": Template("77", wanted)})  # type: ignore[attr-defined]
    links = {"why_url": f"https://board.example/w/{'x' * 150}", "ack_url": f"https://b.example/a/{'y' * 200}"}
    page = replace(notice_by("zalozns"), words={"unit": "Đơn vị có tên dài hơn ba mươi ký tự", **links})
    assert (await transport.send(page, attempt=1, maybe_sent=False)).outcome is Outcome.SENT
    assert fake.arrived[0].fields["template_data"] == {
        "vi_sao": links["why_url"], "nut": "x" * 150, "don_vi": "Đơn vị có tên dài hơn ba mươi", "xac_nhan": "-",
    }  # fmt: skip


@each("zalozns")
async def test_an_access_token_that_zalo_does_not_take_any_more_is_replaced_once(line: Line):
    _, fake, transport = line
    await deliver(transport, "zalozns")
    fake.access_token = "revoked-elsewhere"
    assert (await deliver(transport, "zalozns", attempt=2)).outcome is Outcome.SENT
    assert fake.refreshed == 2
    fake.moods["zalozns"] = Mood("code", "-124")
    receipt = await deliver(transport, "zalozns", attempt=3)
    assert (receipt.outcome, receipt.fault, fake.refreshed) == (Outcome.REFUSED, Fault.LOGIN, 3)


async def test_without_an_allow_list_nothing_on_the_loopback_is_dialled(tmp_path):
    fake = FakeGateways(SystemClock())
    await fake.start()
    site = replace(gateway_site(tmp_path, fake, "esms"), allow=())
    transport = open_transports(site, SystemClock())["esms"]
    receipt = await deliver(transport, "esms")
    detail = f"not dialled: loopback address, port {fake.port}: not on the allow-list"
    assert receipt == Receipt(Outcome.REFUSED, detail, fault=Fault.CHANNEL)
    assert not fake.asked
    await transport.close()
    await fake.stop()


def test_no_scheme_of_ours_is_one_of_apprise():
    known = set(NotificationManager().schemas())
    assert len(known) > 150
    assert not known & set(GATEWAYS)


def test_every_line_of_the_table_of_codes_is_understood_and_every_gateway_can_say_yes():
    assert {kind for kind, _ in codes().values()} <= set(CLASSES)
    for name in GATEWAYS:
        assert any(gateway == name and kind == "sent" for (gateway, _), (kind, _) in codes().items()), name
    assert receipt_of("esms", "-31415").outcome is Outcome.TRY_AGAIN
