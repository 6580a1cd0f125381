"""The whole way of an answer in a real process: a mail with a link, a scanner that follows it, a person who presses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.posts import mail_server
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
