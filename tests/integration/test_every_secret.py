"""P16: a canary in every place where a site may give a secret, peers that repeat what they were told, and a look at
everything that the product leaves behind: log, pages, API, metrics, exports, commands, database, files."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import ssl
import stat
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin
from urllib.parse import quote, quote_plus

import pytest
import trustme
from aiohttp import web
from pydantic import BaseModel

from monitor.config.build import load_site
from monitor.config.fields import SecretFile, SecretText
from monitor.config.models import SiteFile
from monitor.config.secrets import Secret
from tests.integration.process import Running, command_line, denbao, descendants, until
from tests.integration.test_secrets import PAGES
from tests.integration.trial import COMMUNES, Trial, make_trial
from tests.unit.sites import change

pytestmark = pytest.mark.integration

GIVEN: dict[str, str] = {}  # name in the environment -> canary


# The peer never hears these: three sign, one goes into a bare line, one waits for a database's handshake.
UNHEARD = {"SID_SECRET", "ZNS_HOOK", "SEND", "SQL", "CLIENT_KEY"}


def canary(name: str, form: str = "{}") -> str:
    """A reference to a secret of its own, of which the canary is the part that nobody may see."""
    GIVEN[name] = f"canary-{name.lower()}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return form.format(f"${{{name}}}")


def gateways(base: str) -> dict[str, dict[str, Any]]:
    """A channel of every kind, all at one address."""
    sms, zalo = {"brandname": "DENBAO"}, {"oauth_url": f"{base}/oauth", "base_url": base}
    found: dict[str, dict[str, Any]] = {
        "hook": {"kind": "webhook", "url": canary("HOOK", f"json://{{}}@{base.removeprefix('http://')}/x")},
        "esms": {
            **sms, "kind": "esms", "api_key": canary("ESMS_KEY"), "secret_key": canary("ESMS_SECRET"), "receipts": True,
        },
        "speedsms": {**sms, "kind": "speedsms", "token": canary("SPEED")},
        "stringee": {**sms, "kind": "stringee", "key_sid": canary("SID"), "key_secret": canary("SID_SECRET")},
        "vietguys": {**sms, "kind": "vietguys", "user": canary("VG_USER"), "password": canary("VG_WORD")},
        "viettel": {
            **sms, "kind": "viettel", "user": canary("VT_USER"), "password": canary("VT_WORD"), "cp_code": "X",
        },
        "vnpt": {
            "kind": "vnpt", "label": "1", "contract": "2", "template": "3", "agent": "4",
            "user": canary("VN_USER"), "api_user": canary("VN_API"), "api_password": canary("VN_WORD"),
        },
        "zalozns": {
            **zalo, "kind": "zalozns", "app_id": "42", "app_secret": canary("ZNS_SECRET"),
            "refresh_token": canary("ZNS_SEED"), "webhook_secret": canary("ZNS_HOOK"),
            "templates": {"any": {"id": "77"}},
        },
        "zalooa": {
            **zalo, "kind": "zalooa", "app_id": "43", "app_secret": canary("OA_SECRET"),
            "refresh_token": canary("OA_SEED"),
        },
    }  # fmt: skip
    for name, channel in found.items():
        if name != "hook":
            channel["base_url"] = base
        if name != "zalozns":  # approved templates cannot answer
            channel["replies"] = {"secret": canary(f"REPLY_{name.upper()}")}
    return found


def client_key(trial: Trial, authority: trustme.CA) -> str:
    """The certificate that a probe shows, with its key in the same file; of the key a line is the canary."""
    shown = authority.issue_cert("denbao.example")
    chain, key = shown.cert_chain_pems[0].bytes(), shown.private_key_pem.bytes()
    GIVEN["CLIENT_KEY"] = key.decode().splitlines()[2]
    path = trial.folder / "secrets" / "client.pem"
    path.parent.mkdir(exist_ok=True)
    path.touch(0o600)
    path.write_bytes(chain + key)
    authority.cert_pem.write_to_path(str(trial.folder / "secrets" / "authority.pem"))
    return "file:secrets/client.pem"


def plant(trial: Trial, port: int, tls_port: int, authority: trustme.CA) -> None:
    """Use a canary wherever a secret may stand."""
    base, config = f"http://127.0.0.1:{port}", trial.config
    config["channels"] = gateways(base)
    config["escalation"]["via"] = list(config["channels"])
    config["network"]["allow"].append(f"127.0.0.0/8:{port},{tls_port}")
    config["base_url"] = "https://board.example"
    addresses = {name: canary("TELEPHONE") for name in config["channels"] if name != "hook"}
    for recipient in config["recipients"]:
        recipient |= {"channels": list(config["channels"]), "addresses": addresses}
    config["own_alarm"] = {
        "to": [config["recipients"][0]["id"]],
        "heartbeat": {"urls": [canary("BEAT", f"{base}/{{}}")], "every": "1s"},
    }
    header = {"Authorization": canary("HEADER", "Bearer {}")}
    config["metrics"] = {"push": {"url": f"{base}/push", "every": "1s", "headers": {"X-Token": canary("PUSH")}}}
    preferred = "    sources: [c-http, c-tcp, c-way, c-tls]\n"
    no_break = "    source: S0 duty (no interruption)\n"
    change(trial.folder / "rules" / "indicators.yaml", no_break, no_break + preferred)
    asked = {"units": {"codes": ["tthc-19"]}, "gives": "system_reachable", "period": "1s", "timeout": "1s"}
    shown = {"authority": "secrets/authority.pem", "client_certificate": client_key(trial, authority)}
    config["probes"] += [
        {**asked, "id": "c-http", "kind": "http", "url": f"{base}/p", "method": "POST", "headers": header,
         "body": canary("BODY", "key={}")},
        {**asked, "id": "c-tcp", "kind": "tcp", "host": "127.0.0.1", "port": port, "send": canary("SEND", "{}\n"),
         "expect": "200"},
        {**asked, **shown, "id": "c-way", "kind": "journey", "steps": [
            {"id": "login", "url": f"https://127.0.0.1:{tls_port}/login", "method": "POST",
             "form": {"word": canary("FORM")}, "headers": header},
        ]},
        {**asked, **shown, "id": "c-tls", "kind": "http", "url": f"https://127.0.0.1:{tls_port}/t"},
    ]  # fmt: skip
    for feed in config["feeds"]:
        if feed["kind"] in ("json", "csv", "prometheus"):
            feed["url"] = f"{base}/feed"
            feed["headers"] = {"X-Key": canary(f"FEED_{feed['kind'].upper()}")}
    config["feeds"].append({
        "id": "register", "kind": "sql", "owner": "19", "database": "register", "server": f"127.0.0.1:{port}",
        "user": "reader", "password": canary("SQL"), "tls": False, "query": "SELECT code, rate FROM results",
        "unit": "code", "period": "2s", "timeout": "2s", "max_silence": "365d", "as_of": {"kind": "fetch"},
        "columns": {"digital_signature_rate": {"value": "rate"}},
    })  # fmt: skip
    trial.outage_plan({"after": "0s", "to": ["commune_focal"]})
    GIVEN["PUSHER"] = "canary-pusher-0a1b2c3d"
    known = hashlib.sha256(GIVEN["PUSHER"].encode()).hexdigest()
    config["access"] = {"tokens": [{"id": "portal", "role": "pusher", "sha256": known}]}
    trial.environ |= GIVEN | {"TELEPHONE": "84912" + "345678"}
    GIVEN["TELEPHONE"] = "84912345678"
    trial.write()


# -- nothing is forgotten ------------------------------------------------------------------------------------------


def places(model: type[BaseModel], seen: frozenset[type] = frozenset()) -> Iterator[str]:
    """Every field of the config that is a reference to a secret or to a file with one, as Model.field."""
    for name, field in model.model_fields.items():
        kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        if _secret(kind):
            yield f"{model.__name__}.{name}"
        for below in _models(kind):
            if below not in seen:
                yield from places(below, seen | {model, below})


def _secret(kind: Any) -> bool:
    marks = (*SecretText.__metadata__, *SecretFile.__metadata__)  # type: ignore[attr-defined]
    if any(mark in marks for mark in getattr(kind, "__metadata__", ())):
        return True
    return any(_secret(part) for part in get_args(kind) if part not in marks and not isinstance(part, str))


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and get_origin(kind) is None and issubclass(kind, BaseModel):
        yield kind
    for part in get_args(kind):
        yield from _models(part)


def filled(section: object) -> Iterator[str]:
    """Every such field that a config really fills."""
    if isinstance(section, BaseModel):
        own = set(places(type(section)))
        for name, value in section:
            place = f"{type(section).__name__}.{name}"
            if place in own and value:
                yield place
            yield from filled(value)
    elif isinstance(section, (list, tuple, dict)):
        for one in section.values() if isinstance(section, dict) else section:
            yield from filled(one)


def revealed(thing: object, seen: set[int]) -> Iterator[str]:
    """Every secret that can be reached from a site."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, Secret):
        yield thing.reveal()
    elif isinstance(thing, Mapping):
        yield from (one for part in (*thing.keys(), *thing.values()) for one in revealed(part, seen))
    elif isinstance(thing, (list, tuple, set, frozenset)):
        yield from (one for part in thing for one in revealed(part, seen))
    elif dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        parts = (getattr(thing, field.name) for field in dataclasses.fields(thing))
        yield from (one for part in parts for one in revealed(part, seen))


# -- and nothing is shown ------------------------------------------------------------------------------------------


def wanting(authority: trustme.CA) -> ssl.SSLContext:
    """The settings of a server that nobody reaches without a certificate of the authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


@asynccontextmanager
async def echo(authority: trustme.CA) -> AsyncIterator[tuple[int, int, list[str]]]:
    """A peer that refuses everybody and repeats all that it was told: in its header, its body, its reason.

    At its second port it wants a certificate.
    """
    heard: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        said = f"{request.method} {request.raw_path} {dict(request.headers)} {(await request.read()).decode('latin-1')}"
        heard.append(said)
        flat = "".join(char if char.isprintable() and char.isascii() else " " for char in said)[:3000]
        return web.Response(status=401, text=said, headers={"X-Told": flat}, reason=flat[:200])

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=wanting(authority)).start()
    try:
        yield runner.addresses[0][1], runner.addresses[1][1], heard
    finally:
        await runner.cleanup()


def forms(secret: str) -> Iterator[str]:
    """How a secret may look on its way: as it is, in an address, and packed at each of the three places of base64.

    A key that is packed so itself: unpacked, too, and as a number.
    """
    if secret == GIVEN.get("CLIENT_KEY"):
        bare = base64.b64decode(secret)
        yield from (bare.decode("latin-1"), bare.hex(), bare.hex().upper(), bare.hex(":"))
    yield from {secret, quote(secret), quote_plus(secret)}
    for before in range(3):
        yield base64.b64encode(b"x" * before + secret.encode()).decode()[4 if before else 0 : -4]


async def refusals(trial: Trial) -> set[str]:
    """Channels whose messages were decided or tried in vain."""
    refs = [one["ref"] for one in await trial.incidents()]
    told = [one for ref in refs for one in (await trial.board.json(f"/api/v1/incidents/{ref}"))["deliveries"]]
    return {one["channel"] for one in told if one["state"] not in ("pending", "leased")}


async def everywhere(trial: Trial) -> bool:
    return await refusals(trial) >= set(trial.config["channels"])


async def present(trial: Trial) -> dict[str, str]:
    """What is answered to those who come with a secret of their own, right or not quite."""
    seen: dict[str, str] = {}
    for name, channel in trial.config["channels"].items():
        for end in ("", "x") if "replies" in channel else ():
            word = GIVEN[f"REPLY_{name.upper()}"] + end
            told = {"id": f"{name}{end}", "from": "0912345678", "text": "OK NOBODY"}
            seen[f"reply by {name}{end}"] = repr(await trial.board.hand_over(f"/api/v1/replies/{name}", word, **told))
    for end in ("", "x"):
        row = {"unit": COMMUNES[0], "indicator": "digital_signature_rate", "value": 91.0, "as_of": "2026-11-20"}
        token = f"portal.{GIVEN['PUSHER']}{end}"
        seen[f"push{end}"] = repr(await trial.board.post("/api/v1/readings", token, readings=[row]))
    return seen


async def seen_of(trial: Trial, service: Running) -> dict[str, str]:
    """Everything that others than the service itself may come to see, by place."""
    refs = [one["ref"] for one in await trial.incidents()]
    pages = (
        *PAGES,
        *(f"{base}/{ref}" for base in ("/incidents", "/api/v1/incidents") for ref in refs),
        "/api/v1/site",
        "/feeds",
    )
    seen = {page: (await trial.board.get(page))[1] for page in pages}
    seen["command lines"] = "\n".join([command_line(service.pid), *descendants(service.pid).values()])
    commands = (
        ("incidents", "--json"), ("explain", COMMUNES[0], "--json"), ("check",), ("doctor",), ("route", COMMUNES[0]),
        ("probe", "tthc-19"), ("probe", "tthc-19", "--json"),
        *(("report", kind) for kind in ("digest", "deliveries", "incidents", "availability")),
    )  # fmt: skip
    for command in commands:
        said = (
            await trial.cli(*command)
            if command != ("check",)
            else await denbao("check", trial.folder, environ=trial.environ)
        )
        seen[" ".join(command)] = said.out + said.err
    return seen


async def test_a_canary_stands_in_every_place_where_a_site_may_give_a_secret(tmp_path: Path):
    """A field that is new in the config and not planted here fails this."""
    trial = await make_trial(tmp_path, communes=COMMUNES[:2])
    plant(trial, 9, 10, trustme.CA())
    assert set(filled(SiteFile.model_validate(trial.config))) == set(places(SiteFile))
    site = load_site(trial.folder, environ=trial.environ, now=datetime.now(UTC))
    secrets = list(revealed(site, set()))
    assert len(secrets) > 30 and [one for one in secrets if not any(given in one for given in GIVEN.values())] == []


@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
def test_a_secret_is_found_in_an_address_and_in_a_packed_password(before: str):
    packed = base64.b64encode(f"{before}cañary/1 x:".encode()).decode()
    assert any(form in f"Basic {packed}" for form in forms("cañary/1 x"))
    assert any(form in f"https://{before}{quote('cañary/1 x')}@a" for form in forms("cañary/1 x"))


@pytest.mark.nightly  # ten channels, their workers and ten commands as processes: two minutes on a busy machine
async def test_no_secret_of_any_sort_is_ever_shown_logged_exported_or_stored(tmp_path: Path):
    trial = await make_trial(tmp_path, communes=COMMUNES[:2])
    authority = trustme.CA()
    async with echo(authority) as (port, tls_port, heard):
        plant(trial, port, tls_port, authority)
        async with trial.serving("--log-level", "debug") as service:
            await trial.put_centre(COMMUNES[0], "down")
            await until("every channel was tried", everywhere, trial)
            await asyncio.sleep(3)  # heartbeats, pushes and the oldest retries, too
            unheard = {
                name
                for name, secret in GIVEN.items()
                if not any(form in told for told in heard for form in forms(secret))
            }
            seen = await present(trial) | await seen_of(trial, service)
            assert await service.stop(seconds=90.0) == 0  # ten workers end with it, on a busy machine
        seen |= {"stdout": service.out, "stderr": service.err}
        private = [
            path
            for path in (trial.folder / "var").rglob("*")
            if path.name == "operator.token" or path.name.startswith("zalo-")
        ] + [trial.folder / "secrets" / "client.pem"]
        assert any("GET /t " in told for told in heard)  # the certificate was shown
        assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in private)
        files = [path for path in trial.folder.rglob("*") if path.is_file() and path not in private]
        seen |= {str(path.relative_to(trial.folder)): path.read_bytes().decode("latin-1") for path in files}
        assert "var/denbao.db" in seen and len(seen["stderr"]) > 1000
        found = [
            (name, place)
            for name, secret in GIVEN.items()
            for place, text in seen.items()
            for form in forms(secret)
            if form in text
        ]
        assert found == []
        assert unheard == UNHEARD | {"PUSHER", *(name for name in GIVEN if name.startswith("REPLY_"))}
