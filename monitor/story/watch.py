"""Reads the service while the story runs: the board of a moment, and what changed its colour."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from monitor.config.spec import Site
from monitor.model.state import Decision, Transition
from monitor.model.verdict import Counts
from monitor.reporting.why import CriterionWhy, Why, why
from monitor.service.app import Service
from monitor.story.events import Board, Change, Goal, Pair
from monitor.story.figures import ONLINE, PROVINCE, SHARE


def board(service: Service, now: datetime) -> Board:
    """The province as it is committed."""
    states = service.evaluator.states
    state = states[PROVINCE]
    answer = why(service.site.units[PROVINCE], state, service.site.ruleset, service.site.calendar, now)
    children = state.standing.children if state.standing else None
    goals = tuple(_goal(c, state.criteria[c.id].verdict.value) for c in answer.criteria if c.id in (ONLINE, SHARE))
    return Board(
        now,
        children or Counts(),
        answer.colour,
        answer.score,
        tuple(sorted(goals, key=lambda goal: (ONLINE, SHARE).index(goal.criterion))),
        sum(len(other.incidents) for other in states.values()),
    )


def _goal(found: CriterionWhy, value: object) -> Goal:
    number = float(value) if isinstance(value, (int, float)) else None
    return Goal(found.id, found.title, number, found.colour, found.deadline, found.working_days_left, found.overdue)


def changes(decision: Decision, site: Site) -> Iterator[Change]:
    """New colours of units, and of the province's criteria. The very first judging of a unit is no change."""
    if decision.before.standing is None or not decision.transitions:
        return
    unit = site.units[decision.after.unit]
    for transition in decision.transitions:
        if not transition.criterion or unit.code == PROVINCE:
            answer = why(unit, decision.after, site.ruleset, site.calendar, transition.at)
            yield _change(transition, answer, decision.transitions)


def _change(transition: Transition, answer: Why, together: Sequence[Transition]) -> Change:
    criterion = next((c for c in answer.criteria if c.id == transition.criterion), None)
    moved = {other.criterion for other in together}
    return Change(
        at=transition.at,
        unit=transition.unit,
        name=(answer.unit.name_vi, answer.unit.name_en),
        criterion=transition.criterion,
        title=criterion.title if criterion else ("", ""),
        before=transition.before,
        after=transition.after,
        why=criterion.reasons if criterion else (*answer.reasons, *_moved(answer, moved)),
    )


def _moved(answer: Why, moved: Collection[str]) -> Iterator[Pair]:
    """What the criteria say that changed together with their unit."""
    for criterion in answer.criteria:
        if criterion.id in moved:
            for vi, en in criterion.reasons:
                yield f"{criterion.title[0]}: {vi}", f"{criterion.title[1]}: {en}"
