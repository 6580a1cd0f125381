"""Prometheus text and OpenMetrics from blocks that are rendered once per change, plain or packed with gzip.

A family keeps one block of lines for each unit, in the order of the units and not in that of the news, so that a page
follows from the facts alone. What is packed is kept as well, in fragments of some blocks: each is a raw deflate stream
of its own that ends on a byte and looks back at nothing, so fragments put one after the other are one stream, and their
checksums are combined (RFC 1951, 1952). The page is therefore one gzip member, which browsers and curl read as
Prometheus does; of a row of members they would show the first and say nothing.

Formats: prometheus.io/docs/instrumenting/exposition_formats (0.0.4), OpenMetrics 1.0. Samples of gauges and infos are
written the same in both; heads and the end differ.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from math import inf, isfinite

from isal import isal_zlib

from monitor.model.catalogue import Metric, MetricKind

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
END = b"# EOF\n"  # of an OpenMetrics page

_FRAGMENT = 12_000  # bytes of text that are packed together: small ones pack badly, large ones are packed too often
_AT_ONCE = 4  # fragments packed in a step
_LEVEL = 1
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"  # deflate, no name, no time, quickest
_DEFLATE_END = b"\x03\x00"  # an empty last block
_INFINITE = {inf: "+Inf", -inf: "-Inf"}
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

Labels = tuple[tuple[str, str], ...]
Samples = Sequence[tuple[Labels, float]]


@dataclass(frozen=True, slots=True)
class Fragment:
    """A packed piece of a page."""

    deflated: bytes
    crc: int  # CRC-32 of the text
    length: int  # bytes of the text


_NOTHING = Fragment(b"", 0, 0)


class Family:
    """All series of one metric: a block of lines for each key (a unit), in the order of their places."""

    def __init__(self, metric: Metric, places: Mapping[Hashable, int]) -> None:
        self.metric = metric
        self.series = 0
        self._places = places  # key -> 0, 1, 2 ...; families share it
        self._blocks = [b""] * len(places)
        self._size = 0  # bytes of all blocks
        self._width = 1  # blocks of one fragment
        self._fragments = [_NOTHING] * len(places)
        self._stale: set[int] = set()  # fragments that are to be packed anew
        self._whole = _NOTHING  # all fragments, while none is stale

    def put(self, key: Hashable, samples: Samples) -> None:
        """The series of one key; none takes them away. Raises KeyError for a key that has no place."""
        self.put_lines(key, rendered(self.metric.name, samples) if samples else b"")

    def put_lines(self, key: Hashable, block: bytes) -> None:
        """The same, as lines that are written already."""
        place = self._places[key]
        before = self._blocks[place]
        if block != before:
            self._blocks[place] = block
            self._size += len(block) - len(before)
            self.series += block.count(b"\n") - before.count(b"\n")
            self._stale.add(place // self._width)

    def text(self) -> Iterator[bytes]:
        """Its lines, without the head, in pieces of a fragment's size."""
        self._fit()
        return map(self._piece, range(len(self._fragments)))

    def packed(self) -> Fragment:
        """The same, packed; only what changed is packed anew."""
        deque(self.pack(), maxlen=0)
        return self._whole

    def pack(self) -> Iterator[None]:
        """Pack what changed, some fragments a step: for who must not do all of it at once."""
        self._fit()
        while self._stale:
            for _ in range(min(_AT_ONCE, len(self._stale))):
                number = self._stale.pop()
                self._fragments[number] = pack(self._piece(number))
            if not self._stale:
                self._whole = joined(self._fragments)
            yield

    def _piece(self, number: int) -> bytes:
        start = number * self._width
        return b"".join(self._blocks[start : start + self._width])

    def _fit(self) -> None:
        """As blocks grow and shrink, a fragment gets fewer or more of them; seldom, for all are packed anew."""
        places = len(self._blocks)
        width = max(_FRAGMENT * places // max(self._size, 1), 1)
        if not self._width <= 2 * width <= 4 * self._width:
            self._width = width
            self._fragments = [_NOTHING] * -(-places // width)
            self._stale = set(range(len(self._fragments)))


@cache
def head(metric: Metric, *, openmetrics: bool) -> bytes:
    """What stands before the samples of a metric."""
    if openmetrics:
        lines = [f"# TYPE {metric.family} {metric.kind}", f"# HELP {metric.family} {metric.help}"]
        lines += [f"# UNIT {metric.family} {metric.unit}"] if metric.unit else []
    else:
        kind = MetricKind.GAUGE if metric.kind is MetricKind.INFO else metric.kind
        lines = [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {kind}"]
    return "".join(f"{line}\n" for line in lines).encode()


@cache
def packed_head(metric: Metric, *, openmetrics: bool) -> Fragment:
    """The same, packed."""
    return pack(head(metric, openmetrics=openmetrics))


def rendered(name: str, samples: Samples) -> bytes:
    """Lines of samples. A label's value may be any text; a lone surrogate costs a letter, not the page."""
    lines = []
    for labels, value in samples:
        figure = repr(value) if isfinite(value) else _INFINITE.get(value, "NaN")
        lines.append(f"{name}{{{','.join(map(_label, labels))}}} {figure}\n" if labels else f"{name} {figure}\n")
    return "".join(lines).encode("utf-8", "replace")


@lru_cache(maxsize=65_536)  # codes and names come again and again
def _label(label: tuple[str, str]) -> str:
    key, text = label
    return f'{key}="{text.translate(_ESCAPES)}"'


def pack(text: bytes) -> Fragment:
    """A fragment of its own."""
    if not text:
        return _NOTHING
    packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -isal_zlib.MAX_WBITS)
    deflated = packer.compress(text) + packer.flush(isal_zlib.Z_FULL_FLUSH)
    return Fragment(deflated, isal_zlib.crc32(text), len(text))


def joined(fragments: Iterable[Fragment]) -> Fragment:
    """One fragment of all of them, in this order."""
    pieces, crc, length = [], 0, 0
    for fragment in fragments:
        pieces.append(fragment.deflated)
        crc = isal_zlib.crc32_combine(crc, fragment.crc, fragment.length)
        length += fragment.length
    return Fragment(b"".join(pieces), crc, length)


def gzipped(fragments: Iterable[Fragment]) -> bytes:
    """One gzip member of all fragments, in this order."""
    text = joined(fragments)
    trailer = text.crc.to_bytes(4, "little") + (text.length % 2**32).to_bytes(4, "little")
    return b"".join((_GZIP_HEAD, text.deflated, _DEFLATE_END, trailer))


def wants_openmetrics(accept: str) -> bool:
    """Whether OpenMetrics 1 is what a client with this Accept header likes best; text where it likes both as well.

    "*/*" and no header are answered with text, which every reader of metrics understands.
    """
    weights = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for name, parameters, weight in _accepted(accept):
        if name in weights and parameters.get("version", "1.0.0") in ("1.0.0", "0.0.4"):
            weights[name] = max(weights[name], weight)
    return weights["application/openmetrics-text"] > weights["text/plain"]


def wants_gzip(accept_encoding: str) -> bool:
    """Whether a client that sent this header takes a packed page; "gzip;q=0" says that it does not."""
    weights = {name: weight for name, _, weight in _accepted(accept_encoding)}
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _accepted(header: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """What an Accept header lists (RFC 9110): name, parameters, weight 0 to 1. A weight that is none counts as 0."""
    for part in header.lower().split(","):
        name, *rest = (piece.strip() for piece in part.split(";"))
        pairs = (piece.partition("=") for piece in rest)
        parameters = {key.strip(): value.strip().strip('"') for key, _, value in pairs}
        try:
            weight = float(parameters.pop("q", "1"))
        except ValueError:
            weight = 0.0
        yield name, parameters, weight
