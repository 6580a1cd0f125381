"""How the process gets its memory."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys

import pytest

from monitor.service.garbage import one_heap

_THREADS = """
import ctypes, sys, threading
from monitor.service.garbage import one_heap

if sys.argv[1] == "one":
    assert one_heap()
take = ctypes.CDLL(None).malloc
all_have, may_end = threading.Barrier(5), threading.Event()

def work():
    for _ in range(100):
        take(1000)
    all_have.wait()
    may_end.wait()

for _ in range(4):
    threading.Thread(target=work).start()
all_have.wait()
starts = (line.split("-")[0] for line in open("/proc/self/maps") if " rw-p " in line)
print(sum(int(start, 16) % (64 << 20) == 0 for start in starts))
may_end.set()
"""


def _heaps(how: str) -> int:
    """How many heaps besides the first a process with four threads has: each begins at a multiple of 64 MiB."""
    said = subprocess.run([sys.executable, "-c", _THREADS, how], check=True, capture_output=True, text=True)
    return int(said.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only the GNU C library gives threads heaps")
def test_threads_have_no_heaps_of_their_own() -> None:
    assert _heaps("many") >= 3
    assert _heaps("one") == 0


def test_where_the_c_library_has_no_such_setting_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    assert not one_heap()


def test_where_there_is_no_c_library_to_ask_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_name: object) -> object:
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", none)
    assert not one_heap()
