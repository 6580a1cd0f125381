"""What is looked up when a message is sent: its recipient's links, which the outbox never holds, and their post."""

from __future__ import annotations

from collections.abc import Callable

from monitor.model.incident import LEFT, Fault, Notice, Outcome, Receipt
from monitor.ports import Transport


class Linked:
    """A transport whose messages carry their recipient's links, and go to nobody who has left the post meanwhile."""

    def __init__(
        self, transport: Transport, fill: Callable[[Notice], Notice], holds: Callable[[Notice], bool] = lambda _: True
    ) -> None:
        self._transport = transport
        self._fill = fill
        self._holds = holds

    async def send(self, notice: Notice, *, attempt: int, maybe_sent: bool) -> Receipt:
        """See `monitor.ports.Transport`."""
        if not self._holds(notice):
            return Receipt(Outcome.REFUSED, LEFT, fault=Fault.LEFT)
        return await self._transport.send(self._fill(notice), attempt=attempt, maybe_sent=maybe_sent)

    async def close(self) -> None:
        """See `monitor.ports.Transport`."""
        await self._transport.close()
