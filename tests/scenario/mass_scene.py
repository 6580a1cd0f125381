"""The whole registry under one rule, with somebody at every level, and centres that go down on a script."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.alerting.plan import Collapse, Directory, Recipient, StepSpec
from monitor.alerting.plan import Policy as Plan
from monitor.decide import Policy
from monitor.engine.book import Band, Book, Condition, Criterion, Indicator, Need, Ruleset
from monitor.model.colour import Colour
from monitor.model.hours import Calendar, Sessions
from monitor.model.incident import Kind, Notice
from monitor.model.reading import Reading
from monitor.model.unit import Level, Unit, Units
from monitor.registry import NATION, Place, load_registry
from monitor.replay.course import Course

START = datetime(2026, 11, 23, 2, tzinfo=UTC)  # a Monday, 9:00 in Việt Nam
PROBE, LINE = "reachable", "line_up"
LINES = "line-"  # and the code of a province
_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_WORDS = (Band(Colour.GREEN, (Condition("==", True),), "yes"), Band(Colour.RED, (Condition("==", False),), "no"))
COLLAPSES = (
    Collapse("centre", Level.PROVINCE, 5, share=20.0),
    Collapse("centre", Level.NATION, 5, share=20.0),
)


def at(seconds: float) -> datetime:
    """An instant of the story."""
    return START + timedelta(seconds=seconds)


def _unit(place: Place, parent: str | None, depends_on: tuple[str, ...] = ()) -> Unit:
    names = (place.name_vi, place.name_en, place.name_ascii)
    return Unit(place.code, place.level, place.kind, *names, parent, place.province or place.code, depends_on)


def country(provinces: Iterable[str] = (), *, lines: bool = False) -> Units:
    """The nation, its provinces (all unless said) and their communes; with a line for each province if asked."""
    registry, wanted = load_registry(), frozenset(provinces)
    chosen = [place for place in registry.provinces if not wanted or place.code in wanted]
    codes = {place.code for place in chosen}
    own = [
        Unit(f"{LINES}{code}", Level.SYSTEM, "system", f"Đường truyền {code}", "Line", "Line", province=code)
        for code in sorted(codes)
    ]
    return Units(
        (
            _unit(NATION, None),
            *(own if lines else ()),
            *(_unit(place, NATION.code) for place in chosen),
            *(
                _unit(place, place.province, (f"{LINES}{place.province}",) if lines else ())
                for place in registry.communes()
                if place.province in codes
            ),
        )
    )


def policy(units: Units, collapses: tuple[Collapse, ...] = COLLAPSES) -> Policy:
    """One rule for centres, one for lines; a focal point for each unit, and somebody who stands for more."""
    up, line = (
        Indicator(PROBE, "Trung tâm", "Centre", "Trung tam", "bool", "x", 1e6, cadence=60.0),
        Indicator(LINE, "Đường truyền", "Line", "Line", "bool", "x", 1e6, cadence=60.0),
    )
    centre = Criterion(
        "centre", "trial", "Trung tâm", "Centre", frozenset({Level.COMMUNE}), PROBE, bands=_WORDS,
        weight={Level.COMMUNE: 1.0}, critical=True, outage=True, explained_by=("line",),
    )  # fmt: skip
    lines = Criterion(
        "line", "trial", "Đường truyền", "Line", frozenset({Level.SYSTEM}), LINE, bands=_WORDS,
        weight={Level.SYSTEM: 1.0}, critical=True, outage=True, hold=Need(2),
    )  # fmt: skip
    people = tuple(
        Recipient(f"{unit.level.value}-{unit.code}", unit.level.value, unit.code, unit.name_vi, channels=("sms",))
        for unit in units
        if unit.level is not Level.SYSTEM
    )
    steps = tuple(
        StepSpec(after, (role,), ("sms",)) for role, after in (("commune", 0), ("province", 0), ("nation", 0))
    )
    wide = tuple(StepSpec(0, (role,), ("sms",)) for role in ("province", "nation"))
    plans = (
        Plan("outage", frozenset({Kind.OUTAGE}), steps, frozenset({Level.COMMUNE})),
        Plan("line", frozenset({Kind.OUTAGE}), wide, frozenset({Level.SYSTEM})),
        Plan("mass", frozenset({Kind.MASS}), wide),
    )
    calendar = Calendar(frozenset(), frozenset(), _ZONE)
    rules = Ruleset({PROBE: up, LINE: line}, (Book("trial", "1", "x", "x", (centre, lines)),))
    sessions = Sessions(calendar, (((time(0), time(0)),),) * 7)
    return Policy(units, rules, Directory(people, plans, collapses=collapses), calendar, sessions)


def reading(code: str, up: bool, second: float, what: str = PROBE) -> Reading:
    """One answer."""
    return Reading(code, what, up, at(second), at(second), "probe")


def played(rules: Policy, news: list[Reading], until: float) -> Course:
    """The course of it all, up to `until` seconds."""
    course = Course(rules, sorted(news, key=lambda one: (one.received_at, one.unit)))
    course.run(at(until))
    return course


def sent(course: Course) -> list[tuple[float, Notice]]:
    """What was owed and not withheld at once, with the second."""
    return [
        ((moment - START).total_seconds(), notice) for moment, decision in course.decided for notice in decision.notices
    ]
