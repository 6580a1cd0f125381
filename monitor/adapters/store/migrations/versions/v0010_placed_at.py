"""Whose place among what waits a call has that replaced another one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column; what is owed has the place of its own time."""
    op.add_column("notice", sa.Column("placed_at", sa.String(32)))
