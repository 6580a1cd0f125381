"""Reports as attachments of the digest: made once for an edition, bounded, and never a reason to send nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.shelf import KEPT, FolderShelf
from monitor.adapters.transports.email import EmailTransport
from monitor.adapters.transports.factory import open_transports
from monitor.alerting.digests import Edition
from monitor.alerting.plan import DigestSpec, Recipient
from monitor.config.secrets import Secret
from monitor.config.spec import ChannelSpec
from monitor.model.hours import WorkingTimes
from monitor.model.incident import Notice
from monitor.service import digests as service
from monitor.service.digests import Digests
from tests.unit.web_site import NOW, ManualClock, World, running, site

AT = NOW.replace(hour=9, minute=30)  # 16:30 in Vietnam
PEOPLE = tuple(Recipient(f"chief-{n}", "chief", "19", "Chánh Văn phòng", channels=("mail", "sms")) for n in range(3))


@dataclass
class Shelf:
    """Keeps what it is given; or is broken."""

    files: dict[str, bytes] = field(default_factory=dict)
    broken: bool = False

    async def keep(self, files: Mapping[str, bytes], now: datetime) -> None:
        if self.broken:
            raise OSError("no space left")
        self.files |= files


@dataclass
class Apart:
    """Counts the reports that are written."""

    written: int = 0

    async def __call__(self, function: Callable[..., Any], *arguments: Any) -> Any:
        made = function(*arguments)
        self.written += isinstance(made, bytes)
        return made


async def sent(world: World, shelf: Shelf | None, apart: Apart, *attach: str) -> list[Notice]:
    """The messages of one edition of a province."""
    running_site = world.service.site
    spec = DigestSpec(WorkingTimes((time(7, 30), time(16, 30))), ("chief",), ("mail", "sms"), attach=attach)
    told = replace(running_site.directory, recipients=(*running_site.directory.recipients, *PEOPLE), digests=(spec,))
    made = replace(running_site, directory=told)
    digests = Digests(
        made, world.service.evaluator, world.service.store, world.clock, lambda: "", apart, shelf
    )  # fmt: skip
    edition = Edition(spec, made.units["19"], AT, AT - timedelta(hours=9))
    await digests._once(edition)
    found = await world.service.store.deliveries(incident=edition.key(made.calendar))
    return [one.notice for one in found]


async def test_each_report_is_written_once_in_each_format_however_many_people_get_it():
    shelf, apart = Shelf(), Apart()
    async with running(site()) as world:
        notices = await sent(world, shelf, apart, "digest", "ranking", "targets")
    assert list(shelf.files) == [
        f"denbao-{kind}-19-20261118-1630.{suffix}"
        for kind in ("digest", "ranking", "targets")
        for suffix in ("html", "xlsx")
    ]
    assert apart.written == 6
    assert len(notices) == 6  # three people, two channels
    assert {notice.attachments for notice in notices} == {tuple(shelf.files)}
    assert "Bản tin: Tỉnh Số 19".encode() in shelf.files["denbao-digest-19-20261118-1630.html"]
    assert shelf.files["denbao-ranking-19-20261118-1630.xlsx"].startswith(b"PK")


@pytest.mark.parametrize("attach", [(), ("digest",)])
async def test_nothing_is_attached_unless_the_site_says_so_and_has_a_place_for_it(attach: tuple[str, ...]):
    shelf, apart = (Shelf(), Apart()) if not attach else (None, Apart())
    async with running(site()) as world:
        notices = await sent(world, shelf, apart, *attach)
    assert (apart.written, {notice.attachments for notice in notices}) == (0, {()})


async def test_a_digest_whose_attachments_cannot_be_kept_goes_without_them(caplog: pytest.LogCaptureFixture):
    async with running(site()) as world:
        notices = await sent(world, Shelf(broken=True), Apart(), "digest")
    assert len(notices) == 6
    assert {notice.attachments for notice in notices} == {()}
    assert "the digest of 19 goes without attachments" in caplog.text


async def test_what_would_make_a_message_too_large_is_left_out_and_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    shelf = Shelf()
    async with running(site()) as world:
        await sent(world, shelf, Apart(), "digest", "ranking")
        whole = dict(shelf.files)
    most = sum(map(len, list(whole.values())[:2]))
    monkeypatch.setattr(service, "LARGEST", most)
    shelf.files.clear()
    async with running(site()) as world:
        notices = await sent(world, shelf, Apart(), "digest", "ranking")
    assert list(shelf.files) == list(whole)[:2] == list(notices[0].attachments)
    assert "denbao-ranking-19-20261118-1630.html is left out" in caplog.text


async def test_a_second_try_of_an_edition_owes_nothing_twice():
    apart = Apart()
    async with running(site()) as world:
        first = await sent(world, Shelf(), apart, "digest")
        second = await sent(world, Shelf(), apart, "digest")
    assert [one.key for one in first] == [one.key for one in second]
    assert apart.written == 2


# -- the folder ------------------------------------------------------------------------------------------------------


def test_files_are_kept_for_a_week(tmp_path: Path):
    folder = tmp_path / "attachments"
    shelf = FolderShelf(folder)
    asyncio.run(shelf.keep({"a.html": b"a", "b.html": b"b"}, NOW))
    now = datetime.fromtimestamp((folder / "a.html").stat().st_mtime, NOW.tzinfo)
    asyncio.run(shelf.keep({"a.html": b"new"}, now + KEPT - timedelta(seconds=60)))
    assert [Path(path).read_bytes() for path in shelf.paths(("a.html", "b.html"))] == [b"new", b"b"]
    asyncio.run(shelf.keep({"c.html": b"c"}, now + KEPT + timedelta(seconds=60)))
    assert sorted(path.name for path in folder.iterdir()) == ["c.html"]


@pytest.mark.parametrize("name", ["../links.key", "/etc/passwd", "..", ".", "a/b", ""])
def test_a_name_that_leads_out_of_the_folder_is_none(tmp_path: Path, name: str):
    assert FolderShelf(tmp_path).paths([name]) == ()


def test_an_e_mail_channel_of_a_site_knows_where_the_files_lie(tmp_path: Path):
    mail = ChannelSpec("mail", "email", Secret("mailto://mail.example/{address}?from=denbao@tinh.example"))
    made = replace(site(tmp_path), channels={"mail": mail})
    opened = open_transports(made, ManualClock())["mail"]
    assert isinstance(opened, EmailTransport)
    assert opened.shelf is not None
    notice = Notice("k", "i", "R", "19", "brief", "chief", "mail", NOW, "s", "b", "x", attachments=("a.html",))
    job = opened.job(notice, "mailto://x", "y@z.example", attempt=1, maybe_sent=False)
    assert job.files == (str(tmp_path / "var" / "attachments" / "a.html"),)
