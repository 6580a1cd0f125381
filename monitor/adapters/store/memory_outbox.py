"""The outbox of the store in memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.adapters.store import states
from monitor.model.incident import Delivery, Notice, Outcome, Receipt
from monitor.model.state import Withhold
from monitor.ports import Hold, Lease


@dataclass(slots=True)
class _Row:
    """One notice and what became of it."""

    notice: Notice
    next_at: datetime
    state: str = states.PENDING
    attempt: int = 0
    owner: str = ""
    lease_until: datetime | None = None
    maybe_sent: bool = False
    withheld: str = ""
    detail: str = ""
    sent_at: datetime | None = None

    @property
    def rank(self) -> tuple[bool, datetime, str]:
        """Urgent before old."""
        return (not self.notice.urgent, self.notice.due_at, self.notice.key)

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
        )


class MemoryOutbox:
    """Notices by key, and those still undecided by channel. The methods are those of the port."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}
        self._of_incident: defaultdict[str, list[_Row]] = defaultdict(list)
        self._undecided: defaultdict[str, dict[str, _Row]] = defaultdict(dict)

    def add(self, notice: Notice) -> bool:
        """Owe a notice; one that is known is left alone: False."""
        if notice.key in self._rows:
            return False
        row = self._rows[notice.key] = _Row(notice, next_at=notice.due_at)
        self._of_incident[notice.incident].append(row)
        self._undecided[notice.channel][notice.key] = row
        return True

    def withhold(self, order: Withhold) -> None:
        """Suppress what waits of one incident; what is leased is not tried again."""
        for row in self._of_incident.get(order.incident, ()):
            if order.recipients is not None and row.notice.recipient not in order.recipients:
                continue
            if row.state in states.WAITING:
                self._suppress(row, order.reason)
            elif row.state == states.LEASED:
                row.withheld = order.reason

    def lease(
        self, channel: str, owner: str, now: datetime, limit: int, seconds: float, hold: Hold | None = None
    ) -> Sequence[Lease]:
        """See the port."""
        rows = list(self._undecided[channel].values())
        self._expire(rows, now)
        due = [row for row in rows if row.state in states.WAITING and row.next_at <= now]
        free = [row for row in due if not self._blocked(row)]
        told, untold = self._split(free)
        for row in untold:
            self._suppress(row, states.NEVER_TOLD)
        claimed = [row for row in sorted(told, key=lambda row: row.rank) if not self._held(row, hold, now)][:limit]
        for row in claimed:
            row.state, row.owner, row.attempt = states.LEASED, owner, row.attempt + 1
            row.lease_until = now + timedelta(seconds=seconds)
        return [Lease(row.notice, owner, row.attempt, row.maybe_sent) for row in claimed]

    def _held(self, row: _Row, hold: Hold | None, now: datetime) -> bool:
        held = None if hold is None else hold(row.notice, now)
        if held is None:
            return False
        row.next_at, row.detail = held.until, held.reason
        return True

    def release(self, reason: str, now: datetime) -> None:
        """What is held for this reason may be claimed again."""
        for row in [row for rows in self._undecided.values() for row in rows.values()]:
            if row.state in states.WAITING and row.detail == reason:
                row.next_at = min(row.next_at, now)

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

    def settle(self, lease: Lease, receipt: Receipt, now: datetime, next_at: datetime | None) -> bool:
        """See the port."""
        row = self._rows.get(lease.notice.key)
        if not row or row.state not in states.UNDECIDED or (row.owner, row.attempt) != (lease.owner, lease.attempt):
            return False
        row.state = states.state_after(receipt.outcome, row.withheld)
        row.detail = states.detail_after(receipt.outcome, receipt.detail, row.withheld)
        row.maybe_sent |= receipt.outcome is Outcome.UNKNOWN
        row.sent_at = now if receipt.outcome is Outcome.SENT else None
        row.owner, row.lease_until, row.next_at = "", None, next_at or now
        if row.state in states.FINAL:
            del self._undecided[row.notice.channel][row.notice.key]
        return True

    def _suppress(self, row: _Row, reason: str) -> None:
        row.state, row.detail, row.owner, row.lease_until = Outcome.SUPPRESSED.value, reason, "", None
        del self._undecided[row.notice.channel][row.notice.key]

    def next_due(self, channel: str) -> datetime | None:
        """See the port."""
        rows = self._undecided[channel].values()
        waiting = [row.next_at for row in rows if row.state in states.WAITING and not self._blocked(row)]
        leased = [row.lease_until for row in rows if row.lease_until is not None]
        return min(waiting + leased, default=None)

    def _blocked(self, row: _Row) -> bool:
        return any(earlier.state in states.UNDECIDED for earlier in self._bad_news(row))

    def _bad_news(self, row: _Row) -> Iterable[_Row]:
        """What was owed to the same address in the same incident before this good news; nothing for bad news."""
        if row.notice.requires is None:
            return ()
        address = (row.notice.recipient, row.notice.channel)
        rows = self._of_incident[row.notice.incident]
        return [r for r in rows if r.notice.requires is None and (r.notice.recipient, r.notice.channel) == address]

    def _split(self, rows: Iterable[_Row]) -> tuple[list[_Row], list[_Row]]:
        told: list[_Row] = []
        untold: list[_Row] = []
        for row in rows:
            (told if self._told(row) else untold).append(row)
        return told, untold

    def _told(self, row: _Row) -> bool:
        return row.notice.requires is None or any(
            states.was_told(earlier.state, earlier.maybe_sent) for earlier in self._bad_news(row)
        )

    def deliveries(self, incident: str | None, limit: int) -> Sequence[Delivery]:
        """See the port."""
        rows = list(self._rows.values()) if incident is None else list(self._of_incident.get(incident, ()))
        rows.sort(key=lambda row: (row.notice.due_at, row.notice.key), reverse=True)
        return [row.delivery() for row in rows[:limit]]

    def waiting(self) -> Mapping[str, tuple[int, datetime | None]]:
        """Per channel: how many notices are undecided, and when the oldest was due."""
        return {
            channel: (len(rows), min(row.notice.due_at for row in rows.values()))
            for channel, rows in self._undecided.items()
            if rows
        }

    def outcomes(self) -> Mapping[tuple[str, Outcome], int]:
        """See the port."""
        final = (row for row in self._rows.values() if row.state in states.FINAL)
        return Counter((row.notice.channel, Outcome(row.state)) for row in final)
