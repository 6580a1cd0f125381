"""Which channel a notice was owed to first, its name at providers, and what they said later."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns. What was sent before has no name at providers: nothing more will be heard of it."""
    for name in ("origin", "reference", "provider_id", "final"):
        op.add_column("notice", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.execute("UPDATE notice SET origin = channel")
    op.create_index("ix_notice_reference", "notice", ["reference"])
    op.create_index("ix_notice_provider_id", "notice", ["provider_id"])
