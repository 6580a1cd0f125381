"""Maintenance windows that stand in config.yaml. Those made at run time are kept in the store."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from monitor.alerting.orders import Order, Refused, window_of
from monitor.config.findings import Findings
from monitor.config.models import MaintenanceSection, SiteFile
from monitor.model.muting import Window
from monitor.model.unit import Units

BY = "config.yaml"


def build_maintenance(file: SiteFile, units: Units, now: datetime, findings: Findings) -> tuple[Window, ...]:
    """The windows of a site. One that is over may stay; mistakes go to `findings`."""
    findings.once(("maintenance",), "maintenance window", [entry.id for entry in file.maintenance])
    zone = ZoneInfo(file.time_zone)
    made = (_window(entry, number, units, zone, now, findings) for number, entry in enumerate(file.maintenance))
    return tuple(window for window in made if window is not None)


def _window(
    entry: MaintenanceSection, number: int, units: Units, zone: ZoneInfo, now: datetime, findings: Findings
) -> Window | None:
    at = ("maintenance", number)
    order = Order(tuple(entry.matchers), entry.comment, entry.starts, entry.lasts, entry.until, entry.every, entry.at)
    try:
        if not entry.starts:
            raise Refused("from", "it has no start; write 'from', such as 2026-11-28T22:00 or 2026-11-28")
        return window_of(order, BY, units, zone, now, entry.id)
    except Refused as wrong:
        if findings.units_in_doubt and wrong.field == "matchers":
            return None
        what, _, right = str(wrong).partition("; ")
        written = {"from": entry.starts, "for": entry.lasts, "until": entry.until, "every": entry.every, "at": entry.at}
        place = (*at, wrong.field) if wrong.field in ("matchers", "comment") or written.get(wrong.field) else at
        findings.add(place, f"the maintenance window '{entry.id}': {what}", right)
        return None
