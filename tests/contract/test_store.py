"""What every store promises, in memory and in a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from monitor.adapters.store import MemoryStore, SqlStore, codec, open_store
from monitor.alerting.limits import Limits, Rate
from monitor.alerting.muting import Held
from monitor.alerting.outcome import take_over
from monitor.engine.rolling import pack
from monitor.model.colour import Colour
from monitor.model.errors import Conflict, StoreError
from monitor.model.incident import (
    LATER,
    LEFT,
    LOOPBACK,
    Address,
    Fault,
    Incident,
    Notice,
    Outcome,
    Phase,
    Receipt,
    Step,
    reference,
)
from monitor.model.reading import Comparator, Drift, Reading, Rejected, Shape, SourceHealth
from monitor.model.rolling import Rolling, Tally, Tier
from monitor.model.series import MonthSum, Series
from monitor.model.state import Transition, UnitState, Withhold
from monitor.ports import Lease, Store
from tests.contract.store_facts import (
    AGAIN,
    NOW,
    REFUSED,
    SENT,
    UNKNOWN,
    at,
    decision,
    entry,
    incident,
    notice,
    owing,
    reading,
    rich_state,
    transition,
)
from tests.unit.muting_scene import series, silence


@pytest.fixture(params=["memory:", "sqlite:var/denbao.db"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made = open_store(request.param, tmp_path)
    await made.open()
    yield made
    await made.close()


async def states_of(store: Store) -> dict[str, str]:
    return {delivery.notice.key: delivery.state for delivery in await store.deliveries()}


# -- units -------------------------------------------------------------------------------------------------------


async def test_a_state_comes_back_exactly_with_its_version_raised(store: Store) -> None:
    state = rich_state()
    (committed,) = await store.commit([decision(UnitState("00010"), after=state)])
    assert committed == replace(state, version=1)
    assert await store.load_states() == [committed]


async def test_the_past_of_an_indicator_comes_back_and_one_that_did_not_change_is_not_lost(store: Store) -> None:
    june = Series((739000, 739001), (60.0, 61.5), (MonthSum(24305, 3.0, 4.0),))
    before = UnitState("00010")
    (first,) = await store.commit([decision(before, after=replace(before, series={"rate": june, "other": june}))])
    grown = replace(june, days=(*june.days, 739002), values=(*june.values, 62.0))
    (second,) = await store.commit([decision(first, after=replace(first, series={**first.series, "rate": grown}))])
    assert second.series == {"rate": grown, "other": june}
    assert await store.load_states() == [second]


async def test_the_sums_of_a_probe_come_back_and_one_that_did_not_change_is_not_lost(store: Store) -> None:
    busy = Tally(487_336, 3500.25, 99.75, 0.0, 61, 2, {88: 40, 131: 19})
    closed = pack((replace(busy, start=487_335), busy))
    hours, days = Tier(1754410800.5, busy, closed), Tier(1754410800.5, Tally(739_468))
    rolling = Rolling(1754410920.123456, True, 1754410000.0, hours, days)
    before = UnitState("00010")
    both = {"web": rolling, "ping": replace(rolling, days=None)}
    (first,) = await store.commit([decision(before, after=replace(before, rolling=both))])
    assert await store.load_states() == [first]
    assert first.rolling == both
    answered = replace(rolling, at=1754410980.0, good=False, hours=Tier(1754410800.5, replace(busy, sent=62), closed))
    (second,) = await store.commit([decision(first, after=replace(first, rolling={**both, "web": answered}))])
    assert await store.load_states() == [second]
    assert second.rolling["web"] == answered
    anew = replace(answered, hours=Tier(1754410800.5, Tally(487_337), pack((busy, busy))))
    (third,) = await store.commit([decision(second, after=replace(second, rolling={**both, "web": anew}))])
    assert await store.load_states() == [third]


async def test_values_keep_their_type(store: Store) -> None:
    await store.commit([decision(UnitState("00010"), after=rich_state())])
    (state,) = await store.load_states()
    assert [type(one.value) for one in state.evidence.values()] == [bool, float, str, float]
    facts = state.incidents["portal"].facts
    assert {name: type(value) for name, value in facts.items()} == {
        name: type(value) for name, value in incident().facts.items()
    }
    assert state.recheck_at is not None
    assert state.recheck_at.utcoffset() is not None


async def test_a_commit_with_an_old_version_writes_nothing_of_its_batch(store: Store) -> None:
    (current,) = await store.commit([decision()])
    with pytest.raises(Conflict) as conflict:
        await store.commit([owing(notice(), before=UnitState("00020")), decision()])
    assert conflict.value.unit == "00010"
    assert await store.load_states() == [current]
    assert not await store.deliveries()


async def test_a_unit_that_was_never_stored_has_no_version_to_build_on(store: Store) -> None:
    with pytest.raises(Conflict):
        await store.commit([decision(UnitState("00010", version=3))])


async def test_two_decisions_about_one_unit_may_follow_each_other_in_one_batch(store: Store) -> None:
    first = owing(notice("old"))
    second = owing(notice("new"), before=UnitState("00010", version=1), withheld=(Withhold("i", "worsened"),))
    states = await store.commit([first, second])
    assert [state.version for state in states] == [1, 2]
    assert await states_of(store) == {"old": "suppressed", "new": "pending"}


async def test_two_decisions_on_the_same_version_conflict_within_a_batch(store: Store) -> None:
    with pytest.raises(Conflict):
        await store.commit([decision(), decision()])
    assert not await store.load_states()


async def test_an_empty_commit_is_fine(store: Store) -> None:
    assert list(await store.commit([])) == []


async def test_what_sources_answered_is_remembered(store: Store) -> None:
    refused = Rejected("feed", "row 17", "future", "tomorrow", "02143", "rate", "68,9", NOW)
    shape, drift = Shape(92, ("Mã", "Tỷ lệ"), ("rate",)), Drift(NOW, ("Tỷ lệ",), ("Tỉ lệ",))
    silent = SourceHealth(
        "feed", "01", rejected=(refused,), stage="read", refused={"future": 300}, shape=shape, held=3, drift=drift
    )
    await store.save_health([silent, SourceHealth("probe", "02")])
    await store.save_health([replace(silent, last_success=NOW)])
    assert await store.load_health() == [replace(silent, last_success=NOW), SourceHealth("probe", "02")]


# -- history -----------------------------------------------------------------------------------------------------


async def test_the_same_reading_twice_is_kept_once(store: Store) -> None:
    (state,) = await store.commit([decision(readings=(reading(), replace(reading(), received_at=at(5))))])
    await store.commit([decision(state, readings=(replace(reading(), note="again"),))])
    assert await store.readings("00010", "kpi") == [reading()]


@pytest.mark.parametrize("other", [replace(reading(), value=82.0), replace(reading(), comparator=Comparator.GT)])
async def test_another_claim_for_the_same_key_is_a_revision_and_comes_first(store: Store, other) -> None:
    await store.commit([decision(readings=(reading(), other, reading()))])
    assert await store.readings("00010", "kpi") == [reading(), other, reading()]


async def test_yes_and_one_are_two_claims(store: Store) -> None:
    await store.commit([decision(readings=(reading(True), reading(1.0), reading("1")))])
    found = await store.readings("00010", "kpi")
    assert [type(one.value) for one in found] == [str, float, bool]


async def test_readings_are_newest_first_and_limited(store: Store) -> None:
    history = tuple(reading(float(day), as_of=at(day * 86400)) for day in (2, 0, 1))
    await store.commit([decision(readings=(*history, reading(9.0, indicator="other"), reading(9.0, unit="00020")))])
    assert [one.value for one in await store.readings("00010", "kpi")] == [2.0, 1.0, 0.0]
    assert [one.value for one in await store.readings("00010", "kpi", limit=1)] == [2.0]


async def test_transitions_are_those_of_one_unit_last_committed_first(store: Store) -> None:
    worse, worst = transition(Colour.YELLOW), transition(Colour.RED, seconds=1)
    await store.commit([decision(transitions=(worse, worst, transition(Colour.RED, unit="00020")))])
    assert await store.transitions("00010") == [worst, worse]
    assert await store.transitions("00010", limit=1) == [worst]


async def test_audit_entries_are_chained_in_the_order_they_came(store) -> None:
    await store.commit([decision(audit=(entry("opened"), entry("told")))])
    await store.audit(entry(detail="từ bảng điều khiển"))
    trail = (await store.audit_trail())[::-1]
    assert [one.action for one, _ in trail] == ["opened", "told", "acknowledged"]
    last = codec.FIRST_HASH
    for one, hashed in trail:
        last = codec.chained(last, one)
        assert hashed == last


# -- incidents ---------------------------------------------------------------------------------------------------


async def test_incidents_are_newest_first_and_closed_ones_only_on_request(store: Store) -> None:
    old, new = incident("a"), incident("b", "BBBBBB", opened=60)
    closed = incident("c", "CCCCCC", opened=30, phase=Phase.CLOSED)
    await store.commit([decision(incidents=(old, closed, new))])
    assert await store.incidents() == [new, old]
    assert await store.incidents(open_only=False) == [new, closed, old]
    assert await store.incidents(limit=1) == [new]


async def test_an_incident_is_replaced_by_its_later_form(store: Store) -> None:
    (state,) = await store.commit([decision(incidents=(incident(),))])
    acked = replace(incident(), phase=Phase.ACKNOWLEDGED, acked_by="focal", acked_at=at(5))
    await store.commit([decision(state, incidents=(acked,))])
    assert await store.incidents() == [acked]


async def test_an_incident_is_found_by_key_or_by_reference_the_newest_first(store: Store) -> None:
    old, new = incident("a"), incident("b", opened=60)
    await store.commit([decision(incidents=(new, old))])
    assert await store.incident("a") == old
    assert await store.incident("ABCDEF") == new
    assert await store.incident("abcdef") == new
    assert await store.incident("nothing") is None


# -- outbox ------------------------------------------------------------------------------------------------------


async def test_a_due_notice_is_claimed_once_and_sent_once(store: Store) -> None:
    await store.commit([owing(notice())])
    (lease,) = await store.lease("log", "me", NOW, 10, 20)
    assert (lease.notice, lease.owner, lease.attempt, lease.maybe_sent) == (notice(), "me", 1, False)
    assert not await store.lease("log", "you", NOW, 10, 20)
    assert await store.settle(lease, SENT, at(1))
    (delivery,) = await store.deliveries()
    assert (delivery.state, delivery.sent_at, delivery.detail) == ("sent", at(1), "it said sent")
    assert not await store.lease("log", "me", at(9999), 10, 20)


async def test_a_notice_is_not_claimed_before_its_time_nor_by_another_channel(store: Store) -> None:
    await store.commit([owing(notice(due=60))])
    assert not await store.lease("log", "me", at(59.9), 10, 20)
    assert not await store.lease("email", "me", at(60), 10, 20)
    assert await store.lease("log", "me", at(60), 10, 20)


async def test_urgent_goes_before_old_and_the_limit_holds(store: Store) -> None:
    await store.commit([owing(notice("new", due=2), notice("old", due=1), notice("red", due=3, urgent=True))])
    leases = await store.lease("log", "me", at(5), 2, 20)
    assert [lease.notice.key for lease in leases] == ["red", "old"]


async def test_a_key_that_is_known_is_left_alone(store: Store) -> None:
    (state,) = await store.commit([owing(notice())])
    (lease,) = await store.lease("log", "me", NOW, 10, 20)
    await store.settle(lease, SENT, NOW)
    await store.commit([owing(replace(notice(), subject="another"), before=state)])
    (delivery,) = await store.deliveries()
    assert (delivery.state, delivery.notice) == ("sent", notice())


async def test_try_again_waits_until_the_given_time_and_counts(store: Store) -> None:
    await store.commit([owing(notice())])
    (lease,) = await store.lease("log", "me", NOW, 10, 20)
    assert await store.settle(lease, AGAIN, at(1), at(30))
    assert not await store.lease("log", "me", at(29), 10, 20)
    (again,) = await store.lease("log", "me", at(30), 10, 20)
    assert (again.attempt, again.maybe_sent) == (2, False)


async def test_after_an_unknown_outcome_the_next_attempt_may_be_a_repeat_for_good(store: Store) -> None:
    await store.commit([owing(notice())])
    (lease,) = await store.lease("log", "me", NOW, 10, 20)
    await store.settle(lease, UNKNOWN, at(1), at(2))
    (second,) = await store.lease("log", "me", at(2), 10, 20)
    await store.settle(second, AGAIN, at(3), at(4))
    (third,) = await store.lease("log", "me", at(4), 10, 20)
    assert (second.maybe_sent, third.maybe_sent, third.attempt) == (True, True, 3)


async def test_a_refused_notice_is_never_claimed_again(store: Store) -> None:
    await store.commit([owing(notice())])
    (lease,) = await store.lease("log", "me", NOW, 10, 20)
    assert await store.settle(lease, REFUSED, at(1), at(2))
    assert not await store.lease("log", "me", at(9), 10, 20)
    assert await states_of(store) == {"i/0/0": "refused"}


async def test_an_expired_claim_is_taken_over_and_its_first_owner_settles_nothing(store: Store) -> None:
    await store.commit([owing(notice())])
    (frozen,) = await store.lease("log", "frozen", NOW, 10, 20)
    assert not await store.lease("log", "me", at(19), 10, 20)
    (taken,) = await store.lease("log", "me", at(20), 10, 20)
    assert (taken.attempt, taken.maybe_sent) == (2, True)
    assert not await store.settle(frozen, SENT, at(21))
    assert await store.settle(taken, SENT, at(22))


async def test_a_late_outcome_counts_while_nobody_took_over(store: Store) -> None:
    await store.commit([owing(notice())])
    (late,) = await store.lease("log", "me", NOW, 10, 20)
    assert not await store.lease("log", "other", at(30), 0, 20)
    assert await states_of(store) == {"i/0/0": "unknown"}
    assert await store.settle(late, SENT, at(31))
    assert await states_of(store) == {"i/0/0": "sent"}


async def test_a_claim_is_settled_once(store: Store) -> None:
    await store.commit([owing(notice())])
    (lease,) = await store.lease("log", "me", NOW, 10, 20)
    assert await store.settle(lease, UNKNOWN, at(1), at(50))
    assert not await store.settle(lease, SENT, at(2))


async def test_what_is_withheld_is_never_claimed_and_says_why(store: Store) -> None:
    (state,) = await store.commit([owing(notice("mine"), notice("other", incident="j"))])
    await store.commit([decision(state, withheld=(Withhold("i", "acknowledged"),))])
    (lease,) = await store.lease("log", "me", NOW, 10, 20)
    assert lease.notice.key == "other"
    (delivery,) = await store.deliveries(incident="i")
    assert (delivery.state, delivery.detail) == ("suppressed", "acknowledged")


async def test_what_one_recipient_is_owed_can_be_withheld_alone(store: Store) -> None:
    mine, hers = replace(notice("mine"), recipient="an"), replace(notice("hers"), recipient="binh")
    (state,) = await store.commit([owing(mine, hers)])
    await store.commit([decision(state, withheld=(Withhold("i", "heard", frozenset({"an", "chi"})),))])
    (lease,) = await store.lease("log", "me", NOW, 10, 20)
    assert lease.notice.key == "hers"
    again = replace(state, version=state.version + 1)
    await store.commit([decision(again, withheld=(Withhold("i", "heard", frozenset()),))])
    assert await store.settle(lease, SENT, at(1))
    assert {one.notice.key: one.state for one in await store.deliveries()} == {"mine": "suppressed", "hers": "sent"}


async def test_single_messages_of_an_incident_can_be_withheld(store: Store) -> None:
    (state,) = await store.commit([owing(notice("first"), notice("second"), notice("third"))])
    order = Withhold("i", "told by a later call", notices=frozenset({"first", "second", "unknown"}))
    await store.commit([decision(state, withheld=(order, Withhold("j", "another's", notices=frozenset({"third"}))))])
    found = {one.notice.key: (one.state, one.detail) for one in await store.deliveries()}
    assert found == {
        "first": ("suppressed", order.reason), "second": ("suppressed", order.reason), "third": ("pending", ""),
    }  # fmt: skip


async def test_several_incidents_are_withheld_at_once_each_with_its_reason(store: Store) -> None:
    (state,) = await store.commit([owing(notice("mine"), notice("other", incident="j"))])
    orders = (Withhold("i", "acknowledged"), Withhold("j", "recovered"))
    await store.commit([decision(state, withheld=orders)])
    assert {one.notice.key: one.detail for one in await store.deliveries()} == {
        "mine": "acknowledged",
        "other": "recovered",
    }


async def test_withholding_comes_before_what_the_same_decision_owes(store: Store) -> None:
    (state,) = await store.commit([owing(notice("i/0/0"))])
    await store.commit([owing(notice("i/1/0"), before=state, withheld=(Withhold("i", "worsened"),))])
    assert await states_of(store) == {"i/0/0": "suppressed", "i/1/0": "pending"}


@pytest.mark.parametrize(
    ("receipt", "state", "detail"),
    [
        (SENT, "sent", "it said sent"),
        (REFUSED, "refused", "it said refused"),
        (AGAIN, "suppressed", "acknowledged"),
        (UNKNOWN, "suppressed", "acknowledged"),
    ],
)
async def test_withheld_while_being_sent_it_may_still_arrive_but_is_not_repeated(
    store: Store, receipt, state, detail
) -> None:
    (unit,) = await store.commit([owing(notice())])
    (lease,) = await store.lease("log", "me", NOW, 10, 20)
    await store.commit([decision(unit, withheld=(Withhold("i", "acknowledged"),))])
    assert await states_of(store) == {"i/0/0": "leased"}
    assert await store.settle(lease, receipt, at(1), at(2))
    (delivery,) = await store.deliveries()
    assert (delivery.state, delivery.detail) == (state, detail)
    assert not await store.lease("log", "me", at(99), 10, 20)


async def test_withheld_while_claimed_by_a_dead_process_it_ends_with_the_claim(store: Store) -> None:
    (unit,) = await store.commit([owing(notice())])
    await store.lease("log", "dead", NOW, 10, 20)
    await store.commit([decision(unit, withheld=(Withhold("i", "acknowledged"),))])
    assert await store.next_due("log") == at(20)
    assert not await store.lease("log", "me", at(20), 10, 20)
    assert await states_of(store) == {"i/0/0": "suppressed"}
    assert await store.next_due("log") is None


# -- recovery ----------------------------------------------------------------------------------------------------


async def test_a_recovery_waits_until_the_bad_news_is_decided_and_follows_it(store: Store) -> None:
    await store.commit([owing(notice("bad"), notice("good", requires="bad", urgent=True))])
    (bad,) = await store.lease("log", "me", at(1), 10, 20)
    assert bad.notice.key == "bad"
    await store.settle(bad, AGAIN, at(2), at(10))
    assert not await store.lease("log", "me", at(3), 10, 20)
    (bad,) = await store.lease("log", "me", at(10), 10, 20)
    await store.settle(bad, SENT, at(11))
    (good,) = await store.lease("log", "me", at(12), 10, 20)
    assert good.notice.key == "good"


async def test_who_was_never_told_the_bad_news_is_not_told_the_good(store: Store) -> None:
    (state,) = await store.commit([owing(notice("bad"))])
    good = notice("good", requires="bad")
    await store.commit([owing(good, before=state, withheld=(Withhold("i", "recovered"),))])
    assert not await store.lease("log", "me", at(1), 10, 20)
    (delivery,) = [one for one in await store.deliveries() if one.notice.key == "good"]
    assert (delivery.state, delivery.detail) == ("suppressed", "never_told")


async def test_what_a_killed_process_was_sending_is_free_at_the_next_start(store: Store) -> None:
    await store.commit([owing(notice("bad"))])
    assert await store.lease("log", "the dead one", at(1), 10, 20)
    await store.close()
    await store.open()
    (lease,) = await store.lease("log", "me", at(2), 10, 20)
    assert (lease.notice.key, lease.attempt, lease.maybe_sent) == ("bad", 2, True)


async def test_one_page_that_went_out_is_enough_to_be_told_of_the_recovery(store: Store) -> None:
    (state,) = await store.commit([owing(notice("first"), notice("repeat", due=60))])
    (first,) = await store.lease("log", "me", at(1), 10, 20)
    await store.settle(first, SENT, at(2))
    good = notice("good", requires="repeat")
    await store.commit([owing(good, before=state, withheld=(Withhold("i", "recovered"),))])
    assert await states_of(store) == {"first": "sent", "repeat": "suppressed", "good": "pending"}
    (lease,) = await store.lease("log", "me", at(3), 10, 20)
    assert lease.notice.key == "good"


async def test_a_refused_message_was_not_told(store: Store) -> None:
    await store.commit([owing(notice("bad"), notice("good", requires="bad"))])
    (bad,) = await store.lease("log", "me", at(1), 10, 20)
    await store.settle(bad, REFUSED, at(2))
    assert not await store.lease("log", "me", at(3), 10, 20)
    assert await states_of(store) == {"bad": "refused", "good": "suppressed"}


async def test_a_recovery_without_the_notice_it_requires_is_suppressed(store: Store) -> None:
    await store.commit([owing(notice("good", requires="never owed"))])
    assert not await store.lease("log", "me", at(1), 10, 20)
    assert await states_of(store) == {"good": "suppressed"}


async def test_who_may_have_been_told_is_told_of_the_recovery(store: Store) -> None:
    (state,) = await store.commit([owing(notice("bad"))])
    (bad,) = await store.lease("log", "me", NOW, 10, 20)
    await store.settle(bad, UNKNOWN, at(1), at(60))
    good = notice("good", requires="bad")
    await store.commit([owing(good, before=state, withheld=(Withhold("i", "recovered"),))])
    (lease,) = await store.lease("log", "me", at(2), 10, 20)
    assert lease.notice.key == "good"


async def _over_in_the_morning(store: Store, *later: Incident, notices: tuple[Notice, ...] = ()) -> UnitState:
    """Told, over, and the end owed after 100 s; and then other incidents."""
    first = incident("00010/portal/1", phase=Phase.CLOSED)
    bad = notice("bad", incident=first.key)
    (state,) = await store.commit([decision(UnitState("00010"), incidents=(first,), notices=(bad,))])
    (lease,) = await store.lease("log", "me", at(1), 10, 20)
    await store.settle(lease, SENT, at(2))
    good = notice("good", incident=first.key, due=100, requires="bad")
    (state,) = await store.commit([decision(state, notices=(good,))])
    (state,) = await store.commit([decision(state, incidents=later, notices=notices)])
    return state


async def test_sc_44_who_has_heard_that_the_trouble_is_back_is_not_told_that_it_was_over(store: Store) -> None:
    again = incident("00010/portal/2", "SECOND", opened=50)
    await _over_in_the_morning(store, again, notices=(notice("back", incident=again.key, due=90),))
    assert await store.next_due("log") == at(90)
    (back,) = await store.lease("log", "me", at(100), 10, 20)
    assert back.notice.key == "back"
    await store.settle(back, SENT, at(101))
    assert await store.lease("log", "me", at(102), 10, 20) == []
    (good,) = [one for one in await store.deliveries() if one.notice.key == "good"]
    assert (good.state, good.detail) == ("suppressed", "the trouble is back")


async def test_sc_46_a_relapse_of_which_nobody_heard_leaves_one_recovery(store: Store) -> None:
    again = incident("00010/portal/2", "SECOND", opened=50)
    state = await _over_in_the_morning(store, again)
    assert await store.next_due("log") is None
    assert await store.lease("log", "me", at(101), 10, 20) == []
    await store.commit([decision(state, incidents=(replace(again, phase=Phase.CLOSED),))])
    (good,) = await store.lease("log", "me", at(102), 10, 20)
    assert good.notice.key == "good"


@pytest.mark.parametrize(
    ("over", "since"),
    [
        ({"phase": Phase.CLOSED, "closed_at": at(9000)}, 9000),
        ({"phase": Phase.CLOSED, "closed_at": at(9000), "well_since": at(200)}, 9000),
        ({"phase": Phase.UNANSWERED, "well_since": at(9000)}, 9000),
        ({"phase": Phase.CLOSED, "closed_at": at(60)}, 100),
    ],
    ids=["closed", "after it was watched for long", "unanswered", "before its time"],
)
async def test_good_news_that_waited_for_a_relapse_to_end_is_no_older_than_that(store: Store, over, since) -> None:
    again = incident("00010/portal/2", "SECOND", opened=50)
    own = [
        replace(notice(f"{name}", incident=again.key, due=70, requires=of), recipient="head")
        for name, of in (("told", None), ("its own", "told"))
    ]
    state = await _over_in_the_morning(store, again, notices=tuple(own))
    await store.settle((await store.lease("log", "me", at(80), 10, 20))[0], SENT, at(81), None)
    (state,) = await store.commit([decision(state, incidents=(replace(again, **over),))])
    found = {lease.notice.key: lease.since for lease in await store.lease("log", "me", at(9001), 10, 20)}
    assert found == {"good": at(since), "its own": at(70)}


@pytest.mark.parametrize("went", [SENT, REFUSED])
@pytest.mark.parametrize("heard", [SENT, REFUSED])
@pytest.mark.parametrize("back", [0, 7 * 3600], ids=["", "and the clock is set back before the relapse"])
async def test_after_a_relapse_in_the_same_incident_the_end_goes_to_whoever_has_not_heard_of_it_since(
    store: Store, went: Receipt, heard: Receipt, back: float
) -> None:
    """Told; over, and that goes or not; back, and that goes or not; over."""
    state = UnitState("00010")
    story = (
        (notice("i/0/0/0/focal/log", due=0), SENT),
        (notice("i/0/recovery/focal/log", due=60, requires="i/0/0/0/focal/log"), went),
        (notice("i/1/0/0/focal/log", due=120 - back), heard),
    )
    for owed, receipt in story:
        due = (owed.due_at - NOW).total_seconds()
        (state,) = await store.commit([owing(owed, before=state)])
        (lease,) = await store.lease("log", "me", at(due + 30), 10, 20)
        await store.settle(lease, receipt, at(due + 31), None)
    last = notice("i/1/recovery/focal/log", due=200 - back, requires="i/1/0/0/focal/log")
    await store.commit([owing(last, before=state)])
    again = await store.lease("log", "me", at(200 - back), 10, 20)
    assert [lease.notice for lease in again] == ([] if went is SENT and heard is REFUSED else [last])
    if not again:
        (over,) = [one for one in await store.deliveries() if one.notice == last]
        assert (over.state, over.detail) == ("suppressed", "its end was told before")


async def test_what_others_have_heard_of_other_troubles_makes_the_end_no_news(store: Store) -> None:
    """Told, over, back without anybody being told, and over; elsewhere the same, and somebody was told later."""
    state = UnitState("00010")
    for of in ("i", "j"):
        story = [(f"{of}/0/0/0", None, SENT), (f"{of}/0/recovery", f"{of}/0/0/0", SENT), (f"{of}/1/0/0", None, REFUSED)]
        for minute, (key, requires, receipt) in enumerate(story if of == "i" else [*story[:2], (*story[2][:2], SENT)]):
            owed = notice(key, incident=of, due=60 * minute, requires=requires)
            (state,) = await store.commit([owing(owed, before=state)])
            (lease,) = await store.lease("log", "me", at(60 * minute + 30), 10, 20)
            await store.settle(lease, receipt, at(60 * minute + 31), None)
    last = [notice(f"{of}/1/recovery", incident=of, due=200, requires=f"{of}/1/0/0") for of in ("i", "j")]
    await store.commit([owing(*last, before=state)])
    assert [lease.notice for lease in await store.lease("log", "me", at(200), 10, 20)] == last[1:]


async def test_an_end_that_a_provider_could_not_deliver_was_not_told(store: Store) -> None:
    bad, good = notice("i/0/0/0"), notice("i/0/recovery", due=1, requires="i/0/0/0")
    (state,) = await store.commit([owing(bad, good)])
    for seconds in (0, 1):
        (lease,) = await store.lease("log", "me", at(seconds), 10, 20)
        await store.settle(lease, SENT, at(seconds))
    await store.heard_later("log", reference(good.key), "failed", at(2), lambda _: None)
    last = notice("i/1/recovery", due=3, requires=bad.key)
    await store.commit([owing(last, before=state)])
    assert [lease.notice for lease in await store.lease("log", "me", at(3), 10, 20)] == [last]


async def test_another_trouble_of_the_unit_holds_no_recovery_back(store: Store) -> None:
    others = [replace(incident(f"00010/{cause}/2", cause), cause=cause) for cause in ("portal2", "porta", "silent:x")]
    await _over_in_the_morning(store, *others)
    (good,) = await store.lease("log", "me", at(101), 10, 20)
    assert good.notice.key == "good"


# -- what waits --------------------------------------------------------------------------------------------------


async def test_next_due_is_when_something_could_be_claimed(store: Store) -> None:
    assert await store.next_due("log") is None
    await store.commit([owing(notice("bad", due=30), notice("good", due=0, requires="bad"), notice("late", due=90))])
    assert await store.next_due("log") == at(30)
    (lease,) = await store.lease("log", "me", at(30), 10, 20)
    assert await store.next_due("log") == at(50)
    await store.settle(lease, AGAIN, at(31), at(70))
    assert await store.next_due("log") == at(70)
    assert await store.next_due("email") is None


async def test_the_outbox_counts_what_waits_and_names_the_oldest(store: Store) -> None:
    await store.commit([owing(notice("a", due=5), notice("b", due=3), notice("c", channel="email", due=9))])
    await store.lease("log", "me", at(4), 10, 20)
    assert await store.outbox() == {"log": (2, at(3)), "email": (1, at(9))}


async def test_stuck_is_what_should_have_gone_by_now(store: Store) -> None:
    assert await store.stuck(at(100)) == (0, None)
    held = Held("silenced", at(900))
    await store.commit(
        [
            owing(
                notice("old", due=3),
                notice("held", due=1),
                notice("good", due=0, requires="old"),
                notice("new", due=95),
            )
        ]
    )
    hold = {"held": held}
    (old,) = await store.lease("log", "me", at(4), 10, 20, lambda one, _: hold.get(one.key))
    assert await store.stuck(at(90)) == (1, at(3))
    await store.settle(old, AGAIN, at(5), at(500))  # tried, and still not there
    assert await store.stuck(at(90)) == (1, at(3))
    assert await store.stuck(at(96)) == (2, at(3))
    (old,) = await store.lease("log", "me", at(501), 1, 20, lambda one, _: hold.get(one.key) or _not("old", one))
    await store.settle(old, SENT, at(502))
    assert await store.stuck(at(90)) == (0, None)


async def test_a_night_that_what_is_not_urgent_waits_for_is_not_called_stuck(store: Store) -> None:
    night = replace(AGAIN, fault=Fault.NIGHT)
    await store.commit([owing(notice("calm"), notice("loud", urgent=True))])
    for lease in await store.lease("log", "me", at(0), 10, 20):
        await store.settle(lease, night, at(1), at(3000))
    assert await store.stuck(at(900)) == (1, at(0))  # the urgent one: nobody was told
    assert await store.stuck(at(3001)) == (2, at(0))
    for lease in await store.lease("log", "me", at(3000), 10, 20):
        await store.settle(lease, AGAIN if lease.notice.key == "calm" else SENT, at(3001), at(3060))
    assert await store.stuck(at(2999)) == (0, None)
    assert await store.stuck(at(3001)) == (1, at(3000))  # refused again in the morning


async def test_what_waits_on_a_clock_that_was_set_back_waits_so_much_less_and_a_time_of_its_own_is_kept(store: Store):
    await store.commit([owing(notice("new", due=4000), notice("tried"), notice("flying", urgent=True))])
    _, tried = await store.lease("log", "me", at(0), 10, 20)
    await store.settle(tried, AGAIN, at(1), at(61))
    await store.hasten(at(-3600), 3600.0)
    due = {one.notice.key: one.next_at or one.lease_until for one in await store.deliveries()}
    assert due == {"new": at(4000), "tried": at(-3539), "flying": at(-3580)}
    assert await store.stuck(at(-3500)) == (2, at(-3580))
    (again,) = await store.lease("log", "me", at(-3580), 10, 20)
    assert (again.notice.key, again.maybe_sent) == ("flying", True)
    await store.hasten(at(-3580), 1e9, 3600.0)
    due = {one.notice.key: one.next_at or one.lease_until for one in await store.deliveries()}
    assert due == {"new": at(4000), "tried": at(-3539), "flying": at(-3560)}  # what is near stays


async def test_what_was_owed_by_a_clock_that_ran_ahead_is_not_waited_for(store: Store) -> None:
    ahead = notice("call", due=90_000, urgent=True), notice("digest", due=3000), notice("morning", due=90_000)
    await store.commit([owing(*ahead)])
    await store.hasten(at(0), 3600.0)
    due = {one.notice.key: one.next_at for one in await store.deliveries()}
    assert due == {
        "call": at(90_000),
        "digest": at(0),
        "morning": at(90_000),
    }  # the digest was due when the clock stood
    await store.hasten(at(0), 1e9, 3600.0)
    due = {one.notice.key: one.next_at for one in await store.deliveries()}
    assert due == {"call": at(0), "digest": at(0), "morning": at(90_000)}


def _not(key: str, one: Notice) -> Held | None:
    return None if one.key == key else Held("later", at(950))


async def test_owed_names_the_messages_of_incidents_with_what_became_of_them(store: Store) -> None:
    before = owing(notice("i/a"), notice("j/a", incident="j"), notice("self/b", incident="self"))
    (state,) = await store.commit([replace(before, incidents=(incident("i"), incident("j", "GHIJKL")))])
    assert await store.owed(["i", "k"]) == {"i": {"i/a": ("pending", "")}}
    assert await store.owed([]) == {}
    await store.commit([decision(state, withheld=(Withhold("i", "acknowledged"),))])
    assert await store.owed(["i", "j"]) == {"i": {"i/a": ("suppressed", "acknowledged")}, "j": {"j/a": ("pending", "")}}


async def test_open_incidents_are_read_in_stretches_by_their_keys(store: Store) -> None:
    ones = tuple(incident(key, key * 6) for key in "dbac")
    closed = incident("bb", "BBBBBB", phase=Phase.CLOSED)
    await store.commit([decision(incidents=(*ones, closed))])
    assert [one.key for one in await store.open_after("", 3)] == ["a", "b", "c"]
    assert [one.key for one in await store.open_after("c", 3)] == ["d"]
    assert await store.open_after("d", 3) == []


async def test_overdue_is_what_has_owed_a_call_since_before_an_instant(store: Store) -> None:
    def owes(key: str, *steps: Step, phase: Phase = Phase.OPEN) -> Incident:
        return replace(incident(key, key * 6, phase=phase), steps=steps)

    focal = (Address("focal", "log"),)
    late, later, repeated = Step(at(5), focal), Step(at(9), focal), Step(at(3), focal, fired=2, repeat=60.0)
    done, held = Step(at(1), focal, fired=1), Step(at(1), focal, fired=1, held_until=at(7))
    ones = (
        owes("a", done, later), owes("b", late, later), owes("c", repeated), owes("d", done), owes("e", held),
        owes("f", late, phase=Phase.ACKNOWLEDGED), owes("g"),
    )  # fmt: skip
    (state,) = await store.commit([decision(incidents=ones)])
    assert [one.key for one in await store.overdue(at(9), 10)] == ["c", "b", "e", "a"]
    assert [one.key for one in await store.overdue(at(8.9), 2)] == ["c", "b"]
    await store.commit([decision(state, incidents=(replace(ones[2], phase=Phase.CLOSED),))])
    assert [one.key for one in await store.overdue(at(6), 10)] == ["b"]


async def test_outcomes_are_counted_by_channel_once_they_are_final(store: Store) -> None:
    (state,) = await store.commit([owing(*(notice(key) for key in "abcd"), notice("e", channel="email"))])
    for lease, receipt in zip(await store.lease("log", "me", NOW, 4, 20), (SENT, SENT, REFUSED, AGAIN), strict=True):
        await store.settle(lease, receipt, at(1), at(2))
    assert await store.outcomes() == {("log", Outcome.SENT): 2, ("log", Outcome.REFUSED): 1}
    await store.commit([decision(state, withheld=(Withhold("i", "acknowledged"),))])
    assert await store.outcomes() == {
        ("log", Outcome.SENT): 2,
        ("log", Outcome.REFUSED): 1,
        ("log", Outcome.SUPPRESSED): 1,
        ("email", Outcome.SUPPRESSED): 1,
    }
    assert not await store.outbox()


async def test_what_a_channel_carried_is_what_its_limits_count(store: Store) -> None:
    await store.commit([owing(*(notice(key) for key in "abcde"), notice("f", channel="email"))])
    answers = (SENT, SENT, REFUSED, UNKNOWN, None)  # the last one is still on the wire
    for second, (lease, receipt) in enumerate(zip(await store.lease("log", "me", NOW, 5, 20), answers, strict=True)):
        if receipt is not None:
            await store.settle(lease, receipt, at(second), at(100))
    assert await store.carried("log", at(-1)) == 4
    assert await store.carried("log", at(0)) == 3
    assert await store.carried("email", at(-1)) == 0


async def test_deliveries_are_newest_first_of_one_incident_or_of_all(store: Store) -> None:
    await store.commit([owing(notice("a", due=1), notice("b", due=2, incident="j"), notice("c", due=3))])
    assert [one.notice.key for one in await store.deliveries()] == ["c", "b", "a"]
    assert [one.notice.key for one in await store.deliveries(incident="i")] == ["c", "a"]
    assert [one.notice.key for one in await store.deliveries(limit=1)] == ["c"]


# -- life --------------------------------------------------------------------------------------------------------


async def test_a_closed_store_refuses_and_an_opened_one_remembers(store: Store) -> None:
    (state,) = await store.commit([owing(notice())])
    await store.close()
    with pytest.raises(StoreError):
        await store.commit([decision(state)])
    with pytest.raises(StoreError):
        await store.load_states()
    await store.open()
    assert await store.load_states() == [state]
    assert await states_of(store) == {"i/0/0": "pending"}


@pytest.mark.parametrize("url", ["", "memory", "memory:x", "sqlite:", "postgresql://db"])
def test_an_unknown_url_is_refused_with_what_would_be_right(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="'memory:' or 'sqlite:<path>'"):
        open_store(url, tmp_path)


# -- the recorded past -------------------------------------------------------------------------------------------


async def test_what_was_committed_is_read_again_in_its_order_and_in_stretches(store: MemoryStore | SqlStore) -> None:
    values = (replace(reading(), value=float(n)) for n in range(5))  # revisions of one key
    changes = (transition(Colour.RED), transition(Colour.GREEN, seconds=1))
    made = decision(readings=tuple(values), transitions=changes, notices=(notice("b"), notice("a")), audit=(entry(),))
    (state,) = await store.commit([made])
    await store.commit([decision(state, notices=(notice("b"),))])
    mark: int | None = 0
    stretches: list[list[object]] = []
    while mark is not None:
        stretch = await store.recorded("readings", after=mark, limit=2)
        mark = stretch.mark
        stretches.append([one.value for one in stretch.facts if isinstance(one, Reading)])
    assert stretches == [[0.0, 1.0], [2.0, 3.0], [4.0]]
    assert list((await store.recorded("transitions")).facts) == list(changes)
    assert list((await store.recorded("notices")).facts) == [notice("b"), notice("a")]
    assert list((await store.recorded("audit")).facts) == [entry()]
    with pytest.raises(ValueError, match="colours"):
        await store.recorded("colours")


async def test_the_last_sign_of_life_is_the_last_reading_that_had_come_before(store: MemoryStore | SqlStore) -> None:
    assert await store.last_received(at(0)) is None
    heard = [replace(reading(), value=float(n), received_at=at(n)) for n in (1, 2, 3)]
    await store.commit([decision(readings=tuple(heard))])
    assert await store.last_received(at(1)) is None  # that instant itself does not count
    assert await store.last_received(at(2.5)) == at(2)
    assert await store.last_received(at(99)) == at(3)


async def test_the_colour_of_a_past_instant_is_that_of_the_last_change_before(
    store: MemoryStore | SqlStore,
) -> None:
    def turned(unit: str, after: Colour, seconds: float, criterion: str = "") -> Transition:
        return replace(transition(after, unit=unit, seconds=seconds), criterion=criterion)

    changes = (
        turned("a", Colour.GREEN, 1), turned("b", Colour.YELLOW, 1), turned("c", Colour.RED, 5),
        turned("a", Colour.YELLOW, 2), turned("a", Colour.RED, 2), turned("a", Colour.UNKNOWN, 3),
        turned("a", Colour.MAINTENANCE, 2, criterion="kpi"), turned("d", Colour.RED, 1, criterion="kpi"),
    )  # fmt: skip
    await store.commit([decision(transitions=changes)])
    asked = ("a", "b", "c", "d", "nobody's")
    assert await store.colours_at(asked, at(0)) == {}
    assert await store.colours_at(asked, at(2)) == {"a": Colour.RED, "b": Colour.YELLOW}  # the later of one instant
    assert await store.colours_at(asked, at(9)) == {"a": Colour.UNKNOWN, "b": Colour.YELLOW, "c": Colour.RED}
    assert await store.colours_at(["b"], at(9)) == {"b": Colour.YELLOW}
    assert await store.colours_at([], at(9)) == {}


# -- muting ------------------------------------------------------------------------------------------------------


async def test_silences_and_windows_come_back_as_they_were_written_last_to_end_first(store: Store) -> None:
    quiet = silence(at(0), at(60))
    work = series(at(0), at(86400 * 30), "2nd sun", "22:00", 2)
    await store.mute(quiet, entry("silence_add"))
    await store.mute(work, entry("maintenance_add"))
    assert await store.muted() == [work, quiet]
    assert await store.muted(limit=1) == [work]
    assert await store.muted(not_over=at(60)) == [work]
    over = replace(quiet, ends=at(10), ended_by="b")
    await store.mute(over, entry("silence_end"))
    assert await store.muted() == [work, over]
    await store.close()
    await store.open()
    assert await store.muted() == [work, over]


async def test_what_is_held_is_not_claimed_says_why_and_is_owed_again_at_its_instant(store: Store) -> None:
    await store.commit([owing(notice("i/0"), notice("i/1"))])
    held = Held("silence S-ONE", at(60))

    def hold(asked: Notice, now: datetime) -> Held | None:
        return held if asked.key == "i/0" and now < at(60) else None

    (free,) = await store.lease("log", "me", at(1), 1, 20, hold)
    assert free.notice.key == "i/1"
    assert await store.settle(free, SENT, at(1))
    told = {one.notice.key: one for one in await store.deliveries()}["i/0"]
    assert (told.state, told.detail, told.attempt, told.next_at) == ("pending", "silence S-ONE", 0, at(60))
    assert not await store.lease("log", "me", at(2), 10, 20, hold)
    (later,) = await store.lease("log", "me", at(60), 10, 20, hold)
    assert (later.notice.key, later.attempt, later.maybe_sent) == ("i/0", 1, False)


async def test_what_a_silence_held_is_free_when_it_is_ended(store: Store) -> None:
    quiet = silence(at(0), at(60))
    await store.commit([owing(notice("i/0"))])
    assert not await store.lease("log", "me", at(1), 10, 20, lambda _n, _now: Held(quiet.reason, at(60)))
    assert await store.next_due("log") == at(60)
    await store.mute(replace(quiet, ends=at(10)), replace(entry("silence_end"), at=at(10)))
    assert await store.next_due("log") == at(10)
    assert await store.lease("log", "me", at(10), 10, 20)


async def test_good_news_is_held_like_bad_and_is_not_lost(store: Store) -> None:
    await store.commit([owing(notice("i/0"))])
    (bad,) = await store.lease("log", "me", at(1), 10, 20)
    await store.settle(bad, SENT, at(2))
    await store.commit([owing(notice("i/recovery", requires="i/0"), before=UnitState("00010", 1))])
    assert not await store.lease("log", "me", at(3), 10, 20, lambda _n, _now: Held("silence S-ONE", at(60)))
    (good,) = await store.lease("log", "me", at(60), 10, 20)
    assert good.notice.key == "i/recovery"


# -- the next channel, limits, and what providers say later ------------------------------------------------------


async def claim_one(store: Store, channel: str, seconds: float = 1) -> Lease:
    (lease,) = await store.lease(channel, "me", at(seconds), 10, 20)
    return lease


async def test_the_next_channel_owes_the_message_with_the_refusal_or_not_at_all(store: Store) -> None:
    page = notice("i/0/1/0/focal/zalo", channel="zalo", urgent=True)
    await store.commit([decision(UnitState("00010"), notices=(page,))])
    lease = await claim_one(store, "zalo")
    assert await store.settle(lease, REFUSED, at(2), None, take_over(page, "sms"))
    assert not await store.settle(lease, REFUSED, at(2), None, take_over(page, "mail"))
    assert (await claim_one(store, "sms", 3)).notice == take_over(page, "sms")
    assert await store.lease("mail", "me", at(3), 10, 20) == []


async def test_what_is_withheld_meanwhile_is_not_owed_by_the_next_channel(store: Store) -> None:
    page = notice("i/0/1/0/focal/zalo", channel="zalo")
    (state,) = await store.commit([decision(UnitState("00010"), notices=(page,))])
    lease = await claim_one(store, "zalo")
    await store.commit([decision(state, withheld=(Withhold("i", "acknowledged"),))])
    assert await store.settle(lease, REFUSED, at(2), None, take_over(page, "sms"))
    assert await store.lease("sms", "me", at(3), 10, 20) == []


async def test_a_channel_that_the_plan_owes_already_is_not_owed_twice(store: Store) -> None:
    pages = tuple(notice(f"i/0/1/0/focal/{channel}", channel=channel) for channel in ("zalo", "sms"))
    await store.commit([decision(UnitState("00010"), notices=pages)])
    lease = await claim_one(store, "zalo")
    await store.settle(lease, REFUSED, at(2), None, take_over(pages[0], "sms"))
    assert len(await store.deliveries()) == 2


async def test_who_was_told_by_the_next_channel_is_told_of_the_recovery_and_not_before_that_page(store: Store) -> None:
    page = notice("i/0/1/0/focal/zalo", channel="zalo")
    back = notice("i/0/recovery/focal/zalo", channel="zalo", requires=page.key)
    await store.commit([decision(UnitState("00010"), notices=(page, back))])
    await store.settle(await claim_one(store, "zalo"), REFUSED, at(2), None, take_over(page, "sms"))
    assert await store.lease("zalo", "me", at(3), 10, 20) == []  # the page by SMS is not decided yet
    await store.settle(await claim_one(store, "sms", 3), SENT, at(4))
    lease = await claim_one(store, "zalo", 5)
    assert lease.notice.key == back.key
    await store.settle(lease, REFUSED, at(6), None, take_over(back, "sms"))
    assert (await claim_one(store, "sms", 7)).notice.key == "i/0/recovery/focal/sms"


async def test_what_may_have_been_sent_and_was_handed_on_is_final_and_counts_as_told(store: Store) -> None:
    page = notice("i/0/1/0/focal/zalo", channel="zalo")
    await store.commit([decision(UnitState("00010"), notices=(page,))])
    await store.settle(await claim_one(store, "zalo"), Receipt(Outcome.MAYBE_SENT, "handed on"), at(2))
    assert await store.next_due("zalo") is None
    assert await store.outcomes() == {("zalo", Outcome.MAYBE_SENT): 1}


async def test_what_is_over_a_limit_is_held_with_its_reason_and_goes_later(store: Store) -> None:
    pages = tuple(notice(f"i/{number}", urgent=number == 2) for number in range(4))
    await store.commit([decision(UnitState("00010"), notices=pages)])
    limits = Limits(per_recipient=Rate(2, 60))
    first = await store.lease("log", "me", at(1), 10, 20, limits=limits)
    assert [lease.notice.key for lease in first] == ["i/2", "i/0"]
    for lease in first:
        await store.settle(lease, SENT, at(2))
    held = [delivery for delivery in await store.deliveries() if delivery.state == "try_again"]
    assert {(one.notice.key, one.detail) for one in held} == {
        (key, "held: 2 messages to this recipient in 60 s") for key in ("i/1", "i/3")
    }
    due = await store.next_due("log")
    assert due is not None and due > at(1)
    assert await store.lease("log", "me", at(61), 10, 20, limits=limits) == []
    assert len(await store.lease("log", "me", at(200), 10, 20, limits=limits)) == 2


async def test_the_day_ends_at_the_midnight_of_the_site_and_the_reserve_is_for_urgent_ones(store: Store) -> None:
    pages = tuple(notice(f"i/{number}") for number in range(3))
    await store.commit([decision(UnitState("00010"), notices=(*pages, notice("i/9", due=2, urgent=True)))])
    limits = Limits(per_day=3, reserve=1)
    assert len(await store.lease("log", "me", at(1), 10, 20, limits=limits)) == 2
    (urgent,) = await store.lease("log", "me", at(3), 10, 20, limits=limits)
    assert urgent.notice.key == "i/9"


async def test_what_is_over_the_day_and_can_be_told_otherwise_is_claimed_with_the_reason(store: Store) -> None:
    urgent = [replace(notice(key), urgent=True) for key in ("i1", "i2")]
    await store.commit([owing(*urgent)])
    limits = Limits(per_day=1, others=(urgent[0].recipient,))
    first, second = await store.lease("log", "me", at(1), 10, 20, limits=limits)
    assert (first.over, second.over) == ("", "held: the day's 1 messages are used up")
    await store.settle(second, Receipt(Outcome.REFUSED, second.over), at(2))
    assert await store.lease("log", "me", at(3), 10, 20, limits=limits) == []


async def test_what_a_limit_held_and_quiet_hours_hold_now_was_not_asked_for_in_vain(store: Store) -> None:
    call = replace(notice("i/0/0/0/focal/log"), urgent=True)
    await store.commit([replace(owing(call), incidents=(incident("i"),))])
    assert await store.lease("log", "me", at(1), 10, 20, limits=Limits(per_day=0)) == []
    assert [one.state for one in await store.deliveries()] == ["try_again"]
    asleep = Held("held: the recipient has quiet hours", at(3 * 86_400))
    assert await store.lease("log", "me", at(86_400), 10, 20, hold=lambda _notice, _now: asleep) == []
    assert [(one.state, one.detail) for one in await store.deliveries()] == [("pending", asleep.reason)]
    assert await store.unheard(at(86_400 + 600), calm=at(0)) == []


async def test_a_providers_name_is_kept_where_its_final_status_overtook_the_answer_to_the_send(store: Store) -> None:
    await store.commit([decision(UnitState("00010"), notices=(notice("i/0"),))])
    (lease,) = await store.lease("log", "me", at(1), 10, 20)
    assert await store.heard_later("log", reference("i/0"), "delivered", at(2))
    assert not await store.settle(lease, Receipt(Outcome.SENT, id="sms-7"), at(3))
    (found,) = await store.deliveries()
    assert (found.state, found.final, found.provider_id, found.sent_at) == ("sent", "delivered", "sms-7", at(2))


async def test_a_provider_tells_later_by_our_name_or_by_its_own(store: Store) -> None:
    pages = (notice("i/0"), notice("i/1"))
    await store.commit([decision(UnitState("00010"), notices=pages)])
    first, second = await store.lease("log", "me", at(1), 10, 20)
    await store.settle(first, Receipt(Outcome.SENT, "ok", id="sms-7"), at(2))
    await store.settle(second, UNKNOWN, at(2), at(17))
    assert await store.heard_later("log", "sms-7", "failed", at(3))
    assert await store.heard_later("log", reference("i/1"), "delivered", at(4))
    assert not await store.heard_later("log", "", "delivered", at(4))
    assert not await store.heard_later("other", "sms-7", "delivered", at(4))
    assert {(one.notice.key, one.state, one.provider_id, one.final) for one in await store.deliveries()} == {
        ("i/0", "sent", "sms-7", "failed"),
        ("i/1", "sent", "", "delivered"),
    }
    assert {one.sent_at for one in await store.deliveries()} == {at(2), at(4)}
    assert await store.lease("log", "me", at(20), 10, 20) == []  # it arrived: nothing to repeat


async def test_a_final_status_is_news_once_and_is_never_taken_back(store: Store) -> None:
    """Providers tell more than once, and not in order; that it was read says that it came."""
    await store.commit([decision(UnitState("00010"), notices=(notice("i/0"),))])
    (lease,) = await store.lease("log", "me", at(1), 10, 20)
    await store.settle(lease, UNKNOWN, at(2), at(17))
    for final, news in (
        ("failed", True), ("failed", False), ("seen", True), ("delivered", False), ("failed", False), ("seen", False),
    ):  # fmt: skip
        assert await store.heard_later("log", reference("i/0"), final, at(3), lambda _: None) is news, final
    assert await store.heard_later("log", "nothing", "seen", at(3)) is None
    (found,) = await store.deliveries()
    assert (found.state, found.final, found.sent_at) == ("sent", "seen", at(3))


# -- what failed after all ---------------------------------------------------------------------------------------


def by_sms(page: Notice) -> Notice:
    return take_over(page, "sms")


async def went(store: Store, outcome: Receipt, *, withheld: str = "") -> Notice:
    """A page by Zalo that was sent, or nearly; afterwards its incident may have been answered."""
    page = notice("i/0/1/0/focal/zalo", channel="zalo", urgent=True)
    (state,) = await store.commit([decision(UnitState("00010"), notices=(page,))])
    await store.settle(await claim_one(store, "zalo"), outcome, at(2), at(17))
    if withheld:
        await store.commit([decision(state, withheld=(Withhold("i", withheld),))])
    return page


@pytest.mark.parametrize(("outcome", "state"), [(SENT, "sent"), (UNKNOWN, "refused"), (AGAIN, "refused")])
async def test_what_its_provider_could_not_deliver_is_owed_by_the_next_channel_once(
    store: Store, outcome: Receipt, state: str
) -> None:
    page = await went(store, outcome)
    for seconds, news in ((3, True), (4, False)):
        assert await store.heard_later("zalo", reference(page.key), "failed", at(seconds), by_sms) is news
    assert await states_of(store) == {page.key: state, "i/0/1/0/focal/sms": "pending"}
    assert (await claim_one(store, "sms", 5)).notice == take_over(page, "sms")
    assert await store.lease("zalo", "me", at(60), 10, 20) == []


async def test_what_failed_on_the_wire_may_still_be_sent_but_is_not_repeated(store: Store) -> None:
    page = notice("i/0/1/0/focal/zalo", channel="zalo")
    await store.commit([decision(UnitState("00010"), notices=(page,))])
    lease = await claim_one(store, "zalo")
    assert await store.heard_later("zalo", reference(page.key), "failed", at(2), by_sms)
    assert await store.settle(lease, AGAIN, at(3), at(4))
    assert await states_of(store) == {page.key: "suppressed", "i/0/1/0/focal/sms": "pending"}


async def test_what_no_longer_matters_is_not_owed_again_when_it_failed(store: Store) -> None:
    page = await went(store, SENT, withheld="acknowledged")
    assert await store.heard_later("zalo", reference(page.key), "failed", at(9), by_sms)
    assert await states_of(store) == {page.key: "sent"}


async def test_what_failed_and_has_no_other_channel_stays_as_it_was(store: Store) -> None:
    page = await went(store, UNKNOWN)
    assert await store.heard_later("zalo", reference(page.key), "failed", at(3), lambda _: None)
    assert await states_of(store) == {page.key: "unknown"}
    assert (await claim_one(store, "zalo", 20)).maybe_sent


async def test_who_was_not_reached_is_not_told_of_the_recovery(store: Store) -> None:
    page = await went(store, SENT)
    assert await store.heard_later("zalo", reference(page.key), "failed", at(3), lambda _: None)
    back = notice("i/0/recovery/focal/zalo", channel="zalo", requires=page.key)
    await store.commit([decision(UnitState("00020"), notices=(back,))])
    assert await store.lease("zalo", "me", at(5), 10, 20) == []
    assert (await states_of(store))[back.key] == "suppressed"


# -- calls that nobody took ----------------------------------------------------------------------------------------


def called(step: str, recipient: str = "focal", channel: str = "log", due: float = 0) -> Notice:
    """One message of a call of the incident "i"."""
    made = notice(f"i/{step}/{recipient}/{channel}", channel=channel, due=due)
    return replace(made, recipient=recipient)


async def unheard(store: Store, before: float = 100, calm: float | None = None) -> list[tuple[str, str, str, float]]:
    return [
        (one.incident, one.unit, one.call, (one.due_at - NOW).total_seconds())
        for one in await store.unheard(at(before), calm=None if calm is None else at(calm))
    ]


async def ended(store: Store, channel: str, receipt: Receipt, when: float = 1, again: float = 2) -> None:
    """Everything due on a channel ends like this."""
    for lease in await store.lease(channel, "me", at(when), 10, 20):
        await store.settle(lease, receipt, at(when), at(again))


async def test_a_call_is_unheard_once_every_message_of_it_failed(store: Store) -> None:
    calls = (called("0/0/0"), called("0/0/0", channel="email"), called("0/0/0", "head"))
    await store.commit([replace(owing(*calls), incidents=(incident("i"),))])
    assert await unheard(store) == []  # nobody tried yet
    await ended(store, "log", REFUSED)
    assert await unheard(store) == []  # the mail is not decided
    (first,) = await store.lease("email", "me", at(1), 1, 20)
    assert await unheard(store) == []  # on the wire
    await store.settle(first, AGAIN, at(2), at(3))
    assert await unheard(store) == [("i", "00010", "0/0/0", 0.0)]
    assert await unheard(store, before=0) == []
    (again,) = await store.lease("email", "me", at(4), 1, 20)
    assert await unheard(store) == [("i", "00010", "0/0/0", 0.0)]  # the second try is on the wire
    await store.settle(again, SENT, at(5))
    assert await unheard(store) == []


async def test_a_call_is_superseded_by_an_answer_a_withheld_message_or_a_later_call_that_was_heard(
    store: Store,
) -> None:
    one = incident("i")
    (state,) = await store.commit([replace(owing(called("0/0/0"), called("0/1/0", "head", due=50)), incidents=(one,))])
    await ended(store, "log", REFUSED)
    assert [call for _, _, call, _ in await unheard(store)] == ["0/0/0"]
    await ended(store, "log", SENT, when=51)
    assert await unheard(store) == []
    again = owing(called("0/2/0", "chair", due=60), called("0/3/0", "chair", due=61), before=state)
    (state,) = await store.commit([again])
    await ended(store, "log", UNKNOWN, when=70, again=300)
    assert [call for _, _, call, _ in await unheard(store)] == ["0/2/0", "0/3/0"]
    (state,) = await store.commit([decision(state, withheld=(Withhold("i", "covered", frozenset({"nobody"})),))])
    assert len(await unheard(store)) == 2
    (state,) = await store.commit([decision(state, incidents=(replace(one, phase=Phase.ACKNOWLEDGED),))])
    assert await unheard(store) == []
    (state,) = await store.commit([decision(state, incidents=(one,))])
    await store.commit([decision(state, withheld=(Withhold("i", "covered"),))])
    assert await unheard(store) == []


async def test_a_call_in_vain_is_unheard_although_a_later_one_took_its_place_until_that_is_heard(store: Store) -> None:
    first = called("0/0/0")
    (state,) = await store.commit([replace(owing(first), incidents=(incident("i"),))])
    await ended(store, "log", AGAIN)
    later = Withhold("i", LATER, notices=frozenset({first.key}))
    again = replace(owing(called("0/0/1", due=60), before=state), withheld=(later,))
    await store.commit([again])
    await ended(store, "log", AGAIN, when=61, again=62)
    assert [call for _, _, call, _ in await unheard(store, before=200)] == ["0/0/0", "0/0/1"]
    assert (await states_of(store))[first.key] == "suppressed"
    await ended(store, "log", SENT, when=63)
    assert await unheard(store, before=200) == []


def later(old: Notice) -> Withhold:
    return Withhold(old.incident, LATER, notices=frozenset({old.key}))


async def first_of(store: Store, channel: str, seconds: float, outcome: Receipt = SENT) -> Notice:
    (lease,) = await store.lease(channel, "me", at(seconds), 1, 20)
    await store.settle(lease, outcome, at(seconds))
    return lease.notice


async def test_a_repeat_has_the_place_of_the_call_that_it_replaces_until_one_was_sent(store: Store) -> None:
    """On a full channel the same few would be told again and again, and the others never."""
    other = notice("j/0/0/0/focal/log", incident="j", due=1)
    calls = [called(f"0/0/{repeat}", due=60.0 * repeat) for repeat in range(4)]
    (state,) = await store.commit([owing(calls[0], other)])
    for old, new in pairwise(calls[:3]):
        (state,) = await store.commit([owing(new, before=state, withheld=(later(old),))])
    assert await first_of(store, "log", 120) == calls[2]  # and not the other one
    (state,) = await store.commit([owing(calls[3], before=state, withheld=(later(calls[2]),))])
    assert await first_of(store, "log", 180) == other


async def test_a_place_is_kept_where_another_channel_takes_over(store: Store) -> None:
    first, again = called("0/0/0", channel="zalo"), called("0/0/1", channel="zalo", due=60)
    other = notice("j/0/0/0/focal/sms", incident="j", channel="sms", due=1)
    (state,) = await store.commit([owing(first, other)])
    await store.settle(await claim_one(store, "zalo", 1), REFUSED, at(2), None, by_sms(first))
    await store.commit([owing(again, before=state, withheld=(later(by_sms(first)),))])
    await store.settle(await claim_one(store, "zalo", 61), REFUSED, at(62), None, by_sms(again))
    assert await first_of(store, "sms", 63) == by_sms(again)


async def test_who_is_told_by_another_way_waits_as_before(store: Store) -> None:
    first, others = called("0/0/0"), [notice(f"j/{way}", incident="j", channel=way, due=1) for way in ("log", "sms")]
    (state,) = await store.commit([owing(first, *others)])
    new = (called("0/0/1", "head", due=60), called("0/0/1", channel="sms", due=60))
    await store.commit([owing(*new, before=state, withheld=(later(first),))])
    assert [await first_of(store, way, 60) for way in ("log", "sms")] == others


async def test_a_call_has_no_place_of_one_that_was_owed_no_more_before_it(store: Store) -> None:
    """Who has answered did not wait, and is called as others are when that answer ends."""
    first, again = called("0/0/0"), called("1/0/0", due=60)
    other = notice("j/0/0/0/focal/log", incident="j", due=1)
    (state,) = await store.commit([owing(first, other)])
    (state,) = await store.commit([owing(before=state, withheld=(Withhold("i", "heard"),))])
    await store.commit([owing(again, before=state, withheld=(later(first),))])
    assert await first_of(store, "log", 60) == other


async def test_what_got_worse_has_its_own_place(store: Store) -> None:
    first, again, worse = called("0/0/0"), called("0/0/1", due=30), called("1/0/0", due=60)
    other = notice("j/0/0/0/focal/log", incident="j", due=1)
    (state,) = await store.commit([owing(first)])
    (state,) = await store.commit([owing(again, other, before=state, withheld=(later(first),))])
    await store.commit([owing(worse, before=state, withheld=(Withhold("i", "worsened"),))])
    assert await first_of(store, "log", 60) == other


async def test_a_repeat_that_a_clock_set_back_makes_earlier_has_the_earlier_place(store: Store) -> None:
    first, again = called("0/0/0", due=7200), called("0/0/1", due=60)
    other = notice("j/0/0/0/focal/log", incident="j", due=61)
    (state,) = await store.commit([owing(first, other)])
    await store.commit([owing(again, before=state, withheld=(later(first),))])
    assert await first_of(store, "log", 61) == again


async def test_a_call_whose_repeat_took_its_place_before_anybody_tried_either_is_not_unheard(store: Store) -> None:
    first, again = called("0/0/0"), called("0/0/1", due=60)
    (state,) = await store.commit([replace(owing(first), incidents=(incident("i"),))])
    await store.commit([owing(again, before=state, withheld=(later(first),))])
    assert await unheard(store) == []
    await ended(store, "log", REFUSED, 61)
    assert [call for _, _, call, _ in await unheard(store)] == ["0/0/0", "0/0/1"]


async def test_a_call_that_is_tried_again_is_unheard_until_that_ends(store: Store) -> None:
    await store.commit([replace(owing(called("0/0/0")), incidents=(incident("i"),))])
    await store.settle(await claim_one(store, "log", 1), AGAIN, at(2), at(3))
    again = await claim_one(store, "log", 4)
    assert [call for _, _, call, _ in await unheard(store)] == ["0/0/0"]
    await store.settle(again, SENT, at(5))
    assert await unheard(store) == []


async def test_a_claim_says_since_when_nothing_holds_its_message_back(store: Store) -> None:
    await store.commit([owing(called("0/0/0"))])
    assert await store.lease("log", "me", at(1), 1, 20, lambda *_: Held("a silence", at(3601))) == []
    (lease,) = await store.lease("log", "me", at(3601), 1, 20)
    assert lease.since == at(3601)


async def test_a_call_that_a_limit_holds_back_is_unheard_until_it_goes(store: Store) -> None:
    urgent = replace(called("0/0/0"), urgent=True)
    calm = replace(called("0/1/0", "head"), urgent=False)
    await store.commit([replace(owing(urgent, calm), incidents=(incident("i"),))])
    assert await store.lease("log", "me", at(1), 10, 20, limits=Limits(per_day=0)) == []
    assert [call for _, _, call, _ in await unheard(store)] == ["0/0/0"]  # what is not urgent may wait for its room
    assert await store.stuck(at(100)) == (0, None)
    later = at(2 * 86_400)
    (lease, _) = await store.lease("log", "me", later, 10, 20)
    assert (lease.notice.key, lease.attempt) == (urgent.key, 1)
    assert await unheard(store) == []  # on the wire


async def test_a_calm_call_that_a_limit_holds_back_is_unheard_from_its_own_later_instant_on(store: Store) -> None:
    early, late = called("0/0/0"), called("0/1/0", "head", due=50)
    await store.commit([replace(owing(early, late), incidents=(incident("i"),))])
    assert await store.lease("log", "me", at(60), 10, 20, limits=Limits(per_day=0)) == []
    assert await unheard(store, calm=0) == []
    assert [call for _, _, call, _ in await unheard(store, calm=1)] == ["0/0/0"]
    assert [call for _, _, call, _ in await unheard(store, calm=50)] == ["0/0/0"]
    assert [call for _, _, call, _ in await unheard(store, calm=51)] == ["0/0/0", "0/1/0"]
    assert await unheard(store) == []
    assert await store.stuck(at(100)) == (0, None)
    await ended(store, "log", SENT, when=2 * 86_400)
    assert await unheard(store, calm=51) == []


async def test_a_calm_call_of_which_one_message_waits_for_its_room_is_unheard_no_sooner_than_that_one(
    store: Store,
) -> None:
    calls = (called("0/0/0"), called("0/0/0", "head", channel="email"))
    await store.commit([replace(owing(*calls), incidents=(incident("i"),))])
    await ended(store, "email", REFUSED)
    assert await store.lease("log", "me", at(1), 10, 20, limits=Limits(per_day=0)) == []
    assert await unheard(store, calm=0) == []
    assert [call for _, _, call, _ in await unheard(store, calm=1)] == ["0/0/0"]


async def test_the_age_of_what_is_owed_late_counts_from_then_also_where_another_channel_takes_over(
    store: Store,
) -> None:
    late = replace(called("0/0/0", channel="zalo"), free_at=at(3600))
    await store.commit([replace(owing(late), incidents=(incident("i"),))])
    assert await store.stuck(at(3600)) == (0, None)
    assert await store.stuck(at(3700)) == (1, at(3600))
    assert await store.outbox() == {"zalo": (1, at(3600))}
    lease = await claim_one(store, "zalo", 3601)
    await store.settle(lease, REFUSED, at(3602), None, take_over(late, "sms"))
    assert await store.outbox() == {"sms": (1, at(3600))}
    await ended(store, "sms", REFUSED, 3603)
    assert await unheard(store, before=3600) == []
    assert await unheard(store, before=3700) == [("i", "00010", "0/0/0", 0.0)]


async def test_what_failed_after_all_is_as_old_as_its_provider_s_word(store: Store) -> None:
    page = await went(store, SENT)
    assert await store.heard_later("zalo", reference(page.key), "failed", at(3600), by_sms)
    assert await store.outbox() == {"sms": (1, at(3600))}


async def test_a_call_that_was_handed_on_is_unheard_until_somebody_else_hears_it(store: Store) -> None:
    await store.commit([replace(owing(called("0/0/0")), incidents=(incident("i"),))])
    await ended(store, "log", Receipt(Outcome.SUPPRESSED, LEFT))
    assert await unheard(store) == []  # the successor, or the next step, is called
    (state,) = await store.load_states()
    await store.commit([owing(called("0/0/0", "next"), before=state)])
    assert await unheard(store) == []
    await ended(store, "log", REFUSED)
    assert [call for _, _, call, _ in await unheard(store)] == ["0/0/0"]


async def test_what_went_past_the_outbox_is_listed_counted_and_told_of_by_its_provider(store: Store) -> None:
    own = replace(called("0/self"), key="self/disk_low/x/1/self/ops/log", incident="self/disk_low/x", urgent=True)
    for _ in range(2):  # a note that was written although the store said no is written again
        await store.note_sent(own, Receipt(Outcome.SENT, id="sms-9"), at(5))
    (delivery,) = await store.deliveries()
    assert (delivery.notice, delivery.state, delivery.sent_at) == (own, "sent", at(5))
    assert await store.carried("log", at(0)) == 1
    assert await store.outcomes() == {("log", Outcome.SENT): 1}
    assert await store.lease("log", "me", at(9), 10, 20) == []
    assert await store.next_due("log") is None
    assert await store.heard_later("log", "sms-9", "delivered", at(10))


async def test_what_the_monitor_says_of_itself_is_counted_and_never_over_a_limit(store: Store) -> None:
    own = replace(called("0/self"), key="self/disk_low/x/1/self/ops/log", incident="self/disk_low/x", urgent=True)
    page = replace(called("0/0/0"), urgent=True)
    await store.commit([owing(own, page)])
    leases = await store.lease("log", "me", at(1), 10, 20, limits=Limits(per_day=1))
    assert [lease.notice for lease in leases] == [page, own]
    assert await store.carried("log", at(0)) == 2


async def test_what_a_provider_took_and_could_not_deliver_is_unheard(store: Store) -> None:
    await store.commit([replace(owing(called("0/0/0")), incidents=(incident("i"),))])
    await ended(store, "log", SENT)
    assert await unheard(store) == []
    await store.heard_later("log", reference("i/0/0/0/focal/log"), "failed", at(9))
    assert [call for _, _, call, _ in await unheard(store)] == ["0/0/0"]


async def test_good_news_is_no_call_and_the_oldest_comes_first(store: Store) -> None:
    notices = (
        called("0/1/0", due=7),
        called("0/0/0", due=3),
        replace(called("0/recovery"), requires="i/0/0/0/focal/log"),
    )
    await store.commit([replace(owing(*notices), incidents=(incident("i"),))])
    await ended(store, "log", REFUSED, when=10)
    assert [call for _, _, call, _ in await unheard(store)] == ["0/0/0", "0/1/0"]
    assert len(await store.unheard(at(100), limit=1)) == 1


# -- the canary ----------------------------------------------------------------------------------------------------


async def test_the_canarys_messages_go_like_all_others_are_in_no_list_or_count_and_can_be_forgotten(
    store: MemoryStore | SqlStore,
) -> None:
    bird = notice("c/0/0/0/bird/loop", incident="c", channel=LOOPBACK)
    good = notice("c/0/recovery", incident="c", channel=LOOPBACK, requires="c/0/0/0/bird/loop")
    (state,) = await store.commit([owing(bird, notice("i/0", due=5))])
    assert await store.outbox() == {"log": (1, at(5))}
    assert await store.stuck(at(3)) == (0, None)
    (lease,) = await store.lease(LOOPBACK, "me", NOW, 10, 20)
    assert await store.settle(lease, SENT, at(1))
    (state,) = await store.commit([owing(good, before=state)])
    (lease,) = await store.lease(LOOPBACK, "me", at(2), 10, 20)
    assert lease.notice.key == "c/0/recovery"
    assert await states_of(store) == {"i/0": "pending"}
    assert await store.outcomes() == {}
    assert (await store.recorded("notices")).facts == [notice("i/0", due=5)]
    await store.forget(LOOPBACK)
    assert not await store.settle(lease, SENT, at(3))
    assert await store.deliveries(incident="c") == []
    (state,) = await store.commit([owing(bird, before=state)])  # nothing is known of it any more
    assert [one.notice.key for one in await store.lease(LOOPBACK, "me", at(4), 10, 20)] == [bird.key]
    assert await states_of(store) == {"i/0": "pending"}
