"""Clock and chance enter through one file; ruff's list of banned names holds that, and these tests prove it bites."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOME = ("monitor/adapters/clock.py", "monitor/testing/")
# Tokens must not be guessable, so these may use `secrets`; nothing else is excused to them.
TOKEN_MAKERS = ("monitor/adapters/keyfile.py", "monitor/service/claims.py", "monitor/web/access.py")


def banned_names_in(*arguments: str, source: str | None = None) -> list[tuple[str, str]]:
    """Run ruff's banned-name rule; gives (file, message) for each use of a banned name."""
    command = [
        str(Path(sys.executable).with_name("ruff")),
        "check",
        "--no-cache",
        "--select=TID251",
        "--output-format=json",
    ]
    run = subprocess.run(
        [*command, *arguments], check=False, cwd=ROOT, input=source, capture_output=True, text=True, timeout=60
    )
    assert run.returncode in (0, 1), run.stderr
    return [(str(Path(found["filename"]).relative_to(ROOT)), found["message"]) for found in json.loads(run.stdout)]


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import UTC, datetime\nprint(datetime.now(UTC))\n",
        "import datetime\nprint(datetime.datetime.utcnow())\n",
        "from datetime import date\nprint(date.today())\n",
        "import time\nprint(time.time())\n",
        "import time as t\nprint(t.monotonic())\n",
        "from time import perf_counter\nprint(perf_counter())\n",
        "import time\ntime.sleep(1)\n",
        "import time\nnow = time.time\n",
        "import asyncio\nasync def nap():\n    await asyncio.sleep(1)\n",
        "import random\nprint(random.random())\n",
        "from random import choice\nprint(choice('ab'))\n",
        "import uuid\nprint(uuid.uuid4())\n",
        "import secrets\nprint(secrets.token_hex())\n",
        "import os\nprint(os.urandom(8))\n",
    ],
)
def test_a_planted_clock_or_die_is_noticed(source):
    assert banned_names_in("--stdin-filename=monitor/service/planted.py", "-", source=source)


def test_the_clock_may_read_the_clock():
    assert banned_names_in("--stdin-filename=monitor/adapters/clock.py", "-", source="import time\ntime.time()\n") == []


def test_no_exception_reaches_further_than_its_reason():
    for file, message in banned_names_in("--config=lint.per-file-ignores={}", "--ignore-noqa", "monitor", "exporters"):
        assert file.startswith(HOME) or (file in TOKEN_MAKERS and "`secrets" in message), (file, message)
