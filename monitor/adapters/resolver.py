"""Name look-ups in lanes: names that answer do not wait behind names that hang.

A look-up's patience starts when it leaves the queue, so a full queue is never taken for a dead name. Only real answers
are remembered as "no such name". While a look-up of a name hangs, further ones of that name fail at once.
"""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiodns
import pycares
from aiohttp.abc import AbstractResolver, ResolveResult

_MIN_TTL, _MAX_TTL = 5.0, 300.0  # seconds an answer is used before it is asked for again
_NEGATIVE_TTL = 30.0
_LAST_GOOD = 3600.0  # seconds a known address stays usable while the name servers do not answer
_HANGING_AT_MOST = 15.0  # seconds after which an abandoned look-up is ended
_NO_SUCH_NAME = (pycares.errno.ARES_ENOTFOUND, pycares.errno.ARES_ENODATA)


class NameFailed(OSError):
    """A name gave no address. `real` tells a name server's "no such name" from silence or trouble on the way."""

    def __init__(self, reason: str, *, real: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.real = real


@dataclass(frozen=True, slots=True)
class Answer:
    """Addresses of a name as IP literals, and for how many seconds the name server vouches for them."""

    addresses: tuple[str, ...]
    ttl: float


Outcome = Answer | NameFailed
Query = Callable[[str], Awaitable[Answer]]


class AresQuery:
    """One c-ares channel: asks for the IPv4 and IPv6 addresses of a name. Raises NameFailed.

    `timeout` is the seconds of one try; `servers` and `port` replace the system's name servers.
    """

    def __init__(self, *, timeout: float, tries: int = 2, servers: Sequence[str] = (), port: int | None = None) -> None:
        self._options: dict[str, Any] = {"timeout": timeout, "tries": tries, "udp_port": port, "tcp_port": port}
        self._servers = servers
        self._channel: aiodns.DNSResolver | None = None

    async def __call__(self, name: str) -> Answer:
        """Ask the name servers. Raises NameFailed."""
        if self._channel is None:
            self._channel = aiodns.DNSResolver(self._servers or None, **self._options)
        try:
            found = await self._channel.getaddrinfo(name, socket.AF_UNSPEC, type=socket.SOCK_STREAM)
        except (aiodns.error.DNSError, pycares.AresError) as error:
            code, text = (*error.args, 0, "look-up failed")[:2]
            raise NameFailed(str(text).lower(), real=code in _NO_SUCH_NAME) from None
        except UnicodeError:
            raise NameFailed("not a valid host name", real=True) from None
        addresses = tuple(dict.fromkeys(_text(node.addr[0]) for node in found.nodes))
        return Answer(addresses, min((float(node.ttl) for node in found.nodes), default=0.0))

    async def close(self) -> None:
        """End look-ups under way; the channel opens again when used again."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()


def _text(raw: bytes | str) -> str:
    return raw.decode("ascii") if isinstance(raw, bytes) else raw


@dataclass(slots=True)
class Lane:
    """A bounded number of look-ups at once; `patience` is how many seconds one of them may take."""

    query: Query
    width: int
    patience: float
    slots: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.slots = asyncio.Semaphore(self.width)


@dataclass(frozen=True, slots=True)
class _Known:
    outcome: Outcome
    at: float
    fresh_until: float


class LaneResolver(AbstractResolver):
    """Resolver for aiohttp and for plain TCP. `monotonic` returns seconds that never step back.

    Names start in the fast lane; one that outlasts its patience moves to the slow lane until it answers in time again.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        fast: Lane | None = None,
        slow: Lane | None = None,
        cache_size: int = 10_000,
    ) -> None:
        self._monotonic = monotonic
        self._fast = fast or Lane(AresQuery(timeout=1.0), width=128, patience=2.0)
        self._slow = slow or Lane(AresQuery(timeout=2.0), width=8, patience=5.0)
        self._cache_size = cache_size
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._seen_slow: OrderedDict[str, None] = OrderedDict()
        self._flights: dict[str, asyncio.Task[Outcome]] = {}
        self._queries: dict[str, asyncio.Task[Outcome]] = {}
        self._hanging: set[str] = set()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Addresses of a name as aiohttp wants them. Raises NameFailed."""
        outcome = await self.look_up(host)
        if isinstance(outcome, NameFailed):
            raise NameFailed(outcome.reason, real=outcome.real)
        results = [_result(host, address, port) for address in outcome.addresses]
        wanted = [entry for entry in results if family in (socket.AF_UNSPEC, entry["family"])]
        if not wanted:
            raise NameFailed("no address of the wanted family", real=True)
        return wanted

    async def look_up(self, host: str) -> Outcome:
        """The addresses of a name, from memory or from a name server, or why there are none."""
        name = host.rstrip(".").lower()
        known = self._known.get(name)
        if known is not None and self._monotonic() < known.fresh_until:
            self._known.move_to_end(name)
            return known.outcome
        return self._or_last_good(name, await self._fly(name))

    async def _fly(self, name: str) -> Outcome:
        flight = self._flights.get(name)
        if name in self._hanging or (flight is not None and name in self._seen_slow):
            return NameFailed("an earlier look-up of this name has not been answered yet")
        if flight is None:
            flight = asyncio.create_task(self._ask(name))
            self._flights[name] = flight
            flight.add_done_callback(lambda _: self._flights.pop(name, None))
        # One caller's deadline must not end the look-up that others share.
        return await asyncio.shield(flight)

    async def _ask(self, name: str) -> Outcome:
        lane = self._slow if name in self._seen_slow else self._fast
        async with lane.slots:
            query = asyncio.create_task(_outcome(lane.query, name))
            self._queries[name] = query
            query.add_done_callback(lambda task: self._learn(name, task))
            began = self._monotonic()
            done, _ = await asyncio.wait({query}, timeout=lane.patience)
        if not done:
            self._hang(name)
            return NameFailed(f"no answer within {lane.patience:g} s")
        if self._monotonic() - began <= self._fast.patience:
            self._seen_slow.pop(name, None)
        return query.result()

    def _hang(self, name: str) -> None:
        # The name server may still answer: its slot is free again, and a late answer is kept for the next poll.
        self._hanging.add(name)
        self._seen_slow[name] = None
        _trim(self._seen_slow, self._cache_size)

    def _learn(self, name: str, query: asyncio.Task[Outcome]) -> None:
        self._queries.pop(name, None)
        self._hanging.discard(name)
        if query.cancelled():
            return
        outcome, now = query.result(), self._monotonic()
        if isinstance(outcome, NameFailed) and not outcome.real:
            return
        ttl = min(max(outcome.ttl, _MIN_TTL), _MAX_TTL) if isinstance(outcome, Answer) else _NEGATIVE_TTL
        self._known[name] = _Known(outcome, now, now + ttl)
        self._known.move_to_end(name)
        _trim(self._known, self._cache_size)

    def _or_last_good(self, name: str, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Answer) or outcome.real:
            return outcome
        known = self._known.get(name)
        usable = known is not None and isinstance(known.outcome, Answer)
        if known is not None and usable and self._monotonic() - known.at <= _LAST_GOOD:
            return known.outcome
        return outcome

    async def close(self) -> None:
        """End all look-ups. The resolver works again when used again."""
        tasks = [*self._flights.values(), *self._queries.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for lane in (self._fast, self._slow):
            if isinstance(lane.query, AresQuery):
                await lane.query.close()


async def _outcome(query: Query, name: str) -> Outcome:
    try:
        async with asyncio.timeout(_HANGING_AT_MOST):
            answer = await query(name)
    except NameFailed as failed:
        return failed
    except TimeoutError:
        return NameFailed("no answer")
    return answer if answer.addresses else NameFailed("the name has no address", real=True)


def _trim(table: OrderedDict[str, _Known] | OrderedDict[str, None], size: int) -> None:
    while len(table) > size:
        table.popitem(last=False)


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)
