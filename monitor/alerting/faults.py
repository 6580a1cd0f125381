"""What a probe says went wrong, in Vietnamese: officials get a cause they can read, the board keeps the exact words."""

from __future__ import annotations

import re
from collections.abc import Sequence

# (form of the probe's words, Vietnamese); the first that fits is taken. Kinds are those of the bounded fetch.
_FAULTS: Sequence[tuple[re.Pattern[str], str]] = tuple(
    (re.compile(form), words)
    for form, words in (
        (r"HTTP status (\d+)", r"máy chủ trả mã \1"),
        (r"timeout\b|no (connection|answer|complete answer|TLS) within", "quá thời gian chờ"),
        (r"dns:|the name has no usable address", "không tìm thấy địa chỉ của tên miền"),
        (r"the certificate expires on (\d{4})-(\d\d)-(\d\d)", r"chứng thư TLS hết hạn ngày \3/\2/\1"),
        (r"tls:|no TLS|the certificate", "kết nối bảo mật (TLS) không hợp lệ"),
        (r"refused-address:|refused by the address guard", "địa chỉ không được phép truy cập"),
        (r"connect:|no connection:", "không kết nối được"),
        (r"cut:|truncated:|the other side (broke|hung)|the server hung", "kết nối bị ngắt giữa chừng"),
        (r"too-large:", "phản hồi quá lớn"),
        (r"bad-encoding:|protocol:|redirect:", "phản hồi không hợp lệ"),
        (r"the (answer|greeting) does not contain|the other side does not say", "nội dung trả về không như mong đợi"),
    )
)

_STEP = re.compile(r"step (\d+) '([^']+)': (.+)")  # of a journey


def vietnamese_fault(text: str) -> str:
    """The cause in Vietnamese; words that are not known stay as they are, never hidden."""
    if step := _STEP.match(text):
        return f"bước {step[1]} '{step[2]}': {vietnamese_fault(step[3])}"
    for form, words in _FAULTS:
        if found := form.match(text):
            return found.expand(words)
    return text
