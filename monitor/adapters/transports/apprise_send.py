"""One send by Apprise, and what its result means. Runs in workers only.

The two plug-ins are used as classes: no other scheme is loaded, and no option of a URL reaches them that is not named
here (no attachments, no retries inside a send, no optional services, no copies, no redirects).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat
from apprise.plugins.custom_json import NotifyJSON
from apprise.plugins.email import base as email_plugin
from apprise.plugins.email.base import NotifyEmail
from apprise.result import AppriseResultStatus

from monitor.adapters.transports.job import Job, JobResult
from monitor.adapters.transports.witness import Witness
from monitor.model.incident import Outcome, Receipt

SERVICES: dict[str, type[NotifyBase]] = {
    "mailto": NotifyEmail,
    "mailtos": NotifyEmail,
    "json": NotifyJSON,
    "jsons": NotifyJSON,
}
_KEPT = frozenset({
    "schema", "secure", "host", "port", "user", "password", "fullpath", "verify",
    "from_addr", "smtp_host", "secure_mode", "reply_to",
    "method", "params",
})  # fmt: skip
# Apprise's own fields of a JSON body: an empty value takes them out.
_NO_DEFAULTS = dict.fromkeys(("version", "title", "message", "attachments", "type"), "")
_SOCKET_SHARE = 0.75  # of the time left: one wait on a socket ends before the service's limit ...
_SERVICE_SHARE = 0.8  # ... and that before the worker is killed, so that what is known can still be told
_COME_BACK = frozenset({408, 425, 429})


def send(job: Job, seen: Witness) -> JobResult:
    """Send once. Never raises for what the network does."""
    seen.forget()
    service = build(job)
    if service is None:
        return JobResult(Receipt(Outcome.REFUSED, "the channel's url or the address is not understood"))
    _name_message(job.message_id)
    sender = Apprise(asset=service.asset)
    sender.add(service)
    status = sender.notify(body=job.body, title=job.subject, body_format=NotifyFormat.TEXT).status
    return JobResult(interpret(status, replace(seen)), spent=status is AppriseResultStatus.TIMEOUT)


def _name_message(left: str) -> None:
    # The plug-in makes a random Message-ID and would add one given as a header as a second. A repeat has to carry the
    # same one, because mail servers drop duplicates by it.
    def same(idstring: str | None = None, domain: str | None = None) -> str:
        return f"<{left}@{domain or 'denbao.invalid'}>"

    email_plugin.make_msgid = same  # type: ignore[attr-defined]


def build(job: Job) -> NotifyBase | None:
    """The service of a job's URL; None for any scheme but the four, and for what the plug-in does not take."""
    scheme, separator, _ = job.url.partition("://")
    plugin = SERVICES.get(scheme.lower()) if separator else None
    parsed = plugin.parse_url(job.url) if plugin is not None else None
    if plugin is None or not parsed:
        return None
    options = {name: value for name, value in parsed.items() if name in _KEPT}
    try:
        service = plugin(asset=_asset(job), **options, **_filled(plugin, job, parsed))
    except TypeError:  # how Apprise says that an option makes no sense
        return None
    service.request_rate_per_sec = 0
    service.socket_connect_timeout = service.socket_read_timeout = job.timeout * _SOCKET_SHARE
    return service if _one_recipient(service, job) else None


def _filled(plugin: type[NotifyBase], job: Job, parsed: dict[str, Any]) -> dict[str, Any]:
    filled: dict[str, Any] = {"headers": {**parsed["headers"], **job.headers}}
    if plugin is NotifyEmail:
        filled["targets"] = [job.address] if job.address else parsed["targets"]
    else:
        filled["payload"] = {**_NO_DEFAULTS, **parsed["payload"], **job.payload}
    return filled


def _one_recipient(service: NotifyBase, job: Job) -> bool:
    if not isinstance(service, NotifyEmail):
        return True
    targets = [address for _, address in service.targets]
    return targets == [job.address] if job.address else len(targets) == 1


def _asset(job: Job) -> AppriseAsset:
    return AppriseAsset(
        app_id="denbao",
        app_desc="denbao",
        async_mode=False,
        http_redirects=False,
        interpret_emojis=False,
        storage_mode="memory",
        pgp_autogen=False,
        pem_autogen=False,
        service_timeout=job.timeout * _SERVICE_SHARE,
    )


def interpret(status: AppriseResultStatus, seen: Witness) -> Receipt:
    """The receipt for Apprise's status and what was seen on the wire; details hold no address and no URL."""
    if status is AppriseResultStatus.NOMATCH:
        return Receipt(Outcome.REFUSED, "no service took the message")
    if seen.code is not None:
        return _answered(seen)
    if status is AppriseResultStatus.SUCCESS:
        return Receipt(Outcome.SENT)
    if seen.delivering:
        timed_out = status is AppriseResultStatus.TIMEOUT
        return Receipt(Outcome.UNKNOWN, "timed out" if timed_out else "no answer to the message")
    if seen.forbidden:
        return Receipt(Outcome.REFUSED, f"not dialled: {seen.forbidden}")
    if seen.login is not None:
        return Receipt(Outcome.TRY_AGAIN, f"login refused: SMTP {seen.login}")
    return Receipt(Outcome.TRY_AGAIN, "could not be reached")


def _answered(seen: Witness) -> Receipt:
    code = seen.code or 0
    detail = f"{seen.protocol} {code} {seen.extra}".strip()
    if 200 <= code < 300:
        return Receipt(Outcome.SENT, detail)
    smtp = seen.protocol == "SMTP"
    permanent = 500 <= code < 600 if smtp else 400 <= code < 500 and code not in _COME_BACK
    return Receipt(Outcome.REFUSED if permanent else Outcome.TRY_AGAIN, detail, seen.retry_after)
