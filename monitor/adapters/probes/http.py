"""HTTP probe: the expected status, text, JSON and size within the deadline."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime

import jmespath
from jmespath.exceptions import JMESPathError

from monitor.adapters.fetch import Failure, Request, Response, safe_url
from monitor.adapters.probes.outcome import Outcome, Transcript
from monitor.adapters.probes.tools import Tools
from monitor.config.probespec import HttpCheck

_OFF_LOOP = 16 * 1024  # bytes beyond which JSON is read in a thread: chosen JSON can hold up the loop


class HttpAsk:
    """Asks one URL."""

    def __init__(self, asks: HttpCheck, timeout: float, tools: Tools) -> None:
        self._asks = asks
        self._timeout = timeout
        self._tools = tools
        self._condition = jmespath.compile(asks.expect_json) if asks.expect_json else None

    async def __call__(self, now: datetime) -> Outcome:
        """Ask once."""
        said = Transcript(self._tools.clock)
        request = self._request()
        said.say(f"{request.method} {safe_url(request.url)}")
        answer = await self._tools.fetcher.fetch(request)
        if isinstance(answer, Failure):
            problem = f"{answer.kind}: {answer.detail}"
        else:
            problem = await self._problem(answer)
            self._tell(answer, said)
        said.say(problem or "as expected")
        return Outcome(problem, answer.phases, said.lines, {"seconds": answer.elapsed})

    def _request(self) -> Request:
        asks = self._asks
        return Request(
            asks.url,
            method=asks.method,
            headers=tuple((name, secret.reveal()) for name, secret in asks.headers),
            body=asks.body.reveal().encode() if asks.body else None,
            timeout=self._timeout,
            max_wire=asks.max_bytes,
            max_decoded=asks.max_bytes,
            redirects=asks.redirects,
            family=asks.address,
            tls=asks.tls,
        )

    def _tell(self, answer: Response, said: Transcript) -> None:
        # Never the body nor other headers: people's data and session cookies may stand in them.
        said.say(f"over a connection used {answer.uses} times before" if answer.uses else "over a new connection")
        kind = answer.headers.get("content-type", "no content type")
        said.say(f"{answer.peer} answers HTTP {answer.status}, {kind}, {len(answer.body)} bytes")
        if "location" in answer.headers:
            said.say(f"points to {safe_url(answer.headers['location'])}")

    async def _problem(self, answer: Response) -> str:
        asks = self._asks
        if answer.status not in asks.expect_status:
            return f"HTTP status {answer.status}, expected {', '.join(map(str, asks.expect_status))}"
        if len(answer.body) < asks.min_bytes:
            return f"the answer has {len(answer.body)} bytes, expected at least {asks.min_bytes}"
        if asks.expect_text and asks.expect_text.encode() not in answer.body:
            return f"the answer does not contain {asks.expect_text!r}"
        if self._condition is None:
            return ""
        if len(answer.body) > _OFF_LOOP:
            return await asyncio.to_thread(self._unmet, answer.body)
        return self._unmet(answer.body)

    def _unmet(self, body: bytes) -> str:
        assert self._condition is not None
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            return "the answer is not JSON"
        try:
            met = self._condition.search(data)
        except (JMESPathError, RecursionError, TypeError, ValueError, ArithmeticError):
            return f"the answer does not fit {self._asks.expect_json!r}"
        return "" if met is True else f"{self._asks.expect_json!r} is not true of the answer"
