"""`denbao replay`: the recorded past under the present rules or others, side by side with what was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from monitor.cli.output import clock_seconds, echo_json
from monitor.cli.sites import instant, json_option, open_site, site_argument
from monitor.cli.stored import look, refuse_deleted
from monitor.config.exceptions import with_exceptions
from monitor.config.rulebooks import load_rules
from monitor.config.spec import Site
from monitor.engine.book import Ruleset
from monitor.replay.compare import Difference, Event, Replayed
from monitor.replay.compare import replay as judge_again
from monitor.replay.past import Past, read_file, read_past


@click.command()
@site_argument
@click.option("--from", "since", required=True, help="First instant, 2025-08-06T00:00, in the site's time.")
@click.option("--to", "until", required=True, help="Last instant.")
@click.option("--rules", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Another rules/ folder.")
@click.option("--readings", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="CSV of readings.")
@click.option("--unit", help="Only this unit (a code).")
@json_option
def replay(
    site: Path, since: str, until: str, rules: Path | None, readings: Path | None, unit: str | None, as_json: bool
) -> None:
    """Judge what was recorded again, and name what would have been judged and owed otherwise; exit 1 if anything.

    Nothing is written or sent. Incidents of silent sources are left out: history does not hold their health.
    """
    loaded = open_site(site)
    start, end = instant(since, loaded), instant(until, loaded)
    if end < start:
        raise click.UsageError("--to lies before --from")
    if unit is not None and unit not in loaded.units:
        raise click.UsageError(f"no unit has the code {unit!r}")
    ruleset = loaded.ruleset if rules is None else other_rules(rules, loaded)
    past = _from_file(readings, loaded) if readings else look(loaded, lambda store: read_past(store, end))
    refuse_deleted(past, start, loaded)
    answer = judge_again(loaded, past, ruleset, start, end)
    if unit is not None:
        answer = _only(answer, unit)
    echo_json(_as_json(answer)) if as_json else _print(answer, loaded)
    if not answer.same:
        raise SystemExit(1)


def other_rules(folder: Path, site: Site) -> Ruleset:
    """The rules of another folder for this site; prints every mistake in them and exits 2 if there is one."""
    root = folder.resolve()
    if not (root / "rules").is_dir():
        if root.name != "rules":
            raise click.UsageError(f"{folder} is no rules folder; name a folder called rules, or one that holds it")
        root = root.parent
    ruleset, problems = load_rules(root, [book.id for book in site.ruleset.books])
    if ruleset is not None:
        ruleset, problems = with_exceptions(root, ruleset, site.units)
    if ruleset is None or problems:
        _refuse([str(problem) for problem in problems])
    assert ruleset is not None
    return ruleset


def _from_file(path: Path, site: Site) -> Past:
    past, problems = read_file(path, site.units, site.ruleset, site.calendar)
    if problems:
        _refuse(problems)
    return past


def _refuse(problems: Sequence[str]) -> None:
    for problem in problems:
        click.echo(problem, err=True)
    raise SystemExit(2)


def _only(answer: Replayed, unit: str) -> Replayed:
    def of_unit(found: Sequence[Difference]) -> tuple[Difference, ...]:
        return tuple(one for one in found if (one.was or one.now or _NOWHERE).unit == unit)

    return replace(answer, colours=of_unit(answer.colours), notices=of_unit(answer.notices), was={}, now={})


_NOWHERE = Event("", "", datetime.min.replace(tzinfo=UTC), "")


def _as_json(answer: Replayed) -> dict[str, object]:
    return {
        "same": answer.same,
        "readings": answer.readings,
        "lead_in_seconds": answer.lead_in.total_seconds(),
        "colours": [_difference(one) for one in answer.colours],
        "notices": [_difference(one) for one in answer.notices],
        "standing": {"was": answer.was, "now": answer.now},
        "not_replayed": ["incidents of silent sources", "repeats that history did not keep"],
    }


def _difference(one: Difference) -> dict[str, object]:
    return {"kind": one.kind, "was": _event(one.was), "now": _event(one.now)}


def _event(event: Event | None) -> dict[str, object] | None:
    if event is None:
        return None
    return {**event._asdict(), "at": event.at.isoformat(), "why": list(event.why)}


def _print(answer: Replayed, site: Site) -> None:
    click.echo(f"{answer.readings} readings; the beginning is rebuilt from {answer.lead_in} of history before it")
    for title, found in (("colours", answer.colours), ("notices", answer.notices)):
        click.echo(f"{title}: {len(found)} differences")
        for one in found:
            for side, event in (("was", one.was), ("now", one.now)):
                if event is not None:
                    why = f" ({', '.join(event.why)})" if event.why else ""
                    at = clock_seconds(event.at, site)
                    click.echo(f"  {one.kind:13} {side}  {at}  {event.unit} {event.what}  {event.says}{why}")
    for level in answer.was:
        click.echo(f"{level}: was {_tally(answer.was[level])}; now {_tally(answer.now.get(level, {}))}")


def _tally(counts: object) -> str:
    assert isinstance(counts, dict)
    return ", ".join(f"{number} {colour}" for colour, number in counts.items())
