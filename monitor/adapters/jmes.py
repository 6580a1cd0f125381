"""A JMESPath asked of what others say, within a number of steps.

Steps and not seconds: what an answer is found to be does not depend on how busy this machine is.
"""

from __future__ import annotations

from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.visitor import TreeInterpreter

# What asking raises for what stands in the answer.
UNFIT = (JMESPathError, RecursionError, TypeError, ValueError, ArithmeticError)
_WEIGHT = 8  # elements or characters of a result that count as one step more: lists and texts can be made to double


class TooManySteps(Exception):
    """The answer takes more steps than are allowed."""


class Path:
    """A compiled JMESPath. Raises JMESPathError or RecursionError for a text that is none."""

    __slots__ = ("_tree",)

    def __init__(self, text: str) -> None:
        self._tree = jmespath.compile(text).parsed

    def of(self, data: object, steps: Steps) -> Any:
        """What stands there in `data`. Raises TooManySteps when no more `steps` are left, and UNFIT."""
        return steps.visit(self._tree, data)


class Steps(TreeInterpreter):
    """So many steps, a microsecond each, for all that is asked within them."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._left = steps

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        """As the library does, counted. Raises TooManySteps."""
        result = super().visit(node, *args, **kwargs)
        self._left -= 1 + (len(result) // _WEIGHT if isinstance(result, (list, str)) else 0)
        if self._left < 0:
            raise TooManySteps
        return result
