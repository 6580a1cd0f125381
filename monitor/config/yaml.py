"""A strict reading of YAML: one pass gives the data and the line of every value.

Plain scalars follow the YAML 1.2 core schema without its surprises: only `true` and `false` are yes/no, only plain
decimal numbers without leading zeros are numbers, everything else is text (`02143`, `12:30`, `no`, `2025-08-20`). Keys
are always text. Duplicate keys, anchors, aliases, merge keys and tags are problems; size, depth and number of values
are capped. Events are taken one by one and put together by yamlreader, because the C
composer recurses and dies of deep nesting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from monitor.config.complain import complain, mend
from monitor.config.problems import Location, Problem
from monitor.config.yamlreader import Reader, Stop

MAX_BYTES = 2 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Section(BaseModel):
    """Base of config models: unknown keys refused, no conversion between text, numbers and yes/no, frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Document:
    """A file's data (dict, list, str, int, float, bool, None) with the line of every value."""

    data: Any
    name: str  # as the user names the file
    lines: dict[Location, int] = field(repr=False)
    flawed: frozenset[int] = frozenset()  # lines with a problem of their own, of which nothing more is said

    def line(self, path: Location = ()) -> int:
        """1-based line of the value at `path` (of its key, in a mapping), else of the nearest value around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1

    def problem(self, at: Location, what: str, right: str = "") -> Problem:
        """A problem at the value at `at`."""
        return Problem(self.name, self.line(at), what, right)


def read(path: Path, name: str) -> tuple[Document | None, list[Problem]]:
    """The file's document, and all problems in it. `name` is how problems call the file.

    A document may come together with problems (a duplicate key): it then serves only to find more of them.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None, [Problem(name, 1, "there is no such file")]
    except OSError as error:
        return None, [Problem(name, 1, f"the file cannot be read: {error.strerror or 'it is not a file'}")]
    return parse(content, name)


def parse(text: str | bytes, name: str) -> tuple[Document | None, list[Problem]]:
    """The document of a text, and all problems in it; see `read`."""
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if problem := _unfit(content, name):
        return None, [problem]
    reader = Reader(name)
    try:
        reader.consume(_events(content.decode()))
    except Stop as stop:
        return None, [*reader.problems, stop.problem]
    except yaml.YAMLError as error:
        return None, [*reader.problems, _syntax(error, name)]
    if reader.lines.get(()) is None:
        return None, [*reader.problems, Problem(name, 1, "the file is empty")]
    flawed = frozenset(problem.line for problem in reader.problems)
    return Document(reader.root, name, reader.lines, flawed), reader.problems


def validate(model: type[M], document: Document) -> tuple[M | None, list[Problem]]:
    """The document as a pydantic model, or every problem in it in the order of lines."""
    try:
        return model.model_validate(document.data), []
    except ValidationError as error:
        problems = [document.problem(c.path, c.what, c.right) for c in complain(model, error, document.data)]
        fresh = [problem for problem in problems if problem.line not in document.flawed]
        return None, sorted(fresh, key=lambda problem: problem.line)


def salvage(model: type[M], document: Document) -> M | None:
    """The document without its unknown keys, to look for more mistakes behind them; None when others are in the way."""
    data = deepcopy(document.data)
    while True:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            if not mend(model, error, data):
                return None


def _unfit(content: bytes, name: str) -> Problem | None:
    if len(content) > MAX_BYTES:
        return Problem(name, 1, "the file is larger than 2 MiB", "split it")
    if content.startswith((_BOM, b"\xff\xfe", b"\xfe\xff")):
        return Problem(name, 1, "the file begins with a byte order mark", "save it as UTF-8 without BOM")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Problem(name, line, f"byte 0x{content[error.start]:02x} is not UTF-8", "save the file as UTF-8")
    if control := _CONTROL.search(content):
        line = content.count(b"\n", 0, control.start()) + 1
        return Problem(name, line, "the line holds a control character", "remove it")
    return None


def _events(text: str) -> Iterator[yaml.Event]:
    loader = _LOADER(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


def _syntax(error: yaml.YAMLError, name: str) -> Problem:
    said = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    hints = ((what, right, began) for sign, (what, right, began) in _HINTS.items() if sign in said)
    what, right, began = next(hints, (f"this is not YAML: {said}", "", False))
    mark = getattr(error, "context_mark" if began else "problem_mark", None)
    return Problem(name, mark.line + 1 if mark else 1, what, right)


# The parser's words: what and what would be right in ours, and whether the line where it began says more.
_HINTS = {
    "found a tab character": ("a tab is used for indentation", "indent with blanks", False),
    "cannot start any token": ("a value begins with a character that YAML keeps for itself (a tab, @, ` or %)",
                               "indent with blanks, and put the value in quotes", False),
    "mapping values are not allowed": ("a ':' where none can be", "put the text in quotes, or check the indentation",
                                       False),
    "could not find expected ':'": ("a key without ':'", "write 'key: value', with a blank after the colon", True),
    "did not find expected key": ("the indentation does not fit the lines above, or a quote is not closed", "", False),
    "did not find expected '-' indicator": ("the indentation does not fit the list above", "", False),
    "unexpected end of stream": ("a quote that is never closed", "", True),
    "did not find expected ',' or ']'": ("a '[' that is never closed", "", True),
    "did not find expected ',' or '}'": ("a '{' that is never closed", "", True),
}  # fmt: skip
