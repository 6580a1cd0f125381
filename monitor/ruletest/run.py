"""Running rule tests: read the files, walk each test through time, compare what is seen with what is expected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.config.problems import Location, Problem
from monitor.config.rulebooks import load_rules
from monitor.config.yaml import Document, read, validate
from monitor.engine import reasons
from monitor.engine.book import Book, Exemption, Ruleset, Where
from monitor.model.colour import Colour
from monitor.model.hours import Calendar
from monitor.model.nearest import nearest
from monitor.model.reading import Comparator, Reading
from monitor.model.unit import Level, Unit, Units
from monitor.model.verdict import CriterionState
from monitor.ruletest.alarm import Office, alarm
from monitor.ruletest.children import counts_of
from monitor.ruletest.compare import differences
from monitor.ruletest.coverage import Part, parts, reached
from monitor.ruletest.models import Given, TestFileModel, TestModel, instant, series_values
from monitor.ruletest.report import Report, Result
from monitor.ruletest.timeline import Timeline

SUFFIX = "_test.yaml"


def run_tests(
    site_root: Path,
    ruleset: Ruleset,
    calendar: Calendar,
    units: Units | None = None,
    office: Office | None = None,
    exemptions: tuple[Exemption, ...] = (),
) -> Report:
    """Run `rules/<book>_test.yaml` of every book of the ruleset; a book without one only shows in the coverage.

    Each book is tested by itself, with its own standing rule. `units` lets a test name a unit of the site by its code,
    `office` lets it ask who would be told there; without it one post hears of everything. `exemptions` is its
    register of other dates.
    """
    report = Report()
    for book in ruleset.books:
        alone = Ruleset(ruleset.indicators, (book,), book.standing, exemptions)
        report = report.joined(_run_book(site_root, book, alone, calendar, units, office))
    return report


def run_books(
    site_root: Path,
    calendar: Calendar,
    units: Units | None = None,
    office: Office | None = None,
    exemptions: tuple[Exemption, ...] = (),
) -> Report:
    """Run the tests of every book that lies in the site's `rules/`, active or not."""
    report = Report()
    for path in sorted((site_root / "rules").glob(f"*{SUFFIX}")):
        ruleset, problems = load_rules(site_root, [path.name.removesuffix(SUFFIX)])
        found = Report(problems=tuple(problems))
        report = report.joined(
            found if ruleset is None else run_tests(site_root, ruleset, calendar, units, office, exemptions)
        )
    return report


def _run_book(
    root: Path, book: Book, ruleset: Ruleset, calendar: Calendar, units: Units | None, office: Office | None
) -> Report:
    coverage: dict[str, frozenset[Colour]] = {criterion.id: frozenset() for criterion in book.criteria}
    name = f"rules/{book.id}{SUFFIX}"
    if not (root / name).exists():
        return Report(coverage=coverage, parts=_measured(book, set()))
    document, problems = read(root / name, name)
    if document is None or problems:
        return Report(problems=tuple(problems), coverage=coverage, parts=_measured(book, set()))
    model, problems = validate(TestFileModel, document)
    if model is None:
        return Report(problems=tuple(problems), coverage=coverage, parts=_measured(book, set()))
    seen: set[tuple[str, str, str]] = set()
    bench = _Bench(document, ruleset, calendar, units, coverage, seen, office)
    results, refused = [], list(bench.wrong_book(model.book, book.id))
    for number, test in enumerate(model.tests):
        unit, mistakes = bench.prepare(test, ("tests", number))
        refused += mistakes
        if unit is not None and not mistakes:
            results.append(bench.run(test, unit, ("tests", number), book.id))
    return Report(tuple(results), tuple(refused), coverage, _measured(book, seen))


def _measured(book: Book, seen: set[tuple[str, str, str]]) -> dict[Part, bool]:
    return {
        part: (criterion.id, *key) in seen
        for criterion in book.criteria
        for key, part in parts(criterion, book).items()
    }


@dataclass(slots=True)
class _Bench:
    """Everything the tests of one file share."""

    document: Document
    ruleset: Ruleset
    calendar: Calendar
    units: Units | None
    coverage: dict[str, frozenset[Colour]]
    seen: set[tuple[str, str, str]]  # criterion, code and parameter of every reason that a test saw
    office: Office | None = None

    def wrong_book(self, named: str, asked: str) -> Iterator[Problem]:
        if named != asked:
            yield self.document.problem(("book",), f"the tests are for '{named}'", f"their file asks for '{asked}'")

    def prepare(self, test: TestModel, at: Location) -> tuple[Unit | None, list[Problem]]:
        """The unit to judge, and what makes the test impossible."""
        problems = list(self._unknown_names(test, at))
        unit = self._unit(test)
        if unit is None:
            right = "write a level, a code of the site, or {level: ..., code: ...}"
            problems.append(self.document.problem((*at, "unit"), f"there is no unit '{test.unit}'", right))
        return unit, problems

    def _unknown_names(self, test: TestModel, at: Location) -> Iterator[Problem]:
        if test.criterion is not None and test.criterion not in self.coverage:
            what = f"the book has no criterion '{test.criterion}'"
            yield self.document.problem((*at, "criterion"), what, nearest(test.criterion, self.coverage))
            return
        for number, given in enumerate(test.given):
            yield from self._unknown_indicator(test, given.indicator, (*at, "given", number))
        for number, series in enumerate(test.series):
            yield from self._unknown_indicator(test, series.indicator, (*at, "series", number))
        for number, seen in enumerate(test.expect):
            if seen.given is not None:
                yield from self._unknown_indicator(test, None, (*at, "expect", number, "given"))

    def _unknown_indicator(self, test: TestModel, named: str | None, at: Location) -> Iterator[Problem]:
        if named is None and self._own_indicator(test) is None:
            yield self.document.problem(at, "the reading names no indicator", "add 'indicator'")
        elif named is not None and named not in self.ruleset.indicators:
            right = nearest(named, self.ruleset.indicators)
            yield self.document.problem(at, f"there is no indicator '{named}'", right)

    def _own_indicator(self, test: TestModel) -> str | None:
        """Indicator whose readings the tested criterion judges."""
        criterion = self.ruleset.criterion(test.criterion) if test.criterion else None
        if criterion is None or criterion.indicator is None:
            return None
        return self.ruleset.indicators[criterion.indicator].evidence

    def _unit(self, test: TestModel) -> Unit | None:
        made = test.unit
        if isinstance(made, str):
            if made in tuple(Level):
                return Unit(f"made-{made}", Level(made), "made", made, made, made)
            return self.units[made] if self.units is not None and made in self.units else None
        level = Level(made.level)
        return Unit(made.code, level, made.kind, made.code, made.code, made.code, province=made.province)

    def run(self, test: TestModel, unit: Unit, at: Location, book: str) -> Result:
        """Walk through the test's instants in the order of time."""
        counts = counts_of(test.children) if test.children else None
        line = Timeline(unit, self.ruleset, self.calendar, counts, told=test.children)
        if test.tells:
            line.alarm = alarm(unit, self.ruleset, self.calendar, self.units, self.office)
        dated = [(self._utc(given.as_of), given) for given in test.given if given.as_of is not None]
        dated += self._series(test)
        dated.sort(key=lambda pair: pair[0])
        failures: list[str] = []
        for number in sorted(range(len(test.expect)), key=lambda n: self._utc(test.expect[n].at)):
            seen, now = test.expect[number], self._utc(test.expect[number].at)
            while dated and dated[0][0] <= now:
                as_of, given = dated.pop(0)
                line.advance(as_of, [self._reading(test, unit, given, as_of)])
            fresh = [given for given in test.given if given.as_of is None]
            fresh += [] if seen.given is None else [Given(value=seen.given)]
            line.advance(now, [self._reading(test, unit, given, now) for given in fresh])
            self._cover(test, line)
            where = self._where((*at, "expect", number))
            found = differences(test, seen, line, self._utc)
            failures += (f"{where}: {test.name}: at {seen.at} {difference}" for difference in found)
        return Result(book, test.name, self._where(at), tuple(failures))

    def _series(self, test: TestModel) -> Iterator[tuple[datetime, Given]]:
        for series in test.series:
            start, every = self._utc(series.start), timedelta(seconds=series.every)
            for number, value in enumerate(series_values(series.values)):
                if value is not None:
                    yield start + number * every, Given(value=value, indicator=series.indicator)

    def _reading(self, test: TestModel, unit: Unit, given: Given, as_of: datetime) -> Reading:
        return Reading(
            unit=unit.code,
            indicator=given.indicator or self._own_indicator(test) or "",
            value=given.value,
            as_of=as_of,
            received_at=as_of,
            source=given.source,
            comparator=Comparator(given.comparator),
            numerator=given.numerator,
            denominator=given.denominator,
        )

    def _cover(self, test: TestModel, line: Timeline) -> None:
        """A test of one criterion reaches that one; a test of a unit reaches all that made its colour."""
        for criterion, state in line.criteria.items():
            if (state.colour.known or _scored(state)) and test.criterion in (None, criterion):
                self.coverage[criterion] |= {state.colour}
            if test.criterion in (None, criterion):
                self.seen.update((criterion, *key) for key in reached(state))

    def _where(self, at: Location) -> Where:
        return Where(self.document.name, self.document.line(at))

    def _utc(self, text: str) -> datetime:
        at = instant(text)
        return (at if at.tzinfo else at.replace(tzinfo=self.calendar.zone)).astimezone(UTC)


def _scored(state: CriterionState) -> bool:
    """True for what has no colour and earned points."""
    return any(reason.code == reasons.POINTS for reason in state.reasons)
