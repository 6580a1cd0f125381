"""Shared systems: are they there, how fast, when were they not, and who depends on them."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.builders.dashboard import Dashboard

from grafana.boards import frame
from grafana.boards.frame import CELL, LABEL, colours, info, named, selected, unit_links
from grafana.boards.language import Say
from grafana.boards.palette import GREEN, RED, YELLOW, well_or_failed
from grafana.boards.panels import About, AnyPanel, Column, Frame, colour_column, figure, history, lines, rows, tiles

_THESE = 'level="system",unit=~"$unit"'
_ONES = 'unit=~"$unit"'
_AVAILABLE = ((None, RED), (0.99, YELLOW), (0.995, GREEN))  # ratio; assumed, as in rules/service_health.yaml
_EXPIRY = ((None, RED), (7.0, YELLOW), (30.0, GREEN))  # days


def board(say: Say) -> Dashboard:
    """Made in one language."""
    about = say(
        "Hệ thống dùng chung: khả dụng, độ trễ, lần gián đoạn, ai phụ thuộc.",
        "Shared systems: availability, latency, outages, who depends on them.",
    )
    made = frame.board(say, "systems", say("Đèn báo · Hệ thống dùng chung", "Denbao · Shared systems"), about)
    made = frame.with_changes(made.with_variable(frame.unit(say, "system")), say, _THESE)
    return frame.filled(frame.with_incidents(made, say), _now(say), _course(say), _depending(say))


def _now(say: Say) -> Iterator[AnyPanel]:
    yield tiles(
        say,
        About(
            say("Hệ thống", "Systems"),
            say("Màu của từng hệ thống, đỏ trước.", "Colour of each system, red first."),
            12,
            7,
            links=unit_links(say, LABEL, "systems"),
        ),
        colours(_THESE),
        "{{name}}",
    )
    success = selected("denbao_probe_success", _ONES)
    up = named(f"avg by (unit) (avg_over_time({success}[$__range]))", _THESE)
    gone = named(f"sum by (unit) (resets({success}[$__range]))", _THESE)
    yield rows(
        About(
            say("Khả dụng và gián đoạn", "Availability and outages"),
            say(
                "Tỷ lệ lần lấy mẫu có kết quả tốt, và số lần từ tốt thành hỏng, trong khoảng đang xem.",
                "Share of samples that were well, and how often well became failed, within the time shown.",
            ),
            12,
            7,
        ),
        frame.of_units(say, say("Hệ thống", "System"), say("Khả dụng", "Available"), "systems", descending=False),
        Column(say("Khả dụng", "Available"), up, "percentunit", 2, (), _AVAILABLE),
        Column(say("Gián đoạn", "Outages"), gone, "none", 0),
    )


def _course(say: Say) -> Iterator[AnyPanel]:
    yield history(
        About(
            say("Kết quả kiểm tra", "Results of the checks"),
            say("Mỗi hàng là một kiểm tra của một hệ thống.", "Each row is one check of one system."),
            24,
            6,
            "none",
        ),
        f"max by (unit, probe) ({selected('denbao_probe_success', _ONES)}) and on (unit) {info(_THESE)}",
        "{{unit}} {{probe}}",
        well_or_failed(say),
    )
    duration = f"max by (unit, probe) ({selected('denbao_probe_duration_seconds', _ONES)})"
    yield lines(
        About(
            say("Độ trễ", "Latency"),
            say("Lần kiểm tra gần nhất mất bao lâu.", "How long the last check took."),
            12,
            8,
            "s",
        ),
        (f"{duration} and on (unit) {info(_THESE)}", "{{unit}} {{probe}}"),
    )
    phases = f"max by (unit, phase) ({selected('denbao_probe_phase_duration_seconds', _ONES)})"
    yield lines(
        About(
            say("Thời gian từng bước", "Phases"),
            say("Tên miền, kết nối, TLS, byte đầu tiên, tải về.", "Name, connect, TLS, first byte, transfer."),
            12,
            8,
            "s",
        ),
        (f"{phases} and on (unit) {info(_THESE)}", "{{unit}} {{phase}}"),
    )
    expiry = selected("denbao_probe_certificate_expiry_timestamp_seconds", _ONES)
    yield figure(
        About(
            say("Chứng thư hết hạn sớm nhất", "Certificate that expires first"),
            say("Ngày còn lại của chứng thư sớm hết hạn nhất.", "Days left of the certificate that expires first."),
            6,
            8,
            "none",
            0,
        ),
        f"(min({expiry} and on (unit) {info(_THESE)}) - time()) / 86400",
        say("Ngày", "Days"),
        bounds=_EXPIRY,
    )


def _depending(say: Say) -> Iterator[AnyPanel]:
    depends = selected("denbao_unit_depends_info", 'system=~"$unit"')
    colour = named(selected("denbao_unit_colour"))
    yield rows(
        About(
            say("Ai phụ thuộc", "Who depends"),
            say(
                "Các đơn vị dựa vào hệ thống đã chọn và màu của chúng.",
                "Units that depend on the chosen systems, and their colours.",
            ),
            18,
            8,
        ),
        Frame(
            {"system": say("Hệ thống", "System"), "unit": say("Mã", "Code"), "name": say("Đơn vị", "Unit")},
            unit_links(say, CELL),
            say("Màu", "Colour"),
        ),
        colour_column(say, f"max by (system, unit) ({depends}) * on (unit) group_left (name) ({colour})"),
    )
