"""Reports in the browser: the same bytes as the command's, safe to open, refused with what would be right."""

from __future__ import annotations

import json
import re

import pytest

from monitor.adapters.render.html import style_source
from monitor.service.reports import KINDS
from tests.unit.web_site import HOSTILE, running, site, visiting


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["html", "xlsx", "csv", "json", "text"])
async def test_every_report_is_served_in_every_format_as_what_it_is(kind, form):
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02105")
        answer = await client.get(f"/reports/{kind}", params={"format": form})
        assert answer.status == 200
        body = await answer.read()
    types = {"html": "text/html", "csv": "text/csv", "json": "application/json", "text": "text/plain"}
    assert answer.content_type == types.get(form, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    assert answer.headers["Content-Disposition"].split(";")[0] == (
        "attachment" if form in ("xlsx", "csv") else "inline"
    )
    assert body.startswith({"xlsx": b"PK", "csv": b"\xef\xbb\xbf", "json": b"{", "html": b"<!doctype"}.get(form, b""))


async def test_a_report_page_may_run_no_script_and_only_its_own_style():
    async with running(site()) as world, visiting(world) as client:
        answer = await client.get("/reports/ranking")
        page = await answer.text()
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and style_source() in policy and "unsafe" not in policy
    assert HOSTILE not in page and "&lt;script&gt;alert(1)&lt;/script&gt;" in page


async def test_the_list_of_reports_names_each_in_the_readers_language():
    async with running(site()) as world, visiting(world) as client:
        vi, en = await (await client.get("/reports")).text(), await (await client.get("/reports?lang=en")).text()
    assert "Độ sẵn sàng" in vi and "Availability" in en
    assert all(f'href="/reports/{kind}?format=xlsx"' in vi for kind in KINDS)


async def test_a_ranking_can_be_asked_for_by_whatever_ranks_units_here():
    async with running(site()) as world, visiting(world) as client:
        page = await (await client.get("/reports?lang=en")).text()
        told = await (await client.get("/reports/ranking?indicator=online_rate")).text()
    asked = page.partition('name="indicator"')[2].partition("</select>")[0]
    choices = re.findall(r'<option value="([^"]+)">([^<]+)', asked)
    assert choices == [("score", "Score"), ("online_rate", "Rate"), ("green_share", "Share of green communes")]
    assert "Ranking: Rate" in told


async def test_a_report_of_one_month_says_that_nothing_was_recorded():
    async with running(site()) as world, visiting(world) as client:
        answer = await client.get("/reports/availability", params={"month": "2025-08", "format": "json"})
        told = json.loads(await answer.text())
    assert told["empty"] is True
    assert told["paragraphs"][0][1].startswith("Nothing was recorded of this time; the record begins at 2026-11-18")
    assert (told["from"], told["to"]) == ("2025-08-01T00:00:00+07:00", "2025-09-01T00:00:00+07:00")


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/reports/nothing", 404, "digest, ranking, targets"),
        ("/reports/ranking?format=pdf", 422, "format is one of html, xlsx, csv, json, text"),
        ("/reports/ranking?indicator=online_rat", 422, "did you mean"),
        ("/reports/ranking?at=2026-11-01", 422, "denbao report ranking --at T"),
        ("/reports/ranking?level=system", 422, "level is one of commune, province"),
        ("/reports/ranking?within=nowhere", 404, "nowhere"),
        ("/reports/incidents?month=August", 422, "write 2025-08"),
        ("/reports/incidents?day=2027-01-01", 422, "that time has not come yet"),
        ("/reports/incidents?at=0001-01-15", 422, "is no instant"),
        ("/reports/incidents?to=0001-01-15", 422, "is no instant"),
        ("/reports/incidents?at=0001-01-15T00:00Z&format=json", 422, "is no instant"),
        ("/reports/incidents?from=9999-12-20", 422, "is no instant"),
        ("/reports/incidents?day=2026-11-01&month=2026-11", 422, "give one of"),
        ("/reports/incidents?format=csv&table=nothing", 422, "table is one of incidents, kinds"),
        ("/reports/incidents?color=red", 422, "color"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_what_would_be_right(path, status, says):
    async with running(site()) as world, visiting(world) as client:
        answer = await client.get(path, headers={"Accept": "application/json"})
        assert (answer.status, says in (await answer.text()).replace("&#39;", "'")) == (status, True)
