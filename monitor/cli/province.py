"""The bundled province as a child process of a running site."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from monitor.config.spec import SimulationSpec

GRACE = 5.0  # seconds a simulated province may take to end


@contextlib.asynccontextmanager
async def simulated_province(spec: SimulationSpec | None, root: Path) -> AsyncIterator[None]:
    """The bundled province in a process of its own; it ends with us, even when we are killed: its input closes."""
    if spec is None:
        yield
        return
    command = (
        *(sys.executable, "-m", "monitor", "simulate", "--site", str(root), "--port", str(spec.listen[1])),
        *("--tcp-port", str(spec.tcp_port), "--seed", str(spec.seed), "--province", spec.province),
        *("--world", spec.world, "--until-input-ends"),
    )
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    try:
        if process.stdout is None or not await process.stdout.readline():
            raise OSError("the simulated province did not start; its ports may be taken")
        yield
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), GRACE)
    except TimeoutError:
        process.kill()
        await process.wait()
