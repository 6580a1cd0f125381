"""What all kinds of probes have in common: attempts, the reading, and how it went.

A probe always answers: up or down is the reading, why it is down is the reading's note.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from monitor.adapters.probes.outcome import CannotAsk, Outcome
from monitor.config.probespec import IcmpCheck, ProbeSpec
from monitor.model.reading import Check, Collected, Reading, Value
from monitor.model.rolling import Answer
from monitor.model.text import clean
from monitor.ports import Clock

Ask = Callable[[datetime], Awaitable[Outcome]]  # one attempt under its own deadline; never raises for the other side


class Probe:
    """Implements ports.Source around one kind's `ask`."""

    __slots__ = ("_ask", "_clock", "_spec")

    def __init__(self, spec: ProbeSpec, ask: Ask, clock: Clock) -> None:
        self._spec = spec
        self._ask = ask
        self._clock = clock

    @property
    def id(self) -> str:
        """See ports.Source."""
        return self._spec.id

    @property
    def period(self) -> float:
        """See ports.Source."""
        return self._spec.period

    @property
    def owner(self) -> str:
        """See ports.Source."""
        return self._spec.unit

    async def collect(self, now: datetime) -> Collected:
        """Ask until the target is well, at most `1 + retries` times."""
        began = self._clock.monotonic()
        outcomes: list[Outcome] = []
        try:
            while len(outcomes) <= self._spec.retries:
                outcomes.append(await self._ask(now))
                if not outcomes[-1].problem:
                    break
        except CannotAsk as error:
            text, spent = clean(f"probe {self.id}: {error}"), self._clock.monotonic() - began
            return Collected(self.id, now, failure=text, duration=spent, check=Check(transcript=(text,)))
        return collected(self._spec, now, outcomes, self._clock.monotonic() - began)


def collected(spec: ProbeSpec, now: datetime, outcomes: Sequence[Outcome], seconds: float) -> Collected:
    """The readings of a poll: yes or no, and the figures that the config names an indicator for."""
    last = outcomes[-1]
    values: dict[str, Value] = {spec.gives: not last.problem}
    values |= {indicator: last.figures[name] for name, indicator in spec.also.items() if name in last.figures}
    notes = {spec.gives: _note(outcomes)}
    readings = tuple(
        Reading(spec.unit, indicator, value, now, now, spec.id, note=notes.get(indicator, ""))
        for indicator, value in values.items()
    )
    check = Check(last.phases, len(outcomes), _transcript(outcomes), last.certificate_expires, last.steps)
    answer = _answer(spec, now, outcomes) if spec.derives else None
    return Collected(spec.id, now, readings, duration=seconds, check=check, answer=answer)


def _answer(spec: ProbeSpec, now: datetime, outcomes: Sequence[Outcome]) -> Answer:
    """What the poll adds to the sums: every attempt counts for loss, only the last one for being up and for latency."""
    last = outcomes[-1]
    packets = spec.asks.packets if isinstance(spec.asks, IcmpCheck) else 1
    lost = sum(
        round(packets * outcome.figures["loss"] / 100) if "loss" in outcome.figures else packets * bool(outcome.problem)
        for outcome in outcomes
    )
    seconds = None if last.problem else last.figures.get("seconds", last.figures.get("round_trip"))
    return Answer(spec.unit, spec.id, now, not last.problem, seconds, packets * len(outcomes), lost)


def _note(outcomes: Sequence[Outcome]) -> str:
    """Why the target is down; or, where it answered only when asked again, what was wrong before."""
    problem, attempts = outcomes[-1].problem, len(outcomes)
    if not problem and attempts > 1:
        return clean(f"well at attempt {attempts}; before: {outcomes[-2].problem}")
    return clean(problem) if problem else ""


def _transcript(outcomes: Sequence[Outcome]) -> Sequence[str]:
    if len(outcomes) == 1:
        return outcomes[0].transcript
    return tuple(
        line for number, outcome in enumerate(outcomes, 1) for line in (f"attempt {number}", *outcome.transcript)
    )
