"""The two languages of the boards: each board is made once in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from monitor.model.colour import Colour
from monitor.web.texts import Words

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
# The shape that stands beside each colour on the live board, so that nothing depends on hue alone.
_SHAPES = {
    Colour.GREEN: "●",
    Colour.YELLOW: "▲",
    Colour.RED: "■",
    Colour.UNKNOWN: "○",
    Colour.MAINTENANCE: "◆",
    Colour.EXCLUDED: "–",
}


@dataclass(frozen=True, slots=True)
class Say:
    """Picks the text of one language."""

    code: Literal["vi", "en"]

    def __call__(self, vietnamese: str, english: str) -> str:
        """The text in this language."""
        return vietnamese if self.code == "vi" else english

    def colour(self, colour: Colour) -> str:
        """The live board's word for a colour with its shape: "■ Đỏ"."""
        return f"{_SHAPES[colour]} {Words(self.code, _ZONE)(colour.value)}"


LANGUAGES = (Say("vi"), Say("en"))
