"""The outbox of the store in memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitor.adapters.store import states
from monitor.alerting.limits import Counts, Limits, Rate, Spent, Waiting, admit
from monitor.model.incident import (
    FAILED,
    FINALS,
    LATER,
    LOOPBACK,
    Delivery,
    Incident,
    Notice,
    Outcome,
    Receipt,
    Unheard,
    own_alarm,
    reference,
)
from monitor.model.state import Withhold
from monitor.ports import Hold, Lease, TakeOver

_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Row:
    """One notice and what became of it."""

    notice: Notice
    next_at: datetime
    free_at: datetime  # since when nothing holds it back
    placed_at: datetime  # since when its recipient waits for this call
    state: str = states.PENDING
    attempt: int = 0
    owner: str = ""
    lease_until: datetime | None = None
    maybe_sent: bool = False
    withheld: str = ""
    detail: str = ""
    sent_at: datetime | None = None
    provider_id: str = ""
    final: str = ""

    @property
    def rank(self) -> tuple[bool, datetime, str]:
        """Urgent before old."""
        return (not self.notice.urgent, self.placed_at, self.notice.key)

    @property
    def address(self) -> tuple[str, str]:
        """Who was to be told, and by which channel first."""
        return (self.notice.recipient, self.notice.origin)

    def hold(self, until: datetime, reason: str) -> None:
        """Do not send it yet, and say why. What a limit held before is asked for in vain no more."""
        if self.over_limit:
            self.state = states.PENDING
        self.next_at = self.free_at = until
        self.detail = reason

    def hold_over_limit(self, until: datetime, reason: str) -> None:
        """The same for what is over a limit: it was asked for in vain."""
        self.hold(until, reason)
        self.state = Outcome.TRY_AGAIN.value

    @property
    def over_limit(self) -> bool:
        """Whether a limit holds it, and nobody tried it before."""
        return self.state == Outcome.TRY_AGAIN.value and self.attempt == 0

    @property
    def failing(self) -> bool:
        """Whether it did not reach its provider so far, as far as the index of the store in a file can tell."""
        return self.state in states.IN_VAIN | {states.LEASED} or self.final == FAILED

    def failed(self, calm: datetime | None) -> bool:
        """Whether it did not reach its provider; what is not urgent may wait for a limit until `calm`."""
        may_wait = self.over_limit and not self.notice.urgent and (calm is None or self.notice.due_at >= calm)
        return states.failed(self.state, self.attempt, self.final, self.detail) and not may_wait

    def delivery(self) -> Delivery:
        return Delivery(
            notice=self.notice,
            state=self.state,
            attempt=self.attempt,
            owner=self.owner,
            lease_until=self.lease_until,
            next_at=self.next_at if self.state in states.WAITING else None,
            sent_at=self.sent_at,
            detail=self.detail,
            provider_id=self.provider_id,
            final=self.final,
        )

    def went(self, since: datetime, now: datetime) -> bool:
        """Whether it went, may have gone or is going, since an instant."""
        if self.state in (Outcome.SENT.value, states.LEASED):
            return self.sent_at is None or since < self.sent_at <= now
        return self.sent_at is None and self.maybe_sent and self.next_at > since


class MemoryOutbox:
    """Notices by key, and those still undecided by channel. The methods are those of the port."""

    def __init__(self, relapses: Callable[[str], Sequence[Incident]] = lambda _incident: ()) -> None:
        self._relapses = relapses  # later incidents of the same trouble
        self._rows: dict[str, _Row] = {}
        self._of_incident: defaultdict[str, list[_Row]] = defaultdict(list)
        self._undecided: defaultdict[str, dict[str, _Row]] = defaultdict(dict)
        self._gone = Counter[tuple[str, Outcome]]()  # what was deleted, for the counts

    def add(self, notice: Notice, free_at: datetime | None = None, placed_at: datetime | None = None) -> bool:
        """Owe a notice; one that is known is left alone: False. `free_at`: since when nothing holds it back;
        `placed_at`: whose place it has."""
        if notice.key in self._rows:
            return False
        free_at = free_at or notice.free_at or notice.due_at
        row = self._rows[notice.key] = _Row(notice, notice.due_at, free_at, placed_at or notice.due_at)
        self._of_incident[notice.incident].append(row)
        self._undecided[notice.channel][notice.key] = row
        return True

    def note_sent(self, notice: Notice, receipt: Receipt, at: datetime) -> bool:
        """See the port; False where it is known."""
        if not self.add(notice):
            return False
        row = self._rows[notice.key]
        for name, value in states.directly(receipt).items():
            setattr(row, name, value)
        row.sent_at = row.next_at = at
        del self._undecided[notice.channel][notice.key]
        return True

    def withhold(self, order: Withhold) -> None:
        """Suppress what waits of one incident; what is leased or sent is not tried again."""
        for row in self._of_incident.get(order.incident, ()):
            if not order.means(row.notice):
                continue
            if row.state in states.WAITING:
                self._suppress(row, order.reason)
            elif row.state in states.WENT:
                row.withheld = order.reason

    def take_places(self, order: Withhold) -> None:
        """Let what is newly owed have the place of a call that it replaces and that nobody got."""
        rows = self._of_incident.get(order.incident, ()) if order.reason == LATER else ()
        for old in (row for row in rows if order.means(row.notice) and row.detail == LATER):
            address = (old.notice.recipient, old.notice.origin)
            for new in (row for row in rows if row.state == states.PENDING and row.address == address):
                new.placed_at = min(new.placed_at, old.placed_at)

    def free_good_news(self, incidents: Iterable[str], at: datetime) -> None:
        """What waited for a relapse of these incidents to end is no older than that."""
        for row in [row for key in incidents for row in self._of_incident.get(key, ())]:
            if row.state in states.WAITING:
                row.free_at = max(row.free_at, at)

    def lease(
        self,
        channel: str,
        owner: str,
        now: datetime,
        limit: int,
        seconds: float,
        hold: Hold | None = None,
        limits: Limits | None = None,
    ) -> Sequence[Lease]:
        """See the port."""
        rows = list(self._undecided[channel].values())
        self._expire(rows, now)
        due = [row for row in rows if row.state in states.WAITING and row.next_at <= now]
        free = [row for row in due if not self._blocked(row)]
        for row in free:
            if not self._told(row):
                self._suppress(row, states.NEVER_TOLD)
            elif self._over(row):
                self._suppress(row, states.OVER)
        for row in [row for row in due if row.state in states.WAITING and self._told_again(row)]:
            self._suppress(row, states.BACK)
        free = [row for row in free if row.state in states.WAITING and not self._back(row)]
        ranked = sorted(free, key=lambda row: row.rank)
        claimed = [row for row in ranked if not self._held(row, hold, now)][:limit]
        over: Mapping[str, str] = {}
        if limits is not None and limits.bound:
            claimed, over = self._admitted(channel, claimed, limits, now)
        for row in claimed:
            row.state, row.owner, row.attempt = states.LEASED, owner, row.attempt + 1
            row.lease_until = now + timedelta(seconds=seconds)
        return [
            Lease(row.notice, owner, row.attempt, row.maybe_sent, over.get(row.notice.key, ""), row.free_at)
            for row in claimed
        ]

    def _held(self, row: _Row, hold: Hold | None, now: datetime) -> bool:
        held = None if hold is None else hold(row.notice, now)
        if held is None:
            return False
        row.hold(held.until, held.reason)
        return True

    def release(self, reason: str, now: datetime) -> None:
        """What is held for this reason may be claimed again."""
        for row in [row for rows in self._undecided.values() for row in rows.values()]:
            if row.state in states.WAITING and row.detail == reason and row.next_at > now:
                row.next_at = row.free_at = now

    def hasten(self, now: datetime, by: float, beyond: float) -> None:
        """See the port."""
        for row in [row for rows in self._undecided.values() for row in rows.values()]:
            ends = row.lease_until or row.next_at
            if ends > now + timedelta(seconds=beyond):
                floor = states.not_before(row.notice.due_at, row.notice.urgent or row.attempt > 0, now, by)
                row.next_at = max(floor, ends - timedelta(seconds=by))
                row.lease_until = row.next_at if row.lease_until else None
                row.free_at = min(row.free_at, row.next_at)

    def _admitted(
        self, channel: str, claimed: list[_Row], limits: Limits, now: datetime
    ) -> tuple[list[_Row], Mapping[str, str]]:
        mine = [row for row in self._rows.values() if row.notice.channel == channel]
        counts = Counts(
            {
                row.notice.recipient: _spent(
                    [r for r in mine if r.notice.recipient == row.notice.recipient],
                    _since(limits.per_recipient, now),
                    now,
                )
                for row in claimed
            },
            _spent(mine, _since(limits.per_channel, now), now),
            _spent(mine, limits.day_start(now), now).number,
        )
        told = [row.notice for row in claimed]
        waiting = [Waiting(one.key, one.recipient, one.urgent, own_alarm(one.incident)) for one in told]
        admission = admit(waiting, counts, limits, now)
        for key, held in admission.held.items():
            self._rows[key].hold_over_limit(held.until, held.reason)
        return [row for row in claimed if row.notice.key not in admission.held], admission.passed

    def heard_later(self, channel: str, name: str, final: str, now: datetime, instead: TakeOver | None) -> bool | None:
        """See the port."""
        named = [
            row
            for row in self._rows.values()
            if row.notice.channel == channel and name and name in (reference(row.notice.key), row.provider_id)
        ]
        news = [row for row in named if row.final in FINALS[: FINALS.index(final)]]
        for row in news:
            row.final = final
            if final != FAILED and row.state in states.UNDECIDED:
                row.state, row.sent_at, row.owner, row.lease_until = Outcome.SENT.value, now, "", None
                del self._undecided[channel][row.notice.key]
            if final == FAILED and instead is not None and row.attempt and not row.withheld:
                self._hand_over(row, instead(row.notice), now)
        return bool(news) if named else None

    def _hand_over(self, row: _Row, instead: Notice | None, now: datetime) -> None:
        if instead is None or row.state not in states.FALLIBLE:
            return
        self.add(instead, now)
        row.withheld = states.handed_over(instead.channel)
        if row.state in states.WAITING:
            row.state, row.detail, row.owner = Outcome.REFUSED.value, row.withheld, ""
            del self._undecided[row.notice.channel][row.notice.key]

    def end_leases(self) -> None:
        """Give up on all claims: whoever made them is dead."""
        for row in [row for rows in self._undecided.values() for row in rows.values()]:
            if row.lease_until is not None:
                self._end(row)

    def _expire(self, rows: Iterable[_Row], now: datetime) -> None:
        for row in rows:
            if row.lease_until is not None and row.lease_until <= now:
                self._end(row)

    def _end(self, row: _Row) -> None:
        row.state, row.maybe_sent, row.lease_until = Outcome.UNKNOWN.value, True, None
        if row.withheld:
            self._suppress(row, row.withheld)

    def settle(
        self,
        lease: Lease,
        receipt: Receipt,
        now: datetime,
        next_at: datetime | None,
        instead: Notice | None = None,
    ) -> bool:
        """See the port."""
        row = self._rows.get(lease.notice.key)
        if not row or row.attempt != lease.attempt:
            return False
        if row.state not in states.UNDECIDED or row.owner != lease.owner:
            if row.state == Outcome.SENT.value:  # its final status overtook the answer to its send
                row.provider_id = row.provider_id or receipt.id
            return False
        row.state = states.state_after(receipt.outcome, row.withheld)
        row.detail = states.detail_after(receipt.outcome, receipt.detail, row.withheld)
        row.maybe_sent |= receipt.outcome in states.MAYBE
        row.provider_id = receipt.id or row.provider_id
        row.sent_at = now if receipt.outcome is Outcome.SENT else None
        row.owner, row.lease_until, row.next_at = "", None, next_at or now
        if states.planned(receipt, lease.notice) and next_at is not None:
            row.free_at = next_at
        if row.state in states.FINAL:
            del self._undecided[row.notice.channel][row.notice.key]
        if instead is not None and not row.withheld:
            self.add(instead, row.free_at, row.placed_at)
        return True

    def _suppress(self, row: _Row, reason: str) -> None:
        row.state, row.detail, row.owner, row.lease_until = Outcome.SUPPRESSED.value, reason, "", None
        del self._undecided[row.notice.channel][row.notice.key]

    def next_due(self, channel: str) -> datetime | None:
        """See the port."""
        rows = self._undecided[channel].values()
        free = (row for row in rows if not self._blocked(row) and not self._back(row))
        waiting = [row.next_at for row in free if row.state in states.WAITING]
        leased = [row.lease_until for row in rows if row.lease_until is not None]
        return min(waiting + leased, default=None)

    def _blocked(self, row: _Row) -> bool:
        return any(earlier.state in states.UNDECIDED for earlier in self._bad_news(row))

    def _bad_news(self, row: _Row) -> Iterable[_Row]:
        """What was owed to the same address in the same incident before this good news; nothing for bad news."""
        return [r for r in self._to_the_same(row) if r.notice.requires is None]

    def _to_the_same(self, row: _Row) -> Iterable[_Row]:
        """What was owed in the same incident to the address of this good news; nothing for bad news."""
        if row.notice.requires is None:
            return ()
        return [r for r in self._of_incident[row.notice.incident] if r.address == row.address]

    def _told(self, row: _Row) -> bool:
        return row.notice.requires is None or any(
            states.was_told(earlier.state, earlier.maybe_sent, earlier.final) for earlier in self._bad_news(row)
        )

    def _over(self, row: _Row) -> bool:
        """... and of its end, after all of that: not by the clock, which may have been set back meanwhile."""
        rows = self._to_the_same(row)
        bad, good = ([r for r in rows if (r.notice.requires is None) is sort] for sort in (True, False))
        told = [r.notice.generation or 0 for r in bad if states.was_told(r.state, r.maybe_sent, r.final)]
        sent = [r.notice.generation or 0 for r in good if r.state == Outcome.SENT.value and r.final != FAILED]
        return bool(sent) and max(sent) >= max(told, default=0)

    def _back(self, row: _Row) -> bool:
        """Whether the trouble of which this good news says that it is over is there again."""
        return row.notice.requires is not None and any(
            one.phase.value in states.THERE for one in self._relapses(row.notice.incident)
        )

    def _told_again(self, row: _Row) -> bool:
        """... and the same address was told, or may have been."""
        if row.notice.requires is None:
            return False
        rows = [one for incident in self._relapses(row.notice.incident) for one in self._of_incident[incident.key]]
        return any(
            states.was_told(one.state, one.maybe_sent, one.final)
            for one in rows
            if one.notice.requires is None and one.address == row.address
        )

    def deliveries(self, incident: str | None, limit: int) -> Sequence[Delivery]:
        """See the port."""
        rows = list(self._public()) if incident is None else list(self._of_incident.get(incident, ()))
        rows.sort(key=lambda row: (row.notice.due_at, row.notice.key), reverse=True)
        return [row.delivery() for row in rows[:limit]]

    def waiting(self) -> Mapping[str, tuple[int, datetime | None]]:
        """Per channel: how many notices are undecided, and since when the oldest could have gone."""
        return {
            channel: (len(rows), min(row.free_at for row in rows.values()))
            for channel, rows in self._undecided.items()
            if rows and channel != LOOPBACK
        }

    def stuck(self, before: datetime) -> tuple[int, datetime | None]:
        """See the port."""
        rows = (row for channel, rows in self._undecided.items() if channel != LOOPBACK for row in rows.values())
        since = [row.free_at for row in rows if row.notice.requires is None and row.free_at < before]
        return len(since), min(since, default=None)

    def _public(self) -> Iterable[_Row]:
        return (row for row in self._rows.values() if row.notice.channel != LOOPBACK)

    def forget(self, channel: str) -> None:
        """See the port."""
        for key in [key for key, row in self._rows.items() if row.notice.channel == channel]:
            self._of_incident.pop(self._rows.pop(key).notice.incident, None)
        self._undecided.pop(channel, None)

    def prune(self, before: datetime, open_ones: Collection[str]) -> set[str]:
        """Delete what was due before an instant and is decided, but for some incidents; returns the keys."""
        keys = {
            row.notice.key
            for row in self._public()
            if row.state in states.FINAL and row.notice.due_at < before and row.notice.incident not in open_ones
        }
        for key in keys:
            row = self._rows.pop(key)
            self._gone[row.notice.channel, Outcome(row.state)] += 1
            mine = self._of_incident[row.notice.incident]
            mine.remove(row)
            if not mine:
                del self._of_incident[row.notice.incident]
        return keys

    def unheard(self, incident: Incident, before: datetime, calm: datetime | None) -> list[Unheard]:
        """Calls of one incident that nobody took, see the port."""
        found_of = self._of_incident.get(incident.key, ())
        if not any(row.failing for row in found_of):
            return []
        rows = [row for row in found_of if row.notice.requires is None]
        told = [r.notice.due_at for r in rows if r.state == Outcome.SENT.value and r.final != FAILED]
        calls: defaultdict[str, list[_Row]] = defaultdict(list)
        for row in rows:
            calls[row.notice.call].append(row)
        found = ((call, min(row.notice.due_at for row in tried), tried) for call, tried in calls.items())
        return [
            Unheard(incident.key, incident.unit, call, due)
            for call, due, tried in found
            if min(row.notice.due_at if row.over_limit else row.free_at for row in tried) < before
            and all(row.failed(calm) for row in tried)
            and not all(states.left(row.state, row.detail) for row in tried)
            and not any(at > due for at in told)
        ]

    def owed(self, incidents: Iterable[str]) -> Mapping[str, Mapping[str, tuple[str, str]]]:
        """See the port."""
        found = ((incident, self._of_incident.get(incident, ())) for incident in incidents)
        return {incident: {row.notice.key: (row.state, row.detail) for row in rows} for incident, rows in found if rows}

    def outcomes(self) -> Mapping[tuple[str, Outcome], int]:
        """See the port."""
        final = (row for row in self._public() if row.state in states.FINAL)
        return self._gone + Counter((row.notice.channel, Outcome(row.state)) for row in final)

    def carried(self, channel: str, since: datetime) -> int:
        """See the port."""
        return _spent((row for row in self._rows.values() if row.notice.channel == channel), since, _EVER).number


def _spent(rows: Iterable[_Row], since: datetime | None, now: datetime) -> Spent:
    if since is None:
        return Spent()
    went = [row.sent_at or row.next_at for row in rows if row.went(since, now)]
    return Spent(len(went), min(went, default=None))


def _since(rate: Rate | None, now: datetime) -> datetime | None:
    return None if rate is None else now - timedelta(seconds=rate.seconds)
