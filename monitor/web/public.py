"""What everybody may see without a token, where a site says so: a page per province, and badges for other sites.

Only names, codes, colours and targets of a province and its communes: no reasons, incidents, people, systems, sources
or addresses. A page or badge is made once in `max_age` and language, and kept: a crowd costs what one reader costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from aiohttp import web
from markupsafe import Markup

from monitor.model.colour import Colour
from monitor.model.errors import NotFound
from monitor.model.text import clean
from monitor.model.unit import Level, Unit
from monitor.service.app import Service
from monitor.web import charts, look
from monitor.web.keys import PAGES, PUBLISHED, SERVICE

_REFRESH = 60  # seconds; the least, after which a page that is left open is loaded again
_LETTER = 7.4  # width of an average letter at 12 px, in px
_INK = "#16202b"
# Fill, and what is written on it: the style sheet's colours, each pair with a contrast of 4.5 or more.
_FILLS = {
    Colour.GREEN: ("#2f8156", "#ffffff"),
    Colour.YELLOW: ("#f0b323", "#2b2100"),
    Colour.RED: ("#c3202b", "#ffffff"),
    Colour.UNKNOWN: ("#56626e", "#ffffff"),
    Colour.MAINTENANCE: ("#2f6cab", "#ffffff"),
    Colour.EXCLUDED: ("#dde3e9", "#16202b"),
}
_SHAPES = {  # in a square of 24, as on the board
    Colour.GREEN: Markup('<circle cx="12" cy="12" r="11"/>'),
    Colour.YELLOW: Markup('<path d="M12 .8 23.6 22.8H.4z"/>'),
    Colour.RED: Markup('<rect x="1" y="1" width="22" height="22" rx="3"/>'),
    Colour.UNKNOWN: Markup('<path d="M12 1a11 11 0 1 0 0 22 11 11 0 0 0 0-22zm0 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14z"/>'),
    Colour.MAINTENANCE: Markup('<path d="M12 .5 23.5 12 12 23.5.5 12z"/>'),
    Colour.EXCLUDED: Markup('<rect x="2" y="9" width="20" height="6" rx="3"/>'),
}


@dataclass(frozen=True, slots=True)
class Copy:
    """A page or badge that is shown until `until` (monotonic seconds)."""

    text: str
    tag: str
    until: float


class Published:
    """The copies of one service. There are never more than two languages of each public unit's page and badge."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._copies: dict[tuple[str, str, str], Copy] = {}

    def unit(self, code: str, *, province: bool = False) -> Unit:
        """A unit that everybody may see. Raises NotFound, with the same words whether it exists or not."""
        site = self._service.site
        unit = next((unit for unit in site.units if unit.code == code), None)
        levels = (Level.PROVINCE,) if province else (Level.PROVINCE, Level.COMMUNE)
        if unit is None or unit.level not in levels or unit.province not in site.public.provinces:
            raise NotFound("nothing is here")
        return unit

    def kept(self, kind: str, unit: Unit, locale: str) -> Copy | None:
        """The copy that is still shown."""
        copy = self._copies.get((kind, unit.code, locale))
        return copy if copy is not None and self._service.clock.monotonic() < copy.until else None

    def keep(self, kind: str, unit: Unit, locale: str, text: str) -> Copy:
        """A new copy."""
        until = self._service.clock.monotonic() + self._service.site.public.max_age
        copy = Copy(text, blake2b(text.encode(), digest_size=8).hexdigest(), until)
        self._copies[kind, unit.code, locale] = copy
        return copy


async def page(request: web.Request) -> web.Response:
    """The public page of a province. Raises NotFound."""
    published, pages = request.app[PUBLISHED], request.app[PAGES]
    unit = published.unit(clean(request.match_info["code"]), province=True)
    locale = pages.words(request).locale
    copy = published.kept("page", unit, locale)
    if copy is None:
        text = pages.text(request, "public.html", _shown(unit, request))
        copy = published.keep("page", unit, locale, text)
    return _answer(request, copy, "text/html")


async def badge(request: web.Request) -> web.Response:
    """The badge of a province or commune, to be shown on other sites. Raises NotFound."""
    published, pages = request.app[PUBLISHED], request.app[PAGES]
    unit = published.unit(clean(request.match_info["code"]))
    locale = pages.words(request).locale
    copy = published.kept("badge", unit, locale)
    if copy is None:
        copy = published.keep("badge", unit, locale, pages.text(request, "badge.svg", _drawn(unit, request)))
    answer = _answer(request, copy, "image/svg+xml")
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


def _shown(unit: Unit, request: web.Request) -> dict[str, object]:
    service, t = request.app[SERVICE], request.app[PAGES].words(request)
    codes = service.site.units.children(unit.code)
    group = look.group(unit.code, codes, service, t)
    state = service.evaluator.shown[unit.code]
    return {
        "head": unit,
        "colour": state.colour,
        "since": state.standing.since if state.standing else None,
        "group": group,
        "share": charts.bar(group.counts),
        "targets": look.targets(service, t, unit, codes, service.clock.now()),
        "refresh": max(_REFRESH, round(service.site.public.max_age)),
        "not_stored": service.evaluator.unstored_since,
    }


def _drawn(unit: Unit, request: web.Request) -> dict[str, object]:
    service, t = request.app[SERVICE], request.app[PAGES].words(request)
    colour = service.evaluator.shown[unit.code].colour
    name, word = t.pick((unit.name_vi, unit.name_en)), t(colour.value)
    split = round(18 + _LETTER * len(name))
    fill, on_fill = _FILLS[colour]
    return {
        "name": name,
        "word": word,
        "split": split,
        "width": round(split + 35 + _LETTER * len(word)),
        "ink": _INK,
        "fill": fill,
        "on_fill": on_fill,
        "shape": _SHAPES[colour],
    }


def _answer(request: web.Request, copy: Copy, content_type: str) -> web.Response:
    age = round(request.app[SERVICE].site.public.max_age)
    headers = {"Cache-Control": f"public, max-age={age}", "ETag": f'"{copy.tag}"', "Vary": "Accept-Encoding"}
    if any(tag.value == copy.tag for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    answer = web.Response(text=copy.text, content_type=content_type, headers=headers)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        answer.enable_compression(web.ContentCoding.gzip)
    return answer
