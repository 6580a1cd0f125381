"""One send by Apprise, and what its result means. Runs in workers only.

The plug-ins are used as classes: no other scheme is loaded, and no option of a URL reaches them that is not named
here (no attachments but the files of a job, no retries inside a send, no optional services, no copies, no redirects).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from apprise import Apprise, AppriseAsset, AppriseAttachment, NotifyFormat
from apprise.attachment.file import AttachFile
from apprise.plugins.custom_json import NotifyJSON
from apprise.plugins.email import base as email_plugin
from apprise.plugins.email.base import NotifyEmail
from apprise.plugins.telegram import NotifyTelegram
from apprise.plugins.zalo import NotifyZalo
from apprise.result import AppriseResultStatus

from monitor.adapters.transports.gateways.codes import receipt_of_status
from monitor.adapters.transports.gateways.gateway import Gateway, Letter
from monitor.adapters.transports.gateways.registry import GATEWAYS
from monitor.adapters.transports.job import Job, JobResult
from monitor.adapters.transports.witness import Witness
from monitor.model.incident import Fault, Outcome, Receipt

SERVICES: dict[str, Any] = {
    "mailto": NotifyEmail,
    "mailtos": NotifyEmail,
    "json": NotifyJSON,
    "jsons": NotifyJSON,
    "tgram": NotifyTelegram,
    "zalo": NotifyZalo,
    **GATEWAYS,
}
_BOTS = {NotifyTelegram: "telegram", NotifyZalo: "zalobot"}  # as codes.csv calls them
_KEPT = frozenset({
    "schema", "secure", "host", "port", "user", "password", "fullpath", "verify",
    "from_addr", "smtp_host", "secure_mode", "reply_to",
    "method", "params",
    "bot_token", "token",
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
    carried, missing = _carried(service, job)
    status = sender.notify(**_content(service, job), attach=carried).status
    receipt = _receipt(service, status, replace(seen))
    if missing and receipt.outcome is Outcome.SENT:
        receipt = replace(receipt, detail=f"{receipt.detail}, without {missing} of {len(job.files)} attachments")
    return JobResult(receipt, spent=status is AppriseResultStatus.TIMEOUT)


def _carried(service: Any, job: Job) -> tuple[AppriseAttachment | None, int]:
    """The files of an e-mail, and how many are not there any more: a message goes without them rather than not."""
    if not job.files or not isinstance(service, NotifyEmail):
        return None, 0
    opened: Any = AttachFile
    files = [file for path in job.files if (file := opened(path, asset=service.asset))]
    return AppriseAttachment(files, asset=service.asset) if files else None, len(job.files) - len(files)


def _content(service: Any, job: Job) -> dict[str, Any]:
    if isinstance(service, NotifyEmail) and job.html:
        # The text part is ours, not what Apprise makes of the page.
        email_plugin.convert_between = lambda *_, **__: job.body  # type: ignore[attr-defined]
        return {"body": job.html, "title": job.subject, "body_format": NotifyFormat.HTML}
    return {"body": job.body, "title": job.subject, "body_format": NotifyFormat.TEXT}


def _receipt(service: Any, status: AppriseResultStatus, seen: Witness) -> Receipt:
    if isinstance(service, Gateway):
        receipt = service.receipt or unheard(seen)
        return receipt if receipt.outcome is Outcome.SENT else replace(receipt, retry_after=seen.retry_after)
    bot = _BOTS.get(type(service))
    if bot is None or seen.code is None:
        return interpret(status, seen)
    if 200 <= seen.code < 300 and status is AppriseResultStatus.SUCCESS:
        return Receipt(Outcome.SENT, f"{bot} HTTP {seen.code}")
    return receipt_of_status(bot, seen.code, seen.retry_after)


def unheard(seen: Witness) -> Receipt:
    """The receipt for a gateway from which no whole answer came. That it began to answer says nothing."""
    receipt = interpret(AppriseResultStatus.FAILURE, replace(seen, code=None))
    return replace(receipt, fault=Fault.CHANNEL) if receipt.outcome is Outcome.REFUSED else receipt


def _name_message(left: str) -> None:
    # The plug-in makes a random Message-ID and would add one given as a header as a second. A repeat has to carry the
    # same one, because mail servers drop duplicates by it.
    def same(idstring: str | None = None, domain: str | None = None) -> str:
        return f"<{left}@{domain or 'denbao.invalid'}>"

    email_plugin.make_msgid = same  # type: ignore[attr-defined]


def build(job: Job) -> Any:
    """The service of a job's URL; None for any scheme but those above, and for what the plug-in does not take."""
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
    if job.base_url and plugin in _BOTS:
        service.notify_url = job.base_url.rstrip("/") + urlsplit(service.notify_url).path
    return service if _one_recipient(service, job) else None


def _filled(plugin: Any, job: Job, parsed: dict[str, Any]) -> dict[str, Any]:
    filled: dict[str, Any] = {"headers": {**parsed.get("headers", {}), **job.headers}}
    if plugin is NotifyEmail:
        filled["targets"] = [job.address] if job.address else parsed["targets"]
    elif plugin in _BOTS:
        return {"targets": [job.address]} | ({"detect_owner": False} if plugin is NotifyTelegram else {})
    elif issubclass(plugin, Gateway):
        words = {name: str(word) for name, word in job.payload.items()}
        letter = Letter(job.address, job.body, job.message_id, words, job.now)
        return {"options": parsed["options"], "letter": letter, "look_up": job.look_up}
    else:
        filled["payload"] = {**_NO_DEFAULTS, **parsed["payload"], **job.payload}
    return filled


def _one_recipient(service: Any, job: Job) -> bool:
    if type(service) in _BOTS:
        return len(service.targets) == 1
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
