"""What a run of rule tests found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.config.problems import Problem
from monitor.engine.book import Where
from monitor.model.colour import Colour
from monitor.ruletest.coverage import Part


@dataclass(frozen=True, slots=True)
class Result:
    """One test. `failures` are sentences beginning with file:line; empty: it passed."""

    book: str
    name: str
    where: Where
    failures: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """True when everything expected was seen."""
        return not self.failures


@dataclass(frozen=True, slots=True)
class Report:
    """All tests of a run. `coverage` holds every criterion of the tested books and the colours that tests saw it in."""

    results: tuple[Result, ...] = ()
    problems: tuple[Problem, ...] = ()  # of files that could not be used
    coverage: Mapping[str, frozenset[Colour]] = field(default_factory=dict)
    parts: Mapping[Part, bool] = field(default_factory=dict)  # bands, conditions and dates: whether a test reached it

    @property
    def passed(self) -> int:
        """How many tests passed."""
        return sum(result.passed for result in self.results)

    @property
    def failed(self) -> int:
        """How many tests did not."""
        return len(self.results) - self.passed

    @property
    def ok(self) -> bool:
        """True when every file could be used and every test passed."""
        return not self.problems and not self.failed

    @property
    def unreached(self) -> tuple[str, ...]:
        """Criteria that no test judged, in the order of the books."""
        return tuple(criterion for criterion, colours in self.coverage.items() if not colours)

    @property
    def share(self) -> float:
        """Per cent of the parts that tests reached."""
        return 100.0 * sum(self.parts.values()) / len(self.parts) if self.parts else 100.0

    def joined(self, other: Report) -> Report:
        """Both runs as one."""
        coverage = {key: self.coverage.get(key, frozenset()) for key in (*self.coverage, *other.coverage)}
        coverage |= {key: coverage[key] | colours for key, colours in other.coverage.items()}
        return Report(
            (*self.results, *other.results), (*self.problems, *other.problems), coverage, {**self.parts, **other.parts}
        )
