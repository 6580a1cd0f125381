"""Why rows of a feed are not believed, in words: a machine word stands for a sentence, Vietnamese and English.

The exact circumstances (which code, which number) are the English `detail` of a `Rejected`; what stood in the row is
shown beside it, so the sentence here can be read without it.
"""

from __future__ import annotations

from collections.abc import Mapping

SENTENCES: Mapping[str, tuple[str, str]] = {
    "unknown-unit": (
        "mã hoặc tên không thuộc đơn vị nào của hệ thống này",
        "the code or name is of no unit of this site",
    ),
    "ambiguous-unit": (
        "tên có thể là của nhiều đơn vị; hãy ghi đủ dấu, hoặc ghi mã",
        "the name may be of several units; write its marks, or the code",
    ),
    "former-unit": (
        "đơn vị đã được sáp nhập hoặc không còn; hãy dùng mã của đơn vị mới",
        "the unit was merged away or has ended; send the one it became part of",
    ),
    "duplicate": (
        "một đơn vị đứng ở nhiều dòng với giá trị khác nhau; không biết dòng nào đúng",
        "one unit stands in several rows with different values; nobody knows which is right",
    ),
    "missing": (
        "thiếu cột, mã đơn vị, ngày hoặc giá trị cần có",
        "a column, code, date or value that is needed is missing",
    ),
    "schema-drift": (
        "cột trước đây có nay không còn hoặc đã đổi tên; chỉ số này tạm dừng nhận số liệu",
        "a column that was there is gone or renamed; its indicator gets no values for now",
    ),
    "rows-fell": (
        "số dòng giảm hơn một nửa so với lần tốt gần nhất; giữ lại chờ lần sau xác nhận",
        "less than half of the last good answer's rows; held back until the next answer confirms it",
    ),
    "backwards": (
        "số lũy kế giảm so với lần trước trong cùng kỳ",
        "a cumulative figure is less than it was in the same period",
    ),
    "impossible": (
        "giá trị, tử số và mẫu số không thể cùng đúng",
        "the value and its numerator and denominator cannot all be true",
    ),
    "out-of-range": ("giá trị ngoài khoảng có thể có của chỉ số", "the value is outside what its indicator can be"),
    "not-a-number": ("giá trị không phải là số", "the value is not a number"),
    "decimal-sign": (
        "dấu thập phân khác với khai báo của nguồn (dấu phẩy hoặc dấu chấm)",
        "the decimal sign is not the declared one (a comma or a point)",
    ),
    "unknown-word": ("từ không có trong danh sách của chỉ số", "the word is none of the indicator's"),
    "future": ("ngày của số liệu ở tương lai so với đồng hồ của hệ thống", "the date lies in the future of our clock"),
    "merged": (
        "một ô gộp nhiều dòng; không biết giá trị của dòng nào",
        "one cell over several rows: whose value is it?",
    ),
    "not-computed": (
        "công thức chưa có kết quả; hãy mở tệp bằng Excel hoặc LibreOffice rồi lưu lại",
        "a formula has no stored result; open the file in Excel or LibreOffice, and save it",
    ),
    "measured": (
        "đã có nguồn khác đo chỉ số này của đơn vị; hãy ghi nguồn ưu tiên dưới sources",
        "another source measures this of the unit already; list the preferred one under sources",
    ),
    "bad-row": (
        "dòng không đúng dạng, hoặc ngày không đọc được",
        "the row has the wrong form, or its date cannot be read",
    ),
    "bad-line": ("dòng hỏng, không đọc được", "the line is broken and cannot be read"),
    "no-answer": ("truy vấn của chỉ số này không trả lời được", "the query of this indicator was not answered"),
    "warning": ("máy chủ trả lời kèm cảnh báo", "the server warns beside its answer"),
    "waiting": ("còn tệp chờ lần đọc sau", "files are left for the next look"),
    "unreadable": ("tệp hỏng, không đọc được", "the file cannot be read"),
    "more": ("còn nhiều dòng khác, chỉ được đếm", "there are more rows, which are only counted"),
}


def refusal(reason: str) -> tuple[str, str]:
    """The sentence of a reason, Vietnamese and English; a word that is not known stands for itself."""
    return SENTENCES.get(reason, (reason, reason))
