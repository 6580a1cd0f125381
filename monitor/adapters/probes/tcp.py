"""TCP probe: the port takes a connection within the deadline."""

from __future__ import annotations

from datetime import datetime

from monitor.adapters.fetch_watch import Stopwatch
from monitor.adapters.probes.outcome import Outcome, Transcript
from monitor.adapters.probes.tools import Tools
from monitor.config.probespec import TcpCheck


class TcpAsk:
    """Asks one host and port."""

    def __init__(self, asks: TcpCheck, timeout: float, tools: Tools) -> None:
        self._asks = asks
        self._timeout = timeout
        self._tools = tools

    async def __call__(self, now: datetime) -> Outcome:
        """Connect and hang up."""
        watch, said = Stopwatch(self._tools.clock), Transcript(self._tools.clock)
        said.say(f"connect to {self._asks.host} port {self._asks.port}")
        problem = await self._dial(watch)
        said.say(problem or "connected")
        return Outcome(problem, watch.phases(), said.lines, {"seconds": watch.elapsed()})

    async def _dial(self, watch: Stopwatch) -> str:
        try:
            _, writer = await self._tools.guard.open_tcp(
                self._asks.host, self._asks.port, self._timeout, entered=watch.enter
            )
        except TimeoutError:
            return f"no connection within {self._timeout:g} s"
        except OSError as error:
            return f"{type(error).__name__}: {error.strerror or error}"
        writer.transport.abort()  # nothing is owed to a port that answered; closing politely could hang
        return ""
