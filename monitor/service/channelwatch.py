"""What is wrong with the channels themselves, for the board and as a metric: stopped now, or soon."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import Metric
from prometheus_client.registry import Collector

from monitor.adapters.transports.posting import Posting
from monitor.ports import Transport
from monitor.service.instruments import collected
from monitor.service.sender import Sender


class ChannelWatch(Collector):
    """Asks the sender which channels it had to stop, and the transports what they need."""

    def __init__(self, sender: Sender, transports: Mapping[str, Transport]) -> None:
        self._sender = sender
        self._transports = transports

    @property
    def warnings(self) -> Mapping[str, str]:
        """Channels that will stop unless somebody does something."""
        asked = {name: one.trouble() for name, one in self._transports.items() if isinstance(one, Posting)}
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
