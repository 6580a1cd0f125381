"""A ZIP of text files with a manifest of their SHA-256. Equal contents give equal bytes: no clock enters it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from monitor.adapters.render.plain import harmless

_BEGINNING = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP can say
_READABLE = 0o644 << 16
Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Packed:
    """One file of a pack."""

    name: str
    size: int  # bytes
    sha256: str
    rows: int | None  # of a table, without its header


class Pack:
    """Writes one ZIP, file after file; `close` adds the manifest."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = ZipFile(file, "w")
        self._packed: list[Packed] = []

    def text(self, name: str, content: bytes) -> None:
        """A file as it is."""
        with self._zip.open(_entry(name), "w", force_zip64=True) as file:
            file.write(content)
        self._packed.append(Packed(name, len(content), sha256(content).hexdigest(), None))

    @contextmanager
    def table(self, name: str, columns: Sequence[str]) -> Iterator[TableFile]:
        """A CSV that is written row by row, so that its length does not matter."""
        with self._zip.open(_entry(name), "w", force_zip64=True) as file:
            table = TableFile(file)
            table.add([columns])
            yield table
        self._packed.append(Packed(name, table.size, table.digest, table.rows - 1))

    def close(self, about: Mapping[str, Any]) -> None:
        """The manifest, and the same sums as `sha256sum -c` reads them."""
        files = [{"name": one.name, "bytes": one.size, "sha256": one.sha256, "rows": one.rows} for one in self._packed]
        manifest = json.dumps({**about, "files": files}, ensure_ascii=False, indent=2)
        self.text("manifest.json", f"{manifest}\n".encode())
        sums = "".join(f"{one.sha256}  {one.name}\n" for one in self._packed)
        with self._zip.open(_entry("SHA256SUMS"), "w") as file:
            file.write(sums.encode())
        self._zip.close()


class TableFile:
    """A CSV in UTF-8 with its digest; texts that a spreadsheet would take for formulas are made harmless."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._sum = sha256()
        self.size = 0
        self.rows = 0

    @property
    def digest(self) -> str:
        """SHA-256 of what was written, in hexadecimal."""
        return self._sum.hexdigest()

    def add(self, rows: Iterable[Sequence[Value]]) -> None:
        """More rows."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        for row in rows:
            writer.writerow([_field(value) for value in row])
            self.rows += 1
        written = text.getvalue().encode("utf-8", "backslashreplace")
        self._file.write(written)
        self._sum.update(written)
        self.size += len(written)


def _field(value: Value) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return harmless(value) if isinstance(value, str) else value


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, _BEGINNING)
    entry.compress_type, entry.external_attr, entry.create_system = ZIP_DEFLATED, _READABLE, 3
    return entry
