"""Puts YAML events together as plain data with the line of every value, within limits and without recursion."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from monitor.config.problems import Location, Problem

MAX_EVENTS = 300_000
MAX_DEPTH = 40
MAX_SCALAR = 64 * 1024  # bytes of one value

# 18 digits hold every number that a site means, and int() of a longer text can be made slow.
_INT = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Stop(Exception):
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


class Reader:
    """Puts events together without recursion."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root: Any = None
        self.lines: dict[Location, int] = {}
        self.problems: list[Problem] = []
        self._stack: list[_Frame] = []
        self._documents = 0

    def consume(self, events: Iterator[yaml.Event]) -> None:
        """Take all events. Raises Stop at a limit."""
        for number, event in enumerate(events):
            if number > MAX_EVENTS:
                raise Stop(self._problem(event, "the file holds more than 300,000 values", "split it"))
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
                raise Stop(self._problem(event, "a second document begins here", "keep one document in a file"))

    def _open(self, event: yaml.CollectionStartEvent, node: dict[str, Any] | list[Any]) -> None:
        self._refuse_extras(event)
        if self._awaits_key():
            raise Stop(self._problem(event, "a list or mapping is used as a key", "write the key as text"))
        if len(self._stack) >= MAX_DEPTH:
            raise Stop(self._problem(event, f"values are nested more than {MAX_DEPTH} deep"))
        self._stack.append(_Frame(node, self._place(event, node)))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._refuse_extras(event)
        if len(event.value.encode("utf-8", "replace")) > MAX_SCALAR:
            raise Stop(self._problem(event, "a value is longer than 64 KiB"))
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
        lines = text.replace("\r\n", "\n")  # so end the lines of many protocols
        if any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in lines):
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
