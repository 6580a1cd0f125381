"""What `denbao explain UNIT --if ...` prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import click

from monitor.adapters.clock import SystemClock
from monitor.cli.output import echo_json
from monitor.cli.whatif import Thought, parse, policy_without_holds, think
from monitor.config.spec import Site
from monitor.decide import Policy
from monitor.engine.explain import colour_name
from monitor.model.colour import Colour
from monitor.model.state import UnitState
from monitor.model.unit import Unit
from monitor.model.verdict import CriterionState
from monitor.reporting.why import CriterionWhy, why

Printer = Callable[[CriterionWhy, Site], None]


def suppose(
    site: Site, unit: Unit, states: Mapping[str, UnitState], written: Sequence[str], as_json: bool, show: Printer
) -> None:
    """Print what would be; exit 1 when the asked unit would be red or unknown."""
    now = SystemClock().now()
    policy = policy_without_holds(site)
    thought = parse(written, unit, policy, now)
    after = think(thought, unit, states, policy, now)
    if as_json:
        units = [_as_json(code, states.get(code), state) for code, state in after.items()]
        answer = {"hypothetical": True, "unit": unit.code, "if": str(thought), "units": units}
        echo_json(answer)
    else:
        _print(site, states, after, thought, policy, show)
    if after[unit.code].colour in (Colour.RED, Colour.UNKNOWN):
        raise SystemExit(1)


def _print(
    site: Site,
    states: Mapping[str, UnitState],
    after: Mapping[str, UnitState],
    thought: Thought,
    policy: Policy,
    show: Printer,
) -> None:
    click.echo(f"GIẢ ĐỊNH / HYPOTHETICAL: {thought} (không ghi gì / nothing is written)")
    for code, state in after.items():
        made = site.units[code]
        was, then = _colour(states.get(code)), state.colour
        vi, en = (f"{colour_name(was, locale)} -> {colour_name(then, locale)}" for locale in ("vi", "en"))
        given = " (cho trước / as supposed)" if code in thought.colours else ""
        click.echo(f"{code} {made.name_vi} / {made.name_en}: {vi} / {en}{given}")
        if given:
            continue
        answer = why(made, state, policy.ruleset, site.calendar, SystemClock().now())
        for sentence_vi, sentence_en in answer.reasons:
            click.echo(f"  - {sentence_vi}\n    {sentence_en}")
        before = states[code].criteria if code in states else {}
        for criterion in answer.criteria:
            if _changed(before.get(criterion.id), state.criteria[criterion.id]):
                show(criterion, site)


def _as_json(code: str, before: UnitState | None, after: UnitState) -> dict[str, object]:
    was = before.criteria if before is not None else {}
    criteria = {
        key: {"before": _colour(was.get(key)), "after": held.colour, "value": held.verdict.value}
        for key, held in after.criteria.items()
        if _changed(was.get(key), held)
    }
    standing = after.standing
    return {
        "unit": code,
        "before": _colour(before),
        "after": after.colour,
        "score": standing.score if standing else None,
        "reasons": [{"code": r.code, **r.params} for r in standing.reasons] if standing else [],
        "criteria": criteria,
    }


def _changed(before: CriterionState | None, after: CriterionState) -> bool:
    return before is None or (before.colour, before.verdict.value) != (after.colour, after.verdict.value)


def _colour(state: UnitState | CriterionState | None) -> Colour:
    return Colour.UNKNOWN if state is None else state.colour
