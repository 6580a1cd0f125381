"""What went wrong, told to programs as an RFC 9457 problem document and to people as a calm page.

Neither tells a version, a path of this machine or the inside of an error.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus

from aiohttp import web

from monitor.model.errors import NotFound, StoreError
from monitor.web.keys import PAGES

log = logging.getLogger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_FOR_PROGRAMS = ("/api/", "/openapi.json", "/healthz", "/readyz", "/metrics")
_BUSY = {"Retry-After": "5"}


class Problem(Exception):
    """An answer that is not the one asked for. `name` is a stable machine word, `detail` a sentence."""

    def __init__(
        self,
        status: int,
        name: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, object]] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = tuple(errors)

    def document(self) -> dict[str, object]:
        """The members of the problem document."""
        document: dict[str, object] = {
            "type": f"urn:denbao:problem:{self.name}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        return {**document, "errors": list(self.errors)} if self.errors else document


@web.middleware
async def tell_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into an answer."""
    try:
        return await handler(request)
    except Problem as problem:
        return _answer(request, problem)
    except NotFound as missing:
        return _answer(request, Problem(404, "not-found", str(missing)))
    except StoreError:
        return _answer(request, Problem(503, "store", "the store cannot be used now", headers=_BUSY))
    except web.HTTPException as known:
        return _answer(request, _from_aiohttp(known))
    except Exception:
        log.exception("%s %s failed", request.method, request.match_info.route.name or "a route")
        return _answer(request, Problem(500, "internal", "the service made a mistake; it is in its log"))


def _from_aiohttp(known: web.HTTPException) -> Problem:
    headers = {"Allow": known.headers["Allow"]} if "Allow" in known.headers else {}
    name = HTTPStatus(known.status).phrase.lower().replace(" ", "-")
    details = {404: "nothing is here", 405: "this address does not take that method", 413: "the body is too large"}
    return Problem(known.status, name, details.get(known.status, HTTPStatus(known.status).phrase), headers=headers)


def _answer(request: web.Request, problem: Problem) -> web.Response:
    if request.path.startswith(_FOR_PROGRAMS):
        return web.Response(
            status=problem.status,
            text=json.dumps(problem.document(), ensure_ascii=False),
            content_type="application/problem+json",
            headers=problem.headers,
        )
    page = request.app[PAGES].problem(request, problem.status, problem.detail)
    page.headers.update(problem.headers)
    return page
