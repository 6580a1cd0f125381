"""`denbao check`, `test` and `schema`: rules and config are code, and are checked like code."""

from __future__ import annotations

import os
from pathlib import Path

import click

from monitor.adapters.clock import SystemClock
from monitor.cli.output import echo_json
from monitor.cli.sites import json_option, open_site, site_argument
from monitor.config.build import check_site
from monitor.config.schema import json_schema
from monitor.ruletest.alarm import Office
from monitor.ruletest.report import Report
from monitor.ruletest.run import run_books


@click.command()
@site_argument
@json_option
def check(site: Path, as_json: bool) -> None:
    """Name every mistake of a SITE with file and line, exit 2 if there is any; and what is worth knowing."""
    problems = check_site(site.resolve(), os.environ, SystemClock().now())
    if as_json:
        rows = [
            {"file": p.file, "line": p.line, "what": p.what, "right": p.right, "warning": p.warning} for p in problems
        ]
        echo_json(rows)
    for problem in () if as_json else problems:
        click.echo(f"{problem} (warning)" if problem.warning else str(problem))
    if not all(problem.warning for problem in problems):
        raise SystemExit(2)
    if not as_json:
        loaded = open_site(site)
        criteria = sum(len(book.criteria) for book in loaded.ruleset.books)
        click.echo(
            f"fine: {len(loaded.units)} units, {len(loaded.probes)} probes, {len(loaded.feeds)} feeds, "
            f"{criteria} criteria in {len(loaded.ruleset.books)} books"
        )


@click.command()
@site_argument
@json_option
@click.option("--coverage", is_flag=True, help="Name the criteria that no test judged; exit 1 if there are any.")
@click.option(
    "--fail-under", type=click.FloatRange(0, 100), help="Exit 1 when fewer per cent of the parts are reached."
)
def test(site: Path, as_json: bool, coverage: bool, fail_under: float | None) -> None:
    """Run the rule tests of a SITE (rules/*_test.yaml); exit 1 if one fails."""
    loaded = open_site(site)
    office = Office(loaded.directory, loaded.sessions)
    report = run_books(site.resolve(), loaded.calendar, loaded.units, office, loaded.ruleset.exemptions)
    if as_json:
        echo_json(_as_json(report))
    else:
        _print(report, coverage)
    if not report.ok or (coverage and report.unreached) or report.share < (fail_under or 0):
        raise SystemExit(1)


def _as_json(report: Report) -> dict[str, object]:
    return {
        "passed": report.passed,
        "failed": report.failed,
        "problems": [str(problem) for problem in report.problems],
        "failures": [line for result in report.results for line in result.failures],
        "unreached": list(report.unreached),
        "coverage": round(report.share, 2),
        "unreached_parts": [str(part) for part, reached in report.parts.items() if not reached],
    }


def _print(report: Report, coverage: bool) -> None:
    for line in (*map(str, report.problems), *(line for result in report.results for line in result.failures)):
        click.echo(line)
    click.echo(f"{report.passed} rule tests passed, {report.failed} failed")
    if coverage:
        reached = len(report.coverage) - len(report.unreached)
        click.echo(f"{reached} of {len(report.coverage)} criteria were judged by a test")
        for criterion in report.unreached:
            click.echo(f"no test judges {criterion}")
        click.echo(f"{report.share:.1f} % of the bands, conditions and dates were reached by a test")
        for part in (part for part, reached in report.parts.items() if not reached):
            click.echo(str(part))


@click.command()
@click.argument("name", default="config", type=click.Choice(["config", "rules", "indicators"]))
def schema(name: str) -> None:
    """Print the JSON Schema of config.yaml, of a rule book or of the indicators, for editors."""
    echo_json(json_schema({"rules": "book"}.get(name, name)))
