"""What a worker sees on its own wire, and the addresses it must not dial.

Apprise tells success from failure and little more. What decides between "try again", "refused" and "nobody knows" is
whether the message began to leave, and with which code it was answered: both are seen here. Runs in workers only.
"""

from __future__ import annotations

import re
import smtplib
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from monitor.adapters.guard import AddressGuard, Refused

_DIALS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_ENHANCED = re.compile(rb"\s*([245]\.\d{1,3}\.\d{1,3})\b")


@dataclass(slots=True)
class Witness:
    """What was seen of one send."""

    delivering: bool = False  # the message itself began to leave: from here on it may have arrived
    protocol: str = ""  # "HTTP" or "SMTP", as soon as a code came
    code: int | None = None  # the answer to the message
    extra: str = ""  # enhanced SMTP status, such as 5.1.1
    login: int | None = None  # the code with which a login was refused
    retry_after: float | None = None  # seconds
    forbidden: str = ""  # why the address guard refused to dial

    def forget(self) -> None:
        """Begin the next send."""
        fresh = Witness()
        for one in fields(self):
            setattr(self, one.name, getattr(fresh, one.name))

    def smtp(self, code: int, text: bytes | str) -> None:
        """Note the answer of a mail server to a sender, a recipient or a message."""
        raw = text.encode(errors="replace") if isinstance(text, str) else text
        found = _ENHANCED.match(raw)
        self.protocol, self.code = "SMTP", code
        self.extra = found[1].decode() if found else ""


def install(guard: AddressGuard) -> Witness:
    """Watch and guard this process from now on. An audit hook cannot be taken out again."""
    seen = Witness()
    sys.addaudithook(_hook(seen, guard))
    _watch_http(seen)
    _watch_smtp(seen)
    return seen


def _hook(seen: Witness, guard: AddressGuard) -> Callable[[str, tuple[Any, ...]], None]:
    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in _DIALS:
            _check(seen, guard, args[1])
        elif event == "http.client.send" or (event == "smtplib.send" and bytes(args[1][:6]).lower() == b"data\r\n"):
            seen.delivering = True

    return hook


def _check(seen: Witness, guard: AddressGuard, address: object) -> None:
    if address is None:  # a message on a socket that was checked when it was connected
        return
    plain = isinstance(address, tuple) and len(address) >= 2
    reason = guard.refuse(str(address[0]), int(address[1])) if plain else "not an internet address"  # type: ignore[index]
    if reason is not None:
        seen.forbidden = reason
        raise Refused(reason)


def _watch_http(seen: Witness) -> None:
    send = HTTPAdapter.send

    def watched(self: HTTPAdapter, *args: Any, **kwargs: Any) -> requests.Response:
        answer = send(self, *args, **kwargs)
        # Noted before the body is read: an answer that never ends has still said what became of the message.
        seen.protocol, seen.code = "HTTP", answer.status_code
        seen.retry_after = _seconds(answer.headers)
        return answer

    HTTPAdapter.send = watched  # type: ignore[method-assign]


def _watch_smtp(seen: Witness) -> None:
    login, sendmail = smtplib.SMTP.login, smtplib.SMTP.sendmail

    def watched_login(self: smtplib.SMTP, *args: Any, **kwargs: Any) -> Any:
        try:
            return login(self, *args, **kwargs)
        except smtplib.SMTPResponseException as refusal:
            seen.login = refusal.smtp_code
            raise

    def watched_sendmail(self: smtplib.SMTP, *args: Any, **kwargs: Any) -> Any:
        try:
            answer = sendmail(self, *args, **kwargs)
        except smtplib.SMTPRecipientsRefused as refusal:
            seen.smtp(*next(iter(refusal.recipients.values())))
            raise
        except smtplib.SMTPResponseException as refusal:
            seen.smtp(refusal.smtp_code, refusal.smtp_error)
            raise
        seen.smtp(250, "")
        return answer

    smtplib.SMTP.login = watched_login  # type: ignore[method-assign]
    smtplib.SMTP.sendmail = watched_sendmail  # type: ignore[method-assign]


def _seconds(headers: CaseInsensitiveDict[str]) -> float | None:
    """Retry-After in seconds; a date counts from the answer's own Date, so that no clock has to agree."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max((parsedate_to_datetime(text) - parsedate_to_datetime(headers["Date"])).total_seconds(), 0.0)
    except (KeyError, ValueError, TypeError):
        return None
