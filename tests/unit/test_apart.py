"""A thread for what may hang."""

from __future__ import annotations

import threading

import pytest

from monitor.adapters.apart import Apart


async def test_a_thread_that_could_not_be_started_is_none_that_hangs(monkeypatch):
    def none_left(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    apart: Apart[int] = Apart()
    with monkeypatch.context() as crowded:
        crowded.setattr(threading.Thread, "start", none_left)
        with pytest.raises(RuntimeError):
            await apart(lambda: 1, 5.0)
    assert await apart(lambda: 1, 5.0) == 1
