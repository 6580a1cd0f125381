"""Random lives of one unit's incidents, against a model that knows only what people were told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from monitor.alerting.auditor import excused, gaps
from monitor.alerting.escalate import due, finished
from monitor.alerting.incidents import Alerts, acknowledge
from monitor.alerting.plan import Recipient, StepSpec, TermsSpec
from monitor.alerting.troubles import Silent
from monitor.model.colour import Colour
from monitor.model.incident import Cover, Incident, Kind, Notice, Phase
from monitor.model.muting import NOTHING_MUTED
from monitor.model.segments import gsm_length
from monitor.model.state import UnitState, Withhold
from monitor.model.unit import Units
from monitor.model.verdict import CriterionState
from tests.unit.alerting_scene import COMMUNE, DEADLINE, DIRECTORY, centre, local, online, reacted

UNITS = Units((replace(COMMUNE, parent=None),))
RECOVERIES = {"recovered", "kpi_met", "speaks_again"}
TERMS = st.sampled_from(
    [
        TermsSpec(),
        TermsSpec(close_after=1800.0, review=86_400.0),
        TermsSpec(ack_expires=7200.0, ack_remind=600.0),
        TermsSpec(600.0, 7200.0, 86_400.0, 3600.0, {"official": ("commune_focal",), "leader": ("commune_chair",)}),
    ]
)
CENTRE_COLOURS = st.sampled_from([Colour.GREEN, Colour.YELLOW, Colour.RED, Colour.UNKNOWN, Colour.MAINTENANCE])
MASS = Cover("19", "mass:centre", ("19", "VN"))
COVERS = st.sampled_from([None, Cover("line-19", "line"), MASS])
GAPS = st.sampled_from([1, 60, 600, 1800, 3600, 7200, 86_400, 300_000])  # seconds


class Lives(RuleBasedStateMachine):
    """A centre that breaks, a figure that nears its deadline and a source that falls silent; time only moves on."""

    @initialize(terms=TERMS, wide_first=st.booleans())
    def begin(self, terms: TermsSpec, wide_first: bool) -> None:
        first = (StepSpec(0.0, ("province",), ("sms",), repeat=3600.0),) if wide_first else ()
        again, last = StepSpec(1200.0, ("commune_focal",), ("mail",)), StepSpec(10_800.0, ("province",), ("sms",))
        policies = tuple(
            replace(policy, terms=terms, steps=(*first, policy.steps[0], again, *policy.steps[1:], last))
            for policy in DIRECTORY.policies
        )
        wide = Recipient("province", "province", "19", "Sở KHCN", "vi", ("sms",))
        self.directory = replace(DIRECTORY, policies=policies, recipients=(*DIRECTORY.recipients, wide))
        self.now = local(4, 8)
        self.down: Colour = Colour.GREEN
        self.rate: float | None = 85.0
        self.quiet = False
        self.cover: Cover | None = None
        self.open: dict[str, Incident] = {}
        self.sent: dict[str, Notice] = {}
        self.answered: set[tuple[str, int]] = set()  # (incident, generation)
        self.mute: set[tuple[str, int, str]] = set()  # (incident, generation, recipient) of parties that answered
        self.closed: set[str] = set()
        self.over: dict[str, int] = {}  # incident -> generation up to which its end was told
        self.rows: dict[str, dict[str, tuple[str, str]]] = {}  # incident -> its messages in the outbox

    # --- the world ---

    @rule(colour=CENTRE_COLOURS)
    def the_centre_changes(self, colour: Colour) -> None:
        self.down = colour
        self.decide()

    @rule(rate=st.sampled_from([None, 40.0, 68.91, 85.0]))
    def the_rate_changes(self, rate: float | None) -> None:
        self.rate = rate
        self.decide()

    @rule()
    def the_source_falls_silent_or_speaks(self) -> None:
        self.quiet = not self.quiet
        self.decide()

    @rule(cover=COVERS)
    def a_wider_trouble_begins_or_ends(self, cover: Cover | None) -> None:
        self.cover = cover
        self.decide()

    @rule(gap=GAPS)
    def time_passes(self, gap: int) -> None:
        self.now += timedelta(seconds=gap)
        self.decide()

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def somebody_answers(self, data: st.DataObject) -> None:
        self.now += timedelta(seconds=1)
        cause = data.draw(st.sampled_from(sorted(self.open)))
        before = self.open[cause]
        minutes = data.draw(st.sampled_from([None, None, 20, 700]))
        until = None if minutes is None else self.now + timedelta(minutes=minutes)
        who, parties = data.draw(st.sampled_from(["focal", "chair"])), before.terms.parties
        if parties and not any(who in party.recipients for party in parties):
            return  # whom this trouble does not ask
        after, withheld = acknowledge(before, who, "", self.now, until=until)
        self.write(withheld, ())
        assert bool(withheld) == (after != before and before.phase is not Phase.UNANSWERED)
        assert who_answered(before) <= who_answered(after)
        if before.phase is Phase.ACKNOWLEDGED:
            assert (after.phase, after.acked_by, who_answered(after)) == (
                before.phase, before.acked_by, who_answered(before),
            )  # fmt: skip
        elif after.acked_by is None:
            assert after.missing
            assert after.phase is before.phase
        else:
            assert after.phase is {Phase.OPEN: Phase.ACKNOWLEDGED, Phase.UNANSWERED: Phase.CLOSED}.get(
                before.phase, before.phase
            )
            self.answered.add((after.key, after.generation))
        self.mute |= {(after.key, after.generation, person) for person in after.answered}
        if after.open:
            self.open[cause] = after
        else:
            self.open.pop(cause)
            self.closed.add(after.key)

    # --- what a decision does ---

    def criteria(self) -> dict[str, CriterionState]:
        states = centre(self.down, self.now, 16.0 if self.down is Colour.RED else 0.0)
        if self.rate is None:
            return {**states, **online(Colour.UNKNOWN, self.now, 0.0)}
        late, left = self.now >= DEADLINE, 5
        red = self.rate < 50 or late
        colour = Colour.GREEN if self.rate >= 80 else Colour.RED if red else Colour.YELLOW
        overdue = late and colour is Colour.RED
        return {**states, **online(colour, self.now, self.rate, 0 if late else left, overdue=overdue)}

    def decide(self) -> None:
        self.now += timedelta(seconds=1)
        silent = [Silent("portal", local(3), 86_400.0, 68.91, local(3))] if self.quiet else []
        before, criteria = dict(self.open), self.criteria()
        covers = {} if self.cover is None else {"centre": self.cover}
        alerts = reacted(before, criteria, self.now, silent, directory=self.directory, covers=covers)
        self.write(alerts.withheld, alerts.notices)
        self.check_pages(alerts)
        self.check_ends(before, alerts)
        self.open = dict(alerts.open)
        again = reacted(self.open, criteria, self.now, silent, directory=self.directory, covers=covers)
        assert (again.changed, again.notices, again.withheld, dict(again.open)) == ((), (), (), self.open)
        assert alerts.recheck_at is None or alerts.recheck_at > self.now
        until = alerts.recheck_at or self.now + timedelta(days=30)
        for part in (0.5, 0.999):  # nobody need look before that
            early = reacted(
                self.open,
                criteria,
                self.now + part * (until - self.now),
                silent,
                directory=self.directory,
                covers=covers,
            )
            assert (early.changed, early.notices, early.withheld) == ((), (), ())

    def write(self, withheld: Sequence[Withhold], notices: Sequence[Notice]) -> None:
        """What the store does with it, as far as the auditor looks."""
        for order in withheld:
            rows = self.rows.get(order.incident, {})
            for key in rows:
                if order.recipients is None or key.split("/")[-2] in order.recipients:
                    rows[key] = ("suppressed", order.reason)
        for notice in notices:
            self.rows.setdefault(notice.incident, {})[notice.key] = ("pending", "")

    def check_pages(self, alerts: Alerts) -> None:
        for notice in alerts.notices:
            assert notice.key not in self.sent
            assert gsm_length(notice.sms) <= 160
            assert "02143" in notice.sms
            self.sent[notice.key] = notice
            if notice.kind in RECOVERIES:
                assert notice.requires in self.sent
                assert self.sent[notice.requires].kind not in RECOVERIES
                assert (notice.recipient, notice.channel) == self.address(notice.requires)
                continue
            incident = next(i for i in alerts.open.values() if i.key == notice.incident)
            if incident.cause == "centre" and self.cover is not None and notice.kind != "still_open":
                assert not self.cover.whole
                assert notice.recipient != "province"
            if notice.kind == "still_open":
                assert incident.answers
                continue
            assert incident.phase is Phase.OPEN
            assert (incident.key, incident.generation) not in self.answered
            assert (incident.key, incident.generation, notice.recipient) not in self.mute
            assert notice.due_at <= self.now

    def address(self, key: str) -> tuple[str, str]:
        return self.sent[key].recipient, self.sent[key].channel

    def check_ends(self, before: dict[str, Incident], alerts: Alerts) -> None:
        for incident in before.values():
            after = alerts.open.get(incident.cause)
            if after is not None:
                assert after.key == incident.key
            if after is not None and not (after.phase is Phase.UNANSWERED is not incident.phase):
                continue
            if incident.phase is Phase.UNANSWERED:
                assert not any(notice.incident == incident.key for notice in alerts.notices)
                self.closed.add(incident.key)
                continue
            assert incident.cause != "centre" or self.down is Colour.GREEN
            assert incident.cause != "online" or self.rate == 85.0
            assert incident.cause != "silent:portal" or not self.quiet
            over = self.over.get(incident.key, -1)
            calls = {
                key for key, n in self.sent.items()
                if n.incident == incident.key and n.kind != "still_open" and int(n.call.split("/")[0]) > over
            }  # fmt: skip
            told = {self.address(key) for key in calls}
            freed = {self.address(n.key) for n in alerts.notices if n.incident == incident.key}
            assert told == freed
            assert incident.key not in self.closed
            self.over[incident.key] = incident.generation
            if after is None:
                self.closed.add(incident.key)

    # --- always ---

    @invariant()
    def what_is_wrong_has_an_incident(self) -> None:
        if not hasattr(self, "open"):
            return
        explained = self.cover is not None and self.cover.whole
        assert self.down is not Colour.RED or explained or "centre" in self.open
        assert self.rate not in (40.0, 68.91) or "online" in self.open
        silent = self.open.get("silent:portal")
        assert (silent is not None and silent.well_since is None) == self.quiet

    @invariant()
    def an_incident_is_at_least_as_bad_as_what_is_wrong(self) -> None:
        incident = getattr(self, "open", {}).get("online")
        if incident is not None and self.rate == 40.0:
            assert incident.kind in (Kind.KPI_RED, Kind.OVERDUE)
            assert incident.colour is Colour.RED

    @invariant()
    def the_auditor_finds_no_gap(self) -> None:
        if not hasattr(self, "open"):
            return
        state = UnitState(COMMUNE.code, criteria=self.criteria())
        found = gaps(
            self.open.values(),
            self.rows,
            lambda one: excused(one, state, UNITS, NOTHING_MUTED, self.now),
            self.now,
            grace=1.0,  # the machine's clock goes on by a second with every decision
        )
        assert found == ()

    @invariant()
    def nothing_due_is_left_uncalled(self) -> None:
        for incident in getattr(self, "open", {}).values():
            if incident.phase is Phase.OPEN and not (incident.cause == "centre" and self.down is Colour.MAINTENANCE):
                assert not any(due(step, self.now - timedelta(seconds=1)) for step in incident.steps)
                covered = incident.cover is not None
                assert covered or any(step.fired or not finished(step) for step in incident.steps)


Lives.TestCase.settings = settings(max_examples=max(120, settings().max_examples // 4), stateful_step_count=30)
TestIncidentsLive = Lives.TestCase


def who_answered(incident: Incident) -> set[tuple[str, datetime, str]]:
    return {(answer.by, answer.at, answer.party) for answer in incident.answers}


STEPS = st.builds(
    StepSpec,
    st.sampled_from([0.0, 1200.0, 3600.0]),
    st.sampled_from([("commune_focal",), ("province",)]),
    st.just(("mail", "sms")),
    repeat=st.sampled_from([None, 1800.0]),
)


@example(
    [
        StepSpec(0.0, ("province",), ("sms",), repeat=1800.0),
        StepSpec(0.0, ("commune_focal",), ("mail",)),
        StepSpec(3600.0, ("commune_focal",), ("mail",)),
    ],
    [(None, 1800), (MASS, 1800)],
)
@given(st.lists(STEPS, min_size=2, max_size=5), st.lists(st.tuples(COVERS, st.sampled_from([60, 1800])), max_size=8))
def test_no_call_of_an_incident_ever_bears_the_name_of_another(steps: list[StepSpec], course: list[tuple[Cover, int]]):
    """Whatever wider troubles begin and end meanwhile: the outbox takes a name that it has for a repeat."""
    wide = Recipient("province", "province", "19", "Sở KHCN", "vi", ("sms",))
    plan = replace(DIRECTORY.policies[0], steps=tuple(steps))
    site = replace(DIRECTORY, policies=(plan,), recipients=(*DIRECTORY.recipients, wide))
    now, open_now, names = local(4, 8), dict[str, Incident](), list[str]()
    for cover, gap in [(None, 0), *course]:
        covers = {} if cover is None else {"centre": cover}
        for seconds in (1, gap):
            now += timedelta(seconds=seconds)
            alerts = reacted(open_now, centre(Colour.RED, now, 16.0), now, directory=site, covers=covers)
            open_now = dict(alerts.open)
            names += [notice.key for notice in alerts.notices]
    assert len(names) == len(set(names))
