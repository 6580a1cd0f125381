"""What commands print alike: JSON for programs, and instants on the clock of a site."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from monitor.config.spec import Site  # `denbao doctor` prints even where packages of the config are missing


def echo_json(value: object) -> None:
    """Print a value as JSON: instants in ISO 8601, sets as sorted lists, what JSON has no word for as text."""
    click.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def hinted(what: str, hint: str) -> str:
    """A sentence with a hint at what would be right, where there is one."""
    return f"{what}; {hint}" if hint else what


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    return str(value)


def clock(at: datetime, site: Site) -> str:
    """An instant on the site's clock, to the minute."""
    return f"{site.calendar.local(at):%Y-%m-%d %H:%M}"


def clock_seconds(at: datetime, site: Site) -> str:
    """The same to the second."""
    return f"{site.calendar.local(at):%Y-%m-%d %H:%M:%S}"
