"""The ranking as a report: places among siblings with the change since yesterday."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from monitor.engine.rank import Place, Ranked, ranks
from monitor.model.colour import Colour
from monitor.model.state import UnitState
from monitor.model.unit import Unit
from monitor.reporting.report import Bar, Bars, Column, Report, Sort, Table, best_and_worst
from monitor.reporting.scene import Scene

_COLUMNS = (
    Column("rank", ("Hạng", "Rank"), Sort.WHOLE),
    Column("of", ("Trên tổng số", "Of"), Sort.WHOLE),
    Column("change", ("Thay đổi", "Change"), Sort.WHOLE),
    Column("unit", ("Mã", "Code"), Sort.CODE),
    Column("name", ("Đơn vị", "Unit")),
)
_COLOUR = Column("colour", ("Màu", "Colour"), Sort.COLOUR)


def ranking_report(scene: Scene, ranked: Ranked, group: Sequence[Unit], at: datetime) -> Report:
    """Places of a group, best first; those whose value is not known have none and stand last."""
    found = ranks(ranked, group, scene.states, scene.calendar.local(at).date())
    indicator = scene.ruleset.indicators.get(ranked.id)
    title = ("Điểm", "Score") if indicator is None else (indicator.name_vi, indicator.name_en)
    per_cent = indicator is None or indicator.unit == "%"
    measure = "%" if per_cent else indicator.unit if indicator is not None else ""
    value = Column("value", _headed(title, measure), Sort.PERCENT if per_cent else Sort.NUMBER)
    scale = 100.0 if indicator is None else 1.0  # a score is a ratio
    rows = tuple(_row(place, scene, scale) for place in found)
    known = sum(place.rank is not None for place in found)
    return Report(
        kind="ranking",
        title=(f"Xếp hạng: {title[0]}", f"Ranking: {title[1]}"),
        site=scene.site,
        zone=scene.calendar.zone,
        at=at,
        tables=(Table("places", ("Xếp hạng", "Ranking"), (*_COLUMNS, value, _COLOUR), rows),),
        paragraphs=(
            (
                f"{known} trên {len(found)} đơn vị có hạng; thay đổi so với hôm qua.",
                f"{known} of {len(found)} units have a rank; the change is since yesterday.",
            ),
        ),
        charts=_charts(found, scene, title, measure, scale),
        empty=known == 0,
    )


def _headed(title: tuple[str, str], measure: str) -> tuple[str, str]:
    return (f"{title[0]} ({measure})", f"{title[1]} ({measure})") if measure else title


def _row(place: Place, scene: Scene, scale: float) -> tuple[int | str | float | Colour | None, ...]:
    value = None if place.value is None else round(place.value * scale, 6)
    name = scene.units[place.unit].name_vi
    return place.rank, place.of, place.change, place.unit, name, value, colour_of(scene.states.get(place.unit))


def colour_of(state: UnitState | None) -> Colour:
    """The colour of a unit; unknown while it was never judged."""
    return Colour.UNKNOWN if state is None or state.standing is None else state.standing.colour


def _charts(
    found: Sequence[Place], scene: Scene, title: tuple[str, str], measure: str, scale: float
) -> tuple[Bars, ...]:
    bars = best_and_worst(
        Bar(
            f"{place.unit} {scene.units[place.unit].name_vi}",
            None if place.value is None else place.value * scale,
            colour_of(scene.states.get(place.unit)),
        )
        for place in found
    )
    if not bars:
        return ()
    top = max(100.0 if measure == "%" else 0.0, *(bar.value or 0.0 for bar in bars))
    return (Bars(title, bars, measure, min(0.0, *(bar.value or 0.0 for bar in bars)), top),)
