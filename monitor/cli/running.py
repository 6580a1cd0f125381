"""What a command asks of the running service of its site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
import click

from monitor.config.spec import Site

TIMEOUT = 15.0  # seconds: longer than the service itself waits for a commit


class NotRunning(Exception):
    """Nobody listens at the site's address."""


async def post(site: Site, path: str, body: Mapping[str, Any]) -> tuple[int, Mapping[str, Any], Mapping[str, str]]:
    """Status, JSON object and headers of the answer. Raises NotRunning, and ClickException when there is no answer."""
    url = f"http://{_host(site)}:{site.listen[1]}{path}"
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


def _host(site: Site) -> str:
    host = site.listen[0]
    return f"[{host}]" if ":" in host else host


def _token(site: Site) -> str:
    try:
        return (site.root / "var" / "operator.token").read_text().strip()
    except OSError:
        return ""  # the service writes it at its start: without it nobody answers, or refuses
