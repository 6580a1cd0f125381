"""Zalo's access token, and the refresh token that can be used once.

The pair stands in one file that only its owner can read. Whoever wants to refresh takes the file's lock, reads it
again, asks Zalo, and writes the new pair to the disk (fsync, rename, fsync of the folder) before anybody uses it: a
process that is killed once the draft is on the disk loses nothing, the next one finishes the writing. The draft's room
on the disk is taken before Zalo is asked, so that a full disk costs no token; a pair that cannot be written all the
same is kept and written as soon as that can be. Only a process that is killed between Zalo's answer and the draft loses
the pair, as Zalo has used up the old one; then Zalo says -14014, and a person has to consent again.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

from monitor.adapters.fetch import Fetcher
from monitor.adapters.fetch_types import Failure, Request
from monitor.config.spec import ZaloApp
from monitor.model.text import clean
from monitor.ports import Clock

EARLY = timedelta(hours=20)  # of the 25 that an access token lasts
LASTS = timedelta(seconds=90_000)
CONSENT = timedelta(days=90)  # about three months: how long an unused refresh token lasts
WARN = timedelta(days=14)
USED_UP = -14014  # the refresh token is not valid or was used before
_ROOM = 8192  # bytes that a pair may need on the disk; both tokens have less than 2 KiB
_PAUSE = 0.05  # seconds between two looks at a lock that somebody holds


class NoToken(Exception):
    """There is no access token, with the reason. `final`: until a person does something."""

    def __init__(self, reason: str, *, final: bool) -> None:
        super().__init__(reason)
        self.final = final


@dataclass(frozen=True, slots=True)
class Pair:
    """What the file holds."""

    access: str
    refresh: str
    issued: str  # ISO 8601: when Zalo gave it
    seed: str  # SHA-256 of the refresh token in the config that it goes back to: another one begins anew
    refused: bool = False  # Zalo said that the refresh token is used up

    @property
    def issued_at(self) -> datetime:
        """Aware UTC."""
        return datetime.fromisoformat(self.issued)


class ZaloTokens:
    """The tokens of one app. `step` is told what was just done (tests kill there)."""

    def __init__(
        self, app: ZaloApp, fetcher: Fetcher, clock: Clock, step: Callable[[str], None] = lambda _done: None
    ) -> None:
        self._app = app
        self._fetcher = fetcher
        self._clock = clock
        self._step = step
        self._here = asyncio.Lock()
        self._unwritten: Pair | None = None  # what Zalo gave and the disk did not take

    async def access(self, stale: str = "") -> str:
        """A token that is good for now; another one than `stale`, which Zalo refused. Raises NoToken."""
        pair = self._read()
        if self._fresh(pair, stale):
            return pair.access
        async with self._here, self._locked():
            self._finish_draft()
            if self._unwritten is not None:
                self._write(self._unwritten)
            pair = self._read()
            if self._fresh(pair, stale):  # somebody else was faster
                return pair.access
            return await self._refreshed(pair, stale)

    def trouble(self) -> str:
        """What the operator has to do; empty: nothing."""
        try:
            pair = self._read()
        except NoToken as none:
            return str(none)
        if pair.refused:
            return _CONSENT_AGAIN
        ends = pair.issued_at + CONSENT
        if pair.access and self._clock.now() >= ends - WARN:
            return f"the refresh token of Zalo ends about {ends:%Y-%m-%d}: consent again before"
        return ""

    def _fresh(self, pair: Pair, stale: str) -> bool:
        return bool(pair.access) and pair.access != stale and self._clock.now() < pair.issued_at + EARLY

    def _usable(self, pair: Pair, stale: str) -> bool:
        return bool(pair.access) and pair.access != stale and self._clock.now() < pair.issued_at + LASTS

    async def _refreshed(self, pair: Pair, stale: str) -> str:
        try:
            if pair.refused:
                raise NoToken(_CONSENT_AGAIN, final=True)
            self._take_room()
            new = await self._ask(pair)
        except NoToken:
            if self._usable(pair, stale):  # early enough: the old one does until there is another
                return pair.access
            raise
        self._write(new)
        self._step("written")
        return new.access

    async def _ask(self, pair: Pair) -> Pair:
        fields = {"refresh_token": pair.refresh, "app_id": self._app.app_id, "grant_type": "refresh_token"}
        self._step("asking")
        request = Request(
            f"{self._app.oauth_url}/v4/oa/access_token",
            "POST",
            (("secret_key", self._app.secret.reveal()), ("Content-Type", "application/x-www-form-urlencoded")),
            urlencode(fields).encode(),
            timeout=8.0,
            max_wire=65536,
            max_decoded=65536,
        )
        answer = await self._fetcher.fetch(request)
        self._step("answered")
        if isinstance(answer, Failure):
            raise NoToken(f"no new access token: {answer.detail}", final=False)
        return self._pair_of(answer.body, pair)

    def _pair_of(self, body: bytes, old: Pair) -> Pair:
        try:
            found = json.loads(body)
            code = int(found.get("error") or 0)
            if code == USED_UP:
                self._write(Pair(old.access, old.refresh, old.issued, old.seed, refused=True))
                raise NoToken(_CONSENT_AGAIN, final=True)
            if code:
                raise NoToken(f"no new access token: Zalo says {code}", final=True)
            access, refresh = str(found["access_token"]), str(found["refresh_token"])
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise NoToken("no new access token: an answer that is not understood", final=False) from None
        return Pair(access, refresh, self._clock.now().isoformat(), old.seed)

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        """The only one of all processes."""
        path = self._app.file.with_name(self._app.file.name + ".lock")
        with self._writing():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not _take(descriptor):
                await self._clock.sleep(_PAUSE)
            yield
        finally:
            os.close(descriptor)

    def _read(self) -> Pair:
        """The pair on disk, unless the config has another refresh token than the one it goes back to."""
        seed = sha256(self._app.seed.reveal().encode()).hexdigest()
        try:
            pair = Pair(**json.loads(self._app.file.read_text("utf-8")))
            _ = pair.issued_at
        except FileNotFoundError:
            pair = None
        except (OSError, ValueError, TypeError) as error:
            raise NoToken(f"{self._app.file.name} cannot be read: {type(error).__name__}", final=True) from None
        if pair is None or pair.seed != seed:
            return Pair("", self._app.seed.reveal(), self._clock.now().isoformat(), seed)
        return pair

    def _finish_draft(self) -> None:
        """A whole draft that a killed process left is the newest pair; half a one is worth nothing."""
        draft = self._draft
        try:
            Pair(**json.loads(draft.read_text("utf-8")))
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError):
            with self._writing():
                draft.unlink(missing_ok=True)
            return
        self._put_in_place()

    @property
    def _draft(self) -> Path:
        return self._app.file.with_name(self._app.file.name + ".new")

    def _take_room(self) -> None:
        """Have the draft's bytes on the disk before there is anything to write. Raises NoToken where that cannot be."""
        with self._writing():
            self._put(b"")

    def _write(self, pair: Pair) -> None:
        """On the disk when this returns. Raises NoToken where that cannot be, and then the pair is kept."""
        self._unwritten = pair
        with self._writing():
            self._put(json.dumps(asdict(pair)).encode())
        self._step("drafted")
        self._put_in_place()
        self._unwritten = None

    def _put_in_place(self) -> None:
        with self._writing():
            self._draft.replace(self._app.file)
            _sync(self._app.file.parent)

    def _put(self, content: bytes) -> None:
        """The draft's content, blank after its end, over what it holds: that needs no new room."""
        descriptor = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.ljust(_ROOM))
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            said = clean(error.strerror or "", 80)
            raise NoToken(f"{self._app.file.name} cannot be written: {said}", final=True) from None

    async def close(self) -> None:
        """Let go of connections."""
        await self._fetcher.close()


_CONSENT_AGAIN = (
    "Zalo refuses the refresh token (-14014): a person must consent again and put the new one into the config"
)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
