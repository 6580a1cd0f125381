"""The web application of one service: gate, routes, headers; and how it listens."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web

from monitor.service.app import Service
from monitor.web.access import Right, Tokens
from monitor.web.gate import WRONG_PER_MINUTE, Gate, guard
from monitor.web.headers import HEADERS
from monitor.web.keys import GATE, LINKS, PAGES, PUBLISHED, PUSHES, REPLIES, SERVICE, STREAM, TURN
from monitor.web.limiter import Limiter
from monitor.web.openapi import document
from monitor.web.pages import Pages
from monitor.web.patience import patient
from monitor.web.problems import Handler, tell_problems
from monitor.web.public import Published
from monitor.web.push import BATCHES_PER_MINUTE
from monitor.web.replies import PER_MINUTE
from monitor.web.route import Route
from monitor.web.routes import table
from monitor.web.stream import Broadcaster
from monitor.web.unread import Runner

LARGEST_BODY = 1024 * 1024  # bytes


def create_app(service: Service, tokens: Tokens) -> web.Application:
    """The application over a service. Reads are open when the site listens on loopback; all else needs a token."""
    app = web.Application(middlewares=[tell_problems, guard], client_max_size=LARGEST_BODY)
    routes = routes_of(service)
    app[SERVICE] = service
    app[PAGES] = Pages(service)
    app[PUBLISHED] = Published(service)
    app[GATE] = Gate(service, tokens, routes)
    app[STREAM] = Broadcaster(service)
    app[LINKS] = Limiter(WRONG_PER_MINUTE, 60.0)
    app[REPLIES] = Limiter(PER_MINUTE, 60.0)
    app[TURN] = asyncio.Lock()
    app[PUSHES] = Limiter(BATCHES_PER_MINUTE, 60.0)
    for route in routes:
        app.router.add_route(route.method, route.path, route.handler, name=route.name)
        if route.method == "GET" and not route.stream:
            app.router.add_route("HEAD", route.path, route.handler)
    app.on_response_prepare.append(_set_headers)
    app.on_shutdown.append(_end_streams)
    return app


def routes_of(service: Service) -> tuple[Route, ...]:
    """Every route of the application, its own description included."""
    routes = table(service.exporters.values())
    described = Route(
        "GET",
        "/openapi.json",
        _described(document(routes, service.site.name_en)),
        Right.READ,
        "openapi",
        "This document.",
        "application/json",
    )
    return (*routes, described)


async def serve(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Listen; the caller stops it with `runner.cleanup()`. `runner.addresses` tells the port when 0 was asked for.

    Raises OSError when the address is taken.
    """
    runner = Runner(app, access_log=None, auto_decompress=False, shutdown_timeout=2.0)
    patient(app, runner, app[SERVICE].clock)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except BaseException:
        await runner.cleanup()
        raise
    return runner


def _described(openapi: dict[str, object]) -> Handler:
    text = json.dumps(openapi, ensure_ascii=False)

    async def show(_request: web.Request) -> web.StreamResponse:
        """The OpenAPI document."""
        return web.Response(text=text, content_type="application/json")

    return show


async def _set_headers(_request: web.Request, response: web.StreamResponse) -> None:
    own = response.headers.get("Content-Security-Policy")  # of a document that is no page of the board
    response.headers.update({**HEADERS} | ({"Content-Security-Policy": own} if own else {}))
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")  # a badge is for other sites
    response.headers.setdefault("Cache-Control", "no-store")


async def _end_streams(app: web.Application) -> None:
    app[STREAM].close()
