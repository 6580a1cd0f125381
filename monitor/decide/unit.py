"""One unit is decided: what was heard, its criteria, its troubles, its standing, and what its incidents do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.alerting.incidents import Alerts, react
from monitor.alerting.troubles import telling
from monitor.decide.criteria import judge_criteria
from monitor.decide.policy import Policy
from monitor.decide.scenes import scene_of
from monitor.decide.sheltering import marked, shelter_of, troubles_of
from monitor.decide.silent import silent_sources
from monitor.decide.transitions import transitions
from monitor.decide.view import View
from monitor.engine.reported import believed_until, reported
from monitor.engine.rolling import roll_all
from monitor.engine.rollup import count
from monitor.engine.series import remember, remember_rollups, remember_score
from monitor.engine.sources import counts_now, hear, next_change
from monitor.engine.standing import stand, stand_outside, stand_under_maintenance
from monitor.engine.unmoved import judged_today, moved, says_again, stands_still
from monitor.model.colour import Colour
from monitor.model.hours import Calendar
from monitor.model.reading import Reading
from monitor.model.series import Series
from monitor.model.state import Decision, UnitState
from monitor.model.unit import Unit
from monitor.model.verdict import Counts, CriterionState, Reason, Standing

CALM = 60.0  # seconds for which what says the same again may wait to be decided
AGE_PART = 3  # ... and at most this part of the time for which it is believed
_AHEAD = timedelta(days=2)  # within which the next midnight lies, when every unit is looked at again


def decide(view: View, policy: Policy, now: datetime) -> Decision:
    """Judge one unit: evidence, criteria, standing, incidents, notices, and when to look again."""
    unit = policy.units[view.state.unit]
    told, fresh = _absorb(view, unit, policy, now)
    counts = count(child.colour for child in view.children) if policy.units.children(unit.code) else None
    work = policy.maintenance(unit, now)
    rested = view.state.colour is Colour.MAINTENANCE
    if rested and work is None:
        told = _resumed(told, now)
    seen = replace(view, state=told)
    in_part = judged_today(view.judged_at, now, policy.calendar) and work is None and not rested
    news = moved(view.state, told) if in_part else None
    criteria = judge_criteria(seen, unit, policy, counts, news, work, now)
    silent, silences_at = ([], None) if work is not None else silent_sources(seen, policy.owing(unit, now), now)
    found = troubles_of(seen, unit, criteria, policy, silent, now)
    sheltered = shelter_of(seen, found, policy, now)
    criteria = marked(criteria, sheltered)
    standing = view.state.standing
    if standing is None or not in_part or not stands_still(view.state.criteria, criteria, standing, counts):
        standing = _standing(standing, unit, criteria, policy, counts, work, now)
    alerts = Alerts({})
    if found or view.state.incidents:
        scene = scene_of(unit, criteria, told.evidence, policy, now, paused=work is not None, sheltered=sheltered)
        alerts = react(view.state.incidents, found, scene, now)
    others = (
        silences_at,
        *sheltered.awaited.values(),
        *_ends(told, policy, now),
        *_muting_changes(unit, alerts, policy, now),
    )
    after = replace(
        seen.state,
        standing=standing,
        criteria=criteria,
        series=_series(told.series, unit, criteria, standing, policy, now),
        incidents=alerts.open,
        told=telling(criteria, alerts.open, view.state.told),
        recheck_at=_recheck(criteria, alerts, others, policy.calendar, now),
        reported=reported(told.evidence, policy.ruleset.indicators, now),
    )
    return Decision(
        before=view.state,
        after=after,
        transitions=transitions(view.state, after, now),
        incidents=alerts.changed,
        notices=alerts.notices,
        withheld=alerts.withheld,
        readings=fresh,
        audit=alerts.audit,
    )


def _absorb(view: View, unit: Unit, policy: Policy, now: datetime) -> tuple[UnitState, tuple[Reading, ...]]:
    """The state with what was heard: evidence, sums and past; and the readings that are facts to be kept."""
    state, indicators = view.state, policy.ruleset.indicators
    there = policy.is_there(unit, now)  # what is said of a unit that is not there is no evidence
    answers = view.answers if there else ()
    rolled = roll_all(state.rolling, answers, policy.plans, indicators, policy.sessions, policy.planned(unit, now))
    said = (*view.news, *rolled.readings) if there else ()
    heard = hear(state.evidence, state.rivals, said, indicators, now)
    past = remember(state.series, counts_now(heard), indicators, policy.calendar, state.evidence)
    told = replace(state, evidence=heard.evidence, series=past, rivals=heard.rivals, rolling=rolled.rolling)
    return told, heard.fresh


def _series(
    past: Mapping[str, Series],
    unit: Unit,
    criteria: Mapping[str, CriterionState],
    standing: Standing,
    policy: Policy,
    now: datetime,
) -> Mapping[str, Series]:
    """The past with what was judged: values of roll-ups, and the score."""
    rolled = remember_rollups(past, policy.criteria_of(unit, now), criteria, policy.calendar, now)
    return remember_score(rolled, standing, policy.calendar.day(now))


def may_wait(state: UnitState, reading: Reading, policy: Policy, now: datetime) -> float:
    """Seconds for which a reading of a judged unit may wait for others before the unit is decided; 0: none.

    Only what says the same again may, and only for a part of the time for which it is believed: a kill loses it, and
    the evidence is then as old as what was committed last.
    """
    unit, day, indicators = policy.units[state.unit], policy.calendar.day(now), policy.ruleset.indicators
    indicator = indicators.get(reading.indicator)
    touched, least_age = policy.ruleset.touched_by(reading.indicator, unit, day)
    if indicator is None or not says_again(state, reading, touched, indicators):
        return 0.0
    return min(CALM, min(indicator.max_age, least_age) / AGE_PART)


def _standing(
    before: Standing | None,
    unit: Unit,
    criteria: Mapping[str, CriterionState],
    policy: Policy,
    counts: Counts | None,
    work: Reason | None,
    now: datetime,
) -> Standing:
    if not policy.is_there(unit, now):
        return stand_outside(before, unit, policy.calendar, now, counts)
    if work is not None:
        return stand_under_maintenance(before, work, now, counts)
    return stand(before, list(criteria.values()), policy.ruleset.standing, now, counts)


def _recheck(
    criteria: Mapping[str, CriterionState],
    alerts: Alerts,
    others: tuple[datetime | None, ...],
    calendar: Calendar,
    now: datetime,
) -> datetime:
    """The next instant at which time alone could change the answer; at the latest the next local midnight.

    Midnight, because days left, overdue days and the validity of books are counted in local days.
    """
    own = (c.verdict.recheck_at for c in criteria.values())
    instants: list[datetime | None] = [calendar.tomorrow(now), alerts.recheck_at, *others, *own]
    return min(at for at in instants if at is not None and at > now)


def _ends(state: UnitState, policy: Policy, now: datetime) -> tuple[datetime | None, ...]:
    """When another source may count, or the reported colour goes stale."""
    indicators = policy.ruleset.indicators
    return next_change(state.rivals, indicators, now), believed_until(state.evidence, indicators)


def _resumed(state: UnitState, now: datetime) -> UnitState:
    """The state at the end of its maintenance: no run of readings reaches behind that."""
    evidence = {
        key: reading if reading.since is None or reading.since >= now else replace(reading, since=now)
        for key, reading in state.evidence.items()
    }
    return replace(state, evidence=evidence, resumed_at=now)


def _muting_changes(unit: Unit, alerts: Alerts, policy: Policy, now: datetime) -> list[datetime | None]:
    """When maintenance of the unit begins or ends, or a silence may end that keeps its incidents from calling."""
    horizon = now + _AHEAD
    edges = [window.next_change(now, horizon) for window in policy.muting.windows_of(unit.code, policy.units)]
    return [*edges, policy.muting.next_silence_change(now) if alerts.open else None]
