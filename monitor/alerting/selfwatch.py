"""The monitor's own alarm: what is wrong with the monitor itself, and when its operator is told.

Two pure steps, asked every few seconds. `found` holds the facts of this moment against `CONDITIONS`, one row for each
thing that can be wrong. `step` moves the alarms on by `TABLE`: an alarm begins when its condition has lasted (`after`),
is told once, repeated until somebody answers or it is over, and its end is told once, when the condition has stayed
away (`keep`), so that what comes and goes is one alarm.

Who hears of it, and by which way, is not decided here. A row only says whether the outbox can be trusted to carry the
message (`direct`: it cannot, for it is broken or suspected itself), and whether the outgoing heartbeat must stop
(`stops`: an outside watcher shall call for help, because we perhaps cannot).

What is explained by something graver that is wrong at the same time (a disk that is full, by a database that cannot be
written) is one alarm with it: the graver is told, with the other as its reason, and the other ends without a word.

Repeats are timed on the wall clock, so that they survive a restart; a step of that clock moves them along.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from monitor.model.incident import OWN_PREFIX
from monitor.model.verdict import Param

Figures = Mapping[str, Param]  # for the words of the condition (monitor.alerting.conditions)

FRESH = 120.0  # seconds: what is older proves nothing
FREE = 5.0  # per cent of the disk, whatever the site calls low
EMERGENCY = 900.0  # seconds: a database that comes and goes is told at most so often
TRIED = 150.0  # seconds: a call that takes the place of one that nobody heard counts after a minute (`unheard.GRACE`)
DISK = 45.0  # seconds in which it is seen whether a full disk stops the database, which is told after `Limits.store`
EVENT = 600.0  # seconds for which a moment that is over (a jump, a pause) is shown


class Condition(StrEnum):
    """What can be wrong with the monitor itself; the words are in monitor.alerting.conditions."""

    NO_SWEEP = "no_sweep"  # nothing is polled
    NO_DECISION = "no_decision"  # nothing is judged
    STORE_DOWN = "store_down"  # the database cannot be written or read
    STUCK_OUTBOX = "stuck_outbox"  # messages that are due do not go out
    UNHEARD = "unheard"  # calls that no channel could deliver
    PLAN_GAP = "plan_gap"  # the auditor misses calls
    AUDITOR_SILENT = "auditor_silent"  # the auditor does not run
    STALLED = "stalled"  # the whole process stood still for a while
    CLOCK_JUMP = "clock_jump"  # the wall clock was stepped
    DISK_LOW = "disk_low"
    CHANNEL_STOPPED = "channel_stopped"  # a channel is broken for everybody
    TOKEN_ENDING = "token_ending"  # noqa: S105 (no password): a channel will stop unless somebody acts
    CONFIG_BROKEN = "config_broken"  # the site on disk is refused, an older one runs
    CUT_OFF = "cut_off"  # the monitor's own line is down


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of the monitor at one moment. Spans in seconds; None: nothing of the sort is expected or known."""

    swept: float | None = None  # since a poll last ended
    decided: float = 0.0  # since a question to the evaluator was last answered
    store: float = 0.0  # since the store last answered well
    stuck: int = 0  # messages that wait for too long
    stuck_for: float = 0.0  # since the oldest of them should have gone
    head: float = 0.0  # since the oldest message that has not gone should have
    canary: float | None = None  # since it last came back in time (monitor.service.canary)
    lagged: float | None = None  # since the event loop last came late by more than `Limits.lag`
    unheard: Figures | None = None  # of calls that nobody took (monitor.alerting.unheard)
    gaps: int = 0  # that the auditor has found
    audited: float | None = None  # since the auditor last came to its end
    stood: float = 0.0  # for which the process stood still since the last look
    jump: float = 0.0  # by which the wall clock went otherwise than the monotonic one since the last look, signed
    free: float | None = None  # per cent of the disk that holds var/
    stopped: int = 0  # channels
    ending: int = 0  # channels that need the operator
    problems: int = 0  # in the site on disk
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on something is wrong. Spans in seconds."""

    sweep: float = 300.0
    decision: float = 60.0
    store: float = 30.0
    outbox: float = 600.0
    audit: float = 180.0
    stall: float = 10.0
    jump: float = 5.0
    free: float = 5.0  # per cent
    polled: float = 120.0  # without a poll, for the heartbeat
    lag: float = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """One condition. `test` gives its figures while it holds; `after` and `keep` in seconds."""

    test: Callable[[Health, Limits], Figures | None]
    direct: bool = False  # told past the outbox
    stops: bool = False  # no heartbeat goes out meanwhile
    after: float = 0.0  # it must hold so long before it is told
    keep: float = 60.0  # it must stay away so long before it is over
    rest: float = 0.0  # between two messages at least, however often they are to be repeated
    part_of: Condition | None = None  # the graver one, above it in the table, of which it is the reason


def _when(holds: bool, **figures: Param) -> Figures | None:
    return {name: value for name, value in figures.items() if value is not None} if holds else None


def _lasting(seconds: float | None, limit: float) -> Figures | None:
    return _when(seconds is not None and seconds > limit, h=_minutes(seconds))


def _minutes(seconds: float | None) -> float | None:
    """Seconds as a text can say them; None below a minute."""
    return None if seconds is None or abs(seconds) < 60 else abs(seconds)


CONDITIONS: Mapping[Condition, Row] = {
    Condition.NO_SWEEP: Row(lambda now, limit: _lasting(now.swept, limit.sweep), stops=True),
    Condition.NO_DECISION: Row(lambda now, limit: _lasting(now.decided, limit.decision), direct=True, stops=True),
    Condition.STORE_DOWN: Row(
        lambda now, limit: _lasting(now.store, limit.store),
        direct=True, stops=True, keep=EMERGENCY, rest=EMERGENCY,
    ),
    Condition.STUCK_OUTBOX: Row(
        lambda now, limit: _when(now.stuck > 0, count=now.stuck, h=_minutes(now.stuck_for)),
        direct=True, stops=True, after=30.0,
    ),
    Condition.UNHEARD: Row(lambda now, _: now.unheard, keep=TRIED),
    Condition.PLAN_GAP: Row(lambda now, _: _when(now.gaps > 0, count=now.gaps), direct=True, stops=True),
    Condition.AUDITOR_SILENT: Row(lambda now, limit: _lasting(now.audited, limit.audit), direct=True, stops=True),
    Condition.STALLED: Row(lambda now, limit: _lasting(now.stood, limit.stall), keep=EVENT),
    Condition.CLOCK_JUMP: Row(
        lambda now, limit: _when(abs(now.jump) > limit.jump, h=_minutes(now.jump)), keep=EVENT
    ),
    Condition.DISK_LOW: Row(
        lambda now, limit: _when(now.free is not None and now.free < limit.free, free=_whole(now.free)),
        direct=True, stops=True, after=DISK, part_of=Condition.STORE_DOWN,
    ),
    Condition.CHANNEL_STOPPED: Row(lambda now, _: _when(now.stopped > 0, count=now.stopped)),
    Condition.TOKEN_ENDING: Row(lambda now, _: _when(now.ending > 0)),
    Condition.CONFIG_BROKEN: Row(lambda now, _: _when(now.problems > 0)),
    Condition.CUT_OFF: Row(lambda now, _: _when(now.cut), after=30.0),
}  # fmt: skip


def _whole(share: float | None) -> int | None:
    return None if share is None else int(share)


def found(health: Health, limits: Limits) -> dict[Condition, Figures]:
    """What is wrong at this moment, with its figures."""
    tested = ((condition, row.test(health, limits)) for condition, row in CONDITIONS.items())
    return {condition: figures for condition, figures in tested if figures is not None}


# What must be proved besides for the outgoing heartbeat, and sooner than anybody here is told: whoever waits for the
# heartbeat cannot ask why. Word -> whether it is.
PROOFS: Mapping[str, Callable[[Health, Limits], bool]] = {
    "canary": lambda now, _: now.canary is None or now.canary <= FRESH,
    "polled": lambda now, limit: now.swept is None or now.swept <= limit.polled,
    "outbox": lambda now, _: now.head <= FRESH,
    "loop": lambda now, _: now.lagged is None or now.lagged > FRESH,
    "disk": lambda now, _: now.free is None or now.free > FREE,
}


def withheld(health: Health, limits: Limits) -> tuple[str, ...]:
    """Why the outgoing heartbeat must not go out; nothing when it may."""
    wrong = (condition.value for condition in found(health, limits) if CONDITIONS[condition].stops)
    return (*wrong, *(word for word, proved in PROOFS.items() if not proved(health, limits)))


class Stage(StrEnum):
    """Life of an alarm."""

    WAITING = "waiting"  # not yet long enough
    RAISED = "raised"
    ANSWERED = "answered"  # somebody knows: no repeats
    OVER = "over"


class Event(StrEnum):
    """What can happen to an alarm."""

    APPEARED = "appeared"
    STAYED = "stayed"
    LASTED = "lasted"  # for as long as it must
    DUE = "due"  # a repeat
    GONE = "gone"  # not there now, and not yet for long enough
    WELL = "well"
    EXPLAINED = "explained"  # it is part of a graver alarm now
    ANSWERED = "answered"


# The next stage, and the text that is sent on the way. A pair that is not listed cannot happen.
TABLE: Mapping[tuple[Stage | None, Event], tuple[Stage, str]] = {
    (None, Event.APPEARED): (Stage.WAITING, ""),
    (Stage.WAITING, Event.STAYED): (Stage.WAITING, ""),
    (Stage.WAITING, Event.LASTED): (Stage.RAISED, "self"),
    (Stage.WAITING, Event.GONE): (Stage.OVER, ""),
    (Stage.WAITING, Event.EXPLAINED): (Stage.OVER, ""),
    (Stage.RAISED, Event.STAYED): (Stage.RAISED, ""),
    (Stage.RAISED, Event.DUE): (Stage.RAISED, "self"),
    (Stage.RAISED, Event.GONE): (Stage.RAISED, ""),
    (Stage.RAISED, Event.WELL): (Stage.OVER, "self_over"),
    (Stage.RAISED, Event.ANSWERED): (Stage.ANSWERED, ""),
    (Stage.RAISED, Event.EXPLAINED): (Stage.OVER, ""),
    (Stage.ANSWERED, Event.STAYED): (Stage.ANSWERED, ""),
    (Stage.ANSWERED, Event.GONE): (Stage.ANSWERED, ""),
    (Stage.ANSWERED, Event.WELL): (Stage.OVER, "self_over"),
    (Stage.ANSWERED, Event.ANSWERED): (Stage.ANSWERED, ""),
    (Stage.ANSWERED, Event.EXPLAINED): (Stage.OVER, ""),
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm about the monitor itself. Instants are aware UTC."""

    condition: Condition
    since: datetime
    seen_at: datetime  # when it was last found
    stage: Stage = Stage.WAITING
    told: int = 0  # messages so far, to each recipient
    next_at: datetime | None = None  # of the next one
    figures: Figures = field(default_factory=dict)  # as they were last found
    answered_by: str = ""

    @property
    def key(self) -> str:
        """What its messages belong to."""
        return f"{OWN_PREFIX}{self.condition.value}/{self.since.isoformat()}"

    @property
    def ref(self) -> str:
        """Six characters for people, derived from the key."""
        return b32encode(blake2b(self.key.encode(), digest_size=5).digest()).decode()[:6]

    @property
    def told_of(self) -> bool:
        """Whether people know of it."""
        return self.stage in (Stage.RAISED, Stage.ANSWERED)


@dataclass(frozen=True, slots=True)
class Call:
    """A message to be sent about an alarm, in the state in which it then is."""

    alarm: Alarm
    text: str  # "self" or "self_over"


Alarms = Mapping[Condition, Alarm]


def step(
    alarms: Alarms, wrong: Mapping[Condition, Figures], repeat: float, now: datetime, jump: float = 0.0
) -> tuple[dict[Condition, Alarm], tuple[Call, ...]]:
    """The alarms after one look, and what is to be told. `jump`: by how much the wall clock was stepped since the last.

    `repeat` is the seconds between two messages about the same alarm.
    """
    calls: list[Call] = []
    after: dict[Condition, Alarm] = {}
    wrong = _with_reasons(wrong)
    for condition, row in CONDITIONS.items():
        alarm, texts = (
            _explained(alarms.get(condition))
            if row.part_of in after
            else _moved(alarms.get(condition), wrong.get(condition), condition, repeat, now, jump)
        )
        calls.extend(Call(alarm, text) for text in texts if alarm is not None)
        if alarm is not None and alarm.stage is not Stage.OVER:
            after[condition] = alarm
    return after, tuple(calls)


def _with_reasons(wrong: Mapping[Condition, Figures]) -> dict[Condition, Figures]:
    """What is wrong, the graver of two that belong together with the figures of its reason."""
    told = dict(wrong)
    for condition, figures in wrong.items():
        graver = CONDITIONS[condition].part_of
        if graver is not None and graver in wrong:
            told[graver] = {**figures, **told[graver]}
    return told


def _explained(alarm: Alarm | None) -> tuple[Alarm | None, list[str]]:
    """An alarm that is part of a graver one now."""
    if alarm is None:
        return None, []
    stage, text = TABLE[alarm.stage, Event.EXPLAINED]
    return replace(alarm, stage=stage), [text] if text else []


def _moved(
    alarm: Alarm | None, figures: Figures | None, condition: Condition, repeat: float, now: datetime, jump: float
) -> tuple[Alarm | None, list[str]]:
    texts: list[str] = []
    if alarm is not None:
        alarm = _shifted(alarm, jump)
    while (event := _event(alarm, figures, now)) is not None:
        stage, text = TABLE[None if alarm is None else alarm.stage, event]
        alarm = alarm or Alarm(condition, now, now)
        again = event not in (Event.STAYED, Event.GONE)
        alarm = replace(alarm, stage=stage)
        if figures is not None:
            alarm = replace(alarm, seen_at=now, figures=figures)
        if text:
            texts.append(text)
            pause = timedelta(seconds=max(repeat, CONDITIONS[condition].rest))
            alarm = replace(alarm, told=alarm.told + 1, next_at=now + pause)
        if not again or stage is Stage.OVER:
            break
    return alarm, texts


def _event(alarm: Alarm | None, figures: Figures | None, now: datetime) -> Event | None:
    if alarm is None:
        return Event.APPEARED if figures is not None else None
    row = CONDITIONS[alarm.condition]
    if figures is None:
        away = (now - alarm.seen_at).total_seconds()
        return Event.WELL if alarm.told_of and away >= row.keep else Event.GONE
    if alarm.stage is Stage.WAITING:
        return Event.LASTED if (now - alarm.since).total_seconds() >= row.after else Event.STAYED
    due = alarm.stage is Stage.RAISED and alarm.next_at is not None and now >= alarm.next_at
    return Event.DUE if due else Event.STAYED


def _shifted(alarm: Alarm, jump: float) -> Alarm:
    """The same alarm on a wall clock that was stepped; `since` is part of its name and stays."""
    if not jump:
        return alarm
    by = timedelta(seconds=jump)
    return replace(alarm, seen_at=alarm.seen_at + by, next_at=alarm.next_at and alarm.next_at + by)


def answered(alarms: Alarms, ref: str, actor: str) -> tuple[dict[Condition, Alarm], Alarm | None]:
    """The alarms once somebody has answered the one called `ref` (case does not matter); None when none is."""
    meant = next((alarm for alarm in alarms.values() if alarm.told_of and ref.upper() == alarm.ref), None)
    if meant is None:
        return dict(alarms), None
    stage, _ = TABLE[meant.stage, Event.ANSWERED]
    meant = replace(meant, stage=stage, answered_by=meant.answered_by or actor)
    return {**alarms, meant.condition: meant}, meant
