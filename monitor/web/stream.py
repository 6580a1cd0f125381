"""Changes as server-sent events: what is committed, and while the store is away what is judged.

Each client has a mailbox of at most one change per unit: a client that reads slowly gets the latest colour of each unit
instead of a backlog, and one that stops reading is cut off. Every stream begins with the colours of all its units, so a
page that lost its line catches up by itself. A heartbeat is an event, not a comment: pages cannot see comments, and a
page must notice that it hears nothing any more.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from aiohttp import web

from monitor.model.colour import Colour
from monitor.model.state import Decision, UnitState
from monitor.model.unit import Level
from monitor.service.app import Service
from monitor.service.waiting import woken
from monitor.web.keys import SERVICE, STREAM
from monitor.web.problems import Problem
from monitor.web.query import known_only
from monitor.web.shapes import iso

MOST_CLIENTS = 500
BEAT = 5.0  # seconds between two heartbeats
PATIENCE = 10.0  # seconds in which a client must have read what was written to it
_HEADERS = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}


class Mailbox:
    """What one client has not been told yet. `scope` is a province, or None for all units."""

    def __init__(self, scope: str | None) -> None:
        self.scope = scope
        self.changed: dict[str, UnitState] = {}
        self.stirred = False  # incidents changed
        self.closed = False
        self.news = asyncio.Event()


class Broadcaster:
    """Hands committed decisions to the mailboxes of all clients."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._boxes: set[Mailbox] = set()
        service.hub.listen(self._committed)

    @property
    def clients(self) -> int:
        """Streams open now."""
        return len(self._boxes)

    def join(self, scope: str | None) -> Mailbox:
        """A mailbox that gets everything committed from now on. Raises Problem when there are too many."""
        if len(self._boxes) >= MOST_CLIENTS:
            raise Problem(503, "too-many-streams", "too many boards are watching", headers={"Retry-After": "30"})
        box = Mailbox(scope)
        self._boxes.add(box)
        return box

    def leave(self, box: Mailbox) -> None:
        """Forget a client."""
        self._boxes.discard(box)

    def close(self) -> None:
        """End all streams."""
        for box in self._boxes:
            box.closed = True
            box.news.set()

    def concerns(self, unit: str, scope: str | None) -> bool:
        """Whether a unit is shown on the board of a province: its own units, and what belongs to no province."""
        return scope is None or self._service.site.units[unit].province in (scope, None)

    def _committed(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            recoloured, stirred = _recoloured(decision), bool(decision.incidents)
            if not recoloured and not stirred:
                continue
            for box in self._boxes:
                if self.concerns(decision.after.unit, box.scope):
                    if recoloured:
                        box.changed[decision.after.unit] = decision.after
                    box.stirred |= stirred
                    box.news.set()

    def beat(self) -> dict[str, object]:
        """The data of a heartbeat, and of every event: when it is, and since when what is shown is not stored."""
        service = self._service
        return {"at": iso(service.clock.now()), "not_stored_since": iso(service.evaluator.unstored_since)}

    def message(self, states: Iterable[UnitState], scope: str | None) -> dict[str, object]:
        """The data of one event: the new colours, and the counts and open incidents as they are now."""
        return {
            **self.beat(),
            "changes": [_change(state) for state in states],
            "counts": self._counts(scope),
            "open_incidents": self._open_incidents(scope),
        }

    def everything(self, scope: str | None) -> dict[str, object]:
        """The first event of a stream: all its units."""
        states = self._service.evaluator.shown
        return self.message((state for unit, state in states.items() if self.concerns(unit, scope)), scope)

    def _counts(self, scope: str | None) -> Mapping[str, Mapping[str, int]]:
        units = self._service.site.units
        provinces = [unit.code for unit in units.at(Level.PROVINCE)]
        counts = {code: self._count(units.children(code)) for code in provinces if scope in (None, code)}
        return counts if scope is not None else {**counts, "": self._count(provinces)}

    def _count(self, codes: Iterable[str]) -> Mapping[str, int]:
        states = self._service.evaluator.shown
        found = Counter(states[code].colour.value for code in codes)
        return {colour.value: found[colour.value] for colour in Colour}

    def _open_incidents(self, scope: str | None) -> int:
        states = self._service.evaluator.shown
        return sum(len(state.incidents) for unit, state in states.items() if self.concerns(unit, scope))


async def events(request: web.Request) -> web.StreamResponse:
    """The stream of one client, until it goes, reads too slowly, or the service stops."""
    known_only(request, ("province",))
    service, stream = request.app[SERVICE], request.app[STREAM]
    scope = request.query.get("province")
    if scope is not None and all(province.code != scope for province in service.site.units.at(Level.PROVINCE)):
        raise Problem(422, "query", "no province has that code")
    box = stream.join(scope)
    response = web.StreamResponse(headers=_HEADERS)
    try:
        await response.prepare(request)
        await _write(response, "snapshot", stream.everything(scope))
        while not box.closed:
            name, data = await _next(box, stream, service)
            await _write(response, name, data)
    except (TimeoutError, ConnectionError):
        if request.transport is not None:
            request.transport.abort()  # a client that does not read gets no goodbye either
    finally:
        stream.leave(box)
    return response


async def _next(box: Mailbox, stream: Broadcaster, service: Service) -> tuple[str, dict[str, object]]:
    await woken(box.news, service.clock, BEAT)
    box.news.clear()
    if not box.changed and not box.stirred:
        return "beat", stream.beat()
    changed, box.changed, box.stirred = box.changed, {}, False
    return "change", stream.message(changed.values(), box.scope)


async def _write(response: web.StreamResponse, name: str, data: Mapping[str, object]) -> None:
    text = f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n"
    async with asyncio.timeout(PATIENCE):
        await response.write(text.encode())


def _recoloured(decision: Decision) -> bool:
    return decision.before.colour is not decision.after.colour


def _change(state: UnitState) -> Mapping[str, object]:
    standing = state.standing
    return {
        "unit": state.unit,
        "colour": state.colour.value,
        "since": iso(standing.since if standing else None),
        "caused_by": standing.caused_by if standing else None,
    }
