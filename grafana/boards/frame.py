"""What all boards have in common: variables, links to one another and to the live board, annotations, selectors."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus, text
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    VariableOption,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.boards.language import Say
from grafana.boards.palette import BLUE, RED
from grafana.boards.panels import LIVE, SOURCE, AnyPanel, Frame, Link

ADDRESS = "http://127.0.0.1:8866"  # where the live board is unless the variable says otherwise
JOB = 'job=~"$job"'
INSTANCE = 'job=~"$job",instance=~"$instance"'
HERE = f'{JOB},province="$province"'
COMMUNES = f'{HERE},level="commune"'
_TIME = "${__url_time_range}"


def selected(metric: str, matchers: str = "", where: str = JOB) -> str:
    """A metric of the chosen jobs, with more matchers."""
    return f"{metric}{{{where}{',' if matchers else ''}{matchers}}}"


def info(matchers: str = "", where: str = JOB) -> str:
    """Name of each unit with these matchers; 1. Two services that say the same count once."""
    return f"max by (unit, name) ({selected('denbao_unit_info', matchers, where)})"


def per_unit(expr: str) -> str:
    """A gauge of units, once per unit however many services say it."""
    return f"max by (unit) ({expr})"


def named(expr: str, matchers: str = "", where: str = JOB) -> str:
    """Values by unit with the unit's name beside the code, only of the units with these matchers."""
    return f"{per_unit(expr)} * on (unit) group_left (name) {info(matchers, where)}"


def colours(matchers: str, where: str = JOB) -> str:
    """Colours of units with their names, the worst first."""
    return f"sort_desc({named(selected('denbao_unit_colour', matchers, where))})"


def counted(matchers: str, where: str = JOB) -> str:
    """How many units have each colour."""
    return f"sum by (colour) ({selected('denbao_units', matchers, where)})"


def incidents(where: str = JOB) -> str:
    """How many open incidents have each colour."""
    return f"sum by (colour) ({selected('denbao_incidents', '', where)})"


def of_provinces(expr: str) -> str:
    """Values by the label `province` as values by unit, with the province's name."""
    return named(f'label_replace({expr}, "unit", "$1", "province", "(.+)")', 'level="province"')


def communes_by_criterion(condition: str, matchers: str = "") -> str:
    """How many communes of the chosen province meet a condition on the colour's number, by criterion."""
    colour = f"max by (unit, criterion) ({selected('denbao_criterion_colour', matchers)})"
    here = info('level="commune"', HERE)
    judged = f"count by (criterion) ({colour} and on (unit) {here})"
    return f"count by (criterion) (({colour} {condition}) and on (unit) {here}) or 0 * {judged}"


def days_left(matchers: str = "") -> str:
    """Days until the first instant that is too late, by criterion; negative when that is past."""
    due = selected("denbao_target_deadline_timestamp_seconds", matchers)
    return f"(max by (criterion) ({due}) - time()) / 86400"


def board(say: Say, name: str, title: str, about: str) -> build.Dashboard:
    """An empty board with what every board has."""
    made = build.Dashboard(title).uid(f"denbao-{name}-{say.code}").description(about)
    made = made.tags(["denbao", f"denbao-{say.code}"]).timezone("Asia/Ho_Chi_Minh").week_start("monday").readonly()
    made = made.refresh("1m").time("now-24h", "now").tooltip(DashboardCursorSync.CROSSHAIR)
    others = build.DashboardLink(say("Các bảng khác", "Other boards")).type(DashboardLinkType.DASHBOARDS)
    made = made.link(others.tags([f"denbao-{say.code}"]).as_dropdown(True).include_vars(True).keep_time(True))
    other = "en" if say.code == "vi" else "vi"
    twin = build.DashboardLink(say("English", "Tiếng Việt")).type(DashboardLinkType.LINK)
    made = made.link(twin.url(f"/d/denbao-{name}-{other}").include_vars(True).keep_time(True))
    live = build.DashboardLink(say("Bảng trực tiếp", "Live board")).type(DashboardLinkType.LINK)
    made = made.link(live.url(f"{LIVE}/?lang={say.code}").target_blank(True))
    return made.with_variable(_datasource(say)).with_variable(_job(say)).with_variable(_live(say))


def filled(made: build.Dashboard, *rows: Iterable[AnyPanel | text.Panel]) -> build.Dashboard:
    """The board with its panels, row by row; the panels of one row fill 24 columns or a multiple of that."""
    for number, panel in enumerate(chain.from_iterable(rows), start=1):
        made = made.with_panel(panel.id(number))
    return made


def with_incidents(made: build.Dashboard, say: Say, where: str = JOB) -> build.Dashboard:
    """Marks where incidents began."""
    now = incidents(where)
    before = f"sum by (colour) ({selected('denbao_incidents', '', where)} offset 5m)"
    mark = build.AnnotationQuery().name(say("Sự cố mới", "New incidents")).datasource(SOURCE).enable(True)
    mark = mark.icon_color(RED).target(_asked(f"{now} > {before}").interval("5m"))
    return made.annotation(mark.title_format(say("Sự cố mới", "New incidents")).text_format("{{colour}}"))


def with_changes(made: build.Dashboard, say: Say, matchers: str) -> build.Dashboard:
    """Marks the very instants at which the units with these matchers took their present colour."""
    since = f"1000 * {named(selected('denbao_unit_colour_since_timestamp_seconds'), matchers)}"
    mark = build.AnnotationQuery().name(say("Đổi màu", "New colour")).datasource(SOURCE).enable(True)
    mark = mark.icon_color(BLUE).use_value_for_time(True).target(_asked(since))
    return made.annotation(mark.title_format(say("Đổi màu", "New colour")).text_format("{{name}} ({{unit}})"))


def _asked(expr: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expr).ref_id("Anno").range().format(PromQueryFormat.TIME_SERIES)


def unit_links(say: Say, of: str, target: str = "commune") -> tuple[Link, ...]:
    """From a unit to its board here and to its page on the live board; `of` is Grafana's place of the unit's code."""
    variable = "province" if target == "province" else "unit"
    here = f"/d/denbao-{target}-{say.code}?${{datasource:queryparam}}&${{job:queryparam}}&${{board:queryparam}}&{_TIME}"
    there = f"{LIVE}/units/{of}?lang={say.code}"
    return (
        (say("Xem chi tiết", "Details"), f"{here}&var-{variable}={of}"),
        (say("Mở trên bảng trực tiếp", "Open on the live board"), there),
    )


def of_units(say: Say, name: str, sort: str, target: str = "commune", *, descending: bool = True) -> Frame:
    """A table with a row for each unit, by code and name, and its links; `name` is the head of the names."""
    heads = {"unit": say("Mã", "Code"), "name": name}
    return Frame(heads, unit_links(say, CELL, target), sort, descending)


LABEL, CELL = "${__field.labels.unit}", "${__data.fields.unit}"  # a unit's code in a panel of series, in a table


def province(say: Say, *, several: bool = False) -> build.QueryVariable:
    """Which province, by name; several and all of them where a board can add up."""
    query = selected("denbao_unit_info", 'level="province"')
    return _units("province", say("Tỉnh, thành phố", "Province"), query, several=several)


def unit(say: Say, level: str) -> build.QueryVariable:
    """Which unit of a level, by name."""
    query = selected("denbao_unit_info", f'level="{level}"', HERE if level == "commune" else JOB)
    label = say("Xã, phường", "Commune") if level == "commune" else say("Hệ thống", "System")
    return _units("unit", label, query, several=level != "commune")


def criterion(say: Say, expr: str, *, several: bool) -> build.QueryVariable:
    """Which criteria of a query."""
    made = _query("criterion", say("Tiêu chí", "Criterion"), f"label_values({expr}, criterion)")
    return _all(made) if several else made


def index(say: Say) -> build.QueryVariable:
    """Which index units are graded by."""
    asked = f"label_values({selected('denbao_unit_index_points')}, index)"
    return _query("index", say("Bộ chỉ số", "Index"), asked)


def instance(say: Say) -> build.QueryVariable:
    """Which of several services of one job."""
    asked = f"label_values({selected('denbao_build_info')}, instance)"
    return _all(_query("instance", say("Máy", "Instance"), asked))


def channel(say: Say) -> build.QueryVariable:
    """Which channels of messages."""
    asked = f"label_values({selected('denbao_notices_total')}, channel)"
    return _all(_query("channel", say("Kênh", "Channel"), asked))


def _datasource(say: Say) -> build.DatasourceVariable:
    made = build.DatasourceVariable("datasource").label(say("Nguồn dữ liệu", "Data source"))
    return made.type("prometheus").current(VariableOption(selected=True, text="Denbao", value="denbao"))


def _job(say: Say) -> build.QueryVariable:
    return _all(_query("job", say("Tác vụ", "Job"), "label_values(denbao_build_info, job)"))


def _live(say: Say) -> build.TextBoxVariable:
    about = say(
        "Địa chỉ của bảng trực tiếp, không có dấu / ở cuối", "Address of the live board, without a / at its end"
    )
    shown = VariableOption(selected=True, text=ADDRESS, value=ADDRESS)
    made = build.TextBoxVariable("board").label(say("Bảng trực tiếp", "Live board")).description(about)
    return made.default_value(ADDRESS).current(shown)


def _query(name: str, label: str, asked: str) -> build.QueryVariable:
    made = build.QueryVariable(name).label(label).datasource(SOURCE)
    made = made.query({"query": asked, "refId": f"variable-{name}"})
    return made.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.ALPHABETICAL_ASC)


def _units(name: str, label: str, query: str, *, several: bool) -> build.QueryVariable:
    made = _query(name, label, f"query_result({query})")
    # Prometheus writes labels in the order of the alphabet: the name stands before the unit.
    made = made.regex(r'/name="(?<text>[^"]+)".*unit="(?<value>[^"]+)"/')
    return _all(made, ".*") if several else made  # the nation and some systems lie in no province


def _all(made: build.QueryVariable, pattern: str = ".+") -> build.QueryVariable:
    everything = VariableOption(selected=True, text=["All"], value=["$__all"])
    return made.multi(True).include_all(True).all_value(pattern).current(everything)
