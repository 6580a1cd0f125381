"""Targets and deadlines: how long is left, how fast it goes and must go, and which communes stand in the way."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.builders.dashboard import Dashboard

from grafana.boards import frame
from grafana.boards.frame import HERE, days_left, info, selected
from grafana.boards.language import Say
from grafana.boards.palette import colour_mappings
from grafana.boards.panels import (
    DAYS_LEFT,
    PACES,
    SHARE,
    TROUBLE,
    About,
    AnyPanel,
    bars,
    colour_column,
    colours_over_time,
    figure,
    history,
    lines,
    pace_columns,
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
            5,
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
            5,
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
            5,
            5,
            "short",
            2,
        ),
        f"max by (criterion) ({pace})",
        say("Nhịp", "Pace"),
    )
    needed, taken = _of_communes("denbao_target_required_pace"), _of_communes("denbao_target_actual_pace")
    yield figure(
        About(
            say("Xã chậm hơn nhịp cần", "Communes that are too slow"),
            say(
                "Nhịp thực tế của những ngày gần đây chưa đủ để đạt đúng hạn; xã chưa có nhịp không tính.",
                "Their pace of late does not reach the goal in time; those without a pace are not counted.",
            ),
            5,
            5,
            "none",
            0,
        ),
        # A goal may lie above or below: then less rise, or less fall, than needed is too slow.
        f"count(({needed} > 0) > {taken} or ({needed} < 0) < {taken}) or 0 * count({needed})",
        say("Xã", "Communes"),
        bounds=TROUBLE,
    )
    own = f"{selected('denbao_criterion_colour', _CHOSEN)} * on (unit) group_left () {info('', HERE)}"
    yield history(
        About(
            say("Màu xấu nhất", "Worst colour"),
            say("Màu xấu nhất của tỉnh và các xã ở tiêu chí này.", "Worst colour of the province and its communes."),
            4,
            5,
            "none",
        ),
        f"max by (criterion) ({own})",
        "{{criterion}}",
        colour_mappings(say),
    )


def _course(say: Say) -> Iterator[AnyPanel]:
    states = f"{selected('denbao_criterion_colour', _CHOSEN)} * on (unit) group_left () {info(_COMMUNE, HERE)}"
    most = f"topk(10, {_of_communes('denbao_target_required_pace')} > 0)"
    words = (("green", 0), ("yellow", 1), ("red", 2), ("unknown", -1))
    each = (f'label_replace(count({states} == {number}), "colour", "{word}", "", "")' for word, number in words)
    yield colours_over_time(
        say,
        About(
            say("Các xã ở tiêu chí này qua thời gian", "Communes at this criterion over time"),
            say("Bao nhiêu xã xanh, vàng, đỏ, chưa rõ.", "How many communes are green, yellow, red, unknown."),
            8,
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
            8,
            9,
        ),
        (most, "{{name}}"),
    )
    yield lines(
        About(
            say("Nhịp thực tế của các xã ấy", "Pace that these communes take"),
            say(
                "Thay đổi mỗi ngày làm việc của những ngày gần đây, ở mười xã cần nhiều nhất; âm là đang lùi.",
                "Change per working day of late at the ten communes that need most; below zero they fall back.",
            ),
            8,
            9,
        ),
        (f"{_of_communes('denbao_target_actual_pace')} and on (unit) {most}", "{{name}}"),
        floor=None,
    )


def _way(say: Say) -> Iterator[AnyPanel]:
    open_ones = f"{selected('denbao_criterion_colour', _CHOSEN)} > 0"
    required, taken, projected = (_of_communes(f"denbao_target_{name}") for name in PACES)
    yield rows(
        About(
            say("Xã còn vướng", "Blocking communes"),
            say(
                "Các xã chưa đạt tiêu chí đã chọn: màu, nhịp cần, nhịp thực tế, giá trị dự kiến vào ngày đến hạn.",
                "Communes that have not met the chosen criterion: colour, pace needed and taken, value expected.",
            ),
            24,
            11,
        ),
        frame.of_units(say, say("Xã, phường", "Commune"), say("Nhịp cần", "Pace needed")),
        colour_column(say, frame.named(open_ones, _COMMUNE, HERE)),
        *pace_columns(
            say,
            f"{required} > 0",
            f"{taken} and on (unit) {open_ones}",
            f"{projected} and on (unit) {open_ones}",
        ),
    )


def _of_communes(metric: str) -> str:
    """A metric of the chosen criterion, by commune of the chosen province with its name."""
    return frame.named(selected(metric, _CHOSEN), _COMMUNE, HERE)
