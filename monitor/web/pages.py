"""Pages from templates: escaped by default, in the reader's language, packed when they are large."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from monitor.alerting.selfnotices import said
from monitor.model.colour import Colour
from monitor.service.app import Service
from monitor.web.static import address
from monitor.web.texts import LOCALES, Words

_LARGE = 2048  # bytes from which packing pays
# What the banners say is for those who may read; a page for what did not work is also shown to those who may not.
_UNTOLD = {
    "ready": "",
    "not_stored": None,
    "problems": (),
    "own_alarms": (),
    "channel_problems": (),
    "exporter_problems": (),
}


class Pages:
    """Renders the pages of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {"asset": address, "colours": tuple(Colour), "path": quote_path}

    def words(self, request: web.Request) -> Words:
        """The reader's language: what the address asks for, otherwise the site's own."""
        asked = request.query.get("lang", "")
        return Words(asked if asked in LOCALES else self._service.site.locale, self._service.site.zone)

    def show(
        self, request: web.Request, template: str, context: Mapping[str, object], status: int = 200
    ) -> web.Response:
        """One page as an answer."""
        text = self.text(request, template, context)
        response = web.Response(status=status, text=text, content_type="text/html")
        response.headers["Vary"] = "Accept-Encoding"
        if len(text) > _LARGE and "gzip" in request.headers.get("Accept-Encoding", ""):
            response.enable_compression(web.ContentCoding.gzip)
        return response

    def text(self, request: web.Request, template: str, context: Mapping[str, object]) -> str:
        """A template filled in; `context` goes before what every page is told."""
        frame = self._frame(request, self.words(request))
        return self._environment.get_template(template).render({**frame, **context})

    def problem(self, request: web.Request, status: int, detail: str) -> web.Response:
        """A calm page for what did not work."""
        try:
            return self.show(request, "problem.html", {"status": status, "detail": detail, **_UNTOLD}, status)
        except Exception:  # the page for mistakes must not fail as well
            text = f"<!doctype html><p>{html.escape(detail)}"
            return web.Response(status=status, text=text, content_type="text/html")

    def _frame(self, request: web.Request, words: Words) -> dict[str, object]:
        site, now = self._service.site, self._service.clock.now()
        other = "en" if words.locale == "vi" else "vi"
        return {
            "t": words,
            "site": site,
            "site_name": words.pick((site.name_vi, site.name_en)),
            "now": now,
            "ready": "" if self._service.evaluator.degraded else self._service.ready(),
            "problems": self._service.site_problems,
            "own_alarms": [(one.ref, said(one, words.locale)) for one in self._service.self_watch.shown()],
            "channel_problems": self._service.channel_watch.sentences(),
            "exporter_problems": self._service.export_problems(),
            "not_stored": self._service.evaluator.unstored_since,
            "href": Linker("" if words.locale == site.locale else words.locale),
            "other_href": _other_language(request, other, site.locale),
            "other": other,
        }


def quote_path(name: str) -> str:
    """A name as one piece of an address."""
    return quote(name, safe="")


class Linker:
    """Makes addresses that stay in the reader's language."""

    def __init__(self, lang: str) -> None:
        self._lang = lang

    def __call__(self, path: str, **query: str) -> str:
        """The address of a path with this query."""
        asked = {**query, **({"lang": self._lang} if self._lang else {})}
        return f"{path}?{urlencode(asked)}" if asked else path


def _other_language(request: web.Request, other: str, default: str) -> str:
    query = {name: value for name, value in request.query.items() if name != "lang"}
    if other != default:
        query["lang"] = other
    here = "/" + request.rel_url.raw_path.lstrip("/")  # two slashes would name another host
    return f"{here}?{urlencode(query)}" if query else here
