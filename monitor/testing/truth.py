"""The truth of a run as questions: what the sources surely said, and which telephones rang for it."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.testing.doubles import Ring
from monitor.testing.ledger import Answer, Ledger
from monitor.testing.site import BAD_IN_A_ROW, FEED, GOOD_IN_A_ROW, MAX_AGE, focal_of

LOST = 5.0  # seconds before a death in which an answer may not have been committed
FIRST_WAY = {"focal": "sms", "head": "mail", "chair": "sms"}


def kept(ledger: Ledger, source: str) -> Iterator[tuple[Answer, bool]]:
    """Answers of a source that could tell, each with whether it surely reached the disk."""
    for answer in ledger.answers[source]:
        died = ledger.died.get(answer.life)
        if answer.good is not None:
            yield answer, died is None or died - answer.second > LOST


def bad_runs(ledger: Ledger, unit: str) -> Iterator[tuple[float, float, float]]:
    """(last certain health, second bad answer in a row, next good answer) of each run of bad answers."""
    healthy, good, bad, second, last = 0.0, 0, 0, 0.0, 0.0
    for answer, sure in kept(ledger, f"probe/{unit}"):
        if answer.second - last > MAX_AGE:  # a silence begins every count anew that has not come to its end
            good, bad = (good if good >= GOOD_IN_A_ROW else 0), (bad if bad >= BAD_IN_A_ROW else 0)
        last = answer.second
        if answer.good:
            if bad >= BAD_IN_A_ROW:
                yield healthy, second, answer.second
            good, bad = (good + 1 if sure else 0), 0
            healthy = answer.second if good >= GOOD_IN_A_ROW else healthy
        elif sure:
            good, bad = 0, bad + 1
            second = answer.second if bad == BAD_IN_A_ROW else second
    if bad >= BAD_IN_A_ROW:
        yield healthy, second, ledger.script.seconds


def first_answer(ledger: Ledger, unit: str, since: float, end: float) -> float:
    """When somebody first tried to answer for an outage of this unit; it may have been heard although refused."""
    tries = (a.at for a in ledger.asked if a.what.startswith(f"{unit}/") and a.told != "no" and since < a.at < end)
    return min(tries, default=end)


def pages(ledger: Ledger, unit: str, kind: str, role: str = "") -> Iterator[Ring]:
    """Rings of one kind about one unit, to the holder of a role by its first way."""
    who = focal_of(unit) if role == "focal" else role
    for ring in ledger.rings:
        notice = ring.notice
        if (
            notice.unit == unit
            and notice.kind == kind
            and (not role or (notice.recipient, notice.channel) == (who, FIRST_WAY[role]))
        ):
            yield ring


def was_bad(ledger: Ledger, unit: str, at: float) -> bool:
    """Whether the unit ever gave enough bad answers in a row until that second, if good ones that may be lost are."""
    bad = 0
    for answer, sure in kept(ledger, f"probe/{unit}"):
        if answer.second > at:
            break
        bad = bad + 1 if not answer.good else 0 if sure else bad
        if bad >= BAD_IN_A_ROW:
            return True
    return False


def fine_since(ledger: Ledger, unit: str, at: float) -> float | None:
    """The third good answer of the run in which the unit is at that second; None when it is in none."""
    good, since, last = 0, None, 0.0
    for answer, sure in kept(ledger, f"probe/{unit}"):
        if answer.second > at:
            break
        if answer.second - last > MAX_AGE and since is None:
            good = 0
        last = answer.second
        good = good + 1 if answer.good and sure else good if answer.good else 0
        since = None if good < GOOD_IN_A_ROW else since or answer.second
    return since


def opened(ledger: Ledger, ring: Ring) -> float:
    """When the incident of this ring was opened, as its key on the wire says."""
    stamp = ring.notice.incident.rsplit("/", 1)[1]
    return ledger.at(ledger.start.fromisoformat(stamp))


def mute_runs(ledger: Ledger) -> Iterator[tuple[float, float]]:
    """(last good or first bad answer, next good one) of the feed, where it failed in between."""
    spoke: float | None = None
    failing = False
    for answer, sure in kept(ledger, FEED):
        if answer.good:
            if failing and spoke is not None:
                yield spoke, answer.second
            spoke, failing = answer.second, False
        elif sure:
            spoke, failing = answer.second if spoke is None else spoke, True
