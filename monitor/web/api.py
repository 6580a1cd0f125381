"""The API for programs: units, why they have their colours, incidents, acknowledging, and whether the service lives."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from aiohttp import web

from monitor.model.colour import Colour
from monitor.model.errors import NotFound
from monitor.model.incident import Incident
from monitor.model.text import clean
from monitor.model.unit import Level
from monitor.ports import Exporter
from monitor.reporting.facts import facts
from monitor.reporting.why import why
from monitor.service.app import Service
from monitor.service.exporters import Unloaded
from monitor.web import shapes
from monitor.web.keys import CALLER, SERVICE
from monitor.web.problems import Handler, Problem
from monitor.web.query import json_body, known_only, one_of, window

LEVELS = tuple(level.value for level in Level)
COLOURS = tuple(colour.value for colour in Colour)
PHASES = ("open", "all")
ACK_LIMIT = 30 * 24 * 60  # minutes for which an answer counts at most


def answer(document: Mapping[str, object], status: int = 200) -> web.Response:
    """A JSON answer; nothing of it may be kept, the next moment may judge otherwise."""
    text = json.dumps(document, ensure_ascii=False)
    return web.Response(status=status, text=text, content_type="application/json")


async def site(request: web.Request) -> web.Response:
    """Which site judges, and what is wrong with the one on disk: empty when that one is judging."""
    known_only(request, ())
    service = request.app[SERVICE]
    found = service.site
    document = {
        "name": {"vi": found.name_vi, "en": found.name_en},
        "version": found.version,
        "problems": list(service.site_problems),
        **_stored(service),
        "own_alarms": [shapes.own_alarm(alarm) for alarm in service.self_watch.shown()],
        "channel_problems": list(service.channel_watch.sentences()),
        "exporter_problems": list(service.export_problems()),
        "rules_broken": {name: sorted(units) for name, units in sorted(service.broken_rules.units.items())},
    }
    return answer(document)


async def units(request: web.Request) -> web.Response:
    """Units in site order, filtered and paged."""
    known_only(request, ("limit", "offset", "level", "province", "colour"))
    limit, offset = window(request)
    level, colour = one_of(request, "level", LEVELS), one_of(request, "colour", COLOURS)
    province = request.query.get("province")
    service = request.app[SERVICE]
    states = service.evaluator.shown
    found = [
        unit
        for unit in service.site.units
        if (level is None or unit.level == level)
        and (province is None or unit.province == province)
        and (colour is None or states[unit.code].colour == colour)
    ]
    rows = [shapes.unit_summary(unit, states[unit.code]) for unit in found[offset : offset + limit]]
    page = _page(rows, limit, offset, more=len(found) > offset + limit)
    return answer({**page, "total": len(found), **_stored(service)})


async def unit(request: web.Request) -> web.Response:
    """One unit with its criteria, readings, edges and incidents."""
    known_only(request, ())
    service = request.app[SERVICE]
    found = service.site.units[clean(request.match_info["code"])]
    shown = shapes.unit_detail(found, service.evaluator.shown[found.code], service.site.units)
    return answer({**shown, **_stored(service)})


async def explain(request: web.Request) -> web.Response:
    """Why one unit has its colour."""
    known_only(request, ())
    service = request.app[SERVICE]
    found = service.site.units[clean(request.match_info["code"])]
    state = service.evaluator.shown[found.code]
    told = why(found, state, service.site.ruleset, service.site.calendar, service.clock.now())
    systems = [service.evaluator.shown[code] for code in found.depends_on]
    children = [service.evaluator.shown[code] for code in service.site.units.children(found.code)]
    site = service.site
    computed = facts(found, state, site.ruleset, site.calendar, told.at, systems, children, site.units)
    return answer({**shapes.explanation(told), "facts": computed, **_stored(service)})


def _stored(service: Service) -> shapes.Json:
    """Since when colours are judged in memory and are not stored; null: all are."""
    return {"not_stored_since": shapes.iso(service.evaluator.unstored_since)}


async def incidents(request: web.Request) -> web.Response:
    """Incidents, newest first: those open now, or all."""
    known_only(request, ("limit", "offset", "phase"))
    limit, offset = window(request)
    open_only = one_of(request, "phase", PHASES) != "all"
    found = await request.app[SERVICE].store.incidents(open_only=open_only, limit=offset + limit + 1)
    rows = [shapes.incident_summary(incident) for incident in found[offset : offset + limit]]
    return answer(_page(rows, limit, offset, more=len(found) > offset + limit))


async def incident(request: web.Request) -> web.Response:
    """One incident with its plan and what became of its messages."""
    known_only(request, ())
    found = await find_incident(request)
    return answer(shapes.incident_detail(found, await request.app[SERVICE].store.deliveries(incident=found.key)))


async def acknowledge(request: web.Request) -> web.Response:
    """Somebody answered: later steps are withheld. Answers after the commit; doing it twice changes nothing."""
    known_only(request, ())
    note, party, seconds = await _answer(request)
    name = clean(request.match_info["id"])
    if alarm := await request.app[SERVICE].self_watch.acknowledge(name, request[CALLER].id, "api"):
        return answer(shapes.own_alarm(alarm))
    found = await find_incident(request)
    if not found.open:
        raise Problem(409, "closed", f"incident {found.ref} is closed")
    try:
        evaluator = request.app[SERVICE].evaluator
        decision = await evaluator.acknowledge(found.key, request[CALLER].id, note, party=party, seconds=seconds)
    except NotFound:
        raise Problem(409, "closed", f"incident {found.ref} is closed") from None
    except ValueError as unclear:
        raise Problem(422, "party", str(unclear)) from None
    return answer(shapes.incident_summary(decision.incidents[0]))


async def find_incident(request: web.Request) -> Incident:
    """The incident that the address names by reference or key. Raises NotFound."""
    name = clean(request.match_info["id"])
    found = await request.app[SERVICE].store.incident(name)
    if found is None:
        raise NotFound(f"no incident {name!r}")
    return found


async def healthz(_request: web.Request) -> web.Response:
    """The process answers."""
    return answer({"status": "alive"})


async def readyz(request: web.Request) -> web.Response:
    """Config loaded, store writable, first sweep done; otherwise 503 with the reason."""
    reason = request.app[SERVICE].ready()
    if reason:
        raise Problem(503, "not-ready", reason, headers={"Retry-After": "1"})
    return answer({"status": "ready"})


def exported(exporter: Exporter) -> Handler:
    """The page of one exporter, as it made it."""

    async def page(request: web.Request) -> web.StreamResponse:
        """What the exporter shows of the committed facts."""
        headers = request.headers
        try:
            made = await exporter.page(headers.get("Accept", ""), headers.get("Accept-Encoding", ""))
        except Unloaded as gone:
            raise Problem(503, "exporter", f"the exporter {gone} raised and is unloaded; see the board") from None
        encoding = {"Content-Encoding": made.encoding} if made.encoding else {}
        return web.Response(
            body=made.body,
            headers={"Content-Type": made.content_type, "Vary": "Accept, Accept-Encoding", **encoding},
        )

    return page


async def _answer(request: web.Request) -> tuple[str, str, float | None]:
    """Note, party and the seconds that an answer is to count."""
    body = await json_body(request)
    note, party, minutes = body.get("note", ""), body.get("party", ""), body.get("minutes")
    if not (isinstance(note, str) and isinstance(party, str)) or set(body) - {"note", "party", "minutes"}:
        raise Problem(422, "note", 'the body is {"note": "text", "party": "name", "minutes": 60}; each may be left out')
    if minutes is not None and not (type(minutes) is int and 0 < minutes <= ACK_LIMIT):
        raise Problem(422, "minutes", f"minutes is a whole number from 1 to {ACK_LIMIT}")
    return clean(note, 1000), clean(party), None if minutes is None else minutes * 60.0


def _page(rows: Sequence[shapes.Json], limit: int, offset: int, *, more: bool) -> dict[str, object]:
    return {"items": rows, "limit": limit, "offset": offset, "next_offset": offset + limit if more else None}
