"""`denbao probe`: ask one unit's targets now, and show how it went. Nothing is stored and nothing is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click

from monitor.adapters.clock import SystemClock
from monitor.adapters.probes import Tools, open_probe
from monitor.cli.output import echo_json, hinted
from monitor.cli.sites import json_option, open_site, site_option, unit_of
from monitor.config.probespec import ProbeSpec
from monitor.config.spec import Site
from monitor.model.nearest import nearest
from monitor.model.reading import Collected, Reading
from monitor.service.build import open_network


@click.command()
@click.argument("unit")
@click.argument("probe", required=False)
@site_option
@json_option
def probe(unit: str, probe: str | None, site: Path, as_json: bool) -> None:
    """Run the probes of UNIT (a code), or only PROBE, now and print the transcript; exit 1 when one is down."""
    loaded = open_site(site)
    specs = _asked(loaded, unit, probe)
    answers = asyncio.run(_poll(loaded, specs))
    if as_json:
        rows = [_row(spec, answer) for spec, answer in zip(specs, answers, strict=True)]
        echo_json(rows)
    else:
        for spec, answer in zip(specs, answers, strict=True):
            _print(spec, answer)
    if not all(_well(answer) for answer in answers):
        raise SystemExit(1)


def _asked(site: Site, unit: str, name: str | None) -> list[ProbeSpec]:
    unit_of(site, unit)
    own = {spec.id.partition("/")[0]: spec for spec in site.probes if spec.unit == unit}
    if not own:
        raise click.UsageError(f"no probe asks {unit}")
    if name is None:
        return list(own.values())
    if name not in own:
        raise click.UsageError(hinted(f"{unit} has no probe '{name}'", nearest(name, own)))
    return [own[name]]


async def _poll(site: Site, specs: Sequence[ProbeSpec]) -> list[Collected]:
    clock = SystemClock()
    guard, fetcher = open_network(site, clock)
    tools = Tools(fetcher, guard, clock)
    try:
        return [await open_probe(spec, tools).collect(clock.now()) for spec in specs]
    finally:
        await fetcher.close()


def _well(answer: Collected) -> bool:
    return bool(answer.readings) and answer.readings[0].value is True


def _print(spec: ProbeSpec, answer: Collected) -> None:
    assert answer.check is not None
    down = "không hỏi được / cannot ask" if answer.failure else "hỏng / down"
    word = "tốt / well" if _well(answer) else down
    attempts = answer.check.attempts
    click.echo(f"{spec.id} ({spec.asks.kind}): {word}, {answer.duration * 1000:.1f} ms, lần thử / attempts: {attempts}")
    for line in answer.check.transcript:
        click.echo(f"  {line}")
    if answer.check.phases:
        click.echo("  " + ", ".join(f"{name} {spent * 1000:.1f} ms" for name, spent in answer.check.phases.items()))
    if answer.check.steps:
        click.echo("  " + ", ".join(f"{name} {spent * 1000:.1f} ms" for name, spent in answer.check.steps.items()))
    for reading in answer.readings:
        click.echo(f"  {reading.indicator} = {_value(reading)}{reading.note and f' ({reading.note})'}")


def _value(reading: Reading) -> str:
    if isinstance(reading.value, bool):
        return "có / yes" if reading.value else "không / no"
    return f"{reading.value:g}" if isinstance(reading.value, float) else reading.value


def _row(spec: ProbeSpec, answer: Collected) -> dict[str, object]:
    assert answer.check is not None
    expires = answer.check.certificate_expires
    return {
        "probe": spec.id,
        "kind": spec.asks.kind,
        "unit": spec.unit,
        "well": _well(answer),
        "at": answer.at.isoformat(),
        "seconds": answer.duration,
        "attempts": answer.check.attempts,
        "phases": dict(answer.check.phases),
        "steps": dict(answer.check.steps),
        "readings": {reading.indicator: reading.value for reading in answer.readings},
        "note": answer.failure or answer.readings[0].note,
        "certificate_expires": expires and expires.isoformat(),
        "transcript": list(answer.check.transcript),
    }
