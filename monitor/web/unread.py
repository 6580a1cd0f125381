"""What cannot be read as HTTP is answered as every other mistake is, and is not repeated in the log.

The server library would log the line it stumbled over, which may hold a token, for whoever reaches the port, and answer
with its version and that line.
"""

from __future__ import annotations

import json
import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from monitor.web.headers import HEADERS
from monitor.web.problems import Problem

log = logging.getLogger(__name__)


class _Connection(RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer; the connection ends with it."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        log.debug("a request from %s could not be read", request.remote)
        document = Problem(status, "unreadable", "this is no request of HTTP/1.1").document()
        answer = web.Response(
            status=status, text=json.dumps(document), content_type="application/problem+json", headers=HEADERS
        )
        answer.force_close()
        return answer


class _Server(web.Server):
    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Serves an application. The library has no other place where its answers to what it cannot read could be ours."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        server.__class__ = _Server
        return server
