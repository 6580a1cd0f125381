"""What really happened in a run, written down outside of the product: answers, rings, answers of people, deaths."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from math import inf

from monitor.model.incident import Phase
from monitor.model.reading import Collected
from monitor.model.state import Decision, UnitState
from monitor.ports import Clock, Lease
from monitor.testing.doubles import Ring
from monitor.testing.script import Script, Window

RECOVERIES = frozenset({"recovered", "kpi_met", "speaks_again"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source said, and to which life."""

    second: float
    good: bool | None  # up, or the feed answered; None: the probe could not tell
    life: int


@dataclass(slots=True)
class Asked:
    """Something that a person asked of the service, and what they were told."""

    what: str  # incident key, or unit of a pushed reading
    who: str
    at: float
    told: str = "unknown"  # "yes" after a 2xx, "no" when refused, "unknown" when the answer never came


@dataclass
class Ledger:
    """One per run."""

    clock: Clock
    start: datetime
    script: Script
    answers: defaultdict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    rings: list[Ring] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    pushed: list[Asked] = field(default_factory=list)
    dead: list[Window] = field(
        default_factory=lambda: [(0.0, inf)]
    )  # from the death of a life to the first sweep of the next
    final: dict[str, UnitState] = field(default_factory=dict)  # what the board showed at the end
    died: dict[int, float] = field(default_factory=dict)  # life -> second of its death
    excuses: Counter[str] = field(default_factory=Counter)  # notice key -> extra rings that can be explained
    phases: dict[str, tuple[Phase, int]] = field(default_factory=dict)  # incident -> (phase, generation) as committed
    acked: dict[str, tuple[float, int]] = field(default_factory=dict)  # incident -> (second, generation) of the commit
    marks: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _said: set[tuple[str, str]] = field(default_factory=set)
    _flying: dict[str, int] = field(default_factory=dict)  # claimed and unsettled notice -> life
    _history: list[str] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        """The world's time."""
        return self.clock.now()

    @property
    def second(self) -> float:
        """Seconds since the beginning."""
        return self.clock.monotonic()

    def at(self, instant: datetime) -> float:
        """An instant as seconds since the beginning."""
        return (instant - self.start).total_seconds()

    def instant(self, second: float) -> datetime:
        """A second of the run as an instant."""
        return self.start + timedelta(seconds=second)

    def mark(self, what: str) -> None:
        """A rare branch was taken."""
        self.marks[what] += 1
        self.note(what)

    def note(self, what: str) -> None:
        """One line of history."""
        self._history.append(f"{self.second:.6f} {what}")

    def violated(self, invariant: str, what: str) -> None:
        """A promise was broken."""
        self.wrong.append(f"{invariant} at {self.second:.1f}: {what}")

    def well_after(self, second: float, well: float, channel: str | None = None) -> float:
        """The second at which service and store (and this channel's provider) were well for `well` seconds since."""
        ill = [*self.dead, *self.script.store_down, *self.script.provider_down.get(channel or "", ())]
        for start, end in sorted(ill):
            if start - second >= well:
                break
            well -= max(start - second, 0.0)
            second = max(second, end)
        return second + well

    def works(self) -> None:
        """The first sweep is over."""
        self.dead[-1] = (self.dead[-1][0], self.second)

    def digest(self) -> str:
        """One value for the whole history."""
        return sha256("\n".join(self._history).encode()).hexdigest()

    # what the seams report

    def answered(self, collected: Collected, life: int) -> None:
        """A source answered."""
        good: bool | None = not collected.failure
        if collected.source.startswith("probe/"):
            good = None if collected.failure else collected.readings[0].value is True
        self.answers[collected.source].append(Answer(self.second, good, life))

    def rang(self, ring: Ring) -> None:
        """A telephone rang."""
        self.rings.append(ring)
        self.note(f"ring {ring.key} {ring.attempt}")

    def claimed(self, lease: Lease, life: int) -> None:
        """A notice was claimed: never one that is no longer owed (I6)."""
        notice = lease.notice
        self._flying[notice.key] = life
        if lease.maybe_sent:
            self.mark("sent again")
        phase, generation = self.phases[notice.incident]
        if notice.kind in RECOVERIES:
            return
        own = int(notice.key.rsplit("/", 5)[1])
        if phase is not Phase.OPEN or own < generation:
            self.violated("I6", f"{notice.key} claimed although the incident is {phase.value}/{generation}")

    def settled(self, lease: Lease) -> None:
        """A send was marked."""
        self._flying.pop(lease.notice.key, None)

    def excuse(self, key: str, why: str, *, once: bool = False) -> None:
        """One more ring of this key may follow."""
        if once and (key, why) in self._said:
            return
        self._said.add((key, why))
        self.excuses[key] += 1

    def ended(self, life: int) -> None:
        """A life ended; what it had claimed may ring again."""
        self.died[life] = self.second
        if self.dead[-1][1] != inf:
            self.dead.append((self.second, inf))
        self.note(f"death {life}")
        for key in [key for key, of in self._flying.items() if of == life]:
            del self._flying[key]
            self.excuse(key, f"death {life}")

    def committed(self, decisions: Sequence[Decision]) -> None:
        """A transaction is on disk."""
        for decision in decisions:
            for change in decision.transitions:
                self.note(f"{change.unit}/{change.criterion} {change.before} {change.after}")
            for incident in decision.incidents:
                before = self.phases.get(incident.key)
                self.phases[incident.key] = (incident.phase, incident.generation)
                if before is not None and before[1] < incident.generation:
                    self.mark("worsened or eased")
            for entry in decision.audit:
                if entry.action == "acknowledge":
                    self.acked[entry.subject] = (self.second, self.phases[entry.subject][1])
                    self.note(f"acknowledged {entry.subject} by {entry.actor}")
