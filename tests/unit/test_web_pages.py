"""The pages: everything in plain HTML, escaped, in two languages, honest about what is not known."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import TestClient
from yarl import URL

from monitor.adapters.render import FORMATS
from monitor.alerting.escalate import ANSWERED, LATER_STEP, NOBODY, SPARED, UNSEEN
from monitor.alerting.orders import Order, window_of
from monitor.alerting.plan import Collapse
from monitor.engine.book import Condition, Grade, Index, IndexGroup, Indicator, Points, Target
from monitor.model.colour import Colour
from monitor.model.incident import DELIVERED, FAILED, Kind, Outcome, Phase, Step
from monitor.model.muting import When
from monitor.model.reading import Collected, Reading
from monitor.model.state import Transition
from monitor.model.unit import Level
from monitor.service.reports import KINDS
from monitor.web import charts
from monitor.web.detail import step_row
from monitor.web.static import address, files
from monitor.web.texts import LOCALES, WORDS, Words
from tests.unit.web_site import HOSTILE, NOW, ZONE, running, site, visiting

NOON_BEFORE = datetime(2026, 11, 16, 5, tzinfo=UTC)
TEMPLATES = Path(__file__).parents[2] / "monitor" / "web" / "templates"


async def text_of(client: TestClient, path: str) -> str:
    answer = await client.get(path)
    assert answer.status == 200, (path, answer.status)
    return await answer.text()


def tiles(page: str) -> list[tuple[str, str]]:
    """(code, colour) of the tiles of the main group, in their order."""
    main = page.partition('id="tiles"')[2].partition("</section>")[0]
    return re.findall(r'class="tile"[^>]*data-unit="([^"]+)" data-colour="([^"]+)"', main)


async def test_the_board_shows_every_commune_worst_first_then_by_name():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02104")
        await world.learn("02103", "online_rate", 70.0)
        found = tiles(await text_of(client, "/"))
        assert found == [
            ("02104", "red"),
            ("02101", "unknown"),
            ("02103", "yellow"),
            ("02100", "green"),
            ("02102", "green"),
            ("02105", "green"),
        ]


async def test_a_letter_stands_beside_every_colour_and_a_word_for_who_cannot_see():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02104")
        page = await text_of(client, "/")
        tile = page.partition('data-unit="02104"')[2].partition("</a>")[0]
        assert '<b class="letter">Đ</b>' in tile
        assert 'href="#lamp-red"' in tile
        assert ">Đỏ<" in tile
        english = (await text_of(client, "/?lang=en")).partition('data-unit="02104"')[2].partition("</a>")[0]
        assert '<b class="letter">R</b>' in english


async def test_the_counters_add_up_to_all_communes():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02104")
        page = await text_of(client, "/")
        counts = dict(re.findall(r'data-count="(\w+)">(\d+)<', page))
        assert counts == {"red": "1", "yellow": "0", "green": "4", "unknown": "1"}


async def test_one_colour_can_be_asked_for_without_scripts():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02104")
        assert tiles(await text_of(client, "/?colour=red")) == [("02104", "red")]
        assert len(tiles(await text_of(client, "/?colour=nonsense"))) == 6


async def test_an_open_incident_is_on_the_board_with_its_kind_in_words_and_who_took_it():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02104")
        page = await text_of(client, "/")
        assert f'href="/incidents/{world.ref}"' in page
        assert "Gián đoạn dịch vụ" in page
        assert "Chưa ai nhận" in page
        await world.service.evaluator.acknowledge(world.ref, "operator-1", "")
        assert "operator-1 nhận lúc 10:00 18/11/2026" in await text_of(client, "/")


async def test_a_mass_outage_stands_first_and_what_it_takes_in_is_folded_below_it():
    made = site()
    together = Collapse("centre_reachable", Level.PROVINCE, at_least=3, share=0, within=300, wait=60, total=100)
    collapsing = replace(made, directory=replace(made.directory, collapses=(together,)))
    async with running(collapsing) as world, visiting(world) as client:
        for commune in ("02100", "02102", "02104"):
            await world.break_centre(commune)
        for path in ("/", "/incidents"):
            open_now, _, covered = (await text_of(client, path)).partition('<details class="covered">')
            assert open_now.count('<li class="incident"') == 1
            assert "Sự cố diện rộng: Trung tâm" in open_now and "<strong>3/6</strong>" in open_now
            assert covered.count('<li class="incident"') == 3
            assert "3 sự cố nằm trong sự cố rộng hơn" in covered
            assert 'Nằm trong sự cố của <a href="/units/19">Tỉnh Số 19</a>' in covered
        [mass] = world.service.evaluator.states["19"].incidents.values()
        assert "<dd>3/6</dd>" in await text_of(client, f"/incidents/{mass.ref}")
        told = (await (await client.get("/api/v1/incidents")).json())["items"]
        wider = {"unit": "19", "cause": mass.cause}
        assert {one["unit"] for one in told if one["covered_by"] == wider} == {"02100", "02102", "02104"}
        [child] = world.service.evaluator.states["02104"].incidents.values()
        page = await text_of(client, f"/incidents/{mass.ref}")
        assert "3 đơn vị bị ảnh hưởng" in page
        assert re.findall(r'href="/units/(\d{5})"', page) == ["02100", "02102", "02104"]
        page = await text_of(client, f"/incidents/{child.ref}")
        assert "đơn vị bị ảnh hưởng" not in page
        assert "được báo bằng sự cố rộng hơn" in page and "không ai giữ vai trò này" not in page


async def test_the_incident_of_a_shared_system_names_the_units_that_are_red_because_of_it():
    made = site(communes=3)
    [book] = made.ruleset.books
    reachable = replace(book.criteria[0], inherit=frozenset({Level.COMMUNE}), levels=frozenset({Level.SYSTEM}))
    ruled = replace(made.ruleset, books=(replace(book, criteria=(reachable, *book.criteria[1:])),))
    async with running(replace(made, ruleset=ruled)) as world, visiting(world) as client:
        await world.break_centre("tthc")
        [incident] = world.service.evaluator.states["tthc"].incidents.values()
        assert not any(world.service.evaluator.states[code].incidents for code in ("02100", "02101", "02102"))
        page = await text_of(client, f"/incidents/{incident.ref}")
        assert "3 đơn vị bị ảnh hưởng" in page
        assert re.findall(r'href="/units/(\d{5})"', page) == ["02100", "02101", "02102"]


@pytest.mark.parametrize(
    ("skipped", "told", "people", "state"),
    [
        (UNSEEN, 0, "", "bỏ qua, lúc đó không đo được"),
        (ANSWERED, 0, "", "không gọi, bên này đã xác nhận"),
        (LATER_STEP, 0, "", "được báo bằng bước sau"),
        (SPARED, 0, "", "được báo bằng sự cố rộng hơn"),
        (NOBODY, 0, "không ai giữ vai trò này", "chưa báo được ai"),
        (UNSEEN, 2, "", "2 lần"),
        ("", 1, "không ai giữ vai trò này", "rồi"),
    ],
)
async def test_a_step_that_was_passed_over_is_not_called_told(skipped: str, told: int, people: str, state: str):
    async with running(site()) as world:
        await world.break_centre("02104")
        [incident] = world.service.evaluator.states["02104"].incidents.values()
        step = Step(NOW, (), "commune_focal", fired=3, told=told, skipped=skipped)
        row = step_row(step, incident, world.service, Words("vi", ZONE))
        assert (row.nobody, row.state) == (people, state)


async def test_targets_stand_under_their_deadline_with_how_many_have_met_them():
    async with running(site()) as world, visiting(world) as client:
        await world.learn("02103", "online_rate", 70.0)
        page = await text_of(client, "/")
        part = page.partition('id="h-targets"')[2].partition("</section>")[0]
        assert "trước 01/12/2026" in part
        assert '<strong class="due-days">9</strong>' in part
        assert "<b>4</b> đạt" in part
        assert "<b>1</b> chưa đạt" in part
        assert "<b>1</b> chưa rõ" in part
        assert "≥ 80 %" in part


async def test_a_target_whose_month_ended_unmet_is_called_overdue():
    async with running(site()) as world, visiting(world) as client:
        world.clock.move(timedelta(days=9).total_seconds())
        await world.learn("02103", "online_rate", 70.0)
        world.clock.move(timedelta(days=4).total_seconds())  # 1 December, nothing newer was reported
        await world.learn("02104", "online_rate", 85.0)
        assert "quá hạn" in (await text_of(client, "/")).partition('id="h-targets"')[2].partition("</section>")[0]
        page = await text_of(client, "/units/02103?lang=en")
        assert "<strong>Overdue</strong>" in page
        assert "misses the target ≥ 80" in page


async def test_the_page_says_when_it_was_made_and_how_its_sources_are():
    async with running(site()) as world, visiting(world) as client:
        world.service.evaluator.take(Collected("portal", NOW, failure="no answer"))
        page = await text_of(client, "/")
        assert "Trang lúc 10:00:00 18/11/2026" in page
        sources = page.partition('id="h-sources"')[2]
        assert "đang lỗi" in sources
        assert "0/1 điểm đo đang trả lời" in sources


async def test_a_probe_answers_when_its_target_does_and_not_when_it_was_merely_asked():
    async with running(site()) as world, visiting(world) as client:
        [probe] = world.service.site.probes
        for up, words in ((True, "1/1 điểm đo"), (False, "0/1 điểm đo")):
            world.clock.move(60)
            now = world.clock.now()
            reading = Reading(probe.unit, probe.gives, up, now, now, probe.id)
            world.service.evaluator.take(Collected(probe.id, now, (reading,)))
            await world.service.evaluator.settle()
            assert words in await text_of(client, "/")


async def test_a_store_that_cannot_be_written_is_said_on_every_page():
    async with running(site()) as world, visiting(world) as client:
        async with world.without_store():
            page = await text_of(client, "/")
        assert "Chưa lưu được từ " in page
        assert "disk full" not in page  # the reason is the operator's: it is in the log and at /readyz


async def test_a_unit_tells_why_with_value_limits_deadline_rule_and_law():
    async with running(site()) as world, visiting(world) as client:
        await world.learn("02103", "online_rate", 70.5)
        page = await text_of(client, "/units/02103")
        for words in (
            "70,5 %",
            "70,5 chưa đạt chỉ tiêu",
            "trước 01/12/2026",
            "còn 9 ngày làm việc",
            "chỉ tiêu ≥ 80 %, hằng tháng",
            "mức sàn 60",
            "rules/book.yaml:19",
            "118/2025/NĐ-CP",
            "giả định",
            "trọng yếu",
            "Hệ thống TTHC",
            'href="/?province=19"',
        ):
            assert words in page, words
        english = await text_of(client, "/units/02103?lang=en")
        assert "70.5 %" in english
        assert "9 working days left" in english
        assert "Online dossiers" in english


async def test_a_unit_shows_its_history_as_a_table_a_strip_and_a_line():
    async with running(site()) as world, visiting(world) as client:
        for value in (70.0, 75.0, 90.0):
            world.clock.move(600)
            await world.learn("02103", "online_rate", value)
        page = await text_of(client, "/units/02103")
        strip = page.partition('class="timeline"')[2].partition("</svg>")[0]
        assert re.findall(r'class="fill-(\w+)"', strip) == ["green", "yellow", "green"]
        assert 'class="spark"' in page
        assert "10:10 18/11/2026" in page


async def test_a_province_lists_its_communes_and_the_nation_its_provinces():
    async with running(site(communes=2, provinces=("19", "20"))) as world, visiting(world) as client:
        assert [code for code, _ in tiles(await text_of(client, "/"))] == ["19", "20"]
        assert 'href="/?province=20"' in await text_of(client, "/")
        assert {code for code, _ in tiles(await text_of(client, "/?province=20"))} == {"02102", "02103"}
        assert 'data-unit="02100"' in await text_of(client, "/units/19")
        assert (await client.get("/?province=77")).status == 404
        assert (await client.get("/?province=02100")).status == 404


async def test_an_incident_shows_its_plan_its_messages_and_how_to_answer():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02104")
        page = await text_of(client, f"/incidents/{world.ref}")
        assert f"denbao ack {world.ref}" in page
        assert "Đầu mối" in page
        assert "focal-vn · log" in page
        assert "đang chờ" in page  # the second step
        assert "chờ gửi" in page  # the message, nobody sends here
        assert 'name="token"' not in page  # nothing that a form could put into an address
        await world.service.evaluator.acknowledge(world.ref, "operator-1", HOSTILE)
        after = await text_of(client, f"/incidents/{world.ref}")
        assert "không cần nữa" in after
        assert "denbao ack" not in after
        assert (await text_of(client, "/incidents")).count(world.ref) >= 1


async def test_an_incident_that_maintenance_pauses_says_since_when():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02104")
        assert "Tạm dừng" not in await text_of(client, f"/incidents/{world.ref}")
        now, units = world.clock.now(), world.service.site.units
        work = Order(("unit=02104",), "nâng cấp", seconds=3600)
        await world.service.evaluator.mute(
            window_of(work, "an", units, world.service.site.calendar.zone, now), "m", "an"
        )
        await world.service.evaluator.settle()
        assert "Tạm dừng từ" in await text_of(client, f"/incidents/{world.ref}")
        assert "Paused since" in await text_of(client, f"/incidents/{world.ref}?lang=en")
        found = await (await client.get(f"/api/v1/incidents/{world.ref}")).json()
        assert found["paused_since"] is not None


async def test_a_hostile_name_is_escaped_on_every_page():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02100")
        await world.service.evaluator.acknowledge(world.ref, HOSTILE, HOSTILE)
        paths = ["/", "/?lang=en", "/units/02100", "/units/19", "/incidents", f"/incidents/{world.ref}"]
        for path in paths:
            page = await text_of(client, path)
            assert HOSTILE not in page, path
            assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page, path
        nowhere = await client.get("/units/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
        assert nowhere.status == 404
        assert HOSTILE not in await nowhere.text()


async def test_no_page_has_an_inline_script_or_style():
    async with running(site()) as world, visiting(world) as client:
        await world.break_centre("02104")
        for path in ("/", "/units/02104", "/units/19", "/incidents", f"/incidents/{world.ref}"):
            page = await text_of(client, path)
            assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", page), path


async def test_the_language_switch_keeps_the_page_and_its_question():
    async with running(site()) as world, visiting(world) as client:
        page = await text_of(client, "/?colour=red")
        assert 'href="/?colour=red&amp;lang=en"' in page
        english = await text_of(client, "/?colour=red&lang=en")
        assert '<html lang="en">' in english
        assert 'href="/?colour=red"' in english
        assert 'href="/incidents?lang=en"' in english
        assert '<html lang="vi">' in await text_of(client, "/?lang=fr")


async def test_an_address_with_two_slashes_makes_no_link_to_another_host():
    async with running(site()) as world, visiting(world) as client:
        url = URL(f"http://{client.host}:{client.port}//evil.example/", encoded=True)
        page = await (await client.session.get(url)).text()
        assert "Về bảng" in page
        assert 'href="//' not in page


async def test_a_page_that_is_not_there_is_calm_and_leads_back():
    async with running(site()) as world, visiting(world) as client:
        answer = await client.get("/units/99999")
        assert answer.status == 404
        assert answer.content_type == "text/html"
        assert "Về bảng" in await answer.text()


async def test_large_pages_are_packed_for_those_who_ask():
    async with running(site()) as world, visiting(world) as client:
        packed = await client.get("/", headers={"Accept-Encoding": "gzip"})
        assert packed.headers["Content-Encoding"] == "gzip"
        plain = await client.get("/", headers={"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in plain.headers
        assert await plain.text() == await packed.text()


async def test_static_files_are_kept_for_ever_under_the_address_of_their_content():
    async with running(site()) as world, visiting(world) as client:
        first = await client.get(address("board.css"))
        assert "immutable" in first.headers["Cache-Control"]
        again = await client.get("/static/board.css", headers={"If-None-Match": first.headers["ETag"]})
        assert again.status == 304
        assert (await client.get("/static/board.css?v=old")).headers["Cache-Control"] == "no-cache"
        for name in ("none.css", "..%2Fapp.py", "%2e%2e%2fapp.py"):
            assert (await client.get(f"/static/{name}")).status == 404
        assert set(files()) == {"ack.js", "board.css", "board.js", "favicon.svg", "muting.js"}


async def test_the_board_of_a_site_that_was_never_judged_is_unknown_everywhere():
    async with running(site()) as world, visiting(world) as client:
        world.service.evaluator.states.update(
            {code: type(state)(code) for code, state in world.service.evaluator.states.items()}
        )
        assert {colour for _, colour in tiles(await text_of(client, "/"))} == {"unknown"}


# texts and pictures


def test_every_word_that_a_page_uses_exists_in_both_languages():
    used = {key for file in TEMPLATES.glob("*.html") for key in re.findall(r'\bt\("(\w+)"', file.read_text("utf-8"))}
    used -= {"p", "state_", "mute_", "final_", "report_", "format_"}  # completed by a word of a fixed set, below
    used |= {colour.value for colour in Colour} | {f"letter_{colour.value}" for colour in Colour}
    used |= {kind.value for kind in Kind} | {phase.value for phase in Phase} | {level.value for level in Level}
    used |= {f"state_{word}" for word in ("pending", "leased", *(outcome.value for outcome in Outcome))}
    used |= {f"mute_{when.value}" for when in When} | {"silence", "window"}
    used |= {f"final_{word}" for word in (DELIVERED, FAILED)} | {f"report_{kind}" for kind in KINDS}
    used |= {f"format_{form}" for form in FORMATS}
    assert used - set(WORDS) == set()
    for pair in WORDS.values():
        assert all(pair)
        assert set(re.findall(r"{\w+}", pair[0])) == set(re.findall(r"{\w+}", pair[1]))


@pytest.mark.parametrize("locale", LOCALES)
def test_the_letters_of_the_colours_differ_from_each_other(locale):
    words = Words(locale, ZONE)
    assert len({words.letter(colour) for colour in Colour}) == len(Colour)


def test_numbers_and_limits_are_written_as_the_language_does():
    percent = Indicator("x", "x", "x", "X", "%", "g", 60.0)
    vietnamese, english = Words("vi", ZONE), Words("en", ZONE)
    assert vietnamese.condition(Condition(">=", 99.5), percent) == "≥ 99,5 %"
    assert english.condition(Condition("<", 1000.0), percent) == "< 1,000 %"
    assert vietnamese.condition(Condition("==", False), percent) == "không"
    assert vietnamese.time(datetime(2026, 11, 17, 17, 30, tzinfo=UTC)) == "00:30 18/11/2026"
    assert Words("vi", ZoneInfo("UTC")).day(NOW) == "18/11/2026"


def test_a_timeline_covers_the_time_from_the_first_change_until_now():
    changes = [
        Transition("u", "", NOW - timedelta(hours=1), Colour.GREEN, Colour.RED),
        Transition("u", "c", NOW - timedelta(hours=2), Colour.GREEN, Colour.RED),
        Transition("u", "", NOW - timedelta(hours=4), Colour.UNKNOWN, Colour.GREEN),
    ]
    parts = charts.timeline(changes, NOW)
    assert [(part.colour, part.x, part.width) for part in parts] == [(Colour.GREEN, 0, 750), (Colour.RED, 750, 250)]
    assert charts.timeline([], NOW) == ()


def test_a_trend_needs_two_numbers_and_lies_flat_when_nothing_moves():
    def reading(value: float | bool) -> Reading:
        return Reading("u", "i", value, NOW, NOW, "s")

    assert charts.sparkline([reading(1.0)]) == ""
    assert charts.sparkline([reading(True), reading(False)]) == ""
    assert charts.sparkline([reading(5.0), reading(5.0)]) == "3.0,14.0 117.0,14.0"
    assert charts.sparkline([reading(9.0), reading(1.0)]) == "3.0,25.0 117.0,3.0"


def test_the_parts_of_a_bar_fill_it():
    parts = charts.bar([(Colour.RED, 1), (Colour.YELLOW, 0), (Colour.GREEN, 3)])
    assert [width for _, _, width in parts] == [250, 0, 750]
    assert charts.bar([(Colour.RED, 0)]) == ((Colour.RED, 0, 0),)


async def test_mistakes_in_the_site_on_disk_are_on_every_page_until_they_are_mended():
    mistakes = tuple(f"rules/book.yaml:{line}: unknown key 'bonds' {HOSTILE}" for line in range(1, 6))
    async with running(site()) as world, visiting(world) as client:
        assert "site-problems" not in await text_of(client, "/")
        world.service.refuse(mistakes)
        for path, words in (("/", "trên đĩa: 5;"), ("/incidents?lang=en", "on disk: 5;")):
            page = await text_of(client, path)
            assert words in page and "rules/book.yaml:3" in page and "rules/book.yaml:4" not in page
            assert HOSTILE not in page


async def test_a_date_that_is_over_is_called_overdue_only_where_somebody_missed_it():
    made = site()
    (book,) = made.ruleset.books
    over = Target(Condition(">=", 80.0), before=date(2026, 11, 1), floor=60.0)
    rules = tuple(replace(c, target=over) if c.id == "online_rate" else c for c in book.criteria)
    made = replace(made, ruleset=replace(made.ruleset, books=(replace(book, criteria=rules),)))
    async with running(made) as world, visiting(world) as client:
        met = (await text_of(client, "/")).partition('id="h-targets"')[2]
        assert "Đã qua hạn" in met and "Quá hạn" not in met and "trước 01/11/2026" in met
        await world.learn("02103", "online_rate", 70.0)
        missed = (await text_of(client, "/")).partition('id="h-targets"')[2]
        assert "Quá hạn" in missed and "Đã qua hạn" not in missed


async def test_a_unit_shows_its_index_by_groups_with_names_escaped_or_why_it_has_no_grade():
    made = site()
    (book,) = made.ruleset.books
    scored = [replace(c, points=Points(10.0, "a")) if c.id == "online_rate" else c for c in book.criteria]
    index = Index((IndexGroup("a", HOSTILE, HOSTILE, 10.0),), (Grade("good", "Tốt", "Good", 50.0),))
    book = replace(book, criteria=tuple(scored), index=index)
    made = replace(made, ruleset=replace(made.ruleset, books=(book,)))
    async with running(made) as world, visiting(world) as client:
        page = (await text_of(client, "/units/02102")).partition('data-index="book"')[2].partition("</section>")[0]
        assert "9,15/10 điểm (đã biết 10)" in page and "<strong>Tốt</strong>" in page
        assert HOSTILE not in page and "&lt;script&gt;" in page
        assert "<td>Tốt</td><td>1/5</td>" in page  # one of the six is silent and never spoke
        await world.learn("02103", "online_rate", 95.0)
        page = (await text_of(client, "/units/02102")).partition('data-index="book"')[2].partition("</section>")[0]
        assert page.count("<td>2/5</td>") == 2
        silent = await text_of(client, "/units/02101?lang=en")
        assert "no grade: too few points are known" in silent and "0 of 10 points (0 known)" in silent


async def test_a_unit_shows_the_reported_colour_and_the_age_of_the_event_beside_its_own():
    async with running(site()) as world, visiting(world) as client:
        states = world.service.evaluator.states
        state = states["02102"]
        held = replace(state.criteria["online_rate"], episode_since=NOON_BEFORE)
        shown = replace(state, reported=Colour.RED, criteria={**state.criteria, "online_rate": held})
        states["02102"] = shown
        page = await text_of(client, "/units/02102?lang=en")
        assert "The national system reports: Red; the rules give: Green" in page
        assert page.count("event since 12:00 16/11/2026") == 1
        told = await (await client.get("/api/v1/units/02102/explain")).json()
        ages = {one["id"]: one["event_since"] for one in told["criteria"]}
        assert (ages["online_rate"] or "").startswith("2026-11-16")
