"""Broken rules on disk never keep the service from starting: the last good ones judge, and every mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config.build import load_site
from monitor.config.lastgood import KEPT, keep_rules, with_last_good_rules
from monitor.config.spec import Site
from monitor.model.errors import ConfigError
from tests.unit.sites import NOW, change, make_site

BOOK = "rules/service.yaml"


def load(root: Path) -> Site:
    return load_site(root, environ={}, now=NOW)


def problems(root: Path) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as broken:
        load(root)
    return broken.value.problems


def rescued(root: Path) -> Site | None:
    return with_last_good_rules(root, problems(root), environ={}, now=NOW)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A good site whose rules were remembered."""
    keep_rules(load(make_site(tmp_path)))
    return tmp_path


def spoil(root: Path) -> None:
    book = root / BOOK
    book.write_text(book.read_text("utf-8").replace("bands:", "bonds:", 1), "utf-8")


def test_the_last_good_rules_judge_in_their_own_version_and_carry_the_mistakes(kept):
    good = load(kept)
    spoil(kept)
    site = rescued(kept)
    assert site is not None
    assert (site.ruleset, site.version, site.root) == (good.ruleset, good.version, kept)
    assert site.problems == problems(kept) and site.problems[0].startswith(f"{BOOK}:")


def test_a_book_that_is_gone_or_no_yaml_at_all_is_replaced_as_well(kept):
    (kept / BOOK).write_text("[" * 10, "utf-8")
    assert rescued(kept) is not None
    (kept / BOOK).unlink()
    assert rescued(kept) is not None


def test_a_mistake_in_config_yaml_is_not_covered_up(kept):
    spoil(kept)
    change(kept / "config.yaml", "\nunits:", "\nunitz:")
    assert rescued(kept) is None


def test_rules_that_the_config_no_longer_fits_do_not_help(kept):
    config = kept / "config.yaml"
    config.write_text(config.read_text("utf-8").replace("rules: [service", "rules: [newer, service"), "utf-8")
    assert "newer" in " ".join(problems(kept))
    assert rescued(kept) is None


def test_without_anything_remembered_there_is_nothing_to_judge_by(tmp_path):
    make_site(tmp_path)
    spoil(tmp_path)
    assert rescued(tmp_path) is None


def test_a_site_that_runs_on_remembered_rules_does_not_remember_the_broken_ones(kept):
    remembered = (kept / KEPT / BOOK).read_bytes()
    spoil(kept)
    site = rescued(kept)
    assert site is not None
    keep_rules(site)
    assert (kept / KEPT / BOOK).read_bytes() == remembered


def test_a_kill_between_the_two_renames_leaves_the_older_copy_in_use(kept):
    spoil(kept)
    (kept / KEPT).rename(kept / KEPT.with_suffix(".old"))
    assert rescued(kept) is not None


def test_newer_good_rules_take_the_place_of_the_older_ones(kept):
    book = kept / BOOK
    book.write_text(book.read_text("utf-8") + "\n# newer\n", "utf-8")
    keep_rules(load(kept))
    assert (kept / KEPT / BOOK).read_text("utf-8").endswith("# newer\n")
    assert sorted(path.name for path in (kept / KEPT).parent.iterdir()) == [KEPT.name]


def test_a_folder_that_cannot_be_written_keeps_nothing_and_breaks_nothing(tmp_path):
    site = load(make_site(tmp_path))
    (tmp_path / "var").write_text("a file where a folder should be", "utf-8")
    keep_rules(site)
    assert (tmp_path / "var").is_file()
