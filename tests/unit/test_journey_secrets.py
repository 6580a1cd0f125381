"""Secrets of a journey are in nothing that it says, in whatever spelling they were sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal, cast
from urllib.parse import quote, quote_plus

import pytest

from monitor.adapters.fetch import Failure, Fetcher, Request
from monitor.adapters.guard import AddressGuard
from monitor.adapters.probes.journey import JourneyAsk
from monitor.adapters.probes.tools import Tools
from monitor.config.probespec import JourneyCheck, Step
from monitor.config.template import parse_template
from monitor.testing import HandClock, run
from tests.unit.web_site import NOW

SECRET = 'mật khẩu/7"+'


class Echoing:
    """Fails, and repeats what was asked."""

    async def fetch(self, request: Request) -> Failure:
        return Failure("redirect", f"{request.url} was asked with {(request.body or b'').decode()}", 0.1, {})


def told(url: str, body: str, body_is: Literal["text", "json", "form"]) -> str:
    address, text = (parse_template(one, Path(), {"PW": SECRET}) for one in (url, body))
    step = Step(
        id="login", url=address, timeout=5.0, method="POST", headers=(), body=text, body_is=body_is, form=(),
        redirects=1, expect_status=(200,), expect_text="", expect_json="", min_bytes=0, max_bytes=1000, capture=(),
    )  # fmt: skip
    tools = Tools(cast("Fetcher", Echoing()), AddressGuard(), HandClock(NOW))
    outcome = run(JourneyAsk(JourneyCheck((step,), "02143"), 5.0, tools)(NOW))
    return "\n".join((outcome.problem, *outcome.transcript))


@pytest.mark.parametrize(
    ("url", "body", "body_is"),
    [("https://a.example/p/${PW}/login", "x", "text"), *((
        "https://a.example/", "x=${PW}", kind) for kind in ("text", "form", "json"))],
)  # fmt: skip
def test_a_secret_is_masked_in_each_spelling_in_which_it_may_have_been_sent(url, body, body_is):
    said = told(url, body, body_is)
    assert "***" in said
    for spelling in (SECRET, quote(SECRET, safe=""), quote_plus(SECRET), json.dumps(SECRET)[1:-1]):
        assert spelling not in said
