"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_INSTANT = sa.String(32)


def upgrade() -> None:
    """Make the tables, and let the audit only grow."""
    _units()
    _history()
    _incidents()
    _outbox()
    _audit()


def _units() -> None:
    op.create_table(
        "unit_state",
        sa.Column("unit", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("recheck_at", _INSTANT),
        sa.Column("doc", sa.Text, nullable=False),
    )
    op.create_index("ix_unit_state_recheck_at", "unit_state", ["recheck_at"])
    op.create_table(
        "health",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("doc", sa.Text, nullable=False),
    )


def _history() -> None:
    op.create_table(
        "reading",
        sa.Column("unit", sa.Text, primary_key=True),
        sa.Column("indicator", sa.Text, primary_key=True),
        sa.Column("as_of", _INSTANT, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("claim", sa.Text, nullable=False),
        sa.Column("received_at", _INSTANT, nullable=False),
        sa.Column("since", _INSTANT),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_table(
        "transition",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("criterion", sa.Text, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
    )
    op.create_index("ix_transition_unit", "transition", ["unit", "id"])


def _incidents() -> None:
    op.create_table(
        "incident",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("colour", sa.Text, nullable=False),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.Column("doc", sa.Text, nullable=False),
    )
    op.create_index("ix_incident_ref", "incident", ["ref"])
    op.create_index("ix_incident_newest", "incident", ["phase", "opened_at"])


def _outbox() -> None:
    op.create_table(
        "notice",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("incident", sa.Text, nullable=False),
        sa.Column("requires", sa.Text),
        sa.Column("urgent", sa.Boolean, nullable=False),
        sa.Column("due_at", _INSTANT, nullable=False),
        sa.Column("next_at", _INSTANT, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("lease_until", _INSTANT),
        sa.Column("maybe_sent", sa.Boolean, nullable=False),
        sa.Column("withheld", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("sent_at", _INSTANT),
        sa.Column("doc", sa.Text, nullable=False),
    )
    op.create_index("ix_notice_incident", "notice", ["incident"])
    op.create_index("ix_notice_claim", "notice", ["channel", "state", "next_at"])
    op.create_index("ix_notice_newest", "notice", ["due_at"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_refuses_{change.lower()} BEFORE {change} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END"
        )
