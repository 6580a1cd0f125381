"""`denbao report targets` and `report ranking`: tables over what is committed, whether or not the service runs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from monitor.adapters.clock import SystemClock
from monitor.cli.look import look, plain, unit_of
from monitor.cli.sites import json_option, open_site, site_option
from monitor.config.complain import nearest
from monitor.config.spec import Site
from monitor.engine.explain import colour_name, limit_text, value_text
from monitor.engine.rank import Place, rankings, ranks
from monitor.model.reading import Comparator
from monitor.model.unit import Level, Unit
from monitor.reporting.ahead import forecast_lines
from monitor.reporting.targets import Lacking, TargetLine, missed, targets
from monitor.reporting.targets import Site as Reported

NAMED = 20  # units named in one line of text; --json names all


@click.group()
def report() -> None:
    """Tables over what is committed: targets, ranking."""


level_option = click.option("--level", type=click.Choice([level.value for level in Level]), help="Units of this level.")
RANKED_LEVELS = (Level.COMMUNE.value, Level.PROVINCE.value)


@report.command("targets")
@site_option
@click.option("--unit", help="Only this unit.")
@level_option
@json_option
def list_targets(site: Path, unit: str | None, level: str | None, as_json: bool) -> None:
    """List every target with its value, goal and date, and what a group still lacks; exit 1 when one is missed."""
    loaded = open_site(site)
    if unit is not None:
        unit_of(loaded, unit)
    states = {state.unit: state for state in look(loaded, lambda store: store.load_states())}
    made = Reported(loaded.units, loaded.ruleset, loaded.calendar, states)
    lines = [line for line in targets(made, SystemClock().now()) if _asked(loaded, line, unit, level)]
    if as_json:
        click.echo(json.dumps([asdict(line) for line in lines], default=plain, ensure_ascii=False, indent=2))
    else:
        for line in lines:
            _print_target(line, loaded)
        click.echo(f"{len(lines)} targets" if lines else "no targets")
    if missed(lines):
        raise SystemExit(1)


def _asked(site: Site, line: TargetLine, unit: str | None, level: str | None) -> bool:
    return unit in (None, line.unit) and level in (None, site.units[line.unit].level.value)


def _print_target(line: TargetLine, site: Site) -> None:
    made = site.units[line.unit]
    colour = f"{colour_name(line.colour, 'vi')} / {colour_name(line.colour, 'en')}"
    click.echo(f"{line.unit} {made.name_vi} / {made.name_en}  {colour}")
    click.echo(f"  {line.title[0]} / {line.title[1]} [{line.criterion}] {line.rule}")
    counts = ""
    if line.numerator is not None and line.denominator is not None:
        counts = f" ({value_text(line.numerator, 'en')}/{value_text(line.denominator, 'en')})"
    sign = Comparator(line.comparator)
    values = " / ".join(f"{value_text(line.value, locale, sign)} {line.measure}".rstrip() for locale in ("vi", "en"))
    goal = " / ".join(limit_text(line.goal, locale) for locale in ("vi", "en"))
    click.echo(f"  giá trị / value {values}{counts}, chỉ tiêu / target {goal}{_date(line, site)}")
    for vi, en in forecast_lines(line.forecast):
        click.echo(f"  » {vi}\n    {en}")
    if line.lacking is not None:
        _print_lacking(line.lacking, site)


def _date(line: TargetLine, site: Site) -> str:
    if line.deadline is None:
        return ""
    text = f", trước / before {site.calendar.local(line.deadline):%Y-%m-%d %H:%M}"
    if line.overdue:
        return f"{text}, quá hạn / overdue"
    left = f"{line.days_left} ngày / days" if line.days_left is not None else ""
    return f"{text}, còn / left {left} ({line.working_days_left} ngày làm việc / working days)"


def _print_lacking(lacking: Lacking, site: Site) -> None:
    click.echo(f"  chưa đạt / in the way ({len(lacking.in_the_way)}): {_units(lacking.in_the_way, site)}")
    if lacking.needed is None:
        click.echo("  không tập nào đủ / no set of units would do")
        return
    head = (
        f"  tập nhỏ nhất phải xanh, dễ nhất trước / smallest set to turn green, easiest first ({len(lacking.needed)})"
    )
    click.echo(f"{head}: {_units(lacking.needed, site)}")


def _units(found: tuple[tuple[str, float], ...], site: Site) -> str:
    named = [f"{code} {site.units[code].name_vi} ({gap:.0%})" for code, gap in found[:NAMED]]
    more = len(found) - len(named)
    return ", ".join(named) + (f" +{more}" if more else "")


@report.command("ranking")
@site_option
@click.option("--indicator", default="score", show_default=True, help="Rank by this; the unit's score unless said.")
@click.option("--level", type=click.Choice(RANKED_LEVELS), default="commune", show_default=True)
@click.option("--within", help="Only units below this one (a code).")
@json_option
def list_ranking(site: Path, indicator: str, level: str, within: str | None, as_json: bool) -> None:
    """Rank units among one another, with the places won or lost since yesterday."""
    loaded = open_site(site)
    asked = {ranked.id: ranked for ranked in rankings(loaded.ruleset)}
    if indicator not in asked:
        hint = nearest(indicator, asked)
        raise click.UsageError(f"{indicator!r} cannot be ranked{'; ' if hint else ''}{hint}")
    if within is not None:
        unit_of(loaded, within)
    group = [unit for unit in loaded.units.at(Level(level)) if _is_within(loaded, unit, within)]
    states = {state.unit: state for state in look(loaded, lambda store: store.load_states())}
    today = loaded.calendar.local(SystemClock().now()).date()
    places = ranks(asked[indicator], group, states, today)
    if as_json:
        rows = [asdict(place) | {"name": loaded.units[place.unit].name_vi} for place in places]
        click.echo(json.dumps({"indicator": indicator, "places": rows}, ensure_ascii=False, indent=2))
        return
    for place in places:
        click.echo(_place(place, loaded))
    known = sum(place.rank is not None for place in places)
    click.echo(f"{known} of {len(places)} units have a rank")


def _is_within(site: Site, unit: Unit, within: str | None) -> bool:
    return within is None or (unit.code != within and within in site.units.lineage(unit.code))


def _place(place: Place, site: Site) -> str:
    rank = "-" if place.rank is None else f"{place.rank}/{place.of}"
    moved = "" if place.change is None else f"{place.change:+d}" if place.change else "="
    value = "-" if place.value is None else f"{place.value:.4g}"
    made = site.units[place.unit]
    return f"{rank:>10} {moved:>5} {value:>8}  {place.unit} {made.name_vi} / {made.name_en}"
