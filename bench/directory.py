"""A nation's directory: read from CSV and from XLSX, and asked whom its plans reach."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import xlsxwriter

from bench.measure import Figure, best
from bench.nation import ROOT, national_policy
from monitor.alerting.coverage import uncovered
from monitor.alerting.plan import Directory, Policy, StepSpec
from monitor.alerting.roster import called
from monitor.config.directory import People, read_people
from monitor.config.findings import Findings
from monitor.config.folders import Folders
from monitor.config.models import SiteFile
from monitor.config.people import build_channels
from monitor.config.sources import Surroundings
from monitor.config.yaml import read, validate
from monitor.model.hours import Calendar
from monitor.model.incident import Kind
from monitor.model.unit import Level, Units
from monitor.registry import load_registry

ROWS = 20_000
NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
DAYS = 30
HEAD = ("id", "role", "unit", "name", "channels", "phone", "valid_from", "valid_to", "quiet")
OF_COMMUNES = ("commune_focal", "commune_centre_head", "commune_chair", "isp_duty", "dost_duty")
OF_PROVINCES = ("ppasc_duty", "ppc_office", "ppc_vice_chair", "ppc_chair")


def run() -> list[Figure]:
    """Seconds of reading 20,000 rows and of the coverage of all units by plans of four steps, over thirty days."""
    policy = national_policy()
    rows = list(_rows(policy.units))[:ROWS]
    with tempfile.TemporaryDirectory() as folder:
        _csv(Path(folder) / "people.csv", rows)
        _xlsx(Path(folder) / "people.xlsx", rows)
        split = best(lambda: list(csv.reader(StringIO((Path(folder) / "people.csv").read_text("utf-8"))))).wall
        by_csv = best(lambda: _read("people.csv", Path(folder), policy.units)).wall
        by_xlsx = best(lambda: _read("people.xlsx", Path(folder), policy.units)).wall
        people = _read("people.csv", Path(folder), policy.units)
    directory = Directory(people.recipients, _plans())
    asked = (policy.units, directory, policy.sessions, NOW, NOW + timedelta(days=DAYS))
    gaps = list(uncovered(*asked))
    full = best(lambda: list(uncovered(*asked))).wall
    once = best(lambda: _called_once(policy.units, directory, policy.calendar)).wall
    found = f"who is called now, for each unit and role; {len({gap.unit for gap in gaps})} units with a gap"
    return [
        Figure(f"a directory of {len(people.recipients):,} rows from CSV", by_csv, "s", split, "the csv module alone"),
        Figure(
            f"a directory of {len(people.recipients):,} rows from XLSX", by_xlsx, "s", split, "the csv module alone"
        ),
        Figure(f"coverage of {len(policy.units):,} units, {DAYS} days", full, "s", once, found),
    ]


def _rows(units: Units) -> Iterator[tuple[str, ...]]:
    """Five posts in each commune and nine in each province; of every hundredth the holder leaves in two weeks."""
    number = 0
    for unit in units:
        roles = {Level.COMMUNE: OF_COMMUNES, Level.PROVINCE: (*OF_PROVINCES, *OF_COMMUNES)}.get(unit.level, ())
        for role in (*roles, *roles[:1]) if number < ROWS else ():
            number += 1
            ends = "2026-12-04" if number % 100 == 0 else ""
            yield (f"p{number}", role, unit.code, f"Nguyễn Văn {number}", "log sms", f"09{number:08d}", "2026-01-01",
                   ends, "22:00-06:00" if number % 3 else "")  # fmt: skip


def _csv(path: Path, rows: list[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEAD, *rows])
    path.chmod(0o600)


def _xlsx(path: Path, rows: list[tuple[str, ...]]) -> None:
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("Danh bạ")
    for number, row in enumerate([HEAD, *rows]):
        sheet.write_row(number, 0, row)
    book.close()
    path.chmod(0o600)


def _read(name: str, folder: Path, units: Units) -> People:
    document, _ = read(ROOT / "config.yaml", "config.yaml")
    assert document is not None
    file, _ = validate(SiteFile, document)
    assert file is not None
    around = Surroundings(Folders(folder, folder), {}, units, load_registry(), Findings(document))
    channels = build_channels(file, around)
    channels["sms"] = replace(channels["log"], id="sms", kind="esms")
    people = read_people(file.model_copy(update={"directory": name}), channels, around)
    if around.findings.problems:
        raise AssertionError(around.findings.problems[:3])
    return people


def _plans() -> tuple[Policy, ...]:
    """One plan of four steps for each kind of trouble at a commune, and one for all else."""
    steps = (
        StepSpec(0.0, ("commune_focal", "isp_duty"), ("sms",)),
        StepSpec(1800.0, ("commune_centre_head",), ("sms",)),
        StepSpec(7200.0, ("commune_chair", "dost_duty"), ("sms",)),
        StepSpec(14400.0, ("ppc_office",), ("sms",)),
    )
    alone = tuple(Policy(kind, frozenset({kind}), steps[:1], frozenset({Level.COMMUNE})) for kind in (Kind.SILENT,))
    return (*alone, *(Policy(kind, frozenset({kind}), steps) for kind in Kind))


def _called_once(units: Units, directory: Directory, calendar: Calendar) -> int:
    roles = sorted({role for policy in directory.policies for step in policy.steps for role in step.to})
    found = 0
    for unit in units:
        where = units.answering(unit.code)
        for role in roles:
            found += len(called(directory, role, where, NOW, calendar).people)
    return found
