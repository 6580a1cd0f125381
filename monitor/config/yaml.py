"""A strict reading of YAML: one pass gives the data and the line of every value.

Plain scalars follow the YAML 1.2 core schema without its surprises: only `true` and `false` are yes/no, only plain
decimal numbers without leading zeros are numbers, everything else is text (`02143`, `12:30`, `no`, `2025-08-20`). Keys
are always text. Duplicate keys, anchors, aliases, merge keys and tags are problems; size, depth and number of values
are capped. Events are taken one by one and put together here, because the C composer recurses and dies of deep nesting.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from monitor.config.complain import complain
from monitor.config.problems import Problem

MAX_BYTES = 2 * 1024 * 1024
MAX_EVENTS = 300_000
MAX_DEPTH = 40
MAX_SCALAR = 64 * 1024  # bytes of one value
_BOM = b"\xef\xbb\xbf"
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# 18 digits hold every number that a site means, and int() of a longer text can be made slow.
_INT = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

Location = tuple[str | int, ...]


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
    reader = _Reader(name)
    try:
        reader.consume(_events(content.decode()))
    except _Stop as stop:
        return None, [*reader.problems, stop.problem]
    except yaml.YAMLError as error:
        return None, [*reader.problems, _syntax(error, name)]
    if reader.lines.get(()) is None:
        return None, [*reader.problems, Problem(name, 1, "the file is empty")]
    return Document(reader.root, name, reader.lines), reader.problems


def validate(model: type[M], document: Document, at: Location = ()) -> tuple[M | None, list[Problem]]:
    """The document, or the part of it at `at`, as a pydantic model, or every problem in it in the order of lines."""
    data = document.data
    for step in at:
        data = data[step]
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        problems = [document.problem((*at, *c.path), c.what, c.right) for c in complain(model, error, data, at)]
        return None, sorted(problems, key=lambda problem: problem.line)


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


class _Stop(Exception):
    """The file goes beyond a limit: it is not read on."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(slots=True)
class _Frame:
    """A mapping or list being filled."""

    node: dict[str, Any] | list[Any]
    path: Location
    key: str | None = None  # of a mapping: the key whose value comes next
    double: bool = False  # the value that comes next belongs to a key that was there before


class _Reader:
    """Puts events together without recursion."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root: Any = None
        self.lines: dict[Location, int] = {}
        self.problems: list[Problem] = []
        self._stack: list[_Frame] = []
        self._documents = 0

    def consume(self, events: Iterator[yaml.Event]) -> None:
        """Take all events. Raises _Stop at a limit."""
        for number, event in enumerate(events):
            if number > MAX_EVENTS:
                raise _Stop(self._problem(event, "the file holds more than 300,000 values", "split it"))
            self._take(event)

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent):
            self._open(event, {})
        elif isinstance(event, yaml.SequenceStartEvent):
            self._open(event, [])
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._stack.pop()
        elif isinstance(event, yaml.AliasEvent):
            self._complain(event, f"the alias '*{event.anchor}' is not allowed", "write the value out")
            self._place(event, None)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise _Stop(self._problem(event, "a second document begins here", "keep one document in a file"))

    def _open(self, event: yaml.CollectionStartEvent, node: dict[str, Any] | list[Any]) -> None:
        self._refuse_extras(event)
        if self._awaits_key():
            raise _Stop(self._problem(event, "a list or mapping is used as a key", "write the key as text"))
        if len(self._stack) >= MAX_DEPTH:
            raise _Stop(self._problem(event, f"values are nested more than {MAX_DEPTH} deep"))
        self._stack.append(_Frame(node, self._place(event, node)))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._refuse_extras(event)
        if len(event.value.encode("utf-8", "replace")) > MAX_SCALAR:
            raise _Stop(self._problem(event, "a value is longer than 64 KiB"))
        if self._awaits_key():
            self._key(event)
        elif _is_plain(event):
            self._place(event, _plain(event.value))
        else:
            self._place(event, self._text(event))

    def _awaits_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].node, dict) and self._stack[-1].key is None

    def _key(self, event: yaml.ScalarEvent) -> None:
        frame, key = self._stack[-1], self._text(event)
        if key == "<<" and _is_plain(event):
            self._complain(event, "the merge key '<<' is not allowed", "write the values out")
        frame.key, frame.double = key, key in frame.node
        if frame.double:
            first = self.lines[(*frame.path, key)]
            self._complain(event, f"the key '{key[:60]}' is there twice", f"the first one is in line {first}")
        else:
            self.lines[(*frame.path, key)] = _line(event)

    def _place(self, event: yaml.Event, value: Any) -> Location:
        line = _line(event)
        if not self._stack:
            self.root = value
            self.lines[()] = line
            return ()
        frame = self._stack[-1]
        if isinstance(frame.node, list):
            frame.node.append(value)
            path: Location = (*frame.path, len(frame.node) - 1)
            self.lines[path] = line
            return path
        assert frame.key is not None
        # What a doubled key holds is read for its own mistakes, but never takes the place of the first one.
        path = (*frame.path, f"{frame.key} (again)" if frame.double else frame.key)
        if not frame.double:
            frame.node[frame.key] = value
        frame.key = None
        return path

    def _text(self, event: yaml.ScalarEvent) -> str:
        text = unicodedata.normalize("NFC", event.value)
        if any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in text):
            self._complain(event, "a text holds a control character", "remove it")
            return "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cs"))
        return text

    def _refuse_extras(self, event: yaml.NodeEvent) -> None:
        if event.anchor is not None:
            self._complain(
                event, f"the anchor '&{event.anchor}' is not allowed", "write the value out where it is used"
            )
        if (tag := getattr(event, "tag", None)) is not None:
            self._complain(event, f"the tag '{tag}' is not allowed", "remove it")

    def _problem(self, event: yaml.Event, what: str, right: str = "") -> Problem:
        return Problem(self.name, _line(event), what, right)

    def _complain(self, event: yaml.Event, what: str, right: str = "") -> None:
        self.problems.append(self._problem(event, what, right))


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _is_plain(event: yaml.ScalarEvent) -> bool:
    return not event.style  # the C parser says "", the Python one None


def _plain(text: str) -> Any:
    """A scalar without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return unicodedata.normalize("NFC", text)
