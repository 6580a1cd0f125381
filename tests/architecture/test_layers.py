"""The layers are held by import-linter; these tests run it and prove that it would notice."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PURE = ("monitor/model", "monitor/engine", "monitor/alerting", "monitor/reporting", "monitor/decide")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter with the project's contracts over the `monitor` package in `folder`."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    return subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, timeout=120)


def modules_imported_by(file: Path) -> Iterator[str]:
    """Yield the dotted name of everything `file` imports, at any depth of its code."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide which layer they reach"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_layer_imports_only_layers_below_it():
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("home", "line", "contract"),
    [
        ("model", "import monitor.engine", "siblings do not import each other"),
        ("engine", "import monitor.alerting", "siblings do not import each other"),
        ("engine", "import monitor.ports", "siblings do not import each other"),
        ("engine", "import time", "touches no clock"),
        ("model", "import asyncio", "touches no clock"),
        ("alerting", "def late():\n    import sqlalchemy", "touches no clock"),
    ],
)
def test_a_wrong_import_is_noticed(tmp_path, home, line, contract):
    shutil.copytree(ROOT / "monitor", tmp_path / "monitor", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "monitor" / home / "planted.py").write_text(f'"""Planted."""\n{line}\n')
    result = lint_imports(tmp_path)
    assert result.returncode == 1
    assert "monitor." + home + ".planted" in result.stdout
    assert contract in result.stdout.partition("Broken contracts")[2]


def test_a_package_without_a_layer_is_noticed(tmp_path):
    shutil.copytree(ROOT / "monitor", tmp_path / "monitor", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "monitor" / "utils.py").write_text('"""Planted."""\n')
    result = lint_imports(tmp_path)
    assert result.returncode == 1
    assert "monitor.utils" in result.stdout


def test_every_part_that_decides_is_named_in_the_pure_contract():
    contract = (ROOT / "pyproject.toml").read_text().partition('id = "pure"')[2].partition("forbidden_modules")[0]
    for part in PURE:
        if (ROOT / part).exists():
            assert f'"{part.removesuffix(".py").replace("/", ".")}"' in contract


def test_every_folder_of_code_is_a_package_or_the_linter_would_not_see_it():
    folders = {file.parent for file in (ROOT / "monitor").rglob("*.py")}
    folders = {folder for folder in folders if "migrations" not in folder.parts}  # alembic runs these as files
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_the_model_imports_the_standard_library_only():
    for file in (ROOT / "monitor" / "model").rglob("*.py"):
        for name in modules_imported_by(file):
            assert name.startswith("monitor.model.") or name.partition(".")[0] in sys.stdlib_module_names, (file, name)


def test_exporters_know_the_public_api_and_nothing_else_of_the_monitor():
    for file in (ROOT / "exporters").rglob("*.py"):
        for name in modules_imported_by(file):
            if name.partition(".")[0] == "monitor":
                assert name == "monitor.api" or name.startswith("monitor.api."), (file, name)
