"""The steps of a journey as specs, and every mistake in how values go from one step to another."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Literal

from monitor.config.jmes import check_path
from monitor.config.pattern import compile_pattern
from monitor.config.probemodels import CaptureSection, JourneyProbe, StepSection
from monitor.config.probequestion import check_json_size, check_question
from monitor.config.probespec import Asks, Capture, JourneyCheck, Step
from monitor.config.problems import Location
from monitor.config.secrets import is_reference
from monitor.config.sources import HARMLESS, Surroundings, check_header, tls_of
from monitor.config.template import Template, parse_template

_CONFIDENTIAL = re.compile(r"(?i)pass|secret|token|otp|pin\b|mat_?khau")  # fields of a form that hold a secret


def build_journey(probe: JourneyProbe, at: Location, around: Surroundings) -> Callable[[str], Asks]:
    """What to ask, by the unit's code."""
    around.findings.once((*at, "steps"), "step", [step.id for step in probe.steps])
    steps = tuple(_step(step, probe, (*at, "steps", i), around) for i, step in enumerate(probe.steps))
    _check_values(probe, steps, (*at, "steps"), around)
    tls = tls_of(probe, [step.url for step in probe.steps], at, around)
    return lambda code: JourneyCheck(steps, code, probe.address, tls)


def _step(step: StepSection, probe: JourneyProbe, at: Location, around: Surroundings) -> Step:
    _check_step(step, probe, at, around)
    template = partial(_template, around=around)
    return Step(
        id=step.id,
        url=template(step.url, (*at, "url"), "the address"),
        timeout=step.timeout or probe.timeout,
        method=step.method,
        headers=tuple((n, template(t, (*at, "headers", n), f"the header {n}")) for n, t in step.headers.items()),
        body=template(step.body, (*at, "body"), "the body") if step.body else None,
        body_is=_kind_of_body(step),
        form=tuple((n, template(t, (*at, "form", n), f"the field {n}")) for n, t in step.form.items()),
        redirects=step.redirects,
        expect_status=tuple(step.expect_status),
        expect_text=step.expect_text,
        expect_json=step.expect_json,
        min_bytes=step.min_bytes,
        max_bytes=step.max_bytes,
        capture=tuple(_capture(name, given) for name, given in step.capture.items()),
    )


def _template(text: str, at: Location, where: str, around: Surroundings) -> Template:
    found = around.findings.attempt(at, where, lambda: parse_template(text, around.root, around.environ))
    return Template(()) if found is None else found


def _kind_of_body(step: StepSection) -> Literal["text", "json", "form"]:
    kind = next((text.lower() for name, text in step.headers.items() if name.lower() == "content-type"), "")
    return "json" if "json" in kind else "form" if "form-urlencoded" in kind else "text"


def _capture(name: str, given: CaptureSection) -> Capture:
    ways: Mapping[Literal["json", "body", "header", "cookie"], str]
    ways = {"json": given.json_path, "body": given.body, "header": given.header, "cookie": given.cookie}
    source, place = next((source, place) for source, place in ways.items() if place)
    return Capture(name, source, place, given.pattern, given.secret, given.decode)


def _check_step(step: StepSection, probe: JourneyProbe, at: Location, around: Surroundings) -> None:
    add = around.findings.add
    check_question(step, at, around.findings)
    if step.form and step.body:
        add((*at, "form"), "a request has one body, but form and body are two", "leave one of them out")
    if step.form and step.method in ("GET", "HEAD"):
        add((*at, "form"), f"a {step.method} request has no body for a form", "write method: POST")
    if step.timeout is not None and step.timeout > probe.timeout:
        text = f"the step's timeout {step.timeout:g}s is longer than the journey's {probe.timeout:g}s"
        add((*at, "timeout"), text, "raise the journey's timeout, or lower the step's")
    for name, text in step.headers.items():
        around.findings.attempt((*at, "headers", name), f"the header {name}", partial(check_header, name, text))
    for place, text in (*_plain_headers(step), *_plain_fields(step)):
        add((*at, *place), f"{text} holds a secret in plain text", "refer to it as ${NAME} or file:path")
    if not step.expect_json and any(given.json_path for given in step.capture.values()):
        check_json_size(step, at, around.findings)
    for name, given in step.capture.items():
        if step.method == "HEAD" and (given.json_path or given.body):
            add((*at, "capture", name), "the answer to a HEAD request has no body to look at", "write method: GET")
        _check_capture(given, (*at, "capture", name), around)


def _plain_headers(step: StepSection) -> Iterator[tuple[Location, str]]:
    for name, text in step.headers.items():
        if name.lower() not in HARMLESS and not is_reference(text) and "{" not in text:
            yield ("headers", name), f"the header {name}"


def _plain_fields(step: StepSection) -> Iterator[tuple[Location, str]]:
    for name, text in step.form.items():
        if _CONFIDENTIAL.search(name) and not is_reference(text) and "{" not in text:
            yield ("form", name), f"the field {name}"


def _check_capture(given: CaptureSection, at: Location, around: Surroundings) -> None:
    check_path(given.json_path, (*at, "json"), around.findings)
    for key in ("body", "pattern"):
        if text := getattr(given, key):
            around.findings.attempt((*at, key), "", partial(compile_pattern, text))


def _check_values(probe: JourneyProbe, steps: tuple[Step, ...], at: Location, around: Surroundings) -> None:
    """Each value is captured before it is used, and used after it is captured."""
    known = {name: i for i, step in reversed(list(enumerate(probe.steps))) for name in step.capture}  # the first time
    used = [dict(_uses(step)) for step in steps]
    for i, uses in enumerate(used):
        for name, place in uses.items():
            if name not in known:
                around.findings.unknown((*at, i, *place), "captured value", name, (*known, "code"))
            elif known[name] >= i:
                line = around.findings.document.line((*at, known[name], "capture", name))
                text = f"'{name}' is captured only by the step '{probe.steps[known[name]].id}', in line {line}"
                around.findings.add((*at, i, *place), text, "capture it in an earlier step")
    for i, step in enumerate(probe.steps):
        for name in step.capture:
            if not any(name in later for later in used[i + 1 :]):
                text = f"the captured value '{name}' is never used"
                around.findings.add(
                    (*at, i, "capture", name), text, f"write {{{name}}} in a later step, or take it out"
                )


def _uses(step: Step) -> Iterator[tuple[str, Location]]:
    """Captured values by name, with the place where they are used."""
    texts: Mapping[Location, Template] = {
        ("url",): step.url,
        **({("body",): step.body} if step.body else {}),
        **{("headers", name): text for name, text in step.headers},
        **{("form", name): text for name, text in step.form},
    }
    return ((name, place) for place, text in texts.items() for name in text.names if name != "code")
