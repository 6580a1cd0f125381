"""A fresh site from `denbao init` with ports, periods and plans of its own, and its service as a process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner

from monitor.cli.main import main
from tests.integration.process import Client, Running, Said, denbao, free_ports, running, until

Config = dict[str, Any]
COMMUNES = ("01840", "01843", "01849", "01864", "01879", "01882", "02116", "02143")


@dataclass
class Trial:
    """One site in a folder. Change `config` and call `write`."""

    folder: Path
    config: Config
    board: Client
    province: Client
    environ: dict[str, str] = field(default_factory=dict)

    def write(self) -> None:
        """JSON is YAML, too."""
        text = json.dumps(self.config, ensure_ascii=False, indent=1)
        (self.folder / "config.yaml").write_text(text, "utf-8")

    def only(self, communes: Sequence[str]) -> None:
        """Watch these communes alone; the others are strangers in the feeds."""
        self.config["units"]["provinces"][0]["communes"] = list(communes)
        mapping = self.folder / "rules" / "mappings" / "portal_19.csv"
        head, *rows = mapping.read_text("utf-8").splitlines()
        known = [row for row in rows if "19" in row.split(",") or set(row.split(",")) & set(communes)]
        mapping.write_text("\n".join((head, *known, "")), "utf-8")

    def channel(self, name: str, kind: str, url: str, port: int, **options: Any) -> None:
        """Tell everybody by this channel alone; the address is a secret of the environment."""
        self.environ["TRIAL_URL"] = url
        self.config["channels"] = {name: {"kind": kind, "url": "${TRIAL_URL}", **options}}
        self.config["escalation"]["via"] = [name]
        self.config["network"]["allow"].append(f"127.0.0.0/8:{port}")
        for recipient in self.config["recipients"]:
            recipient["channels"] = [name]

    def next_channel(self, name: str) -> None:
        """One more like the first channel, which takes over where the first one cannot reach somebody."""
        ((first, options),) = self.config["channels"].items()
        self.config["channels"][name] = dict(options)
        for recipient in self.config["recipients"]:
            recipient["channels"] = [f"{first} > {name}"]

    def each_by_itself(self) -> None:
        """Many centres at once are as many incidents, called for at once."""
        del self.config["escalation"]["collapse"]

    def addresses(self, channel: str) -> None:
        """Give everybody an address of their own: the id of the recipient at tinh.example."""
        for number, recipient in enumerate(self.config["recipients"]):
            self.environ[f"TRIAL_ADDRESS_{number}"] = f"{recipient['id']}@tinh.example"
            recipient["addresses"] = {channel: f"${{TRIAL_ADDRESS_{number}}}"}

    def outage_plan(self, *steps: Mapping[str, Any]) -> None:
        """Who hears of a centre that does not answer."""
        policies = self.config["escalation"]["policies"]
        next(policy for policy in policies if policy["name"] == "commune-outage")["steps"] = [
            dict(one) for one in steps
        ]

    def ask_every(self, probes: str, feeds: str) -> None:
        """Poll this often; the answers come from this machine."""
        for source, period in [(one, probes) for one in self.config["probes"]] + [
            (one, feeds) for one in self.config["feeds"]
        ]:
            source["period"] = source["timeout"] = period

    def patient_feeds(self) -> None:
        """No feed falls silent: what the time of day makes of the province's late rows is not the question."""
        for feed in self.config["feeds"]:
            feed["max_silence"] = "365d"

    def without_feeds(self) -> None:
        """Probes alone: what the feeds bring counts as brought by hand, and never comes."""
        columns = (name for feed in self.config["feeds"] for name in feed["columns"])
        self.config["by_hand"] = list(dict.fromkeys(columns))
        self.config["feeds"] = []

    async def put_centre(self, code: str, state: str) -> None:
        """Break or mend a centre."""
        await self.province.put(f"/control/centres/{code}", state=state)

    async def put_feed(self, name: str, mode: str) -> None:
        """Spoil or mend a feed."""
        await self.province.put(f"/control/feeds/{name}", mode=mode)

    async def put_value(self, code: str, indicator: str, value: float) -> None:
        """Replace one figure of one unit, wherever the province tells it."""
        await self.province.put(f"/control/values/{code}/{indicator}", value=value)

    @property
    def token(self) -> str:
        """The operator token that the service made for this machine."""
        return (self.folder / "var" / "operator.token").read_text().strip()

    @asynccontextmanager
    async def outliving_province(self) -> AsyncIterator[Running]:
        """The simulated province as a process beside the service: it remembers what it was told over restarts."""
        told = self.config.pop("simulation")
        self.write()
        ports = ("--port", told["listen"].rpartition(":")[2], "--tcp-port", str(told["tcp_port"]))
        log = self.folder.parent / "province"
        async with running("simulate", "--site", self.folder, *ports, log=log) as province:
            await until("the province answers", self._province_answers, province)
            yield province

    async def _province_answers(self, province: Running) -> bool:
        assert province.code is None, province.err
        return (await self.province.get("/"))[0] == 200

    @asynccontextmanager
    async def serving(self, *options: str) -> AsyncIterator[Running]:
        """The service, judged for the first time; killed at the end if it still runs."""
        log = self.folder.parent / "service"
        async with running("run", self.folder, *options, log=log, environ=self.environ) as service:
            await self.judged(service)
            yield service

    @asynccontextmanager
    async def stopped_service(self) -> AsyncIterator[Running]:
        """The service, to be started and ended by the block; killed at its end."""
        service = Running("run", self.folder, log=self.folder.parent / "service", environ=self.environ)
        try:
            yield service
        finally:
            await service.kill()

    async def judged(self, service: Running) -> None:
        """Wait until the service says that it is ready: all has been asked and judged once."""

        async def ready() -> bool:
            assert service.code is None, service.err
            return (await self.board.get("/readyz"))[0] == 200

        await until("the service is ready", ready)

    async def cli(self, command: str, *arguments: str) -> Said:
        """A command on this site."""
        return await denbao(command, *arguments, "--site", self.folder, environ=self.environ)

    async def units(self) -> Sequence[Any]:
        """All units as the API lists them."""
        items: Sequence[Any] = (await self.board.json("/api/v1/units?limit=500"))["items"]
        return items

    async def unit(self, code: str) -> Any:
        """One unit as the API tells it."""
        return await self.board.json(f"/api/v1/units/{code}")

    async def incidents(self, phase: str = "open") -> Sequence[Any]:
        """Incidents as the API lists them."""
        items: Sequence[Any] = (await self.board.json(f"/api/v1/incidents?limit=500&phase={phase}"))["items"]
        return items


async def make_trial(folder: Path, communes: Sequence[str] = COMMUNES) -> Trial:
    """The bundled site in `folder`/site on free ports, with these communes, asked every second."""
    site = folder / "site"
    made = CliRunner().invoke(main, ["init", str(site)])  # here: a process of its own would take a second
    assert made.exit_code == 0, made.output
    text = (site / "config.yaml").read_text("utf-8")
    board, province, line = free_ports(3)
    for old, new in ((8866, board), (8867, province), (8868, line)):
        text = text.replace(str(old), str(new))
    trial = Trial(site, yaml.safe_load(text), Client(board), Client(province))
    trial.config.pop("own_alarm")  # messages are counted, and a busy machine may make the monitor speak of itself
    if communes:
        trial.only(communes)
    trial.ask_every("1s", "1s")
    trial.patient_feeds()
    trial.each_by_itself()
    trial.write()
    return trial
