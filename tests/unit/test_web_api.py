"""The API for programs: lists, units, why, incidents, acknowledging, readiness, the exporter's page."""

from __future__ import annotations

import pytest

from monitor.model.errors import StoreError
from tests.unit.web_site import HOSTILE, bearer, running, site, until, visiting


async def test_units_are_listed_with_their_colours_filtered_and_paged():
    async with running(site()) as world, visiting(world) as client:
        page = await (await client.get("/api/v1/units?level=commune&limit=4")).json()
        assert [row["code"] for row in page["items"]] == ["02100", "02101", "02102", "02103"]
        assert (page["total"], page["next_offset"]) == (6, 4)
        rest = await (await client.get("/api/v1/units?level=commune&limit=4&offset=4")).json()
        assert [row["code"] for row in rest["items"]] == ["02104", "02105"]
        assert rest["next_offset"] is None
        unknown = await (await client.get("/api/v1/units?level=commune&colour=unknown")).json()
        assert [row["code"] for row in unknown["items"]] == ["02101"]
        assert unknown["items"][0]["last_known_colour"] == "unknown"


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "limit=٣", "offset=-1", "level=village", "colour=pink", "nonsense=1"],
)
async def test_a_wrong_parameter_is_a_problem_that_says_what_would_be_right(query):
    async with running(site()) as world, visiting(world) as client:
        answer = await client.get(f"/api/v1/units?{query}")
        assert answer.status == 422
        assert answer.content_type == "application/problem+json"
        problem = await answer.json(content_type=None)
        assert problem["type"] == "urn:denbao:problem:query"
        assert problem["detail"]


async def test_one_unit_tells_its_criteria_with_plain_numbers_and_utc_instants():
    async with running(site()) as world, visiting(world) as client:
        found = await (await client.get("/api/v1/units/02102")).json()
        online = next(c for c in found["criteria"] if c["id"] == "online_rate")
        assert online["value"] == 91.5
        assert online["deadline"] == "2026-11-30T17:00:00Z"
        assert online["colour"] == "green"
        province = await (await client.get("/api/v1/units/19")).json()
        assert province["counts"]["green"] == 5
        assert province["counts"]["unknown"] == 1


async def test_why_is_told_in_both_languages_with_the_place_of_the_rule():
    async with running(site()) as world, visiting(world) as client:
        await world.learn("02103", "online_rate", 70.0)
        told = await (await client.get("/api/v1/units/02103/explain")).json()
        worst = told["criteria"][0]
        assert (worst["id"], worst["colour"], worst["rule"]) == ("online_rate", "yellow", "rules/book.yaml:19")
        assert worst["reasons"][0]["vi"].startswith("70 chưa đạt chỉ tiêu")
        assert worst["reasons"][0]["en"].startswith("70 does not yet meet")
        assert worst["assumed"] is True


@pytest.mark.parametrize(
    "path", ["/api/v1/units/9999", "/api/v1/units/9999/explain", "/api/v1/incidents/NOBODY", "/api/v1/else"]
)
async def test_what_does_not_exist_is_a_problem_document(path):
    async with running(site()) as world, visiting(world) as client:
        answer = await client.get(path)
        assert answer.status == 404
        assert (await answer.json(content_type=None))["status"] == 404


async def test_a_method_that_an_address_does_not_take_is_told_with_those_it_takes():
    async with running(site()) as world, visiting(world) as client:
        answer = await client.delete("/api/v1/units")
        assert answer.status == 405
        assert "GET" in answer.headers["Allow"]


async def test_an_incident_is_answered_once_and_the_first_who_answered_stays():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        url = f"/api/v1/incidents/{world.ref}"
        before = await (await client.get(url)).json()
        assert (before["phase"], before["kind"], before["unit"]) == ("open", "outage", "02102")
        assert before["steps"][0]["calls_made"] == 1
        assert {d["recipient"] for d in before["deliveries"]} == {"focal-vn"}
        done = await client.post(f"{url}/ack", json={"note": "đang đến\u0000 nơi"}, headers=bearer("operator"))
        assert done.status == 200
        again = await client.post(f"{url}/ack", json={}, headers=bearer("admin"))
        assert again.status == 200
        after = await (await client.get(url)).json()
        assert (after["phase"], after["acknowledged_by"]) == ("acknowledged", "operator-1")
        assert after["note"] == "đang đến nơi"


async def test_a_reference_may_be_typed_in_lower_case():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        answer = await client.post(f"/api/v1/incidents/{world.ref.lower()}/ack", json={}, headers=bearer("operator"))
        assert answer.status == 200


async def test_answering_a_closed_incident_is_a_conflict():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        ref = world.ref
        await world.learn("02102", "centre_reachable", True)
        answer = await client.post(f"/api/v1/incidents/{ref}/ack", json={}, headers=bearer("operator"))
        assert answer.status == 409
        everything = await (await client.get("/api/v1/incidents?phase=all")).json()
        assert [row["phase"] for row in everything["items"]] == ["closed"]
        assert (await (await client.get("/api/v1/incidents")).json())["items"] == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"note": 5}', "application/json", 422),
        (b'{"other": "x"}', "application/json", 422),
        (b'{"note": "a", "note": "b"}', "application/json", 400),
        (b"not json", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"note=x", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
    ],
)
async def test_an_answer_that_is_not_the_json_that_is_needed_is_refused(body, kind, status):
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        headers = {**bearer("operator"), "Content-Type": kind}
        answer = await client.post(f"/api/v1/incidents/{world.ref}/ack", data=body, headers=headers)
        assert answer.status == status


async def test_looking_changes_nothing():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02102")
        assert (await client.get(f"/api/v1/incidents/{world.ref}/ack")).status == 405
        assert (await client.get(f"/incidents/{world.ref}")).status == 200
        assert (await (await client.get(f"/api/v1/incidents/{world.ref}")).json())["phase"] == "open"


async def test_ready_only_after_the_first_sweep_and_while_the_store_can_be_written():
    async with running(site()) as world, visiting(world) as client:
        assert (await client.get("/readyz")).status == 200
        async with world.without_store():
            answer = await client.get("/readyz")
            assert answer.status == 503
            assert "disk full" in (await answer.json(content_type=None))["detail"]
            assert (await client.get("/healthz")).status == 200
        await until(lambda: not world.service.evaluator.degraded)
        assert (await client.get("/readyz")).status == 200


async def test_a_store_that_is_gone_is_told_without_its_inside(monkeypatch):
    async def gone(*_args: object, **_kwargs: object) -> None:
        raise StoreError("sqlite: /var/lib/secret.db is locked")

    async with running(site()) as world, visiting(world) as client:
        monkeypatch.setattr(world.service.store, "incidents", gone)
        answer = await client.get("/api/v1/incidents")
        assert answer.status == 503
        assert answer.headers["Retry-After"]
        assert "secret" not in await answer.text()


async def test_a_mistake_of_ours_is_told_without_its_inside(monkeypatch):
    async with running(site()) as world, visiting(world) as client:
        monkeypatch.setattr(world.service.store, "incidents", None)
        answer = await client.get("/api/v1/incidents")
        assert answer.status == 500
        assert "NoneType" not in await answer.text()
        page = await client.get("/incidents")
        assert page.status == 500
        assert "NoneType" not in await page.text()


async def test_the_exporters_page_is_served_as_it_was_made():
    async with running(site()) as world, visiting(world) as client:
        answer = await client.get("/metrics")
        assert await answer.read() == b"denbao_units 1\n"
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4"


async def test_a_hostile_name_travels_as_plain_json():
    async with running(site()) as world, visiting(world) as client:
        answer = await client.get("/api/v1/units/02100")
        assert answer.content_type == "application/json"
        assert (await answer.json())["name"]["vi"] == f"Xã {HOSTILE}"


async def test_which_site_judges_and_what_is_wrong_with_the_one_on_disk_can_be_asked():
    async with running(site()) as world, visiting(world) as client:
        world.service.refuse(("rules/book.yaml:7: unknown key",))
        told = await (await client.get("/api/v1/site")).json()
        metrics = await world.service.metrics.page(world.service.store, world.clock.now())
    assert told["name"]["en"] == "Denbao test" and told["problems"] == ["rules/book.yaml:7: unknown key"]
    assert told["rules_broken"] == {}
    assert b"denbao_config_last_reload_successful 0.0" in metrics
