"""SMTP probe: the mail server greets with 220 and, if asked for, the expected text; then it is told QUIT."""

from __future__ import annotations

import re
from datetime import datetime

from monitor.adapters.probes.outcome import Outcome, Transcript
from monitor.adapters.probes.talk import Line, Target, Unwell, talk
from monitor.adapters.probes.tools import Tools
from monitor.config.probespec import SmtpCheck

_LAST_LINE = re.compile(rb"(?m)^\d{3}(?: [^\n]*)?\r?\n")  # a blank, not a dash, follows the code of the last line


class SmtpAsk:
    """Asks one mail server."""

    def __init__(self, asks: SmtpCheck, timeout: float, tools: Tools) -> None:
        self._asks = asks
        self._target = Target(asks.host, asks.port, timeout, asks.address)
        self._tools = tools

    async def __call__(self, now: datetime) -> Outcome:
        """Wait for the greeting; the server speaks first."""
        said = Transcript(self._tools.clock)

        async def say(line: Line) -> None:
            heard = await line.hear(lambda so_far: _LAST_LINE.search(so_far) is not None)
            greeting = heard.strip().decode(errors="replace")  # a blank is one of ASCII: the code comes first
            said.say(f"heard {greeting[:160]!r}")
            if greeting.startswith("220") and not _LAST_LINE.search(heard):
                raise Unwell(
                    "the server hung up within its greeting" if line.reader.at_eof() else "its greeting never ends"
                )
            self._check(greeting)
            line.writer.write(b"QUIT\r\n")  # or its log would call us a lost connection; the answer is not awaited

        return await talk(self._target, self._tools, said, say)

    def _check(self, greeting: str) -> None:
        if not greeting:
            raise Unwell("the server hung up without a greeting")
        if not re.match(r"220[ -]|220$", greeting):
            raise Unwell(f"greets with {greeting.splitlines()[0][:100]!r}, expected 220")
        if self._asks.expect not in greeting:
            raise Unwell(f"the greeting does not contain {self._asks.expect!r}")
