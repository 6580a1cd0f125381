"""The ranking as a report: places among siblings with the change since yesterday."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from monitor.engine.rank import Place, Ranked, ranks
from monitor.model.unit import Unit
from monitor.reporting.columns import COLOUR, NAME, RANK, UNIT, Columns, table
from monitor.reporting.report import Bar, Bars, Column, Report, Sort, Words, best_and_worst
from monitor.reporting.scene import Scene


def ranking_report(scene: Scene, ranked: Ranked, group: Sequence[Unit], at: datetime) -> Report:
    """Places of a group, best first; those whose value is not known have none and stand last."""
    found = ranks(ranked, group, scene.states, scene.calendar.local(at).date())
    indicator = scene.ruleset.indicators.get(ranked.id)
    title = ("Điểm", "Score") if indicator is None else (indicator.name_vi, indicator.name_en)
    measure = "%" if indicator is None else indicator.unit
    scale = 100.0 if indicator is None else 1.0  # a score is a ratio
    known = sum(place.rank is not None for place in found)
    return scene.report(
        "ranking",
        (f"Xếp hạng: {title[0]}", f"Ranking: {title[1]}"),
        at,
        (table("places", ("Xếp hạng", "Ranking"), _places(scene, title, measure, scale), found),),
        (
            (
                f"{known} trên {len(found)} đơn vị có hạng; thay đổi so với hôm qua.",
                f"{known} of {len(found)} units have a rank; the change is since yesterday.",
            ),
        ),
        _charts(found, scene, title, measure, scale),
        empty=known == 0,
    )


def _places(scene: Scene, title: Words, measure: str, scale: float) -> Columns[Place]:
    headed = (f"{title[0]} ({measure})", f"{title[1]} ({measure})") if measure else title
    return (
        (RANK, lambda place: place.rank),
        (Column("of", ("Trên tổng số", "Of"), Sort.WHOLE), lambda place: place.of),
        (Column("change", ("Thay đổi", "Change"), Sort.WHOLE), lambda place: place.change),
        (UNIT, lambda place: place.unit),
        (NAME, lambda place: scene.name(place.unit)),
        (
            Column("value", headed, Sort.PERCENT if measure == "%" else Sort.NUMBER),
            lambda place: None if place.value is None else round(place.value * scale, 6),
        ),
        (COLOUR, lambda place: scene.colour(place.unit)),
    )


def _charts(found: Sequence[Place], scene: Scene, title: Words, measure: str, scale: float) -> tuple[Bars, ...]:
    bars = best_and_worst(
        Bar(
            f"{place.unit} {scene.name(place.unit)}",
            None if place.value is None else place.value * scale,
            scene.colour(place.unit),
        )
        for place in found
    )
    if not bars:
        return ()
    top = max(100.0 if measure == "%" else 0.0, *(bar.value or 0.0 for bar in bars))
    return (Bars(title, bars, measure, min(0.0, *(bar.value or 0.0 for bar in bars)), top),)
