"""One renderer for each format in which a report is handed out. Equal reports give equal bytes.

Whatever a report says may come from outside: every renderer makes it harmless for the program that opens the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from monitor.adapters.render.html import as_html
from monitor.adapters.render.pdf import as_pdf, weasyprint
from monitor.adapters.render.plain import as_csv, as_json, as_text
from monitor.adapters.render.xlsx import as_xlsx
from monitor.reporting.report import Report

__all__ = ["FILES", "FORMATS", "Format"]


@dataclass(frozen=True, slots=True)
class Format:
    """How a report is written, and what a browser is told of it."""

    write: Callable[[Report, str | None], bytes]  # the table that is meant, where a format holds only one
    media_type: str
    suffix: str
    binary: bool = False
    needs: Callable[[], object] = tuple  # raises ValueError with what to install where it cannot be made here


FORMATS: Mapping[str, Format] = {
    "html": Format(lambda report, _: as_html(report), "text/html", "html"),
    "xlsx": Format(
        lambda report, _: as_xlsx(report),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
        binary=True,
    ),
    "csv": Format(as_csv, "text/csv", "csv"),
    "json": Format(lambda report, _: as_json(report), "application/json", "json"),
    "text": Format(lambda report, _: as_text(report), "text/plain", "txt"),
}

# What is made into a file only: WeasyPrint takes seconds of processor for each hundred lines.
FILES: Mapping[str, Format] = {
    **FORMATS,
    "pdf": Format(lambda report, _: as_pdf(report), "application/pdf", "pdf", binary=True, needs=weasyprint),
}
