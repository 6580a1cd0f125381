"""Whatever breaks while a changed site is read and built, the service that runs is told and goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from monitor.cli import run
from monitor.model.errors import ConfigError, StoreError
from tests.unit.sites import NOW, make_site


@dataclass
class Running:
    """As much of a running service as a reload sees."""

    site: SimpleNamespace
    clock: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(now=lambda: NOW))
    problems: tuple[str, ...] = ()

    def refuse(self, problems: tuple[str, ...]) -> None:
        self.problems = problems


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (ConfigError(("config.yaml:1: one", "config.yaml:2: two")), ("config.yaml:1: one", "config.yaml:2: two")),
        (StoreError("another process has the store"), ("another process has the store",)),
        (PermissionError(13, "Permission denied"), ("cannot listen or open a file: [Errno 13] Permission denied",)),
        (ZeroDivisionError("division by zero"), ("ZeroDivisionError: division by zero",)),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_keeps_a_new_site_from_being_built_is_named_by_the_old_one(
    broken: Exception, sentence: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(_site: object) -> None:
        raise broken

    monkeypatch.setattr(run, "build_service", build)
    service = Running(SimpleNamespace(root=make_site(tmp_path)))
    assert await run._reloaded(service) is None  # type: ignore[arg-type]
    assert service.problems == sentence
