"""All 3,321 communes down within a minute: what reaches each recipient, when and at what cost; beside Alertmanager."""

from __future__ import annotations

import asyncio
import gc
import tempfile
from collections import Counter
from pathlib import Path

from bench import alertmanager
from bench.measure import Figure, Spent, Watch
from monitor.alerting.plan import Collapse
from monitor.model.reading import Reading
from monitor.model.unit import Level, Units
from monitor.replay.course import Course
from tests.scenario.mass_scene import COLLAPSES, START, country, policy, reading, sent

MINUTE = 60.0  # seconds in which all fall
WATCHED = 900.0  # seconds of the story
_BEGIN = 10.0  # second of the first outage
_LEVELS = ("nation", "province", "commune")
_FASTER = 10.0  # times Alertmanager is watched, so that its five minutes take thirty seconds


def run() -> list[Figure]:
    """Virtual time for us, its own clock for Alertmanager; processor time is real for both."""
    units = country()
    codes = [unit.code for unit in units if unit.level is Level.COMMUNE]
    news = [reading(code, True, 0.0) for code in codes]
    news += [reading(code, False, _BEGIN + MINUTE * number / len(codes)) for number, code in enumerate(codes)]
    ours, spent = _played(units, news, COLLAPSES)
    alone, _ = _played(units, news, ())
    told, first = _told(ours), _first(ours)
    without = _told(alone)
    figures = [Figure("communes down within a minute", len(codes), "")]
    for level in _LEVELS:
        most, all_of = max(told[level].values()), sum(told[level].values())
        figures.append(Figure(f"messages to one recipient of the {level}, at most", most, "", *_most(without, level)))
        figures.append(Figure(f"  to all of the {level}", all_of, "", sum(without[level].values()), "one by one"))
        figures.append(Figure("  first, after the first outage", first[level], "s, virtual"))
    figures.append(Figure("processor, all decisions of a quarter of an hour", spent.cpu, "CPU s"))
    return [*figures, *_beside(units, codes, spent)]


def _most(without: dict[str, Counter[str]], level: str) -> tuple[float, str]:
    return max(without[level].values()), "each outage by itself"


def _played(units: Units, news: list[Reading], collapses: tuple[Collapse, ...]) -> tuple[Course, Spent]:
    course = Course(policy(units, collapses), sorted(news, key=lambda one: (one.received_at, one.unit)))
    gc.collect()
    with Watch() as watch:
        course.run(START.fromtimestamp(START.timestamp() + WATCHED, START.tzinfo))
    return course, watch.spent


def _told(course: Course) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {level: Counter() for level in _LEVELS}
    for _, notice in sent(course):
        found[notice.recipient.partition("-")[0]][notice.recipient] += 1
    return found


def _first(course: Course) -> dict[str, float]:
    first: dict[str, float] = {}
    for second, notice in sent(course):
        first.setdefault(notice.recipient.partition("-")[0], second - _BEGIN)
    return first


def _beside(units: Units, codes: list[str], spent: Spent) -> list[Figure]:
    if not alertmanager.there():
        print("massing: prometheus-alertmanager is not installed; its figures are left out")
        return []
    labels = [{"unit": code, "province": units[code].parent or ""} for code in codes]
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(alertmanager.grouped(Path(folder), labels, _FASTER))
    figures = []
    for level in _LEVELS:
        figures.append(Figure(f"Alertmanager: to one group of the {level}, at most", found.most[level], ""))
        figures.append(Figure(f"  to all of the {level}", found.notifications[level], ""))
        figures.append(Figure("  first, after the first outage, group_wait 30 s", found.first[level], "s"))
    figures.append(
        Figure("Alertmanager: processor, routing alone", found.cpu, "CPU s", spent.cpu, "ours, judging included")
    )
    return figures
