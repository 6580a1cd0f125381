"""What one attempt of a check found out, and the transcript of how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import overload

from monitor.adapters.fetch_watch import Monotonic
from monitor.model.text import clean

MAX_LINES, MAX_LINE = 40, 200  # of a transcript
_KEPT = 4 * MAX_LINE  # characters of a line that is not written out yet


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt. `problem` is a sentence without credentials, empty when the target is well."""

    problem: str
    phases: Mapping[str, float] = field(default_factory=dict)  # seconds by PHASES
    transcript: Sequence[str] = ()
    figures: Mapping[str, float] = field(default_factory=dict)  # what was measured besides yes or no
    certificate_expires: datetime | None = None  # aware UTC
    steps: Mapping[str, float] = field(default_factory=dict)  # seconds by step of a journey


class CannotAsk(Exception):
    """The probe itself is not able to ask, which says nothing about its target; the text says what would help."""


class Transcript(Sequence[str]):
    """Lines with the milliseconds since the beginning. `secrets` are masked wherever they turn up.

    Hardly anybody reads the transcript of a probe that is well: its lines are written out when they are read.
    """

    __slots__ = ("_began", "_clock", "_said", "_secrets")

    def __init__(self, clock: Monotonic, secrets: Iterable[str] = ()) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._secrets: list[str] = []
        self._said: list[tuple[float, str | Callable[[], str]]] = []  # seconds since the beginning, and what
        self.hide(secrets)

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these too, from now on and in what was said before."""
        if secrets:  # the longer first: one may be a part of another
            self._secrets = sorted({*self._secrets, *filter(None, secrets)}, key=len, reverse=True)

    def say(self, text: str | Callable[[], str]) -> None:
        """Add a line, or what makes it when it is read; beyond the cap nothing is kept."""
        if len(self._said) < MAX_LINES:
            line = self.masked(text)[:_KEPT] if isinstance(text, str) else text
            self._said.append((self._clock.monotonic() - self._began, line))

    def masked(self, text: str) -> str:
        """The text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        return self.lines[index]

    def __len__(self) -> int:
        return len(self._said)

    @property
    def lines(self) -> tuple[str, ...]:
        """What has been said so far; what was found to be a secret later is masked in the lines before, too."""
        said = ((at, text if isinstance(text, str) else text()) for at, text in self._said)
        return tuple(f"{1000 * at:7.1f} ms  {clean(self.masked(text), MAX_LINE)}" for at, text in said)
