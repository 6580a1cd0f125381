"""SIGHUP: a changed site is taken over whole or not at all, and nobody hears of it twice."""

from __future__ import annotations

import json
import os
import signal
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.posts import http_server
from tests.integration.process import Running, denbao, metrics, total, until
from tests.integration.test_service_process import asked_since, outbox_is_empty, sent
from tests.integration.trial import COMMUNES, Trial, make_trial

pytestmark = pytest.mark.integration


async def says(service: Running, words: str) -> bool:
    return words in service.out + service.err


async def is_called(trial: Trial, name: str) -> bool:
    return name in (await trial.board.get("/"))[1]


async def says_nothing_of(trial: Trial, word: str) -> bool:
    status, page = await trial.board.get("/")
    return status == 200 and word not in page


async def is_named_as_problem(trial: Trial, word: str) -> bool:
    status, text = await trial.board.get("/api/v1/site")
    return status == 200 and any(word in problem for problem in json.loads(text)["problems"])


async def reload_worked(trial: Trial, value: float) -> bool:
    status, _ = await trial.board.get("/readyz")
    return status == 200 and total(await metrics(trial.board), "denbao_config_last_reload_successful") == value


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


async def test_a_site_that_is_sound_and_cannot_be_started_leaves_the_old_one_going(tmp_path: Path) -> None:
    """`check` cannot know that a port is taken, nor what else this machine refuses: the old one goes on."""
    trial = await make_trial(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with trial.outliving_province(), trial.serving() as service:
            key, put_aside = trial.folder / "var" / "links.key", trial.folder / "var" / "links.key.old"
            key.rename(put_aside)
            key.mkdir()  # the new site cannot even be built
            os.kill(service.pid, signal.SIGHUP)
            await until("it is refused", is_named_as_problem, trial, "links.key")
            key.rmdir()
            put_aside.rename(key)

            good, port = trial.config["listen"], taken.getsockname()[1]
            trial.config["listen"] = f"127.0.0.1:{port}"
            trial.write()
            os.kill(service.pid, signal.SIGHUP)
            await until("the old one goes on and says so", is_named_as_problem, trial, f"{port}")
            await until("and as a metric", reload_worked, trial, 0.0)
            for code in COMMUNES:
                await trial.put_centre(code, "down")
            await until("it asks as before", asked_since, trial, datetime.now(UTC))

            trial.config["listen"] = good
            trial.write()
            os.kill(service.pid, signal.SIGHUP)
            await until("a good site is taken over", reload_worked, trial, 1.0)
            assert await service.stop() == 0


async def test_a_service_started_on_broken_rules_judges_by_the_last_good_ones_until_they_are_mended(
    tmp_path: Path,
) -> None:
    trial = await make_trial(tmp_path)
    book = trial.folder / "rules" / "service_health.yaml"
    good = book.read_text("utf-8")
    async with trial.outliving_province():
        async with trial.serving() as service:
            version = (await trial.board.json("/api/v1/site"))["version"]
            assert await service.stop() == 0

        book.write_text(good.replace("critical: true", "critikal: true", 1), "utf-8")
        assert (await denbao("check", trial.folder, environ=trial.environ)).code == 2
        async with trial.serving() as service:
            assert "rules/service_health.yaml:" in service.err and "the last good ones judge" in service.err
            told = await trial.board.json("/api/v1/site")
            assert told["version"] == version and "critikal" in told["problems"][0]
            assert "critikal" in (await trial.board.get("/"))[1]
            assert total(await metrics(trial.board), "denbao_config_last_reload_successful") == 0
            assert {unit["colour"] for unit in await trial.units()} & {"green", "yellow"}

            book.write_text(good, "utf-8")
            os.kill(service.pid, signal.SIGHUP)
            await until("the mended rules judge", says_nothing_of, trial, "critikal")
            await until("and it shows", reload_worked, trial, 1.0)
            assert await service.stop() == 0 and "Traceback" not in service.err


async def test_a_service_started_on_a_broken_config_is_refused_with_every_mistake(tmp_path: Path) -> None:
    trial = await make_trial(tmp_path)
    config = trial.folder / "config.yaml"
    config.write_text(config.read_text("utf-8").replace('"listen"', '"lissten"'), "utf-8")
    said = await denbao("run", trial.folder, environ=trial.environ)
    assert said.code == 2 and "config.yaml:" in said.err and "lissten" in said.err
