"""Finding a site, loading it, naming a unit or an instant of it, and copying a fresh one out."""

from __future__ import annotations

import os
import shutil
from datetime import datetime
from pathlib import Path

import click

from monitor.adapters.clock import SystemClock
from monitor.config.build import CONFIG, load_site
from monitor.config.lastgood import with_last_good_rules
from monitor.config.spec import Site
from monitor.model.errors import ConfigError, NotFound
from monitor.model.hours import read_instant
from monitor.model.nearest import nearest
from monitor.model.unit import Unit

PACKAGE = Path(__file__).resolve().parent.parent
CONTENT = (CONFIG, "rules", "exporters", "grafana")
_MADE_FROM = {"grafana": ("*.py", "boards")}  # the code of what is copied, for a checkout only

site_argument = click.argument(
    "site", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path()
)
site_option = click.option(
    "--site",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Folder with config.yaml; the current one by default.",
)
PORT = click.IntRange(0, 65535)  # 0: any that is free

json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")


def open_site(folder: Path) -> Site:
    """The site of a folder; prints every problem and exits 2 when it cannot be used."""
    try:
        return load_site(folder.resolve(), environ=os.environ, now=SystemClock().now())
    except ConfigError as broken:
        for problem in broken.problems:
            click.echo(problem, err=True)
        raise SystemExit(2) from None


def open_running_site(folder: Path) -> Site:
    """The site of a folder for a service that must start: broken rules are replaced by the last good ones.

    Prints every problem either way; exits 2 where config.yaml itself is broken or no good rules are remembered.
    """
    root, environ, now = folder.resolve(), os.environ, SystemClock().now()
    try:
        return load_site(root, environ=environ, now=now)
    except ConfigError as broken:
        for problem in broken.problems:
            click.echo(problem, err=True)
        site = with_last_good_rules(root, broken.problems, environ=environ, now=now)
    if site is None:
        raise SystemExit(2)
    click.echo(f"the rules on disk are broken: the last good ones judge, version {site.version}", err=True)
    return site


def unit_of(site: Site, code: str) -> Unit:
    """The unit of a code as typed; wrong use when the site has none."""
    try:
        return site.units[code]
    except NotFound as unknown:
        hint = nearest(code, (unit.code for unit in site.units))
        raise click.UsageError(f"{unknown}; {hint}" if hint else str(unknown)) from None


def instant(text: str, site: Site) -> datetime:
    """An instant as typed, in the site's time zone if it names none; wrong use when it is none."""
    try:
        return read_instant(text, site.zone)
    except ValueError as unclear:
        raise click.UsageError(str(unclear)) from None


def bundled() -> Path:
    """The site that comes with denbao: inside an installed wheel, or the root of a checkout."""
    inside = PACKAGE / "_site"
    return inside if inside.is_dir() else PACKAGE.parent


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Copy a fresh site into FOLDER, which must be empty or new."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise click.UsageError(f"{folder}: a file stands there or above; name a folder") from None
    if any(folder.iterdir()):
        raise click.UsageError(f"{folder} is not empty")
    for name in CONTENT:
        source = bundled() / name
        if source.is_dir():
            left_out = ("__pycache__", ".gitkeep", *_MADE_FROM.get(name, ()))
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns(*left_out))
        else:
            shutil.copy2(source, folder / name)
    click.echo(f"A site stands in {folder}. Next: denbao check {folder}; denbao run {folder}")
