"""What probes over HTTP have in common: the question, its secrets and its TLS, checked."""

from __future__ import annotations

from monitor.config.findings import Findings
from monitor.config.jmes import check_path
from monitor.config.probemodels import Question
from monitor.config.probespec import MAX_BODY
from monitor.config.problems import Location
from monitor.config.secrets import Secret
from monitor.config.sources import Surroundings

_BODILESS = frozenset({204, 304})  # statuses


def check_question(asked: Question, at: Location, findings: Findings) -> None:
    """Method, body and expectations fit each other."""
    if asked.body and asked.method in ("GET", "HEAD"):
        findings.add((*at, "body"), f"a {asked.method} request has no body", "write method: POST")
    if asked.method == "HEAD" and (asked.expect_text or asked.expect_json or asked.min_bytes):
        findings.add((*at, "method"), "the answer to a HEAD request has no body to look at", "write method: GET")
    if asked.min_bytes > asked.max_bytes:
        text = f"min_bytes {asked.min_bytes} is more than max_bytes {asked.max_bytes}"
        findings.add((*at, "min_bytes"), text, "no answer can have both")
    if (size := len(asked.expect_text.encode())) > asked.max_bytes:
        text = f"expect_text has {size} bytes, max_bytes is {asked.max_bytes}"
        findings.add((*at, "expect_text"), text, "no answer can have both")
    looked_at = next((key for key in ("expect_text", "expect_json", "min_bytes") if getattr(asked, key)), "")
    if looked_at and _BODILESS.issuperset(asked.expect_status):
        text = f"an answer with the status {asked.expect_status[0]} has no body to look at"
        findings.add((*at, looked_at), text, f"leave {looked_at} out, or expect another status")
    check_path(asked.expect_json, (*at, "expect_json"), findings)
    if asked.expect_json:
        check_json_size(asked, at, findings)


def check_json_size(asked: Question, at: Location, findings: Findings) -> None:
    """An answer that is read as JSON is small: while Python reads it nothing else runs, 30 ms for 256 KiB at worst."""
    if asked.max_bytes > MAX_BODY:
        text = f"max_bytes {asked.max_bytes} is more than an answer read as JSON may have"
        findings.add(
            (*at, "max_bytes"), text, f"write {MAX_BODY} or less: a larger one would hold up every other check"
        )


def secret_of(text: str, at: Location, where: str, around: Surroundings) -> Secret | None:
    """A text in which secrets may stand as references."""
    return around.secret(text, at, where) if text else None
