"""What must hold after the quiet hour: board, disk and truth agree, and nothing waits (I7 to I10)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from monitor.adapters.store.memory import MemoryStore
from monitor.model.colour import Colour
from monitor.model.incident import Outcome, Phase
from monitor.testing.ledger import Ledger
from monitor.testing.site import COMMUNES, GOAL, NATION, PROBED, PROVINCE, SYSTEM, expected_share_colour

_FINAL = frozenset(outcome.value for outcome in (Outcome.SENT, Outcome.REFUSED, Outcome.SUPPRESSED))


def board_at_the_end(ledger: Ledger) -> Iterator[str]:
    """I7 after the quiet hour: the board shows the truth, all the way up."""
    if not ledger.final:
        yield "I7: there is no board at the end"
        return
    shown = {unit: state.standing.colour for unit, state in ledger.final.items() if state.standing is not None}
    expected = _truth(ledger)
    for unit, colour in expected.items():
        if shown.get(unit) is not colour:
            yield f"I7: at the end {unit} is shown {shown.get(unit)}, in truth it is {colour}"
    for unit in PROBED:
        cause = "system" if unit == SYSTEM else "centre"
        if (cause in ledger.final[unit].incidents) is ledger.script.is_up(unit, ledger.script.seconds):
            yield f"I1: at the end the incident of {unit} does not agree with the truth"
    if any(cause.startswith("silent:") for state in ledger.final.values() for cause in state.incidents):
        yield "I2: at the end a silence is open although the feed speaks"


def _truth(ledger: Ledger) -> dict[str, Colour]:
    script, end = ledger.script, ledger.script.seconds
    system = script.is_up(SYSTEM, end)
    truth = {SYSTEM: Colour.GREEN if system else Colour.RED}
    for commune in COMMUNES:
        fine = Colour.GREEN if script.value(commune, end) >= GOAL else Colour.YELLOW
        truth[commune] = fine if system and script.is_up(commune, end) else Colour.RED
    green = sum(truth[commune] is Colour.GREEN for commune in COMMUNES)
    truth[PROVINCE] = expected_share_colour(green, len(COMMUNES))
    truth[NATION] = expected_share_colour(truth[PROVINCE] is Colour.GREEN, 1)
    return truth


async def disk_at_the_end(ledger: Ledger, disk: MemoryStore) -> list[str]:
    """I8, I9 and I10: what is on disk."""
    await disk.open()
    trail = {(entry.action, entry.subject, entry.actor) for entry, _ in await disk.audit_trail(limit=1_000_000)}
    wrong = [
        f"I10: {asked.who} answered {asked.what}, the audit does not know"
        for asked in ledger.asked
        if asked.told == "yes" and ("acknowledge", asked.what, asked.who) not in trail
    ]
    for incident, (second, generation) in ledger.acked.items():
        stored = await disk.incident(incident)
        if stored is None or (stored.generation == generation and stored.acked_by is None):
            wrong.append(f"I8: {incident} was answered at {second:.0f} and is not")
        if stored is not None and stored.generation == generation and stored.phase is Phase.OPEN:
            wrong.append(f"I8: {incident} was answered at {second:.0f} and is open")
    for pushed in ledger.pushed:
        kept = {reading.as_of.isoformat() for reading in await disk.readings(pushed.what, "queue", limit=10_000)}
        if pushed.told == "yes" and pushed.who not in kept:
            wrong.append(f"I8: the value pushed for {pushed.what} at {pushed.at:.0f} was accepted and is lost")
    owed = ledger.instant(ledger.script.seconds) - timedelta(seconds=60)
    there = {(one.unit, one.cause): one.key for one in await disk.incidents(limit=1_000_000)}
    final = {outcome.value for outcome in (Outcome.SENT, Outcome.REFUSED, Outcome.SUPPRESSED)}
    for delivery in await disk.deliveries(limit=1_000_000):
        ledger.marks[
            f"delivery {delivery.state} {delivery.detail if delivery.state == 'suppressed' else ''}".strip()
        ] += 1
        notice = delivery.notice
        # Good news waits while its trouble is there again.
        back = notice.requires is not None and there.get((notice.unit, notice.cause), "") > notice.incident
        if delivery.state not in final and notice.due_at < owed and not back:
            wrong.append(f"I9: {notice.key} is still {delivery.state}")
    return wrong
