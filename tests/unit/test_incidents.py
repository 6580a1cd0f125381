from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from typing import Any

import pytest

from monitor.alerting.incidents import Alerts, acknowledge, react
from monitor.alerting.lifecycle import TABLE, Act, Event, mermaid
from monitor.alerting.plan import Policy, StepSpec, TermsSpec
from monitor.alerting.schedule import Schedule, Spell
from monitor.alerting.troubles import Silent
from monitor.model.colour import Colour
from monitor.model.hours import Daily
from monitor.model.incident import Cover, Kind, Phase
from monitor.model.reading import Reading
from monitor.model.unit import Level, Unit
from tests.unit.alerting_scene import (
    CENTRE,
    CHAIR,
    DEADLINE,
    DIRECTORY,
    FOCAL,
    HEAD,
    ONLINE,
    OUTAGES,
    RULES,
    ZONE,
    centre,
    local,
    minutes,
    online,
    reacted,
    scene,
)

NOW = local(6, 9)
DOWN = centre(Colour.RED, NOW, 16.0)
UP = centre(Colour.GREEN, NOW, 0.0)


def opened(criteria=None, now=NOW, **changes):
    """An incident of the centre, just opened, as the store would hand it back."""
    return reacted({}, DOWN if criteria is None else criteria, now, **changes)


def told(alerts):
    return [(notice.recipient, notice.channel, notice.kind) for notice in alerts.notices]


# --- opening ---------------------------------------------------------------------------------------------------


def tones(alerts):
    """Which colour each kind of message has."""
    return {notice.kind: notice.words["tone"] for notice in alerts.notices}


def test_a_broken_centre_opens_an_incident_and_tells_the_focal_point_by_each_channel():
    alerts = opened()
    incident = alerts.open["centre"]
    assert (incident.phase, incident.generation, incident.kind) == (Phase.OPEN, 0, Kind.OUTAGE)
    assert incident.key == f"02143/centre/{NOW.isoformat()}"
    assert told(alerts) == [("focal", "mail", "outage"), ("focal", "sms", "outage")]
    assert alerts.notices[0].key == f"{incident.key}/0/0/0/focal/mail"
    assert alerts.notices[0].urgent
    assert alerts.recheck_at == NOW + minutes(30)


@pytest.mark.parametrize(
    "around",
    [
        {},
        {"paused": True},
        {"covers": {"centre": Cover("HT", "system_up")}, "awaited": frozenset({"centre"})},
        {"sources": frozenset({"portal"}), "waits": {"centre": 60.0}, "causes": frozenset({"mass:up"})},
    ],
)
@pytest.mark.parametrize("criteria", [{}, UP, DOWN])
def test_without_a_trouble_and_an_incident_there_is_nothing_to_react_to(criteria, around):
    assert react({}, {}, scene(criteria, **around), NOW) == Alerts({})  # `decide` does not ask then


def test_the_reference_is_six_letters_derived_from_the_key():
    first, again = opened().open["centre"], opened().open["centre"]
    assert first.ref == again.ref
    assert len(first.ref) == 6
    assert set(first.ref) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    assert opened(now=NOW + minutes(1)).open["centre"].ref != first.ref


def test_the_page_tells_what_where_since_when_who_is_next_and_how_to_answer():
    reading = Reading("02143", "centre_reachable", False, NOW, NOW, "probe", note="connection refused")
    body = opened(evidence={"centre_reachable": reading}, dependants=3).notices[0].body
    ref = opened().open["centre"].ref
    for part in (
        "Kính gửi Nguyễn Văn An.", "Từ 08:44 ngày 06/08/2025", "Xã Văn Lang, Tỉnh Thái Nguyên", "connection refused",
        "3 đơn vị phụ thuộc", "Đề nghị đầu mối cấp xã", "VNPT (điện thoại 18001260)", "trước 11:00",
        "đến lãnh đạo Trung tâm lúc 09:30", f"http://127.0.0.1:8866/a/{ref}",
    ):  # fmt: skip
        assert part in body


def test_each_recipient_is_told_in_their_language():
    late = reacted(opened().open, DOWN, NOW + minutes(120))
    chair = next(notice for notice in late.notices if notice.recipient == "chair")
    assert chair.sms.startswith("RED 02143 Xa Van Lang: service centre unreachable since 08:44 6 Aug.")


def test_the_same_facts_at_the_same_instant_change_nothing():
    first = opened()
    again = reacted(first.open, DOWN, NOW)
    assert (again.changed, again.notices, again.withheld, again.audit) == ((), (), (), ())
    assert again.open == first.open


def test_without_a_policy_the_incident_is_open_and_it_is_noted_that_nobody_is_called():
    alerts = opened(directory=replace(DIRECTORY, policies=()))
    assert alerts.notices == ()
    assert alerts.open["centre"].policy == ""
    assert [entry.action for entry in alerts.audit] == ["no_policy"]


def test_a_step_without_holders_falls_through_at_once_and_is_noted():
    alerts = opened(directory=replace(DIRECTORY, recipients=tuple(r for r in DIRECTORY.recipients if r != FOCAL)))
    assert told(alerts) == [("head", "mail", "outage")]
    assert [(entry.action, entry.detail) for entry in alerts.audit] == [("nobody_to_call", "commune_focal")]


def test_an_outage_of_a_system_calls_its_province_and_names_the_procedure_system():
    system = Unit("SYS-19", Level.SYSTEM, "system", "Hệ thống", "System", "He thong", None, "19")
    duty = replace(FOCAL, scope="19")
    alerts = opened(
        unit=system, lineage=("SYS-19", "19", "VN"), indicators={}, directory=replace(DIRECTORY, recipients=(duty,))
    )
    assert "khong ket noi duoc he thong TTHC" in alerts.notices[0].sms


# --- escalation ------------------------------------------------------------------------------------------------


def test_later_steps_are_called_in_their_time_and_the_last_one_repeats_until_answered():
    alerts, heard = opened(), []
    for hour in range(6):
        alerts = reacted(alerts.open, DOWN, NOW + minutes(30 + 60 * hour))
        heard.append([notice.recipient for notice in alerts.notices])
    assert heard == [["head"], [], ["chair"], ["chair"], ["chair"], ["chair"]]


def test_a_restart_sends_only_what_fell_due_and_missed_repeats_once():
    late = reacted(opened().open, DOWN, NOW + minutes(24 * 60))
    assert told(late) == [("head", "mail", "outage"), ("chair", "sms", "outage")]
    assert reacted(late.open, DOWN, NOW + minutes(24 * 60)).notices == ()


def test_a_reload_of_the_site_does_not_touch_a_frozen_plan():
    other = replace(DIRECTORY, policies=(replace(OUTAGES, steps=(StepSpec(0, ("commune_chair",), ("sms",)),)),))
    alerts = reacted(opened().open, DOWN, NOW + minutes(1), directory=other)
    assert (alerts.changed, alerts.notices) == ((), ())


def test_unknown_keeps_the_incident_open_and_escalating():
    unknown = centre(Colour.UNKNOWN, NOW)
    alerts = reacted(opened().open, unknown, NOW + minutes(30))
    assert told(alerts) == [("head", "mail", "outage")]
    assert alerts.open["centre"].phase is Phase.OPEN
    assert reacted(alerts.open, {}, NOW + minutes(120)).notices[0].recipient == "chair"


@pytest.mark.parametrize("colour", [Colour.MAINTENANCE, Colour.EXCLUDED])
def test_maintenance_keeps_it_open_and_quiet_and_what_was_missed_comes_once_afterwards(colour):
    alerts = reacted(opened().open, centre(colour, NOW), NOW + minutes(300))
    assert (alerts.notices, alerts.withheld, alerts.recheck_at) == ((), (), None)
    assert alerts.open["centre"].phase is Phase.OPEN
    after = reacted(alerts.open, DOWN, NOW + minutes(301))
    assert [notice.recipient for notice in after.notices] == ["head", "chair"]


# --- acknowledgement -------------------------------------------------------------------------------------------


def test_an_acknowledgement_withholds_what_is_pending_and_stops_the_calls():
    incident, withheld = acknowledge(opened().open["centre"], "head\n", "đang xử lý", NOW + minutes(5))
    assert (incident.phase, incident.acked_by, incident.ack_note) == (Phase.ACKNOWLEDGED, "head", "đang xử lý")
    assert [(w.incident, w.reason) for w in withheld] == [(incident.key, "acknowledged")]
    later = reacted({"centre": incident}, DOWN, NOW + minutes(600))
    assert (later.notices, later.changed, later.recheck_at) == ((), (), None)


def test_the_first_to_answer_stays_and_a_second_answer_changes_nothing():
    first, _ = acknowledge(opened().open["centre"], "head", "", NOW + minutes(5))
    second, withheld = acknowledge(first, "chair", "me too", NOW + minutes(6))
    assert (second, withheld) == (first, ())


def test_a_closed_incident_cannot_be_acknowledged():
    (closed,) = reacted(opened().open, UP, NOW + minutes(5)).changed
    with pytest.raises(ValueError, match="closed"):
        acknowledge(closed, "head", "", NOW + minutes(6))


# --- names of calls --------------------------------------------------------------------------------------------


def test_where_a_wider_trouble_takes_steps_away_the_calls_that_are_left_get_names_of_their_own():
    """The second call of the focal point moves up to the place of the first one, and must not bear its name."""
    wide = replace(FOCAL, id="wide", role="dost", scope="19")
    steps = (
        StepSpec(0, ("dost",), ("sms",), repeat=3600.0),
        StepSpec(0, ("commune_focal",), ("mail",)),
        StepSpec(7200.0, ("commune_focal",), ("mail",)),
    )
    site = replace(DIRECTORY, recipients=(wide, FOCAL), policies=(replace(OUTAGES, steps=steps),))
    begun = reacted({}, DOWN, NOW, directory=site)
    assert [notice.recipient for notice in begun.notices] == ["wide", "focal"]
    about: dict[str, Any] = {"directory": site, "covers": {"centre": Cover("19", "mass:centre", ("19", "VN"))}}
    covered = reacted(begun.open, DOWN, NOW + minutes(5), **about)
    later = reacted(covered.open, DOWN, NOW + minutes(121), **about)
    assert [notice.recipient for notice in later.notices] == ["focal"]
    keys = [notice.key for alerts in (begun, covered, later) for notice in alerts.notices]
    assert len(keys) == len(set(keys)) == 3


# --- recovery --------------------------------------------------------------------------------------------------


def test_recovery_is_told_to_those_who_were_owed_a_page_and_waits_for_it():
    alerts = reacted(opened().open, UP, NOW + minutes(20))
    (closed,) = alerts.changed
    assert (closed.phase, closed.closed_at, alerts.open) == (Phase.CLOSED, NOW + minutes(20), {})
    assert told(alerts) == [("focal", "mail", "recovered"), ("focal", "sms", "recovered")]
    assert [notice.requires for notice in alerts.notices] == [
        f"{closed.key}/0/0/0/focal/mail", f"{closed.key}/0/0/0/focal/sms",
    ]  # fmt: skip
    assert alerts.notices[0].key == f"{closed.key}/0/recovery/focal/mail"
    assert [w.reason for w in alerts.withheld] == ["recovered"]
    assert "gian doan 36 phut" in alerts.notices[0].sms
    assert not alerts.notices[0].urgent


def test_recovery_requires_the_last_notice_of_each_address():
    alerts = opened()
    for minute in (120, 180, 240):
        alerts = reacted(alerts.open, DOWN, NOW + minutes(minute))
    incident = alerts.open["centre"]
    assert len(incident.owed) == 4
    ended = reacted(alerts.open, UP, NOW + minutes(250))
    assert f"{incident.key}/0/2/2/chair/sms" in [notice.requires for notice in ended.notices]


def test_sc88_recovery_under_an_acknowledgement_is_told_too():
    incident, _ = acknowledge(opened().open["centre"], "head", "", NOW + minutes(5))
    alerts = reacted({"centre": incident}, UP, NOW + minutes(20))
    assert [notice.kind for notice in alerts.notices] == ["recovered", "recovered"]
    assert alerts.changed[0].acked_by == "head"


def test_sc44_an_episode_in_which_nobody_was_owed_a_page_ends_without_a_word():
    """SC-44."""
    waiting = replace(OUTAGES, steps=(StepSpec(0, ("commune_focal",), ("mail",), office_hours=True),))
    directory = replace(DIRECTORY, policies=(waiting,))
    night = local(6, 22)
    alerts = opened(now=night, directory=directory)
    assert alerts.notices == ()
    assert reacted(alerts.open, UP, local(6, 23), directory=directory).notices == ()


def test_sc43_a_trouble_that_lasts_until_the_office_opens_is_told_once():
    """SC-43."""
    waiting = replace(OUTAGES, steps=(StepSpec(0, ("commune_focal",), ("mail",), office_hours=True),))
    directory = replace(DIRECTORY, policies=(waiting,))
    alerts = opened(now=local(6, 22), directory=directory)
    assert alerts.recheck_at == local(7, 7, 30)
    morning = reacted(alerts.open, DOWN, local(7, 7, 30), directory=directory)
    assert told(morning) == [("focal", "mail", "outage")]
    assert reacted(morning.open, DOWN, local(7, 8), directory=directory).notices == ()


def test_sc46_a_relapse_while_the_office_is_closed_adds_nothing_to_the_one_recovery():
    """SC-46."""
    waiting = replace(OUTAGES, steps=(StepSpec(0, ("commune_focal",), ("mail",), office_hours=True),))
    directory = replace(DIRECTORY, policies=(waiting,))
    alerts = opened(now=NOW, directory=directory)
    sent = told(alerts)
    for hour, criteria in ((20, UP), (21, DOWN), (22, UP)):
        alerts = reacted(alerts.open, criteria, local(6, hour), directory=directory)
        sent += told(alerts)
    assert sent == [("focal", "mail", "outage"), ("focal", "mail", "recovered")]
    assert alerts.open == {} and reacted({}, UP, local(7, 7, 30), directory=directory).notices == ()


def test_sc47_many_episodes_make_one_page_and_one_recovery_each():
    """SC-47."""
    sent, alerts = [], opened(centre(Colour.GREEN, NOW), directory=DIRECTORY)
    for episode in range(20):
        at = NOW + minutes(60 * episode)
        for criteria, moment in ((DOWN, at), (UP, at + minutes(5))):
            alerts = reacted(alerts.open, criteria, moment)
            sent += [notice.key for notice in alerts.notices if notice.channel == "mail"]
    assert len(sent) == len(set(sent)) == 40


def test_a_rule_that_is_gone_ends_its_incident_without_a_word_but_with_a_trace():
    elsewhere = {"centre": replace(CENTRE, units=frozenset({"1"}))}
    for rules in ({}, elsewhere):
        alerts = reacted(opened().open, DOWN, NOW + minutes(5), rules=rules)
        assert (alerts.open, alerts.notices) == ({}, ())
        assert alerts.changed[0].phase is Phase.CLOSED
        assert [entry.action for entry in alerts.audit] == ["retired"]


def test_red_that_no_longer_alerts_ends_without_a_word_either():
    alerts = reacted(opened().open, DOWN, NOW + minutes(5), rules={"centre": replace(CENTRE, alert=frozenset())})
    assert (alerts.open, alerts.notices) == ({}, ())


BRIEFLY = centre(Colour.YELLOW, NOW, 2.0)  # down again after a good answer, not yet for long enough to be red


def test_yellow_of_an_outage_opens_nothing_and_ends_nothing():
    assert reacted({}, BRIEFLY, NOW).open == {}
    alerts = reacted(opened().open, BRIEFLY, NOW + minutes(30))
    assert told(alerts) == [("head", "mail", "outage")]
    assert (alerts.open["centre"].phase, alerts.open["centre"].generation) == (Phase.OPEN, 0)
    assert reacted(alerts.open, DOWN, NOW + minutes(40)).changed == ()


def test_an_answer_to_an_outage_still_counts_while_it_is_yellow_and_lapses_in_its_time():
    outages = replace(OUTAGES, terms=TermsSpec(ack_expires=3600.0))
    directory = replace(DIRECTORY, policies=(outages,))
    answered, _ = acknowledge(opened(directory=directory).open["centre"], "head", "", NOW + minutes(5))
    early = reacted({"centre": answered}, BRIEFLY, NOW + minutes(40), directory=directory)
    assert (early.notices, early.open["centre"].phase) == ((), Phase.ACKNOWLEDGED)
    late = reacted(early.open, BRIEFLY, NOW + minutes(65), directory=directory)
    assert told(late) == [("focal", "mail", "outage"), ("focal", "sms", "outage")]
    assert late.open["centre"].facts["since"] == answered.facts["since"]


def test_an_outage_that_is_yellow_while_it_is_watched_is_a_relapse_and_once_it_was_told_to_be_over_is_none():
    outages = replace(OUTAGES, terms=TermsSpec(close_after=600.0, review=86_400.0))
    directory = replace(DIRECTORY, policies=(outages,))
    calm = reacted(opened(directory=directory).open, UP, NOW + minutes(20), directory=directory)
    again = reacted(calm.open, BRIEFLY, NOW + minutes(25), directory=directory)
    assert (calm.open["centre"].phase, again.open["centre"].phase) == (Phase.CLOSING, Phase.OPEN)
    over = reacted(calm.open, UP, NOW + minutes(30), directory=directory)
    assert over.open["centre"].phase is Phase.UNANSWERED
    assert reacted(over.open, BRIEFLY, NOW + minutes(35), directory=directory).changed == ()


def test_an_outage_that_alerts_no_more_ends_without_a_word_while_it_is_down():
    silent = replace(RULES["centre"], alert=frozenset())
    for down in (DOWN, BRIEFLY):
        ended = reacted(opened().open, down, NOW + minutes(5), rules={**RULES, "centre": silent})
        assert (ended.open, ended.notices) == ({}, ())


WATCHED = replace(
    DIRECTORY,
    policies=(replace(OUTAGES, terms=TermsSpec(close_after=600.0, parties={"head": ("commune_centre_head",)})),),
)


def test_what_nobody_can_see_any_more_after_a_good_answer_goes_on_escalating():
    outages = replace(OUTAGES, terms=TermsSpec(close_after=600.0))
    directory, unseen = replace(DIRECTORY, policies=(outages,)), centre(Colour.UNKNOWN, NOW)
    calm = reacted(opened(directory=directory).open, UP, NOW + minutes(20), directory=directory)
    lost = reacted(calm.open, unseen, NOW + minutes(21), directory=directory)
    assert (lost.open["centre"].phase, lost.recheck_at) == (Phase.OPEN, NOW + minutes(30))
    assert told(reacted(lost.open, unseen, NOW + minutes(30), directory=directory)) == [("head", "mail", "outage")]
    seen = reacted(lost.open, UP, NOW + minutes(40), directory=directory)
    assert (seen.open["centre"].phase, seen.recheck_at) == (Phase.CLOSING, NOW + minutes(50))  # and is watched anew


def test_what_was_answered_and_cannot_be_seen_after_a_good_answer_is_still_answered():
    calm = reacted(opened(directory=WATCHED).open, UP, NOW + minutes(20), directory=WATCHED)
    answered, _ = acknowledge(calm.open["centre"], "head", "", NOW + minutes(21))
    lost = reacted({"centre": answered}, centre(Colour.UNKNOWN, NOW), NOW + minutes(60), directory=WATCHED)
    assert (lost.open["centre"].phase, lost.notices) == (Phase.ACKNOWLEDGED, ())


def test_an_answer_to_what_is_watched_withholds_what_is_pending():
    calm = reacted(opened(directory=WATCHED).open, UP, NOW + minutes(1), directory=WATCHED)
    answered, withheld = acknowledge(calm.open["centre"], "head", "", NOW + minutes(2))
    assert (answered.phase, [one.reason for one in withheld]) == (Phase.CLOSING, ["acknowledged"])
    again = reacted({"centre": answered}, DOWN, NOW + minutes(3), directory=WATCHED)
    assert (again.open["centre"].phase, again.notices) == (Phase.ACKNOWLEDGED, ())


def test_an_answer_of_one_party_to_what_is_watched_withholds_what_is_pending_for_its_people():
    parties = {"head": ("commune_centre_head",), "chair": ("commune_chair",)}
    both = replace(DIRECTORY, policies=(replace(OUTAGES, terms=TermsSpec(close_after=600.0, parties=parties)),))
    calm = reacted(opened(directory=both).open, UP, NOW + minutes(1), directory=both)
    _, (withheld,) = acknowledge(calm.open["centre"], "head", "", NOW + minutes(2))
    assert (withheld.reason, withheld.recipients) == ("heard", frozenset({"head"}))


# --- figures and deadlines -------------------------------------------------------------------------------------

YELLOW = online(Colour.YELLOW, NOW, 68.91, 10)
LATE = online(Colour.RED, local(20), 68.91, 0, overdue=True)


def test_yellow_near_a_deadline_reminds_on_the_agreed_mornings():
    alerts, heard = reacted({}, YELLOW, local(6, 0)), []
    while alerts.recheck_at is not None:
        now = alerts.recheck_at
        alerts = reacted(alerts.open, YELLOW, now)
        heard += [(notice.due_at, notice.kind) for notice in alerts.notices]
    assert heard == [(local(day, 7, 30), "kpi_yellow") for day in (6, 13, 15, 19)]


def test_the_deadline_makes_a_new_generation_that_tells_the_chairperson_who_was_reminded():
    alerts = reacted({}, YELLOW, NOW)
    answered, _ = acknowledge(alerts.open["online"], "focal", "", NOW + minutes(5))
    late = reacted({"online": answered}, LATE, local(20))
    incident = late.open["online"]
    assert (incident.kind, incident.colour, incident.generation) == (Kind.OVERDUE, Colour.RED, 1)
    assert (incident.phase, incident.acked_by) == (Phase.OPEN, None)
    assert [w.reason for w in late.withheld] == ["worsened"]
    assert incident.opened_at == NOW
    assert "Đã nhắc 1 lần đến đầu mối cấp xã." in late.notices[0].body
    assert "qua han 1 ngay" in late.notices[0].sms
    assert late.notices[0].key == f"{incident.key}/1/0/0/focal/mail"


def test_the_chairperson_is_told_of_those_reminders_only_that_went_to_somebody():
    """Of those that fell due while nothing was called one was sent, and its roles are those of what was sent."""
    policy = replace(DIRECTORY.policies[1], steps=(*DIRECTORY.policies[1].steps, StepSpec(0, ("nobody",), ("mail",))))
    directory = replace(DIRECTORY, policies=(DIRECTORY.policies[0], policy))
    alerts = reacted({}, YELLOW, local(6, 7, 30), directory=directory)
    alerts = reacted(alerts.open, YELLOW, local(19, 8), directory=directory)  # three mornings later: told once
    late = reacted(alerts.open, LATE, local(20), directory=directory)
    assert "Đã nhắc 2 lần đến đầu mối cấp xã." in late.notices[0].body


def test_sc59_worsening_clears_the_timers_of_the_lesser_trouble():
    """SC-59."""
    alerts = reacted({}, YELLOW, NOW)
    red = reacted(alerts.open, online(Colour.RED, NOW, 40.0, 10), NOW + minutes(1))
    assert {step.due_at for step in red.open["online"].steps} == {
        NOW + minutes(1), NOW + minutes(31), NOW + minutes(121),
    }  # fmt: skip


def test_easing_while_nobody_answered_replaces_the_plan_and_falling_back_is_news():
    red = online(Colour.RED, NOW, 40.0, 10)
    alerts = reacted(reacted({}, red, NOW).open, YELLOW, NOW + minutes(60))
    assert (alerts.open["online"].kind, alerts.open["online"].generation) == (Kind.KPI_YELLOW, 1)
    assert [w.reason for w in alerts.withheld] == ["eased"]
    assert reacted(alerts.open, red, NOW + minutes(120)).open["online"].generation == 2


def test_sc49_red_that_comes_back_is_told_again_while_nobody_has_answered():
    """SC-49, inverted on purpose: each worsening asks for an answer, also from who is called for red only."""
    step = StepSpec(0, ("commune_focal",), ("mail",), colours=frozenset({Colour.RED}))
    red_only = replace(DIRECTORY, policies=(Policy("all", frozenset(Kind), (step,)),))
    red, alerts, heard = online(Colour.RED, NOW, 40.0, 10), reacted({}, {}, NOW, directory=red_only), []
    for minute, seen in ((0, red), (10, YELLOW), (20, red)):
        alerts = reacted(alerts.open, seen, NOW + minutes(minute), directory=red_only)
        heard += told(alerts)
    assert heard == [("focal", "mail", "kpi_red")] * 2


def test_sc49_easing_and_falling_back_under_an_acknowledgement_is_no_news():
    """SC-49: there the recipient does not want the lesser state, here somebody has answered."""
    red = online(Colour.RED, NOW, 40.0, 10)
    incident, _ = acknowledge(reacted({}, red, NOW).open["online"], "focal", "", NOW)
    alerts = reacted({"online": incident}, YELLOW, NOW + minutes(60))
    alerts = reacted(alerts.open, red, NOW + minutes(120))
    assert (alerts.notices, alerts.changed) == ((), ())


def test_while_a_hold_waits_to_believe_an_improvement_an_overdue_figure_stays_overdue():
    alerts = reacted(
        reacted({}, LATE, local(20)).open, online(Colour.RED, local(21), 81.0, 0, raw=Colour.GREEN), local(21)
    )
    assert (alerts.open["online"].kind, alerts.open["online"].generation) == (Kind.OVERDUE, 0)


def test_another_deadline_is_news_to_those_who_answered_the_old_one():
    incident, _ = acknowledge(reacted({}, YELLOW, NOW).open["online"], "focal", "", NOW)
    moved = online(Colour.YELLOW, NOW, 68.91, 10, deadline=DEADLINE + minutes(7 * 24 * 60))
    alerts = reacted({"online": incident}, moved, local(13, 9))
    assert (alerts.open["online"].generation, alerts.open["online"].phase) == (1, Phase.OPEN)
    assert reacted(alerts.open, moved, local(13, 9)).changed == ()


def test_another_deadline_is_news_also_where_the_trouble_is_a_lesser_one():
    """January is overdue and answered; February is below its floor, long before its own date."""
    answered, _ = acknowledge(reacted({}, LATE, local(20, 9)).open["online"], "chair", "", local(20, 10))
    february = online(Colour.RED, local(21), 40.0, 20, deadline=DEADLINE + minutes(31 * 24 * 60))
    alerts = reacted({"online": answered}, february, local(21, 9))
    incident = alerts.open["online"]
    assert (incident.phase, incident.kind, incident.generation) == (Phase.OPEN, Kind.KPI_RED, 1)
    assert told(alerts) == [("focal", "mail", "kpi_red"), ("focal", "sms", "kpi_red")]
    assert reacted(alerts.open, february, local(21, 9)).changed == ()


def test_a_lesser_trouble_that_has_no_deadline_any_more_is_an_easing():
    answered, _ = acknowledge(reacted({}, LATE, local(20, 9)).open["online"], "chair", "", local(20, 10))
    lesser = online(Colour.RED, local(21), 40.0, deadline=None)
    assert reacted({"online": answered}, lesser, local(21, 9)).changed == ()


def test_a_figure_that_is_met_is_told_with_its_value_and_colour_when_the_office_is_open():
    alerts = reacted(reacted({}, YELLOW, NOW).open, online(Colour.GREEN, NOW, 81.5, 8), local(8, 18))
    (notice,) = alerts.notices
    assert (notice.kind, notice.due_at) == ("kpi_met", local(11, 7, 30))
    assert "HS truc tuyen nay 81,5%, yeu cau 80%, trang thai XANH" in notice.sms


@pytest.mark.parametrize(("locale", "subject", "sms"), [
    ("vi", "[VẪN ĐỎ] Xã Văn Lang (02143): Trung tâm Phục vụ hành chính công đã hoạt động trở lại, còn đỏ: Trực tuyến",
     ". VAN DO: HS truc tuyen. Ma "),
    ("en", "[STILL RED] Van Lang Commune (02143): service centre is back, still red: Online",
     ". STILL RED: HS truc tuyen. Ref "),
])  # fmt: skip
def test_what_is_well_again_is_not_called_green_where_the_unit_is_red_by_something_else(locale, subject, sms):
    reader = replace(DIRECTORY, recipients=(replace(FOCAL, locale=locale),))
    both = {**DOWN, **online(Colour.RED, NOW, 40.0)}
    begun = reacted({}, both, NOW, directory=reader)
    ended = reacted(begun.open, {**UP, **online(Colour.RED, NOW, 40.0)}, NOW + minutes(20), directory=reader)
    (notice, _) = ended.notices
    assert notice.subject == subject
    assert "Trực tuyến." in notice.body or "still red by: Online." in notice.body
    assert sms in notice.sms
    met = reacted(begun.open, {**DOWN, **online(Colour.GREEN, NOW, 90.0)}, NOW + minutes(20), directory=reader)
    assert met.notices[0].subject.startswith(subject.split(":")[0] + ", ")
    plain = reacted(begun.open, {**UP, **online(Colour.GREEN, NOW, 90.0)}, NOW + minutes(20), directory=reader)
    assert {one.subject.split("]")[0] for one in plain.notices} <= {"[XANH", "[GREEN"}


def test_the_colour_of_a_message_is_what_it_says():
    """A mail's page shows it: red while the unit is red by anything, whatever is over."""
    both = {**DOWN, **online(Colour.RED, NOW, 40.0)}
    begun = reacted({}, both, NOW)
    assert tones(begun) == {"outage": "red", "kpi_red": "red"}
    assert tones(reacted({}, YELLOW, NOW)) == {"kpi_yellow": "yellow"}
    later = NOW + minutes(20)
    assert tones(reacted(begun.open, {**UP, **online(Colour.RED, NOW, 40.0)}, later)) == {"recovered": "red"}
    assert tones(reacted(begun.open, {**UP, **online(Colour.YELLOW, NOW, 60.0, 60)}, later)) == {
        "recovered": "green", "kpi_met": "yellow",
    }  # fmt: skip


def test_a_red_figure_that_becomes_yellow_far_from_its_deadline_says_so():
    red = reacted({}, online(Colour.RED, NOW, 40.0, 60), NOW)
    alerts = reacted(red.open, online(Colour.YELLOW, NOW, 55.0, 59), NOW + minutes(1440))
    assert "trang thai VANG" in alerts.notices[0].sms


def test_two_troubles_of_one_unit_are_two_incidents():
    both = {**DOWN, **YELLOW}
    assert set(reacted({}, both, NOW).open) == {"centre", "online"}
    assert set(RULES) == {CENTRE.id, ONLINE.id}


# --- silence ---------------------------------------------------------------------------------------------------

QUIET = Silent("feeds/portal", local(4, 9), 86_400.0, 68.91, local(4, 9))
OWED = frozenset({"feeds/portal"})


def test_a_source_that_speaks_again_shows_the_worst_of_its_unit():
    begun = reacted({}, {}, NOW, [QUIET])
    assert tones(begun) == {"silent": "unknown"}
    for colour, tone, said in (
        (Colour.RED, "red", "[VẪN ĐỎ]"),
        (Colour.YELLOW, "yellow", "[CÓ TÍN HIỆU LẠI]"),
        (Colour.GREEN, "green", "[CÓ TÍN HIỆU LẠI]"),
    ):
        spoke = reacted(begun.open, online(colour, NOW, 60.0, 60), NOW + minutes(20), sources=OWED)
        ended = [one for one in spoke.notices if one.kind == "speaks_again"]
        assert {one.words["tone"] for one in ended} == {tone}
        assert all(one.subject.startswith(said) for one in ended)


def test_a_silent_source_is_told_and_told_again_when_it_speaks():
    alerts = reacted({}, {}, NOW, [QUIET])
    assert told(alerts)[0] == ("focal", "mail", "silent")
    assert "khong co so lieu tu 09:00 04/08, qua 48 gio" in alerts.notices[0].sms
    assert not alerts.notices[0].urgent
    ended = reacted(alerts.open, {}, NOW + minutes(60), sources=frozenset({"feeds/portal"}))
    assert told(ended) == [("focal", "mail", "speaks_again"), ("focal", "sms", "speaks_again")]
    assert "sau 49 gio" in ended.notices[0].sms


def test_a_source_that_was_removed_from_the_site_does_not_speak_again():
    alerts = reacted(reacted({}, {}, NOW, [QUIET]).open, {}, NOW + minutes(60), sources=frozenset())
    assert (alerts.open, alerts.notices) == ({}, ())
    assert alerts.audit[0].action == "retired"


# --- the table -------------------------------------------------------------------------------------------------


IMPOSSIBLE = {
    Phase.OPEN: {Event.LAPSED, Event.RELAPSED, Event.RESUMED, Event.FORGOTTEN},
    Phase.ACKNOWLEDGED: {
        Event.HEARD, Event.RELAPSED, Event.RESUMED, Event.UNANSWERED, Event.FORGOTTEN, Event.COVERED, Event.UNCOVERED,
        Event.SUFFICED,
    },
    Phase.CLOSING: {Event.STAYED, Event.REMINDED, Event.FORGOTTEN},
    Phase.UNANSWERED: {
        Event.STAYED, Event.REMINDED, Event.LAPSED, Event.EXPIRED, Event.CALMED, Event.RESUMED, Event.RECOVERED,
        Event.COVERED, Event.UNCOVERED, Event.SUFFICED,
    },
}  # fmt: skip


def test_every_event_has_a_move_from_every_phase_in_which_it_can_happen():
    events = set(Event) - {Event.APPEARED}
    expected = {(phase, event) for phase, never in IMPOSSIBLE.items() for event in events - never}
    assert set(TABLE) == expected | {(None, Event.APPEARED)}


def test_only_evidence_an_answer_to_what_is_over_or_a_rule_that_is_gone_closes():
    closing = {(phase, event) for (phase, event), move in TABLE.items() if move.to is Phase.CLOSED}
    lived = {(p, e) for p in (Phase.OPEN, Phase.ACKNOWLEDGED, Phase.CLOSING) for e in (Event.RECOVERED, Event.RETIRED)}
    over = {(Phase.UNANSWERED, e) for e in (Event.ACKNOWLEDGED, Event.FORGOTTEN, Event.RETIRED)}
    assert closing == lived | over


def test_the_end_of_a_trouble_leaves_no_call_pending_and_the_end_of_a_review_leaves_the_recoveries():
    for (phase, _), move in TABLE.items():
        if move.to in (Phase.CLOSED, Phase.UNANSWERED) and phase is not Phase.UNANSWERED:
            assert Act.WITHHOLD in move.acts
        if phase is Phase.UNANSWERED and move.to is not Phase.OPEN:
            assert Act.WITHHOLD not in move.acts


def test_nobody_is_called_while_an_answer_stands():
    assert not any(Act.CALL in move.acts for move in TABLE.values() if move.to is Phase.ACKNOWLEDGED)


def test_the_diagram_shows_every_move():
    lines = mermaid().splitlines()
    assert lines[0] == "stateDiagram-v2"
    assert len(lines) == len(TABLE) + 2
    assert "    open --> acknowledged: acknowledged / withhold" in lines


def test_who_takes_over_from_somebody_who_left_is_still_spared_what_they_hear_of_a_wider_trouble():
    """A step under a cover asks for new people when its own left; those of the province hear of the mass outage."""
    wider = replace(HEAD, id="province_head", scope="19")
    cover = {"centre": Cover("19", "mass:centre", ("19", "VN"))}
    before = replace(DIRECTORY, recipients=(FOCAL, HEAD, wider))
    begun = reacted({}, centre(Colour.RED, NOW, 16.0), NOW, covers=cover, directory=before)
    assert {notice.recipient for notice in begun.notices} == {"focal"}
    after = replace(before, recipients=(FOCAL, wider))
    later = reacted(begun.open, centre(Colour.RED, NOW, 46.0), NOW + minutes(31), covers=cover, directory=after)
    assert later.notices == ()


WIDE = Cover("19", "mass:centre", ("19", "VN"))
STAND_IN = replace(HEAD, id="stand_in", role="dost_duty", scope="19")
# Somebody of the province is on duty from 10:00; before that nobody is.
FROM_TEN = Schedule("duty", "dost_duty", "19", ZONE, overrides=(Spell(local(6, 10), local(7), ("stand_in",)),))
WITH_DUTY = replace(
    OUTAGES,
    steps=(
        OUTAGES.steps[0],
        StepSpec(10 * 60, ("dost_duty",), ("mail",)),
        StepSpec(7200, ("commune_chair",), ("sms",)),
    ),
)
DUTY_ABOVE = replace(DIRECTORY, recipients=(FOCAL, CHAIR, STAND_IN), policies=(WITH_DUTY,), schedules=(FROM_TEN,))


def who(alerts):
    return {notice.recipient for notice in alerts.notices}


def test_a_hole_in_the_schedule_of_those_who_are_spared_calls_nobody_earlier():
    """They hear of the wider trouble, so that nobody of them is on duty passes nothing on at the children."""
    about: dict[str, Any] = {"directory": DUTY_ABOVE, "covers": {"centre": WIDE}}
    begun = reacted({}, DOWN, NOW, **about)
    later = reacted(begun.open, centre(Colour.RED, NOW, 31.0), NOW + minutes(15), **about)
    assert (who(begun), who(later), later.audit) == ({"focal"}, set(), ())
    alone = reacted(later.open, centre(Colour.RED, NOW, 46.0), NOW + minutes(30), directory=DUTY_ABOVE)
    assert who(alone) == set()
    called = reacted(alone.open, centre(Colour.RED, NOW, 90.0), NOW + minutes(61), directory=DUTY_ABOVE)
    assert who(called) == {"stand_in"}


def test_a_hole_of_those_who_were_not_spared_is_not_planned_twice():
    own = replace(FROM_TEN, scope="02143")
    site = replace(DUTY_ABOVE, recipients=(FOCAL, CHAIR, replace(STAND_IN, scope="02143")), schedules=(own,))
    begun = reacted({}, DOWN, NOW, directory=site, covers={"centre": WIDE})
    alone = reacted(begun.open, DOWN, NOW + minutes(5), directory=site)
    roles = [step.role for step in alone.open["centre"].steps]
    assert roles == ["commune_focal", "dost_duty", "commune_chair"]


def test_a_call_that_quiet_hours_hold_is_not_let_go_to_whom_hears_of_a_wider_trouble():
    night = Daily(time(8), time(10))
    asleep = replace(STAND_IN, quiet=night, wake=False)
    both = replace(OUTAGES, steps=(StepSpec(0, ("commune_focal", "dost_duty"), ("mail",)),))
    site = replace(DIRECTORY, recipients=(FOCAL, asleep), policies=(both,))
    begun = reacted({}, DOWN, NOW, directory=site)
    assert who(begun) == {"focal"}
    wide = reacted(begun.open, DOWN, NOW + minutes(5), directory=site, covers={"centre": WIDE})
    held = reacted(wide.open, DOWN, local(6, 10), directory=site, covers={"centre": WIDE})
    assert who(held) == set()
    alone = reacted(held.open, DOWN, local(6, 11), directory=site)
    assert who(alone) == {"stand_in"}


def test_a_step_of_somebody_who_left_meanwhile_is_not_lost_to_a_cover():
    begun = reacted({}, DOWN, NOW)
    successor = replace(DIRECTORY, recipients=(FOCAL, replace(HEAD, id="new_head"), CHAIR))
    wide: dict[str, Any] = {"directory": successor, "covers": {"centre": WIDE}}
    covered = reacted(begun.open, DOWN, NOW + minutes(5), **wide)
    later = reacted(covered.open, DOWN, NOW + minutes(31), **wide)
    assert who(later) == {"new_head"}


def test_an_answer_to_what_was_told_before_a_cover_still_counts_after_it_and_one_to_a_lesser_trouble_does_not():
    begun = reacted({}, DOWN, NOW)
    wide = reacted(begun.open, DOWN, NOW + minutes(5), covers={"centre": WIDE})
    [alone] = reacted(wide.open, DOWN, NOW + minutes(9)).open.values()
    assert (alone.generation, [alone.same_trouble(told) for told in (0, 1, 2)]) == (1, [True, True, False])
    near = reacted({}, online(Colour.YELLOW, NOW, 70.0, 5), NOW)
    [worse] = reacted(near.open, online(Colour.RED, NOW, 40.0, 4), NOW + minutes(5)).open.values()
    assert (worse.generation, [worse.same_trouble(told) for told in (0, 1)]) == (1, [False, True])


def test_a_later_call_says_what_is_wrong_now_and_since_when_it_is_wrong():
    """SC-02."""

    def seen(note: str, at: datetime) -> dict[str, Any]:
        answer = Reading("02143", "centre_reachable", False, at, at, "probe", note=note)
        return {"evidence": {"centre_reachable": answer}}

    begun = reacted({}, DOWN, NOW, **seen("HTTP status 503", NOW))
    later = reacted(begun.open, DOWN, NOW + minutes(31), **seen("no answer within 5 s", NOW + minutes(31)))
    assert "máy chủ trả mã 503" in begun.notices[0].body
    assert "máy chủ trả mã 503" not in later.notices[0].body and "quá thời gian chờ" in later.notices[0].body
    assert "Từ 08:44 ngày 06/08/2025" in begun.notices[0].body and "Từ 08:44 ngày 06/08/2025" in later.notices[0].body
