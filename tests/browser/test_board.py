"""The board in Chromium: what people see, with and without scripts, on a phone, and while it changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from monitor.alerting.links import Grant, Purpose, sign
from tests.browser.visiting import Visit, visiting
from tests.unit.web_site import HOSTILE, NOW, TOKENS, site

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="module")]

COMMUNES = 92


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    """A running board of 92 communes and a browser in front of it."""
    async with visiting(site(communes=COMMUNES), browser) as made:
        yield made


async def test_every_commune_is_a_tile_with_a_letter_and_a_shape(visit):
    async with visit.page() as page:
        assert await page.locator("#tiles .tile").count() == COMMUNES
        letters = await page.locator("#tiles .tile .letter").all_inner_texts()
        assert sorted(set(letters)) == ["?", "X"]
        sizes = await page.locator("#tiles .tile svg").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().width)"
        )
        assert min(sizes) > 15
    assert visit.errors == []


async def test_a_commune_that_breaks_turns_red_on_the_open_page_and_nothing_moves(visit):
    async with visit.page() as page:
        await expect(page.locator("#live")).to_have_attribute("data-state", "live")
        await page.evaluate("window.unchanged = true")
        before = await page.locator("#tiles .tile").evaluate_all("all => all.map(one => one.dataset.unit)")
        await visit.world.break_centre("02150")
        tile = page.locator('#tiles [data-unit="02150"]')
        await expect(tile).to_have_attribute("data-colour", "red")
        await expect(tile.locator(".letter")).to_have_text("Đ")
        await expect(tile.locator(".word")).to_have_text("Đỏ")
        await expect(tile.locator("use")).to_have_attribute("href", "#lamp-red")
        await expect(page.locator('[data-count="red"]')).to_have_text("1")
        await expect(page.locator('[data-count="green"]')).to_have_text(str(COMMUNES - 2))
        await expect(page.locator("#incident-count")).to_have_text("1")
        await expect(page.locator("#changed")).to_be_visible()  # the list itself is not moved: it offers to reload
        assert await page.evaluate("window.unchanged") is True
        after = await page.locator("#tiles .tile").evaluate_all("all => all.map(one => one.dataset.unit)")
        assert after == before
    assert visit.errors == []


async def test_without_scripts_the_page_has_everything(visit):
    await visit.world.break_centre("02150")
    async with visit.page(java_script_enabled=False) as page:
        text = await page.content()
        assert text.count('class="tile"') == COMMUNES + 1  # and the system
        assert visit.world.ref in text
        assert "trước 01/12/2026" in text
        assert 'http-equiv="refresh"' in text
    async with visit.page(f"/incidents/{visit.world.ref}", java_script_enabled=False) as page:
        assert not await page.locator("form").is_visible()
        assert f"denbao ack {visit.world.ref}" in await page.inner_text("main")


@pytest.mark.parametrize("path", ["/", "/units/02100", "/units/19", "/incidents", "/?lang=en"])
async def test_a_phone_never_scrolls_sideways(visit, path):
    await visit.world.break_centre("02100")
    async with visit.page(path, viewport={"width": 360, "height": 740}) as page:
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360
        clipped = await page.evaluate(
            "[...document.querySelectorAll('main *')].filter(one => !one.closest('svg, .scroll, .hidden')"
            " && one.getBoundingClientRect().right > 361).map(one => one.outerHTML.slice(0, 80))"
        )
        assert clipped == []


async def test_one_click_shows_the_board_in_english(visit):
    async with visit.page() as page:
        await page.get_by_role("link", name="English").click()
        await expect(page.locator("html")).to_have_attribute("lang", "en")
        await expect(page.locator("h1")).to_have_text("Province 19")
        assert "Open incidents" in await page.inner_text("main")
        await page.get_by_role("link", name="Incidents", exact=True).click()
        await expect(page.locator("h1")).to_contain_text("Open incidents")


async def test_a_page_that_loses_its_line_says_so_and_recovers_by_itself(visit):
    async with visit.page() as page:
        await expect(page.locator("#live")).to_have_attribute("data-state", "live")
        await expect(page.locator("#lost")).to_be_hidden()
        visit.streams.close()
        await expect(page.locator("#lost")).to_be_visible()
        await expect(page.locator("#lost")).to_contain_text("Mất kết nối từ 10:00:00 18/11/2026")
        await expect(page.locator("#lost")).to_be_hidden(timeout=15_000)  # the browser opens the stream again
        await expect(page.locator("#live")).to_have_attribute("data-state", "live")


async def test_a_line_that_is_only_silent_is_called_lost_within_15_seconds(visit):
    context = await visit.browser.new_context()
    page = await context.new_page()
    await page.clock.install()
    await page.goto(visit.url)
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    await page.clock.run_for(14_000)
    await expect(page.locator("#lost")).to_be_hidden()
    await page.clock.run_for(2_500)
    await expect(page.locator("#lost")).to_be_visible()
    visit.world.clock.move(5)  # a heartbeat
    await expect(page.locator("#lost")).to_be_hidden()
    await context.close()


async def test_a_hostile_name_is_text_and_runs_nothing(visit):
    await visit.world.break_centre("02100")
    for path in ("/", "/units/02100", "/units/19", "/incidents", f"/incidents/{visit.world.ref}"):
        async with visit.page(path) as page:
            inline = await page.evaluate("[...document.scripts].filter(one => !one.src).length")
            assert inline == 0, path
            assert HOSTILE in await page.inner_text("main"), path
    assert visit.errors == []


async def test_an_operator_answers_on_the_page_and_the_token_is_forgotten(visit):
    await visit.world.break_centre("02150")
    async with visit.page(f"/incidents/{visit.world.ref}") as page:
        await page.fill("#ack-token", "operator-1.wrong")
        await page.get_by_role("button", name="Xác nhận").click()
        await expect(page.locator("#ack-result")).to_contain_text("Không xác nhận được")
        await expect(page.locator("#ack-token")).to_have_value("")
        await page.fill("#ack-token", TOKENS["operator"])
        await page.fill("#ack-note", "đang đến nơi")
        await page.get_by_role("button", name="Xác nhận").click()
        await expect(page.locator("main")).to_contain_text("operator-1 nhận lúc 10:00 18/11/2026: đang đến nơi")
        stored = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
        assert stored == '[{},{},""]'
        assert TOKENS["operator"] not in page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_letters_can_be_read_on_their_shapes(visit, scheme):
    await visit.world.break_centre("02150")
    await visit.world.learn("02151", "online_rate", 70.0)
    async with visit.page(color_scheme=scheme) as page:
        pairs = await page.locator("#tiles .tile .lamp").evaluate_all(
            """all => all.map(lamp => {
                const ring = ["unknown", "excluded"].includes(lamp.dataset.lamp);
                const rgb = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
                const behind = ring ? getComputedStyle(lamp.closest(".tile")).backgroundColor
                                    : getComputedStyle(lamp.querySelector("svg")).color;
                return [lamp.dataset.lamp, rgb(getComputedStyle(lamp.querySelector(".letter")).color), rgb(behind)];
            })"""
        )
    assert {name for name, _, _ in pairs} == {"red", "yellow", "green", "unknown"}
    for name, letter, behind in pairs:
        assert contrast(letter, behind) >= 4.5, (scheme, name, letter, behind)


def contrast(one: list[float], other: list[float]) -> float:
    """Contrast ratio of two sRGB colours as WCAG 2 defines it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: list[float]) -> float:
    """Relative luminance of an sRGB colour (components 0 to 255)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def link_to(visit: Visit, purpose: Purpose) -> str:
    [incident] = [i for state in visit.world.service.evaluator.states.values() for i in state.incidents.values()]
    grant = Grant(purpose, incident.key, incident.generation, "focal-vn", NOW + timedelta(days=7))
    return f"/{purpose.value}/{sign(grant, visit.world.service.link_keys)}"


@pytest.mark.parametrize("width", [390, 1280])
async def test_the_link_of_a_mail_is_answered_by_its_button_on_a_phone_and_on_a_desk(visit, width):
    await visit.world.break_centre("02150")
    size = {"viewport": {"width": width, "height": 844}, "java_script_enabled": False}
    async with visit.page(link_to(visit, Purpose.ACKNOWLEDGE), **size) as page:
        await expect(page.locator("[data-say=link_open]")).to_be_visible()
        assert visit.world.service.evaluator.states["02150"].incidents["centre_reachable"].answers == ()
        await page.locator("input[name=note]").fill("đang xử lý")
        await page.locator("button").click()
        await expect(page.locator("[data-say=link_done]")).to_be_visible()
    answers = visit.world.service.evaluator.states["02150"].incidents["centre_reachable"].answers
    assert [(one.by, one.note) for one in answers] == [("focal-vn", "đang xử lý")]
    async with visit.page(link_to(visit, Purpose.WHY), viewport=size["viewport"]) as page:
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert await page.locator("a, form, script").count() == 0
    assert visit.errors == []
