"""A copy of the rule books that were judged by last, so that a mistake in a book never stops the next start."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from monitor.config.build import load_site
from monitor.config.spec import Site
from monitor.model.errors import ConfigError

FOLDER = Path("var/last-good")  # beside the store; holds `rules/` as it was


def keep_rules(root: Path) -> None:
    """Copy `rules/` of a site that was just loaded well; the copy before stays until the new one is whole."""
    place, fresh, old = root / FOLDER, root / f"{FOLDER}.new", root / f"{FOLDER}.old"
    place.parent.mkdir(parents=True, exist_ok=True)
    for left in (fresh, old):
        shutil.rmtree(left, ignore_errors=True)
    shutil.copytree(root / "rules", fresh / "rules")
    if place.exists():
        os.replace(place, old)
    os.replace(fresh, place)
    shutil.rmtree(old, ignore_errors=True)


def load_or_fall_back(root: Path, environ: Mapping[str, str], now: datetime) -> tuple[Site, tuple[str, ...]]:
    """The site, and every mistake of the rules on disk where the last good ones had to be taken.

    Raises ConfigError with all problems when config.yaml is wrong as well, or when there is no good copy.
    """
    try:
        return load_site(root, environ=environ, now=now), ()
    except ConfigError as broken:
        kept = next((place for place in (root / FOLDER, root / f"{FOLDER}.old") if (place / "rules").is_dir()), None)
        if kept is None or not all(problem.startswith("rules/") for problem in broken.problems):
            raise
        try:
            return load_site(root, environ=environ, now=now, rules_root=kept), broken.problems
        except ConfigError:
            raise broken from None
