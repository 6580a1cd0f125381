"""The directory file: thousands of recipients in one CSV, read row by row, each mistake with its line.

What it holds of people stays here: names go into messages, numbers and addresses only to the transports (`Secret`).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

from monitor.alerting.plan import Recipient
from monitor.config.complain import nearest
from monitor.config.fields import daily, ways
from monitor.config.models import SiteFile
from monitor.config.problems import Problem
from monitor.config.secrets import Secret, secret_path
from monitor.config.sources import Surroundings
from monitor.config.spec import ChannelSpec
from monitor.model.phone import normal_phone
from monitor.model.text import clean

COLUMNS = ("id", "role", "unit", "name", "channels", "phone", "email", "zalo", "locale", "valid_from", "valid_to",
           "recoveries", "quiet", "wake")  # fmt: skip
_NEEDED = ("id", "role", "unit", "channels")
_YES = {"": True, "yes": True, "no": False}
_COLUMN = {"log": "", "webhook": "", "email": "email", "zalooa": "zalo", "zalobot": "zalo", "telegram": "zalo"}
MAX_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class People:
    """The usable rows, with the address of each channel that needs one."""

    recipients: tuple[Recipient, ...] = ()
    addresses: Mapping[tuple[str, str], Secret] = field(default_factory=dict)


class _Wrong(ValueError):
    """A cell that cannot be used: what is wrong, and what would be right."""


def read_people(file: SiteFile, channels: Mapping[str, ChannelSpec], around: Surroundings) -> People:
    """The people of the directory file, if the site has one; mistakes go to the findings with file and line."""
    name = file.directory
    if name is None:
        return People()
    problems = around.findings.problems
    try:
        path = secret_path(name, around.folders.home(name))
        with path.open(encoding="utf-8-sig", newline="") as stream:
            text = stream.readline()
            delimiter = ";" if text.count(";") > text.count(",") else ","
            stream.seek(0)
            rows = csv.DictReader(stream, delimiter=delimiter, strict=True)
            return _read(rows, name, file, channels, around)
    except ValueError as error:  # UnicodeDecodeError is one
        what, _, right = str(error).partition("; ")
        said = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else what
        problems.append(Problem(name, 1, f"the directory {said}", right or "save it as CSV in UTF-8"))
    except csv.Error as error:
        problems.append(Problem(name, 1, f"the directory is no CSV: {error}", "save it as CSV in UTF-8"))
    return People()


def _read(
    rows: csv.DictReader[str], name: str, file: SiteFile, channels: Mapping[str, ChannelSpec], around: Surroundings
) -> People:
    problems, headers = around.findings.problems, tuple(rows.fieldnames or ())
    for header in headers:
        if header not in COLUMNS:
            problems.append(Problem(name, 1, f"unknown column '{clean(header, 40)}'", nearest(header, COLUMNS)))
    if missing := [column for column in _NEEDED if column not in headers]:
        problems.append(Problem(name, 1, f"column missing: {', '.join(missing)}"))
        return People()
    seen = {recipient.id: "config.yaml" for recipient in file.recipients}
    people: list[Recipient] = []
    addresses: dict[tuple[str, str], Secret] = {}
    for row in rows:
        line = rows.line_num
        if line > MAX_ROWS:
            problems.append(Problem(name, line, f"the directory has more than {MAX_ROWS} rows"))
            break
        if None in row:
            problems.append(Problem(name, line, "the row has more cells than there are headers"))
            continue
        cells = {key: clean(value or "") for key, value in row.items()}
        if not any(cells.values()):
            continue
        try:
            person, own = _person(cells, file, channels, around)
            if person.id in seen:
                raise _Wrong(f"the recipient '{person.id}' is there twice; the first one is in {seen[person.id]}")
        except ValueError as error:
            what, _, right = str(error).partition("; ")
            problems.append(Problem(name, line, what, right))
            continue
        seen[person.id] = f"line {line}"
        people.append(person)
        addresses |= {(person.id, channel): secret for channel, secret in own.items()}
    return People(tuple(people), addresses)


def _person(
    cells: Mapping[str, str], file: SiteFile, channels: Mapping[str, ChannelSpec], around: Surroundings
) -> tuple[Recipient, dict[str, Secret]]:
    """One row. Raises ValueError with a sentence that never repeats a number or an address."""
    identity, role, unit = cells["id"], cells["role"], cells["unit"]
    if not identity:
        raise _Wrong("the row has no id; write a name of its own")
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
            return normal_phone(text)
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
