"""Replies by SMS and chat: by whom who was told, once for each message, answered in one segment through the outbox."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from aiohttp.test_utils import TestClient

from monitor.alerting.digests import Edition
from monitor.alerting.plan import DigestSpec
from monitor.alerting.selfnotices import Operators
from monitor.alerting.selfwatch import Alarm, Condition, Stage
from monitor.config.secrets import Secret
from monitor.config.spec import ChannelSpec, OwnAlarm, RepliesSpec, Site
from monitor.model.colour import Colour
from monitor.model.hours import WorkingTimes
from monitor.model.incident import Incident, Kind, Notice, Outcome, Phase, Receipt
from monitor.model.segments import segments
from monitor.model.state import AuditEntry
from monitor.model.unit import Level
from monitor.model.verdict import Param
from tests.unit.test_web_links import expiring, with_parties
from tests.unit.web_site import NOW, World, running, site, visiting

SECRET = {"X-Denbao-Secret": "s-e-c-r-e-t"}
FOCAL, HEAD, NOBODY = "0912 345 678", "+84987654321", "0900000000"


def made() -> Site:
    plain = site()
    people = tuple(replace(person, channels=("log", "sms", "bot")) for person in plain.directory.recipients)
    replies = RepliesSpec(Secret("s-e-c-r-e-t"))
    bot = RepliesSpec(
        Secret("b-o-t"), "X-Bot-Api-Secret-Token", "message.message_id", "message.chat.id", "message.text"
    )
    channels = {
        "log": ChannelSpec("log", "log"),
        "sms": ChannelSpec("sms", "webhook", replies=replies),
        "bot": ChannelSpec("bot", "webhook", replies=bot),
    }
    addresses = {
        ("focal-vn", "sms"): Secret("84912345678"),
        ("head-vn", "sms"): Secret("84987654321"),
        ("focal-vn", "bot"): Secret("chat-7"),
    }
    directory = replace(plain.directory, recipients=people)
    return replace(plain, directory=directory, channels=channels, addresses=addresses)


@asynccontextmanager
async def phone() -> AsyncIterator[tuple[World, TestClient]]:
    async with running(made()) as world, visiting(world) as client:
        yield world, client


async def write(client: TestClient, text: str, sender: str = FOCAL, number: object = 1) -> str:
    body = {"id": str(number), "from": sender, "text": text}
    answer = await client.post("/api/v1/replies/sms", json=body, headers=SECRET)
    assert answer.status == 200, await answer.text()
    return str((await answer.json())["heard"])


async def answers(world: World) -> list[Notice]:
    """The answers owed, oldest first, each checked for being one segment."""
    owed = [one.notice for one in await world.service.store.deliveries() if one.notice.kind == "reply"]
    for notice in owed:
        assert segments(notice.sms) == 1
    return owed


def incidents(world: World) -> Sequence[Incident]:
    return [i for state in world.service.evaluator.states.values() for i in state.incidents.values()]


def ending(world: World) -> datetime:
    """Until when the answer to the one incident counts."""
    [incident] = incidents(world)
    assert incident.acked_until is not None
    return incident.acked_until


async def trail(world: World) -> list[AuditEntry]:
    return [entry for entry, _ in await world.service.store.audit_trail()]  # type: ignore[attr-defined]


async def test_ok_and_the_code_acknowledges_and_one_segment_confirms_it():
    async with phone() as (world, client):
        await world.break_centre("02102")
        assert await write(client, f"ok {world.ref.lower()}. đang xử lý") == "acked"
        [found] = incidents(world)
        assert (found.phase, found.acked_by, found.ack_note) == (Phase.ACKNOWLEDGED, "focal-vn", "đang xử lý")
        [notice] = await answers(world)
        assert (notice.recipient, notice.channel) == ("focal-vn", "sms")
        assert notice.sms.startswith("DA NHAN 02102 Lang 2") and notice.sms.endswith(f"Ma {found.ref}")
        [entry] = [entry for entry in await trail(world) if entry.action == "acknowledge"]
        assert (entry.actor, entry.detail) == ("focal-vn", "reply by sms, đang xử lý")


async def test_the_same_message_handed_over_again_counts_once():
    async with phone() as (world, client):
        await world.break_centre("02102")
        assert [await write(client, "OK") for _ in range(3)] == ["acked", "repeated", "repeated"]
        await world.break_centre("02103")
        assert await write(client, "OK") == "repeated"  # it was about the first one
        assert len(await answers(world)) == 1
        assert sorted(one.phase for one in incidents(world)) == [Phase.ACKNOWLEDGED, Phase.OPEN]
        assert await write(client, "OK", number=2) == "acked"


async def test_sc_85_four_alerts_are_acknowledged_by_one_reply_and_confirmed_once():
    """SC-85."""
    async with phone() as (world, client):
        for unit in ("02102", "02103", "02104", "02105"):
            await world.break_centre(unit)
        assert await write(client, "OK") == "several"
        assert await write(client, "OK TAT CA", number=2) == "acked_all"
        assert {one.phase for one in incidents(world)} == {Phase.ACKNOWLEDGED}
        several, done = sorted(await answers(world), key=lambda notice: "DA NHAN" in notice.sms)
        assert several.sms.startswith("Co 4 su co dang cho xac nhan: ")
        assert all(one.ref in several.sms and one.ref in done.sms for one in incidents(world))
        assert done.sms.startswith("DA NHAN 4 su co")


async def test_a_stranger_is_told_nothing_and_owed_nothing():
    async with phone() as (world, client):
        await world.break_centre("02102")
        for number, text in enumerate((f"OK {world.ref}", "OK", f"TAI SAO {world.ref}", "HELP")):
            assert await write(client, text, NOBODY, number) == "stranger"
        assert await answers(world) == []
        assert incidents(world)[0].phase is Phase.OPEN
        refused = [entry for entry in await trail(world) if entry.action == "reply refused"]
        assert len(refused) == 4 and all(NOBODY not in repr(entry) for entry in refused)


async def test_who_was_not_told_of_an_incident_hears_the_same_as_of_one_that_is_not_there():
    async with phone() as (world, client):
        await world.break_centre("02102")
        ref = world.ref
        assert await write(client, f"OK {ref}", HEAD) == "unknown"  # the head is told half an hour later
        assert await write(client, "OK ZZZZZZ", HEAD, 2) == "unknown"
        assert await write(client, f"TAI SAO {ref}", HEAD, 3) == "unknown"
        texts = sorted(notice.sms.replace(ref, "ZZZZZZ") for notice in await answers(world))
        assert len(set(texts)) == 1 and "02102" not in texts[0]
        assert incidents(world)[0].phase is Phase.OPEN


async def test_a_closed_incident_and_an_answered_one_are_said_to_be_so():
    async with phone() as (world, client):
        await world.break_centre("02102")
        ref = world.ref
        await world.service.evaluator.acknowledge(ref, "ops")
        assert await write(client, f"OK {ref}") == "answered"
        await world.learn("02102", "centre_reachable", True)
        assert await write(client, f"OK {ref}", number=2) == "over"
        assert await write(client, "OK", number=3) == "nothing"
        said = [notice.sms for notice in await answers(world)]
        assert any("02102 Lang 2: su co da dong luc 10:00 18/11" in sms and sms.endswith(f"Ma {ref}") for sms in said)


async def test_a_code_that_means_two_incidents_says_so_and_changes_nothing():
    async with phone() as (world, client):
        await world.break_centre("02102")
        await world.break_centre("02103")
        states = world.service.evaluator.states
        for unit in ("02102", "02103"):
            same = {cause: replace(one, ref="ABCDEF") for cause, one in states[unit].incidents.items()}
            states[unit] = replace(states[unit], incidents=same)
        assert await write(client, "OK ABCDEF") == "same_code"
        [notice] = await answers(world)
        assert "02102, 02103" in notice.sms
        assert {one.phase for one in incidents(world)} == {Phase.OPEN}


async def test_why_is_answered_in_one_segment_code_first_and_changes_nothing():
    async with phone() as (world, client):
        await world.break_centre("02102")
        await world.learn("02102", "online_rate", 55.25)
        assert await write(client, f"tại sao {world.ref}?") == "why_outage"
        assert await write(client, "WHY", number=2) == "why_outage"
        first, second = await answers(world)
        assert first.sms == second.sms
        assert first.sms == f"02102 Lang 2: DO, khong ket noi duoc Trung tam PVHCC, tu 10:00 18/11. Ma {world.ref}"
        assert first.sms.endswith(f"Ma {world.ref}")
        assert incidents(world)[0].phase is Phase.OPEN


async def test_why_without_a_code_is_told_of_which_incidents_it_can_be_asked():
    async with phone() as (world, client):
        assert await write(client, "Tại sao") == "nothing_why"
        await world.break_centre("02102")
        await world.break_centre("02103")
        assert await write(client, "tại sao ạ?", number=2) == "several_why"
        *_, several = sorted(await answers(world), key=lambda notice: notice.sms.startswith("Co 2"))
        refs = ", ".join(one.ref for one in sorted(incidents(world), key=lambda one: (one.opened_at, one.key)))
        assert several.sms == f"Co 2 su co dang mo: {refs}. Hoi tung su co: TAI SAO va ma"


async def test_why_names_value_and_target_of_the_worst_when_its_own_cause_is_well():
    async with phone() as (world, client):
        await world.break_centre("02102")
        ref = world.ref
        await world.learn("02102", "centre_reachable", True)
        await world.learn("02102", "online_rate", 55.25)
        assert await write(client, f"TAI SAO {ref}") == "why"
        [notice] = await answers(world)
        assert "NOP TT 55,25%, yeu cau 80%, han truoc 01/12, tu 10:00 18/11" in notice.sms


def told_of(kind: Kind, cause: str, **facts: Param) -> Incident:
    """An open incident at the province of which the head was told."""
    since = NOW - timedelta(minutes=20)
    key = f"19/{cause}/{since.isoformat()}"
    return Incident(
        key, "QWERTY", "19", cause, kind, Colour.RED, since,
        owed=(f"{key}/0/0/0/head-vn/sms",), facts={"since": since, **facts},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("incident", "said"),
    [
        (
            told_of(Kind.MASS, "mass:centre", affected=63, total=92, codes="02101, 02102", more=61),
            "19 Tinh: 63/92 xa mat ket noi, tu 09:40 18/11: 02101, 02102. Ma QWERTY",
        ),
        (
            told_of(Kind.SILENT, "silent:portal", source="portal", limit=86_400.0),
            "19 Tinh: khong nhan duoc so lieu cua nguon portal, tu 09:40 18/11. Ma QWERTY",
        ),
    ],
)
async def test_why_says_what_is_wrong_also_where_no_criterion_of_the_unit_does(incident, said):
    async with phone() as (world, client):
        state = world.service.evaluator.states["19"]
        world.service.evaluator.states["19"] = replace(state, incidents={incident.cause: incident})
        for number, text in enumerate((f"tại sao {incident.ref}", "Cho hỏi vì sao lại thế ạ")):
            await write(client, text, HEAD, number)
        first, second = await answers(world)
        assert first.sms == second.sms == said


async def test_the_operator_can_ask_why_of_the_monitors_own_alarm():
    plain = made()
    people = plain.directory.recipients[:1]
    own = OwnAlarm(Operators(plain.units["19"], people, ("sms",), plain.directory, plain.calendar))
    async with running(replace(plain, own_alarm=own)) as world, visiting(world) as client:
        alarm = Alarm(Condition.DISK_LOW, NOW, NOW, Stage.RAISED, told=1, figures={"free": 3.2})
        world.service.self_watch.alarms = {alarm.condition: alarm}
        sender = FOCAL if people[0].id == "focal-vn" else HEAD
        assert await write(client, f"TAI SAO {alarm.ref}", sender) == "why_own"
        [notice] = await answers(world)
        assert notice.sms == f"HE THONG GIAM SAT: o dia sap day, con trong 3,2%, tu 10:00 18/11. Ma {alarm.ref}"


async def test_a_code_with_one_wrong_letter_is_told_the_one_it_is_like_and_changes_nothing():
    async with phone() as (world, client):
        await world.break_centre("02102")
        ref = world.ref
        wrong = ("X" if ref[0] != "X" else "Y") + ref[1:]
        swapped = ref[:4] + ref[5] + ref[4]
        for number, code in enumerate({wrong, swapped} - {ref}):
            assert await write(client, f"OK {code}", FOCAL, number) == "unknown"
        assert all(f"Gan giong: {ref}" in one.sms for one in await answers(world))
        assert incidents(world)[0].phase is Phase.OPEN
        assert await write(client, f"OK {wrong}", HEAD, 9) == "unknown"  # who was not told of it yet is told nothing
        assert not any(ref in one.sms for one in await answers(world) if one.recipient == "head-vn")


async def test_the_page_of_an_incident_says_how_to_reply_once_somebody_was_told():
    async with phone() as (world, client):
        await world.break_centre("02102")
        assert "OK " + world.ref not in await (await client.get(f"/incidents/{world.ref}")).text()
        store, now = world.service.store, world.clock.now()
        for lease in await store.lease("log", "test", now, 5, 20.0):
            await store.settle(lease, Receipt(Outcome.SENT), now)
        page = await (await client.get(f"/incidents/{world.ref}")).text()
        assert "Đã báo: focal (log)." in page
        assert f"kênh sms: OK {world.ref}" in page and f"TAI SAO {world.ref}" in page


@pytest.mark.parametrize("text", ["chưa OK", "\0\u202e", "x" * 10_000, "ok chưa?", "", "{0.__class__} %s"])
async def test_what_is_not_understood_changes_nothing_and_is_answered_with_how_to(text):
    async with phone() as (world, client):
        await world.break_centre("02102")
        assert await write(client, text) == "unclear"
        [notice] = await answers(world)
        assert "OK MA" in notice.sms
        assert incidents(world)[0].phase is Phase.OPEN


async def test_a_bot_hands_its_messages_over_in_fields_of_its_own_and_a_gateway_may_send_a_form():
    async with phone() as (world, client):
        await world.break_centre("02102")
        body = {
            "event_name": "x",
            "message": {"message_id": "m1", "chat": {"id": "chat-7"}, "text": f"WHY {world.ref}"},
        }
        answer = await client.post("/api/v1/replies/bot", json=body, headers={"X-Bot-Api-Secret-Token": "b-o-t"})
        assert (await answer.json())["heard"] == "why_outage"
        form = {"id": "f1", "from": "84912345678", "text": f"OK {world.ref}", "smsc": "x"}
        answer = await client.post("/api/v1/replies/sms", data=form, headers=SECRET)
        assert (await answer.json())["heard"] == "acked"
        assert [notice.channel for notice in await answers(world)].count("bot") == 1


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("sms", {}),
        ("sms", {"X-Denbao-Secret": "wrong"}),
        ("sms", {"X-Denbao-Secret": "b-o-t"}),
        ("sms", {"X-Bot-Api-Secret-Token": "s-e-c-r-e-t"}),
        ("log", SECRET),
        ("nowhere", SECRET),
        ("nowhere", {"X-Denbao-Secret": "none"}),
    ],
)
async def test_who_does_not_show_the_channels_secret_learns_nothing(path, headers):
    async with phone() as (world, client):
        await world.break_centre("02102")
        body = {"id": "1", "from": FOCAL, "text": "OK"}
        seen = []
        for _ in range(12):
            answer = await client.post(f"/api/v1/replies/{path}", json=body, headers=headers)
            seen.append((answer.status, await answer.text()))
        assert [status for status, _ in seen] == [404] * 10 + [429] * 2
        assert "there is nothing here" in seen[0][1]
        assert incidents(world)[0].phase is Phase.OPEN
        assert await write(client, "OK") == "acked"  # the right one is not kept out by the wrong ones


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"json": {"from": FOCAL, "text": "OK"}}, 422),
        ({"json": {"id": "1", "text": "OK"}}, 422),
        ({"json": {"id": {"$gt": ""}, "from": [FOCAL], "text": "OK"}}, 422),
        ({"json": ["OK"]}, 400),
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": b"<x/>", "headers": {"Content-Type": "text/xml"}}, 415),
        ({"json": {"id": "1", "from": FOCAL, "text": "x" * 70_000}}, 413),
        ({"data": {"id": "1", "from": FOCAL, "text": "x" * 2_000_000}}, 413),
    ],
)
async def test_a_body_that_is_no_message_is_refused_with_its_reason(body, status):
    async with phone() as (world, client):
        await world.break_centre("02102")
        headers = {**SECRET, **body.pop("headers", {})}
        assert (await client.post("/api/v1/replies/sms", headers=headers, **body)).status == status
        assert incidents(world)[0].phase is Phase.OPEN


async def test_one_sender_is_heard_twenty_times_a_minute():
    async with phone() as (world, client):
        for number in range(20):
            await write(client, "HELP", number=number)
        body = {"id": "21", "from": FOCAL, "text": "HELP"}
        assert (await client.post("/api/v1/replies/sms", json=body, headers=SECRET)).status == 429
        assert await write(client, "HELP", HEAD, 22) == "help"
        assert len(await answers(world)) == 21


async def test_ok_to_the_reminder_makes_the_answer_count_longer_with_and_without_the_code():
    async with running(expiring(made())) as world, visiting(world) as client:
        await world.break_centre("02102")
        assert await write(client, f"OK {world.ref}") == "acked"
        ends = [ending(world)]
        for number, text in enumerate((f"OK {world.ref}", "OK"), 2):
            world.clock.move(1900)
            assert await write(client, text, number=number) == "renewed"
            ends.append(ending(world))
        assert ends[0] < ends[1] < ends[2]
        renewed = [notice.sms for notice in await answers(world) if "hieu luc den" in notice.sms]
        assert len(renewed) == 2 and all(sms.startswith("DA NHAN 02102 Lang 2, hieu luc den 1") for sms in renewed)


async def test_ok_of_somebody_who_was_told_of_the_lesser_trouble_is_none_to_the_worse():
    async with phone() as (world, client):
        await world.break_centre("02102")
        await world.worsen("02102")
        assert await write(client, f"OK {world.ref}") == "newer"
        assert await write(client, "OK", number=2) == "newer"
        assert await write(client, "OK TAT CA", number=3) == "nothing"
        assert incidents(world)[0].phase is Phase.OPEN


async def test_a_page_of_the_worse_trouble_that_has_not_gone_yet_was_not_heard():
    async with phone() as (world, client):
        await world.break_centre("02102")
        store, [incident] = world.service.store, incidents(world)
        for lease in await store.lease("log", "one", world.clock.now(), 9, 20.0):
            await store.settle(lease, Receipt(Outcome.SENT), world.clock.now())
        await world.worsen("02102")
        [old] = [key for key in incident.owed if "focal-vn" in key]
        page = old.replace(f"{incident.key}/0/", f"{incident.key}/1/")
        state = world.service.evaluator.states["02102"]
        owing = {cause: replace(one, owed=(page,)) for cause, one in state.incidents.items()}
        world.service.evaluator.states["02102"] = replace(state, incidents=owing)
        assert await write(client, f"OK {world.ref}") == "newer"


async def test_ok_for_one_of_two_parties_says_that_the_other_is_still_called():
    parties = with_parties(made(), {"official": ("focal",), "telecom": ("head",)})
    async with running(parties) as world, visiting(world) as client:
        await world.break_centre("02102")
        assert await write(client, f"OK {world.ref}") == "acked_part"
        [notice] = await answers(world)
        assert "Ben con lai van duoc bao" in notice.sms and "buoc bao sau dung" not in notice.sms
        assert incidents(world)[0].phase is Phase.OPEN


async def test_an_answer_is_not_bad_news_of_its_incident_and_is_not_withheld_with_it():
    async with phone() as (world, client):
        await world.break_centre("02102")
        await write(client, f"OK {world.ref}")
        await world.learn("02102", "centre_reachable", True)
        [kept] = [one for one in await world.service.store.deliveries() if one.notice.kind == "reply"]
        assert kept.state == "pending"


# -- digests ---------------------------------------------------------------------------------------------------------


async def test_who_is_called_for_no_party_is_told_to_say_for_whom_also_when_answering_everything():
    async with running(with_parties(made(), {"telecom": ("head",)})) as world, visiting(world) as client:
        await world.break_centre("02102")
        assert await write(client, "OK") == "party"
        assert await write(client, "OK TAT CA", number=2) == "party"


def reading_digests() -> Site:
    """The head gets a digest of the province by SMS."""
    plain = made()
    spec = DigestSpec(WorkingTimes((time(7, 30), time(16, 30))), ("head",), ("sms",))
    return replace(plain, directory=replace(plain.directory, digests=(spec,)))


@asynccontextmanager
async def reader() -> AsyncIterator[tuple[World, TestClient, str]]:
    """Somebody who was sent the digest of this morning, and its number."""
    async with running(reading_digests()) as world, visiting(world) as client:
        [spec] = world.service.site.directory.digests
        at = spec.at.last_before(world.clock.now(), world.service.site.calendar)
        edition = Edition(spec, world.service.site.units["19"], at, at - timedelta(hours=15))
        await world.service.digests._once(edition)
        yield world, client, edition.number(world.service.site.calendar)


async def test_why_and_the_number_of_a_digest_names_the_units_that_need_somebody_with_the_reason_of_the_worst():
    async with reader() as (world, client, number):
        await world.break_centre("02104")
        await world.learn("02103", "online_rate", 41.5)
        assert await write(client, f"TẠI SAO {number}", HEAD) == "digest_why"
        [notice] = await answers(world)
        assert notice.sms == (
            "19 Tinh: 1 do, 1 vang, 1 chua ro: 02104, 02103, 02101. 02104: TRUNG TAM chua dat. Ma 1811-0730"
        )
        assert (notice.recipient, notice.channel) == ("head-vn", "sms")


async def test_a_digest_has_a_link_by_which_its_reader_sees_why_and_can_answer_nothing():
    async with reader() as (world, client, number):
        await world.break_centre("02104")
        [digest] = [one.notice for one in await world.service.store.deliveries() if one.notice.kind == "brief"]
        place = f"http://board.example:8866/w/{number}"
        assert place in digest.body and digest.words["why_url"] == place  # the store holds no link
        told = world.service._linked(digest)
        link = told.words["why_url"]
        assert f"Xem lý do: {link}" in told.body and place not in told.body
        page = await client.get(link.removeprefix("http://board.example:8866"))
        assert (page.status, "Tỉnh" in await page.text()) == (200, True)
        answering = link.replace("/w/", "/a/").removeprefix("http://board.example:8866")
        assert (await client.get(answering)).status == 404
        assert (await client.post(answering, data={"note": ""})).status == 404
        world.clock.move(9 * 86_400)
        assert (await client.get(link.removeprefix("http://board.example:8866"))).status == 410


async def test_the_digests_of_all_units_are_asked_for_with_one_question(monkeypatch):
    async with reader() as (world, client, number):
        service = world.service
        [spec] = service.site.directory.digests
        every = replace(service.site.directory, digests=(replace(spec, levels=frozenset(Level)),))
        monkeypatch.setattr(service.replies, "_site", replace(service.site, directory=every))
        asked: list[str] = []
        for name in ("owed", "deliveries"):
            question = getattr(service.store, name)

            async def counted(*about, _name=name, _question=question, **more):
                asked.append(_name)
                return await _question(*about, **more)

            monkeypatch.setattr(service.store, name, counted)
        assert await write(client, f"TAI SAO {number}", HEAD) == "digest_why"
        assert asked == ["deliveries", "owed"]  # whether this message was heard before, and who was sent them


async def test_of_a_digest_whose_units_are_all_well_that_is_said():
    async with reader() as (world, client, number):
        await world.learn("02101", "centre_reachable", True)
        await world.learn("02101", "online_rate", 91.0)
        assert await write(client, f"why {number}", HEAD) == "digest_well"
        [notice] = await answers(world)
        assert notice.sms == "19 Tinh: luc nay khong co don vi do, vang hay chua ro. Ma 1811-0730"


async def test_who_was_not_sent_a_digest_hears_the_same_as_of_one_that_is_not_there():
    async with reader() as (world, client, number):
        assert await write(client, f"TAI SAO {number}", FOCAL) == "digest_unknown"
        assert await write(client, "TAI SAO 0101-0730", HEAD, 2) == "digest_unknown"
        assert await write(client, "TAI SAO 9999-9999", HEAD, 3) == "digest_unknown"
        said = {
            notice.sms.replace(number, "N").replace("0101-0730", "N").replace("9999-9999", "N")
            for notice in await answers(world)
        }
        assert len(said) == 1


async def test_ok_to_a_digest_acknowledges_nothing_and_says_so():
    async with reader() as (world, client, number):
        await world.break_centre("02104")
        assert await write(client, f"OK {number}", HEAD) == "digest_read"
        assert [one.phase for one in incidents(world)] == [Phase.OPEN]
        [notice] = await answers(world)
        assert notice.sms == f"Ban tin {number} khong can xac nhan. Hoi don vi can xu ly: TAI SAO {number}"


async def test_who_is_called_and_belongs_to_no_party_is_asked_for_whom_also_when_they_answer_all():
    async with running(with_parties(made(), {"telecom": ("head",)})) as world, visiting(world) as client:
        await world.break_centre("02102")
        assert await write(client, "OK") == "party"
        assert await write(client, "OK TAT CA", number=2) == "party"
