"""`denbao explain UNIT --if ...`: the unit and its parents judged again with something changed. Nothing is written.

It is the same `decide` as ever, over the committed states; only holds are left out, for the question is what would be
true, not how long it takes until it is believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import click

from monitor.cli.output import hinted
from monitor.config.spec import Site
from monitor.decide import Policy, View, decide
from monitor.engine.book import Criterion, Need, Ruleset
from monitor.engine.evidence import believable
from monitor.engine.reach import standing_as
from monitor.model.colour import Colour
from monitor.model.nearest import nearest
from monitor.model.reading import Reading, Value
from monitor.model.state import UnitState
from monitor.model.unit import DECIDE_ORDER, Unit
from monitor.service.app import policy_of

SOURCE = "what-if"  # source of a reading that nobody sent


@dataclass(frozen=True, slots=True)
class Thought:
    """What is thought to be so: colours of units, and values of the asked unit's indicators."""

    colours: Mapping[str, Colour] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        shown = {**self.colours, **{key: str(value).lower() for key, value in self.values.items()}}
        return ", ".join(f"{key}={value}" for key, value in shown.items())


def patient(ruleset: Ruleset) -> Ruleset:
    """The same rules without holds and flapping."""
    books = tuple(
        replace(book, criteria=tuple(replace(c, hold=Need(), keep=Need(), flap=None) for c in book.criteria))
        for book in ruleset.books
    )
    return replace(ruleset, books=books)


def policy_without_holds(site: Site) -> Policy:
    """What decisions of this site read, without holds."""
    return replace(policy_of(site), ruleset=patient(site.ruleset))


def parse(written: Sequence[str], unit: Unit, policy: Policy, now: datetime) -> Thought:
    """The thought as written: `02143=green,online_submission_rate=85`. Raises click.UsageError naming the mistake."""
    colours: dict[str, Colour] = {}
    values: dict[str, Value] = {}
    for part in (part.strip() for text in written for part in text.split(",")):
        key, equals, word = (piece.strip() for piece in part.partition("="))
        if not equals or not key or not word:
            raise click.UsageError(f"{part!r} is no change; write 02143=green or online_submission_rate=85")
        if key in policy.units:
            colours[key] = _colour(key, word, unit, policy)
        else:
            name, value = _value(key, word, unit, policy, now)
            values[name] = value
    return Thought(colours, values)


def _colour(code: str, word: str, unit: Unit, policy: Policy) -> Colour:
    if unit.code not in policy.units.lineage(code):
        below = [other.code for other in policy.units if unit.code in policy.units.lineage(other.code)]
        raise click.UsageError(hinted(f"{code} does not lie in {unit.code}", nearest(code, below)))
    try:
        return Colour(word)
    except ValueError:
        raise click.UsageError(hinted(f"{word!r} is no colour", nearest(word, list(Colour)))) from None


def _value(key: str, word: str, unit: Unit, policy: Policy, now: datetime) -> tuple[str, Value]:
    """Id of the indicator whose reading is thought, and the value."""
    rules = [rule for rule in policy.criteria_of(unit, now) if rule.applies_to(unit)]
    named = [rule for rule in rules if key in (rule.id, rule.indicator, *rule.inputs)]
    if not named:
        known = {unit.code, *policy.units.children(unit.code), *(name for rule in rules for name in _names(rule))}
        raise click.UsageError(hinted(f"{key!r} is neither a unit nor judged at {unit.code}", nearest(key, known)))
    if all(rule.rollup is not None for rule in named):
        raise click.UsageError(
            f"{key} is made of the units below {unit.code}; write their colours, such as 02143=green"
        )
    own = next(rule for rule in named if rule.rollup is None)
    indicator = policy.ruleset.indicators[key if key in policy.ruleset.indicators else own.indicator or own.inputs[0]]
    if indicator.of is not None:
        raise click.UsageError(f"{indicator.id} is counted from {indicator.of}; write {indicator.of}=false")
    value = _typed(word)
    if (why := believable(indicator, value)) is not None:
        raise click.UsageError(f"{key}: {why}")
    return indicator.id, value


def _names(rule: Criterion) -> Iterable[str]:
    return (rule.id, *((rule.indicator,) if rule.indicator else ()), *rule.inputs)


def _typed(word: str) -> Value:
    if word in ("true", "false"):
        return word == "true"
    try:
        return float(word)
    except ValueError:
        return word


def think(
    thought: Thought, unit: Unit, states: Mapping[str, UnitState], policy: Policy, now: datetime
) -> dict[str, UnitState]:
    """The states as they would be: of the unit, of all between it and what is changed below, and of its parents."""
    after = {one.code: states.get(one.code, UnitState(one.code)) for one in policy.units}
    for code, colour in thought.colours.items():
        after[code] = replace(after[code], standing=standing_as(after[code].standing, colour))
    after[unit.code] = _told(after[unit.code], thought.values, now)
    anew = {code for one in (unit.code, *thought.colours) for code in policy.units.lineage(one)} - set(thought.colours)
    order = sorted(anew, key=lambda code: (DECIDE_ORDER[policy.units[code].level], -_depth(policy, code), code))
    for code in order:
        children = tuple(after[child] for child in policy.units.children(code))
        systems = {system: after[system] for system in policy.units[code].depends_on}
        above = tuple(after[parent] for parent in policy.units.lineage(code)[1:])
        after[code] = decide(View(after[code], (), children, systems, above=above), policy, now).after
    return {code: after[code] for code in (*thought.colours, *order)}


def _depth(policy: Policy, code: str) -> int:
    return len(policy.units.lineage(code))


def _told(state: UnitState, values: Mapping[str, Value], now: datetime) -> UnitState:
    said = {key: Reading(state.unit, key, value, now, now, SOURCE, since=now) for key, value in values.items()}
    rivals = {key: readings for key, readings in state.rivals.items() if key not in said}
    return replace(state, evidence={**state.evidence, **said}, rivals=rivals)
