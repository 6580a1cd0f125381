"""The ranking as a report: places among siblings with the change since yesterday, and what an index gives each unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from monitor.engine.book import Book, Grade, IndexGroup, RollUp, Ruleset
from monitor.engine.index import GroupPoints, IndexPoints
from monitor.engine.rank import Place, Ranked, earned_by, index_rankings, ranks
from monitor.model.unit import Unit
from monitor.reporting.columns import COLOUR, MEASURES, NAME, RANK, UNIT, Columns, table
from monitor.reporting.report import Bar, Bars, Column, Report, Sort, Table, Words, best_and_worst
from monitor.reporting.scene import Scene

_ASSUMED: Words = ("giả định", "assumed")
_CHANGE = Column("change", ("Thay đổi", "Change"), Sort.WHOLE)


def ranking_report(scene: Scene, ranked: Ranked, group: Sequence[Unit], at: datetime) -> Report:
    """Places of a group, best first; those whose value is not known have none and stand last.

    Ranked by score or by an index it also shows the indexes that are valid then: points, grade and the six groups.
    """
    today = scene.calendar.local(at).date()
    found = ranks(ranked, group, scene.states, today)
    figure = _figure(scene.ruleset, ranked)
    known = sum(place.rank is not None for place in found)
    return scene.report(
        "ranking",
        (f"Xếp hạng: {figure.title[0]}", f"Ranking: {figure.title[1]}"),
        at,
        (
            table("places", ("Xếp hạng", "Ranking"), _places(scene, figure), found),
            *(_index(scene, book, group, today) for book in _books(scene, ranked, today)),
        ),
        (
            (
                f"{known} trên {len(found)} đơn vị có hạng; thay đổi so với hôm qua.",
                f"{known} of {len(found)} units have a rank; the change is since yesterday.",
            ),
        ),
        _charts(found, scene, figure),
        empty=known == 0,
    )


@dataclass(frozen=True, slots=True)
class _Figure:
    """What is ranked, for people."""

    title: Words
    measure: Words
    scale: float = 1.0  # from the value of a place to what is shown
    whole: float = 0.0  # what a chart reaches to at least

    @property
    def sort(self) -> Sort:
        return Sort.PERCENT if self.measure[0] == "%" else Sort.NUMBER

    @property
    def fixed(self) -> bool:
        """Whether its values are compared to the last digit: shares and points, not counts."""
        return self.measure[1] in ("%", "points")


def title(ruleset: Ruleset, ranked: Ranked) -> Words:
    """What is ranked, by name."""
    return _figure(ruleset, ranked).title


def _figure(ruleset: Ruleset, ranked: Ranked) -> _Figure:
    if ranked.scored is not None:
        book, points = ranked.scored.book, ("điểm", "points")
        part = next((group for group in _groups(book) if group.id == ranked.scored.group), None)
        if part is None:
            return _Figure((book.title_vi, book.title_en), points, whole=100.0)
        return _Figure(
            (f"{book.title_vi}, {part.name_vi} ({part.id})", f"{book.title_en}, {part.name_en} ({part.id})"),
            points,
            whole=part.maximum,
        )
    if ranked.id == "score":  # a ratio
        return _Figure(("Điểm", "Score"), ("%", "%"), scale=100.0, whole=100.0)
    indicator = ruleset.indicators.get(ranked.id)
    if indicator is None:
        return _of_children(ruleset, ranked)
    whole = 100.0 if indicator.unit == "%" else 0.0
    measure = MEASURES.get(indicator.unit, (indicator.unit, indicator.unit))
    return _Figure((indicator.name_vi, indicator.name_en), measure, whole=whole)


def _of_children(ruleset: Ruleset, ranked: Ranked) -> _Figure:
    """A roll-up goes by the name of its criterion."""
    rule = ruleset.criterion(ranked.criteria[0])
    if rule is None:
        return _Figure((ranked.id, ranked.id), ("", ""))
    share = rule.rollup not in (RollUp.COUNT, RollUp.WEIGHT)
    measure = "%" if share else ""
    return _Figure((rule.title_vi, rule.title_en), (measure, measure), whole=100.0 if share else 0.0)


def _places(scene: Scene, figure: _Figure) -> Columns[Place]:
    (ours, theirs), measure = figure.title, figure.measure
    headed = (f"{ours} ({measure[0]})", f"{theirs} ({measure[1]})") if measure[0] else figure.title
    return (
        (RANK, lambda place: place.rank),
        (Column("of", ("Trên tổng số", "Of"), Sort.WHOLE), lambda place: place.of),
        (_CHANGE, lambda place: place.change),
        (UNIT, lambda place: place.unit),
        (NAME, lambda place: scene.name(place.unit)),
        (
            Column("value", headed, figure.sort, fixed=figure.fixed),
            lambda place: None if place.value is None else round(place.value * figure.scale, 6),
        ),
        (COLOUR, lambda place: scene.colour(place.unit)),
    )


def _charts(found: Sequence[Place], scene: Scene, figure: _Figure) -> tuple[Bars, ...]:
    bars = best_and_worst(
        Bar(
            f"{place.unit} {scene.name(place.unit)}",
            None if place.value is None else place.value * figure.scale,
            scene.colour(place.unit),
        )
        for place in found
    )
    if not bars:
        return ()
    values = [bar.value or 0.0 for bar in bars]
    low, high = min(0.0, *values), max(figure.whole, *values)
    return (Bars(figure.title, bars, figure.measure[0], low, high, fixed=figure.fixed),)


# -- indexes ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Line:
    """One unit in an index."""

    place: Place
    points: IndexPoints
    parts: Mapping[str, tuple[GroupPoints, Place]]  # by group

    @property
    def earned(self) -> IndexPoints | None:
        """What it earns; None where nothing is known, for that is no zero."""
        return self.points if self.points.known else None


def _books(scene: Scene, ranked: Ranked, today: date) -> Iterator[Book]:
    if ranked.scored is not None:
        yield ranked.scored.book
    elif ranked.id == "score":
        yield from (book for book in scene.ruleset.books if book.index is not None and book.valid_on(today))


def _groups(book: Book) -> tuple[IndexGroup, ...]:
    return () if book.index is None else book.index.groups


def _index(scene: Scene, book: Book, group: Sequence[Unit], today: date) -> Table:
    lines = tuple(_lines(scene, book, group, today))
    ours = "; ".join(f"{one.id}: {one.name_vi} ({one.maximum:g})" for one in _groups(book))
    theirs = "; ".join(f"{one.id}: {one.name_en} ({one.maximum:g})" for one in _groups(book))
    made = table(f"index_{book.id}", (book.title_vi, book.title_en), _columns(scene, book), lines)
    return replace(made, note=(f"{ours}.", f"{theirs}."))


def _lines(scene: Scene, book: Book, group: Sequence[Unit], today: date) -> Iterator[_Line]:
    """The units that the index judges, the best first."""
    earned = earned_by(book, group, scene.states)
    asked = index_rankings(book, scene.ruleset)
    whole, *parts = (ranks(one, group, scene.states, today, earned) for one in asked)
    of_groups = [{place.unit: place for place in places} for places in parts]
    for place in whole:
        if place.unit in earned:
            points = earned[place.unit]
            both = zip(points.groups, of_groups, strict=True)
            yield _Line(place, points, {part.id: (part, places[place.unit]) for part, places in both})


def _columns(scene: Scene, book: Book) -> Columns[_Line]:
    own: Columns[_Line] = (
        (RANK, lambda line: line.place.rank),
        (_CHANGE, lambda line: line.place.change),
        (UNIT, lambda line: line.place.unit),
        (NAME, lambda line: scene.name(line.place.unit)),
        (
            Column("points", ("Điểm /100", "Points of 100"), Sort.NUMBER, fixed=True),
            lambda line: line.earned.points if line.earned else None,
        ),
        (
            Column("known", ("Đã biết /100", "Known of 100"), Sort.NUMBER),
            lambda line: line.points.known,
        ),
        (
            Column("grade", ("Xếp loại", "Grade"), line=True),
            lambda line: _graded(line.earned.grade) if line.earned else None,
        ),
    )
    return (*own, *(column for group in _groups(book) for column in _of_group(group)))


def _of_group(group: IndexGroup) -> Columns[_Line]:
    key, head = group.id, f"{group.id} /{group.maximum:g}"

    def points(line: _Line) -> float | None:
        part, _ = line.parts[key]
        return part.points if part.known else None

    def grade(line: _Line) -> Words | None:
        part, _ = line.parts[key]
        return _graded(part.grade) if part.known else None

    return (
        (Column(key, (head, head), Sort.NUMBER, fixed=True), points),
        (Column(f"{key}_grade", (f"{key}: xếp loại", f"{key}: grade"), data_only=True), grade),
        (
            Column(f"{key}_rank", (f"{key}: hạng", f"{key}: rank"), Sort.WHOLE, data_only=True),
            lambda line: line.parts[key][1].rank,
        ),
        (
            Column(f"{key}_change", (f"{key}: thay đổi", f"{key}: change"), Sort.WHOLE, data_only=True),
            lambda line: line.parts[key][1].change,
        ),
    )


def _graded(grade: Grade | None) -> Words | None:
    if grade is None:
        return None
    said = tuple(f" ({word})" if grade.assumed else "" for word in _ASSUMED)
    return f"{grade.name_vi}{said[0]}", f"{grade.name_en}{said[1]}"
