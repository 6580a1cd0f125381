"""The monitor itself: does it run, is it in time, are its sources, its store and its config well."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.builders.dashboard import Dashboard

from grafana.boards import frame
from grafana.boards.frame import INSTANCE, selected
from grafana.boards.language import Say
from grafana.boards.palette import GREEN, RED, YELLOW, well_or_failed
from grafana.boards.panels import TROUBLE, About, AnyPanel, Column, Frame, figure, lines, rows, spread

_YES_NO = ((None, RED), (1.0, GREEN))
_BEHIND = ((None, GREEN), (300.0, YELLOW), (3600.0, RED))  # seconds that pushed metrics may be late
_AWAY = ((None, GREEN), (1.0, YELLOW), (30.0, RED))  # seconds; the operator is told after 30
_LATE = ((None, GREEN), (1.0, YELLOW), (5.0, RED))  # seconds


def board(say: Say) -> Dashboard:
    """Made in one language."""
    about = say(
        "Chính hệ thống giám sát: có chạy đúng giờ không, nguồn, kho dữ liệu và cấu hình có ổn không.",
        "The monitor itself: whether it is in time, and its sources, store and config are well.",
    )
    made = frame.board(say, "monitor", say("Đèn báo · Chính hệ thống", "Denbao · The monitor itself"), about)
    made = frame.with_incidents(made.with_variable(frame.instance(say)), say)
    return frame.filled(made, _state(say), _pace(say), _feeds(say), _page(say), _push(say))


def _own(metric: str, matchers: str = "") -> str:
    return selected(metric, matchers, INSTANCE)


def _state(say: Say) -> Iterator[AnyPanel]:
    states = (
        ("up", say("Được lấy số liệu", "Scraped"), say("Prometheus đọc được trang số liệu.", "Prometheus reads it.")),
        (
            "denbao_store_readable",
            say("Kho dữ liệu", "Store"),
            say("Kho dữ liệu trả lời.", "The store answers."),
        ),
        (
            "denbao_config_last_reload_successful",
            say("Cấu hình", "Config"),
            say("Lần nạp cấu hình gần nhất thành công.", "The last reload worked."),
        ),
    )
    for metric, title, sentence in states:
        yield figure(
            About(title, sentence, 3, 4, "none"),
            f"min({_own(metric)})",
            title,
            bounds=_YES_NO,
            mappings=well_or_failed(say),
        )
    yield figure(
        About(
            say("Chưa lưu được", "Not stored"),
            say(
                "Đã bao lâu không ghi được vào kho: màu được đánh giá trong bộ nhớ, không gửi tin nào; 0: đã lưu hết.",
                "How long nothing could be stored: colours are judged in memory, nothing is sent; 0: all is stored.",
            ),
            3,
            4,
            "s",
            0,
        ),
        f"max({_own('denbao_store_away_seconds')})",
        say("Chưa lưu được", "Not stored"),
        bounds=_AWAY,
    )
    yield figure(
        About(
            say("Kênh đã dừng", "Stopped channels"),
            say("Kênh không gửi được cho ai.", "Channels that are broken for everybody."),
            4,
            4,
            "none",
            0,
        ),
        f"sum({_own('denbao_channel_stopped')})",
        say("Kênh", "Channels"),
        bounds=TROUBLE,
    )
    yield figure(
        About(
            say("Vòng lặp khởi động lại", "Restarted loops"),
            say("Trong khoảng đang xem; phải là 0.", "Within the time shown; should be 0."),
            4,
            4,
            "none",
            0,
        ),
        f"sum(increase({_own('denbao_loop_restarts_total')}[$__range])) or vector(0)",
        say("Lần", "Times"),
        bounds=TROUBLE,
    )
    yield rows(
        About(
            say("Phiên bản", "Version"),
            say("Phiên bản đang chạy ở mỗi máy.", "What runs on each instance."),
            4,
            4,
        ),
        Frame({"instance": say("Máy", "Instance"), "version": say("Phiên bản", "Version")}, filters=False),
        Column(say("Số", "Number"), f"count by (instance, version) ({_own('denbao_build_info')})", "none", 0),
    )


def _pace(say: Say) -> Iterator[AnyPanel]:
    told = (
        (
            "denbao_sweep_lateness_seconds",
            say("Kiểm tra trễ so với giờ định", "Lateness of polls"),
            say("Giữa giờ định và lúc bắt đầu; trung vị và 99 %.", "Between slot and start; median and 99 %."),
        ),
        (
            "denbao_event_loop_lag_seconds",
            say("Độ trễ của vòng lặp", "Lag of the event loop"),
            say("Chậm hơn hẹn bao nhiêu; trung vị và 99 %.", "How much later than asked; median and 99 %."),
        ),
        (
            "denbao_decision_seconds",
            say("Từ tin đến quyết định", "From news to decision"),
            say(
                "Từ tin đầu tiên đến khi ghi; trung vị và 99 %.", "From the first news to its commit; median and 99 %."
            ),
        ),
    )
    for metric, title, sentence in told:
        growth = f"rate({_own(f'{metric}_bucket')}[$__rate_interval])"
        yield spread(say, About(title, sentence, 8, 8, "s"), growth, 0.99, _LATE)


def _feeds(say: Say) -> Iterator[AnyPanel]:
    polls = f"sum by (outcome) (rate({_own('denbao_polls_total')}[$__rate_interval]))"
    yield lines(
        About(
            say("Lần kiểm tra theo kết quả", "Polls by outcome"),
            say("Mỗi giây: trả lời, hỏng, bỏ lỡ, hủy.", "Per second: answered, failed, missed, cancelled."),
            8,
            8,
            "reqps",
        ),
        (polls, "{{outcome}}"),
    )
    last = f"time() - max by (feed) ({_own('denbao_feed_last_success_timestamp_seconds')})"
    yield rows(
        About(
            say("Nguồn số liệu", "Feeds"),
            say("Bao lâu rồi từ lần trả lời tốt gần nhất; lần hỏng.", "How long since it answered well; failures."),
            8,
            8,
        ),
        Frame({"feed": say("Nguồn", "Feed")}, (), say("Đã qua", "Age")),
        Column(say("Đã qua", "Age"), last, "s", 0),
        Column(
            say("Hỏng", "Failures"),
            f"sum by (feed) (increase({_own('denbao_poll_failures_total')}[$__range]))",
            "none",
            0,
            (),
            TROUBLE,
        ),
    )
    rejected = f"sum by (feed, reason) (increase({_own('denbao_feed_rows_rejected_total')}[$__rate_interval]))"
    yield lines(
        About(
            say("Dòng bị từ chối", "Rows not believed"),
            say("Theo nguồn và lý do.", "By feed and reason."),
            8,
            8,
            "none",
            0,
        ),
        (rejected, "{{feed}} {{reason}}"),
    )


def _page(say: Say) -> Iterator[AnyPanel]:
    yield lines(
        About(
            say("Số chuỗi số liệu", "Series"),
            say("Chuỗi của đơn vị và tổng số trên trang số liệu.", "Series of units and totals on the page."),
            12,
            7,
            "none",
            0,
        ),
        (f"sum by (instance) ({_own('denbao_page_series')})", "{{instance}}"),
    )
    yield lines(
        About(
            say("Thời gian lấy số liệu", "Time of a scrape"),
            say("Prometheus đọc trang số liệu mất bao lâu.", "How long Prometheus took to read the page."),
            12,
            7,
            "s",
        ),
        (f"max by (instance) ({_own('scrape_duration_seconds')})", "{{instance}}"),
    )


def _push(say: Say) -> Iterator[AnyPanel]:
    only = say("Chỉ khi site tự đẩy số liệu.", "Only where a site pushes its metrics.")
    yield lines(
        About(
            say("Đẩy số liệu: chậm bao lâu", "Push: how far behind"),
            say(f"Yêu cầu cũ nhất đang chờ đã chờ bao lâu. {only}", f"Age of the oldest request that waits. {only}"),
            8,
            7,
            "s",
        ),
        (f"max by (instance) ({_own('denbao_push_oldest_age_seconds')})", "{{instance}}"),
        bounds=_BEHIND,
    )
    yield lines(
        About(
            say("Đẩy số liệu: đang chờ trên đĩa", "Push: waiting on disk"),
            say(f"Bộ đệm giữ gì chưa gửi được. {only}", f"What the buffer keeps until it goes. {only}"),
            8,
            7,
            "bytes",
        ),
        (f"sum by (instance) ({_own('denbao_push_waiting_bytes')})", "{{instance}}"),
    )
    ended = f"sum by (outcome) (increase({_own('denbao_push_requests_total')}[$__rate_interval]))"
    yield lines(
        About(
            say("Đẩy số liệu: kết quả", "Push: what became of requests"),
            say(
                f"Đã gửi, bị từ chối, bị bỏ vì bộ đệm đầy (mất hẳn). {only}",
                f"Sent, refused, dropped from a full buffer (lost for good). {only}",
            ),
            8,
            7,
            "none",
            0,
        ),
        (ended, "{{outcome}}"),
    )
