"""kill -9 at random instants while Zalo and SMS fail, refuse and are slow. `python -m bench.kills [N]`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from bench import alertmanager
from bench.measure import Figure
from tests.integration.killed import Account, account, left_by
from tests.integration.killing import ON_THE_WIRE, kill_series

KILLS = 200
SEED = 766


def run(kills: int = KILLS, seed: int = SEED) -> list[Figure]:
    """The series of the test suite with more kills. Raises AssertionError when a promise is broken."""
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(_series(Path(folder), kills, seed))
    if found.wrong or max(found.extra_of_a_kill) > ON_THE_WIRE:
        raise AssertionError(replace(found, waits=()))
    return [
        *_ours(found, kills),
        *_beside(kills, seed),
    ]


def _ours(found: Account, kills: int) -> list[Figure]:
    waits = found.waits
    return [
        Figure("kills", kills, ""),
        Figure("incidents", found.incidents, ""),
        Figure("messages owed to the end", found.owed, ""),
        Figure("  accepted by a gateway", found.owed - len(found.wrong.get("lost", ())), ""),
        Figure("  lost", len(found.wrong.get("lost", ())), ""),
        Figure("messages that the next channel took over", found.handed_on, ""),
        Figure("messages withheld with a true reason", found.withheld, ""),
        Figure("requests to the gateways", found.posts, "", found.accepted, "different messages accepted"),
        Figure("extra sends, same key and words", found.extra, "", kills, "kills"),
        Figure("repeated because a gateway took one and did not say so", found.repeated_unanswered, ""),
        Figure("  most at one kill", max(found.extra_of_a_kill), "", ON_THE_WIRE, "sends at once"),
        Figure("  kills without any", found.extra_of_a_kill.count(0), ""),
        Figure("acknowledgements answered with 200, all kept", found.acks, ""),
        Figure("bad news, due to accepted, kills included, p50", waits[len(waits) // 2], "s"),
        Figure("bad news, due to accepted, kills included, p99", waits[int(len(waits) * 0.99)], "s"),
    ]


def _beside(kills: int, seed: int) -> list[Figure]:
    """As many kills of Debian's Alertmanager, with a webhook as busy and as slow; its source says it once, or again."""
    if not alertmanager.there():
        print("kills: prometheus-alertmanager is not installed; its figures are left out")
        return []
    figures = []
    for how, again in (("said once", None), ("repeated every 5 s", 5.0)):
        with tempfile.TemporaryDirectory() as folder:
            found = asyncio.run(alertmanager.killed(Path(folder), kills, seed, again=again))
        figures += [
            Figure(f"Alertmanager, alerts {how}: answered with 200", found.accepted, ""),
            Figure("  never told", found.lost, "", found.accepted, "of them"),
            Figure("  told again", found.extra, "", kills, "kills"),
        ]
    return figures


async def _series(folder: Path, kills: int, seed: int) -> Account:
    series = await kill_series(folder, kills, seed)
    return account(series, await left_by(series))


if __name__ == "__main__":
    for one in run(*map(int, sys.argv[1:])):
        ratio = "" if one.ratio is None else f"  {one.ratio:.3g} x {one.reference:g} ({one.against})"
        print(f"{one.name:46} {one.value:8.4g} {one.unit}{ratio}", flush=True)
