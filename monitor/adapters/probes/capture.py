"""What an answer gives to the later steps of a journey: pure functions of the answer and the cookies."""

from __future__ import annotations

import html
import json
from typing import Any
from urllib.parse import unquote

from monitor.adapters.fetch import Response
from monitor.adapters.fetch_cookies import Cookies
from monitor.adapters.fetch_types import MAX_HEADER_VALUE
from monitor.adapters.jmes import UNFIT, Path, Steps
from monitor.config.pattern import compile_pattern
from monitor.config.probespec import Capture

LONGEST = 4096  # characters of a captured value


class NotCaptured(Exception):
    """The answer does not have the value; the text says which. Never leaves the probes."""


class Taker:
    """Made once for a capture, asked for every answer."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        pattern = capture.place if capture.source == "body" else capture.pattern
        self._pattern = compile_pattern(pattern) if pattern else None
        self._path = Path(capture.place) if capture.source == "json" else None

    def value(self, answer: Response, url: str, cookies: Cookies, steps: int) -> str:
        """The value; `url` is the step's own, whose cookies count too where a redirect led on.

        A JMESPath may take so many `steps`. Raises NotCaptured, TooManySteps.
        """
        found = self._part(self._whole(answer, url, cookies, steps))
        if found and self._capture.source == "body" and "ml" in answer.headers.get("content-type", ""):
            found = html.unescape(found)  # as a browser reads the attributes of HTML
        if found and self._capture.decode == "percent":
            found = unquote(found)
        if not found:
            raise NotCaptured(f"the answer has no '{self._capture.name}' ({self._place()})")
        if len(found) > LONGEST:
            raise NotCaptured(f"'{self._capture.name}' is longer than {LONGEST} characters")
        return found.encode(errors="replace").decode()  # JSON may hold halves of a character, which nothing can send

    def _whole(self, answer: Response, url: str, cookies: Cookies, steps: int) -> str | None:
        if self._path is not None:
            return self._of_json(self._path, answer.body, steps)
        if self._capture.source == "body":
            return answer.body.decode(errors="replace")
        if self._capture.source == "cookie":
            places = dict.fromkeys((answer.url or url, url))
            return next(filter(None, (cookies.value(self._capture.place, place) for place in places)), None)
        value = answer.headers.get(self._capture.place.lower())
        if value is not None and len(value) >= MAX_HEADER_VALUE:
            raise NotCaptured(f"the header {self._capture.place} has {MAX_HEADER_VALUE} characters or more")
        return value

    def _of_json(self, path: Path, body: bytes, steps: int) -> str | None:
        try:
            found: Any = path.of(json.loads(body), Steps(steps))
            if isinstance(found, int | float) and not isinstance(found, bool):
                return json.dumps(found)  # no sum of many digits
        except UNFIT:
            return None
        return found if isinstance(found, str) else None

    def _part(self, whole: str | None) -> str | None:
        if self._pattern is None or whole is None:
            return whole
        found = self._pattern.search(whole)
        part: str | None = None if found is None else found.group(1)
        return part

    def _place(self) -> str:
        return f"{self._capture.source} {self._capture.place}"
