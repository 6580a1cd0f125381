"""The children that a rule test tells of, as the group sees them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from monitor.engine.book import Indicator
from monitor.engine.rollup import NOBODY, Members
from monitor.model.colour import Colour
from monitor.model.reading import Comparator, Reading
from monitor.model.state import UnitState
from monitor.model.unit import Level, Unit, Units
from monitor.model.verdict import Counts, Standing
from monitor.ruletest.models import Child, Children


def counts_of(children: Children) -> Counts:
    """How many there are of each colour, those told one by one included."""
    tally = Counter(child.colour for child in children.each)
    return Counts(**{colour.value: getattr(children, colour.value) + tally[colour.value] for colour in Colour})


def members_of(children: Children | None, indicator: Indicator | None, now: datetime) -> Members:
    """The children at an instant; nobody unless the test tells of them one by one.

    Those that it only counts stand beside them, weigh 1 and give no figures.
    """
    if children is None or not children.each:
        return NOBODY
    counted = [Child(colour=colour.value) for colour in Colour for _ in range(getattr(children, colour.value))]
    told = [(f"child-{number}", child) for number, child in enumerate([*children.each, *counted])]
    states = tuple(_state(code, child, indicator, now) for code, child in told)
    units = tuple(
        Unit(code, Level.COMMUNE, "made", code, code, code, "made", weight=child.weight) for code, child in told
    )
    return Members(states, Units(units), indicator)


def _state(code: str, child: Child, indicator: Indicator | None, now: datetime) -> UnitState:
    colour = Colour(child.colour)
    level = Colour(child.was) if child.was else colour if colour.known else Colour.UNKNOWN
    standing = Standing(colour, now, level, now)
    if indicator is None or child.numerator is None or child.denominator is None:
        return UnitState(code, 1, standing)
    value = 100 * child.numerator / child.denominator if child.denominator else 0.0
    sign = Comparator(child.comparator)
    told = Reading(code, indicator.id, value, now, now, "test", sign, child.numerator, child.denominator)
    return UnitState(code, 1, standing, evidence={indicator.evidence: told})
