"""Asking the running service of a site with the operator token of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import click

from monitor.config.spec import Site

TIMEOUT = 10.0  # seconds


def post(site: Site, path: str, body: Mapping[str, object]) -> dict[str, Any]:
    """The service's answer; its refusal is told as it stands, and ends the command with 1."""
    status, answer = asyncio.run(_post(site, path, body))
    if status >= 400:
        raise click.ClickException(str(answer.get("detail") or answer.get("title") or f"HTTP status {status}"))
    return answer


async def _post(site: Site, path: str, body: Mapping[str, object]) -> tuple[int, dict[str, Any]]:
    url = f"http://{site.listen[0]}:{site.listen[1]}{path}"
    headers = {"Authorization": f"Bearer {_token(site)}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT)) as session,
            session.post(url, json=body, headers=headers) as response,
        ):
            return response.status, await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError):
        raise click.ClickException(f"the service does not answer at {url}; is it running?") from None


def _token(site: Site) -> str:
    path = site.root / "var" / "operator.token"
    try:
        return path.read_text().strip()
    except OSError as missing:
        raise click.ClickException(
            f"cannot read {path}: {missing.strerror}; the service writes it at its start"
        ) from None
