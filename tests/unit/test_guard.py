"""Which addresses may be dialled, and seventeen ways of reaching a forbidden one."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from monitor.adapters.fetch import Failure, Fetcher, Request, Response
from monitor.adapters.guard import AddressGuard, Refused
from monitor.adapters.resolver import NameFailed
from monitor.config.allow import AllowRule, parse_allow
from monitor.config.probespec import Family


class StillClock:
    """A monotonic clock that stands still; deadlines run on the loop's own."""

    def monotonic(self) -> float:
        return 0.0


class Names(AbstractResolver):
    """A resolver from a table; each look-up takes the next answer and stays with the last one."""

    def __init__(self, **table: list[str]) -> None:
        self._table = {name.replace("_", "."): answers for name, answers in table.items()}
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        self.asked.append(host)
        answers = self._table.get(host)
        if not answers:
            raise NameFailed("domain name not found", real=True)
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)]

    async def close(self) -> None:
        self.asked.clear()


class Service:
    """A loopback service that counts who reached it and answers with a fixed text."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.reached = 0
        self.heads: list[bytes] = []
        self.port = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reached += 1
        try:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.answer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            self.heads.append(b"")
        finally:
            writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Service]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngood"


def redirect_to(url: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


@pytest.fixture
async def forbidden() -> AsyncIterator[Service]:
    async with Service(OK).running() as service:
        yield service


@pytest.fixture
async def entry() -> AsyncIterator[Service]:
    async with Service(OK).running() as service:
        yield service


def guard_for(*ports: int, names: AbstractResolver | None = None) -> AddressGuard:
    return AddressGuard([parse_allow(f"127.0.0.0/8:{port}") for port in ports], names or Names())


async def ask(guard: AddressGuard, request: Request) -> Response | Failure:
    fetcher = Fetcher(guard, StillClock())
    try:
        return await fetcher.fetch(request)
    finally:
        await fetcher.close()


# --- the decision ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "word"),
    [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("0.0.0.0", "unspecified"),
        ("::", "unspecified"),
        ("169.254.169.254", "metadata"),
        ("fd00:ec2::254", "metadata"),
        ("100.100.100.200", "metadata"),
        ("168.63.129.16", "metadata"),
        ("169.254.3.4", "link-local"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("10.1.2.3", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("fd12:3456::1", "private"),
        ("100.64.0.1", "carrier-grade"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("198.18.0.1", "reserved"),
        ("203.0.113.9", "reserved"),
        ("2001:db8::1", "reserved"),
        ("4000::1", "reserved"),
        ("::127.0.0.1", "reserved"),
        ("::ffff:127.0.0.1", "mapped"),
        ("::ffff:8.8.8.8", "mapped"),
        ("64:ff9b::7f00:1", "NAT64"),
        ("64:ff9b:1::7f00:1", "NAT64"),
        ("2002:7f00:1::", "6to4"),
        ("192.88.99.1", "6to4"),
        ("2001:0:7f00:1::", "Teredo"),
    ],
)
def test_an_address_that_is_not_public_is_refused_by_its_class(host: str, word: str) -> None:
    assert word in (AddressGuard().refuse(host, 80) or "")


@pytest.mark.parametrize("host", ["8.8.8.8", "1.1.1.1", "203.162.4.190", "2001:4860:4860::8888", "2400:cb00::1"])
def test_a_public_address_may_be_dialled(host: str) -> None:
    assert AddressGuard().refuse(host, 443) is None


@pytest.mark.parametrize(
    "host", ["2130706433", "0177.0.0.1", "0x7f000001", "0x7f.0.0.1", "127.1", "localhost", "", "127.0.0.1 ", "[::1]"]
)
def test_what_is_no_plain_address_is_refused_even_if_everything_private_is_allowed(host: str) -> None:
    guard = AddressGuard([parse_allow("127.0.0.0/8:*"), parse_allow("10.0.0.0/8:*")])
    assert guard.refuse(host, 80) == "not an IP address in its plain spelling"


def test_an_allow_rule_holds_for_its_network_and_its_port_only() -> None:
    guard = AddressGuard([parse_allow("10.20.0.0/16:443,8443")])
    assert guard.refuse("10.20.3.4", 8443) is None
    assert guard.refuse("10.20.3.4", 80) is not None
    assert guard.refuse("10.21.0.1", 443) is not None


def test_a_transition_address_needs_both_itself_and_the_address_inside_to_be_allowed() -> None:
    inner, outer = parse_allow("127.0.0.0/8:80"), parse_allow("[::ffff:0:0/96]:80")
    assert AddressGuard([inner]).refuse("::ffff:127.0.0.1", 80) is not None
    assert AddressGuard([outer]).refuse("::ffff:127.0.0.1", 80) is not None
    assert AddressGuard([inner, outer]).refuse("::ffff:127.0.0.1", 80) is None
    assert AddressGuard([outer]).refuse("::ffff:8.8.8.8", 80) is None


@pytest.mark.parametrize("nat64", ["64:ff9b::", "64:ff9b:1::"])
def test_an_allowed_nat64_prefix_leads_to_public_addresses_only(nat64: str) -> None:
    guard = AddressGuard([parse_allow("[64:ff9b::/96]:443"), parse_allow("[64:ff9b:1::/48]:443")])
    assert guard.refuse(f"{nat64}808:808", 443) is None
    assert guard.refuse(f"{nat64}a00:1", 443) is not None


def test_a_reason_names_the_class_and_the_port_but_not_the_address() -> None:
    reason = AddressGuard().refuse("10.9.8.7", 8080)
    assert reason == "private address, port 8080: not on the allow-list"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("127.0.0.0/8:8867", ("127.0.0.0/8", {8867})),
        ("10.1.2.3:443", ("10.1.2.3/32", {443})),
        ("10.1.0.0/16:80, 443", ("10.1.0.0/16", {80, 443})),
        ("[fd12::/48]:443", ("fd12::/48", {443})),
        ("[::1]:8867", ("::1/128", {8867})),
        ("10.1.2.3:*", ("10.1.2.3/32", None)),
    ],
)
def test_an_allow_rule_is_read_from_text(text: str, rule: tuple[str, set[int] | None]) -> None:
    read = parse_allow(text)
    assert isinstance(read, AllowRule)
    assert (str(read.network), read.ports) == (rule[0], None if rule[1] is None else frozenset(rule[1]))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("10.0.0.0/8", "a network and its ports"),
        ("fd12::/48:443", "a network and its ports"),
        ("10.1.2.3/8:443", "host bits"),
        ("commune.example:443", "write a network"),
        ("10.1.0.0/16:0", "1 to 65535"),
        ("10.1.0.0/16:65536", "1 to 65535"),
        ("10.1.0.0/16:", "1 to 65535"),
        ("10.1.0.0/16:８０", "1 to 65535"),
        ("0.0.0.0/0:443", "wider than"),
        ("::/0:*", "a network and its ports"),
        ("[fc00::/7]:443", "wider than"),
    ],
)
def test_a_bad_allow_rule_says_what_would_be_right(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        parse_allow(text)


def test_no_socket_is_made_for_a_refused_address() -> None:
    """SC-101."""
    info = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))
    with pytest.raises(Refused) as caught:
        AddressGuard().socket_factory(info)
    assert isinstance(caught.value, OSError)
    assert "loopback" in caught.value.reason


class BothFamilies(AbstractResolver):
    """A name with two addresses of each family, in turns."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = [("2001:4860::1", socket.AF_INET6), ("8.8.8.8", socket.AF_INET)] * 2
        wanted = (pair for pair in addresses if family in (socket.AF_UNSPEC, pair[1]))
        return [ResolveResult(hostname=host, host=a, port=port, family=kind, proto=0, flags=0) for a, kind in wanted]

    async def close(self) -> None:
        return None


@pytest.mark.parametrize(
    ("family", "dialled"),
    [("any", "6464"), ("ipv4", "44"), ("ipv6", "66"), ("prefer_ipv4", "4466"), ("prefer_ipv6", "6644")],
)
async def test_addresses_are_dialled_of_one_family_only_or_of_both_with_one_first(family: Family, dialled: str) -> None:
    found = await AddressGuard(names=BothFamilies()).look_up("both.example", 443, family)
    assert "".join("6" if entry["family"] == socket.AF_INET6 else "4" for entry in found) == dialled


def test_a_socket_of_another_family_is_refused() -> None:
    with pytest.raises(Refused):
        AddressGuard().socket_factory((socket.AF_UNIX, socket.SOCK_STREAM, 0, "", ("8.8.8.8", 80)))


# --- seventeen ways, and the good case --------------------------------------------------------------------------------

LITERALS: dict[str, str] = {
    "literal": "127.0.0.1",
    "decimal": "2130706433",
    "octal": "0177.0.0.1",
    "hex": "0x7f000001",
    "short": "127.1",
    "0.0.0.0": "0.0.0.0",
    "::1": "[::1]",
    "mapped": "[::ffff:127.0.0.1]",
    "nat64": "[64:ff9b::7f00:1]",
    "6to4": "[2002:7f00:1::]",
    "userinfo": "public.example@127.0.0.1",
    "ideographic full stop": "127。0。0。1",
    "full-width digits": "１２７.0.0.1",
}


@pytest.mark.parametrize("host", LITERALS.values(), ids=LITERALS.keys())
async def test_an_odd_spelling_does_not_reach_the_forbidden_service(host: str, forbidden: Service) -> None:
    got = await ask(guard_for(), Request(f"http://{host}:{forbidden.port}/", timeout=2.0))
    assert isinstance(got, Failure)
    assert got.kind == "refused-address"
    assert forbidden.reached == 0


async def test_a_name_that_means_loopback_does_not_reach_the_forbidden_service(forbidden: Service) -> None:
    guard = guard_for(names=Names(inside_example=["127.0.0.1"]))
    got = await ask(guard, Request(f"http://inside.example:{forbidden.port}/", timeout=2.0))
    assert isinstance(got, Failure)
    assert got.kind == "refused-address"
    assert forbidden.reached == 0


LEADS: dict[str, Callable[[int], str]] = {
    "redirect to literal": lambda port: f"http://127.0.0.1:{port}/",
    "redirect to name": lambda port: f"http://inside.example:{port}/",
    "redirect to mapped": lambda port: f"http://[::ffff:127.0.0.1]:{port}/",
    "redirect to decimal": lambda port: f"//2130706433:{port}/",
}


@pytest.mark.parametrize("lead", LEADS.values(), ids=LEADS.keys())
async def test_a_redirect_does_not_reach_the_forbidden_service(
    lead: Callable[[int], str], forbidden: Service, entry: Service
) -> None:
    entry.answer = redirect_to(lead(forbidden.port))
    guard = guard_for(entry.port, names=Names(inside_example=["127.0.0.1"]))
    got = await ask(guard, Request(f"http://127.0.0.1:{entry.port}/", redirects=3, timeout=2.0))
    assert isinstance(got, Failure)
    assert got.kind == "refused-address"
    assert (entry.reached, forbidden.reached) == (1, 0)


async def test_a_name_bound_anew_between_two_requests_is_judged_anew(entry: Service) -> None:
    names = Names(rebound_example=["127.0.0.1", "127.0.0.2"])
    guard = AddressGuard([parse_allow(f"127.0.0.1:{entry.port}")], names)
    request = Request(f"http://rebound.example:{entry.port}/", timeout=2.0)
    fetcher = Fetcher(guard, StillClock())
    first, second = await fetcher.fetch(request), await fetcher.fetch(request)
    await fetcher.close()
    assert isinstance(first, Response)
    assert isinstance(second, Failure)
    assert second.kind == "refused-address"


async def test_the_allowed_service_is_reached_and_its_peer_is_named(entry: Service) -> None:
    guard = guard_for(entry.port, names=Names(centre_example=["127.0.0.1"]))
    got = await ask(guard, Request(f"http://centre.example:{entry.port}/", timeout=2.0))
    assert isinstance(got, Response)
    assert (got.status, got.body, got.peer) == (200, b"good", "127.0.0.1")


# --- plain TCP --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "::1", "::ffff:127.0.0.1", "inside.example"])
async def test_plain_tcp_goes_through_the_same_check(host: str, forbidden: Service) -> None:
    with pytest.raises(Refused):
        await guard_for(names=Names(inside_example=["127.0.0.1"])).open_tcp(host, forbidden.port, 2.0)
    assert forbidden.reached == 0


async def test_plain_tcp_reaches_an_allowed_service_by_name(entry: Service) -> None:
    guard = guard_for(entry.port, names=Names(centre_example=["127.0.0.1"]))
    reader, writer = await guard.open_tcp("centre.example", entry.port, 2.0)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert (await reader.read()).endswith(b"good")
    writer.close()


async def test_plain_tcp_to_an_unknown_name_fails_as_a_name() -> None:
    with pytest.raises(NameFailed):
        await guard_for().open_tcp("nobody.example", 80, 2.0)


async def test_plain_tcp_to_a_silent_name_server_ends_at_its_deadline() -> None:
    class Silent(Names):
        async def resolve(self, host: str, port: int = 0, family: object = None) -> list[ResolveResult]:
            await asyncio.Event().wait()
            raise AssertionError

    with pytest.raises(TimeoutError):
        await guard_for(names=Silent()).open_tcp("silent.example", 80, 0.02)


@pytest.mark.parametrize("family", ["any", "prefer_ipv4", "prefer_ipv6"])
async def test_the_other_family_is_dialled_where_the_preferred_one_does_not_answer(
    entry: Service, family: Family
) -> None:
    class Both(Names):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
        ) -> list[ResolveResult]:
            found = [("::1", socket.AF_INET6), ("127.0.0.1", socket.AF_INET)]
            return [ResolveResult(hostname=host, host=a, port=port, family=kind, proto=0, flags=0) for a, kind in found]

    rules = [parse_allow(f"127.0.0.0/8:{entry.port}"), parse_allow(f"[::1]:{entry.port}")]
    guard = AddressGuard(rules, Both())
    _, writer = await guard.open_tcp("both.example", entry.port, 5.0, family=family)
    assert writer.get_extra_info("peername")[0] == "127.0.0.1"
    writer.close()
    got = await ask(guard, Request(f"http://both.example:{entry.port}/", family=family))
    assert isinstance(got, Response) and got.peer == "127.0.0.1"


@pytest.mark.parametrize("family", ["any", "prefer_ipv6"])
async def test_a_datagram_goes_to_the_first_address_that_there_is_a_way_to(family: Family) -> None:
    class Both(Names):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
        ) -> list[ResolveResult]:
            found = [("::1", socket.AF_INET6), ("127.0.0.1", socket.AF_INET)]
            return [ResolveResult(hostname=host, host=a, port=port, family=kind, proto=0, flags=0) for a, kind in found]

    guard = AddressGuard([parse_allow("127.0.0.0/8:53")], Both())
    with await guard.open_datagram("both.example", 53, family=family) as sock:
        assert sock.getpeername() == ("127.0.0.1", 53)
    with pytest.raises(Refused):
        await guard.open_datagram("both.example", 54, family=family)


class Many(Names):
    """A name with these addresses, in this order."""

    def __init__(self, *addresses: str) -> None:
        super().__init__()
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        kinds = {address: socket.AF_INET6 if ":" in address else socket.AF_INET for address in self._addresses}
        return [ResolveResult(hostname=host, host=a, port=port, family=k, proto=0, flags=0) for a, k in kinds.items()]


@pytest.mark.parametrize("addresses", [("10.0.0.1", "127.0.0.1"), ("127.0.0.1", "10.0.0.1")])
async def test_a_refused_address_is_told_where_there_is_no_way_to_the_others(addresses: tuple[str, ...]) -> None:
    class Cut(AddressGuard):
        def socket_factory(self, addr_info: Sequence[Any]) -> socket.socket:
            super().socket_factory(addr_info).close()
            raise OSError(errno.ENETUNREACH, "no way")

    guard = Cut([parse_allow("127.0.0.0/8:*")], Many(*addresses))
    with pytest.raises(Refused) as refused:
        await guard.open_datagram("both.example", 53)
    assert refused.value.reason == "private address, port 53: not on the allow-list"
    with pytest.raises(OSError, match="no way"):
        await guard.open_datagram("127.0.0.1", 53)


async def test_an_address_that_does_not_answer_takes_no_time_from_the_next_one(
    entry: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each had an equal share of the deadline: a connection that needs 3 s of 5 failed beside a dead address."""
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect

    async def black_hole(sock: socket.socket, address: tuple[str, int]) -> None:
        await (asyncio.Event().wait() if address[0] == "127.0.0.2" else connect(sock, address))

    monkeypatch.setattr(loop, "sock_connect", black_hole)
    guard = AddressGuard([parse_allow("127.0.0.0/8:*")], Many("127.0.0.2", "127.0.0.1"))
    async with asyncio.timeout(20):
        _, writer = await guard.open_tcp("both.example", entry.port, 600.0)
    assert writer.get_extra_info("peername")[0] == "127.0.0.1"
    writer.close()


async def test_a_handshake_may_take_as_long_as_who_asks_has_time(
    entry: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop breaks it off after a minute unless it is told otherwise."""
    loop, allowed = asyncio.get_running_loop(), list[float]()

    async def shake(*_: Any, ssl_handshake_timeout: float = 60.0, **__: Any) -> Any:
        allowed.append(ssl_handshake_timeout)
        raise ConnectionResetError

    monkeypatch.setattr(loop, "create_connection", shake)
    guard = guard_for(entry.port)
    with pytest.raises(ConnectionResetError):
        await guard.open_tcp("127.0.0.1", entry.port, 600.0, tls=ssl.create_default_context())
    got = await ask(guard, Request(f"https://127.0.0.1:{entry.port}/", timeout=600.0))
    assert isinstance(got, Failure) and got.kind == "tls"
    assert len(allowed) == 2 and min(allowed) > 600


async def test_addresses_that_fail_in_different_ways_are_told_in_words(entry: Service) -> None:
    guard = AddressGuard([parse_allow("127.0.0.0/8:1")], Many("::1", "127.0.0.1"))
    got = await ask(guard, Request("http://both.example:1/"))
    assert isinstance(got, Failure)
    assert got.detail == "no connection: no route to host"
    with pytest.raises(OSError, match="none of its addresses can be reached"):
        await guard.open_tcp("both.example", 1, 5.0)
