"""How answers leave and bodies arrive: whole, flooding or dripping, JSON bodies, refusals as problem documents."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from monitor.ports import Clock
from monitor.simulate.controls import ControlError
from monitor.simulate.spoil import Answer

HUGE_BYTES: Final = 500 * 1024 * 1024
CHUNK: Final = 64 * 1024
DRIP_SECONDS: Final = 1.0

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def whole(answer: Answer) -> web.Response:
    """The answer in one piece."""
    return web.Response(body=answer.body, status=answer.status, headers={"Content-Type": answer.content_type})


async def flood(request: web.Request, answer: Answer, still: Callable[[], bool]) -> web.StreamResponse:
    """The answer, and blanks up to HUGE_BYTES, while `still()` holds."""
    response = await _begun(request, answer)
    await response.write(answer.body)
    for _ in range(len(answer.body), HUGE_BYTES, CHUNK):
        if not still():
            break
        await response.write(b" " * CHUNK)
    return response


async def drip(request: web.Request, answer: Answer, still: Callable[[], bool], clock: Clock) -> web.StreamResponse:
    """One byte of the answer every DRIP_SECONDS, and blanks after its end, while `still()` holds."""
    response = await _begun(request, answer)
    position = 0
    while still():
        await response.write(answer.body[position : position + 1] or b" ")
        position += 1
        await clock.sleep(DRIP_SECONDS)
    return response


async def _begun(request: web.Request, answer: Answer) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": answer.content_type})
    await response.prepare(request)
    return response


async def json_object(request: web.Request) -> dict[str, Any]:
    """The request's body; an empty one is an empty object. Raises ControlError for anything else."""
    try:
        body = json.loads(await request.text() or "{}")
    except (ValueError, RecursionError) as error:
        raise ControlError(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise ControlError("the body must be a JSON object")
    return body


@web.middleware
async def plain_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Every refusal as an RFC 9457 problem document."""
    try:
        return await handler(request)
    except ControlError as error:
        return _problem(error.status, error.detail, error.known)
    except web.HTTPException as error:
        return _problem(error.status, f"{error.reason}: {request.method} {request.path}")


def _problem(status: int, detail: str, known: tuple[str, ...] = ()) -> web.Response:
    body: dict[str, object] = {"type": "about:blank", "status": status, "detail": detail}
    if known:
        body["known"] = list(known)
    return web.json_response(body, status=status, content_type="application/problem+json")
