"""Finds exporters by name: a site's own `exporters/<name>.py`, loaded like ours, through monitor.api."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from monitor.api import Exporter, ExporterContext
from monitor.model.errors import ConfigError


def load_exporters(folder: Path, names: Sequence[str], context: ExporterContext) -> dict[str, Exporter]:
    """One exporter per name. Raises ConfigError naming every file that is missing or has no `create(context)`."""
    loaded: dict[str, Exporter] = {}
    problems: list[str] = []
    for name in names:
        path = folder / f"{name}.py"
        try:
            loaded[name] = _load(path, name, context)
        except Exception as broken:  # whatever a site's own file does, it is named, not a traceback
            problems.append(f"exporters/{name}.py: cannot be used ({broken}); it needs a function create(context)")
    if problems:
        raise ConfigError(tuple(problems))
    return loaded


def _load(path: Path, name: str, context: ExporterContext) -> Exporter:
    spec = importlib.util.spec_from_file_location(f"denbao_exporter_{name}", path)
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    exporter: Exporter = module.create(context)
    return exporter
