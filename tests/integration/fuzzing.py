"""`python -m tests.integration.fuzzing KIND CORPUS [options of libFuzzer]`: what feeds and probes read, fuzzed."""

from __future__ import annotations

import contextlib
import importlib
import sys

import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]

with atheris.instrument_imports(include=["monitor.adapters", "aiohttp", "dns", "jmespath", "prometheus_client"]):
    from monitor.config import workbook

    fuzz = importlib.import_module("tests.unit.test_feed_fuzz")
    probes = importlib.import_module("tests.unit.test_probe_fuzz")

KIND = sys.argv.pop(1)


def one(body: bytes) -> None:
    """Whatever the bytes are, the outcome is sound and bounded; an exception ends the run."""
    if KIND == "workbook":  # in the service a process of its own; here the guard in front of it
        with contextlib.suppress(workbook.Refused):
            workbook.guard(body)
        return
    if KIND in probes.FUZZED:
        probes.FUZZED[KIND](body)
        return
    fuzz.check(fuzz.SPECS[KIND], body)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
