"""What each hostile answer costs a probe and a feed's fetch, each hostile table a feed, and each peer without HTTP
the probe of its kind: seconds, memory, stalls.

The client is a process of its own and asks one after another; the servers are in this one.
"""

from __future__ import annotations

import asyncio

from bench.measure import Figure
from tests.integration.hostile import CASES, CSV, DEADLINE, PATIENT, Case, Stage, body
from tests.integration.hostile_client import Cost, HostileClient, Question
from tests.integration.hostile_peers import PEERS, HostilePeer
from tests.integration.hostile_tables import TABLES

_TIMES = 3
_GOOD = Case("a good answer", body(CSV))
_FEW = "a small table"


def run() -> list[Figure]:
    """Prints the table of all cases; the figures are the worst of them, beside a good answer."""
    costs = asyncio.run(_costs())
    print(f"\n  {'':24} {'probe: s':>9} {'MiB':>7} {'stall ms':>9}   {'fetch: s':>9} {'MiB':>7} {'stall ms':>9}   said")
    for name, (probe, fetch) in costs.items():
        print(f"  {name:24} {_columns(probe)}   {_columns(fetch)}   {probe.said}")
    good = costs.pop(_GOOD.name)
    tables = asyncio.run(_tables())
    print(f"\n  {'feed, table':27} {'read: s':>9} {'MiB':>7} {'stall ms':>9}   said")
    for name, cost in tables.items():
        print(f"  {name:27} {_columns(cost)}   {cost.said:.80}")
    ready = tables.pop(_FEW)
    peers = asyncio.run(_peers())
    print(f"\n  {'probe, peer':27} {'ask: s':>9} {'MiB':>7} {'stall ms':>9}   said")
    for name, cost in peers.items():
        print(f"  {name:27} {_columns(cost)}   {cost.said:.80}")
    return [
        *(figure for place, of in enumerate(("probe", "fetch")) for figure in _worst(of, place, costs, good[place])),
        Figure("worst stall of a hostile table", max(c.stall for c in tables.values()), "ms", ready.stall, _FEW),
        Figure("most memory of a hostile table", max(c.mib for c in tables.values()), "MiB"),
        Figure("longest reading of a hostile table", max(c.seconds for c in tables.values()), "s"),
        Figure("worst stall of a hostile peer", max(c.stall for c in peers.values()), "ms"),
        Figure("most memory of a hostile peer", max(c.mib for c in peers.values()), "MiB"),
    ]


def _columns(cost: Cost) -> str:
    return f"{cost.seconds:9.3f} {cost.mib:7.1f} {cost.stall:9.1f}"


def _worst(of: str, place: int, costs: dict[str, tuple[Cost, Cost]], good: Cost) -> list[Figure]:
    all_of = [pair[place] for pair in costs.values()]
    return [
        Figure(f"worst stall of a hostile {of}", max(c.stall for c in all_of), "ms", good.stall, "a good answer"),
        Figure(f"most memory of a hostile {of}", max(c.mib for c in all_of), "MiB"),
        Figure(f"longest hostile {of}, deadline {DEADLINE:g} s", max(c.seconds for c in all_of), "s"),
    ]


async def _costs() -> dict[str, tuple[Cost, Cost]]:
    found: dict[str, tuple[Cost, Cost]] = {}
    with HostileClient() as client:
        for case in (_GOOD, _GOOD, *CASES):  # the first one warms up
            found[case.name] = (await _repeated(case, client, True), await _repeated(case, client, False))
    return found


async def _tables() -> dict[str, Cost]:
    found: dict[str, Cost] = {}
    with HostileClient() as client:
        for name, (kind, content) in {_FEW: ("csv", CSV), **TABLES}.items():
            costs = [await _reading(kind, content, client) for _ in range(_TIMES)]
            found[f"{kind}, {name}" if name != _FEW else name] = _best(costs)
    return found


async def _peers() -> dict[str, Cost]:
    found: dict[str, Cost] = {}
    with HostileClient() as client:
        for name, peer in ((name, peer) for name, peer in PEERS.items() for _ in range(2)):  # the first one warms up
            found[name] = _best([await _facing(peer, client) for _ in range(_TIMES)])
    return found


async def _facing(peer: HostilePeer, client: HostileClient) -> Cost:
    async with peer.open() as port:
        seconds = DEADLINE if peer.never else PATIENT
        return await client.ask(Question(f"http://127.0.0.1:{port}/", True, seconds, kind=peer.kind))


async def _reading(kind: str, content: bytes, client: HostileClient) -> Cost:
    async with Stage(body(content)).open() as stage:
        return await client.ask(Question(f"http://127.0.0.1:{stage.port}/", False, 60.0, feed=kind))


async def _repeated(case: Case, client: HostileClient, probe: bool) -> Cost:
    return _best([await _cost(case, client, probe) for _ in range(_TIMES)])


def _best(found: list[Cost]) -> Cost:
    """The shortest time and stall of some times, as other work on the machine only adds to them; the most memory."""
    seconds, stall = min(one.seconds for one in found), min(one.stall for one in found)
    return Cost(found[0].said, seconds, max(one.mib for one in found), stall)


async def _cost(case: Case, client: HostileClient, probe: bool) -> Cost:
    async with Stage(case.play).open() as stage:
        seconds = DEADLINE if "timeout" in case.kinds else PATIENT
        question = Question(f"http://127.0.0.1:{stage.port}/", probe, seconds, case.redirects)
        return await client.ask(question)
