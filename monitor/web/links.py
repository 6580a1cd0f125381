"""Pages for who came by a signed link: one to answer one incident, one to read why. Neither leads anywhere else.

A link is opened by mail scanners and previews as well as by people, so asking (GET, HEAD) changes nothing and only the
button of the page (POST) answers. A wrong link costs its address a try; a right one always works, for behind a proxy
everybody comes from one address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from monitor.alerting.links import Expired, Grant, NotGenuine, Purpose, read
from monitor.alerting.plan import Recipient
from monitor.model.colour import Colour
from monitor.model.errors import NotFound, Outdated
from monitor.model.incident import DIGEST_PREFIX, Incident, Party, Phase
from monitor.model.text import clean
from monitor.model.unit import Unit
from monitor.reporting.outside import outside
from monitor.reporting.why import CriterionWhy, why
from monitor.service.app import Service
from monitor.web import detail, look
from monitor.web.access import LOCAL
from monitor.web.keys import LINKS, PAGES, SERVICE
from monitor.web.query import BODY_SECONDS
from monitor.web.texts import Words

VIA = "link"
SHOWN = 12  # criteria that are not green, on the page of a unit
_ANSWERABLE = ("", "link_again")
_TRAILING = ".,;:!?)>\"'"  # what mail programs take along with an address


@dataclass(frozen=True, slots=True)
class Visit:
    """Who came, and to which incident."""

    grant: Grant
    incident: Incident
    person: Recipient

    @property
    def parties(self) -> tuple[Party, ...]:
        """For whom they may choose to answer: somebody of a party answers for that one."""
        parties = self.incident.terms.parties
        mine = any(self.person.id in party.recipients for party in parties)
        return () if mine else self.incident.missing or parties


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion for readers outside."""

    title: str
    colour: Colour
    since: datetime
    value: str
    limits: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...]


class _Answered(Exception):
    """The visit ends with one sentence."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.status, self.word = status, word


async def acknowledge_page(request: web.Request) -> web.StreamResponse:
    """The incident in brief with a button. Nothing is changed, whoever asks."""
    try:
        visit = await _visit(request)
    except _Answered as ended:
        return _say(request, ended.word, status=ended.status)
    found = _standing(visit)
    return _show(request, visit, found or "link_open", form=found in _ANSWERABLE)


async def acknowledge(request: web.Request) -> web.StreamResponse:
    """The button: answers as the recipient of the link. Doing it twice changes only how long the answer counts."""
    try:
        visit = await _visit(request)
        note, party = await _form(request)
    except _Answered as ended:
        return _say(request, ended.word, status=ended.status)
    found = _standing(visit)
    if found not in _ANSWERABLE:
        return _show(request, visit, found, status=200 if found == "link_answered" else 409)
    party = party if visit.parties else ""
    try:
        evaluator = request.app[SERVICE].evaluator
        told = visit.grant.generation
        decision = await evaluator.acknowledge(
            visit.incident.key, visit.person.id, note, party=party, via=VIA, told=told
        )
    except NotFound:
        return _show(request, visit, "link_closed", status=409)
    except Outdated:  # it worsened while the answer was on its way
        return _show(request, visit, "link_newer", status=409)
    except ValueError:
        return _show(request, visit, "link_party", status=422, form=True)
    answered = decision.incidents[0]
    said = "link_part" if answered.missing else "link_renewed" if found else "link_done"
    return _show(request, Visit(visit.grant, answered, visit.person), said)


async def why_page(request: web.Request) -> web.StreamResponse:
    """Why the unit of an incident or a digest has its colour, for reading only."""
    try:
        grant, person = _granted(request, Purpose.WHY)
        return _why(request, grant, person, await _unit(request, grant))
    except _Answered as ended:
        return _say(request, ended.word, status=ended.status)


async def _unit(request: web.Request, grant: Grant) -> Unit:
    """What a link asks about."""
    service, code = request.app[SERVICE], ""
    if grant.incident.startswith(DIGEST_PREFIX):
        code = grant.incident.removeprefix(DIGEST_PREFIX).partition("/")[0]
    elif (incident := await service.store.incident(grant.incident)) is None:
        raise _Answered(404, "link_wrong")
    else:
        code = incident.unit
    if code not in service.site.units:
        raise _Answered(410, "link_no_unit")
    return service.site.units[code]


def _why(request: web.Request, grant: Grant, person: Recipient, unit: Unit) -> web.StreamResponse:
    service, pages = request.app[SERVICE], request.app[PAGES]
    t = _words(request, person)
    told = why(unit, service.evaluator.shown[unit.code], service.site.ruleset, service.site.calendar, _now(request))
    rows = [_criterion(one, service, unit, t) for one in told.criteria]
    context = {
        "unit": unit,
        "told": told,
        "reasons": [outside(t.pick(reason)) for reason in told.reasons[:3]],
        "bad": [row for row in rows if row.colour is not Colour.GREEN][:SHOWN],
        "good": [row for row in rows if row.colour is Colour.GREEN],
        "until": grant.expires,
        **_frame(t, service),
    }
    return pages.show(request, "why.html", context)


def _criterion(one: CriterionWhy, service: Service, unit: Unit, t: Words) -> Criterion:
    day = service.site.calendar.local(service.clock.now()).date()
    rule = service.site.ruleset.criteria(day, unit).get(one.id)
    return Criterion(
        title=t.pick(one.title),
        colour=one.colour,
        since=one.since,
        value=outside(t.pick(one.value)),
        limits=detail.limits(rule, service, t) if rule else (),
        reasons=tuple(outside(t.pick(reason)) for reason in (*one.reasons, *one.ahead)),
    )


async def _visit(request: web.Request) -> Visit:
    """Who came to answer, and which incident."""
    grant, person = _granted(request, Purpose.ACKNOWLEDGE)
    incident = await request.app[SERVICE].store.incident(grant.incident)
    if incident is None:
        raise _Answered(404, "link_wrong")
    return Visit(grant, incident, person)


def _granted(request: web.Request, purpose: Purpose) -> tuple[Grant, Recipient]:
    """What the link allows, and to whom."""
    service, value = request.app[SERVICE], request.match_info["signed"].rstrip(_TRAILING)
    try:
        grant = read(value, purpose, service.link_keys, _now(request))
    except Expired:
        raise _Answered(410, "link_expired") from None
    except NotGenuine:
        _count(request)
        raise _Answered(404, "link_wrong") from None
    today = service.site.calendar.local(_now(request)).date()
    person = service.site.directory.person(grant.recipient, today)
    if person is None:  # has left the post meanwhile
        raise _Answered(404, "link_wrong")
    return grant, person


def _count(request: web.Request) -> None:
    address, now = request.remote or LOCAL, request.app[SERVICE].clock.monotonic()
    request.app[LINKS].take(address, now, "too-many-attempts", "too many wrong links from this address")


def _standing(visit: Visit) -> str:
    """Why there is nothing to answer, or that it may be answered again; empty when it awaits an answer."""
    incident = visit.incident
    if not incident.open:
        return "link_closed"
    if not incident.same_trouble(visit.grant.generation):
        return "link_newer"
    if incident.renewable(visit.person.id):
        return "link_again"
    done = visit.person.id in incident.answered or incident.phase is Phase.ACKNOWLEDGED
    return "link_answered" if done or (incident.acked_by is not None and not incident.missing) else ""


async def _form(request: web.Request) -> tuple[str, str]:
    """Note and party."""
    if request.content_type != "application/x-www-form-urlencoded" or request.headers.get("Content-Encoding"):
        raise _Answered(415, "link_wrong")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            form = await request.post()
    except (TimeoutError, ValueError):
        raise _Answered(400, "link_wrong") from None
    note, party = form.get("note", ""), form.get("party", "")
    return (clean(note, 1000) if isinstance(note, str) else "", clean(party) if isinstance(party, str) else "")


def _show(
    request: web.Request, visit: Visit, word: str, *, status: int = 200, form: bool = False
) -> web.StreamResponse:
    service, pages = request.app[SERVICE], request.app[PAGES]
    t, incident = _words(request, visit.person), visit.incident
    context = {
        "row": look.incident_row(incident, service, t),
        "incident": incident,
        "person": visit.person,
        "say": word,
        "form": form,
        "parties": visit.parties,
        "cause": outside(look.cause(incident, service, t)),
        **_frame(t, service),
    }
    return pages.show(request, "answer.html", context, status)


def _say(request: web.Request, word: str, *, status: int) -> web.StreamResponse:
    service, pages = request.app[SERVICE], request.app[PAGES]
    context: Mapping[str, object] = {"say": word, "incident": None, **_frame(pages.words(request), service)}
    return pages.show(request, "answer.html", context, status)


def _frame(t: Words, service: Service) -> dict[str, object]:
    """What is said comes in the reader's language, and in the other one below it."""
    return {"t": t, "other": Words("en" if t.locale == "vi" else "vi", service.site.zone)}


def _words(request: web.Request, person: Recipient) -> Words:
    return Words(person.locale, request.app[SERVICE].site.zone)


def _now(request: web.Request) -> datetime:
    return request.app[SERVICE].clock.now()
