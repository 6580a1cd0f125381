"""Readings and heartbeats that somebody pushes: checked as a feed's rows are, answered only when they are committed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web

from monitor.config.spec import FeedSpec, Site, Token
from monitor.engine.evidence import FUTURE_TOLERANCE, believable, clamp, contradicts, inconsistent, unratable
from monitor.engine.hygiene import Known, backwards
from monitor.model.reading import Collected, Comparator, Reading, Value
from monitor.model.state import AuditEntry
from monitor.model.text import clean
from monitor.service.app import Service
from monitor.service.heartbeats import Signal
from monitor.web.api import answer
from monitor.web.keys import CALLER, PUSHES, SERVICE
from monitor.web.problems import Problem
from monitor.web.query import json_body, known_only

MOST = 1000  # readings in one batch
BATCHES_PER_MINUTE = 60  # of one token
COMMIT_SECONDS = 10.0  # after which a batch that is not committed is answered 503; sending it again is harmless
_NAMED = 10  # rows that a sentence names
_OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
_FIELDS = frozenset({"unit", "indicator", "value", "as_of", "comparator", "numerator", "denominator", "note"})


class _Refused(Exception):
    """One row that is not believed: the field and a sentence."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


async def readings(request: web.Request) -> web.Response:
    """Take a batch in, all or nothing. The same batch sent twice changes nothing the second time.

    With `feed` it is that feed's word, as if it had been fetched: its silence ends.
    """
    known_only(request, ())
    service = request.app[SERVICE]
    _limit_rate(request, service.clock.monotonic())
    body = await json_body(request)
    rows = _rows(body)
    caller = request[CALLER]
    feed, now = _feed(body, service.site, caller), service.clock.now()
    source = feed.id if feed else f"push:{caller.id}"
    taken = _believed(rows, service.site, caller, now, source)
    _in_columns(taken, feed)
    _agreeing(taken)
    _growing(taken, service.evaluator.known(source))

    async def commit() -> None:
        if feed is not None:
            service.evaluator.take(Collected(source, now, tuple(taken), by_hand=True))
        await service.evaluator.submit(() if feed else taken)
        await _audited(service, caller, "readings", _summary(taken))

    await _committed(service, commit)
    return answer({"accepted": len(taken)})


def _summary(taken: Sequence[Reading]) -> str:
    notes = dict.fromkeys(reading.note for reading in taken if reading.note)
    return clean("; ".join((f"{len(taken)} readings", *list(notes)[:3])))


async def _audited(service: Service, caller: Token, subject: str, said: str) -> None:
    """What people bring is told apart; a robot's pushes are their own record."""
    if caller.role != "pusher":
        await service.store.audit(AuditEntry(service.clock.now(), caller.id, "push", subject, said))


async def heartbeat(request: web.Request) -> web.Response:
    """Take a job's signal in: success unless the body says start or fail. Answered when it is committed."""
    known_only(request, ())
    service, name, caller = request.app[SERVICE], request.match_info["id"], request[CALLER]
    beat = service.heartbeats.by_id.get(name)
    if beat is None:
        raise Problem(404, "heartbeat", "there is no such heartbeat")
    _limit_rate(request, service.clock.monotonic())
    signal, note = _signal(await json_body(request) if request.can_read_body else {})
    if not caller.may_say(beat.spec.unit, beat.spec.gives):
        raise Problem(403, "not-yours", f"this token may not speak of {beat.spec.gives} of {beat.spec.unit}")

    async def commit() -> None:
        await service.heartbeats.hear(name, signal, note)
        said = clean("; ".join(filter(None, (signal.value, note))))
        await _audited(service, caller, beat.spec.source, said)

    await _committed(service, commit, though_away=True)  # the job did report, whatever becomes of our answer
    return answer({"heartbeat": name, "signal": signal.value})


def _signal(body: Mapping[str, object]) -> tuple[Signal, str]:
    if unknown := sorted(set(body) - {"signal", "note"}):
        raise Problem(422, "heartbeat", f"a heartbeat has the fields signal and note, not {clean(unknown[0], 40)!r}")
    word, note = body.get("signal", Signal.SUCCESS.value), body.get("note", "")
    if not isinstance(word, str) or word not in set(Signal):
        raise Problem(422, "heartbeat", f"signal is one of {', '.join(Signal)}")
    if not isinstance(note, str):
        raise Problem(422, "heartbeat", "note is a text")
    return Signal(word), clean(note)


async def _committed(service: Service, work: Callable[[], Awaitable[None]], *, though_away: bool = False) -> None:
    """Wait for a commit as long as somebody can be kept waiting; `though_away`: begin though the store is away."""
    try:
        if service.evaluator.degraded and not though_away:
            raise _not_now()
        async with asyncio.timeout(COMMIT_SECONDS):
            await work()
    except TimeoutError:
        raise _not_now() from None


def _limit_rate(request: web.Request, now: float) -> None:
    why = f"at most {BATCHES_PER_MINUTE} batches a minute"
    request.app[PUSHES].take(request[CALLER].id, now, "too-many-batches", why)


def _not_now() -> Problem:
    detail = "the readings could not be committed now; send them again, that is harmless"
    return Problem(503, "store", detail, headers={"Retry-After": "5"})


def _rows(body: Mapping[str, object]) -> list[object]:
    rows = body.get("readings")
    if not isinstance(rows, list) or not rows or not set(body) <= {"readings", "feed"}:
        raise Problem(422, "readings", 'the body is {"readings": [...]} with at least one reading')
    if len(rows) > MOST:
        raise Problem(413, "too-many-readings", f"at most {MOST} readings in one batch")
    return rows


def _feed(body: Mapping[str, object], site: Site, caller: Token) -> FeedSpec | None:
    """The feed that a person brings the batch for, whose silence it ends; None: it is the caller's own word."""
    name = body.get("feed")
    if name is None:
        return None
    if caller.role == "pusher":
        raise Problem(403, "not-yours", "a pusher speaks for itself, and for no feed")
    found = next((feed for feed in site.feeds if feed.id == name), None)
    if found is None:
        raise Problem(422, "feed", f"there is no feed {clean(str(name), 40)!r}")
    return found


def _in_columns(taken: Sequence[Reading], feed: FeedSpec | None) -> None:
    """What is brought for a feed are figures of its columns. Raises Problem."""
    columns = {column.indicator for column in feed.columns} if feed else set()
    strange = next((reading.indicator for reading in taken if feed and reading.indicator not in columns), None)
    if strange is not None:
        raise Problem(422, "feed", f"the feed has no column of {strange!r}")


def _believed(rows: list[object], site: Site, caller: Token, now: datetime, source: str) -> list[Reading]:
    taken: list[Reading] = []
    errors: list[dict[str, object]] = []
    for number, row in enumerate(rows):
        try:
            taken.append(_reading(row, site, caller, now, source))
        except _Refused as refused:
            errors.append({"row": number, "field": refused.field, "detail": str(refused)})
    if errors:
        raise Problem(422, "readings", "nothing was taken: some readings cannot be believed", errors=errors)
    return taken


def _agreeing(taken: Sequence[Reading]) -> None:
    """Two rows of one unit, indicator and instant say the same, or nobody knows which is right. Raises Problem."""
    alike: defaultdict[tuple[str, str, datetime, str], list[int]] = defaultdict(list)
    for number, reading in enumerate(taken):
        alike[reading.key].append(number)
    errors: list[dict[str, object]] = []
    for numbers in alike.values():
        if any(contradicts(taken[numbers[0]], taken[number]) for number in numbers):
            listed = ", ".join(map(str, numbers[:_NAMED]))
            said = f"rows {listed} say different things of the same unit, indicator and instant"
            errors += [{"row": number, "field": "value", "detail": said} for number in numbers]
    if errors:
        raise Problem(422, "duplicate", "nothing was taken: some readings contradict each other", errors=errors)


def _growing(taken: Sequence[Reading], known: Known) -> None:
    """A figure that only grows has not fallen since its sender's last word. Raises Problem."""
    fallen = backwards(taken, known)
    if errors := [
        {"row": number, "field": "value", "detail": fallen[reading]}
        for number, reading in enumerate(taken)
        if reading in fallen
    ]:
        raise Problem(422, "backwards", "nothing was taken: a figure that only grows has fallen", errors=errors)


def _reading(row: object, site: Site, caller: Token, now: datetime, source: str) -> Reading:
    if not isinstance(row, dict):
        raise _Refused("", "a reading is a JSON object")
    if unknown := sorted(set(row) - _FIELDS):
        raise _Refused(clean(unknown[0], 40), f"a reading has the fields {', '.join(sorted(_FIELDS))}")
    unit, indicator = _text(row, "unit"), _text(row, "indicator")
    if unit not in site.units:
        raise _Refused("unit", f"no unit has the code {unit!r}")
    ended = site.units[unit].valid_to
    if ended is not None and ended <= now.astimezone(site.zone).date():
        raise _Refused("unit", f"{unit!r} is no unit of this site since {ended}")
    if indicator not in site.ruleset.indicators:
        raise _Refused("indicator", f"no indicator is called {indicator!r}")
    if not caller.may_say(unit, indicator):
        raise _Refused("unit", f"the token {caller.id!r} may not speak of {indicator} of {unit}")
    value = _value(row.get("value"))
    if reason := believable(site.ruleset.indicators[indicator], value):
        raise _Refused("value", reason)
    comparator = _comparator(row.get("comparator", "="))
    numerator, denominator = _count(row, "numerator"), _count(row, "denominator")
    if reason := unratable(site.ruleset.indicators[indicator], denominator):
        raise _Refused("denominator", reason)
    if reason := inconsistent(site.ruleset.indicators[indicator], value, comparator, numerator, denominator):
        raise _Refused("value", reason)
    reading = Reading(
        unit=unit,
        indicator=indicator,
        value=value,
        as_of=_instant(_text(row, "as_of"), site.zone, now),
        received_at=now,
        source=source,
        comparator=comparator,
        numerator=numerator,
        denominator=denominator,
        note=_text(row, "note") if "note" in row else "",
    )
    return clamp(reading)


def _text(row: Mapping[str, object], field: str) -> str:
    text = row.get(field)
    if not isinstance(text, str):
        raise _Refused(field, f"{field} is a text and must be given")
    return clean(text)


def _value(value: object) -> Value:
    if isinstance(value, str):
        return clean(value, 60)
    if isinstance(value, bool):
        return value
    return _number("value", value)


def _number(field: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _Refused(field, f"{field} is a number")
    try:
        return float(value)
    except OverflowError:
        raise _Refused(field, f"{field} is too large") from None


def _count(row: Mapping[str, object], field: str) -> float | None:
    value = row.get(field)
    if value is None:
        return None
    number = _number(field, value)
    if number < 0:
        raise _Refused(field, f"{field} is not less than 0")
    return number


def _comparator(value: object) -> Comparator:
    try:
        return Comparator(str(value))
    except ValueError:
        raise _Refused("comparator", f"comparator is one of {' '.join(Comparator)}") from None


def _instant(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    try:
        claimed = datetime.fromisoformat(text)
        instant = (claimed if claimed.tzinfo else claimed.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _Refused("as_of", "as_of is an ISO 8601 instant; without an offset it is the site's time") from None
    if instant > now + timedelta(seconds=FUTURE_TOLERANCE):
        raise _Refused("as_of", "as_of lies in the future")
    if instant < _OLDEST:
        raise _Refused("as_of", "as_of lies before the year 2000")
    return instant
