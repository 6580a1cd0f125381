"""Asks every query of every board: a real Prometheus scrapes the real service while the story of August 2025 is played.

`grafana.page` makes docs/boards.md of the answers. What the story lacks is scripted beside it: the default site's
probes, of which one fails, a feed with a refused row, a price and a budget of the channels, and a push of the metrics
whose line is cut on the last day.

Prometheus stores the story under the story's own time: each line of a page carries the moment it was made
(prometheus.io/docs/instrumenting/exposition_formats), so that "days left" and "since yesterday" are what they were.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from zlib import crc32

import aiohttp

from grafana.boards import MAKERS, rendered
from monitor.adapters.clock import SystemClock
from monitor.adapters.pushing.buffer import Buffer
from monitor.alerting.limits import Limits
from monitor.api import Collected, Exporter, ExporterContext, Page, Reading, Snapshot, UnitState
from monitor.config.build import load_site
from monitor.config.probespec import ProbeSpec
from monitor.config.rulebooks import load_rules
from monitor.config.spec import Column, FeedSpec, PushSpec, Site
from monitor.engine.book import Ruleset
from monitor.model.errors import ConfigError
from monitor.model.reading import Check, Rejected
from monitor.ports import Clock
from monitor.service.app import Service
from monitor.service.exporters import load_exporters
from monitor.service.forwarding import Forwarder
from monitor.story.figures import PROVINCE, START, ZONE
from monitor.story.play import Act, Play
from monitor.story.setting import BOOK, story_site
from monitor.testing.doubles import ScriptedSource
from monitor.web.access import Tokens
from monitor.web.app import create_app, serve

ROOT = Path(__file__).parents[1]
STEP = timedelta(hours=12)
REPORTED = datetime(2025, 8, 6, 20, 0, tzinfo=ZONE).astimezone(UTC)  # after the report whose counts are known
MOMENT = datetime(2025, 8, 14, 20, 0, tzinfo=ZONE).astimezone(UTC)  # when the boards are looked at
CUT = MOMENT - timedelta(days=1)  # from then on nothing that is pushed arrives
INDEX = "d766"  # points beside the story's colours
BUDGET = Limits(per_day=2000, reserve=400, zone=ZONE)  # of each channel
DOWN, EXPIRES = "02143", datetime(2025, 9, 30, tzinfo=UTC)
_AGAIN = 0.03  # seconds between two questions whether it has come
_SCRAPE = "200ms"
_PATIENCE = 60.0  # seconds until a scrape must have come
# What a reader has chosen, and what Grafana fills in, at MOMENT.
CHOSEN: Mapping[str, str] = {
    "$job": ".+",
    "$instance": ".+",
    "$channel": ".+",
    "$index": "d766",
    "$__range": "9d",
    "$__rate_interval": "2d",
    "$__interval": "12h",
}
SINGLE = {"commune": {"$unit": "02191", "$criterion": ".+"}, "systems": {"$unit": ".+"}}
_DEFAULTS = {"$unit": "02191", "$criterion": "commune_online_submission_rate", "$province": PROVINCE}
# How long something took on the machine that asked: no two runs agree.
_MEASURED = ("sweep_lateness", "event_loop_lag", "decision_seconds", "scrape_duration", "push_waiting_bytes")
_OF_PROMETHEUS = ("up{", "scrape_")  # told by Prometheus itself, which does not know the story's time


@dataclass(frozen=True, slots=True)
class Question:
    """One query of one panel."""

    board: str
    title: str  # of the board, Vietnamese and English
    panel: str  # its title, Vietnamese and English
    kind: str
    legend: str
    expr: str  # with Grafana's variables

    @property
    def asked(self) -> str:
        """As Grafana sends it once the reader has chosen."""
        return filled(self.expr, self.board)

    @property
    def measured(self) -> bool:
        """Whether the value depends on the machine."""
        return any(word in self.expr for word in _MEASURED)


@dataclass(frozen=True, slots=True)
class Answer:
    """One series of an answer: labels and value."""

    labels: Mapping[str, str]
    value: float


def questions() -> Iterator[Question]:
    """Every query of the boards, by its Vietnamese legend; the English boards ask the same, which a test holds."""
    made = {name: json.loads(text) for name, text in rendered().items()}
    for board in MAKERS:
        ours, theirs = made[f"{board}.vi.json"], made[f"{board}.en.json"]
        for panel, twin in zip(ours["panels"], theirs["panels"], strict=True):
            for target in panel.get("targets", ()):
                heads = (_both(ours, theirs), _both(panel, twin))
                yield Question(board, *heads, panel["type"], target["legendFormat"], target["expr"])


def _both(vietnamese: Mapping[str, str], english: Mapping[str, str]) -> str:
    return f"{vietnamese['title']} / {english['title']}"


def filled(expr: str, board: str) -> str:
    """A query as Grafana sends it once the variables have their values."""
    for name, value in {**_DEFAULTS, **CHOSEN, **SINGLE.get(board, {})}.items():
        expr = re.sub(re.escape(name) + r"(?![a-z_])", value, expr)
    return expr


class Asked:
    """A Prometheus that has scraped the story."""

    def __init__(self, base: str, http: aiohttp.ClientSession) -> None:
        self._base = base
        self._http = http

    async def ask(self, expr: str, at: datetime | None) -> list[Answer]:
        """The answer at an instant (now where none is given), the greatest first. Raises ValueError when refused."""
        when = {} if at is None else {"time": str(at.timestamp())}
        async with self._http.get(f"{self._base}/api/v1/query", params={"query": expr, **when}) as answer:
            found = await answer.json(content_type=None)
        if found["status"] != "success":
            raise ValueError(f"{expr}: {found.get('error')}")
        result = found["data"]["result"]
        if found["data"]["resultType"] == "scalar":
            return [Answer({}, float(result[1]))]
        made = [Answer(series["metric"], float(series["value"][1])) for series in result]
        return sorted(made, key=lambda one: (-one.value, sorted(one.labels.items())))

    async def answer(self, question: Question) -> list[Answer]:
        """What a panel shows at MOMENT."""
        if not any(word in question.expr for word in _OF_PROMETHEUS):
            return await self.ask(question.asked, MOMENT)
        async with asyncio.timeout(_PATIENCE):  # on a busy machine one scrape or another is too late
            while not all(answer.value for answer in await self.ask("up", None)):
                await SystemClock().sleep(_AGAIN)
        return await self.ask(question.asked, None)


@asynccontextmanager
async def story_in_prometheus() -> AsyncIterator[Asked]:
    """Play the story until it is over, with Prometheus scraping, and let it be asked. Raises TimeoutError."""
    with tempfile.TemporaryDirectory(prefix="denbao-boards-") as folder:
        watch = Watch()
        play = Play(site(), lambda _event: None, beside=beside(), export=watch.export, looks=watch.looks())
        watch.clock = play.clock
        watch.pushes_to(play.service, Path(folder) / "push")
        runner = await serve(create_app(play.service, Tokens(())), "127.0.0.1", 0)
        try:
            async with _prometheus(Path(folder), runner.addresses[0][1]) as asked:
                watch.asked = asked
                await play.run(MOMENT)
                yield asked
        finally:
            await runner.cleanup()
            await play.stop()


class Watch:
    """Lets the story wait at each look until Prometheus has what is shown then."""

    asked: Asked
    clock: Clock
    _at: datetime | None = None  # the moment that is looked at; between two looks there is nothing to scrape
    _exporter: Exporter
    _forwarder: Forwarder

    def export(self, context: ExporterContext) -> Mapping[str, Exporter]:
        """The site's own exporter, stamped with the story's time."""
        self._exporter = load_exporters(ROOT / "exporters", ["prometheus"], context)["prometheus"]
        return {"prometheus": Stamped(self._exporter, self._moment)}

    def pushes_to(self, service: Service, folder: Path) -> None:
        """Let the service push its page at each look."""
        spec, page = PushSpec("http://tsdb.example", "text", STEP.total_seconds(), 10**9), self._exporter.page
        self._forwarder = Forwarder(spec, Buffer(folder, spec.buffer), lambda: page("", ""), self._taken, self.clock)
        service.metrics.registry.register(self._forwarder)

    async def _taken(self, _body: bytes, _headers: object) -> tuple[int, str]:
        return (0, "the line is cut") if self.clock.now() > CUT else (200, "")

    def looks(self) -> list[Act]:
        """Morning and evening until MOMENT."""
        first = START + timedelta(hours=1)
        return [(first + number * STEP, self._look) for number in range((MOMENT - first) // STEP + 1)]

    def _moment(self) -> datetime | None:
        return self._at

    async def _look(self) -> None:
        await self._forwarder.once()  # first: a scrape meanwhile would keep this moment's counts as they were before
        self._at, patience = self.clock.now(), SystemClock()
        async with asyncio.timeout(_PATIENCE):
            while not await self._has(self._at):
                await patience.sleep(_AGAIN)
        self._at = None

    async def _has(self, at: datetime) -> bool:
        with contextlib.suppress(aiohttp.ClientError, ValueError):  # it is starting
            return bool(await self.asked.ask(f"timestamp(denbao_build_info) == {at.timestamp()}", at))
        return False


class Stamped:
    """An exporter whose samples carry the moment that is looked at; its page is empty while none is."""

    def __init__(self, exporter: Exporter, moment: Callable[[], datetime | None]) -> None:
        self.path = exporter.path
        self._exporter = exporter
        self._moment = moment

    def start(self, snapshot: Snapshot) -> None:
        """As it is."""
        self._exporter.start(snapshot)

    def changed(self, states: Sequence[UnitState]) -> None:
        """As it is."""
        self._exporter.changed(states)

    def polled(self, collected: Collected) -> None:
        """As it is."""
        self._exporter.polled(collected)

    async def page(self, accept: str, accept_encoding: str) -> Page:
        """The text page, unpacked, with milliseconds behind each sample."""
        at = self._moment()
        plain = await self._exporter.page("", "")
        if at is None:
            return Page(b"", plain.content_type)
        stamp = f" {round(at.timestamp() * 1000)}\n".encode()
        lines = plain.body.splitlines(keepends=True)
        body = b"".join(line if line.startswith(b"#") else line.rstrip(b"\n") + stamp for line in lines)
        return Page(body, plain.content_type)


def site() -> Site:
    """The story's site with what is scripted beside it."""
    told = story_site(ROOT, {})
    ruleset, problems = load_rules(ROOT, [BOOK, INDEX])
    if ruleset is None:
        raise ConfigError(tuple(map(str, problems)))
    rates = tuple(Column(name, name) for name in _rates(ruleset))
    graded = FeedSpec("portal", "json", PROVINCE, "", STEP.total_seconds(), 20.0, rates, 5e5)
    extra = FeedSpec("lines", "csv", "line-19", "", 3600.0, 20.0, (Column("network_loss_rate", "loss"),), 5e5)
    channels = {name: replace(one, price=500.0, limits=BUDGET) for name, one in told.channels.items()}
    feeds = (*told.feeds, extra, graded)
    return replace(told, ruleset=ruleset, probes=_probes(), feeds=feeds, channels=channels)


def _rates(ruleset: Ruleset) -> tuple[str, ...]:
    """What earns points and is no part of the story: it colours nothing. One group of the index stays unknown."""
    story, index = ruleset.books
    judged = {criterion.indicator for criterion in story.criteria}
    return tuple(one.indicator for one in index.criteria if one.indicator and one.indicator not in judged)


def beside() -> list[ScriptedSource]:
    """Probes that find all well but one centre, and a feed that has one good row and one that is refused."""

    def rows(now: datetime) -> Collected:
        refused = Rejected("lines", "row 2", "unknown-unit", "no unit has the code 99999")
        return Collected("lines", now, (Reading("02143", "network_loss_rate", 0.4, now, now, "lines"),), (refused,))

    def graded(now: datetime) -> Collected:
        readings = (
            Reading(code, rate, _drawn(f"{code}/{rate}", now), now, now, "portal") for code in codes for rate in rates
        )
        return Collected("portal", now, tuple(readings))

    made = site()
    codes, rates = (PROVINCE, *made.units.children(PROVINCE)), _rates(made.ruleset)
    return [
        ScriptedSource("lines", "line-19", rows, 3600.0),
        ScriptedSource("portal", PROVINCE, graded, STEP.total_seconds()),
        *(_answering(probe) for probe in _probes()),
    ]


def _drawn(text: str, now: datetime) -> float:
    """Per cent: the same for the same text, and another one on another day."""
    first, second = blake2b(f"{text}/{now.astimezone(ZONE):%Y-%m-%d}".encode(), digest_size=2).digest()
    return round(60 + 35 * crc32(text.encode()) / 2**32 + 5 * (first * 256 + second) / 2**16, 1)


def _probes() -> tuple[ProbeSpec, ...]:
    return load_site(ROOT, environ={}, now=START).probes


def _answering(probe: ProbeSpec) -> ScriptedSource:
    def answer(now: datetime) -> Collected:
        reading = Reading(probe.unit, probe.gives, probe.unit != DOWN, now, now, probe.id)
        check = Check({"connect": 0.02, "first_byte": 0.1}, certificate_expires=EXPIRES)
        return Collected(probe.id, now, (reading,), duration=0.125, check=check)

    return ScriptedSource(probe.id, probe.unit, answer, probe.period)


@asynccontextmanager
async def _prometheus(folder: Path, target: int) -> AsyncIterator[Asked]:
    address = f"127.0.0.1:{target}"
    scrape = {"job_name": "denbao", "static_configs": [{"targets": [address], "labels": {"instance": "denbao"}}]}
    config = {
        "global": {"scrape_interval": _SCRAPE, "scrape_timeout": _SCRAPE},
        "scrape_configs": [scrape],
        "storage": {"tsdb": {"out_of_order_time_window": "10000d"}},  # the story is long ago
    }
    (folder / "prometheus.yml").write_text(json.dumps(config), "utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        shutil.which("prometheus") or "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=100y",
        f"--query.lookback-delta={STEP.total_seconds() + 3600:.0f}s",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with aiohttp.ClientSession() as http:
            yield Asked(f"http://127.0.0.1:{port}", http)
    finally:
        process.terminate()
        await process.wait()
