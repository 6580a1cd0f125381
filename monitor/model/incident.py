"""Incidents, frozen plans, and the notices they owe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from monitor.model.colour import Colour
from monitor.model.verdict import Param


class Kind(StrEnum):
    """What sort of trouble: it selects the escalation policy and the texts."""

    OUTAGE = "outage"  # a probe fails: T1, recovery T2
    KPI_YELLOW = "kpi_yellow"  # a target is not met and its deadline is near: T3
    KPI_RED = "kpi_red"  # below the floor or a red band, deadline not the reason
    OVERDUE = "overdue"  # the deadline passed unmet: T4
    SILENT = "silent"  # a source does not speak: T6
    MASS = "mass"  # many units below have the same trouble at once: T7


class Phase(StrEnum):
    """Life of an incident; transitions are in monitor.alerting.incidents."""

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


@dataclass(frozen=True, slots=True)
class Party:
    """People of whom one must answer, such as the officials or the telecom operator."""

    name: str
    recipients: tuple[str, ...] = ()  # ids


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
    generation: int = 0  # grows when it worsens: a new plan, new keys
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
    acked_until: datetime | None = None  # when the acknowledgement lapses
    remind_at: datetime | None = None  # when the one who answered is reminded
    well_since: datetime | None = None  # while closing or unanswered
    cover: Cover | None = None  # while open or closing

    @property
    def open(self) -> bool:
        """True until it is closed; acknowledged is still open."""
        return self.phase is not Phase.CLOSED

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
    # Text: outage, recovered, kpi_yellow, kpi_red, overdue, kpi_met, silent, speaks_again, mass, mass_over, still_open
    kind: str
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


class Outcome(StrEnum):
    """What became of a send."""

    SENT = "sent"
    TRY_AGAIN = "try_again"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # timed out, may have gone: repeated under the same key and marked
    SUPPRESSED = "suppressed"


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


@dataclass(frozen=True, slots=True)
class Receipt:
    """Answer of a transport for one send."""

    outcome: Outcome
    detail: str = ""
    retry_after: float | None = None  # seconds, as the provider asked
