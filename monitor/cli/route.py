"""`denbao route`: who would hear what, when and by which channel. Nothing is written and nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from pathlib import Path

import click

from monitor.adapters.clock import SystemClock
from monitor.alerting.collapse import masses
from monitor.alerting.plan import Recipient
from monitor.alerting.rehearsal import Rehearsal, Told, Turn, by_plan, rehearse, silent, supposed
from monitor.alerting.roster import Called, discreet
from monitor.alerting.scene import Scene
from monitor.alerting.troubles import SILENT_PREFIX, Trouble
from monitor.cli.output import clock, echo_json, hinted
from monitor.cli.sites import instant, json_option, open_site, site_option, unit_of
from monitor.cli.stored import look
from monitor.config.spec import Site
from monitor.decide import Policy, scene_of
from monitor.engine.explain import colour_name, span
from monitor.model.colour import Colour
from monitor.model.incident import Incident, Kind
from monitor.model.masking import masked_address
from monitor.model.muting import Silence, Window
from monitor.model.nearest import nearest
from monitor.model.state import UnitState
from monitor.model.unit import Unit
from monitor.service.app import policy_of

_TOLD = (Colour.RED, Colour.YELLOW, Colour.UNKNOWN)
_SHOWN = 3  # causes that are named of those told in the same way
_NAMED = 8  # criteria that are named of those not told


@dataclass(frozen=True, slots=True)
class _Answer:
    """What was asked, and what would become of each cause of trouble."""

    site: Site
    unit: Unit
    colour: Colour
    at: datetime
    found: Mapping[str, Rehearsal]  # by cause
    untold: Sequence[str]  # criteria of which nobody is to be told in this colour at that instant
    step: int | None  # only this one, from 0
    full: bool
    muting_known: bool

    def turns(self, one: Rehearsal) -> Iterator[Turn]:
        """The steps that were asked for."""
        return (turn for turn in one.turns if self.step in (None, turn.number))

    @property
    def heard(self) -> bool:
        """Whether anybody would hear of anything."""
        return any(turn.told for one in self.found.values() for turn in self.turns(one))


@click.command()
@click.argument("unit")
@click.argument("colour", type=click.Choice([colour.value for colour in _TOLD]))
@click.option("--at", help="When the trouble begins: 2025-08-06T16:00; now if not given.")
@click.option("--step", type=click.IntRange(min=1), help="Only this step of each plan.")
@click.option("--criterion", help="Only this cause: a criterion, or silent:SOURCE.")
@click.option("--full", is_flag=True, help="Numbers, addresses and names of persons in full.")
@site_option
@json_option
def route(
    unit: str, colour: str, at: str | None, step: int | None, criterion: str | None, full: bool, site: Path,
    as_json: bool,
) -> None:  # fmt: skip
    """Say who would hear what, when and by which channel if UNIT were of this COLOUR; exit 1 when nobody would.

    It is the plan of the service itself, with its schedules, quiet hours, silences and maintenance, played through from
    that instant as if the trouble stayed and nobody answered. Nothing is written and nothing is sent.
    """
    loaded = open_site(site)
    made, now = unit_of(loaded, unit), SystemClock().now() if at is None else instant(at, loaded)
    muted = _muted(loaded)
    policy = policy_of(loaded if full else replace(loaded, directory=discreet(loaded.directory)))
    policy = replace(policy, muting=policy.muting.with_all(muted or ()))
    supposed_now, untold = _troubles(made, Colour(colour), policy, now)
    if criterion is not None:
        if criterion not in (*supposed_now, *untold):
            known = nearest(criterion, (*supposed_now, *untold))
            raise click.UsageError(hinted(f"'{criterion}' is no cause of {colour} at {unit}", known))
        supposed_now = {cause: one for cause, one in supposed_now.items() if cause == criterion}
        untold = [cause for cause in untold if cause == criterion]
    found = {cause: _rehearsed(made, one, policy, now) for cause, one in supposed_now.items()}
    answer = _Answer(
        loaded, made, Colour(colour), now, found, untold, None if step is None else step - 1, full, muted is not None
    )
    if as_json:
        echo_json(_as_json(answer))
    else:
        _print(answer)
    if not answer.heard:
        raise SystemExit(1)


def _muted(site: Site) -> Sequence[Silence | Window] | None:
    """What was muted at run time; None where the service never ran."""
    try:
        return look(site, lambda store: store.muted())
    except click.ClickException:
        return None


def _troubles(unit: Unit, colour: Colour, policy: Policy, at: datetime) -> tuple[dict[str, Trouble], list[str]]:
    """What may be wrong with a unit of this colour, by cause; and the criteria of which nobody is to be told then."""
    if not policy.is_there(unit, at):
        return {}, []
    if colour is Colour.UNKNOWN:
        owed = {f"{SILENT_PREFIX}{watch.source}": watch for watch in policy.watches_of(unit.code)}
        return {cause: silent(unit, watch.source, watch.limit, at) for cause, watch in owed.items()}, []
    found: dict[str, Trouble] = {}
    untold: list[str] = []
    for rule in policy.criteria_of(unit, at):
        if rule.applies_to(unit):
            indicator = policy.ruleset.indicators.get(rule.indicator or "")
            trouble = supposed(unit, rule, indicator, colour, at, policy.calendar)
            if trouble is None:
                untold.append(rule.id)
            else:
                found[rule.id] = trouble
    return found | (_masses(unit, policy, at) if colour is Colour.RED else {}), untold


def _masses(unit: Unit, policy: Policy, at: datetime) -> dict[str, Trouble]:
    """Mass troubles of a unit, as if just as many of its children were in trouble as the site asks for."""
    children, found = policy.units.children(unit.code), dict[str, Trouble]()
    for rule in policy.directory.collapses:
        needed = max(rule.at_least, ceil(rule.share * len(children) / 100))
        if rule.at is unit.level and len(children) >= needed:
            begun = [
                Incident(code, "", code, rule.criterion, Kind.OUTAGE, Colour.RED, at) for code in children[:needed]
            ]
            states = [UnitState(one.unit, incidents={one.cause: one}) for one in begun]
            states += [UnitState(code) for code in children[needed:]]
            found |= masses(unit.level, {}, states, (rule,), policy.rules, policy.ruleset.indicators)
    return found


def _rehearsed(unit: Unit, trouble: Trouble, policy: Policy, at: datetime) -> Rehearsal:
    def scene(now: datetime) -> Scene:
        paused = policy.maintenance(unit, now) is not None
        return scene_of(unit, {}, {}, policy, now, paused=paused)

    return rehearse(trouble, scene, policy.muting.windows_of(unit.code, policy.units), at)


def _print(answer: _Answer) -> None:
    site, unit, colour = answer.site, answer.unit, answer.colour
    words = f"{colour_name(colour, 'vi')} / {colour_name(colour, 'en')}"
    click.echo(f"{unit.code} {unit.name_vi} / {unit.name_en}: {words}, {clock(answer.at, site)} ({site.zone.key})")
    click.echo("diễn thử, không gửi gì, mã sự cố là ví dụ / rehearsed, nothing is sent, the references are examples")
    if not unit.holds_on(site.calendar.local(answer.at).date()):
        click.echo("the unit is not there on that day: see valid_from and valid_to")
    if not answer.muting_known:
        click.echo("the service never ran here: only maintenance of config.yaml is known")
    for causes in by_plan(answer.found).values():
        _print_plan(causes, answer.found[causes[0]], answer)
    if answer.untold:
        more = f" and {len(answer.untold) - _NAMED} more" if len(answer.untold) > _NAMED else ""
        click.echo(f"\nnot told in this colour at that time: {', '.join(answer.untold[:_NAMED])}{more}")
    longest = max((turn.number + 1 for one in answer.found.values() for turn in one.turns), default=0)
    if answer.step is not None and 0 < longest <= answer.step:
        number = answer.step + 1
        click.echo(f"\nkhông có bước {number} / there is no step {number}; the longest plan has {longest}")
    elif not answer.heard:
        click.echo("\nkhông ai được báo / nobody would hear of it")


def _print_plan(causes: Sequence[str], one: Rehearsal, answer: _Answer) -> None:
    more = f", ... ({len(causes)})" if len(causes) > _SHOWN else ""
    plan = f"kế hoạch / plan {one.policy}" if one.policy else "không có kế hoạch / no plan is for it"
    click.echo(f"\n{one.trouble.kind.value}: {plan}  [{', '.join(causes[:_SHOWN])}{more}]")
    for muted in one.muted:
        click.echo(f"  ! {muted.reason}: {clock(muted.at, answer.site)} - {clock(muted.until, answer.site)}")
    for turn in answer.turns(one):
        _print_turn(turn, answer)


def _print_turn(turn: Turn, answer: _Answer) -> None:
    step, site = turn.step, answer.site
    click.echo(f"  {turn.number + 1}. {clock(turn.at, site)}{_after(turn, answer)}  {step.role}{_terms(turn)}")
    for who in turn.called:
        if (why := missing(who, answer.unit, turn.at, site)) is not None:
            click.echo(f"     ! {who.role}: {why}")
    if turn.passed:
        click.echo("     ! tới cấp tiếp theo ngay / goes to the next level at once")
    for told in turn.told:
        click.echo(f"     {_person(told, turn, answer)}")
    for message in _messages(turn):
        click.echo(f"     » {message.notice.subject}")
        if answer.step is not None:
            click.echo(f"       {message.notice.body}")
        click.echo(f"       SMS ({len(message.notice.sms)}): {message.notice.sms}")


def _after(turn: Turn, answer: _Answer) -> str:
    seconds = (turn.at - answer.at).total_seconds()
    return f" (+{span(seconds, 'en')})" if seconds >= 1 else ""


def _terms(turn: Turn) -> str:
    step, said = turn.step, []
    if step.office_hours:
        said.append("giờ làm việc / office hours")
    if step.hours is not None:
        said.append(f"{step.hours.starts:%H:%M}-{step.hours.ends:%H:%M}")
    if step.still:
        said.append("chỉ khi còn thấy / only if still seen")
    if step.repeat is not None:
        said.append(f"lặp lại / again every {span(step.repeat, 'en')}")
    return f" ({'; '.join(said)})" if said else ""


def missing(who: Called, unit: Unit, at: datetime, site: Site) -> str | None:
    """Why nobody is called for a role at an instant; None when somebody is."""
    if who.people:
        return None
    day = site.calendar.local(at).date()
    if who.schedule is None or who.duty is None:
        posts = (site.directory.post(who.role, code) for code in site.units.answering(unit.code))
        gone = [person for post in posts for person in post if person.valid_to is not None and person.valid_to <= day]
        last = max(gone, key=lambda person: person.valid_to or day, default=None)
        until = f" ('{last.id}' until {last.valid_to})" if last else ""
        return f"không ai giữ vai trò / nobody holds the role on {day}{until}"
    if who.duty.who:
        return f"'{who.duty.who[0]}' of the schedule '{who.schedule.id}' does not hold the role then"
    ends = clock(who.duty.until, site)
    return f"không ai trực / nobody is on duty in '{who.schedule.id}' until {ends}"


def _person(told: Told, turn: Turn, answer: _Answer) -> str:
    notice, site = told.notice, answer.site
    person = _recipient(told, answer)
    onward = f" (-> {person.after[notice.channel]})" if notice.channel in person.after else ""
    held = f", giữ qua giờ yên tĩnh đến / quiet hours, held until {clock(told.at, site)}" if told.quiet else ""
    later = f", {clock(told.at, site)}" if told.at != turn.at and not told.quiet else ""
    address = address_of(notice.recipient, notice.channel, answer.site, full=answer.full)
    shown = f" {address}" if address else ""
    return f"{person.id}  {person.name} [{person.role} {person.scope}]  {notice.channel}{onward}{shown}{held}{later}"


def _messages(turn: Turn) -> list[Told]:
    """One message of each language and wording that differs by more than whom it addresses."""
    return list({told.notice.sms: told for told in turn.told}.values())


def _recipient(told: Told, answer: _Answer) -> Recipient:
    directory = answer.site.directory if answer.full else discreet(answer.site.directory)
    person = directory.person(told.notice.recipient)
    assert person is not None
    return person


def address_of(recipient: str, channel: str, site: Site, *, full: bool) -> str:
    """Where somebody is told by a channel, masked unless `full`; empty where none is needed."""
    secret = site.addresses.get((recipient, channel))
    address = "" if secret is None else secret.reveal()
    return address if full or not address else masked_address(address)


def _as_json(answer: _Answer) -> dict[str, object]:
    return {
        "unit": answer.unit.code,
        "colour": answer.colour.value,
        "at": _iso(answer.at, answer.site),
        "heard": answer.heard,
        "silences_known": answer.muting_known,
        "not_told": list(answer.untold),
        "plans": [
            {
                "kind": answer.found[causes[0]].trouble.kind.value,
                "policy": answer.found[causes[0]].policy,
                "causes": causes,
                "muted": [
                    {"from": _iso(m.at, answer.site), "until": _iso(m.until, answer.site), "reason": m.reason}
                    for m in answer.found[causes[0]].muted
                ],
                "steps": [_turn_as_json(turn, answer) for turn in answer.turns(answer.found[causes[0]])],
            }
            for causes in by_plan(answer.found).values()
        ],
    }


def _turn_as_json(turn: Turn, answer: _Answer) -> dict[str, object]:
    step, site = turn.step, answer.site
    return {
        "step": turn.number + 1,
        "at": _iso(turn.at, site),
        "roles": step.role.split(","),
        "repeat": step.repeat,
        "office_hours": step.office_hours,
        "hours": None if step.hours is None else f"{step.hours.starts:%H:%M}-{step.hours.ends:%H:%M}",
        "only_if_still": step.still,
        "passed_over": turn.passed,
        "missing": {
            who.role: why for who in turn.called if (why := missing(who, answer.unit, turn.at, site)) is not None
        },
        "schedules": {who.role: who.schedule.id for who in turn.called if who.schedule is not None},
        "told": [_told_as_json(told, answer) for told in turn.told],
    }


def _told_as_json(told: Told, answer: _Answer) -> dict[str, object]:
    notice, person = told.notice, _recipient(told, answer)
    return {
        "recipient": person.id,
        "name": person.name,
        "role": person.role,
        "scope": person.scope,
        "channel": notice.channel,
        "takes_over": person.after.get(notice.channel),
        "address": address_of(notice.recipient, notice.channel, answer.site, full=answer.full),
        "at": _iso(told.at, answer.site),
        "held_by_quiet_hours": told.quiet,
        "subject": notice.subject,
        "body": notice.body,
        "sms": notice.sms,
    }


def _iso(at: datetime, site: Site) -> str:
    return site.calendar.local(at).isoformat()
