"""Canaries: secrets that are used for real, and must be found nowhere afterwards, not even where something failed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration.posts import PASSWORD, HttpServer, MailServer, answer, http_server, mail_server
from tests.integration.process import Running, command_line, denbao, descendants, until
from tests.integration.trial import Trial, make_trial

pytestmark = pytest.mark.integration

GOOD, BAD = "02143", "02116"  # whose messages go out, and whose are refused
HOOK, HOOK_PASSWORD, PROBE, MAILBOX = "canary-hook-5d1f", "canary-word-93c2", "canary-probe-0b7e", "canary-box-41aa"
CANARIES = (PASSWORD, HOOK, HOOK_PASSWORD, PROBE, MAILBOX)
PAGES = (
    "/", "/?lang=en", "/incidents", "/metrics", "/healthz", "/readyz", "/openapi.json", "/api/v1/units?limit=500",
    "/api/v1/incidents?phase=all", *(f"{base}/{code}" for base in ("/units", "/api/v1/units") for code in (GOOD, BAD)),
    f"/api/v1/units/{BAD}/explain", "/no/such/page", "/api/v1/units/nothing", "/api/v1/units?limit=x",
)  # fmt: skip


def plant(trial: Trial, mail: MailServer, hook: HttpServer) -> None:
    """Use every canary: in addresses, passwords, paths and headers."""
    url = mail.url.replace("//", f"//denbao:{PASSWORD}@").replace("?", "?mode=insecure&")
    trial.environ |= {
        "TRIAL_MAIL": url,
        "TRIAL_HOOK": f"json://denbao:{HOOK_PASSWORD}@127.0.0.1:{hook.port}/{HOOK}?to={HOOK}",
        "TRIAL_PROBE": f"Bearer {PROBE}",
        "TRIAL_BOX": f"{MAILBOX}@tinh.example",
    }
    config = trial.config
    kinds = {"mail": ("email", "${TRIAL_MAIL}"), "hook": ("webhook", "${TRIAL_HOOK}")}
    config["channels"] = {name: {"kind": kind, "url": url} for name, (kind, url) in kinds.items()}
    config["escalation"]["via"] = list(kinds)
    for recipient in config["recipients"]:
        recipient |= {"channels": list(kinds), "addresses": {"mail": "${TRIAL_BOX}"}}
    config["network"]["allow"] += [f"127.0.0.0/8:{mail.port}", f"127.0.0.0/8:{hook.port}"]
    config["probes"][0]["headers"] = {"Authorization": "${TRIAL_PROBE}"}
    trial.outage_plan({"after": "0s", "to": ["commune_focal"]})
    trial.write()


async def states(trial: Trial, unit: str) -> dict[str, str]:
    """What became of a unit's messages, by channel; empty until it is known of both."""
    refs = [one["ref"] for one in await trial.incidents() if one["unit"] == unit]
    told = [one for ref in refs for one in (await trial.board.json(f"/api/v1/incidents/{ref}"))["deliveries"]]
    known = {one["channel"]: one["state"] for one in told if one["state"] not in ("pending", "leased")}
    return known if len(known) == 2 else {}


async def seen_of(trial: Trial, service: Running) -> dict[str, str]:
    """Everything that others than the service itself may come to see, by place."""
    refs = [one["ref"] for one in await trial.incidents()]
    pages = (*PAGES, *(f"{base}/{ref}" for base in ("/incidents", "/api/v1/incidents") for ref in refs))
    seen = {page: (await trial.board.get(page))[1] for page in pages}
    seen["command lines"] = "\n".join([command_line(service.pid), *descendants(service.pid).values()])
    for command in (("incidents", "--json"), ("explain", BAD, "--json")):
        said = await trial.cli(*command)
        seen[" ".join(command)] = said.out + said.err
    said = await denbao("check", trial.folder, environ=trial.environ)
    return seen | {"check": said.out + said.err}


def places_of(canaries: tuple[str, ...], seen: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(canary, place) for canary in canaries for place, text in seen.items() if canary in text]


async def test_no_secret_is_ever_shown_logged_or_stored(tmp_path: Path):
    trial = await make_trial(tmp_path)
    async with mail_server() as mail, http_server() as hook:
        plant(trial, mail, hook)
        async with trial.serving("--log-level", "debug") as service:
            await trial.put_centre(GOOD, "down")
            assert await until("both messages", states, trial, GOOD) == {"mail": "sent", "hook": "sent"}
            assert HOOK in hook.requests[0][0] and mail.recipients == [[f"{MAILBOX}@tinh.example"]]
            mail.recipient_reply = f"550 5.1.1 <{MAILBOX}@tinh.example> is unknown to {PASSWORD}"
            hook.play = answer(403, f"X-Told: {HOOK_PASSWORD}", body=f"/{HOOK} is not for you".encode())
            await trial.put_centre(BAD, "down")
            assert await until("both refusals", states, trial, BAD) == {"mail": "refused", "hook": "refused"}
            seen = await seen_of(trial, service)
            canaries = (*CANARIES, trial.token.partition(".")[2])
            assert await service.stop() == 0
        seen |= {"stdout": service.out, "stderr": service.err}
        files = [path for path in trial.folder.rglob("*") if path.is_file() and path.name != "operator.token"]
        seen |= {path.name: path.read_bytes().decode("latin-1") for path in files}
        assert "denbao.db" in seen and len(seen["stderr"]) > 1000 and all(seen[page] for page in PAGES)
        assert places_of(canaries, seen) == []
