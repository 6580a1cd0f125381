"""The monitor watches itself, in virtual time: each way to break it, who hears of it, and when the heartbeat stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from monitor.alerting.limits import Limits
from monitor.alerting.orders import Order, silence_of
from monitor.alerting.plan import Policy, StepSpec
from monitor.alerting.selfwatch import Condition
from monitor.model.colour import Colour
from monitor.model.incident import Fault, Kind, Notice, Outcome, Receipt
from monitor.model.reading import Reading
from monitor.model.state import UnitState
from monitor.service.canary import DEADLINE, PERIOD, UNIT
from monitor.testing import run
from monitor.testing.doubles import Reply
from monitor.testing.site import COMMUNES
from tests.unit.own_alarm_scene import START, Scene, lived

Story = Callable[[Scene], Awaitable[None]]
DOWN = Reply(Receipt(Outcome.TRY_AGAIN, "down"), arrives=False)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", "monitor")


def played(story: Story, **limits: Limits) -> None:
    async def all_of_it() -> None:
        await lived(Scene(limits), story)

    run(all_of_it())


def minutes_of(scene: Scene) -> list[int]:
    """When the watcher outside heard a heartbeat, in minutes since the start."""
    return [int((at - START).total_seconds() // 60) for at in scene.host.beats]


def test_a_service_that_works_beats_every_minute_and_says_nothing():
    async def story(scene: Scene) -> None:
        await scene.passes(60)
        assert scene.heard == []
        assert minutes_of(scene) == list(range(1, 76)) or minutes_of(scene) == list(range(1, 75))

    played(story)


def test_a_start_that_takes_long_is_no_store_that_is_down():
    """On a busy machine the first start, which makes the database, takes longer than a store may be silent."""

    async def story() -> None:
        scene = Scene({})
        await scene.passes(5)  # built, and not started yet
        await scene.service.start()
        await scene.passes(2)
        assert scene.heard == []
        await scene.service.stop()

    run(story())


def test_a_full_disk_is_told_directly_within_a_minute_and_stops_the_heartbeat():
    async def story(scene: Scene) -> None:
        scene.store.full = True
        scene.down.update(COMMUNES[:3])
        await scene.passes(10)
        assert scene.heard[0] == ("store_down", "self", 15.0) or scene.heard[0] == ("store_down", "self", 16.0)
        assert [one for one, _, _ in scene.heard] == ["store_down"]
        assert [minute for minute in minutes_of(scene) if 17 <= minute < 25] == []
        scene.store.full = False
        await scene.passes(5)
        assert minutes_of(scene)[-1] >= 28
        await scene.passes(13)
        assert scene.heard[1][:2] == ("store_down", "self_over")
        assert scene.on == []

    played(story)


def test_a_store_that_hangs_is_told_although_nothing_can_be_stored():
    async def story(scene: Scene) -> None:
        hangs = scene.store.hangs = asyncio.Event()
        await scene.passes(6)
        assert {one for one, _, _ in scene.heard} >= {"store_down"}
        assert scene.heard[0][2] <= 16
        scene.store.hangs = None
        hangs.set()
        await scene.passes(17)
        assert scene.on == []

    played(story)


def test_a_low_disk_is_told_once_repeated_each_hour_and_once_when_it_is_over():
    async def story(scene: Scene) -> None:
        scene.host.share = 3.0
        await scene.passes(150)
        assert scene.heard == [("disk_low", "self", 16.0), ("disk_low", "self", 76.0), ("disk_low", "self", 136.0)]
        scene.host.share = 30.0
        await scene.passes(10)
        assert scene.heard[3][:2] == ("disk_low", "self_over")
        assert len(scene.heard) == 4

    played(story)


def test_what_was_answered_is_not_repeated_but_its_end_is_told():
    async def story(scene: Scene) -> None:
        scene.host.share = 3.0
        await scene.passes(5)
        (alarm,) = scene.service.self_watch.shown()
        await scene.service.self_watch.acknowledge(alarm.ref.lower(), "admin")
        assert scene.service.self_watch.shown()[0].answered_by == "admin"
        assert await scene.service.self_watch.acknowledge("NOBODY", "admin") is None
        await scene.passes(70)
        assert len(scene.heard) == 1
        scene.host.share = 30.0
        await scene.passes(5)
        assert [text for _, text, _ in scene.heard] == ["self", "self_over"]

    played(story)


def test_a_gateway_that_is_down_is_told_by_the_channel_of_our_own():
    async def story(scene: Scene) -> None:
        scene.broken |= {"sms": DOWN, "mail": DOWN}
        scene.down.add(COMMUNES[0])
        await scene.passes(20)
        first, told = scene.heard
        assert first[:2] == ("unheard", "self")
        assert told[:2] == ("stuck_outbox", "self")
        assert 26 <= told[2] <= 30  # ten minutes after the first call was due
        scene.broken.clear()
        await scene.passes(10)
        assert sorted(one[:2] for one in scene.heard[2:]) == [("stuck_outbox", "self_over"), ("unheard", "self_over")]

    played(story)


def test_an_outbox_that_nobody_empties_does_not_keep_the_alarm_about_it():
    async def story(scene: Scene) -> None:
        (sender,) = (task for task in scene.service._tasks if task.get_name() == "sender")
        sender.cancel()
        scene.down.add(COMMUNES[0])
        await scene.passes(20)
        assert [one for one, _, _ in scene.heard] == ["stuck_outbox"]
        last = minutes_of(scene)[-1]
        assert last <= scene.heard[0][2] + 1
        await scene.passes(30)
        assert minutes_of(scene)[-1] == last

    played(story)


def test_sources_that_are_no_longer_polled_are_an_alarm_after_five_periods():
    async def story(scene: Scene) -> None:
        await scene.service.poller.stop()
        await scene.passes(4)
        assert scene.heard == []
        await scene.passes(5)
        assert [(one, text) for one, text, _ in scene.heard] == [("no_sweep", "self")]
        assert minutes_of(scene)[-1] <= 21

    played(story)


def test_an_evaluator_that_hangs_is_told_past_it():
    async def story(scene: Scene) -> None:
        async with scene.service.evaluator._commits.turn:
            scene.down.update(COMMUNES)
            await scene.passes(5)
            assert [one for one, _, _ in scene.heard] == ["no_decision"]
        await scene.passes(5)
        assert scene.on == []

    played(story)


def test_a_clock_that_is_stepped_is_told_and_neither_hastens_nor_delays_a_repeat():
    async def story(scene: Scene) -> None:
        scene.host.share = 3.0
        await scene.passes(5)
        scene.clock.step = timedelta(hours=1)
        await scene.passes(60)
        told = [(one, text) for one, text, _ in scene.heard]
        assert sorted(told) == [
            ("clock_jump", "self"), ("clock_jump", "self_over"), ("disk_low", "self"), ("disk_low", "self"),
        ]  # fmt: skip

    played(story)


def test_a_config_that_is_refused_is_an_alarm_until_it_is_mended():
    async def story(scene: Scene) -> None:
        scene.service.refuse(("config.yaml:3: unknown key",))
        await scene.passes(2)
        scene.service.site_problems = ()
        await scene.passes(3)
        assert [(one, text) for one, text, _ in scene.heard] == [
            ("config_broken", "self"),
            ("config_broken", "self_over"),
        ]
        assert len(minutes_of(scene)) >= 18  # it works all the same

    played(story)


def test_what_waits_in_the_outbox_of_an_alarm_is_told_once_and_not_at_all_when_it_is_over_or_answered():
    async def story(scene: Scene, *, over: bool = False, answered: bool = False) -> list[str]:
        scene.broken["own"] = DOWN
        scene.service.refuse(("config.yaml:3: unknown key",))
        await scene.passes(200)
        if answered:
            (alarm,) = (one for one in scene.service.self_watch.shown() if one.condition is Condition.CONFIG_BROKEN)
            await scene.service.self_watch.acknowledge(alarm.ref, "admin")
        if over:
            scene.service.site_problems = ()
            await scene.passes(3)
        scene.broken.clear()
        await scene.passes(10)
        return [text for one, text, _ in scene.heard if one == "config_broken"]

    def heard(**more: bool) -> list[str]:
        said: list[str] = []

        async def kept(scene: Scene) -> None:
            said.extend(await story(scene, **more))

        played(kept)
        return said

    assert heard() == ["self"]  # of four that were owed
    assert heard(over=True) == []
    assert heard(answered=True) == []
    assert heard(answered=True, over=True) == []


def test_a_channel_that_is_broken_for_everybody_is_an_alarm():
    async def story(scene: Scene) -> None:
        refused = Receipt(Outcome.REFUSED, "no money", fault=Fault.CHANNEL)
        scene.broken |= {"sms": Reply(refused, arrives=False), "mail": Reply(refused, arrives=False)}
        scene.down.add(COMMUNES[0])
        await scene.passes(10)
        assert [(one, text) for one, text, _ in scene.heard] == [("channel_stopped", "self"), ("unheard", "self")]

    played(story)


def test_a_restart_tells_nothing_twice():
    async def story(scene: Scene) -> None:
        scene.host.share = 3.0
        await scene.passes(5)
        await scene.service.stop()
        scene.service = scene.made()
        await scene.service.start()
        await scene.passes(10)
        assert len(scene.heard) == 1
        await scene.passes(60)
        assert len(scene.heard) == 2  # the repeat, in its time

    played(story)


def test_a_message_that_could_not_be_sent_before_a_restart_is_told_after_it():
    async def story(scene: Scene) -> None:
        scene.broken["own"] = DOWN
        scene.host.share = 3.0
        await scene.passes(5)
        await scene.service.stop()
        scene.broken.clear()
        scene.service = scene.made()
        await scene.service.start()
        await scene.passes(5)
        assert [one for one, _, _ in scene.heard] == ["disk_low"]

    played(story)


def test_what_is_over_before_the_operator_could_be_told_is_never_told():
    async def story(scene: Scene) -> None:
        scene.broken["own"] = DOWN
        scene.host.share = 3.0
        await scene.passes(5)
        scene.host.share = 30.0
        await scene.passes(5)
        scene.broken.clear()
        await scene.passes(30)
        assert scene.heard == []

    played(story)


def test_a_heartbeat_that_nobody_hears_or_that_hangs_is_counted_and_delays_nothing():
    async def story(scene: Scene) -> None:
        scene.host.deaf, scene.host.hangs = "no connection", 5.0
        scene.down.add(COMMUNES[0])
        await scene.passes(10)
        registry = scene.service.metrics.registry
        assert (registry.get_sample_value("denbao_own_heartbeat_total", {"outcome": "failed"}) or 0) >= 8
        assert scene.transports["sms"].rings or scene.transports["mail"].rings
        assert scene.heard == []

    played(story)


def test_no_heartbeat_goes_out_before_the_first_sweep_is_judged():
    async def story() -> None:
        scene = Scene()
        scene.store.full = True
        await scene.service.start()
        await scene.passes(10)
        assert scene.host.beats == []
        await scene.service.stop()

    run(story())


def test_a_database_that_comes_and_goes_is_told_at_most_each_quarter_of_an_hour():
    """P12."""

    async def story(scene: Scene) -> None:
        scene.service.self_watch._own = replace(scene.site.own_alarm, repeat=60.0)
        for _ in range(10):  # an hour
            scene.store.full = True
            await scene.passes(2)
            scene.store.full = False
            await scene.passes(4)
        told = [minute for one, text, minute in scene.heard if (one, text) == ("store_down", "self")]
        assert 2 <= len(told) <= 4
        assert all(later - earlier >= 15 for earlier, later in pairwise(told))

    played(story)


def colour_of(scene: Scene, unit: str) -> str:
    return scene.service.evaluator.shown[unit].criteria["centre"].colour.value


def test_what_happened_while_nothing_could_be_stored_is_judged_on_return_and_told_once():
    """P12: polling goes on, and the return is no storm."""

    async def story(scene: Scene) -> None:
        scene.store.full = True
        scene.down.update(COMMUNES[:3])
        await scene.passes(4)
        scene.down.discard(COMMUNES[2])  # it came back before anybody could be told
        await scene.passes(4)
        assert [colour_of(scene, unit) for unit in COMMUNES] == ["red", "red", *["green"] * (len(COMMUNES) - 2)]
        rang = len(scene.transports["sms"].rings)
        scene.store.full = False
        await scene.passes(3)
        told = {ring.notice.unit for ring in scene.transports["sms"].rings[rang:]}
        assert told == set(COMMUNES[:2])
        assert len(scene.transports["sms"].rings) - rang == 2
        assert {colour_of(scene, unit) for unit in COMMUNES[2:]} == {"green"}
        await scene.passes(5)
        assert [text for one, text, _ in scene.heard if one == "store_down"] == ["self"]

    played(story)


# -- the auditor -----------------------------------------------------------------------------------------------------


def test_sc80_a_call_due_for_less_than_the_limit_is_valid_and_one_overdue_stops_the_heartbeat():
    """SC-80: due for a moment is valid; overdue for long is an audit error, and no heartbeat goes out."""

    async def story(scene: Scene) -> None:
        scene.down.add(COMMUNES[0])
        await scene.passes(5)
        (incident,) = scene.service.evaluator.states[COMMUNES[0]].incidents.values()
        planted_at = scene.clock.now()

        def stick(state: UnitState) -> UnitState:  # the head is to be called now, and nothing will do so
            first, head, *rest = incident.steps
            steps = (first, replace(head, due_at=planted_at), *rest)
            return replace(state, incidents={incident.cause: replace(incident, steps=steps)})

        scene.store.plant(COMMUNES[0], stick)
        await scene.passes(1)
        assert scene.on == []
        await scene.passes(2)
        assert scene.on == ["plan_gap"]
        (told,) = scene.heard
        assert told[:2] == ("plan_gap", "self")
        assert told[2] - (planted_at - START).total_seconds() / 60 <= 3  # minutes
        beats = len(scene.host.beats)
        await scene.passes(2)
        assert len(scene.host.beats) == beats
        entries = [entry for entry, _ in await scene.store.audit_trail() if entry.action == "plan gap"]
        assert [(entry.actor, entry.subject) for entry in entries] == [("auditor", incident.key)]
        assert scene.service.metrics.registry.get_sample_value("denbao_auditor_gaps") == 1

    played(story)


def test_sc80_a_deleted_message_is_found_and_its_end_is_told_when_the_incident_is_over():
    """SC-80."""

    async def story(scene: Scene) -> None:
        scene.down.add(COMMUNES[0])
        await scene.passes(5)
        (incident,) = scene.service.evaluator.states[COMMUNES[0]].incidents.values()
        scene.store.lose(incident.owed[0])
        await scene.passes(3)
        assert [(one, text) for one, text, _ in scene.heard] == [("plan_gap", "self")]
        scene.down.clear()
        await scene.passes(10)
        assert [(one, text) for one, text, _ in scene.heard] == [("plan_gap", "self"), ("plan_gap", "self_over")]

    played(story)


def test_an_auditor_that_does_not_run_is_an_alarm():
    async def story(scene: Scene) -> None:
        async def never() -> None:
            await asyncio.Event().wait()

        scene.service.auditor.look = never  # type: ignore[method-assign]
        await scene.passes(4)
        assert [(one, text) for one, text, _ in scene.heard] == [("auditor_silent", "self")]
        last = minutes_of(scene)[-1]
        await scene.passes(3)
        assert minutes_of(scene)[-1] == last

    played(story)


# -- calls that nobody took (P2) -------------------------------------------------------------------------------------

UNKNOWN_NUMBER = Reply(Receipt(Outcome.REFUSED, "no such number", fault=Fault.RECIPIENT), arrives=False)


def test_a_step_that_every_channel_refuses_is_told_the_operator_until_the_next_step_is_heard():
    """P2: accepted on at least one channel, or "delivery failed" is open and paged."""

    async def story(scene: Scene) -> None:
        scene.broken |= {"sms": UNKNOWN_NUMBER}
        scene.down.add(COMMUNES[0])
        await scene.passes(8)
        (incident,) = scene.service.evaluator.states[COMMUNES[0]].incidents.values()
        (told,) = scene.heard
        assert told[:2] == ("unheard", "self")
        assert told[2] - (incident.opened_at - START).total_seconds() / 60 <= 2  # minutes
        (ring,) = scene.transports["own"].rings
        assert f"1 lần gọi, cũ nhất {COMMUNES[0]} mã {incident.ref} (focal)" in ring.notice.subject
        beats = len(scene.host.beats)
        await scene.passes(2)
        assert len(scene.host.beats) == beats + 2  # a wrong number does not stop the heartbeat
        await scene.passes(6)  # after ten minutes the head was called, by mail
        assert [(one, text) for one, text, _ in scene.heard] == [("unheard", "self"), ("unheard", "self_over")]

    played(story)


def test_a_step_that_fails_everywhere_is_tried_on_for_ever_and_told_until_it_is_heard():
    async def story(scene: Scene) -> None:
        scene.broken |= {"sms": DOWN, "mail": DOWN}
        scene.down.add(COMMUNES[0])
        await scene.passes(70)
        told = [(one, text) for one, text, _ in scene.heard]
        assert told.count(("unheard", "self")) == 2  # once, and again after an hour
        tried = [asked.at for asked in scene.transports["sms"].asked]
        assert (scene.clock.now() - tried[-1]).total_seconds() <= 60
        scene.broken.clear()
        await scene.passes(5)
        assert ("unheard", "self_over") in [(one, text) for one, text, _ in scene.heard]
        assert scene.on == []

    played(story)


def test_a_call_that_waits_for_the_next_day_s_budget_is_told_the_operator():
    """P2: the sms of the second focal point is over the day's budget, and they have no other channel."""

    async def story(scene: Scene) -> None:
        scene.down.update(COMMUNES[:2])
        await scene.passes(8)
        (ring,) = scene.transports["sms"].rings
        (unlucky,) = (code for code in COMMUNES[:2] if ring.notice.unit != code)
        (incident,) = scene.service.evaluator.states[unlucky].incidents.values()
        (told,) = scene.heard
        assert told[:2] == ("unheard", "self")
        assert told[2] - (incident.opened_at - START).total_seconds() / 60 <= 2  # minutes
        assert (
            f"1 lần gọi, cũ nhất {unlucky} mã {incident.ref} (focal)" in scene.transports["own"].rings[0].notice.subject
        )
        await scene.passes(12)  # by now the head has been called, by mail
        assert [(one, text) for one, text, _ in scene.heard] == [("unheard", "self"), ("unheard", "self_over")]

    played(story, sms=Limits(per_day=1))


def test_a_call_that_waits_for_the_next_day_s_budget_and_is_repeated_is_one_alarm():
    """The chair has nothing but an SMS, is called every twenty minutes, and each call replaces the one before."""

    async def story(scene: Scene) -> None:
        scene.down.add(COMMUNES[0])
        await scene.passes(150)
        told = [text for one, text, _ in scene.heard if one == "unheard"]
        assert told == ["self"] * 3  # once, and again each hour

    async def by_sms_only() -> None:
        scene = Scene({"sms": Limits(per_day=1)})
        directory = scene.site.directory
        people = (replace(one, channels=("sms",)) if one.id == "chair" else one for one in directory.recipients)
        scene.site = replace(scene.site, directory=replace(directory, recipients=tuple(people)))
        scene.service = scene.made()
        await lived(scene, story)

    run(by_sms_only())


def test_a_call_that_is_not_red_and_waits_for_the_next_day_s_budget_is_told_the_operator_later():
    """P2: after as long as any message may be stuck, for such a call may wait longer than a red one."""

    async def story(scene: Scene) -> None:
        now = scene.clock.now()
        await scene.service.evaluator.submit([Reading(unit, "online", 75.0, now, now, "test") for unit in COMMUNES[:2]])
        await scene.passes(9)
        (ring,) = scene.transports["sms"].rings
        assert ring.notice.colour is Colour.YELLOW
        (unlucky,) = (code for code in COMMUNES[:2] if ring.notice.unit != code)
        (incident,) = scene.service.evaluator.states[unlucky].incidents.values()
        assert scene.heard == []
        await scene.passes(3)
        (told,) = scene.heard
        assert told[:2] == ("unheard", "self")
        waited = told[2] - (incident.opened_at - START).total_seconds() / 60  # minutes
        assert 9 < waited <= 11  # told in whole minutes
        assert f"cũ nhất {unlucky} mã {incident.ref} (focal)" in scene.transports["own"].rings[0].notice.subject

    async def told_at_once() -> None:
        scene = Scene({"sms": Limits(per_day=1)})
        at_once = Policy("yellow", frozenset({Kind.KPI_YELLOW}), (StepSpec(0.0, ("focal",), ("sms",)),))
        directory = scene.site.directory
        scene.site = replace(scene.site, directory=replace(directory, policies=(directory.policies[0], at_once)))
        scene.service = scene.made()
        await lived(scene, story)

    run(told_at_once())


def test_a_call_that_a_silence_held_is_as_old_as_the_end_of_the_silence():
    """The heartbeat goes on: the head of the outbox is not older than the two minutes that it may be."""

    async def story(scene: Scene) -> None:
        service, now = scene.service, scene.clock.now()
        order = Order(("criterion=centre",), "works on the line", seconds=3600)
        silence = silence_of(order, "an", scene.site.units, {"centre"}, scene.site.calendar.zone, now)
        await service.evaluator.mute(silence, "silence", "an")
        scene.down.add(COMMUNES[0])
        await scene.passes(59.5)
        scene.broken |= {"sms": DOWN, "mail": DOWN}
        await scene.passes(2)
        assert [asked.notice.recipient for asked in scene.transports["mail"].asked][:1] == ["head"]
        scene.broken.clear()
        beats = len(scene.host.beats)
        await scene.passes(5)
        assert len(scene.host.beats) == beats + 5
        assert minutes_of(scene)[-10:] == list(range(minutes_of(scene)[-1] - 9, minutes_of(scene)[-1] + 1))
        assert scene.heard == [] or [one for one, _, _ in scene.heard] == ["unheard", "unheard"]

    played(story)


def test_what_the_monitor_says_of_itself_is_never_over_a_limit():
    async def story(scene: Scene) -> None:
        scene.broken |= {"sms": UNKNOWN_NUMBER, "mail": UNKNOWN_NUMBER}
        scene.down.add(COMMUNES[0])
        await scene.passes(130)
        told = [(one, text) for one, text, _ in scene.heard]
        assert told.count(("unheard", "self")) == 3  # once, and again after each hour

    played(story, own=Limits(per_day=1))


def test_an_answer_or_a_recovery_supersedes_what_nobody_heard():
    async def story(scene: Scene) -> None:
        scene.broken |= {"sms": UNKNOWN_NUMBER}
        scene.down.update(COMMUNES[:2])
        await scene.passes(6)
        assert scene.on == ["unheard"]
        (first,) = scene.service.evaluator.states[COMMUNES[0]].incidents.values()
        await scene.service.evaluator.acknowledge(first.ref, "an")
        await scene.passes(2)
        assert scene.on == ["unheard"]
        scene.down.clear()
        await scene.passes(6)
        assert scene.on == []

    played(story)


# -- the canary and what else the heartbeat proves (P13) -------------------------------------------------------------


def test_the_canary_comes_back_again_and_again_and_nobody_ever_sees_it():
    async def story(scene: Scene) -> None:
        scene.down.add(COMMUNES[0])
        await scene.passes(30)
        service, store = scene.service, scene.store
        canary = service.canary
        assert canary is not None and canary.passed_at is not None and canary.seconds is not None
        assert scene.clock.monotonic() - canary.passed_at <= PERIOD + DEADLINE
        assert canary.seconds <= DEADLINE
        assert UNIT not in service.evaluator.states and UNIT not in {unit.code for unit in service.snapshot().units}
        seen = [
            *await store.incidents(open_only=False), *await store.deliveries(), *await store.audit_trail(limit=10_000),
            *(await store.outbox()), *(await store.outcomes()), *await store.load_states(),
            *(await store.recorded("notices")).facts, *scene.transports["own"].asked, *scene.transports["sms"].asked,
        ]  # fmt: skip
        assert len(seen) > 5 and "canary" not in repr(seen)
        page = (await service.metrics.page(store, scene.clock.now())).decode()
        assert "~canary" not in page
        assert "denbao_canary_last_success_timestamp_seconds 1" in page

    played(story)


async def _no_return(scene: Scene) -> None:
    assert scene.service.canary is not None
    scene.service.canary._heard = asyncio.Event()  # what rings it now is another one
    scene.service.canary._heard.set = lambda: None  # type: ignore[method-assign]


async def _slow(scene: Scene) -> None:
    canary = scene.service.canary
    assert canary is not None
    send = canary.send

    async def late(notice: Notice, *, attempt: int, maybe_sent: bool) -> Receipt:
        await scene.clock.sleep(6)
        return await send(notice, attempt=attempt, maybe_sent=maybe_sent)

    canary.send = late  # type: ignore[method-assign]


async def _not_polled(scene: Scene) -> None:
    await scene.service.poller.stop()


async def _not_sent(scene: Scene) -> None:
    scene.broken |= {"sms": DOWN, "mail": DOWN}
    scene.down.add(COMMUNES[0])
    await scene.passes(3)  # two bad answers, and the call is owed


async def _lagging(scene: Scene) -> None:
    scene.clock.drag = 1.5


async def _full(scene: Scene) -> None:
    scene.host.share = 5.0


@pytest.mark.parametrize("broken", [_no_return, _slow, _not_polled, _not_sent, _lagging, _full])
def test_the_heartbeat_stops_within_three_minutes_of_each_thing_that_breaks(broken: Callable[[Scene], Awaitable[None]]):
    """P13: each of the six conditions broken, and the ping stops within 180 s."""

    async def story(scene: Scene) -> None:
        await broken(scene)
        begun = scene.clock.now()
        await scene.passes(10)
        assert (scene.host.beats[-1] - begun).total_seconds() <= 180

    played(story)


def test_the_heartbeat_goes_on_when_what_was_broken_is_mended():
    async def story(scene: Scene) -> None:
        await _full(scene)
        await _lagging(scene)
        await scene.passes(10)
        scene.host.share, scene.clock.drag = 30.0, 0.0
        await scene.passes(4)
        assert (scene.clock.now() - scene.host.beats[-1]).total_seconds() <= 60

    played(story)
