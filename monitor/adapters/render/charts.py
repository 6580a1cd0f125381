"""Charts of a report as plain geometry; the template draws them as SVG, the style sheet gives them their colours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.adapters.render.spelling import day_and_time
from monitor.engine.explain import number
from monitor.model.colour import Colour
from monitor.model.muting import Span
from monitor.reporting.report import Bars, Chart, Shares, Strips, Words, colour_words

WIDTH = 1000.0  # units of every drawing
_LABEL, _VALUE = 330.0, 90.0  # left for names, right for numbers
_ROOM = 60.0  # width from which a box has a letter
_THINNEST = {Colour.RED: 2.0}  # a short outage is seen, however long the span
_INSET = {Colour.RED: 2.0}  # and stands out from the strip: to many red and green are one colour
_LINE = 26.0  # height of one bar or strip
_LETTER = {"green": "X", "yellow": "V", "red": "Đ", "unknown": "?", "maintenance": "B", "excluded": ""}


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of one colour with its letter: nothing depends on hue alone."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    letter: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A text; `anchor` as SVG says it."""

    x: float
    y: float
    text: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Picture:
    """One chart, ready to be drawn."""

    title: Words
    height: float
    boxes: tuple[Box, ...]
    labels: tuple[Label, ...]
    legend: tuple[tuple[str, Words], ...] = ()  # colour, its words


def drawn(chart: Chart, zone: ZoneInfo) -> Picture:
    """The picture of a chart."""
    if isinstance(chart, Shares):
        return _shares(chart)
    return _bars(chart) if isinstance(chart, Bars) else _strips(chart, zone)


def _shares(chart: Shares) -> Picture:
    total = sum(count for _, count in chart.parts) or 1
    boxes, labels, x = [], [], 0.0
    for colour, count in chart.parts:
        width = round(count / total * WIDTH, 2)
        if count:
            boxes.append(_box(x, 0.0, width, 40.0, colour))
            labels.append(Label(round(x + width / 2, 2), 58.0, str(count), "middle"))
        x = round(x + width, 2)
    return Picture(chart.title, 64.0, tuple(boxes), tuple(labels), _legend(colour for colour, n in chart.parts if n))


def _bars(chart: Bars) -> Picture:
    boxes, labels = [], []
    whole = (chart.high - chart.low) or 1.0
    room = WIDTH - _LABEL - _VALUE
    for place, bar in enumerate(chart.bars):
        y = place * _LINE
        value = chart.low if bar.value is None else bar.value
        width = round(max(1.0, (value - chart.low) / whole * room), 2)
        boxes.append(_box(_LABEL, y + 4, width, _LINE - 8, bar.colour, bar.label))
        labels.append(Label(_LABEL - 8, y + 18, _short(bar.label), "end"))
        told = "–" if bar.value is None else _told(bar.value, chart)
        labels.append(Label(round(_LABEL + width + 8, 2), y + 18, told))
    seen = dict.fromkeys(bar.colour for bar in chart.bars if bar.colour is not Colour.EXCLUDED)
    return Picture(chart.title, len(chart.bars) * _LINE, tuple(boxes), tuple(labels), _legend(seen))


def _told(value: float, chart: Bars) -> str:
    return f"{number(value, 'vi', chart.digits, fixed=chart.fixed)} {chart.measure}".rstrip()


def _strips(chart: Strips, zone: ZoneInfo) -> Picture:
    boxes, labels = [], []
    for place, (name, stretches) in enumerate(chart.strips):
        y = place * _LINE
        labels.append(Label(_LABEL - 8, y + 18, _short(name), "end"))
        for one in sorted(stretches, key=lambda one: one.colour is Colour.RED):  # drawn last, so that it is on top
            left, right = (_across(at, chart.span) for at in (one.starts, one.ends))
            width = max(_THINNEST.get(one.colour, 0.5), right - left)
            inset = _INSET.get(one.colour, 6.0)
            boxes.append(_box(left, y + inset, round(width, 2), _LINE - 2 * inset, one.colour))
    bottom = len(chart.strips) * _LINE
    for share in (0.0, 1 / 3, 2 / 3, 1.0):
        at = chart.span.starts + timedelta(seconds=share * (chart.span.ends - chart.span.starts).total_seconds())
        anchor = "start" if share == 0 else "end" if share == 1 else "middle"
        labels.append(Label(_across(at, chart.span), bottom + 16, day_and_time(at, zone), anchor))
    seen = dict.fromkeys(one.colour for _, stretches in chart.strips for one in stretches)
    return Picture(chart.title, bottom + 22, tuple(boxes), tuple(labels), _legend(seen))


def _across(at: datetime, span: Span) -> float:
    whole = (span.ends - span.starts).total_seconds() or 1.0
    return round(_LABEL + (at - span.starts).total_seconds() / whole * (WIDTH - _LABEL), 2)


def _box(x: float, y: float, width: float, height: float, colour: Colour, title: str = "") -> Box:
    letter = _LETTER[colour.value] if width >= _ROOM else ""
    return Box(x, y, width, height, colour.value, letter, title or " / ".join(colour_words(colour)))


def _legend(colours: Iterable[Colour]) -> tuple[tuple[str, Words], ...]:
    seen = set(colours)
    return tuple((colour.value, colour_words(colour)) for colour in Colour if colour in seen)


def _short(text: str) -> str:
    return text if len(text) <= 38 else f"{text[:37]}…"
