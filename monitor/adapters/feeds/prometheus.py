"""Prometheus feed: samples of the text format, the unit in a label. A line that cannot be read costs only itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from monitor.adapters.feeds.body import Unreadable, read_text
from monitor.adapters.feeds.cells import Cell
from monitor.adapters.feeds.numbers import Unfit
from monitor.adapters.feeds.rows import Answer, Frame, Row, failed
from monitor.config.spec import Column, FeedSpec
from monitor.model.reading import Collected

MAX_LINES = 200_000
MAX_LINE = 16_384  # characters
MAX_LABELS = 64

# Written without a choice between two ways to match, so that no line takes longer than its length.
_SAMPLE = re.compile(
    r"([a-zA-Z_:][a-zA-Z0-9_:]*+)"
    r'[ \t]*+(?:\{((?:[^"{}]|"(?:[^"\\]|\\.)*+")*+)\})?'
    r"[ \t]*+([0-9.eE+-]++|[+-]?(?i:nan|inf|infinity))(?:[ \t]++(-?[0-9]{1,18}))?"
)
_LABEL = re.compile(r'[ \t]*+([a-zA-Z_][a-zA-Z0-9_]*+)[ \t]*+=[ \t]*+"((?:[^"\\]|\\.)*+)"[ \t]*+(?:,[ \t]*+|\Z)')
_NUMBER = re.compile(r"[+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")
_ESCAPED = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n"}


@dataclass(frozen=True, slots=True)
class _Sample:
    name: str
    labels: str
    value: str
    stamp: str | None


def parse(spec: FeedSpec, body: bytes, headers: Mapping[str, str], now: datetime, frame: Frame) -> Collected:
    """All believable values of one page. Never raises for what the page holds."""
    try:
        text = read_text(body, headers, spec.encoding, "Prometheus text")
        if text.count("\n") > MAX_LINES:
            raise Unreadable(f"more than {MAX_LINES} lines")
    except Unreadable as error:
        return failed(spec, now, str(error))
    answer = Answer(spec, frame, now)
    page = _Page(spec, answer)
    *lines, last = text.split("\n")
    for number, line in enumerate(lines, start=1):
        page.take(number, line)
    if last.strip():
        answer.refuse(f"line {len(lines) + 1}", "bad-line", "the last line has no end: the page may be cut off")
    if not page.samples:
        return failed(spec, now, "not Prometheus text: no line of it is a sample")
    answer.refuse_silent(spec.columns)
    return answer.collected()


class _Page:
    """The lines of one page."""

    def __init__(self, spec: FeedSpec, answer: Answer) -> None:
        self._spec = spec
        self._answer = answer
        self._columns: dict[str, list[Column]] = {}
        for column in spec.columns:
            self._columns.setdefault(column.value, []).append(column)
        self.samples = 0  # lines that are samples, of whatever metric

    def take(self, number: int, line: str) -> None:
        """Read one line; lines of other metrics only have to be samples."""
        line = line.strip()
        if not line or line.startswith("#"):
            return
        sample = _sample(line)
        if isinstance(sample, Unfit):
            self._answer.refuse(f"line {number}", sample.reason, sample.detail)
            return
        self.samples += 1
        if sample.name in self._columns:
            self._wanted(f"line {number}", sample)

    def _wanted(self, place: str, sample: _Sample) -> None:
        labels = _labels(sample.labels)
        if isinstance(labels, Unfit):
            self._answer.refuse(place, labels.reason, labels.detail)
            return
        unit = self._answer.unit(place, labels.get(self._spec.unit))
        if unit is None:
            return
        stamp = _moment(sample.stamp)
        if isinstance(stamp, Unfit):
            self._answer.refuse(place, stamp.reason, stamp.detail)
            return
        as_of = self._answer.moment(place, labels.get(self._spec.as_of_field), stamp)
        if as_of is not None:
            cells = tuple(Cell(column, plain_value(sample.value)) for column in self._columns[sample.name])
            self._answer.add(Row(place, unit, as_of, cells, sample.name))


def _sample(line: str) -> _Sample | Unfit:
    if len(line) > MAX_LINE:
        return Unfit("bad-line", f"longer than {MAX_LINE} characters")
    match = _SAMPLE.fullmatch(line)
    if match is None:
        return Unfit("bad-line", "not a sample: a name, labels, a value")
    name, labels, value, stamp = match.groups()
    if labels is None and not line[len(name) : len(name) + 1].isspace():
        return Unfit("bad-line", "not a sample: no blank between name and value")
    if value[-1] not in "fFnNyY" and _NUMBER.fullmatch(value) is None:
        return Unfit("bad-line", "not a sample: the value is not a number")
    return _Sample(name, labels or "", value, stamp)


def _labels(text: str) -> dict[str, str] | Unfit:
    labels: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _LABEL.match(text, at)
        if match is None:
            return Unfit("bad-line", "the labels cannot be read") if text[at:].strip() else labels
        name = match[1]
        if name in labels:
            return Unfit("bad-line", f"the label '{name[:60]}' stands twice")
        labels[name] = _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), match[2])
        at = match.end()
        if len(labels) > MAX_LABELS:
            return Unfit("bad-line", f"more than {MAX_LABELS} labels")
    return labels


def _moment(stamp: str | None) -> datetime | Unfit | None:
    """The sample's own time stamp, in milliseconds since 1970."""
    if stamp is None:
        return None
    try:
        return datetime.fromtimestamp(int(stamp) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return Unfit("bad-line", f"'{stamp}' is not a time stamp in milliseconds")


def plain_value(text: str) -> object:
    """A number, or the text itself (NaN, +Inf): it is refused as one with the row."""
    return float(text) if _NUMBER.fullmatch(text) else text
