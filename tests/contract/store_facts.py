"""Small facts for the tests of the store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitor.model.colour import Colour
from monitor.model.incident import Incident, Kind, Notice, Outcome, Phase, Receipt
from monitor.model.reading import Comparator, Reading, Value
from monitor.model.state import AuditEntry, Decision, Transition, UnitState, Withhold
from monitor.model.verdict import CriterionState, Forecast, Param, Reason, Standing, Verdict

NOW = datetime(2025, 8, 6, 1, 30, 0, 123456, tzinfo=UTC)
SENT, AGAIN, REFUSED, UNKNOWN = (
    Receipt(outcome, detail=f"it said {outcome}")
    for outcome in (Outcome.SENT, Outcome.TRY_AGAIN, Outcome.REFUSED, Outcome.UNKNOWN)
)


def at(seconds: float) -> datetime:
    """So many seconds after the beginning of the test."""
    return NOW + timedelta(seconds=seconds)


def reading(value: Value = 81.5, *, unit: str = "00010", indicator: str = "kpi", as_of: datetime = NOW) -> Reading:
    return Reading(unit, indicator, value, as_of, at(1), "feed")


def notice(
    key: str = "i/0/0",
    *,
    incident: str = "i",
    channel: str = "log",
    due: float = 0,
    urgent: bool = False,
    requires: str | None = None,
) -> Notice:
    return Notice(
        key=key,
        incident=incident,
        ref="ABCDEF",
        unit="00010",
        kind="outage",
        recipient="focal",
        channel=channel,
        due_at=at(due),
        subject="Cảnh báo đỏ",
        body="Xã Văn Lang mất kết nối",
        sms="Xa Van Lang mat ket noi",
        urgent=urgent,
        requires=requires,
    )


def incident(key: str = "i", ref: str = "ABCDEF", *, opened: float = 0, phase: Phase = Phase.OPEN) -> Incident:
    facts: dict[str, Param] = {
        "since": at(-60),
        "looks_like_an_instant": "2025-08-06T00:00:00Z",
        "yes": True,
        "one": 1,
        "ratio": 1.0,
    }
    return Incident(
        key, ref, "00010", "portal", Kind.OUTAGE, Colour.RED, at(opened), phase, facts={**facts, "nothing": None}
    )


def rich_state(unit: str = "00010") -> UnitState:
    """A state in which every kind of value occurs."""
    reason = Reason("below_floor", {"value": 81.5, "deadline": at(86400), "word": "partly", "met": False, "n": 3})
    verdict = Verdict(
        Colour.RED, (reason,), 81.5, Comparator.GT, 163.0, 200.0, NOW, at(1), "feed", at(9), True, 4, 6,
        Forecast(0.5, 0.25, 84.0, 83.0, 85.5, 82.0, 12), at(2),
    )  # fmt: skip
    criterion = CriterionState(
        "kpi", Colour.RED, NOW, Colour.RED, NOW, Colour.YELLOW, at(3), 2, verdict, 1.5, critical=True, caused_by="s"
    )
    evidence = {str(value): replace(reading(value), indicator=str(value)) for value in (True, 1.0, "partly", 0.1 + 0.2)}
    return UnitState(
        unit,
        standing=Standing(Colour.RED, NOW, Colour.RED, NOW, 0.25, 0.5, (reason,)),
        criteria={"kpi": criterion},
        evidence=evidence,
        incidents={"portal": incident()},
        recheck_at=at(60),
    )


def decision(before: UnitState | None = None, **changes: object) -> Decision:
    """A decision about a unit that leaves its state as it is."""
    before = before or UnitState("00010")
    return replace(Decision(before, before), **changes)  # type: ignore[arg-type]


def owing(*notices: Notice, before: UnitState | None = None, withheld: tuple[Withhold, ...] = ()) -> Decision:
    return decision(before, notices=notices, withheld=withheld)


def transition(after: Colour, *, unit: str = "00010", seconds: float = 0) -> Transition:
    return Transition(unit, "kpi", at(seconds), Colour.GREEN, after, (Reason("late", {"deadline": at(7)}),))


def entry(action: str = "acknowledged", detail: str = "") -> AuditEntry:
    return AuditEntry(NOW, "focal", action, "ABCDEF", detail)
