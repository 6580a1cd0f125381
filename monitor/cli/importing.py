"""`denbao import`: a table of figures by hand, through the running service, else into the store that nobody holds."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from monitor.adapters.clock import SystemClock
from monitor.adapters.feeds import labels, read_table
from monitor.adapters.feeds.body import Unreadable
from monitor.adapters.feeds.moments import read_moment
from monitor.adapters.store import open_store
from monitor.cli.output import echo_json, hinted
from monitor.cli.running import NotRunning, ask
from monitor.cli.sites import json_option, open_site, site_option
from monitor.config.crosscheck import BY_HAND
from monitor.config.spec import AsOf, Column, FeedSpec, Site
from monitor.engine.book import Indicator
from monitor.engine.evidence import clamp
from monitor.engine.hygiene import backwards
from monitor.model.errors import DenbaoError
from monitor.model.nearest import nearest
from monitor.model.reading import Collected, Reading, Rejected
from monitor.model.state import AuditEntry
from monitor.model.text import clean, fold
from monitor.registry import Names, load_registry
from monitor.service.app import policy_of
from monitor.service.evaluator import Evaluator

BATCH = 500  # readings in one push
MOST = 64 * 1024 * 1024  # bytes of a file
PATIENCE = 20  # times a service that takes no more batches now is asked again
UNIT, DATE = "Mã đơn vị", "Ngày số liệu"
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    UNIT: ("unit", "code", "Mã", "Mã ĐVHC", "Mã xã", "Ma don vi"),
    DATE: ("as_of", "date", "Ngày", "Ngay so lieu"),
}
_KINDS = {".csv": "csv", ".txt": "csv", ".tsv": "csv", ".xlsx": "xlsx", ".xlsm": "xlsx", ".json": "json"}


@dataclass(frozen=True, slots=True)
class Form:
    """How a table is written that no feed of the site describes."""

    unit: str
    date: str
    delimiter: str
    encoding: str
    decimal: str
    sheets: tuple[str, ...]
    names: str | None


def _one_sign(_context: click.Context, _option: click.Parameter, typed: str) -> str:
    sign = typed.replace("\\t", "\t")
    if len(sign) != 1 or sign in '"\r\n':
        raise click.BadParameter(f"{typed!r} is not one sign; write ';' or '\\t'")
    return sign


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@site_option
@click.option("--feed", "feed_id", help="Read FILE as this feed of the site is read: its columns, mapping and words.")
@click.option("--unit", default=UNIT, show_default=True, help="Header of the column with the codes of the units.")
@click.option("--date", "date_header", default=DATE, show_default=True, help="Header of the dates; may be missing.")
@click.option("--as-of", help="Date of rows that state none: 2025-08-20, or an instant. Else the file's own.")
@click.option("--names", help="Code of the province in which the units are named by name instead of code.")
@click.option(
    "--delimiter", callback=_one_sign, default=",", show_default=True, help="Between the cells of a CSV file."
)
@click.option("--encoding", default="utf-8", show_default=True, type=click.Choice(["utf-8", "utf-16", "cp1258"]))
@click.option("--decimal", default=".", show_default=True, type=click.Choice([".", ","]), help="Of numbers in text.")
@click.option("--sheet", "sheets", multiple=True, help="Sheet of a workbook; the only visible one unless said.")
@click.option("--dry-run", is_flag=True, help="Say what would be taken, and take nothing.")
@json_option
def import_table(file: Path, site: Path, feed_id: str | None, as_of: str | None, dry_run: bool, **given: Any) -> None:
    """Take the figures of FILE (CSV or XLSX) in by hand; without --feed a column belongs to the indicator it names.

    Rows are believed or refused as a feed's are, each refused one with its place. The same file twice is one fact.
    Exit 1 when rows were refused, 2 when nothing could be read.
    """
    loaded, now, as_json = open_site(site), SystemClock().now(), given.pop("as_json")
    form = Form(unit=given["unit"], date=given["date_header"], sheets=given["sheets"],
                **{name: given[name] for name in ("delimiter", "encoding", "decimal", "names")})  # fmt: skip
    if file.stat().st_size > MOST:
        raise click.UsageError(f"{file}: larger than {MOST} bytes")
    body = file.read_bytes()
    spec = _of_feed(loaded, feed_id, file) if feed_id else _of_form(loaded, form, file, body)
    about = (loaded.calendar, loaded.ruleset.indicators, {unit.code: unit.valid_to for unit in loaded.units})
    found = read_table(spec, body, _written(file, as_of, loaded, now), now, *about)
    if found.failure:
        raise click.UsageError(f"{file}: {found.failure.partition(': ')[2]}")
    readings = [_by_hand(reading, file, feed_id or BY_HAND) for reading in found.readings]
    way = "dry run"
    if readings and not dry_run:
        way, fallen = asyncio.run(_take(loaded, readings, file, feed_id))
        found = _without(found, readings, fallen)
    _tell(file, found, way, as_json)
    if found.rejected:
        raise SystemExit(1)


def _of_feed(site: Site, feed_id: str, file: Path) -> FeedSpec:
    feeds = {feed.id: feed for feed in site.feeds if feed.kind in ("csv", "xlsx", "json")}
    if feed_id not in feeds:
        raise click.UsageError(hinted(f"no feed of tables is called '{feed_id}'", nearest(feed_id, feeds)))
    feed, kind = feeds[feed_id], _kind(file)
    if (feed.kind == "json") != (kind == "json"):
        raise click.UsageError(f"{file}: the feed '{feed_id}' reads {feed.kind}, not {kind}")
    return replace(feed, kind=kind, paging=None)


def _of_form(site: Site, form: Form, file: Path, body: bytes) -> FeedSpec:
    """A spec whose columns are the indicators that the headers name: by id, or by name in either language."""
    if (kind := _kind(file)) == "json":
        raise click.UsageError(f"{file}: a JSON file needs --feed, which says where the figures stand")
    spec = FeedSpec(
        id=BY_HAND, kind=kind, owner="", url="", period=60.0, timeout=60.0, columns=(), max_silence=60.0,
        unit=form.unit, as_of=AsOf.FETCH, delimiter=form.delimiter, encoding=form.encoding,
        decimal=form.decimal, sheets=form.sheets,
    )  # fmt: skip
    if form.names is not None and not load_registry().communes(form.names):
        raise click.UsageError(f"--names: no province has the code '{form.names}'")
    try:
        there = labels(spec, body)
    except Unreadable as error:
        raise click.UsageError(f"{file}: {error}") from None
    columns = {one.id: spellings for one in _measured(site) if there & _folded(spellings := _names(one))}
    if not columns:
        raise click.UsageError(
            f"{file}: no header names an indicator; write its id, or its name in rules/indicators.yaml{_hint(there)}"
        )
    dated = bool(there & _folded((form.date, *SPELLINGS.get(form.date, ()))))
    return replace(
        spec,
        names=Names(load_registry(), form.names) if form.names else None,
        columns=tuple(Column(name, name) for name in columns),
        aliases={**SPELLINGS, **{name: spellings[1:] for name, spellings in columns.items()}},
        as_of=AsOf.FIELD if dated else AsOf.FETCH,
        as_of_field=form.date if dated else "",
    )


def _measured(site: Site) -> list[Indicator]:
    return [one for one in site.ruleset.indicators.values() if one.of is None]  # the others are computed


def _hint(headers: Collection[str]) -> str:
    """What a table with a single header was probably meant to be cut by."""
    (only,) = headers if len(headers) == 1 else ("",)
    return next((f". It has one column: --delimiter '{sign}'?" for sign in (";", "\t", "|") if sign in only), "")


def _names(indicator: Indicator) -> tuple[str, ...]:
    return (indicator.id, indicator.name_vi, indicator.name_en)


def _folded(spellings: Sequence[str]) -> set[str]:
    return {fold(spelling) for spelling in spellings}


def _kind(file: Path) -> str:
    kind = _KINDS.get(file.suffix.lower())
    if kind is None:
        raise click.UsageError(f"{file}: neither CSV nor XLSX; save it as one of them")
    return kind


def _written(file: Path, as_of: str | None, site: Site, now: datetime) -> datetime:
    if as_of is None:
        return min(datetime.fromtimestamp(os.stat(file).st_mtime, UTC), now)
    moment = read_moment(as_of, site.calendar)
    if moment is None or moment > now:
        raise click.UsageError(f"--as-of: '{as_of}' is no date, or lies ahead; write 2025-08-20")
    return moment


def _by_hand(reading: Reading, file: Path, source: str) -> Reading:
    return clamp(replace(reading, source=source, note=clean(f"import {file.name}", 120)))


def _without(found: Collected, readings: Sequence[Reading], fallen: Mapping[Reading, str]) -> Collected:
    """The same without the figures that only grow and have fallen; `readings` are those of `found`, by hand."""
    pairs = list(zip(found.readings, readings, strict=True))
    told = (
        Rejected(found.source, found.places.get((one.unit, one.indicator, one.as_of), ""), "backwards", fallen[taken])
        for one, taken in pairs
        if taken in fallen
    )
    kept = tuple(one for one, taken in pairs if taken not in fallen)
    return replace(found, readings=kept, rejected=(*found.rejected, *told))


async def _take(
    site: Site, readings: Sequence[Reading], file: Path, feed: str | None
) -> tuple[str, Mapping[Reading, str]]:
    """Commit the readings; by which way, and those that are refused because they only grow and have fallen."""
    fallen: dict[Reading, str] = {}
    try:
        for start in range(0, len(readings), BATCH):
            fallen |= await _push(site, readings[start : start + BATCH], feed)
        return "service", fallen
    except NotRunning:
        return "store", await _store(site, readings, file, feed)


async def _push(site: Site, readings: Sequence[Reading], feed: str | None) -> Mapping[Reading, str]:
    """Those that were refused because they only grow and have fallen, each with the sentence; the others are taken."""
    if not readings:
        return {}
    batch = {"readings": [_row(reading) for reading in readings]} | ({"feed": feed} if feed else {})
    for _ in range(PATIENCE):
        status, answer, headers = await ask(site, "/api/v1/readings", batch)
        if status not in (429, 503):
            break
        await SystemClock().sleep(min(float(headers.get("Retry-After", "5")), 60.0))
    if status == 422 and answer.get("type") == "urn:denbao:problem:backwards":
        fallen = {readings[one["row"]]: str(one["detail"]) for one in answer["errors"]}
        return {**fallen, **await _push(site, [reading for reading in readings if reading not in fallen], feed)}
    if status != 200:
        said = [answer.get("detail") or answer.get("title") or f"HTTP status {status}"]
        said += [f"{one['field']}: {one['detail']}" for one in answer.get("errors", ())][:3]
        raise click.ClickException("; ".join(map(str, said)) + "; import the file again when that is mended")
    return {}


def _row(reading: Reading) -> dict[str, Any]:
    return {
        "unit": reading.unit,
        "indicator": reading.indicator,
        "value": reading.value,
        "as_of": reading.as_of.isoformat(),
        "comparator": reading.comparator.value,
        "numerator": reading.numerator,
        "denominator": reading.denominator,
        "note": reading.note,
    }


async def _store(site: Site, readings: Sequence[Reading], file: Path, feed: str | None) -> Mapping[Reading, str]:
    """Judge and commit as the service would; gives what `_push` gives.

    What is owed for it is sent when the service runs again.
    """
    clock = SystemClock()
    if site.store_url == "memory:":
        raise click.ClickException("the service does not run, and the store of this site is its memory")
    try:
        store = open_store(site.store_url, site.root)
        await store.open()  # takes the lock: nobody else writes meanwhile
        try:
            evaluator = Evaluator(policy_of(site), store, clock, lambda _: None)
            await evaluator.load()
            fallen = backwards(readings, evaluator.known(feed or BY_HAND))
            believed = tuple(reading for reading in readings if reading not in fallen)
            evaluator.take(Collected(feed or BY_HAND, clock.now(), believed, by_hand=True))
            await evaluator.settle()
            said = clean(f"{len(believed)} readings; import {file.name}")
            await store.audit(AuditEntry(clock.now(), "local", "push", "readings", said))
            return fallen
        finally:
            await store.close()
    except DenbaoError as broken:
        raise click.ClickException(str(broken)) from None


def _tell(file: Path, found: Collected, way: str, as_json: bool) -> None:
    indicators = sorted({reading.indicator for reading in found.readings})
    if as_json:
        refused = [{"place": one.row, "reason": one.reason, "detail": one.detail} for one in found.rejected]
        document = {"file": str(file), "readings": len(found.readings), "indicators": indicators,
                    "refused": refused, "way": way}  # fmt: skip
        echo_json(document)
        return
    for one in found.rejected:
        click.echo(f"{_place(file, one)}: {one.detail} ({one.reason})", err=True)
    units = len({reading.unit for reading in found.readings})
    taken = "sẽ nhận / would take" if way == "dry run" else "đã nhận / took"
    click.echo(f"{file.name}: {taken} {len(found.readings)} số liệu / readings, {units} đơn vị / units")
    click.echo("  " + ", ".join(indicators))


def _place(file: Path, one: Rejected) -> str:
    line = one.row.removeprefix("line ")
    return f"{file}:{line}" if line != one.row else f"{file}: {one.row}" if one.row else str(file)
