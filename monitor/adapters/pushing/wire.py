"""A page of metrics as the two things a receiver takes: remote-write 1.0, or Prometheus text with timestamps.

Remote-write 1.0 (prometheus.io/docs/specs/prw/remote_write_spec) is the protobuf message WriteRequest, packed with
snappy's block format. The message has four small parts, so they are written here and no protobuf library is needed:

    WriteRequest { repeated TimeSeries timeseries = 1; }
    TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; }
    Label { string name = 1; string value = 2; }
    Sample { double value = 1; int64 timestamp = 2; }        timestamp in milliseconds
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterator, Mapping, Sequence

from prometheus_client.parser import text_string_to_metric_families

from monitor.reporting.exposition import rendered

AT_ONCE = 20_000  # series in one request
HEADERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "remote_write": (
        ("Content-Encoding", "snappy"),
        ("Content-Type", "application/x-protobuf"),
        ("X-Prometheus-Remote-Write-Version", "0.1.0"),
    ),
    "text": (("Content-Encoding", "gzip"), ("Content-Type", "text/plain; version=0.0.4; charset=utf-8")),
}

Series = tuple[Mapping[str, str], float]  # labels, the name among them as __name__; value


def requests(page: str, kind: str, extra: Mapping[str, str], at: float) -> Iterator[bytes]:
    """Bodies that say what a page in Prometheus' text format says, at an instant (seconds since 1970).

    `extra` are labels of every series; those of the page win. Raises ValueError for a page that is no such text.
    """
    write = remote_write if kind == "remote_write" else text
    found = [
        ({**extra, "__name__": sample.name, **sample.labels}, float(sample.value))
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    ]
    for start in range(0, len(found), AT_ONCE):
        yield write(found[start : start + AT_ONCE], round(at * 1000))


def remote_write(series: Sequence[Series], milliseconds: int) -> bytes:
    """One packed WriteRequest."""
    from cramjam import snappy  # where it is used: few sites push

    stamp = b"\x10" + _varint(milliseconds)
    message = b"".join(_field(0x0A, _timeseries(labels, value, stamp)) for labels, value in series)
    return bytes(snappy.compress_raw(message))


def text(series: Sequence[Series], milliseconds: int) -> bytes:
    """The same as packed lines with a timestamp each."""
    lines = []
    for labels, value in series:
        named = [(key, told) for key, told in labels.items() if key != "__name__"]
        lines.append(rendered(labels["__name__"], [(tuple(named), value)])[:-1] + b" %d\n" % milliseconds)
    return gzip.compress(b"".join(lines), 1, mtime=0)


def _timeseries(labels: Mapping[str, str], value: float, stamp: bytes) -> bytes:
    told = b"".join(
        _field(0x0A, _field(0x0A, key.encode()) + _field(0x12, labels[key].encode("utf-8", "replace")))
        for key in sorted(labels)
    )
    return told + _field(0x12, b"\x09" + struct.pack("<d", value) + stamp)


def _field(tag: int, content: bytes) -> bytes:
    return bytes((tag,)) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)
