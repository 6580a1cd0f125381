"""How many messages a channel may carry: counted, held with a reason, never dropped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.limits import Counts, Limits, Rate, Spent, Waiting, admit

NOON = datetime(2026, 11, 20, 5, tzinfo=UTC)
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


def waiting(*keys: str, urgent: bool = False, recipient: str = "focal") -> list[Waiting]:
    return [Waiting(key, recipient, urgent) for key in keys]


def test_without_limits_everybody_goes():
    assert admit(waiting("a", "b"), Counts(), Limits(), NOON).admitted == ("a", "b")
    assert not Limits().bound


def test_the_third_message_to_one_recipient_waits_until_the_first_is_an_hour_old():
    limits = Limits(per_recipient=Rate(2, 3600))
    gone = Counts({"focal": Spent(1, NOON - timedelta(minutes=50))})
    found = admit([*waiting("a", "b"), *waiting("c", recipient="chair")], gone, limits, NOON)
    assert found.admitted == ("a", "c")
    assert found.held["b"].until == NOON + timedelta(minutes=10)
    assert found.held["b"].reason == "held: 2 messages to this recipient in 3600 s"


def test_a_channel_carries_so_many_at_a_time():
    found = admit(waiting("a", "b"), Counts(channel=Spent(9, NOON)), Limits(per_channel=Rate(10, 60)), NOON)
    assert found.admitted == ("a",)
    assert found.held["b"].until == NOON + timedelta(seconds=60)


def test_what_is_not_urgent_leaves_the_reserve_to_what_is():
    limits = Limits(per_day=10, reserve=3, zone=HANOI)
    calm = admit(waiting("a", "b"), Counts(day=6), limits, NOON)
    assert calm.admitted == ("a",)
    assert calm.held["b"].reason == "held: the day's 7 messages are used up, 3 more are kept for urgent ones"
    assert calm.held["b"].until == datetime(2026, 11, 20, 17, tzinfo=UTC)  # midnight in Hanoi
    urgent = admit(waiting("a", "b", "c", "d", urgent=True), Counts(day=7), limits, NOON)
    assert urgent.admitted == ("a", "b", "c")
    assert urgent.held["d"].reason == "held: the day's 10 messages are used up"


def test_what_is_urgent_and_would_wait_for_long_is_passed_to_another_channel_where_there_is_one():
    limits = Limits(per_day=10, per_channel=Rate(5, 60), others={"chair": "mail"})
    both = [*waiting("a", urgent=True), *waiting("b", urgent=True, recipient="chair")]
    used_up = admit(both, Counts(day=10), limits, NOON)
    assert (list(used_up.held), used_up.passed) == (["a"], {"b": "held: the day's 10 messages are used up"})
    calm = admit(waiting("c", recipient="chair"), Counts(day=10), limits, NOON)
    assert (list(calm.held), calm.passed) == (["c"], {})
    shortly = admit(both, Counts(channel=Spent(5, NOON)), limits, NOON)
    assert (list(shortly.held), shortly.passed) == (["a", "b"], {})


def test_what_the_monitor_says_of_itself_is_counted_and_never_held():
    own = Waiting("own", "ops", urgent=True, own=True)
    found = admit([own, *waiting("a", urgent=True)], Counts(day=9), Limits(per_day=10), NOON)
    assert (found.admitted, list(found.held)) == (("own",), ["a"])
    assert admit([own], Counts(day=10), Limits(per_day=10), NOON).admitted == ("own",)


def test_a_hold_always_ends_later_than_now():
    stale = Counts(channel=Spent(10, NOON - timedelta(days=1)))
    assert admit(waiting("a"), stale, Limits(per_channel=Rate(10, 60)), NOON).held["a"].until > NOON


WAITING = st.lists(st.builds(Waiting, st.uuids().map(str), st.sampled_from("abc"), st.booleans()), max_size=20)
LIMITS = st.builds(
    lambda mine, all_, day, kept: Limits(
        mine and Rate(mine, 60), all_ and Rate(all_, 60), day, min(kept, (day or 1) - 1)
    ),
    st.none() | st.integers(1, 4),
    st.none() | st.integers(1, 8),
    st.none() | st.integers(1, 12),
    st.integers(0, 5),
)


@given(WAITING, LIMITS, st.integers(0, 12))
def test_everybody_is_either_admitted_or_held_and_no_limit_is_passed(rows, limits, day):
    found = admit(rows, Counts(day=day), limits, NOON)
    assert set(found.admitted) | set(found.held) == {row.key for row in rows}
    assert not set(found.admitted) & set(found.held)
    assert all(held.until > NOON and held.reason.startswith("held: ") for held in found.held.values())
    by_key = {row.key: row for row in rows}
    for name in "abc":
        mine = sum(by_key[key].recipient == name for key in found.admitted)
        assert limits.per_recipient is None or mine <= limits.per_recipient.number
    assert limits.per_channel is None or len(found.admitted) <= limits.per_channel.number
    assert limits.per_day is None or day + len(found.admitted) <= max(limits.per_day, day)
