"""What an outage takes away, and what its people are asked to look at, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """What an outage takes away, in one language."""

    short: str  # for SMS
    title: str  # begins a sentence
    full: str  # inside a sentence
    check: str  # what its people are asked to look at


_CENTRE = {
    "vi": Service(
        "Trung tam PVHCC",
        *("Trung tâm Phục vụ hành chính công",) * 2,
        "nguồn điện, thiết bị, đường truyền tại Trung tâm",
    ),
    "en": Service("service centre", *("public-service centre",) * 2, "power, equipment and line of the centre"),
}
_PROCEDURES = {
    "vi": Service(
        "he thong TTHC",
        "Hệ thống thông tin giải quyết TTHC",
        "Hệ thống thông tin giải quyết thủ tục hành chính của tỉnh",
        "máy chủ, ứng dụng, đường truyền của hệ thống",
    ),
    "en": Service(
        "procedure system",
        "provincial procedure system",
        "provincial administrative-procedure system",
        "servers, application and line of the system",
    ),
}
_NATIONAL = {  # a system of no province: its name says what it is
    "vi": Service("he thong", "Hệ thống dùng chung quốc gia", "hệ thống dùng chung quốc gia", _PROCEDURES["vi"].check),
    "en": Service("shared system", *("shared national system",) * 2, _PROCEDURES["en"].check),
}
_LINE = {
    "vi": Service(
        "duong truyen",
        "Đường truyền của nhà mạng",
        "đường truyền của nhà mạng",
        "cáp, thiết bị và cấu hình đường truyền",
    ),
    "en": Service("operator line", *("operator line",) * 2, "cables, equipment and set-up of the line"),
}
_POPULATION = {
    "vi": Service(
        "CSDL dan cu", *("Cơ sở dữ liệu quốc gia về dân cư",) * 2, "kết nối đến Cơ sở dữ liệu quốc gia về dân cư"
    ),
    "en": Service(
        "population database", "population database", "national population database", "the link to that database"
    ),
}

# By the yes/no indicator that failed; a site's own indicator is named by the level of its unit.
SERVICES: Mapping[str, Mapping[str, Service]] = {
    "centre_reachable": _CENTRE,
    "system_reachable": _PROCEDURES,
    "line_reachable": _LINE,
    "population_db_link_ok": _POPULATION,
}
SYSTEM_SERVICE: Mapping[str, Service] = _PROCEDURES
CENTRE_SERVICE: Mapping[str, Service] = _CENTRE
NATIONAL_SERVICE: Mapping[str, Service] = _NATIONAL
