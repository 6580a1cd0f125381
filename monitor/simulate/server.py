"""The simulated province as a real HTTP server on loopback, with the operator's TCP port beside it."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Callable
from datetime import datetime
from typing import Final

from aiohttp import web

from monitor.ports import Clock
from monitor.simulate import table
from monitor.simulate.controls import SERVICES, ControlError, Controls
from monitor.simulate.line import Line
from monitor.simulate.pages import manual_csv, metrics_page
from monitor.simulate.picture import Picture
from monitor.simulate.portal import Question, evaluation, form_table, read_form, read_question
from monitor.simulate.replies import drip, flood, json_object, plain_errors, whole
from monitor.simulate.spoil import Answer, spoil_bytes
from monitor.simulate.table import OPERATOR_LINE
from monitor.simulate.world import World, data_day

SLOW_SECONDS: Final = 4.0
"""How long a centre or system takes that was told to be slow: past the usual 3 s, short of 8 s."""

LARGEST_BODY: Final = 64 * 1024
REMEMBERED_ANSWERS: Final = 32
GRACE_SECONDS: Final = 1.0


class SimulatedProvince:
    """Serves one `World`; commands come over HTTP or through the `set_*` methods, which raise ControlError."""

    def __init__(self, world: World, clock: Clock) -> None:
        self.world = world
        self._clock = clock
        self._controls = Controls(world.territory)
        self._line = Line()
        self._news = asyncio.Event()
        self._stopping = False
        self._answers: dict[tuple[object, ...], Answer] = {}
        self._runner: web.AppRunner | None = None
        self._address = ("", 0)

    @property
    def url(self) -> str:
        """Where it listens, without a trailing slash; valid after `start`."""
        host, port = self._address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def tcp_port(self) -> int:
        """The operator line's port; valid after `start`."""
        return self._line.port

    async def start(self, host: str = "127.0.0.1", port: int = 8867, tcp_port: int = 8868) -> None:
        """Listen (port 0: any free one). Raises OSError for a taken port, ValueError off loopback.

        Everybody who reaches the port may command it, so it never listens on another address.
        """
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the simulated province listens on loopback only, not on {host}")
        self._stopping = False
        self._runner = web.AppRunner(
            self.application(), access_log=None, handler_cancellation=True, shutdown_timeout=GRACE_SECONDS
        )
        try:
            await self._runner.setup()
            await web.TCPSite(self._runner, host, port).start()
            self._address = self._runner.addresses[0][:2]
            self._line.reserve(host, tcp_port)
            await self._line.open()
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End every answer under way and give both ports back; may be called twice."""
        self._stopping = True
        self._changed()
        await self._line.release()
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    def set_centre(self, code: str, state: object) -> None:
        """Force a centre to up, down, slow, hang or nonsense."""
        self._controls.set_centre(code, state)
        self._changed()

    async def set_system(self, code: str, state: object) -> None:
        """Force a shared system; the operator line's TCP port is closed while it is down, and only then."""
        self._controls.set_system(code, state)
        self._changed()
        await self._settle_line()

    def set_value(self, code: str, indicator: str, value: object) -> None:
        """Replace one indicator of one unit (None: leave it out)."""
        self._controls.set_value(code, indicator, value)
        self._changed()

    def set_feed(self, name: str, mode: object) -> None:
        """Spoil a feed, or mend it with `ok`."""
        self._controls.set_feed(name, mode)
        self._changed()

    async def reset(self) -> None:
        """Forget every command."""
        self._controls.clear()
        self._changed()
        await self._settle_line()

    def describe(self) -> dict[str, object]:
        """The world and the commands in force, as `GET /control` shows them."""
        return {
            "seed": self.world.seed,
            "world": self.world.mood,
            "province": self.world.territory.code,
            "now": self._clock.now().isoformat(),
            "line": {"port": self._line.port, "open": self._line.listening},
            **self._controls.as_json(),
        }

    def application(self) -> web.Application:
        """The routes, for `start`; nothing listens yet."""
        app = web.Application(middlewares=[plain_errors], client_max_size=LARGEST_BODY)
        app.router.add_get("/", self._index)
        app.router.add_get("/centres/{code}/health", self._centre_health)
        app.router.add_get("/systems/{code}/health", self._system_health)
        app.router.add_route("*", "/api/v1/reporting/evaluation/{service}", self._evaluation)
        app.router.add_post("/jsp/rest.jsp", self._form)
        app.router.add_get("/files/manual.csv", self._manual)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/control", self._shown)
        app.router.add_delete("/control", self._reset)
        app.router.add_put("/control/{kind:centres|systems|feeds}/{name}", self._command)
        app.router.add_put("/control/values/{code}/{indicator}", self._command_value)
        return app

    async def _index(self, _request: web.Request) -> web.StreamResponse:
        territory = self.world.territory
        return web.json_response({
            "province": {"code": territory.code, "name": territory.name, "communes": len(territory.communes)},
            "centres": "/centres/{code}/health",
            "systems": [f"/systems/{code}/health" for code in table.SYSTEMS],
            "feeds": [f"/api/v1/reporting/evaluation/{name}" for name in SERVICES] + ["/files/manual.csv", "/metrics"],
            "control": "/control",
        })  # fmt: skip

    async def _centre_health(self, request: web.Request) -> web.StreamResponse:
        code = request.match_info["code"]
        self._controls.require_commune(code)
        return await self._health(code, lambda: self._picture().centre_state(code), self.world.latency(code))

    async def _system_health(self, request: web.Request) -> web.StreamResponse:
        code = request.match_info["code"]
        self._controls.require_system(code)
        return await self._health(code, lambda: self._controls.systems.get(code, "up"), 0.0)

    async def _health(self, code: str, state_now: Callable[[], str], latency: float) -> web.StreamResponse:
        state = state_now()
        while state == "hang" and not self._stopping:
            await self._news.wait()
            state = state_now()
        if state == "slow" or latency:
            await self._clock.sleep(SLOW_SECONDS if state == "slow" else latency)
        at = self._clock.now().isoformat()
        if state == "nonsense":
            return web.json_response({"status": "137,5 %", "unit": None, "at": "n/a"})
        if state in ("down", "hang"):
            return web.json_response({"status": "down", "unit": code, "at": at}, status=503)
        return web.json_response({"status": "up", "unit": code, "at": at})

    async def _evaluation(self, request: web.Request) -> web.StreamResponse:
        service = request.match_info["service"]
        if service not in SERVICES:
            raise ControlError(f"unknown service {service!r}", 404, SERVICES)
        if request.method not in ("GET", "POST"):
            raise web.HTTPMethodNotAllowed(request.method, ["GET", "POST"])
        body = dict(request.query) if request.method == "GET" else await json_object(request)
        now = self._clock.now()
        question = read_question(body, self.world.territory.root, now)
        return await self._send(request, lambda mode: self._evaluated(service, question, mode, now), service, "portal")

    async def _form(self, request: web.Request) -> web.StreamResponse:
        try:
            params = json.loads(str((await request.post()).get("params", "")))
        except (ValueError, RecursionError):
            raise ControlError("the form field 'params' holds no JSON") from None
        if not isinstance(params, dict):
            raise ControlError("the form field 'params' holds no JSON object")
        question = read_form(params, self.world.territory.root, self._clock.now())
        return await self._send(request, lambda mode: form_table(question, self._picture(), mode), "portal")

    def _evaluated(self, service: str, question: Question, mode: str, now: datetime) -> Answer:
        """The portal's answer, remembered until the figures of the next day are out or a command comes."""
        key = (service, question, mode, data_day(now))
        if key not in self._answers:
            if len(self._answers) >= REMEMBERED_ANSWERS:
                self._answers.clear()
            self._answers[key] = evaluation(service, question, Picture(self.world, self._controls, now), mode)
        return self._answers[key]

    async def _manual(self, request: web.Request) -> web.StreamResponse:
        return await self._send(request, lambda mode: manual_csv(self._picture(), mode), "manual")

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        return await self._send(request, lambda mode: metrics_page(self._picture(), mode), "metrics")

    async def _shown(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(self.describe())

    async def _reset(self, _request: web.Request) -> web.StreamResponse:
        await self.reset()
        return web.json_response(self.describe())

    async def _command(self, request: web.Request) -> web.StreamResponse:
        kind, name = request.match_info["kind"], request.match_info["name"]
        body = await json_object(request)
        if kind == "feeds":
            self.set_feed(name, body.get("mode"))
        elif kind == "systems":
            await self.set_system(name, body.get("state"))
        else:
            self.set_centre(name, body.get("state"))
        return web.json_response(self.describe())

    async def _command_value(self, request: web.Request) -> web.StreamResponse:
        body = await json_object(request)
        if "value" not in body:
            raise ControlError('the body must be {"value": ...}')
        self.set_value(request.match_info["code"], request.match_info["indicator"], body["value"])
        return web.json_response(self.describe())

    async def _send(self, request: web.Request, answer: Callable[[str], Answer], *feeds: str) -> web.StreamResponse:
        """The answer in the mode of the first of `feeds` that was told one."""
        mode = self._controls.mode(*feeds)
        spoilt = spoil_bytes(answer(mode), mode)
        if mode not in ("huge", "drip"):
            return whole(spoilt)

        def still() -> bool:
            return not self._stopping and self._controls.mode(*feeds) == mode

        return await (flood(request, spoilt, still) if mode == "huge" else drip(request, spoilt, still, self._clock))

    def _picture(self) -> Picture:
        return Picture(self.world, self._controls, self._clock.now())

    def _changed(self) -> None:
        """Something was told: forget prepared answers, and let those that hang look again."""
        self._answers.clear()
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _settle_line(self) -> None:
        if not self._line.port:
            return
        if self._controls.systems.get(OPERATOR_LINE) == "down":
            await self._line.shut()
        else:
            await self._line.open()
