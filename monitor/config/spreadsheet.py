"""The cells of an XLSX file, read by a process that may be lost: feeds and the files of a site come this way."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from itertools import islice
from json import dumps, loads
from pathlib import Path
from typing import Any

from monitor.config import workbook

PATIENCE = 30.0  # seconds for the reading process, which has workbook.SECONDS of processor time
_PROGRAM = (sys.executable, "-I", "-B", str(Path(workbook.__file__)))


def unpacked(body: bytes, sheets: Sequence[str] = ()) -> dict[str, Any]:
    """What `workbook.read` gives of the wanted sheets; without any, of the only visible one.

    Raises ValueError with a sentence.
    """
    try:
        ran = subprocess.run(  # noqa: S603 our own program, nothing of the file is an argument
            _PROGRAM, input=dumps(list(sheets)).encode() + b"\n" + body, capture_output=True, timeout=PATIENCE,
            check=False, env={"MALLOC_ARENA_MAX": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ValueError(f"not usable XLSX: reading it takes longer than {PATIENCE:g} s") from None
    except OSError as error:
        raise ValueError(f"the reading process cannot be started: {type(error).__name__}") from None
    if ran.returncode != 0:
        raise ValueError("not usable XLSX: it breaks the reader, or takes too much memory or time")
    first, *rows = ran.stdout.split(b"\n")
    document: dict[str, Any] = loads(first)
    if "refused" in document:
        raise ValueError(f"not usable XLSX: {document['refused']}")
    left = iter(rows)
    for sheet in document["sheets"]:
        sheet["rows"] = [loads(row) for row in islice(left, sheet["rows"])]
    return document
