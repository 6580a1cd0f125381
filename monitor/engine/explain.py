"""Reasons to sentences, Vietnamese and English. The engine stores codes and numbers; words are made only when read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

from monitor.engine import reasons
from monitor.model.colour import Colour
from monitor.model.hours import Calendar
from monitor.model.reading import Comparator, Value
from monitor.model.text import singular
from monitor.model.verdict import Param, Reason

SENTENCES: Mapping[str, tuple[str, str]] = {
    reasons.NO_DATA: ("chưa từng nhận được số liệu", "no data was ever received"),
    reasons.STALE: (
        "số liệu đã cũ {age} (giới hạn {limit}), không còn được tin",
        "the data is {age} old (limit {limit}) and is no longer believed",
    ),
    reasons.WRONG_TYPE: (
        "giá trị {value} không so sánh được với quy tắc",
        "the value {value} cannot be compared with the rule",
    ),
    reasons.NO_BAND: ("không ngưỡng nào của quy tắc chứa {value}", "no band of the rule covers {value}"),
    reasons.SMALL_SAMPLE: (
        "chỉ có {sample} hồ sơ, cần ít nhất {needed}: không đánh giá",
        "only {sample} cases, at least {needed} are needed: not judged",
    ),
    reasons.BAND: ("giá trị {value} ứng với ngưỡng {band}", "the value {value} is in the band {band}"),
    reasons.UNDECIDED: (
        "nguồn chỉ nói {sign}{value}: chưa chắc đạt ngưỡng, không tính là xanh",
        "the source only says {sign}{value}: it may miss the band, so it is not counted green",
    ),
    reasons.TARGET_MET: ("{value} đạt chỉ tiêu {goal}", "{value} meets the target {goal}"),
    reasons.NOT_YET: (
        "{value} chưa đạt chỉ tiêu {goal}; còn {days} ngày làm việc",
        "{value} does not yet meet the target {goal}; {days} working days left",
    ),
    reasons.BELOW_FLOOR: (
        "{value} không đạt mức sàn {floor} (chỉ tiêu {goal})",
        "{value} is beyond the floor {floor} (target {goal})",
    ),
    reasons.OVERDUE: (
        "{value} không đạt chỉ tiêu {goal}, đã quá hạn {days} ngày",
        "{value} misses the target {goal}, {days} days overdue",
    ),
    reasons.EXPLAINED: (
        "do {system} gián đoạn; không báo riêng",
        "explained by {system}, which is down; nobody is called for it",
    ),
    reasons.AWAITED: (
        "chờ kết quả đo của {system} đến {until}",
        "waiting until {until} for the next answer of {system}",
    ),
    reasons.COLLAPSED: ("thuộc sự cố diện rộng tại {unit}", "part of the mass outage at {unit}"),
    reasons.INHERITED: ("theo hệ thống dùng chung {system}", "taken over from the shared system {system}"),
    reasons.PENDING: (
        "đang chờ xác nhận {raw}: {count}/{readings} lần, {seconds} giây",
        "waiting to confirm {raw}: {count} of {readings} readings, {seconds} s",
    ),
    reasons.CHILDREN: (
        "{green} xanh, {yellow} vàng, {red} đỏ, {unknown} chưa rõ trên {total}",
        "{green} green, {yellow} yellow, {red} red, {unknown} unknown of {total}",
    ),
    reasons.RED_SHARE: ("{share} % đỏ, vượt giới hạn {limit} %", "{share} % are red, over the limit of {limit} %"),
    reasons.KNOWN_SHARE: (
        "chỉ biết {known} %, cần ít nhất {needed} %",
        "only {known} % is known, at least {needed} % is needed",
    ),
    reasons.EMPTY_GROUP: ("không có đơn vị nào để tính", "there is no unit to count"),
    reasons.CRITICAL_RED: ("tiêu chí trọng yếu {criterion} đỏ", "the critical criterion {criterion} is red"),
    reasons.CRITICAL_UNKNOWN: (
        "tiêu chí trọng yếu {criterion} chưa rõ",
        "the critical criterion {criterion} is unknown",
    ),
    reasons.LOW_SCORE: ("điểm {score} thấp hơn {limit}", "the score {score} is below {limit}"),
    reasons.CRITERION_RED: ("tiêu chí {criterion} đỏ", "the criterion {criterion} is red"),
    reasons.CRITERION_YELLOW: (
        "tiêu chí {criterion} vàng (trọng số {weight})",
        "the criterion {criterion} is yellow (weight {weight})",
    ),
    reasons.LAST_LEVEL: (
        "tiêu chí {criterion} mất số liệu khi đang {level}, vẫn tính như vậy",
        "the criterion {criterion} fell silent while {level} and still counts so",
    ),
    reasons.ALL_GREEN: ("các tiêu chí đạt, điểm {score}", "the criteria are met, score {score}"),
    reasons.BLIND: (
        "không ghi được dữ liệu nên không xác nhận được trạng thái: {error}",
        "nothing can be stored, so no colour can be confirmed: {error}",
    ),
    reasons.SET_ASIDE: (
        "không đánh giá được, sẽ thử lại: {error}",
        "could not be judged and will be tried again: {error}",
    ),
    reasons.RULE_BROKEN: (
        "quy tắc này bị lỗi khi đánh giá, các quy tắc khác vẫn chạy: {error}",
        "this rule broke while it was judged, the others go on: {error}",
    ),
    reasons.FORECAST_BROKEN: (
        "không dự báo được đường tới chỉ tiêu, màu vẫn đúng: {error}",
        "the way to the target cannot be told, the colour stands: {error}",
    ),
    reasons.NO_CRITERIA: ("không có tiêu chí nào áp dụng", "no criterion applies"),
    reasons.WITHIN_MARGIN: (
        "{value} không đạt chỉ tiêu {goal} nhưng trong biên độ {margin}, đã quá hạn {days} ngày",
        "{value} misses the target {goal} within the margin of {margin}, {days} days overdue",
    ),
    reasons.BEHIND_PACE: (
        "{value} chậm tiến độ: hôm nay cần {expected} (cho phép lệch {tolerance})",
        "{value} is behind the pace: {expected} is due today (tolerance {tolerance})",
    ),
    reasons.EXEMPTED: (
        "theo {paper}, hạn là trước {new} thay vì trước {old}",
        "by {paper}, due before {new} instead of before {old}",
    ),
    reasons.FORMULA: ("điều kiện {expression} đúng", "the condition {expression} is true"),
    reasons.NO_FORMULA: ("không điều kiện nào của quy tắc đúng", "no condition of the rule is true"),
    reasons.INPUT_MISSING: (
        "điều kiện thiếu số liệu {indicator}",
        "the condition lacks the input {indicator}",
    ),
    reasons.INPUT_STALE: (
        "số liệu {indicator} đã cũ {age} giờ (giới hạn {limit} giờ), không còn được tin",
        "the input {indicator} is {age} hours old (limit {limit}) and is no longer believed",
    ),
    reasons.INPUT_INEXACT: (
        "nguồn chỉ nói {indicator} {sign} {value}: không đủ chính xác cho điều kiện",
        "the source only says {indicator} {sign} {value}: not exact enough for the condition",
    ),
    reasons.FORMULA_ERROR: (
        "không tính được điều kiện {expression}: {error}",
        "the condition {expression} cannot be evaluated: {error}",
    ),
    reasons.FLAPPING: (
        "đang chập chờn: {share} % đổi màu trong {readings} lần đo (hết khi dưới {end} %), hiện màu xấu nhất {worst}",
        "flapping: {share} % changes in {readings} readings (over when below {end} %), shown at its worst, {worst}",
    ),
    reasons.PENDING_AMONG: (
        "đang chờ xác nhận {raw}: {count} lần, cần {readings} trong {among} lần đo gần nhất",
        "waiting to confirm {raw}: {count} so far, {readings} of the last {among} readings are needed",
    ),
    reasons.AGEING: (
        "số liệu đã {age} chưa cập nhật (báo trước từ {limit}), vẫn được tin",
        "the data is {age} old (a warning from {limit} on) and still believed",
    ),
    reasons.WIDER_WINDOW: (
        "trong tháng chỉ có {month} hồ sơ, cần ít nhất {needed}: tính gộp {of} tháng gần nhất, {sample} hồ sơ"
        " (có số liệu {months} tháng)",
        "only {month} cases in the month, at least {needed} are needed: the last {of} months are judged together,"
        " {sample} cases ({months} of them known)",
    ),
    reasons.WINDOWS_TRIED: (
        "gộp 3 tháng: {quarter}, gộp 12 tháng: {year} hồ sơ, vẫn chưa đủ hoặc không cộng được: không áp dụng",
        "the last 3 months: {quarter}, the last 12 months: {year} cases, still too few or not to be added up:"
        " not applicable",
    ),
    reasons.SOURCES_DISAGREE: (
        "hai nguồn lệch nhau {difference} (giới hạn {limit}): {source} là {value}, {other} là {other_value}",
        "two sources differ by {difference} (limit {limit}): {source} says {value}, {other} says {other_value}",
    ),
    reasons.STAND_IN: (
        "tạm lấy theo nguồn {source} vì nguồn ưu tiên {preferred} không có số liệu còn hiệu lực",
        "taken from {source}, for the preferred source {preferred} has no figure that is still believed",
    ),
    reasons.POINTS: (
        "{value} % được {points} trên {maximum} điểm (đủ điểm từ {target} %)",
        "{value} % earns {points} of {maximum} points (all of them from {target} % on)",
    ),
    reasons.REPORTED_DIFFERS: (
        "hệ thống quốc gia báo {reported} (nguồn {source}, {as_of}), quy tắc tính ra {computed}",
        "the national system reports {reported} (source {source}, {as_of}), the rules give {computed}",
    ),
    reasons.NTH_BEST: (
        "{reached} đơn vị ít nhất ở mức {level} (cần {nth})",
        "{reached} of the units are at least {level} ({nth} are needed)",
    ),
    reasons.NTH_UNKNOWN: ("chưa biết đủ {nth} đơn vị", "fewer than {nth} units are known"),
    reasons.CHILDREN_EXCLUDED: (
        "{green} xanh, {yellow} vàng, {red} đỏ, {unknown} chưa rõ trên {total}; {excluded} không tính",
        "{green} green, {yellow} yellow, {red} red, {unknown} unknown of {total}; {excluded} excluded",
    ),
    reasons.CHILDREN_SILENT: (
        "mất số liệu khi đang ở mức xấu, vẫn tính như vậy: {yellow} vàng, {red} đỏ",
        "fell silent at a bad level and still count so: {yellow} yellow, {red} red",
    ),
    reasons.IN_THE_WAY: (
        "chưa đạt ({total}), gần xanh nhất trước: {units}; còn lại: {more}",
        "in the way ({total}), the nearest to green first: {units}; besides them: {more}",
    ),
    reasons.SUMMED: (
        "cộng số liệu của {known} trên {total} đơn vị trực thuộc; {excluded} không tính",
        "summed over {known} of {total} units below; {excluded} excluded",
    ),
    reasons.FIGURES_KEPT: (
        "{silent} đơn vị ngừng báo cáo, vẫn tính theo số liệu cuối cùng",
        "{silent} units below fell silent and still count by their last figure",
    ),
    reasons.FIGURES_MISSING: (
        "{missing} đơn vị chưa từng có số liệu: không biết tổng",
        "{missing} units below never gave a figure: the sum is not known",
    ),
    reasons.UNCLEAR_SUM: (
        "có nguồn nói nhiều hơn, có nguồn nói ít hơn: không biết tổng ({value})",
        "some sources say more than, some less than: the sum ({value}) is not known",
    ),
    reasons.INDEX_DIFFERS: (
        "hệ thống quốc gia báo {reported} điểm (bộ chỉ số {book}), tính từ số liệu ra {computed} điểm",
        "the national system reports {reported} points (index {book}), the figures give {computed} points",
    ),
    reasons.NOT_THERE_YET: (
        "đơn vị chưa có hiệu lực, từ {start} mới được tính",
        "the unit is not there yet and counts from {start} on",
    ),
    reasons.UNDER_MAINTENANCE: (
        "đang bảo trì đến {until} ({window}: {comment}), không đánh giá",
        "under maintenance until {until} ({window}: {comment}), not judged",
    ),
    reasons.AFTER_MAINTENANCE: (
        "vừa hết bảo trì, chờ kết quả đo mới đầu tiên",
        "the maintenance has just ended, waiting for the first fresh reading",
    ),
    reasons.NO_MORE: (
        "đơn vị không còn hiệu lực từ {end}, không được tính",
        "the unit is there no more since {end} and does not count",
    ),
}

COLOURS: Mapping[Colour, tuple[str, str]] = {
    Colour.GREEN: ("xanh", "green"),
    Colour.YELLOW: ("vàng", "yellow"),
    Colour.RED: ("đỏ", "red"),
    Colour.UNKNOWN: ("chưa rõ", "unknown"),
    Colour.MAINTENANCE: ("bảo trì", "maintenance"),
    Colour.EXCLUDED: ("không tính", "excluded"),
}

_WORDS: Mapping[str, tuple[str, str]] = {
    "true": ("có", "yes"),
    "false": ("không", "no"),
    "partly": ("một phần", "partly"),
    "in_progress": ("đang thực hiện", "in progress"),
    "late": ("chậm", "late"),
    **{colour.value: words for colour, words in COLOURS.items()},
}
_NOISE = 9  # decimals to which a number is what it is: 0.1 + 0.2 is 0.3
_LIMITS = frozenset({"band", "goal"})  # parameters that are a rule's limit as written
_SPANS = frozenset({"age", "limit"})  # parameters in seconds when the code is STALE or AGEING


def sentence(reason: Reason, locale: str, calendar: Calendar | None = None) -> str:
    """One reason in `locale` ("vi" or "en"). An unknown code is shown as itself, never hidden."""
    texts = SENTENCES.get(reason.code)
    if texts is None:
        return reason.code
    spans = _SPANS if reason.code in (reasons.STALE, reasons.AGEING) else frozenset()
    shown = {
        key: limit_text(value, locale)
        if key in _LIMITS and isinstance(value, str)
        else _param(key in spans, value, locale, calendar)
        for key, value in reason.params.items()
    }
    text = texts[locale == "en"].format_map(_Known(shown))
    return singular(text) if locale == "en" else text


def colour_name(colour: Colour, locale: str) -> str:
    """The colour's word in a language."""
    return COLOURS[colour][locale == "en"]


def value_text(value: Value | None, locale: str, comparator: Comparator = Comparator.EQ) -> str:
    """A value for people: Vietnamese decimal comma and thousands dot, words for yes and no; no unit of measure."""
    sign = "" if comparator is Comparator.EQ else f"{comparator.value} "
    if value is None:
        return "-"
    if isinstance(value, (bool, str)):
        return sign + _WORDS.get(str(value).lower(), (str(value), str(value)))[locale == "en"]
    return sign + number(value, locale)


def number(value: float, locale: str, digits: int = 2, *, fixed: bool = False) -> str:
    """A number for people: with at most so many decimals and no zero at the end, or `fixed`, all of them.

    68,91 in Vietnamese, 68.91 in English. It is rounded, but never to a rounder number than it is: 79.996 is not shown
    as the 80 that it did not reach, nor 1.004 as the 1 that it passed. This is the one rule, on every page and paper.
    """
    text = f"{_rounded(value, digits):,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text and not fixed else text
    return text if locale == "en" else text.translate(str.maketrans(",.", ".,"))


def _rounded(value: float, digits: int) -> float:
    exact = round(value, _NOISE)
    near = round(exact, digits)
    if near != exact and near == round(near, digits - 1):
        near = round(near + math.copysign(10.0**-digits, exact - near), digits)
    return near + 0.0  # never minus nothing


def span(seconds: float, locale: str) -> str:
    """A duration in its largest sensible unit."""
    for size, words in ((172800, ("ngày", "days")), (7200, ("giờ", "hours")), (120, ("phút", "minutes"))):
        if seconds >= size:
            unit = {172800: 86400, 7200: 3600, 120: 60}[size]
            return f"{number(round(seconds / unit, 1), locale)} {words[locale == 'en']}"
    return f"{number(round(seconds), locale)} {('giây', 'seconds')[locale == 'en']}"


class _Known(dict[str, str]):
    """A parameter that an older record does not have is shown as a question mark."""

    def __missing__(self, key: str) -> str:
        return "?"


def limit_text(written: str, locale: str) -> str:
    """A rule's limit for people: ">= 80" is "≥ 80", "95 to <100" is "95 đến <100", "== true" is a quoted word."""
    word = _WORDS.get(written.removeprefix("== "))
    if word is not None:
        return _quoted(word[locale == "en"])
    text = written.removeprefix("== ").replace(">=", "≥").replace("<=", "≤")
    return text if locale == "en" else text.replace(" to ", " đến ").replace(".", ",")


def _quoted(text: str) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{text}\N{RIGHT DOUBLE QUOTATION MARK}"


def _param(is_span: bool, value: Param, locale: str, calendar: Calendar | None) -> str:
    if isinstance(value, datetime):
        local = value if calendar is None else calendar.local(value)
        return f"{local:%H:%M %d/%m/%Y}"
    if is_span and isinstance(value, (int, float)):
        return span(value, locale)
    text = value_text(value, locale)
    return _quoted(text) if isinstance(value, bool) else text
