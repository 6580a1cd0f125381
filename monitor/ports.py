"""Every source of surprise enters here: clock, timetable, sources, store, transports, exporters.

Adapters implement these protocols; one contract suite per port runs over every adapter and its virtual twin.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from monitor.alerting.limits import Limits
from monitor.alerting.muting import Held
from monitor.alerting.selfwatch import Alarm, Condition
from monitor.model.colour import Colour
from monitor.model.incident import Delivery, Incident, Notice, Outcome, Receipt, Unheard
from monitor.model.muting import Silence, Window
from monitor.model.reading import Collected, Reading, SourceHealth
from monitor.model.snapshot import Snapshot
from monitor.model.state import AuditEntry, Decision, Transition, UnitState


class Clock(Protocol):
    """Time. Wall time for people and deadlines, monotonic time for intervals."""

    def now(self) -> datetime:
        """Wall time, aware UTC."""

    def monotonic(self) -> float:
        """Seconds that never step back."""

    async def sleep(self, seconds: float) -> None:
        """Pause the calling task; zero lets others run."""

    async def sleep_until(self, when: datetime) -> None:
        """Pause until the wall clock has reached `when`, also if it is stepped meanwhile."""


class Timetable(Protocol):
    """Wakes the pollers once a second of the minute; what is due is decided elsewhere."""

    def start(self, tick: Callable[[int], Awaitable[None]]) -> None:
        """Call `tick(slot)` for each of the 60 slots of every minute, never two of the same slot at once."""

    async def stop(self) -> None:
        """Start no further tick and wait for those under way."""


class Source(Protocol):
    """A probe or feed: asked now and then, answers with values, never raises for what the world does."""

    @property
    def id(self) -> str:
        """Name from the config; also `Reading.source`."""

    @property
    def period(self) -> float:
        """Seconds between two polls."""

    @property
    def owner(self) -> str:
        """Code of the unit that answers for this source (the probed unit, or the feed's owner)."""

    async def collect(self, now: datetime) -> Collected:
        """One poll under the source's own total deadline."""


@runtime_checkable
class Resting(Protocol):
    """What a source has besides that is not asked at each of its times: somebody else's server, asked once a night."""

    def rests(self, now: datetime) -> bool:
        """Whether it is not to be asked now; also in the first sweep of a service."""


@runtime_checkable
class Remembering(Protocol):
    """What a source has besides that goes on where it stopped: a folder of which each file is read once."""

    def recall(self, health: SourceHealth | None) -> None:
        """What is remembered of it: before its first poll, and after each."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A claimed notice: send it, then settle it with the same owner and attempt."""

    notice: Notice
    owner: str
    attempt: int  # 1 for the first try; later ones carry the same key
    maybe_sent: bool = False  # an earlier attempt ended unknown
    over: str = ""  # the limit because of which it is to be told by another channel; empty: send it
    since: datetime | None = None  # when nothing held it back any more; None: when it was due


Hold = Callable[[Notice, datetime], Held | None]  # why a notice must not be sent at an instant, if so
TakeOver = Callable[[Notice], Notice | None]  # what another channel owes in its stead, if there is one


class Store(Protocol):
    """Durable memory. `commit` and `settle` return only after the data is on disk."""

    async def open(self) -> None:
        """Open and migrate; claims of a former life end as unknown, free to be sent again. Raises StoreError."""

    async def close(self) -> None:
        """Finish what is under way and let go."""

    async def load_states(self) -> Sequence[UnitState]:
        """All unit states with their evidence and open incidents."""

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[UnitState]:
        """Write all decisions in one transaction, all or nothing; returns the new states (version raised by one).

        Writes evidence, state, incidents, notices (an existing key is left alone), withheld notices, transitions,
        history of readings and audit. Raises Conflict when a version moved, StoreError when it cannot write.
        """

    async def save_health(self, health: Sequence[SourceHealth]) -> None:
        """Remember when sources last answered."""

    async def load_health(self) -> Sequence[SourceHealth]:
        """What was remembered of all sources."""

    async def lease(
        self,
        channel: str,
        owner: str,
        now: datetime,
        limit: int,
        seconds: float,
        hold: Hold | None = None,
        limits: Limits | None = None,
    ) -> Sequence[Lease]:
        """Claim due notices of one channel: urgent before old.

        Good news (a notice that `requires` another) waits until all bad news of its incident to the same address is
        decided; where none of that was sent, it is suppressed ("never_told") instead of claimed.
        Expired leases count as attempts that ended unknown. What `hold` names is not claimed: it stays owed, says why,
        and is asked about again at the instant that `hold` gives. What is over the `limits` is held in the same way,
        or claimed with the reason (`Lease.over`) where another channel is to tell it.
        """

    async def settle(
        self,
        lease: Lease,
        receipt: Receipt,
        now: datetime,
        next_at: datetime | None = None,
        instead: Notice | None = None,
    ) -> bool:
        """Record an outcome, compare-and-set on (owner, attempt). False when the lease was taken over meanwhile.

        Where the final status came before and decided it, the provider's name of the message is kept all the same.
        `instead` becomes owed with it, unless this one was withheld meanwhile or that one is known already.
        """

    async def note_sent(self, notice: Notice, receipt: Receipt, at: datetime) -> None:
        """Note a message that went past the outbox at an instant: it is in every list and count of what was sent."""

    async def heard_later(
        self, channel: str, name: str, final: str, now: datetime, instead: TakeOver | None = None
    ) -> bool | None:
        """Note what a provider says later of a message, see monitor.model.incident.FINALS. None: nothing has this name.

        False where that is no news. `name` is monitor.model.incident.reference of its key, or the provider's own id.
        What waited to be repeated and arrived is sent. What failed and was not withheld since is owed as `instead`
        says, and not repeated.
        """

    async def next_due(self, channel: str) -> datetime | None:
        """When the next notice of a channel could be claimed; None when nothing waits."""

    async def hasten(self, now: datetime, by: float, beyond: float = 0.0) -> None:
        """The wall clock was set back: what waits for later than `beyond` seconds from now waits `by` seconds less.

        The same for claims that run out. Nothing is claimed before it was asked again what holds it back.
        """

    async def audit(self, entry: AuditEntry) -> None:
        """Append one audit entry outside of a decision (a refusal, a start, a reload)."""

    async def mute(self, what: Silence | Window, entry: AuditEntry) -> None:
        """Write a silence or window over the one with its id, with its audit entry.

        What was held back with its reason may be claimed again at once: it may have ended before its time.
        """

    async def muted(self, *, not_over: datetime | None = None, limit: int = 500) -> Sequence[Silence | Window]:
        """Silences and windows made at run time, the last to end first; only those not over at an instant, if given."""

    async def incidents(self, *, open_only: bool = True, limit: int = 500) -> Sequence[Incident]:
        """Newest first."""

    async def incident(self, key_or_ref: str) -> Incident | None:
        """One incident by key or by its six-character reference (the newest with it)."""

    async def deliveries(self, *, incident: str | None = None, limit: int = 500) -> Sequence[Delivery]:
        """Newest first, of one incident or of all. The canary's are in none of these lists and counts."""

    async def outbox(self) -> Mapping[str, tuple[int, datetime | None]]:
        """Per channel: number of pending notices, and since or from when on the oldest can go."""

    async def stuck(self, before: datetime) -> tuple[int, datetime | None]:
        """How many notices should have gone before an instant and have not, and since when the oldest should have.

        What is muted or held by a limit, what is not urgent and waits for its provider's morning, and good news that
        waits for bad news, is not counted.
        """

    async def unheard(self, before: datetime, limit: int = 1000, *, calm: datetime | None = None) -> Sequence[Unheard]:
        """Calls that could go before an instant, of incidents that nobody has answered, of which every message failed.

        Failed is what was refused, what may have gone and is not repeated, what is tried again after a failure, what a
        limit holds, and what was owed to somebody who left. What a limit holds and is not urgent has failed only where
        it fell due before `calm`, and never where that is not said. A call of which a message was withheld is
        superseded, and so is one after which somebody was told of the incident. Oldest first.
        """

    async def prune(self, what: str, before: datetime, *, after: int = 0, limit: int = 500) -> Pruned:
        """Delete what of one sort is older than an instant and needed by nothing, among the next rows after a mark.

        The sorts are "readings", "transitions", "notices", "incidents" and "silences". Kept are the last
        reading and the last change of colour of each sort before the instant, the messages of incidents that are not
        closed, what is undecided, and incidents with messages. Counts of outcomes do not fall by it. Raises ValueError
        for another word.
        """

    async def forget(self, channel: str) -> None:
        """Delete all notices of a channel, whatever became of them: those of the canary, of which nothing is kept."""

    async def overdue(self, before: datetime, limit: int) -> Sequence[Incident]:
        """Open incidents that have owed a call since before an instant (monitor.alerting.auditor), the oldest first."""

    async def open_after(self, key: str, limit: int) -> Sequence[Incident]:
        """Open incidents in the order of their keys, from the one that follows `key` on."""

    async def owed(self, incidents: Collection[str]) -> Mapping[str, Mapping[str, tuple[str, str]]]:
        """All notices of these incidents: incident key -> notice key -> (state as in `Delivery`, why)."""

    async def outcomes(self) -> Mapping[tuple[str, Outcome], int]:
        """Per channel and outcome: number of notices, since the store was made."""

    async def carried(self, channel: str, since: datetime) -> int:
        """How many notices of a channel went, may have gone or are going since an instant: what `Limits` count."""

    async def transitions(self, unit: str, *, limit: int = 200) -> Sequence[Transition]:
        """Changes of colour of one unit and its criteria, newest first."""

    async def readings(self, unit: str, indicator: str, *, limit: int = 200) -> Sequence[Reading]:
        """History of one indicator of one unit, newest first; the latest revision of each (as_of, source) first."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A stretch of what was committed, in the order of the commits. `mark` continues it; None: that was all."""

    facts: Sequence[Reading | Transition | Notice | AuditEntry]
    mark: int | None


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows a stretch of deleting took; `mark` continues it, None: that was all."""

    number: int
    mark: int | None


class History(Protocol):
    """What was committed, oldest first and in stretches of bounded size. It is read, never changed."""

    async def recorded(self, what: str, *, after: int = 0, limit: int = 5000) -> Recorded:
        """The next facts of one sort, "readings", "transitions", "notices" or "audit", from a mark on.

        Readings come with all their revisions. Raises ValueError for another word.
        """

    async def kept_since(self, what: str) -> datetime | None:
        """Since when a sort of record is whole (see `Store.prune` for the words); None: nothing of it was deleted."""

    async def last_received(self, before: datetime) -> datetime | None:
        """When the last reading was received that is older than an instant; None: there is none."""

    async def colours_at(self, units: Collection[str], at: datetime) -> Mapping[str, Colour]:
        """The colour that each of some units had at an instant; who had none yet is not in it.

        However long the history is, one change of each is read. Of changes at one instant the last commit counts.
        """


class Transport(Protocol):
    """Sends one notice to one recipient by one channel. Returns a receipt within its own deadline, never raises."""

    async def send(self, notice: Notice, *, attempt: int, maybe_sent: bool) -> Receipt:
        """Hand the message over. The notice's key is the idempotency key."""

    async def close(self) -> None:
        """Stop workers."""


class Shelf(Protocol):
    """Files that messages carry: made once, read at each send, thrown away when nobody can need them any more."""

    async def keep(self, files: Mapping[str, bytes], now: datetime) -> None:
        """Put files there under their names, over those that are there; old ones go. Raises OSError."""


class Host(Protocol):
    """The machine under the service, as far as the monitor's own alarm asks. Never raises."""

    def free(self) -> float | None:
        """Per cent of the disk that holds var/ which is free; None when that cannot be told."""

    async def recall(self) -> Mapping[Condition, Alarm]:
        """The alarms that were remembered last; none when they cannot be read."""

    async def remember(self, alarms: Mapping[Condition, Alarm]) -> None:
        """Keep the alarms over a restart, beside the store: it may be what is broken."""

    async def beat(self) -> Sequence[str]:
        """Ask every heartbeat address once, under a deadline of its own; of each why that failed, or nothing."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of an exporter."""

    body: bytes
    content_type: str
    encoding: str = ""  # "gzip" when the body is packed


class Exporter(Protocol):
    """Shows committed facts to other programs. Small files in `exporters/` implement it through monitor.api."""

    @property
    def path(self) -> str:
        """Where its page is served, for example "/metrics"."""

    def start(self, snapshot: Snapshot) -> None:
        """Called once, before the first page."""

    def changed(self, states: Sequence[UnitState]) -> None:
        """Called after every commit with the new states; must be quick."""

    def polled(self, collected: Collected) -> None:
        """Called after every poll of a source; must be quick."""

    async def page(self, accept: str, accept_encoding: str) -> Page:
        """The page for a client that sent these headers."""


@runtime_checkable
class Preparing(Protocol):
    """What an exporter has besides that can do a part of its next page's work before it is asked for."""

    async def prepare(self) -> None:
        """Called each second; must give the event loop away every few milliseconds."""


@runtime_checkable
class Complaining(Protocol):
    """What an exporter has besides that has something to say to the operator: on the board and in the log."""

    def problems(self) -> Sequence[str]:
        """One sentence each, the same words as long as it is the same; empty when all is well."""
