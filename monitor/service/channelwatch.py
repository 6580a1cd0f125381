"""What the channels themselves need: what is renewed each hour although nothing is sent, and what is wrong with them,
for the board and as a metric: stopped now, or soon.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import Metric
from prometheus_client.registry import Collector

from monitor.adapters.transports.posting import Posting
from monitor.ports import Clock, Transport
from monitor.service.instruments import collected
from monitor.service.sender import Sender

UPKEEP = 3600.0  # seconds


class ChannelWatch(Collector):
    """Asks the sender which channels it had to stop, and the transports what they need."""

    def __init__(self, sender: Sender, transports: Mapping[str, Transport]) -> None:
        self._sender = sender
        self._transports = transports
        self._posting = {name: one for name, one in transports.items() if isinstance(one, Posting)}

    async def run(self, clock: Clock) -> None:
        """Have the channels renew what they need, at once and each hour; ends by cancellation."""
        while self._posting:
            for one in self._posting.values():
                await one.upkeep()
            await clock.sleep(UPKEEP)

    @property
    def warnings(self) -> Mapping[str, str]:
        """Channels that will stop unless somebody does something."""
        asked = {name: one.trouble() for name, one in self._posting.items()}
        return {name: text for name, text in asked.items() if text}

    def sentences(self) -> tuple[str, ...]:
        """One for each channel with a problem."""
        problems = {**self.warnings, **self._sender.stopped}
        return tuple(f"{name}: {text}" for name, text in sorted(problems.items()))

    def collect(self) -> Iterable[Metric]:
        """Called by the registry when the page is made."""
        stopped, warned = collected("denbao_channel_stopped"), collected("denbao_channel_warning")
        ill, warnings = self._sender.stopped, self.warnings
        for name in sorted(self._transports):
            stopped.add_metric((name,), name in ill)
            warned.add_metric((name,), name in warnings)
        return (stopped, warned)
