"""`denbao ack`: answer an incident. The running service commits it, so a 2xx means it is on disk."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import click

from monitor.cli.sites import open_site, site_option
from monitor.config.spec import Site

TIMEOUT = 10.0  # seconds


@click.command()
@site_option
@click.argument("ref")
@click.option("--note", default="", help="What is being done.")
def ack(site: Path, ref: str, note: str) -> None:
    """Acknowledge the incident REF (six characters, as in the message): later steps are withheld."""
    loaded = open_site(site)
    status, answer = asyncio.run(_post(loaded, ref, note))
    if status >= 400:
        raise click.ClickException(str(answer.get("detail") or answer.get("title") or f"HTTP status {status}"))
    click.echo(f"{ref}: acknowledged by {answer.get('acknowledged_by', '')}")


async def _post(site: Site, ref: str, note: str) -> tuple[int, dict[str, object]]:
    token = _token(site)
    url = f"http://{site.listen[0]}:{site.listen[1]}/api/v1/incidents/{ref}/ack"
    headers = {"Authorization": f"Bearer {token}"}
    body = {"note": note} if note else {}
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
