"""Email: one message to one address, by an Apprise `mailto` URL of the admin's config."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.adapters.transports.job import Job
from monitor.adapters.transports.posting import Posting, ascii_only, encodable
from monitor.model.incident import Notice, reference
from monitor.model.text import clean

_SUBJECT = 200  # characters


class EmailTransport(Posting):
    """`monitor.ports.Transport` over SMTP. Every attempt of a notice carries the same Message-ID and X-Denbao-Key."""

    def job(self, notice: Notice, url: str, address: str, *, attempt: int, maybe_sent: bool) -> Job:
        """The message as text, with headers by which a mail server or a person tells repeats apart."""
        return Job(
            url=url,
            subject=clean(notice.subject, _SUBJECT),
            body=encodable(notice.body),
            message_id=reference(notice.key),
            address=address,
            headers=_headers(notice, attempt, maybe_sent),
        )


def _headers(notice: Notice, attempt: int, maybe_sent: bool) -> Mapping[str, str]:
    headers = {
        "X-Denbao-Ref": ascii_only(notice.ref),
        "X-Denbao-Key": ascii_only(notice.key),
        "X-Denbao-Attempt": str(attempt),
        "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office replies
    }
    return headers | {"X-Denbao-Maybe-Sent": "yes"} if maybe_sent else headers
