"""Random lives of one unit's incidents, against a model that knows only what people were told."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from monitor.alerting.escalate import due, finished
from monitor.alerting.incidents import Alerts, acknowledge
from monitor.alerting.troubles import Silent
from monitor.alerting.wording import gsm_length
from monitor.model.colour import Colour
from monitor.model.incident import Incident, Kind, Notice, Phase
from monitor.model.verdict import CriterionState
from tests.unit.alerting_scene import DEADLINE, centre, local, online, reacted

RECOVERIES = {"recovered", "kpi_met", "speaks_again"}
CENTRE_COLOURS = st.sampled_from([Colour.GREEN, Colour.RED, Colour.UNKNOWN, Colour.MAINTENANCE])
GAPS = st.sampled_from([1, 60, 600, 1800, 3600, 7200, 86_400, 300_000])  # seconds


class Lives(RuleBasedStateMachine):
    """A centre that breaks, a figure that nears its deadline and a source that falls silent; time only moves on."""

    @initialize()
    def begin(self) -> None:
        self.now = local(4, 8)
        self.down: Colour = Colour.GREEN
        self.rate: float | None = 85.0
        self.quiet = False
        self.open: dict[str, Incident] = {}
        self.sent: dict[str, Notice] = {}
        self.answered: set[tuple[str, int]] = set()  # (incident, generation)
        self.closed: set[str] = set()

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
        after, withheld = acknowledge(before, data.draw(st.sampled_from(["an", "binh"])), "", self.now)
        assert after.phase is Phase.ACKNOWLEDGED
        assert bool(withheld) == (before.phase is Phase.OPEN)
        if before.phase is Phase.ACKNOWLEDGED:
            assert after == before
        self.answered.add((after.key, after.generation))
        self.open[cause] = after

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
        alerts = reacted(before, criteria, self.now, silent)
        self.check_pages(alerts)
        self.check_ends(before, alerts)
        self.open = dict(alerts.open)
        again = reacted(self.open, criteria, self.now, silent)
        assert (again.changed, again.notices, again.withheld, dict(again.open)) == ((), (), (), self.open)
        assert alerts.recheck_at is None or alerts.recheck_at > self.now

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
            assert (incident.key, incident.generation) not in self.answered
            assert notice.due_at <= self.now

    def address(self, key: str) -> tuple[str, str]:
        return self.sent[key].recipient, self.sent[key].channel

    def check_ends(self, before: dict[str, Incident], alerts: Alerts) -> None:
        for incident in before.values():
            if incident.cause in alerts.open:
                assert alerts.open[incident.cause].key == incident.key
                continue
            assert incident.cause != "centre" or self.down is Colour.GREEN
            assert incident.cause != "online" or self.rate == 85.0
            assert incident.cause != "silent:portal" or not self.quiet
            told = {self.address(k) for k, n in self.sent.items() if n.incident == incident.key}
            freed = {self.address(n.key) for n in alerts.notices if n.incident == incident.key}
            assert told == freed
            assert incident.key not in self.closed
            self.closed.add(incident.key)

    # --- always ---

    @invariant()
    def what_is_wrong_has_an_incident(self) -> None:
        if not hasattr(self, "open"):
            return
        assert self.down is not Colour.RED or "centre" in self.open
        assert self.rate not in (40.0, 68.91) or "online" in self.open
        assert ("silent:portal" in self.open) == self.quiet

    @invariant()
    def an_incident_is_at_least_as_bad_as_what_is_wrong(self) -> None:
        incident = getattr(self, "open", {}).get("online")
        if incident is not None and self.rate == 40.0:
            assert incident.kind in (Kind.KPI_RED, Kind.OVERDUE)
            assert incident.colour is Colour.RED

    @invariant()
    def nothing_due_is_left_uncalled(self) -> None:
        for incident in getattr(self, "open", {}).values():
            if incident.phase is Phase.OPEN and not (incident.cause == "centre" and self.down is Colour.MAINTENANCE):
                assert not any(due(step, self.now - timedelta(seconds=1)) for step in incident.steps)
                assert any(step.fired or not finished(step) for step in incident.steps)


Lives.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestIncidentsLive = Lives.TestCase
