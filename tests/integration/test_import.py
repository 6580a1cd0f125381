"""`denbao import` while the service runs, and after it has stopped: one way in, one fact."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monitor.adapters.store import open_store
from monitor.adapters.store.sql import SqlStore
from tests.integration.process import denbao
from tests.integration.trial import make_trial

pytestmark = pytest.mark.integration


async def test_a_table_goes_through_the_running_service_and_else_into_the_store(tmp_path: Path) -> None:
    trial = await make_trial(tmp_path)
    file = tmp_path / "kpi.csv"
    file.write_text("unit,reported_colour,staff_trained\n02143,green,90\n", "utf-8")
    command = ("import", file, "--site", trial.folder, "--json")
    async with trial.outliving_province(), trial.serving() as service:
        said = [await denbao(*command) for _ in range(2)]
        unit = await trial.board.json("/api/v1/units/02143")
        assert await service.stop() == 0
    said.append(await denbao(*command))
    assert [(one.code, one.err) for one in said] == [(0, "")] * 3
    assert [json.loads(one.out)["way"] for one in said] == ["service", "service", "store"]
    assert unit["reported_colour"] == "green"
    store = open_store("sqlite:var/denbao.db", trial.folder, read_only=True)
    assert isinstance(store, SqlStore)
    await store.open()
    [reading] = await store.readings("02143", "reported_colour")
    acts = [(entry.actor, entry.detail) for entry, _ in await store.audit_trail() if entry.action == "push"]
    await store.close()
    assert (reading.value, reading.source, reading.note) == ("green", "push:local", "import kpi.csv")
    assert acts == [("local", "1 readings; import kpi.csv")] * 3
