"""Silences and maintenance windows over HTTP: list, preview, add, end. A 2xx means that it is on disk and holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from monitor.alerting.orders import Order, Refused, silence_of, window_of
from monitor.config.fields import Span
from monitor.model.muting import Silence, When, Window
from monitor.model.text import clean
from monitor.service.app import Service
from monitor.service.muting import Preview
from monitor.web.api import answer
from monitor.web.keys import CALLER, PAGES, SERVICE
from monitor.web.problems import Problem
from monitor.web.query import json_body, known_only, one_of
from monitor.web.shapes import Json, incident_summary, iso

STATES = ("current", "all")
SHOWN = 50  # units and incidents named in a preview
_TEXTS = ("comment", "from", "until", "every", "at")
_SECONDS: TypeAdapter[float] = TypeAdapter(Span)

Sort = type[Silence] | type[Window]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def listing(sort: Sort) -> Handler:
    """Active and coming ones, or with `state=all` past ones as well."""

    async def show(request: web.Request) -> web.StreamResponse:
        """The list."""
        known_only(request, ("state",))
        service = request.app[SERVICE]
        found = await service.desk.listed(sort, everything=one_of(request, "state", STATES) == "all")
        return answer({"items": [shape(one, service) for one in found]})

    return show


def adding(sort: Sort) -> Handler:
    """Begin one; answered when it is committed."""

    async def add(request: web.Request) -> web.StreamResponse:
        """The new silence or window."""
        known_only(request, ())
        service = request.app[SERVICE]
        made = await _ordered(request, sort)
        try:
            await service.desk.add(made, request[CALLER].id)
        except ValueError as full:
            raise Problem(409, "too-many", str(full)) from None
        return answer(shape(made, service))

    return add


def previewing(sort: Sort) -> Handler:
    """What one would mute now; nothing is changed."""

    async def preview(request: web.Request) -> web.StreamResponse:
        """Counts first, then the first of those it would be about."""
        known_only(request, ())
        service = request.app[SERVICE]
        made = await _ordered(request, sort)
        return answer({**_previewed(await service.desk.preview(made)), "would": shape(made, service)})

    return preview


def ending(sort: Sort) -> Handler:
    """End one now; answered when it is committed."""

    async def end(request: web.Request) -> web.StreamResponse:
        """The silence or window, over."""
        known_only(request, ())
        service = request.app[SERVICE]
        if set(await json_body(request)):
            raise Problem(422, "body", "the body is an empty object: {}")
        try:
            over = await service.desk.end(clean(request.match_info["id"]), sort, request[CALLER].id)
        except ValueError as refused:
            raise Problem(409, "not-ended", str(refused)) from None
        return answer(shape(over, service))

    return end


async def page(request: web.Request) -> web.StreamResponse:
    """All silences and windows for people: active, coming and past, and a form for a new one."""
    service, pages = request.app[SERVICE], request.app[PAGES]
    now = service.clock.now()
    rows = [
        *await service.desk.listed(Silence, everything=True),
        *await service.desk.listed(Window, everything=True),
    ]
    shown = {
        when: [row(one, service) for one in rows if one.when(now) is when]
        for when in (When.ACTIVE, When.COMING, When.PAST)
    }
    return pages.show(request, "muting.html", {"shown": shown, "unit": clean(request.query.get("unit", ""))})


def row(one: Silence | Window, service: Service) -> dict[str, object]:
    """One silence or window as a page shows it."""
    now = service.clock.now()
    under = one.active(now) if isinstance(one, Window) else None
    return {
        "id": one.id,
        "sort": "silence" if isinstance(one, Silence) else "window",
        "matchers": " ".join(map(str, one.matchers)),
        "by": one.by,
        "comment": one.comment,
        "starts": one.starts,
        "ends": one.ends,
        "ended_by": one.ended_by,
        "repeat": _repeat(one),
        "until": under.ends if under else one.ends,
        "mine": one.by != "config.yaml",
    }


def shape(one: Silence | Window, service: Service) -> Json:
    """One silence or window as JSON."""
    now = service.clock.now()
    shared: Json = {
        "id": one.id,
        "state": one.when(now).value,
        "matchers": [str(matcher) for matcher in one.matchers],
        "starts_at": iso(one.starts),
        "ends_at": iso(one.ends),
        "by": one.by,
        "comment": one.comment,
        "created_at": iso(one.created),
        "ended_by": one.ended_by or None,
    }
    if isinstance(one, Silence):
        return shared
    under = one.active(now)
    current = None if under is None else {"starts_at": iso(under.starts), "ends_at": iso(under.ends)}
    return {**shared, "repeat": _repeat(one), "current": current}


def _repeat(one: Silence | Window) -> Json | None:
    if isinstance(one, Silence) or one.repeat is None:
        return None
    told = one.repeat
    return {"every": str(told.days), "at": f"{told.at:%H:%M}", "seconds": told.seconds, "zone": told.zone}


def _previewed(found: Preview) -> Json:
    return {
        "incident_count": len(found.incidents),
        "unit_count": len(found.units),
        "pending_notices": found.pending,
        "incidents": [incident_summary(incident) for incident in found.incidents[:SHOWN]],
        "units": [
            {"code": unit.code, "name": {"vi": unit.name_vi, "en": unit.name_en}} for unit in found.units[:SHOWN]
        ],
    }


async def _ordered(request: web.Request, sort: Sort) -> Silence | Window:
    service, by = request.app[SERVICE], request[CALLER].id
    site, now = service.site, service.clock.now()
    try:
        order = _order(await json_body(request))
        if sort is Window:
            return window_of(order, by, site.units, site.zone, now)
        return silence_of(order, by, site.units, service.evaluator.policy.causes, site.zone, now)
    except Refused as refused:
        errors: list[dict[str, object]] = [{"field": refused.field, "detail": str(refused)}]
        raise Problem(422, "order", f"{refused.field}: {refused}", errors=errors) from None


def _order(body: Mapping[str, object]) -> Order:
    known = ("matchers", "for", *_TEXTS)
    if unknown := sorted(set(body) - set(known)):
        raise Refused(clean(unknown[0], 40), f"the fields are {', '.join(known)}")
    matchers = body.get("matchers", [])
    if not isinstance(matchers, list) or not all(isinstance(one, str) for one in matchers):
        raise Refused("matchers", 'it is a list of texts, such as ["unit=02143"]')
    said = {name: _text(body, name) for name in _TEXTS}
    seconds = _seconds(body.get("for"))
    return Order(tuple(matchers), said["comment"], said["from"], seconds, said["until"], said["every"], said["at"])


def _text(body: Mapping[str, object], name: str) -> str:
    text = body.get(name, "")
    if not isinstance(text, str):
        raise Refused(name, "it is a text")
    return text.strip()


def _seconds(value: object) -> float | None:
    if value is None or value == "":
        return None
    try:
        return _SECONDS.validate_python(value)
    except ValidationError:
        raise Refused("for", "it is no duration; write 30m, 2h or 1d") from None
