"""ICMP probe: loss and round trip over some packets, by the kernel's ping socket, which needs no privileges.

Where this machine does not let the process use one, the probe cannot ask: that is a failure of the source, never red.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from datetime import datetime
from statistics import fmean

from monitor.adapters.fetch_watch import Stopwatch
from monitor.adapters.guard import Refused
from monitor.adapters.probes.outcome import CannotAsk, Outcome, Transcript
from monitor.adapters.probes.talk import reason
from monitor.adapters.probes.tools import Tools
from monitor.config.probespec import PING_GAP, IcmpCheck

MAY_NOT = "this process may not send pings; widen net.ipv4.ping_group_range to the group of the service"
HELD_BACK = "this machine does not let pings out to the host; see its firewall"
_HEAD = struct.Struct("!BBHHH")  # type, code, checksum and identifier (both the kernel's), sequence number
_PAYLOAD = b"denbao".ljust(48, b".")
_ECHO = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}  # type of the question and of its answer


class IcmpAsk:
    """Asks one host."""

    def __init__(self, asks: IcmpCheck, timeout: float, tools: Tools) -> None:
        self._asks = asks
        self._timeout = timeout
        self._tools = tools

    async def __call__(self, now: datetime) -> Outcome:
        """Send all packets; wait for their answers. Raises CannotAsk."""
        watch, said = Stopwatch(self._tools.clock), Transcript(self._tools.clock)
        said.say(f"{self._asks.packets} packets to {self._asks.host}")
        times: dict[int, float] = {}
        problem = ""
        try:
            async with asyncio.timeout(self._timeout):
                watch.enter("name")
                sock, address = await self._open()
                with sock:
                    said.say(f"the host is {address}")
                    watch.enter("first_byte")
                    await self._ping(sock, times)
        except TimeoutError:
            said.say(f"no more answers within {self._timeout:g} s")
        except OSError as error:
            problem = reason(error)
        return self._outcome(problem, times, watch, said)

    async def _open(self) -> tuple[socket.socket, str]:
        try:
            return await self._tools.guard.open_ping(self._asks.host, family=self._asks.address)
        except Refused:
            raise
        except PermissionError:
            raise CannotAsk(MAY_NOT) from None

    async def _ping(self, sock: socket.socket, times: dict[int, float]) -> None:
        """Fills `times`: seconds by sequence number of what came back. Raises OSError, CannotAsk."""
        sent: dict[int, float] = {}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._hear(sock, sent, times))
                both.create_task(self._send(sock, sent))
        except ExceptionGroup as one_or_both:  # an ICMP error is told to both, a firewall to who sends
            raise one_or_both.exceptions[0] from None

    async def _send(self, sock: socket.socket, sent: dict[int, float]) -> None:
        question, _ = _ECHO[sock.family]
        for number in range(self._asks.packets):
            sent[number] = self._tools.clock.monotonic()
            try:
                await asyncio.get_running_loop().sock_sendall(sock, _HEAD.pack(question, 0, 0, 0, number) + _PAYLOAD)
            except PermissionError:
                raise CannotAsk(HELD_BACK) from None
            if number + 1 < self._asks.packets:
                await self._tools.clock.sleep(PING_GAP)

    async def _hear(self, sock: socket.socket, sent: dict[int, float], times: dict[int, float]) -> None:
        _, wanted = _ECHO[sock.family]
        while len(times) < self._asks.packets:
            await self._tools.clock.sleep(0)  # what waits in the socket is received without a turn for others
            raw = await asyncio.get_running_loop().sock_recv(sock, 2048)
            if len(raw) < _HEAD.size:
                continue
            kind, _, _, _, number = _HEAD.unpack_from(raw)
            if kind == wanted and number in sent and number not in times:
                times[number] = self._tools.clock.monotonic() - sent[number]

    def _outcome(self, problem: str, times: dict[int, float], watch: Stopwatch, said: Transcript) -> Outcome:
        packets = self._asks.packets
        loss = 100.0 * (packets - len(times)) / packets
        said.say(f"{len(times)} of {packets} came back" + _spread(times))
        if not problem and loss > self._asks.max_loss:
            problem = f"more than {self._asks.max_loss:g} % of the packets are lost"
        said.say(problem or "as expected")
        figures = {"loss": loss} | ({"round_trip": fmean(times.values())} if times else {})
        return Outcome(problem, watch.phases(), said.lines, figures)


def why_not() -> str:
    """Why this process cannot ask, "what; what would be right"; empty when it can. Sends nothing."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close()
    except PermissionError:
        return MAY_NOT
    except OSError as error:
        return f"no ping socket: {error.strerror}; the kernel must offer IPPROTO_ICMP over datagram sockets"
    return ""


def _spread(times: dict[int, float]) -> str:
    if not times:
        return ""
    least, mean, most = (1000 * value for value in (min(times.values()), fmean(times.values()), max(times.values())))
    return f", round trip {least:.2f} / {mean:.2f} / {most:.2f} ms (least, mean, most)"
