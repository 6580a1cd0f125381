"""Which sources owe a unit a word and have not spoken."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.alerting.troubles import Silent
from monitor.decide.policy import Watch
from monitor.decide.view import View
from monitor.model.reading import Reading, SourceHealth


def silent_sources(view: View, watches: tuple[Watch, ...], now: datetime) -> tuple[list[Silent], datetime | None]:
    """Sources that owe this unit something and have not spoken within their limit; and when the next one is due.

    A monitor that was itself asleep must not blame the sources: a whole source is silent only after a poll of it
    failed, or when it answered and brought nothing for anybody; a single unit only while the source brings rows for
    others. What was told as silent stays so until it speaks.
    """
    silent: list[Silent] = []
    instants: list[datetime] = []
    for watch in watches:
        health = view.health.get(watch.source)
        speaks = health is not None and health.answers
        # Of a source that owes rows to nobody, such as a heartbeat, each answer is all that it brings.
        owns = (
            bool(watch.expects) and view.state.unit == watch.owner and health is not None and health.newest is not None
        )
        if speaks and view.state.unit not in watch.expects and not owns:
            continue
        last = _last(view, watch)
        since = None if health is None else _quiet_since(view, watch, health, last, now)
        resumed = since is not None and view.state.resumed_at is not None and since < view.state.resumed_at
        since = view.state.resumed_at if resumed else since
        excused = 0.0 if health is None or resumed else health.excused
        at = None if since is None else since + timedelta(seconds=watch.limit + excused)
        if since is not None and at is not None and now >= at:
            silent.append(_silent(watch, since, last))
            continue
        if at is not None:
            instants.append(at)
        if at is None or not speaks or resumed:  # nobody can say that it speaks: what was told stays
            silent.extend(_still_silent(view, watch))
    return silent, min(instants, default=None)


def _silent(watch: Watch, since: datetime, last: Reading | None) -> Silent:
    return Silent(watch.source, since, watch.limit, last.value if last else None, last.as_of if last else None)


def _still_silent(view: View, watch: Watch) -> list[Silent]:
    told = view.state.incidents.get(f"silent:{watch.source}")
    return [] if told is None or told.well_since else [_silent(watch, told.opened_at, None)]


def _last(view: View, watch: Watch) -> Reading | None:
    rivals = (reading for kept in view.state.rivals.values() for reading in kept)
    own = (reading for reading in (*view.state.evidence.values(), *rivals) if reading.source == watch.source)
    return max(own, key=lambda reading: reading.as_of, default=None)


def _quiet_since(
    view: View, watch: Watch, health: SourceHealth, last: Reading | None, now: datetime
) -> datetime | None:
    """Since when this unit is without a word of the source; None when there is nothing to blame the source for."""
    if not health.answers:  # the owner of the source hears of it once, not every unit in it
        return (health.last_success or health.failing_since) if view.state.unit == watch.owner else None
    if health.last_success is None or now >= health.last_success + timedelta(seconds=watch.limit):
        return None  # the monitor was asleep
    if view.state.unit not in watch.expects or brings_nothing(health, watch, now):
        return health.newest if view.state.unit == watch.owner else None
    return last.as_of if last else health.first_success


def brings_nothing(health: SourceHealth, watch: Watch, now: datetime) -> bool:
    """Whether a source that answers has brought no row for anybody for half the silence that is allowed: then no
    single unit is to blame, and its owner hears of it when all of that has passed."""
    return health.newest is not None and now >= health.newest + timedelta(seconds=watch.limit / 2)
