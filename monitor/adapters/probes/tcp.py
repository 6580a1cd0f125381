"""TCP probe: the port takes a connection within the deadline."""

from __future__ import annotations

from datetime import datetime

from monitor.adapters.guard import AddressGuard
from monitor.adapters.probes.result import result
from monitor.config.spec import ProbeSpec
from monitor.model.reading import Collected
from monitor.ports import Clock


class TcpProbe:
    """Implements ports.Source for one host and port."""

    def __init__(self, spec: ProbeSpec, guard: AddressGuard, clock: Clock) -> None:
        self._spec = spec
        self._guard = guard
        self._clock = clock
        self.id = spec.id
        self.period = spec.period
        self.owner = spec.unit

    async def collect(self, now: datetime) -> Collected:
        """Connect and hang up."""
        started = self._clock.monotonic()
        problem = await self._dial()
        return result(self._spec, now, problem, self._clock.monotonic() - started)

    async def _dial(self) -> str:
        try:
            _, writer = await self._guard.open_tcp(self._spec.host, self._spec.port, self._spec.timeout)
        except TimeoutError:
            return f"no connection within {self._spec.timeout:g} s"
        except OSError as error:
            return f"{type(error).__name__}: {error.strerror or error}"
        writer.transport.abort()  # nothing is owed to a port that answered; closing politely could hang
        return ""
