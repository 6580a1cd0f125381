"""A month of 92 communes replayed: hourly kept probe readings, five figures a day, roll-ups to the nation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bench.judging import compare
from bench.measure import Figure, Watch, best
from bench.nation import FEED, GOOD, national_policy, value_of
from monitor.model.reading import Reading
from monitor.model.unit import Level
from monitor.replay.course import Course

DAYS, COMMUNES, DAILY = 30, 92, 5


def run() -> list[Figure]:
    policy = national_policy()
    start = datetime(2026, 11, 1, tzinfo=UTC)
    communes = [unit.code for unit in policy.units.at(Level.COMMUNE)[:COMMUNES]]
    indicators = list(policy.ruleset.indicators.values())
    yes_no = next(one for one in indicators if one.unit == "bool")
    news: list[Reading] = []
    for hour in range(24 * DAYS):
        at = start + timedelta(hours=hour)
        for place, code in enumerate(communes):
            news.append(Reading(code, yes_no.id, (hour + place) % 50 != 0, at, at, "probe"))
            if hour % 24 == 9:
                for one in indicators[:DAILY]:
                    news.append(Reading(code, one.id, value_of(one, GOOD + place % 7 - 3), at, at, FEED))
    bare = best(lambda: compare(news))
    course = Course(policy, news, keep=False)
    with Watch() as watch:
        course.run(start + timedelta(days=DAYS))
    spent = watch.spent
    against = f"{len(news)} values against two thresholds"
    return [
        Figure("a month of 92 communes replayed", spent.wall, "s", bare.wall, against),
        Figure("readings replayed", len(news) / spent.cpu, "per CPU s", len(news) / bare.cpu, "bare comparisons"),
    ]
