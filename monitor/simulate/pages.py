"""The hand-kept CSV and the Prometheus text page of the simulated province."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Final

from monitor.simulate import table
from monitor.simulate.controls import Value
from monitor.simulate.picture import Picture
from monitor.simulate.spoil import Answer, Row, ahead, spoil_rows

UNKNOWN_UNIT: Final = "99999"
UNIT_HEADER: Final = "Mã đơn vị"
HEADERS: Final[dict[str, str]] = {
    "edoc_processed_rate": "Tỷ lệ văn bản xử lý trên môi trường mạng (%)",
    "digital_signature_rate": "Tỷ lệ cán bộ có chữ ký số (%)",
    "staff_sufficient": "Đủ nhân lực Bộ phận Một cửa",
    "community_team_active": "Tổ công nghệ số cộng đồng hoạt động",
}
GAUGES: Final[dict[str, tuple[str, str]]] = {
    "backup_age_hours": ("system_backup_age_hours", "Tuổi bản sao lưu gần nhất (giờ)"),
    "system_availability_30d": ("system_availability_30d_percent", "Độ sẵn sàng 30 ngày (%)"),
    "system_latency_p95": ("system_latency_p95_seconds", "Thời gian phản hồi p95 (giây)"),
    "population_db_link_ok": ("population_db_link_up", "Kết nối CSDL quốc gia về dân cư (1 là có)"),
    "tls_days_left": ("tls_days_left", "Số ngày còn lại của chứng thư TLS"),
    "security_level_approved": ("security_level_approved", "Hồ sơ cấp độ an toàn được phê duyệt (1 là có)"),
}


def manual_csv(picture: Picture, mode: str) -> Answer:
    """Semicolons, UTF-8 with a byte order mark, Vietnamese headers, decimal commas, dates as dd/mm/yyyy."""
    territory = picture.world.territory
    units = [(commune.code, commune.name) for commune in territory.communes] + [(territory.code, territory.name)]
    rows = spoil_rows(
        [_csv_row(code, name, picture, mode) for code, name in units], mode, key=UNIT_HEADER, unknown=UNKNOWN_UNIT
    )
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [UNIT_HEADER, "Tên đơn vị", "Ngày số liệu", *HEADERS.values()], delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    return Answer(text.getvalue().encode("utf-8-sig"), "text/csv; charset=utf-8")


def metrics_page(picture: Picture, mode: str) -> Answer:
    """Prometheus text format 0.0.4; the samples carry a time stamp only when the feed claims the future."""
    stamp = f" {_milliseconds(picture.now + ahead(mode))}" if mode == "future" else ""
    lines = _family("centre_network_loss_percent", "Tỷ lệ mất gói đường truyền xã (%)")
    rows = [{"code": c.code, "value": picture.network_loss(c.code)} for c in picture.world.territory.communes]
    spoilt = spoil_rows(rows, mode, key="code", unknown=UNKNOWN_UNIT)
    lines += [_sample("centre_network_loss_percent", "unit", row, stamp) for row in spoilt]
    for indicator, (name, text) in GAUGES.items():
        lines += _family(name, text)
        systems = [{"code": code, "value": picture.system(code, indicator)} for code in table.SYSTEMS]
        lines += [_sample(name, "system", row, stamp) for row in systems]
    body = "".join(f"{line}\n" for line in lines if line)
    return Answer(body.encode(), "text/plain; version=0.0.4; charset=utf-8")


def _csv_row(code: str, name: str, picture: Picture, mode: str) -> Row:
    day = picture.row_day(code) or picture.today()
    row: Row = {UNIT_HEADER: code, "Tên đơn vị": name, "Ngày số liệu": f"{day + ahead(mode):%d/%m/%Y}"}
    for indicator, header in HEADERS.items():
        applies = indicator in table.CHECKLIST or code != picture.world.territory.code
        row[header] = _cell(indicator, picture.checklist(code, indicator, day)) if applies else ""
    return row


def _cell(indicator: str, value: Value) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool) and indicator in table.WORDS:
        return table.WORDS[indicator]["good" if value else "poor"]
    return f"{value:.10g}".replace(".", ",")


def _family(name: str, text: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} gauge"]


def _sample(name: str, label: str, row: Row, stamp: str) -> str:
    value: Value = row["value"]
    if value is None:
        return ""
    shown = value if isinstance(value, str) else repr(float(value))
    return f'{name}{{{label}="{row["code"]}"}} {shown}{stamp}'


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
