"""The recorded past again: unchanged rules change nothing, other rules show what they would have changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.adapters.store import open_store
from monitor.cli.sites import bundled
from monitor.config.probespec import HttpCheck, ProbeSpec
from monitor.config.spec import Site
from monitor.engine.book import Condition
from monitor.model.incident import Incident, Notice
from monitor.model.reading import Collected, Reading
from monitor.replay.compare import replay
from monitor.replay.past import Past, read_file, read_past
from monitor.service.app import policy_of
from monitor.service.evaluator import Evaluator
from monitor.story.play import Play
from monitor.story.setting import story_site
from monitor.testing import StillClock
from monitor.testing.site import COMMUNES, FEED, POLL, PROBED, SYSTEM, small_site

START = datetime(2025, 8, 19, 13, 0, tzinfo=UTC)  # four hours before a deadline
MINUTES = 300


CHECK = HttpCheck("http://127.0.0.1/")


def watched_site() -> Site:
    site = small_site()
    probes = tuple(
        ProbeSpec(f"probe/{unit}", unit, "system_up" if unit == SYSTEM else "reachable", POLL, 5.0, CHECK)
        for unit in PROBED
    )
    return replace(site, probes=probes, feeds=(replace(site.feeds[0], period=300.0),))


def is_up(unit: str, minute: int) -> bool:
    if unit == SYSTEM:
        return not 130 <= minute < 150
    return not (unit == COMMUNES[0] and (20 <= minute < 47 or minute == 60)) and not (
        unit in COMMUNES[2:6] and 170 <= minute < 230
    )


def confirmed(incident: Incident) -> Notice:
    """What somebody is told who answers by SMS: it is owed because they wrote, not because of any rule."""
    key = "reply/sms/1"
    return Notice(key, key, incident.ref, incident.unit, "reply", "duty", "sms", START, "", "", "")


async def recorded(site: Site, folder: Path) -> Past:
    """Five hours of probes and a feed through the real evaluator and a real file, one incident answered."""
    clock = StillClock(START)
    store = open_store("sqlite:past.db", folder)
    await store.open()
    evaluator = Evaluator(policy_of(site), store, clock, lambda _decisions: None)
    await evaluator.load()
    for second in range(0, MINUTES * 60, 30):
        clock.at = START + timedelta(seconds=second)
        minute = second // 60
        if second % 60 == 0:
            for probe in site.probes:
                reading = Reading(probe.unit, probe.gives, is_up(probe.unit, minute), clock.at, clock.at, probe.id)
                evaluator.take(Collected(probe.id, clock.at, (reading,)))
        if second % 300 == 0:
            values = [
                Reading(c, "online", 75.0 + minute / 30 + n, clock.at, clock.at, FEED) for n, c in enumerate(COMMUNES)
            ]
            evaluator.take(Collected(FEED, clock.at, tuple(values)))
        await evaluator.settle()
        if minute == 30 and second % 60 == 0:
            incident = evaluator.states[COMMUNES[0]].incidents["centre"]
            await evaluator.acknowledge(incident.ref, "duty", "looking", reply=confirmed)
    await store.close()
    reader = open_store("sqlite:past.db", folder, read_only=True)
    await reader.open()
    past = await read_past(reader, START + timedelta(minutes=MINUTES))
    await reader.close()
    return past


async def test_the_same_rules_over_a_recorded_run_differ_in_nothing(tmp_path):
    site = watched_site()
    past = await recorded(site, tmp_path)
    end = START + timedelta(minutes=MINUTES)
    answer = replay(site, past, site.ruleset, START, end)
    assert len(past.transitions) > 40 and len(past.notices) > 5 and past.answers
    assert (answer.colours, answer.notices) == ((), ())
    assert answer.same and sum(answer.now["commune"].values()) == len(COMMUNES)
    late = replay(site, past, site.ruleset, START + timedelta(minutes=100), end)
    assert late.same and late.lead_in == timedelta(minutes=100)


async def test_another_goal_shows_what_would_have_been_judged_and_owed(tmp_path):
    site = watched_site()
    past = await recorded(site, tmp_path)
    book = site.ruleset.books[0]
    criteria = tuple(
        replace(c, target=replace(c.target, goal=Condition(">=", 95.0))) if c.target is not None else c
        for c in book.criteria
    )
    stricter = replace(site.ruleset, books=(replace(book, criteria=criteria),))
    answer = replay(site, past, stricter, START, START + timedelta(minutes=MINUTES))
    assert {d.kind for d in answer.colours} >= {"added", "missing"}
    assert any(d.kind == "added" and d.now is not None and "online overdue" in d.now.what for d in answer.notices)
    assert not answer.same


async def test_the_story_of_august_differs_in_nothing(tmp_path):
    site = story_site(bundled(), {})
    play = Play(site, lambda _event: None)
    await play.run()
    past = await read_past(play.service.store, play.clock.now())  # type: ignore[arg-type]
    answer = replay(site, past, site.ruleset, past.readings[0].received_at, play.clock.now())
    await play.stop()
    assert len(past.transitions) > 100 and len(past.notices) > 30
    assert (answer.colours, answer.notices) == ((), ())
    assert answer.same


def test_a_file_of_readings_is_refused_row_by_row(tmp_path):
    site = small_site()
    path = tmp_path / "past.csv"
    path.write_text(
        "unit,indicator,value,as_of,comparator\n"
        "02101,online,81.5,2025-08-19T16:00,=\n"
        "9,online,81.5,2025-08-19T16:00,=\n"
        "02101,online,many,2025-08-19T16:00,=\n"
        "02101,online,81,yesterday,=\n"
        "02101,online,81,2025-08-19T16:00,?\n"
    )
    past, problems = read_file(path, site.units, site.ruleset, site.calendar)
    assert [(one.value, one.as_of) for one in past.readings] == [(81.5, datetime(2025, 8, 19, 9, tzinfo=UTC))]
    assert [problem.split(";")[0] for problem in problems] == [
        "past.csv:3: no unit has the code '9'",
        "past.csv:4: 'many' is not a number",
        "past.csv:5: 'yesterday' is no instant",
        "past.csv:6: '?' is no comparator",
    ]
