"""What the codes of every gateway mean, from codes.csv, and what follows from their class.

`basis` says how far a line can be trusted: `given` was read in public clients and vendors' tables, `to verify` was only
remembered. None was tried against the real service.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from monitor.model.incident import Fault, Outcome, Receipt

# class of a code -> what became of the message, and whose fault it is if it was refused
CLASSES: Mapping[str, tuple[Outcome, Fault]] = {
    "sent": (Outcome.SENT, Fault.RECIPIENT),
    "again": (Outcome.TRY_AGAIN, Fault.RECIPIENT),
    "unknown": (Outcome.UNKNOWN, Fault.RECIPIENT),
    "next": (Outcome.REFUSED, Fault.RECIPIENT),
    "message": (Outcome.REFUSED, Fault.MESSAGE),
    "stop": (Outcome.REFUSED, Fault.CHANNEL),
    "quota": (Outcome.REFUSED, Fault.QUOTA),
    "night": (Outcome.REFUSED, Fault.NIGHT),
    "token": (Outcome.REFUSED, Fault.LOGIN),
}
COME_BACK = frozenset({408, 425, 429})  # statuses whose body is no answer to the message


@cache
def codes() -> Mapping[tuple[str, str], tuple[str, str]]:
    """(gateway, code) -> (class, meaning)."""
    text = files(__package__).joinpath("codes.csv").read_text("utf-8")
    return {(row["gateway"], row["code"]): (row["class"], row["meaning"]) for row in csv.DictReader(text.splitlines())}


def receipt_of(gateway: str, code: str, message_id: str = "") -> Receipt:
    """The receipt for a gateway's own code. One that is not in the table is tried again: it said no, and not why."""
    kind, meaning = codes().get((gateway, code), ("again", "not in the table of codes"))
    outcome, fault = CLASSES[kind]
    return Receipt(outcome, f"{gateway} {code[:40]}: {meaning}", id=message_id[:100], fault=fault)


def receipt_of_status(gateway: str, status: int, retry_after: float | None) -> Receipt:
    """The receipt for an HTTP status whose body says nothing that is understood.

    A 5xx may come from a proxy in front of a gateway that took the message: nobody knows.
    """
    detail = f"{gateway} HTTP {status}"
    known = codes().get((gateway, f"HTTP {status}"))
    if known is not None:
        outcome, fault = CLASSES[known[0]]
        return Receipt(outcome, f"{detail}: {known[1]}", retry_after, fault=fault)
    if status in COME_BACK:
        return Receipt(Outcome.TRY_AGAIN, detail, retry_after)
    if status >= 500:
        return Receipt(Outcome.UNKNOWN, detail, retry_after)
    if 200 <= status < 300:
        return Receipt(Outcome.UNKNOWN, f"{detail}: an answer that is not understood")
    fault = Fault.MESSAGE if status in (400, 413, 422) else Fault.CHANNEL
    return Receipt(Outcome.REFUSED, detail, fault=fault)
