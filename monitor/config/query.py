"""The query of an SQL feed, looked at without its database: one SELECT that SQLite understands, and its parameters."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterator

GIVEN = ("year", "quarter", "month")  # of the local day: bound by the feed itself
_SELECT = re.compile(r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*(?:select|with|values)\b", re.IGNORECASE | re.DOTALL)
# Texts, names in quotes and comments, in which a colon is no parameter.
_ASIDE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/", re.DOTALL)
_PARAMETER = re.compile(r"[:@$]([A-Za-z_]\w*)")
# The same of PostgreSQL: also texts between dollars, and casts.
_TOKEN = re.compile(_ASIDE.pattern + r"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|::|:(?P<name>[A-Za-z_]\w*)", re.DOTALL)
# What writes: INTO is a reserved word of both; the others can begin a statement after WITH, or inside of it.
_WRITES = re.compile(r"(?<![.\w])into\b|[()]\s*(?:delete\s+from\b|update\b[^()]*?\bset\b)", re.IGNORECASE | re.DOTALL)
_SECOND = re.compile(r";\s*\S")
_NAMELESS = re.compile(r"\?")
_ABSENT = ("no such table", "no such column")  # an empty database has none


def numbered(query: str) -> tuple[str, tuple[str, ...]]:
    """A query for PostgreSQL: `:name` as `$1`, and the names in the order of their numbers."""
    names: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"${names.setdefault(found['name'], len(names) + 1)}" if found["name"] else found[0]

    return _TOKEN.sub(number, query), tuple(names)


def mistakes(query: str, parameters: Collection[str], *, sqlite: bool = True) -> Iterator[tuple[str, str]]:
    """What is wrong with a query, and what would be right. `parameters` are the names that the config gives.

    Only SQLite can be asked whether it understands the query as such.
    """
    if not _SELECT.match(query):
        yield "the query is no SELECT", "a feed only reads: begin with SELECT or WITH"
        return
    bare = (_ASIDE if sqlite else _TOKEN).sub(" ", query)
    if _WRITES.search(bare):
        yield "the query writes", "a feed only reads: write one SELECT"
        return
    if not sqlite and _SECOND.search(bare):
        yield "the query is more than one statement", "a feed only reads: write one SELECT"
        return
    if _NAMELESS.search(bare):
        yield "the query has a parameter without a name", "write :name instead of ?"
        return
    wanted = dict.fromkeys(_PARAMETER.findall(bare) if sqlite else numbered(query)[1])
    for name in wanted:
        if name not in GIVEN and name not in parameters:
            yield f"the query asks for :{name}, which is not given", "add it under parameters"
    for name in parameters:
        if name in GIVEN:
            yield f"the parameter '{name}' is given by the feed itself", "call yours by another name"
        elif name not in wanted:
            yield f"the parameter '{name}' does not stand in the query", f"write :{name} there, or take it out"
    if sqlite and (said := _misread(query, wanted)):
        yield f"SQLite does not understand the query: {said}", ""


def _misread(query: str, wanted: Collection[str]) -> str:
    with sqlite3.connect(":memory:") as empty:
        try:
            empty.execute(f"EXPLAIN {query}", dict.fromkeys(wanted))
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            said = str(error)
            return "" if said.startswith(_ABSENT) else said
    return ""
