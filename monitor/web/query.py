"""What a caller asks in the query or sends as a body, checked; whatever is wrong is told as a problem with its name."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Collection

from aiohttp import web

from monitor.web.problems import Problem

PAGE = 100  # rows of a list when nobody asks for another number
MOST = 1000
FURTHEST = 10_000  # rows a list can be turned through
BODY_SECONDS = 10.0  # within which a body must have arrived


def known_only(request: web.Request, names: Collection[str]) -> None:
    """Refuse query parameters that the route does not have; a token in an address is told apart."""
    for name in request.query:
        if name in ("token", "access_token"):
            raise Problem(400, "token-in-address", "tokens travel in the Authorization header only")
        if name not in names:
            raise Problem(422, "query", f"there is no parameter {name!r} here; there is {', '.join(sorted(names))}")


def window(request: web.Request) -> tuple[int, int]:
    """(limit, offset) of a list."""
    return _whole(request, "limit", PAGE, 1, MOST), _whole(request, "offset", 0, 0, FURTHEST)


def _whole(request: web.Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and least <= int(text) <= most):
        raise Problem(422, "query", f"{name} is a whole number from {least} to {most}")
    return int(text)


def one_of(request: web.Request, name: str, allowed: Collection[str]) -> str | None:
    """A parameter with a fixed set of words; None when it is not given."""
    word = request.query.get(name)
    if word is not None and word not in allowed:
        raise Problem(422, "query", f"{name} is one of {', '.join(allowed)}")
    return word


async def body_of(request: web.Request) -> bytes:
    """The body, bounded in size by the application and in time."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        raise Problem(408, "slow-body", f"the body did not arrive within {BODY_SECONDS:g} s") from None


async def json_body(request: web.Request) -> dict[str, object]:
    """The JSON object in the body, strictly read: no duplicate names, no NaN, bounded in size and in time."""
    if request.content_type != "application/json" or request.headers.get("Content-Encoding"):
        raise Problem(415, "media-type", "send application/json, not packed")
    raw = await body_of(request)
    try:
        found = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refused, parse_float=_finite)
    except (ValueError, RecursionError) as broken:
        said = "nested too deeply" if isinstance(broken, RecursionError) else str(broken)
        raise Problem(400, "json", f"the body is not the JSON that is needed: {said[:200]}") from None
    if not isinstance(found, dict):
        raise Problem(400, "json", "the body must be a JSON object")
    return found


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _refused(word: str) -> object:
    raise ValueError(f"{word} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number
