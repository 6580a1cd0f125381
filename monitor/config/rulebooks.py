"""Rule books: `rules/indicators.yaml` and `rules/<name>.yaml` to the frozen types of monitor.engine.book.

Nothing half-valid comes out: either a Ruleset, or every problem found, each with file and line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from monitor.config.problems import Problem
from monitor.config.rulebuild import Source, build_criterion
from monitor.config.rulemodels import BookModel, CatalogueModel, IndexModel, IndicatorModel, cadence_seconds, too_short
from monitor.config.rulequarrels import contradictions
from monitor.config.rulesense import senseless
from monitor.config.yaml import Document, read, validate
from monitor.engine.book import (
    Book,
    Criterion,
    Grade,
    Index,
    IndexGroup,
    Indicator,
    Measure,
    Period,
    Ruleset,
    StandingRule,
    Where,
)
from monitor.engine.sources import MOST as MOST_SOURCES
from monitor.model.nearest import nearest
from monitor.model.unit import Level

CATALOGUE = "rules/indicators.yaml"
REGISTER = "rules/exceptions.yaml"  # read by monitor.config.exceptions
_BOOK_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LONG_AGES = {"daily": 50 * 3600.0, "weekly": 17 * 86400.0, "monthly": 70 * 86400.0}
_DAILY_WARNING = 26 * 3600.0  # seconds: a day, and two hours for a portal that was slow
_CLOSE = 1e-6  # points
_SHORTEST_AGE = 90.0  # seconds: two missed polls of a fast probe must not make it unknown


def load_rules(root: Path, names: Sequence[str]) -> tuple[Ruleset | None, list[Problem]]:
    """The catalogue and the named books of a site, or every problem in them.

    Reads `root/rules/indicators.yaml` and `root/rules/<name>.yaml` for each name, in this order. The standing rule is
    that of the book that states one; two books that state different ones are a problem.
    """
    indicators, problems = _load_catalogue(root)
    books: list[Book] = []
    stated: list[tuple[str, StandingRule, Where]] = []
    for name in names:
        book, standing, found = _load_book(root, name, indicators)
        problems += found
        if book is not None:
            books.append(book)
        if book is not None and standing is not None:
            stated.append((name, book.standing, standing))
    problems += [*_doubles(books), *_quarrels(stated), *contradictions(books), *_explanations(books)]
    if problems or indicators is None:
        return None, problems
    rule = stated[0][1] if stated else StandingRule()
    return Ruleset(indicators, tuple(books), rule), []


# -- the catalogue ----------------------------------------------------------------------------------------------------


def _load_catalogue(root: Path) -> tuple[dict[str, Indicator] | None, list[Problem]]:
    document, problems = read(root / CATALOGUE, CATALOGUE)
    if document is None:
        return None, problems
    model, found = validate(CatalogueModel, document)
    problems += found
    if model is None:
        return None, problems
    problems += [problem for name, entry in model.indicators.items() for problem in _odd(document, name, entry, model)]
    return {name: _indicator(document, name, entry) for name, entry in model.indicators.items()}, problems


def _odd(document: Document, name: str, entry: IndicatorModel, model: CatalogueModel) -> Iterator[Problem]:
    at = ("indicators", name)
    if (entry.measure == "elapsed") != (entry.of is not None):
        yield document.problem(at, f"{name}: 'measure: elapsed' and 'of' belong together", "write both or neither")
    elif entry.of is not None:
        source = model.indicators.get(entry.of)
        if source is None:
            yield document.problem(
                (*at, "of"), f"there is no indicator '{entry.of}'", nearest(entry.of, model.indicators)
            )
        elif source.unit != "bool":
            yield document.problem((*at, "of"), f"'{entry.of}' is no yes/no indicator", "its unit must be bool")
    if entry.minimum is not None and entry.maximum is not None and entry.minimum >= entry.maximum:
        yield document.problem((*at, "minimum"), f"{name}: minimum is not less than maximum")
    if entry.max_age is not None and entry.max_age < cadence_seconds(entry.cadence):
        what, right = too_short(entry.max_age, cadence_seconds(entry.cadence), name)
        yield document.problem((*at, "max_age"), what, right)
    if entry.warn_age is not None and entry.warn_age >= _max_age(entry):
        what = f"{name}: warn_age {entry.warn_age:g}s is not below max_age {_max_age(entry):g}s"
        yield document.problem((*at, "warn_age"), what, "the warning comes before the value is unknown")
    if entry.unit == "state" and not entry.states:
        yield document.problem(at, f"{name}: a state needs its words", "list them under 'states'")
    yield from _odd_figure(document, name, entry)
    if len(set(entry.sources)) < len(entry.sources) or len(entry.sources) > MOST_SOURCES:
        right = f"at most {MOST_SOURCES}, each once"
        yield document.problem((*at, "sources"), f"{name}: a source is named twice, or there are too many", right)
    if entry.states and entry.unit not in ("bool", "state"):
        yield document.problem((*at, "states"), f"{name}: a number has no states")


def _odd_figure(document: Document, name: str, entry: IndicatorModel) -> Iterator[Problem]:
    """What only a number can have."""
    at = ("indicators", name)
    if entry.disagree is not None and entry.unit in ("bool", "state"):
        yield document.problem((*at, "disagree"), f"{name}: only numbers differ by so much", "leave 'disagree' out")
    if entry.monotonic and (entry.unit in ("%", "bool", "state") or entry.of is not None):
        what = f"{name}: only a count that is added up can be 'monotonic: rising', this is measured in {entry.unit}"
        yield document.problem((*at, "monotonic"), what, "a share may fall while its counts rise; leave it out")


def _indicator(document: Document, name: str, entry: IndicatorModel) -> Indicator:
    per_cent = entry.unit == "%"
    return Indicator(
        id=name,
        name_vi=entry.name.vi,
        name_en=entry.name.en,
        sms=entry.sms,
        unit=entry.unit,
        group=entry.group,
        max_age=_max_age(entry),
        cadence=cadence_seconds(entry.cadence),
        warn_age=_warn_age(entry),
        window=Period(entry.window) if entry.window else None,
        rising=entry.monotonic == "rising",
        sources=tuple(entry.sources),
        disagree=entry.disagree,
        measure=Measure(entry.measure),
        of=entry.of,
        minimum=0.0 if per_cent and entry.minimum is None else entry.minimum,
        maximum=100.0 if per_cent and entry.maximum is None else entry.maximum,
        states=tuple(entry.states),
        source=entry.source,
        assumed=entry.assumed,
        where=Where(document.name, document.line(("indicators", name))),
    )


def _max_age(entry: IndicatorModel) -> float:
    if entry.max_age is not None:
        return entry.max_age
    return _LONG_AGES.get(entry.cadence) or max(2.5 * cadence_seconds(entry.cadence), _SHORTEST_AGE)


def _warn_age(entry: IndicatorModel) -> float | None:
    if entry.warn_age is not None:
        return entry.warn_age
    return _DAILY_WARNING if entry.cadence == "daily" and _max_age(entry) > _DAILY_WARNING else None


# -- books ------------------------------------------------------------------------------------------------------------


def _load_book(
    root: Path, name: str, indicators: Mapping[str, Indicator] | None
) -> tuple[Book | None, Where | None, list[Problem]]:
    """The book, where it states how units stand (None: it does not), and all problems."""
    file = f"rules/{name}.yaml"
    if not _BOOK_NAME.fullmatch(name):
        return None, None, [Problem(file, 1, f"'{name}' is no name of a rule book", "use small letters, digits and _")]
    if file == REGISTER:
        return None, None, [Problem(file, 1, "'exceptions' is no rule book but the register", "take it out of rules")]
    document, problems = read(root / file, file)
    if document is None:
        return None, None, problems
    model, found = validate(BookModel, document)
    if model is None:
        return None, None, problems + found
    source = Source(document, model.book, indicators)
    criteria: list[Criterion] = []
    for number, entry in enumerate(model.criteria):
        criterion, found = build_criterion(source, entry, ("criteria", number))
        problems += found
        if criterion is not None:
            criteria.append(criterion)
    problems += [*_header_problems(document, model, name), *senseless(document, model)]
    problems += _index_problems(document, model, indicators or {})
    standing = Where(file, document.line(("standing",))) if model.standing else None
    return _book(document, model, tuple(criteria)), standing, problems


def _header_problems(document: Document, model: BookModel, name: str) -> Iterator[Problem]:
    if model.book != name:
        yield document.problem(("book",), f"the book is called '{model.book}'", f"its file asks for '{name}'")
    since, to = model.valid.since, model.valid.to
    if since is not None and to is not None and since > to:
        yield document.problem(("valid",), f"the book ends on {to}, before it begins on {since}")
    if model.standing is not None and model.standing.red_score > model.standing.green_score:
        yield document.problem(("standing", "red_score"), "standing.red_score is greater than green_score")


def _index_problems(document: Document, model: BookModel, indicators: Mapping[str, Indicator]) -> Iterator[Problem]:
    """Points add up: the groups to 100, the items of each group to its maximum, and the grades go down."""
    scored = [(number, entry.points) for number, entry in enumerate(model.criteria) if entry.points is not None]
    if model.index is None:
        for number, _ in scored[:1]:
            what = f"{model.criteria[number].id}: there are points, and the book has no index"
            yield document.problem(("criteria", number, "points"), what, "add 'index' with its groups")
        return
    if model.book in indicators or model.book == "score":
        what = f"units are ranked by this index as '{model.book}', which they are by something else"
        yield document.problem(("book",), what, "give the book a name that no indicator has")
    groups = {group.id: group.max for group in model.index.groups}
    if len(groups) < len(model.index.groups):
        yield document.problem(("index", "groups"), "a group of the index is there twice")
    total = sum(group.max for group in model.index.groups)
    if abs(total - 100) > _CLOSE:
        yield document.problem(("index", "groups"), f"the groups add up to {total:g} points, not to 100")
    for number, points in scored:
        if points.group not in groups:
            what = f"{model.criteria[number].id}: the index has no group '{points.group}'"
            yield document.problem(("criteria", number, "points", "group"), what, nearest(points.group, groups))
    for place, group in enumerate(model.index.groups):
        items = sum(points.max for _, points in scored if points.group == group.id)
        if abs(items - group.max) > _CLOSE:
            what = f"the items of group {group.id} add up to {items:g} points, not to {group.max:g}"
            yield document.problem(("index", "groups", place), what)
    limits = [grade.at_least for grade in model.index.grades]
    if any(later >= earlier for earlier, later in pairwise(limits)):
        right = "begin with the greatest 'at_least'"
        yield document.problem(("index", "grades"), "the grades do not go from best to worst", right)


def _book(document: Document, model: BookModel, criteria: tuple[Criterion, ...]) -> Book:
    rule = model.standing
    return Book(
        id=model.book,
        version=model.version,
        title_vi=model.title.vi,
        title_en=model.title.en,
        criteria=criteria,
        valid_from=model.valid.since,
        valid_to=model.valid.to,
        standing=StandingRule()
        if rule is None
        else StandingRule(rule.min_coverage / 100, rule.green_score / 100, rule.red_score / 100, rule.yellow_weight),
        index=None if model.index is None else _index(model.index),
        where=Where(document.name, document.line(("book",))),
    )


def _index(model: IndexModel) -> Index:
    return Index(
        groups=tuple(IndexGroup(group.id, group.name.vi, group.name.en, group.max) for group in model.groups),
        grades=tuple(Grade(one.id, one.name.vi, one.name.en, one.at_least, one.assumed) for one in model.grades),
    )


def _doubles(books: Sequence[Book]) -> Iterator[Problem]:
    """The same id twice on one day; versions whose books are valid one after the other are no doubles."""
    seen: list[tuple[Book, Criterion]] = []
    for book in books:
        for criterion in book.criteria:
            here = criterion.where
            first = next((c for other, c in seen if c.id == criterion.id and other.overlaps(book)), None)
            if first is not None:
                what = f"the criterion '{criterion.id}' is there twice"
                yield Problem(here.file, here.line, what, f"the first one is at {first.where}")
            seen.append((book, criterion))


def _explanations(books: Sequence[Book]) -> Iterator[Problem]:
    """Whether what explains an outage is the outage of a system."""
    known = {criterion.id: criterion for book in books for criterion in book.criteria}
    able = [key for key, rule in known.items() if rule.outage and Level.SYSTEM in rule.levels]
    for criterion in (criterion for book in books for criterion in book.criteria if criterion.explained_by):
        file, line = criterion.where.file, criterion.where.line
        if not criterion.outage:
            what = f"{criterion.id}: a figure is not explained by an outage"
            yield Problem(file, line, what, "write outage: true, or remove explained_by")
        for name in criterion.explained_by:
            if name not in able or name == criterion.id:
                what = f"{criterion.id}: explained_by names '{name}', which is no outage of a system"
                yield Problem(file, line, what, nearest(name, able))


def _quarrels(stated: Sequence[tuple[str, StandingRule, Where]]) -> Iterator[Problem]:
    for _, rule, where in stated[1:]:
        if rule != stated[0][1]:
            right = f"one of them must go: {stated[0][2]} states another"
            yield Problem(where.file, where.line, "two active books state how units stand, and differ", right)
