"""Reports as PDF: the page for print, laid out by WeasyPrint (BSD), which comes with the extra `denbao[pdf]`.

It is loaded when the first PDF is asked for. Nothing that a page names is fetched: a report has all it shows inside.
"""

from __future__ import annotations

from typing import Any, NoReturn

from monitor.adapters.render.html import as_html, style
from monitor.reporting.report import Report

_MISSING = (
    "a PDF needs WeasyPrint, which this installation does not have: pip install 'denbao[pdf]', and for Debian "
    "apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0; or print the HTML from a browser"
)


def as_pdf(report: Report) -> bytes:
    """The report on paper, A4. Raises ValueError where WeasyPrint or a library of the system is missing."""
    # Within a picture WeasyPrint knows no style but the picture's own.
    page = as_html(report).decode().replace("</svg>", f"<style>{style()}</style></svg>")
    made: bytes = weasyprint().HTML(string=page, url_fetcher=_nothing).write_pdf()
    return made


def weasyprint() -> Any:
    """The library. Raises ValueError with what to install."""
    try:
        import weasyprint as library
    except (ImportError, OSError) as missing:  # OSError: a library of the system, such as Pango
        raise ValueError(f"{_MISSING} ({str(missing).splitlines()[0]})") from None
    return library


def _nothing(url: str, *_: object, **__: object) -> NoReturn:
    raise ValueError(f"a report loads nothing: {url}")
