"""DNS probe: one name server's answer for one name: response code, records, TTL."""

from __future__ import annotations

import asyncio
import struct
from datetime import datetime
from functools import partial

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from monitor.adapters.fetch_watch import DOING, Stopwatch
from monitor.adapters.probes.beside import beside
from monitor.adapters.probes.outcome import Outcome, Transcript
from monitor.adapters.probes.talk import Unwell, reason
from monitor.adapters.probes.tools import Tools
from monitor.config.dnsrecords import spelled
from monitor.config.probespec import DnsCheck

_LARGEST = 65535  # bytes of a datagram
_OFF_LOOP = 1024  # bytes beyond which an answer is read in a thread
_MOST = 500  # records of an answer: a chosen one takes 0.2 ms to read
_HEAD = struct.Struct("!6x3H")  # how many records of an answer, of its authority and beside it
_STRANGE = 100  # datagrams that are no answer to the question, after which the probe gives up


class DnsAsk:
    """Asks one name server about one name."""

    def __init__(self, asks: DnsCheck, timeout: float, tools: Tools) -> None:
        self._asks = asks
        self._timeout = timeout
        self._tools = tools

    async def __call__(self, now: datetime) -> Outcome:
        """Ask by UDP, and again by TCP when the answer does not fit."""
        watch, said = Stopwatch(self._tools.clock), Transcript(self._tools.clock)
        asks = self._asks
        said.say(f"ask {asks.server} port {asks.port} for {asks.record} of {asks.name}")
        figures: dict[str, float] = {}
        problem = ""
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._answer(watch, said)
            figures = _ttl(answer)
            self._check(answer, said)
        except TimeoutError:
            problem = f"no answer within {self._timeout:g} s, ended while {DOING[watch.phase]}"
        except dns.exception.DNSException as error:  # a chain of aliases without an end
            problem = f"the answer is not usable DNS: {type(error).__name__}"
        except (Unwell, OSError) as error:
            problem = reason(error)
        said.say(problem or "as expected")
        return Outcome(problem, watch.phases(), said.lines, {"seconds": watch.elapsed(), **figures})

    async def _answer(self, watch: Stopwatch, said: Transcript) -> dns.message.Message:
        query = dns.message.make_query(self._asks.name, self._asks.record)
        answer = await self._by_udp(query, watch, said)
        if answer.flags & dns.flags.TC:
            said.say("cut off by UDP; once more by TCP")
            answer = await self._by_tcp(query, watch)
        return answer

    async def _by_udp(self, query: dns.message.Message, watch: Stopwatch, said: Transcript) -> dns.message.Message:
        asks, loop = self._asks, asyncio.get_running_loop()
        watch.enter("name")
        sock = await self._tools.guard.open_datagram(asks.server, asks.port, family=asks.address)
        with sock:
            said.say(f"the server is {sock.getpeername()[0]}")
            watch.enter("first_byte")
            await loop.sock_sendall(sock, query.to_wire())
            for number in range(_STRANGE):
                if answer := await _answer_in(await loop.sock_recv(sock, _LARGEST), query):
                    return answer
                if not number:
                    said.say("passed over what is no answer to this question")
                await self._tools.clock.sleep(0)  # what waits in the socket is received without a turn for others
        raise Unwell(f"{_STRANGE} datagrams came that are no answer to this question")

    async def _by_tcp(self, query: dns.message.Message, watch: Stopwatch) -> dns.message.Message:
        asks = self._asks
        reader, writer = await self._tools.guard.open_tcp(
            asks.server, asks.port, self._timeout, family=asks.address, entered=watch.enter
        )
        try:
            watch.enter("first_byte")
            writer.write(query.to_wire(prepend_length=True))
            length = int.from_bytes(await reader.readexactly(2), "big")
            watch.enter("transfer")
            answer = await _answer_in(await reader.readexactly(length), query)
        except asyncio.IncompleteReadError:
            raise Unwell("the server hung up within its answer") from None
        finally:
            writer.transport.abort()
        if answer is None:
            raise Unwell("what the server says is no answer to this question")
        return answer

    def _check(self, answer: dns.message.Message, said: Transcript) -> None:
        code = dns.rcode.to_text(answer.rcode())
        records = _records(answer)
        lasts = "".join(f", {name} {seconds:g} s" for name, seconds in _ttl(answer).items())
        said.say(f"answers {code}: {', '.join(records) or 'no records'}{lasts}")
        if code != self._asks.expect_rcode:
            raise Unwell(f"the server answers {code}, expected {self._asks.expect_rcode}")
        if code == "NOERROR" and not records:
            raise Unwell(f"the name has no {self._asks.record} record")
        missing = [wanted for wanted in self._asks.expect if wanted not in records]
        if missing:
            raise Unwell(f"the answer lacks {', '.join(missing)}")


async def _answer_in(raw: bytes, query: dns.message.Message) -> dns.message.Message | None:
    """The answer to a question; None for anything else, which may be late, forged, or noise. Raises Unwell."""
    if len(raw) < _HEAD.size or raw[:2] != query.to_wire()[:2]:  # what strangers send is not even read
        return None
    if sum(_HEAD.unpack_from(raw)) > _MOST:
        raise Unwell(f"the answer has more than {_MOST} records")
    read = partial(dns.message.from_wire, raw, ignore_trailing=True, raise_on_truncation=False)
    try:
        answer = await beside(read) if len(raw) > _OFF_LOOP else read()
    except dns.exception.DNSException:
        return None
    return answer if query.is_response(answer) else None


def _records(answer: dns.message.Message) -> list[str]:
    """The records of the name that was asked for, also under the name that it is an alias of; of no other name."""
    if answer.rcode() != dns.rcode.NOERROR or not isinstance(answer, dns.message.QueryMessage):
        return []
    found = answer.resolve_chaining().answer
    return [] if found is None else sorted(spelled(item) for item in found)


def _ttl(answer: dns.message.Message) -> dict[str, float]:
    return {"ttl": float(min(found.ttl for found in answer.answer))} if answer.answer else {}
