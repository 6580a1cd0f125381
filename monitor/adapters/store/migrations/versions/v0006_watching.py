"""What the monitor's own alarm asks again and again, as indexes: messages that failed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_FAILING = "state IN ('try_again', 'unknown', 'leased', 'refused', 'maybe_sent') OR final = 'failed'"


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_notice_failed", "notice", ["incident"], sqlite_where=sa.text(_FAILING))
