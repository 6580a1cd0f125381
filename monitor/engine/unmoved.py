"""Which criteria of a unit may stay as they are while others of it have news.

A criterion is a function of what is known of its indicator and of time, and it says itself when time alone could change
it. So one of which nothing new is known stays as it is until that instant: a probe that answers four times a minute
costs its own criteria and no other. What cannot be told so cheaply is judged every time: roll-ups (other units), free
conditions (several indicators), a running interruption (its value is time itself), and what several sources say (which
of them counts is a question of time).

A yes or no that says again what was said before, at a unit where nothing waits on it, only makes evidence younger. Its
unit need not be judged for each of them: until an instant that the unit named itself, and while nothing else is heard,
all of them together decide what each would have decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from monitor.engine.book import Criterion, Indicator, Measure
from monitor.engine.evidence import same_hour
from monitor.engine.flapping import spelt
from monitor.model.hours import Calendar
from monitor.model.reading import Comparator, Reading
from monitor.model.state import UnitState
from monitor.model.verdict import Counts, CriterionState, Standing


def judged_today(judged_at: datetime | None, now: datetime, calendar: Calendar) -> bool:
    """Whether a unit that was judged then may be judged in part now: the same local day, and no clock set back."""
    return judged_at is not None and judged_at <= now and calendar.day(judged_at) == calendar.day(now)


def moved(before: UnitState, after: UnitState) -> frozenset[str]:
    """Indicators of which something else is known after the news, or of which several sources speak."""
    evidence = (key for key, reading in after.evidence.items() if reading is not before.evidence.get(key))
    series = (key for key, past in after.series.items() if past is not before.series.get(key))
    return frozenset((*evidence, *series, *before.rivals, *after.rivals))


def stays(
    before: CriterionState,
    criterion: Criterion,
    indicators: Mapping[str, Indicator],
    news: frozenset[str],
    now: datetime,
) -> bool:
    """True when judging would say the same again; `news` is what `moved` found."""
    if criterion.rollup is not None or criterion.formulas:
        return False
    indicator, look_at = indicators[criterion.indicator or ""], before.verdict.recheck_at
    if indicator.measure is Measure.ELAPSED or indicator.evidence in news:
        return False
    return look_at is None or now < look_at


def stands_still(
    before: Mapping[str, CriterionState], after: Mapping[str, CriterionState], standing: Standing, counts: Counts | None
) -> bool:
    """True when the standing that was made of `before` is that of `after`, by the same rules: it is made of the colour,
    the last level and the weight of each criterion, and of the children by colour."""
    if standing.children != counts or before.keys() != after.keys():
        return False
    for key, now in after.items():
        was = before[key]
        if was is not now and (
            was.colour is not now.colour
            or was.level is not now.level
            or was.weight != now.weight
            or was.critical is not now.critical
            or was.caused_by != now.caused_by
        ):
            return False
    return True


def says_again(
    state: UnitState, reading: Reading, criteria: Iterable[Criterion], indicators: Mapping[str, Indicator]
) -> bool:
    """True when a reading changes nothing at a unit but the age of what is known.

    `criteria` are those of the unit, at least all that such a reading may touch (`Ruleset.touched_by`).
    """
    before = state.evidence.get(reading.indicator)
    return (
        before is not None
        and _repeated(before, reading)
        and reading.indicator not in state.rivals
        and all(_at_rest(state, criterion, reading.indicator, indicators) for criterion in criteria)
    )


def _repeated(before: Reading, reading: Reading) -> bool:
    """The same bare yes or no of the same source, a little later; history keeps one an hour."""
    return (
        isinstance(reading.value, bool)
        and before.value is reading.value
        and before.source == reading.source
        and before.note == reading.note
        and before.as_of <= reading.as_of <= reading.received_at
        and before.received_at <= reading.received_at
        and same_hour(before.as_of, reading.as_of)
        and _is_bare(before)
        and _is_bare(reading)
    )


def _is_bare(reading: Reading) -> bool:
    return reading.comparator is Comparator.EQ and reading.numerator is None and reading.denominator is None


def _at_rest(state: UnitState, criterion: Criterion, key: str, indicators: Mapping[str, Indicator]) -> bool:
    """Whether one more reading of an indicator can neither begin, feed nor end a hold or a flapping of a criterion."""
    if criterion.rollup is not None:
        return True
    if criterion.formulas:
        return False
    if indicators[criterion.indicator or ""].evidence != key:
        return True
    held = state.criteria.get(criterion.id)
    return (
        held is not None
        and held.colour.known
        and held.colour is held.level is held.raw
        and held.flapping_since is None
        and held.recent.count(spelt(held.raw)) == len(held.recent) > 0
    )
