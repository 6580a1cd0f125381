"""JMESPaths of the config: whether one can be read, here and wherever it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jmespath
from jmespath.exceptions import ArityError, JMESPathError, UnknownFunctionError
from jmespath.functions import Functions

from monitor.config.findings import Findings
from monitor.config.problems import Location
from monitor.model.nearest import nearest

_DEEPEST = 50  # levels; the library reads and asks by recursion, so a deeper one may do here and break at run time


def check_path(path: str, at: Location, findings: Findings) -> None:
    """A JMESPath can be read, and has functions that there are; an empty one is none."""
    if not path:
        return
    try:
        levels = list(_levels(jmespath.compile(path).parsed))
    except (JMESPathError, RecursionError):
        findings.add(at, f"'{path[:80]}' is not a JMESPath", "see jmespath.org")
        return
    if len(levels) > _DEEPEST:
        findings.add(at, f"'{path[:80]}' is nested more than {_DEEPEST} levels deep", "write it shorter")
    for node in (node for level in levels for node in level if node["type"] == "function_expression"):
        _check_function(node["value"], len(node["children"]), at, findings)


def _levels(tree: Any) -> Iterator[list[Any]]:
    level = [tree]
    while level:
        yield level
        level = [child for node in level for child in node.get("children", ()) if isinstance(child, dict)]


def _check_function(name: str, given: int, at: Location, findings: Findings) -> None:
    """The library says so only when it asks, where it would look like a fault of the answer."""
    try:
        Functions().call_function(name, [None] * given)
    except UnknownFunctionError:
        findings.add(at, f"JMESPath has no function {name}()", nearest(name, Functions.FUNCTION_TABLE))
    except ArityError as wrong:
        findings.add(at, f"{name}() takes {wrong.expected_arity} arguments and is given {given}", "see jmespath.org")
    except JMESPathError:
        pass  # of the arguments, which only an answer has
