"""Zalo's single-use refresh token: one refresher, written to the disk before it is used, early, and said in time."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.fetch import Fetcher
from monitor.adapters.guard import AddressGuard
from monitor.adapters.transports.messaging import Extras, ZaloTransport
from monitor.adapters.transports.pool import Pool
from monitor.adapters.transports.zalotoken import NoToken, ZaloTokens
from monitor.config.allow import parse_allow
from monitor.config.secrets import Secret
from monitor.config.spec import ZaloApp
from monitor.simulate.gateways import FakeGateways, Mood

pytestmark = pytest.mark.integration
START = datetime(2026, 11, 20, 5, tzinfo=UTC)


class Wall(SystemClock):
    """The machine's clock with a wall time that a test sets."""

    at = START

    def now(self) -> datetime:
        return self.at


class Bench:
    """One app, a stand-in for Zalo, and as many refreshers as a test wants."""

    def __init__(self, folder: Path, fake: FakeGateways) -> None:
        self.fake = fake
        self.clock = Wall()
        self.file = folder / "var" / "zalo.json"
        self.opened: list[ZaloTokens] = []

    def tokens(self, seed: str = "refresh-0") -> ZaloTokens:
        app = ZaloApp("42", Secret("s3cr3t"), Secret(seed), self.file, self.fake.base("oauth"))
        fetcher = Fetcher(AddressGuard([parse_allow("127.0.0.0/8:*")]), self.clock, limit=1)
        self.opened.append(ZaloTokens(app, fetcher, self.clock))
        return self.opened[-1]


@pytest.fixture
async def bench(tmp_path) -> AsyncIterator[Bench]:
    fake = FakeGateways(SystemClock())
    await fake.start()
    made = Bench(tmp_path, fake)
    yield made
    for one in made.opened:
        await one.close()
    await fake.stop()


async def test_the_first_token_comes_from_the_configs_refresh_token_and_is_kept_for_its_owner_only(bench):
    assert await bench.tokens().access() == "access-1"
    assert stat.S_IMODE(bench.file.stat().st_mode) == 0o600
    assert json.loads(bench.file.read_text())["refresh"] == "refresh-1"


async def test_it_is_used_for_twenty_hours_and_then_replaced_early(bench):
    tokens = bench.tokens()
    await tokens.access()
    bench.clock.at = START + timedelta(hours=19, minutes=59)
    assert await tokens.access() == "access-1"
    bench.clock.at = START + timedelta(hours=20)
    assert await tokens.access() == "access-2"


async def test_many_who_want_a_token_at_once_use_the_refresh_token_once(bench):
    many = [bench.tokens() for _ in range(5)]
    found = await asyncio.gather(*[one.access() for one in many for _ in range(4)])
    assert set(found) == {"access-1"}
    assert bench.fake.asked["oauth"] == 1


async def test_a_token_that_zalo_refused_is_replaced_once_for_all_who_saw_it_refused(bench):
    one, other = bench.tokens(), bench.tokens()
    await one.access()
    assert await one.access(stale="access-1") == "access-2"
    assert await other.access(stale="access-1") == "access-2"
    assert bench.fake.refreshed == 2


async def test_while_zalo_does_not_answer_the_old_token_does(bench):
    tokens = bench.tokens()
    await tokens.access()
    bench.fake.moods["oauth"] = Mood("status", "503")
    bench.clock.at = START + timedelta(hours=21)
    assert await tokens.access() == "access-1"
    bench.clock.at = START + timedelta(hours=26)
    with pytest.raises(NoToken, match="not understood") as broken:
        await tokens.access()
    assert not broken.value.final


async def test_a_used_up_refresh_token_is_said_once_and_not_tried_again_until_the_config_has_another(bench):
    bench.fake.refresh_token = "used-elsewhere"
    tokens = bench.tokens()
    for _ in range(3):
        with pytest.raises(NoToken, match="consent again") as broken:
            await tokens.access()
        assert broken.value.final
    assert bench.fake.asked["oauth"] == 1
    assert "consent again" in tokens.trouble()
    assert await bench.tokens("used-elsewhere").access() == "access-1"


async def test_two_weeks_before_the_refresh_token_ends_the_operator_is_told(bench):
    tokens = bench.tokens()
    await tokens.access()
    bench.clock.at = START + timedelta(days=75)
    assert tokens.trouble() == ""
    bench.clock.at = START + timedelta(days=76)
    assert tokens.trouble() == "the refresh token of Zalo ends about 2027-02-18: consent again before"


async def test_a_file_that_cannot_be_read_is_named_and_not_overwritten(bench):
    bench.file.parent.mkdir()
    bench.file.write_text("{")
    with pytest.raises(NoToken, match=r"zalo\.json cannot be read"):
        await bench.tokens().access()
    assert bench.fake.asked["oauth"] == 0 and bench.file.read_text() == "{"


_LIFE = textwrap.dedent(
    """
    import asyncio, os, signal, sys
    from pathlib import Path
    from monitor.adapters.clock import SystemClock
    from monitor.adapters.fetch import Fetcher
    from monitor.adapters.guard import AddressGuard
    from monitor.config.allow import parse_allow
    from monitor.adapters.transports.zalotoken import ZaloTokens
    from monitor.config.secrets import Secret
    from monitor.config.spec import ZaloApp

    file, url, when = sys.argv[1:]

    def step(done):
        if done == when:
            os.kill(os.getpid(), signal.SIGKILL)

    async def main():
        clock = SystemClock()
        fetcher = Fetcher(AddressGuard([parse_allow("127.0.0.0/8:*")]), clock, limit=1)
        app = ZaloApp("42", Secret("s3cr3t"), Secret("refresh-0"), Path(file), url)
        print(await ZaloTokens(app, fetcher, clock, step).access("access-1"), flush=True)
        await fetcher.close()

    asyncio.run(main())
    """
)


async def life(bench: Bench, when: str) -> tuple[int, str]:
    """A process that wants a token and is killed at a step."""
    command = (sys.executable, "-c", _LIFE, str(bench.file), bench.fake.base("oauth"), when)
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, env=os.environ)
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode().strip()


@pytest.mark.parametrize("when", ["asking", "drafted", "written"])
async def test_killed_before_the_question_or_once_the_draft_is_on_the_disk_nothing_is_lost(bench, when):
    bench.clock.at = SystemClock().now()
    await bench.tokens().access()
    assert await life(bench, when) == (-signal.SIGKILL, "")
    code, token = await life(bench, "never")
    assert (code, token) == (0, "access-2")
    assert bench.tokens().trouble() == ""


async def test_killed_between_zalos_answer_and_the_writing_it_is_said_and_the_file_is_whole(bench):
    bench.clock.at = SystemClock().now()
    await bench.tokens().access()
    await life(bench, "answered")
    code, _ = await life(bench, "never")
    assert code == 1  # Zalo has used up the old one: only a person can help, and is told so
    assert "consent again" in bench.tokens().trouble()
    assert json.loads(bench.file.read_text())["refused"]


async def test_half_a_draft_is_worth_nothing(bench):
    await bench.tokens().access()
    draft = bench.file.with_name("zalo.json.new")
    draft.write_text('{"access": "acc')
    assert await bench.tokens().access("access-1") == "access-2"
    assert not draft.exists()


async def test_the_access_token_is_used_to_its_end_after_the_refresh_token_was_refused(bench):
    tokens = bench.tokens()
    await tokens.access()
    bench.fake.refresh_token = "used-elsewhere"
    bench.clock.at = START + timedelta(hours=20, minutes=1)
    assert [await tokens.access() for _ in range(3)] == ["access-1"] * 3
    bench.clock.at = START + timedelta(hours=25)
    with pytest.raises(NoToken, match="consent again"):
        await tokens.access()


async def test_a_channel_by_which_nothing_goes_keeps_its_token_alive(bench):
    channel = zalo(bench)
    await channel.upkeep()
    for hours in (1, 19, 21):
        bench.clock.at = START + timedelta(hours=hours)
        await channel.upkeep()
    assert bench.fake.asked["oauth"] == 2
    assert json.loads(bench.file.read_text())["refresh"] == "refresh-2"
    assert channel.trouble() == ""


async def test_a_channel_without_a_token_to_be_had_says_so_before_anything_is_to_be_sent(bench):
    channel = zalo(bench)
    bench.fake.refresh_token = "used-elsewhere"
    await channel.upkeep()
    assert "consent again" in channel.trouble()


async def test_a_token_that_cannot_be_had_for_now_is_no_trouble_yet(bench):
    channel = zalo(bench)
    bench.fake.moods["oauth"] = Mood("status", "503")
    await channel.upkeep()
    assert channel.trouble() == ""


def zalo(bench: Bench) -> ZaloTransport:
    """The channel of the app; nothing is sent by it here."""
    channel = ZaloTransport(Secret("zalooa://x"), lambda _: None, cast(Pool, None))
    channel.extras = Extras(bench.clock, channel="zalo", tokens=bench.tokens())
    return channel


async def test_zalo_is_not_asked_while_the_disk_has_no_room_for_its_answer(bench, monkeypatch):
    tokens = bench.tokens()
    await tokens.access()
    bench.clock.at = START + timedelta(hours=26)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", _full)
        with pytest.raises(NoToken, match=r"zalo\.json cannot be written: No space left on device"):
            await tokens.access()
    assert bench.fake.asked["oauth"] == 1
    assert await tokens.access() == "access-2"


async def test_a_draft_that_cannot_be_removed_is_said_like_one_that_cannot_be_written(bench, monkeypatch):
    tokens = bench.tokens()
    await tokens.access()
    bench.file.with_name("zalo.json.new").write_text(" ")  # room that was taken for an answer that never came
    bench.clock.at = START + timedelta(hours=26)
    monkeypatch.setattr(Path, "unlink", _full)  # as on a disk that is read-only by now
    with pytest.raises(NoToken, match="cannot be written"):
        await tokens.access()


async def test_a_pair_that_could_not_be_written_is_kept_and_written_before_it_is_used(bench, monkeypatch):
    tokens = bench.tokens()
    await tokens.access()
    bench.clock.at = START + timedelta(hours=26)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", _full)  # after Zalo's answer
        with pytest.raises(NoToken, match="cannot be written"):
            await tokens.access()
        with pytest.raises(NoToken, match="cannot be written"):
            await tokens.access()
    assert await tokens.access() == "access-2"
    assert json.loads(bench.file.read_text())["refresh"] == "refresh-2"
    assert bench.fake.asked["oauth"] == 2


def _full(*_asked: object, **_how: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
