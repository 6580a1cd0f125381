"""`denbao preview`: what another rule book would change right now. It reads the store and writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from monitor.adapters.clock import SystemClock
from monitor.cli.output import echo_json
from monitor.cli.replay import other_rules
from monitor.cli.sites import json_option, open_site, site_option
from monitor.cli.stored import current
from monitor.config.spec import Site
from monitor.engine.book import Ruleset
from monitor.engine.sheet import Sheet
from monitor.model.colour import Colour
from monitor.model.state import UnitState

SHOWN = 20  # units that are named without --all
NOTE = "holds, flapping and remembered levels of what fell silent are left out on both sides"


@dataclass(frozen=True, slots=True)
class Change:
    """A colour that would be another one; `criterion` is empty for the unit itself, None stands for "not judged"."""

    unit: str
    level: str
    criterion: str
    was: Colour | None
    then: Colour | None

    @property
    def move(self) -> str:
        """`green -> yellow`."""
        return " -> ".join("not judged" if one is None else one.value for one in (self.was, self.then))


@click.command()
@click.argument("rules", type=click.Path(exists=True, file_okay=False, path_type=Path))
@site_option
@click.option("--all", "everything", is_flag=True, help=f"Name every unit that changes, not the first {SHOWN} only.")
@json_option
def preview(rules: Path, site: Path, everything: bool, as_json: bool) -> None:
    """Say what the rule books in RULES would change of the present colours; exit 1 when anything changes.

    All units are judged from the newest readings in the store, by the present rules and by the others. Nothing is
    written, nothing has to be confirmed.
    """
    loaded = open_site(site)
    others = other_rules(rules, loaded)
    states, now = current(loaded), SystemClock().now()
    found = changes(_judged(loaded, loaded.ruleset, states, now), _judged(loaded, others, states, now), loaded)
    judged = sum(bool(states[unit.code].evidence) for unit in loaded.units if unit.code in states)
    if as_json:
        echo_json(_as_json(found, judged, now))
    else:
        _print(found, judged, loaded, everything)
    if found:
        raise SystemExit(1)


def _judged(site: Site, rules: Ruleset, states: Mapping[str, UnitState], now: datetime) -> Sheet:
    today = site.calendar.local(now).date()
    sheet = Sheet(
        site.units, lambda unit: rules.criteria_of(unit, today), rules.indicators, rules.standing, site.calendar
    )
    sheet.fill(states)
    sheet.judge(now)
    return sheet


def changes(was: Sheet, then: Sheet, site: Site) -> tuple[Change, ...]:
    """Every colour that the second sheet shows differently, unit by unit in the order of the site."""
    found: list[Change] = []
    for unit in site.units:
        before, after = was.colours(unit.code), then.colours(unit.code)
        pairs: list[tuple[str, Colour | None, Colour | None]] = [("", was.colour(unit.code), then.colour(unit.code))]
        pairs += [(key, before.get(key), after.get(key)) for key in dict.fromkeys((*before, *after))]
        found += [Change(unit.code, unit.level.value, key, one, two) for key, one, two in pairs if one is not two]
    return tuple(found)


def _tallies(found: Sequence[Change]) -> dict[tuple[str, str], Counter[str]]:
    """How many colours move how, by criterion (empty: the units themselves) and level."""
    tallies: dict[tuple[str, str], Counter[str]] = {}
    for change in sorted(found, key=lambda change: change.criterion):
        tallies.setdefault((change.criterion, change.level), Counter())[change.move] += 1
    return tallies


def _as_json(found: Sequence[Change], judged: int, now: datetime) -> dict[str, object]:
    return {
        "same": not found,
        "at": now.isoformat(),
        "units_with_readings": judged,
        "left_out": NOTE,
        "moves": [
            {"criterion": criterion, "level": level, "move": move, "units": number}
            for (criterion, level), tally in _tallies(found).items()
            for move, number in tally.most_common()
        ],
        "changes": [
            {"unit": one.unit, "level": one.level, "criterion": one.criterion, "was": one.was, "then": one.then}
            for one in found
        ],
    }


def _print(found: Sequence[Change], judged: int, site: Site, everything: bool) -> None:
    click.echo(f"{judged} of {len(site.units)} units have readings; {NOTE}")
    for (criterion, level), tally in _tallies(found).items():
        for move, number in tally.most_common():
            click.echo(f"{criterion or 'the unit itself'}, {level}: {number} {move}")
    units = [change for change in found if not change.criterion]
    for change in units if everything else units[:SHOWN]:
        click.echo(f"  {change.unit} {site.units[change.unit].name_vi}: {change.move}")
    if len(units) > SHOWN and not everything:
        click.echo(f"  and {len(units) - SHOWN} more units; --all names them")
    click.echo(f"{len(units)} units would change colour" if found else "nothing would change")
