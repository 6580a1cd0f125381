"""The pure half of the monitor's own alarm: conditions, the life of an alarm, its messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.conditions import CONDITIONS as WORDS
from monitor.alerting.selfnotices import Operators, notices
from monitor.alerting.selfwatch import (
    CONDITIONS,
    EVENT,
    TABLE,
    Alarm,
    Condition,
    Event,
    Figures,
    Health,
    Limits,
    Stage,
    answered,
    found,
    step,
    withheld,
)
from monitor.model.segments import gsm_length
from tests.unit.alerting_scene import CALENDAR, CHAIR, DIRECTORY, FOCAL, PROVINCE

T = datetime(2025, 8, 6, 2, tzinfo=UTC)
WELL = Health(swept=10, decided=1, store=1, audited=30, free=50.0)
HOUR = 3600.0
UNHEARD: Figures = {
    "count": 3, "first_code": "02143", "first_ref": "K7Q2ZD",
    "posts_vi": "Lãnh đạo Trung tâm", "posts_en": "Head of the centre",
}  # fmt: skip
ILL = {
    Condition.NO_SWEEP: replace(WELL, swept=301),
    Condition.NO_DECISION: replace(WELL, decided=61),
    Condition.STORE_DOWN: replace(WELL, store=31),
    Condition.STUCK_OUTBOX: replace(WELL, stuck=3, stuck_for=700),
    Condition.UNHEARD: replace(WELL, unheard=UNHEARD),
    Condition.PLAN_GAP: replace(WELL, gaps=1),
    Condition.AUDITOR_SILENT: replace(WELL, audited=181),
    Condition.STALLED: replace(WELL, stood=120),
    Condition.CLOCK_JUMP: replace(WELL, jump=-3600),
    Condition.DISK_LOW: replace(WELL, free=4.9),
    Condition.CHANNEL_STOPPED: replace(WELL, stopped=1),
    Condition.TOKEN_ENDING: replace(WELL, ending=1),
    Condition.CONFIG_BROKEN: replace(WELL, problems=2),
    Condition.CUT_OFF: replace(WELL, cut=True),
}
OPERATORS = Operators(PROVINCE, (FOCAL, CHAIR), ("sms",), DIRECTORY, CALENDAR)


def at(seconds: float) -> datetime:
    return T + timedelta(seconds=seconds)


def test_nothing_is_wrong_with_a_monitor_that_works():
    assert found(WELL, Limits()) == {}
    assert found(Health(free=None), Limits()) == {}
    edge = Health(swept=300, decided=60, store=30, audited=180, stood=10, jump=5, free=5.0)
    assert found(edge, Limits()) == {}


@pytest.mark.parametrize("condition", Condition)
def test_each_condition_is_found_alone_and_has_words_in_both_languages(condition):
    assert list(found(ILL[condition], Limits())) == [condition]
    assert set(WORDS[condition]) == {"vi", "en"}


def test_the_heartbeat_stops_for_what_may_keep_people_from_being_told_and_for_nothing_else():
    goes_on = {condition for condition in Condition if not withheld(ILL[condition], Limits())}
    assert goes_on == {
        Condition.STALLED, Condition.CLOCK_JUMP, Condition.CHANNEL_STOPPED, Condition.TOKEN_ENDING,
        Condition.CONFIG_BROKEN, Condition.CUT_OFF, Condition.UNHEARD,
    }  # fmt: skip
    assert withheld(WELL, Limits()) == ()


PROVED = replace(WELL, canary=119, swept=119, head=119, lagged=121, free=5.1)


@pytest.mark.parametrize(
    ("word", "not_proved"),
    [
        ("canary", {"canary": 121}),
        ("polled", {"swept": 121}),
        ("outbox", {"head": 121}),
        ("loop", {"lagged": 119}),
        ("disk", {"free": 5.0}),
    ],
)
def test_the_heartbeat_is_withheld_for_each_thing_that_is_not_proved(word, not_proved):
    """P13."""
    assert withheld(PROVED, Limits()) == ()
    assert withheld(replace(PROVED, **not_proved), Limits()) == (word,)


def test_what_is_told_directly_also_stops_the_heartbeat():
    assert all(row.stops for row in CONDITIONS.values() if row.direct)


def moved(alarms: dict[Condition, Alarm], health: Health, seconds: float, jump: float = 0.0):
    alarms, calls = step(alarms, found(health, Limits()), HOUR, at(seconds), jump)
    return alarms, [(call.text, call.alarm.told) for call in calls]


def test_an_alarm_is_told_once_repeated_and_its_end_told_once():
    ill = ILL[Condition.CONFIG_BROKEN]
    alarms, told = moved({}, ill, 0)
    assert told == [("self", 1)]
    alarms, told = moved(alarms, ill, HOUR - 1)
    assert told == []
    alarms, told = moved(alarms, ill, HOUR)
    assert told == [("self", 2)]
    alarms, told = moved(alarms, WELL, HOUR + 59)
    assert told == []
    alarms, told = moved(alarms, WELL, HOUR + 60)
    assert (alarms, told) == ({}, [("self_over", 3)])


FULL = replace(WELL, store=400, free=3.2)  # to the end: the database cannot be written
LOW = replace(WELL, free=3.2)


def test_a_disk_that_is_full_to_the_end_is_one_alarm_the_graver_with_its_reason():
    alarms, told = moved({}, LOW, 0)
    assert told == []  # it is seen first whether the database stops as well
    alarms, calls = step(alarms, found(FULL, Limits()), HOUR, at(30))
    assert (list(alarms), len(calls)) == ([Condition.STORE_DOWN], 1)
    focal, chair = notices(calls[0], OPERATORS, T)
    assert "khong ghi duoc co so du lieu trong 6 phut (dia con 3%)" in focal.sms
    assert "the database could not be used for 6 min (disk 3% free)" in chair.sms
    assert max(gsm_length(focal.sms), gsm_length(chair.sms)) <= 160
    assert set(withheld(FULL, Limits())) == {"store_down", "disk_low", "disk"}


def test_a_token_that_is_used_up_is_not_said_to_end_soon_only():
    _, calls = step({}, found(ILL[Condition.TOKEN_ENDING], Limits()), HOUR, at(0))
    focal, chair = notices(calls[0], OPERATORS, T)
    assert "ma truy cap kenh nhan tin sap het han hoac bi tu choi" in focal.sms
    assert "the access token of a channel ends soon or is refused" in chair.sms
    assert max(gsm_length(focal.sms), gsm_length(chair.sms)) <= 160


def test_a_low_disk_that_fills_up_is_the_same_alarm_become_graver():
    alarms, _ = moved({}, LOW, 0)
    alarms, told = moved(alarms, LOW, 60)
    assert told == [("self", 1)]
    alarms, _ = answered(alarms, alarms[Condition.DISK_LOW].ref, "an")
    alarms, told = moved(alarms, FULL, 600)
    assert (list(alarms), told) == ([Condition.STORE_DOWN], [("self", 1)])  # who answered the lesser hears of it
    alarms, told = moved(alarms, WELL, 660)
    assert told == []
    alarms, told = moved(alarms, WELL, 1500)
    assert (alarms, told) == ({}, [("self_over", 2)])  # one end, not two


def test_a_disk_that_is_still_low_when_the_database_works_again_is_told():
    alarms, _ = moved({}, FULL, 0)
    alarms, told = moved(alarms, LOW, 900)
    assert told == [("self_over", 2)]
    alarms, _ = moved(alarms, LOW, 915)
    alarms, told = moved(alarms, LOW, 960)
    assert (list(alarms), told) == ([Condition.DISK_LOW], [("self", 1)])


def test_the_graver_of_two_stands_above_the_other_in_the_table():
    order = list(CONDITIONS)
    parts = [(name, row.part_of) for name, row in CONDITIONS.items() if row.part_of is not None]
    assert parts and all(order.index(graver) < order.index(name) for name, graver in parts)


def test_what_comes_and_goes_is_one_alarm():
    alarms, told = moved({}, ILL[Condition.CONFIG_BROKEN], 0)
    for second in range(15, 600, 15):
        alarms, told = moved(alarms, ILL[Condition.CONFIG_BROKEN] if second % 45 else WELL, second)
        assert told == []


def test_what_is_short_is_never_told_where_it_must_last():
    alarms, told = moved({}, ILL[Condition.STUCK_OUTBOX], 0)
    assert (alarms[Condition.STUCK_OUTBOX].stage, told) == (Stage.WAITING, [])
    assert moved(alarms, WELL, 15) == ({}, [])
    alarms, told = moved(alarms, ILL[Condition.STUCK_OUTBOX], 30)
    assert told == [("self", 1)]


def test_a_moment_that_is_over_is_shown_for_ten_minutes_and_not_repeated():
    alarms, told = moved({}, ILL[Condition.CLOCK_JUMP], 0)
    assert told == [("self", 1)]
    alarms, told = moved(alarms, WELL, EVENT - 1)
    assert (list(alarms), told) == ([Condition.CLOCK_JUMP], [])
    assert moved(alarms, WELL, EVENT) == ({}, [("self_over", 2)])


def test_a_step_of_the_wall_clock_moves_the_repeats_along():
    alarms, _ = moved({}, ILL[Condition.CONFIG_BROKEN], 0)
    both = replace(ILL[Condition.CONFIG_BROKEN], jump=7200)
    alarms, told = moved(alarms, both, 7260, jump=7200)
    assert told == [("self", 1)]  # of the jump only
    alarms, told = moved(alarms, ILL[Condition.CONFIG_BROKEN], 7200 + HOUR)
    assert ("self", 2) in told


def test_who_answers_hears_only_the_end():
    ill = ILL[Condition.CONFIG_BROKEN]
    alarms, _ = moved({}, ill, 0)
    ref = alarms[Condition.CONFIG_BROKEN].ref
    assert answered(alarms, "NOBODY", "an") == (alarms, None)
    alarms, alarm = answered(alarms, ref.lower(), "an")
    assert alarm is not None and alarm.answered_by == "an"
    alarms, alarm = answered(alarms, ref, "binh")
    assert alarm is not None and alarm.answered_by == "an"
    alarms, told = moved(alarms, ill, 5 * HOUR)
    assert told == []
    assert moved(alarms, WELL, 6 * HOUR)[1] == [("self_over", 2)]


def test_every_line_of_the_table_leads_on():
    stages = {stage for stage, _ in TABLE if stage is not None}
    assert {to for to, _ in TABLE.values()} == stages | {Stage.OVER}
    assert {event for _, event in TABLE} == set(Event)


@given(
    st.lists(st.tuples(st.sampled_from([WELL, *ILL.values()]), st.sampled_from([15, 45, 61, 700, 4000])), max_size=40)
)
def test_whatever_happens_messages_alternate_and_each_has_a_key_of_its_own(story):
    alarms: dict[Condition, Alarm] = {}
    now, keys, open_alarms = 0.0, set[str](), set[str]()
    for health, gap in story:
        now += gap
        wrong = found(health, Limits())
        alarms, calls = step(alarms, wrong, HOUR, at(now))
        for call in calls:
            assert (call.text == "self_over") <= (call.alarm.key in open_alarms)
            assert (call.text == "self_over") == (call.alarm.stage is Stage.OVER)
            (open_alarms.discard if call.text == "self_over" else open_alarms.add)(call.alarm.key)
            for notice in notices(call, OPERATORS, at(now)):
                assert notice.key not in keys
                keys.add(notice.key)
        # One that became part of a graver alarm ends with that, without a word of its own.
        explained = {key for key in open_alarms if "disk_low" in key and Condition.STORE_DOWN in alarms}
        open_alarms -= explained
        assert {alarm.key for alarm in alarms.values() if alarm.told_of} == open_alarms
        again, twice = step(alarms, wrong, HOUR, at(now))
        assert (again, twice) == (alarms, ())


@pytest.mark.parametrize("condition", Condition)
def test_a_message_says_what_where_and_since_when_in_one_segment(condition):
    _, calls = step({}, found(ILL[condition], Limits()), HOUR, T)
    if not calls:  # it must last first
        alarms, _ = step({}, found(ILL[condition], Limits()), HOUR, T)
        _, calls = step(alarms, found(ILL[condition], Limits()), HOUR, at(45))
    focal, chair = notices(calls[0], OPERATORS, T)
    assert focal.sms.startswith("HE THONG GIAM SAT 19 Tinh Thai Nguyen: ")
    assert chair.sms.startswith("MONITOR 19 Tinh Thai Nguyen: ")
    for notice in (focal, chair):
        assert notice.sms.endswith(calls[0].alarm.ref)
        assert "09:00" in notice.sms
        assert gsm_length(notice.sms) <= 160
        assert notice.cause == ""  # nothing mutes it
        assert (notice.urgent, notice.requires) == (True, None)


def test_the_figures_are_written_as_people_write_them():
    _, calls = step({}, found(replace(WELL, store=400, free=3.2), Limits()), HOUR, T)
    said = [notices(call, OPERATORS, T)[0].subject.partition(": ")[2] for call in calls]
    assert said == ["không ghi được cơ sở dữ liệu trong 6 phút (đĩa còn 3%)"]


def test_who_has_none_of_the_channels_is_told_nothing():
    _, calls = step({}, found(ILL[Condition.CONFIG_BROKEN], Limits()), HOUR, T)
    assert [n.recipient for n in notices(calls[0], replace(OPERATORS, via=("mail",)), T)] == ["focal"]


def test_calls_that_nobody_took_are_told_with_their_number_the_oldest_and_its_posts():
    _, calls = step({}, found(replace(WELL, unheard=UNHEARD), Limits()), HOUR, T)
    focal, chair = notices(calls[0], OPERATORS, T)
    assert "tin báo không đến ai, 3 lần gọi, cũ nhất 02143 mã K7Q2ZD (Lãnh đạo Trung tâm)" in focal.subject
    assert "calls reached nobody, 3 of them, the oldest 02143 ref K7Q2ZD (Head of the centre)" in chair.subject
    assert "cu nhat 02143 ma K7Q2ZD" in focal.sms
    assert "the oldest 02143 ref K7Q2ZD" in chair.sms
