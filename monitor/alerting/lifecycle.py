"""Incidents: one episode of one cause at one unit, from the first page to the recovery message.

Every decision of a unit brings its troubles here. For each cause an event is named, and one table says what that
event does to the incident; nothing else changes a phase. The rules behind the table:

* Only evidence ends an incident. A cause that is unknown keeps it open and escalating; one under maintenance or not
  judged keeps it open and quiet. A rule that is gone ends it without a word, but with an audit entry.
* An acknowledgement stops the calls, not the watch. Worsening, or a new deadline, is news to everybody: a new
  generation with a new plan and new keys, and the acknowledgement is dropped. So does an acknowledgement that
  expires while the trouble is there; before that the one who answered is reminded.
* Where a policy names parties (officials and the telecom operator), each must answer: an answer for one stops the
  calls to its people only, and when it ends (`expired`) its people only are called anew.
* Easing while nobody answered replaces the plan by that of the lesser trouble. Easing under an acknowledgement changes
  nothing, so that falling back is no news to those who answered; where one of several parties has, its answer stands,
  and where it is the only one that the lesser trouble asks for, that is acknowledged (`sufficed`).
* A silence stops the calls, not the watch: phases change as ever, what falls due waits and comes once when it ends.
  Maintenance judges nothing: whatever is open is paused, nothing opens and nothing recovers, and plans stand still.
  After it a step comes as much later as the work lasted (`gone_on`); what is due at a date or an hour keeps that.
* What a wider trouble takes in (`monitor.alerting.collapse`) opens no incident when a system explains it, and calls
  nobody who hears of the wider one. An open one is narrowed to the others (`covered`); when the wider one ends and it
  is still there after it was asked once more, those who were spared are called as for a new one (`uncovered`), and
  nobody else a second time.
* While a hold waits to believe an improvement, and while a criterion flaps, the trouble is what it was.
* An outage is over when it is green. Its yellow says that it is down, and not yet for long enough to be called for:
  that opens nothing, and ends nothing either.
* What is well is watched for as long as the policy says before it is over (`closing`). A relapse in that time is the
  same trouble: the plan goes on where it was, an acknowledgement still stands, and nobody hears of it. So it goes on
  where nobody can see any more whether it is well.
* What ended with nobody having answered stays in sight for as long as the policy says (`unanswered`): it calls nobody,
  an answer closes it, and a relapse is told anew.
* The recovery message goes to those who were owed a page, and the store sends it only if that page went out.

The same facts at the same instant change nothing: a restart sends only what fell due meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitor.model.incident import Phase


class Event(StrEnum):
    """What can happen to an incident. The word is also the reason why pending notices are withheld."""

    APPEARED = "appeared"
    STAYED = "stayed"
    WORSENED = "worsened"
    EASED = "eased"
    SUFFICED = "sufficed"  # ... and whoever must answer for the lesser trouble has
    RENEWED = "renewed"  # the same trouble with another deadline
    UNSEEN = "unseen"  # unknown
    PAUSED = "paused"  # maintenance, or too little to be judged
    ACKNOWLEDGED = "acknowledged"  # by everybody who must
    HEARD = "heard"  # one party has answered, another has not
    COVERED = "covered"  # a wider trouble takes it in
    UNCOVERED = "uncovered"  # ... and does no longer
    REMINDED = "reminded"  # an acknowledgement is about to lapse
    LAPSED = "lapsed"  # an acknowledgement is too old
    EXPIRED = "expired"  # ... that of one party, while another's counts or is waited for
    CALMED = "calmed"  # well, but not yet for long enough
    RELAPSED = "relapsed"  # bad again before it was over
    RESUMED = "resumed"  # the same, and acknowledged
    RECOVERED = "recovered"
    UNANSWERED = "unanswered"  # recovered, and nobody had answered
    FORGOTTEN = "forgotten"  # unanswered for too long
    RETIRED = "retired"  # nobody judges this any more


class Act(StrEnum):
    """What a move does, in this order."""

    WITHHOLD = "withhold"  # pending notices are no longer owed
    PAUSE = "pause"  # the plan stands still until the next other event
    PLAN = "plan"  # freeze a plan of a new generation
    ASK = "ask"  # the plan for those whose answer has ended
    COVER = "cover"  # the plan for those who do not hear of a wider trouble
    CALL = "call"  # what is due becomes owed
    RECOVER = "recover"  # tell those who were told
    REMIND = "remind"  # tell the one who answered that it is still open
    WELL = "well"  # since when it is well
    NOTE = "note"  # audit entry


@dataclass(frozen=True, slots=True)
class Move:
    """The next phase, and what is done on the way."""

    to: Phase
    acts: tuple[Act, ...] = ()


_ANEW = Move(Phase.OPEN, (Act.WITHHOLD, Act.PLAN, Act.CALL))
_CALL = Move(Phase.OPEN, (Act.CALL,))
_ASK = Move(Phase.OPEN, (Act.ASK, Act.CALL))
_QUIET = Move(Phase.ACKNOWLEDGED)
_WATCH = Move(Phase.CLOSING, (Act.WELL,))
_WATCHED = Move(Phase.CLOSING)
_COVER = Move(Phase.OPEN, (Act.WITHHOLD, Act.COVER, Act.CALL))
_UNCOVER = Move(Phase.OPEN, (Act.COVER, Act.CALL))
_END = Move(Phase.CLOSED, (Act.WITHHOLD, Act.RECOVER))
_REVIEW = Move(Phase.UNANSWERED, (Act.WITHHOLD, Act.RECOVER, Act.WELL))
_SEEN = Move(Phase.UNANSWERED)
_DROP = Move(Phase.CLOSED, (Act.WITHHOLD, Act.NOTE))
_ENOUGH = Move(Phase.ACKNOWLEDGED, (Act.WITHHOLD, Act.PLAN))

# A pair that is not listed cannot happen or is refused. None: there is no incident yet.
TABLE: Mapping[tuple[Phase | None, Event], Move] = {
    (None, Event.APPEARED): Move(Phase.OPEN, (Act.PLAN, Act.CALL)),
    (Phase.OPEN, Event.STAYED): _CALL,
    (Phase.OPEN, Event.UNSEEN): _CALL,
    (Phase.OPEN, Event.PAUSED): Move(Phase.OPEN, (Act.PAUSE,)),
    (Phase.OPEN, Event.WORSENED): _ANEW,
    (Phase.OPEN, Event.EASED): _ANEW,
    (Phase.OPEN, Event.SUFFICED): _ENOUGH,
    (Phase.OPEN, Event.RENEWED): _ANEW,
    (Phase.OPEN, Event.COVERED): _COVER,
    (Phase.OPEN, Event.UNCOVERED): _UNCOVER,
    (Phase.OPEN, Event.HEARD): Move(Phase.OPEN, (Act.WITHHOLD,)),
    (Phase.OPEN, Event.REMINDED): Move(Phase.OPEN, (Act.CALL, Act.REMIND)),
    (Phase.OPEN, Event.EXPIRED): _ASK,
    (Phase.OPEN, Event.ACKNOWLEDGED): Move(Phase.ACKNOWLEDGED, (Act.WITHHOLD,)),
    (Phase.OPEN, Event.CALMED): _WATCH,
    (Phase.OPEN, Event.RECOVERED): _END,
    (Phase.OPEN, Event.UNANSWERED): _REVIEW,
    (Phase.OPEN, Event.RETIRED): _DROP,
    (Phase.ACKNOWLEDGED, Event.STAYED): _QUIET,
    (Phase.ACKNOWLEDGED, Event.UNSEEN): _QUIET,
    (Phase.ACKNOWLEDGED, Event.PAUSED): _QUIET,
    (Phase.ACKNOWLEDGED, Event.EASED): _QUIET,
    (Phase.ACKNOWLEDGED, Event.ACKNOWLEDGED): Move(Phase.ACKNOWLEDGED, (Act.WITHHOLD,)),
    (Phase.ACKNOWLEDGED, Event.REMINDED): Move(Phase.ACKNOWLEDGED, (Act.REMIND,)),
    (Phase.ACKNOWLEDGED, Event.LAPSED): _ANEW,
    (Phase.ACKNOWLEDGED, Event.EXPIRED): _ASK,
    (Phase.ACKNOWLEDGED, Event.WORSENED): _ANEW,
    (Phase.ACKNOWLEDGED, Event.RENEWED): _ANEW,
    (Phase.ACKNOWLEDGED, Event.CALMED): _WATCH,
    (Phase.ACKNOWLEDGED, Event.RECOVERED): _END,
    (Phase.ACKNOWLEDGED, Event.RETIRED): _DROP,
    (Phase.CLOSING, Event.CALMED): _WATCHED,
    (Phase.CLOSING, Event.UNSEEN): _CALL,
    (Phase.CLOSING, Event.PAUSED): Move(Phase.CLOSING, (Act.PAUSE,)),
    (Phase.CLOSING, Event.HEARD): Move(Phase.CLOSING, (Act.WITHHOLD,)),
    (Phase.CLOSING, Event.ACKNOWLEDGED): Move(Phase.CLOSING, (Act.WITHHOLD,)),
    (Phase.CLOSING, Event.RELAPSED): _CALL,
    (Phase.CLOSING, Event.COVERED): _COVER,
    (Phase.CLOSING, Event.UNCOVERED): _UNCOVER,
    (Phase.CLOSING, Event.RESUMED): _QUIET,
    (Phase.CLOSING, Event.LAPSED): _ANEW,
    (Phase.CLOSING, Event.EXPIRED): _ASK,
    (Phase.CLOSING, Event.EASED): _ANEW,
    (Phase.CLOSING, Event.SUFFICED): _ENOUGH,
    (Phase.CLOSING, Event.WORSENED): _ANEW,
    (Phase.CLOSING, Event.RENEWED): _ANEW,
    (Phase.CLOSING, Event.RECOVERED): _END,
    (Phase.CLOSING, Event.UNANSWERED): _REVIEW,
    (Phase.CLOSING, Event.RETIRED): _DROP,
    (Phase.UNANSWERED, Event.UNANSWERED): _SEEN,
    (Phase.UNANSWERED, Event.UNSEEN): _SEEN,
    (Phase.UNANSWERED, Event.PAUSED): _SEEN,
    (Phase.UNANSWERED, Event.HEARD): _SEEN,
    (Phase.UNANSWERED, Event.RELAPSED): _ANEW,
    (Phase.UNANSWERED, Event.EASED): _ANEW,
    (Phase.UNANSWERED, Event.WORSENED): _ANEW,
    (Phase.UNANSWERED, Event.RENEWED): _ANEW,
    (Phase.UNANSWERED, Event.ACKNOWLEDGED): Move(Phase.CLOSED),
    (Phase.UNANSWERED, Event.FORGOTTEN): Move(Phase.CLOSED, (Act.NOTE,)),
    (Phase.UNANSWERED, Event.RETIRED): Move(Phase.CLOSED, (Act.NOTE,)),
}

COVERABLE = (Phase.OPEN, Phase.CLOSING)  # in which somebody may be called again by the plan as it is


def mermaid() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2"]
    for (phase, event), move in TABLE.items():
        start = "[*]" if phase is None else phase.value
        acts = f": {event.value}" + (f" / {', '.join(move.acts)}" if move.acts else "")
        lines.append(f"    {start} --> {move.to.value}{acts}")
    return "\n".join([*lines, f"    {Phase.CLOSED.value} --> [*]"]) + "\n"
