"""The outbox and its sender against a naive model, with a kill at every point between claim, send and settle.

The model stands outside: it knows what was owed, answered and muted, and what providers were asked and took. The store
in memory is under test together with the real sender; `test_store_model.py` shows that the file does the same.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from monitor.adapters.store import states
from monitor.adapters.store.memory import MemoryStore
from monitor.adapters.store.memory_outbox import MemoryOutbox
from monitor.alerting.muting import Held
from monitor.alerting.outcome import Following, Way, follow
from monitor.model.incident import DELIVERED, FAILED, FINALS, SEEN, Fault, Notice, Outcome, Receipt, reference
from monitor.model.state import Decision, UnitState, Withhold
from monitor.ports import Lease
from monitor.service import sender
from monitor.service.sender import Sender

START = datetime(2026, 11, 20, 5, tzinfo=UTC)
DEADLINE = 15.0  # seconds in which a transport answers
# Who is owed first by which channel. "both" is told by two at once, so that a take-over meets a notice that is there.
FIRST = {"chain": ("zalo",), "both": ("zalo", "sms"), "plain": ("sms",)}
WAYS = {
    "zalo": Way(2, next_of={"chain": "sms", "both": "sms"}),
    "sms": Way(3, blind=True, next_of={"chain": "mail"}),
    "mail": Way(1),
}
UNSURE = frozenset({"lost", "cut", "broken"})
REPLIES = {
    "taken": Receipt(Outcome.SENT, "ok"),
    "lost": Receipt(Outcome.UNKNOWN, "timed out"),
    "again": Receipt(Outcome.TRY_AGAIN, "503"),
    "slower": Receipt(Outcome.TRY_AGAIN, "429", retry_after=40.0),
    **{f"refused {fault}": Receipt(Outcome.REFUSED, "no", fault=fault) for fault in Fault},
}
INCIDENTS = ("00010/i", "00020/j")
FINAL = frozenset({"sent", "refused", "maybe_sent", "suppressed"})
GAPS = st.sampled_from([0.5, 1, 5, 16, 21, 61, 301, 4000, 30_000])


class Hands:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()

    async def sleep_until(self, when: datetime) -> None:
        await asyncio.Event().wait()


@dataclass(eq=False)
class Flight:
    """One send on the wire."""

    notice: Notice
    began: float
    answer: asyncio.Future[str]


@dataclass
class Page:
    """What the model knows of one owed message."""

    notice: Notice
    withheld: bool = False
    ends: list[str] = field(default_factory=list)  # of its sends
    taken: int = 0  # by the provider
    said: str = ""  # by the provider, later
    state: str = ""  # how it ended, once it has

    @property
    def heard(self) -> bool:
        """As far as anybody can know."""
        return self.said != FAILED and bool({"taken", *UNSURE} & set(self.ends))


@dataclass
class Trouble:
    """One incident, as far as the outbox is concerned."""

    key: str
    stored: UnitState
    generation: int = 0
    calls: int = 0
    phase: str = "open"
    muted: bool = False
    owed: dict[tuple[str, str], str] = field(default_factory=dict)  # (recipient, channel) -> the last page's key


class Outbox(RuleBasedStateMachine):
    """Two incidents, three recipients, three channels in a chain."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = Hands()
        self.store = MemoryStore()
        self.pages: dict[str, Page] = {}
        self.wrong: list[str] = []  # of what was sent; an error raised there would only be one more unknown outcome
        self.flying: list[Flight] = []
        self.troubles = {key: Trouble(key, UnitState(key[:5])) for key in INCIDENTS}
        self.runner.run(self.store.open())
        self.sender = self.new_sender()

    def new_sender(self) -> Sender:
        transports = dict.fromkeys(WAYS, self)
        return Sender(self.store, transports, WAYS, self.clock, lambda: 0.0, "me", hold=self.hold)

    def teardown(self) -> None:
        try:
            self.comes_to_rest()
        finally:
            self.runner.close()

    def hold(self, notice: Notice, now: datetime) -> Held | None:
        return Held("silence", now + timedelta(seconds=900)) if self.troubles[notice.incident].muted else None

    # -- the transport: what is claimed is sent, and here is where every promise about sending is looked at ----------

    async def send(self, notice: Notice, *, attempt: int, maybe_sent: bool) -> Receipt:
        self.wrong += [f"{why}: {notice.key}" for why, broken in self.looked_at(notice, maybe_sent).items() if broken]
        flight = Flight(notice, self.clock.seconds, asyncio.get_running_loop().create_future())
        self.flying.append(flight)
        said = await flight.answer
        if said == "broken":
            raise OSError("reset by peer")
        return REPLIES[said]

    def looked_at(self, notice: Notice, maybe_sent: bool) -> dict[str, bool]:
        page, trouble, way = self.pages[notice.key], self.troubles[notice.incident], WAYS[notice.channel]
        bad = list(self.bad_news(notice)) if notice.requires else []
        return {
            "sent again after its end": bool(page.state),
            "sent while muted": trouble.muted,
            "sent before its time": notice.due_at > self.clock.now(),
            "sent although it is owed no more": page.withheld,
            "a repeat that says it is none, or none that says it is": maybe_sent != bool(UNSURE & set(page.ends)),
            "rings twice, though there is another way": maybe_sent and way.blind and notice.recipient in way.next_of,
            "good news that is none": bool(bad) and trouble.phase != "closed",
            "good news to somebody who was not told the bad": bool(notice.requires) and not any(p.heard for p in bad),
            "good news before the bad": not all(one.state for one in bad),
        }

    async def close(self) -> None:
        """Nothing to stop."""

    def bad_news(self, good: Notice) -> Iterable[Page]:
        address = (good.incident, good.recipient, good.origin)
        for page in self.pages.values():
            one = page.notice
            if one.requires is None and (one.incident, one.recipient, one.origin) == address:
                yield page

    # -- what people and rules do -----------------------------------------------------------------------------------

    def commit(self, trouble: Trouble, notices: Iterable[Notice] = (), withheld: str = "") -> None:
        if withheld:
            for page in self.of(trouble):
                page.withheld = True
        owed = tuple(notices)
        self.pages |= {one.key: Page(one) for one in owed}
        orders = (Withhold(trouble.key, withheld),) if withheld else ()
        decision = Decision(trouble.stored, trouble.stored, notices=owed, withheld=orders)
        (trouble.stored,) = self.runner.run(self.store.commit([decision]))

    def of(self, trouble: Trouble) -> list[Page]:
        return [page for page in self.pages.values() if page.notice.incident == trouble.key]

    def notice(self, trouble: Trouble, way: str, person: str, channel: str, after: float = 0.0) -> Notice:
        key = f"{trouble.key}/{trouble.generation}/{way}/{person}/{channel}"
        due = self.clock.now() + timedelta(seconds=after)
        return Notice(
            key, trouble.key, "ABCDEF", trouble.key[:5], "outage", person, channel, due, "s", "b", "t", urgent=True
        )

    def calls(self, trouble: Trouble, people: Iterable[str], after: float) -> list[Notice]:
        trouble.calls += 1
        made = [
            self.notice(trouble, f"{trouble.calls}/0", person, channel, after)
            for person in people
            for channel in FIRST[person]
        ]
        trouble.owed |= {(one.recipient, one.channel): one.key for one in made}
        return made

    @rule(
        key=st.sampled_from(INCIDENTS),
        people=st.sets(st.sampled_from(sorted(FIRST)), min_size=1),
        after=st.sampled_from([0, 0, 30]),
        urgent=st.booleans(),
    )
    def a_step_falls_due(self, key: str, people: set[str], after: float, urgent: bool) -> None:
        trouble = self.troubles[key]
        if trouble.phase == "open" and not trouble.muted:  # a muted incident calls nobody
            calls = self.calls(trouble, sorted(people), after)
            self.commit(trouble, [replace(one, urgent=urgent) for one in calls])

    @rule(key=st.sampled_from(INCIDENTS))
    def somebody_answers(self, key: str) -> None:
        trouble = self.troubles[key]
        if trouble.phase == "open":
            trouble.phase = "acknowledged"
            self.commit(trouble, withheld="acknowledged")

    @rule(key=st.sampled_from(INCIDENTS), people=st.sets(st.sampled_from(sorted(FIRST)), min_size=1))
    def it_worsens(self, key: str, people: set[str]) -> None:
        trouble = self.troubles[key]
        if trouble.phase != "closed" and not trouble.muted:
            trouble.phase, trouble.generation = "open", trouble.generation + 1
            self.commit(trouble, self.calls(trouble, sorted(people), 0.0), withheld="worsened")

    @rule(key=st.sampled_from(INCIDENTS))
    def it_recovers(self, key: str) -> None:
        trouble = self.troubles[key]
        if trouble.phase == "closed":
            return
        trouble.phase = "closed"
        good = [
            replace(self.notice(trouble, "recovery", person, channel), requires=told, urgent=False)
            for (person, channel), told in trouble.owed.items()
        ]
        self.commit(trouble, good, withheld="recovered")

    @rule(key=st.sampled_from(INCIDENTS), on=st.booleans())
    def a_silence_begins_or_ends(self, key: str, on: bool) -> None:
        self.troubles[key].muted = on

    # -- what the machine does --------------------------------------------------------------------------------------

    @rule(channel=st.sampled_from(sorted(WAYS)))
    def the_sender_looks(self, channel: str) -> None:
        async def look() -> None:
            await self.sender.step(channel)
            await _settled()

        self.runner.run(look())

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), said=st.sampled_from([*REPLIES, "taken", "taken", "broken"]), took=st.booleans())
    def a_provider_answers(self, data: st.DataObject, said: str, took: bool) -> None:
        self.land(data.draw(st.sampled_from(self.flying)), said, took=took)

    def land(self, flight: Flight, said: str, *, took: bool) -> None:
        """A send ends. Where that is not known, the provider may have taken it all the same."""
        self.flying.remove(flight)
        page = self.pages[flight.notice.key]
        page.ends.append(said)
        page.taken += said == "taken" or (said in UNSURE and took)
        if said != "cut":
            flight.answer.set_result(said)
            self.runner.run(_settled())

    @rule(data=st.data())
    def the_service_is_killed(self, data: st.DataObject) -> None:
        """Before a send, on the wire or before its receipt was written: nobody knows which afterwards."""
        for flight in list(self.flying):
            self.land(flight, "cut", took=data.draw(st.booleans()))
        self.runner.run(self.sender.drain(0))
        self.runner.run(self.store.close())
        self.runner.run(self.store.open())
        self.sender = self.new_sender()

    @rule(gap=GAPS, took=st.booleans())
    def time_passes(self, gap: float, took: bool) -> None:
        end = self.clock.seconds + gap
        for flight in list(self.flying):
            if flight.began + DEADLINE <= end:
                self.clock.seconds = max(self.clock.seconds, flight.began + DEADLINE)
                self.land(flight, "lost", took=took)
        self.clock.seconds = end

    @precondition(lambda self: any(page.taken for page in self.pages.values()))
    @rule(data=st.data(), final=st.sampled_from([DELIVERED, FAILED, SEEN]))
    def a_provider_tells_later(self, data: st.DataObject, final: str) -> None:
        key = data.draw(st.sampled_from(sorted(key for key, page in self.pages.items() if page.taken)))
        page = self.pages[key]
        page.said = max(page.said, final, key=FINALS.index)
        name = reference(key)
        assert self.runner.run(self.sender.heard_later(page.notice.channel, name, final))

    # -- always -----------------------------------------------------------------------------------------------------

    @invariant()
    def nothing_wrong_is_sent(self) -> None:
        assert not self.wrong

    @invariant()
    def nothing_is_lost_and_everything_ends_once(self) -> None:
        deliveries = self.runner.run(self.store.deliveries(limit=10**6))
        found = {one.notice.key: one for one in deliveries}
        for key in set(found) - set(self.pages):
            self.took_over(found[key].notice)
        assert set(found) == set(self.pages)
        for key, one in found.items():
            page = self.pages[key]
            assert page.state in ("", one.state), "it had ended otherwise"
            page.state = one.state if one.state in FINAL else ""
            assert one.state != "sent" or page.taken, "called sent, and no provider took it"
            assert one.state != "suppressed" or page.withheld or page.notice.requires or page.said == FAILED, one.detail
            assert len(page.ends) <= one.attempt
            self.goes_on(page, one.state)

    def took_over(self, notice: Notice) -> None:
        """Something new that the model did not owe: the next channel of somebody who could not be reached."""
        head, _, channel = notice.key.rpartition("/")
        before = [name for name, way in WAYS.items() if way.next_of.get(notice.recipient) == channel]
        (former,) = (page for name in before if (page := self.pages.get(f"{head}/{name}")))
        assert not former.withheld, "handed over although it was owed no more"
        assert former.said == FAILED or not former.ends or former.ends[-1] != "taken"
        assert (notice.origin, notice.due_at, notice.body) == (former.notice.origin, former.notice.due_at, "b")
        self.pages[notice.key] = Page(notice)

    def goes_on(self, page: Page, state: str) -> None:
        """Whoever could not be told by one channel is owed by the next."""
        following = WAYS[page.notice.channel].next_of.get(page.notice.recipient)
        if following is None or page.withheld or page.notice.requires:
            return
        if state in ("refused", "maybe_sent") or (state == "sent" and page.said == FAILED):
            assert f"{page.notice.key.rpartition('/')[0]}/{following}" in self.pages, "the chain has broken"

    @invariant()
    def nothing_is_taken_more_often_than_it_was_in_doubt(self) -> None:
        for page in self.pages.values():
            doubts = sum(end in UNSURE for end in page.ends)
            assert page.taken <= 1 + doubts
            assert page.ends.count("taken") <= 1

    def comes_to_rest(self) -> None:
        """Nothing is muted, every provider is well: soon everything owed is decided, and nobody was forgotten."""
        for trouble in self.troubles.values():
            trouble.muted = False
        for _ in range(400):
            for flight in list(self.flying):
                self.land(flight, "taken", took=True)
            self.nothing_is_lost_and_everything_ends_once()
            for channel in WAYS:
                self.the_sender_looks(channel)
                self.nothing_is_lost_and_everything_ends_once()
                self.nothing_wrong_is_sent()
            if not self.flying and not self.runner.run(self.store.outbox()):
                break
            due = [self.runner.run(self.store.next_due(channel)) for channel in WAYS]
            later = min((one for one in due if one), default=self.clock.now())
            if not self.flying:
                self.clock.seconds = max(self.clock.seconds + 1, (later - START).total_seconds())
        assert self.runner.run(self.store.outbox()) == {}
        told = Counter(page.state for page in self.pages.values())
        assert set(told) <= FINAL
        for page in self.pages.values():
            self.goes_on(page, page.state)
            if page.state == "suppressed" and page.notice.requires and not page.withheld:
                assert not any(one.heard for one in self.bad_news(page.notice)), "told the bad news, not the good"


async def _settled() -> None:
    for _ in range(12):
        await asyncio.sleep(0)


TestOutbox = Outbox.TestCase
TestOutbox.settings = settings(max_examples=settings().max_examples // 2, stateful_step_count=40)


# -- the machine finds what it is for -------------------------------------------------------------------------------


def _settled_as_taken(outbox: MemoryOutbox, row: Any) -> None:
    outbox.settle(Lease(row.notice, row.owner, row.attempt), REPLIES["taken"], START, None)


def _put_back(_: MemoryOutbox, row: Any) -> None:
    row.state, row.lease_until = "pending", None


def _given_up_after_three(
    receipt: Receipt, notice: Notice, way: Way, attempt: int, now: datetime, chance: float
) -> Following:
    after = follow(receipt, notice, way, attempt, now, chance)
    return Following(REPLIES["taken"]) if attempt >= 3 and after.again_at else after


def planted(name: str, home: Any, what: str, instead: Any, *, quickly_found: bool = False) -> Any:
    """A bug: something of a module or class is another thing."""
    return pytest.param(home, what, instead, id=name, marks=() if quickly_found else pytest.mark.nightly)


@pytest.mark.parametrize(
    ("home", "what", "instead"),
    [
        planted("withhold_forgets_what_went", states, "WENT", frozenset(), quickly_found=True),
        planted("marked_before_it_is_sent", MemoryOutbox, "_end", _settled_as_taken, quickly_found=True),
        planted("a_claim_of_the_dead_is_no_doubt", MemoryOutbox, "_end", _put_back, quickly_found=True),
        planted("good_news_for_all", MemoryOutbox, "_told", lambda *_: True, quickly_found=True),
        planted("an_answer_stops_nothing", MemoryOutbox, "withhold", lambda *_: None, quickly_found=True),
        planted("claims_of_the_dead_stay", MemoryOutbox, "_end", lambda *_: None),
        planted("the_claim_asks_no_silence", MemoryOutbox, "_held", lambda *_: False),
        planted("good_news_does_not_wait", MemoryOutbox, "_blocked", lambda *_: False),
        planted("good_news_for_whom_nothing_reached", states, "was_told", lambda s, maybe, _: s == "sent" or maybe),
        planted("the_next_channel_is_forgotten", sender, "take_over", lambda *_: None),
        planted("a_late_failure_is_only_noted", MemoryOutbox, "_hand_over", lambda *_: None),
        planted("blind_channels_repeat", Sender, "_without_sending", lambda *_: None),
        planted("given_up_after_three", sender, "follow", _given_up_after_three),
    ],
)
def test_a_planted_bug_of_the_outbox_is_found(home, what, instead, monkeypatch):
    monkeypatch.setattr(home, what, instead)
    search = settings(max_examples=1000, stateful_step_count=40, phases=[Phase.generate], report_multiple_bugs=False)
    with pytest.raises((AssertionError, KeyError)):  # whichever promise it breaks first
        run_state_machine_as_test(Outbox, settings=search)
