"""JSON feed: rows, units and values are found by JMESPath; what is not strict JSON is refused as a whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from json import decoder, scanner
from typing import Any, NoReturn, cast

from jmespath.exceptions import JMESPathError

from monitor.adapters.feeds.body import Unreadable, read_text
from monitor.adapters.feeds.cells import Cell
from monitor.adapters.feeds.numbers import Unfit
from monitor.adapters.feeds.rows import Answer, Frame, Row, failed
from monitor.adapters.jmes import Path, Steps, TooManySteps
from monitor.config.spec import Column, FeedSpec
from monitor.model.reading import Collected
from monitor.model.text import clean

MAX_ROWS = 20_000
MAX_VALUES = 1_000_000  # of one document; some 100 MB of memory
MAX_STEPS = 30_000_000  # of all paths over one answer, some 20 s in a thread: 30 for each of its values
AT_ONCE = 50_000  # values that are read in one go of some 10 ms, in which no other thread gets its turn
_SAMPLE = 50  # rows whose keys are noted
_NAMED = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)  # a path that reads well before "[17]"


@dataclass(frozen=True, slots=True)
class _Twice:
    """Stands for the value of a key that one object has twice with different values."""

    key: str


@dataclass(frozen=True, slots=True)
class Part:
    """One page of a table: its rows, what it says of the number of pages, and of the address of the next one."""

    rows: Sequence[object]
    pages: object = None
    next: object = None


def parse(spec: FeedSpec, body: bytes, headers: Mapping[str, str], now: datetime, frame: Frame) -> Collected:
    """All believable values of one answer. Never raises for what the answer holds."""
    try:
        return read(spec, {"": read_part(spec, body, headers).rows}, now, frame)
    except Unreadable as error:
        return failed(spec, now, str(error))


def read_part(spec: FeedSpec, body: bytes, headers: Mapping[str, str]) -> Part:
    """One answer. Raises Unreadable."""
    document = load(read_text(body, headers, spec.encoding, "JSON"))
    steps, paging = Steps(MAX_STEPS), spec.paging
    rows = _rows(spec, document, steps)
    if paging is None:
        return Part(rows)
    return Part(rows, _value(paging.pages, document, steps), _value(paging.next, document, steps))


def read(spec: FeedSpec, pages: Mapping[str, Sequence[object]], now: datetime, frame: Frame) -> Collected:
    """All believable values of a whole table. `pages` are its rows by what stands before their places.

    Raises Unreadable.
    """
    answer, steps = Answer(spec, frame, now), Steps(MAX_STEPS)
    sample = (row for rows in pages.values() for row in rows[:_SAMPLE] if isinstance(row, dict))
    answer.saw(key for row in sample for key in row)
    name = clean(spec.rows) if _NAMED.fullmatch(spec.rows) else ""
    for page, rows in pages.items():
        for index, row in enumerate(rows):
            _take(answer, spec, page + (f"{name}[{index}]" if name else f"row {index + 1}"), row, steps)
    if answer.has_rows:
        answer.refuse_silent(spec.columns)
    return answer.collected()


class _Patient(json.JSONDecoder):
    """Reads the same by Python's own code, which lets other threads have their turn; it takes five times as long."""

    def __init__(self, **hooks: Any) -> None:
        super().__init__(**hooks)
        self.parse_object = decoder.JSONObject  # type: ignore[attr-defined]
        self.parse_array = decoder.JSONArray  # type: ignore[attr-defined]
        self.scan_once = scanner.py_make_scanner(self)  # type: ignore[attr-defined]


def load(text: str) -> object:
    """A document of strict JSON. Raises Unreadable. Is to be called in a thread for a long text."""
    pieces = sum(map(text.count, ",[{"))  # at least as many as there are values
    if pieces > MAX_VALUES:
        raise Unreadable(f"{pieces} commas and brackets are more than the {MAX_VALUES} that are read")
    way = json.JSONDecoder if pieces <= AT_ONCE else _Patient
    try:
        return json.loads(text, cls=way, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except RecursionError:
        raise Unreadable("not usable JSON: nested too deeply") from None
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        end = ": the answer seems to be cut off" if cut else ""
        raise Unreadable(f"not JSON: {error.msg} in line {error.lineno}, column {error.colno}{end}") from None
    except ValueError as error:  # a constant that is no JSON, an integer of thousands of digits
        raise Unreadable(f"not usable JSON: {clean(str(error), 120)}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_ROWS:
        raise ValueError(f"an object of {len(pairs)} keys: more than {MAX_ROWS}")
    members = dict(pairs)
    if len(members) < len(pairs):
        first: dict[str, Any] = {}
        for key, value in pairs:
            # Containers are not compared: equal or not, nobody meant to write them twice.
            same = key not in first or (not isinstance(value, (dict, list)) and value == first[key])
            first[key] = value if same else _Twice(clean(key, 60))
        members = first
    return members


def _rows(spec: FeedSpec, document: object, steps: Steps) -> list[object]:
    path = clean(spec.rows, 80)
    rows = _find(spec.rows, document, steps)
    if isinstance(rows, Unfit):
        raise Unreadable(f"no rows: '{path}' {rows.detail}")
    if not isinstance(rows, list):
        raise Unreadable(f"no rows: '{path}' gives {_sort(rows)}, not a list")
    if len(rows) > MAX_ROWS:
        raise Unreadable(f"{len(rows)} rows are more than the {MAX_ROWS} that are read")
    return cast("list[object]", rows)


def _take(answer: Answer, spec: FeedSpec, place: str, row: object, steps: Steps) -> None:
    if not isinstance(row, dict):
        answer.refuse(place, "bad-row", f"the row is {_sort(row)}, not an object")
        return
    unit = answer.unit(place, _plain(_find(spec.unit, row, steps)))
    if unit is None:
        return
    as_of = answer.moment(place, _value(spec.as_of_field, row, steps))
    if as_of is not None:
        answer.add(Row(place, unit, as_of, tuple(_cell(column, row, steps) for column in spec.columns)))


def _cell(column: Column, row: object, steps: Steps) -> Cell:
    value, numerator, denominator = column.value, column.numerator, column.denominator
    return Cell(column, _value(value, row, steps), _value(numerator, row, steps), _value(denominator, row, steps))


def _value(path: str, row: object, steps: Steps) -> object:
    return _plain(_find(path, row, steps)) if path else None


def _find(path: str, data: object, steps: Steps) -> object:
    try:
        return _compiled(path).of(data, steps)
    except TooManySteps:
        said = f"the answer takes more than {MAX_STEPS} steps of its paths, the last one of '{clean(path, 80)}'"
        raise Unreadable(said) from None
    except JMESPathError:
        return Unfit("bad-row", "does not fit what is there")
    except Exception as error:  # an evaluator of others over data of others: it raises what it does not document
        return Unfit("bad-row", f"cannot be evaluated here ({type(error).__name__})")


_compiled = lru_cache(maxsize=2048)(Path)


def _plain(found: object) -> object:
    if found is None or isinstance(found, (str, int, float, Unfit)):
        return found
    if isinstance(found, _Twice):
        return Unfit("duplicate", f"the key '{found.key}' stands twice in one object, with different values")
    return Unfit("not-a-number", f"there is {_sort(found)}, not one value")


def _sort(found: object) -> str:
    if isinstance(found, _Twice):
        return f"a key '{found.key}' that stands twice"
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return names.get(type(found), "a number")
