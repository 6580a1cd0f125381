"""Finds exporters by name, a site's own `exporters/<name>.py` like ours, and keeps what they do wrong to themselves.

One that raises is unloaded until the next start or reload: it is called no more, its page says that it is gone, and the
board, the log and a metric name it. Nothing else stops or waits for it.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.registry import Collector

from monitor.api import Collected, Exporter, ExporterContext, Snapshot, UnitState
from monitor.ports import Clock, Complaining, Page, Preparing
from monitor.service.instruments import collected as family

log = logging.getLogger(__name__)


class Unloaded(Exception):
    """The page of an exporter that was unloaded was asked for."""


class Guarded:
    """An exporter that cannot harm anybody. Implements Exporter; only `page` raises, and only Unloaded."""

    def __init__(self, name: str, exporter: Exporter | None, broken: str = "") -> None:
        self.name = name
        self.path = "" if exporter is None else exporter.path  # empty: it has no page, for it never was loaded
        self.broken = broken  # why it is unloaded; empty while it works
        self._exporter = exporter
        self._told: frozenset[str] = frozenset()

    def start(self, snapshot: Snapshot) -> None:
        """Called once, before the first page."""
        if self._exporter is not None:
            try:
                self._exporter.start(snapshot)
            except Exception as broken:
                self._unload(broken)

    def changed(self, states: Sequence[UnitState]) -> None:
        """Called after every commit."""
        if self._exporter is not None:
            try:
                self._exporter.changed(states)
            except Exception as broken:
                self._unload(broken)

    def polled(self, collected: Collected) -> None:
        """Called after every poll of a source."""
        if self._exporter is not None:
            try:
                self._exporter.polled(collected)
            except Exception as broken:
                self._unload(broken)

    async def run(self, clock: Clock) -> None:
        """Let it prepare its next page, each second; ends when it is unloaded, and at once if it does not prepare."""
        while self._preparing() is not None:
            await clock.sleep(1.0)
            await self.prepare()

    async def prepare(self) -> None:
        """Called each second."""
        asked = self._preparing()
        if asked is not None:
            try:
                await asked.prepare()
            except Exception as broken:
                self._unload(broken)

    async def page(self, accept: str, accept_encoding: str) -> Page:
        """Its page. Raises Unloaded."""
        if self._exporter is None:
            raise Unloaded(self.name)
        try:
            page = await self._exporter.page(accept, accept_encoding)
        except Exception as broken:
            self._unload(broken)
            raise Unloaded(self.name) from None
        self._tell()
        return page

    def sentences(self) -> tuple[str, ...]:
        """What the operator must know of it; empty when all is well."""
        if self.broken:
            return (f"exporters/{self.name}.py: unloaded until the next reload: {self.broken}",)
        asked: object = self._exporter  # it may be both an Exporter and Complaining, or not
        try:
            return tuple(asked.problems()) if isinstance(asked, Complaining) else ()
        except Exception as broken:
            self._unload(broken)
            return self.sentences()

    def refuse(self, why: str) -> None:
        """Unload it: its page cannot be shown."""
        log.error("exporters/%s.py is unloaded: %s", self.name, why)
        self.broken, self._exporter, self.path = why, None, ""

    def _preparing(self) -> Preparing | None:
        asked: object = self._exporter  # it may be both an Exporter and Preparing, or not
        return asked if isinstance(asked, Preparing) else None

    def _tell(self) -> None:
        """In the log what began and what is over, and nothing in between."""
        now = frozenset(self.sentences())
        for problem in sorted(now - self._told):
            log.error("%s", problem)
        for problem in sorted(self._told - now):
            log.warning("over: %s", problem)
        self._told = now

    def _unload(self, broken: Exception) -> None:
        log.error("exporters/%s.py raised and is unloaded", self.name, exc_info=broken)
        self.broken = f"{type(broken).__name__}: {broken}"
        self._exporter = None


class Exporters(Collector):
    """All exporters of a service by name, what is wrong with them, and a metric of it."""

    def __init__(self, exporters: Mapping[str, Exporter]) -> None:
        self.by_name = {
            name: exporter if isinstance(exporter, Guarded) else Guarded(name, exporter)
            for name, exporter in exporters.items()
        }

    def sentences(self) -> tuple[str, ...]:
        """One for each problem."""
        return tuple(sentence for exporter in self.by_name.values() for sentence in exporter.sentences())

    def collect(self) -> Iterable[Metric]:
        """Called by the registry when the page is made."""
        loaded = family("denbao_exporter_loaded")
        for name, exporter in sorted(self.by_name.items()):
            loaded.add_metric((name,), not exporter.broken)
        return (loaded,)


def load_exporters(folder: Path, names: Sequence[str], context: ExporterContext) -> dict[str, Exporter]:
    """One exporter per name. One that cannot be loaded is there as well, unloaded and with the reason."""
    return {name: _loaded(folder, name, context) for name in names}


def _loaded(folder: Path, name: str, context: ExporterContext) -> Guarded:
    try:
        return Guarded(name, _made(folder / f"{name}.py", name, context))
    except Exception as broken:  # whatever a site's own file does, it is named and stops nothing
        log.error("exporters/%s.py cannot be loaded", name, exc_info=broken)
        why = f"it cannot be loaded ({type(broken).__name__}: {broken}); it needs a function create(context)"
        return Guarded(name, None, why)


def _made(path: Path, name: str, context: ExporterContext) -> Exporter:
    spec = importlib.util.spec_from_file_location(f"denbao_exporter_{name}", path)
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    exporter: Exporter = module.create(context)
    if not exporter.path.startswith("/"):
        raise ValueError(f"its path is {exporter.path!r}, and would be right with a slash in front")
    return exporter
