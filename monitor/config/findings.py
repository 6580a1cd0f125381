"""Collects the mistakes found in one site file after it has been read."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

from monitor.config.problems import Location, Problem
from monitor.config.yaml import Document
from monitor.model.nearest import nearest

T = TypeVar("T")


class Findings:
    """The problems of one site; what is added names the place in config.yaml."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.units_in_doubt = False  # the units themselves are wrong: what follows from that is not said again
        self.people_in_doubt = False  # ... and so are rows of the directory

    def add(self, at: Location, what: str, right: str = "") -> None:
        """A mistake at `at` in config.yaml."""
        self.problems.append(self.document.problem(at, what, right))

    def unknown(self, at: Location, kind: str, name: str, known: Collection[str]) -> None:
        """A name that nothing answers to: `unknown unit '02144'; did you mean '02143'?`."""
        if not ((kind == "unit" and self.units_in_doubt) or (kind == "recipient" and self.people_in_doubt)):
            self.add(at, f"unknown {kind} '{name}'", nearest(name, known))

    def attempt(self, at: Location, where: str, make: Callable[[], T]) -> T | None:
        """What `make` makes; a ValueError's sentence ("what; right") becomes a mistake at `at`, and there is None."""
        try:
            return make()
        except ValueError as error:
            what, _, right = str(error).partition("; ")
            self.add(at, f"{where} {what}".strip(), right)
            return None

    def borrow(self, sentence: str, root: Path) -> None:
        """A sentence that begins with the path of a site's file, and perhaps a line."""
        name, _, rest = sentence.removeprefix(f"{root}/").partition(":")
        line, _, what = rest.partition(":")
        known = line.isdigit()
        self.problems.append(Problem(name, int(line) if known else 1, (what if known else rest).strip()))

    def once(self, at: Location, kind: str, names: list[str], key: str = "id") -> None:
        """Every name of a list of entries must be there once."""
        for index, name in enumerate(names):
            if name in names[:index]:
                first = self.document.line((*at, names.index(name), key))
                self.add((*at, index, key), f"the {kind} '{name}' is there twice", f"the first one is in line {first}")
