"""A series of kills: a service that opens incidents and sends, killed -9 at random instants, and what became of it.

Everybody is told by Zalo, and by SMS where Zalo cannot reach them: it does not know everybody, both are busy and slow,
and at times a message is taken and never answered. The truth is outside of the service: what the simulated province was
told, what the gateways took, which answers came.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from monitor.registry import load_registry
from monitor.simulate.chance import between, draw
from tests.integration.posts import HttpServer, answer, http_server
from tests.integration.process import Running, Samples, all_gone, descendants, metrics, total, until
from tests.integration.trial import Trial, make_trial

COMMUNES = tuple(place.code for place in load_registry().communes() if place.province == "19")[:24]
PARALLEL = 4  # sends at once of each of the two channels
ON_THE_WIRE = 2 * PARALLEL  # the most that a kill may repeat
FIRST = ("commune-focal-19", "isp-duty-19")  # told at once
PLAN = (
    {"after": "0s", "to": ["commune_focal", "isp_duty"]},
    {"after": "2s", "to": ["commune_centre_head"]},
    {"after": "4s", "to": ["commune_chair", "dost_duty"]},
)
LATER = ("commune-centre-head-19", "commune-chair-19", "dost-duty-19")
FIRST_CHANNEL, NEXT_CHANNEL = "zalo", "sms"
_MOST_IN_A_ROW = 4  # refusals of one message, so that a calm end comes soon
_SLOWEST = 0.25  # seconds the gateways take
_DEADLINE = 10  # seconds in which they have to answer; a crowded machine is slow
_STRANGERS = 0.3  # of the messages are to somebody whom Zalo does not know
_BUSY = 0.4  # of the attempts are answered by 503
_MUTE = 0.04  # of the attempts are taken and not answered
_CHANGE = 0.2  # seconds between two changes in the province
_ACK_SHARE = 0.1  # of the changes are answers to an incident
_EARLY, _LATE = 1.5, 1.0  # seconds after a start, or after the first send of a life, in which the kill comes
_LIFE = 40.0  # seconds after which nobody waits for a first send any more: a crowded machine starts slowly
_TAKEN, _UNKNOWN_TO_ZALO, _BUSY_NOW = 200, 404, 503
CRITERION = "denbao_criterion_colour"
_CALM = 120.0  # seconds in which everything owed has to be out


@dataclass(frozen=True, slots=True)
class Post:
    """One message that arrived at the webhook."""

    at: float  # seconds of the loop's clock
    key: str  # its Idempotency-Key
    accepted: bool
    body: dict[str, Any]
    answered: bool = True  # while the one who sent it still listened


@dataclass
class HalfDeaf:
    """Two gateways on one port. Whom one accepts hears it, whatever becomes of the answer."""

    hook: HttpServer
    seed: int
    posts: list[Post] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    deaf: bool = True

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Decide, remember, take some time, answer."""
        _, headers, body = self.hook.requests[-1]
        key = headers["idempotency-key"]
        self.seen[key] += 1
        turn = self.seen[key]
        status = self._status(key, turn)
        mute = self.deaf and status == _TAKEN and draw(self.seed, "mute", key, turn) < _MUTE
        self.posts.append(Post(asyncio.get_running_loop().time(), key, status == _TAKEN, body, not mute))
        if mute:
            await reader.read()  # until the worker gives up, or its service is killed
            return
        place = len(self.posts) - 1
        await asyncio.sleep(between(0, _SLOWEST, self.seed, "slow", key, turn))
        if reader.at_eof():
            self.posts[place] = replace(self.posts[place], answered=False)
        await answer(status)(reader, writer)

    def _status(self, key: str, turn: int) -> int:
        if key.endswith(f"/{FIRST_CHANNEL}") and draw(self.seed, "stranger", key) < _STRANGERS:
            return _UNKNOWN_TO_ZALO
        busy = self.deaf and turn <= _MOST_IN_A_ROW and draw(self.seed, "deaf", key, turn) < _BUSY
        return _BUSY_NOW if busy else _TAKEN


@dataclass
class Series:
    """All that happened, seen from outside."""

    trial: Trial
    webhook: HalfDeaf
    chance: Random
    kills: list[float] = field(default_factory=list)  # seconds of the loop's clock
    acks: dict[str, float] = field(default_factory=dict)  # reference -> when it was answered with 200
    told: dict[str, str] = field(default_factory=lambda: dict.fromkeys(COMMUNES, "up"))
    children: dict[int, str] = field(default_factory=dict)
    errors: str = ""

    async def unrest(self) -> None:
        """Break, mend and answer for ever; what does not reach a dead service is not counted."""
        while True:
            await asyncio.sleep(_CHANGE)
            if self.chance.random() < _ACK_SHARE:
                await self._acknowledge()
            else:
                code = self.chance.choice(COMMUNES)
                await self.tell(code, "up" if self.told[code] == "down" else "down")

    async def tell(self, code: str, state: str) -> None:
        """Break or mend a centre."""
        await self.trial.put_centre(code, state)
        self.told[code] = state

    async def _acknowledge(self) -> None:
        status, text = await self.trial.board.get("/api/v1/incidents")
        waiting = [one["ref"] for one in json.loads(text)["items"] if one["phase"] == "open"] if status == 200 else []
        if not waiting:
            return
        ref = self.chance.choice(waiting)
        status, _ = await self.trial.board.post(f"/api/v1/incidents/{ref}/ack", self.trial.token)
        if status == 200:
            self.acks.setdefault(ref, asyncio.get_running_loop().time())

    async def life(self, service: Running) -> None:
        """Start, and kill: every third time at any instant, else when something has been sent."""
        await service.start()
        if len(self.kills) % 3 == 2:
            await asyncio.sleep(self.chance.uniform(0.1, _EARLY))
        else:
            before = len(self.webhook.posts)
            with contextlib.suppress(AssertionError):  # nothing was owed in this life
                await until("a first send", self._heard, before, seconds=_LIFE)
            await asyncio.sleep(self.chance.uniform(0.0, _LATE))
        assert service.code is None, service.err
        self.children |= descendants(service.pid)
        self.kills.append(asyncio.get_running_loop().time())
        await service.kill()

    async def _heard(self, before: int) -> bool:
        return len(self.webhook.posts) > before

    async def calm(self, service: Running) -> None:
        """Nobody is deaf any more, all becomes whole, then half breaks; nothing is owed after each. Then stop.

        All becomes whole first because good news waits while its trouble is there again.
        """
        self.webhook.deaf = False
        await service.start()
        await self.trial.judged(service)
        for broken in (0, 2):  # none, or every second one
            for number, code in enumerate(COMMUNES):
                await self.tell(code, "down" if broken and number % broken else "up")
            await until("the province as it was told", self._as_told, seconds=_CALM)
            await until("nothing is owed", self._nothing_owed, seconds=_CALM)
        assert await service.stop() == 0
        await until("no worker of any life is left", all_gone, self.children)
        self.errors = service.err

    async def _as_told(self) -> bool:
        """The service sees what the province was told, has an incident wherever it is broken, and called all plans."""
        page = await metrics(self.trial.board)
        red, green = (_of_colour(page, number) for number in (2, 0))
        incidents = await self.trial.incidents()
        plans = [await self.trial.board.json(f"/api/v1/incidents/{one['ref']}") for one in incidents]
        called = all(plan["acknowledged_at"] or all(step["calls_made"] for step in plan["steps"]) for plan in plans)
        down = {code for code, state in self.told.items() if state == "down"}
        opened = sorted(one["unit"] for one in incidents)
        return called and (red, green, opened) == (down, set(COMMUNES) - down, sorted(down))

    async def _nothing_owed(self) -> bool:
        return total(await metrics(self.trial.board), "denbao_outbox_pending") == 0


def _of_colour(page: Samples, number: int) -> set[str]:
    """Communes whose centre has this colour in /metrics."""
    found = (dict(labels) for (name, labels), value in page.items() if name == CRITERION and value == number)
    return {labels["unit"] for labels in found if labels["criterion"] == "centre_reachable"}


async def kill_series(folder: Path, kills: int, seed: int) -> Series:
    """Kill a service so many times, let it come to rest, and give back what happened. Deterministic but for time."""
    trial = await make_trial(folder, COMMUNES)
    async with half_deaf(seed) as webhook:
        port = webhook.hook.port
        url = f"json://127.0.0.1:{port}/"
        trial.channel(FIRST_CHANNEL, "webhook", url, port, parallel=PARALLEL, timeout=f"{_DEADLINE}s")
        trial.next_channel(NEXT_CHANNEL)
        trial.outage_plan(*PLAN)
        trial.without_feeds()
        async with trial.outliving_province(), trial.stopped_service() as service:
            series = Series(trial, webhook, Random(seed))
            unrest = asyncio.create_task(series.unrest())
            try:
                for _ in range(kills):
                    await series.life(service)
            finally:
                unrest.cancel()
                await asyncio.gather(unrest, return_exceptions=True)
            await series.calm(service)
            return series


@asynccontextmanager
async def half_deaf(seed: int) -> AsyncIterator[HalfDeaf]:
    """The webhook, listening until the block ends."""
    async with http_server() as hook:
        webhook = HalfDeaf(hook, seed)
        hook.play = webhook.play
        yield webhook
