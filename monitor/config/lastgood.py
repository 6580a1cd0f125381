"""The last good rules of a site, remembered under `var/`, so that a mistake in a rule book never stops the service."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from monitor.config.build import load_site
from monitor.config.spec import Site
from monitor.model.errors import ConfigError

RULES = "rules"
KEPT = Path("var/last-good")  # a folder that holds a copy of `rules/`


def keep_rules(site: Site) -> None:
    """Remember the rules of a site that can be used; nothing is kept of one that runs on remembered rules itself.

    The copy is made beside the old one and takes its place by renaming: a kill in between leaves one of the two, or
    none, never half of one. A folder that may not be written keeps nothing, and the service goes on.
    """
    if site.problems:
        return
    kept, fresh, old = (site.root / KEPT.with_suffix(suffix) for suffix in ("", ".new", ".old"))
    try:
        _forget(fresh, old)
        shutil.copytree(site.root / RULES, fresh / RULES, ignore=shutil.ignore_patterns("__pycache__"))
        if kept.exists():
            kept.rename(old)
        fresh.rename(kept)
        _forget(old)
    except OSError:
        _forget(fresh)


def with_last_good_rules(
    root: Path, problems: Sequence[str], *, environ: Mapping[str, str], now: datetime
) -> Site | None:
    """The site with its remembered rules, `problems` written on it; None where that would not help.

    It helps only when every mistake lies in the rules, and when config.yaml fits the remembered ones.
    """
    if not problems or not all(problem.startswith(f"{RULES}/") for problem in problems):
        return None
    for kept in (root / KEPT, root / KEPT.with_suffix(".old")):
        try:
            return replace(load_site(root, environ=environ, now=now, content=kept), problems=tuple(problems))
        except ConfigError:
            continue
    return None


def _forget(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
