"""What handlers find in the application and in the request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from monitor.config.spec import Token
from monitor.service.app import Service

if TYPE_CHECKING:
    import asyncio

    from monitor.web.gate import Gate
    from monitor.web.limiter import Limiter
    from monitor.web.pages import Pages
    from monitor.web.public import Published
    from monitor.web.stream import Broadcaster

SERVICE = web.AppKey("service", Service)
GATE: web.AppKey[Gate] = web.AppKey("gate")
REPLIES: web.AppKey[Limiter] = web.AppKey("replies")  # by channel and sender
LINKS: web.AppKey[Limiter] = web.AppKey("links")  # wrong links by address
PUSHES: web.AppKey[Limiter] = web.AppKey("pushes")  # by caller
PAGES: web.AppKey[Pages] = web.AppKey("pages")
PUBLISHED: web.AppKey[Published] = web.AppKey("published")
STREAM: web.AppKey[Broadcaster] = web.AppKey("stream")
TURN: web.AppKey[asyncio.Lock] = web.AppKey("reports_turn")  # one report at a time: a large one takes seconds

CALLER = web.RequestKey("caller", Token)  # the token that was presented; absent for readers without one
