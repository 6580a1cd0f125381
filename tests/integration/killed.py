"""What a series of kills left behind, held against what was seen from outside."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from monitor.adapters.store import SqlStore, codec
from monitor.adapters.store.states import BACK
from monitor.adapters.transports.posting import ascii_only
from monitor.model.incident import LATER as TOLD_LATER
from monitor.model.incident import Delivery, Incident, Notice, Phase
from monitor.model.state import AuditEntry
from tests.integration.killing import FIRST, LATER, NEXT_CHANNEL, Post, Series

ALL = 10**6
_HANDED_ON = ("refused", "maybe_sent")
WIRE = 15.0  # seconds a send may take: as long may something that was claimed before still arrive


@dataclass(frozen=True)
class Left:
    """The stopped service's store."""

    incidents: Sequence[Incident]
    deliveries: Sequence[Delivery]
    audit: Sequence[tuple[AuditEntry, str]]
    sound: bool  # as SQLite sees its file


async def left_by(series: Series) -> Left:
    """Read everything."""
    path = series.trial.folder / "var" / "denbao.db"
    store = SqlStore(path, read_only=True)
    await store.open()
    try:
        return Left(
            await store.incidents(open_only=False, limit=ALL),
            await store.deliveries(limit=ALL),
            await store.audit_trail(limit=ALL),
            _is_sound(path),
        )
    finally:
        await store.close()


def _is_sound(path: Path) -> bool:
    database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        return database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        database.close()


@dataclass(frozen=True)
class Account:
    """The figures of one series; everything that must be empty is named after what would be wrong."""

    owed: int  # messages that had to be accepted
    accepted: int  # different messages that were
    handed_on: int  # messages that the next channel took over
    withheld: int  # owed at first, then not any more, with the reason
    posts: int
    extra: int  # accepted again because of a kill
    repeated_unanswered: int  # accepted again because the gateway had not said so
    extra_of_a_kill: tuple[int, ...]  # for each kill
    acks: int
    incidents: int
    waits: tuple[float, ...]  # seconds from due to accepted, of bad news, sorted
    wrong: dict[str, list[str]]


def account(series: Series, left: Left) -> Account:
    """Hold what was left against what was seen."""
    accepted: dict[str, list[Post]] = defaultdict(list)
    for post in series.webhook.posts:
        if post.accepted:
            accepted[post.key].append(post)
    owed = [one for one in left.deliveries if one.state not in ("suppressed", *_HANDED_ON)]
    handed = [one for one in left.deliveries if one.state in _HANDED_ON]
    extras, mute, unexplained = _extras(accepted, series.kills)
    wrong = {
        "lost": [one.notice.key for one in owed if ascii_only(one.notice.key) not in accepted],
        "left undecided or refused": [one.notice.key for one in owed if one.state != "sent"],
        "not handed on": _not_handed_on(handed, left),
        "withheld without a reason": _unreasoned(left, accepted),
        "unknown to the store": sorted(set(accepted) - {ascii_only(one.notice.key) for one in left.deliveries}),
        "sent again without a kill or a lost answer": unexplained,
        "other words under the same key": _other_words(series.webhook.posts),
        "never owed": _never_owed(left),
        "answers forgotten": _forgotten(series, left),
        "sent after an answer": _after_answer(series, accepted),
        "broken places of the audit": _broken_chain(left.audit),
        "damage of the file": [] if left.sound else ["integrity_check"],
        "errors of the service": [line for line in series.errors.splitlines() if "Traceback" in line],
    }
    return Account(
        owed=len(owed),
        accepted=len(accepted),
        handed_on=len(handed),
        withheld=len(left.deliveries) - len(owed) - len(handed),
        posts=len(series.webhook.posts),
        extra=extras.total(),
        repeated_unanswered=mute,
        extra_of_a_kill=tuple(extras[number] for number in range(len(series.kills))),
        acks=len(series.acks),
        incidents=len(left.incidents),
        waits=tuple(sorted(_waits(owed))),
        wrong={name: found for name, found in wrong.items() if found},
    )


def _not_handed_on(handed: Sequence[Delivery], left: Left) -> list[str]:
    """Messages that one channel gave up on and the next one was never owed, though nobody had answered or recovered."""
    there = {one.notice.key for one in left.deliveries}
    over = {one.key for one in left.incidents if not one.open or one.acked_by}
    wanted = {
        one.notice.key: f"{one.notice.key.rpartition('/')[0]}/{NEXT_CHANNEL}"
        for one in handed
        if one.notice.incident not in over or one.notice.requires
    }
    return [key for key, following in wanted.items() if following not in there or following == key]


def _extras(accepted: dict[str, list[Post]], kills: Sequence[float]) -> tuple[Counter[int], int, list[str]]:
    """Repeats by the kill that made them, those after a lost answer, and those without either.

    An orphan of a killed service may end its send.
    """
    extras: Counter[int] = Counter()
    mute, unexplained = 0, []
    for key, posts in accepted.items():
        for before, after in pairwise(posts):
            guilty = [number for number, at in enumerate(kills) if before.at - WIRE < at < after.at]
            if guilty:
                extras[min(guilty, key=lambda number: abs(kills[number] - before.at))] += 1
            elif not before.answered:
                mute += 1
            else:
                unexplained.append(key)
    return extras, mute, unexplained


def _unreasoned(left: Left, accepted: dict[str, list[Post]]) -> list[str]:
    """Withheld messages whose reason is none, or not true: the recipient of good news had heard of the bad."""
    heard = {(post.body["ref"], post.body["recipient"]) for posts in accepted.values() for post in posts}
    closed = {one.key for one in left.incidents if not one.open}
    acked = {one.key for one in left.incidents if one.acked_by}

    def told_again(notice: Notice) -> bool:
        trouble = notice.incident.rpartition("/")[0]
        later = (one for one in left.incidents if one.key.rpartition("/")[0] == trouble and one.key > notice.incident)
        return any((one.ref, notice.recipient) in heard for one in later)

    def called_later(notice: Notice) -> bool:
        address = (notice.incident, notice.recipient, notice.origin)
        calls = (one.notice for one in left.deliveries if one.notice.requires is None)
        return any((n.incident, n.recipient, n.origin) == address and n.due_at > notice.due_at for n in calls)

    def true(one: Delivery) -> bool:
        notice = one.notice
        return {
            "recovered": notice.incident in closed,
            "acknowledged": notice.incident in acked,
            "never_told": (notice.ref, notice.recipient) not in heard,
            BACK: told_again(notice),
            TOLD_LATER: called_later(notice),
        }.get(one.detail, False)

    return [f"{one.notice.key}: {one.detail}" for one in left.deliveries if one.state == "suppressed" and not true(one)]


def _other_words(posts: Sequence[Post]) -> list[str]:
    words: dict[str, set[str]] = defaultdict(set)
    for post in posts:
        words[post.key].add(repr([post.body[name] for name in ("key", "ref", "subject", "body", "sms")]))
        if ascii_only(post.body["key"]) != post.key:
            words[post.key].add("another key in the body")
    return [key for key, different in words.items() if len(different) > 1]


def _never_owed(left: Left) -> list[str]:
    """Calls of the plan that are not in the outbox: the first ones always, the later ones while nobody answered."""
    there = {(one.notice.incident, one.notice.recipient) for one in left.deliveries if one.notice.requires is None}
    wanted: dict[str, tuple[str, ...]] = {one.key: FIRST for one in left.incidents}
    wanted |= {one.key: FIRST + LATER for one in left.incidents if one.phase is Phase.OPEN}
    return [f"{key} to {person}" for key, people in wanted.items() for person in people if (key, person) not in there]


def _forgotten(series: Series, left: Left) -> list[str]:
    kept = {one.ref for one in left.incidents if one.acked_by == "local"}
    keys = {one.ref: one.key for one in left.incidents}
    noted = {entry.subject for entry, _ in left.audit if entry.action == "acknowledge"}
    return [ref for ref in series.acks if ref not in kept or keys[ref] not in noted]


def _after_answer(series: Series, accepted: dict[str, list[Post]]) -> list[str]:
    pages = [post for posts in accepted.values() for post in posts if post.body["kind"] == "outage"]
    return [post.key for post in pages if post.at > series.acks.get(post.body["ref"], post.at) + WIRE]


def _broken_chain(trail: Sequence[tuple[AuditEntry, str]]) -> list[str]:
    last, broken = codec.FIRST_HASH, []
    for entry, hashed in reversed(trail):
        last = codec.chained(last, entry)
        if hashed != last:
            broken.append(f"{entry.at} {entry.action} {entry.subject}")
    return broken


def _waits(owed: Sequence[Delivery]) -> list[float]:
    pages = [one for one in owed if one.notice.requires is None]
    return [(one.sent_at - one.notice.due_at).total_seconds() for one in pages if one.sent_at is not None]
