"""What email and webhook share: the address at send time, the URL, the pool."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from urllib.parse import quote

from monitor.adapters.transports.job import Job
from monitor.adapters.transports.pool import Pool
from monitor.config.secrets import Secret
from monitor.model.incident import Notice, Outcome, Receipt

ADDRESS = "{address}"
_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "%")


class Posting(ABC):
    """A transport whose work is done by a pool of workers.

    `address_of` gives the address of a recipient id on this channel, or None; it is asked at every send. `deadline` is
    in seconds and covers everything.
    """

    def __init__(
        self, url: Secret, address_of: Callable[[str], Secret | None], pool: Pool, deadline: float = 15.0
    ) -> None:
        self._url = url
        self._address_of = address_of
        self._pool = pool
        self._deadline = deadline

    @abstractmethod
    def job(self, notice: Notice, url: str, address: str, *, attempt: int, maybe_sent: bool) -> Job:
        """The work for one notice; `address` is empty where the URL names no recipient of its own."""

    async def send(self, notice: Notice, *, attempt: int, maybe_sent: bool) -> Receipt:
        """See the port."""
        return await self.post(notice, self._deadline, attempt=attempt, maybe_sent=maybe_sent)

    async def post(self, notice: Notice, deadline: float, *, attempt: int, maybe_sent: bool) -> Receipt:
        """Have it sent once within `deadline` seconds."""
        template, address = self._url.reveal(), ""
        if ADDRESS in template:
            known = self._address_of(notice.recipient)
            if known is None:
                return Receipt(Outcome.REFUSED, "no address")
            address = known.reveal()
        url = template.replace(ADDRESS, quote(address, safe=""))
        work = self.job(notice, url, address, attempt=attempt, maybe_sent=maybe_sent)
        return await self._pool.send(work, deadline)

    def trouble(self) -> str:
        """What the operator has to do about this channel, before it stops; empty: nothing."""
        return ""

    async def upkeep(self) -> None:
        """Called at the start and each hour: what has to be renewed although nothing is sent. Most need nothing."""
        return

    async def close(self) -> None:
        """See the port."""
        await self._pool.close()


def ascii_only(text: str) -> str:
    """A text fit for any header: printable ASCII without blanks, everything else percent-encoded."""
    return quote(text, safe=_PRINTABLE, errors="replace")


def encodable(text: str) -> str:
    """The same text; a lone surrogate, which no wire can carry, becomes a question mark."""
    return text.encode(errors="replace").decode()
