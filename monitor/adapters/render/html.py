"""Reports for the screen and for paper: one file without scripts, without anything to load, charts as inline SVG."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from monitor.adapters.render import charts
from monitor.adapters.render.plain import when
from monitor.adapters.render.spelling import day_and_time, spelt
from monitor.reporting.report import Report, colour_words

_HERE = Path(__file__).parent


def as_html(report: Report) -> bytes:
    """The report as one page; whatever it says is escaped."""
    pictures = [charts.drawn(chart, report.zone) for chart in report.charts]
    tables = [table.for_people() for table in report.tables]
    said = {
        "report": report,
        "tables": tables,
        "charts": pictures,
        "when": when(report),
        "at": day_and_time(report.at, report.zone),
    }
    return _template().render(said).encode("utf-8", "backslashreplace")


@cache
def style() -> str:
    """The style sheet of all reports."""
    return (_HERE / "report.css").read_text("utf-8")


@cache
def style_source() -> str:
    """What a Content-Security-Policy must allow as `style-src`, and nothing more."""
    return f"'sha256-{b64encode(sha256(style().encode()).digest()).decode()}'"


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals |= {"spelt": spelt, "style": style(), "colour_words": colour_words}
    return environment.get_template("report.html")
