"""Builders for the engine's tests: one commune of Thái Nguyên, short rules, readings of August 2025."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.alerting.plan import Directory, Policy, Recipient, StepSpec
from monitor.engine.book import Band, Book, Condition, Criterion, Indicator, Measure, RollUp, Ruleset, Target
from monitor.model.colour import Colour
from monitor.model.hours import Calendar, Sessions
from monitor.model.incident import Kind
from monitor.model.reading import Comparator, Reading, Value
from monitor.model.state import UnitState
from monitor.model.unit import Level, Unit, Units
from monitor.model.verdict import CriterionState, Standing, Verdict

GREEN, YELLOW, RED, UNKNOWN = Colour.GREEN, Colour.YELLOW, Colour.RED, Colour.UNKNOWN
RANK = {GREEN: 0, YELLOW: 1, RED: 2}
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
CALENDAR = Calendar(frozenset({date(2025, 9, 2)}), frozenset(), ZONE)
SESSIONS = Sessions(CALENDAR, (((time(0), time(0)),),) * 7)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
COMMUNE = "02143"
EVERYWHERE = frozenset(Level)


def local(day: int, hour: int = 0, minute: int = 0, second: int = 0, *, month: int = 8) -> datetime:
    """An instant of 2025 on the clock of Việt Nam, in UTC."""
    return datetime(2025, month, day, hour, minute, second, tzinfo=ZONE).astimezone(UTC)


NOON = local(6, 12)


def band(colour: Colour, *conditions: tuple[str, Value]) -> Band:
    """A band of a rule, for example (RED, ("<", 60.0))."""
    made = tuple(Condition(op, operand) for op, operand in conditions)
    return Band(colour, made, " and ".join(map(str, made)))


RATE_BANDS = (band(GREEN, (">=", 80.0)), band(YELLOW, (">=", 60.0), ("<", 80.0)), band(RED, ("<", 60.0)))
OUTAGE_BANDS = (band(GREEN, ("==", 0.0)), band(YELLOW, (">", 0.0), ("<", 15.0)), band(RED, (">=", 15.0)))
YES_OR_NO = (band(GREEN, ("==", True)), band(RED, ("==", False)))


def rule(name: str = "rate", **changes) -> Criterion:
    """A criterion over the indicator of its own name, judged by the rate bands unless told otherwise."""
    made = Criterion(
        name, "book", f"Tiêu chí {name}", f"Criterion {name}", EVERYWHERE, indicator=name, bands=RATE_BANDS,
        weight=dict.fromkeys(Level, 10.0),
    )  # fmt: skip
    return replace(made, **changes)


def measure(name: str = "rate", unit: str = "%", max_age: float = 48 * 3600.0, **changes) -> Indicator:
    """An indicator."""
    return replace(Indicator(name, f"Chỉ số {name}", f"Indicator {name}", name[:13], unit, "test", max_age), **changes)


RATE = measure()
UP = measure("up", "bool", 150)
DOWN_MINUTES = measure("down_minutes", "minutes", 150, measure=Measure.ELAPSED, of="up")


def told(
    value: Value, as_of: datetime = NOON, *, unit: str = COMMUNE, indicator: str = "rate", source: str = "portal",
    sign: str = "=", received: datetime | None = None, **more,
) -> Reading:  # fmt: skip
    """A reading, received when it claims to be true unless told otherwise."""
    return Reading(unit, indicator, value, as_of, received or as_of, source, Comparator(sign), **more)


def goal(op: str = ">=", operand: Value = 80.0, **more) -> Target:
    """A target; "before 20 August 2025" when no date is given."""
    if not {"before", "by", "every"} & set(more):
        more["before"] = date(2025, 8, 20)
    return Target(Condition(op, operand), **more)


def held(
    name: str, colour: Colour, weight: float = 10.0, *, critical: bool = False, caused_by: str | None = None
) -> CriterionState:
    """A criterion's committed state."""
    known = colour if colour.known else UNKNOWN
    verdict = Verdict(colour, (), 50.0)
    return CriterionState(name, colour, NOON, known, NOON, colour, NOON, 2, verdict, weight, critical, caused_by)


def standing_so(*of_children: Colour) -> tuple[UnitState, ...]:
    """Children that stand so, as a parent sees them."""
    return tuple(
        UnitState(f"child-{number}", 1, Standing(colour, NOON, colour, NOON))
        for number, colour in enumerate(of_children)
    )


# A site of its own: nation, province, two communes that depend on a shared system, and a feed of the province.

NATION, PROVINCE, SYSTEM, OTHER = "VN", "19", "HT", "02144"
COMMUNES = (COMMUNE, OTHER)


def units(communes: tuple[str, ...] = COMMUNES) -> Units:
    """Nation, province, shared system, communes."""
    return Units(
        (
            Unit(NATION, Level.NATION, "nation", "Việt Nam", "Viet Nam", "Viet Nam"),
            Unit(PROVINCE, Level.PROVINCE, "tinh", "Tỉnh Thái Nguyên", "Thai Nguyen", "Thai Nguyen", NATION, PROVINCE),
            Unit(SYSTEM, Level.SYSTEM, "system", "Hệ thống", "System", "He thong", province=PROVINCE),
            *(
                Unit(code, Level.COMMUNE, "xa", f"Xã {code}", f"Commune {code}", code, PROVINCE, PROVINCE, (SYSTEM,))
                for code in communes
            ),
        )
    )


CENTRE = rule("up", levels=frozenset({Level.COMMUNE}), bands=YES_OR_NO, critical=True, outage=True)
SHARED = rule(
    "system_up", levels=frozenset({Level.SYSTEM}), inherit=frozenset({Level.COMMUNE}), bands=YES_OR_NO, critical=True,
    outage=True,
)  # fmt: skip
ONLINE = rule("rate", levels=frozenset({Level.COMMUNE}))
SHARE = rule(
    "share", levels=frozenset({Level.PROVINCE, Level.NATION}), indicator=None, rollup=RollUp.GREEN_SHARE, critical=True
)


def ruleset(*criteria: Criterion) -> Ruleset:
    """One book; the small site's own criteria when none are given."""
    indicators = (RATE, UP, DOWN_MINUTES, measure("system_up", "bool", 150))
    book = Book("book", "1", "Sổ", "Book", criteria or (CENTRE, SHARED, ONLINE, SHARE))
    return Ruleset({indicator.id: indicator for indicator in indicators}, (book,))


def directory() -> Directory:
    """One person of the province who hears of everything at once, and again each hour."""
    everything = Policy("all", frozenset(Kind), (StepSpec(0, ("duty",), ("log",), repeat=3600.0),))
    duty = Recipient("duty", "duty", PROVINCE, "Trực ban", channels=("log",))
    return Directory((duty,), (everything,), {"duty": ("trực ban", "duty officer")})
