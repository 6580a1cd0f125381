"""Bringing a database file to the tables of this version, with Alembic, in one transaction of the caller's."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from monitor.model.errors import StoreError


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing. Raises StoreError for a file that a newer version has written."""
    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(f"the database was not made by this version of denbao or an older one: {error}") from error


def check(connection: Connection) -> None:
    """Raises StoreError unless the tables are those of this version."""
    found = MigrationContext.configure(connection).get_current_revision()
    known = versions()
    if found is not None and found not in known:
        raise StoreError(
            f"a newer denbao has written this database: its tables are of version {found}, not {known[-1]}"
        )
    if found != known[-1]:
        raise StoreError(
            f"the database has tables of version {found}, this denbao reads {known[-1]}: start the service once"
        )


def versions() -> tuple[str, ...]:
    """Versions of the tables that this denbao knows, oldest first; the last is its own."""
    script = ScriptDirectory.from_config(_config())
    return tuple(revision.revision for revision in script.walk_revisions())[::-1]


def _config() -> Config:
    config = Config()
    here = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", here.replace("%", "%%"))
    return config
