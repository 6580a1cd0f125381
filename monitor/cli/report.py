"""`denbao report`: what is committed as tables and pictures, whether or not the service runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from monitor.adapters.clock import SystemClock
from monitor.adapters.render import FILES, Format
from monitor.cli.sites import open_site, site_option, unit_of
from monitor.cli.stored import current, look
from monitor.config.spec import Site
from monitor.model.muting import Span
from monitor.model.state import UnitState
from monitor.model.unit import Level
from monitor.replay.compare import rebuilt
from monitor.replay.past import read_past
from monitor.reporting.availability import Grades
from monitor.reporting.periods import NAMES, is_past, span_asked, told_at
from monitor.reporting.report import Report
from monitor.service.evidence import write_evidence
from monitor.service.reports import OF_STATES, Asked, make, scene_of

_SECONDS_OF_QUIET = 1.0  # what takes longer says how far it is
_LEVELS = [level.value for level in Level]


@click.group()
def report() -> None:
    """Reports: digest, ranking, targets, availability, incidents, deliveries; and evidence of all of it.

    Of now, of any past instant (--at), or of a span: --from and --to, or --day, --month, --quarter. They end with 1
    where somebody should look (something is red, missed, refused or unanswered) or where nothing was recorded.
    """


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
SPANS: Sequence[Decorator] = (
    click.option("--at", help="As of this past instant, 2025-08-06T16:00, in the site's time."),
    click.option("--from", "since", help="Begin of the span; a day alone is counted from its first instant."),
    click.option("--to", "until", help="End of the span; a day alone is counted in full."),
    click.option("--day", help="The span is a day: 2025-08-06."),
    click.option("--month", help="The span is a month: 2025-08."),
    click.option("--quarter", help="The span is a quarter: 2025-Q3."),
)
OPTIONS: Sequence[Decorator] = (
    site_option,
    *SPANS,
    click.option("--within", help="Only this unit and those below it (a code)."),
    click.option("--format", "form", type=click.Choice(list(FILES)), default="text", show_default=True),
    click.option("--table", "table", help="CSV: this table and not the first one."),
    click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file."),
    click.option("--json", "as_json", is_flag=True, help="The same as --format json."),
)


def _many(every: Sequence[Decorator]) -> Decorator:
    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(every):
            command = option(command)
        return command

    return decorate


options = _many(OPTIONS)  # what can be asked of every report


@report.command("digest")
@options
def digest(**said: Any) -> None:
    """Units by colour with the change since the last digest, targets, worst and best ten, silence, incidents."""
    _run("digest", said)


@report.command("ranking")
@options
@click.option("--indicator", default="score", show_default=True, help="Rank by this; the unit's score unless said.")
@click.option("--level", type=click.Choice(["commune", "province"]), default="commune", show_default=True)
def ranking(**said: Any) -> None:
    """Rank units among one another, with the places won or lost since yesterday."""
    _run("ranking", said)


@report.command("targets")
@options
@click.option("--unit", help="Only this unit.")
@click.option("--level", type=click.Choice(_LEVELS), help="Units of this level.")
def targets(**said: Any) -> None:
    """List every target with its value, goal and date, and what a group still lacks; exit 1 when one is missed."""
    _run("targets", said)


@report.command("availability")
@options
@click.option("--green", type=float, default=Grades().green, show_default=True, help="Per cent; green from here on.")
@click.option("--yellow", type=float, default=Grades().yellow, show_default=True, help="Per cent; red below.")
def availability(**said: Any) -> None:
    """Tell how much of a span each system and each unit worked, without maintenance; 30 days unless said."""
    _run("availability", said)


@report.command("incidents")
@options
def incidents(**said: Any) -> None:
    """What was open in a span, who answered how soon, how long it lasted; exit 1 when one has no answer."""
    _run("incidents", said)


@report.command("deliveries")
@options
def deliveries(**said: Any) -> None:
    """Messages that fell due in a span and what became of them; exit 1 when one was refused."""
    _run("deliveries", said)


@report.command("evidence")
@site_option
@_many(SPANS)
@click.option("--within", help="Only this unit and those below it (a code).")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The ZIP to write.")
def evidence(**said: Any) -> None:
    """Pack what was received, judged, told and answered in a span, with the rules and a manifest of SHA-256."""
    site, now = open_site(said["site"]), SystemClock().now()
    span, out, progress = span_said(said, site, now), said["out"], Telling()
    if said["within"] is not None:
        unit_of(site, said["within"])
    scene = scene_of(site, {}, said["within"])
    draft = out.with_name(f"{out.name}.part")
    try:
        with draft.open("wb") as file:
            number = look(site, lambda store: write_evidence(file, site, scene, store, span, progress))
        draft.replace(out)
    except OSError as refused:
        raise click.ClickException(f"{out} cannot be written: {refused.strerror}") from None
    finally:
        progress.end()
        draft.unlink(missing_ok=True)
    click.echo(f"{out}: {number} values and changes of colour")
    if not number:
        click.echo("nothing was recorded in this time", err=True)
        raise SystemExit(1)


def _run(kind: str, said: Mapping[str, Any]) -> None:
    site = open_site(said["site"])
    asked = _asked(kind, said, site)
    form, progress = _form(said), Telling()
    scene = scene_of(site, _states(site, asked, past=is_past(_when(said)), progress=progress))
    try:
        made = look(site, lambda store: make(asked, scene, store, progress))
        written = form.write(made, said["table"])
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None
    except KeyError:
        names = ", ".join(table.id for table in made.tables)
        raise click.UsageError(f"there is no table {said['table']!r} here; there is {names}") from None
    finally:
        progress.end()
    _write(written, said["out"])
    _end(made)


def _form(said: Mapping[str, Any]) -> Format:
    """How it is to be written; wrong use where that cannot be here."""
    form = FILES["json" if said["as_json"] else said["form"]]
    if form.binary and said["out"] is None and sys.stdout.isatty():
        raise click.UsageError(f"{form.suffix} is no text; name a file with --out")
    try:
        form.needs()
    except ValueError as missing:
        raise click.UsageError(str(missing)) from None
    return form


def _write(written: bytes, out: Path | None) -> None:
    if out is None:
        sys.stdout.buffer.write(written)
        sys.stdout.buffer.flush()
        return
    try:
        out.write_bytes(written)
    except OSError as refused:
        raise click.ClickException(f"{out} cannot be written: {refused.strerror}") from None


def _end(made: Report) -> None:
    if made.empty:
        click.echo(made.paragraphs[0][1], err=True)
    if made.empty or made.bad:
        raise SystemExit(1)


def span_said(said: Mapping[str, Any], site: Site, now: datetime) -> Span:
    """The span that the options ask for; wrong use where they make no sense."""
    try:
        return span_asked(_when(said), site.calendar, now)
    except ValueError as unclear:
        raise click.UsageError(str(unclear)) from None


def _when(said: Mapping[str, Any]) -> Mapping[str, str]:
    keys = {"from": "since", "to": "until"}
    return {name: said[key] for name in NAMES if said[key := keys.get(name, name)] is not None}


def _asked(kind: str, said: Mapping[str, Any], site: Site) -> Asked:
    now = SystemClock().now()
    span = span_said(said, site, now)
    for name in ("within", "unit"):
        if said.get(name) is not None:
            unit_of(site, said[name])
    when = _when(said)
    asked = Asked(
        kind, span, said["within"], said.get("unit"), live=not is_past(when), told_at=told_at(when, span, now)
    )
    if said.get("level") is not None:
        asked = replace(asked, level=Level(said["level"]))
    if "indicator" in said:
        asked = replace(asked, indicator=said["indicator"])
    if "green" in said:
        if not 0 <= said["yellow"] <= said["green"] <= 100:
            raise click.UsageError("--yellow and --green are per cent, 0 to 100, and yellow is not above green")
        asked = replace(asked, grades=Grades(said["green"], said["yellow"]))
    return asked


def _states(site: Site, asked: Asked, past: bool, progress: Telling) -> Mapping[str, UnitState]:
    """The units as they are committed, or as they were: rebuilt from history, which takes its time."""
    if asked.kind not in OF_STATES:
        return {}
    if not past:
        return current(site)
    progress("history", 0)
    recorded = look(site, lambda store: read_past(store, asked.at))
    progress("readings", len(recorded.readings))
    if not recorded.readings or (recorded.kept is not None and asked.at < recorded.kept):
        return {}
    return rebuilt(site, recorded, site.ruleset, asked.at).states


class Telling:
    """Says on standard error how far a report is, where that takes longer than a moment."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._begun = self._clock.monotonic()
        self._told = False

    def __call__(self, what: str, number: int) -> None:
        """So much of something was read."""
        if self._clock.monotonic() - self._begun < _SECONDS_OF_QUIET:
            return
        self._told = True
        click.echo(f"\r{what}: {number:,} ", nl=False, err=True)

    def end(self) -> None:
        """Leave the line."""
        if self._told:
            click.echo("", err=True)
