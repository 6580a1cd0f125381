"""Stand-ins for the message gateways: every one on one port of the loopback, each under its own name in the path.

They answer in the words that the vendors document and behave as badly as a test asks: refuse, break, answer slowly,
without end or with nonsense, or take the message and lose the answer. What "arrived" is what a telephone would show.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs
from xml.etree import ElementTree

from aiohttp import web

from monitor.ports import Clock

_HUGE: Final = 300 * 1024 * 1024  # bytes
_PIECE: Final = b" " * 65536
_DRIP: Final = 0.05  # seconds between two bytes
_OK: Final[Mapping[str, str]] = {"esms": "100", "speedsms": "00", "viettel": "1"}  # all others: 0
IDEMPOTENT: Final = frozenset({"esms", "viettel", "vnpt", "zalozns"})  # zalozns: by look-up
GATEWAYS: Final = ("esms", "speedsms", "stringee", "vietguys", "viettel", "vnpt", "zalozns", "zalooa")
BOTS: Final = ("telegram", "zalobot")


@dataclass(frozen=True, slots=True)
class Mood:
    """How a gateway treats messages: "well", or a code of its own, an HTTP status, or a misbehaviour."""

    kind: str = "well"  # well, code, status, lost, silent, garbled, huge, drip, packed, redirect
    value: str = ""  # the code or the status


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message that a telephone shows."""

    gateway: str
    name: str  # the request id, where the gateway has one
    to: str
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)


class FakeGateways:
    """Serves all gateways. Moods may be changed at any time; `refresh_token` is the one that Zalo would take next.

    `arrived` is told of every message.
    """

    def __init__(self, clock: Clock, arrived: Callable[[Arrived], None] = lambda _message: None) -> None:
        self._clock = clock
        self._tell = arrived
        self.moods: dict[str, Mood] = {}
        self.arrived: list[Arrived] = []
        self.asked: Counter[str] = Counter()
        self.logins: list[Mapping[str, str]] = []  # headers that a gateway got
        self.refresh_token = "refresh-0"  # noqa: S105 (of a stand-in)
        self.access_token = ""
        self.refreshed = 0
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """Where it listens, once started."""
        return self._port

    def base(self, gateway: str) -> str:
        """The base URL of one gateway."""
        return f"http://127.0.0.1:{self._port}/{gateway}"

    async def start(self, port: int = 0) -> None:
        """Listen on the loopback."""
        app = web.Application(client_max_size=1024 * 1024)
        app.router.add_post("/oauth/v4/oa/access_token", self._refresh)
        app.router.add_get("/zalozns/message/status", self._status)
        app.router.add_post("/{gateway}{rest:.*}", self._message)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self._port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Hang up."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _message(self, request: web.Request) -> web.StreamResponse:
        gateway = request.match_info["gateway"]
        if gateway not in (*GATEWAYS, *BOTS):
            raise web.HTTPNotFound
        message = _read(gateway, await request.read())
        self.asked[gateway] += 1
        self.logins.append(dict(request.headers))
        mood = self.moods.get(gateway, Mood())
        if mood.kind == "status":
            return web.json_response({}, status=int(mood.value), headers={"Retry-After": "37"})
        if mood.kind == "redirect":
            return web.Response(status=302, headers={"Location": f"{self.base('esms')}/elsewhere"})
        if mood.kind == "code":
            return _answer(gateway, mood.value, "")
        if (
            gateway in ("zalozns", "zalooa")
            and self.access_token
            and request.headers["access_token"] != self.access_token
        ):
            return _answer(gateway, "-124" if gateway == "zalozns" else "-216", "")
        again = gateway in IDEMPOTENT and any(one.name == message.name for one in self.arrived)
        if not again:
            self.arrived.append(message)
            self._tell(message)
        return await self._reply(request, gateway, mood, again)

    async def _reply(self, request: web.Request, gateway: str, mood: Mood, again: bool) -> web.StreamResponse:
        whole = _answer(
            gateway, "124" if again and gateway == "esms" else _OK.get(gateway, "0"), f"id-{self.asked[gateway]}"
        )
        if mood.kind == "well":
            return whole
        if mood.kind == "garbled":
            return web.Response(body=b"\xff\xfe<html>502", content_type="text/html")
        if mood.kind == "packed":
            return web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
        if mood.kind == "lost":
            assert request.transport is not None
            request.transport.abort()
            return whole
        if mood.kind == "silent":
            await asyncio.Event().wait()
        return await _endless(request, self._clock, 0 if mood.kind == "huge" else _DRIP)

    async def _status(self, request: web.Request) -> web.Response:
        mood = self.moods.get("status", Mood())
        if mood.kind == "status":
            return web.Response(status=int(mood.value))
        if mood.kind == "lost":
            assert request.transport is not None
            request.transport.abort()
        if self.access_token and request.headers["access_token"] != self.access_token:
            return web.json_response({"error": -124, "message": "Access token invalid"})
        name = request.query.get("tracking_id", "")
        known = next((one for one in self.arrived if one.gateway == "zalozns" and one.name == name), None)
        if known is None:
            return web.json_response({"error": 0, "message": "Success", "data": {"status": -1}})
        return web.json_response({"error": 0, "message": "Success", "data": {"msg_id": f"id-{name[:6]}", "status": 1}})

    async def _refresh(self, request: web.Request) -> web.Response:
        form = parse_qs((await request.read()).decode())
        self.asked["oauth"] += 1
        mood = self.moods.get("oauth", Mood())
        if mood.kind == "status":
            return web.Response(status=int(mood.value))
        if form.get("refresh_token") != [self.refresh_token]:
            return web.json_response({"error": -14014, "error_name": "Invalid refresh token."})
        self.refreshed += 1
        self.refresh_token, self.access_token = f"refresh-{self.refreshed}", f"access-{self.refreshed}"
        if mood.kind == "lost":
            assert request.transport is not None
            request.transport.abort()
        pair = {"access_token": self.access_token, "refresh_token": self.refresh_token, "expires_in": "90000"}
        return web.json_response(pair)


async def _endless(request: web.Request, clock: Clock, pause: float) -> web.StreamResponse:
    """Bytes that never make an answer: very many, or one now and then."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    sent = 0
    while sent < _HUGE:
        piece = b" " if pause else _PIECE
        await response.write(piece)
        sent += len(piece)
        await clock.sleep(pause)
    return response


def _read(gateway: str, body: bytes) -> Arrived:
    """The message in a gateway's own form."""
    if gateway == "vietguys":
        fields: Mapping[str, Any] = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    elif gateway == "viettel":
        fields = {part.tag: part.text or "" for part in ElementTree.fromstring(body).iter()}  # noqa: S314
    else:
        fields = json.loads(body)
    return Arrived(gateway, *_FORMS[gateway](fields), fields)


# gateway -> request id, recipient and text of a message in its form
_FORMS: Final[Mapping[str, Callable[[Any], tuple[str, str, str]]]] = {
    "esms": lambda form: (form["RequestId"], form["Phone"], form["Content"]),
    "speedsms": lambda form: ("", form["to"][0], form["content"]),
    "stringee": lambda form: ("", form["sms"][0]["to"], form["sms"][0]["text"]),
    "vietguys": lambda form: (form["bid"], form["phone"], form["sms"]),
    "viettel": lambda form: (form["RequestID"], form["ReceiverID"], form["Content"]),
    "vnpt": lambda form: (form["RQST"]["REQID"], form["RQST"]["MOBILELIST"], form["RQST"]["PARAMS"][0]["CONTENT"]),
    "zalozns": lambda form: (form["tracking_id"], form["phone"], json.dumps(form["template_data"])),
    "zalooa": lambda form: ("", form["recipient"]["user_id"], form["message"]["text"]),
    **dict.fromkeys(BOTS, lambda form: ("", str(form["chat_id"]), form["text"])),
}


def _answer(gateway: str, code: str, name: str) -> web.Response:
    """A reply in a gateway's own words."""
    if gateway == "viettel":
        inner = f"<return><message>{name}</message><result>{code}</result></return>"
        text = (
            '<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>'
            f'<ns2:wsCpMtResponse xmlns:ns2="http://impl.bulkSms.ws/">{inner}</ns2:wsCpMtResponse></S:Body></S:Envelope>'
        )
        return web.Response(text=text, content_type="text/xml")
    return web.json_response(_json_answer(gateway, code, name))


def _json_answer(gateway: str, code: str, name: str) -> Mapping[str, Any]:
    if gateway == "esms":
        return {"CodeResult": code, "CountRegenerate": 0, "SMSID": name}
    if gateway == "speedsms":
        status = "success" if code == "00" else "error"
        return {"status": status, "code": code, "data": {"tranId": name, "totalSMS": 1, "invalidPhone": []}}
    if gateway == "stringee":
        return {"smsSent": 1, "result": [{"r": int(code), "msg": "", "msgId": name}]}
    if gateway == "vietguys":
        return {"error": 0, "msgid": name} if code == "0" else {"error": 1, "error_code": int(code), "log": ""}
    if gateway == "vnpt":
        return {"RPLY": {"name": "send_sms_list", "ERROR": code, "ERROR_DESC": "", "REQID": name}}
    if gateway in BOTS:
        return {"ok": True, "result": {"message_id": name, "date": 0}}
    return {"error": int(code), "message": "", "data": {"msg_id": name, "message_id": name} if code == "0" else None}
