"""What all gateways have in common, as an Apprise plug-in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote, urlencode

import requests
from apprise import NotifyBase

from monitor.adapters.transports.gateways.codes import COME_BACK, receipt_of, receipt_of_status
from monitor.adapters.transports.gateways.wire import Answer, Ask, Unreadable, talk
from monitor.model.incident import Outcome, Receipt
from monitor.model.text import clean


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one recipient, as a gateway needs it."""

    to: str = field(repr=False)  # phone number as 84..., or the gateway's id of a person
    text: str
    name: str  # ours for the message, the same for every attempt
    words: Mapping[str, str] = field(default_factory=dict)  # parameters of a template
    now: int = 0  # seconds since 1970, for tokens that expire


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says."""

    code: str
    id: str = ""  # the gateway's own name for the message


_NO_LOOK_UP = frozenset({404, 405, 410})  # the gateway has no such question

Base: Any = NotifyBase  # its own types do not let a subclass say what it is


class Gateway(Base):  # type: ignore[misc]
    """A plug-in that sends one letter and keeps the receipt. Subclasses say how to ask and how to read."""

    scheme: ClassVar[str]
    home: ClassVar[str]  # where the gateway listens, unless the config says otherwise
    private: ClassVar[frozenset[str]] = frozenset()  # options that are secrets
    request_rate_per_sec = 0  # the outbox limits
    title_maxlen = 0
    body_maxlen = 4000

    def __init__(self, options: Mapping[str, str], letter: Letter, look_up: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.options = options
        self.letter = letter
        self.look_up = look_up  # an earlier attempt may have arrived
        self.retry_after: float | None = None
        self.receipt: Receipt | None = None

    @property
    def base(self) -> str:
        """Where the gateway listens, without a slash at the end."""
        return self.options.get("base_url", self.home).rstrip("/")

    def ask(self) -> Ask:
        """The request that hands the letter over."""
        raise NotImplementedError

    def read(self, body: bytes) -> Said:
        """What an answer says. Raises Unreadable, ValueError, LookupError, TypeError or AttributeError for another."""
        raise NotImplementedError

    def ask_again(self) -> Ask | None:
        """The request that asks what became of the letter; None where there is none."""
        return None

    def read_again(self, body: bytes) -> Receipt | None:
        """What became of it; None: the gateway does not know it. Raises as `read` does."""
        return None

    def send(self, body: str, title: str = "", **kwargs: Any) -> bool:
        """Called by Apprise."""
        self.receipt = (self._looked_up() if self.look_up else None) or self._handed_over()
        return self.receipt is not None and self.receipt.outcome is Outcome.SENT

    def _looked_up(self) -> Receipt | None:
        """What became of an earlier attempt; None where it may be handed over again.

        While the gateway does not answer that, nobody knows: to hand it over again could ring twice.
        """
        question = self.ask_again()
        if question is None:
            return None
        answer = self._talk(question)
        if answer is not None and answer.status in _NO_LOOK_UP:
            return None
        try:
            if answer is not None and answer.body is not None and answer.status == requests.codes.ok:
                return self.read_again(answer.body)
        except (ValueError, LookupError, TypeError, AttributeError):
            pass
        return Receipt(Outcome.UNKNOWN, f"{self.scheme}: what became of an earlier attempt is not answered")

    def _handed_over(self) -> Receipt | None:
        """None where there was no answer: what was seen on the wire decides."""
        answer = self._talk(self.ask())
        if answer is None:
            return None
        try:
            told = answer.body is not None and answer.status < 500 and answer.status not in COME_BACK
            said = self.read(answer.body or b"") if told else None
        except (ValueError, LookupError, TypeError, AttributeError):
            said = None
        if said is None or not said.code:
            return receipt_of_status(self.scheme, answer.status, None)
        return receipt_of(self.scheme, clean(said.code, 40), clean(said.id, 100))

    def _talk(self, ask: Ask) -> Answer | None:
        try:
            return talk(ask, self.socket_read_timeout)
        except (requests.RequestException, OSError, ValueError):
            return None

    def url(self, privacy: bool = False, *args: Any, **kwargs: Any) -> str:
        """The service as a URL; with `privacy` secrets and the recipient are left out."""
        hidden = self.private if privacy else frozenset()
        shown = {name: "***" if name in hidden else value for name, value in self.options.items()}
        to = "***" if privacy else quote(self.letter.to, safe="")
        return f"{self.scheme}://{to}?{urlencode(shown)}"

    @staticmethod
    def parse_url(url: str, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """The options of a URL; the recipient stands apart, in the job."""
        _, separator, rest = url.partition("://")
        return {"options": dict(parse_qsl(rest.partition("?")[2]))} if separator else None


def json_of(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises Unreadable for anything else."""
    try:
        found = json.loads(body, parse_constant=_no_constant)
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    if not isinstance(found, dict):
        raise Unreadable("not a JSON object")
    return found


def _no_constant(name: str) -> None:
    raise Unreadable(f"{name} is no JSON")


def as_json(fields: Mapping[str, Any]) -> bytes:
    """A JSON body in ASCII."""
    return json.dumps(fields).encode()


JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
