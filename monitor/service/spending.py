"""What channels that cost money carried since midnight, against their budget, their reserve and their price.

It is the count by which `monitor.alerting.limits` holds a channel to its day, asked of the store for each page. A text
for SMS is cut to one segment whatever happens (`monitor.alerting.wording`), so a message is a segment. What goes past
the outbox (`service.direct`) is in it as soon as the store has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from prometheus_client import Metric
from prometheus_client.registry import Collector

from monitor.alerting.limits import Limits
from monitor.config.gateways import SMS_GATEWAYS
from monitor.config.spec import ChannelSpec
from monitor.ports import Store
from monitor.service.instruments import collected as family


@dataclass(frozen=True, slots=True)
class Account:
    """How much one channel may carry in a day, and what a message by it costs."""

    limits: Limits
    price: float | None  # dong for one message; None: nobody said


class Spending(Collector):
    """One per service."""

    def __init__(self) -> None:
        self._accounts: Mapping[str, Account] = {}
        self._gone: Mapping[str, int] = {}  # channel -> segments since midnight

    def follow(self, channels: Iterable[ChannelSpec], zone: tzinfo) -> None:
        """Which channels there are; those are counted that send SMS, have a price or have a budget for the day."""
        self._accounts = {
            one.id: Account(one.limits or Limits(zone=zone), one.price)
            for one in sorted(channels, key=lambda one: one.id)
            if one.kind in SMS_GATEWAYS or one.price is not None or (one.limits and one.limits.per_day)
        }

    async def look(self, store: Store, now: datetime) -> None:
        """Ask what has gone until now. Raises StoreError."""
        self._gone = {
            name: await store.carried(name, account.limits.day_start(now)) for name, account in self._accounts.items()
        }

    def collect(self) -> Iterable[Metric]:
        """Called by the registry when the page is made."""
        gone, budget, reserve, cost, price = families = tuple(
            family(f"denbao_channel_{name}")
            for name in ("day_segments", "day_budget_segments", "day_reserve_segments", "day_cost_dong", "price_dong")
        )
        for name, account in self._accounts.items():
            number, limits = self._gone.get(name, 0), account.limits
            gone.add_metric((name,), number)
            if limits.per_day is not None:
                budget.add_metric((name,), limits.per_day)
                reserve.add_metric((name,), limits.reserve)
            if account.price is not None:
                cost.add_metric((name,), number * account.price)
                price.add_metric((name,), account.price)
        return families
