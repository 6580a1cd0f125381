"""What handlers find in the application and in the request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from monitor.config.spec import Token
from monitor.service.app import Service
from monitor.web.access import Tokens

if TYPE_CHECKING:
    from monitor.web.access import Limiter
    from monitor.web.gate import Gate
    from monitor.web.pages import Pages
    from monitor.web.public import Published
    from monitor.web.stream import Broadcaster

SERVICE = web.AppKey("service", Service)
TOKENS = web.AppKey("tokens", Tokens)
GATE: web.AppKey[Gate] = web.AppKey("gate")
REPLIES: web.AppKey[Limiter] = web.AppKey("replies")  # by channel and sender
LINKS: web.AppKey[Limiter] = web.AppKey("links")  # wrong links by address
PAGES: web.AppKey[Pages] = web.AppKey("pages")
PUBLISHED: web.AppKey[Published] = web.AppKey("published")
STREAM: web.AppKey[Broadcaster] = web.AppKey("stream")

CALLER = web.RequestKey("caller", Token)  # the token that was presented; absent for readers without one
