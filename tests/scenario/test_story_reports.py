"""Every report of the story of August 2025, in every format; the story is played once for all of them (some 10 s)."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from monitor.adapters.render import FORMATS
from monitor.adapters.store.memory import MemoryStore
from monitor.cli.sites import bundled
from monitor.config.spec import Site
from monitor.model.muting import Span
from monitor.model.state import UnitState
from monitor.replay.compare import rebuilt
from monitor.replay.past import read_past
from monitor.reporting.report import Report
from monitor.service.evidence import write_evidence
from monitor.service.reports import KINDS, Asked, make, scene_of
from monitor.story.figures import END, START, ZONE
from monitor.story.play import Play
from monitor.story.setting import story_site


@dataclass
class Told:
    """The story when it is over."""

    site: Site
    store: MemoryStore
    states: Mapping[str, UnitState]

    def report(self, kind: str, at: datetime = END, since: datetime = START, **more: Any) -> Report:
        """One report over what was committed."""
        asked = Asked(kind, Span(since, at), **more)
        states = self.states if at == END else self.past(at)
        return asyncio.run(make(asked, scene_of(self.site, states), self.store))

    def past(self, at: datetime) -> Mapping[str, UnitState]:
        """The units as they were."""
        return rebuilt(self.site, asyncio.run(read_past(self.store, at)), self.site.ruleset, at).states


@pytest.fixture(scope="module")
def story() -> Told:
    site = story_site(bundled(), os.environ)

    async def played() -> Told:
        play = Play(site, lambda _event: None)
        try:
            await play.run()
        finally:
            await play.stop()
        assert isinstance(play.service.store, MemoryStore)
        await play.service.store.open()
        return Told(site, play.service.store, dict(play.service.evaluator.states))

    return asyncio.run(played())


def rows(report: Report, name: str) -> list[dict[str, Any]]:
    """A table as data."""
    told: list[dict[str, Any]] = json.loads(FORMATS["json"].write(report, None))["tables"][name]
    return told


def local(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 8, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize("kind", KINDS)
def test_every_report_can_be_had_in_every_format_twice_the_same(story, kind):
    first, again = story.report(kind), story.report(kind)
    assert first == again
    for form in FORMATS.values():
        assert form.write(first, None) == form.write(again, None)


def test_the_digest_of_the_first_afternoon_counts_as_the_board_does(story):
    digest = story.report("digest", local(6, 16, 30))
    counts = {row["colour"]: (row["number"], row["change"]) for row in rows(digest, "counts")}
    assert (counts["green"][0], counts["yellow"][0], counts["red"][0]) == (63, 29, 0)
    [online, *_] = [row for row in rows(digest, "targets") if "online" in row["target"][1]]
    assert (online["goal"], online["value"], online["working_days_left"]) == (">= 80", 68.91, 10)
    assert len(rows(digest, "best")) == 10
    assert {row["colour"] for row in rows(digest, "worst")} == {"yellow"}
    assert [row["unit"] for row in rows(digest, "incidents")] == ["19"]


def test_the_next_digest_tells_what_changed_since_the_last_one(story):
    morning, evening = (story.report("digest", local(7, *clock)) for clock in ((7, 30), (16, 30)))
    was = {row["colour"]: row["number"] for row in rows(morning, "counts")}
    told = rows(evening, "counts")
    assert [row["change"] for row in told] == [row["number"] - was[row["colour"]] for row in told]
    assert any(row["change"] for row in told)


def test_a_silent_source_stands_in_the_digest_until_it_speaks(story):
    spans = {day: Asked("digest", Span(START, local(day, 7, 30))) for day in (14, 15)}
    scene = scene_of(story.site, story.states)
    told = {day: rows(asyncio.run(make(asked, scene, story.store)), "silent") for day, asked in spans.items()}
    assert [(one["source"], one["owner"]) for one in told[14]] == [("nq57", "05662")]
    assert told[15] == []


def test_the_ranking_of_the_past_is_the_one_of_that_day(story):
    then, now = story.report("ranking", local(6, 16, 30)), story.report("ranking")
    assert sum(row["rank"] == 1 for row in rows(then, "places")) < 92
    assert sum(row["rank"] == 1 for row in rows(now, "places")) == 92
    assert [row["of"] for row in rows(then, "places")] == [92] * 92


def test_targets_of_the_past_name_the_units_in_the_way(story):
    report = story.report("targets", local(6, 16, 30), unit="19")
    [share] = [row for row in rows(report, "targets") if row["criterion"] == "communes_green_share"]
    assert (share["value"], share["in_the_way"], share["goal"]) == (pytest.approx(68.478, abs=1e-3), 29, ">= 100")
    assert len([row for row in rows(report, "lacking") if row["criterion"] == "communes_green_share"]) == 29


def test_incidents_of_the_story_tell_who_answered_how_soon_without_a_name(story):
    report = story.report("incidents")
    told = rows(report, "incidents")
    assert len(told) == 11 and not report.bad
    [answered] = [row for row in told if row["by"] is not None]
    assert answered["by"].startswith("p***") and answered["answered_in"] > 0
    assert b"ppasc-duty" not in FORMATS["json"].write(report, None)
    early = story.report("incidents", local(6, 16, 30))
    assert [row["closed"] for row in rows(early, "incidents")] == [None]


def test_deliveries_of_the_story_are_counted_by_channel_and_told_by_role(story):
    report = story.report("deliveries")
    [log] = rows(report, "channels")
    assert (log["channel"], log["sent"], log["refused"]) == ("log", log["owed"], 0)
    people = {person.id for person in story.site.directory.recipients}
    written = FORMATS["csv"].write(report, "deliveries").decode()
    assert not [name for name in people if name in written]
    assert all(row["role"] for row in rows(report, "deliveries"))


def test_a_story_without_probes_has_no_availability_and_says_so(story):
    report = story.report("availability")
    assert report.empty and report.tables[0].rows == ()


@pytest.fixture(scope="module")
def pack(story) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(packed(story)))


def packed(story: Told) -> bytes:
    file = io.BytesIO()
    span = Span(local(19, 0), local(21, 0))
    asyncio.run(write_evidence(file, story.site, scene_of(story.site, {}), story.store, span))
    return file.getvalue()


def table_of(pack: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(pack.read(name).decode(), newline="")))


def test_an_evidence_pack_is_the_same_for_the_same_span_and_its_manifest_holds(story, pack):
    assert packed(story) == packed(story)
    manifest = json.loads(pack.read("manifest.json"))
    for told in manifest["files"]:
        body = pack.read(told["name"])
        assert (len(body), hashlib.sha256(body).hexdigest()) == (told["bytes"], told["sha256"])
    sums = pack.read("SHA256SUMS").decode().splitlines()
    assert {line.split("  ")[1] for line in sums} == set(pack.namelist()) - {"SHA256SUMS"}
    assert manifest["rules_are_those_that_judged"] is True
    assert manifest["rules_version"] == story.site.version


def test_an_evidence_pack_holds_what_was_judged_told_and_answered_in_its_span(story, pack):
    colours = table_of(pack, "colours.csv")
    first = "2025-08-20T00:00:00"
    overdue = [row for row in colours if row["at"].startswith(first) and row["after"] == "red" and row["criterion"]]
    assert overdue and all(row["reasons"] for row in overdue)
    assert all("2025-08-19" <= row["at"][:10] <= "2025-08-20" for row in colours)
    assert table_of(pack, "values.csv") and table_of(pack, "deliveries.csv") and table_of(pack, "incidents.csv")
    assert [row["what"] for row in table_of(pack, "versions.csv")] == ["start"]
    assert {name for name in pack.namelist() if name.startswith("rules/")} >= {"rules/indicators.yaml"}
    assert not [name for name in pack.namelist() if "people" in name or "config" in name]


def test_an_evidence_pack_names_nobody(story, pack):
    people = {person.id for person in story.site.directory.recipients} | {"ppasc-duty-19"}
    for name in ("deliveries.csv", "incidents.csv", "acknowledgements.csv", "colours.csv"):
        text = pack.read(name).decode()
        assert not [one for one in people if f"/{one}/" in text or f",{one}," in text], name
