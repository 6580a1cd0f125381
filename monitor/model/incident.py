"""Incidents, frozen plans, and the notices they owe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b

from monitor.model.colour import Colour
from monitor.model.hours import Daily
from monitor.model.verdict import Param

LOOPBACK = "~canary"  # the channel that leads back to the monitor itself (monitor.service.canary): in no count or list
OWN_PREFIX = "self/"  # of what the messages of the monitor's own alarm belong to (monitor.alerting.selfwatch)
DIGEST_PREFIX = "digest/"  # of what the messages of a digest belong to; the unit's code follows, then its time
MASS_PREFIX = "mass:"  # of the cause of a mass outage: the criterion of the children follows


class Kind(StrEnum):
    """What sort of trouble: it selects the escalation policy and the texts."""

    OUTAGE = "outage"  # a probe fails: T1, recovery T2
    KPI_YELLOW = "kpi_yellow"  # a target is not met and its deadline is near: T3
    KPI_RED = "kpi_red"  # below the floor or a red band, deadline not the reason
    OVERDUE = "overdue"  # the deadline passed unmet: T4
    SILENT = "silent"  # a source does not speak: T6
    MASS = "mass"  # many units below have the same trouble at once: T7


class Phase(StrEnum):
    """Life of an incident; transitions are in monitor.alerting.lifecycle."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"  # everybody who must answer has answered
    CLOSING = "closing"  # what was wrong is well, and watched for a while before that is told
    UNANSWERED = "unanswered"  # over, but nobody had answered: kept in sight until somebody does
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Address:
    """One recipient reached by one channel."""

    recipient: str
    channel: str


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a plan, frozen to an instant when the incident opens or worsens."""

    due_at: datetime  # aware UTC: of the next call; of the last one when there is no further one
    to: tuple[Address, ...]  # empty: nobody holds the role, so the next step is called at once
    role: str = ""  # who that is, for the texts; several roles are joined by commas
    repeat: float | None = None  # seconds between repeats until somebody answers; None: once
    fired: int = 0  # calls already owed: 1 means the first one went to the outbox
    office_hours: bool = False  # repeats wait for the next working instant, too
    via: tuple[str, ...] = ()  # channels of the policy's step, for those who take over the role later
    duty: bool = False  # somebody is called by a schedule: a repeat goes to whoever is on duty by then
    hours: Daily | None = None  # repeats wait for these local hours, too
    still: bool = False  # passed over when the trouble cannot be seen at that moment
    held: tuple[Address, ...] = ()  # of the last call: whose quiet hours hold it back
    held_until: datetime | None = None  # aware UTC
    called: str = ""  # generation, number and repeat of its last call, as in the keys of that call's notices
    told: int = 0  # calls that went to somebody
    fixed: bool = False  # due at an instant that the clock names: the end of quiet hours, the start of a turn or a post
    dated: bool = False  # a reminder of a deadline: it comes on its day, whoever else cannot be reached before
    skipped: str = ""  # why its last call reached nobody (nobody, unseen, answered, told by a later step or trouble)


@dataclass(frozen=True, slots=True)
class Party:
    """People of whom one must answer, such as the officials or the telecom operator."""

    name: str
    recipients: tuple[str, ...] = ()  # ids of those who hold its posts now
    roles: tuple[str, ...] = ()  # its posts


@dataclass(frozen=True, slots=True)
class Terms:
    """What a policy says of answering and ending, frozen into the incident with its steps. All times in seconds."""

    close_after: float = 0.0  # well for so long before it is over and told
    review: float | None = None  # kept in sight for so long when it ended unanswered; None: not at all
    ack_expires: float | None = None  # an answer counts for so long; None: until the end
    ack_remind: float | None = None  # before that the one who answered is reminded
    parties: tuple[Party, ...] = ()  # each must answer; empty: anybody answers for all


@dataclass(frozen=True, slots=True)
class Answer:
    """One acknowledgement of one generation of an incident."""

    by: str
    at: datetime
    note: str = ""
    party: str = ""  # for whom; empty where the terms name none
    until: datetime | None = None  # aware UTC: when it ends; None: it counts until the end


@dataclass(frozen=True, slots=True)
class Cover:
    """A wider trouble that takes one in: who hears of the wider one is not called for the other."""

    unit: str  # code of the system or of the unit above
    cause: str  # of its trouble
    spares: tuple[str, ...] = ()  # codes of units whose people hear of it; empty: nobody is called

    @property
    def reason(self) -> str:
        """Why notices are no longer owed."""
        return f"covered by {self.unit}"

    @property
    def whole(self) -> bool:
        """True when it explains the trouble: nobody is called for that."""
        return not self.spares


@dataclass(frozen=True, slots=True)
class Incident:
    """An episode of trouble with one cause. `key` is (unit, cause, opened_at) and never random."""

    key: str
    ref: str  # six characters for people, derived from the key
    unit: str
    cause: str  # criterion id, or "silent:<source>"
    kind: Kind
    colour: Colour
    opened_at: datetime
    phase: Phase = Phase.OPEN
    generation: int = 0  # grows when it worsens, and when a wider trouble has ended: a new plan, new keys
    since_generation: int = 0  # from which on it is the same trouble: an answer to an earlier one is none to this
    policy: str = ""  # name of the escalation policy the steps were frozen from
    steps: tuple[Step, ...] = ()
    facts: Mapping[str, Param] = field(default_factory=dict)  # frozen facts for the texts (since, reason ...)
    acked_by: str | None = None
    acked_at: datetime | None = None
    ack_note: str = ""
    closed_at: datetime | None = None
    owed: tuple[str, ...] = ()  # key of the last notice owed to each (recipient, channel), for the recovery message
    terms: Terms = Terms()
    answers: tuple[Answer, ...] = ()  # of this generation, at most one for each party
    acked_until: datetime | None = None  # when the first of its answers ends
    remind_at: datetime | None = None  # when somebody is reminded next that theirs ends
    well_since: datetime | None = None  # while closing or unanswered
    cover: Cover | None = None  # while open or closing
    paused_since: datetime | None = None  # since when nothing is judged and its plan stands still

    def same_trouble(self, generation: int) -> bool:
        """Whether what was told in that generation is what there is now."""
        return self.since_generation <= generation <= self.generation

    @property
    def over_since(self) -> datetime | None:
        """Since when what was wrong is well and no longer watched; None while it is not."""
        return self.well_since if self.phase is Phase.UNANSWERED else self.closed_at

    @property
    def open(self) -> bool:
        """True until it is closed; acknowledged is still open."""
        return self.phase is not Phase.CLOSED

    def renewable(self, person: str) -> bool:
        """Whether it is answered by everybody, or for this person, and to answer again makes that count longer."""
        answered = self.acked_by is not None or person in self.answered
        return self.open and self.acked_until is not None and answered

    @property
    def missing(self) -> tuple[Party, ...]:
        """Parties that have not answered."""
        answered = {answer.party for answer in self.answers}
        return tuple(party for party in self.terms.parties if party.name not in answered)

    @property
    def answered(self) -> frozenset[str]:
        """Recipients who need not be called any more, for their party has answered."""
        waiting = {person for party in self.missing for person in party.recipients}
        return frozenset(person for party in self.terms.parties for person in party.recipients) - waiting


@dataclass(frozen=True, slots=True)
class Notice:
    """One message owed to one recipient by one channel. The text is rendered when it becomes owed."""

    key: str  # incident key / generation / step / repeat / recipient / channel, or .../recovery/...
    incident: str
    ref: str
    unit: str
    kind: str  # the incident's, or the id of the text that says it is over or still open
    recipient: str
    channel: str
    due_at: datetime
    subject: str
    body: str
    sms: str  # unaccented, one segment
    urgent: bool = False  # red: before old ones of less weight
    requires: str | None = None  # a recovery waits for this notice, and is withheld if that one was never sent
    cause: str = ""  # of the incident, with its kind and colour: what a silence may ask for; empty: no incident's
    trouble: Kind | None = None
    colour: Colour | None = None
    words: Mapping[str, str] = field(default_factory=dict)  # the facts as words, for templates kept elsewhere
    instead_of: str = ""  # the channel that was owed this first, if another one had to take over
    attachments: tuple[str, ...] = ()  # names of kept files (monitor.ports.Shelf); e-mail carries them, nothing else
    free_at: datetime | None = None  # when it was owed, where that is later than its time: its age counts from then
    until: datetime | None = None  # from when on what it says is not true any more; None: nothing in it names an end

    @property
    def call(self) -> str:
        """What of its key names the call: generation, step and repeat, or whatever stands there."""
        return self.key.removeprefix(f"{self.incident}/").removesuffix(f"/{self.recipient}/{self.channel}")

    @property
    def generation(self) -> int | None:
        """Of its incident, that it is about; None where its key names none."""
        told = self.key.removeprefix(f"{self.incident}/").partition("/")[0]
        return int(told) if self.key.startswith(f"{self.incident}/") and told.isdecimal() else None

    @property
    def origin(self) -> str:
        """The channel by which the recipient was to be told first."""
        return self.instead_of or self.channel


def own_alarm(incident: str) -> bool:
    """Whether messages with this `Notice.incident` are about the monitor itself."""
    return incident.startswith(OWN_PREFIX)


def reference(key: str) -> str:
    """32 hexadecimal digits that stand for a notice's key: its name at providers, the same for every attempt."""
    return blake2b(key.encode(errors="surrogatepass"), digest_size=16).hexdigest()


class Outcome(StrEnum):
    """What became of a send."""

    SENT = "sent"
    TRY_AGAIN = "try_again"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # timed out, may have gone: repeated under the same key and marked
    MAYBE_SENT = "maybe_sent"  # may have gone and is not repeated, because the next channel took over
    SUPPRESSED = "suppressed"


class Fault(StrEnum):
    """What a refusal is about: it decides what follows (monitor.alerting.outcome)."""

    RECIPIENT = "recipient"  # this address, or this person
    MESSAGE = "message"  # this text or one of its parameters
    CHANNEL = "channel"  # configuration, money or login: nobody is reached until the operator mends it
    QUOTA = "quota"  # used up until the day is over
    NIGHT = "night"  # not at this hour
    LOGIN = "login"  # the access token: a new one may help
    LEFT = "left"  # whoever was to hear it holds the post no more
    LATE = "late"  # it is not worth sending any more (monitor.alerting.worth)


@dataclass(frozen=True, slots=True)
class Unheard:
    """One call of an open incident that no provider took, by no channel."""

    incident: str  # key
    unit: str
    call: str  # generation, number and repeat, as in the keys of its notices
    due_at: datetime


LATER = "told by a later call"  # why a message is not owed any more
LEFT = "holds the post no more"  # why a message went to nobody; whoever is called instead hears of it by the plan
DELIVERED, FAILED, SEEN = "delivered", "failed", "seen"  # what a provider can say of a message later
FINALS = ("", FAILED, DELIVERED, SEEN)  # each replaces those before it: they come out of order, and more than once


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the outbox knows of one notice."""

    notice: Notice
    state: str  # pending, leased, or an Outcome word
    attempt: int = 0
    owner: str = ""
    lease_until: datetime | None = None
    next_at: datetime | None = None
    sent_at: datetime | None = None
    detail: str = ""
    provider_id: str = ""  # the provider's own name for the message
    final: str = ""  # what the provider said later: failed, delivered, seen; empty: nothing yet


@dataclass(frozen=True, slots=True)
class Receipt:
    """Answer of a transport for one send."""

    outcome: Outcome
    detail: str = ""
    retry_after: float | None = None  # seconds, as the provider asked
    id: str = ""  # the provider's own name for the message
    fault: Fault = Fault.RECIPIENT  # of a refusal
