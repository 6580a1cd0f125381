"""The past of indicators leaves the documents of the units: a table of its own, written only where it changed."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table and move into it what the documents hold."""
    op.create_table(
        "series",
        sa.Column("unit", sa.Text, primary_key=True),
        sa.Column("indicator", sa.Text, primary_key=True),
        sa.Column("doc", sa.Text, nullable=False),
    )
    connection = op.get_bind()
    for unit, text in connection.execute(sa.text("SELECT unit, doc FROM unit_state")).all():
        document = json.loads(text)
        past = document.pop("series", {})
        if not past:
            continue
        rows = [{"unit": unit, "indicator": key, "doc": _text(value)} for key, value in past.items()]
        connection.execute(sa.text("INSERT INTO series VALUES (:unit, :indicator, :doc)"), rows)
        found = {"unit": unit, "doc": _text(document)}
        connection.execute(sa.text("UPDATE unit_state SET doc = :doc WHERE unit = :unit"), found)


def _text(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
