"""Names that answer never wait behind names that hang."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from typing import cast

import pytest

from monitor.adapters.resolver import Answer, AresQuery, Lane, LaneResolver, NameFailed


class HandClock:
    """A monotonic clock moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Script:
    """Name servers from a script: an answer, a failure, or silence until `wake`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.replies: dict[str, Answer | NameFailed] = {}
        self.wake = asyncio.Event()

    async def __call__(self, name: str) -> Answer:
        self.asked.append(name)
        if name.startswith("dead"):
            await self.wake.wait()
        reply = self.replies.get(name, Answer(("192.0.2.1",), 60.0))
        if isinstance(reply, NameFailed):
            raise NameFailed(reply.reason, real=reply.real)
        return reply


async def settle() -> None:
    """Let tasks that have been woken run to their end."""
    for _ in range(10):
        await asyncio.sleep(0)


class Bench:
    """A resolver over a script, with small lanes and short patience."""

    def __init__(self, width: int = 4) -> None:
        self.clock = HandClock()
        self.script = Script()
        self.resolver = LaneResolver(
            self.clock, fast=Lane(self.script, width, 0.01), slow=Lane(self.script, 2, 0.01), cache_size=3
        )


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    await made.resolver.close()


async def test_an_answer_is_used_until_its_time_to_live_has_passed(bench: Bench) -> None:
    first = await bench.resolver.look_up("a.example")
    bench.clock.seconds += 59
    assert await bench.resolver.look_up("A.example.") is first
    bench.clock.seconds += 2
    await bench.resolver.look_up("a.example")
    assert bench.script.asked == ["a.example", "a.example"]


@pytest.mark.parametrize(("ttl", "kept", "gone"), [(0.0, 4, 6), (86_400.0, 299, 301)])
async def test_a_time_to_live_out_of_bounds_is_brought_within_them(
    bench: Bench, ttl: float, kept: int, gone: int
) -> None:
    bench.script.replies["a.example"] = Answer(("192.0.2.1",), ttl)
    began = bench.clock.seconds
    for after in (0, kept, gone):
        bench.clock.seconds = began + after
        await bench.resolver.look_up("a.example")
    assert len(bench.script.asked) == 2


async def test_no_such_name_is_remembered_but_trouble_is_not(bench: Bench) -> None:
    bench.script.replies["gone.example"] = NameFailed("not found", real=True)
    bench.script.replies["ill.example"] = NameFailed("server failure")
    for name in ("gone.example", "gone.example", "ill.example", "ill.example"):
        assert isinstance(await bench.resolver.look_up(name), NameFailed)
    assert bench.script.asked == ["gone.example", "ill.example", "ill.example"]


async def test_a_name_without_addresses_is_a_real_failure(bench: Bench) -> None:
    bench.script.replies["empty.example"] = Answer((), 60.0)
    outcome = await bench.resolver.look_up("empty.example")
    assert isinstance(outcome, NameFailed)
    assert outcome.real


async def test_while_a_look_up_hangs_the_next_one_of_that_name_fails_at_once(bench: Bench) -> None:
    first = await bench.resolver.look_up("dead.example")
    second = await bench.resolver.look_up("dead.example")
    assert isinstance(first, NameFailed)
    assert first.reason == "no answer within 0.01 s"
    assert isinstance(second, NameFailed)
    assert "earlier look-up" in second.reason
    assert bench.script.asked == ["dead.example"]


async def test_a_late_answer_is_kept_for_the_next_poll(bench: Bench) -> None:
    await bench.resolver.look_up("dead.example")
    bench.script.wake.set()
    await settle()
    assert await bench.resolver.look_up("dead.example") == Answer(("192.0.2.1",), 60.0)
    assert bench.script.asked == ["dead.example"]


async def test_many_dead_names_do_not_fail_a_healthy_one(bench: Bench) -> None:
    dead = [bench.resolver.look_up(f"dead{number}.example") for number in range(40)]
    healthy = [bench.resolver.look_up(f"well{number}.example") for number in range(40)]
    outcomes = await asyncio.gather(*dead, *healthy)
    assert all(isinstance(outcome, NameFailed) for outcome in outcomes[:40])
    assert all(isinstance(outcome, Answer) for outcome in outcomes[40:])


async def test_a_name_seen_slow_waits_in_the_slow_lane_and_comes_back_when_it_answers() -> None:
    clock, fast, slow = HandClock(), Script(), Script()
    resolver = LaneResolver(clock, fast=Lane(fast, 4, 0.01), slow=Lane(slow, 1, 0.01))
    await resolver.look_up("dead.example")
    fast.wake.set()
    await settle()
    slow.wake.set()
    for _ in range(2):
        clock.seconds += 301
        await resolver.look_up("dead.example")
    assert (fast.asked, slow.asked) == (["dead.example"] * 2, ["dead.example"])
    await resolver.close()


async def test_callers_of_one_name_share_one_look_up(bench: Bench) -> None:
    outcomes = await asyncio.gather(*(bench.resolver.look_up("a.example") for _ in range(5)))
    assert len(set(outcomes)) == 1
    assert bench.script.asked == ["a.example"]


async def test_a_caller_who_gives_up_does_not_end_the_look_up_of_the_others(bench: Bench) -> None:
    impatient = asyncio.create_task(bench.resolver.look_up("a.example"))
    patient = asyncio.create_task(bench.resolver.look_up("a.example"))
    await asyncio.sleep(0)
    impatient.cancel()
    assert isinstance(await patient, Answer)


async def test_the_last_good_address_is_used_for_an_hour_while_name_servers_fail(bench: Bench) -> None:
    good = await bench.resolver.look_up("a.example")
    bench.script.replies["a.example"] = NameFailed("server failure")
    bench.clock.seconds += 3599
    assert await bench.resolver.look_up("a.example") == good
    bench.clock.seconds += 2
    assert isinstance(await bench.resolver.look_up("a.example"), NameFailed)


async def test_a_real_no_such_name_replaces_the_last_good_address(bench: Bench) -> None:
    await bench.resolver.look_up("a.example")
    bench.script.replies["a.example"] = NameFailed("not found", real=True)
    bench.clock.seconds += 61
    assert isinstance(await bench.resolver.look_up("a.example"), NameFailed)


async def test_memory_of_names_is_bounded_and_forgets_the_one_unused_longest(bench: Bench) -> None:
    for name in ("a.example", "b.example", "c.example", "a.example", "d.example", "a.example", "b.example"):
        await bench.resolver.look_up(name)
    assert bench.script.asked == ["a.example", "b.example", "c.example", "d.example", "b.example"]


async def test_aiohttp_gets_addresses_with_family_and_port_and_failures_as_exceptions(bench: Bench) -> None:
    bench.script.replies["b.example"] = Answer(("192.0.2.1", "2001:db8::1"), 60.0)
    bench.script.replies["gone.example"] = NameFailed("not found", real=True)
    found = await bench.resolver.resolve("b.example", 443)
    assert [(entry["host"], entry["port"]) for entry in found] == [("192.0.2.1", 443), ("2001:db8::1", 443)]
    with pytest.raises(NameFailed):
        await bench.resolver.resolve("gone.example", 443)


async def test_a_closed_resolver_ends_hanging_look_ups_and_works_again(bench: Bench) -> None:
    await bench.resolver.look_up("dead.example")
    await bench.resolver.close()
    assert isinstance(await bench.resolver.look_up("a.example"), Answer)


class NameServer(asyncio.DatagramProtocol):
    """A loopback name server: `well.example` has two addresses, other names do not exist."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        end = data.index(b"\0", 12) + 5
        question, kind = data[12:end], struct.unpack("!H", data[end - 4 : end - 2])[0]
        known = question.startswith(b"\x04well\x07example\0")
        rdata = {1: bytes([192, 0, 2, 7]), 28: bytes.fromhex("20010db8") + bytes(11) + b"\x07"}[kind]
        record = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 77, len(rdata)) + rdata
        head = data[:2] + struct.pack("!HHHHH", 0x8180 if known else 0x8183, 1, int(known), 0, 0)
        self.transport.sendto(head + question + (record if known else b""), addr)


async def test_real_look_ups_tell_addresses_from_no_such_name() -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    query = AresQuery(timeout=1.0, servers=["127.0.0.1"], port=transport.get_extra_info("sockname")[1])
    try:
        answer = await query("well.example")
        assert (set(answer.addresses), answer.ttl) == ({"192.0.2.7", "2001:db8::7"}, 77.0)
        with pytest.raises(NameFailed) as caught:
            await query("nobody.example")
        assert caught.value.real
    finally:
        await query.close()
        transport.close()
