"""The tables. A change here needs a migration in `migrations/versions`; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text, text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """An aware instant as UTC text of fixed width, which sorts as time does. Refuses instants without a zone."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Text for the database."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"an instant needs a time zone: {value.isoformat()}")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """The instant again, aware UTC."""
        return None if value is None else datetime.fromisoformat(value)


# SQLite takes an index of some rows only for a question in these very words.
OPEN = "phase <> 'closed'"
# What did not reach its provider so far, as far as an index can tell.
FAILING = "state IN ('try_again', 'unknown', 'leased', 'refused', 'maybe_sent') OR final = 'failed'"

metadata = MetaData()

unit_state = Table(
    "unit_state",
    metadata,
    Column("unit", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("recheck_at", Instant, index=True),
    Column("doc", Text, nullable=False),  # UnitState with its evidence and open incidents, without what has a table
)

series = Table(
    "series",
    metadata,
    Column("unit", Text, primary_key=True),
    Column("indicator", Text, primary_key=True),  # or the id of a roll-up
    Column("doc", Text, nullable=False),
)

rolling = Table(
    "rolling",
    metadata,
    Column("unit", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    # Closed tallies (monitor.engine.rolling); the open ones, which every answer changes, are in the unit's document.
    Column("hours", LargeBinary, nullable=False),
    Column("days", LargeBinary, nullable=False),
)

reading = Table(
    "reading",
    metadata,
    Column("unit", Text, primary_key=True),
    Column("indicator", Text, primary_key=True),
    Column("as_of", Instant, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),  # 1, 2 ...: the same key claimed anew
    Column("claim", Text, nullable=False),  # JSON: value, comparator, numerator, denominator
    Column("received_at", Instant, nullable=False),
    Column("since", Instant),
    Column("note", Text, nullable=False),
)

transition = Table(
    "transition",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("criterion", Text, nullable=False),  # empty for the unit itself
    Column("at", Instant, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Index("ix_transition_unit", "unit", "id"),
    Index("ix_transition_colour", "unit", "at", sqlite_where=text("criterion = ''")),
)

incident = Table(
    "incident",
    metadata,
    Column("key", Text, primary_key=True),
    Column("ref", Text, nullable=False, index=True),
    Column("unit", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("colour", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("owes_at", Instant, index=True),  # when it owes the next call (monitor.alerting.auditor); null: never
    Column("doc", Text, nullable=False),
    Index("ix_incident_newest", "phase", "opened_at"),
    Index("ix_incident_open", "key", sqlite_where=text(OPEN)),
)

notice = Table(
    "notice",
    metadata,
    Column("key", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("incident", Text, nullable=False, index=True),
    Column("requires", Text),
    Column("urgent", Boolean, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("next_at", Instant, nullable=False),  # not claimed before
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("owner", Text, nullable=False),
    Column("lease_until", Instant),
    Column("maybe_sent", Boolean, nullable=False),  # an attempt ended unknown
    Column("withheld", Text, nullable=False),  # why it is not tried again, said while leased or once sent
    Column("detail", Text, nullable=False),
    Column("sent_at", Instant),
    Column("doc", Text, nullable=False),
    Column("origin", Text, nullable=False),  # the channel that was owed it first, before another took over
    Column("reference", Text, nullable=False, index=True),  # its name at providers
    Column("provider_id", Text, nullable=False, index=True),
    Column("final", Text, nullable=False),  # what the provider said later
    Column("free_at", Instant),  # since when nothing holds it back; empty: from its time on
    Column("placed_at", Instant),  # since when its recipient waits for this call; empty: from its time on
    Index("ix_notice_claim", "channel", "state", "next_at"),
    Index("ix_notice_state", "state"),  # what is undecided, among all that ever was
    Index("ix_notice_sent", "channel", "sent_at"),  # what limits count, with the next one
    Index("ix_notice_maybe", "channel", "next_at", sqlite_where=text("maybe_sent IS 1")),
    Index("ix_notice_newest", "due_at"),
    Index("ix_notice_failed", "incident", sqlite_where=text(FAILING)),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("hash", Text, nullable=False),  # over the hash before it and this row
)

muting = Table(
    "muting",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sort", Text, nullable=False),  # silence or window
    Column("ends", Instant, nullable=False, index=True),
    Column("doc", Text, nullable=False),
)

# Since when a sort of record is whole: what was older was deleted, but for what is needed still.
pruned = Table(
    "pruned",
    metadata,
    Column("what", Text, primary_key=True),
    Column("until", Instant, nullable=False),
)

# Messages that were deleted: how many ended in which state.
tally = Table(
    "tally",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("state", Text, primary_key=True),
    Column("number", Integer, nullable=False),
)

health = Table(
    "health",
    metadata,
    Column("source", Text, primary_key=True),
    Column("doc", Text, nullable=False),
)
