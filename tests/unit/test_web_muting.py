"""Silences and windows over HTTP: previewed, begun, listed and ended by who may, and shown on the board."""

from __future__ import annotations

import pytest

from monitor.adapters.store.memory import MemoryStore
from tests.unit.web_site import bearer, running, site, visiting

OPERATOR = bearer("operator")
QUIET = {"matchers": ["unit=02102"], "for": "2h", "comment": "thay <b>thiết bị</b>"}


async def test_a_silence_is_previewed_begun_listed_and_ended_and_every_step_is_audited():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        preview = await (await client.post("/api/v1/silences/preview", json=QUIET, headers=OPERATOR)).json()
        assert (preview["incident_count"], preview["unit_count"]) == (1, 1)
        assert preview["incidents"][0]["unit"] == "02102"
        assert (await (await client.get("/api/v1/silences")).json())["items"] == []

        made = await (await client.post("/api/v1/silences", json=QUIET, headers=OPERATOR)).json()
        assert (made["state"], made["by"], made["matchers"]) == ("active", "operator-1", ["unit=02102"])
        (listed,) = (await (await client.get("/api/v1/silences")).json())["items"]
        assert listed == made

        over = await client.post(f"/api/v1/silences/{made['id']}/end", json={}, headers=OPERATOR)
        assert (await over.json())["state"] == "past"
        assert (await (await client.get("/api/v1/silences")).json())["items"] == []
        (past,) = (await (await client.get("/api/v1/silences?state=all")).json())["items"]
        assert past["ended_by"] == "operator-1"
        again = await client.post(f"/api/v1/silences/{made['id']}/end", json={}, headers=OPERATOR)
        assert (again.status, (await again.json(content_type=None))["detail"]) == (409, f"{made['id']} is over already")
        assert isinstance(world.service.store, MemoryStore)
        trail = [(entry.actor, entry.action, entry.subject) for entry, _ in await world.service.store.audit_trail()]
        assert trail[:2] == [("operator-1", "silence_end", made["id"]), ("operator-1", "silence_add", made["id"])]


async def test_under_a_window_the_unit_shows_maintenance_and_its_page_says_who_why_and_until_when():
    async with running(site()) as world, visiting(world) as client:
        made = await (await client.post("/api/v1/maintenance", json=QUIET, headers=OPERATOR)).json()
        assert made["current"]["ends_at"] == made["ends_at"]
        await world.service.evaluator.settle()
        assert (await (await client.get("/api/v1/units/02102")).json())["colour"] == "maintenance"
        page = await (await client.get("/units/02102")).text()
        assert made["id"] in page and "operator-1" in page and "&lt;b&gt;" in page and "<b>thi" not in page
        listed = await (await client.get("/muting")).text()
        assert f'data-mute="{made["id"]}"' in listed and "<b>thi" not in listed
        await client.post(f"/api/v1/maintenance/{made['id']}/end", json={}, headers=OPERATOR)
        await world.service.evaluator.settle()
        assert (await (await client.get("/api/v1/units/02102")).json())["colour"] != "maintenance"


async def test_a_recurring_window_says_when_it_comes():
    async with running(site()) as world, visiting(world) as client:
        order = {**QUIET, "every": "2nd sun", "at": "22:00", "until": "2027-06-30"}
        made = await (await client.post("/api/v1/maintenance", json=order, headers=OPERATOR)).json()
        assert made["repeat"] == {"every": "2nd sun", "at": "22:00", "seconds": 7200.0, "zone": "Asia/Ho_Chi_Minh"}
        assert (made["state"], made["current"]) == ("coming", None)


@pytest.mark.parametrize("role", ["viewer", "pusher", "scraper"])
async def test_who_may_not_mute_is_refused(role):
    async with running(site()) as world, visiting(world) as client:
        assert (await client.post("/api/v1/silences", json=QUIET, headers=bearer(role))).status == 403
        assert (await client.post("/api/v1/silences", json=QUIET)).status == 401
        cross = {**OPERATOR, "Origin": "http://evil.example"}
        assert (await client.post("/api/v1/silences", json=QUIET, headers=cross)).status == 403


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({**QUIET, "matchers": "unit=02102"}, "matchers"),
        ({**QUIET, "matchers": ["unit=nobody"]}, "matchers"),
        ({**QUIET, "matchers": ["criterion=centre_reachible"]}, "matchers"),
        ({**QUIET, "for": "for ever"}, "for"),
        ({**QUIET, "for": 5}, "for"),
        ({**QUIET, "comment": 5}, "comment"),
        ({**QUIET, "who": "me"}, "who"),
        ({**QUIET, "until": "2026-11-30"}, "until"),
    ],
)
async def test_an_order_that_cannot_be_carried_out_is_a_problem_that_names_its_field(order, field):
    async with running(site()) as world, visiting(world) as client:
        answer = await client.post("/api/v1/silences", json=order, headers=OPERATOR)
        told = await answer.json(content_type=None)
        assert (answer.status, told["errors"][0]["field"]) == (422, field)
        assert (await (await client.get("/api/v1/silences?state=all")).json())["items"] == []


async def test_what_does_not_exist_or_is_of_the_other_sort_cannot_be_ended():
    async with running(site()) as world, visiting(world) as client:
        made = await (await client.post("/api/v1/silences", json=QUIET, headers=OPERATOR)).json()
        for path in ("/api/v1/silences/S-NONE", f"/api/v1/maintenance/{made['id']}"):
            assert (await client.post(f"{path}/end", json={}, headers=OPERATOR)).status == 404
