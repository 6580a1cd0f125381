"""On call: what is open, how long until somebody answers and until it is well, what became of the messages."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.builders.dashboard import Dashboard

from grafana.boards import frame
from grafana.boards.frame import JOB, selected
from grafana.boards.language import Say
from grafana.boards.palette import GREEN, RED, YELLOW
from grafana.boards.panels import (
    TROUBLE,
    About,
    AnyPanel,
    Column,
    Frame,
    colours_over_time,
    counts,
    figure,
    lines,
    rows,
    spread,
)

_HERE = f'{JOB},province=~"$province"'
_OPEN, _ACKNOWLEDGED = 'phase="open"', 'phase="acknowledged"'
_CHANNEL = 'channel=~"$channel"'
_BUDGET = ((None, GREEN), (0.8, YELLOW), (1.0, RED))  # of the segments of the day that are not kept back
_AGE = ((None, GREEN), (300.0, YELLOW), (900.0, RED))  # seconds that a due message may wait


def board(say: Say) -> Dashboard:
    """Made in one language."""
    about = say(
        "Trực ban: sự cố đang mở, bao lâu thì có người nhận và xử lý xong, tin nhắn, chi phí và hạn mức SMS.",
        "On call: open incidents, time to acknowledge and to fix, messages, what SMS cost and what is left of the day.",
    )
    made = frame.board(say, "oncall", say("Đèn báo · Trực ban", "Denbao · On call"), about)
    made = made.with_variable(frame.province(say, several=True)).with_variable(frame.channel(say))
    made = frame.with_incidents(made, say, _HERE)
    return frame.filled(made, _open(say), _course(say), _answers(say), _deliveries(say), _spending(say), _outbox(say))


def _open(say: Say) -> Iterator[AnyPanel]:
    yield counts(
        say,
        About(
            say("Sự cố đang mở theo màu", "Open incidents by colour"),
            say("Mọi sự cố chưa đóng.", "Every incident that is not closed."),
            12,
            5,
        ),
        frame.incidents(_HERE),
    )
    yield figure(
        About(
            say("Chưa ai nhận", "Nobody has answered"),
            say("Sự cố mở mà chưa ai xác nhận.", "Incidents that are open and not acknowledged."),
            6,
            5,
            "none",
            0,
        ),
        f"sum({selected('denbao_incidents', _OPEN, _HERE)})",
        say("Sự cố", "Incidents"),
        bounds=TROUBLE,
    )
    yield figure(
        About(
            say("Đang xử lý", "Being fixed"),
            say("Sự cố đã có người nhận.", "Incidents that somebody has acknowledged."),
            6,
            5,
            "none",
            0,
        ),
        f"sum({selected('denbao_incidents', _ACKNOWLEDGED, _HERE)})",
        say("Sự cố", "Incidents"),
    )


def _course(say: Say) -> Iterator[AnyPanel]:
    yield colours_over_time(
        say,
        About(
            say("Sự cố qua thời gian", "Incidents over time"),
            say("Sự cố chưa đóng theo màu.", "Incidents that are not closed, by colour."),
            12,
        ),
        frame.incidents(_HERE),
    )
    yield rows(
        About(
            say("Sự cố theo tỉnh", "Incidents by province"),
            say(
                "Đang mở, chưa ai nhận. Dòng không tên: cả nước và hệ thống chung.",
                "Open ones, and those that nobody answered. The row without a name: the nation and shared systems.",
            ),
            12,
        ),
        Frame({"province": say("Tỉnh", "Province")}, (), say("Đang mở", "Open")),
        Column(
            say("Đang mở", "Open"),
            f"sum by (province) ({selected('denbao_incidents', '', _HERE)})",
            "none",
            0,
            (),
            TROUBLE,
        ),
        Column(
            say("Chưa ai nhận", "Not answered"),
            f"sum by (province) ({selected('denbao_incidents', _OPEN, _HERE)})",
            "none",
            0,
            (),
            TROUBLE,
        ),
    )


def _answers(say: Say) -> Iterator[AnyPanel]:
    told = (
        (
            "denbao_incident_acknowledgement_seconds",
            say("Thời gian đến khi có người nhận", "Time to acknowledge"),
            say("Từ lúc mở đến lúc được xác nhận; trung vị và 90 %.", "From opening to the answer; median and 90 %."),
        ),
        (
            "denbao_incident_duration_seconds",
            say("Thời gian đến khi xử lý xong", "Time to fix"),
            say("Từ lúc mở đến lúc đóng; trung vị và 90 %.", "From opening to closing; median and 90 %."),
        ),
    )
    for metric, title, sentence in told:
        growth = f"increase({selected(f'{metric}_bucket')}[$__range])"
        yield spread(say, About(title, sentence, 12, 7, "s"), growth, 0.9)


def _deliveries(say: Say) -> Iterator[AnyPanel]:
    notices = selected("denbao_notices_total", _CHANNEL)
    yield rows(
        About(
            say("Tin nhắn theo kênh và kết quả", "Messages by channel and outcome"),
            say("Trong khoảng thời gian đang xem.", "Within the time that is shown."),
            12,
            7,
        ),
        Frame(
            {"channel": say("Kênh", "Channel"), "outcome": say("Kết quả", "Outcome")},
            (),
            say("Tin nhắn", "Messages"),
        ),
        Column(say("Tin nhắn", "Messages"), f"sum by (channel, outcome) (increase({notices}[$__range]))", "none", 0),
    )
    sent = selected("denbao_notices_total", f'{_CHANNEL},outcome=~"sent|maybe_sent"')
    price = f"max by (channel) ({selected('denbao_channel_price_dong', _CHANNEL)})"
    yield figure(
        About(
            say("Chi phí SMS", "Spent on SMS"),
            say(
                "Tin đã gửi trong khoảng đang xem nhân với giá ghi ở kênh (price:); mỗi tin là một đoạn.",
                "Messages sent within the time shown, times the price of their channel (price:); one segment each.",
            ),
            6,
            7,
            "currencyVND",
            0,
        ),
        f"sum(sum by (channel) (increase({sent}[$__range])) * on (channel) {price})",
        say("Đồng", "VND"),
    )
    refused = selected("denbao_notices_total", f'{_CHANNEL},outcome=~"refused|unknown"')
    share = f"sum(increase({refused}[$__range])) or vector(0)"
    yield figure(
        About(
            say("Tin không gửi được", "Messages that failed"),
            say("Bị từ chối hoặc không rõ kết quả, trong khoảng đang xem.", "Refused or unknown, within the time."),
            6,
            7,
            "none",
            0,
        ),
        share,
        say("Tin nhắn", "Messages"),
        bounds=TROUBLE,
    )


def _spending(say: Say) -> Iterator[AnyPanel]:
    gone, budget, reserve, cost = (
        f"max by (channel) ({selected(f'denbao_channel_day_{name}', _CHANNEL)})"
        for name in ("segments", "budget_segments", "reserve_segments", "cost_dong")
    )
    ordinary = f"({budget} - {reserve})"
    segments, day = say("Đoạn", "Segments"), say("Hạn mức", "Budget")
    yield rows(
        About(
            say("SMS hôm nay so với hạn mức", "SMS of today against the budget"),
            say(
                "Từ 0 giờ: số đoạn, phần đã dùng của hạn mức thường, hạn mức ngày, dự trữ cho tin khẩn, thành tiền.",
                "Since midnight: segments, used share of what is not kept back, the day's budget, the reserve, VND.",
            ),
            12,
            7,
        ),
        Frame({"channel": say("Kênh", "Channel")}, (), segments),
        Column(segments, gone, "none", 0),
        Column(say("Đã dùng", "Used"), f"{gone} / {ordinary}", "percentunit", 0, (), _BUDGET),
        Column(day, budget, "none", 0),
        Column(say("Dự trữ", "Reserve"), reserve, "none", 0),
        Column(say("Đồng", "VND"), cost, "currencyVND", 0),
    )
    yield lines(
        About(
            say("SMS trong ngày", "SMS over the day"),
            say(
                "Số đoạn từ 0 giờ mỗi ngày; vượt hạn mức thường thì chỉ còn tin khẩn được gửi.",
                "Segments since each midnight; above the line for ordinary ones only urgent messages go.",
            ),
            12,
            7,
            "none",
            0,
        ),
        (gone, "{{channel}}"),
        (ordinary, say("{{channel}}: hạn mức thường", "{{channel}}: for ordinary ones")),
        (budget, say("{{channel}}: hạn mức ngày", "{{channel}}: budget of the day")),
    )


def _outbox(say: Say) -> Iterator[AnyPanel]:
    # A channel with nothing to do has no series.
    none = f"0 * sum by (channel) (increase({selected('denbao_notices_total', _CHANNEL)}[$__range]))"
    yield lines(
        About(
            say("Tin nhắn đang chờ", "Messages waiting"),
            say("Còn nợ và chưa có kết quả, theo kênh.", "Owed and not yet settled, by channel."),
            12,
            7,
            "none",
            0,
        ),
        (f"sum by (channel) ({selected('denbao_outbox_pending', _CHANNEL)}) or {none}", "{{channel}}"),
    )
    yield lines(
        About(
            say("Tin chờ lâu nhất", "Oldest message"),
            say("Tin đến hạn mà chưa gửi xong đã chờ bao lâu.", "How long the oldest due message has waited."),
            12,
            7,
            "s",
        ),
        (f"max by (channel) ({selected('denbao_outbox_oldest_age_seconds', _CHANNEL)}) or {none}", "{{channel}}"),
        bounds=_AGE,
    )
