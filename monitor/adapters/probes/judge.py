"""Whether an HTTP answer is the expected one: status, size, text, and a condition on its JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from monitor.adapters.fetch import Response
from monitor.adapters.jmes import UNFIT, Path, Steps, TooManySteps
from monitor.adapters.probes.beside import beside
from monitor.adapters.probes.outcome import CannotAsk
from monitor.config.probespec import HttpCheck, Step

_OFF_LOOP = 16 * 1024  # bytes beyond which a body is read in a thread: chosen JSON can hold up the loop
QUICK = 2_000  # steps of a JMESPath that are taken at once: 2 ms
MOST = 200_000  # steps that are taken at all, in a thread
PATIENCE = 10.0  # seconds for what takes a fifth of one: else this machine is too busy to judge anybody

T = TypeVar("T")


async def reading(size: int, work: Callable[[int], T]) -> T:
    """What `work` returns within a number of steps; it reads a body of `size` bytes.

    A short one is read at once, a long one, and what then takes more than QUICK steps, in a thread. Raises
    TooManySteps, CannotAsk where there is no thread for it in time, and what `work` raises.
    """
    if size <= _OFF_LOOP:
        try:
            return work(QUICK)
        except TooManySteps:
            pass
    try:
        async with asyncio.timeout(PATIENCE):
            return await beside(lambda: work(MOST))
    except TimeoutError:
        raise CannotAsk(f"this machine did not come to reading the answer within {PATIENCE:g} s") from None


def too_long(path: str) -> str:
    """What is wrong with an answer that takes too many steps."""
    return f"the answer takes more than {MOST} steps of {path!r}"


def judge_of(asks: HttpCheck | Step) -> Judge:
    """The judge of a check or a step. Those that expect the same have the same one."""
    return _judge(asks.expect_status, asks.min_bytes, asks.expect_text, asks.expect_json)


class Judge:
    """Made once, asked for every answer."""

    __slots__ = ("_condition", "_json", "_least", "_status", "_text")

    def __init__(self, status: tuple[int, ...], least: int, text: str, json: str) -> None:
        self._status = status
        self._least = least  # bytes
        self._text = text.encode()
        self._json = json
        self._condition = Path(json) if json else None

    async def problem(self, answer: Response) -> str:
        """What is wrong with the answer, as a sentence; empty when it is as expected. Raises CannotAsk."""
        if answer.status not in self._status:
            return f"HTTP status {answer.status}, expected {', '.join(map(str, self._status))}"
        if len(answer.body) < self._least:
            return f"the answer has {len(answer.body)} bytes, expected at least {self._least}"
        if self._text not in answer.body:
            return f"the answer does not contain {self._text.decode()!r}"
        if self._condition is None:
            return ""
        try:
            return await reading(len(answer.body), lambda steps: self._unmet(answer.body, steps))
        except TooManySteps:
            return too_long(self._json)

    def _unmet(self, body: bytes, steps: int) -> str:
        assert self._condition is not None
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            return "the answer is not JSON"
        try:
            met = self._condition.of(data, Steps(steps))
        except UNFIT:
            return f"the answer does not fit {self._json!r}"
        return "" if met is True else f"{self._json!r} is not true of the answer"


_judge = lru_cache(maxsize=1024)(Judge)
