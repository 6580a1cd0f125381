"""`denbao directory`: who holds which role, and the units whose plan reaches nobody."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import click

from monitor.adapters.clock import SystemClock
from monitor.alerting.coverage import Uncovered, uncovered
from monitor.alerting.plan import Directory, Recipient
from monitor.alerting.roster import called, discreet
from monitor.cli.output import clock, echo_json, hinted
from monitor.cli.route import address_of, missing
from monitor.cli.sites import instant, json_option, open_site, site_option
from monitor.config.rosters import said_spans
from monitor.config.spec import Site
from monitor.model.muting import Span
from monitor.model.nearest import nearest

SHOWN = 10  # units that are named of each group without --all
_at_option = click.option("--at", help="At this instant: 2026-12-01T08:00; now if not given.")


@click.group()
def directory() -> None:
    """Who can be told."""


@directory.command()
@_at_option
@click.option("--days", type=click.IntRange(1, 400), default=30, show_default=True, help="How far ahead to look.")
@click.option("--all", "everything", is_flag=True, help=f"Name every unit, not the first {SHOWN} of each group only.")
@site_option
@json_option
def coverage(at: str | None, days: int, everything: bool, site: Path, as_json: bool) -> None:
    """Name the units whose plan reaches nobody, now or in the days to come, with the time and why; exit 1 if any.

    It is asked plan by plan, whom the service would call at each instant: holders with their days, schedules, channels.
    """
    loaded = open_site(site)
    start = SystemClock().now() if at is None else instant(at, loaded)
    end = start + timedelta(days=days)
    found = list(uncovered(loaded.units, loaded.directory, loaded.sessions, start, end))
    if as_json:
        echo_json(_as_json(found, start, end, loaded))
    else:
        _print(found, start, end, loaded, everything)
    if found:
        raise SystemExit(1)


def _print(found: list[Uncovered], start: datetime, end: datetime, site: Site, everything: bool) -> None:
    groups: dict[tuple[str, tuple[Span, ...]], dict[str, Uncovered]] = {}
    for gap in found:
        groups.setdefault((_plan(gap, site), gap.spans), {}).setdefault(gap.unit, gap)
    for (plan, spans), gaps in groups.items():
        click.echo(f"{plan}: không tới ai / reaches nobody {said_spans(spans, site.calendar)}")
        for why in _why(next(iter(gaps.values())), site).values():
            click.echo(f"  ! {why}")
        for code in list(gaps)[: None if everything else SHOWN]:
            click.echo(f"  {code} {site.units[code].name_vi}")
        if len(gaps) > SHOWN and not everything:
            click.echo(f"  and {len(gaps) - SHOWN} more units; --all names them")
    without = len({gap.unit for gap in found})
    reached = f"{len(site.units) - without} of {len(site.units)} units are reached by every plan"
    click.echo(f"{reached} from {clock(start, site)} to {clock(end, site)}")


def _plan(gap: Uncovered, site: Site) -> str:
    return site.directory.policies[gap.policy].name


def _why(gap: Uncovered, site: Site) -> dict[str, str]:
    """For each role of the plan why nobody is called for it when the first span begins."""
    unit, at = site.units[gap.unit], gap.spans[0].starts
    roles = dict.fromkeys(role for step in site.directory.policies[gap.policy].steps for role in step.to)
    where = site.units.answering(gap.unit)
    asked = ((role, called(site.directory, role, where, at, site.calendar)) for role in roles)
    return {role: f"{role}: {why}" for role, who in asked if (why := missing(who, unit, at, site)) is not None}


def _as_json(found: list[Uncovered], start: datetime, end: datetime, site: Site) -> dict[str, object]:
    local = site.calendar.local
    return {
        "from": local(start).isoformat(),
        "until": local(end).isoformat(),
        "units": len(site.units),
        "unreached": [
            {
                "unit": gap.unit,
                "kind": gap.kind.value,
                "policy": _plan(gap, site),
                "spans": [
                    {"from": local(span.starts).isoformat(), "until": local(span.ends).isoformat()}
                    for span in gap.spans
                ],
                "why": list(_why(gap, site).values()),
            }
            for gap in found
        ],
    }


@directory.command("list")
@click.option("--unit", help="Only holders at this unit.")
@click.option("--role", help="Only holders of this role.")
@_at_option
@click.option("--full", is_flag=True, help="Numbers, addresses and names of persons in full.")
@site_option
@json_option
def list_people(unit: str | None, role: str | None, at: str | None, full: bool, site: Path, as_json: bool) -> None:
    """Name everybody who can be told, with the days on which they hold their role; exit 1 when there is nobody."""
    loaded = open_site(site)
    for given, known, kind in (
        (unit, [one.code for one in loaded.units], "unit"),
        (role, loaded.directory.roles, "role"),
    ):
        if given is not None and given not in known:
            raise click.UsageError(hinted(f"unknown {kind} '{given}'", nearest(given, known)))
    day = None if at is None else loaded.calendar.local(instant(at, loaded)).date()
    shown = _chosen(loaded.directory if full else discreet(loaded.directory), unit, role, day)
    if as_json:
        rows = [_row(person, loaded, full) for person in shown]
        echo_json(rows)
    else:
        for person in shown:
            days = f"  {person.valid_from or '...'} - {person.valid_to or '...'}" if _limited(person) else ""
            ways = " ".join(f"{name} {address}".strip() for name, address in _ways(person, loaded, full).items())
            click.echo(f"{person.id}  {person.name} [{person.role} {person.scope}]  {ways}{days}")
        click.echo(f"{len(shown)} recipients")
    if not shown:
        raise SystemExit(1)


def _chosen(known: Directory, unit: str | None, role: str | None, day: date | None) -> list[Recipient]:
    return [
        person
        for person in known.recipients
        if unit in (None, person.scope) and role in (None, person.role) and (day is None or person.holds_on(day))
    ]


def _limited(person: Recipient) -> bool:
    return person.valid_from is not None or person.valid_to is not None


def _ways(person: Recipient, site: Site, full: bool) -> dict[str, str]:
    """The address of each channel, empty where it needs none."""
    return {channel: address_of(person.id, channel, site, full=full) for channel in person.channels}


def _row(person: Recipient, site: Site, full: bool) -> dict[str, object]:
    return {
        "id": person.id,
        "name": person.name,
        "role": person.role,
        "unit": person.scope,
        "channels": _ways(person, site, full),
        "valid_from": str(person.valid_from or ""),
        "valid_to": str(person.valid_to or ""),
    }
