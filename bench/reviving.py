"""From the start of a service that was killed -9 with messages owed to the first message that it hands over."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from time import perf_counter

from bench.measure import Figure
from tests.integration.posts import HttpServer, answer, http_server
from tests.integration.process import Running, until
from tests.integration.trial import COMMUNES, Trial, make_trial

TIMES = 5
Life = tuple[float, float, float]  # to the first message on the wall and in processor time, to all judged; seconds
_STUCK = 30.0  # seconds for which the gateway does not answer: longer than it lives


def run() -> list[Figure]:
    """Seconds on the wall; the promise is 10. The reference is the same start until all was asked and judged once."""
    with tempfile.TemporaryDirectory() as folder:
        lives = asyncio.run(_series(Path(folder)))
    sent, cpu, ready = (sorted(column) for column in zip(*lives, strict=True))
    against = ready[TIMES // 2], "until all was asked and judged"
    return [
        Figure(f"start after kill -9 to the first message, median of {TIMES}", sent[TIMES // 2], "s", *against),
        Figure("  longest", sent[-1], "s"),
        Figure("  processor of the service until then, median", cpu[TIMES // 2], "CPU s"),
    ]


async def _series(folder: Path) -> list[Life]:
    lives: list[Life] = []
    for number in range(TIMES):
        trial = await make_trial(folder / str(number))
        async with http_server() as hook, trial.outliving_province():
            lives.append(await _revived(trial, hook))
    return lives


async def _revived(trial: Trial, hook: HttpServer) -> Life:
    trial.channel("webhook", "webhook", f"json://127.0.0.1:{hook.port}/", hook.port)
    trial.outage_plan({"after": "0s", "to": ["commune_focal"]})
    trial.write()
    hook.play = _mute
    async with trial.serving() as service:
        for code in COMMUNES:
            await trial.put_centre(code, "down")
        await until("a message is on the wire", _heard, hook, 1)
        await service.kill()
        before, hook.play = len(hook.requests), answer(200)
        return await _restarted(trial, hook, service, before)


async def _restarted(trial: Trial, hook: HttpServer, service: Running, before: int) -> Life:
    begun = perf_counter()
    await service.start()
    judged = asyncio.ensure_future(trial.judged(service))
    await until("a message is sent", _heard, hook, before + 1)
    first, cpu = perf_counter() - begun, _processor(service.pid)
    await judged
    return first, cpu, perf_counter() - begun


def _processor(pid: int) -> float:
    """Seconds of processor that a process has used so far, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _heard(hook: HttpServer, number: int) -> bool:
    return len(hook.requests) >= number


async def _mute(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(_STUCK)
