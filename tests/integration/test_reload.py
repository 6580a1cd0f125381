"""SIGHUP: a changed site is taken over whole or not at all, and nobody hears of it twice."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.posts import http_server
from tests.integration.process import Running, metrics, total, until
from tests.integration.test_service_process import asked_since, outbox_is_empty, sent
from tests.integration.trial import COMMUNES, Trial, make_trial

pytestmark = pytest.mark.integration


async def says(service: Running, words: str) -> bool:
    return words in service.out + service.err


async def is_called(trial: Trial, name: str) -> bool:
    return name in (await trial.board.get("/"))[1]


async def reload_worked(trial: Trial, value: float) -> bool:
    return total(await metrics(trial.board), "denbao_config_last_reload_successful") == value


async def test_a_reload_takes_a_whole_site_or_none_and_sends_nothing_again(tmp_path: Path) -> None:
    trial = await make_trial(tmp_path)
    async with http_server() as hook:
        trial.channel("webhook", "webhook", f"json://127.0.0.1:{hook.port}/", hook.port)
        trial.outage_plan({"after": "0s", "to": ["commune_focal"]}, {"after": "1h", "to": ["commune_chair"]})
        async with trial.outliving_province(), trial.serving() as service:
            for code in COMMUNES:
                await trial.put_centre(code, "down")
            await until("all messages are there", sent, hook, len(COMMUNES))
            await until("all of them are marked", outbox_is_empty, trial)

            good = (trial.folder / "config.yaml").read_text()
            (trial.folder / "config.yaml").write_text(good.replace('"listen"', '"lissten"'))
            os.kill(service.pid, signal.SIGHUP)
            await until("the broken site is refused with its line", says, service, "config.yaml:")
            await until("and it shows", reload_worked, trial, 0.0)

            trial.config["name"] = {"vi": "Tên mới", "en": "New name"}
            trial.write()
            os.kill(service.pid, signal.SIGHUP)
            await until("the new site is served", is_called, trial, "Tên mới")
            await until("and it shows", reload_worked, trial, 1.0)
            await until("all are asked again", asked_since, trial, datetime.now(UTC) + timedelta(seconds=2))
            assert await service.stop() == 0
        assert sorted(body["unit"] for _, _, body in hook.requests) == sorted(COMMUNES)


async def shows(trial: Trial, words: str, there: bool) -> bool:
    return (words in (await trial.board.get("/?lang=en"))[1]) is there


async def test_a_broken_book_stops_neither_a_start_nor_the_board_which_names_it_until_it_is_mended(
    tmp_path: Path,
) -> None:
    trial = await make_trial(tmp_path)
    book = trial.folder / "rules" / "service_health.yaml"
    good = book.read_text("utf-8")
    async with trial.outliving_province():
        async with trial.serving() as service:
            assert await service.stop() == 0
        book.write_text(good.replace("criteria:", "criterai:", 1), "utf-8")
        async with trial.serving() as service:
            await until("the board names the mistake", shows, trial, "rules/service_health.yaml:", True)
            await until("and it shows", reload_worked, trial, 0.0)
            found = await trial.board.json("/api/v1/config")
            assert found["mistakes"] and "rules/service_health.yaml:" in found["mistakes"][0]
            assert "the last good ones judge: rules/service_health.yaml:" in service.err
            book.write_text(good, "utf-8")
            os.kill(service.pid, signal.SIGHUP)
            await until("a good reload takes the banner away", shows, trial, "rules/service_health.yaml:", False)
            await until("and it shows", reload_worked, trial, 1.0)
            assert (await trial.board.json("/api/v1/config"))["mistakes"] == []
            assert await service.stop() == 0
