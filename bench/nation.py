"""The whole country as a benchmark sees it: every unit of the registry, every indicator, one made-up reading each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.alerting.plan import Directory, Recipient, StepSpec
from monitor.alerting.plan import Policy as CallPolicy
from monitor.config.rulebooks import load_rules
from monitor.decide import Policy
from monitor.engine.book import Band, Book, Condition, Criterion, Indicator, Measure, RollUp, Ruleset, Target
from monitor.model.colour import Colour
from monitor.model.hours import Calendar, Sessions
from monitor.model.incident import Kind
from monitor.model.reading import Collected, Reading, Value
from monitor.model.unit import Level, Unit, Units
from monitor.registry import NATION, Place, load_registry

ROOT = Path(__file__).parent.parent
INDICATORS = 38
GOOD, FAIR = 80.0, 50.0
FEED = "national"
_LEVELS = frozenset({Level.COMMUNE, Level.PROVINCE, Level.NATION})
_EVERY = dict.fromkeys(_LEVELS, 1.0)


def national_policy() -> Policy:
    """Units of the registry, a book with one criterion for each indicator and a roll-up, and somebody to call."""
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    calendar = Calendar(frozenset(), frozenset(), zone)
    sessions = Sessions(calendar, (((time(0), time(0)),),) * 7)
    units = _units()
    return Policy(units, _rules(), _directory(units), calendar, sessions)


def _units() -> Units:
    registry = load_registry()
    nation = _unit(NATION, None)
    provinces = (_unit(place, nation.code) for place in registry.provinces)
    communes = (_unit(place, place.province) for place in registry.communes())
    return Units((nation, *provinces, *communes))


def _unit(place: Place, parent: str | None) -> Unit:
    names = (place.name_vi, place.name_en, place.name_ascii)
    return Unit(place.code, place.level, place.kind, *names, parent=parent, province=place.province)


def _rules() -> Ruleset:
    catalogue, problems = load_rules(ROOT, ())
    if catalogue is None:
        raise ValueError(problems)
    measured = [one for one in catalogue.indicators.values() if one.measure is Measure.VALUE][:INDICATORS]
    if len(measured) < INDICATORS:
        measured += [one for one in catalogue.indicators.values() if one.measure is Measure.ELAPSED]
    chosen = [replace(one, max_age=30 * 86400.0) for one in measured[:INDICATORS]]
    criteria = tuple(_criterion(number, indicator) for number, indicator in enumerate(chosen))
    share = Criterion(
        "green_share",
        "bench",
        "Tỷ lệ xanh",
        "Share of green",
        frozenset({Level.PROVINCE, Level.NATION}),
        rollup=RollUp.GREEN_SHARE,
        bands=_bands("%", ()),
        weight={Level.PROVINCE: 20.0, Level.NATION: 20.0},
        critical=True,
    )
    return Ruleset({one.id: one for one in chosen}, (Book("bench", "1", "Đo", "Bench", (*criteria, share)),))


def _criterion(number: int, indicator: Indicator) -> Criterion:
    target = number % 4 == 0 and indicator.unit == "%"
    return Criterion(
        f"c_{indicator.id}",
        "bench",
        indicator.name_vi,
        indicator.name_en,
        _LEVELS,
        indicator.id,
        bands=() if target else _bands(indicator.unit, indicator.states),
        target=Target(Condition(">=", GOOD), before=date(2099, 8, 20), floor=FAIR) if target else None,
        weight=_EVERY,
        critical=number == 1,
    )


def _bands(unit: str, states: tuple[str, ...]) -> tuple[Band, ...]:
    if unit == "bool":
        return (
            Band(Colour.GREEN, (Condition("==", True),), "yes"),
            Band(Colour.RED, (Condition("==", False),), "no"),
        )
    if unit == "state":
        return (Band(Colour.GREEN, (Condition("==", states[0]),), states[0]),)
    return (
        Band(Colour.GREEN, (Condition(">=", GOOD),), "at least 80"),
        Band(Colour.YELLOW, (Condition(">=", FAIR), Condition("<", GOOD)), "50 to <80"),
        Band(Colour.RED, (Condition("<", FAIR),), "below 50"),
    )


def _directory(units: Units) -> Directory:
    people = tuple(
        Recipient(f"focal-{unit.code}", "focal", unit.code, f"Đầu mối {unit.name_vi}", channels=("log",))
        for unit in units.at(Level.PROVINCE)
    )
    calls = CallPolicy("alarm", frozenset(Kind), (StepSpec(0.0, ("focal",), ("log",)),))
    return Directory(people, (calls,), {"focal": ("Đầu mối", "Focal point")})


def readings(policy: Policy, now: datetime) -> Iterator[Reading]:
    """One reading for each unit and indicator; about one commune in 33 has a red figure."""
    as_of = (now - timedelta(minutes=5)).astimezone(UTC)
    for place, unit in enumerate(policy.units):
        for number, indicator in enumerate(policy.ruleset.indicators.values()):
            bad = place % 33 == 0 and number == 2
            yield Reading(unit.code, indicator.id, value_of(indicator, 20.0 if bad else 90.0), as_of, now, FEED)


def value_of(indicator: Indicator, number: float) -> Value:
    """A value of the indicator's sort: good when `number` is."""
    if indicator.unit == "bool":
        return number >= GOOD
    return indicator.states[0] if indicator.unit == "state" else number


def as_polls(news: list[Reading], now: datetime) -> Iterator[Collected]:
    """The readings as answers of feeds of 2,000 values each."""
    for start in range(0, len(news), 2000):
        yield Collected(FEED, now, tuple(news[start : start + 2000]))
