"""What would be told of a trouble if it came at some instant and stayed: who, when, by which channel, in which words.

It is no second way to plan: the very `react` of the service opens the incident and calls from it, again and again at
the instants it names itself, until every step of the plan has had its turn. Only the trouble and the clock are made up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from monitor.alerting.incidents import react
from monitor.alerting.muting import silence_of
from monitor.alerting.roster import Called, called
from monitor.alerting.scene import Scene
from monitor.alerting.troubles import Silent, Trouble, troubles
from monitor.engine.book import Criterion, Indicator
from monitor.engine.target import deadline
from monitor.model.colour import Colour
from monitor.model.hours import Calendar
from monitor.model.incident import Incident, Notice, Step
from monitor.model.muting import Window, under_way
from monitor.model.unit import Unit
from monitor.model.verdict import CriterionState, Verdict

AHEAD = timedelta(days=60)  # after which nothing more is looked for: longer than any silence, window or last reminder
_ROUNDS = 5_000  # reactions to one trouble
_DAY = timedelta(days=1)
_LITTLE = timedelta.resolution


@dataclass(frozen=True, slots=True)
class Told:
    """One message that would be owed."""

    at: datetime  # when it becomes owed
    notice: Notice
    quiet: bool  # held until then by the recipient's quiet hours


@dataclass(frozen=True, slots=True)
class Turn:
    """One step of the plan, and what its first call comes to."""

    number: int  # in the plan, from 0
    step: Step
    at: datetime  # of the first message, or when it reached nobody
    called: tuple[Called, ...]  # who is called for each of its roles then
    told: tuple[Told, ...] = ()  # first calls only; later ones where quiet hours or a hole hold them
    passed: bool = False  # it reaches nobody, so that the next step is called at once


@dataclass(frozen=True, slots=True)
class Muted:
    """A time in which nothing is told, and why."""

    at: datetime
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would become of one trouble."""

    trouble: Trouble
    policy: str  # empty: no policy is for it
    turns: tuple[Turn, ...] = ()  # in the order of the plan; steps without a turn are left out
    muted: tuple[Muted, ...] = ()

    @property
    def heard(self) -> bool:
        """Whether anybody would hear of it."""
        return any(turn.told for turn in self.turns)


def supposed(
    unit: Unit, rule: Criterion, indicator: Indicator | None, colour: Colour, at: datetime, calendar: Calendar
) -> Trouble | None:
    """The trouble of a criterion that has this colour at an instant; None when nobody is to be told of that.

    Its value is not known, its date is that of the rule.
    """
    verdict = Verdict(colour, ())
    if rule.target is not None:
        due, today = deadline(rule.target, at, calendar), calendar.local(at).date()
        left = calendar.working_days_between(today, due.last_good_day + _DAY)
        late = at >= due.at and colour is Colour.RED
        verdict = Verdict(colour, (), deadline=due.at, overdue=late, working_days_left=left)
    tries = max(rule.hold.readings, 1)
    state = CriterionState(rule.id, colour, at, colour, at, colour, at, tries, verdict, 1.0)
    indicators = {indicator.id: indicator} if indicator else {}
    return troubles(unit, {rule.id: state}, {rule.id: rule}, indicators, (), at).get(rule.id)


def silent(unit: Unit, source: str, limit: float, at: datetime) -> Trouble:
    """The trouble of a source that owes the unit something and has not spoken for `limit` seconds."""
    said = Silent(source, at - timedelta(seconds=limit), limit, None, None)
    (trouble,) = troubles(unit, {}, {}, {}, (said,), at).values()
    return trouble


def rehearse(
    trouble: Trouble, scene: Callable[[datetime], Scene], windows: Sequence[Window], at: datetime
) -> Rehearsal:
    """What is told of a trouble that is there from `at` on. `scene` is the unit's at an instant, with its silences;
    `windows` is the maintenance of the unit."""
    stage = _Stage(trouble, windows)
    end, now = at + AHEAD, at
    for _ in range(_ROUNDS):
        following = stage.play(scene(now), now)
        if following is None or following > end or stage.over:
            break
        now = following
    policy = stage.incident.policy if stage.incident else ""
    return Rehearsal(trouble, policy, tuple(stage.turns[n] for n in sorted(stage.turns)), tuple(stage.muted))


@dataclass(slots=True)
class _Stage:
    trouble: Trouble
    windows: Sequence[Window]
    incident: Incident | None = None
    turns: dict[int, Turn] = field(default_factory=dict)
    muted: list[Muted] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether every step has had its turn."""
        steps = self.incident.steps if self.incident else ()
        return self.incident is not None and all(step.fired and step.held_until is None for step in steps)

    def play(self, scene: Scene, now: datetime) -> datetime | None:
        """React once; when to do so again."""
        before = {} if self.incident is None else {self.trouble.cause: self.incident}
        alerts = react(before, {self.trouble.cause: self.trouble}, scene, now)
        self.incident = alerts.open.get(self.trouble.cause, self.incident)
        self._mute(scene, now)
        self._tell(alerts.notices, scene, now)
        empty = [entry.detail for entry in alerts.audit if entry.action == "nobody_to_call"]
        self._pass(empty, scene, now)
        edges = [window.next_change(now, now + AHEAD) for window in self.windows]
        instants = (alerts.recheck_at, *edges, scene.muting.next_silence_change(now))
        return min((one for one in instants if one is not None and one > now), default=None)

    def _mute(self, scene: Scene, now: datetime) -> None:
        found = _muted(self.incident, self.windows, scene, now)
        if found is not None and (found.until, found.reason) not in {(one.until, one.reason) for one in self.muted}:
            self.muted.append(found)

    def _tell(self, notices: Iterable[Notice], scene: Scene, now: datetime) -> None:
        for notice in notices:
            number, repeat = _step_of(notice)
            if repeat == 0:
                turn = self.turns.get(number) or self._turn(number, scene, now)
                self.turns[number] = replace(turn, told=(*turn.told, Told(now, notice, _waited(notice, scene, now))))

    def _pass(self, empty: Sequence[str], scene: Scene, now: datetime) -> None:
        steps = self.incident.steps if self.incident and empty else ()
        for number, step in enumerate(steps):
            waits = all(other.fired for other in steps if other is not step)  # the last one, for somebody to be there
            if step.role in empty and number not in self.turns and (step.fired or waits):
                self.turns[number] = replace(self._turn(number, scene, now), passed=step.fired > 0)

    def _turn(self, number: int, scene: Scene, at: datetime) -> Turn:
        assert self.incident is not None
        step = self.incident.steps[number]
        who = (called(scene.directory, role, scene.lineage, at, scene.calendar) for role in step.role.split(","))
        return Turn(number, step, at, tuple(who))


def _muted(incident: Incident | None, windows: Sequence[Window], scene: Scene, now: datetime) -> Muted | None:
    if scene.paused and (work := under_way(windows, now)) is not None:
        window, span = work
        return Muted(now, span.ends, window.reason)
    silence = silence_of(incident, scene.about, scene.muting, now) if incident and scene.about else None
    return None if silence is None else Muted(now, silence.ends, silence.reason)


def _step_of(notice: Notice) -> tuple[int, int]:
    """Number of the step and of its repeat, as they stand in the key."""
    _, step, repeat, _, _ = notice.key.removeprefix(f"{notice.incident}/").split("/")
    return int(step), int(repeat)


def _waited(notice: Notice, scene: Scene, now: datetime) -> bool:
    person = scene.recipient(notice.recipient)
    if person is None or person.quiet is None:
        return False
    return person.quiet.end_of(now - _LITTLE, scene.calendar.zone) == now


def by_plan(found: Mapping[str, Rehearsal]) -> dict[tuple[object, ...], list[str]]:
    """Causes of which the same people hear in the same way, by what they have in common."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for cause, one in found.items():
        said = tuple(
            (turn.number, told.at, told.notice.recipient, told.notice.channel)
            for turn in one.turns
            for told in turn.told
        )
        groups.setdefault((one.trouble.kind, one.policy, said), []).append(cause)
    return groups
