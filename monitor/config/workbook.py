"""From the bytes of an XLSX file to its cells as JSON, behind a guard; a program of its own, `python -I workbook.py`.

A spreadsheet is a zip of XML. 2 KB of it can abort the native reader, and 2 MB can stand for gigabytes, so the guard
looks at every part first, and what it lets through is read in a process that may be lost. This file imports nothing of
ours: it is loaded in every such process.

In: one line of JSON, the names of the wanted sheets (none: the only visible one), then the bytes of the file.
Out: a line with one JSON object, `{"sheets": [...], "missing": [...], "names": [...], "from_1904": true or false}` or
`{"refused": SENTENCE}`. In place of the rows of a sheet stands their number; they follow as a line each, because all of
them in one piece would keep the other threads of who reads them from their turn for 0.1 s and more.
"""

from __future__ import annotations

import io
import json
import re
import resource
import sys
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from math import isfinite
from typing import Any

MIB = 1024 * 1024
MAX_PARTS = 200
MAX_UNPACKED = 64 * MIB  # bytes of all parts together
MAX_BOX = 2_000_000  # last row times last column that hold something: the reader makes room for all between
MAX_ROWS = 100_000
MAX_COLUMNS = 1_000
MAX_MERGED = 10_000
MAX_TEXT = 300  # characters of one cell that are kept
MAX_OUTPUT = 8 * MIB  # bytes of JSON
MEMORY = 512 * MIB  # bytes of address space of the process
SECONDS = 10  # of processor time

_OLD = b"\xd0\xcf\x11\xe0"  # the container of .xls, and of an .xlsx with a password
_CODED = 0x1  # flag of a zip entry: it needs a password
_PACKED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# Bounded, so that no tag takes long; a cell that hides from it meets the limits of the process.
_CELL = re.compile(rb"<(?:\w+:)?c\s[^<>]{0,300}?\br\s*=\s*[\"']([A-Z]{1,3})([0-9]{1,7})[\"'][^<>]{0,300}(?<!/)>\s*<")
_EPOCH_1904 = re.compile(rb"<(?:\w+:)?workbookPr\s[^<>]{0,2000}?\bdate1904\s*=\s*[\"'](?:1|true)[\"']")
# A formula in a cell without a result: whoever wrote the file computed nothing. Excel and LibreOffice store what came
# out; that it is an empty text says the type of the cell.
_UNCOMPUTED = re.compile(
    rb"<(?:\w+:)?c(\s[^<>]{0,300})?>\s*<(?:\w+:)?f(?:\s[^<>]{0,1000})?(?:/>|>[^<]{0,10000}</(?:\w+:)?f>)"
    rb"\s*(?:<(?:\w+:)?v\s*(?:/>|>\s*</(?:\w+:)?v>))?\s*</(?:\w+:)?c>"
)
_AT = re.compile(rb"\sr\s*=\s*[\"']([A-Z]{1,3})([0-9]{1,7})[\"']")
_TEXT = re.compile(rb"\st\s*=\s*[\"']str[\"']")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_DECLARED = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


class Refused(Exception):
    """The file is not read; the text says why, and what would be right."""


def read(body: bytes, wanted: Sequence[str]) -> dict[str, Any]:
    """The filled cells of the wanted sheets. Raises Refused; a damaged file may raise anything else."""
    guard(body)
    from python_calamine import CalamineWorkbook, SheetVisibleEnum

    book = CalamineWorkbook.from_filelike(io.BytesIO(body))
    names = [sheet.name for sheet in book.sheets_metadata]
    visible = [sheet.name for sheet in book.sheets_metadata if sheet.visible is SheetVisibleEnum.Visible]
    chosen, missing = _choose(names, visible, wanted)
    bare = _uncomputed(body, chosen)
    return {
        "sheets": [_sheet(book, name, bare.get(name, [])) for name in chosen],
        "missing": missing,
        "names": names,
        "from_1904": _from_1904(body),
    }


def _from_1904(body: bytes) -> bool:
    """Whether plain numbers of days count from 1 January 1904, as Excel for Mac did; dates are right already."""
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        return _EPOCH_1904.search(packed.read("xl/workbook.xml")) is not None


def _uncomputed(body: bytes, names: Sequence[str]) -> dict[str, list[tuple[int, int]]]:
    """Row and column, from 0, of formulas without a result, by sheet. The reader takes them for blank cells."""
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        parts = [part for part in packed.namelist() if part.lower().startswith("xl/worksheets/")]
        found = {part: cells for part in parts if (cells := _bare(packed.read(part)))}
        return {name: found[part] for name, part in _parts(packed) if name in names and part in found} if found else {}


def _bare(content: bytes) -> list[tuple[int, int]]:
    if b"<f" not in content and b":f" not in content:
        return []
    cells = (cell[1] or b"" for cell in _UNCOMPUTED.finditer(content))
    places = [_AT.search(cell) for cell in cells if not _TEXT.search(cell)]
    if None in places:
        raise Refused("a formula without a result stands in a cell that has no place")
    return [(int(at[2]) - 1, _column(at[1]) - 1) for at in places if at]


def _parts(packed: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Name and part of every sheet."""
    from xml.etree import ElementTree  # what declares a document type was refused before

    relations = ElementTree.fromstring(packed.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    targets = {one.get("Id"): one.get("Target", "") for one in relations.iter()}
    for sheet in ElementTree.fromstring(packed.read("xl/workbook.xml")).iter():  # noqa: S314
        target = targets.get(sheet.get(_RELATION), "")
        yield sheet.get("name", ""), target[1:] if target.startswith("/") else f"xl/{target}"


def _choose(names: Sequence[str], visible: Sequence[str], wanted: Sequence[str]) -> tuple[list[str], list[str]]:
    if not wanted:
        if len(visible) != 1:
            listed = ", ".join(f"'{name}'" for name in visible[:8])
            raise Refused(f"{len(visible)} sheets ({listed}); name those to be read under sheets")
        return list(visible), []
    known = {_key(name): name for name in names}
    found = [known[_key(name)] for name in wanted if _key(name) in known]
    return found, [name for name in wanted if _key(name) not in known]


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", " ".join(name.split()).casefold())


def guard(body: bytes) -> None:
    """Look at every part before anything is understood. Raises Refused."""
    if body.startswith(_OLD):
        raise Refused("an old .xls, or a file with a password; save it as .xlsx without one")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            _check_directory(packed)
            left = MAX_UNPACKED
            for part in packed.infolist():
                left -= _check_part(packed, part, left)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError):
        raise Refused("damaged, cut off, or no XLSX file at all") from None


def _check_directory(packed: zipfile.ZipFile) -> None:
    parts = packed.infolist()
    names = {part.filename for part in parts}
    if len(parts) > MAX_PARTS:
        raise Refused(f"{len(parts)} parts are more than {MAX_PARTS}")
    if sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise Refused(f"unpacked it is larger than {MAX_UNPACKED // MIB} MiB")
    if any(part.flag_bits & _CODED or part.compress_type not in _PACKED for part in parts):
        raise Refused("parts with a password, or packed in an unusual way; save it as .xlsx anew")
    if len(names) != len(parts):
        raise Refused("two parts of the same name")
    if "xl/workbook.xml" not in names:
        raise Refused("no Excel workbook (xl/workbook.xml is missing); save it as .xlsx")


def _check_part(packed: zipfile.ZipFile, part: zipfile.ZipInfo, left: int) -> int:
    """Bytes of a part, which may be more than the directory says. Raises Refused."""
    with packed.open(part) as stream:
        content = stream.read(left + 1)
    if len(content) > left:
        raise Refused(f"unpacked it is larger than {MAX_UNPACKED // MIB} MiB")
    if not part.filename.lower().endswith((".xml", ".rels", ".vml")):
        return len(content)
    if b"\x00" in content[:64] or content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Refused("a part is not UTF-8")
    if _DECLARED.search(content):
        raise Refused("a part declares a document type, which no spreadsheet needs")
    if part.filename.lower().startswith("xl/worksheets/"):
        _check_box(content)
    return len(content)


def _check_box(content: bytes) -> None:
    last_row = last_column = 0
    for found in _CELL.finditer(content):
        last_row = max(last_row, int(found[2]))
        last_column = max(last_column, _column(found[1]))
    if last_row * last_column > MAX_BOX:
        raise Refused(f"{last_row} rows and {last_column} columns are more than are read; clear the cells far outside")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _sheet(book: Any, name: str, bare: Sequence[tuple[int, int]]) -> dict[str, Any]:
    sheet = book.get_sheet_by_name(name)
    top, left = sheet.start or (0, 0)
    if sheet.height > MAX_ROWS or sheet.total_width > MAX_COLUMNS:
        raise Refused(f"sheet '{name}': more than {MAX_ROWS} rows or {MAX_COLUMNS} columns")
    merged = [(*first, *last) for first, last in sheet.merged_cell_ranges or ()]
    if len(merged) > MAX_MERGED:
        raise Refused(f"sheet '{name}': {len(merged)} merged cells are more than {MAX_MERGED}")
    rows = dict(_rows(sheet, top, left))
    for row, column in bare:
        if row >= MAX_ROWS or column >= MAX_COLUMNS:
            raise Refused(f"sheet '{name}': more than {MAX_ROWS} rows or {MAX_COLUMNS} columns")
        cells = rows.setdefault(row + 1, [])
        cells += [None] * (column + 1 - len(cells))
        cells[column] = {"formula": True}
    return {"name": name, "rows": sorted(rows.items()), "merged": merged}


def _rows(sheet: Any, top: int, left: int) -> Iterator[tuple[int, list[Any]]]:
    """Row number, from 1, and cells from the first column on; rows without a filled cell are left out."""
    for number, row in enumerate(sheet.to_python(skip_empty_area=True), start=top + 1):
        cells = [_cell(raw) for raw in row]
        while cells and cells[-1] is None:
            cells.pop()
        if cells:
            yield number, [None] * left + cells


def _cell(raw: object) -> Any:
    """Texts, numbers and yes/no as they are; a day or instant as `{"date": ISO}`, a time of day as `{"time": TEXT}`.

    A formula that was never computed is `{"formula": true}`: see `_uncomputed`.
    """
    if isinstance(raw, str):
        return raw[:MAX_TEXT] if raw.strip() else None
    if isinstance(raw, (bool, int, float)):
        return raw if isinstance(raw, (bool, int)) or isfinite(raw) else str(raw)
    if isinstance(raw, (date, datetime)):
        return {"date": raw.isoformat()}
    return {"time": str(raw)}


def _lines(document: dict[str, Any]) -> bytes:
    rows = [row for sheet in document["sheets"] for row in sheet["rows"]]
    counted = [{**sheet, "rows": len(sheet["rows"])} for sheet in document["sheets"]]
    return "\n".join(json.dumps(piece) for piece in ({**document, "sheets": counted}, *rows)).encode()


def main() -> None:
    """Answer one file. What breaks the reader is an answer too; what kills the process is seen from outside."""
    for limit, amount in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(limit, (amount, amount))
    wanted = json.loads(sys.stdin.buffer.readline())
    try:
        answer = _lines(read(sys.stdin.buffer.read(), wanted))
        if len(answer) > MAX_OUTPUT:
            raise Refused(f"its cells are more than {MAX_OUTPUT // MIB} MiB of text")
    except Refused as refused:
        answer = json.dumps({"refused": str(refused)}).encode()
    except MemoryError:
        answer = b'{"refused": "reading it takes too much memory"}'
    except Exception as broken:
        answer = json.dumps({"refused": f"the reader cannot read it: {broken!s:.200}"}).encode()
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    main()
