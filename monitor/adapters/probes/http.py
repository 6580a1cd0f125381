"""HTTP probe: the expected status, text, JSON and size within the deadline."""

from __future__ import annotations

import contextlib
from datetime import datetime

from monitor.adapters.fetch import Failure, Request, Response, ready, safe_url
from monitor.adapters.fetch_types import Broken
from monitor.adapters.probes.judge import judge_of
from monitor.adapters.probes.outcome import Outcome, Transcript
from monitor.adapters.probes.tools import Tools
from monitor.config.probespec import HttpCheck


class HttpAsk:
    """Asks one URL."""

    __slots__ = ("_judge", "_request", "_tools")

    def __init__(self, asks: HttpCheck, timeout: float, tools: Tools) -> None:
        self._tools = tools
        self._request = _request(asks, timeout)
        self._judge = judge_of(asks)

    async def __call__(self, now: datetime) -> Outcome:
        """Ask once."""
        said = Transcript(self._tools.clock)
        said.say(self._beginning)
        answer = await self._tools.fetcher.fetch(self._request)
        if isinstance(answer, Failure):
            problem = f"{answer.kind}: {answer.detail}"
        else:
            problem = await self._judge.problem(answer)
            self._tell(answer, said)
        said.say(problem or "as expected")
        return Outcome(problem, answer.phases, said, {"seconds": answer.elapsed})

    def _beginning(self) -> str:
        return f"{self._request.method} {safe_url(self._request.url)}"

    def _tell(self, answer: Response, said: Transcript) -> None:
        # Never the body nor other headers: people's data and session cookies may stand in them.
        said.say(f"over a connection used {answer.uses} times before" if answer.uses else "over a new connection")
        kind = answer.headers.get("content-type", "no content type")
        said.say(f"{answer.peer} answers HTTP {answer.status}, {kind}, {len(answer.body)} bytes")
        if "location" in answer.headers:
            said.say(f"points to {safe_url(answer.headers['location'])}")


def _request(asks: HttpCheck, timeout: float) -> Request:
    request = Request(
        asks.url,
        method=asks.method,
        headers=tuple((name, secret.reveal()) for name, secret in asks.headers),
        body=asks.body.reveal().encode() if asks.body else None,
        timeout=timeout,
        max_wire=asks.max_bytes,
        max_decoded=asks.max_bytes,
        redirects=asks.redirects,
        family=asks.address,
        tls=asks.tls,
    )
    with contextlib.suppress(Broken):  # said by each fetch
        return ready(request)
    return request
