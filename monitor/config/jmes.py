"""JMESPaths of the config: whether one can be read, here and wherever it is asked."""

from __future__ import annotations

from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from monitor.config.findings import Findings
from monitor.config.problems import Location

_DEEPEST = 50  # levels; the library reads and asks by recursion, so a deeper one may do here and break at run time


def check_path(path: str, at: Location, findings: Findings) -> None:
    """A JMESPath can be read; an empty one is none."""
    try:
        deep = bool(path) and _depth(jmespath.compile(path).parsed) > _DEEPEST
    except (JMESPathError, RecursionError):
        findings.add(at, f"'{path[:80]}' is not a JMESPath", "see jmespath.org")
        return
    if deep:
        findings.add(at, f"'{path[:80]}' is nested more than {_DEEPEST} levels deep", "write it shorter")


def _depth(tree: Any) -> int:
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [child for node in level for child in node.get("children", ()) if isinstance(child, dict)]
    return depth
