"""HTTP probe: the right status within the deadline, and the expected text if one is asked for."""

from __future__ import annotations

from datetime import datetime

from monitor.adapters.fetch import Failure, Fetcher, Request, Response
from monitor.adapters.probes.result import result
from monitor.config.spec import ProbeSpec
from monitor.model.reading import Collected

MAX_BODY = 256 * 1024  # bytes: a health page is small


class HttpProbe:
    """Implements ports.Source for one URL."""

    def __init__(self, spec: ProbeSpec, fetcher: Fetcher) -> None:
        self._spec = spec
        self._fetcher = fetcher
        self.id = spec.id
        self.period = spec.period
        self.owner = spec.unit

    async def collect(self, now: datetime) -> Collected:
        """Ask once."""
        spec = self._spec
        headers = tuple((name, secret.reveal()) for name, secret in spec.headers)
        request = Request(spec.url, headers=headers, timeout=spec.timeout, max_wire=MAX_BODY, max_decoded=MAX_BODY)
        answer = await self._fetcher.fetch(request)
        return result(spec, now, self._problem(answer), answer.elapsed)

    def _problem(self, answer: Response | Failure) -> str:
        if isinstance(answer, Failure):
            return f"{answer.kind}: {answer.detail}"
        if answer.status not in self._spec.expect_status:
            wanted = ", ".join(map(str, self._spec.expect_status))
            return f"HTTP status {answer.status}, expected {wanted}"
        if self._spec.expect_text and self._spec.expect_text.encode() not in answer.body:
            return f"the answer does not contain {self._spec.expect_text!r}"
        return ""
