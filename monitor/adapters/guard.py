"""The address guard: which addresses the product may dial, decided where the socket is made.

A name or a URL can be checked and still lead elsewhere (a redirect, a re-bound name, an odd spelling). The address
handed to the socket cannot, so this is the one place that decides.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from monitor.config.allow import Address, AllowRule

if TYPE_CHECKING:  # a worker that sends messages asks for no more than `refuse`: half of its start would be aiohttp
    from aiohttp.abc import AbstractResolver, ResolveResult

    from monitor.config.probespec import Family

# Own tables instead of `ipaddress.is_global`: its answer differs between patch releases of Python.
_CLASSES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("metadata", ("169.254.169.254/32", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32",
                  "fd00:ec2::254/128", "fd20:ce::254/128")),
    ("unspecified", ("0.0.0.0/8", "::/128")),
    ("loopback", ("127.0.0.0/8", "::1/128")),
    ("link-local", ("169.254.0.0/16", "fe80::/10")),
    ("private", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10")),
    ("carrier-grade NAT", ("100.64.0.0/10",)),
    ("multicast", ("224.0.0.0/4", "ff00::/8")),
    ("IPv4-mapped", ("::ffff:0:0/96",)),
    ("NAT64", ("64:ff9b::/96", "64:ff9b:1::/48")),
    ("6to4", ("2002::/16", "192.88.99.0/24")),
    ("Teredo", ("2001::/32",)),
    ("reserved", ("192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
                  "2001::/23", "2001:db8::/32", "3fff::/20")),
)  # fmt: skip
_DENIED = tuple((name, ip_network(text)) for name, texts in _CLASSES for text in texts)
_GLOBAL_V6 = IPv6Network("2000::/3")
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = IPv6Network("::/96")
# What the WHATWG URL rule calls "ends in a number": inet_aton would read such a name as an address.
_ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0[xX][0-9a-fA-F]*)\.*$")
_ONLY: Mapping[Family, socket.AddressFamily] = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
_FIRST: Mapping[Family, socket.AddressFamily] = {"prefer_ipv4": socket.AF_INET, "prefer_ipv6": socket.AF_INET6}
_HEAD_START = 0.25  # seconds that one address of a name has before the next one is tried beside it (RFC 8305)
HANDSHAKE = 86_400.0  # seconds; the event loop allows a minute, but how long TLS may take is for who asks to say
_UDP = {socket.AF_INET: socket.IPPROTO_UDP, socket.AF_INET6: socket.IPPROTO_UDP}
_PING = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}


class Refused(OSError):
    """The guard does not let this address be dialled. `reason` is a sentence without credentials.

    All refusals read alike as text, so that a client library that dials several addresses keeps the type.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EACCES, "refused by the address guard")
        self.reason = reason


def odd_literal(host: str) -> bool:
    """Whether a host is an address in an odd spelling (decimal, octal, hexadecimal, short), as inet_aton accepts it."""
    return _ENDS_IN_NUMBER.search(host) is not None and _parse(host) is None


class AddressGuard:
    """Denies every address that is not plainly public, unless the admin's allow-list names it with its port.

    `names` looks names up for everyone who dials through this guard; by default one `LaneResolver`, made at first use.
    """

    def __init__(self, allow: Sequence[AllowRule] = (), names: AbstractResolver | None = None) -> None:
        self._allow = tuple(allow)
        self._names = names

    @property
    def names(self) -> AbstractResolver:
        """The resolver shared by all dialling; needs a running event loop at first use."""
        if self._names is None:
            from monitor.adapters.resolver import LaneResolver

            self._names = LaneResolver(asyncio.get_running_loop().time)
        return self._names

    async def look_up(self, host: str, port: int, family: Family = "any") -> Sequence[ResolveResult]:
        """The addresses of a name that are to be dialled, in that order. Raises NameFailed."""
        found = await self.names.resolve(host, port, _ONLY.get(family, socket.AF_UNSPEC))
        first = _FIRST.get(family)
        return found if first is None else sorted(found, key=lambda entry: entry["family"] != first)

    def refuse(self, host: str, port: int) -> str | None:
        """Why this IP literal must not be dialled on this port, or None when it may."""
        address = _parse(host)
        if address is None:
            return "not an IP address in its plain spelling"
        for candidate in (address, *_embedded(address)):
            kind = _denied_class(candidate)
            if kind is not None and not any(rule.permits(candidate, port) for rule in self._allow):
                return f"{kind} address, port {port}: not on the allow-list"
        return None

    def socket_factory(self, addr_info: Sequence[Any]) -> socket.socket:
        """Make the socket for one `getaddrinfo` tuple. Raises Refused before any packet leaves."""
        family, kind, protocol, _, address = addr_info
        reason = self.refuse(str(address[0]), int(address[1]))
        if family not in (socket.AF_INET, socket.AF_INET6):
            reason = "not an internet address"
        if reason is not None:
            raise Refused(reason)
        return socket.socket(family=family, type=kind, proto=protocol)

    async def open_tcp(
        self,
        host: str,
        port: int,
        deadline: float,
        *,
        family: Family = "any",
        entered: Callable[[str], None] = lambda _phase: None,
        tls: ssl.SSLContext | None = None,
        name: str | None = None,
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect by name or IP literal within `deadline` seconds from now.

        `entered` is told which of monitor.model.reading.PHASES begins. With `tls` the connection is encrypted, for the
        server's `name` (`host` unless said).
        Raises Refused, NameFailed (no address for the name), TimeoutError, or another OSError from the connect.
        """
        async with asyncio.timeout(deadline):
            entered("name")
            infos = await self.addresses(host, port, family)
            entered("connect")
            sock = await self.dial(infos)
            try:
                if tls is None:
                    return await asyncio.open_connection(sock=sock)
                entered("tls")
                return await asyncio.open_connection(
                    sock=sock, ssl=tls, server_hostname=name or host, ssl_handshake_timeout=HANDSHAKE
                )
            except BaseException:
                sock.close()
                raise

    async def open_datagram(self, host: str, port: int, *, family: Family = "any") -> socket.socket:
        """A UDP socket connected to the first address of a name or IP literal to which this machine knows a way.

        Raises Refused, NameFailed, OSError.
        """
        return self._first_way(await self.addresses(host, port, family), _UDP)[0]

    async def open_ping(self, host: str, *, family: Family = "any") -> tuple[socket.socket, str]:
        """The kernel's ping socket for such an address, and that address (the socket cannot tell it).

        Only an allow rule for every port lets a private address through. Raises Refused, NameFailed, PermissionError
        where the machine does not let this process ping, OSError.
        """
        return self._first_way(await self.addresses(host, 0, family), _PING)

    def _first_way(
        self, infos: list[tuple[Any, ...]], protocols: Mapping[socket.AddressFamily, int]
    ) -> tuple[socket.socket, str]:
        failure = OSError(errno.EHOSTUNREACH, "no address to dial")
        for info in infos:
            try:
                return self._connected(info, protocols[info[0]]), str(info[4][0])
            except OSError as error:  # a machine without IPv6 knows no way there
                failure = failure if isinstance(failure, Refused) else error
        raise failure

    def _connected(self, info: tuple[Any, ...], protocol: int) -> socket.socket:
        sock = self.socket_factory((info[0], socket.SOCK_DGRAM, protocol, "", info[4]))
        try:
            sock.setblocking(False)
            sock.connect(info[4])  # of a datagram socket: nothing is sent, nothing waits
        except BaseException:
            sock.close()
            raise
        return sock

    async def addresses(self, host: str, port: int, family: Family) -> list[tuple[Any, ...]]:
        """What is to be dialled for a name or IP literal, as `getaddrinfo` has it. Raises Refused, NameFailed."""
        if odd_literal(host):
            raise Refused("not an IP address in its plain spelling")
        if (known := literal(host, port)) is not None:
            return [known]
        return [_addr_info(entry["host"], port) for entry in await self.look_up(host, port, family)]

    async def dial(self, infos: Sequence[tuple[Any, ...]]) -> socket.socket:
        """Connect to the first of these that answers. Each has a head start, then the next is tried beside it.

        Raises Refused and OSError.
        """
        if len(infos) == 1:
            return await self.connect(infos[0])
        from aiohappyeyeballs import start_connection

        loop = asyncio.get_running_loop()
        try:
            return await start_connection(
                infos, happy_eyeballs_delay=_HEAD_START, loop=loop, socket_factory=self.socket_factory
            )
        except OSError as error:
            if error.errno is None:  # the library's list of different failures
                raise OSError(errno.EHOSTUNREACH, "none of its addresses can be reached") from None
            raise

    async def connect(self, info: tuple[Any, ...]) -> socket.socket:
        """Connect to one `getaddrinfo` tuple; the socket does not block. Raises Refused and OSError."""
        sock = self.socket_factory(info)
        try:
            sock.setblocking(False)
            await _connected(sock, info[4])
        except BaseException:
            sock.close()
            raise
        return sock

    async def close(self) -> None:
        """Let go of the resolver's sockets; it opens again when used again."""
        if self._names is not None:
            await self._names.close()


async def _connected(sock: socket.socket, address: tuple[Any, ...]) -> None:
    """Connect; raises OSError. uvloop's own `sock_connect` takes twice as long, as it looks literals up again."""
    try:
        sock.connect(address)
        return
    except BlockingIOError:
        pass
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.add_writer(sock.fileno(), _wake, done)
    try:
        await done
    finally:
        loop.remove_writer(sock.fileno())
    if number := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(number, os.strerror(number))


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def literal(host: str, port: int) -> tuple[Any, ...] | None:
    """What `getaddrinfo` would give for an IP literal in its plain spelling; None for anything else."""
    address = _parse(host)
    return None if address is None else _addr_info(str(address), port)


def _parse(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _addr_info(host: str, port: int) -> tuple[Any, ...]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    address = (host, port, 0, 0) if family == socket.AF_INET6 else (host, port)
    return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)


def _denied_class(address: Address) -> str | None:
    for name, network in _DENIED:
        if address.version == network.version and address in network:
            return name
    if isinstance(address, IPv6Address) and address not in _GLOBAL_V6:
        return "reserved"
    return None


def _embedded(address: Address) -> tuple[IPv4Address, ...]:
    # A transition address is dialled as the IPv4 address inside it, so both have to be allowed.
    if isinstance(address, IPv4Address):
        return ()
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    plain = int(address) > 1 and address in _COMPATIBLE
    if plain or any(address in network for network in _NAT64):
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    return ()
