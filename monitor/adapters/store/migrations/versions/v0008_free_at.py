"""Since when nothing holds a notice back; what waits and what limits count is found without reading all there is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column; what was never tried was held until its next instant."""
    op.add_column("notice", sa.Column("free_at", sa.String(32)))
    op.execute("UPDATE notice SET free_at = next_at WHERE state = 'pending' AND attempt = 0 AND next_at > due_at")
    op.create_index("ix_notice_state", "notice", ["state"])
    op.create_index("ix_notice_sent", "notice", ["channel", "sent_at"])
    op.create_index("ix_notice_maybe", "notice", ["channel", "next_at"], sqlite_where=sa.text("maybe_sent IS 1"))
