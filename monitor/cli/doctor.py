"""`denbao doctor`: whether this machine and a site's folder can run the service.

Heavy modules are imported only when all packages are known to be there: a missing one is what this command must say.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import click

from monitor.cli.output import echo_json
from monitor.service.fitness import Facts, Finding, Package, examine, fit

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_LOCK = Path(__file__).resolve().parents[2] / "uv.lock"  # of a checkout; a wheel has none


@click.command()
@click.argument("site", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path())
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
def doctor(site: Path, as_json: bool) -> None:
    """Say whether this machine and the folder of a SITE can run the service; exit 1 when something is bad."""
    facts = Facts(python=sys.version_info[:3], packages=needed())
    if all(one.version and not one.broken for one in facts.packages):
        from monitor.service.survey import survey

        facts = survey(site.resolve(), os.environ, facts)
    findings = examine(facts)
    show(findings, as_json)
    if not fit(findings):
        raise SystemExit(1)


def show(findings: tuple[Finding, ...], as_json: bool) -> None:
    """Print one line for each finding, or all of them as JSON."""
    if as_json:
        echo_json({"fit": fit(findings), "checks": [asdict(one) for one in findings]})
        return
    for one in findings:
        click.echo(f"{one.grade:<8} {one.check:<9} {one.found}" + (f"; {one.right}" if one.right else ""))


def needed() -> tuple[Package, ...]:
    """The packages that denbao asks for, each imported."""
    locked = _locked(_LOCK)
    modules: dict[str, list[str]] = {}
    for module, owners in metadata.packages_distributions().items():
        for owner in owners:
            modules.setdefault(_normal(owner), []).append(module)
    asked = [line for line in metadata.requires("denbao") or () if "extra ==" not in line]
    names = [match[0] for match in map(_NAME.match, asked) if match]
    return tuple(_package(name, locked, modules.get(_normal(name), [])) for name in names)


def _package(name: str, locked: Mapping[str, frozenset[str]], modules: Sequence[str]) -> Package:
    wanted = locked.get(_normal(name), frozenset())
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Package(name)
    # Some wheels bring folders that are no modules of theirs, as `tmp`.
    own = [one for one in sorted(modules) if not one.startswith("_") and importlib.util.find_spec(one) is not None]
    meant = version if version in wanted else " or ".join(sorted(wanted))
    try:
        for module in own or [name.replace("-", "_")]:
            importlib.import_module(module)
    except Exception as broken:  # a library built for another machine may raise anything
        return Package(name, version, meant, f"cannot be imported: {broken}")
    return Package(name, version, meant)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _locked(lock: Path) -> Mapping[str, frozenset[str]]:
    """Versions by name, several where that depends on Python's; empty where there is no lock file."""
    try:
        found = tomllib.loads(lock.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    versions: dict[str, frozenset[str]] = {}
    for one in found.get("package", ()):
        name = _normal(one["name"])
        versions[name] = versions.get(name, frozenset()) | {one.get("version", "")}
    return versions
