"""Answers that lapse, answers of several parties, and what happens between well and over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from monitor.adapters.store.memory_outbox import MemoryOutbox
from monitor.alerting.incidents import Alerts, acknowledge
from monitor.alerting.plan import Policy, Recipient, StepSpec, TermsSpec
from monitor.decide import acknowledge as answer_at_the_unit
from monitor.model.colour import Colour
from monitor.model.hours import Daily
from monitor.model.incident import Cover, Incident, Kind, Outcome, Phase, Receipt
from monitor.model.segments import gsm_length
from monitor.model.state import UnitState
from tests.unit.alerting_scene import (
    DIRECTORY,
    FOCAL,
    HEAD,
    HOUR,
    MINUTE,
    OUTAGES,
    centre,
    local,
    minutes,
    online,
    reacted,
)

NOW = local(6, 9)
DOWN = centre(Colour.RED, NOW, 16.0)
UP = centre(Colour.GREEN, NOW, 0.0)
DARK = centre(Colour.UNKNOWN, NOW, 0.0)


def under(terms: TermsSpec):
    """A directory whose policy of outages has these terms."""
    policies = tuple(replace(p, terms=terms) if p.name == OUTAGES.name else p for p in DIRECTORY.policies)
    return replace(DIRECTORY, policies=policies)


class Line:
    """One incident of the centre under given terms; its clock counts minutes."""

    def __init__(self, **terms) -> None:
        self.directory = under(TermsSpec(**terms))
        self.alerts = Alerts(open={})
        self.at = NOW

    def sees(self, criteria, minute: float = 0, **scene) -> Alerts:
        self.at = NOW + minutes(minute)
        self.alerts = reacted(self.alerts.open, criteria, self.at, directory=self.directory, **scene)
        return self.alerts

    def hears(self, who: str, minute: float, **more) -> Incident:
        self.at = NOW + minutes(minute)
        incident, self.withheld = acknowledge(self.alerts.open["centre"], who, "", self.at, **more)
        self.alerts = replace(self.alerts, open={"centre": incident} if incident.open else {})
        return incident

    @property
    def phase(self) -> Phase | None:
        found = self.alerts.open.get("centre")
        return None if found is None else found.phase


def told(alerts: Alerts) -> list[tuple[str, str]]:
    return [(notice.recipient, notice.kind) for notice in alerts.notices]


# --- answers that lapse ----------------------------------------------------------------------------------------


def test_an_answer_lapses_while_the_trouble_is_there_and_everybody_is_called_anew():
    line = Line(ack_expires=2 * HOUR)
    line.sees(DOWN)
    assert line.hears("focal", 10).acked_until == NOW + minutes(130)
    assert told(line.sees(DOWN, 129)) == []
    assert line.alerts.recheck_at == NOW + minutes(130)
    assert told(line.sees(DOWN, 130)) == [("focal", "outage"), ("focal", "outage")]
    incident = line.alerts.open["centre"]
    assert (incident.phase, incident.generation, incident.acked_by, incident.answers) == (Phase.OPEN, 1, None, ())
    assert [order.reason for order in line.alerts.withheld] == ["lapsed"]


def test_an_answer_does_not_lapse_while_nobody_can_see_the_trouble():
    line = Line(ack_expires=2 * HOUR)
    line.sees(DOWN)
    line.hears("focal", 10)
    assert told(line.sees(DARK, 200)) == []
    assert line.phase is Phase.ACKNOWLEDGED
    assert told(line.sees(DOWN, 201)) == [("focal", "outage"), ("focal", "outage")]


def test_the_one_who_answered_is_reminded_once_before_it_lapses_in_one_segment():
    line = Line(ack_expires=2 * HOUR, ack_remind=30 * MINUTE)
    line.sees(DOWN)
    line.hears("focal", 0)
    assert line.sees(DOWN, 89).notices == ()
    assert line.alerts.recheck_at == NOW + minutes(90)
    (reminder,) = line.sees(DOWN, 90).notices
    assert (reminder.recipient, reminder.channel, reminder.kind) == ("focal", "mail", "still_open")  # the first of them
    assert reminder.sms.startswith("NHAC 02143 Xa Van Lang: su co tu 08:44 06/08 chua xong.")
    assert "het hieu luc luc 11:00" in reminder.sms
    assert gsm_length(reminder.sms) <= 160
    # What a silence may ask for, and what templates of a channel are filled with, stand in it as in a call.
    assert (reminder.cause, reminder.trouble, reminder.colour) == ("centre", Kind.OUTAGE, Colour.RED)
    assert reminder.words["code"] == "02143"
    assert line.sees(DOWN, 91).notices == ()


def test_quiet_hours_hold_a_reminder_as_they_hold_a_call():
    line = Line(ack_expires=2 * HOUR, ack_remind=30 * MINUTE)
    asleep = replace(FOCAL, quiet=Daily(time(10), time(11)), wake=False)
    line.directory = replace(line.directory, recipients=(asleep, *line.directory.recipients[1:]))
    line.sees(DOWN)
    line.hears("focal", 0)
    (reminder,) = line.sees(DOWN, 90).notices  # half past ten
    assert reminder.due_at == NOW + minutes(120)


def test_a_reminder_that_waits_is_withheld_when_the_answer_is_given_again():
    line = Line(ack_expires=2 * HOUR, ack_remind=30 * MINUTE)
    line.sees(DOWN)
    line.hears("focal", 0)
    (reminder,) = line.sees(DOWN, 90).notices
    line.hears("head", 100)
    assert [order.means(reminder) for order in line.withheld] == [True]


def test_an_ordinary_answer_shortens_no_longer_one_and_who_says_so_does():
    line = Line(ack_expires=2 * HOUR, ack_remind=30 * MINUTE)
    line.sees(DOWN)
    line.hears("focal", 0, until=NOW + minutes(2000))
    for later in (1, 30):
        again = line.hears("head", later)
        assert (again.acked_until, again.remind_at) == (NOW + minutes(2000), NOW + minutes(1970))
    assert line.hears("head", 40, until=NOW + minutes(60)).acked_until == NOW + minutes(60)
    assert line.hears("head", 41).acked_until == NOW + minutes(161)


def test_where_an_answer_stands_until_the_end_an_ordinary_one_outlasts_one_for_some_time():
    line = Line()
    line.sees(DOWN)
    line.hears("focal", 0, until=NOW + minutes(15))
    assert line.hears("head", 5).acked_until is None
    assert told(line.sees(DOWN, 100_000)) == []


def test_answering_again_makes_it_count_longer_and_the_first_who_answered_stays():
    line = Line(ack_expires=2 * HOUR, ack_remind=30 * MINUTE)
    line.sees(DOWN)
    line.hears("focal", 0)
    line.sees(DOWN, 90)
    again = line.hears("head", 100)
    assert (again.acked_by, again.acked_until, again.remind_at) == ("focal", NOW + minutes(220), NOW + minutes(190))
    assert told(line.sees(DOWN, 121)) == []
    assert len(line.sees(DOWN, 190).notices) == 1


def test_somebody_says_for_how_long_they_answer():
    line = Line()
    line.sees(DOWN)
    assert line.hears("focal", 0, until=NOW + minutes(15)).acked_until == NOW + minutes(15)
    assert told(line.sees(DOWN, 15)) == [("focal", "outage"), ("focal", "outage")]


def test_without_terms_an_answer_stands_until_the_end():
    line = Line()
    line.sees(DOWN)
    line.hears("focal", 0)
    assert told(line.sees(DOWN, 100_000)) == []


def test_a_token_that_answered_cannot_be_reminded():
    line = Line(ack_expires=2 * HOUR, ack_remind=30 * MINUTE)
    line.sees(DOWN)
    line.hears("board-token", 0)
    assert line.sees(DOWN, 90).notices == ()
    assert line.alerts.open["centre"].remind_at is None


def test_a_unit_is_looked_at_again_when_an_answer_of_it_ends():
    line = Line(ack_expires=2 * HOUR)
    opened = line.sees(DOWN).open["centre"]
    state = UnitState("02143", incidents={"centre": opened}, recheck_at=local(7))
    decision = answer_at_the_unit(state, opened.ref, "focal", "", NOW)
    assert decision.after.recheck_at == NOW + minutes(120)


class Posted:
    """The figure of a commune under a review of a day, and the mails that go out about it."""

    def __init__(self, **scene) -> None:
        steps = (BY_MAIL[0], replace(BY_MAIL[1], after=30 * MINUTE))
        policy = Policy("p", frozenset(Kind), steps, terms=TermsSpec(review=24 * HOUR))
        self.scene = {"directory": replace(DIRECTORY, policies=(policy,)), **scene}
        self.open: Mapping[str, Incident] = {}
        self.outbox = MemoryOutbox()

    def sees(self, criteria, at: datetime) -> list[tuple[str, str]]:
        """Who gets which mail at that instant."""
        alerts = reacted(self.open, criteria, at, **self.scene)
        self.open = alerts.open
        for order in alerts.withheld:
            self.outbox.withhold(order)
        for owed in alerts.notices:
            self.outbox.add(owed)
        leases = self.outbox.lease("mail", "me", at, 10, 20.0)
        for lease in leases:
            self.outbox.settle(lease, Receipt(Outcome.SENT), at, None)
        return [(lease.notice.recipient, lease.notice.kind) for lease in leases]


LOW, MET = online(Colour.RED, NOW, 40.0, 10), online(Colour.GREEN, NOW, 90.0)


def test_after_a_relapse_of_what_nobody_answered_the_end_goes_to_those_who_were_told_of_the_relapse():
    line = Posted()
    assert line.sees(LOW, local(6, 8)) == [("focal", "kpi_red")]
    assert line.sees(LOW, local(6, 9)) == [("head", "kpi_red")]
    assert sorted(line.sees(MET, local(6, 10))) == [("focal", "kpi_met"), ("head", "kpi_met")]
    assert line.sees(LOW, local(6, 11)) == [("focal", "kpi_red")]
    assert line.sees(MET, local(6, 11, 10)) == [("focal", "kpi_met")]


def test_who_has_not_heard_of_the_end_before_a_relapse_hears_that_it_is_over_once():
    """At 20:00 the end is owed when the office opens; the relapse at 21:00 reaches the focal point only."""
    line = Posted()
    line.sees(LOW, local(6, 19))
    assert line.sees(LOW, local(6, 19, 31)) == [("head", "kpi_red")]
    assert line.sees(MET, local(6, 20)) == []
    assert line.sees(LOW, local(6, 21)) == [("focal", "kpi_red")]
    assert line.sees(MET, local(6, 21, 10)) == []
    assert sorted(line.sees(MET, local(7, 8))) == [("focal", "kpi_met"), ("head", "kpi_met")]
    assert line.sees(MET, local(7, 9)) == []


def test_a_relapse_of_which_nobody_heard_takes_the_good_news_from_nobody():
    """A first call waits for a minute, so that a mass of them can be counted."""
    line = Posted(waits={"online": 60.0})
    line.sees(LOW, local(6, 19))
    assert line.sees(LOW, local(6, 19, 1)) == [("focal", "kpi_red")]
    line.sees(MET, local(6, 20))
    assert line.sees(LOW, local(6, 21)) == []
    line.sees(MET, local(6, 21) + timedelta(seconds=30))
    assert line.sees(MET, local(7, 8)) == [("focal", "kpi_met")]


# --- several parties -------------------------------------------------------------------------------------------

PARTIES = {"official": ("commune_focal", "commune_chair"), "head": ("commune_centre_head",)}


def test_an_answer_for_one_party_stops_the_calls_to_its_people_only():
    line = Line(parties=PARTIES)
    line.sees(DOWN)
    incident = line.hears("focal", 5)
    assert (incident.phase, incident.acked_by) == (Phase.OPEN, None)
    assert [party.name for party in incident.missing] == ["head"]
    (order,) = line.withheld
    assert (order.reason, order.recipients) == ("heard", frozenset({"focal", "chair"}))
    assert told(line.sees(DOWN, 30)) == [("head", "outage")]
    assert told(line.sees(DOWN, 120)) == []  # the chair's party has answered


def test_when_every_party_has_answered_it_is_acknowledged_by_both():
    line = Line(parties=PARTIES)
    line.sees(DOWN)
    line.hears("focal", 5)
    incident = line.hears("head", 10)
    assert (incident.phase, incident.acked_by, incident.missing) == (Phase.ACKNOWLEDGED, "focal, head", ())
    assert [order.recipients for order in line.withheld] == [None]


def test_who_belongs_to_no_party_says_for_whom():
    line = Line(parties=PARTIES)
    line.sees(DOWN)
    with pytest.raises(ValueError, match=r"^say for whom you answer: official, head$"):
        line.hears("board", 5)
    with pytest.raises(ValueError, match=r"has no party 'police'; it has official, head$"):
        line.hears("board", 5, party="police")
    assert [party.name for party in line.hears("board", 5, party="head").missing] == ["official"]


def test_answering_twice_for_the_same_party_changes_nothing():
    line = Line(parties=PARTIES)
    line.sees(DOWN)
    first = line.hears("focal", 5)
    assert line.hears("focal", 6) == first


def test_a_party_that_nobody_holds_is_not_waited_for():
    line = Line(parties={**PARTIES, "police": ("police_popdb",)})
    assert [party.name for party in line.sees(DOWN).open["centre"].missing] == ["official", "head"]


BY_MAIL = tuple(StepSpec(0, (role,), ("mail",)) for role in ("commune_focal", "commune_centre_head"))
TWO = {"official": ("commune_focal",), "telecom": ("commune_centre_head",)}


def between(*steps, people=DIRECTORY.recipients, parties=TWO, **terms):
    """A directory in which both parties must answer for every kind of trouble."""
    policy = Policy("all", frozenset(Kind), steps or BY_MAIL, terms=TermsSpec(parties=parties, **terms))
    return replace(DIRECTORY, policies=(policy,), recipients=people)


class Between(Line):
    """The same for two parties, with these steps and people."""

    def __init__(self, *steps, people=DIRECTORY.recipients, **terms) -> None:
        super().__init__()
        self.directory = between(*steps, people=people, **terms)


def test_what_gets_better_calls_nobody_again_whose_party_has_answered_and_what_gets_worse_does():
    red, yellow = online(Colour.RED, NOW, 40.0, 10), online(Colour.YELLOW, NOW, 68.9, 10)
    opened = reacted({}, yellow, NOW, directory=between())
    heard, _ = acknowledge(opened.open["online"], "focal", "", NOW + minutes(5))
    worse = reacted({"online": heard}, red, NOW + minutes(10), directory=between())
    assert told(worse) == [("focal", "kpi_red"), ("head", "kpi_red")]
    heard, _ = acknowledge(worse.open["online"], "focal", "", NOW + minutes(15))
    better = reacted({"online": heard}, yellow, NOW + minutes(20), directory=between())
    assert told(better) == [("head", "kpi_yellow")]
    assert [party.name for party in better.open["online"].missing] == ["telecom"]


def test_when_one_answer_ends_of_what_everybody_had_answered_those_of_no_party_are_called_as_late_as_for_a_new_one():
    line = Between(*BY_MAIL, StepSpec(2 * HOUR, ("commune_chair",), ("sms",)))
    line.sees(DOWN)
    line.hears("focal", 5, until=NOW + minutes(300))
    assert line.hears("head", 10).phase is Phase.ACKNOWLEDGED
    assert told(line.sees(DOWN, 300)) == [("focal", "outage")]  # and not the chair in the same minute
    assert told(line.sees(DOWN, 419)) == []
    assert told(line.sees(DOWN, 420)) == [("chair", "outage")]


def test_when_one_answer_ends_under_a_mass_outage_those_who_hear_of_that_are_not_called():
    wide = Recipient("wide", "province", "19", "Sở KHCN", "vi", ("sms",))
    line = Between(*BY_MAIL, StepSpec(0, ("province",), ("sms",)), people=(*DIRECTORY.recipients, wide))
    line.sees(DOWN)
    line.hears("focal", 5, until=NOW + minutes(300))
    assert line.hears("head", 10).phase is Phase.ACKNOWLEDGED
    mass = {"centre": Cover("19", "mass:centre", ("19", "VN"))}
    line.sees(DOWN, 20, covers=mass)
    assert told(line.sees(DOWN, 300, covers=mass)) == [("focal", "outage")]
    assert told(line.sees(DOWN, 300, covers=mass)) == []


def test_who_answered_before_a_system_explained_it_is_called_with_its_end_if_that_answer_has_ended_meanwhile():
    line = Between(ack_expires=HOUR)
    line.sees(DOWN)
    line.hears("focal", 0)
    line.sees(DOWN, 10, covers={"centre": Cover("line-19", "line")})
    assert told(line.sees(DOWN, 70, covers={"centre": Cover("line-19", "line")})) == []
    assert sorted(told(line.sees(DOWN, 80))) == [("focal", "outage"), ("head", "outage")]
    assert line.sees(DOWN, 80).changed == ()


RED_ONLY = replace(BY_MAIL[1], colours=frozenset({Colour.RED}))
LATER = StepSpec(2 * HOUR, ("commune_chair",), ("sms",))


def test_what_eases_to_a_plan_whose_only_party_has_answered_is_acknowledged_and_calls_nobody_further():
    directory = between(BY_MAIL[0], RED_ONLY, LATER, ack_expires=4 * HOUR)
    red, yellow = online(Colour.RED, NOW, 40.0, 10), online(Colour.YELLOW, NOW, 68.9, 10)
    opened = reacted({}, red, NOW, directory=directory)
    heard, _ = acknowledge(opened.open["online"], "focal", "on it", NOW + minutes(5))
    better = reacted({"online": heard}, yellow, NOW + minutes(10), directory=directory)
    incident = better.open["online"]
    assert (told(better), incident.phase, incident.kind) == ([], Phase.ACKNOWLEDGED, Kind.KPI_YELLOW)
    assert (incident.acked_by, incident.ack_note, incident.missing) == ("focal", "on it", ())
    assert [order.reason for order in better.withheld] == ["sufficed"]
    assert told(reacted(better.open, yellow, NOW + minutes(131), directory=directory)) == []
    # Its answer ends as ever, and what gets worse is news to all.
    assert told(reacted(better.open, yellow, NOW + minutes(245), directory=directory)) == [("focal", "kpi_yellow")]
    worse = reacted(better.open, red, NOW + minutes(20), directory=directory)
    assert told(worse) == [("focal", "kpi_red"), ("head", "kpi_red")]


def test_while_its_end_is_watched_what_comes_back_as_less_is_acknowledged_by_who_has_answered():
    directory = between(BY_MAIL[0], RED_ONLY, LATER, close_after=HOUR)
    red, yellow = online(Colour.RED, NOW, 40.0, 10), online(Colour.YELLOW, NOW, 68.9, 10)
    opened = reacted({}, red, NOW, directory=directory)
    heard, _ = acknowledge(opened.open["online"], "focal", "", NOW + minutes(5))
    well = reacted({"online": heard}, online(Colour.GREEN, NOW, 90.0, 10), NOW + minutes(6), directory=directory)
    assert well.open["online"].phase is Phase.CLOSING
    back = reacted(well.open, yellow, NOW + minutes(10), directory=directory)
    assert (told(back), back.open["online"].phase) == ([], Phase.ACKNOWLEDGED)
    assert back.open["online"].well_since is None


def test_what_eases_to_a_plan_without_parties_is_acknowledged_by_any_answer():
    both = between(*BY_MAIL).policies[0]
    reds, yellows = (replace(both, name=name, kinds=kinds) for name, kinds in (
        ("reds", frozenset({Kind.KPI_RED})), ("yellows", frozenset({Kind.KPI_YELLOW})),
    ))  # fmt: skip
    directory = replace(DIRECTORY, policies=(reds, replace(yellows, terms=TermsSpec())))
    red, yellow = online(Colour.RED, NOW, 40.0, 10), online(Colour.YELLOW, NOW, 68.9, 10)
    opened = reacted({}, red, NOW, directory=directory)
    heard, _ = acknowledge(opened.open["online"], "head", "", NOW + minutes(5))
    better = reacted({"online": heard}, yellow, NOW + minutes(10), directory=directory)
    assert (told(better), better.open["online"].phase) == ([], Phase.ACKNOWLEDGED)
    assert better.open["online"].acked_by == "head"


def test_an_answer_without_an_end_that_counts_for_the_lesser_trouble_has_the_end_of_that_from_then_on():
    both = between(*BY_MAIL).policies[0]
    reds = replace(both, name="reds", kinds=frozenset({Kind.KPI_RED}))
    yellows = replace(both, name="yellows", kinds=frozenset({Kind.KPI_YELLOW}), terms=TermsSpec(ack_expires=HOUR))
    directory = replace(DIRECTORY, policies=(reds, yellows))
    red, yellow = online(Colour.RED, NOW, 40.0, 10), online(Colour.YELLOW, NOW, 68.9, 10)
    opened = reacted({}, red, NOW, directory=directory)
    heard, _ = acknowledge(opened.open["online"], "head", "", NOW + minutes(5))
    better = reacted({"online": heard}, yellow, NOW + minutes(600), directory=directory)
    assert (told(better), better.recheck_at) == ([], NOW + minutes(660))
    assert told(reacted(better.open, yellow, NOW + minutes(601), directory=directory)) == []
    assert len(told(reacted(better.open, yellow, NOW + minutes(660), directory=directory))) == 2


def as_of_old(incident: Incident, **more) -> Incident:
    """As the version before wrote it: its answers have no ends of their own."""
    return replace(incident, answers=tuple(replace(one, until=None) for one in incident.answers), **more)


def test_what_was_answered_under_an_older_version_is_reminded_of_and_ends():
    line = Between(ack_expires=2 * HOUR, ack_remind=30 * MINUTE)
    line.sees(DOWN)
    line.hears("focal", 0)
    both = as_of_old(line.hears("head", 10), acked_until=NOW + minutes(130), remind_at=NOW + minutes(100))
    line.alerts = replace(line.alerts, open={"centre": both})
    assert told(line.sees(DOWN, 99)) == []
    assert told(line.sees(DOWN, 100)) == [("focal", "still_open"), ("head", "still_open")]
    assert line.hears("focal", 105).acked_until == NOW + minutes(130)  # that of the other
    assert told(line.sees(DOWN, 130)) == [("head", "outage")]


def test_the_answer_of_one_party_under_an_older_version_ends_as_the_terms_say():
    line = Between(ack_expires=2 * HOUR, ack_remind=30 * MINUTE)
    line.sees(DOWN)
    one = as_of_old(line.hears("focal", 0), acked_until=None, remind_at=None)
    line.alerts = replace(line.alerts, open={"centre": one})
    assert told(line.sees(DOWN, 89)) == []
    assert told(line.sees(DOWN, 90)) == [("focal", "still_open")]
    assert told(line.sees(DOWN, 120)) == [("focal", "outage")]


def test_the_answer_of_one_party_ends_while_another_is_waited_for_and_its_people_only_are_called_anew():
    line = Between(BY_MAIL[0], StepSpec(0, ("commune_centre_head",), ("mail",), repeat=HOUR), ack_expires=1.5 * HOUR)
    line.sees(DOWN)
    assert line.hears("focal", 0).acked_until == NOW + minutes(90)
    assert told(line.sees(DOWN, 61)) == [("head", "outage")]
    assert line.alerts.recheck_at == NOW + minutes(90)
    assert told(line.sees(DARK, 91)) == []  # nobody can see it
    assert told(line.sees(DOWN, 92)) == [("focal", "outage")]
    assert told(line.sees(DOWN, 92)) == []
    assert told(line.sees(DOWN, 121)) == [("head", "outage")]  # its repeats keep their rhythm
    assert [party.name for party in line.alerts.open["centre"].missing] == ["official", "telecom"]


def test_an_answer_for_some_minutes_ends_for_its_party_also_when_the_other_has_answered_for_good():
    line = Between()
    line.sees(DOWN)
    line.hears("focal", 0, until=NOW + minutes(15))
    both = line.hears("head", 5)
    assert (both.phase, both.acked_until) == (Phase.ACKNOWLEDGED, NOW + minutes(15))
    assert told(line.sees(DOWN, 15)) == [("focal", "outage")]
    incident = line.alerts.open["centre"]
    assert (incident.phase, incident.acked_by) == (Phase.OPEN, None)
    assert [party.name for party in incident.missing] == ["official"]
    assert line.hears("focal", 20).phase is Phase.ACKNOWLEDGED
    assert told(line.sees(DOWN, 100_000)) == []


def test_when_the_answers_of_all_parties_have_ended_everybody_is_called_anew():
    line = Between(ack_expires=HOUR)
    line.sees(DOWN)
    line.hears("focal", 0)
    line.hears("head", 5)
    assert told(line.sees(DOWN, 66)) == [("focal", "outage"), ("head", "outage")]


def test_who_answered_for_one_party_is_reminded_before_that_ends_and_answers_again():
    line = Between(ack_expires=2 * HOUR, ack_remind=30 * MINUTE)
    line.sees(DOWN)
    line.hears("focal", 0)
    assert told(line.sees(DOWN, 90)) == [("focal", "still_open")]
    assert line.alerts.open["centre"].renewable("focal") and not line.alerts.open["centre"].renewable("head")
    assert line.hears("focal", 100).acked_until == NOW + minutes(220)
    assert told(line.sees(DOWN, 121)) == []


def test_each_of_two_who_answered_ten_minutes_apart_is_reminded():
    line = Between(ack_expires=2 * HOUR, ack_remind=30 * MINUTE)
    line.sees(DOWN)
    line.hears("focal", 0)
    line.hears("head", 10)
    said = [(minute, who) for minute in range(11, 120) for who, kind in told(line.sees(DOWN, minute))]
    assert said == [(90, "focal"), (100, "head")]


AN = replace(FOCAL, id="an", valid_to=date(2025, 8, 7))
BINH = replace(FOCAL, id="binh", valid_from=date(2025, 8, 7))
HOURLY = replace(BY_MAIL[0], repeat=HOUR)
TOMORROW = 24 * 60


def test_a_party_is_a_post_and_whoever_takes_it_over_answers_for_it():
    line = Between(HOURLY, BY_MAIL[1], people=(AN, BINH, HEAD))
    line.sees(DOWN)
    assert told(line.sees(DOWN, TOMORROW)) == [("binh", "outage")]
    assert [party.name for party in line.hears("binh", TOMORROW).missing] == ["telecom"]


def test_who_takes_over_a_post_whose_party_has_answered_is_not_called():
    line = Between(HOURLY, BY_MAIL[1], people=(AN, BINH, HEAD))
    line.sees(DOWN)
    line.hears("an", 1)
    assert told(line.sees(DOWN, TOMORROW)) == []


def test_a_party_whose_post_is_vacant_is_waited_for_still():
    line = Between(HOURLY, BY_MAIL[1], people=(AN, HEAD))
    line.sees(DOWN)
    line.sees(DOWN, TOMORROW)
    assert [party.recipients for party in line.alerts.open["centre"].missing] == [("an",), ("head",)]


def test_a_party_that_no_step_calls_for_this_colour_is_not_waited_for():
    red_only = replace(BY_MAIL[1], colours=frozenset({Colour.RED}))
    opened = reacted({}, online(Colour.YELLOW, NOW, 68.9, 10), NOW, directory=between(BY_MAIL[0], red_only))
    assert told(opened) == [("focal", "kpi_yellow")]
    assert acknowledge(opened.open["online"], "focal", "", NOW)[0].phase is Phase.ACKNOWLEDGED


def test_a_party_that_hears_of_a_mass_outage_is_not_waited_for_at_each_unit_until_that_has_ended():
    provincial = replace(HEAD, scope="19")
    site, mass = between(people=(FOCAL, provincial)), {"centre": Cover("19", "mass:centre", ("19", "VN"))}
    opened = reacted({}, DOWN, NOW, directory=site, covers=mass)
    assert told(opened) == [("focal", "outage")]
    assert acknowledge(opened.open["centre"], "focal", "", NOW)[0].phase is Phase.ACKNOWLEDGED
    alone = reacted(opened.open, DOWN, NOW + minutes(60), directory=site)
    assert [party.name for party in alone.open["centre"].missing] == ["official", "telecom"]


def test_the_last_party_that_has_not_answered_is_waited_for_under_a_mass_outage_and_called_when_that_has_ended():
    """It would count as answered by all otherwise, and nobody would call them then."""
    provincial = replace(HEAD, scope="19")
    line = Between(BY_MAIL[0], replace(BY_MAIL[1], after=30 * MINUTE), people=(FOCAL, provincial))
    line.sees(DOWN)
    line.hears("focal", 5)
    line.sees(DOWN, 10, covers={"centre": Cover("19", "mass:centre", ("19", "VN"))})
    incident = line.alerts.open["centre"]
    assert (line.phase, [party.name for party in incident.missing]) == (Phase.OPEN, ["telecom"])
    line.sees(DOWN, 60)
    assert told(line.sees(DOWN, 90)) == [("head", "outage")]


# --- well, but not yet over ------------------------------------------------------------------------------------


def test_what_is_well_is_watched_before_it_is_told_and_the_message_tells_when_it_became_well():
    line = Line(close_after=10 * MINUTE)
    line.sees(DOWN)
    assert told(line.sees(UP, 5)) == []
    assert (line.phase, line.alerts.recheck_at) == (Phase.CLOSING, NOW + minutes(15))
    ended = line.sees(UP, 15)
    assert told(ended) == [("focal", "recovered"), ("focal", "recovered")]
    assert "hoat dong lai luc 09:05 06/08, gian doan 21 phut" in ended.notices[0].sms
    assert line.phase is None


def test_a_relapse_while_it_is_watched_is_no_news_and_the_plan_goes_on():
    line = Line(close_after=10 * MINUTE)
    line.sees(DOWN)
    line.sees(UP, 5)
    assert told(line.sees(DOWN, 9)) == []
    incident = line.alerts.open["centre"]
    assert (incident.phase, incident.generation, incident.well_since) == (Phase.OPEN, 0, None)
    assert told(line.sees(DOWN, 30)) == [("head", "outage")]


def test_a_call_that_fell_due_while_it_was_watched_comes_with_the_relapse():
    line = Line(close_after=30 * MINUTE)
    line.sees(DOWN)
    line.sees(UP, 10)
    assert told(line.sees(UP, 30)) == []
    assert told(line.sees(DOWN, 35)) == [("head", "outage")]


def test_a_relapse_of_what_was_answered_stays_answered():
    line = Line(close_after=10 * MINUTE)
    line.sees(DOWN)
    line.hears("focal", 1)
    line.sees(UP, 5)
    assert told(line.sees(DOWN, 9)) == []
    assert line.phase is Phase.ACKNOWLEDGED


def test_a_relapse_of_what_was_answered_calls_at_once_where_the_answer_has_ended_meanwhile():
    line = Line(ack_expires=10 * MINUTE, close_after=30 * MINUTE)
    line.sees(DOWN)
    line.hears("focal", 1)
    line.sees(UP, 5)
    assert told(line.sees(DOWN, 20)) == [("focal", "outage"), ("focal", "outage")]
    again = line.sees(DOWN, 20)
    assert (told(again), again.changed) == ([], ())


def test_darkness_does_not_end_a_watch_and_the_plan_goes_on_in_it():
    line = Line(close_after=10 * MINUTE)
    line.sees(DOWN)
    line.sees(UP, 5)
    assert (told(line.sees(DARK, 60)), line.phase) == ([("head", "outage")], Phase.OPEN)
    assert (told(line.sees(UP, 61)), line.phase) == ([], Phase.CLOSING)
    assert {kind for _, kind in told(line.sees(UP, 71))} == {"recovered"}


# --- over, and nobody had answered -----------------------------------------------------------------------------


def test_what_ended_unanswered_stays_in_sight_calls_nobody_and_is_closed_by_an_answer():
    line = Line(review=24 * HOUR)
    line.sees(DOWN)
    assert told(line.sees(UP, 5)) == [("focal", "recovered"), ("focal", "recovered")]
    assert (line.phase, line.alerts.recheck_at) == (Phase.UNANSWERED, NOW + minutes(5 + 24 * 60))
    assert told(line.sees(UP, 60)) == []
    closed = line.hears("focal", 70)
    assert (closed.phase, closed.closed_at, closed.acked_by) == (Phase.CLOSED, NOW + minutes(70), "focal")
    assert line.withheld == ()


def test_sc88_worse_drops_an_answer_and_what_ends_unanswered_is_normal_once_somebody_answers():
    """SC-88."""
    directory = under(TermsSpec(review=24 * HOUR))
    opened = reacted({}, online(Colour.YELLOW, NOW, 70.0, left=5), NOW, directory=directory).open["online"]
    answered, _ = acknowledge(opened, "focal", "", NOW)
    assert answered.phase is Phase.ACKNOWLEDGED
    worse = reacted(
        {"online": answered}, online(Colour.RED, NOW, 40.0, left=5), NOW + minutes(5), directory=directory
    ).open["online"]
    assert (worse.phase, worse.acked_by, worse.answers) == (Phase.OPEN, None, ())
    over = reacted({"online": worse}, online(Colour.GREEN, NOW, 85.0), NOW + minutes(9), directory=directory).open[
        "online"
    ]
    assert over.phase is Phase.UNANSWERED
    assert acknowledge(over, "focal", "", NOW + minutes(10))[0].phase is Phase.CLOSED


def test_an_answer_of_one_party_before_the_end_is_none_to_what_comes_back_as_less():
    directory = between(BY_MAIL[0], RED_ONLY, LATER, review=24 * HOUR)
    red, yellow = online(Colour.RED, NOW, 40.0, 10), online(Colour.YELLOW, NOW, 68.9, 10)
    opened = reacted({}, red, NOW, directory=directory)
    heard, _ = acknowledge(opened.open["online"], "focal", "", NOW + minutes(5))
    over = reacted({"online": heard}, online(Colour.GREEN, NOW, 90.0, 10), NOW + minutes(6), directory=directory)
    assert over.open["online"].phase is Phase.UNANSWERED
    back = reacted(over.open, yellow, NOW + minutes(10), directory=directory)
    assert (told(back), back.open["online"].phase) == ([("focal", "kpi_yellow")], Phase.OPEN)


def test_nobody_looks_at_it_for_ever():
    line = Line(review=24 * HOUR)
    line.sees(DOWN)
    line.sees(UP, 5)
    over = line.sees(UP, 5 + 24 * 60)
    assert (line.phase, over.notices, over.withheld) == (None, (), ())
    assert [entry.action for entry in over.audit] == ["forgotten"]


def test_a_relapse_of_what_nobody_answered_is_told_anew():
    line = Line(review=24 * HOUR)
    opened = line.sees(DOWN).open["centre"]
    line.sees(UP, 5)
    assert told(line.sees(DOWN, 50)) == [("focal", "outage"), ("focal", "outage")]
    again = line.alerts.open["centre"]
    assert (again.key, again.phase, again.generation) == (opened.key, Phase.OPEN, 1)


def test_a_relapse_waits_as_long_as_a_new_trouble_so_that_the_others_can_be_counted():
    directory, wait = under(TermsSpec(review=24 * HOUR)), {"centre": MINUTE}
    opened = reacted({}, DOWN, NOW, directory=directory, waits=wait)
    begun = reacted(opened.open, DOWN, NOW + minutes(1), directory=directory, waits=wait)
    over = reacted(begun.open, UP, NOW + minutes(5), directory=directory, waits=wait)
    again = reacted(over.open, DOWN, NOW + minutes(50), directory=directory, waits=wait)
    assert (again.notices, again.recheck_at) == ((), NOW + minutes(51))
    told_now = reacted(again.open, DOWN, NOW + minutes(51), directory=directory, waits=wait)
    assert told(told_now) == [("focal", "outage"), ("focal", "outage")]
    assert told_now.recheck_at == NOW + minutes(80)  # half an hour after the relapse, not after the first episode


def test_what_was_answered_needs_no_review():
    line = Line(review=24 * HOUR)
    line.sees(DOWN)
    line.hears("focal", 1)
    line.sees(UP, 5)
    assert line.phase is None


def test_an_answer_that_closes_leaves_the_unit_without_an_incident():
    line = Line(review=24 * HOUR)
    line.sees(DOWN)
    over = line.sees(UP, 5).open["centre"]
    decision = answer_at_the_unit(UnitState("02143", incidents={"centre": over}), over.ref, "focal", "", NOW)
    assert decision.after.incidents == {}
    assert decision.incidents[0].phase is Phase.CLOSED


# --- wishes ----------------------------------------------------------------------------------------------------


def test_sc50_who_does_not_want_recoveries_hears_of_each_trouble_and_of_no_end():
    """SC-50: critical, well, critical: two messages."""
    quiet = replace(DIRECTORY, recipients=tuple(replace(p, recoveries=p != FOCAL) for p in DIRECTORY.recipients))
    alerts, heard = Alerts(open={}), []
    for minute, seen in enumerate((DOWN, UP, DOWN)):
        alerts = reacted(alerts.open, seen, at(minute), directory=quiet)
        heard += [(notice.channel, notice.kind) for notice in alerts.notices]
    assert heard == [("mail", "outage"), ("sms", "outage")] * 2


def at(minute: float) -> datetime:
    return NOW + minutes(minute)
