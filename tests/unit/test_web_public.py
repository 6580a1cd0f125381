"""The public page and the badges: off unless a site says so, without anything internal, kept, escaped."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from monitor.config.spec import Public, Site
from monitor.model.colour import Colour
from monitor.web.public import _FILLS, _INK
from monitor.web.static import files
from tests.unit.web_site import HOSTILE, running, site, visiting

PAGE, BADGE = "/public/19", "/badge/19.svg"
SVG = "{http://www.w3.org/2000/svg}"


def public(**options: object) -> Site:
    """A site that listens on every address, with province 19 made public and province 20 not."""
    made = site(listen="0.0.0.0", provinces=("19", "20"))
    return replace(made, public=Public(frozenset({"19"}), **options))  # type: ignore[arg-type]


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2 counts it."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("path", [PAGE, BADGE, "/badge/02100.svg"])
async def test_nothing_is_public_unless_the_site_says_so(path):
    async with running(site(listen="0.0.0.0")) as world, visiting(world) as client:
        assert (await client.get(path)).status == 404


@pytest.mark.parametrize("path", [PAGE, BADGE, "/badge/02100.svg"])
async def test_what_is_public_needs_no_token_and_everything_else_still_does(path):
    async with running(public()) as world, visiting(world) as client:
        answer = await client.get(path)
        assert answer.status == 200
        assert "Set-Cookie" not in answer.headers
        assert (await client.get("/")).status == 401
        assert (await client.get("/units/19")).status == 401
        assert (await client.post(path, json={})).status == 405


@pytest.mark.parametrize(
    "path",
    ["/public/20", "/badge/20.svg", "/badge/02106.svg", "/badge/VN.svg", "/badge/tthc.svg", "/public/02100",
     "/public/VN", "/public/nowhere", "/badge/%3Cscript%3E.svg"],
)  # fmt: skip
async def test_other_provinces_systems_and_what_does_not_exist_look_the_same(path):
    async with running(public()) as world, visiting(world) as client:
        answer = await client.get(path)
        text = await answer.text()
        assert answer.status == 404
        assert "nothing is here" in text and "<script>" not in text


async def test_the_page_tells_colours_and_targets_and_nothing_internal():
    async with running(public()) as world, visiting(world) as client:
        await world.break_centre("02102")
        text = await (await client.get(PAGE)).text()
    assert "Tỉnh Số 19" in text and "Làng 2" in text and "Hồ sơ trực tuyến" in text
    assert text.count('<li class="tile"') == 6
    shown = re.findall(r'<li class="tile" data-colour="(\w+)"', text)
    assert sorted(shown) == ["green"] * 4 + ["red", "unknown"]
    for internal in ("tthc", "Hệ thống TTHC", "portal", "centre/02100", "focal", "/units/", "/incidents", "/feeds",
                     "/api/", "127.0.0.1", "board.example", "rules/book.yaml", "script"):  # fmt: skip
        assert internal not in text.replace("&lt;script&gt;", "").replace("&lt;/script&gt;", ""), internal


async def test_a_hostile_name_is_escaped_on_the_page_and_on_its_badge():
    async with running(public()) as world, visiting(world) as client:
        page = await (await client.get(PAGE)).text()
        badge = await (await client.get("/badge/02100.svg")).text()
    assert HOSTILE not in page and "&lt;script&gt;" in page
    drawn = ElementTree.fromstring(badge)
    assert drawn.findtext(f"{SVG}title") == f"Xã {HOSTILE}: Xanh"
    assert not list(drawn.iter(f"{SVG}script"))


async def test_a_badge_says_name_and_colour_in_words_and_other_sites_may_show_it():
    async with running(public()) as world, visiting(world) as client:
        await world.break_centre("02102")
        answer = await client.get("/badge/02102.svg", params={"lang": "en"}, headers={"Sec-Fetch-Site": "cross-site"})
        drawn = ElementTree.fromstring(await answer.text())
        page = await client.get(PAGE)
    assert answer.content_type == "image/svg+xml"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert page.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert [text.text for text in drawn.iter(f"{SVG}text")] == ["Làng 2 commune", "Red"]
    assert drawn.get("aria-label") == "Làng 2 commune: Red"


async def test_a_page_is_made_once_in_its_age_and_then_anew():
    async with running(public(max_age=30.0)) as world, visiting(world) as client:
        first = await client.get(BADGE)
        assert first.headers["Cache-Control"] == "public, max-age=30"
        unchanged = await client.get(BADGE, headers={"If-None-Match": first.headers["ETag"]})
        assert (unchanged.status, await unchanged.text()) == (304, "")
        before = await (await client.get(PAGE)).text()
        await world.break_centre("02102")
        world.clock.move(29)
        assert await (await client.get(PAGE)).text() == before
        world.clock.move(1)
        after = await (await client.get(PAGE)).text()
        assert after.count('data-colour="red"') > before.count('data-colour="red"')


async def test_a_page_says_since_when_nothing_can_be_stored():
    async with running(public()) as world, visiting(world) as client, world.without_store():
        text = await (await client.get(PAGE)).text()
        assert "Chưa lưu được từ " in text and "tạm thời" in text
        assert "disk full" not in text


async def test_a_page_for_what_did_not_work_tells_strangers_nothing_of_the_site():
    async with running(public()) as world, visiting(world) as client:
        world.service.refuse(["config.yaml:7: unknown key 'prot'"])
        for path in ("/public/20", "/nowhere", "/"):
            answer = await client.get(path)
            assert answer.status in (401, 404)
            assert "config.yaml" not in await answer.text()
        assert "config.yaml" not in await (await client.get(PAGE)).text()


def test_every_badge_can_be_read_by_weak_eyes_and_has_the_colours_of_the_board():
    css = files()["board.css"].body.decode()
    assert set(_FILLS) == set(Colour)
    for fill, ink in (*_FILLS.values(), (_INK, "#ffffff")):
        assert fill in css
        dark, light = sorted((luminance(fill), luminance(ink)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5
