"""Text messages: SMS gateways, Zalo template messages, Zalo Official Accounts and chat bots, by Apprise plug-ins."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from monitor.adapters.transports.callback import signature
from monitor.adapters.transports.job import Job
from monitor.adapters.transports.posting import Posting, encodable
from monitor.adapters.transports.zalotoken import NoToken, ZaloTokens
from monitor.config.channelmodels import ANY
from monitor.config.secrets import Secret
from monitor.config.spec import Template
from monitor.model.incident import Fault, Notice, Outcome, Receipt, reference
from monitor.model.text import clean
from monitor.ports import Clock

log = logging.getLogger(__name__)

_LONG = 2000  # characters of a chat message
_WORD = 30  # characters of a parameter: the shortest limit that a type of parameter is known to have
_LINK = 200  # characters of one that is a link (to verify); half of a link leads nowhere
_LINKS = ("why_url", "ack_url", "why_token", "ack_token")
_UNSAID = "-"  # a word that is not known: templates refuse a parameter that is missing or empty


@dataclass(frozen=True, slots=True)
class Extras:
    """What a channel has beyond its URL."""

    clock: Clock
    base_url: str = ""  # of a bot's host, where it is not the vendor's
    callback: Secret | None = None  # signs the address for final statuses
    callback_base: str = ""  # of the board, as providers see it
    channel: str = ""
    templates: Mapping[str, Template] = field(default_factory=dict)  # by kind of notice; "any": for all others
    tokens: ZaloTokens | None = None


class Messaging(Posting):
    """`monitor.ports.Transport` over one of our gateways or a bot."""

    extras: Extras

    def text(self, notice: Notice) -> str:
        """What is sent."""
        return f"{clean(notice.subject, 300)}\n{notice.body}"[:_LONG]

    def options(self, notice: Notice) -> dict[str, str]:
        """What the URL has to carry for this notice."""
        return {}

    def job(self, notice: Notice, url: str, address: str, *, attempt: int, maybe_sent: bool) -> Job:
        """The message under the name that stands for the notice's key."""
        more = self.options(notice)
        return Job(
            url=url + (f"&{urlencode(more)}" if more else ""),
            subject="",
            body=encodable(self.text(notice)),
            message_id=reference(notice.key),
            address=address,
            payload=self.words(notice),
            look_up=maybe_sent,
            now=int(self.extras.clock.now().timestamp()),
            base_url=self.extras.base_url,
        )

    def words(self, notice: Notice) -> Mapping[str, str]:
        """Parameters of a template."""
        return {}


class BotTransport(Messaging):
    """Telegram and Zalo Bot."""


class SmsTransport(Messaging):
    """An SMS gateway: the unaccented text of one segment."""

    def text(self, notice: Notice) -> str:
        """The text for SMS."""
        return notice.sms

    def options(self, notice: Notice) -> dict[str, str]:
        """The address at which the gateway may tell the final status, signed for this message."""
        secret, extras = self.extras.callback, self.extras
        if secret is None or not extras.callback_base:
            return {}
        ours = reference(notice.key)
        asked = urlencode({"ref": ours, "sig": signature(secret, extras.channel, ours)})
        return {"callback_url": f"{extras.callback_base}/api/v1/receipts/{extras.channel}?{asked}"}


class ZaloTransport(Messaging):
    """A Zalo channel: needs an access token, and a new one if Zalo says that it is not valid any more."""

    _token = ""
    _unkept = ""  # why there is no token to be had until a person does something

    def options(self, notice: Notice) -> dict[str, str]:
        """The access token; the app's secret stands in the URL."""
        return {"access_token": self._token}

    async def send(self, notice: Notice, *, attempt: int, maybe_sent: bool) -> Receipt:
        """Once, and once more with a new token if the one at hand is refused."""
        assert self.extras.tokens is not None
        until = asyncio.get_running_loop().time() + self._deadline
        receipt, used = await self._with_token("", until, notice, attempt, maybe_sent)
        if receipt.outcome is Outcome.REFUSED and receipt.fault is Fault.LOGIN:
            receipt, _ = await self._with_token(used, until, notice, attempt, maybe_sent)
        return receipt

    async def _with_token(
        self, stale: str, until: float, notice: Notice, attempt: int, maybe_sent: bool
    ) -> tuple[Receipt, str]:
        """What became of it, and the token it was sent with: a neighbour may have another one by then."""
        assert self.extras.tokens is not None
        try:
            async with asyncio.timeout_at(until):
                self._token = token = await self.extras.tokens.access(stale)
        except TimeoutError:
            return Receipt(Outcome.TRY_AGAIN, "no access token in time"), ""
        except NoToken as none:
            fault = Receipt(Outcome.REFUSED, str(none), fault=Fault.CHANNEL)
            return (fault if none.final else Receipt(Outcome.TRY_AGAIN, str(none))), ""
        left = max(until - asyncio.get_running_loop().time(), 0.01)
        return await self.post(notice, left, attempt=attempt, maybe_sent=maybe_sent), token

    def trouble(self) -> str:
        """What the operator has to do about the tokens."""
        assert self.extras.tokens is not None
        return self.extras.tokens.trouble() or self._unkept

    async def upkeep(self) -> None:
        """Renew the access token in time: a refresh token that is not used for three months has ended."""
        assert self.extras.tokens is not None
        try:
            async with asyncio.timeout(self._deadline):
                await self.extras.tokens.access()
            self._unkept = ""
        except TimeoutError:
            log.warning("channel %s: no access token in time", self.extras.channel)
        except NoToken as none:
            log.warning("channel %s: %s", self.extras.channel, none)
            self._unkept = str(none) if none.final else ""

    async def close(self) -> None:
        """See the port."""
        await super().close()
        if self.extras.tokens is not None:
            await self.extras.tokens.close()


class ZnsTransport(ZaloTransport):
    """Zalo template messages by phone number: the words of a notice as parameters of an approved template."""

    def template(self, notice: Notice) -> Template | None:
        """The template for this kind of notice."""
        return self.extras.templates.get(notice.kind) or self.extras.templates.get(ANY)

    def options(self, notice: Notice) -> dict[str, str]:
        """Token and template."""
        template = self.template(notice)
        return super().options(notice) | ({"template": template.id} if template else {})

    def words(self, notice: Notice) -> Mapping[str, str]:
        """What the template asks for, by its own names."""
        template = self.template(notice)
        known = {**notice.words, "ref": notice.ref, "unit_code": notice.unit, "subject": notice.subject}
        known |= {f"{link}_token": known.get(f"{link}_url", "").rpartition("/")[2] for link in ("why", "ack")}
        wanted = template.parameters if template else {}
        return {name: encodable(_fitting(word, known.get(word, "")) or _UNSAID) for name, word in wanted.items()}

    async def send(self, notice: Notice, *, attempt: int, maybe_sent: bool) -> Receipt:
        """A notice without a template goes to the next channel."""
        if self.template(notice) is None:
            return Receipt(Outcome.REFUSED, f"no template for '{notice.kind}'", fault=Fault.MESSAGE)
        return await super().send(notice, attempt=attempt, maybe_sent=maybe_sent)


def _fitting(name: str, word: str) -> str:
    """A word as a parameter takes it: cut, or left out where it is a link that is too long."""
    if name in _LINKS:
        return word if len(word) <= _LINK else ""
    return word[:_WORD].rstrip()
