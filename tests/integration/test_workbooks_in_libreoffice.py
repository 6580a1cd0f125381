"""Workbooks and CSV as LibreOffice reads them: nothing computes, and numbers and dates are shown as in Vietnam.

Nightly, for LibreOffice is large and takes seconds to start: it is asked once for all files.
"""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from monitor.adapters.render import FORMATS
from tests.unit.test_render import AT, HOSTILE, ROW, report

pytestmark = [pytest.mark.integration, pytest.mark.nightly, pytest.mark.needs("soffice")]
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"


@dataclass(frozen=True)
class Cell:
    """What LibreOffice made of a cell."""

    sort: str  # string, float, percentage, date, time
    shown: str
    formula: str | None


def cells(document: Path) -> Iterator[list[Cell]]:
    """The rows of all sheets of an OpenDocument file, without empty cells."""
    tree = ElementTree.fromstring(zipfile.ZipFile(document).read("content.xml"))
    for row in tree.iter(f"{TABLE}table-row"):
        found = [cell for cell in row.iter(f"{TABLE}table-cell") if cell.get(f"{OFFICE}value-type")]
        yield [
            Cell(
                cell.get(f"{OFFICE}value-type", ""),
                "\n".join("".join(text.itertext()) for text in cell.iter(f"{TEXT}p")),
                cell.get(f"{TABLE}formula"),
            )
            for cell in found
        ]


def convert(folder: Path, of: str, to: str, *more: str) -> None:
    """All files of a kind, by one LibreOffice with a home of its own."""
    files = sorted(map(str, folder.glob(f"*.{of}")))
    home = f"-env:UserInstallation={(folder / 'home').as_uri()}"
    words = ["soffice", home, "--headless", *more, "--convert-to", to, "--outdir", str(folder), *files]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which LibreOffice has converted a plain report and one whose names look like formulas."""
    folder = tmp_path_factory.mktemp("office")
    rows = [(text, text, *ROW[2:]) for text in HOSTILE]
    for name, made in (("plain", report()), ("hostile", report(*rows, name=HOSTILE[0]))):
        for form in ("xlsx", "csv"):
            (folder / f"{name}-{form}.{form}").write_bytes(FORMATS[form].write(made, None))
    convert(folder, "xlsx", "pdf")
    convert(folder, "xlsx", "ods")
    convert(folder, "csv", "ods", "--infilter=CSV:44,34,76")  # commas, quotes, UTF-8, as its dialogue would propose
    return folder


@pytest.mark.parametrize("name", ["hostile-xlsx", "hostile-csv"])
def test_a_name_that_looks_like_a_formula_is_a_text_and_computes_nothing(read: Path, name: str):
    found = [cell for row in cells(read / f"{name}.ods") for cell in row]
    assert [cell for cell in found if cell.formula] == []
    shown = {cell.shown.lstrip("' \t") for cell in found if cell.sort == "string"}
    assert {text.strip() for text in HOSTILE} <= shown


def test_values_are_numbers_dates_and_spans_shown_as_in_vietnam(read: Path):
    row = next(row for row in cells(read / "plain-xlsx.ods") if row and row[0].shown == "02143")
    told = {cell.shown: cell.sort for cell in row}
    assert told["68,91%"] == "percentage"
    assert told["1.234,50"] == "float"
    assert told["26:03:04"] == "time"
    assert told[f"{AT:%d/%m/%Y} 16:30:00"] == "date"
    assert told["đỏ / red"] == "string"


def test_every_sheet_can_be_put_on_paper(read: Path):
    assert all((read / f"{name}-xlsx.pdf").read_bytes().startswith(b"%PDF-") for name in ("plain", "hostile"))
