"""Webhook: the notice as JSON, posted by an Apprise `json` URL of the admin's config."""

from __future__ import annotations

from monitor.adapters.transports.job import Job, Scalar
from monitor.adapters.transports.posting import Posting, ascii_only
from monitor.model.incident import Notice, reference


class WebhookTransport(Posting):
    """`monitor.ports.Transport` over HTTP. The header `Idempotency-Key` is the same for every attempt of a notice."""

    def job(self, notice: Notice, url: str, address: str, *, attempt: int, maybe_sent: bool) -> Job:
        """All a gateway needs to write its own message or to pass on the SMS text."""
        payload: dict[str, Scalar] = {
            "key": notice.key,
            "ref": notice.ref,
            "unit": notice.unit,
            "kind": notice.kind,
            "recipient": notice.recipient,
            "subject": notice.subject,
            "body": notice.body,
            "sms": notice.sms,
            "attempt": attempt,
            "maybe_sent": maybe_sent,
        }
        headers = {"Idempotency-Key": ascii_only(notice.key)}
        return Job(url, notice.subject, notice.body, reference(notice.key), headers=headers, payload=payload)
