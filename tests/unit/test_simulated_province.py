"""The simulated province over real loopback sockets, with a clock that never waits."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.registry import load_registry
from monitor.simulate import (
    Commune,
    SimulatedProvince,
    SimulateOptions,
    World,
    build_territory,
    registered_territory,
    serve,
)
from monitor.simulate.chance import drift
from monitor.simulate.controls import FEED_MODES, SERVICES, STATES, ControlError, Controls
from monitor.simulate.pages import UNIT_HEADER
from monitor.simulate.picture import Picture
from monitor.simulate.portal import department_id
from monitor.simulate.server import SLOW_SECONDS
from monitor.simulate.table import CHECKLIST, ITEMS, KPI_INDICATORS, TOTAL_SCORE, WORDS
from monitor.simulate.world import Span, data_day

NOON = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)  # 12:00 in Vietnam
TERRITORY = registered_territory(load_registry(), "19")
RESULTS = "/api/v1/reporting/evaluation/service-results"
MANUAL = "/files/manual.csv"
A_COMMUNE = "02143"


class _Yield:
    def __await__(self):
        yield


class StandingClock:
    """Stands still; sleeping is noted and over at once."""

    def __init__(self, now: datetime = NOON) -> None:
        self.moment = now
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await _Yield()

    async def sleep_until(self, when: datetime) -> None:
        await self.sleep((when - self.moment).total_seconds())


class Visitor:
    """A client of one running province."""

    def __init__(self, province: SimulatedProvince, session: aiohttp.ClientSession, clock: StandingClock) -> None:
        self.province = province
        self.session = session
        self.clock = clock

    async def get(self, path: str) -> tuple[int, str, bytes]:
        async with self.session.get(self.province.url + path) as response:
            return response.status, response.headers["Content-Type"], await response.read()

    async def data(self, path: str = RESULTS, **body: Any) -> dict[str, Any]:
        async with self.session.post(self.province.url + path, json=body) as response:
            assert response.status == 200, await response.text()
            data: dict[str, Any] = json.loads(await response.text())["data"]
            return data

    async def put(self, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        async with self.session.put(f"{self.province.url}/control/{path}", json=body) as response:
            return response.status, json.loads(await response.text())

    async def row(self, unit: str) -> dict[str, Any]:
        code = self.province.world.territory.portal_codes[unit]
        rows = (await self.data(pageSize=300))["evaluation"]
        return next(row for row in rows if row["departmentCode"] == code)

    async def first_bytes(self, path: str, count: int) -> bytes:
        async with self.session.get(self.province.url + path) as response:
            return await response.content.readexactly(count)


@pytest.fixture
async def visitor():
    clock = StandingClock()
    province = SimulatedProvince(World(19, TERRITORY), clock)
    await province.start(port=0, tcp_port=0)
    async with aiohttp.ClientSession() as session:
        yield Visitor(province, session, clock)
    await province.stop()


def unit_with(profile: str) -> str:
    world = World(19, TERRITORY)
    return next(commune.code for commune in TERRITORY.communes if world.profile(commune.code) == profile)


def ratios(row: dict[str, Any]) -> dict[str, Any]:
    return {metric["code"]: metric["ratio"] for metric in row["metrics"]}


def csv_rows(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), delimiter=";"))


def samples(body: bytes) -> list[tuple[str, dict[str, str], float, Any]]:
    families = text_string_to_metric_families(body.decode())
    return [(one.name, one.labels, one.value, one.timestamp) for family in families for one in family.samples]


async def accepts(port: int) -> bool:
    try:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return False
    writer.close()
    return True


# --- the world ------------------------------------------------------------------------------------------------


async def whole_world(seed: int) -> list[bytes]:
    province = SimulatedProvince(World(seed, TERRITORY, "lively"), StandingClock())
    await province.start(port=0, tcp_port=0)
    async with aiohttp.ClientSession() as session:
        visitor = Visitor(province, session, StandingClock())
        paths = (RESULTS, MANUAL, "/metrics", f"/centres/{A_COMMUNE}/health")
        bodies = [(await visitor.get(path))[2] for path in paths]
    await province.stop()
    return bodies


async def test_the_same_seed_and_instant_give_the_same_bytes_after_a_restart():
    assert await whole_world(7) == await whole_world(7)


async def test_another_seed_is_another_province():
    assert (await whole_world(7))[0] != (await whole_world(8))[0]


def test_every_profile_of_the_table_is_dealt_out():
    world = World(19, TERRITORY)
    dealt = Counter(world.profile(commune.code) for commune in TERRITORY.communes)
    assert dealt == {"good": 64, "middling": 23, "poor": 2, "missing": 1, "late": 1, "nonsense": 1}


BANDS: dict[str, tuple[float, float, float]] = {  # green from, yellow from, weight; as in the default rule book
    "dossier_sync_rate": (98, 90, 3), "on_time_rate": (95, 90, 6), "online_submission_rate": (80, 60, 8),
    "full_process_dossier_rate": (85, 50, 3), "payment_procedure_rate": (80, 60, 2),
    "payment_dossier_rate": (80, 50, 3), "e_result_rate": (80, 60, 5), "digitisation_rate": (80, 60, 5),
    "data_reuse_rate": (80, 50, 3), "petitions_on_time_rate": (95, 80, 1), "satisfaction_rate": (90, 80, 2),
}  # fmt: skip


def judged(picture: Picture, unit: str, span: Span) -> str:
    """The colour by weights, as the proposal of the default rule book has it, from the portal's figures alone."""
    values = {item.indicator: picture.shown(unit, item, span).value for item in ITEMS if item.indicator in BANDS}
    if picture.row_day(unit) is None or any(isinstance(value, str) for value in values.values()):
        return "unknown"
    score = weight_of_all = 0.0
    heavy_yellow = any_red = False
    for indicator, (green, yellow, weight) in BANDS.items():
        value = values[indicator]
        assert isinstance(value, float)
        weight_of_all += weight
        score += weight * (1.0 if value >= green else 0.5 if value >= yellow else 0.0)
        heavy_yellow |= yellow <= value < green and weight >= 5
        any_red |= value < yellow
    if score / weight_of_all < 0.5:
        return "red"
    return "yellow" if any_red or heavy_yellow or score / weight_of_all < 0.8 else "green"


@pytest.mark.parametrize("seed", [1, 19, 766])
@pytest.mark.parametrize("day", [0, 10, 33, 200])  # 10: the first of December
def test_the_mix_of_colours_is_that_of_a_real_province_on_any_day(seed, day):
    now = NOON + timedelta(days=day)
    picture = Picture(World(seed, TERRITORY), Controls(TERRITORY), now)
    span = Span(data_day(now).replace(day=1), data_day(now))
    colours = Counter(judged(picture, commune.code, span) for commune in TERRITORY.communes)
    assert 60 <= colours["green"] <= 70
    assert 20 <= colours["yellow"] <= 30
    assert 1 <= colours["red"] <= 3
    assert 1 <= colours["unknown"] <= 3


def test_values_drift_slowly_and_stay_in_their_range():
    walk = [drift(day, 21.0, 19, "x") for day in range(400)]
    assert all(0 <= value < 1 for value in walk)
    assert max(abs(after - before) for before, after in pairwise(walk)) < 0.08
    assert max(walk) - min(walk) > 0.3


def test_a_calm_world_has_no_outages_and_a_lively_one_has_brief_ones_of_one_or_two_centres():
    calm, lively = World(19, TERRITORY), World(19, TERRITORY, "lively")
    minutes = [NOON + timedelta(minutes=minute) for minute in range(12 * 60)]
    out = [[c.code for c in TERRITORY.communes if lively.out(c.code, minute)] for minute in minutes]
    assert not any(calm.out(c.code, minute) for c in TERRITORY.communes for minute in minutes[:60])
    assert {len(codes) for codes in out} == {0, 1, 2}
    assert 0.05 < sum(map(bool, out)) / len(out) < 0.4


def test_a_mood_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="calm or lively"):
        World(19, TERRITORY, "wild")  # type: ignore[arg-type]


def test_figures_change_at_one_at_night_local_time():
    before, after = datetime(2026, 11, 20, 17, 59, tzinfo=UTC), datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
    assert (data_day(before).day, data_day(after).day) == (20, 21)


def test_portal_codes_come_from_the_mapping_and_gaps_are_filled_with_free_ones():
    communes = [Commune("00002", "Xã B"), Commune("00001", "Xã A"), Commune("00003", "Xã C")]
    territory = build_territory("19", "Tỉnh", communes, {"H19.01": "00002"})
    assert territory.portal_codes == {"00002": "H19.01", "00001": "H19.02", "00003": "H19.03"}
    assert territory.root == "H19"


def test_a_code_that_is_no_province_is_refused():
    with pytest.raises(LookupError, match="no province"):
        registered_territory(load_registry(), A_COMMUNE)


# --- the portal -----------------------------------------------------------------------------------------------


async def test_service_results_have_the_shape_of_the_portal(visitor):
    data = await visitor.data(
        timeType="month", year=2026, month=11, rootDepartmentId=department_id("H19"), currentPage=1, pageSize=200
    )
    row = data["evaluation"][0]
    assert {"departmentId", "departmentName", "departmentCode", "childGroup", "departmentLevel", "totalScore",
            "totalMaxScore", "ratio", "scoreDelta", "rank", "metrics"} <= row.keys()  # fmt: skip
    assert (row["departmentCode"], row["childGroup"], row["departmentId"]) == (
        "H19.01", "COMMUNE", department_id("H19.01"),
    )  # fmt: skip
    metric = row["metrics"][0]
    assert metric.keys() == {"code", "name", "numerator", "denominator", "ratio", "score", "maxScore"}
    assert isinstance(metric["numerator"], str)
    assert isinstance(metric["ratio"], float)
    assert metric["ratio"] == round(int(metric["numerator"]) * 100 / int(metric["denominator"]), 2)
    assert data["overview"].keys() >= {"totalScore", "ratio", "scoreDelta", "groupScores"}
    assert sum(group["maxScore"] for group in data["overview"]["groupScores"]) == 100


async def test_every_portal_indicator_is_there_for_communes_and_province(visitor):
    data = await visitor.data()
    wanted = {item.code for item in ITEMS if item.indicator}
    assert {item.indicator for item in ITEMS if item.indicator} | {TOTAL_SCORE} == set(KPI_INDICATORS)
    assert len(KPI_INDICATORS) == 13
    assert wanted <= ratios(data["evaluation"][0]).keys()
    assert wanted <= ratios(data["overview"]).keys()


async def test_the_province_is_the_sum_of_its_communes(visitor):
    for commune in TERRITORY.communes:
        visitor.province.set_value(commune.code, "on_time_rate", 50.0)
    assert ratios((await visitor.data())["overview"])["2.1"] == pytest.approx(50.0, abs=0.5)


async def test_departments_of_the_province_stand_in_the_same_list(visitor):
    groups = Counter(row["childGroup"] for row in (await visitor.data(pageSize=300))["evaluation"])
    assert groups == {"COMMUNE": 91, "AGENCY": 3}


@pytest.mark.parametrize("service", SERVICES)
async def test_each_service_answers_get_and_post_alike(visitor, service):
    path = f"/api/v1/reporting/evaluation/{service}"
    posted = await visitor.data(path, timeType="year", year=2026, pageSize=20)
    _status, kind, body = await visitor.get(f"{path}?timeType=year&year=2026&pageSize=20")
    assert kind == "application/json; charset=utf-8"
    assert json.loads(body)["data"] == posted
    assert len(posted["children" if service.endswith("-tree") else "evaluation"]) == 20


async def test_progress_rows_carry_dossier_counts(visitor):
    data = await visitor.data("/api/v1/reporting/evaluation/dvc-progress-tree")
    row = data["children"][0]
    assert int(row["totalReceived"]) >= int(row["totalOnTime"]) > 0
    assert row["totalOverdue"].isdigit()
    assert row["avgProcessingDays"] > 0


async def test_pages_together_are_the_whole_list_once(visitor):
    pages = [await visitor.data(currentPage=number, pageSize=40) for number in (1, 2, 3, 4)]
    codes = [row["departmentCode"] for page in pages for row in page["evaluation"]]
    assert [len(page["evaluation"]) for page in pages] == [40, 40, 14, 0]
    assert len(codes) == len(set(codes)) == pages[0]["total"] == 94
    assert pages[0]["totalPages"] == 3


async def test_ranks_follow_scores_and_the_best_is_first(visitor):
    rows = [row for row in (await visitor.data())["evaluation"] if row["childGroup"] == "COMMUNE" and row["rank"]]
    by_rank = sorted(rows, key=lambda row: row["rank"])
    assert by_rank[0]["rank"] == 1
    scores = [row["totalScore"] for row in by_rank]
    assert scores == sorted(scores, reverse=True)


async def test_a_longer_period_has_more_dossiers_and_december_is_a_month(visitor):
    visitor.clock.moment = datetime(2026, 12, 31, 5, tzinfo=UTC)
    counts = []
    for period in ({"timeType": "month", "month": 12}, {"timeType": "quarter"}, {"timeType": "year"}):
        data = await visitor.data("/api/v1/reporting/evaluation/dvc-progress-tree", **period)
        counts.append(int(data["overview"]["totalReceived"]))
    assert counts[0] * 2 < counts[1] < counts[2]


async def test_a_period_that_has_not_begun_is_empty(visitor):
    data = await visitor.data(timeType="month", year=2027, month=1)
    assert (data["evaluation"], data["overview"], data["total"]) == ([], None, 0)


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({"timeType": "week"}, 400, "timeType"),
        ({"timeType": ["month"]}, 400, "timeType"),
        ({"month": 13}, 400, "month"),
        ({"currentPage": 0}, 400, "currentPage"),
        ({"pageSize": "many"}, 400, "pageSize"),
        ({"pageSize": True}, 400, "pageSize"),
        ({"rootDepartmentId": "somebody"}, 404, "rootDepartmentId"),
    ],
)
async def test_a_wrong_question_is_refused_by_name(visitor, body, status, word):
    async with visitor.session.post(visitor.province.url + RESULTS, json=body) as response:
        assert response.status == status
        assert response.content_type == "application/problem+json"
        assert word in json.loads(await response.text())["detail"]


async def test_one_row_is_missing_one_is_late_and_one_is_nonsense(visitor):
    rows = {row["departmentCode"]: row for row in (await visitor.data())["evaluation"]}
    codes = TERRITORY.portal_codes
    assert codes[unit_with("missing")] not in rows
    assert rows[codes[unit_with("late")]]["updatedAt"] == "2026-11-20T01:00:00+07:00"
    assert rows[codes[unit_with("good")]]["updatedAt"] == "2026-11-21T01:00:00+07:00"
    nonsense = rows[codes[unit_with("nonsense")]]
    assert {"137,5 %", -12.0, "n/a"} == set(ratios(nonsense).values())
    assert nonsense["totalScore"] == "137,5 %"


# --- the other feeds ------------------------------------------------------------------------------------------


async def test_the_hand_kept_list_is_a_vietnamese_csv(visitor):
    status, kind, body = await visitor.get(MANUAL)
    rows = csv_rows(body)
    assert (status, kind, body[:3]) == (200, "text/csv; charset=utf-8", b"\xef\xbb\xbf")
    assert [row[UNIT_HEADER] for row in rows] == [*(commune.code for commune in TERRITORY.communes), "19"]
    assert len(rows[0]) == 3 + len(CHECKLIST) + len(WORDS)
    assert {row["Đủ nhân lực Bộ phận Một cửa"] for row in rows} == {"đủ", "một phần", "thiếu", ""}
    assert any("," in row["Tỷ lệ cán bộ có chữ ký số (%)"] for row in rows)
    late = next(row for row in rows if row[UNIT_HEADER] == unit_with("late"))
    assert (late["Ngày số liệu"], rows[0]["Ngày số liệu"]) == ("20/11/2026", "21/11/2026")


async def test_the_metrics_page_is_read_by_the_client_library(visitor):
    _status, kind, body = await visitor.get("/metrics")
    found = samples(body)
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    losses = {labels["unit"] for name, labels, _value, _at in found if name == "centre_network_loss_percent"}
    assert losses == {commune.code for commune in TERRITORY.communes}
    systems = {name for name, labels, _value, _at in found if labels.get("system") == "tthc-19"}
    assert systems == {
        "system_backup_age_hours", "system_availability_30d_percent", "system_latency_p95_seconds",
        "population_db_link_up", "tls_days_left", "security_level_approved",
    }  # fmt: skip


def test_a_backup_is_never_older_than_a_day_and_a_certificate_is_renewed_in_time():
    world = World(19, TERRITORY)
    hours = [NOON + timedelta(hours=hour) for hour in range(24 * 100)]
    assert all(0 <= world.system("tthc-19", "backup_age_hours", hour) <= 24 for hour in hours)
    assert all(30 <= world.system("tthc-19", "tls_days_left", hour) <= 90 for hour in hours)


# --- health and the operator line -----------------------------------------------------------------------------


async def test_every_centre_and_system_is_up_in_a_calm_world(visitor):
    paths = [f"/centres/{commune.code}/health" for commune in TERRITORY.communes]
    paths += [f"/systems/{code}/health" for code in ("tthc-19", "dvcqg", "line-19")]
    for path in paths:
        status, _kind, body = await visitor.get(path)
        assert (status, json.loads(body)["status"]) == (200, "up")
    assert 1 <= len(visitor.clock.slept) <= 10
    assert all(0.2 <= seconds <= 0.6 for seconds in visitor.clock.slept)


async def test_a_broken_centre_answers_503_and_loses_its_line_until_it_is_mended(visitor):
    assert (await visitor.put(f"centres/{A_COMMUNE}", {"state": "down"}))[0] == 200
    status, _kind, body = await visitor.get(f"/centres/{A_COMMUNE}/health")
    assert (status, json.loads(body)["status"]) == (503, "down")
    loss = {labels.get("unit"): value for _name, labels, value, _at in samples((await visitor.get("/metrics"))[2])}
    assert loss[A_COMMUNE] == 100
    await visitor.put(f"centres/{A_COMMUNE}", {"state": "up"})
    assert (await visitor.get(f"/centres/{A_COMMUNE}/health"))[0] == 200


async def test_a_slow_centre_takes_its_time(visitor):
    await visitor.put(f"centres/{A_COMMUNE}", {"state": "slow"})
    assert (await visitor.get(f"/centres/{A_COMMUNE}/health"))[0] == 200
    assert visitor.clock.slept == [SLOW_SECONDS]


async def test_a_hanging_centre_answers_only_when_it_is_mended_itself(visitor):
    await visitor.put(f"centres/{A_COMMUNE}", {"state": "hang"})
    asked = asyncio.create_task(visitor.get(f"/centres/{A_COMMUNE}/health"))
    for _ in range(3):
        await visitor.put("systems/dvcqg", {"state": "slow"})
    assert not asked.done()
    await visitor.put(f"centres/{A_COMMUNE}", {"state": "up"})
    assert (await asked)[0] == 200


async def test_stopping_ends_what_hangs(visitor):
    visitor.province.set_centre(A_COMMUNE, "hang")
    asked = asyncio.create_task(visitor.get(f"/centres/{A_COMMUNE}/health"))
    await visitor.put("systems/dvcqg", {"state": "up"})
    await visitor.province.stop()
    answer = (await asyncio.gather(asked, return_exceptions=True))[0]
    assert isinstance(answer, aiohttp.ClientError) or (isinstance(answer, tuple) and answer[0] == 503)


async def test_a_centre_told_to_talk_nonsense_does_so_everywhere(visitor):
    await visitor.put(f"centres/{A_COMMUNE}", {"state": "nonsense"})
    _status, _kind, body = await visitor.get(f"/centres/{A_COMMUNE}/health")
    assert json.loads(body)["status"] == "137,5 %"
    assert (await visitor.row(A_COMMUNE))["totalScore"] == "137,5 %"
    assert b'centre_network_loss_percent{unit="02143"} 137.5' in (await visitor.get("/metrics"))[2]


async def test_the_line_refuses_connections_while_it_is_down_and_keeps_its_port(visitor):
    port = visitor.province.tcp_port
    assert await accepts(port)
    await visitor.put("systems/line-19", {"state": "down"})
    assert not await accepts(port)
    assert (await visitor.get("/systems/line-19/health"))[0] == 503
    await visitor.put("systems/line-19", {"state": "up"})
    assert await accepts(port)
    assert visitor.province.tcp_port == port


async def test_a_system_that_is_down_has_lost_the_population_database(visitor):
    await visitor.province.set_system("tthc-19", "down")
    found = samples((await visitor.get("/metrics"))[2])
    links = {labels["system"]: value for name, labels, value, _at in found if name == "population_db_link_up"}
    assert links == {"tthc-19": 0, "dvcqg": 1, "line-19": 1}


# --- control --------------------------------------------------------------------------------------------------


async def test_a_value_can_be_replaced_by_a_number_a_word_or_nothing(visitor):
    path = f"values/{A_COMMUNE}/online_submission_rate"
    await visitor.put(path, {"value": 41.5})
    metric = next(one for one in (await visitor.row(A_COMMUNE))["metrics"] if one["code"] == "3.2")
    assert metric["ratio"] == 41.5
    assert int(metric["numerator"]) == round(int(metric["denominator"]) * 0.415)
    await visitor.put(path, {"value": "n/a"})
    assert ratios(await visitor.row(A_COMMUNE))["3.2"] == "n/a"
    await visitor.put(path, {"value": None})
    assert "3.2" not in ratios(await visitor.row(A_COMMUNE))


async def test_values_of_every_source_can_be_replaced(visitor):
    for unit, indicator, value in [
        (A_COMMUNE, TOTAL_SCORE, 12.5), (A_COMMUNE, "overdue_dossiers", 9), (A_COMMUNE, "network_loss_rate", 7.25),
        (A_COMMUNE, "edoc_processed_rate", 88.8), (A_COMMUNE, "staff_sufficient", False),
        (A_COMMUNE, "community_team_active", True), ("tthc-19", "backup_age_hours", 60), ("19", "on_time_rate", 1.0),
    ]:  # fmt: skip
        assert (await visitor.put(f"values/{unit}/{indicator}", {"value": value}))[0] == 200
    row = await visitor.row(A_COMMUNE)
    assert (row["totalScore"], ratios(row)["2.3"]) == (12.5, 9)
    assert ratios((await visitor.data())["overview"])["2.1"] == 1.0
    listed = next(one for one in csv_rows((await visitor.get(MANUAL))[2]) if one[UNIT_HEADER] == A_COMMUNE)
    assert list(listed.values())[3:] == ["88,8", listed["Tỷ lệ cán bộ có chữ ký số (%)"], "thiếu", "có"]
    page = (await visitor.get("/metrics"))[2]
    assert b'centre_network_loss_percent{unit="02143"} 7.25' in page
    assert b'system_backup_age_hours{system="tthc-19"} 60.0' in page


async def test_control_shows_what_was_told_and_reset_forgets_it(visitor):
    before = (await visitor.get(RESULTS))[2]
    await visitor.put(f"centres/{A_COMMUNE}", {"state": "nonsense"})
    await visitor.put("systems/line-19", {"state": "down"})
    await visitor.put(f"values/{A_COMMUNE}/on_time_rate", {"value": 1})
    _status, shown = await visitor.put("feeds/portal", {"mode": "empty"})
    assert shown["centres"] == {A_COMMUNE: "nonsense"}
    assert shown["systems"] == {"line-19": "down"}
    assert shown["values"] == {A_COMMUNE: {"on_time_rate": 1}}
    assert shown["feeds"] == {"portal": "empty"}
    assert shown["line"] == {"port": visitor.province.tcp_port, "open": False}
    assert json.loads((await visitor.get("/control"))[2]) == shown
    async with visitor.session.delete(visitor.province.url + "/control") as response:
        cleared = json.loads(await response.text())
    assert (cleared["centres"], cleared["values"], cleared["line"]["open"]) == ({}, {}, True)
    assert (await visitor.get(RESULTS))[2] == before


@pytest.mark.parametrize(
    ("path", "body", "status", "word"),
    [
        ("centres/99999", {"state": "down"}, 404, "99999"),
        (f"centres/{A_COMMUNE}", {"state": "broken"}, 400, "up, down, slow"),
        (f"centres/{A_COMMUNE}", {}, 400, "state"),
        (f"centres/{A_COMMUNE}", ["down"], 400, "object"),
        ("systems/nothing", {"state": "down"}, 404, "nothing"),
        (f"values/{A_COMMUNE}/happiness", {"value": 1}, 404, "happiness"),
        ("values/99999/on_time_rate", {"value": 1}, 404, "99999"),
        (f"values/{A_COMMUNE}/on_time_rate", {"value": [1]}, 400, "number"),
        (f"values/{A_COMMUNE}/on_time_rate", {"value": 10**400}, 400, "finite"),
        (f"values/{A_COMMUNE}/on_time_rate", {"value": float("nan")}, 400, "finite"),
        (f"values/{A_COMMUNE}/on_time_rate", {}, 400, "value"),
        ("feeds/radio", {"mode": "html"}, 404, "radio"),
        ("feeds/portal", {"mode": "odd"}, 400, "truncated"),
        ("weather/rain", {}, 404, "weather"),
    ],
)
async def test_a_wrong_command_is_refused_in_words_and_changes_nothing(visitor, path, body, status, word):
    before = visitor.province.describe()
    answered, problem = await visitor.put(path, body)
    assert answered == problem["status"] == status
    assert word in problem["detail"]
    assert visitor.province.describe() == before


async def test_a_body_that_is_not_json_is_refused_in_words(visitor):
    url = f"{visitor.province.url}/control/centres/{A_COMMUNE}"
    async with visitor.session.put(url, data=b"{down") as response:
        assert response.status == 400
        assert "not JSON" in json.loads(await response.text())["detail"]


async def test_a_lone_surrogate_in_a_value_breaks_no_feed(visitor):
    url = f"{visitor.province.url}/control/values/{A_COMMUNE}/on_time_rate"
    async with visitor.session.put(url, data=b'{"value": "\\ud800"}') as response:
        assert response.status == 200
    assert ratios(await visitor.row(A_COMMUNE))["2.1"] == "\ufffd"


async def test_unknown_places_are_404_in_json(visitor):
    for path in ("/centres/99999/health", "/systems/x/health", "/nowhere", "/api/v1/reporting/evaluation/x"):
        status, kind, body = await visitor.get(path)
        assert (status, kind.partition(";")[0]) == (404, "application/problem+json")
        assert json.loads(body)["detail"]


def test_commands_in_process_raise_what_http_refuses():
    province = SimulatedProvince(World(19, TERRITORY), StandingClock())
    for state in STATES:
        province.set_centre(A_COMMUNE, state)
    with pytest.raises(ControlError, match="no commune"):
        province.set_centre("00001", "down")


# --- feeds that go wrong --------------------------------------------------------------------------------------

PATHS = {"portal": RESULTS + "?pageSize=300", "manual": MANUAL, "metrics": "/metrics"}
BOTH = pytest.mark.parametrize("feed", PATHS)


async def spoilt(visitor: Visitor, feed: str, mode: str) -> tuple[int, str, bytes]:
    assert (await visitor.put(f"feeds/{feed}", {"mode": mode}))[0] == 200
    return await visitor.get(PATHS[feed])


def codes(feed: str, body: bytes) -> list[str]:
    if feed == "portal":
        rows = json.loads(body)["data"]["evaluation"]
        return [row["departmentCode"] for row in rows]
    if feed == "manual":
        return [row[UNIT_HEADER] for row in csv_rows(body)]
    lines = [line for line in body.decode().splitlines() if line.startswith("centre_network_loss_percent{")]
    return [line.split('"')[1] for line in lines]


@BOTH
async def test_a_login_page_instead_of_data(visitor, feed):
    status, kind, body = await spoilt(visitor, feed, "html")
    assert (status, kind, body[:15]) == (200, "text/html; charset=utf-8", b"<!DOCTYPE html>")


@BOTH
async def test_a_truncated_answer_is_the_beginning_of_the_whole(visitor, feed):
    whole = (await visitor.get(PATHS[feed]))[2]
    body = (await spoilt(visitor, feed, "truncated"))[2]
    assert whole.startswith(body)
    assert 0 < len(body) < len(whole)


@BOTH
async def test_a_wrong_encoding_is_not_what_the_header_says(visitor, feed):
    _status, kind, body = await spoilt(visitor, feed, "wrong-encoding")
    assert kind.endswith("charset=utf-8")
    with pytest.raises(UnicodeDecodeError):
        body.decode("utf-8")


@BOTH
async def test_an_empty_answer_and_a_server_error(visitor, feed):
    assert (await spoilt(visitor, feed, "empty"))[::2] == (200, b"")
    assert (await spoilt(visitor, feed, "error500"))[0] == 500


@BOTH
async def test_a_duplicated_row_has_the_same_code_and_other_values(visitor, feed):
    good = codes(feed, (await visitor.get(PATHS[feed]))[2])
    body = (await spoilt(visitor, feed, "duplicate-row"))[2]
    assert Counter(codes(feed, body)) - Counter(good) == {good[0]: 1}


@BOTH
async def test_an_unknown_code_comes_on_top_of_the_good_rows(visitor, feed):
    good = codes(feed, (await visitor.get(PATHS[feed]))[2])
    body = (await spoilt(visitor, feed, "unknown-code"))[2]
    assert codes(feed, body)[:-1] == good
    assert codes(feed, body)[-1] not in {*TERRITORY.portal_codes, *TERRITORY.portal_codes.values()}


async def test_a_feed_from_the_future_is_thirty_days_ahead(visitor):
    data = json.loads((await spoilt(visitor, "portal", "future"))[2])["data"]
    assert data["updatedAt"] == data["evaluation"][0]["updatedAt"] == "2026-12-21T01:00:00+07:00"
    assert csv_rows((await spoilt(visitor, "manual", "future"))[2])[0]["Ngày số liệu"] == "21/12/2026"
    found = samples((await spoilt(visitor, "metrics", "future"))[2])
    assert {at for _name, labels, _value, at in found if "unit" in labels} == {(NOON + timedelta(days=30)).timestamp()}


@BOTH
async def test_a_huge_answer_goes_on_after_the_data(visitor, feed):
    whole = (await visitor.get(PATHS[feed]))[2]
    await visitor.put(f"feeds/{feed}", {"mode": "huge"})
    body = await visitor.first_bytes(PATHS[feed], len(whole) + 2_000_000)
    assert body.startswith(whole)


@BOTH
async def test_a_dripping_answer_comes_byte_by_byte_and_never_ends(visitor, feed):
    whole = (await visitor.get(PATHS[feed]))[2]
    await visitor.put(f"feeds/{feed}", {"mode": "drip"})
    assert await visitor.first_bytes(PATHS[feed], 30) == whole[:30]
    assert set(visitor.clock.slept) == {1.0}
    assert len(visitor.clock.slept) >= 29


async def test_a_spoilt_feed_is_whole_again_when_mended(visitor):
    whole = (await visitor.get(RESULTS))[2]
    for mode in FEED_MODES:
        if mode not in ("huge", "drip"):
            await visitor.put("feeds/portal", {"mode": mode})
            await visitor.get(RESULTS)
    await visitor.put("feeds/portal", {"mode": "ok"})
    assert (await visitor.get(RESULTS))[2] == whole


async def test_one_service_can_be_spoilt_alone(visitor):
    await visitor.put("feeds/dossier-digitized", {"mode": "empty"})
    assert (await visitor.get("/api/v1/reporting/evaluation/dossier-digitized"))[2] == b""
    assert (await visitor.get(RESULTS))[2] != b""


# --- starting and stopping ------------------------------------------------------------------------------------


async def test_it_listens_on_loopback_only():
    province = SimulatedProvince(World(19, TERRITORY), StandingClock())
    with pytest.raises(ValueError, match="loopback"):
        await province.start("0.0.0.0", 0, 0)


async def test_a_taken_port_is_an_error_and_nothing_is_left_listening(visitor):
    other = SimulatedProvince(World(19, TERRITORY), StandingClock())
    with pytest.raises(OSError, match="Address already in use"):
        await other.start(port=0, tcp_port=visitor.province.tcp_port)
    with pytest.raises(aiohttp.ClientConnectionError):
        await visitor.session.get(other.url + "/control")


async def test_serve_says_when_it_listens_and_gives_the_ports_back_when_cancelled():
    started: asyncio.Future[SimulatedProvince] = asyncio.get_running_loop().create_future()
    options = SimulateOptions(TERRITORY, port=0, tcp_port=0)
    running = asyncio.create_task(serve(options, StandingClock(), started.set_result))
    province = await started
    async with aiohttp.ClientSession() as session, session.get(province.url) as response:
        assert json.loads(await response.text())["province"]["communes"] == 92
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not await accepts(province.tcp_port)
