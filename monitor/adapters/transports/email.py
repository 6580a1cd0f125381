"""Email: one message to one address, by an Apprise `mailto` URL of the admin's config, as text and as a page.

All messages of an incident answer one message that was never sent, whose id comes from the incident's key: so mail
programs show them as one conversation, whichever of them arrive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from monitor.adapters.shelf import FolderShelf
from monitor.adapters.transports.job import Job
from monitor.adapters.transports.posting import Posting, ascii_only, encodable
from monitor.alerting.wording import LANGUAGE, TONE
from monitor.model.colour import Colour
from monitor.model.incident import Notice, reference
from monitor.model.text import clean

_SUBJECT = 200  # characters
_SHOWN = 48  # characters of an address in a page
_LINK = re.compile(r"(https?://[^\s<>\"]+[^\s<>\".,;:!?)])")
_GREY = "#6b7280"  # of what has no colour, such as a digest, and of what is not known
_COLOURS: Mapping[str, str] = {Colour.RED: "#b91c1c", Colour.YELLOW: "#ca8a04", Colour.GREEN: "#15803d"}


class EmailTransport(Posting):
    """`monitor.ports.Transport` over SMTP. Every attempt of a notice carries the same Message-ID and X-Denbao-Key."""

    shelf: FolderShelf | None = None  # where the files lie that messages carry

    def job(self, notice: Notice, url: str, address: str, *, attempt: int, maybe_sent: bool) -> Job:
        """The message as text, with headers by which a mail server or a person tells repeats apart."""
        return Job(
            url=url,
            subject=clean(notice.subject, _SUBJECT),
            body=encodable(notice.body),
            message_id=reference(notice.key),
            address=address,
            html=encodable(page(notice)),
            headers=_headers(notice, attempt, maybe_sent),
            files=self.shelf.paths(notice.attachments) if self.shelf is not None else (),
        )


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a paragraph."""

    text: str
    link: bool = False

    @property
    def shown(self) -> str:
        """A long address in brief: where it leads, not the signature at its end."""
        return self.text if len(self.text) <= _SHOWN else f"{self.text[:_SHOWN]}…"


def page(notice: Notice) -> str:
    """The message as an HTML page. Every word of it is escaped; only http and https addresses become links."""
    return _layout().render(
        subject=clean(notice.subject, _SUBJECT),
        language=notice.words.get(LANGUAGE, "vi"),
        colour=_COLOURS.get(notice.words.get(TONE, ""), _GREY),
        paragraphs=[list(_pieces(line)) for line in notice.body.splitlines() if line.strip()],
        ref=notice.ref,
        unit=notice.unit,
    )


def _pieces(line: str) -> Iterator[Piece]:
    for number, text in enumerate(_LINK.split(line)):
        yield Piece(text, link=number % 2 == 1)


@cache
def _layout() -> Template:
    folder = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=folder, autoescape=True, undefined=StrictUndefined).get_template("mail.html")


def _headers(notice: Notice, attempt: int, maybe_sent: bool) -> Mapping[str, str]:
    headers = {
        "X-Denbao-Ref": ascii_only(notice.ref),
        "X-Denbao-Key": ascii_only(notice.key),
        "X-Denbao-Attempt": str(attempt),
        **_thread(notice.incident),
        "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office replies
    }
    return headers | {"X-Denbao-Maybe-Sent": "yes"} if maybe_sent else headers


def _thread(incident: str) -> Mapping[str, str]:
    root = f"<{reference(incident)}@denbao.invalid>"
    return {"In-Reply-To": root, "References": root}
