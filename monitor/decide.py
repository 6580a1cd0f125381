"""The one pure doorway: (state, evidence, rules, now) in, a Decision out. Nothing here knows a clock or a network.

`decide` is called for a unit when it has news or when its `recheck_at` has come; in between nothing can change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

from monitor.alerting.collapse import Explainer, Sheltered, counted, failing, hushed, mass_of, masses, shelter
from monitor.alerting.incidents import Alerts, react
from monitor.alerting.incidents import acknowledge as acknowledge_incident
from monitor.alerting.incidents import hand_on as hand_on_call
from monitor.alerting.incidents import holds_post as still_held
from monitor.alerting.muting import silence_of
from monitor.alerting.plan import Directory
from monitor.alerting.scene import Scene
from monitor.alerting.troubles import Silent, Trouble, telling, told_once, troubles
from monitor.engine import reasons
from monitor.engine.book import Criterion, RollUp, Ruleset
from monitor.engine.formula import judge_formulas
from monitor.engine.hold import hold, rest
from monitor.engine.inherit import take_over
from monitor.engine.judge import judge
from monitor.engine.pace import foretold
from monitor.engine.rate import Figure, figure
from monitor.engine.reported import believed_until, reported
from monitor.engine.rolling import Plan, roll_all
from monitor.engine.rollup import Members, count, judge_rollup
from monitor.engine.series import remember, remember_rollups, remember_score
from monitor.engine.sources import Heard, counts_now, hear, hear_unjudged, next_change, remarks
from monitor.engine.standing import stand, stand_outside, stand_under_maintenance
from monitor.engine.unmoved import judged_today, moved, says_again, stands_still, stays
from monitor.model.colour import Colour
from monitor.model.errors import NotFound, Outdated
from monitor.model.hours import Calendar, Sessions
from monitor.model.incident import Cover, Incident, Notice
from monitor.model.matcher import subject
from monitor.model.muting import NOTHING_MUTED, Muting, maintenance_spans, under_way
from monitor.model.reading import Reading, SourceHealth
from monitor.model.rolling import Answer, Stretch
from monitor.model.series import NOTHING, Series
from monitor.model.state import AuditEntry, Decision, Transition, UnitState
from monitor.model.text import clean
from monitor.model.unit import Unit, Units
from monitor.model.verdict import Counts, CriterionState, Param, Reason, Standing, Verdict

CALM = 60.0  # seconds for which what says the same again may wait to be decided
AGE_PART = 3  # ... and at most this part of the time for which it is believed
_AHEAD = timedelta(days=2)  # within which the next midnight lies, when every unit is looked at again
_DAY = timedelta(days=1)
_SHELTER = frozenset({reasons.EXPLAINED, reasons.AWAITED, reasons.COLLAPSED})
_TRY_AGAIN = timedelta(minutes=1)  # after which what broke is judged anew
_UNSHELTERED = Sheltered()


@dataclass(frozen=True, slots=True)
class Watch:
    """What is expected of a source, so that its silence can be noticed."""

    source: str
    owner: str  # unit that answers for it
    indicators: frozenset[str]
    limit: float  # seconds of silence before it is told
    expects: frozenset[str] = frozenset()  # units that should have a row in it


@dataclass(frozen=True)
class Policy:
    """Everything that people decided beforehand: units, rules, directory, calendar, what is muted."""

    units: Units
    ruleset: Ruleset
    directory: Directory
    calendar: Calendar
    sessions: Sessions
    watches: tuple[Watch, ...] = ()
    plans: Mapping[str, Plan] = field(default_factory=dict)  # probe -> what is derived from its answers
    muting: Muting = NOTHING_MUTED
    began: datetime | None = None  # when the service began to look; None: nobody slept
    _watched: dict[str, tuple[Watch, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _rates: list[tuple[Criterion, ...]] = field(default_factory=list, init=False, repr=False, compare=False)

    @cached_property
    def explains(self) -> Mapping[str, tuple[Explainer, ...]]:
        """Criteria of systems that explain another one, by the id of that."""
        rules = self.rules
        return {
            key: tuple(
                Explainer(
                    one,
                    self.ruleset.indicators.get(rules[one].indicator or ""),
                    self.ruleset.indicators.get(rule.indicator or ""),
                )
                for one in rule.explained_by
                if one in rules
            )
            for key, rule in rules.items()
            if rule.explained_by
        }

    @cached_property
    def rules(self) -> Mapping[str, Criterion]:
        """The newest version of every criterion, by id."""
        ids = dict.fromkeys(criterion.id for book in self.ruleset.books for criterion in book.criteria)
        return {key: rule for key in ids if (rule := self.ruleset.criterion(key)) is not None}

    @cached_property
    def explaining(self) -> frozenset[str]:
        """Criteria that explain others."""
        return frozenset(one.criterion for able in self.explains.values() for one in able)

    def changes_a_sum(self, decision: Decision, now: datetime) -> bool:
        """True when the unit's parent sums up a figure that this decision changed, whether or not a colour did."""
        if not self._rates:
            rolled = (criterion for book in self.ruleset.books for criterion in book.criteria)
            self._rates.append(tuple(criterion for criterion in rolled if criterion.rollup is RollUp.RATE))
        return any(
            self._figure(rate, decision.before, now) != self._figure(rate, decision.after, now)
            for rate in self._rates[0]
        )

    def _figure(self, rate: Criterion, state: UnitState, now: datetime) -> Figure | None:
        return figure(rate, state, self.units, self.ruleset.indicators.get(rate.indicator or ""), now)

    def criteria_of(self, unit: Unit, now: datetime) -> tuple[Criterion, ...]:
        """Criteria of a unit on the local day of `now`."""
        return self.ruleset.criteria_of(unit, self.calendar.day(now))

    def rules_of(self, unit: Unit, now: datetime) -> Mapping[str, Criterion]:
        """The same criteria by id."""
        return self.ruleset.rules_of(unit, self.calendar.day(now))

    def is_there(self, unit: Unit, now: datetime) -> bool:
        """Whether the unit is within its validity on the local day of `now`."""
        return unit.holds_on(self.calendar.day(now))

    def maintenance(self, unit: Unit, now: datetime) -> Reason | None:
        """That the unit is under maintenance now, by which window and until when; None when it is not."""
        work = under_way(self.muting.windows_of(unit.code, self.units), now)
        if work is None or not self.is_there(unit, now):
            return None
        window, span = work
        said: dict[str, Param] = {"window": window.id, "until": span.ends, "comment": window.comment}
        return Reason(reasons.UNDER_MAINTENANCE, said)

    def planned(self, unit: Unit, now: datetime) -> tuple[Stretch, ...]:
        """Maintenance of the last day: what a probe measured in it is no outage and no availability."""
        windows = self.muting.windows_of(unit.code, self.units)
        return (
            tuple((span.starts, span.ends) for span in maintenance_spans(windows, now - _DAY, now)) if windows else ()
        )

    def watches_of(self, code: str) -> tuple[Watch, ...]:
        """Sources that owe this unit something: those it owns and those that should have a row for it."""
        found = self._watched.get(code)
        if found is None:
            found = tuple(w for w in self.watches if w.owner == code or code in w.expects)
            self._watched[code] = found
        return found


@dataclass(frozen=True, slots=True)
class View:
    """What one decision may look at besides the policy."""

    state: UnitState
    news: tuple[Reading, ...] = ()
    children: tuple[UnitState, ...] = ()
    systems: Mapping[str, UnitState] = field(default_factory=dict)
    health: Mapping[str, SourceHealth] = field(default_factory=dict)
    # When this very policy made this very state out of judging; None: every criterion is judged anew.
    judged_at: datetime | None = None
    answers: tuple[Answer, ...] = ()  # of the unit's probes, oldest first
    above: tuple[UnitState, ...] = ()  # its parent, its parent's parent and so on; read where a site collapses


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
    criteria = _criteria(seen, unit, policy, counts, news, work, now)
    silent, silences_at = ([], None) if work is not None else _silences(seen, _watches(unit, policy, now), now)
    found = _troubles(seen, unit, criteria, policy, silent, now)
    sheltered = _sheltered(seen, found, policy, now)
    criteria = _marked(criteria, sheltered)
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
        transitions=_transitions(view.state, after, now),
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


def acknowledge(
    state: UnitState,
    ref: str,
    actor: str,
    note: str,
    now: datetime,
    *,
    party: str = "",
    until: datetime | None = None,
    via: str = "",
) -> Decision:
    """Somebody answered, for `party` or those they belong to: later steps are withheld.

    `via` says by which way, for the audit; empty: with a token.

    Raises NotFound when no open incident of the unit is meant, ValueError as `alerting.incidents.acknowledge` does.
    """
    found = _meant(state, ref)
    incident, withheld = acknowledge_incident(found, actor, note, now, party=party, until=until)
    others = {cause: other for cause, other in state.incidents.items() if cause != incident.cause}
    kept = {**others, incident.cause: incident} if incident.open else others
    # An answer that lapses, or of which the holder is to be reminded, is a reason to look again.
    again = [at for at in (state.recheck_at, incident.remind_at, incident.acked_until) if at is not None]
    after = replace(state, incidents=kept, recheck_at=min(again, default=None))
    said = ", ".join(part for part in (via, party, note) if part)
    entry = AuditEntry(now, actor, "acknowledge", incident.key, said)
    return Decision(before=state, after=after, incidents=(incident,), withheld=withheld, audit=(entry,))


def hand_on(state: UnitState, left: Notice, policy: Policy, now: datetime) -> tuple[Decision, bool]:
    """A message went to nobody, because its recipient holds the post no more: their successors are called, or the next
    step at once. With it whether somebody hears of it by that, or nobody need.

    Raises NotFound when its incident is not open.
    """
    found = _meant(state, left.incident)
    scene = scene_of(policy.units[state.unit], state.criteria, state.evidence, policy, now)
    alerts, heard = hand_on_call(found, left, scene, now)
    again = [at for at in (state.recheck_at, alerts.recheck_at) if at is not None]
    after = replace(state, incidents={**state.incidents, **alerts.open}, recheck_at=min(again, default=None))
    made = Decision(state, after, (), alerts.changed, alerts.notices, alerts.withheld, audit=alerts.audit)
    return made, heard


def holds_post(state: UnitState, notice: Notice, policy: Policy, now: datetime) -> bool:
    """Whether the recipient of a call about this unit holds the post still that was called; of what is no call: yes."""
    incident = next((one for one in state.incidents.values() if one.key == notice.incident), None)
    if incident is None or notice.requires is not None:
        return True
    return still_held(incident, notice, policy.directory, policy.units.answering(state.unit), policy.calendar, now)


def check_told(state: UnitState, ref: str, told: int | None) -> None:
    """Whether somebody who was told of an incident up to this generation may answer it; None: as it is now.

    Raises NotFound, and Outdated when it is another trouble by now.
    """
    found = _meant(state, ref)
    if told is not None and not found.same_trouble(told):
        raise Outdated(f"incident {found.ref} has changed since its generation {told}")


def _meant(state: UnitState, ref: str) -> Incident:
    found = next((i for i in state.incidents.values() if ref in (i.ref, i.key)), None)
    if found is None:
        raise NotFound(f"no open incident {ref!r} at unit {state.unit}")
    return found


def set_aside(state: UnitState, news: tuple[Reading, ...], why: str, now: datetime) -> Decision:
    """What is said of a unit whose judging broke: unknown, with the reason, to be tried again within a minute.

    So are its criteria, or others would go on taking them over. Its incidents stay open, its last real levels are
    remembered, and the news counts when it can be judged again; news that cannot even be read is history only.
    """
    reason = Reason(reasons.SET_ASIDE, {"error": why})
    try:
        heard = hear_unjudged(state.evidence, state.rivals, news)
    except Exception:  # whatever broke the judging may break this as well
        heard = Heard(state.evidence, state.rivals, ())
    told = replace(state, evidence=heard.evidence, rivals=heard.rivals)
    after = replace(_unknown(told, reason, now), recheck_at=now + _TRY_AGAIN)
    return Decision(before=state, after=after, transitions=_transitions(state, after, now), readings=news)


def darken(state: UnitState, why: str, now: datetime) -> UnitState:
    """What is shown, and never committed, of a unit judged otherwise than it is stored: unknown, and why."""
    return _unknown(state, Reason(reasons.BLIND, {"error": why}), now)


def _unknown(state: UnitState, reason: Reason, now: datetime) -> UnitState:
    return replace(
        state,
        standing=_dark(state.standing, reason, now),
        criteria={key: _unjudged(criterion, reason, now) for key, criterion in state.criteria.items()},
    )


def _dark(before: Standing | None, reason: Reason, now: datetime) -> Standing:
    if before is None:
        return Standing(Colour.UNKNOWN, now, Colour.UNKNOWN, now, reasons=(reason,))
    since = before.since if before.colour is Colour.UNKNOWN else now
    return Standing(
        Colour.UNKNOWN, since, before.level, before.level_since, reasons=(reason,), children=before.children
    )


def _unjudged(before: CriterionState, reason: Reason, now: datetime) -> CriterionState:
    verdict = replace(before.verdict, colour=Colour.UNKNOWN, reasons=(reason,), recheck_at=None)
    since = before.since if before.colour is Colour.UNKNOWN else now
    return replace(before, colour=Colour.UNKNOWN, since=since, verdict=verdict)


def _criteria(
    view: View,
    unit: Unit,
    policy: Policy,
    counts: Counts | None,
    news: frozenset[str] | None,
    work: Reason | None,
    now: datetime,
) -> dict[str, CriterionState]:
    """Criteria of a unit after the news; `news` names the indicators that something new is known of, None means all.

    `work` says that the unit is under maintenance.
    """
    states: dict[str, CriterionState] = {}
    for criterion in policy.criteria_of(unit, now):
        before = view.state.criteria.get(criterion.id)
        if criterion.applies_to(unit):
            if before and news is not None and stays(before, criterion, policy.ruleset.indicators, news, now):
                states[criterion.id] = before
                continue
            states[criterion.id] = _own(view, unit, criterion, before, policy, counts, work, now)
        elif taken := _taken(view, unit, criterion, before, policy, now):
            if work is not None:
                shown = _under_maintenance(taken.verdict, work)
                taken = rest(before, shown, criterion, unit.level, now, taken.caused_by)
            states[criterion.id] = taken
    return states


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


def _taken(
    view: View, unit: Unit, criterion: Criterion, before: CriterionState | None, policy: Policy, now: datetime
) -> CriterionState | None:
    try:
        return take_over(criterion, unit, _systems(view, unit, criterion, policy, now), before, now)
    except Exception as broken:  # it costs this criterion only, as one that is judged here
        verdict = _broken(view, criterion, policy, broken, now)
        return hold(before, verdict, criterion, unit.level, now, policy.ruleset.cadence_of(criterion))


def _systems(
    view: View, unit: Unit, criterion: Criterion, policy: Policy, now: datetime
) -> dict[str, CriterionState | None]:
    """What the systems of a unit carry for a criterion; None for one that owes it and was never judged.

    A system outside its validity owes nothing.
    """
    there = (code for code in unit.depends_on if code in view.systems and policy.is_there(policy.units[code], now))
    carried = {code: view.systems[code].criteria.get(criterion.id) for code in there}
    return {code: state for code, state in carried.items() if state or criterion.applies_to(policy.units[code])}


def _own(
    view: View,
    unit: Unit,
    criterion: Criterion,
    before: CriterionState | None,
    policy: Policy,
    counts: Counts | None,
    work: Reason | None,
    now: datetime,
) -> CriterionState:
    try:
        verdict = _verdict(view, criterion, policy, counts, now)
        if criterion.target is not None:
            verdict = _foretold(view, criterion, policy, verdict, now)
    except Exception as broken:  # one broken rule costs its own verdict and drops nothing else
        verdict = _broken(view, criterion, policy, broken, now)
    verdict = _fresh_only(verdict, criterion, before) if work is None else _under_maintenance(verdict, work)
    return hold(before, verdict, criterion, unit.level, now, policy.ruleset.cadence_of(criterion))


def _verdict(view: View, criterion: Criterion, policy: Policy, counts: Counts | None, now: datetime) -> Verdict:
    if criterion.rollup is not None:
        known = policy.ruleset.standing.min_coverage
        members = Members(view.children, policy.units, policy.ruleset.indicators.get(criterion.indicator or ""))
        return judge_rollup(criterion, counts or Counts(), now, policy.calendar, known, members)
    if criterion.formulas:
        return judge_formulas(criterion, policy.ruleset.indicators, view.state.evidence, now)
    indicator = policy.ruleset.indicators[criterion.indicator or ""]
    key, state = indicator.evidence, view.state
    past = state.series.get(key, NOTHING)
    verdict = judge(criterion, indicator, state.evidence.get(key), now, policy.calendar, past)
    if key not in state.rivals:
        return verdict
    beside = remarks(policy.ruleset.indicators[key], state.rivals[key], now)
    return replace(verdict, reasons=(*verdict.reasons, *beside)) if beside else verdict


def _foretold(view: View, criterion: Criterion, policy: Policy, verdict: Verdict, now: datetime) -> Verdict:
    key = criterion.id if criterion.rollup is not None else criterion.indicator or ""
    measured = policy.ruleset.indicators.get(criterion.indicator or "")
    try:
        return foretold(verdict, criterion, measured, view.state.series.get(key), now, policy.calendar)
    except Exception as broken:  # a forecast is said beside the colour and must not cost it
        return replace(verdict, reasons=(*verdict.reasons, Reason(reasons.FORECAST_BROKEN, {"error": _told(broken)})))


def _broken(view: View, criterion: Criterion, policy: Policy, broken: Exception, now: datetime) -> Verdict:
    """Unknown, and why, to be tried again in a minute; of what it would have judged, as much as can be said so."""
    indicator = policy.ruleset.indicators.get(criterion.indicator or "")
    reading = view.state.evidence.get(indicator.evidence) if indicator else None
    verdict = Verdict(
        Colour.UNKNOWN, (Reason(reasons.RULE_BROKEN, {"error": _told(broken)}),), recheck_at=now + _TRY_AGAIN
    )
    if reading is None:
        return verdict
    return replace(verdict, as_of=reading.as_of, received_at=reading.received_at, source=reading.source)


def _told(broken: Exception) -> str:
    return clean(f"{type(broken).__name__}: {broken}")


def _troubles(
    view: View,
    unit: Unit,
    criteria: Mapping[str, CriterionState],
    policy: Policy,
    silent: list[Silent],
    now: datetime,
) -> dict[str, Trouble]:
    own = troubles(unit, criteria, policy.rules_of(unit, now), policy.ruleset.indicators, silent, now)
    own = told_once(own, criteria, view.state.incidents, view.state.told)
    if not policy.directory.collapses or not view.children or not policy.is_there(unit, now):
        return own
    there = tuple(child for child in view.children if policy.is_there(policy.units[child.unit], now))
    asked = policy.directory.collapses
    known = (policy.rules, policy.ruleset.indicators, lambda incident: _is_muted(incident, policy, now))
    return {**own, **masses(unit.level, view.state.incidents, there, asked, *known)}


def _is_muted(incident: Incident, policy: Policy, now: datetime) -> bool:
    """Whether nobody is to hear of an incident now: maintenance of its unit, a silence, or a mass that is all muted."""
    unit, muting = policy.units[incident.unit], policy.muting
    if hushed(incident) or policy.maintenance(unit, now) is not None:
        return True
    return bool(muting.silences) and silence_of(incident, subject(unit.code, policy.units), muting, now) is not None


def _sheltered(view: View, found: Mapping[str, Trouble], policy: Policy, now: datetime) -> Sheltered:
    if not found and not view.state.incidents:
        return _UNSHELTERED
    systems = {code: state for code, state in view.systems.items() if policy.is_there(policy.units[code], now)}
    return shelter(view.state, found, policy.explains, systems, view.above, now)


def _marked(criteria: dict[str, CriterionState], sheltered: Sheltered) -> dict[str, CriterionState]:
    """The criteria with the reason why nobody, or not everybody, is called for them."""
    return {key: _with_reason(state, sheltered.why.get(key)) for key, state in criteria.items()}


def _with_reason(state: CriterionState, why: Reason | None) -> CriterionState:
    if why is None:
        for reason in state.verdict.reasons:
            if reason.code in _SHELTER:
                break
        else:
            return state
    said = tuple(reason for reason in state.verdict.reasons if reason.code not in _SHELTER)
    told = said if why is None else (*said, why)
    return state if told == state.verdict.reasons else replace(state, verdict=replace(state.verdict, reasons=told))


def listeners(decision: Decision, states: Mapping[str, UnitState], policy: Policy, now: datetime) -> tuple[str, ...]:
    """Units for which a decision is news.

    A new colour is for the parent and, at a system, for everybody who depends on it; a new figure for a parent that
    sums it up; a trouble for a parent that counts it; a mass trouble for those below it; a system that fails, or that
    answers, for those who wait for that.
    """
    before, after = decision.before, decision.after
    if decision.transitions or policy.changes_a_sum(decision, now):
        return (*policy.units.listeners(after.unit), *_below(before, after, states, policy))
    found = _waiting(decision, states, policy)
    return (*found, *_counting(before, after, policy), *_below(before, after, states, policy))


def _counting(before: UnitState, after: UnitState, policy: Policy) -> tuple[str, ...]:
    parent = policy.units[after.unit].parent
    if parent is None or before.incidents == after.incidents:
        return ()
    asked = policy.directory.collapses
    return (parent,) if any(counted(before, rule) != counted(after, rule) for rule in asked) else ()


def _below(before: UnitState, after: UnitState, states: Mapping[str, UnitState], policy: Policy) -> tuple[str, ...]:
    if before.incidents == after.incidents:
        return ()
    turned = {
        cause
        for rule in policy.directory.collapses
        for cause in rule.causes
        if (mass_of(before, cause) is None) != (mass_of(after, cause) is None)
    }
    if not turned:
        return ()
    below, codes = list(policy.units.children(after.unit)), list[str]()
    while below:
        codes += below
        below = [child for code in below for child in policy.units.children(code)]
    return tuple(code for code in codes if not turned.isdisjoint(states[code].incidents))


def _waiting(decision: Decision, states: Mapping[str, UnitState], policy: Policy) -> tuple[str, ...]:
    before, after = decision.before, decision.after
    dependants = policy.units.dependants(after.unit) if policy.explaining else ()
    if not dependants:
        return ()
    if any(failing(before, one) != failing(after, one) for one in policy.explaining):
        return dependants
    return (
        tuple(code for code in dependants if _awaits(states[code], policy)) if before.evidence != after.evidence else ()
    )


def _awaits(state: UnitState, policy: Policy) -> bool:
    held = (state.criteria.get(key) for key in policy.explains)
    return any(reason.code == reasons.AWAITED for one in held if one for reason in one.verdict.reasons)


def _watches(unit: Unit, policy: Policy, now: datetime) -> tuple[Watch, ...]:
    """Sources that owe the unit something; nobody owes a unit anything that is not there."""
    return policy.watches_of(unit.code) if policy.is_there(unit, now) else ()


def scene_of(
    unit: Unit,
    criteria: Mapping[str, CriterionState],
    evidence: Mapping[str, Reading],
    policy: Policy,
    now: datetime,
    *,
    paused: bool = False,
    sheltered: Sheltered = _UNSHELTERED,
) -> Scene:
    """What a reaction to the troubles of a unit may look at; `paused` while it is under maintenance."""
    return Scene(
        unit=unit,
        lineage=policy.units.answering(unit.code),
        province=policy.units[unit.province] if unit.province and unit.province in policy.units else None,
        directory=policy.directory,
        rules=policy.rules_of(unit, now),
        indicators=policy.ruleset.indicators,
        criteria=criteria,
        calendar=policy.calendar,
        sessions=policy.sessions,
        evidence=evidence,
        sources=frozenset(watch.source for watch in _watches(unit, policy, now)),
        dependants=_dependants(unit, policy, now),
        about=subject(unit.code, policy.units) if policy.muting.silences else None,
        muting=policy.muting,
        covers=sheltered.covers,
        awaited=frozenset(sheltered.awaited),
        waits=_first_waits(unit, sheltered.covers, policy),
        causes=_mass_causes(unit, policy) if policy.is_there(unit, now) else frozenset(),
        began=policy.began,
        paused=paused,
    )


def _mass_causes(unit: Unit, policy: Policy) -> frozenset[str]:
    return frozenset(rule.cause for rule in policy.directory.collapses if rule.at is unit.level)


def _first_waits(unit: Unit, covers: Mapping[str, Cover], policy: Policy) -> dict[str, float]:
    """For how long a first call waits, by cause: until a mass trouble is counted, here and at the parent."""
    above = policy.units[unit.parent].level if unit.parent else None
    waits = {rule.cause: rule.wait for rule in policy.directory.collapses if rule.at is unit.level}
    for rule in policy.directory.collapses:
        for cause in rule.causes if rule.at is above else ():
            cover = covers.get(cause)
            if cover is None or cover.unit != unit.parent:  # otherwise those above are spared already
                waits[cause] = max(rule.wait, waits.get(cause, 0.0))
    return waits


def _dependants(unit: Unit, policy: Policy, now: datetime) -> int:
    day = policy.calendar.day(now)
    return sum(policy.units[code].holds_on(day) for code in policy.units.dependants(unit.code))


def _silences(view: View, watches: tuple[Watch, ...], now: datetime) -> tuple[list[Silent], datetime | None]:
    """Sources that owe this unit something and have not spoken within their limit; and when the next one is due.

    A monitor that was itself asleep must not blame the sources: a whole source is silent only after a poll of it
    failed, or when it answered and brought nothing for anybody; a single unit only while the source brings rows for
    others. What was told as silent stays so until it speaks.
    """
    silent: list[Silent] = []
    instants: list[datetime] = []
    for watch in watches:
        health = view.health.get(watch.source)
        speaks = health is not None and health.answers
        # Of a source that owes rows to nobody, such as a heartbeat, each answer is all that it brings.
        owns = (
            bool(watch.expects) and view.state.unit == watch.owner and health is not None and health.newest is not None
        )
        if speaks and view.state.unit not in watch.expects and not owns:
            continue
        last = _last(view, watch)
        since = None if health is None else _quiet_since(view, watch, health, last, now)
        resumed = since is not None and view.state.resumed_at is not None and since < view.state.resumed_at
        since = view.state.resumed_at if resumed else since
        excused = 0.0 if health is None or resumed else health.excused
        at = None if since is None else since + timedelta(seconds=watch.limit + excused)
        if since is not None and at is not None and now >= at:
            silent.append(_silent(watch, since, last))
            continue
        if at is not None:
            instants.append(at)
        if at is None or not speaks or resumed:  # nobody can say that it speaks: what was told stays
            silent.extend(_still_silent(view, watch))
    return silent, min(instants, default=None)


def _silent(watch: Watch, since: datetime, last: Reading | None) -> Silent:
    return Silent(watch.source, since, watch.limit, last.value if last else None, last.as_of if last else None)


def _still_silent(view: View, watch: Watch) -> list[Silent]:
    told = view.state.incidents.get(f"silent:{watch.source}")
    return [] if told is None or told.well_since else [_silent(watch, told.opened_at, None)]


def _last(view: View, watch: Watch) -> Reading | None:
    rivals = (reading for kept in view.state.rivals.values() for reading in kept)
    own = (reading for reading in (*view.state.evidence.values(), *rivals) if reading.source == watch.source)
    return max(own, key=lambda reading: reading.as_of, default=None)


def _quiet_since(
    view: View, watch: Watch, health: SourceHealth, last: Reading | None, now: datetime
) -> datetime | None:
    """Since when this unit is without a word of the source; None when there is nothing to blame the source for."""
    if not health.answers:  # the owner of the source hears of it once, not every unit in it
        return (health.last_success or health.failing_since) if view.state.unit == watch.owner else None
    if health.last_success is None or now >= health.last_success + timedelta(seconds=watch.limit):
        return None  # the monitor was asleep
    if view.state.unit not in watch.expects or brings_nothing(health, watch, now):
        return health.newest if view.state.unit == watch.owner else None
    return last.as_of if last else health.first_success


def brings_nothing(health: SourceHealth, watch: Watch, now: datetime) -> bool:
    """Whether a source that answers has brought no row for anybody for half the silence that is allowed: then no
    single unit is to blame, and its owner hears of it when all of that has passed."""
    return health.newest is not None and now >= health.newest + timedelta(seconds=watch.limit / 2)


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


# -- maintenance ------------------------------------------------------------------------------------------------------


def _under_maintenance(verdict: Verdict, work: Reason) -> Verdict:
    """Not judged; what would have been said is kept beside the reason."""
    return replace(verdict, colour=Colour.MAINTENANCE, reasons=(work, *verdict.reasons))


def _fresh_only(verdict: Verdict, criterion: Criterion, before: CriterionState | None) -> Verdict:
    """After maintenance a criterion that a hold or a probe protects waits for the first reading from after it.

    What was heard during the work says nothing; what goes stale meanwhile is unknown as ever.
    """
    if before is None or before.raw is not Colour.MAINTENANCE or not verdict.colour.known:
        return verdict
    if verdict.received_at is None or verdict.received_at != before.verdict.received_at:
        return verdict
    if not (criterion.outage or criterion.hold.readings > 1 or criterion.hold.of):
        return verdict
    return replace(verdict, colour=Colour.MAINTENANCE, reasons=(Reason(reasons.AFTER_MAINTENANCE), *verdict.reasons))


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


def _transitions(before: UnitState, after: UnitState, now: datetime) -> tuple[Transition, ...]:
    changes = [
        Transition(after.unit, key, now, _colour(before.criteria.get(key)), state.colour, state.verdict.reasons)
        for key, state in after.criteria.items()
        if _colour(before.criteria.get(key)) is not state.colour
    ]
    if after.standing is not None and before.colour is not after.colour:
        unit = Transition(after.unit, "", now, before.colour, after.colour, after.standing.reasons)
        changes.append(unit)
    return tuple(changes)


def _colour(state: CriterionState | None) -> Colour:
    return Colour.UNKNOWN if state is None else state.colour
