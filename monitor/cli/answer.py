"""`denbao ack`: answer an incident. The running service commits it, so a 2xx means it is on disk."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import click

from monitor.cli.running import post
from monitor.cli.sites import open_site, site_option


@click.command()
@site_option
@click.argument("ref")
@click.option("--note", default="", help="What is being done.")
@click.option("--party", default="", help="For whom, where several must answer (officials, telecom ...).")
@click.option("--minutes", type=click.IntRange(min=1), help="How long it counts; otherwise as the policy says.")
def ack(site: Path, ref: str, note: str, party: str, minutes: int | None) -> None:
    """Acknowledge the incident REF (six characters, as in the message): later steps are withheld."""
    given = {"note": note, "party": party, "minutes": minutes}
    body = {name: value for name, value in given.items() if value}
    answer = post(open_site(site), f"/api/v1/incidents/{quote(ref, safe='')}/ack", body)
    if awaits := answer.get("awaits"):
        click.echo(f"{ref}: answered; still awaits {', '.join(awaits)}")
    else:
        click.echo(f"{ref}: acknowledged by {answer.get('acknowledged_by', '')}")
