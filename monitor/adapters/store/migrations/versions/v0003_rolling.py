"""Closed tallies of probes get a table, written once an hour for each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table; nothing was remembered before."""
    op.create_table(
        "rolling",
        sa.Column("unit", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("hours", sa.LargeBinary, nullable=False),
        sa.Column("days", sa.LargeBinary, nullable=False),
    )
