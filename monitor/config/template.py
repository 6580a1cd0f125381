"""Text with gaps: `${NAME}` for a secret, `{name}` for a value that is known only at run time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from monitor.config.secrets import Secret, resolve

_GAP = re.compile(r"(\$\{[A-Za-z_][A-Za-z0-9_]*\})|(?<!\$)\{([a-z][a-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Gap:
    """Where the value of this name belongs."""

    name: str


@dataclass(frozen=True, slots=True)
class Template:
    """Pieces in their order. Only whole words in braces are gaps: the braces of a JSON text are text."""

    pieces: tuple[str | Secret | Gap, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its gaps."""
        return tuple(piece.name for piece in self.pieces if isinstance(piece, Gap))

    @property
    def secrets(self) -> Iterator[str]:
        """The secrets themselves, for those who have to mask them."""
        return (piece.reveal() for piece in self.pieces if isinstance(piece, Secret))

    @property
    def beginning(self) -> str:
        """What stands before the first gap or secret; of an address at least its host, which no gap may choose."""
        return self.pieces[0] if self.pieces and isinstance(self.pieces[0], str) else ""

    def fill(self, values: Mapping[str, str], escape: Callable[[str], str]) -> str:
        """The text, with secrets and values escaped for the place where it goes. Raises what `escape` raises."""
        return "".join(
            piece
            if isinstance(piece, str)
            else escape(values[piece.name] if isinstance(piece, Gap) else piece.reveal())
            for piece in self.pieces
        )


def parse_template(text: str, root: Path, environ: Mapping[str, str]) -> Template:
    """Read a text and resolve its secrets; one that begins with `file:` is a secret as a whole. Raises ValueError."""
    if text.startswith("file:"):
        return Template((resolve(text, root, environ),))
    pieces: list[str | Secret | Gap] = []
    end = 0
    for gap in _GAP.finditer(text):
        pieces += [text[end : gap.start()]] if gap.start() > end else []
        pieces.append(resolve(gap[1], root, environ) if gap[1] else Gap(gap[2]))
        end = gap.end()
    return Template((*pieces, text[end:]) if end < len(text) else tuple(pieces))
