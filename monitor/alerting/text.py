"""What a text is made of."""

from __future__ import annotations

from dataclasses import dataclass

Piece = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """One message in one language. The SMS is written without accents and in GSM characters."""

    subject: tuple[Piece, ...]
    body: tuple[Piece, ...]
    sms: tuple[Piece, ...]
