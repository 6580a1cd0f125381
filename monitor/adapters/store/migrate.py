"""Bringing a database file to the tables of this version, with Alembic, in one transaction of the caller's.

Alembic is imported where it has something to do: it takes as long as the rest of an ordinary start of the store.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, column, inspect, select, table

from monitor.model.errors import StoreError

if TYPE_CHECKING:
    from alembic.config import Config

_HERE = Path(__file__).parent / "migrations"
_VERSION = table("alembic_version", column("version_num"))


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing. Raises StoreError for a file that a newer version has written."""
    if _found(connection) == newest():
        return
    from alembic import command
    from alembic.util import CommandError

    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(f"the database was not made by this version of denbao or an older one: {error}") from error


def check(connection: Connection) -> None:
    """Raises StoreError unless the tables are those of this version."""
    found, wanted = _found(connection), newest()
    if found == wanted:
        return
    if found is not None and found not in versions():
        raise StoreError(f"a newer denbao has written this database: its tables are of version {found}, not {wanted}")
    raise StoreError(f"the database has tables of version {found}, this denbao reads {wanted}: start the service once")


def versions() -> tuple[str, ...]:
    """Versions of the tables that this denbao knows, oldest first; the last is its own."""
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(_config())
    return tuple(revision.revision for revision in script.walk_revisions())[::-1]


def newest() -> str:
    """The version of the tables that this denbao writes: its migrations are files named vNNNN_what.py."""
    return max(path.name for path in (_HERE / "versions").glob("v*.py"))[1:5]


def _found(connection: Connection) -> str | None:
    """The version that stands in the file; None: it has no tables yet."""
    if not inspect(connection).has_table(_VERSION.name):
        return None
    return connection.execute(select(_VERSION.c.version_num)).scalar()


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    return config
