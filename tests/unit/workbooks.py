"""Workbooks for tests: good ones by XlsxWriter, bad ones by changing their parts."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

import xlsxwriter

Area = tuple[int, int, int, int, object]  # first row and column, last row and column (from 0), and what stands there


def workbook(
    *sheets: tuple[str, Iterable[Sequence[object]]],
    merged: Iterable[Area] = (),
    hidden: Iterable[str] = (),
    **options: object,
) -> bytes:
    """A workbook of named sheets with rows from A1 on. `merged` is for the first sheet, after its rows."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, **options})
    shapes = {date: "dd/mm/yyyy", datetime: "dd/mm/yyyy hh:mm", time: "hh:mm"}
    formats = {kind: book.add_format({"num_format": shape}) for kind, shape in shapes.items()}
    made: list[Any] = []
    for name, rows in sheets:
        made.append(book.add_worksheet(name))
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                made[-1].write(number, column, value, formats.get(type(value)))
        if name in hidden:
            made[-1].hide()
    for top, left, bottom, right, value in merged:
        made[0].merge_range(top, left, bottom, right, value)
    book.close()
    return file.getvalue()


def changed(
    book: bytes, change: Callable[[str, bytes], bytes | None], more: Mapping[str, bytes] | None = None
) -> bytes:
    """The same workbook with every part changed (None: left out), and more parts."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            content = change(part.filename, old.read(part))
            if content is not None:
                new.writestr(part.filename, content)
        for name, content in (more or {}).items():
            new.writestr(name, content)
    return file.getvalue()


def in_sheet(old: bytes, new: bytes) -> Callable[[str, bytes], bytes]:
    """A change of the first sheet's text, which must be there."""

    def change(name: str, content: bytes) -> bytes:
        if name != "xl/worksheets/sheet1.xml":
            return content
        assert old in content, content
        return content.replace(old, new, 1)

    return change
