"""Asking the running service of a site with the operator token of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import click

from monitor.config.spec import Site

TIMEOUT = 15.0  # seconds: longer than the service itself waits for a commit


class NotRunning(Exception):
    """Nobody listens at the site's address."""


def post(site: Site, path: str, body: Mapping[str, object]) -> dict[str, Any]:
    """The service's answer; its refusal is told as it stands, and ends the command with 1."""
    token = site.root / "var" / "operator.token"
    try:
        token.read_text()
    except OSError as missing:
        raise click.ClickException(
            f"cannot read {token}: {missing.strerror}; the service writes it at its start"
        ) from None
    try:
        status, answer, _ = asyncio.run(ask(site, path, body))
    except NotRunning:
        raise click.ClickException(f"the service does not answer at {_url(site, path)}; is it running?") from None
    if status >= 400:
        raise click.ClickException(str(answer.get("detail") or answer.get("title") or f"HTTP status {status}"))
    return dict(answer)


async def ask(site: Site, path: str, body: Mapping[str, Any]) -> tuple[int, Mapping[str, Any], Mapping[str, str]]:
    """Status, JSON object and headers of the answer. Raises NotRunning, and ClickException when there is no answer."""
    url = _url(site, path)
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT)) as session,
            session.post(url, json=body, headers={"Authorization": f"Bearer {_token(site)}"}) as response,
        ):
            found = await response.json(content_type=None)
            return response.status, found if isinstance(found, dict) else {}, response.headers
    except aiohttp.ClientConnectorError:
        raise NotRunning from None
    except (aiohttp.ClientError, TimeoutError, ValueError) as broken:
        raise click.ClickException(f"the service at {url} does not answer: {type(broken).__name__}") from None


def _url(site: Site, path: str) -> str:
    host = site.listen[0]
    return f"http://{f'[{host}]' if ':' in host else host}:{site.listen[1]}{path}"


def _token(site: Site) -> str:
    try:
        return (site.root / "var" / "operator.token").read_text().strip()
    except OSError:
        return ""  # the service writes it at its start: without it nobody answers, or refuses
