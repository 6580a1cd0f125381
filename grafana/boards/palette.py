"""The live board's colours, read from its own style sheet, as Grafana's value mappings and series colours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

from grafana.boards.language import Say
from monitor.engine.explain import SENTENCES
from monitor.model.colour import Colour

_CSS = Path(__file__).parents[2] / "monitor" / "web" / "static" / "board.css"
MET = "met"  # stands for the reasons of a green criterion, which no series tells
_NAMES = {Colour.MAINTENANCE: "blue", Colour.EXCLUDED: "line"}  # in the style sheet; the others have their own


def _palette() -> Mapping[Colour, str]:
    """The light theme, whose colours are deep enough for Grafana's dark background as well."""
    light = _CSS.read_text(encoding="utf-8").partition("@media")[0]
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", light))
    return {colour: found[_NAMES.get(colour, colour.value)] for colour in Colour}


HEX = _palette()
GREEN, YELLOW, RED, UNKNOWN, BLUE = (
    HEX[colour] for colour in (Colour.GREEN, Colour.YELLOW, Colour.RED, Colour.UNKNOWN, Colour.MAINTENANCE)
)


def colour_mappings(say: Say) -> list[ValueMapping]:
    """Numbers of `denbao_unit_colour` and `denbao_criterion_colour` as words in their colours."""
    results = {
        str(colour.number): ValueMappingResult(text=say.colour(colour), color=HEX[colour], index=index)
        for index, colour in enumerate(colour for colour in Colour if colour.number is not None)
    }
    return [ValueMap(options=results)]


def well_or_failed(say: Say) -> list[ValueMapping]:
    """1 and 0 as words, in green and red."""
    shown = {
        "1": ValueMappingResult(text=say("● Tốt", "● Well"), color=GREEN, index=0),
        "0": ValueMappingResult(text=say("■ Hỏng", "■ Failed"), color=RED, index=1),
    }
    return [ValueMap(options=shown)]


def grade_mappings(say: Say) -> list[ValueMapping]:
    """Grades of the bundled index as words; another one's are shown by their ids."""
    told = {
        "excellent": say("Xuất sắc", "Excellent"),
        "good": say("Tốt", "Good"),
        "fair": say("Khá", "Fair"),
        "average": say("Trung bình", "Average"),
        "weak": say("Yếu", "Weak"),
    }
    return _words(told)


def assumed_mappings(say: Say) -> list[ValueMapping]:
    """Whether the bounds of a grade stand in a document."""
    return _words({"yes": say("giả định", "assumed"), "no": say("theo văn bản", "by a document")})


def _words(told: Mapping[str, str]) -> list[ValueMapping]:
    results = {word: ValueMappingResult(text=text, index=n) for n, (word, text) in enumerate(told.items())}
    return [ValueMap(options=results)]


def reason_mappings(say: Say) -> list[ValueMapping]:
    """Codes of reasons as the live board's sentences. Their figures are no labels: each is a "…" here."""
    sentences = {code: re.sub(r"\{\w+\}", "…", say(*pair)) for code, pair in SENTENCES.items()}
    return _words({MET: say("đạt", "met"), **sentences})


def series_of(colour: Colour, say: Say) -> list[DynamicConfigValue]:
    """How the series that is named by a colour's machine word looks."""
    return [
        DynamicConfigValue(id_val="displayName", value=say.colour(colour)),
        DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": HEX[colour]}),
    ]
