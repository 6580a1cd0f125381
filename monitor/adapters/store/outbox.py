"""Every question and order about the outbox that goes to the database, each with a name and a sentence.

Functions without parameters are written for `executemany`: their bound parameters are filled once for each row.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    FromClause,
    Insert,
    Integer,
    Select,
    Text,
    Update,
    and_,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects import sqlite

from monitor.adapters.store import states
from monitor.adapters.store.tables import (
    FAILING,
    incident,
    notice,
)
from monitor.model.incident import FAILED, FINALS, LATER, LEFT, LOOPBACK, Outcome, Phase

_earlier, _good = notice.alias("earlier"), notice.alias("good")
_own, _relapse = incident.alias("own"), incident.alias("relapse")
_free_since = func.coalesce(notice.c.free_at, notice.c.due_at, type_=notice.c.due_at.type)
# Not `in_`: the values of an IN are filled in for each execution, which `executemany` cannot do.
_waiting = or_(*(notice.c.state == state for state in sorted(states.WAITING)))
_undecided = notice.c.state.in_(sorted(states.UNDECIDED))
_withheld = notice.c.withheld != ""
_over_limit = and_(notice.c.state == Outcome.TRY_AGAIN.value, notice.c.attempt == 0)
_public = notice.c.channel != LOOPBACK


@cache
def owe_notice() -> Insert:
    """Put a notice into the outbox; one with the same key is left alone."""
    return sqlite.insert(notice).on_conflict_do_nothing(index_elements=[notice.c.key])


# Notices of one incident, of all its recipients or of one; all of them or one.
_meant = and_(
    notice.c.incident == bindparam("of_incident"),
    or_(bindparam("of_recipient", type_=Text).is_(None), notice.c.recipient == bindparam("of_recipient", type_=Text)),
    or_(bindparam("of_key", type_=Text).is_(None), notice.c.key == bindparam("of_key", type_=Text)),
)


@cache
def withhold_waiting() -> Update:
    """Suppress what waits of an incident, with the reason."""
    return (
        update(notice)
        .where(_meant, _waiting)
        .values(state=Outcome.SUPPRESSED.value, detail=bindparam("reason"), owner="", lease_until=None)
    )


@cache
def withhold_gone() -> Update:
    """Note on what is being sent of an incident, or was sent, that it is not to be tried again."""
    went = or_(*(notice.c.state == state for state in sorted(states.WENT)))
    return update(notice).where(_meant, went).values(withheld=bindparam("reason"))


@cache
def take_place() -> Update:
    """Let what is newly owed have the place of a call that it replaces and that nobody got."""
    replaced = (_earlier.c.key == bindparam("replaced"), _earlier.c.detail == LATER)
    same = (notice.c.incident == _earlier.c.incident, *_to(_earlier))
    fresh = (notice.c.state == states.PENDING, _place(notice) > _place(_earlier))
    return update(notice).where(*replaced, *same, *fresh).values(placed_at=_place(_earlier))


@cache
def hold_back() -> Update:
    """Do not send a notice yet, and say why. What a limit held before is asked for in vain no more."""
    until = bindparam("until", type_=notice.c.next_at.type)
    held = update(notice).where(notice.c.key == bindparam("held_key"))
    state = case((_over_limit, states.PENDING), else_=notice.c.state)
    return held.values(next_at=until, free_at=until, detail=bindparam("reason"), state=state)


@cache
def hold_over_limit() -> Update:
    """The same for what is over a limit: it was asked for in vain."""
    return hold_back().values(state=Outcome.TRY_AGAIN.value)


def release(reason: str, now: datetime) -> Update:
    """What is held for this reason may be claimed again."""
    held = (_waiting, notice.c.detail == reason, notice.c.next_at > now)
    return update(notice).where(*held).values(next_at=now, free_at=now)


@cache
def free_good_news() -> Update:
    """What waited for a relapse to end, by the keys of the earlier incidents of its trouble, is no older than that."""
    at = bindparam("at", type_=notice.c.free_at.type)
    earlier = (notice.c.incident >= bindparam("first"), notice.c.incident < bindparam("over"))
    # Within CASE, so that SQLite looks for the keys and not among all that waits in the country.
    waits = case((_waiting, 1), else_=0)
    return update(notice).where(*earlier, waits == 1, _free_since < at).values(free_at=at)


def waiting_beyond(instant: datetime) -> Select[Any]:
    """What is to be claimed, or a claim on which runs out, later than an instant."""
    waits = (notice.c.next_at, notice.c.lease_until, notice.c.due_at, notice.c.urgent, notice.c.attempt)
    columns = (notice.c.key, notice.c.state, *waits, _free_since.label("free"))
    later = or_(and_(_waiting, notice.c.next_at > instant), notice.c.lease_until > instant)
    return select(*columns).where(_undecided, later)


@cache
def hasten() -> Update:
    """Let a notice be claimed at another instant, and a claim on it run out then."""
    at = bindparam("at", type_=notice.c.next_at.type)
    free = bindparam("free", type_=notice.c.free_at.type)
    lease = case((notice.c.lease_until.is_not(None), at), else_=null())
    return (
        update(notice).where(notice.c.key == bindparam("hastened")).values(next_at=at, lease_until=lease, free_at=free)
    )


def expire_leases(channel: str, now: datetime) -> Update:
    """Give up on claims whose time has run out: they may have been sent, and may be claimed again unless withheld."""
    return end_leases().where(notice.c.channel == channel, notice.c.lease_until <= now)


def end_leases() -> Update:
    """Give up on all claims: whoever made them is dead."""
    return (
        update(notice)
        .where(notice.c.state == states.LEASED)
        .values(
            state=case((_withheld, Outcome.SUPPRESSED.value), else_=Outcome.UNKNOWN.value),
            detail=case((_withheld, notice.c.withheld), else_=notice.c.detail),
            owner=case((_withheld, ""), else_=notice.c.owner),
            maybe_sent=True,
            lease_until=None,
        )
    )


def suppress_no_news(channel: str, now: datetime) -> Update:
    """Suppress due good news to an address that no bad news of the incident reached, or none since it heard the end."""
    reason = case((_told(), states.OVER), else_=states.NEVER_TOLD)
    return (
        update(notice)
        .where(*_due(channel, now), notice.c.requires.is_not(None), ~_blocked(), or_(~_told(), _over()))
        .values(state=Outcome.SUPPRESSED.value, detail=reason, owner="", lease_until=None)
    )


def suppress_outlived(channel: str, now: datetime) -> Update:
    """Suppress due good news to an address that has heard since that the trouble is back."""
    return (
        update(notice)
        .where(*_due(channel, now), notice.c.requires.is_not(None), _told_again())
        .values(state=Outcome.SUPPRESSED.value, detail=states.BACK, owner="", lease_until=None)
    )


def claimable(channel: str, now: datetime, limit: int) -> Select[Any]:
    """Due notices of a channel that wait for no other, and good news that is still true: urgent before old."""
    names = ("key", "doc", "attempt", "maybe_sent", "recipient", "urgent", "incident")
    columns = [*(notice.c[name] for name in names), _free_since.label("since")]
    free = or_(notice.c.requires.is_(None), and_(~_blocked(), ~_back(), _told()))
    order = (notice.c.urgent.desc(), _place(notice), notice.c.key)
    return select(*columns).where(*_due(channel, now), free).order_by(*order).limit(limit)


def claim(keys: Collection[str], owner: str, until: datetime) -> Update:
    """Lease these notices to an owner and count the attempt."""
    return (
        update(notice)
        .where(notice.c.key.in_(sorted(keys)))
        .values(state=states.LEASED, owner=owner, attempt=notice.c.attempt + 1, lease_until=until)
    )


_went_at = func.coalesce(notice.c.sent_at, notice.c.next_at, type_=notice.c.next_at.type)


def spent(channel: str, since: datetime, now: datetime) -> Select[Any]:
    """How many messages of a channel went, may have gone or are going since an instant, and when the first did."""
    return select(func.count().label("number"), func.min(_went_at).label("oldest")).where(_went(channel, since, now))


def spent_by_recipient(channel: str, since: datetime, now: datetime) -> Select[Any]:
    """The same for each recipient."""
    numbers = (func.count().label("number"), func.min(_went_at).label("oldest"))
    return select(notice.c.recipient, *numbers).where(_went(channel, since, now)).group_by(notice.c.recipient)


def _went(channel: str, since: datetime, now: datetime) -> ColumnElement[bool]:
    """Each part names the channel, so that each has an index of its own: a claim must not read the whole channel.

    What went later than now went before the clock was set back, nobody knows when: it holds nothing back.
    """
    here = notice.c.channel == channel
    sent, going = and_(notice.c.sent_at > since, notice.c.sent_at <= now), notice.c.state == states.LEASED
    unsure = and_(text("maybe_sent IS 1"), notice.c.state != Outcome.SENT.value, notice.c.next_at > since)
    return or_(and_(here, sent), and_(here, going), and_(here, unsure))


def held_by(key: str, owner: str, attempt: int) -> Select[Any]:
    """What there is to know for settling a claim; nothing if somebody took it over or it is decided."""
    held = (notice.c.key == key, notice.c.owner == owner, notice.c.attempt == attempt, _undecided)
    since = (_free_since.label("free"), notice.c.placed_at)
    return select(notice.c.withheld, notice.c.maybe_sent, notice.c.provider_id, *since).where(*held)


def settle(key: str, values: dict[str, Any]) -> Update:
    """Write what became of a claim and end it."""
    return update(notice).where(notice.c.key == key).values(owner="", lease_until=None, **values)


def learn_name(key: str, attempt: int, provider_id: str) -> Update:
    """Keep the provider's own name for a message whose final status overtook the answer to its send."""
    overtaken = (notice.c.attempt == attempt, notice.c.state == Outcome.SENT.value, notice.c.provider_id == "")
    return update(notice).where(notice.c.key == key, *overtaken).values(provider_id=provider_id)


def named(channel: str, name: str) -> ColumnElement[bool]:
    """What a provider calls so, by our name or its own."""
    # Within CASE, so that SQLite looks for the names and not through all that the channel ever sent.
    here = case((notice.c.channel == channel, 1), else_=0)
    return and_(here == 1, or_(notice.c.reference == name, notice.c.provider_id == name))


def heard_later(channel: str, name: str, final: str, now: datetime) -> Update:
    """Note what a provider says of a message, if that is news. What waited to be repeated has arrived."""
    arrived = and_(literal(final != FAILED), _undecided)
    return (
        update(notice)
        .where(named(channel, name), notice.c.final.in_(FINALS[: FINALS.index(final)]))
        .values(
            final=final,
            state=case((arrived, Outcome.SENT.value), else_=notice.c.state),
            sent_at=case((arrived, literal(now, notice.c.sent_at.type)), else_=notice.c.sent_at),
            owner=case((arrived, ""), else_=notice.c.owner),
            lease_until=case((arrived, null()), else_=notice.c.lease_until),
        )
    )


def failed_late(channel: str, name: str) -> Select[Any]:
    """Messages with this name that went, or may have, and were not withheld since: another channel may take over."""
    wanted = (notice.c.final == FAILED, notice.c.attempt > 0, ~_withheld, notice.c.state.in_(sorted(states.FALLIBLE)))
    return select(notice.c.key, notice.c.doc).where(named(channel, name), *wanted)


def handed_over(key: str, why: str) -> Update:
    """What its provider could not deliver is not repeated; a send that is under way may still end as sent."""
    waits = notice.c.state.in_(sorted(states.WAITING))
    return (
        update(notice)
        .where(notice.c.key == key)
        .values(
            withheld=why,
            state=case((waits, Outcome.REFUSED.value), else_=notice.c.state),
            detail=case((waits, why), else_=notice.c.detail),
            owner=case((waits, ""), else_=notice.c.owner),
        )
    )


def forget(channel: str) -> Delete:
    """Delete what a channel was ever owed."""
    return delete(notice).where(notice.c.channel == channel)


def next_due(channel: str) -> Select[Any]:
    """First instant at which something can be claimed, or a claim runs out."""
    leased = notice.c.state == states.LEASED
    instant = case((leased, notice.c.lease_until), else_=notice.c.next_at)
    free = or_(leased, and_(~_blocked(), ~_back()))
    return select(func.min(instant)).where(notice.c.channel == channel, _undecided, free)


def deliveries(of_incident: str | None, limit: int) -> Select[Any]:
    """Notices with what became of them, the last due first."""
    wanted = _public if of_incident is None else notice.c.incident == of_incident
    return select(notice).where(wanted).order_by(notice.c.due_at.desc(), notice.c.key.desc()).limit(limit)


def waiting_by_channel() -> Select[Any]:
    """Per channel: how many notices are undecided, and since when the oldest could have gone."""
    oldest = func.min(_free_since, type_=notice.c.due_at.type)
    numbers: tuple[Any, ...] = (func.count().label("number"), oldest.label("oldest"))
    return select(notice.c.channel, *numbers).where(_undecided, _public).group_by(notice.c.channel)


def stuck(before: datetime) -> Select[Any]:
    """How many notices should have gone before an instant, and since when the oldest should have.

    That is from when nothing held it back; good news waits for bad news.
    """
    oldest = func.min(_free_since, type_=notice.c.due_at.type)
    numbers: list[Any] = [func.count().label("number"), oldest.label("oldest")]
    return select(*numbers).where(_undecided, _public, notice.c.requires.is_(None), _free_since < before)


def unheard(before: datetime, calm: datetime | None, limit: int) -> Select[Any]:
    """Calls of unanswered incidents of which every message failed, and after which nobody was told; oldest first."""
    may_wait = and_(_over_limit, ~notice.c.urgent, true() if calm is None else notice.c.due_at >= calm)
    in_vain = and_(notice.c.state.in_(sorted(states.IN_VAIN)), ~may_wait)
    again = and_(notice.c.state == states.LEASED, notice.c.attempt > 1)
    failed_late = and_(notice.c.state == Outcome.SENT.value, notice.c.final == FAILED)
    left = and_(notice.c.state == Outcome.SUPPRESSED.value, notice.c.detail == LEFT)
    later = and_(notice.c.state == Outcome.SUPPRESSED.value, notice.c.detail == LATER)
    failed = case((or_(in_vain, again, failed_late, left, later), 1), else_=0)
    mine = (notice.c.incident == incident.c.key, notice.c.requires.is_(None))
    failing = select(notice.c.incident).where(text(FAILING))
    call = func.substr(
        notice.c.key,
        func.length(notice.c.incident) + 2,
        func.length(notice.c.key)
        - func.length(notice.c.incident) - func.length(notice.c.recipient) - func.length(notice.c.channel) - 3,
    ).label("call")  # fmt: skip
    due: ColumnElement[Any] = func.min(notice.c.due_at, type_=notice.c.due_at.type).label("due")
    since = func.min(case((_over_limit, notice.c.due_at), else_=_free_since), type_=notice.c.due_at.type).label("since")
    calls = (
        select(notice.c.incident, incident.c.unit, call, due, since)
        .join(incident, and_(*mine))
        .where(incident.c.phase == Phase.OPEN.value, notice.c.incident.in_(failing))
        .group_by(notice.c.incident, incident.c.unit, call)
        .having(func.sum(failed) == func.count(), func.sum(case((left, 1), else_=0)) < func.count())
        .subquery("calls")
    )
    told = exists(literal(1)).where(
        _earlier.c.incident == calls.c.incident,
        _earlier.c.requires.is_(None),
        case((_earlier.c.state == Outcome.SENT.value, 1), else_=0)
        == 1,  # by incident: of all that was sent is too much
        _earlier.c.final != FAILED,
        _earlier.c.due_at > calls.c.due,
    )
    order = (calls.c.due, calls.c.incident, calls.c.call)
    return select(calls).where(calls.c.since < before, ~told).order_by(*order).limit(limit)


def notices_of(incidents: Collection[str]) -> Select[Any]:
    """Notices of some incidents: whose they are, and what became of them."""
    columns = (notice.c.incident, notice.c.key, notice.c.state, notice.c.detail)
    return select(*columns).where(notice.c.incident.in_(sorted(incidents)))


def numbers_by_state() -> Select[Any]:
    """Per channel and state: how many notices. All states, so that the index answers it and no row is read."""
    number = func.count().label("number")
    return select(notice.c.channel, notice.c.state, number).where(_public).group_by(notice.c.channel, notice.c.state)


def _place(of: FromClause) -> ColumnElement[Any]:
    """What is claimed first of what is as urgent."""
    return func.coalesce(of.c.placed_at, of.c.due_at, type_=of.c.due_at.type)


def _due(channel: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (notice.c.channel == channel, _waiting, notice.c.next_at <= now)


def _blocked() -> ColumnElement[bool]:
    """Some bad news of the same incident to the same address is undecided."""
    return exists(literal(1)).where(*_bad_news(), _earlier.c.state.in_(sorted(states.UNDECIDED)))


def _told(*more: ColumnElement[bool]) -> ColumnElement[bool]:
    """Some bad news of the same incident to the same address was sent, or may have been."""
    sent = or_(_earlier.c.state == Outcome.SENT.value, _earlier.c.maybe_sent.is_(True))
    told = exists(literal(1)).where(*_bad_news(), sent, _earlier.c.final != FAILED, *more)
    return told.correlate_except(_earlier)  # also where it stands in another question: of this good news, not of any


def _over() -> ColumnElement[bool]:
    """... and so was other good news, after all of that: not by the clock, which may have been set back meanwhile."""
    sent = (case((_good.c.state == Outcome.SENT.value, 1), else_=0) == 1, _good.c.final != FAILED)  # by incident
    good = (_good.c.incident == notice.c.incident, *_to(_good), _good.c.requires.is_not(None), *sent)
    return exists(literal(1)).where(*good, ~_told(_generation(_earlier) > _generation(_good)))


def _to(of: FromClause) -> tuple[ColumnElement[bool], ...]:
    """The same recipient was to be told, by the same channel first."""
    return (of.c.recipient == notice.c.recipient, of.c.origin == notice.c.origin)


def _generation(of: FromClause) -> ColumnElement[int]:
    """Of its incident, as its key begins after that one's; a relapse makes a new one."""
    return cast(func.substr(of.c.key, func.length(of.c.incident) + 2), Integer)


def _relapses() -> tuple[ColumnElement[bool], ...]:
    """Later incidents of the same trouble, by their keys (unit/cause/instant); nothing for bad news."""
    beyond = _own.c.unit + "/" + _own.c.cause + "0"  # the sign after "/"
    later = (_relapse.c.key > _own.c.key, _relapse.c.key < beyond)
    return (notice.c.requires.is_not(None), _own.c.key == notice.c.incident, *later)


def _back() -> ColumnElement[bool]:
    """The trouble of which this good news says that it is over is there again."""
    # Within CASE, so that SQLite looks for their keys and not among all incidents of such a phase.
    there = case((_relapse.c.phase.in_(sorted(states.THERE)), 1), else_=0)
    return exists(literal(1)).where(*_relapses(), there == 1)


def _told_again() -> ColumnElement[bool]:
    """... and the same address was told, or may have been."""
    sent = or_(_earlier.c.state == Outcome.SENT.value, _earlier.c.maybe_sent.is_(True))
    told = (_earlier.c.incident == _relapse.c.key, *_to(_earlier), _earlier.c.requires.is_(None), sent)
    return exists(literal(1)).where(*_relapses(), *told, _earlier.c.final != FAILED)


def _bad_news() -> tuple[ColumnElement[bool], ...]:
    """What was owed before this good news; nothing for bad news."""
    return (
        notice.c.requires.is_not(None),
        _earlier.c.incident == notice.c.incident,
        *_to(_earlier),
        _earlier.c.requires.is_(None),
    )
