"""The headers of an answer as the rest of the product sees them: bounded and clean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from multidict import CIMultiDictProxy

from monitor.adapters.fetch_types import MAX_HEADER_VALUE
from monitor.model.text import clean

_MOST = 64


class Headers(Mapping[str, str]):
    """Lower-case names, at most 64 of them, and bounded, cleaned values (repeated ones joined by a comma).

    A value is cleaned when it is asked for: of most answers hardly one is.
    """

    __slots__ = ("_given",)

    def __init__(self, given: CIMultiDictProxy[str]) -> None:
        self._given = given

    def __getitem__(self, name: str) -> str:
        return clean(", ".join(self._given.getall(name))[:MAX_HEADER_VALUE], MAX_HEADER_VALUE)

    def __contains__(self, name: object) -> bool:
        return name in self._given

    def __iter__(self) -> Iterator[str]:
        return iter(list(dict.fromkeys(name.lower() for name in self._given))[:_MOST])

    def __len__(self) -> int:
        return len(list(iter(self)))
