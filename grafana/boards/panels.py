"""The few kinds of panel that the boards are made of. Each has a title, a sentence, a unit and a legend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, statetimeline, table, text, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    DataSourceRef,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    LineInterpolation,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    ValueMapping,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

from grafana.boards.language import Say
from grafana.boards.palette import GREEN, RED, UNKNOWN, YELLOW, colour_mappings, series_of
from monitor.model.colour import Colour

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
LIVE = "${board:raw}"  # address of the live board
_REFS = "ABCDEFGH"

AnyPanel = stat.Panel | timeseries.Panel | table.Panel | statetimeline.Panel | bargauge.Panel
P = TypeVar("P", bound=AnyPanel)
Link = tuple[str, str]  # title, address


@dataclass(frozen=True, slots=True)
class About:
    """What every panel has: its texts, its size (of 24 columns), the unit of its values."""

    title: str
    sentence: str
    width: int
    height: int = 8
    unit: str = "short"
    decimals: int | None = None
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One query of a table, and the head of its column."""

    head: str
    expr: str
    unit: str = "short"
    decimals: int | None = None
    mappings: Sequence[ValueMapping] = ()
    bounds: Sequence[tuple[float | None, str]] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """What a table's columns are besides its queries: label -> head; the links of a row."""

    labels: Mapping[str, str]
    links: tuple[Link, ...] = ()
    sort: str = ""  # head of the column that is sorted by
    descending: bool = True
    filters: bool = field(default=True)
    words: Mapping[str, Sequence[ValueMapping]] = field(default_factory=dict)  # label -> its machine words for people


def colour_column(say: Say, expr: str) -> Column:
    """Colours by their number, each with its word."""
    return Column(say("Màu", "Colour"), expr, "none", None, colour_mappings(say))


def pace_columns(say: Say, needed: str, taken: str, projected: str) -> tuple[Column, ...]:
    """How fast a target must go, how fast it goes, and where that ends."""
    return (
        Column(say("Nhịp cần", "Pace needed"), needed, "short", 2),
        Column(say("Nhịp thực tế", "Pace taken"), taken, "short", 2),
        Column(say("Dự kiến", "Expected"), projected, "short", 2),
    )


def tiles(say: Say, about: About, expr: str, legend: str) -> stat.Panel:
    """One tile per unit in its colour, with its word."""
    panel = _dressed(stat.Panel(), about).mappings(colour_mappings(say)).targets([_instant(expr, legend)])
    return _plain(panel).text_mode(BigValueTextMode.VALUE_AND_NAME).color_mode(BigValueColorMode.BACKGROUND_SOLID)


def figure(
    about: About,
    expr: str,
    legend: str,
    *,
    bounds: Sequence[tuple[float | None, str]] = ((None, UNKNOWN),),
    mappings: Sequence[ValueMapping] = (),
) -> stat.Panel:
    """One number. `bounds` are lower bounds with their colours, the first one without a bound."""
    panel = _dressed(stat.Panel(), about).mappings(list(mappings)).targets([_instant(expr, legend)])
    return _plain(panel.thresholds(_steps(bounds))).text_mode(BigValueTextMode.VALUE)


def score(say: Say, title: str, expr: str) -> stat.Panel:
    """The score of one unit."""
    words = say("Điểm có trọng số của các tiêu chí đã biết.", "Weighted score of the known criteria.")
    return figure(About(title, words, 4, 5, "percentunit", 1), f"max({expr})", say("Điểm", "Score"), bounds=SHARE)


def counts(say: Say, about: About, expr: str) -> stat.Panel:
    """One number per colour, in that colour and with its word. `expr` keeps the label `colour`."""
    panel = _plain(_dressed(stat.Panel(), about).targets([_instant(expr, "{{colour}}")]))
    for colour in Colour:
        panel = panel.override_by_name(colour.value, series_of(colour, say))
    return panel.text_mode(BigValueTextMode.VALUE_AND_NAME).color_mode(BigValueColorMode.BACKGROUND_SOLID)


def bars(about: About, expr: str, legend: str, bounds: Sequence[tuple[float | None, str]]) -> bargauge.Panel:
    """One bar per series, the longest first."""
    panel = _dressed(bargauge.Panel(), about).thresholds(_steps(bounds)).targets([_instant(expr, legend)])
    panel = panel.orientation(VizOrientation.HORIZONTAL).display_mode(BarGaugeDisplayMode.BASIC)
    return panel.reduce_options(_last())


def lines(
    about: About, *queries: tuple[str, str], bounds: Sequence[tuple[float | None, str]] = (), floor: float | None = 0
) -> timeseries.Panel:
    """Lines over time: (query, legend) each; `floor` is the lowest value of the axis."""
    panel = _dressed(timeseries.Panel(), about).targets(
        [_over_time(expr, legend, _REFS[number]) for number, (expr, legend) in enumerate(queries)]
    )
    if floor is not None:
        panel = panel.min(floor)
    if bounds:
        panel = panel.thresholds(_steps(bounds)).thresholds_style(
            common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
        )
    return panel.legend(_legend()).tooltip(_tooltip()).fill_opacity(8).show_points(VisibilityMode.NEVER)


def spread(
    say: Say, about: About, buckets: str, high: float, bounds: Sequence[tuple[float | None, str]] = ()
) -> timeseries.Panel:
    """Median and a high quantile of a histogram; `buckets` is the growth of its buckets."""
    whole = f"sum by (le) ({buckets})"
    middle = (f"histogram_quantile(0.5, {whole})", say("trung vị", "median"))
    return lines(about, middle, (f"histogram_quantile({high:g}, {whole})", f"{100 * high:g} %"), bounds=bounds)


def colours_over_time(say: Say, about: About, expr: str) -> timeseries.Panel:
    """Counts per colour, one on the other. `expr` keeps the label `colour`."""
    panel = _dressed(timeseries.Panel(), about).min(0).targets([_over_time(expr, "{{colour}}", "A")])
    for colour in Colour:
        panel = panel.override_by_name(colour.value, series_of(colour, say))
    panel = panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(70)
    panel = panel.line_interpolation(LineInterpolation.STEP_AFTER).show_points(VisibilityMode.NEVER)
    return panel.legend(_legend()).tooltip(_tooltip())


def history(about: About, expr: str, legend: str, mappings: Sequence[ValueMapping]) -> statetimeline.Panel:
    """States over time, each with its word."""
    panel = _dressed(statetimeline.Panel(), about).mappings(list(mappings)).targets([_over_time(expr, legend, "A")])
    panel = panel.merge_values(True).show_value(VisibilityMode.AUTO).row_height(0.85).fill_opacity(85)
    return panel.legend(_legend()).tooltip(_tooltip())


def rows(about: About, frame: Frame, *columns: Column) -> table.Panel:
    """One row per set of labels; the queries must have the labels of the frame, or a part of them."""
    panel = _dressed(table.Panel(), about).targets(
        [_instant(column.expr, column.head, _REFS[number], table=True) for number, column in enumerate(columns)]
    )
    hidden = {"Time": True}
    order = {name: number for number, name in enumerate((*frame.labels, *_values(columns)))}
    panel = panel.transformations(
        [
            DataTransformerConfig(id_val="merge", options={}),
            DataTransformerConfig(id_val="organize", options={"excludeByName": hidden, "indexByName": order}),
        ]
    )
    for label, head in frame.labels.items():
        panel = panel.override_by_name(label, _label(head, frame.links, frame.words.get(label, ())))
    for name, column in zip(_values(columns), columns, strict=True):
        panel = panel.override_by_name(name, _value(column))
    if frame.sort:
        key = common.TableSortByFieldState().display_name(frame.sort).desc(frame.descending)
        panel = panel.sort_by([key])
    return panel.filterable(frame.filters)


def note(about: About, markdown: str) -> text.Panel:
    """Words, with links."""
    panel = text.Panel().title(about.title).description(about.sentence).span(about.width).height(about.height)
    return panel.mode(TextMode.MARKDOWN).content(markdown)


def _dressed(panel: P, about: About) -> P:
    panel.title(about.title).description(about.sentence).datasource(SOURCE).unit(about.unit)
    panel.span(about.width).height(about.height)
    if about.decimals is not None:
        panel.decimals(about.decimals)
    if about.links:
        panel.data_links([_link(title, url) for title, url in about.links])
    return panel


def _plain(panel: stat.Panel) -> stat.Panel:
    return panel.graph_mode(BigValueGraphMode.NONE).reduce_options(_last())


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False)


def _query(expr: str, legend: str, ref: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().datasource(SOURCE).expr(expr).legend_format(legend).ref_id(ref)


def _instant(expr: str, legend: str, ref: str = "A", *, table: bool = False) -> prometheus.Dataquery:
    query = _query(expr, legend, ref).instant().format(PromQueryFormat.TABLE if table else PromQueryFormat.TIME_SERIES)
    return query


def _over_time(expr: str, legend: str, ref: str) -> prometheus.Dataquery:
    return _query(expr, legend, ref).range()


def _steps(bounds: Sequence[tuple[float | None, str]]) -> build.ThresholdsConfig:
    steps = [Threshold(value=value, color=colour) for value, colour in bounds]
    return build.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().show_legend(True).display_mode(LegendDisplayMode.LIST)
    return legend.placement(LegendPlacement.BOTTOM).calcs([])


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI)


def _link(title: str, url: str) -> build.DashboardLink:
    return build.DashboardLink(title).url(url)


def _values(columns: Sequence[Column]) -> tuple[str, ...]:
    """What Grafana calls the value of each query once they are merged."""
    return tuple(f"Value #{_REFS[number]}" for number in range(len(columns))) if len(columns) > 1 else ("Value",)


def _label(head: str, links: Sequence[Link], words: Sequence[ValueMapping]) -> list[DynamicConfigValue]:
    shown: dict[str, object] = {"displayName": head}
    if words:
        shown["mappings"] = list(words)
    if links:
        shown["links"] = [{"title": title, "url": url} for title, url in links]
    return _overrides(shown)


def _overrides(shown: Mapping[str, object]) -> list[DynamicConfigValue]:
    return [DynamicConfigValue(id_val=name, value=value) for name, value in shown.items()]


def _value(column: Column) -> list[DynamicConfigValue]:
    shown: dict[str, object] = {"displayName": column.head, "unit": column.unit}
    if column.decimals is not None:
        shown["decimals"] = column.decimals
    if column.mappings:
        shown["mappings"] = list(column.mappings)
    if column.bounds:
        steps = [{"value": value, "color": colour} for value, colour in column.bounds]
        shown["thresholds"] = {"mode": "absolute", "steps": steps}
    if column.mappings or column.bounds:
        shown["color"] = {"mode": FieldColorModeId.THRESHOLDS.value}
        shown["custom.cellOptions"] = {"type": "color-background"}
    return _overrides(shown)


PACES = ("required_pace", "actual_pace", "projected_value")  # what metrics of a target call those columns
DAYS_LEFT = ((None, RED), (0.0, YELLOW), (10.0, GREEN))  # too late; less than ten days; time enough
SCORED = ((None, UNKNOWN),)  # points of an index colour nothing
SHARE = ((None, RED), (0.5, YELLOW), (0.9, GREEN))
TROUBLE = ((None, GREEN), (1.0, RED))  # none is good
