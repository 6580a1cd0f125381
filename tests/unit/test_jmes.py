"""A JMESPath over hostile data takes a bounded number of steps, and finds what the library finds."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.fetch import Response
from monitor.adapters.jmes import Path, Steps, TooManySteps
from monitor.adapters.probes import beside, judge
from monitor.adapters.probes.judge import MOST, QUICK, judge_of, reading
from monitor.adapters.probes.outcome import CannotAsk
from monitor.config.probespec import HttpCheck

PATHS = ("a", "a.b", "[].a", "[*].a.b | [0]", "[?a > `1`].b", "sort_by([], &a)", "length(@)", "{x: a, y: [a, b]}")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 5) | st.text(max_size=3),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.sampled_from("ab"), below),
    max_leaves=20,
)


@given(path=st.sampled_from(PATHS), data=VALUES)
def test_what_is_found_is_what_the_library_finds(path: str, data: object) -> None:
    def found(ask) -> object:
        try:
            return ask()
        except Exception as error:
            return type(error)

    assert found(lambda: Path(path).of(data, Steps(MOST))) == found(lambda: jmespath.search(path, data))


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("[?@ == `1`]", [0] * 1000),
        ("@ | [@, @][] | [@, @][] | [@, @][] | [@, @][] | [@, @][] | [@, @][] | [@, @][]", [0] * 100),
        ("[@, @] | join('', @) | [@, @] | join('', @) | [@, @] | join('', @) | [@, @] | join('', @)", "x" * 1000),
        ("sort_by(@, &a)", [{"a": 1}] * 1000),
        ("map(&a.b.c, @)", [{"a": 1}] * 1000),
    ],
)
def test_a_list_or_a_text_that_grows_ends_it(path: str, data: object) -> None:
    with pytest.raises(TooManySteps):
        Path(path).of(data, Steps(1000))


def test_what_every_health_page_is_asked_takes_a_few_steps() -> None:
    assert Path("status == 'ok' && queue < `10`").of({"status": "ok", "queue": 3}, Steps(20)) is True
    services = [{"name": f"service-{number}", "status": "up", "since": "2026-11-20T07:00Z"} for number in range(3000)]
    assert Path("length(services[?status != 'up']) == `0`").of({"services": services}, Steps(MOST)) is True


async def in_which_threads(size: int, steps: int) -> list[tuple[int, bool]]:
    """With how many steps it was tried, and whether in the thread of the event loop."""
    tried = []

    def work(allowed: int) -> None:
        tried.append((allowed, threading.current_thread() is threading.main_thread()))
        if steps > allowed:
            raise TooManySteps

    await reading(size, work)
    return tried


async def test_a_short_answer_is_read_at_once_and_what_takes_longer_in_a_thread() -> None:
    assert await in_which_threads(500, QUICK) == [(QUICK, True)]
    assert await in_which_threads(500, MOST) == [(QUICK, True), (MOST, False)]
    assert await in_which_threads(20_000, 1) == [(MOST, False)]
    with pytest.raises(TooManySteps):
        await in_which_threads(500, MOST + 1)


def answer(body: str) -> Response:
    return Response(200, {}, body.encode(), 0.1, "192.0.2.1", {})


async def test_an_answer_that_nobody_could_judge_in_time_is_a_no_with_one_sentence() -> None:
    asked = "length([?@ == `1` || @ == `2` || @ == `3`]) == `0`"
    said = await judge_of(HttpCheck("http://a.example/", expect_json=asked)).problem(
        answer("[" + "0," * 120_000 + "0]")
    )
    assert said == f"the answer takes more than 200000 steps of {asked!r}"


async def test_where_this_machine_has_no_thread_to_spare_the_target_is_not_to_blame(monkeypatch) -> None:
    release, threads = threading.Event(), ThreadPoolExecutor(1)
    monkeypatch.setattr(judge, "PATIENCE", 0.0)
    monkeypatch.setattr(beside, "_THREADS", threads)
    threads.submit(release.wait)
    with pytest.raises(CannotAsk, match="did not come to reading the answer within 0 s"):
        await judge_of(HttpCheck("http://a.example/", expect_json="a")).problem(answer('{"a": "' + "x" * 20_000 + '"}'))
    release.set()


async def test_what_feeds_read_holds_up_no_probe() -> None:
    release, threads = threading.Event(), ThreadPoolExecutor(1)
    asyncio.get_running_loop().set_default_executor(threads)
    threads.submit(release.wait)
    check = HttpCheck("http://a.example/", expect_json="length(a) == `20000`")
    assert await judge_of(check).problem(answer('{"a": "' + "x" * 20_000 + '"}')) == ""
    release.set()
