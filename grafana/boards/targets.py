"""Targets and deadlines: how long is left, how fast it goes and must go, and which communes stand in the way."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.builders.dashboard import Dashboard

from grafana.boards import frame
from grafana.boards.frame import CELL, HERE, JOB, days_left, info, selected, unit_links
from grafana.boards.language import Say
from grafana.boards.palette import colour_mappings
from grafana.boards.panels import (
    DAYS_LEFT,
    SHARE,
    About,
    AnyPanel,
    Column,
    Frame,
    bars,
    colours_over_time,
    figure,
    history,
    lines,
    rows,
)

_CHOSEN = 'criterion="$criterion"'
_COMMUNE = 'level="commune"'


def board(say: Say) -> Dashboard:
    """Made in one language."""
    about = say(
        "Chỉ tiêu có thời hạn: còn bao lâu, nhịp, dự kiến, xã nào còn vướng.",
        "Targets with a deadline: time left, pace, projection, blocking communes.",
    )
    made = frame.board(say, "targets", say("Đèn báo · Chỉ tiêu và thời hạn", "Denbao · Targets and deadlines"), about)
    made = made.with_variable(frame.province(say))
    due = selected("denbao_target_deadline_timestamp_seconds")
    made = made.with_variable(frame.criterion(say, due, several=False))
    return frame.filled(frame.with_incidents(made, say, HERE), _countdown(say), _chosen(say), _course(say), _way(say))


def _countdown(say: Say) -> Iterator[AnyPanel]:
    yield bars(
        About(
            say("Đếm ngược đến thời hạn", "Countdown"),
            say(
                "Ngày dương lịch đến thời điểm đầu tiên bị muộn, theo thời hạn chung; âm là đã quá hạn.",
                "Calendar days until it is first too late, by the general date; below zero is overdue.",
            ),
            24,
            8,
            "none",
            0,
        ),
        f"sort({days_left()})",
        "{{criterion}}",
        DAYS_LEFT,
    )


def _chosen(say: Say) -> Iterator[AnyPanel]:
    yield figure(
        About(
            say("Còn lại", "Time left"),
            say("Ngày đến thời hạn chung của tiêu chí đã chọn.", "Days to the general date of the chosen criterion."),
            6,
            5,
            "none",
            0,
        ),
        days_left(_CHOSEN),
        say("Ngày", "Days"),
        bounds=DAYS_LEFT,
    )
    of_all = f"({frame.communes_by_criterion('> -2', _CHOSEN)})"
    green = f"({frame.communes_by_criterion('== 0', _CHOSEN)})"
    yield figure(
        About(
            say("Xã đã đạt", "Communes that met it"),
            say("Trên mọi xã được đánh giá, cả chưa rõ.", "Of all communes that are judged, unknown ones too."),
            6,
            5,
            "percentunit",
            1,
        ),
        f"{green} / {of_all}",
        say("Đã đạt", "Met"),
        bounds=SHARE,
    )
    pace = f"{selected('denbao_target_required_pace', _CHOSEN)} * on (unit) group_left () {info('', HERE)}"
    yield figure(
        About(
            say("Nhịp cần lớn nhất", "Largest pace needed"),
            say(
                "Thay đổi mỗi ngày làm việc để đạt đúng hạn, ở đơn vị cần nhiều nhất; 0 là đã đạt.",
                "Change per working day that reaches the goal in time, where most is needed; 0 is met.",
            ),
            6,
            5,
            "short",
            2,
        ),
        f"max by (criterion) ({pace})",
        say("Nhịp", "Pace"),
    )
    own = f"{selected('denbao_criterion_colour', _CHOSEN)} * on (unit) group_left () {info('', HERE)}"
    yield history(
        About(
            say("Màu xấu nhất", "Worst colour"),
            say("Màu xấu nhất của tỉnh và các xã ở tiêu chí này.", "Worst colour of the province and its communes."),
            6,
            5,
            "none",
        ),
        f"max by (criterion) ({own})",
        "{{criterion}}",
        colour_mappings(say),
    )


def _course(say: Say) -> Iterator[AnyPanel]:
    states = f"{selected('denbao_criterion_colour', _CHOSEN)} * on (unit) group_left () {info(_COMMUNE, HERE)}"
    words = (("green", 0), ("yellow", 1), ("red", 2), ("unknown", -1))
    each = (f'label_replace(count({states} == {number}), "colour", "{word}", "", "")' for word, number in words)
    yield colours_over_time(
        say,
        About(
            say("Các xã ở tiêu chí này qua thời gian", "Communes at this criterion over time"),
            say("Bao nhiêu xã xanh, vàng, đỏ, chưa rõ.", "How many communes are green, yellow, red, unknown."),
            12,
            9,
        ),
        " or ".join(each),
    )
    yield lines(
        About(
            say("Nhịp cần của các xã", "Pace that communes need"),
            say(
                "Mười xã cần thay đổi nhiều nhất mỗi ngày làm việc.",
                "The ten communes that need the largest change per working day.",
            ),
            12,
            9,
        ),
        (_top("denbao_target_required_pace"), "{{name}}"),
    )


def _way(say: Say) -> Iterator[AnyPanel]:
    open_ones = f"{selected('denbao_criterion_colour', _CHOSEN)} > 0"
    required, projected = (
        frame.named(selected(metric, _CHOSEN), _COMMUNE, HERE)
        for metric in ("denbao_target_required_pace", "denbao_target_projected_value")
    )
    yield rows(
        About(
            say("Xã còn vướng", "Blocking communes"),
            say(
                "Các xã chưa đạt tiêu chí đã chọn: màu, nhịp cần, giá trị dự kiến vào ngày đến hạn.",
                "Communes that have not met the chosen criterion: colour, pace needed, value expected at the date.",
            ),
            24,
            11,
        ),
        Frame(
            {"unit": say("Mã", "Code"), "name": say("Xã, phường", "Commune")},
            unit_links(say, CELL),
            say("Nhịp cần", "Pace needed"),
        ),
        Column(say("Màu", "Colour"), frame.named(open_ones, _COMMUNE, HERE), "none", None, colour_mappings(say)),
        Column(say("Nhịp cần", "Pace needed"), f"{required} > 0", "short", 2),
        Column(say("Dự kiến", "Expected"), f"{projected} and on (unit) {open_ones}", "short", 2),
    )


def _top(metric: str) -> str:
    return f"topk(10, {frame.named(selected(metric, _CHOSEN, JOB), _COMMUNE, HERE)} > 0)"
