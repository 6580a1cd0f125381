"""The log channel: shows what an official would get, and sends nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping

from monitor.model.incident import Notice, Outcome, Receipt
from monitor.model.masking import masked_name

_RULE = "-" * 72


class LogTransport:
    """`monitor.ports.Transport` for trials. `names` gives recipients' names by id; `write` takes one whole block.

    Those in `persons` (ids) are people and not posts: of their names the initials are shown, in the text as well.
    """

    def __init__(
        self,
        channel: str,
        names: Mapping[str, str],
        write: Callable[[str], object] | None = None,
        persons: Collection[str] = (),
    ) -> None:
        self._channel = channel
        self._names = names
        self._write = write or to_stdout
        self._persons = frozenset(persons)

    async def send(self, notice: Notice, *, attempt: int, maybe_sent: bool) -> Receipt:
        """Show the notice; a writer that breaks makes it try again."""
        try:
            self._write(self._block(notice, attempt, maybe_sent))
        except Exception as broken:  # the promise is never to raise, whatever the writer is
            return Receipt(Outcome.TRY_AGAIN, f"cannot be written: {type(broken).__name__}")
        return Receipt(Outcome.SENT)

    def _block(self, notice: Notice, attempt: int, maybe_sent: bool) -> str:
        again = f" | attempt {attempt}" if attempt > 1 else ""
        maybe = " | may have been sent before" if maybe_sent else ""
        name = self._names.get(notice.recipient, notice.recipient)
        lines = (
            _RULE,
            f"{self._channel} -> {name} ({notice.recipient}) | ref {notice.ref}{again}{maybe}",
            f"Subject: {notice.subject}",
            "",
            notice.body,
            "",
            f"SMS ({len(notice.sms)} characters): {notice.sms}",
            _RULE,
        )
        block = "\n".join(lines) + "\n"
        return block.replace(name, masked_name(name)) if notice.recipient in self._persons else block

    async def close(self) -> None:
        """Nothing to stop."""


def to_stdout(block: str) -> None:
    """Write to standard output, whatever letters its encoding lacks."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(block.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()
