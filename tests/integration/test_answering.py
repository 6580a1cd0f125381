"""The whole way of an answer in a real process: a mail with a link, a scanner that follows it, a person who presses."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from tests.integration.posts import HttpServer, http_server, mail_server
from tests.integration.process import until
from tests.integration.test_service_process import CODE, FOCAL, mail_to, opened
from tests.integration.trial import Trial, make_trial

pytestmark = pytest.mark.integration


@pytest.fixture
async def trial(tmp_path: Path) -> Trial:
    return await make_trial(tmp_path)


async def test_a_link_in_a_mail_answers_when_its_button_is_pressed_and_not_before(trial: Trial):
    async with mail_server() as mail:
        trial.channel("email", "email", mail.url, mail.port)
        trial.addresses("email")
        trial.outage_plan({"after": "0s", "to": ["commune_focal"]}, {"after": "1h", "to": ["commune_chair"]})
        trial.write()
        async with trial.serving() as service:
            await trial.put_centre(CODE, "down")
            ref = (await until("an incident is open", opened, trial, CODE))["ref"]
            body = (await until("the first mail", mail_to, mail, FOCAL)).get_body(("plain",))
            assert body is not None
            text = re.sub(r"\s+", " ", body.get_content())
            ack, why = (re.search(rf"{trial.board.base}(/{word}/[\w-]+)", text) for word in "aw")
            assert ack is not None and why is not None

            status, page = await trial.board.get(ack[1])
            assert status == 200 and 'data-say="link_open"' in page
            assert (await trial.board.json(f"/api/v1/incidents/{ref}"))["phase"] == "open"
            status, page = await trial.board.get(why[1])
            assert status == 200 and CODE in page and "<a " not in page
            assert (await trial.board.form(why[1].replace("/w/", "/a/")))[0] == 404

            status, page = await trial.board.form(ack[1], note="đang xử lý")
            assert status == 200 and 'data-say="link_done"' in page
            found = await trial.board.json(f"/api/v1/incidents/{ref}")
            assert (found["phase"], found["note"]) == ("acknowledged", "đang xử lý")
            assert found["acknowledged_by"] == FOCAL

            stored = b"".join(path.read_bytes() for path in (trial.folder / "var").glob("denbao.db*"))
            for value in (ack[1][3:], why[1][3:]):
                assert value.encode() not in stored
                assert value not in service.out + service.err
            assert await service.stop() == 0 and "Traceback" not in service.err


async def answered(gateway: HttpServer) -> Any:
    """What the gateway was given to answer somebody, if anything."""
    return next((body for _, _, body in gateway.requests if "DA NHAN" in str(body)), None)


async def test_a_reply_that_is_handed_over_again_and_again_answers_once_and_is_confirmed_once(trial: Trial):
    async with http_server() as gateway:
        replies = {"secret": "${REPLY_SECRET}"}
        trial.channel("sms", "webhook", f"json://127.0.0.1:{gateway.port}/{{address}}", gateway.port, replies=replies)
        trial.environ["REPLY_SECRET"] = "r-e-p-l-y"
        trial.addresses("sms")
        trial.outage_plan({"after": "0s", "to": ["commune_focal"]}, {"after": "1h", "to": ["commune_chair"]})
        trial.write()
        async with trial.serving() as service:
            await trial.put_centre(CODE, "down")
            ref = (await until("an incident is open", opened, trial, CODE))["ref"]
            body = {"id": "m-1", "from": f"{FOCAL}@tinh.example", "text": f"ok {ref}, đang xử lý"}
            path = "/api/v1/replies/sms"
            assert (await trial.board.hand_over(path, "wrong", **body))[0] == 404
            assert (await trial.board.json(f"/api/v1/incidents/{ref}"))["phase"] == "open"
            given = await asyncio.gather(*(trial.board.hand_over(path, "r-e-p-l-y", **body) for _ in range(5)))
            assert sorted(text for _, text in given) == ['{"heard": "acked"}'] + ['{"heard": "repeated"}'] * 4
            found = await trial.board.json(f"/api/v1/incidents/{ref}")
            assert (found["phase"], found["acknowledged_by"], found["note"]) == ("acknowledged", FOCAL, "đang xử lý")
            await until("the answer is sent", answered, gateway)
            assert await service.stop() == 0 and "Traceback" not in service.err
            assert "r-e-p-l-y" not in service.out + service.err
        assert sum("DA NHAN" in str(body) for _, _, body in gateway.requests) == 1
        async with trial.serving():  # the message is known over a restart
            assert await trial.board.hand_over(path, "r-e-p-l-y", **body) == (200, '{"heard": "repeated"}')
