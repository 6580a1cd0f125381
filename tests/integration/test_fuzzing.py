"""What feeds and probes read, under a fuzzer that follows their branches, for a bounded time; what it finds is kept."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit import fuzz_corpus, test_feed_fuzz, test_probe_fuzz

pytestmark = [pytest.mark.integration, pytest.mark.nightly]
ROOT = Path(__file__).parents[2]
SECONDS = int(os.environ.get("FUZZ_SECONDS", "120"))
MEMORY = 1024  # MiB, of which Python with the parsers takes about 150
SEEDS = {**test_feed_fuzz.GOOD, "workbook": test_feed_fuzz.BOOK, **test_probe_fuzz.SEEDS}


@pytest.mark.parametrize("kind", list(SEEDS))
async def test_no_exception_escapes_a_parser_and_nothing_grows_without_bound(kind):
    """A crash leaves its input beside the corpus, in .fuzz; tests/unit/fuzz_corpus.py adds it to what is kept."""
    pytest.importorskip("atheris", reason="atheris has no wheel for this Python")
    corpus = ROOT / ".fuzz" / kind
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate((SEEDS[kind], *fuzz_corpus.inputs(kind))):
        (corpus / f"seed-{number}").write_bytes(seed)
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.integration.fuzzing", kind, str(corpus), f"-max_total_time={SECONDS}",
         f"-rss_limit_mb={MEMORY}", "-timeout=10", "-max_len=4096", f"-artifact_prefix={ROOT / '.fuzz' / kind}-"],
        capture_output=True, text=True, cwd=ROOT, timeout=SECONDS + 120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert "Done " in ran.stderr
