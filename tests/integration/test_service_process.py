"""The service as users run it: a process of its own on a fresh site, asked over HTTP, stopped by signals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.integration.posts import HttpServer, MailServer, http_server, mail_server
from tests.integration.process import PATIENCE, Said, all_gone, denbao, descendants, metrics, running, total, until
from tests.integration.trial import COMMUNES, Trial, make_trial
from tests.unit.sites import change

pytestmark = pytest.mark.integration

CODE = "02143"  # Xã Văn Lang
FOCAL, HEAD = "commune-focal-19", "commune-centre-head-19"
EXPLAINED = (
    f"{CODE} Xã Văn Lang: ĐỎ",
    f"{CODE} Van Lang commune: RED",
    "giá trị / value: không / no, trọng yếu / critical",
    "ngưỡng / thresholds: green true; red false",
    "số liệu / data: 20",
    "giây / ",
    f"nguồn / source centre-health/{CODE}",
    "quy tắc / rule: rules/service_health.yaml:",
)
FAILURES, REJECTED = "denbao_poll_failures_total", "denbao_feed_rows_rejected_total"
ANSWERED = "denbao_feed_last_success_timestamp_seconds"
SPOILT = (  # what is told to the province, and the series that has to grow
    ("portal", "html", FAILURES, {"feed": "portal"}),
    ("portal", "truncated", FAILURES, {"feed": "portal"}),
    ("portal", "future", REJECTED, {"feed": "portal", "reason": "future"}),
    ("manual", "duplicate-row", REJECTED, {"feed": "manual", "reason": "duplicate"}),
    ("manual", "unknown-code", REJECTED, {"feed": "manual", "reason": "unknown-unit"}),
    ("metrics", "html", FAILURES, {"feed": "lines"}),
)
COMPLAINTS = (
    "feed portal: read: page 1: not JSON: looks like an HTML page",
    "future: dated ",
    "duplicate: unit 01840 stands also in ",
    "unknown-unit: no unit has the code '99999'",
)


@pytest.fixture
async def trial(tmp_path: Path) -> Trial:
    return await make_trial(tmp_path)


async def opened(trial: Trial, code: str) -> Any:
    """The open incident of an unreachable centre."""
    mine = (one for one in await trial.incidents() if (one["unit"], one["cause"]) == (code, "centre_reachable"))
    return next(mine, None)


async def mail_to(mail: MailServer, recipient: str, number: int = 1) -> EmailMessage | None:
    """The first, second ... mail to somebody."""
    came = [one for one, to in zip(mail.mails, mail.recipients, strict=True) if to == [f"{recipient}@tinh.example"]]
    return came[number - 1] if len(came) >= number else None


async def past(instant: datetime) -> bool:
    return datetime.now(UTC) > instant


async def greens(trial: Trial) -> set[str]:
    return {unit["code"] for unit in await trial.units() if unit["colour"] == "green"}


async def settled(trial: Trial) -> bool:
    return {"tthc-19", "dvcqg", "line-19"} <= await greens(trial)


async def more(trial: Trial, than: float, series: str, labels: dict[str, str]) -> bool:
    return total(await metrics(trial.board), series, **labels) > than


async def reads(trial: Trial, indicator: str, value: float) -> bool:
    return value in [one["value"] for one in (await trial.unit(CODE))["readings"] if one["indicator"] == indicator]


async def test_a_fresh_site_is_judged_shown_and_stopped_without_a_trace(tmp_path: Path):
    trial = await make_trial(tmp_path, communes=())
    async with trial.serving() as service:
        assert await trial.board.get("/healthz") == (200, '{"status": "alive"}')
        assert await trial.board.get("/readyz") == (200, '{"status": "ready"}')
        status, page = await trial.board.get("/")
        assert status == 200 and "Thái Nguyên" in page
        units = await trial.units()
        colours = [unit["colour"] for unit in units if unit["level"] == "commune"]
        assert (len(units), len(colours)) == (97, 92)
        assert colours.count("green") + colours.count("yellow") > 80
        assert total(await metrics(trial.board), "denbao_units") == 97
        children = descendants(service.pid)
        assert any("simulate" in command for command in children.values())
        assert await service.stop() == 0
        await until("no process is left behind", all_gone, children)
        assert "stopped" in service.out and "Traceback" not in service.err
    assert await trial.board.get("/healthz") == await trial.province.get("/") == (0, "")


async def test_a_broken_commune_reaches_the_mailbox_and_an_answer_stops_the_calls(trial: Trial):
    async with mail_server() as mail:
        trial.channel("email", "email", mail.url, mail.port)
        trial.addresses("email")
        roles = {"0s": "commune_focal", "3s": "commune_centre_head", "20s": "commune_chair"}
        trial.outage_plan(*({"after": after, "to": [role]} for after, role in roles.items()))
        trial.write()
        async with trial.serving() as service:
            await trial.put_centre(CODE, "down")
            ref = (await until("an incident is open", opened, trial, CODE))["ref"]
            assert (await trial.unit(CODE))["colour"] == "red"
            first = await until("the first mail", mail_to, mail, FOCAL)
            assert first["Subject"].startswith("[ĐỎ] ") and f"({CODE})" in first["Subject"]
            body = first.get_body(("plain",))
            assert body is not None
            text = " ".join(str(body.get_content()).split())
            assert f"Mã sự cố: {ref}" in text and f"{trial.board.base}/a/" in text
            await until("the second step", mail_to, mail, HEAD)

            said = await trial.cli("ack", ref, "--note", "đang xử lý")
            assert said == Said(0, f"{ref}: acknowledged by local\n", "")
            acked = await trial.board.json(f"/api/v1/incidents/{ref}")
            assert (acked["phase"], acked["note"], acked["acknowledged_by"]) == ("acknowledged", "đang xử lý", "local")
            said = await trial.cli("incidents")
            assert said.code == 0 and f"{ref}  red      acknowledged, local" in said.out
            said = await trial.cli("explain", CODE, "--criterion", "centre_reachable")
            assert said.code == 1
            assert [part for part in EXPLAINED if part not in said.out] == []

            third = datetime.fromisoformat(acked["steps"][2]["due_at"])
            await until("the third step's time is over", past, third + timedelta(seconds=1))
            await trial.put_centre(CODE, "up")
            for person in (FOCAL, HEAD):
                last = await until(f"the recovery for {person}", mail_to, mail, person, 2)
                assert last["Subject"].startswith(("[XANH] ", "[VẪN ĐỎ] "))  # its line may be measured a little later
            told = sorted(address for to in mail.recipients for address in to)
            assert told == [f"{HEAD}@tinh.example"] * 2 + [f"{FOCAL}@tinh.example"] * 2
            assert await opened(trial, CODE) is None
            assert await service.stop() == 0 and "Traceback" not in service.err


async def test_bad_feeds_are_counted_turn_nothing_green_and_stop_no_other_row(tmp_path: Path):
    trial = await make_trial(tmp_path, communes=())
    trial.ask_every("10s", "2s")
    trial.write()
    async with trial.serving() as service:
        await until("all systems are green, for their availability is told at the second answer", settled, trial)
        green = await greens(trial)
        for number, (told, mode, series, labels) in enumerate(SPOILT):
            before = total(await metrics(trial.board), series, **labels)
            await trial.put_feed(told, mode)
            await until(f"{told} {mode} is counted", more, trial, before, series, labels)
            await trial.put_value(CODE, "digital_signature_rate", 91.0 + number)
            await until(f"a good row beside {mode}", reads, trial, "digital_signature_rate", 91.0 + number)
            assert await greens(trial) <= green
            await trial.put_feed(told, "ok")
        since = datetime.now(UTC).timestamp()
        for feed in ("portal", "manual", "lines", "systems"):
            await until(f"{feed} answers well again", more, trial, since, ANSWERED, {"feed": feed})
        assert [words for words in COMPLAINTS if words not in service.err] == []
        assert await service.stop() == 0 and "Traceback" not in service.err


async def asked_since(trial: Trial, instant: datetime) -> bool:
    units = [await trial.unit(code) for code in COMMUNES]
    held = [one for unit in units for one in unit["criteria"] if one["id"] == "centre_reachable"]
    return all(one["colour"] == "red" and datetime.fromisoformat(one["received_at"]) > instant for one in held)


async def sent(hook: HttpServer, number: int) -> bool:
    return len(hook.requests) >= number


async def outbox_is_empty(trial: Trial) -> bool:
    return total(await metrics(trial.board), "denbao_outbox_pending") == 0


async def test_a_restart_with_open_incidents_sends_nothing_again(trial: Trial):
    async with http_server() as hook:
        trial.channel("webhook", "webhook", f"json://127.0.0.1:{hook.port}/", hook.port)
        first = {"after": "0s", "to": ["commune_focal", "isp_duty"]}
        trial.outage_plan(first, {"after": "1h", "to": ["commune_chair"]})
        async with trial.outliving_province():
            for code in COMMUNES:
                await trial.put_centre(code, "down")
            async with trial.serving() as service:
                await until("all first messages are there", sent, hook, 2 * len(COMMUNES))
                await until("all of them are marked", outbox_is_empty, trial)
                await service.stop()
            for end in ("kill", "stop", "kill"):
                async with trial.serving() as service:
                    soon = datetime.now(UTC) + timedelta(seconds=2)
                    await until("all are asked again, and still broken", asked_since, trial, soon)
                    await (service.kill() if end == "kill" else service.stop())
            said = await trial.cli("incidents")
            assert said.code == 1 and said.out.count("centre_reachable") == len(COMMUNES)
        assert sorted(unit for _, _, body in hook.requests for unit in [body["unit"]]) == sorted(2 * COMMUNES)


async def test_a_second_service_on_the_same_site_is_refused_and_a_killed_one_leaves_no_child(trial: Trial):
    async with trial.serving() as first:
        second = await denbao("run", trial.folder, environ=trial.environ)
        assert second.code == 1 and "Traceback" not in second.err
        assert second.err.endswith(f"is in use by another process ({first.pid}); stop that one first\n")
        assert (await trial.board.get("/readyz"))[0] == (await trial.province.get("/"))[0] == 200
        children = descendants(first.pid)
        await first.kill()
        await until("its province ends with it", all_gone, children)


async def test_a_broken_config_is_refused_with_its_lines(tmp_path: Path):
    assert (await denbao("init", tmp_path)).code == 0
    change(tmp_path / "config.yaml", "owner: tthc-19\n", "owner: tthc-91\n")
    change(tmp_path / "rules" / "service_health.yaml", "min_coverage: 70 ", "min_coverage: 170 ")
    said = await denbao("run", tmp_path)
    assert (said.code, said.out) == (2, "")
    places = [line.partition(": ")[0].partition(":") for line in said.err.splitlines()]
    assert [(file, line.isdigit()) for file, _, line in places] == [
        ("config.yaml", True),
        ("rules/service_health.yaml", True),
    ]
    assert not (tmp_path / "var").exists()


async def test_a_taken_port_is_named_and_nothing_is_left_running(trial: Trial, tmp_path: Path):
    async with http_server() as other:
        trial.config["listen"] = f"127.0.0.1:{other.port}"
        trial.write()
        async with running("run", trial.folder, log=tmp_path / "service", environ=trial.environ) as service:
            assert await service.ended(PATIENCE) == 1
        assert str(other.port) in service.err and "Traceback" not in service.err
        assert await trial.province.get("/") == (0, "")
