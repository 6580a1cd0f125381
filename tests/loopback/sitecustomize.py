"""Nothing in the suite dials anything but this machine, so no real gateway can ever hear of a test.

`tests/conftest.py` loads this into the process of the tests. Every Python that a test starts loads it by its name, for
the folder goes into its PYTHONPATH, also where an environment of its own is made for it. What is dialled or looked up
elsewhere is refused there and then, and left as a symbolic link (a worker may write no file) that says what it was;
for that the test fails in which it happened.

Seen is what goes through Python's sockets, which is all that dials here: asyncio, uvloop for sockets that it is given,
aiohttp, requests, smtplib, dnspython. Other programs (a browser, Prometheus) are told by their tests whom to ask.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import ipaddress
import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

FOLDER = str(Path(__file__).resolve().parent)
TOLD = "LOOPBACK_ONLY_TOLD"  # in the environment: the folder of what was refused
_DIALS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})
# Names that belong to nobody (RFC 2606, RFC 6761), so looking them up reaches nobody's server of names.
_numbers = itertools.count()
_NOBODYS = (".localhost", ".invalid", ".test", ".example", "example.com", "example.net", "example.org")


def install() -> None:
    """Watch this process, and those that it starts; once for each process."""
    if TOLD in os.environ and getattr(sys, "loopback_only", False):
        return
    if TOLD not in os.environ:
        atexit.register(shutil.rmtree, apart(), ignore_errors=True)
    os.environ["PYTHONPATH"] = _with_folder(os.environ.get("PYTHONPATH", ""))
    sys.loopback_only = True  # type: ignore[attr-defined]
    sys.addaudithook(_watch)
    start = subprocess.Popen.__init__

    def inherit(self: Any, *args: Any, **kwargs: Any) -> None:
        given = kwargs.get("env")
        if given is not None:
            path = _with_folder(given.get("PYTHONPATH", ""))
            kwargs["env"] = {**given, "PYTHONPATH": path, TOLD: os.environ[TOLD]}
        start(self, *args, **kwargs)

    subprocess.Popen.__init__ = inherit  # type: ignore[method-assign]


def apart() -> str:
    """A folder of its own for what this process, and those that it starts from now on, are refused.

    Of several that share the tests of one run: each answers for its own. The caller removes it.
    """
    os.environ[TOLD] = tempfile.mkdtemp(prefix="dialled-")
    return os.environ[TOLD]


def _with_folder(path: str) -> str:
    parts = [part for part in path.split(os.pathsep) if part and part != FOLDER]
    return os.pathsep.join([FOLDER, *parts])


def refused() -> list[str]:
    """What was dialled elsewhere since this was asked last, by any process."""
    found = sorted(Path(os.environ[TOLD]).iterdir())
    told = [str(one.readlink()) for one in found]
    for one in found:
        one.unlink()
    return told


def _watch(event: str, args: tuple[Any, ...]) -> None:
    if event in _DIALS:
        address = args[1]
        if isinstance(address, tuple) and len(address) > 1 and isinstance(address[0], str) and not _ours(address[0]):
            _refuse(f"{event} {address[0]}:{address[1]}")
    elif event in _LOOKUPS and isinstance(args[0], str | bytes) and _asks_a_server(_text(args[0])):
        _refuse(f"{event} {_text(args[0])}")


def _text(host: str | bytes) -> str:
    return host.decode(errors="replace") if isinstance(host, bytes) else host


def _asks_a_server(host: str) -> bool:
    """A number is its own answer; what dials it is refused when it does."""
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(host.partition("%")[0])
        return False
    return not _ours(host)


def _ours(host: str) -> bool:
    name = host.rstrip(".").lower()
    if name in ("", "localhost", socket.gethostname().lower()) or name.endswith(_NOBODYS):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return _is_spelt_oddly(name)
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback or address.is_unspecified


def _is_spelt_oddly(name: str) -> bool:
    """127.1, 2130706433 and 0x7f000001 are this machine, too."""
    try:
        return socket.inet_aton(name)[0] == 127
    except OSError:
        return False


def _refuse(what: str) -> None:
    name = f"{os.getpid()}-{next(_numbers)}"
    os.symlink(f"{what} by {' '.join(sys.argv)[:200]!r}", os.path.join(os.environ[TOLD], name))
    raise OSError(errno.ENETUNREACH, f"a test dials nothing but this machine: {what}")


if TOLD in os.environ:  # a Python that a test started
    install()
