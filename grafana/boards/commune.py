"""One commune: every criterion and why, its probes with their phases, its history, and where all figures are told."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.builders import text
from grafana_foundation_sdk.builders.dashboard import Dashboard

from grafana.boards import frame
from grafana.boards.frame import JOB, colours, days_left, selected, unit_links
from grafana.boards.language import Say
from grafana.boards.palette import MET, UNKNOWN, colour_mappings, reason_mappings, well_or_failed
from grafana.boards.panels import (
    DAYS_LEFT,
    LIVE,
    PACES,
    About,
    AnyPanel,
    Column,
    Frame,
    colour_column,
    figure,
    history,
    lines,
    note,
    pace_columns,
    rows,
    score,
    tiles,
)

_OWN = 'unit="$unit"'
_CRITERIA = f'{_OWN},criterion=~"$criterion"'


def board(say: Say) -> Dashboard:
    """Made in one language."""
    about = say(
        "Một xã, phường: từng tiêu chí, vì sao, kiểm tra kết nối, lịch sử màu.",
        "One commune: every criterion, why, its probes, the history of its colour.",
    )
    made = frame.board(say, "commune", say("Đèn báo · Xã, phường", "Denbao · Commune"), about)
    made = made.with_variable(frame.province(say)).with_variable(frame.unit(say, "commune"))
    made = made.with_variable(frame.criterion(say, selected("denbao_criterion_colour", _OWN), several=True))
    made = frame.with_changes(frame.with_incidents(made, say, frame.HERE), say, _OWN)
    return frame.filled(made, _now(say), _criteria(say), _why(say), _history(say), _figures(say), _probes(say))


def _now(say: Say) -> Iterator[AnyPanel | text.Panel]:
    own = About(say("Màu", "Colour"), say("Màu hiện nay.", "Its present colour."), 6, 5)
    yield tiles(say, own, colours(_OWN), "{{name}}")
    yield figure(
        About(
            say("Có màu này từ", "Has this colour since"),
            say("Khi đơn vị chuyển sang màu hiện nay.", "When the unit took its present colour."),
            5,
            5,
            "dateTimeAsLocal",
        ),
        f"1000 * max({selected('denbao_unit_colour_since_timestamp_seconds', _OWN)})",
        say("Từ", "Since"),
    )
    yield score(say, say("Điểm", "Score"), selected("denbao_unit_score_ratio", _OWN))
    yield figure(
        About(
            say("Phần đã biết", "Known share"),
            say("Trọng số đã biết trên tổng trọng số.", "Known weight over total weight."),
            4,
            5,
            "percentunit",
            0,
        ),
        f"max({selected('denbao_unit_coverage_ratio', _OWN)})",
        say("Đã biết", "Known"),
        bounds=((None, UNKNOWN),),
    )
    yield note(
        About(
            say("Vì sao", "Why"),
            say("Lý do với đủ con số nằm ở bảng trực tiếp.", "The reasons with all figures are on the live board."),
            5,
            5,
        ),
        say(
            f"[Vì sao đơn vị có màu này]({LIVE}/units/${{unit}}?lang=vi)\n\nHoặc: `denbao explain ${{unit}}`",
            f"[Why the unit has this colour]({LIVE}/units/${{unit}}?lang=en)\n\nOr: `denbao explain ${{unit}}`",
        ),
    )


def _criteria(say: Say) -> Iterator[AnyPanel]:
    each = "max by (criterion) ({})"
    yield rows(
        About(
            say("Từng tiêu chí", "Every criterion"),
            say(
                "Màu, ngày đến hạn chung, nhịp cần và nhịp thực tế mỗi ngày làm việc, dự kiến vào ngày đến hạn.",
                "Colour, days to the general date, pace needed and taken per working day, value expected at the date.",
            ),
            24,
            10,
        ),
        Frame({"criterion": say("Tiêu chí", "Criterion")}, (), say("Màu", "Colour")),
        colour_column(say, each.format(selected("denbao_criterion_colour", _CRITERIA))),
        Column(say("Còn (ngày)", "Days left"), days_left('criterion=~"$criterion"'), "none", 0, (), DAYS_LEFT),
        *pace_columns(say, *(each.format(selected(f"denbao_target_{name}", _CRITERIA)) for name in PACES)),
    )


def _why(say: Say) -> Iterator[AnyPanel]:
    colour = f"max by (criterion) ({selected('denbao_criterion_colour', _CRITERIA)})"
    reasons = f"max by (criterion, reason) ({selected('denbao_criterion_reason_info', _CRITERIA)})"
    met = f'label_replace({colour} == 0, "reason", "{MET}", "", "")'
    yield rows(
        About(
            say("Vì sao từng tiêu chí có màu ấy", "Why each criterion has its colour"),
            say(
                "Mỗi lý do một dòng; dấu … là con số, xem ở bảng trực tiếp bằng liên kết của dòng.",
                "A row for each reason; … stands for a figure: the link of the row leads to it on the live board.",
            ),
            24,
            10,
        ),
        Frame(
            {"criterion": say("Tiêu chí", "Criterion"), "reason": say("Vì sao", "Why")},
            unit_links(say, "${unit}")[1:],
            say("Màu", "Colour"),
            words={"reason": reason_mappings(say)},
        ),
        colour_column(say, f"{reasons} * on (criterion) group_left () {colour} or {met}"),
    )


def _history(say: Say) -> Iterator[AnyPanel]:
    mappings = colour_mappings(say)
    yield history(
        About(
            say("Lịch sử màu của đơn vị", "History of the unit's colour"),
            say("Màu của đơn vị theo thời gian.", "Colour of the unit over time."),
            24,
            4,
            "none",
        ),
        f"max by (unit) ({selected('denbao_unit_colour', _OWN)})",
        "{{unit}}",
        mappings,
    )
    yield history(
        About(
            say("Lịch sử từng tiêu chí", "History of every criterion"),
            say("Màu của từng tiêu chí theo thời gian.", "Colour of every criterion over time."),
            24,
            10,
            "none",
        ),
        f"max by (criterion) ({selected('denbao_criterion_colour', _CRITERIA)})",
        "{{criterion}}",
        mappings,
    )


def _figures(say: Say) -> Iterator[AnyPanel]:
    yield lines(
        About(
            say("Chỉ số", "Indicators"),
            say(
                "Giá trị mới nhất theo đơn vị đo của chỉ số; có là 1, một phần 0,5, không 0.",
                "Newest values in the indicators' own units; yes 1, partly 0.5, no 0.",
            ),
            24,
            9,
        ),
        (f"max by (indicator) ({selected('denbao_indicator_value', _OWN)})", "{{indicator}}"),
    )


def _probes(say: Say) -> Iterator[AnyPanel]:
    yield history(
        About(
            say("Kiểm tra kết nối", "Probes"),
            say("Lần kiểm tra gần nhất có tốt không.", "Whether the last check went well."),
            12,
            7,
            "none",
        ),
        f"max by (probe) ({selected('denbao_probe_success', _OWN)})",
        "{{probe}}",
        well_or_failed(say),
    )
    phases = frame.selected("denbao_probe_phase_duration_seconds", _OWN, JOB)
    yield lines(
        About(
            say("Thời gian từng bước kết nối", "Phases of the last check"),
            say(
                "Tên miền, kết nối, TLS, byte đầu tiên, tải về: mỗi bước mất bao lâu.",
                "Name, connect, TLS, first byte, transfer: how long each took.",
            ),
            12,
            7,
            "s",
        ),
        (f"max by (probe, phase) ({phases})", "{{probe}} {{phase}}"),
    )
