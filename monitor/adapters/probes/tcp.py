"""TCP probe: the port takes a connection, and says what is expected, within the deadline."""

from __future__ import annotations

from datetime import datetime

from monitor.adapters.probes.outcome import Outcome, Transcript
from monitor.adapters.probes.talk import Line, Target, Unwell, talk
from monitor.adapters.probes.tools import Tools
from monitor.config.probespec import TcpCheck


class TcpAsk:
    """Asks one host and port."""

    def __init__(self, asks: TcpCheck, timeout: float, tools: Tools) -> None:
        self._asks = asks
        self._target = Target(asks.host, asks.port, timeout, asks.address)
        self._tools = tools

    async def __call__(self, now: datetime) -> Outcome:
        """Connect, send, look for the expected text, and hang up."""
        send = self._asks.send.reveal() if self._asks.send else ""
        said = Transcript(self._tools.clock, [send, *send.split()])

        async def say(line: Line) -> None:
            if send:
                said.say(f"send {len(send.encode())} bytes")
                await line.send(send.encode())
            if self._asks.expect:
                await _expect(self._asks.expect, line, said)

        return await talk(self._target, self._tools, said, say)


async def _expect(text: str, line: Line, said: Transcript) -> None:
    wanted = text.encode()
    heard = await line.hear(lambda so_far: wanted in so_far)
    said.say(f"heard {len(heard)} bytes: {heard[:120].decode(errors='replace')!r}")
    if wanted not in heard and line.reader.at_eof():
        raise Unwell(f"the other side hung up without saying {text!r}")
    if wanted not in heard:
        raise Unwell(f"the other side does not say {text!r}")
