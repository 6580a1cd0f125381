"""The one table of routes. What is not here does not exist; what has no right here cannot be asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from monitor.model.muting import Silence, Window
from monitor.service.exporters import Guarded
from monitor.web import api, board, feeds, links, muting, public, push, receipts, replies, reports, stream
from monitor.web.access import Right
from monitor.web.query import FURTHEST, MOST, PAGE
from monitor.web.route import Parameter, Route
from monitor.web.static import static

_JSON = "application/json"
_TEXT = Parameter("province", {"type": "string"})
_WINDOW = (
    Parameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST, "default": PAGE}),
    Parameter("offset", {"type": "integer", "minimum": 0, "maximum": FURTHEST, "default": 0}),
)
_UNIT_FILTERS = (
    Parameter("level", {"type": "string", "enum": list(api.LEVELS)}),
    _TEXT,
    Parameter("colour", {"type": "string", "enum": list(api.COLOURS)}),
)
_PHASE = Parameter("phase", {"type": "string", "enum": list(api.PHASES), "default": "open"})
_QUERY = {"422": "a parameter is wrong"}
_MISSING = {"404": "no such thing", **_QUERY}
_WRITE = {"408": "too slow", "413": "too large", "415": "not JSON", "422": "not believed", "503": "not committed"}
_ACK = {**_WRITE, "404": "no such incident", "409": "closed already"}

READ, PUBLIC = Right.READ, Right.PUBLIC
PAGES = (
    Route("GET", "/", board.province, READ, "board"),
    Route("GET", "/units/{code}", board.unit, READ, "unit_page"),
    Route("GET", "/incidents", board.incidents, READ, "incidents_page"),
    Route("GET", "/incidents/{id}", board.incident, READ, "incident_page"),
    Route("GET", "/feeds", feeds.listed, READ, "feeds_page"),
    Route("GET", "/feeds/{id}", feeds.feed, READ, "feed_page"),
    Route("GET", "/muting", muting.page, READ, "muting_page"),
    Route("GET", "/a/{signed}", links.acknowledge_page, PUBLIC, "link_ack_page", signed=True),
    Route("POST", "/a/{signed}", links.acknowledge, PUBLIC, "link_ack", signed=True),
    Route("GET", "/w/{signed}", links.why_page, PUBLIC, "link_why_page", signed=True),
    Route("GET", "/reports", reports.listed, READ, "reports_page"),
    Route("GET", "/reports/{kind}", reports.report, READ, "report_page"),
    Route("GET", "/public/{code}", public.page, PUBLIC, "public_page"),
    Route("GET", "/badge/{code}.svg", public.badge, PUBLIC, "badge"),
    Route("GET", "/static/{name}", static, PUBLIC, "static"),
)
API = (
    Route(
        "GET",
        "/api/v1/site",
        api.site,
        READ,
        "site",
        "Which version of the site judges, and what is wrong with the one on disk.",
        _JSON,
        problems=_QUERY,
    ),
    Route(
        "GET",
        "/api/v1/units",
        api.units,
        READ,
        "units",
        "Units with their colours, paged and filtered.",
        _JSON,
        (*_WINDOW, *_UNIT_FILTERS),
        problems=_QUERY,
    ),
    Route(
        "GET",
        "/api/v1/units/{code}",
        api.unit,
        READ,
        "unit",
        "One unit with its criteria, readings and incidents.",
        _JSON,
        problems=_MISSING,
    ),
    Route(
        "GET",
        "/api/v1/units/{code}/explain",
        api.explain,
        READ,
        "explain",
        "Why a unit has its colour, in Vietnamese and English.",
        _JSON,
        problems=_MISSING,
    ),
    Route(
        "GET",
        "/api/v1/incidents",
        api.incidents,
        READ,
        "incidents",
        "Incidents, newest first.",
        _JSON,
        (*_WINDOW, _PHASE),
        problems=_QUERY,
    ),
    Route(
        "GET",
        "/api/v1/incidents/{id}",
        api.incident,
        READ,
        "incident",
        "One incident with its frozen plan and its deliveries.",
        _JSON,
        problems=_MISSING,
    ),
    Route(
        "POST",
        "/api/v1/incidents/{id}/ack",
        api.acknowledge,
        Right.ACKNOWLEDGE,
        "acknowledge",
        "Answer an incident: later steps are withheld. Doing it twice changes nothing.",
        _JSON,
        body="Acknowledgement",
        problems=_ACK,
    ),
    Route(
        "GET",
        "/api/v1/feeds",
        feeds.feeds_document,
        READ,
        "feeds",
        "Feeds: whether they answer, and how many rows are not believed.",
        _JSON,
        problems=_QUERY,
    ),
    Route(
        "GET",
        "/api/v1/feeds/{id}",
        feeds.feed_document,
        READ,
        "feed",
        "One feed with the rows of its last answer that are not believed, and why.",
        _JSON,
        problems=_MISSING,
    ),
    Route(
        "POST",
        "/api/v1/readings",
        push.readings,
        Right.PUSH,
        "push_readings",
        "Push readings, all or nothing; answered when they are committed, harmless to repeat.",
        _JSON,
        body="Readings",
        problems=_WRITE,
    ),
    Route(
        "POST",
        "/api/v1/heartbeats/{id}",
        push.heartbeat,
        Right.PUSH,
        "heartbeat",
        "A job says that it did its work (also with an empty body), begins, or failed; answered when committed.",
        _JSON,
        body="Heartbeat",
        body_optional=True,
        problems={**_WRITE, "404": "no such heartbeat"},
    ),
    Route(
        "GET",
        "/api/v1/receipts/{id}",
        receipts.told,
        PUBLIC,
        "receipt_told",
        "What became of a message, told by its gateway at the signed address that it was given.",
        _JSON,
        problems={"404": "no such channel, or not signed", "503": "not committed"},
    ),
    Route(
        "POST",
        "/api/v1/receipts/{id}",
        receipts.posted,
        PUBLIC,
        "receipt_posted",
        "What became of a message, told by Zalo in a signed webhook.",
        _JSON,
        problems={"404": "no such channel, or not signed", "503": "not committed"},
    ),
    Route(
        "POST",
        "/api/v1/replies/{channel}",
        replies.reply,
        PUBLIC,
        "reply",
        "What somebody wrote back by SMS or chat, from the provider with its secret; answered when committed.",
        _JSON,
        body="Reply",
        problems={**_WRITE, "404": "no such channel, or not its secret", "429": "too many"},
    ),
    Route(
        "GET",
        "/api/v1/events",
        stream.events,
        READ,
        "events",
        "Committed changes as server-sent events: snapshot, change, beat.",
        "text/event-stream",
        (_TEXT,),
        problems={**_QUERY, "503": "too many streams"},
        stream=True,
    ),
    Route("GET", "/healthz", api.healthz, PUBLIC, "healthz", "The process answers.", _JSON),
    Route(
        "GET",
        "/readyz",
        api.readyz,
        PUBLIC,
        "readyz",
        "Config loaded, store writable, first sweep done.",
        _JSON,
        problems={"503": "not yet, with the reason"},
    ),
)


def _muting(name: str, sort: muting.Sort, word: str) -> Iterator[Route]:
    """List, add, preview, end."""
    path, state = f"/api/v1/{name}", Parameter("state", {"type": "string", "enum": list(muting.STATES)})
    order = {**_WRITE, "409": "too many", "422": "an order that cannot be carried out"}
    missing = {**_WRITE, "404": f"no such {word}", "409": "over already, or it stands in config.yaml"}
    yield Route(
        "GET", path, muting.listing(sort), READ, name, f"Each {word} that is active or coming, or all of them.",
        _JSON, (state,), problems=_QUERY,
    )  # fmt: skip
    yield Route(
        "POST", path, muting.adding(sort), Right.MUTE, f"{name}_add", f"Begin a {word}; answered when it is committed.",
        _JSON, body="Order", problems=order,
    )  # fmt: skip
    yield Route(
        "POST", f"{path}/preview", muting.previewing(sort), Right.MUTE, f"{name}_preview",
        f"What a {word} would mute now; nothing is changed.", _JSON, body="Order", problems=order,
    )  # fmt: skip
    yield Route(
        "POST", f"{path}/{{id}}/end", muting.ending(sort), Right.MUTE, f"{name}_end",
        f"End a {word} now; answered when it is committed.", _JSON, body="Nothing", problems=missing,
    )  # fmt: skip


MUTING = (*_muting("silences", Silence, "silence"), *_muting("maintenance", Window, "maintenance window"))


def table(exporters: Iterable[Guarded]) -> tuple[Route, ...]:
    """All routes of an application with these exporters; one whose address is taken is unloaded."""
    routes = [*PAGES, *API, *MUTING]
    for exporter in exporters:
        if exporter.path in {route.path for route in routes}:
            exporter.refuse(f"its path {exporter.path} is taken; another one would be right")
        if exporter.path:
            routes.append(_exported(exporter))
    return tuple(routes)


def _exported(exporter: Guarded) -> Route:
    name = f"export_{exporter.path.strip('/').replace('/', '_')}"
    page = api.exported(exporter)
    return Route("GET", exporter.path, page, Right.SCRAPE, name, "The page of an exporter.", "text/plain")
