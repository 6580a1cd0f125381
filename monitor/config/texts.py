"""A site's own texts: `texts/<text>.<language>.yaml` to the pieces of monitor.alerting.texts.

What such a file does not say stays as it is in the product. It holds words and named placeholders, never code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator

from monitor.alerting.conditions import CONDITIONS
from monitor.alerting.notices import RECOVERY_TEXTS
from monitor.alerting.services import SERVICES
from monitor.alerting.text import Piece, Text
from monitor.alerting.texts import ALL_PLACEHOLDERS, ALL_TEXTS, PLACEHOLDERS, TEXTS
from monitor.alerting.wording import SHORTEST, overlong
from monitor.config.problems import Location, Problem
from monitor.config.spec import Site
from monitor.config.yaml import Document, Section, read, validate
from monitor.engine.book import Criterion, Indicator
from monitor.model.incident import Kind
from monitor.model.nearest import nearest
from monitor.model.segments import aliens
from monitor.model.unit import Level, Unit
from monitor.model.verdict import Param

FOLDER = "texts"
Texts = Mapping[str, Mapping[str, Text]]  # language -> text id -> text

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_REFERENCE = {"vi": " Ma {id}", "en": " Ref {id}"}
_LINKS = frozenset({"ack_url", "why_url", "url"})  # no SMS holds one: it is signed at the send, and too long
_PARTS = ("subject", "body", "sms")
_LATE = datetime(2029, 12, 31, 23, 59, tzinfo=UTC)  # as long as an instant can be written
_WIDE: Mapping[str, Param] = {  # figures as wide as they get
    "id": "WWWWWW", "now": _LATE, "when": _LATE, "due": _LATE + timedelta(days=1), "as_of": _LATE,
    "deadline": _LATE + timedelta(days=365),
    "n": 366, "days_late": 999, "minutes": 99_999, "work_minutes": 99_999, "h": 99_999_999.0, "limit": 99_999_999.0,
    "n_fail": 999, "colour": "unknown", "green": 9999, "yellow": 9999, "red": 9999, "unknown": 9999, "previous": _LATE,
    "affected": 9999, "total": 9999, "count": 999_999, "free": 100, "pace": 99.99,
    "rank": 9999, "rank_total": 9999, "availability": 99.99,
    "near": "WWWWWW, WWWWWW",
    "listed": "WWWWWW, WWWWWW, WWWWWW, WWWWWW, WWWWWW, WWWWWW +994",
}  # fmt: skip


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Choices = Annotated[list[str], BeforeValidator(_as_list)]
_Pieces = Annotated[list[_Choices], BeforeValidator(_as_list)]


class _TextFile(Section):
    """One file: each part is a piece or a list of them, each a text or a list of choices, the first known counts."""

    subject: _Pieces | None = None
    body: _Pieces | None = None
    sms: _Pieces | None = None


def load_texts(root: Path) -> tuple[Texts, list[Problem]]:
    """The product's texts with those of a site in their place, and every problem in the site's files."""
    texts = {locale: dict(known) for locale, known in ALL_TEXTS.items()}
    problems: list[Problem] = []
    for path in sorted((root / FOLDER).glob("*")):
        name = f"{FOLDER}/{path.name}"
        key, _, locale = path.name.removesuffix(".yaml").rpartition(".")
        if found := _misnamed(name, key, locale, path):
            problems.append(found)
            continue
        document, complaints = read(path, name)
        problems += complaints
        file, complaints = validate(_TextFile, document) if document is not None and not complaints else (None, [])
        problems += complaints
        if document is not None and file is not None:
            own = {part: _pieces(value) for part in _PARTS if (value := getattr(file, part)) is not None}
            flaws = [flaw for part in own for flaw in _flaws(document, part, key, locale)]
            problems += flaws
            own = {} if flaws else own  # the rest is checked with the product's words
            texts[locale][key] = replace(texts[locale][key], **own)
    return texts, problems


def _misnamed(name: str, key: str, locale: str, path: Path) -> Problem | None:
    if path.suffix != ".yaml" or not key:
        return Problem(name, 1, "this is no file of a text", "name it <text>.vi.yaml or <text>.en.yaml")
    if locale not in TEXTS:
        return Problem(name, 1, f"no message is written in '{locale}'", f"name it {key}.vi.yaml or {key}.en.yaml")
    if key not in ALL_TEXTS[locale]:
        return Problem(name, 1, f"there is no text '{key}'", nearest(key, ALL_TEXTS[locale]))
    return None


def _pieces(value: list[list[str]]) -> tuple[Piece, ...]:
    return tuple(tuple(choices) if len(choices) > 1 else "".join(choices) for choices in value)


def _flaws(document: Document, part: str, key: str, locale: str) -> Iterator[Problem]:
    value = document.data[part]
    if not value or (isinstance(value, list) and not all(value)):
        yield document.problem((part,), f"the {part} of '{key}' says nothing", "write its pieces, or leave it out")
        return
    for at, text in _written(value, (part,)):
        yield from _flaws_of(document, at, text, part, key)
    if part == "sms" and key in PLACEHOLDERS:
        yield from _flaws_of_sms(document, value, key, locale)
    elif part == "sms":
        yield from _flaws_of_answer(document, value, key, locale)


def _written(value: Any, at: Location) -> Iterator[tuple[Location, str]]:
    """Every template with the place where it stands."""
    if isinstance(value, str):
        yield at, value
    else:
        for index, piece in enumerate(value):
            yield from _written(piece, (*at, index))


def _flaws_of(document: Document, at: Location, text: str, part: str, key: str) -> Iterator[Problem]:
    known = ALL_PLACEHOLDERS[key]
    for name in dict.fromkeys(_PLACEHOLDER.findall(text)):
        if name not in known:
            right = nearest(name, known) or f"known: {', '.join(sorted(known))}"
            yield document.problem(at, f"'{key}' knows no {{{name}}}", right)
        elif part == "sms" and name in _LINKS:
            what = f"the SMS of '{key}' holds a link, {{{name}}}, which has no room in one segment"
            yield document.problem(at, what, "write it into the body; an SMS is answered with OK and the reference")
    if set(_PLACEHOLDER.sub("", text)) & set("{}"):
        yield document.problem(at, "a brace that belongs to no placeholder", "write {name}, such as {unit}")
    if part == "subject" and "\n" in text:
        yield document.problem(at, "a subject is one line", "take the line break out")
    if part == "sms" and (alien := aliens(_PLACEHOLDER.sub("", text))):
        what = f"the SMS of '{key}' holds letters that are not in the GSM alphabet: {alien}"
        yield document.problem(at, what, "write it without accents and with plain quotes and dashes")


def _flaws_of_sms(document: Document, value: Any, key: str, locale: str) -> Iterator[Problem]:
    value = [value] if isinstance(value, str) else value
    first = [value[0]] if isinstance(value[0], str) else value[0]
    last = value[-1] if isinstance(value[-1], str) else " ".join(value[-1])
    if not all("{code}" in choice for choice in first):
        what = f"the SMS of '{key}' does not begin with the unit's code"
        yield document.problem(("sms", 0), what, "write {code} into the first piece, which is always said")
    if len(value) < 2 or "{id}" not in last:
        what = f"the SMS of '{key}' does not end with the reference"
        yield document.problem(("sms", len(value) - 1), what, f'end with a piece of its own: "{_REFERENCE[locale]}"')


def _flaws_of_answer(document: Document, value: Any, key: str, locale: str) -> Iterator[Problem]:
    """An answer names the unit's code and the reference where the product's does."""
    said = {name for _, text in _written(value, ()) for name in _PLACEHOLDER.findall(text)}
    for name in ("code", "id"):
        if f"{{{name}}}" in str(ALL_TEXTS[locale][key].sms) and name not in said:
            yield document.problem(("sms",), f"the SMS of '{key}' does not say {{{name}}}", "write it into a piece")


# -- the worst case of a site -----------------------------------------------------------------------------------------


def too_long(site: Site) -> Iterator[Problem]:
    """Every SMS that needs a second segment for the longest names of the site, even shortened; every kind without text.

    Only `denbao check` asks this: a message that is sent is cut to one segment whatever happens.
    """
    texts = site.directory.texts
    for kind in Kind:
        for key in (kind.value, RECOVERY_TEXTS.get(kind, "")):
            if key not in TEXTS["vi"]:
                yield Problem(
                    FOLDER, 1, f"the kind '{kind}' has no text '{key}'", "add it to monitor/alerting/texts.py"
                )
    for locale, known in texts.items():
        for key, text in known.items():
            if found := _worst(site, key, text, locale):
                yield _place(site, key, locale, *found)


def _worst(site: Site, key: str, text: Text, locale: str) -> tuple[int, str] | None:
    """By how many characters it is too long at most, and for which unit; None when it always fits."""
    cases = ({**_WIDE, **facts} for facts in _cases(site, ALL_PLACEHOLDERS[key]))
    found = ((over, str(facts["code"])) for facts in cases if (over := overlong(text, facts, locale)))
    return max(found, default=None)


def _place(site: Site, key: str, locale: str, over: int, unit: str) -> Problem:
    name = f"{FOLDER}/{key}.{locale}.yaml"
    what = f"the SMS of '{key}' needs a second segment for the unit '{unit}', its name cut to {SHORTEST} characters"
    right = f"take {over} characters out"
    document, _ = read(site.root / name, name)
    if document is None:
        return Problem("config.yaml", 1, what, f"{right} of the names in it, or write {name}")
    return document.problem(("sms",), what, right)


def _cases(site: Site, used: frozenset[str]) -> Iterator[dict[str, Param]]:
    """Facts of every unit with the longest name or code of its level, with every figure, service and condition used."""
    operator: dict[str, Param] = {"isp": site.directory.operator_name or None}
    for unit in _longest(site):
        for more in _ways(site, unit, used):
            yield {**operator, **_names(unit), **more}


def _ways(site: Site, unit: Unit, used: frozenset[str]) -> list[dict[str, Param]]:
    if "condition" in used:
        return [{"condition": name} for name in CONDITIONS]
    if "value" in used:
        return list(_figures(site, unit)) or [{}]
    return [{"service": name} for name in SERVICES]


def _longest(site: Site) -> list[Unit]:
    units = [list(site.units.at(level)) for level in Level]
    longest = [max(some, key=length) for some in units if some for length in (_name_length, _code_length)]
    return list({unit.code: unit for unit in longest}.values())


def _name_length(unit: Unit) -> int:
    return len(unit.name_ascii)


def _code_length(unit: Unit) -> int:
    return len(unit.code)


def _names(unit: Unit) -> dict[str, Param]:
    return {
        "code": unit.code, "level": unit.level.value, "unit_sms": unit.name_ascii,
        "unit_vi": unit.name_vi, "unit_en": unit.name_en, "province": unit.province,
    }  # fmt: skip


def _figures(site: Site, unit: Unit) -> Iterator[dict[str, Param]]:
    for book in site.ruleset.books:
        for rule in book.criteria:
            if rule.target is not None and unit.level in rule.levels:
                yield _figure(rule, site.ruleset.indicators.get(rule.indicator or ""))


def _figure(rule: Criterion, indicator: Indicator | None) -> dict[str, Param]:
    measure = "%" if indicator is None else indicator.unit
    values: Mapping[str, Param] = {"%": 99.99, "bool": False, "state": "partly"}
    return {
        "kpi_sms": indicator.sms if indicator else rule.title_vi, "measure": measure, "sign": "<=",
        "kpi_vi": indicator.name_vi if indicator else rule.title_vi, "kpi_en": rule.title_en,

        "value": values.get(measure, 99_999.99),
        "target": rule.target.goal.operand if rule.target else None, "op": rule.target.goal.op if rule.target else None,
    }  # fmt: skip
