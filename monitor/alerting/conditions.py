"""What the monitor says of itself (`monitor.alerting.selfwatch`), in words of both languages."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.alerting.text import Piece

# What the monitor says of itself (text `self`), as rows of pieces: (Vietnamese, English).
CONDITIONS: Mapping[str, Mapping[str, tuple[Piece, ...]]] = {
    "no_sweep": {
        "vi": ("không đo được lượt nào", " trong {h}"),
        "en": ("nothing was polled", " for {h}"),
    },
    "stuck_outbox": {
        "vi": ("tin nhắn chờ gửi bị ứ lại", ", {count} tin", ", lâu nhất {h}"),
        "en": ("messages are stuck in the outbox", ", {count} of them", ", the oldest for {h}"),
    },
    "unheard": {
        "vi": ("tin báo không đến ai", ", {count} lần gọi", ", cũ nhất {first_code} mã {first_ref}", " ({posts})"),
        "en": ("calls reached nobody", ", {count} of them", ", the oldest {first_code} ref {first_ref}", " ({posts})"),
    },
    "clock_jump": {
        "vi": ("đồng hồ máy chủ nhảy", " {h}"),
        "en": ("the clock of the machine jumped", " by {h}"),
    },
    "disk_low": {
        "vi": ("ổ đĩa sắp đầy", ", còn trống {free}%"),
        "en": ("the disk is nearly full", ", {free}% free"),
    },
    "token_ending": {
        "vi": ("mã truy cập kênh nhắn tin sắp hết hạn hoặc bị từ chối",),
        "en": ("the access token of a channel ends soon or is refused",),
    },
    "config_broken": {
        "vi": ("cấu hình mới bị lỗi, vẫn chạy theo cấu hình cũ",),
        "en": ("the new configuration is broken, the old one still runs",),
    },
    "no_decision": {
        "vi": ("không đánh giá được số liệu mới", " trong {h}"),
        "en": ("nothing new was judged", " for {h}"),
    },
    "store_down": {
        "vi": ("không ghi được cơ sở dữ liệu", " trong {h}", " (đĩa còn {free}%)"),
        "en": ("the database could not be used", " for {h}", " (disk {free}% free)"),
    },
    "plan_gap": {
        "vi": ("có bước báo tin bị bỏ sót", ", {count} bước"),
        "en": ("calls that were due were not made", ", {count} of them"),
    },
    "auditor_silent": {
        "vi": ("bộ phận kiểm tra bước báo tin không chạy", " trong {h}"),
        "en": ("the auditor of calls did not run", " for {h}"),
    },
    "stalled": {
        "vi": ("hệ thống đã đứng yên", " trong {h}"),
        "en": ("the monitor stood still", " for {h}"),
    },
    "channel_stopped": {
        "vi": ("kênh gửi tin ngừng hoạt động", ", {count} kênh"),
        "en": ("channels are stopped", ", {count} of them"),
    },
    "cut_off": {
        "vi": ("máy chủ giám sát mất kết nối ra ngoài",),
        "en": ("the monitor's own line is down",),
    },
}
