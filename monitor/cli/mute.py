"""`denbao silence` and `denbao maintenance`: add and end through the running service, list whether or not it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from monitor.adapters.clock import SystemClock
from monitor.cli.output import clock, echo_json
from monitor.cli.running import post
from monitor.cli.sites import json_option, open_site, site_option
from monitor.cli.stored import look
from monitor.config.spec import Site
from monitor.model.muting import Silence, When, Window, newest_first


@click.group()
def silence() -> None:
    """Tell nobody of some incidents for a while; they are watched as ever."""


@click.group()
def maintenance() -> None:
    """Planned work: the units show maintenance and are not judged."""


def _common(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        json_option,
        click.option("--preview", is_flag=True, help="Only show what it would mute now."),
        click.option("--comment", required=True, help="Why."),
        click.option("--until", default="", help="Its end: 2026-11-28T22:00; a day is counted in full."),
        click.option("--for", "lasts", default="", help="How long: 30m, 2h, 1d."),
        click.option("--from", "starts", default="", help="Its start; now if not given."),
        click.argument("matchers", nargs=-1, required=True),
        site_option,
    ):
        command = option(command)
    return command


@silence.command("add")
@_common
def add_silence(site: Path, preview: bool, as_json: bool, **order: Any) -> None:
    """Silence incidents that meet all MATCHERS, such as unit=02143, under=19, criterion=centre_*, colour!=red."""
    _add(site, "silences", order, preview, as_json)


@maintenance.command("add")
@_common
@click.option("--every", default="", help="Comes again: day, mon,thu, 1,15, last, '2nd sun', 'last fri'.")
@click.option("--at", default="", help="When it begins each time on the local clock: 22:00.")
def add_maintenance(site: Path, preview: bool, as_json: bool, **order: Any) -> None:
    """Plan work at units that meet all MATCHERS, such as unit=02143, under=19, level=system."""
    _add(site, "maintenance", order, preview, as_json)


@silence.command("end")
@site_option
@click.argument("name", metavar="ID")
def end_silence(site: Path, name: str) -> None:
    """End the silence ID now: what fell due meanwhile is told once."""
    _end(site, "silences", name)


@maintenance.command("end")
@site_option
@click.argument("name", metavar="ID")
def end_maintenance(site: Path, name: str) -> None:
    """End the window ID now: its units are judged anew from fresh readings."""
    _end(site, "maintenance", name)


@silence.command("list")
@site_option
@click.option("--all", "everything", is_flag=True, help="Past ones too.")
@json_option
def list_silences(site: Path, everything: bool, as_json: bool) -> None:
    """Active silences first, then coming ones."""
    _list(open_site(site), Silence, everything, as_json)


@maintenance.command("list")
@site_option
@click.option("--all", "everything", is_flag=True, help="Past ones too.")
@json_option
def list_maintenance(site: Path, everything: bool, as_json: bool) -> None:
    """Active windows first, then coming ones; those of config.yaml as well."""
    _list(open_site(site), Window, everything, as_json)


def _add(folder: Path, what: str, order: Mapping[str, Any], preview: bool, as_json: bool) -> None:
    names = {"starts": "from", "lasts": "for"}
    body = {names.get(name, name): given for name, given in order.items() if given}
    body["matchers"] = list(order["matchers"])
    site = open_site(folder)
    answer = post(site, f"/api/v1/{what}{'/preview' if preview else ''}", body)
    if as_json:
        echo_json(answer)
    elif preview:
        _print_preview(answer)
    else:
        until = clock(datetime.fromisoformat(answer["ends_at"]), site)
        click.echo(f"{answer['id']}: {answer['state']}, until {until}")


def _print_preview(found: dict[str, Any]) -> None:
    counted = f"{found['incident_count']} incidents, {found['unit_count']} units"
    click.echo(f"would mute {counted}, {found['pending_notices']} notices waiting to be sent")
    for one in found["incidents"]:
        click.echo(f"  {one['ref']}  {one['colour']:8} {one['unit']}  {one['cause']}")
    for one in found["units"]:
        click.echo(f"  {one['code']}  {one['name']['vi']}")


def _end(folder: Path, what: str, name: str) -> None:
    answer = post(open_site(folder), f"/api/v1/{what}/{quote(name, safe='')}/end", {})
    click.echo(f"{answer['id']}: ended by {answer['ended_by']}")


def _list(site: Site, sort: type[Silence] | type[Window], everything: bool, as_json: bool) -> None:
    kept = [one for one in look(site, lambda store: store.muted()) if isinstance(one, sort)]
    of_site = [] if sort is Silence else list(site.maintenance)
    now = SystemClock().now()
    shown = newest_first([one for one in (*kept, *of_site) if everything or one.when(now) is not When.PAST], now)
    if as_json:
        rows = [
            {**asdict(one), "matchers": [str(m) for m in one.matchers], "state": one.when(now).value} for one in shown
        ]
        echo_json(rows)
        return
    for one in shown:
        click.echo(_line(one, site, one.when(now)))
    if not shown:
        click.echo("nothing is muted" if not everything else "nothing was ever muted")


def _line(one: Silence | Window, site: Site, when: When) -> str:
    repeat = one.repeat if isinstance(one, Window) else None
    each = f", {repeat.days} at {repeat.at:%H:%M} for {repeat.seconds:g} s" if repeat else ""
    times = f"{clock(one.starts, site)} - {clock(one.ends, site)}{each}"
    return f"{one.id}  {when.value:6} {times}  {' '.join(map(str, one.matchers))}  {one.by}: {one.comment}"
