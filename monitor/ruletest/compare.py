"""What a test expected beside what was seen, as sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from monitor.engine.explain import sentence
from monitor.engine.index import tally
from monitor.engine.reasons import POINTS
from monitor.model.reading import Value
from monitor.model.verdict import CriterionState, Reason, Standing
from monitor.ruletest.alarm import Alarm
from monitor.ruletest.models import Seen, TestModel
from monitor.ruletest.timeline import Timeline

_CLOSE = 0.005  # numbers are written to two decimals


def differences(test: TestModel, seen: Seen, line: Timeline, utc: Callable[[str], datetime]) -> Iterator[str]:
    """Every difference at one instant, without place and time; none: all is as expected."""
    yield from _of_alarm(seen, line.alarm)
    if test.criterion is None:
        yield from _of_standing(seen, line)
        return
    state = line.criteria.get(test.criterion)
    if (state is not None) != seen.judged:
        yield "it is judged, though it should not be" if state else f"nothing judges {line.unit.code} by it"
    elif state is not None:
        yield from _of_criterion(seen, state, utc)


def _of_alarm(seen: Seen, found: Alarm | None) -> Iterator[str]:
    if found is None:
        return
    told = found.taken()  # also where nothing is said of it: the next instant asks since this one
    if seen.incidents is not None and sorted(seen.incidents) != sorted(found.open):
        yield f"the open incidents are {_listed(sorted(found.open))}, not {_listed(sorted(seen.incidents))}"
    if seen.notices is None:
        return
    asked: list[tuple[str, str]] = sorted((notice.kind, notice.to) for notice in seen.notices)
    if asked != told:
        yield f"what became owed is {_calls(told)}, not {_calls(asked)}"


def _calls(notices: Sequence[tuple[str, str]]) -> str:
    return _listed([f"{kind} to {role}" for kind, role in notices], "silence")


def _listed(words: list[str], nothing: str = "none") -> str:
    return ", ".join(words) or nothing


def _of_standing(seen: Seen, line: Timeline) -> Iterator[str]:
    if bool(line.criteria) != seen.judged:
        yield "it is judged, though it should not be" if line.criteria else f"nothing judges {line.unit.code}"
        return
    standing = line.standing
    if standing is None or not seen.judged:
        return
    yield from _colour_and_reasons(seen, standing, standing.reasons)
    score = None if standing.score is None else standing.score * 100
    yield from _of_index(seen, line)
    if seen.score is not None and not _close(seen.score, score):
        yield f"the score is {_shown(score)}, not {seen.score:g}"


def _of_criterion(seen: Seen, state: CriterionState, utc: Callable[[str], datetime]) -> Iterator[str]:
    verdict = state.verdict
    yield from _colour_and_reasons(seen, state, verdict.reasons)
    if seen.value is not None and not _close(seen.value, verdict.value):
        yield f"the value is {_shown(verdict.value)}, not {_shown(seen.value)}"
    points = next((reason.params["points"] for reason in verdict.reasons if reason.code == POINTS), None)
    if seen.points is not None and not (isinstance(points, int | float) and _close(seen.points, points)):
        yield f"it earns {points} points, not {seen.points:g}"
    if seen.working_days_left is not None and seen.working_days_left != verdict.working_days_left:
        yield f"{verdict.working_days_left} working days are left, not {seen.working_days_left}"
    if seen.overdue is not None and seen.overdue != verdict.overdue:
        yield f"it is {'' if verdict.overdue else 'not '}overdue"
    if seen.deadline is not None and utc(seen.deadline) != verdict.deadline:
        yield f"the deadline is {verdict.deadline.isoformat() if verdict.deadline else 'none'}, not {seen.deadline}"


def _of_index(seen: Seen, line: Timeline) -> Iterator[str]:
    if seen.points is None and seen.grade is None:
        return
    found = next((one for book in line.ruleset.books if (one := tally(book, line.criteria))), None)
    if found is None:
        yield "there is no index"
        return
    if seen.points is not None and not _close(seen.points, found.points):
        yield f"the index gives {found.points:g} points, not {seen.points:g}"
    grade = found.grade.id if found.grade else "none"
    if seen.grade not in (None, grade):
        yield f"the grade is {grade}, not {seen.grade}"


def _colour_and_reasons(seen: Seen, found: CriterionState | Standing, reasons: Sequence[Reason]) -> Iterator[str]:
    because = "; ".join(sentence(reason, "en") for reason in reasons)
    if seen.colour is not None and seen.colour != found.colour.value:
        yield f"the colour is {found.colour.value}, not {seen.colour} ({because})"
    codes = [reason.code for reason in reasons]
    if missing := [code for code in seen.reasons if code not in codes]:
        yield f"the reasons are {', '.join(codes) or 'none'}, without {', '.join(missing)}"
    if seen.caused_by is not None and seen.caused_by != found.caused_by:
        yield f"it is caused by {found.caused_by or 'nothing else'}, not by {seen.caused_by}"


def _close(expected: Value, found: Value | None) -> bool:
    if found is None or isinstance(expected, bool | str) or isinstance(found, bool | str):
        return isinstance(expected, bool) == isinstance(found, bool) and expected == found
    return abs(expected - found) <= _CLOSE + 1e-9


def _shown(value: Value | None) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower()
