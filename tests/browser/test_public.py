"""The public page and the badges in Chromium: it fits a phone, and other sites may show a badge and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from monitor.config.spec import Public
from tests.browser.visiting import Visit, visiting
from tests.unit.web_site import HOSTILE, site

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="module")]
PHONE = {"viewport": {"width": 360, "height": 740}}
FROM_ELSEWHERE = """<img id="badge" src="{0}/badge/19.svg"><img id="look" src="{0}/static/favicon.svg">"""
SEEN = "Promise.all([...document.images].map(i => i.decode().then(() => i.id, () => null)))"


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    """A site whose province everybody may see."""
    made = replace(site(communes=92), public=Public(frozenset({"19"})))
    async with visiting(made, browser) as found:
        yield found


async def test_the_public_page_fits_a_phone_and_links_to_nothing_but_itself(visit: Visit):
    await visit.world.break_centre("02150")
    async with visit.page("/public/19", **PHONE) as page:
        assert await page.locator(".tile").count() == 92
        assert await page.locator('.tile[data-colour="red"] .letter').all_inner_texts() == ["Đ"]
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"]
        assert await page.locator(".tile", has_text=HOSTILE).count() == 1
        addresses = await page.locator("a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
        assert addresses == ["?lang=en"]
        await page.locator("a").click()
        assert await page.locator("h1").inner_text() == "Province 19"
    assert visit.errors == []


async def test_another_site_may_show_a_badge_and_nothing_else_of_ours(visit: Visit, tmp_path: Path):
    elsewhere = tmp_path / "page.html"
    elsewhere.write_text(FROM_ELSEWHERE.format(visit.url), "utf-8")
    async with visit.page("/public/19") as page:
        await page.goto(elsewhere.as_uri())
        assert await page.evaluate(SEEN) == ["badge", None]
