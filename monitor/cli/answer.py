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
@click.option("--party", default="", help="For whom, where several must answer (officials, telecom ...).")
@click.option("--minutes", type=click.IntRange(min=1), help="How long it counts; otherwise as the policy says.")
def ack(site: Path, ref: str, note: str, party: str, minutes: int | None) -> None:
    """Acknowledge the incident REF (six characters, as in the message): later steps are withheld."""
    loaded = open_site(site)
    given = {"note": note, "party": party, "minutes": minutes}
    status, answer = asyncio.run(_post(loaded, ref, {name: value for name, value in given.items() if value}))
    if status >= 400:
        raise click.ClickException(str(answer.get("detail") or answer.get("title") or f"HTTP status {status}"))
    if awaits := answer.get("awaits"):
        click.echo(f"{ref}: answered; still awaits {', '.join(map(str, awaits if isinstance(awaits, list) else []))}")
    else:
        click.echo(f"{ref}: acknowledged by {answer.get('acknowledged_by', '')}")


async def _post(site: Site, ref: str, body: dict[str, object]) -> tuple[int, dict[str, object]]:
    token = _token(site)
    url = f"http://{site.listen[0]}:{site.listen[1]}/api/v1/incidents/{ref}/ack"
    headers = {"Authorization": f"Bearer {token}"}
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
