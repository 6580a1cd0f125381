"""Units outside their validity are not asked: a merged commune's old address may lead anywhere."""

from __future__ import annotations

from collections.abc import Callable

from monitor.config.spec import Site
from monitor.ports import Clock, Source


def asked_today(site: Site, clock: Clock) -> Callable[[Source], bool]:
    """Whether a source is asked on this local day; only probes of units with a first or last day ever are not."""
    bounded = {
        probe.id: unit
        for probe in site.probes
        if (unit := site.units[probe.unit]).valid_from is not None or unit.valid_to is not None
    }

    def asked(source: Source) -> bool:
        unit = bounded.get(source.id)
        return unit is None or unit.holds_on(site.calendar.day(clock.now()))

    return asked
