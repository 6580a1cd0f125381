"""Columns that mean the same in every report that has them, and the making of a table.

A report says of each column in one place what it is and what stands in it, so that no cell slips under another heading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from monitor.model.incident import Kind
from monitor.reporting.report import Cell, Column, Sort, Table, Words

Row = TypeVar("Row")
Columns = tuple[tuple[Column, Callable[[Row], Cell]], ...]  # each with what it shows of a row

KINDS: Mapping[str, Words] = {
    Kind.OUTAGE: ("gián đoạn", "outage"),
    Kind.KPI_YELLOW: ("chỉ tiêu chưa đạt", "target not met"),
    Kind.KPI_RED: ("chỉ số mức đỏ", "figure is red"),
    Kind.OVERDUE: ("quá hạn", "overdue"),
    Kind.SILENT: ("nguồn không gửi số liệu", "source is silent"),
    Kind.MASS: ("sự cố diện rộng", "mass outage"),
}
MEASURES: Mapping[str, Words] = {
    "minutes": ("phút", "minutes"),
    "s": ("giây", "seconds"),
    "days": ("ngày", "days"),
    "hours": ("giờ", "hours"),
    "count": ("số lượng", "number"),
    "points": ("điểm", "points"),
}

UNIT = Column("unit", ("Mã", "Code"), Sort.CODE)
NAME = Column("name", ("Đơn vị", "Unit"))
COLOUR = Column("colour", ("Màu", "Colour"), Sort.COLOUR)
CRITERION = Column("criterion", ("Tiêu chí", "Criterion"), Sort.CODE)
RANK = Column("rank", ("Hạng", "Rank"), Sort.WHOLE)
CHANNEL = Column("channel", ("Kênh", "Channel"), Sort.CODE)
REFERENCE = Column("ref", ("Mã sự cố", "Reference"), Sort.CODE)
KIND = Column("kind", ("Loại", "Kind"))
GOAL = Column("goal", ("Mục tiêu", "Goal"), Sort.LIMIT)
MEASURE = Column("measure", ("Đơn vị tính", "Measure"), Sort.CODE, words=MEASURES)
DEADLINE = Column("deadline", ("Trước", "Before"), Sort.INSTANT)  # the first instant at which it is too late
DAYS_LEFT = Column("days_left", ("Còn (ngày)", "Days left"), Sort.WHOLE)
WORKING_DAYS_LEFT = Column("working_days_left", ("Ngày làm việc còn lại", "Working days left"), Sort.WHOLE)


def table(name: str, title: Words, columns: Columns[Row], rows: Iterable[Row]) -> Table:
    """The rows under their columns; `name` is the table's in CSV and JSON and never changes."""
    cells = tuple(tuple(show(row) for _, show in columns) for row in rows)
    return Table(name, title, tuple(column for column, _ in columns), cells)
