"""Small sites for tests of the config layer: the good one of tests/data/good, with pieces of text replaced."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from monitor.config.build import check_site
from monitor.config.yaml import read

DATA = Path(__file__).parent.parent / "data"
NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)


def make_site(folder: Path, replace: str = "", by: str = "", name: str = "config.yaml") -> Path:
    """A copy of the good site in which one piece of text, there exactly once, is replaced."""
    shutil.copytree(DATA / "good", folder, dirs_exist_ok=True)
    if replace:
        change(folder / name, replace, by)
    return folder


def change(path: Path, replace: str, by: str) -> None:
    """Replace a piece of text that is there exactly once."""
    text = path.read_text("utf-8")
    assert text.count(replace) == 1, f"{text.count(replace)} times in {path.name}: {replace!r}"
    path.write_text(text.replace(replace, by), "utf-8")


def problems_of(site: Path, environ: Mapping[str, str] | None = None) -> list[str]:
    """The sentences of `denbao check`."""
    return [str(problem) for problem in check_site(site, environ or {}, NOW)]


def break_site(folder: Path, recipe: Path) -> dict[str, str]:
    """Make the good site with the mistake that a file of tests/data/broken describes; returns its environment."""
    document, problems = read(recipe, recipe.name)
    assert document is not None, problems
    make_site(folder)
    for name, text in document.data.get("files", {}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    for step in document.data.get("changes", []):
        change(folder / step.get("file", "config.yaml"), step["replace"], step["by"])
    environ: dict[str, str] = document.data.get("environ", {})
    return environ
