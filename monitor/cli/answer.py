"""`denbao ack`: answer an incident. The running service commits it, so a 2xx means it is on disk."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.running import post
from monitor.cli.sites import open_site, site_option


@click.command()
@site_option
@click.argument("ref")
@click.option("--note", default="", help="What is being done.")
def ack(site: Path, ref: str, note: str) -> None:
    """Acknowledge the incident REF (six characters, as in the message): later steps are withheld."""
    answer = post(open_site(site), f"/api/v1/incidents/{ref}/ack", {"note": note} if note else {})
    click.echo(f"{ref}: acknowledged by {answer.get('acknowledged_by', '')}")
