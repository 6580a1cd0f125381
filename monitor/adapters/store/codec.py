"""Facts as JSON documents and back, without losing anything.

Pydantic writes and reads the frozen dataclasses as they stand. One thing it cannot tell from their types alone: whether
a string among `Param`s was an instant. So instants in that place are written as {"at": "..."}.

A unit's state is written with every decision. There msgspec writes the same document in a quarter of the time, where it
can: it has no word for a number without end, and does not mark instants. Pydantic reads both.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Generic, TypeVar

import msgspec
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, SchemaSerializer, SchemaValidator, core_schema

from monitor.model.errors import StoreError
from monitor.model.incident import Incident, Notice
from monitor.model.muting import Silence, Window
from monitor.model.reading import Comparator, Reading, SourceHealth
from monitor.model.series import Series
from monitor.model.state import AuditEntry, UnitState
from monitor.model.verdict import Forecast, Param, Reason

T = TypeVar("T")

FIRST_HASH = "0" * 64  # what the first audit entry is chained to


class Codec(Generic[T]):
    """JSON text of one type and back. Both directions raise StoreError with the reason."""

    def __init__(self, kind: Any) -> None:
        schema = _marking_instants(TypeAdapter(kind).core_schema)
        self._writer = SchemaSerializer(schema, core_schema.CoreConfig(ser_json_inf_nan="constants"))
        self._reader = SchemaValidator(schema)

    def encode(self, fact: T) -> str:
        """The fact as JSON text."""
        try:
            return self._writer.to_json(fact, warnings=False).decode()
        except PydanticSerializationError as error:
            raise StoreError(f"a {type(fact).__name__} cannot be written: {error}") from error

    def decode(self, text: str) -> T:
        """The fact that was encoded."""
        try:
            fact: T = self._reader.validate_json(text)
        except ValidationError as error:
            raise StoreError(f"the store holds something unreadable: {error}") from error
        return fact


class _StateCodec(Codec[UnitState]):
    """The same for states, quickly."""

    _quick = msgspec.json.Encoder()

    def encode(self, fact: UnitState) -> str:
        """See `Codec`."""
        if _is_plain(fact):
            marked = {
                cause: replace(one, facts={name: _mark(said) for name, said in one.facts.items()})
                for cause, one in fact.incidents.items()
            }
            try:
                return self._quick.encode(replace(fact, incidents=marked) if marked else fact).decode()
            except (ValueError, OverflowError):  # a number or text that JSON can hardly hold
                pass
        return super().encode(fact)


def _is_plain(state: UnitState) -> bool:
    """Whether no reason names an instant, and all figures that were measured or computed are numbers with an end."""
    for held in state.criteria.values():
        said = held.verdict
        if not _are_plain((said.value, said.numerator, said.denominator)) or not _is_told_plainly(said.reasons):
            return False
        if said.forecast is not None and not _are_plain(_figures(said.forecast)):
            return False
    known = (*state.evidence.values(), *(one for kept in state.rivals.values() for one in kept))
    for one in known:
        if not _are_plain((one.value, one.numerator, one.denominator)):
            return False
    facts = (said for incident in state.incidents.values() for said in incident.facts.values())
    return (state.standing is None or _is_told_plainly(state.standing.reasons)) and _are_plain(
        said for said in facts if not isinstance(said, datetime)
    )


def _is_told_plainly(reasons: Iterable[Reason]) -> bool:
    for reason in reasons:  # noqa: SIM110 - asked for every criterion: `all` would make a generator each time
        if not _are_plain(reason.params.values()):
            return False
    return True


def _are_plain(said: Iterable[Param]) -> bool:
    for one in said:  # noqa: SIM110 - as above
        if (isinstance(one, float) and not isfinite(one)) or isinstance(one, datetime):
            return False
    return True


def _figures(said: Forecast) -> tuple[float | None, ...]:
    return said.required_pace, said.actual_pace, said.projected, said.low, said.high, said.expected


def _marking_instants(schema: Any) -> Any:
    """The same schema, with every union that has an instant among its choices replaced by `_ANY`."""
    if isinstance(schema, list):
        return [_marking_instants(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "union" and any(choice.get("type") == "datetime" for choice in schema["choices"]):
        return _ANY
    return {key: part if key == "metadata" else _marking_instants(part) for key, part in schema.items()}


def _mark(value: Any) -> Any:
    return {"at": value.isoformat()} if isinstance(value, datetime) else value


def _unmark(value: Any) -> Any:
    return datetime.fromisoformat(value["at"]) if isinstance(value, dict) else value


_ANY = core_schema.no_info_plain_validator_function(
    _unmark, serialization=core_schema.plain_serializer_function_ser_schema(_mark)
)

STATE: Codec[UnitState] = _StateCodec(UnitState)
SERIES: Codec[Series] = Codec(Series)
INCIDENT: Codec[Incident] = Codec(Incident)
NOTICE: Codec[Notice] = Codec(Notice)
HEALTH: Codec[SourceHealth] = Codec(SourceHealth)
SILENCE: Codec[Silence] = Codec(Silence)
WINDOW: Codec[Window] = Codec(Window)
REASONS: Codec[tuple[Reason, ...]] = Codec(tuple[Reason, ...])


def claim(reading: Reading) -> str:
    """What a reading says, as text that is equal only for the same claim: true, 1.0, 1 and "1" are four claims."""
    return json.dumps(
        [reading.value, reading.comparator.value, reading.numerator, reading.denominator], ensure_ascii=False
    )


def reading_of(row: Any) -> Reading:
    """The reading that a row of the table `reading` holds."""
    value, comparator, numerator, denominator = json.loads(row.claim)
    return Reading(
        unit=row.unit,
        indicator=row.indicator,
        value=value,
        as_of=row.as_of,
        received_at=row.received_at,
        source=row.source,
        comparator=Comparator(comparator),
        numerator=numerator,
        denominator=denominator,
        since=row.since,
        note=row.note,
    )


def chained(previous: str, entry: AuditEntry) -> str:
    """Hash of an audit entry: SHA-256, in hexadecimal, over the hash before it and everything the entry says."""
    row = [previous, entry.at.astimezone(UTC).isoformat(), entry.actor, entry.action, entry.subject, entry.detail]
    return hashlib.sha256(json.dumps(row).encode()).hexdigest()
