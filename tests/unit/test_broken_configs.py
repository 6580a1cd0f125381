"""One mistake each, and the exact sentence that the user reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.sites import DATA, break_site, make_site, problems_of

BROKEN = sorted((DATA / "broken").glob("*.yaml"))
_SIGN = "# expect: "


def expected(recipe: Path) -> list[str]:
    lines = recipe.read_text("utf-8").splitlines()
    return [line.removeprefix(_SIGN) for line in lines if line.startswith(_SIGN)]


def test_the_good_site_has_no_problems(tmp_path):
    assert problems_of(make_site(tmp_path)) == []


@pytest.mark.parametrize("recipe", BROKEN, ids=lambda recipe: recipe.stem)
def test_each_mistake_is_named_in_the_expected_words(recipe, tmp_path):
    environ = break_site(tmp_path, recipe)
    assert problems_of(tmp_path, environ) == expected(recipe)


def test_there_are_at_least_thirty_mistakes_and_each_says_what_to_expect():
    assert len(BROKEN) >= 30
    assert [recipe.name for recipe in BROKEN if not expected(recipe)] == []
