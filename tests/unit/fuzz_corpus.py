"""The kept corpus of the fuzzer: inputs that led parsers along branches of their own, one a line in base64.

`python -m tests.unit.fuzz_corpus KIND PLACE` adds what a fuzzer left in a folder (.fuzz/KIND), the shortest first
as long as there is room, or one file, such as a crash.
"""

from __future__ import annotations

import sys
from base64 import b64decode, b64encode
from pathlib import Path

KEPT = Path(__file__).parent.parent / "data" / "fuzz"
ROOM = 24 * 1024  # bytes of inputs of one kind


def inputs(kind: str) -> list[bytes]:
    """What is kept of a kind, in its order; nothing of one that was never fuzzed."""
    place = KEPT / f"{kind}.txt"
    return [b64decode(line) for line in place.read_text("ascii").splitlines()] if place.exists() else []


def keep(kind: str, found: list[bytes]) -> int:
    """Add inputs; how many are kept now."""
    kept = inputs(kind)
    for one in sorted(set(found) - set(kept), key=lambda one: (len(one), one)):
        if sum(map(len, kept)) + len(one) <= ROOM:
            kept.append(one)
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{kind}.txt").write_text("".join(f"{b64encode(one).decode()}\n" for one in kept), "ascii")
    return len(kept)


if __name__ == "__main__":
    named = Path(sys.argv[2])
    found = [one.read_bytes() for one in (named.iterdir() if named.is_dir() else [named])]
    sys.stdout.write(f"{keep(sys.argv[1], found)} inputs are kept\n")
