"""The directory file: thousands of recipients in a CSV or a workbook, read row by row, each mistake with its line.

What it holds of people stays here: names go into messages, numbers and addresses only to the transports (`Secret`).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from io import StringIO
from itertools import pairwise
from typing import TYPE_CHECKING

from monitor.alerting.plan import Recipient
from monitor.config.fields import daily, identifier, ways
from monitor.config.models import SiteFile
from monitor.config.problems import Problem
from monitor.config.secrets import Secret, secret_path
from monitor.config.sources import Surroundings
from monitor.config.spec import ChannelSpec
from monitor.config.spreadsheet import unpacked
from monitor.model.nearest import nearest
from monitor.model.phone import normal_phone
from monitor.model.text import clean

if TYPE_CHECKING:
    from _csv import Reader

COLUMNS = ("id", "role", "unit", "name", "channels", "phone", "email", "zalo", "locale", "valid_from", "valid_to",
           "recoveries", "quiet", "wake")  # fmt: skip
_NEEDED = ("id", "role", "unit", "channels")
_YES = {"": True, "yes": True, "no": False}
_COLUMN = {"log": "", "webhook": "", "email": "email", "zalooa": "zalo", "zalobot": "zalo", "telegram": "zalo"}
_ONE_SHEET, _ANEW = "hide all sheets but the one with the people", "save it as XLSX or CSV anew"
_TITLES = 30  # filled rows of a sheet among which the headers are looked for
_MOBILE_WITHOUT_ZERO = re.compile(r"[35789][0-9]{8}", re.ASCII)  # what a spreadsheet makes of 0912345678
MAX_ROWS = 50_000
MAX_WRONG = 200  # rows with a mistake, after which no more are read
MAX_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class People:
    """The usable rows, with the address of each channel that needs one."""

    recipients: tuple[Recipient, ...] = ()
    addresses: Mapping[tuple[str, str], Secret] = field(default_factory=dict)


class _NoCsv(Exception):
    """What is wrong with the file at a line."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


class _Wrong(ValueError):
    """A cell that cannot be used: what is wrong, and what would be right."""


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows of text as they stand in the file, with their numbers."""

    headers: Sequence[str]
    rows: Iterable[tuple[int, Sequence[str]]]
    at: int = 1  # line of the headers
    sheet: str = ""  # of a workbook
    bare: frozenset[int] = frozenset()  # rows in which a formula has no result


def read_people(file: SiteFile, channels: Mapping[str, ChannelSpec], around: Surroundings) -> People:
    """The people of the directory file, if the site has one; mistakes go to the findings with file and line."""
    name = file.directory
    if name is None:
        return People()
    problems = around.findings.problems
    try:
        path = secret_path(name, around.folders.home(name))
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"is larger than {MAX_BYTES >> 20} MiB; split it, or leave out what is not needed")
        body = path.read_bytes()
        table = _sheet(body) if path.suffix.lower() == ".xlsx" else _csv(body.decode("utf-8-sig"))
        return _read(table, name, file, channels, around)
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        problems.append(Problem(name, line, "the directory is not UTF-8", "save it as CSV in UTF-8, or as XLSX"))
    except ValueError as error:
        what, _, right = str(error).partition("; ")
        problems.append(Problem(name, 1, f"the directory {what}", right or "save it as CSV in UTF-8, or as XLSX"))
    except _NoCsv as broken:
        problems.append(Problem(name, broken.line, f"the directory is no CSV: {broken}", "save it as CSV in UTF-8"))
    return People()


def _csv(text: str) -> _Table:
    first = text.partition("\n")[0]
    reader = csv.reader(
        StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True
    )
    rows = _numbered(reader)
    _, headers = next(rows, (1, []))
    return _Table(tuple(clean(cell) for cell in headers), rows)


def _numbered(reader: Reader) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line at which it begins: a quoted cell may hold line breaks. Raises _NoCsv."""
    while True:
        begins = reader.line_num + 1
        try:
            yield begins, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _NoCsv(begins, str(error)) from None


def _sheet(body: bytes) -> _Table:
    """The only visible sheet. Titles may stand above the headers. Raises ValueError."""
    try:
        (content,) = unpacked(body)["sheets"]
    except ValueError as unusable:
        said = str(unusable)
        hint = (
            "hide all sheets but the one with the people" if "; name those" in said else "save it as XLSX or CSV anew"
        )
        raise ValueError(f"is {said.partition('; ')[0]}; {hint}") from None
    rows = [(number, [_text(cell) for cell in cells]) for number, cells in content["rows"]]
    above = next((n for n, (_, row) in enumerate(rows[:_TITLES]) if set(_NEEDED) <= {clean(cell) for cell in row}), 0)
    at, headers = rows[above] if rows else (1, [])
    bare = frozenset(number for number, cells in content["rows"] if {"formula": True} in cells)
    return _Table([clean(cell) for cell in headers], rows[above + 1 :], at, clean(content["name"], 40), bare)


def _text(raw: object) -> str:
    """A cell of a workbook as a CSV would have it."""
    if isinstance(raw, dict):  # a formula that was never computed is refused with its row
        return str(raw.get("date", raw.get("time"))).removesuffix("T00:00:00")
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    if isinstance(raw, float) and raw.is_integer():
        return str(int(raw))
    return "" if raw is None else str(raw)


def _read(
    table: _Table, name: str, file: SiteFile, channels: Mapping[str, ChannelSpec], around: Surroundings
) -> People:
    where = f"sheet '{table.sheet}': " if table.sheet else ""

    def say(line: int, what: str, right: str = "") -> None:
        around.findings.problems.append(Problem(name, line, f"{where}{what}", right))

    if not _headed(table, say):
        return People()
    seen = {recipient.id: "config.yaml" for recipient in file.recipients}
    people: list[Recipient] = []
    addresses: dict[tuple[str, str], Secret] = {}
    wrong = 0
    for line, row in table.rows:
        if not any(cell.strip() for cell in row):
            continue
        if len(people) + wrong >= MAX_ROWS or wrong >= MAX_WRONG:
            most = (
                f"{MAX_WRONG} rows are wrong" if wrong >= MAX_WRONG else f"the directory has more than {MAX_ROWS} rows"
            )
            say(line, f"{most}: this one and those after it are not read")
            break
        try:
            if line in table.bare:
                raise _Wrong("no result of a formula is stored; open the file in Excel or LibreOffice, and save it")
            person, own = _person(_cells(table.headers, row), file, channels, around)
            if person.id in seen:
                raise _Wrong(f"the recipient '{person.id}' is there twice; the first one is in {seen[person.id]}")
        except ValueError as error:
            what, _, right = str(error).partition("; ")
            say(line, what, right)
            wrong += 1
            continue
        seen[person.id] = f"line {line}"
        people.append(person)
        addresses |= {(person.id, channel): secret for channel, secret in own.items()}
    return People(tuple(people), addresses)


def _headed(table: _Table, say: Callable[..., None]) -> bool:
    """Whether the needed columns are there; says what is wrong with the headers."""
    for number, header in enumerate(table.headers):
        if header and header not in COLUMNS:
            say(table.at, f"unknown column '{header[:40]}'", nearest(header, COLUMNS))
        elif header and header in table.headers[:number]:
            say(table.at, f"the column '{header}' is there twice", "remove one of them")
    missing = [column for column in _NEEDED if column not in table.headers]
    if missing:
        say(table.at, f"column missing: {', '.join(missing)}")
    return not missing


def _cells(headers: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    if any(cell.strip() for cell in row[len(headers) :]):
        raise _Wrong("the row has more cells than there are headers")
    return {header: clean(cell) for header, cell in zip(headers, (*row, *[""] * len(headers)), strict=False)}


def _person(
    cells: Mapping[str, str], file: SiteFile, channels: Mapping[str, ChannelSpec], around: Surroundings
) -> tuple[Recipient, dict[str, Secret]]:
    """One row. Raises ValueError with a sentence that never repeats a number or an address."""
    identity, role, unit = cells["id"], cells["role"], cells["unit"]
    _check_id(identity)
    if role not in file.roles:
        raise _Wrong(f"unknown role '{role[:60]}'; {nearest(role, file.roles)}")
    if unit not in around.units and not around.findings.units_in_doubt:
        raise _Wrong(f"unknown unit '{unit[:60]}'; {_near_unit(unit, around)}")
    chains = [ways(entry) for entry in cells["channels"].replace(",", " ").split()]
    own = tuple(dict.fromkeys(channel for chain in chains for channel in chain))
    if not own:
        raise _Wrong(f"the recipient '{identity}' has no channel and can never be told; write channels, such as log")
    starts, ends = _day(cells, "valid_from"), _day(cells, "valid_to")
    if starts and ends and ends <= starts:
        raise _Wrong(f"valid_to {ends} is the first day without '{identity}', valid_from {starts}; write a later one")
    locale = cells.get("locale") or "vi"
    if locale not in ("vi", "en"):
        raise _Wrong(f"the locale is '{locale[:20]}'; write vi or en")
    try:
        quiet = daily(cells["quiet"]) if cells.get("quiet") else None
    except ValueError as error:
        raise _Wrong(f"quiet {error}") from None
    title = file.roles[role]
    name = cells.get("name") or (title.vi if locale == "vi" else title.en)
    recoveries, wake = _yes(cells, "recoveries"), _yes(cells, "wake")
    after = {first: then for chain in chains for first, then in pairwise(chain)}
    person = Recipient(identity, role, unit, name, locale, own, recoveries, starts, ends, quiet, wake, after)
    return person, _addresses(person, cells, channels)


def _check_id(text: str) -> None:
    if not text:
        raise _Wrong("the row has no id; write a name of its own")
    try:
        identifier(text)
    except ValueError as error:
        raise _Wrong(f"the id {error}") from None


def _addresses(person: Recipient, cells: Mapping[str, str], channels: Mapping[str, ChannelSpec]) -> dict[str, Secret]:
    found: dict[str, Secret] = {}
    for channel in person.channels:
        spec = channels.get(channel)
        if spec is None:
            raise _Wrong(f"unknown channel '{channel[:60]}'; {nearest(channel, channels)}")
        column = _COLUMN.get(spec.kind, "phone")
        if not column:
            continue
        text = cells.get(column, "")
        if not text:
            raise _Wrong(f"the recipient '{person.id}' has no address for the channel '{channel}'; fill in {column}")
        found[channel] = Secret(_checked(column, text, person.id))
    return found


def _checked(column: str, text: str, who: str) -> str:
    if column == "phone":
        try:
            return normal_phone(f"0{text}" if _MOBILE_WITHOUT_ZERO.fullmatch(text) else text)
        except ValueError as error:
            raise _Wrong(f"the phone of '{who}' {error}") from None
    if column == "email" and (text.count("@") != 1 or " " in text or text.startswith("@") or text.endswith("@")):
        raise _Wrong(f"the email of '{who}' is no address; write name@domain")
    return text


def _day(cells: Mapping[str, str], column: str) -> date | None:
    text = cells.get(column, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise _Wrong(f"{column} is '{text[:20]}'; write it as 2026-02-14") from None


def _yes(cells: Mapping[str, str], column: str) -> bool:
    text = cells.get(column, "")
    if text not in _YES:
        raise _Wrong(f"{column} is '{text[:20]}'; write yes or no")
    return _YES[text]


def _near_unit(unit: str, around: Surroundings) -> str:
    padded = next((code for code in (unit.zfill(5), unit.zfill(2)) if code in around.units), "")
    if padded:
        return f"did you mean '{padded}'? Spreadsheets lose leading zeros"
    codes: Sequence[str] = [known.code for known in around.units]
    return nearest(unit, codes)
