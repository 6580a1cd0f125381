"""Final statuses told by providers: only over a signature, and shown with the delivery."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient

from monitor.adapters.transports.callback import signature
from monitor.config.secrets import Secret
from monitor.config.spec import ChannelSpec, Site, ZaloApp
from monitor.model.incident import Notice, Outcome, Receipt, reference
from monitor.model.state import Decision, UnitState, Withhold
from tests.unit.web_site import NOW, World, running, site, visiting

KEY = "s3cr3t-w0rd"
ESMS = ChannelSpec("sms", "esms", callback=Secret(KEY))
ZALO = ChannelSpec(
    "zalo",
    "zalozns",
    callback=Secret(KEY),
    zalo=ZaloApp("42", Secret("x"), Secret("y"), Path("zalo.json"), "http://127.0.0.1"),
)
PAGE = Notice("i/0/0/0/focal/sms", "i", "S10234", "02101", "outage", "focal", "sms", NOW, "s", "b", "sms")


def signing() -> Site:
    made = site()
    return replace(made, channels={**made.channels, "sms": ESMS, "zalo": ZALO})


async def owe(world: World, page: Notice, receipt: Receipt) -> None:
    """A page that was sent so."""
    store = world.service.store
    await store.commit([Decision(UnitState("fake"), UnitState("fake"), notices=(page,))])
    (lease,) = await store.lease(page.channel, "me", NOW, 1, 20)
    await store.settle(lease, receipt, NOW, NOW)


def signed_query(key: str = PAGE.key, channel: str = "sms", **more: str) -> dict[str, str]:
    ours = reference(key)
    return {"ref": ours, "sig": signature(Secret(KEY), channel, ours), **more}


async def finals(world: World) -> set[tuple[str, str]]:
    return {(one.state, one.final) for one in await world.service.store.deliveries()}


@pytest.mark.parametrize(
    ("status", "counts", "final"),
    [
        ("5", {"SendSuccess": "1", "SendFailed": "0"}, "delivered"),
        ("5", {"SendSuccess": "0", "SendFailed": "1"}, "failed"),
        ("5", {"SendSuccess": "0", "SendFailed": "0"}, ""),
        ("5", {}, "delivered"),
        ("4", {}, "failed"),
        ("2", {}, ""),
        ("7", {"SendSuccess": "0", "SendFailed": "0"}, ""),
    ],
)
async def test_a_gateway_tells_by_its_signed_address_what_became_of_a_message(status, counts, final):
    async with running(signing()) as world, visiting(world) as client:
        await owe(world, PAGE, Receipt(Outcome.SENT, id="sms-7"))
        answer = await client.get(
            "/api/v1/receipts/sms", params=signed_query(SendStatus=status, SMSID="sms-7", telcoid="1", **counts)
        )
        assert (answer.status, await answer.json()) == (200, {"heard": final})
        assert await finals(world) == {("sent", final)}
        trail = [e for e, _ in await world.service.store.audit_trail() if e.actor == "provider of sms"]  # type: ignore[attr-defined]
        assert [e.action for e in trail] == ([final] if final else [])
        assert KEY not in repr(trail)


async def test_what_nobody_knew_is_sent_once_the_gateway_says_that_it_arrived():
    async with running(signing()) as world, visiting(world) as client:
        await owe(world, PAGE, Receipt(Outcome.UNKNOWN, "timed out"))
        await client.get("/api/v1/receipts/sms", params=signed_query(SendStatus="5"))
        assert await finals(world) == {("sent", "delivered")}


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"ref": reference(PAGE.key), "sig": ""},
        {"ref": reference(PAGE.key), "sig": "0" * 64},
        {"ref": reference("another"), "sig": signature(Secret(KEY), "sms", reference(PAGE.key))},
        {"ref": reference(PAGE.key), "sig": signature(Secret(KEY), "zalo", reference(PAGE.key))},
        {"ref": reference(PAGE.key), "sig": "đ"},
    ],
)
async def test_without_the_right_signature_nothing_is_learned_and_nothing_told(query):
    async with running(signing()) as world, visiting(world) as client:
        await owe(world, PAGE, Receipt(Outcome.SENT))
        answer = await client.get("/api/v1/receipts/sms", params={**query, "SendStatus": "5"})
        nowhere = await client.get("/api/v1/receipts/nowhere", params={**query, "SendStatus": "5"})
        assert (answer.status, nowhere.status) == (404, 404)
        assert await finals(world) == {("sent", "")}


async def test_asking_for_the_head_changes_nothing():
    async with running(signing()) as world, visiting(world) as client:
        await owe(world, PAGE, Receipt(Outcome.SENT))
        assert (await client.head("/api/v1/receipts/sms", params=signed_query(SendStatus="5"))).status == 200
        assert await finals(world) == {("sent", "")}


def webhook(event: dict[str, object], secret: str = KEY) -> tuple[bytes, dict[str, str]]:
    body = json.dumps(event).encode()
    mac = sha256(b"42" + body + str(event.get("timestamp", "")).encode() + secret.encode()).hexdigest()
    return body, {"X-ZEvent-Signature": f"mac={mac}", "Content-Type": "application/json"}


async def test_zalo_tells_by_a_signed_webhook():
    page = replace(PAGE, key="i/0/0/0/focal/zalo", channel="zalo")
    event: dict[str, object] = {
        "event_name": "user_received_message",
        "app_id": "42",
        "message": {"tracking_id": reference(page.key), "msg_id": "m-1"},
        "timestamp": "1763600000000",
    }
    async with running(signing()) as world, visiting(world) as client:
        await owe(world, page, Receipt(Outcome.SENT))
        body, headers = webhook(event, "guess")
        assert (await client.post("/api/v1/receipts/zalo", data=body, headers=headers)).status == 404
        assert await finals(world) == {("sent", "")}
        body, headers = webhook(event)
        assert await (await client.post("/api/v1/receipts/zalo", data=body, headers=headers)).json() == {
            "heard": "delivered"
        }
        assert await finals(world) == {("sent", "delivered")}


OA = ChannelSpec("oa", "zalooa", callback=Secret(KEY), zalo=ZALO.zalo)
OA_PAGE = replace(PAGE, key="i/0/0/0/focal/oa", channel="oa")


def happened(name: str, **message: object) -> dict[str, object]:
    return {"event_name": name, "app_id": "42", "message": message, "timestamp": "1763600000000"}


async def told(client: TestClient, event: dict[str, object], channel: str = "zalo") -> object:
    body, headers = webhook(event)
    return (await (await client.post(f"/api/v1/receipts/{channel}", data=body, headers=headers)).json())["heard"]


async def test_an_official_account_tells_what_came_and_what_was_read_at_the_one_address_of_its_app():
    made = signing()
    oa = replace(made, channels={**made.channels, "oa": OA})
    async with running(oa) as world, visiting(world) as client:
        await owe(world, OA_PAGE, Receipt(Outcome.SENT, id="m-2"))
        assert await told(client, happened("user_received_message", msg_id="m-2")) == "delivered"
        assert await told(client, happened("user_seen_message", msg_ids=["m-1", "m-2", 7, None])) == "seen"
        assert await told(client, happened("user_received_message", msg_id="m-2"), "oa") == "delivered"
        assert await told(client, happened("user_send_text", msg_id="m-2", text="OK")) == ""
        assert await finals(world) == {("sent", "seen")}


async def test_the_secret_of_another_account_tells_nothing():
    made = signing()
    other = replace(made, channels={**made.channels, "oa": replace(OA, callback=Secret("of-another"))})
    async with running(other) as world, visiting(world) as client:
        await owe(world, OA_PAGE, Receipt(Outcome.SENT, id="m-2"))
        assert await told(client, happened("user_received_message", msg_id="m-2")) == ""
        assert await finals(world) == {("sent", "")}


async def test_a_webhook_that_is_played_again_changes_nothing_and_leaves_no_trace():
    async with running(signing()) as world, visiting(world) as client:
        await owe(world, PAGE, Receipt(Outcome.SENT, id="sms-7"))
        for status in ("5", "5", "4", "5"):
            await client.get("/api/v1/receipts/sms", params=signed_query(SendStatus=status))
        assert await finals(world) == {("sent", "delivered")}
        trail = [e for e, _ in await world.service.store.audit_trail() if e.actor == "provider of sms"]  # type: ignore[attr-defined]
        assert [e.action for e in trail] == ["delivered"]


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{", b'{"message": 7}', b"[" * 60_000])
async def test_nonsense_in_a_webhook_is_nothing(body):
    async with running(signing()) as world, visiting(world) as client:
        assert (await client.post("/api/v1/receipts/zalo", data=body)).status == 404


async def test_the_board_and_the_api_say_which_channels_need_the_operator():
    async with running(signing()) as world, visiting(world) as client:
        world.service.sender._resting["sms"] = ("esms 103: no balance", 0.0)
        problems = (await (await client.get("/api/v1/site")).json())["channel_problems"]
        assert problems == ["sms: esms 103: no balance"]
        assert "sms: esms 103: no balance" in await (await client.get("/")).text()


# -- what failed after all ---------------------------------------------------------------------------------------


def chained() -> Site:
    """Zalo first, then SMS."""
    made = signing()
    focal = replace(made.directory.recipients[0], id="focal", channels=("zalo", "sms"), after={"zalo": "sms"})
    channels = {**made.channels, "zalo": replace(ESMS, id="zalo")}
    return replace(made, channels=channels, directory=replace(made.directory, recipients=(focal,)))


ZALO_PAGE = replace(PAGE, key="i/0/0/0/focal/zalo", channel="zalo", urgent=True)


async def channels_of(world: World) -> set[tuple[str, str, str]]:
    return {(one.notice.channel, one.state, one.final) for one in await world.service.store.deliveries()}


async def say_failed(client: TestClient) -> None:
    query = signed_query(ZALO_PAGE.key, "zalo", SendStatus="4")
    assert await (await client.get("/api/v1/receipts/zalo", params=query)).json() == {"heard": "failed"}


async def test_a_message_that_failed_after_all_is_owed_by_the_next_channel():
    async with running(chained()) as world, visiting(world) as client:
        await owe(world, ZALO_PAGE, Receipt(Outcome.SENT, id="zalo-7"))
        await say_failed(client)
        await say_failed(client)
        assert await channels_of(world) == {("zalo", "sent", "failed"), ("sms", "pending", "")}
        (lease,) = await world.service.store.lease("sms", "me", NOW, 5, 20)
        assert (lease.notice.body, lease.notice.instead_of) == (PAGE.body, "zalo")
        trail = [e for e, _ in await world.service.store.audit_trail() if e.action == "failed"]  # type: ignore[attr-defined]
        assert [e.detail for e in trail] == ["told by sms instead"]


async def test_a_message_that_failed_after_somebody_answered_is_not_told_again():
    async with running(chained()) as world, visiting(world) as client:
        await owe(world, ZALO_PAGE, Receipt(Outcome.SENT))
        stored = UnitState("fake", version=1)
        await world.service.store.commit([Decision(stored, stored, withheld=(Withhold("i", "acknowledged"),))])
        await say_failed(client)
        assert await channels_of(world) == {("zalo", "sent", "failed")}
