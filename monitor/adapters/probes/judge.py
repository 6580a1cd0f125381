"""Whether an HTTP answer is the expected one: status, size, text, and a condition on its JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jmespath
from jmespath.exceptions import JMESPathError

from monitor.adapters.fetch import Response
from monitor.config.probespec import HttpCheck, Step

_OFF_LOOP = 16 * 1024  # bytes beyond which a body is read in a thread: chosen JSON can hold up the loop

# What reading JSON and asking it a JMESPath raise for what stands in it.
UNFIT = (JMESPathError, RecursionError, TypeError, ValueError, ArithmeticError)

P = ParamSpec("P")
T = TypeVar("T")


async def reading(size: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` returns; it reads a body of `size` bytes, a large one in a thread."""
    if size > _OFF_LOOP:
        return await asyncio.to_thread(work, *args, **kwargs)
    return work(*args, **kwargs)


class Judge:
    """Made once for a check or a step, asked for every answer."""

    __slots__ = ("_asks", "_condition")

    def __init__(self, asks: HttpCheck | Step) -> None:
        self._asks = asks
        self._condition = jmespath.compile(asks.expect_json) if asks.expect_json else None

    async def problem(self, answer: Response) -> str:
        """What is wrong with the answer, as a sentence; empty when it is as expected."""
        asks = self._asks
        if answer.status not in asks.expect_status:
            return f"HTTP status {answer.status}, expected {', '.join(map(str, asks.expect_status))}"
        if len(answer.body) < asks.min_bytes:
            return f"the answer has {len(answer.body)} bytes, expected at least {asks.min_bytes}"
        if asks.expect_text and asks.expect_text.encode() not in answer.body:
            return f"the answer does not contain {asks.expect_text!r}"
        return await reading(len(answer.body), self._unmet, answer.body) if self._condition else ""

    def _unmet(self, body: bytes) -> str:
        assert self._condition is not None
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            return "the answer is not JSON"
        try:
            met = self._condition.search(data)
        except UNFIT:
            return f"the answer does not fit {self._asks.expect_json!r}"
        return "" if met is True else f"{self._asks.expect_json!r} is not true of the answer"
