"""The portal of somebody else: asked at night, rarely, slowly and honestly; what it does not say is unknown."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from monitor.adapters.feeds import open_feed
from monitor.adapters.feeds.feed import ShyFeed
from monitor.adapters.fetch import Failure, Request, Response
from monitor.config.build import load_site
from monitor.config.spec import Column, Portal
from monitor.model.reading import Collected
from monitor.service.poller import Poller
from monitor.service.sweep import slots_of
from tests.unit.feed_frames import CALENDAR, INDICATORS, UNITS, feed_spec, refusals, values
from tests.unit.feed_server import page
from tests.unit.sites import DATA, NOW, make_site, problems_of

EVENING = datetime(2026, 11, 21, 12, tzinfo=UTC)  # 19:00 in Vietnam
ROOT = "0f0e0d0c-0b0a-0908-0706-050403020100"
SECOND = Portal(2, ROOT, "it@example.vn", ("service-results", "dvc-progress-tree"))
FIRST = Portal(1, "398126", "it@example.vn")
CODES = {"H19.01": "01840", "H19.02": "02143", "H19": "19"}


@pytest.fixture(autouse=True)
def site(tmp_path, monkeypatch):
    """Each world has a site's folder of its own, in which a night is kept; no time passes for a thread."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(asyncio, "to_thread", at_once)


NUMBERS = count()


class World:
    """A portal that answers from memory, and a clock that only waiting moves on."""

    def __init__(self, *answers: Response | Failure, start: datetime = EVENING) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[Request, float]] = []
        self.start, self.time = start, 0.0
        self.site = Path(f"site-{next(NUMBERS)}")
        self.most_at_once = self.under_way = 0

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.time)

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        await asyncio.sleep(0)

    async def sleep_until(self, when: datetime) -> None:
        await self.sleep((when - self.now()).total_seconds())

    async def fetch(self, request: Request) -> Response | Failure:
        self.asked.append((request, self.time))
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        return self.answers.pop(0)


def feed(world: World, portal: Portal, *columns: Column, name: str = "portal", chance: float = 0.5) -> ShyFeed:
    unit = "MA_COQUAN" if portal.generation == 1 else "departmentCode"
    spec = feed_spec("portal766", *columns, id=name, portal=portal, unit=unit, mapping=CODES, url="https://portal.test")
    fake: Any = world
    found = open_feed(spec, fake, fake, CALENDAR, INDICATORS, UNITS, world.site, lambda: chance)
    assert isinstance(found, ShyFeed)
    return found


def collect(world: World, portal: Portal, *columns: Column, **options: Any) -> Collected:
    return asyncio.run(feed(world, portal, *columns, **options).collect(world.now()))


def row(code: str, *metrics: tuple[str, object], **more: object) -> dict[str, object]:
    shown = [{"code": name, "ratio": ratio, "numerator": "5", "denominator": "8"} for name, ratio in metrics]
    return {"departmentCode": code, "childGroup": "COMMUNE", "metrics": shown, **more}


def results(*rows: object, key: str = "evaluation", **more: object) -> Response:
    return page(json.dumps({"data": {key: rows, **more}}).encode())


def form(*rows: object) -> Response:
    return page(json.dumps(rows).encode())


RATE, LATE = Column("rate", "2.1"), Column("overdue", "totalOverdue")
SCORE = Column("overdue", "TTTT")


def test_metrics_are_found_by_their_code_in_the_calls_that_are_asked():
    world = World(
        results(row("H19.01", ("2.1", 62.5)), row("H19.S1", childGroup="AGENCY"), overview={"departmentCode": "H19"}),
        results(row("H19.01", totalOverdue="3"), row("H19.02", ("2.1", 62.5)), key="children"),
    )
    found = collect(world, SECOND, RATE, LATE)
    assert values(found) == {("01840", "rate"): 62.5, ("01840", "overdue"): 3, ("02143", "rate"): 62.5}
    assert (found.failure, found.rejected) == ("", ())
    assert {(one.numerator, one.denominator) for one in found.readings if one.indicator == "rate"} == {(5, 8)}


def test_what_the_two_calls_say_differently_is_believed_of_neither():
    world = World(results(row("H19.01", ("2.1", 60))), results(row("H19.01", ("2.1", 61)), key="children"))
    assert [reason for _, reason in refusals(collect(world, SECOND, RATE))] == ["duplicate", "duplicate"]


def test_the_first_generation_is_a_form_whose_values_are_texts():
    world = World(
        form({"MA_COQUAN": "H19.01", "CAPDONVIID": "2", "TTTT": "9.5"}, {"MA_COQUAN": "x", "CAPDONVIID": "1"})
    )
    found = collect(world, FIRST, SCORE)
    assert (values(found), found.rejected) == ({("01840", "overdue"): 9.5}, ())
    request = world.asked[0][0]
    assert (request.method, request.url) == ("POST", "https://portal.test/jsp/rest.jsp")
    assert json.loads(parse_qs((request.body or b"").decode())["params"][0]) == {
        "type": "ref", "service": "report_tinh_766_service", "p_nam": "2026", "p_6thang": 0, "p_quy": 0, "p_thang": 11,
        "p_tinh_id": "398126", "p_loaidonvi": 1, "loaichitieu": 0, "pageIndex": 1, "pageSize": 200,
    }  # fmt: skip
    assert dict(request.headers)["X-Requested-With"] == "XMLHttpRequest"


@pytest.mark.parametrize(
    ("span", "start", "half", "quarter", "month"),
    [
        ("month", datetime(2026, 6, 30, 12, tzinfo=UTC), 0, 0, 6),
        ("quarter", datetime(2026, 6, 30, 12, tzinfo=UTC), 0, 2, 0),
        ("half", datetime(2026, 6, 30, 12, tzinfo=UTC), 1, 0, 0),
        ("half", datetime(2026, 6, 30, 18, tzinfo=UTC), 2, 0, 0),  # 1 July in Vietnam
        ("half", datetime(2026, 12, 31, 12, tzinfo=UTC), 2, 0, 0),
        ("year", datetime(2026, 6, 30, 12, tzinfo=UTC), 0, 0, 0),
    ],
)
def test_the_first_generation_is_asked_for_the_running_period_of_one_sort(span, start, half, quarter, month):
    world = World(form({"MA_COQUAN": "H19.01", "TTTT": "9.5"}), start=start)
    collect(world, replace(FIRST, span=span), SCORE)
    asked = json.loads(parse_qs((world.asked[0][0].body or b"").decode())["params"][0])
    assert (asked["p_6thang"], asked["p_quy"], asked["p_thang"]) == (half, quarter, month)


@pytest.mark.parametrize("scores", [{"TTTT": 9.5, "CLGQ": 11.5}, [{"code": "TTTT", "score": "9.5"}]])
def test_points_of_a_group_stand_under_group_scores_in_the_second_generation(scores):
    rows = (row("H19.01", groupScores=scores), row("H19.02", groupScores={"TTTT": 11.5}), row("H19.02"))
    found = collect(World(results(*rows), results()), SECOND, SCORE)
    assert values(found) == {("01840", "overdue"): 9.5}
    assert [reason for _, reason in refusals(found)] == ["out-of-range"]


def test_points_beyond_their_group_stand_in_the_wrong_column():
    world = World(form({"MA_COQUAN": "H19.01", "TTTT": "11.5"}, {"MA_COQUAN": "H19.02", "TTTT": ""}))
    found = collect(world, FIRST, SCORE)
    assert (found.readings, refusals(found)) == ((), [("report_tinh_766_service, page 1, row 1", "out-of-range")])
    assert "TTTT has at most 10 points, not '11.5'" in found.rejected[0].detail


def test_the_reader_says_who_it_is_and_whom_to_ask():
    world = World(results(), results())
    collect(world, SECOND, RATE)
    agents = {dict(request.headers)["User-Agent"] for request, _ in world.asked}
    assert agents == {"denbao (reads the Decision 766 index once a night; contact: it@example.vn)"}


@pytest.mark.parametrize(("chance", "pause"), [(0.0, 1.0), (0.5, 3.0), (1.0, 5.0)])
def test_between_two_requests_are_one_to_five_seconds_by_chance(chance, pause):
    full = [row("H19.01", ("2.1", number)) for number in range(200)]
    world = World(results(*full), results(), results())
    collect(world, SECOND, RATE, chance=chance)
    assert [when for _, when in world.asked] == [0.0, pause, 2 * pause]
    assert [json.loads(request.body or b"")["currentPage"] for request, _ in world.asked] == [1, 2, 1]


NO_DATA = [
    (page(b"busy", 429), "fetch", "HTTP status 429"),
    (page(b"", 403), "fetch", "HTTP status 403"),
    (page(b"", 503), "fetch", "HTTP status 503"),
    (page(b"<html>login</html>", kind="text/html"), "read", "not JSON: looks like an HTML page"),
    (page(b""), "read", "the answer is empty"),
    (page(b"[]"), "read", "not the table of the portal: it has no 'data'"),
    (page(b'{"data": {"evaluation": null}}'), "read", "not the table of the portal: neither 'evaluation' nor 'children' is a list"),  # noqa: E501
    (Failure("timeout", "no answer", 1.0), "fetch", "timeout: no answer"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "stage", "said"), NO_DATA)
def test_whatever_is_not_the_table_is_no_data_with_the_stage_that_failed_and_never_a_zero(bad, stage, said):
    found = collect(World(results(row("H19.01", ("2.1", 60))), bad), SECOND, RATE)
    assert (found.readings, found.rejected) == ((), ())
    assert (found.stage, found.failure) == (stage, f"feed portal: no data: dvc-progress-tree, page 1: {said}")


def test_an_endless_table_and_an_endless_night_are_given_up():
    full = [row("H19.01", ("2.1", number)) for number in range(200)]
    assert "it is the same as the one before" in collect(World(results(*full), results(*full)), SECOND, RATE).failure
    turning = [results(*full, row("H19.02", ("2.1", number))) for number in range(20)]
    assert "more than 20 pages" in collect(World(*turning), SECOND, RATE, chance=0.0).failure

    class Slow(World):
        async def fetch(self, request: Request) -> Response | Failure:
            self.time += 130
            return await super().fetch(request)

    world = Slow(results(*full), results(row("H19.02")), results())
    assert "no whole table within 240 s" in collect(world, SECOND, RATE).failure


def test_the_last_question_of_a_night_takes_no_longer_than_what_is_left_of_its_time():
    """The poller gives a poll up after 300 s; the refusal would not be counted then, and the portal asked too soon."""

    class Slow(World):
        async def fetch(self, request: Request) -> Response | Failure:
            answer = await super().fetch(request)
            self.time += 236
            return answer

    world = Slow(results(row("H19.01", ("2.1", 62.5))), results())
    collect(world, SECOND, RATE)
    assert [request.timeout for request, _ in world.asked] == [5.0, 1.0]


# -- when --------------------------------------------------------------------------------


def hours(world: World, source: ShyFeed, until: float) -> list[tuple[float, bool]]:
    """Local hours (from 0:00 after the start) at which it was asked, and whether it answered."""
    found: list[tuple[float, bool]] = []
    poller = Poller([source], world, lambda one: found.append((local(one.at), not one.failure)))

    async def live() -> None:
        await poller.sweep()
        [slot] = slots_of(source)
        end = world.time + until * 3600
        while world.time < end:
            await poller.tick(slot)
            await world.sleep(60.0)
            for _ in range(20):
                await asyncio.sleep(0)

    def local(at: datetime) -> float:
        return (at - EVENING).total_seconds() / 3600 - 5

    asyncio.run(live())
    return found


def test_it_is_asked_once_a_night_after_one_and_not_at_a_start():
    world = World(*[form()] * 2)
    found = hours(world, feed(world, FIRST, SCORE), 30.0)
    assert [worked for _, worked in found] == [True]
    assert 1.0 <= found[0][0] < 2.1


def test_feeds_of_other_names_have_other_minutes():
    feeds = (feed(World(), FIRST, SCORE, name=f"portal-{number}") for number in range(20))
    assert len({next(minute for minute in range(1440) if not one.rests(minutes(minute))) for one in feeds}) > 15


def minutes(after: int) -> datetime:
    return EVENING + timedelta(minutes=after)


def test_refused_it_waits_longer_each_time_and_then_until_the_next_night():
    world = World(*[page(b"", 429)] * 10)
    found = [hour for hour, _ in hours(world, feed(world, FIRST, SCORE), 28.0)]
    pauses = [later - earlier for earlier, later in pairwise(found)]
    assert [round(pause, 1) for pause in pauses] == [0.5, 1.0, 2.0]


def test_a_retry_after_is_obeyed():
    world = World(page(b"", 503, retry_after="7200"), *[page(b"", 503)] * 9)
    found = [hour for hour, _ in hours(world, feed(world, FIRST, SCORE), 28.0)]
    assert round(found[1] - found[0], 1) == 2.0


def in_the_night(world: World, source: ShyFeed) -> datetime:
    """When its hour has come."""
    while source.rests(world.now()):
        world.time += 60
    return world.now()


def test_a_restart_in_the_night_asks_only_for_what_was_not_answered_yet_with_the_same_pauses():
    world = World(results(row("H19.01", ("2.1", 62.5))), page(b"", 503), results(row("H19.01", totalOverdue="3")))
    first = feed(world, SECOND, RATE, LATE)
    began = in_the_night(world, first)
    assert asyncio.run(first.collect(began)).failure
    world.time += 600
    again = feed(world, SECOND, RATE, LATE)
    assert again.rests(world.now())  # the half hour after a refusal is not over
    world.time += 1500
    assert not again.rests(world.now())
    resumed, asked = world.time, len(world.asked)
    found = asyncio.run(again.collect(world.now()))
    assert values(found) == {("01840", "rate"): 62.5, ("01840", "overdue"): 3}
    [(question, when)] = world.asked[asked:]
    assert question.url.endswith("dvc-progress-tree") and when == resumed + 3.0


def test_a_restart_after_a_whole_night_asks_nothing_and_says_the_same():
    world = World(form({"MA_COQUAN": "H19.01", "TTTT": "9.5"}))
    first = feed(world, FIRST, SCORE)
    said = asyncio.run(first.collect(in_the_night(world, first)))
    assert first.rests(world.now())
    world.time += 3600
    again = feed(world, FIRST, SCORE)
    assert not again.rests(world.now())
    found = asyncio.run(again.collect(world.now()))
    claims = [[(one.unit, one.value, one.as_of) for one in each.readings] for each in (said, found)]
    assert claims[0] == claims[1] and len(world.asked) == 1
    assert again.rests(world.now())


@pytest.mark.parametrize("left", [0, 20, -1])
def test_a_kept_answer_of_which_a_power_cut_left_a_part_is_asked_for_again(tmp_path, left):
    world = World(*[form({"MA_COQUAN": "H19.01", "TTTT": "9.5"})] * 2)
    first = feed(world, FIRST, SCORE)
    asyncio.run(first.collect(in_the_night(world, first)))
    [kept] = (tmp_path / world.site / "var" / "portal" / "portal").glob("*/*")
    kept.write_bytes(kept.read_bytes()[:left])
    again = feed(world, FIRST, SCORE)
    assert values(asyncio.run(again.collect(world.now()))) == {("01840", "overdue"): 9.5}
    assert len(world.asked) == 2


def test_the_next_night_begins_anew_and_clears_the_last_one_away(tmp_path):
    world = World(form({"MA_COQUAN": "H19.01", "TTTT": "9.5"}), form({"MA_COQUAN": "H19.01", "TTTT": "9"}))
    source = feed(world, FIRST, SCORE)
    for value in (9.5, 9):
        assert values(asyncio.run(source.collect(in_the_night(world, source)))) == {("01840", "overdue"): value}
    assert len(list((tmp_path / world.site / "var" / "portal" / "portal").iterdir())) == 1


def test_a_refusal_is_remembered_over_restarts_until_the_window_is_over():
    world = World(*[page(b"", 503)] * 9)
    source = feed(world, FIRST, SCORE)
    in_the_night(world, source)
    began = world.time
    for _ in range(5 * 60):  # a restart each minute
        source = feed(world, FIRST, SCORE)
        if not source.rests(world.now()):
            asyncio.run(source.collect(world.now()))
        world.time += 60
    assert [round((when - began) / 3600, 1) for _, when in world.asked] == [0.0, 0.5, 1.5, 3.5]


def test_a_night_that_cannot_be_kept_is_read_all_the_same(tmp_path, caplog):
    world = World(form({"MA_COQUAN": "H19.01", "TTTT": "9.5"}))
    (tmp_path / world.site).write_text("no folder")
    assert values(collect(world, FIRST, SCORE))
    assert "an answer of the portal cannot be kept" in caplog.text


def test_two_feeds_never_ask_the_portal_at_once():
    world = World(*[results()] * 4)
    one, other = feed(world, SECOND, RATE, name="a"), feed(world, SECOND, RATE, name="b")

    async def both() -> None:
        await asyncio.gather(one.collect(world.now()), other.collect(world.now()))

    asyncio.run(both())
    assert (world.most_at_once, len(world.asked)) == (1, 4)


async def at_once(work: Any, *given: Any) -> Any:
    """Stands for a thread where time is only moved by hand."""
    return work(*given)


# -- consent --------------------------------------------------------------------------------

LINES = """\
  - id: index
    kind: portal766
    owner: "19"
    generation: 1
    contact: it@example.vn
    root: "398126"
    max_silence: 50h
    columns:
      online_rate: {value: TONG_SCORE}
"""


def test_it_is_off_unless_it_is_switched_on(tmp_path):
    site = make_site(tmp_path / "off", "channels:\n", f"{LINES}channels:\n")
    assert problems_of(site) == []
    assert [one.id for one in load_site(site, environ={}, now=NOW).feeds] == ["portal"]
    site = make_site(tmp_path / "on", "channels:\n", f"{LINES}    enabled: true\nchannels:\n")
    on = load_site(site, environ={}, now=NOW).feeds[1]
    assert (on.id, on.unit, on.url, on.portal) == ("index", "ID", "https://dichvucong.gov.vn", FIRST)


def test_the_shipped_site_does_not_ask_the_portal():
    text = (DATA.parents[1] / "config.yaml").read_text("utf-8")
    assert "portal766" not in text and "dichvucong" not in text
