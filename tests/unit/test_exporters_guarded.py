"""A site's own exporter may do what it likes: it is unloaded and named, and nothing else notices."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from monitor.api import ExporterContext
from monitor.model.reading import Collected
from monitor.model.snapshot import Snapshot
from monitor.model.state import UnitState
from monitor.model.unit import Units
from monitor.ports import Exporter, Page
from monitor.service.exporters import Exporters, Guarded, Unloaded, load_exporters
from monitor.testing.stepped import SteppedClock
from monitor.web.routes import table
from tests.unit.test_exporter import NOW, nothing
from tests.unit.web_site import running, site, visiting

STEPS = ("start", "changed", "polled", "prepare", "page", "problems")


class Rough:
    """Raises at one step."""

    path = "/rough"

    def __init__(self, at: str = "") -> None:
        self._at = at
        self.calls: list[str] = []
        self.said: tuple[str, ...] = ()

    def _reach(self, step: str) -> None:
        self.calls.append(step)
        if step == self._at:
            raise ValueError(f"no {step} today")

    def start(self, _snapshot: Snapshot) -> None:
        self._reach("start")

    def changed(self, _states: Sequence[UnitState]) -> None:
        self._reach("changed")

    def polled(self, _collected: Collected) -> None:
        self._reach("polled")

    async def prepare(self) -> None:
        self._reach("prepare")

    async def page(self, _accept: str, _accept_encoding: str) -> Page:
        self._reach("page")
        return Page(b"rough 1\n", "text/plain")

    def problems(self) -> Sequence[str]:
        self._reach("problems")
        return self.said


async def life(exporter: Guarded) -> None:
    exporter.start(Snapshot(Units(()), {}))
    exporter.changed([])
    exporter.polled(Collected("a", NOW))
    await exporter.prepare()
    await exporter.page("", "")


@pytest.mark.parametrize("step", STEPS)
async def test_whichever_step_raises_the_exporter_is_unloaded_named_and_called_no_more(step, caplog):
    rough = Rough(step)
    watch = Exporters({"rough": rough})
    guarded = watch.by_name["rough"]
    if step == "problems":
        await life(guarded)
    else:
        with pytest.raises(Unloaded, match="rough"):
            await life(guarded)
    assert watch.sentences() == (f"exporters/rough.py: unloaded until the next reload: ValueError: no {step} today",)
    calls = list(rough.calls)
    with pytest.raises(Unloaded):
        await life(guarded)
    assert rough.calls == calls
    assert caplog.text.count("exporters/rough.py raised and is unloaded") == 1


async def test_a_good_one_is_not_touched_by_a_bad_one_beside_it():
    good, bad = Rough(), Rough("start")
    watch = Exporters({"bad": bad, "good": good})
    for exporter in watch.by_name.values():
        exporter.start(Snapshot(Units(()), {}))
    assert (await watch.by_name["good"].page("", "")).body == b"rough 1\n"
    [family] = watch.collect()
    assert {sample.labels["exporter"]: sample.value for sample in family.samples} == {"bad": 0, "good": 1}


class Plain:
    """Does only what it must."""

    path = "/plain"


async def test_it_prepares_each_second_until_it_raises_and_not_at_all_if_it_cannot():
    good, bad, plain = Rough(), Rough("prepare"), cast("Exporter", Plain())
    clock, guarded = SteppedClock(NOW), [Guarded("one", one) for one in (good, bad, plain)]
    loops = [asyncio.ensure_future(one.run(clock)) for one in guarded]
    await clock.run_until(NOW + timedelta(seconds=3))
    assert (good.calls, bad.calls) == (["prepare"] * 3, ["prepare"])
    assert [bool(one.broken) for one in guarded] == [False, True, False]
    assert [loop.done() for loop in loops] == [False, True, True]
    loops[0].cancel()


async def test_what_it_complains_of_is_logged_when_it_begins_and_when_it_is_over(caplog):
    rough = Rough()
    guarded = Guarded("rough", rough)
    for said in ((), ("too many",), ("too many",), ()):
        rough.said = said
        await guarded.page("", "")
    assert [record.getMessage() for record in caplog.records] == ["too many", "over: too many"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("x = 1", "AttributeError: module 'denbao_exporter_own' has no attribute 'create'"),
        ("def create(context): return None", "AttributeError: 'NoneType' object has no attribute 'path'"),
        ("def create(context): raise OSError('no disk')", "OSError: no disk"),
        ("class E: path = 'own'\ndef create(context): return E()", "ValueError: its path is 'own', and would be right"),
        (None, "FileNotFoundError"),
    ],
)
def test_one_that_cannot_be_loaded_is_named_and_the_others_are_loaded(text, why, tmp_path: Path):
    if text is not None:
        (tmp_path / "own.py").write_text(text)
    (tmp_path / "other.py").write_text(
        "class E:\n    path = '/other'\n\n\ndef create(context):\n    return E()\n",
    )
    watch = Exporters(load_exporters(tmp_path, ["own", "other"], ExporterContext("1", nothing)))
    [sentence] = watch.sentences()
    assert sentence.startswith(f"exporters/own.py: unloaded until the next reload: it cannot be loaded ({why}")
    assert sentence.endswith("; it needs a function create(context)")
    assert [one.path for one in watch.by_name.values()] == ["", "/other"]


async def test_the_board_and_the_api_name_it_and_go_on():
    async with running(site()) as world, visiting(world) as client:
        guarded = world.service.export_watch.by_name
        name = next(iter(guarded))
        guarded[name]._exporter = Rough("page")
        answer = await client.get(guarded[name].path)
        assert answer.status == 503
        assert (await answer.json())["detail"] == f"the exporter {name} raised and is unloaded; see the board"
        told = f"exporters/{name}.py: unloaded until the next reload: ValueError: no page today"
        assert (await (await client.get("/api/v1/site")).json())["exporter_problems"] == [told]
        page = await (await client.get("/")).text()
        assert told in page and 'id="exporter-problems"' in page
        assert (await client.get("/healthz")).status == 200


async def test_an_address_that_is_taken_costs_the_one_who_came_later():
    first, second, board = Guarded("first", Rough()), Guarded("second", Rough()), Rough()
    board.path = "/"
    routes = table([first, second, third := Guarded("third", board)])
    assert [route.path for route in routes].count("/rough") == 1
    assert (first.broken, second.broken) == ("", "its path /rough is taken; another one would be right")
    assert third.sentences() == (
        "exporters/third.py: unloaded until the next reload: its path / is taken; another one would be right",
    )
