"""The few files that give the pages their look: read once, named by their content, kept by browsers for a year."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file with its packed form and its digest."""

    body: bytes
    packed: bytes
    digest: str
    content_type: str


@cache
def files() -> dict[str, StaticFile]:
    """All static files by name."""
    return {path.name: _read(path) for path in sorted(FOLDER.iterdir()) if path.suffix in _TYPES}


def _read(path: Path) -> StaticFile:
    body = path.read_bytes()
    digest = blake2b(body, digest_size=8).hexdigest()
    return StaticFile(body, gzip.compress(body, mtime=0), digest, _TYPES[path.suffix])


def address(name: str) -> str:
    """Where a page finds a file: a new content has a new address."""
    return f"/static/{name}?v={files()[name].digest}"


async def static(request: web.Request) -> web.Response:
    """One file. Raises HTTPNotFound."""
    file = files().get(request.match_info["name"])
    if file is None:
        raise web.HTTPNotFound
    current = request.query.get("v") == file.digest
    headers = {
        "ETag": f'"{file.digest}"',
        "Cache-Control": _FOR_EVER if current else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if any(tag.value == file.digest for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=file.packed, headers=headers, content_type=file.content_type, charset="utf-8")
    return web.Response(body=file.body, headers=headers, content_type=file.content_type, charset="utf-8")
