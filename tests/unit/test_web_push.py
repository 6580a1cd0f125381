"""Pushed readings: believed or refused row by row, taken all or nothing, answered when committed."""

from __future__ import annotations

import asyncio
import gzip
import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config.spec import Token
from monitor.engine.evidence import FUTURE_TOLERANCE, believable
from monitor.model.reading import Collected
from monitor.model.unit import Units
from monitor.web import push as pushes
from monitor.web.problems import Problem
from tests.unit.web_site import NOW, bearer, running, site, visiting

AS_OF = "2026-11-18T09:30:00+07:00"


def row(**changes: object) -> dict[str, object]:
    return {"unit": "02103", "indicator": "online_rate", "value": 70, "as_of": AS_OF, **changes}


async def push(client, rows, role="pusher", **options):
    return await client.post("/api/v1/readings", json={"readings": rows}, headers=bearer(role), **options)


async def test_a_pushed_reading_is_judged_and_committed_before_the_answer():
    async with running(site()) as world, visiting(world) as client:
        answer = await push(client, [row(numerator=7, denominator=10)])
        assert answer.status == 200
        assert await answer.json() == {"accepted": 1}
        [stored] = [r for r in await world.service.store.readings("02103", "online_rate") if r.value == 70.0]
        assert stored.source == "push:pusher-1"
        unit = await (await client.get("/api/v1/units/02103")).json()
        assert unit["colour"] == "yellow"


async def test_the_same_batch_twice_is_one_fact():
    async with running(site()) as world, visiting(world) as client:
        for _ in range(2):
            assert (await push(client, [row()])).status == 200
        stored = await world.service.store.readings("02103", "online_rate")
        assert len([r for r in stored if r.value == 70.0]) == 1


async def test_an_older_reading_never_overwrites_a_newer_one():
    async with running(site()) as world, visiting(world) as client:
        await push(client, [row(value=5, as_of="2026-11-01")])
        unit = await (await client.get("/api/v1/units/02103")).json()
        assert unit["colour"] == "green"


async def test_an_instant_without_an_offset_is_the_sites_time():
    async with running(site()) as world, visiting(world) as client:
        await push(client, [row(as_of="2026-11-18T09:30:00")])
        stored = await world.service.store.readings("02103", "online_rate")
        assert "2026-11-18T02:30:00+00:00" in {r.as_of.isoformat() for r in stored}


async def test_a_source_whose_clock_runs_ahead_a_little_is_clamped():
    async with running(site()) as world, visiting(world) as client:
        await push(client, [row(as_of="2026-11-18T03:00:30Z")])
        stored = await world.service.store.readings("02103", "online_rate")
        assert max(r.as_of for r in stored) == NOW


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"unit": "99999"}, "unit"),
        ({"unit": 2103}, "unit"),
        ({"indicator": "nonsense"}, "indicator"),
        ({"value": 100.5}, "value"),
        ({"value": -1}, "value"),
        ({"value": "70"}, "value"),
        ({"value": True}, "value"),
        ({"value": None}, "value"),
        ({"value": [70]}, "value"),
        ({"value": 10**400}, "value"),
        ({"as_of": "2026-11-18T03:02:00Z"}, "as_of"),
        ({"as_of": "1999-12-31"}, "as_of"),
        ({"as_of": "0001-01-01"}, "as_of"),
        ({"as_of": "yesterday"}, "as_of"),
        ({"as_of": None}, "as_of"),
        ({"comparator": "!="}, "comparator"),
        ({"denominator": -1}, "denominator"),
        ({"numerator": "7"}, "numerator"),
        ({"numerator": 11, "denominator": 10}, "value"),
        ({"numerator": 6, "denominator": 10}, "value"),
        ({"colour": "green"}, "colour"),
    ],
)
async def test_a_row_that_cannot_be_believed_is_named_and_nothing_of_its_batch_is_taken(changes, field):
    async with running(site()) as world, visiting(world) as client:
        answer = await push(client, [row(unit="02104"), row(**changes)])
        assert answer.status == 422
        problem = await answer.json(content_type=None)
        assert [(e["row"], e["field"]) for e in problem["errors"]] == [(1, field)]
        assert problem["errors"][0]["detail"]
        assert len(await world.service.store.readings("02104", "online_rate")) == 1  # the one from the start


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"readings": []}', 422),
        (b'{"readings": {}}', 422),
        (b'{"readings": ["x"]}', 422),
        (b'{"readings": [], "more": 1}', 422),
        (b'{"readings": [{"value": NaN}]}', 400),
        (b'{"readings": [{"value": 1e999}]}', 400),
        (b"[" * 100_000, 400),
        (b"\xff\xfe", 400),
        (b'{"readings": [' + b",".join([b"{}"] * 1001) + b"]}", 413),
        (b'{"readings": "' + b"x" * 1_100_000 + b'"}', 413),
    ],
)
async def test_a_body_that_is_not_a_batch_is_refused(body, status):
    async with running(site()) as world, visiting(world) as client:
        headers = {**bearer("pusher"), "Content-Type": "application/json"}
        answer = await client.post("/api/v1/readings", data=body, headers=headers)
        assert answer.status == status
        assert (await answer.json(content_type=None))["status"] == status


async def test_a_packed_body_is_refused_before_it_is_unpacked():
    async with running(site()) as world, visiting(world) as client:
        headers = {**bearer("pusher"), "Content-Type": "application/json", "Content-Encoding": "gzip"}
        body = gzip.compress(json.dumps({"readings": [row()]}).encode())
        assert (await client.post("/api/v1/readings", data=body, headers=headers)).status == 415


async def test_a_lone_surrogate_in_a_note_is_cleaned_and_the_reading_counts():
    async with running(site()) as world, visiting(world) as client:
        headers = {**bearer("pusher"), "Content-Type": "application/json"}
        body = json.dumps({"readings": [row(note="a\ud800\x00b")]})
        assert (await client.post("/api/v1/readings", data=body, headers=headers)).status == 200
        assert "a\ufffdb" in {r.note for r in await world.service.store.readings("02103", "online_rate")}


async def test_a_token_may_push_sixty_batches_a_minute():
    async with running(site()) as world, visiting(world) as client:
        statuses = [(await push(client, [])).status for _ in range(61)]
        assert statuses == [422] * 60 + [429]
        world.clock.move(61)
        assert (await push(client, [row()])).status == 200


async def test_while_the_store_cannot_be_written_a_push_is_not_accepted():
    async with running(site()) as world, visiting(world) as client:
        async with world.without_store():
            answer = await push(client, [row()])
            assert answer.status == 503
            assert answer.headers["Retry-After"]
            assert "disk" not in await answer.text()
        assert (await push(client, [row()])).status == 200


async def test_what_is_pushed_while_another_commit_ends_is_not_called_committed_too_early():
    async with running(site()) as world:
        evaluator, store = world.service.evaluator, world.service.store
        saving, go_on = asyncio.Event(), asyncio.Event()

        async def slow(_health: object) -> None:
            saving.set()
            await go_on.wait()

        store.save_health = slow  # type: ignore[assignment,method-assign]
        evaluator.take(Collected("portal", NOW, failure="no answer"))
        await saving.wait()
        late = asyncio.ensure_future(world.learn("02105", "online_rate", 62.0))
        await asyncio.sleep(0)
        go_on.set()
        await late
        assert evaluator.states["02105"].evidence["online_rate"].value == 62.0


@pytest.mark.parametrize("value", [0, 100])
async def test_a_rate_of_nothing_is_no_rate_when_it_is_pushed_either(value):
    async with running(site()) as world, visiting(world) as client:
        answer = await push(client, [row(value=value, numerator=0, denominator=0)])
        assert answer.status == 422
        [error] = (await answer.json())["errors"]
        assert error == {"row": 0, "field": "denominator", "detail": "the denominator is 0: there is nothing to rate"}


@pytest.mark.parametrize("other", [{"value": 95}, {"value": 55, "comparator": "<="}, {"value": 55, "denominator": 10}])
async def test_a_batch_that_contradicts_itself_is_refused_with_all_rows_that_do(other):
    async with running(site()) as world, visiting(world) as client:
        answer = await push(client, [row(value=55), row(unit="02104"), row(**other)])
        assert answer.status == 422
        problem = await answer.json()
        assert problem["type"].endswith("duplicate")
        said = "rows 0, 2 say different things of the same unit, indicator and instant"
        assert problem["errors"] == [{"row": number, "field": "value", "detail": said} for number in (0, 2)]
        assert not [r for r in await world.service.store.readings("02104", "online_rate") if r.value == 70.0]


async def test_rows_that_say_the_same_and_rows_of_other_instants_contradict_nothing():
    async with running(site()) as world, visiting(world) as client:
        batch = [row(), row(), row(value=71, as_of="2026-11-18T09:31:00+07:00")]
        assert (await push(client, batch)).status == 200


async def test_a_figure_that_only_grows_and_has_fallen_is_refused_by_its_row_and_a_correction_is_taken():
    made = site()
    grows = replace(made.ruleset.indicators["online_rate"], rising=True)
    ruleset = replace(made.ruleset, indicators={**made.ruleset.indicators, grows.id: grows})
    async with running(replace(made, ruleset=ruleset)) as world, visiting(world) as client:
        assert (await push(client, [row(value=70)])).status == 200
        answer = await push(client, [row(unit="02100", value=5), row(value=7, as_of="2026-11-18T09:40:00+07:00")])
        assert answer.status == 422
        problem = await answer.json()
        assert problem["type"] == "urn:denbao:problem:backwards"
        (error,) = problem["errors"]
        assert (error["row"], error["field"]) == (1, "value") and "7, but 70 on 2026-11-18: it only" in error["detail"]
        assert 5.0 not in {one.value for one in await world.service.store.readings("02100", "online_rate")}
        assert (await push(client, [row(value=6)])).status == 200  # the same instant: a correction
        assert (await push(client, [row(value=7, as_of="2026-11-18T09:40:00+07:00")])).status == 200


@pytest.mark.parametrize(("ends", "status"), [(date(2026, 11, 18), 422), (date(2026, 11, 19), 200)])
async def test_a_unit_that_has_ended_takes_no_more_pushes(ends, status):
    made = site()
    units = Units(tuple(replace(one, valid_to=ends) if one.code == "02103" else one for one in made.units))
    async with running(replace(made, units=units)) as world, visiting(world) as client:
        assert (await push(client, [row()])).status == status


async def test_what_a_person_brings_for_a_feed_is_that_feeds_word():
    async with running(site()) as world, visiting(world) as client:
        world.service._collected(Collected("portal", world.clock.now(), failure="feed portal: HTTP status 503"))
        body = {"readings": [row()], "feed": "portal"}
        answer = await client.post("/api/v1/readings", json=body, headers=bearer("operator"))
        assert (answer.status, await answer.json()) == (200, {"accepted": 1})
        [stored] = [r for r in await world.service.store.readings("02103", "online_rate") if r.value == 70.0]
        health = world.service.evaluator.health["portal"]
        assert (stored.source, health.answers, health.last_success) == ("portal", True, world.clock.now())


@pytest.mark.parametrize(
    ("role", "feed", "indicator", "status"),
    [
        ("pusher", "portal", "online_rate", 403),
        ("operator", "nobody", "online_rate", 422),
        ("operator", ["portal"], "online_rate", 422),
        ("operator", "portal", "centre_reachable", 422),
    ],
)
async def test_nobody_speaks_for_a_feed_that_is_not_theirs(role, feed, indicator, status):
    async with running(site()) as world, visiting(world) as client:
        reading = row(indicator=indicator, value=True) if indicator == "centre_reachable" else row()
        body = {"readings": [reading], "feed": feed}
        answer = await client.post("/api/v1/readings", json=body, headers=bearer(role))
        assert answer.status == status
        assert world.service.evaluator.health == {}


# -- whatever stands in a batch, it is refused by row or believable ----------------------------------------------------

SITE = site()
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["\ud800", "a\0b", ">", "2026-11-18", "9999-12-31T23:59:59-12:00"])
    | st.sampled_from(["0001-01-01T00:00+23:59", 10**400]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)  # fmt: skip
CHANGES = st.dictionaries(
    st.sampled_from(["unit", "indicator", "value", "as_of", "comparator", "numerator", "denominator", "note", "x"]),
    ANYTHING,
    max_size=2,
)


@settings(max_examples=300)
@given(st.lists(ANYTHING | CHANGES.map(lambda changed: row(**changed)), min_size=1, max_size=3))
def test_any_rows_are_believable_readings_or_refused_by_row(rows):
    try:
        taken = pushes._believed(rows, SITE, Token("robot", "pusher", "0" * 64), NOW, "push:robot")
        pushes._agreeing(taken)
    except Problem:
        taken = []
    for one in taken:
        assert believable(SITE.ruleset.indicators[one.indicator], one.value) is None
        assert one.as_of - NOW <= timedelta(seconds=FUTURE_TOLERANCE) and one.unit in SITE.units
