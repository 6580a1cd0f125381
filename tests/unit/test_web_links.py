"""The pages behind signed links: scanners change nothing, a button answers, and nothing else can be reached."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from monitor.alerting.links import Grant, Purpose, sign
from monitor.alerting.plan import TermsSpec
from monitor.config.spec import Site
from monitor.model.incident import Incident, Phase
from tests.unit.web_site import NOW, World, running, site, until, visiting

KEYS = (b"k" * 43,)


def incident_of(world: World) -> Incident:
    [found] = [i for state in world.service.evaluator.states.values() for i in state.incidents.values()]
    return found


def link(
    world: World,
    purpose: Purpose = Purpose.ACKNOWLEDGE,
    recipient: str = "focal-vn",
    expires: datetime = NOW + timedelta(days=7),
    generation: int = 0,
) -> str:
    grant = Grant(purpose, incident_of(world).key, generation, recipient, expires)
    return f"/{purpose.value}/{sign(grant, KEYS)}"


def with_parties(made: Site, parties: dict[str, tuple[str, ...]]) -> Site:
    [policy] = made.directory.policies
    terms = TermsSpec(parties=parties)
    return replace(made, directory=replace(made.directory, policies=(replace(policy, terms=terms),)))


def expiring(made: Site) -> Site:
    """An answer counts for eight hours, and half an hour before that its giver is reminded."""
    [policy] = made.directory.policies
    terms = TermsSpec(ack_expires=8 * 3600.0, ack_remind=1800.0)
    return replace(made, directory=replace(made.directory, policies=(replace(policy, terms=terms),)))


def form(note: str = "", **more: str) -> dict[str, str]:
    return {"note": note, **more}


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Purpose": "prefetch"}, {"Purpose": "preview"}, {"User-Agent": "Safelinks scanner"}]
)
async def test_a_scanner_that_follows_the_link_answers_nothing(headers):
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        for method in ("GET", "HEAD", "GET"):
            answer = await client.request(method, link(world), headers=headers)
            assert answer.status == 200
        for method in ("PUT", "DELETE", "OPTIONS"):
            assert (await client.request(method, link(world), headers=headers)).status == 405
        assert incident_of(world).phase is Phase.OPEN
        assert incident_of(world).answers == ()


async def test_the_button_answers_as_the_recipient_and_the_audit_says_by_a_link():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        page = await (await client.get(link(world))).text()
        assert '<form method="post"' in page
        assert "focal" in page
        answer = await client.post(link(world), data=form("đang xử lý"))
        assert answer.status == 200
        assert 'data-say="link_done"' in await answer.text()
        found = incident_of(world)
        assert (found.phase, found.acked_by, found.ack_note) == (Phase.ACKNOWLEDGED, "focal-vn", "đang xử lý")
        trail = await world.service.store.audit_trail()  # type: ignore[attr-defined]
        [entry] = [entry for entry, _ in trail if entry.action == "acknowledge"]
        assert (entry.actor, entry.detail) == ("focal-vn", "link, đang xử lý")

        again = await client.post(link(world, recipient="head-vn"), data=form())
        assert 'data-say="link_answered"' in await again.text()
        assert [one.by for one in incident_of(world).answers] == ["focal-vn"]
        assert 'data-say="link_answered"' in await (await client.get(link(world))).text()


async def test_a_link_counts_until_its_last_second():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        end = world.clock.now() + timedelta(seconds=10)
        value = link(world, expires=end)
        world.clock.move(9)
        assert (await client.get(value)).status == 200
        world.clock.move(1)
        for method in ("GET", "POST"):
            answer = await client.request(method, value, data=form() if method == "POST" else None)
            assert answer.status == 410
            text = await answer.text()
            assert "Đường dẫn đã hết hạn" in text and "This link has expired" in text
        assert incident_of(world).phase is Phase.OPEN


async def test_a_link_for_reading_does_not_answer_and_one_for_answering_does_not_explain():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        value = link(world, Purpose.WHY).removeprefix("/w/")
        assert (await client.post(f"/a/{value}", data=form())).status == 404
        assert (await client.get(f"/a/{value}")).status == 404
        assert (await client.get(link(world).replace("/a/", "/w/"))).status == 404
        assert (await client.post(f"/w/{value}", data=form())).status == 405
        assert incident_of(world).phase is Phase.OPEN


async def test_a_recipient_who_left_the_directory_has_no_link_any_more():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        assert (await client.post(link(world, recipient="former-chair"), data=form())).status == 404
        assert (await client.get(link(world, Purpose.WHY, recipient="former-chair"))).status == 404
        assert incident_of(world).phase is Phase.OPEN


async def test_a_link_ends_with_the_last_day_of_its_recipients_post():
    made = site()
    focal, head = made.directory.recipients
    leaving = replace(focal, valid_to=date(2026, 11, 19))
    async with (
        running(replace(made, directory=replace(made.directory, recipients=(leaving, head)))) as world,
        visiting(world) as client,
    ):
        await world.break_centre("02102")
        value = link(world)
        assert (await client.get(value)).status == 200
        world.clock.move(14 * 3600)  # past midnight in Vietnam
        assert (await client.post(value, data=form())).status == 404
        assert incident_of(world).answers == ()


async def test_an_answer_by_a_link_counts_for_the_party_of_its_recipient_only():
    made = with_parties(site(), {"official": ("head",), "telecom": ("focal",)})
    async with running(made) as world, visiting(world) as client:
        await world.break_centre("02102")
        assert (await client.post(link(world), data=form(party="official"))).status == 200
        found = incident_of(world)
        assert [(one.by, one.party) for one in found.answers] == [("focal-vn", "telecom")]
        assert found.phase is Phase.OPEN
        assert 'data-say="link_answered"' in await (await client.get(link(world))).text()
        assert 'data-say="link_open"' in await (await client.get(link(world, recipient="head-vn"))).text()


async def test_somebody_of_no_party_says_for_whom_they_answer():
    async with running(with_parties(site(), {"telecom": ("focal",)})) as world, visiting(world) as client:
        await world.break_centre("02102")
        value = link(world, recipient="head-vn")
        assert "<option>telecom</option>" in await (await client.get(value)).text()
        unclear = await client.post(value, data=form())
        assert (unclear.status, incident_of(world).answers) == (422, ())
        assert 'data-say="link_done"' in await (await client.post(value, data=form(party="telecom"))).text()


async def test_what_became_worse_or_ended_since_the_message_is_said():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        old, value = link(world, generation=4), link(world)
        assert 'data-say="link_newer"' in await (await client.get(old)).text()
        assert (await client.post(old, data=form())).status == 409
        assert incident_of(world).phase is Phase.OPEN
        await world.learn("02102", "centre_reachable", True)
        assert 'data-say="link_closed"' in await (await client.get(value)).text()
        assert (await client.post(value, data=form())).status == 409


async def test_an_answer_on_its_way_while_it_worsens_is_none_to_the_worse():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        value, turn = link(world), world.service.evaluator._commits.turn
        async with turn:  # a round is under way
            posting = asyncio.ensure_future(client.post(value, data=form()))
            await until(lambda: bool(turn._waiters))  # the answer has read generation 0 and waits
            await world.worsen("02102")
        answer = await posting
        assert (answer.status, incident_of(world).phase) == (409, Phase.OPEN)
        assert 'data-say="link_newer"' in await answer.text()


async def test_the_link_of_the_reminder_makes_the_answer_count_longer():
    async with running(expiring(site())) as world, visiting(world) as client:
        await world.break_centre("02102")
        await client.post(link(world), data=form())
        before = incident_of(world).acked_until
        assert before is not None
        world.clock.move(7 * 3600 + 1900)
        await until(lambda: incident_of(world).remind_at is None)
        page = await (await client.get(link(world))).text()
        assert 'data-say="link_again"' in page and '<form method="post"' in page
        assert 'data-say="link_renewed"' in await (await client.post(link(world), data=form())).text()
        found = incident_of(world)
        assert found.acked_until is not None and found.acked_until > before
        assert [one.by for one in found.answers] == ["focal-vn"]


async def test_an_answer_for_one_of_two_parties_does_not_say_that_all_calls_stop():
    made = with_parties(site(), {"official": ("head",), "telecom": ("focal",)})
    async with running(made) as world, visiting(world) as client:
        await world.break_centre("02102")
        page = await (await client.post(link(world), data=form())).text()
        assert 'data-say="link_part"' in page and "Bên còn lại vẫn được báo" in page
        assert 'data-say="link_done"' in await (await client.post(link(world, recipient="head-vn"), data=form())).text()


async def test_the_page_of_a_link_is_not_kept_not_framed_and_tells_no_referrer():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        for path in (link(world), link(world, Purpose.WHY), "/a/wrong", "/w/wrong"):
            headers = (await client.get(path)).headers
            assert headers["Cache-Control"] == "no-store"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 200),  # what browsers send from a page without referrer
        ({"Origin": "null"}, 200),  # ... and older ones
        ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
    ],
)
async def test_only_the_page_of_the_link_itself_may_press_its_button(headers, status):
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        assert (await client.post(link(world), data=form(), headers=headers)).status == status
        assert (incident_of(world).phase is Phase.ACKNOWLEDGED) == (status == 200)


async def test_ten_wrong_links_a_minute_and_a_right_one_still_works():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        wrong = [(await client.get(f"/a/{number}")).status for number in range(12)]
        assert wrong == [404] * 10 + [429] * 2
        assert (await client.get(link(world))).status == 200
        world.clock.move(61)
        assert (await client.get("/a/again")).status == 404


async def test_mail_programs_may_take_the_full_stop_along():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        assert (await client.get(link(world) + ".")).status == 200


@pytest.mark.parametrize("body", [{"json": {}}, {"data": b"x" * 2_000_000}, {"data": "note=" + "\0\u202e" * 5000}])
async def test_an_odd_body_breaks_nothing(body):
    headers = {} if "json" in body else {"Content-Type": "application/x-www-form-urlencoded"}
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        assert (await client.post(link(world), headers=headers, **body)).status in (200, 400, 413, 415)
        assert all(one.note.isprintable() for one in incident_of(world).answers)


async def test_a_refusal_at_a_link_is_audited_without_the_link():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        value = link(world)
        assert (await client.get(value, headers={"Authorization": "Bearer x.y"})).status == 401
        trail = await world.service.store.audit_trail()  # type: ignore[attr-defined]
        [entry] = [entry for entry, _ in trail if entry.action == "token refused"]
        assert entry.subject == "GET /a/{signed}"
        assert value.removeprefix("/a/") not in repr(trail)


async def test_the_why_page_says_why_and_leads_nowhere():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        await world.learn("02102", "online_rate", 55.25)
        answer = await client.get(link(world, Purpose.WHY))
        page = await answer.text()
        assert answer.status == 200
        assert "Trung tâm hoạt động" in page and "Hồ sơ trực tuyến" in page and "55,25" in page
        assert "<a " not in page and "<form" not in page and "<script" not in page
        assert "focal" not in page and "test-1" not in page and "rules/book.yaml" not in page
        english = replace(site().directory.recipients[0], locale="en")
        directory = replace(world.service.site.directory, recipients=(english,))
        world.service.site = replace(world.service.site, directory=directory)
        assert "Centre works" in await (await client.get(link(world, Purpose.WHY))).text()


async def test_a_hostile_name_stays_text_on_both_pages():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02100")
        for purpose in Purpose:
            page = await (await client.get(link(world, purpose))).text()
            assert "<script>alert" not in page and "&lt;script&gt;alert" in page
