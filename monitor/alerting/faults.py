"""What a probe says went wrong, in Vietnamese: officials get a cause they can read, the board keeps the exact words."""

from __future__ import annotations

import re
from collections.abc import Sequence

# (form of the probe's words, Vietnamese); the first that fits is taken. Kinds are those of the bounded fetch.
_FAULTS: Sequence[tuple[re.Pattern[str], str]] = tuple(
    (re.compile(form), words)
    for form, words in (
        (r"HTTP status (\d+)", r"máy chủ trả mã \1"),
        (r"timeout\b|no connection within", "quá thời gian chờ"),
        (r"dns:|NameFailed", "không tìm thấy địa chỉ của tên miền"),
        (r"tls:", "kết nối bảo mật (TLS) không hợp lệ"),
        (r"refused-address:|Refused:", "địa chỉ không được phép truy cập"),
        (r"connect:|Connection\w*Error|OSError", "không kết nối được"),
        (r"cut:|truncated:", "kết nối bị ngắt giữa chừng"),
        (r"too-large:", "phản hồi quá lớn"),
        (r"bad-encoding:|protocol:|redirect:", "phản hồi không hợp lệ"),
        (r"the answer does not contain", "nội dung trả về không như mong đợi"),
    )
)


def vietnamese_fault(text: str) -> str:
    """The cause in Vietnamese; words that are not known stay as they are, never hidden."""
    for form, words in _FAULTS:
        if found := form.match(text):
            return found.expand(words)
    return text
