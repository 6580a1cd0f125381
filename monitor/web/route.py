"""One entry of the table of routes: what a caller may ask, and which right it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.web.access import Right
from monitor.web.problems import Handler


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter with its JSON Schema."""

    name: str
    schema: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Route:
    """Address, handler and right. `answers` is the media type for programs; None for pages made for people."""

    method: str
    path: str
    handler: Handler
    right: Right
    name: str
    summary: str = ""
    answers: str | None = None
    query: tuple[Parameter, ...] = ()
    body: str = ""  # name of the schema of the body
    body_optional: bool = False
    problems: Mapping[str, str] = field(default_factory=dict)  # status -> when
    stream: bool = False  # holds its line open
    signed: bool = False  # its address holds a signed value, which stays out of the audit; no token is needed

    @property
    def same_origin(self) -> bool:
        """Refused when a page of another site asks: whatever changes something or holds a line open."""
        return self.method != "GET" or self.stream
