"""Reports in the browser: the same bytes as `denbao report`, behind the same access as the board."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from aiohttp import web

from monitor.adapters.render import FORMATS, Format
from monitor.adapters.render.html import style_source
from monitor.engine.rank import rankings
from monitor.model.errors import NotFound
from monitor.model.text import clean
from monitor.model.unit import Level
from monitor.reporting.periods import NAMES, is_past, span_asked, told_at
from monitor.reporting.ranking import title
from monitor.reporting.report import Report
from monitor.service.app import Service
from monitor.service.reports import KINDS, OF_STATES, Asked, Records, make, scene_of
from monitor.web.keys import PAGES, SERVICE, TURN
from monitor.web.problems import Problem
from monitor.web.query import known_only, one_of

_ASKED = (*NAMES, "format", "table", "within", "unit", "level", "indicator", "lang")
_RANKED = (Level.COMMUNE.value, Level.PROVINCE.value)
_POLICY = "default-src 'none'; style-src {style}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"


async def listed(request: web.Request) -> web.StreamResponse:
    """What reports there are."""
    known_only(request, ("lang",))
    service = request.app[SERVICE]
    ruleset, today = service.site.ruleset, service.site.calendar.local(service.clock.now()).date()
    ranked = [(one.id, title(ruleset, one)) for one in rankings(ruleset, today)]
    told = {"kinds": KINDS, "formats": tuple(FORMATS), "ranked": ranked}
    return request.app[PAGES].show(request, "reports.html", told)


async def report(request: web.Request) -> web.StreamResponse:
    """One report in the format that the query names. Nothing is changed."""
    known_only(request, _ASKED)
    service, kind = request.app[SERVICE], clean(request.match_info["kind"])
    if kind not in KINDS:
        raise NotFound(f"there is no report {kind!r}; there is {', '.join(KINDS)}")
    form = FORMATS[one_of(request, "format", tuple(FORMATS)) or "html"]
    said = {name: text for name, text in request.query.items() if text}
    asked = _asked(kind, said, service)
    scene = scene_of(service.site, dict(service.evaluator.states))
    async with request.app[TURN]:
        try:
            made = await make(asked, scene, cast(Records, service.store))
            body = await asyncio.to_thread(form.write, made, said.get("table"))
        except ValueError as wrong:
            raise Problem(422, "query", str(wrong)) from None
        except KeyError:
            names = ", ".join(table.id for table in made.tables)
            raise Problem(422, "query", f"table is one of {names}") from None
    return _answer(made, form, body)


def _asked(kind: str, said: Mapping[str, str], service: Service) -> Asked:
    now, site = service.clock.now(), service.site
    when = {name: said[name] for name in NAMES if name in said}
    if kind in OF_STATES and is_past(when):
        raise Problem(422, "query", f"the past of this is rebuilt from history: denbao report {kind} --at T")
    try:
        span = span_asked(when, site.calendar, now)
    except ValueError as unclear:
        raise Problem(422, "query", str(unclear)) from None
    for name in ("within", "unit"):
        if name in said:
            site.units[said[name]]  # raises NotFound
    asked = Asked(
        kind, span, said.get("within"), said.get("unit"), live=not is_past(when), told_at=told_at(when, span, now)
    )
    levels = _RANKED if kind == "ranking" else tuple(level.value for level in Level)
    if "level" in said:
        if said["level"] not in levels:
            raise Problem(422, "query", f"level is one of {', '.join(levels)}")
        asked = replace(asked, level=Level(said["level"]))
    return replace(asked, indicator=said.get("indicator", "score"))


def _answer(made: Report, form: Format, body: bytes) -> web.Response:
    response = web.Response(body=body, content_type=form.media_type, charset=None if form.binary else "utf-8")
    name = f"denbao-{made.kind}-{made.at.astimezone(made.zone):%Y%m%d-%H%M}.{form.suffix}"
    way = "attachment" if form.suffix in ("xlsx", "csv") else "inline"
    response.headers["Content-Disposition"] = f'{way}; filename="{name}"'
    response.headers["Content-Security-Policy"] = _POLICY.format(style=style_source())
    return response
