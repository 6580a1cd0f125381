"""A writer that is killed with -9: nothing acknowledged is lost, nothing is half there, nothing is sent without end."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from monitor.adapters.store import SqlStore, codec
from tests.contract.store_facts import at
from tests.integration.store_writer import UNITS, send_what_is_owed

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]


def run_and_kill(path: Path, owner: int, lines: int) -> list[list[str]]:
    """What the writer said was done before it was killed, at once after so many lines."""
    command = [sys.executable, "-m", "tests.integration.store_writer", str(path), str(owner)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(lines)]
        writer.kill()
        said += writer.stdout.readlines()
    return [line.split() for line in said if line.endswith("\n")]


def rows(path: Path, query: str) -> list[tuple]:
    database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def check_every_round_is_whole(path: Path, acknowledged: int) -> None:
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    ((lowest, highest),) = rows(path, "SELECT min(version), max(version) FROM unit_state")
    assert lowest == highest >= acknowledged
    for table in ("incident", "notice", "reading", "transition", "audit"):
        assert rows(path, f"SELECT count(*) FROM {table}") == [(highest * len(UNITS),)], table


async def check_nothing_owed_is_left(path: Path, sent: Path) -> None:
    store = SqlStore(path)
    await store.open()
    rounds = (await store.load_states())[0].version
    await send_what_is_owed(store, rounds + 1, sent, "last")
    assert await store.outbox() == {}
    last = codec.FIRST_HASH
    for one, hashed in (await store.audit_trail(limit=10**6))[::-1]:
        last = codec.chained(last, one)
        assert hashed == last
    assert len(await store.readings("00010", "kpi", limit=10**6)) == rounds
    assert (await store.readings("00010", "kpi", limit=1))[0].as_of == at(rounds)
    await store.close()


@pytest.mark.parametrize("kills", [4, pytest.param(200, marks=pytest.mark.nightly)])
async def test_kills_lose_nothing_acknowledged_and_repeat_at_most_what_was_on_the_wire(
    tmp_path: Path, kills: int
) -> None:
    path, sent = tmp_path / "denbao.db", tmp_path / "sent"
    settled: set[str] = set()
    for number in range(kills):
        said = run_and_kill(path, number, lines=1 + number * 7 % 23)
        settled |= {what for verb, what in said if verb == "sent"}
        check_every_round_is_whole(path, max(int(what) for verb, what in said if verb == "committed"))
    await check_nothing_owed_is_left(path, sent)
    sends = Counter(sent.read_text().split())
    owed = {key for (key,) in rows(path, "SELECT key FROM notice")}
    assert set(sends) == owed
    assert settled <= owed
    assert sends.total() - len(owed) <= kills  # the writer sends one at a time: one on the wire for each kill
