"""The messages as data, Vietnamese and English: a proof-reader needs to look at this file only.

A text is a row of pieces. A piece with a placeholder whose value is not known is left out; of a tuple of pieces the
first one that can be filled is taken. The first piece of a subject or SMS always stands, with a dash for what is not
known. The unit stands in the first piece of an SMS; its last piece (the reference) is never shortened away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Piece = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """One message in one language. The SMS is written without accents and in GSM characters."""

    subject: tuple[Piece, ...]
    body: tuple[Piece, ...]
    sms: tuple[Piece, ...]


_ACK_VI = " Xác nhận đã nhận: {ack_url}."
_ACK_EN = " Acknowledge: {ack_url}."
_NEXT_VI = " Nếu chưa xác nhận, hệ thống sẽ chuyển cảnh báo đến {next_role} lúc {next_time}."
_NEXT_EN = " Without acknowledgement the alert goes to {next_role} at {next_time}."

_VI: Mapping[str, Text] = {
    "outage": Text(  # T1
        subject=("[ĐỎ] {unit} ({code}): {service_title} không truy cập được từ {time} {date}",),
        body=(
            "Kính gửi {recipient}.",
            " Từ {time} ngày {date}, điểm đo tại {unit}",
            ", {province}",
            " không kết nối được {service_full}",
            (
                " ({n_fail} lần đo liên tiếp không thành công; lỗi: {reason})",
                " ({n_fail} lần đo liên tiếp không thành công)",
                " (lỗi: {reason})",
            ),
            ".",
            " Phạm vi ảnh hưởng: {scope}.",
            " Đề nghị {role} kiểm tra đường truyền, thiết bị",
            (" và phối hợp với {isp} (điện thoại {isp_hotline})", " và phối hợp với {isp}"),
            "; thông báo cho người dân và áp dụng phương án tiếp nhận dự phòng. Báo kết quả trước {due}.",
            _NEXT_VI,
            _ACK_VI,
            " Mã sự cố: {id}.",
        ),
        sms=(
            "CANH BAO DO {code} {unit}: khong ket noi duoc {service} tu {time} {date}.",
            " De nghi kiem tra, bao lai truoc {due}.",
            " Ma {id}",
        ),
    ),
    "recovered": Text(  # T2
        subject=("[XANH] {unit} ({code}): {service_title} đã hoạt động trở lại",),
        body=(
            "{service_title} tại {unit} hoạt động trở lại lúc {time} ngày {date}",
            (
                "; thời gian gián đoạn {minutes} phút (trong giờ làm việc: {work_minutes} phút)",
                "; thời gian gián đoạn {minutes} phút",
            ),
            ".",
            " Độ sẵn sàng 30 ngày: {availability}%.",
            " Nguyên nhân ghi nhận: {reason}.",
            (
                " Đề nghị {role} rà soát các hồ sơ bị ảnh hưởng, cập nhật nguyên nhân tại {url}.",
                " Đề nghị {role} rà soát các hồ sơ bị ảnh hưởng.",
            ),
            " Mã sự cố: {id}.",
        ),
        sms=(
            "DA KHOI PHUC {code} {unit}: {service} hoat dong lai luc {time} {date}",
            ", gian doan {minutes} phut",
            ". Ma {id}",
        ),
    ),
    "kpi_yellow": Text(  # T3
        subject=("[VÀNG] {unit} ({code}): {kpi} đạt {value}", ", yêu cầu {goal}", " trước ngày {deadline}"),
        body=(
            ("Tính đến {as_of}, {kpi_within} của {unit} đạt {value}", "{kpi} của {unit} đạt {value}"),
            " ({num}/{den} {counted})",
            ", thấp hơn chỉ tiêu {gap} điểm phần trăm",
            ", xếp thứ {rank}/{rank_total} trong tỉnh",
            ".",
            " Còn {n} ngày làm việc.",
            (
                " Để kịp tiến độ cần tăng {pace} điểm mỗi ngày làm việc; mức tăng 7 ngày qua là {trend}.",
                " Để kịp tiến độ cần tăng {pace} điểm mỗi ngày làm việc.",
            ),
            " Căn cứ: {legal_basis}.",
            " Nguồn số liệu: {source}.",
            " Đề nghị bộ phận đầu mối có giải pháp và cập nhật trước {due}.",
            _ACK_VI,
            " Mã: {id}.",
        ),
        sms=(
            "NHAC VANG {code} {unit}: {kpi} {value}",
            ", yeu cau {target}",
            ". Con {n} ngay lam viec",
            ", han truoc {deadline}",
            ". Ma {id}",
        ),
    ),
    "kpi_red": Text(
        subject=("[ĐỎ] {unit} ({code}): {kpi} ở mức đỏ", " ({value})"),
        body=(
            "Kính gửi {recipient}.",
            " {kpi} của {unit} ở mức đỏ",
            ": {value}",
            " ({num}/{den} {counted})",
            " tính đến {as_of}",
            "; ngưỡng đỏ {floor}",
            ("; yêu cầu {goal} trước ngày {deadline}", "; yêu cầu {goal}"),
            ".",
            " Căn cứ: {legal_basis}.",
            " Nguồn số liệu: {source}.",
            " Đề nghị {role} có giải pháp và báo kết quả trước {due}.",
            _NEXT_VI,
            _ACK_VI,
            " Mã: {id}.",
        ),
        sms=(
            "CANH BAO DO {code} {unit}: {kpi}",
            " {value}",
            ", yeu cau {target}",
            ". De nghi xu ly, bao lai truoc {due}",
            ". Ma {id}",
        ),
    ),
    "overdue": Text(  # T4
        subject=("[QUÁ HẠN] {unit} ({code}): {kpi} chưa đạt, thời hạn trước ngày {deadline}",),
        body=(
            "Kính gửi {recipient}.",
            " Chỉ tiêu {kpi_within} (yêu cầu {target}",
            ", thời hạn trước ngày {deadline}",
            ", căn cứ {legal_basis}",
            ") của {unit} mới đạt {value}",
            " tính đến {as_of}",
            ", quá hạn {days_late} ngày",
            ".",
            " Đã nhắc {reminders} lần đến {previous_roles}.",
            " Kính đề nghị đồng chí Chủ tịch chỉ đạo, giao rõ người chịu trách nhiệm và báo cáo kết quả"
            " trước {due_time} ngày {due_date}.",
            " Chi tiết: {url}.",
            _ACK_VI,
            " Mã: {id}.",
        ),
        sms=(
            "QUA HAN {code} {unit}: {kpi} {value} chua dat {target}",
            ", qua han {days_late} ngay",
            ". De nghi Chu tich chi dao, bao cao truoc {due_time} {due_date}",
            ". Ma {id}",
        ),
    ),
    "kpi_met": Text(
        subject=("[{colour}] {unit} ({code}): kết thúc cảnh báo, {kpi}", " {value}"),
        body=(
            "Cảnh báo về {kpi_within} của {unit} kết thúc lúc {time} ngày {date}",
            ("; giá trị hiện nay: {value} (tính đến {as_of})", "; giá trị hiện nay: {value}"),
            "; yêu cầu {goal}",
            "; trạng thái chỉ tiêu: {colour}",
            ".",
            " Chi tiết: {url}.",
            " Mã: {id}.",
        ),
        sms=(
            "KET THUC CANH BAO {code} {unit}: {kpi}",
            " nay {value}",
            ", yeu cau {target}",
            ", trang thai {colour}",
            ". Ma {id}",
        ),
    ),
    "silent": Text(  # T6
        subject=("[CHƯA RÕ] {unit} ({code}): không nhận được số liệu từ {time} {date}",),
        body=(
            "Nguồn {source} của {unit} không gửi số liệu {h}",
            " (ngưỡng {limit})",
            '. Trạng thái chuyển sang "chưa rõ", không được tính là xanh.',
            (
                " Giá trị cuối: {kpi_within} {last_value} lúc {last_time}.",
                " Giá trị cuối: {last_value} lúc {last_time}.",
            ),
            " Đề nghị cán bộ đầu mối kiểm tra việc gửi báo cáo, kết nối.",
            _ACK_VI,
            " Mã: {id}.",
        ),
        sms=(
            "MAT TIN HIEU {code} {unit}: khong co so lieu tu {time} {date}",
            ", qua {h}",
            ". Trang thai CHUA RO, khong tinh la xanh",
            ". Ma {id}",
        ),
    ),
    "speaks_again": Text(
        subject=("[CÓ TÍN HIỆU LẠI] {unit} ({code}): đã nhận lại số liệu lúc {time} {date}",),
        body=(
            "Nguồn {source} của {unit} gửi lại số liệu từ {time} ngày {date}",
            ", sau {h} không có số liệu",
            ". Trạng thái được đánh giá lại theo số liệu mới.",
            " Chi tiết: {url}.",
            " Mã: {id}.",
        ),
        sms=(
            "CO TIN HIEU LAI {code} {unit}: nhan lai so lieu luc {time} {date}",
            ", sau {h}",
            ". Ma {id}",
        ),
    ),
    "mass": Text(  # T7
        subject=("[ĐỎ] {unit} ({code}): sự cố diện rộng, {n}/{total} {members} mất kết nối",),
        body=(
            "Kính gửi {recipient}.",
            " Từ {time} ngày {date}, {n}/{total} {members} của {unit} không kết nối được {service_full}.",
            " Số đơn vị bị ảnh hưởng: {units}.",
            " Lâu nhất: {worst}.",
            " Đề nghị {role} xử lý",
            (" và phối hợp với {isp} (điện thoại {isp_hotline})", " và phối hợp với {isp}"),
            ". Báo kết quả trước {due}.",
            _NEXT_VI,
            _ACK_VI,
            " Mã sự cố: {id}.",
        ),
        sms=(
            "SU CO DIEN RONG {code} {unit}: {n}/{total} don vi mat ket noi {service} tu {time} {date}.",
            " De nghi xu ly, bao lai truoc {due}.",
            " Ma {id}",
        ),
    ),
    "mass_over": Text(
        subject=("[XANH] {unit} ({code}): sự cố diện rộng đã kết thúc",),
        body=(
            "Sự cố diện rộng tại {unit} kết thúc lúc {time} ngày {date}",
            ", kéo dài {minutes} phút",
            ".",
            " Đơn vị nào còn mất kết nối sẽ được báo riêng.",
            " Mã sự cố: {id}.",
        ),
        sms=("HET SU CO DIEN RONG {code} {unit}: luc {time} {date}", ", keo dai {minutes} phut", ". Ma {id}"),
    ),
    "still_open": Text(  # T10
        subject=("[NHẮC] {unit} ({code}): sự cố {id} chưa kết thúc",),
        body=(
            "Kính gửi {recipient}.",
            " Sự cố {id} tại {unit}",
            ", {province}",
            " ({kpi_within})",
            ", bắt đầu lúc {time} ngày {date}, vẫn chưa kết thúc.",
            " Xác nhận của đồng chí hết hiệu lực lúc {due}; sau đó hệ thống sẽ báo lại từ đầu.",
            " Xác nhận tiếp: {ack_url}.",
        ),
        sms=(
            "NHAC {code} {unit}: su co tu {time} {date} chua xong.",
            " Xac nhan het hieu luc luc {due}, sau do bao lai tu dau.",
            " Ma {id}",
        ),
    ),
}

_EN: Mapping[str, Text] = {
    "outage": Text(
        subject=("[RED] {unit} ({code}): {service_title} unreachable since {time} {date}",),
        body=(
            "To {recipient}.",
            " Since {time} on {date} the probe at {unit}",
            ", {province}",
            " cannot reach the {service_full}",
            (
                " ({n_fail} failed checks in a row; error: {reason})",
                " ({n_fail} failed checks in a row)",
                " (error: {reason})",
            ),
            ".",
            " Affected: {scope}.",
            " Please check line and equipment",
            (" with {isp} (hotline {isp_hotline})", " with {isp}"),
            ", inform citizens and use the fallback reception plan. Report by {due}.",
            _NEXT_EN,
            _ACK_EN,
            " Incident {id}.",
        ),
        sms=(
            "RED {code} {unit}: {service} unreachable since {time} {date}.",
            " Please check and report by {due}.",
            " Ref {id}",
        ),
    ),
    "recovered": Text(
        subject=("[GREEN] {unit} ({code}): {service} is back",),
        body=(
            "The {service} at {unit} works again since {time} on {date}",
            ("; interruption {minutes} min ({work_minutes} in office hours)", "; interruption {minutes} min"),
            ".",
            " Availability, 30 days: {availability} %.",
            " Recorded cause: {reason}.",
            (
                " Please review affected dossiers and complete the cause at {url}.",
                " Please review affected dossiers.",
            ),
            " Incident {id}.",
        ),
        sms=("RECOVERED {code} {unit}: {service} back at {time} {date}", ", down {minutes} min", ". Ref {id}"),
    ),
    "kpi_yellow": Text(
        subject=("[YELLOW] {unit} ({code}): {kpi} at {value}", ", target {target}", " before {deadline}"),
        body=(
            ("As of {as_of}, {kpi_within} of {unit} is {value}", "{kpi} of {unit} is {value}"),
            " ({num}/{den} {counted})",
            ", {gap} points under target",
            ", rank {rank}/{rank_total}",
            ".",
            (
                " {n} working days left; needs {pace} points per working day, last 7 days gave {trend}.",
                " {n} working days left; needs {pace} points per working day.",
                " {n} working days left.",
            ),
            " Basis: {legal_basis}.",
            " Source: {source}.",
            " Please act and update by {due}.",
            _ACK_EN,
            " Ref {id}.",
        ),
        sms=(
            "YELLOW {code} {unit}: {kpi} {value}",
            ", target {target}",
            ". {n} working days left",
            ", due before {deadline}",
            ". Ref {id}",
        ),
    ),
    "kpi_red": Text(
        subject=("[RED] {unit} ({code}): {kpi} is red", " at {value}"),
        body=(
            "To {recipient}.",
            " {kpi} of {unit} is red",
            " at {value}",
            " ({num}/{den} {counted})",
            " as of {as_of}",
            "; red limit {floor}",
            ("; target {target} before {deadline}", "; target {target}"),
            ".",
            " Basis: {legal_basis}.",
            " Source: {source}.",
            " Please act ({role}) and report by {due}.",
            _NEXT_EN,
            _ACK_EN,
            " Ref {id}.",
        ),
        sms=(
            "RED {code} {unit}: {kpi}",
            " {value}",
            ", target {target}",
            ". Please act and report by {due}",
            ". Ref {id}",
        ),
    ),
    "overdue": Text(
        subject=("[OVERDUE] {unit} ({code}): {kpi} not met before {deadline}",),
        body=(
            "To {recipient}.",
            " {kpi} (target {target}",
            ", before {deadline}",
            ", basis {legal_basis}",
            ") of {unit} is {value}",
            " as of {as_of}",
            ", {days_late} days late",
            ".",
            " {reminders} reminders went to {previous_roles}.",
            " The chairperson is asked to direct the work, name the person in charge and have the result reported"
            " by {due_time} on {due_date}.",
            " Details: {url}.",
            _ACK_EN,
            " Ref {id}.",
        ),
        sms=(
            "OVERDUE {code} {unit}: {kpi} {value} {short_of}",
            ", {days_late} days late",
            ". Chairperson to direct and report by {due_time} {due_date}",
            ". Ref {id}",
        ),
    ),
    "kpi_met": Text(
        subject=("[{colour}] {unit} ({code}): alert ended, {kpi}", " {value}"),
        body=(
            "The alert on {kpi_within} of {unit} ended at {time} on {date}",
            ("; it is now {value} (as of {as_of})", "; it is now {value}"),
            "; target {target}",
            "; state of the target: {colour}",
            ".",
            " Details: {url}.",
            " Ref {id}.",
        ),
        sms=("ENDED {code} {unit}: {kpi}", " now {value}", ", target {target}", ", state {colour}", ". Ref {id}"),
    ),
    "silent": Text(
        subject=("[UNKNOWN] {unit} ({code}): no data since {time} {date}",),
        body=(
            "Feed {source} of {unit} is silent for {h}",
            " (limit {limit})",
            '. State is now "unknown" and does not count as green.',
            (" Last value: {kpi_within} {last_value} at {last_time}.", " Last value: {last_value} at {last_time}."),
            " Please check reporting and connection.",
            _ACK_EN,
            " Ref {id}.",
        ),
        sms=(
            "NO DATA {code} {unit}: nothing since {time} {date}",
            " ({h})",
            ". State UNKNOWN, not counted green",
            ". Ref {id}",
        ),
    ),
    "speaks_again": Text(
        subject=("[DATA AGAIN] {unit} ({code}): data again since {time} {date}",),
        body=(
            "Feed {source} of {unit} delivers again since {time} on {date}",
            ", after {h} without data",
            ". Its state is judged by the new data.",
            " Details: {url}.",
            " Ref {id}.",
        ),
        sms=("DATA AGAIN {code} {unit}: data again since {time} {date}", ", after {h}", ". Ref {id}"),
    ),
    "mass": Text(
        subject=("[RED] {unit} ({code}): mass outage, {n} of {total} {members} are cut off",),
        body=(
            "To {recipient}.",
            " Since {time} on {date} {n} of {total} {members} of {unit} cannot reach the {service_full}.",
            " Units affected: {units}.",
            " Longest: {worst}.",
            " {role} to see to it",
            (" with {isp} (phone {isp_hotline})", " with {isp}"),
            ". Report the result by {due}.",
            _NEXT_EN,
            _ACK_EN,
            " Reference: {id}.",
        ),
        sms=(
            "MASS OUTAGE {code} {unit}: {n}/{total} units cut off from {service} since {time} {date}.",
            " Please act, report by {due}.",
            " Ref {id}",
        ),
    ),
    "mass_over": Text(
        subject=("[GREEN] {unit} ({code}): the mass outage is over",),
        body=(
            "The mass outage at {unit} ended at {time} on {date}",
            ", after {minutes} minutes",
            ".",
            " Units that are still cut off are told of one by one.",
            " Reference: {id}.",
        ),
        sms=("MASS OUTAGE OVER {code} {unit}: at {time} {date}", ", {minutes} min", ". Ref {id}"),
    ),
    "still_open": Text(
        subject=("[REMINDER] {unit} ({code}): incident {id} is still open",),
        body=(
            "To {recipient}.",
            " Incident {id} at {unit}",
            ", {province}",
            " ({kpi_within})",
            ", which began at {time} on {date}, is still open.",
            " Your acknowledgement ends at {due}; after that everybody is called anew.",
            " Acknowledge again: {ack_url}.",
        ),
        sms=(
            "REMINDER {code} {unit}: still open since {time} {date}.",
            " Your acknowledgement ends at {due}, then all are called anew.",
            " Ref {id}",
        ),
    ),
}

TEXTS: Mapping[str, Mapping[str, Text]] = {"vi": _VI, "en": _EN}


@dataclass(frozen=True, slots=True)
class Service:
    """What an outage takes away, in one language."""

    short: str  # for SMS
    title: str  # begins a sentence
    full: str


_CENTRE = {
    "vi": Service("Trung tam PVHCC", *("Trung tâm Phục vụ hành chính công",) * 2),
    "en": Service("service centre", "public-service centre", "public-service centre"),
}
_PROCEDURES = {
    "vi": Service(
        "he thong TTHC",
        "Hệ thống thông tin giải quyết TTHC",
        "Hệ thống thông tin giải quyết thủ tục hành chính của tỉnh",
    ),
    "en": Service("procedure system", "provincial procedure system", "provincial administrative-procedure system"),
}
_LINE = {
    "vi": Service("duong truyen", *("Đường truyền của nhà mạng",) * 2),
    "en": Service("operator line", "operator line", "operator line"),
}
_POPULATION = {
    "vi": Service("CSDL dan cu", *("Cơ sở dữ liệu quốc gia về dân cư",) * 2),
    "en": Service("population database", "population database", "national population database"),
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
