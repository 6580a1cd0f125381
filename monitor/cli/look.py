"""`denbao explain` and `incidents`: read what is committed, whether or not the service runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

import click

from monitor.adapters.clock import SystemClock
from monitor.adapters.store import MemoryStore, SqlStore
from monitor.cli.output import clock_seconds, echo_json
from monitor.cli.sites import instant, json_option, open_site, site_option, unit_of
from monitor.cli.stored import current, look, refuse_deleted
from monitor.cli.suppose import suppose
from monitor.config.spec import Site
from monitor.engine.book import Ruleset
from monitor.engine.explain import colour_name, span
from monitor.engine.index import IndexPoints
from monitor.model.colour import Colour
from monitor.model.incident import Incident, Phase
from monitor.model.state import UnitState
from monitor.model.unit import Unit
from monitor.replay.compare import rebuilt
from monitor.replay.past import read_past
from monitor.reporting.facts import Json, facts
from monitor.reporting.why import CriterionWhy, Why, headline, why


@click.command()
@site_option
@click.argument("unit")
@click.option("--criterion", help="Only this criterion.")
@click.option("--at", help="At this past instant, 2025-08-06T16:00, rebuilt from history.")
@click.option(
    "--if", "thought", multiple=True, help="Suppose 02143=green,online_submission_rate=85; nothing is written."
)
@json_option
def explain(
    site: Path, unit: str, criterion: str | None, at: str | None, thought: tuple[str, ...], as_json: bool
) -> None:
    """Say why UNIT (a code) has its colour, in Vietnamese and English; exit 1 when it is red or unknown."""
    loaded = open_site(site)
    if thought:
        if at is not None or criterion is not None:
            raise click.UsageError("--if goes with neither --at nor --criterion")
        made = unit_of(loaded, unit)
        suppose(loaded, made, current(loaded), thought, as_json, _print_criterion)
        return
    answer, told, rebuilt_from = _why(loaded, unit) if at is None else _why_at(loaded, unit, at)
    shown = [c for c in answer.criteria if criterion in (None, c.id)]
    if criterion is not None and not shown:
        raise click.UsageError(
            f"{criterion!r} does not judge {unit}; it has {', '.join(c.id for c in answer.criteria)}"
        )
    if as_json:
        more = {"criteria": [asdict(c) for c in shown], "facts": told, "rebuilt_from": rebuilt_from}
        echo_json(asdict(answer) | more)
    else:
        if rebuilt_from is not None:
            click.echo(f"dựng lại từ / rebuilt from: {rebuilt_from}")
        _print_why(answer, shown, loaded)
    if answer.colour in (Colour.RED, Colour.UNKNOWN):
        raise SystemExit(1)


def _why(site: Site, code: str) -> tuple[Why, Json, str | None]:
    """The answer as of now."""
    unit = unit_of(site, code)
    return *_told(site, unit, site.ruleset, current(site), SystemClock().now()), None


def _why_at(site: Site, code: str, text: str) -> tuple[Why, Json, str | None]:
    """The answer at a past instant, by the rules of the site that were valid then, and what it was rebuilt from."""
    unit, at = unit_of(site, code), _come(instant(text, site))
    past = look(site, lambda store: read_past(store, at))
    refuse_deleted(past, at, site)
    course = rebuilt(site, past, site.ruleset, at)
    first = min((reading.received_at for reading in past.readings), default=None)
    since = "" if first is None else f" ({clock_seconds(first, site)} - {clock_seconds(at, site)})"
    day = site.calendar.local(at).date()
    rules = course.policy.ruleset
    valid = replace(rules, books=tuple(book for book in rules.books if book.valid_on(day)))
    return *_told(site, unit, valid, course.states, at), f"{len(past.readings)} số liệu / readings{since}"


def _come(at: datetime) -> datetime:
    if at > SystemClock().now():
        raise click.UsageError("that time has not come yet")
    return at


def _told(site: Site, unit: Unit, ruleset: Ruleset, states: Mapping[str, UnitState], now: datetime) -> tuple[Why, Json]:
    state = states.get(unit.code, UnitState(unit.code))
    systems = [states[code] for code in unit.depends_on if code in states]
    answer = why(unit, state, ruleset, site.calendar, now)
    children = [states.get(code, UnitState(code)) for code in site.units.children(unit.code)]
    return answer, facts(unit, state, ruleset, site.calendar, now, systems, children, site.units)


def _print_why(answer: Why, criteria: Sequence[CriterionWhy], site: Site) -> None:
    for line in headline(answer):
        click.echo(line)
    if answer.since is not None:
        click.echo(f"  từ / since {clock_seconds(answer.since, site)}")
    if answer.score is not None:
        click.echo(f"  điểm / score {answer.score:.3f}, biết / known {answer.coverage:.0%}")
    for vi, en in answer.reasons:
        click.echo(f"  - {vi}\n    {en}")
    if answer.reported.known:
        said = f"{colour_name(answer.reported, 'vi')} / {colour_name(answer.reported, 'en')}"
        click.echo(f"  hệ thống quốc gia báo / reported {said}")
    for index in answer.indexes:
        _print_index(index)
    for criterion in criteria:
        click.echo("")
        _print_criterion(criterion, site)


def _print_index(index: IndexPoints) -> None:
    grade = f"{index.grade.name_vi} / {index.grade.name_en}" if index.grade else "chưa xếp loại / no grade"
    assumed = " (giả định / assumed)" if index.grade and index.grade.assumed else ""
    click.echo(f"\n{index.title_vi} / {index.title_en} [{index.book}]: {grade}{assumed}")
    click.echo(f"  {index.points:g}/{index.maximum:g} điểm / points, biết / known {index.known:g}")
    for group in index.groups:
        name = f"{group.name_vi} / {group.name_en}"
        click.echo(f"  {group.id} {group.points:g}/{group.maximum:g} (biết / known {group.known:g})  {name}")


def _print_criterion(c: CriterionWhy, site: Site) -> None:
    marks = "".join((", trọng yếu / critical" if c.critical else "", f", trọng số / weight {c.weight:g}"))
    click.echo(f"{colour_name(c.colour, 'vi')} / {colour_name(c.colour, 'en')}  {c.title[0]} / {c.title[1]} [{c.id}]")
    click.echo(f"  giá trị / value: {c.value[0]} / {c.value[1]}{marks}")
    event = "" if c.event_since is None else f", đợt này từ / event since {clock_seconds(c.event_since, site)}"
    click.echo(f"  màu này từ / colour since {clock_seconds(c.since, site)}{event}")
    for vi, en in c.reasons:
        click.echo(f"  - {vi}\n    {en}")
    click.echo(f"  ngưỡng / thresholds: {'; '.join(c.thresholds)}")
    if c.deadline is not None:
        left = (
            f", còn {c.working_days_left} ngày làm việc / working days left" if not c.overdue else ", quá hạn / overdue"
        )
        click.echo(f"  hạn / deadline: trước / before {clock_seconds(c.deadline, site)}{left}")
    for vi, en in c.ahead:
        click.echo(f"  » {vi}\n    {en}")
    if c.data_age is not None and c.as_of is not None:
        age = f"{span(c.data_age, 'vi')} / {span(c.data_age, 'en')}"
        click.echo(f"  số liệu / data: {clock_seconds(c.as_of, site)} ({age}), nguồn / source {c.source}")
    if c.told:
        click.echo(f"  nguồn cho biết / the source says: {c.told}")
    basis = "; ".join((*c.legal_basis, *((c.basis,) if c.basis else ())))
    click.echo(f"  quy tắc / rule: {c.rule}{' (giả định / assumed)' if c.assumed else ''} {basis}".rstrip())


@click.command()
@site_option
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@json_option
def incidents(site: Path, everything: bool, as_json: bool) -> None:
    """List open incidents, newest first; exit 1 when somebody still has to answer."""
    loaded = open_site(site)

    async def ask(store: MemoryStore | SqlStore) -> Sequence[Incident]:
        return await store.incidents(open_only=not everything)

    found = look(loaded, ask)
    if as_json:
        echo_json([asdict(incident) for incident in found])
    else:
        for incident in found:
            click.echo(_line(incident, loaded))
        click.echo(f"{len(found)} incidents" if found else "no incidents")
    if any(incident.phase is Phase.OPEN for incident in found):
        raise SystemExit(1)


def _line(incident: Incident, site: Site) -> str:
    name = site.units[incident.unit].name_vi if incident.unit in site.units else incident.unit
    answered = f", {incident.acked_by}" if incident.acked_by else ""
    opened = clock_seconds(incident.opened_at, site)
    head = f"{incident.ref}  {incident.colour.value:8} {incident.phase.value}{answered}  {opened}"
    return f"{head}  {incident.unit} {name}  {incident.cause}"
