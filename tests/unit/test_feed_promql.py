"""PromQL feeds: instant queries, one an indicator; what the API refuses is named, what is no number is no value."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from monitor.adapters.feeds import open_feed, promql
from monitor.adapters.fetch import Failure
from monitor.config.secrets import Secret
from monitor.config.spec import AsOf, Column
from monitor.model.reading import Collected
from tests.unit.feed_frames import CALENDAR, FRAME, INDICATORS, NOW, UNITS, feed_spec, parsed, refusals, values
from tests.unit.feed_server import Server, page

RATE = Column("rate", "avg by (code) (loss_percent)")
STAFF = Column("staffed", "min by (code) (probe_success)", words={"1": True, "0": False})
SPEC = feed_spec("promql", RATE, as_of=AsOf.FETCH, url="http://10.1.2.3:9090/mimir/?tenant=19")
BOTH = feed_spec("promql", RATE, STAFF, as_of=AsOf.FETCH)
STAMP = NOW.timestamp() - 1.5


def vector(*samples: tuple[str, object], stamp: float = STAMP, **more: object) -> bytes:
    found = [{"metric": {"code": code}, "value": [stamp, value]} for code, value in samples]
    return answer({"status": "success", "data": {"resultType": "vector", "result": found}, **more})


def answer(document: object) -> bytes:
    return json.dumps(document).encode()


def failure(body: bytes) -> str:
    collected = parsed(SPEC, body)
    assert (collected.readings, collected.rejected) == ((), ())
    return collected.failure


def test_one_query_fills_an_indicator_for_all_units_by_a_label():
    collected = parsed(SPEC, vector(("02143", "1.5"), ("01840", "2e1")))
    assert values(collected) == {("02143", "rate"): 1.5, ("01840", "rate"): 20}
    assert (collected.failure, collected.rejected) == ("", ())
    assert {reading.as_of for reading in collected.readings} == {NOW - timedelta(seconds=1.5)}


def test_each_indicator_has_a_query_of_its_own_with_its_words():
    answers = {"rate": vector(("02143", "1.5")), "staffed": vector(("02143", "1"), ("01840", "0"))}
    assert values(promql.read(BOTH, answers, NOW, FRAME)) == {
        ("02143", "rate"): 1.5, ("02143", "staffed"): True, ("01840", "staffed"): False,
    }  # fmt: skip


def test_a_query_that_fails_costs_its_own_indicator_only():
    refused = answer({"status": "error", "errorType": "bad_data", "error": "1:5: parse error: unexpected <by>"})
    collected = promql.read(BOTH, {"rate": refused, "staffed": vector(("02143", "1"))}, NOW, FRAME)
    assert (values(collected), collected.failure) == ({("02143", "staffed"): True}, "")
    assert refusals(collected) == [("rate", "no-answer")]
    assert collected.rejected[0].detail == "the query was refused: bad_data: 1:5: parse error: unexpected <by>"


def test_a_feed_of_which_every_query_fails_has_failed():
    collected = promql.read(BOTH, {"rate": "timeout: no answer", "staffed": b"<html>"}, NOW, FRAME)
    assert collected.failure == "feed portal: rate: timeout: no answer (and 1 more queries)"
    assert (collected.readings, collected.rejected, collected.stage) == ((), (), "fetch")


def test_an_answer_that_came_and_cannot_be_read_fails_at_reading():
    assert parsed(SPEC, b"<html>").stage == "read"


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "", "5,5", "0x1p3", "1_0", "five"])
def test_what_is_no_finite_number_is_refused_with_its_place(value):
    collected = parsed(SPEC, vector(("01840", "5"), ("02143", value)))
    assert values(collected) == {("01840", "rate"): 5}
    assert refusals(collected) in ([("rate[1]", "decimal-sign" if "," in value else "not-a-number")], [])
    assert bool(collected.rejected) is bool(value)


def test_a_histogram_is_no_value():
    sample = {"metric": {"code": "02143"}, "histogram": [STAMP, {"count": "5", "sum": "5"}]}
    collected = parsed(SPEC, answer({"status": "success", "data": {"resultType": "vector", "result": [sample]}}))
    assert refusals(collected) == [("rate[0]", "not-a-number")]
    assert "a histogram" in collected.rejected[0].detail


@pytest.mark.parametrize("value", [[STAMP, 5], [STAMP], ["now", "5"], [True, "5"], [1e300, "5"], {}, None])
def test_a_damaged_sample_is_refused(value):
    sample = {"metric": {"code": "02143"}, "value": value}
    collected = parsed(SPEC, answer({"status": "success", "data": {"resultType": "vector", "result": [sample]}}))
    assert collected.readings == () and len(collected.rejected) == 1


def test_a_query_that_lost_the_label_of_the_unit_is_told():
    found = [{"metric": {"instance": "a"}, "value": [STAMP, "5"]}, {"value": [STAMP, "5"]}, 7]
    collected = parsed(SPEC, answer({"status": "success", "data": {"resultType": "vector", "result": found}}))
    assert refusals(collected) == [("rate[0]", "missing"), ("rate[1]", "bad-row"), ("rate[2]", "bad-row")]
    assert collected.rejected[0].detail == "the row names no unit under 'code'"


def test_two_series_of_one_unit_contradict_each_other():
    collected = parsed(SPEC, vector(("02143", "5"), ("02143", "6")))
    assert refusals(collected) == [("rate[0]", "duplicate"), ("rate[1]", "duplicate")]


def test_a_server_whose_clock_is_ahead_is_not_believed():
    collected = parsed(SPEC, vector(("02143", "5"), stamp=NOW.timestamp() + 3600))
    assert refusals(collected) == [("rate[0]", "future")]


def test_the_day_can_count_instead_of_the_instant_of_the_query():
    spec = feed_spec("promql", RATE, as_of=AsOf.DAY)
    assert parsed(spec, vector(("02143", "5"))).readings[0].as_of == datetime(2026, 11, 20, 17, tzinfo=UTC)


def test_a_query_without_any_series_is_told_and_no_failure():
    collected = parsed(SPEC, vector())
    assert (collected.failure, refusals(collected)) == ("", [("rate", "missing")])


def test_a_warning_of_the_server_is_told_beside_the_values():
    collected = parsed(SPEC, vector(("02143", "5"), warnings=["store gateway unreachable"]))
    assert values(collected) == {("02143", "rate"): 5}
    assert refusals(collected) == [("rate", "warning")]
    assert collected.rejected[0].detail == "the server warns: store gateway unreachable"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"status": "error"}, "the query was refused: error: no reason is given"),
        ({"status": "success", "data": {"resultType": "scalar", "result": [1, "5"]}}, "a number without labels"),
        ({"status": "success", "data": {"resultType": "matrix", "result": []}}, "a range of values"),
        ({"status": "success", "data": {"resultType": "vector", "result": {}}}, "something else"),
        ({"status": "success", "data": []}, "something else"),
        ({"rows": []}, "not an answer of the Prometheus API"),
        ([], "not an answer of the Prometheus API"),
    ],
)
def test_what_cannot_be_used_as_a_whole_is_one_clear_sentence(document, said):
    assert said in failure(answer(document))


def test_more_series_than_are_read_are_refused_together(monkeypatch):
    monkeypatch.setattr(promql, "MAX_SERIES", 1)
    assert "2 series are more than the 1" in failure(vector(("02143", "5"), ("01840", "5")))


def collect(server: Server, spec=SPEC) -> Collected:
    feed = open_feed(spec, server, server, CALENDAR, INDICATORS, UNITS)  # type: ignore[arg-type]
    return asyncio.run(feed.collect(NOW))


def test_the_query_is_posted_to_the_api_below_the_base_address():
    spec = feed_spec("promql", RATE, url=SPEC.url, headers=(("Authorization", Secret("Bearer s3cret")),))
    server = Server(page(vector(("02143", "5"))))
    collect(server, spec)
    asked = server.asked[0]
    assert (asked.method, asked.url) == ("POST", "http://10.1.2.3:9090/mimir/api/v1/query?tenant=19")
    assert dict(asked.headers) == {
        "Authorization": "Bearer s3cret",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    assert parse_qs((asked.body or b"").decode()) == {"query": [RATE.value], "timeout": ["5000ms"]}


def test_all_queries_of_a_poll_share_its_time():
    server = Server(page(vector(("02143", "5"))), takes=6.0)
    collected = collect(server, BOTH)
    assert len(server.asked) == 1
    assert refusals(collected) == [("staffed", "no-answer")]
    assert "no time was left" in collected.rejected[0].detail
    server = Server(page(vector(("02143", "5"))), page(vector(("02143", "1"))), takes=2.0)
    assert len(values(collect(server, BOTH))) == 2
    assert [asked.timeout for asked in server.asked] == [5.0, 3.0]


def test_an_error_of_the_api_is_told_in_its_words_and_any_other_by_its_status():
    said = answer({"status": "error", "errorType": "execution", "error": "too many samples"})
    assert "rate: the query was refused: execution: too many samples" in collect(Server(page(said, 422))).failure
    assert "rate: HTTP status 502" in collect(Server(page(b"<html>", 502, "text/html"))).failure
    assert "rate: connect: refused" in collect(Server(Failure("connect", "refused", 0.1))).failure


def test_a_large_answer_is_read_in_a_thread_with_the_same_outcome():
    assert values(collect(Server(page(vector(("02143", "5")) + b" " * 20_000)))) == {("02143", "rate"): 5}
