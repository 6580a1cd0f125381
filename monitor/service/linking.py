"""Links go into a message when it is sent: the outbox never holds them."""

from __future__ import annotations

from collections.abc import Callable

from monitor.model.incident import Notice, Receipt
from monitor.ports import Transport


class Linked:
    """A transport whose messages carry their recipient's links."""

    def __init__(self, transport: Transport, fill: Callable[[Notice], Notice]) -> None:
        self._transport = transport
        self._fill = fill

    async def send(self, notice: Notice, *, attempt: int, maybe_sent: bool) -> Receipt:
        """See `monitor.ports.Transport`."""
        return await self._transport.send(self._fill(notice), attempt=attempt, maybe_sent=maybe_sent)

    async def close(self) -> None:
        """See `monitor.ports.Transport`."""
        await self._transport.close()
