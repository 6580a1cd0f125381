"""Reading a body under two caps: bytes on the wire and bytes after unpacking, both checked while it streams."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from aiohttp import StreamReader

from monitor.adapters.fetch_types import Broken
from monitor.model.text import clean

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_GZIP_NAMES = frozenset({"gzip", "x-gzip"})


def is_gzip(encodings: Sequence[str]) -> bool:
    """Whether a body with these Content-Encoding values is gzip. Raises Broken for anything but gzip and identity."""
    if not encodings:
        return False
    names = [name.strip().lower() for value in encodings for name in value.split(",")]
    coded = [name for name in names if name not in ("", "identity")]
    if not coded:
        return False
    if len(coded) == 1 and coded[0] in _GZIP_NAMES:
        return True
    raise Broken("bad-encoding", f"the body is packed as {clean(', '.join(coded), 40)!r}; only gzip is read")


class Plain:
    """Collects a body that is not packed."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises Broken when the body outgrows its cap."""
        self._size += len(data)
        if self._size > self._cap:
            raise Broken("too-large", f"the body is larger than {self._cap} bytes")
        self._parts.append(data)

    def finish(self) -> bytes:
        """The whole body."""
        return b"".join(self._parts)


class Gunzip(Plain):
    """Unpacks one gzip member and never more than the cap allows."""

    def __init__(self, cap: int) -> None:
        super().__init__(cap)
        self._inflate = zlib.decompressobj(_GZIP_WINDOW)

    def feed(self, data: bytes) -> None:
        """Take the next packed bytes. Raises Broken when they are no gzip, go on after its end, or unpack too far."""
        try:
            unpacked = self._inflate.decompress(data, self._cap - self._size + 1)
        except zlib.error:
            raise Broken("bad-encoding", "the body is not valid gzip") from None
        super().feed(unpacked)
        if self._inflate.unused_data or (self._inflate.eof and self._inflate.unconsumed_tail):
            raise Broken("bad-encoding", "more bytes follow the end of the gzip body")

    def finish(self) -> bytes:
        """The whole unpacked body. Raises Broken when the packed stream ended early."""
        if not self._inflate.eof:
            raise Broken("truncated", "the gzip body ends early")
        return super().finish()


async def read_body(stream: StreamReader, gzip: bool, max_wire: int, max_decoded: int) -> bytes:
    """Read and unpack a body. Raises Broken when it is too large, cut or badly packed."""
    sink = Gunzip(max_decoded) if gzip else Plain(max_decoded)
    wire = 0
    while not stream.at_eof():
        chunk = await stream.readany()
        wire += len(chunk)
        if wire > max_wire:
            raise Broken("too-large", f"the body is larger than {max_wire} bytes on the wire")
        sink.feed(chunk)
    return sink.finish() if wire else b""  # some call nothing gzip, too
