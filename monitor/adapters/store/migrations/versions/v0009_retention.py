"""What is deleted when it is old: since when each sort of record is whole, and the counts of messages that are gone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the two tables."""
    op.create_table(
        "pruned",
        sa.Column("what", sa.Text, primary_key=True),
        sa.Column("until", sa.String(32), nullable=False),
    )
    op.create_table(
        "tally",
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
    )
