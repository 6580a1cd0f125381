"""What the monitor's own alarm and its auditor ask again and again: indexes, and since when an incident owes a call."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_FAILING = "state IN ('try_again', 'unknown', 'leased', 'refused', 'maybe_sent') OR final = 'failed'"


def upgrade() -> None:
    """Make the indexes, and fill the column for incidents that nobody has answered."""
    op.create_index("ix_notice_failed", "notice", ["incident"], sqlite_where=sa.text(_FAILING))
    op.create_index("ix_incident_open", "incident", ["key"], sqlite_where=sa.text("phase <> 'closed'"))
    op.add_column("incident", sa.Column("owes_at", sa.String(32)))
    op.create_index("ix_incident_owes_at", "incident", ["owes_at"])
    connection = op.get_bind()
    found = connection.execute(sa.text("SELECT key, doc FROM incident WHERE phase = 'open'")).all()
    for key, doc in found:
        owes = min((at for step in json.loads(doc).get("steps", ()) for at in _instants(step)), default=None)
        connection.execute(sa.text("UPDATE incident SET owes_at = :at WHERE key = :key"), {"key": key, "at": owes})


def _instants(step: dict[str, Any]) -> list[str]:
    """When a step calls: its next time unless it is over, and the end of somebody's quiet hours."""
    due = step["due_at"] if not step.get("fired") or step.get("repeat") is not None else None
    return [
        datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="microseconds")
        for text in (due, step.get("held_until"))
        if text
    ]
