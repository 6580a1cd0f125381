"""A conditional feed asks for what has changed; a table that has not is as old as it is, not as new as the poll."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.adapters.feeds import open_feed
from monitor.adapters.fetch import Response
from monitor.adapters.store.codec import HEALTH
from monitor.config.spec import AsOf
from monitor.engine.hygiene import Known, after_poll, inspect
from monitor.model.reading import Collected
from monitor.ports import Source
from tests.unit.feed_frames import CALENDAR, INDICATORS, NOW, UNITS, feed_spec, values
from tests.unit.feed_server import Server, page

HOUR = timedelta(hours=1)
TABLE = b"code,ratio,at\n02143,5,2026-11-20\n"
OTHER = b"code,ratio,at\n02143,6,2026-11-21\n"
AS_BEFORE = page(b"", 304)


def feed(server: Server, **fields: Any) -> Source:
    usual: dict[str, Any] = {"conditional": True, "as_of": AsOf.FETCH, "max_silence": 86_400.0}
    spec = feed_spec("csv", **{**usual, **fields})
    return open_feed(spec, server, server, CALENDAR, INDICATORS, UNITS)  # type: ignore[arg-type]


def polls(*answers: Response, every: timedelta = HOUR, **fields: Any) -> tuple[Server, list[Collected]]:
    """The answers of one feed, an hour apart."""
    server = Server(*answers)
    source = feed(server, **fields)
    return server, [asyncio.run(source.collect(NOW + number * every)) for number in range(len(answers))]


def dates(found: list[Collected]) -> list[datetime]:
    return [one.readings[0].as_of for one in found]


def asked(server: Server, number: int) -> dict[str, str]:
    return dict(server.asked[number].headers)


def test_the_server_is_told_what_is_here_and_need_not_send_it_again():
    server, found = polls(page(TABLE, etag='"1"'), AS_BEFORE, page(OTHER, etag='"2"'), AS_BEFORE)
    assert [values(one)[("02143", "rate")] for one in found] == [5, 5, 6, 6]
    assert asked(server, 0) == {}
    assert [asked(server, number) for number in (1, 2, 3)] == [
        {"If-None-Match": '"1"'}, {"If-None-Match": '"1"'}, {"If-None-Match": '"2"'},
    ]  # fmt: skip


def test_an_unchanged_table_is_as_old_as_the_poll_that_brought_it():
    _, found = polls(page(TABLE, etag='"1"'), AS_BEFORE, page(OTHER, etag='"2"'))
    assert dates(found) == [NOW, NOW, NOW + 2 * HOUR]


def test_a_server_that_sends_the_same_bytes_again_says_no_more_than_304():
    _, found = polls(page(TABLE), page(TABLE), page(OTHER))
    assert dates(found) == [NOW, NOW, NOW + 2 * HOUR]


def test_a_stated_last_change_is_the_age_of_the_table():
    stated = page(TABLE, last_modified="Fri, 20 Nov 2026 17:00:00 GMT")
    server, found = polls(stated, AS_BEFORE)
    assert dates(found) == [NOW - 12 * HOUR] * 2
    assert asked(server, 1) == {"If-Modified-Since": "Fri, 20 Nov 2026 17:00:00 GMT"}


@pytest.mark.parametrize("stated", ["", "yesterday", "Fri, 20 Nov 2099 17:00:00 GMT", "Fri, 99 Nov 2026 17:00:00 GMT"])
def test_a_last_change_that_is_none_or_lies_ahead_counts_for_nothing(stated):
    assert dates(polls(page(TABLE, last_modified=stated))[1]) == [NOW]


def test_the_day_of_a_row_is_the_day_of_the_table():
    _, found = polls(page(TABLE), AS_BEFORE, as_of=AsOf.DAY, every=20 * HOUR)
    assert dates(found) == [datetime(2026, 11, 20, 17, tzinfo=NOW.tzinfo)] * 2


def test_rows_with_a_date_of_their_own_keep_it():
    _, found = polls(page(TABLE), AS_BEFORE, as_of=AsOf.FIELD, as_of_field="at")
    assert dates(found) == [datetime(2026, 11, 19, 17, tzinfo=NOW.tzinfo)] * 2


def test_a_table_that_stays_the_same_beyond_max_silence_is_a_failure():
    _, found = polls(page(TABLE), AS_BEFORE, AS_BEFORE, page(OTHER), every=24 * HOUR)
    assert [one.failure for one in found] == [
        "", "", "feed portal: the table has not changed for 48 hours", "",
    ]  # fmt: skip


def test_an_answer_that_cannot_be_read_stays_so_while_it_is_unchanged():
    _, found = polls(page(b"<html>", kind="text/html", etag='"1"'), AS_BEFORE, page(TABLE))
    assert [one.failure for one in found] == ["feed portal: not CSV: looks like an HTML page"] * 2 + [""]


def test_a_bad_answer_between_forgets_nothing():
    server, found = polls(page(TABLE, etag='"1"'), page(b"", 503), AS_BEFORE)
    assert [one.failure for one in found] == ["", "feed portal: HTTP status 503", ""]
    assert asked(server, 2) == {"If-None-Match": '"1"'}


def test_unchanged_means_nothing_where_nothing_is_known():
    _, found = polls(AS_BEFORE)
    assert found[0].failure == "feed portal: HTTP status 304"


def test_another_month_is_another_question():
    server, _ = polls(page(TABLE, etag='"1"'), page(OTHER), every=30 * 24 * HOUR, url="http://127.0.0.1/{month}.csv")
    assert asked(server, 1) == {}


def test_a_feed_that_is_not_conditional_is_as_new_as_its_poll():
    server, found = polls(page(TABLE, etag='"1"'), page(TABLE, etag='"1"'), conditional=False)
    assert dates(found) == [NOW, NOW + HOUR]
    assert asked(server, 1) == {}


def test_a_last_change_that_lies_ahead_makes_no_table_fresh_for_ever():
    ahead = page(TABLE, last_modified="Fri, 20 Nov 2099 17:00:00 GMT")
    assert dates(polls(ahead, AS_BEFORE, ahead)[1]) == [NOW] * 3


def lives(*answers: Response, **fields: Any) -> list[Collected]:
    """The answers of one feed each of which is the first in a new life of the service, three days apart."""
    health, found = None, list[Collected]()
    for number, answer in enumerate(answers):
        source = feed(Server(answer), max_silence=30 * 86_400.0, **fields)
        came = asyncio.run(source.collect(NOW + number * timedelta(days=3)))
        found.append(inspect(came, health, Known(INDICATORS, CALENDAR, lambda unit, name: None)))
        health = HEALTH.decode(HEALTH.encode(after_poll(health, found[-1], "19")))
    return found


@pytest.mark.parametrize("as_of", [AsOf.FETCH, AsOf.DAY])
def test_a_table_is_no_newer_because_the_service_began_again(as_of):
    same, other = page(TABLE, etag='"1"'), page(OTHER, etag='"2"')
    first, second, third, fourth = dates(lives(same, same, same, other, as_of=as_of))
    assert first == second == third
    assert fourth == first + timedelta(days=9)


def test_a_table_that_is_published_anew_with_the_same_figures_is_as_old_as_its_server_says():
    days = ["Fri, 20 Nov 2026 17:00:00 GMT", "Mon, 23 Nov 2026 17:00:00 GMT", "Thu, 26 Nov 2026 17:00:00 GMT"]
    found = lives(*(page(TABLE, last_modified=day) for day in days))
    assert dates(found) == [NOW - 12 * HOUR + number * timedelta(days=3) for number in range(3)]


def test_rows_that_state_their_date_keep_it_over_a_restart():
    found = lives(page(TABLE), page(TABLE), as_of=AsOf.FIELD, as_of_field="at")
    assert dates(found) == [datetime.fromisoformat("2026-11-20T00:00+07:00")] * 2
