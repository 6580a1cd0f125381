"""HTTP probe: the right status within the deadline, and the expected text if one is asked for."""

from __future__ import annotations

from datetime import datetime

from monitor.adapters.fetch import Failure, Request, Response, safe_url
from monitor.adapters.probes.outcome import Outcome, Transcript
from monitor.adapters.probes.tools import Tools
from monitor.config.probespec import HttpCheck

MAX_BODY = 256 * 1024  # bytes: a health page is small


class HttpAsk:
    """Asks one URL."""

    def __init__(self, asks: HttpCheck, timeout: float, tools: Tools) -> None:
        self._asks = asks
        self._timeout = timeout
        self._tools = tools

    async def __call__(self, now: datetime) -> Outcome:
        """Ask once."""
        asks = self._asks
        headers = tuple((name, secret.reveal()) for name, secret in asks.headers)
        said = Transcript(self._tools.clock)
        said.say(f"GET {safe_url(asks.url)}")
        answer = await self._tools.fetcher.fetch(
            Request(asks.url, headers=headers, timeout=self._timeout, max_wire=MAX_BODY, max_decoded=MAX_BODY)
        )
        problem = self._problem(answer)
        if isinstance(answer, Response):
            kind = answer.headers.get("content-type", "no content type")
            said.say(f"{answer.peer} answers HTTP {answer.status}, {kind}, {len(answer.body)} bytes")
        said.say(problem or "as expected")
        return Outcome(problem, answer.phases, said.lines, {"seconds": answer.elapsed})

    def _problem(self, answer: Response | Failure) -> str:
        if isinstance(answer, Failure):
            return f"{answer.kind}: {answer.detail}"
        if answer.status not in self._asks.expect_status:
            wanted = ", ".join(map(str, self._asks.expect_status))
            return f"HTTP status {answer.status}, expected {wanted}"
        if self._asks.expect_text and self._asks.expect_text.encode() not in answer.body:
            return f"the answer does not contain {self._asks.expect_text!r}"
        return ""
