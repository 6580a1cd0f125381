"""Journey probe: what a citizen does, step by step: open the form, sign in, see the own page.

Each step is one bounded, guarded fetch like that of the http probe. Values that an answer gives are put into later
questions, escaped for the place where they go; they and all cookies end with the attempt.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from urllib.parse import quote, quote_plus, urlencode

from yarl import URL

from monitor.adapters.fetch import Failure, Request, Response, safe_url
from monitor.adapters.fetch_cookies import Cookies
from monitor.adapters.fetch_watch import DOING
from monitor.adapters.jmes import TooManySteps
from monitor.adapters.probes.capture import NotCaptured, Taker
from monitor.adapters.probes.judge import judge_of, reading, too_long
from monitor.adapters.probes.outcome import Outcome, Transcript
from monitor.adapters.probes.tools import Tools
from monitor.config.probespec import JourneyCheck, Step
from monitor.config.template import Gap, Template
from monitor.model.text import clean


class _Unfit(ValueError):
    """A value cannot stand where it should go; the text says why."""


def _for_url(value: str) -> str:
    return quote(value, safe="")


def _for_header(value: str) -> str:
    if not value.isprintable():
        raise _Unfit("a value holds a line break or control character and cannot stand in a header")
    return value


def _for_json(value: str) -> str:
    return json.dumps(value)[1:-1]


def _spellings(value: str) -> tuple[str, ...]:
    """All ways in which a value may stand in what is said."""
    return value, _for_url(value), quote_plus(value), _for_json(value)


_IN_BODY: Mapping[str, Callable[[str], str]] = {"text": str, "json": _for_json, "form": quote_plus}


class JourneyAsk:
    """Takes the steps of one journey."""

    def __init__(self, asks: JourneyCheck, timeout: float, tools: Tools) -> None:
        self._asks = asks
        self._timeout = timeout
        self._tools = tools
        self._judges = tuple(judge_of(step) for step in asks.steps)
        self._takers = tuple(tuple(Taker(capture) for capture in step.capture) for step in asks.steps)
        self._secrets = tuple(secret for step in asks.steps for secret in _secrets(step))

    async def __call__(self, now: datetime) -> Outcome:
        """Take the steps until one goes wrong. Waiting for a free place is not charged to the targets."""
        walk = _Walk(self._asks, Transcript(self._tools.clock, self._secrets), self._tools)
        problem = ""
        for number, step in enumerate(self._asks.steps, 1):
            left = self._timeout - sum(walk.seconds.values())
            wrong = await self._step(number, step, walk, left)
            if wrong:
                problem = walk.said.masked(f"step {number} '{step.id}': {wrong}")
                break
        walk.said.say(problem or "as expected")
        figures = {"seconds": sum(walk.seconds.values())}
        phases = {name: walk.phases[name] for name in DOING if name in walk.phases}
        return Outcome(problem, phases, walk.said.lines, figures, steps=walk.seconds)

    async def _step(self, number: int, step: Step, walk: _Walk, left: float) -> str:
        """What goes wrong in a step, as a sentence; empty when nothing does."""
        walk.said.say(f"step {number} '{step.id}': {step.method} {_shown(step.url)}")
        if left <= 0:
            return self._no_time()
        try:
            request = walk.request(step, min(step.timeout, left))
        except _Unfit as unfit:
            return str(unfit)
        answer = await self._tools.fetcher.fetch(request)
        walk.book(step, answer)
        if isinstance(answer, Failure):
            late = answer.kind == "timeout" and left < step.timeout
            return f"{answer.kind}: {answer.detail}" + (f"; {self._no_time()}" if late else "")
        wrong = await self._judges[number - 1].problem(answer)
        return wrong or await walk.capture(step, self._takers[number - 1], answer, request.url)

    def _no_time(self) -> str:
        return f"the whole journey has {self._timeout:g} s"


class _Walk:
    """One attempt: what has been captured, said and spent so far."""

    def __init__(self, asks: JourneyCheck, said: Transcript, tools: Tools) -> None:
        self.said = said
        self.seconds: dict[str, float] = {}  # by step
        self.phases: dict[str, float] = {}
        self._asks = asks
        self._tools = tools
        self._values = {"code": asks.code}
        self._cookies = Cookies()

    def request(self, step: Step, seconds: float) -> Request:
        """The question of a step. Raises _Unfit."""
        headers = [(name, text.fill(self._values, _for_header)) for name, text in step.headers]
        body = step.body.fill(self._values, _IN_BODY[step.body_is]) if step.body else None
        if step.form:
            body = urlencode([(name, text.fill(self._values, str)) for name, text in step.form])
            if not any(name.lower() == "content-type" for name, _ in headers):
                headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        return Request(
            step.url.fill(self._values, _for_url),
            method=step.method,
            headers=tuple(headers),
            body=None if body is None else body.encode(),
            timeout=seconds,
            max_wire=step.max_bytes,
            max_decoded=step.max_bytes,
            redirects=step.redirects,
            family=self._asks.address,
            tls=self._asks.tls,
            cookies=self._cookies,
        )

    def book(self, step: Step, answer: Response | Failure) -> None:
        """Note what was answered and where the time went."""
        self.seconds[step.id] = answer.elapsed
        for name, spent in answer.phases.items():
            self.phases[name] = self.phases.get(name, 0.0) + spent
        if isinstance(answer, Response):
            # Never the body nor other headers: people's data and session cookies stand in them.
            kind = answer.headers.get("content-type", "no content type")
            self.said.say(f"{answer.peer} answers HTTP {answer.status}, {kind}, {len(answer.body)} bytes{_way(answer)}")
        self.said.say(", ".join(f"{name} {spent * 1000:.1f} ms" for name, spent in answer.phases.items()))

    async def capture(self, step: Step, takers: tuple[Taker, ...], answer: Response, url: str) -> str:
        """Keep what later steps need. What cannot be kept, as a sentence."""
        for wanted, taker in zip(step.capture, takers, strict=True):
            try:
                value = await reading(len(answer.body), partial(taker.value, answer, url, self._cookies))
            except NotCaptured as missing:
                return str(missing)
            except TooManySteps:
                return too_long(wanted.place)
            self._values[wanted.name] = value
            if wanted.secret:
                self.said.hide(_spellings(value))
        if step.capture:
            shown = (c.name if c.secret else f"{c.name} = {clean(self._values[c.name], 60)}" for c in step.capture)
            self.said.say(f"captured {', '.join(shown)}")
        return ""


def _way(answer: Response) -> str:
    if "location" not in answer.headers:
        return ""
    try:
        host = URL(answer.headers["location"]).host
    except ValueError:
        host = "something that is no address"
    return f", points to {host or 'the same host'}"


def _shown(url: Template) -> str:
    """The address with its gaps instead of what was captured."""
    bare = "".join(f"{{{piece.name}}}" if isinstance(piece, Gap) else str(piece) for piece in url.pieces)
    return safe_url(bare).replace("%7B", "{").replace("%7D", "}")


def _secrets(step: Step) -> list[str]:
    texts = [step.url, *(text for _, text in (*step.headers, *step.form)), *([step.body] if step.body else [])]
    return [form for text in texts for secret in text.secrets for form in _spellings(secret)]
