"""Tokens, rights and the gate before every route."""

from __future__ import annotations

import json

import pytest
from aiohttp import web

from monitor.config.spec import Token
from monitor.model.errors import ConfigError
from monitor.web.access import MAY, Right, Tokens, local_token, may, token_entry
from monitor.web.app import create_app, routes_of
from monitor.web.limiter import Limiter
from tests.unit.web_site import TOKENS, bearer, running, site, visiting

MUTE = Right.MUTE
READ, PUSH, ACK, SCRAPE, PUBLIC = Right.READ, Right.PUSH, Right.ACKNOWLEDGE, Right.SCRAPE, Right.PUBLIC
# What each address asks of its caller. A new route must be written down here before it can be asked.
RIGHTS = {
    "GET /": READ,
    "GET /units/{code}": READ,
    "GET /incidents": READ,
    "GET /incidents/{id}": READ,
    "GET /feeds": READ,
    "GET /feeds/{id}": READ,
    "GET /a/{signed}": PUBLIC,
    "POST /a/{signed}": PUBLIC,
    "GET /w/{signed}": PUBLIC,
    "GET /reports": READ,
    "GET /reports/{kind}": READ,
    "GET /public/{code}": PUBLIC,
    "GET /badge/{code}.svg": PUBLIC,
    "GET /static/{name}": PUBLIC,
    "GET /api/v1/site": READ,
    "GET /api/v1/units": READ,
    "GET /api/v1/units/{code}": READ,
    "GET /api/v1/units/{code}/explain": READ,
    "GET /api/v1/incidents": READ,
    "GET /api/v1/incidents/{id}": READ,
    "POST /api/v1/incidents/{id}/ack": ACK,
    "GET /api/v1/feeds": READ,
    "GET /api/v1/feeds/{id}": READ,
    "POST /api/v1/readings": PUSH,
    "POST /api/v1/heartbeats/{id}": PUSH,
    "POST /api/v1/replies/{channel}": PUBLIC,
    "GET /api/v1/receipts/{id}": PUBLIC,
    "POST /api/v1/receipts/{id}": PUBLIC,
    "GET /api/v1/events": READ,
    "GET /muting": READ,
    "GET /api/v1/silences": READ,
    "POST /api/v1/silences": MUTE,
    "POST /api/v1/silences/preview": MUTE,
    "POST /api/v1/silences/{id}/end": MUTE,
    "GET /api/v1/maintenance": READ,
    "POST /api/v1/maintenance": MUTE,
    "POST /api/v1/maintenance/preview": MUTE,
    "POST /api/v1/maintenance/{id}/end": MUTE,
    "GET /openapi.json": READ,
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /metrics": SCRAPE,
}


async def test_every_route_of_the_application_has_the_right_that_is_written_down():
    async with running(site()) as world:
        table = {f"{route.method} {route.path}": route.right for route in routes_of(world.service)}
        app = create_app(world.service, world.tokens)
    assert table == RIGHTS
    served = {f"{route.method} {route.resource.canonical}" for route in app.router.routes() if route.resource}
    assert {name for name in served if not name.startswith("HEAD ")} == set(RIGHTS)


async def test_a_route_that_is_not_in_the_table_is_refused():
    async def planted(_request: web.Request) -> web.Response:
        return web.Response(text="secret")

    async with running(site()) as world:
        from aiohttp.test_utils import TestClient, TestServer

        app = create_app(world.service, world.tokens)
        app.router.add_get("/planted", planted)
        async with TestClient(TestServer(app)) as client:
            assert (await client.get("/planted", headers=bearer("admin"))).status == 403


@pytest.mark.parametrize("role", [*MAY, "stranger", None])
async def test_away_from_loopback_every_role_gets_what_it_may_and_nothing_else(role):
    headers = bearer(role) if role in MAY else {}
    async with running(site(listen="0.0.0.0")) as world, visiting(world) as client:
        for name, right in RIGHTS.items():
            method, path = name.split(" ")
            if path == "/api/v1/events":
                continue  # a stream does not end; its right is in the table
            real = path.format(
                code="02101", id="NOBODY", name="board.css", channel="NOBODY", signed="NOBODY", kind="incidents"
            )
            answer = await client.request(method, real, headers=headers, json={} if method == "POST" else None)
            allowed = may(role or "", right)
            assert (answer.status not in (401, 403)) == allowed, (role, name, answer.status)


async def test_on_loopback_reading_is_open_and_changing_is_not():
    async with running(site()) as world, visiting(world) as client:
        assert (await client.get("/")).status == 200
        assert (await client.get("/metrics")).status == 200
        refused = await client.post("/api/v1/readings", json={"readings": []})
        assert refused.status == 401
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        assert refused.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "header",
    [
        "Bearer operator-1.wrong",
        "Bearer operator-1.",
        "Bearer nobody.secret",
        "Bearer",
        "Bearer " + TOKENS["operator"] + "x",
        "Basic b3BlcmF0b3I6eA==",
        "",
    ],
)
async def test_a_wrong_token_is_refused_even_where_reading_is_open_and_leaves_a_trace(header):
    async with running(site()) as world, visiting(world) as client:
        answer = await client.get("/api/v1/units", headers={"Authorization": header})
        assert answer.status == 401
        [entry] = [e for e, _ in await world.service.store.audit_trail() if e.action == "token refused"]  # type: ignore[attr-defined]
        assert "wrong" not in repr(entry)
        assert entry.subject == "GET /api/v1/units"


async def test_after_ten_wrong_tokens_in_a_minute_an_address_must_wait_and_a_right_one_still_works():
    wrong = {"Authorization": "Bearer operator-1.guess"}
    async with running(site()) as world, visiting(world) as client:
        for _ in range(10):
            assert (await client.get("/api/v1/units", headers=wrong)).status == 401
        answer = await client.get("/api/v1/units", headers=wrong)
        assert answer.status == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 60
        assert (await client.get("/api/v1/units")).status == 200  # reading without a token goes on
        for role in ("operator", "viewer"):  # who comes by the same proxy
            assert (await client.get("/api/v1/units", headers=bearer(role))).status == 200
        refused = [e for e, _ in await world.service.store.audit_trail() if e.action == "token refused"]  # type: ignore[attr-defined]
        assert len(refused) == 10  # a flood of wrong ones does not fill the audit
        world.clock.move(61)
        assert (await client.get("/api/v1/units", headers=wrong)).status == 401


async def test_a_token_in_the_address_is_refused_and_never_looked_at():
    async with running(site()) as world, visiting(world) as client:
        answer = await client.get("/api/v1/units", params={"token": TOKENS["operator"]})
        assert answer.status == 400
        assert TOKENS["operator"] not in await answer.text()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8866", "127.0.0.1.evil.example", "", "[::1"])
async def test_a_name_that_is_not_ours_is_misdirected(host):
    async with running(site()) as world, visiting(world) as client:
        assert (await client.get("/api/v1/units", headers={"Host": host})).status in (400, 421)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8866", "127.0.0.1:1", "[::1]:8866", "board.example"])
async def test_loopback_names_and_the_configured_name_are_ours(host):
    async with running(site()) as world, visiting(world) as client:
        assert (await client.get("/api/v1/units", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    "foreign",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_page_of_another_site_can_neither_change_anything_nor_listen(foreign):
    async with running(site()) as world, visiting(world) as client:
        push = await client.post("/api/v1/readings", json={}, headers={**bearer("pusher"), **foreign})
        assert push.status == 403
        assert (await client.get("/api/v1/events", headers=foreign)).status == 403
        assert (await client.get("/", headers={"Sec-Fetch-Site": "cross-site"})).status == 200  # a link in a mail


async def test_every_answer_forbids_frames_inline_scripts_and_sniffing_and_names_no_version():
    async with running(site()) as world, visiting(world) as client:
        for path in ("/", "/nowhere", "/api/v1/units", "/api/v1/nowhere", "/static/board.js", "/healthz"):
            headers = (await client.get(path)).headers
            policy = headers["Content-Security-Policy"]
            assert "default-src 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Server"] == "denbao"
            assert "Set-Cookie" not in headers


async def test_no_secret_is_in_any_answer_and_the_metrics_say_nothing_of_tokens():
    async with running(site()) as world, visiting(world) as client:
        for path in ("/", "/openapi.json", "/api/v1/units", "/metrics"):
            text = await (await client.get(path, headers=bearer("admin"))).text()
            assert not any(secret in text for secret in TOKENS.values())


async def test_the_description_tells_every_programs_route_with_its_roles():
    async with running(site()) as world, visiting(world) as client:
        described = json.loads(await (await client.get("/openapi.json")).text())
    told = {f"{method.upper()} {path}" for path, methods in described["paths"].items() for method in methods}
    assert told == {n for n in RIGHTS if "/api/" in n or n in ("GET /healthz", "GET /readyz", "GET /metrics")}
    assert described["paths"]["/api/v1/readings"]["post"]["x-roles"] == ["admin", "operator", "pusher"]


def test_the_token_of_this_machine_is_made_once_and_readable_by_its_owner_only(tmp_path):
    path = tmp_path / "var" / "operator.token"
    made = local_token(path)
    assert local_token(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["operator.token"]
    found = Tokens([token_entry(made)]).who(made)
    assert found is not None
    assert (found.id, found.role) == ("local", "operator")


@pytest.mark.parametrize("spoil", ["mode", "empty", "text"])
def test_a_token_file_that_others_may_read_or_that_holds_no_token_is_refused(tmp_path, spoil):
    path = tmp_path / "operator.token"
    local_token(path)
    if spoil == "mode":
        path.chmod(0o644)
    else:
        path.write_text("" if spoil == "empty" else "hello")
    with pytest.raises(ConfigError):
        local_token(path)


def test_two_tokens_of_one_id_are_refused():
    with pytest.raises(ValueError, match="ops"):
        Tokens([Token("ops", "viewer", "00"), Token("ops", "admin", "11")])


def test_a_role_that_does_not_exist_may_nothing_but_what_everybody_may():
    assert not any(may("stranger", right) for right in Right if right is not Right.PUBLIC)


def test_a_limiter_forgets_the_oldest_keys_first_and_old_events_altogether():
    limiter = Limiter(2, 60.0, keys=2)
    for now, key in enumerate("aabbc"):
        limiter.count(key, float(now))
    assert limiter.wait("a", 5.0) == 0.0  # forgotten: only two keys are kept
    assert limiter.wait("b", 5.0) == pytest.approx(57.0)
    assert limiter.wait("b", 63.0) == 0.0
