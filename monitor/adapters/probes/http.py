"""HTTP probe: the expected status, text, JSON and size within the deadline."""

from __future__ import annotations

import contextlib
from datetime import datetime

from monitor.adapters.fetch import Failure, Request, Response, ready, safe_url
from monitor.adapters.fetch_types import Broken
from monitor.adapters.fetch_wire import Letter
from monitor.adapters.probes.judge import judge_of
from monitor.adapters.probes.outcome import Outcome, Transcript
from monitor.adapters.probes.tools import Tools
from monitor.config.probespec import HttpCheck


class HttpAsk:
    """Asks one URL. Of its question only that is kept which takes long to make: there may be tens of thousands."""

    __slots__ = ("_asks", "_headers", "_judge", "_letter", "_timeout", "_tools")

    def __init__(self, asks: HttpCheck, timeout: float, tools: Tools) -> None:
        self._asks = asks
        self._timeout = timeout
        self._tools = tools
        self._judge = judge_of(asks)
        self._headers = tuple((name, secret.reveal()) for name, secret in asks.headers)
        self._letter: Letter | None = None
        with contextlib.suppress(Broken):  # said by each fetch
            made = ready(self._request())
            self._headers, self._letter = made.headers, made.letter

    async def __call__(self, now: datetime) -> Outcome:
        """Ask once."""
        said = Transcript(self._tools.clock)
        said.say(self._beginning)
        answer = await self._tools.fetcher.fetch(self._request())
        if isinstance(answer, Failure):
            problem = f"{answer.kind}: {answer.detail}"
        else:
            problem = await self._judge.problem(answer)
            self._tell(answer, said)
        said.say(problem or "as expected")
        return Outcome(problem, answer.phases, said, {"seconds": answer.elapsed})

    def _request(self) -> Request:
        asks, letter = self._asks, self._letter
        return Request(
            asks.url if letter is None else letter.address,
            method=asks.method,
            headers=self._headers,
            body=asks.body.reveal().encode() if asks.body else None,
            timeout=self._timeout,
            max_wire=asks.max_bytes,
            max_decoded=asks.max_bytes,
            redirects=asks.redirects,
            family=asks.address,
            tls=asks.tls,
            letter=letter,
        )

    def _beginning(self) -> str:
        return f"{self._asks.method} {safe_url(self._asks.url)}"

    def _tell(self, answer: Response, said: Transcript) -> None:
        # Never the body nor other headers: people's data and session cookies may stand in them.
        said.say(f"over a connection used {answer.uses} times before" if answer.uses else "over a new connection")
        kind = answer.headers.get("content-type", "no content type")
        said.say(f"{answer.peer} answers HTTP {answer.status}, {kind}, {len(answer.body)} bytes")
        if "location" in answer.headers:
            said.say(f"points to {safe_url(answer.headers['location'])}")
