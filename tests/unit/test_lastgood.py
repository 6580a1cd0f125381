from __future__ import annotations

import logging

import pytest

from monitor.config.lastgood import FOLDER, keep_rules, load_or_fall_back
from monitor.model.errors import ConfigError
from monitor.service.brokenrules import BrokenRules
from tests.unit.engine_scene import NOON, told
from tests.unit.sites import NOW, change, make_site
from tests.unit.test_broken_rule import BROKEN
from tests.unit.test_decide import first, policy, then

BOOK = "rules/service.yaml"


def break_book(site) -> None:
    (site / BOOK).write_text("book: service\ncriteria: [oops]\n", "utf-8")


def test_a_broken_book_at_a_start_is_named_and_the_last_good_ones_judge(tmp_path):
    site = make_site(tmp_path)
    good, mistakes = load_or_fall_back(site, {}, NOW)
    assert mistakes == ()
    keep_rules(site)
    break_book(site)
    loaded, mistakes = load_or_fall_back(site, {}, NOW)
    assert loaded.ruleset == good.ruleset
    assert mistakes and all(mistake.startswith(f"{BOOK}:") for mistake in mistakes)


def test_the_copy_left_by_a_crash_between_two_renames_is_still_found(tmp_path):
    site = make_site(tmp_path)
    keep_rules(site)
    (site / FOLDER).rename(site / f"{FOLDER}.old")
    break_book(site)
    assert load_or_fall_back(site, {}, NOW)[1]


def test_without_a_good_copy_or_with_a_broken_config_the_start_is_refused_with_all_problems(tmp_path):
    site = make_site(tmp_path)
    break_book(site)
    with pytest.raises(ConfigError):
        load_or_fall_back(site, {}, NOW)
    (site / BOOK).write_text((make_site(tmp_path / "other") / BOOK).read_text("utf-8"), "utf-8")
    keep_rules(site)
    break_book(site)
    change(site / "config.yaml", "listen:", "lissten:")
    with pytest.raises(ConfigError) as refused:
        load_or_fall_back(site, {}, NOW)
    assert {problem.partition(":")[0] for problem in refused.value.problems} == {"config.yaml", BOOK}


def test_a_new_copy_replaces_the_old_one_whole(tmp_path):
    site = make_site(tmp_path)
    keep_rules(site)
    (site / "rules/extra.yaml").write_text("x", "utf-8")
    keep_rules(site)
    (site / "rules/extra.yaml").unlink()
    assert (site / FOLDER / "rules/extra.yaml").exists()
    keep_rules(site)
    assert not (site / FOLDER / "rules/extra.yaml").exists()
    assert sorted(path.name for path in (site / "var").iterdir()) == ["last-good"]


def test_a_failing_rule_is_said_once_when_it_begins_and_once_when_it_ends_and_is_counted(caplog):
    rules = BrokenRules()
    caplog.set_level(logging.WARNING)
    broken = first("02143", told(90.0), rules=policy(BROKEN))
    rules.committed([broken])
    rules.committed([broken])
    assert rules.counts() == {"rate": 1}
    rules.committed([then(broken, told(91.0), rules=policy(), now=NOON)])
    assert rules.counts() == {"rate": 0}
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
