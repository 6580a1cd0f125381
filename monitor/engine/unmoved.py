"""Which criteria of a unit may stay as they are while others of it have news.

A criterion is a function of what is known of its indicator and of time, and it says itself when time alone could change
it. So one of which nothing new is known stays as it is until that instant: a probe that answers four times a minute
costs its own criteria and no other. What cannot be told so cheaply is judged every time: roll-ups (other units), free
conditions (several indicators), a running interruption (its value is time itself), and what several sources say (which
of them counts is a question of time).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from monitor.engine.book import Criterion, Indicator, Measure
from monitor.model.hours import Calendar
from monitor.model.state import UnitState
from monitor.model.verdict import CriterionState


def judged_today(judged_at: datetime | None, now: datetime, calendar: Calendar) -> bool:
    """Whether a unit that was judged then may be judged in part now: the same local day, and no clock set back."""
    return judged_at is not None and judged_at <= now and calendar.local(judged_at).date() == calendar.local(now).date()


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
