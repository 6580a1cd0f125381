"""Why a row is not believed is said in words, whatever the reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import monitor
from monitor.reporting.refusals import SENTENCES, refusal

ROOT = Path(monitor.__file__).parent
SAYERS = {"refuse": 1, "Unfit": 0, "Rejected": 2}  # who gives a reason, and as which argument
CHOSEN = {"_reason", "_by_name"}  # functions that choose one


def reasons() -> Iterator[str]:
    """All reasons that the feeds give, out of their source."""
    for file in (*(ROOT / "adapters" / "feeds").glob("*.py"), ROOT / "engine" / "hygiene.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                place = SAYERS.get(name)
                given = [] if place is None or len(node.args) <= place else [*ast.walk(node.args[place])]
                given += [word.value for word in node.keywords if word.arg == "reason"]
            elif isinstance(node, ast.FunctionDef) and node.name in CHOSEN:
                given = [each for step in ast.walk(node) for each in chosen(step)]
            else:
                continue
            yield from (one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str))


def chosen(step: ast.AST) -> Iterator[ast.AST]:
    if isinstance(step, ast.Return) and step.value is not None:
        yield from ast.walk(step.value)
    elif isinstance(step, ast.IfExp):
        yield from (step.body, step.orelse)


def test_every_reason_has_a_sentence_in_both_languages_and_every_sentence_a_reason():
    given = set(reasons())
    assert {"ambiguous-unit", "former-unit", "out-of-range", "rows-fell"} <= given
    assert given - {"bool", "state"} == set(SENTENCES)
    assert all(vi != reason != en for reason in given for vi, en in [refusal(reason)] if reason in SENTENCES)
