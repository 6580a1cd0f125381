"""The pages of feeds: what is not believed, where it stands, why, in both languages, and nothing of it is executed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.model.reading import Collected, Rejected, Shape
from monitor.reporting.refusals import SENTENCES, refusal
from tests.unit.web_site import HOSTILE, NOW, World, running, site, visiting

BAD = (
    Rejected("portal", "line 17", "duplicate", "unit 02101 stands also in line 4", "02101", "online_rate", "68,91"),
    Rejected("portal", "line 20", "unknown-unit", f"no unit has the code '{HOSTILE}'", HOSTILE),
)


def hear(world: World, collected: Collected) -> None:
    """An answer of the feed arrives as the poller delivers it."""
    world.service._collected(replace(collected, at=world.clock.now()))


ANSWER = Collected("portal", NOW, (), BAD, refused={"duplicate": 1, "unknown-unit": 1}, shape=Shape(92, ("a", "b")))


@pytest.mark.parametrize(
    ("lang", "said"),
    [("vi", "không biết dòng nào đúng"), ("en", "nobody knows which is right")],
)
async def test_the_page_of_a_feed_names_row_unit_cell_and_reason_in_the_reader_s_language(lang, said):
    async with running(site()) as world, visiting(world) as client:
        hear(world, ANSWER)
        page = await (await client.get(f"/feeds/portal?lang={lang}")).text()
        for text in (
            "dòng 17" if lang == "vi" else "line 17",
            "Làng 1" if lang == "vi" else "Làng 1 commune",
            "68,91",
            said,
            "stands also in line 4",
        ):
            assert text in page
        assert HOSTILE not in page and "&lt;script&gt;" in page
        board = await (await client.get(f"/?lang={lang}")).text()
        assert ("dòng 17" if lang == "vi" else "line 17") in board and "/feeds/portal" in board


async def test_a_failing_feed_says_at_which_stage_and_keeps_its_quarantine():
    async with running(site()) as world, visiting(world) as client:
        hear(world, ANSWER)
        hear(world, Collected("portal", NOW, failure="feed portal: timeout: no answer within 20 s", stage="fetch"))
        page = await (await client.get("/feeds/portal?lang=en")).text()
        assert "nothing came" in page and "timeout: no answer within 20 s" in page and "line 17" in page
        found = await (await client.get("/api/v1/feeds/portal")).json()
        assert found["failure"] == {"stage": "fetch", "detail": "feed portal: timeout: no answer within 20 s"}


async def test_the_api_gives_the_rows_with_reasons_in_both_languages():
    async with running(site()) as world, visiting(world) as client:
        hear(world, ANSWER)
        found = await (await client.get("/api/v1/feeds/portal")).json()
        vi, en = refusal("duplicate")
        assert found["refused"] == {"duplicate": 1, "unknown-unit": 1}
        assert found["rejected"][0] == {
            "row": "line 17", "reason": "duplicate", "text": {"vi": vi, "en": en}, "unit": "02101",
            "detail": "unit 02101 stands also in line 4", "indicator": "online_rate", "value": "68,91",
            "first_seen": "2026-11-18T03:00:00Z",
        }  # fmt: skip
        listed = await (await client.get("/api/v1/feeds")).json()
        assert [feed["id"] for feed in listed["items"]] == ["portal"]
        assert listed["items"][0]["rows"] == 92


async def test_an_answer_that_is_held_back_and_headers_that_are_gone_are_shown():
    async with running(site()) as world, visiting(world) as client:
        hear(world, replace(ANSWER, rejected=(), refused={}))
        hear(world, replace(ANSWER, rejected=(), refused={}, shape=Shape(40, ("a", "c"))))
        page = await (await client.get("/feeds/portal?lang=en")).text()
        assert "Units in the last answer: 40; in the good one before it: 92" in page
        assert 'data-kind="drift"' in page and "<code>b</code>" in page and "<code>c</code>" in page
        assert (await (await client.get("/api/v1/feeds/portal")).json())["held_back"] == 40


async def test_a_feed_that_was_never_asked_and_one_that_does_not_exist():
    async with running(site()) as world, visiting(world) as client:
        world.service.evaluator.health.clear()
        assert "never answered" in await (await client.get("/feeds/portal?lang=en")).text()
        assert (await client.get("/feeds?lang=en")).status == 200
        assert (await (await client.get("/api/v1/feeds/portal")).json())["last_success"] is None
        assert (await client.get("/feeds/nobody")).status == 404
        assert (await client.get("/api/v1/feeds/nobody")).status == 404


def test_every_reason_of_the_feeds_has_a_sentence_in_both_languages():
    code = "\n".join(path.read_text() for path in Path("monitor/adapters/feeds").glob("*.py"))
    code += Path("monitor/engine/hygiene.py").read_text()
    used = set(re.findall(r'refuse\([^"\n]*"[^"]*", "([a-z-]+)"', code))
    used |= set(re.findall(r'(?:refuse\([a-z_.]+, |Unfit\()"([a-z-]+)"', code))
    used |= set(re.findall(r'Rejected\([a-z_.]+, [^,]*, "([a-z-]+)"', code))
    assert len(used) > 12
    assert used <= set(SENTENCES)
    assert all(vi and en for vi, en in SENTENCES.values())
