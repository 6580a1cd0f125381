"""The tables that tune the simulated province: how many communes are how good, and what "good" means.

Ranges are inclusive, in the indicator's own unit (per cent 0-100, or a count). Nothing else in
this package holds a figure that decides a colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["good", "middling", "poor"]
ProfileName = Literal["missing", "late", "nonsense", "poor", "middling", "good"]
Range = tuple[float, float]

MIX: Final[tuple[tuple[ProfileName, float], ...]] = (
    ("missing", 1.1),
    ("late", 1.1),
    ("nonsense", 1.1),
    ("poor", 2.2),
    ("middling", 25.0),
)
"""Share of the communes in per cent, by profile; the rest is "good". Of 92: 1, 1, 1, 2, 23 and 64."""

LIGHT_WEAKNESS: Final[dict[ProfileName, float]] = {"middling": 0.2, "good": 0.02, "late": 0.02}
"""Chance (0-1) that a light indicator of such a commune is middling too."""

SLOW_SHARE: Final = 0.05
"""Chance (0-1) that a centre answers slowly by nature."""

SLOW_RANGE: Final[Range] = (0.2, 0.6)
"""Seconds such a centre takes."""

DOSSIERS_PER_DAY: Final[Range] = (45.0, 120.0)


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One line of the Decision 766 index as the portal's `metrics[]` shows it, with its simulated ranges.

    `max_score` 0 means shown for information, not scored. `target` is the rate in per cent that earns
    all points (None: linear up to 100). The denominator is `share` of the period's dossiers, or
    `fixed` procedures. A `heavy` item is one that makes a commune yellow by itself. Items are compared
    by identity: they stand in `ITEMS` and nowhere else.
    """

    code: str
    indicator: str | None
    name: str
    group: str
    max_score: float
    target: float | None
    good: Range
    middling: Range
    poor: Range
    share: float = 1.0
    fixed: int = 0
    heavy: bool = False
    counts: bool = False

    def span(self, level: Level) -> Range:
        """The range of values at one level."""
        return {"good": self.good, "middling": self.middling, "poor": self.poor}[level]


GROUPS: Final[dict[str, str]] = {
    "CKMB": "Công khai, minh bạch",
    "TDGQ": "Tiến độ giải quyết",
    "CLGQ": "Cung cấp dịch vụ trực tuyến",
    "TTTT": "Thanh toán trực tuyến",
    "MDSH": "Số hóa hồ sơ",
    "MDHL": "Mức độ hài lòng",
}

_FINE: Range = (97.0, 100.0)
_FAIR: Range = (91.0, 97.0)
_WEAK: Range = (60.0, 80.0)

# fmt: off
ITEMS: Final[tuple[Item, ...]] = (
    Item("1.1", None, "TTHC công bố đúng hạn", "CKMB", 6, None, _FINE, _FAIR, _WEAK, fixed=320),
    Item("1.2", None, "TTHC cập nhật đúng hạn", "CKMB", 4, None, _FINE, _FAIR, _WEAK, fixed=320),
    Item("1.3", None, "TTHC công khai đầy đủ nội dung", "CKMB", 2, None, _FINE, _FAIR, _WEAK, fixed=320),
    Item(
        "1.4", "dossier_sync_rate", "Hồ sơ đồng bộ lên Cổng DVCQG", "CKMB", 6, None,
        (98.7, 100.0), (91.0, 97.3), (75.0, 88.0),
    ),
    Item(
        "2.1", "on_time_rate", "Hồ sơ giải quyết trước và đúng hạn", "TDGQ", 20, None,
        (97.0, 99.8), (91.2, 94.2), (72.0, 88.0), heavy=True,
    ),
    Item(
        "2.3", "overdue_dossiers", "Hồ sơ quá hạn đang xử lý", "TDGQ", 0, None,
        (0.0, 0.0), (1.0, 5.0), (8.0, 25.0), counts=True,
    ),
    Item("3.1", None, "TTHC cung cấp trực tuyến", "CLGQ", 0, None, (82, 95), (70, 80), (50, 65), fixed=320),
    Item(
        "3.2", "online_submission_rate", "Hồ sơ nộp trực tuyến", "CLGQ", 0, None,
        (83.0, 96.0), (64.0, 78.0), (35.0, 57.0), heavy=True,
    ),
    Item(
        "3.3", "full_process_dossier_rate", "Hồ sơ DVC toàn trình", "CLGQ", 12, 50.0,
        (86.7, 96.0), (58.0, 83.0), (28.0, 47.0), share=0.85,
    ),
    Item(
        "3.5a", None, "TTHC có phí được thanh toán trên Cổng", "TTTT", 2, 80.0,
        (84.0, 97.0), (65.0, 80.0), (40.0, 60.0), fixed=48,
    ),
    Item(
        "3.5b", "payment_procedure_rate", "TTHC có giao dịch thanh toán trực tuyến", "TTTT", 2, 80.0,
        (82.5, 95.0), (63.0, 77.5), (40.0, 57.0), fixed=48,
    ),
    Item(
        "3.6", "payment_dossier_rate", "Hồ sơ thanh toán trực tuyến", "TTTT", 6, None,
        (82.5, 95.0), (54.0, 77.5), (22.0, 47.0), share=0.8,
    ),
    Item(
        "4.1", "e_result_rate", "Hồ sơ cấp kết quả điện tử", "MDSH", 6, None,
        (83.0, 97.0), (63.0, 78.0), (35.0, 57.0), heavy=True,
    ),
    Item(
        "4.2", "digitisation_rate", "Hồ sơ số hóa thành phần", "MDSH", 4, 80.0,
        (83.0, 97.0), (63.0, 78.0), (35.0, 57.0), heavy=True,
    ),
    Item("4.2b", None, "Bản sao chứng thực điện tử", "MDSH", 2, None, (82, 98), (60, 80), (30, 50), share=0.2),
    Item(
        "4.3", "data_reuse_rate", "Khai thác, sử dụng lại dữ liệu số hóa", "MDSH", 2, 80.0,
        (82.5, 95.0), (54.0, 77.5), (20.0, 47.0), share=0.9,
    ),
    Item("4.4", None, "Kết quả được chia sẻ, dùng lại", "MDSH", 4, None, (85, 98), (65, 80), (35, 55), share=0.9),
    Item("4.5a", None, "TTHC kết nối CSDL dân cư", "MDSH", 2, None, _FINE, _FAIR, _WEAK, fixed=320),
    Item("4.5b", None, "Hồ sơ dùng dữ liệu dân cư", "MDSH", 2, None, (85, 98), (65, 80), (35, 55)),
    Item(
        "5.2", "petitions_on_time_rate", "Phản ánh, kiến nghị xử lý đúng hạn", "MDHL", 6, None,
        (96.5, 100.0), (82.0, 93.5), (55.0, 77.0), share=0.05,
    ),
    Item("5.3", None, "Hài lòng về xử lý phản ánh", "MDHL", 6, None, (92, 99), (82, 90), (60, 77), share=0.05),
    Item(
        "5.4", "satisfaction_rate", "Hài lòng về giải quyết TTHC", "MDHL", 6, 90.0,
        (92.0, 99.0), (82.0, 88.0), (60.0, 77.0), share=0.8,
    ),
)
# fmt: on

TOTAL_SCORE: Final = "d766_total_score"

NONSENSE: Final[tuple[str | float, ...]] = ("137,5 %", -12.0, "n/a")
"""What a commune that reports nonsense writes, in turn."""

CHECKLIST: Final[dict[str, dict[Level, Range]]] = {
    "edoc_processed_rate": {"good": (100.0, 100.0), "middling": (96.0, 99.4), "poor": (80.0, 94.0)},
    "digital_signature_rate": {"good": (100.0, 100.0), "middling": (91.0, 99.0), "poor": (70.0, 88.0)},
}
"""Rates (per cent) of the hand-kept CSV."""

WORDS: Final[dict[str, dict[Level, str]]] = {
    "staff_sufficient": {"good": "đủ", "middling": "một phần", "poor": "thiếu"},
    "community_team_active": {"good": "có", "middling": "một phần", "poor": "không"},
}
"""Words (yes, partly, no) of the hand-kept CSV."""

NETWORK_LOSS: Final[dict[Level, Range]] = {"good": (0.0, 0.8), "middling": (1.3, 4.0), "poor": (5.5, 12.0)}
"""Probe loss at a commune's line, per cent."""

SYSTEMS: Final[dict[str, str]] = {
    "tthc-19": "Hệ thống thông tin giải quyết thủ tục hành chính tỉnh",
    "dvcqg": "Cổng Dịch vụ công quốc gia",
    "line-19": "Đường truyền nhà mạng",
}
OPERATOR_LINE: Final = "line-19"

SYSTEM_INDICATORS: Final[tuple[str, ...]] = (
    "system_availability_30d",
    "system_latency_p95",
    "backup_age_hours",
    "population_db_link_ok",
    "tls_days_left",
    "security_level_approved",
)

SYSTEM_RANGES: Final[dict[str, Range]] = {
    "system_availability_30d": (99.6, 99.98),
    "system_latency_p95": (0.6, 2.4),
}

KPI_INDICATORS: Final[tuple[str, ...]] = (*(item.indicator for item in ITEMS if item.indicator), TOTAL_SCORE)
COMMUNE_INDICATORS: Final[tuple[str, ...]] = (*KPI_INDICATORS, *CHECKLIST, *WORDS, "network_loss_rate")
