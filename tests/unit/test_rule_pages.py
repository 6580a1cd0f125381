"""What docs/rules.md shows is what the program does."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner

from monitor.cli.main import main
from monitor.config.exceptions import with_exceptions
from monitor.config.rulebooks import load_rules
from monitor.model.unit import Level, Unit, Units
from monitor.ruletest import run_books
from tests.unit.test_ruletest import CALENDAR

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"```yaml\n# (rules/[a-z_]+\.yaml)\n(.*?)```", re.DOTALL)


def files_of(page: str, root: Path) -> list[str]:
    found = _BLOCK.findall((DOCS / page).read_text("utf-8"))
    (root / "rules").mkdir(parents=True, exist_ok=True)
    for name, text in found:
        (root / name).write_text(text, "utf-8")
    return [name for name, _ in found]


def test_every_example_of_the_rule_page_is_a_book_whose_tests_pass_and_reach_all_of_it(tmp_path):
    names = files_of("rules.md", tmp_path)
    assert len(names) == (DOCS / "rules.md").read_text("utf-8").count("```yaml")
    for book in (name for name in names if not name.endswith(("_test.yaml", "indicators.yaml", "exceptions.yaml"))):
        assert load_rules(tmp_path, [Path(book).stem])[1] == []
    targets, _ = load_rules(tmp_path, ["targets"])
    assert targets is not None
    units = Units((Unit("02143", Level.COMMUNE, "xa", "Xã Văn Lang", "Van Lang Commune", "Xa Van Lang"),))
    site, problems = with_exceptions(tmp_path, targets, units)
    assert problems == []
    report = run_books(tmp_path, CALENDAR, units, exemptions=site.exemptions)
    assert [line for result in report.results for line in result.failures] == []
    assert [str(part) for part, reached in report.parts.items() if not reached] == []
    assert (report.ok, report.share, report.failed) == (True, 100.0, 0) and report.passed >= 8


def test_the_tests_of_the_shipped_books_reach_every_band_condition_and_date():
    report = run_books(DOCS.parent, CALENDAR)
    assert [str(part) for part, reached in report.parts.items() if not reached] == []


def test_each_schema_that_the_command_offers_can_be_printed_and_knows_the_conditions():
    for name in ("config", "rules", "indicators"):
        said = CliRunner().invoke(main, ["schema", name])
        assert said.exit_code == 0, said.output
    assert '"WhenModel"' in CliRunner().invoke(main, ["schema", "rules"]).output
