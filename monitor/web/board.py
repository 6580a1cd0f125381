"""The pages for people: the board of a province or of the nation, one unit, the incidents. All work without scripts."""

from __future__ import annotations

from aiohttp import web

from monitor.model.colour import Colour
from monitor.model.errors import NotFound
from monitor.model.text import clean
from monitor.model.unit import Level, Unit
from monitor.reporting.refusals import refusal
from monitor.reporting.why import why
from monitor.service.app import Service
from monitor.web import charts, detail, look, muting
from monitor.web.api import find_incident
from monitor.web.feeds import row_of
from monitor.web.keys import PAGES, SERVICE

SHOWN_INCIDENTS = 8  # on the board; the rest is one click away
SHOWN_CHANGES = 60
CLOSED = 50


async def province(request: web.Request) -> web.Response:
    """The board: of one province, or of the nation when the site has several and none is asked for."""
    service = request.app[SERVICE]
    provinces = service.site.units.at(Level.PROVINCE)
    asked = clean(request.query.get("province", ""))
    if asked:
        head = service.site.units[asked]
        if head.level is not Level.PROVINCE:
            raise NotFound(f"{asked!r} is not a province")
        return _board(request, head)
    return _board(request, provinces[0] if len(provinces) == 1 else None)


def _board(request: web.Request, head: Unit | None) -> web.Response:
    service, pages = request.app[SERVICE], request.app[PAGES]
    t, now = pages.words(request), service.clock.now()
    codes = _tile_codes(service, head)
    shown = look.shown_on(head.code, service) if head else tuple(unit.code for unit in service.site.units)
    group = look.group(head.code if head else "", codes, service, t)
    incidents = look.open_incidents(service, t, shown)
    top = head or next(iter(service.site.units.at(Level.NATION)), None)
    context = {
        "head": top,
        "told": why(top, service.evaluator.shown[top.code], service.site.ruleset, service.site.calendar, now)
        if top
        else None,
        "group": group,
        "wanted": _wanted(request),
        "share": charts.bar(group.counts),
        "systems": look.systems(service, t, shown),
        "incidents": [row for row in incidents if row.cover is None][:SHOWN_INCIDENTS],
        "covered": [row for row in incidents if row.cover is not None],
        "incident_count": len(incidents),
        "targets": look.targets(service, t, head, codes, now),
        "sources": [row_of(feed, service.evaluator.health.get(feed.id), t) for feed in service.site.feeds],
        "refusal": refusal,
        "probes": look.probes(service),
        "province": head,
        "several": len(service.site.units.at(Level.PROVINCE)) > 1,
    }
    return pages.show(request, "board.html", context)


def _tile_codes(service: Service, head: Unit | None) -> tuple[str, ...]:
    units = service.site.units
    if head is not None:
        return units.children(head.code)
    provinces = units.at(Level.PROVINCE)
    return tuple(unit.code for unit in provinces or units.at(Level.COMMUNE))


def _wanted(request: web.Request) -> Colour | None:
    """The one colour that is asked for; a word that is no colour asks for nothing."""
    asked = request.query.get("colour", "")
    return Colour(asked) if asked in list(Colour) else None


async def unit(request: web.Request) -> web.Response:
    """One unit: its criteria and why, its children and systems, its incidents and history."""
    service, pages = request.app[SERVICE], request.app[PAGES]
    t, now, units = pages.words(request), service.clock.now(), service.site.units
    found = units[clean(request.match_info["code"])]
    told = why(found, service.evaluator.shown[found.code], service.site.ruleset, service.site.calendar, now)
    changes = await service.store.transitions(found.code)
    states = service.evaluator.shown
    context = {
        "unit": found,
        "told": told,
        "indexes": [(index, detail.standings(index, found, service)) for index in told.indexes],
        "criteria": [await detail.card(criterion, found, service, t) for criterion in told.criteria],
        "children": look.group(found.code, units.children(found.code), service, t),
        "systems": [look.tile(units[code], states[code], t) for code in found.depends_on],
        "dependants": len(units.dependants(found.code)),
        "parents": [(units[code], states[code].colour) for code in units.lineage(found.code)[1:]],
        "incidents": look.open_incidents(service, t, (found.code,)),
        "muted": [muting.row(one, service) for one in service.desk.about(found.code)],
        "changes": [detail.change_row(change, service, t) for change in changes[:SHOWN_CHANGES]],
        "timeline": charts.timeline(changes, now),
        "set_aside": service.evaluator.set_aside.get(found.code, ""),
    }
    return pages.show(request, "unit.html", context)


async def incidents(request: web.Request) -> web.Response:
    """Open incidents as committed, and those closed lately."""
    service, pages = request.app[SERVICE], request.app[PAGES]
    t = pages.words(request)
    lately = await service.store.incidents(open_only=False, limit=500)
    closed = [incident for incident in lately if not incident.open][:CLOSED]
    found = look.open_incidents(service, t, service.evaluator.shown)
    context = {
        "open": [row for row in found if row.cover is None],
        "covered": [row for row in found if row.cover is not None],
        "closed": [look.incident_row(incident, service, t) for incident in closed],
    }
    return pages.show(request, "incidents.html", context)


async def incident(request: web.Request) -> web.Response:
    """One incident: its plan, its messages, and how to answer."""
    service, pages = request.app[SERVICE], request.app[PAGES]
    t = pages.words(request)
    found = await find_incident(request)
    deliveries = await service.store.deliveries(incident=found.key)
    context = {
        "row": look.incident_row(found, service, t),
        "incident": found,
        "steps": [detail.step_row(step, found, service, t) for step in found.steps],
        "deliveries": deliveries,
        "told": detail.told(deliveries, service),
        "beneath": look.beneath(found, service, t),
        "reply_channels": [name for name, spec in service.site.channels.items() if spec.replies is not None],
    }
    return pages.show(request, "incident.html", context)
