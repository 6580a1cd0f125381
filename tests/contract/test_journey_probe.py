"""The journey probe against a portal with a login: what is carried from step to step, and what stays secret."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from monitor.adapters.probes import open_probe
from monitor.adapters.probes.journey import _IN_BODY, _for_url
from monitor.config.probespec import Capture, JourneyCheck, ProbeSpec, Step
from monitor.config.template import parse_template
from monitor.model.reading import Collected
from tests.contract.probe_tools import NOW, note_of, tools
from tests.contract.test_http_probe import Handler, serving
from tests.unit.sites import DATA

CSRF, SESSION, USER, PASSWORD, TICKET = "t0k&n=+/", "s3ssion", "denbao", "mật khẩu & 1", "ticket/9 9"
ENVIRON = {"PORTAL_USER": USER, "PORTAL_PASSWORD": PASSWORD}


class Portal:
    """Shows a form, lets the right user in, and tells a page only to those who are."""

    def __init__(self) -> None:
        self.sessions: list[str] = []  # cookies with which the form was asked for
        self.forms: list[dict[str, str]] = []

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        inside = request.cookies.get("session") == SESSION
        if request.path == "/form":
            self.sessions.append(request.headers.get("Cookie", ""))
            page = '<input name="csrf" value="t0k&amp;n&#61;+/">'
            return web.Response(text=page, content_type="text/html", headers={"Set-Cookie": "seen=1; Path=/"})
        if request.path == "/login":
            self.forms.append(dict(parse_qsl(await request.text())))
            if self.forms[-1] != {"user": USER, "password": PASSWORD, "csrf": CSRF} or "seen" not in request.cookies:
                return web.Response(status=403)
            cookie = f"session={SESSION}; Path=/; HttpOnly"
            return web.Response(status=302, headers={"Location": f"/in/{SESSION}", "Set-Cookie": cookie})
        if request.path == f"/in/{SESSION}" and inside:
            return web.json_response({"user": {"ticket": TICKET, "id": 7}}, headers={"X-Stage": "stage=open;"})
        if request.path == "/tickets" and inside and request.query["t"] == TICKET and request.headers["X-Id"] == "id 7":
            return web.json_response(await request.json())
        return web.Response(status=404)


def template(text: str) -> Any:
    return parse_template(text, DATA, ENVIRON)


def step(port: int, name: str, path: str, **settings: Any) -> Step:
    for key in ("headers", "form"):
        settings[key] = tuple((field, template(text)) for field, text in settings.get(key, {}).items())
    if "body" in settings:
        settings["body"] = template(settings["body"])
    settings.setdefault("timeout", 5.0)
    return Step(name, template(f"http://127.0.0.1:{port}{path}"), **settings)


def login(port: int, **changed: dict[str, Any]) -> tuple[Step, ...]:
    """The whole way; `changed` has other settings by step."""
    ways: dict[str, dict[str, Any]] = {
        "form": {"path": "/form", "capture": (Capture("csrf", "body", 'name="csrf" value="([^"]+)"'),)},
        "login": {
            "path": "/login",
            "method": "POST",
            "form": {"user": "${PORTAL_USER}", "password": "${PORTAL_PASSWORD}", "csrf": "{csrf}"},
            "redirects": 1,
            "capture": (
                Capture("ticket", "json", "user.ticket"),
                Capture("id", "json", "user.id", secret=False),
                Capture("stage", "header", "X-Stage", "stage=([a-z]+)"),
                Capture("session", "cookie", "session"),
            ),
        },
        "tickets": {
            "path": "/tickets?t={ticket}&s={session}",
            "method": "PUT",
            "headers": {"X-Id": "id {id}", "Content-Type": "application/json"},
            "body": '{"ticket": "{ticket}", "unit": "{code}", "stage": "{stage}"}',
            "body_is": "json",
            "expect_json": f"ticket == '{TICKET}' && unit == '19' && stage == 'open'",
        },
    }
    return tuple(step(port, name, **{**way, **changed.get(name, {})}) for name, way in ways.items())


async def asked(handler: Handler, patience: float = 5.0, times: int = 1, **changed: dict[str, Any]) -> Collected:
    async with serving(handler) as port, tools() as used:
        check = JourneyCheck(login(port, **changed), "19")
        probe = open_probe(ProbeSpec("it", "19", "up", 60.0, patience, check, also={"seconds": "spent"}), used)
        for _ in range(times - 1):
            await probe.collect(NOW)
        return await probe.collect(NOW)


async def test_a_login_is_walked_through_with_cookies_and_captured_values():
    portal = Portal()
    collected = await asked(portal)
    assert note_of(collected) == ""
    assert collected.check is not None
    assert list(collected.check.steps) == ["form", "login", "tickets"]
    assert collected.readings[1].value == pytest.approx(sum(collected.check.steps.values()))
    assert sum(collected.check.phases.values()) == pytest.approx(sum(collected.check.steps.values()), abs=1e-3)


async def test_the_transcript_tells_the_steps_and_none_of_their_secrets():
    collected = await asked(Portal())
    assert collected.check is not None
    lines = "\n".join(collected.check.transcript)
    assert "step 1 'form': GET http://127.0.0.1:" in lines
    assert "step 3 'tickets': PUT" in lines and "/tickets?t=***&s=***" in lines
    assert "captured ticket, id = 7, stage, session" in lines
    assert lines.count("first_byte") == 3
    for secret in (CSRF, SESSION, PASSWORD, TICKET, "t0k"):
        assert secret not in repr(collected)


async def test_cookies_end_with_the_journey():
    portal = Portal()
    await asked(portal, times=2)
    assert portal.sessions == ["", ""]


@pytest.mark.parametrize(
    ("changed", "note"),
    [
        ({"login": {"form": {"user": "x"}}}, "step 2 'login': HTTP status 403, expected 200"),
        (
            {"form": {"capture": (Capture("csrf", "body", 'id="csrf" value="([^"]+)"'),)}},
            'step 1 \'form\': the answer has no \'csrf\' (body id="csrf" value="([^"]+)")',
        ),
        (
            {"form": {"capture": (Capture("csrf", "json", "token"),)}},
            "step 1 'form': the answer has no 'csrf' (json token)",
        ),
        (
            {"form": {"capture": (Capture("csrf", "cookie", "session"),)}},
            "step 1 'form': the answer has no 'csrf' (cookie session)",
        ),
        ({"form": {"max_bytes": 10}}, "step 1 'form': too-large: announces more than 10 bytes"),
        (
            {"tickets": {"expect_json": "ticket == `1`"}},
            "step 3 'tickets': 'ticket == `1`' is not true of the answer",
        ),
    ],
)
async def test_the_step_that_fails_is_named_with_its_reason(changed, note):
    assert note_of(await asked(Portal(), **changed)) == note


async def test_a_value_with_a_line_break_gets_into_no_header():
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.json_response({"user": {"ticket": "a\r\nX-Evil: 1"}})

    async with serving(handler) as port, tools() as used:
        one = step(port, "one", "/", capture=(Capture("ticket", "json", "user.ticket"),))
        two = step(port, "two", "/", headers={"X-Ticket": "{ticket}"})
        probe = open_probe(ProbeSpec("it", "19", "up", 60.0, 5.0, JourneyCheck((one, two), "19")), used)
        note = note_of(await probe.collect(NOW))
    assert note == "step 2 'two': a value holds a line break or control character and cannot stand in a header"


async def silent(request: web.BaseRequest) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def test_the_kind_of_a_form_is_said_once_though_the_config_says_it_too():
    heard: list[list[str]] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        heard.append(request.headers.getall("Content-Type"))
        return web.Response()

    async with serving(handler) as port, tools() as used:
        kind = "application/x-www-form-urlencoded; charset=UTF-8"
        said = step(port, "a", "/a", method="POST", form={"x": "y"}, headers={"content-type": kind})
        spec = ProbeSpec("it", "19", "up", 60.0, 5.0, JourneyCheck((said,), "19"))
        assert note_of(await open_probe(spec, used).collect(NOW)) == ""
    assert heard == [[kind]]


async def test_a_step_that_hangs_ends_at_its_own_deadline():
    note = note_of(await asked(silent, form={"timeout": 0.2}))
    assert note == ("step 1 'form': timeout: no complete answer within 0.2 s, ended while waiting for the answer")


async def test_a_step_that_hangs_longer_than_the_journey_may_last_ends_with_it():
    note = note_of(await asked(silent, patience=0.2))
    assert note.startswith("step 1 'form': timeout: no complete answer within 0.2 s")
    assert note.endswith("; the whole journey has 0.2 s")


async def test_a_redirect_to_where_nobody_may_dial_is_refused():
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(status=302, headers={"Location": f"http://10.0.0.1/{SESSION}"})

    note = note_of(await asked(handler, form={"redirects": 1}))
    assert note == "step 1 'form': refused-address: private address, port 80: not on the allow-list"


@pytest.mark.parametrize("ticket", ["c2Vzc2lvbg/1+x==", "an@example.vn/9k2"])
async def test_a_redirect_that_repeats_what_was_captured_and_is_refused_tells_none_of_it(ticket):
    async def portal(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/login":
            return web.json_response({"ticket": ticket})
        return web.Response(status=302, headers={"Location": f"http://elsewhere.example{request.raw_path}"})

    async with serving(portal) as port, tools() as used:
        steps = (
            step(port, "login", "/login", capture=(Capture("ticket", "json", "ticket"),)),
            step(port, "enter", "/enter/{ticket}", method="PUT", body="x", redirects=1),
        )
        found = await open_probe(ProbeSpec("it", "19", "up", 60.0, 5.0, JourneyCheck(steps, "19")), used).collect(NOW)
    assert found.check is not None
    said = note_of(found) + "\n".join(found.check.transcript)
    assert "would send the request's body to another place: http://elsewhere.example" in said
    assert [part for part in ticket.split("/") if part in said] == []


async def test_a_cookie_of_the_path_that_a_redirect_led_to_is_captured():
    """As servlet containers set it: / leads to /app/, which sets JSESSIONID with Path=/app."""

    async def portal(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/":
            return web.Response(status=302, headers={"Location": "/app/", "Set-Cookie": "lang=vi; Path=/"})
        if request.path == "/app/":
            return web.Response(text="ok", headers={"Set-Cookie": "JSESSIONID=abc123; Path=/app; HttpOnly"})
        return web.Response(status=200 if request.headers.get("X-Session") == "abc123 vi" else 403)

    async with serving(portal) as port, tools() as used:
        taken = (Capture("session", "cookie", "JSESSIONID"), Capture("lang", "cookie", "lang"))
        steps = (
            step(port, "open", "/", redirects=1, capture=taken),
            step(port, "files", "/app/files", headers={"X-Session": "{session} {lang}"}),
        )
        found = await open_probe(ProbeSpec("it", "19", "up", 60.0, 5.0, JourneyCheck(steps, "19")), used).collect(NOW)
    assert note_of(found) == ""


async def test_a_cookie_that_is_percent_encoded_goes_decoded_into_a_header():
    """As Laravel wants it: the cookie XSRF-TOKEN comes back as X-XSRF-TOKEN, decoded, beside the cookie itself."""

    async def portal(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/":
            return web.Response(text="ok", headers={"Set-Cookie": "XSRF-TOKEN=eyJpdiI%3D%2B1%3D; Path=/"})
        same = (request.headers["X-XSRF-TOKEN"], request.headers["Cookie"]) == (token, "XSRF-TOKEN=eyJpdiI%3D%2B1%3D")
        return web.Response(status=204 if same else 419)

    token = "eyJpdiI=+1="
    async with serving(portal) as port, tools() as used:
        steps = (
            step(port, "open", "/", capture=(Capture("xsrf", "cookie", "XSRF-TOKEN", decode="percent"),)),
            step(port, "login", "/login", headers={"X-XSRF-TOKEN": "{xsrf}"}, expect_status=(204,)),
        )
        found = await open_probe(ProbeSpec("it", "19", "up", 60.0, 5.0, JourneyCheck(steps, "19")), used).collect(NOW)
    assert (note_of(found), token in repr(found)) == ("", False)


@given(value=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_a_value_arrives_as_it_was_wherever_it_is_put(value):
    assert URL(f"http://h/?a=1&t={_for_url(value)}&b=2").query.getall("t") == [value]
    assert json.loads(f'{{"t": "{_IN_BODY["json"](value)}", "b": 2}}') == {"t": value, "b": 2}
    form = f"a=1&t={_IN_BODY['form'](value)}&b=2"
    assert parse_qsl(form, keep_blank_values=True) == [("a", "1"), ("t", value), ("b", "2")]


@given(value=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_a_value_in_the_path_never_leaves_its_host(value):
    made = URL(f"https://h.example/x/{_for_url(value)}/y?z=1")
    assert (made.scheme, made.host, made.port, made.query_string) == ("https", "h.example", 443, "z=1")
