"""A table in pages is read to its end and taken as a whole, or it is a failure that names the page."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from monitor.adapters.feeds import json as json_feed
from monitor.adapters.feeds import open_feed
from monitor.adapters.fetch import Failure, Response
from monitor.config.secrets import Secret
from monitor.config.spec import Paging
from monitor.model.reading import Collected
from tests.unit.feed_frames import CALENDAR, INDICATORS, NOW, UNITS, feed_spec, refusals, values
from tests.unit.feed_server import Server, page

COUNTED = Paging(pages="pages", max_pages=3, max_rows=5)
UNCOUNTED = Paging(max_pages=3)
LINKED = Paging(next="links.next", max_pages=3)
ONE, TWO = {"code": "02143", "ratio": 5}, {"code": "01840", "ratio": 6}


def part(*rows: object, **more: object) -> Response:
    return page(json.dumps({"rows": rows, **more}).encode())


def collect(server: Server, paging: Paging | None, **fields: Any) -> Collected:
    fields = {"url": "http://127.0.0.1:1/rows?at={page}", **fields}
    spec = feed_spec("json", paging=paging, **fields)
    return asyncio.run(open_feed(spec, server, server, CALENDAR, INDICATORS, UNITS).collect(NOW))  # type: ignore[arg-type]


def failure(server: Server, paging: Paging, **fields: Any) -> str:
    collected = collect(server, paging, **fields)
    assert (collected.readings, collected.rejected) == ((), ())
    return collected.failure.removeprefix("feed portal: ")


def test_pages_are_asked_by_number_until_the_stated_last_one():
    server = Server(part(ONE, pages=2), part(TWO, pages="2"))
    assert values(collect(server, COUNTED)) == {("02143", "rate"): 5, ("01840", "rate"): 6}
    assert [asked.url[-4:] for asked in server.asked] == ["at=1", "at=2"]


def test_the_number_may_stand_in_the_body_and_begin_with_nought():
    server = Server(part(ONE), part())
    collect(server, Paging(first=0), url="http://127.0.0.1:1/", method="POST", body='{"page": {page}, "of": "{year}"}')
    bodies = [asked.body for asked in server.asked]
    assert bodies == [b'{"page": 0, "of": "2026"}', b'{"page": 1, "of": "2026"}']


def test_without_a_stated_number_the_first_page_without_rows_is_the_last():
    server = Server(part(ONE), part(TWO), part())
    assert len(values(collect(server, UNCOUNTED))) == 2
    assert len(server.asked) == 3


def test_a_table_of_no_page_at_all_is_an_empty_table():
    assert collect(Server(part(pages=0)), COUNTED).failure == ""


def test_pages_are_followed_by_their_links_on_the_same_server():
    server = Server(part(ONE, links={"next": "?from=2"}), part(TWO, links={"next": None}))
    spec: dict[str, Any] = {"url": "http://127.0.0.1:1/rows", "headers": (("Authorization", Secret("Bearer x")),)}
    assert len(values(collect(server, LINKED, **spec))) == 2
    assert server.asked[1].url == "http://127.0.0.1:1/rows?from=2"
    assert server.asked[1].headers == server.asked[0].headers


@pytest.mark.parametrize("link", ["https://api.example:443/rows?from=2", "https://API.example/rows?from=2"])
def test_the_same_server_is_the_same_in_whatever_way_its_port_and_name_are_spelled(link):
    server = Server(part(ONE, links={"next": link}), part(TWO, links={"next": None}))
    assert len(values(collect(server, LINKED, url="https://api.example/rows"))) == 2


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("https://evil.example/?token=1", "leads to another server: 'https://evil.example/?token=***'"),
        ("http://127.0.0.1:2/rows", "leads to another server: 'http://127.0.0.1:2/rows'"),
        ("//evil.example/", "leads to another server: 'http://evil.example/'"),
        ("/rows", "leads back to one that was read"),
        ("http://[", "is no address"),
        (7, "is no address"),
    ],
)
def test_a_link_that_leads_elsewhere_is_not_followed(link, said):
    server = Server(part(ONE, links={"next": link}))
    assert failure(server, LINKED, url="http://127.0.0.1:1/rows") == f"page 1: the link to the next page {said}"
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (page(b"", 500), "HTTP status 500"),
        (Failure("timeout", "no answer", 1.0), "timeout: no answer"),
        (page(b"<html>login</html>", kind="text/html"), "not JSON: looks like an HTML page"),
        (page(b'{"rows": [', 200), "not JSON: Expecting value in line 1, column 11: the answer seems to be cut off"),
        (part(TWO), "'pages' does not give the number of pages"),
        (part(TWO, pages=3), "there are 3 pages now, and were 2: it changed while it was read"),
        (part(TWO, TWO, TWO, TWO, TWO, pages=2), "more than the 5 rows that are read"),
    ],
)
def test_a_page_that_fails_makes_the_whole_poll_a_failure_that_names_it(bad, said):
    assert failure(Server(part(ONE, pages=2), bad), COUNTED) == f"page 2: {said}"


def test_more_pages_than_may_be_read_are_a_failure():
    assert failure(Server(part(ONE, pages=4)), COUNTED).startswith("page 1: there are 4 pages, more than the 3")
    endless = Server(part(ONE), part(TWO), part(ONE, TWO))
    assert failure(endless, UNCOUNTED) == "page 3: there are more than the 3 pages that are read"


def test_a_server_that_does_not_count_is_noticed():
    assert failure(Server(part(ONE), part(ONE)), UNCOUNTED).startswith("page 2: it is the same as the one before")


def test_all_pages_share_the_time_and_the_bytes_of_one_poll():
    assert failure(Server(part(ONE), part(TWO), part(ONE, TWO), takes=2.0), UNCOUNTED, timeout=4.0) == (
        "page 3: timeout: no whole table within 4 s"
    )
    server = Server(part(ONE), part(TWO), part())
    collect(server, UNCOUNTED, max_bytes=1000)
    assert [asked.max_decoded for asked in server.asked] == [1000, 959, 918]


def test_a_refused_row_is_told_with_its_page_and_rows_on_two_pages_can_contradict():
    server = Server(part(ONE, {"code": "x"}, pages=2), part({**ONE, "ratio": 7}, pages=2))
    collected = collect(server, COUNTED)
    assert refusals(collected) == [
        ("page 1, rows[1]", "unknown-unit"), ("page 1, rows[0]", "duplicate"), ("page 2, rows[0]", "duplicate"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("second", "stage"),
    [
        (Failure("timeout", "no answer", 20.0, {}), "fetch"),
        (page(b"", status=503), "fetch"),
        (page(b"{"), "read"),
        (part(TWO, pages=3), "read"),
    ],
)
def test_what_did_not_come_fails_at_fetching_and_what_came_at_reading(second, stage):
    found = collect(Server(part(ONE, pages=2), second), COUNTED)
    assert found.failure.startswith("feed portal: page 2: ") and found.stage == stage


@pytest.mark.parametrize("paging", [None, UNCOUNTED])
def test_a_short_answer_over_which_paths_may_take_long_holds_up_nothing_else(monkeypatch, paging):
    """16 KB of "1," under twenty filters take a second."""
    real, threads = json_feed.load, []

    def load(text: str) -> object:
        threads.append(threading.current_thread())
        return real(text)

    monkeypatch.setattr(json_feed, "load", load)
    assert values(collect(Server(part(ONE), part()), paging)) == {("02143", "rate"): 5}
    assert threads and threading.main_thread() not in threads


def test_a_table_over_which_its_paths_take_too_many_steps_is_a_failure(monkeypatch):
    monkeypatch.setattr(json_feed, "MAX_STEPS", 1)
    said = failure(Server(part(ONE), part()), UNCOUNTED)
    assert said == "the answer takes more than 1 steps of its paths, the last one of 'ratio'"
    monkeypatch.setattr(json_feed, "MAX_STEPS", 0)
    said = failure(Server(part(ONE), part()), UNCOUNTED)
    assert said == "page 1: the answer takes more than 0 steps of its paths, the last one of 'rows'"
