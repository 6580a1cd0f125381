"""What a text is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

Piece = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """One message in one language. The SMS is written without accents and in GSM characters."""

    subject: tuple[Piece, ...]
    body: tuple[Piece, ...]
    sms: tuple[Piece, ...]


_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def placeholders(text: Text) -> Iterator[str]:
    """The names of all that is put into a text, with repeats."""
    for piece in (*text.subject, *text.body, *text.sms):
        for choice in (piece,) if isinstance(piece, str) else piece:
            yield from _PLACEHOLDER.findall(choice)
