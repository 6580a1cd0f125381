"""The messages as data, Vietnamese and English: a proof-reader needs to look at this file only.

A text is a row of pieces. A piece with a placeholder whose value is not known is left out; of a tuple of pieces the
first one that can be filled is taken. The first piece of a subject or SMS always stands, with a dash for what is not
known. The unit stands in the first piece of an SMS; its last piece (the reference) is never shortened away. A line
break in a body begins a new paragraph; blanks around it, and a second empty line, go. A site's own texts
(monitor.config.texts) are rows of the same pieces.
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


_ACK_VI = "\nXác nhận đã nhận: {ack_url}. Xem lý do: {why_url}."
_ACK_EN = "\nAcknowledge: {ack_url}. See why: {why_url}."
_ACT_VI = "\nCần xử lý trước: {codes}."
_ACT_EN = "\nTo be dealt with first: {codes}."
_NEXT_VI = "\nNếu chưa xác nhận, hệ thống sẽ chuyển cảnh báo đến {next_role} lúc {next_time}."
_NEXT_EN = "\nWithout acknowledgement the alert goes to {next_role} at {next_time}."

_VI: Mapping[str, Text] = {
    "outage": Text(  # T1
        subject=("[ĐỎ] {unit} ({code}): {service_title} không truy cập được từ {time} {date}",),
        body=(
            "Kính gửi {recipient}.",
            "\n\n",
            " Từ {time} ngày {date}, hệ thống giám sát không kết nối được {service_full}",
            (" tại {place}, {province}", " tại {place}", " ({unit})"),
            (
                " ({n_fail} lần đo liên tiếp không thành công; lỗi: {reason})",
                " ({n_fail} lần đo liên tiếp không thành công)",
                " (lỗi: {reason})",
            ),
            ".",
            " Phạm vi ảnh hưởng: {scope}.",
            "\nĐề nghị {role} kiểm tra {to_check}",
            (" và phối hợp với {isp} (điện thoại {isp_hotline})", " và phối hợp với {isp}"),
            "; thông báo cho người dân và áp dụng phương án tiếp nhận dự phòng. Báo kết quả trước {due}.",
            _NEXT_VI,
            _ACK_VI,
            "\nMã sự cố: {id}.",
        ),
        sms=(
            "CANH BAO DO {code} {unit}: khong ket noi duoc {service} tu {time} {date}.",
            " De nghi kiem tra, bao lai truoc {due}.",
            " Ma {id}",
        ),
    ),
    "recovered": Text(  # T2
        subject=(
            (
                "[VẪN ĐỎ] {unit} ({code}): {service_title} đã hoạt động trở lại, còn đỏ: {still}",
                "[XANH] {unit} ({code}): {service_title} đã hoạt động trở lại",
            ),
        ),
        body=(
            "{service_title}",
            (" tại {place}, {province}", " tại {place}", " ({unit})"),
            " hoạt động trở lại lúc {time} ngày {date}",
            (
                "; thời gian gián đoạn {minutes} phút (trong giờ làm việc: {work_minutes} phút)",
                "; thời gian gián đoạn {minutes} phút",
            ),
            ".",
            " {unit} vẫn còn chỉ tiêu đỏ: {still}.",
            " Nguyên nhân ghi nhận: {reason}.",
            (
                "\nĐề nghị {role} rà soát các hồ sơ bị ảnh hưởng, cập nhật nguyên nhân tại {url}.",
                "\nĐề nghị {role} rà soát các hồ sơ bị ảnh hưởng.",
            ),
            "\nMã sự cố: {id}.",
        ),
        sms=(
            "DA KHOI PHUC {code} {unit}: {service} hoat dong lai luc {time} {date}",
            ", gian doan {minutes} phut",
            ". VAN DO: {still}",
            ". Ma {id}",
        ),
    ),
    "kpi_yellow": Text(  # T3
        subject=("[VÀNG] {unit} ({code}): {kpi} đạt {value}", ", yêu cầu {goal}", " trước ngày {deadline}"),
        body=(
            ("Tính đến {as_of}, {kpi_within} của {unit} đạt {value}", "{kpi} của {unit} đạt {value}"),
            " ({num}/{den} {counted})",
            ", thấp hơn chỉ tiêu {gap} điểm phần trăm",
            ".",
            " Còn {n} ngày làm việc.",
            (
                " Để kịp tiến độ cần tăng {pace} điểm phần trăm mỗi ngày làm việc; gần đây mỗi ngày thêm {trend}.",
                " Để kịp tiến độ cần tăng {pace} điểm phần trăm mỗi ngày làm việc.",
            ),
            _ACT_VI,
            "\nCăn cứ: {legal_basis}.",
            " Nguồn số liệu: {source}.",
            "\nĐề nghị bộ phận đầu mối có giải pháp và cập nhật trước {due}.",
            _ACK_VI,
            "\nMã: {id}.",
        ),
        sms=(
            "NHAC VANG {code} {unit}: {kpi} {value}",
            ", yeu cau {target}",
            ". Con {n} ngay lam viec",
            ", han truoc {deadline}",
            ". Can xu ly: {codes}",
            ". Ma {id}",
        ),
    ),
    "kpi_red": Text(
        subject=("[ĐỎ] {unit} ({code}): {kpi} ở mức đỏ", " ({value})"),
        body=(
            "Kính gửi {recipient}.",
            "\n\n",
            " {kpi} của {unit} ở mức đỏ",
            ": {value}",
            " ({num}/{den} {counted})",
            " tính đến {as_of}",
            "; không đạt mức sàn {floor}",
            ("; yêu cầu {goal} trước ngày {deadline}", "; yêu cầu {goal}"),
            ".",
            " Còn {n} ngày làm việc.",
            _ACT_VI,
            "\nCăn cứ: {legal_basis}.",
            " Nguồn số liệu: {source}.",
            "\nĐề nghị {role} có giải pháp và báo kết quả trước {due}.",
            _NEXT_VI,
            _ACK_VI,
            "\nMã: {id}.",
        ),
        sms=(
            "CANH BAO DO {code} {unit}: {kpi}",
            " {value}",
            (", yeu cau {target} truoc {deadline}", ", yeu cau {target}"),
            ". De nghi xu ly, bao lai truoc {due}",
            ". Can xu ly: {codes}",
            ". Ma {id}",
        ),
    ),
    "overdue": Text(  # T4
        subject=("[QUÁ HẠN] {unit} ({code}): {kpi} chưa đạt, thời hạn trước ngày {deadline}",),
        body=(
            "Kính gửi {recipient}.",
            "\n\n",
            " Chỉ tiêu {kpi_within} (yêu cầu {target}",
            ", thời hạn trước ngày {deadline}",
            ", căn cứ {legal_basis}",
            ") của {unit} mới đạt {value}",
            " tính đến {as_of}",
            ", quá hạn {days_late} ngày",
            ".",
            " Đã nhắc {reminders} lần đến {previous_roles}.",
            _ACT_VI,
            "\nKính đề nghị đồng chí Chủ tịch chỉ đạo, giao rõ người chịu trách nhiệm và báo cáo kết quả"
            " trước {due_time} ngày {due_date}.",
            "\nChi tiết: {url}.",
            _ACK_VI,
            "\nMã: {id}.",
        ),
        sms=(
            "QUA HAN {code} {unit}: {kpi} {value} chua dat {target}",
            ", qua han {days_late} ngay",
            ". De nghi Chu tich chi dao, bao cao truoc {due_time} {due_date}",
            ". Can xu ly: {codes}",
            ". Ma {id}",
        ),
    ),
    "kpi_met": Text(
        subject=(
            (
                "[VẪN ĐỎ] {unit} ({code}), còn đỏ: {still}; kết thúc cảnh báo: {kpi}",
                "[{colour}] {unit} ({code}): kết thúc cảnh báo, {kpi}",
            ),
            " {value}",
        ),
        body=(
            "Cảnh báo về {kpi_within} của {unit} kết thúc lúc {time} ngày {date}",
            ("; giá trị hiện nay: {value} (tính đến {as_of})", "; giá trị hiện nay: {value}"),
            "; yêu cầu {goal}",
            "; trạng thái chỉ tiêu: {colour}",
            ".",
            " {unit} vẫn còn chỉ tiêu đỏ: {still}.",
            "\nChi tiết: {url}.",
            "\nMã: {id}.",
        ),
        sms=(
            "KET THUC CANH BAO {code} {unit}: {kpi}",
            " nay {value}",
            ", yeu cau {target}",
            ", trang thai {colour}",
            ". VAN DO: {still}",
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
            "\nĐề nghị cán bộ đầu mối kiểm tra việc gửi báo cáo, kết nối.",
            _ACK_VI,
            "\nMã: {id}.",
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
            "\nChi tiết: {url}.",
            "\nMã: {id}.",
        ),
        sms=(
            "CO TIN HIEU LAI {code} {unit}: nhan lai so lieu luc {time} {date}",
            ", sau {h}",
            ". Ma {id}",
        ),
    ),
    "still_open": Text(  # T10
        subject=("[NHẮC] {unit} ({code}): sự cố {id} chưa kết thúc",),
        body=(
            "Kính gửi {recipient}.",
            "\n\n",
            " Sự cố {id} tại {unit}",
            ", {province}",
            " ({kpi_within})",
            ", bắt đầu lúc {time} ngày {date}, vẫn chưa kết thúc.",
            "\nXác nhận của đồng chí hết hiệu lực lúc {due}; sau đó hệ thống sẽ báo lại từ đầu.",
            "\nXác nhận tiếp: {ack_url}.",
        ),
        sms=(
            "NHAC {code} {unit}: su co tu {time} {date} chua xong.",
            " Xac nhan het hieu luc luc {due}, sau do bao lai tu dau.",
            " Ma {id}",
        ),
    ),
    "reminder": Text(  # T11
        subject=(
            "[NHẮC HẠN] {unit} ({code}): còn {n} ngày làm việc, {kpi}",
            " đạt {value}",
            ", yêu cầu {goal}",
            " trước ngày {deadline}",
        ),
        body=(
            "Kính gửi {recipient}.",
            "\n\n",
            "Còn {n} ngày làm việc",
            " (thời hạn trước ngày {deadline})",
            ": {kpi_within} của {unit} đạt {value}",
            " ({num}/{den} {counted})",
            ", yêu cầu {goal}",
            ".",
            (
                " Để kịp tiến độ cần tăng {pace} điểm phần trăm mỗi ngày làm việc; gần đây mỗi ngày thêm {trend}.",
                " Để kịp tiến độ cần tăng {pace} điểm phần trăm mỗi ngày làm việc.",
            ),
            _ACT_VI,
            "\nĐề nghị bộ phận đầu mối có giải pháp và cập nhật trước {due}.",
            _ACK_VI,
            "\nMã: {id}.",
        ),
        sms=(
            "NHAC HAN {code} {unit}: con {n} ngay lam viec",
            ", han truoc {deadline}",
            ". {kpi} {value}",
            ", yeu cau {target}",
            ", moi ngay can tang {pace} diem",
            ". Can xu ly: {codes}",
            ". Ma {id}",
        ),
    ),
    "mass": Text(  # T7
        subject=(
            "[SỰ CỐ DIỆN RỘNG] {unit} ({code}): {affected}/{total} {members} mất kết nối",
            " từ {time} {date}",
        ),
        body=(
            "Kính gửi {recipient}.",
            "\n\n",
            ("Từ {time} ngày {date}, {affected}/{total}", "{affected}/{total}"),
            " {members} thuộc {unit} mất kết nối",
            " (mạng {isp})",
            ".",
            " Tổng số xã, phường, đặc khu bị ảnh hưởng: {units}.",
            " Các đơn vị: {codes}.",
            "\nĐây là một sự cố chung; đồng chí không nhận thêm cảnh báo riêng của từng đơn vị.",
            (
                "\nĐề nghị {isp} (điện thoại {isp_hotline}) phối hợp xử lý, báo lại trước {due}.",
                "\nĐề nghị {isp} xử lý, báo lại trước {due}.",
                "\nĐề nghị {role} xử lý, báo lại trước {due}.",
            ),
            _NEXT_VI,
            _ACK_VI,
            "\nMã sự cố: {id}.",
        ),
        sms=(
            "SU CO DIEN RONG {code} {unit}: {affected}/{total} {members} mat ket noi",
            " mang {isp}",
            " tu {time} {date}",
            (". De nghi {isp} xu ly, bao lai truoc {due}", ". De nghi xu ly, bao lai truoc {due}"),
            ". Gom: {codes}",
            ". Ma {id}",
        ),
    ),
    "mass_over": Text(
        subject=("[HẾT SỰ CỐ DIỆN RỘNG] {unit} ({code}): kết thúc lúc {time} {date}",),
        body=(
            "Sự cố diện rộng tại {unit} kết thúc lúc {time} ngày {date}",
            ("; kéo dài {minutes} phút (trong giờ làm việc: {work_minutes} phút)", "; kéo dài {minutes} phút"),
            ". Đơn vị nào còn mất kết nối sẽ được cảnh báo riêng.",
            "\nChi tiết: {url}.",
            "\nMã sự cố: {id}.",
        ),
        sms=(
            "HET SU CO DIEN RONG {code} {unit}: ket thuc luc {time} {date}",
            ", keo dai {minutes} phut",
            ". Ma {id}",
        ),
    ),
    "brief": Text(  # T5
        subject=(
            "[BÁO CÁO NHANH] {unit} ({code}) {time} {date}: {green}/{total} xanh",
            "; {yellow} vàng; {red} đỏ",
            "; {unknown} chưa rõ",
        ),
        body=(
            "Kính gửi {recipient}.",
            "\n\n",
            "Lúc {time} ngày {date}: {green}/{total} {members} xanh",
            " ({green_change} so với {previous})",
            ", {yellow} vàng, {red} đỏ",
            ", {unknown} chưa rõ",
            ".",
            (
                "\n{kpi}: {value}, yêu cầu {goal} trước ngày {deadline}, còn {n} ngày làm việc.",
                "\n{kpi}: {value}, yêu cầu {goal}.",
            ),
            "\nChỉ tiêu theo đơn vị: {goals}.",
            "\nThấp nhất: {lowest}.",
            "\nCao nhất: {best}.",
            "\nNguồn không gửi số liệu: {silent}.",
            "\nSự cố đang mở ({open}): {refs}.",
            "\nChi tiết: {url}.",
            "\nMã: {id}.",
        ),
        sms=(
            "BAO CAO NHANH {code} {unit} {time} {date}: {green}/{total} xanh",
            ", {yellow} vang, {red} do",
            ", {unknown} chua ro",
            ". {kpi} {value}",
            ". Can xu ly: {codes}",
            ". Ma {id}",
        ),
    ),
    "self": Text(  # T12
        subject=("[HỆ THỐNG GIÁM SÁT] {unit} ({code}): {condition}",),
        body=(
            "Hệ thống giám sát của {unit} tự báo",
            " từ {time} ngày {date}",
            ": {condition}.",
            "\nTrong thời gian này có thể không có cảnh báo; màu trên bảng có thể đã cũ.",
            "\nĐề nghị người vận hành kiểm tra ngay.",
            "\nChi tiết: {url}.",
            "\nMã: {id}.",
        ),
        sms=(
            "HE THONG GIAM SAT {code} {unit}: {condition}",
            " (tu {time} {date})",
            ". De nghi nguoi van hanh kiem tra",
            ". Ma {id}",
        ),
    ),
    "self_over": Text(
        subject=("[HỆ THỐNG GIÁM SÁT] {unit} ({code}): đã trở lại bình thường",),
        body=(
            "Hệ thống giám sát của {unit} đã trở lại bình thường",
            " lúc {time} ngày {date}",
            ". Đã hết: {condition}",
            ".",
            "\nMã: {id}.",
        ),
        sms=("GIAM SAT BINH THUONG {code} {unit}: het loi luc {time} {date}", " ({condition})", ". Ma {id}"),
    ),
}

_EN: Mapping[str, Text] = {
    "outage": Text(
        subject=("[RED] {unit} ({code}): {service_title} unreachable since {time} {date}",),
        body=(
            "To {recipient}.",
            "\n\n",
            " Since {time} on {date} the monitor cannot reach the {service_full}",
            (" of {place}, {province}", " of {place}", " ({unit})"),
            (
                " ({n_fail} failed checks in a row; error: {reason})",
                " ({n_fail} failed checks in a row)",
                " (error: {reason})",
            ),
            ".",
            " Affected: {scope}.",
            "\nPlease check {to_check}",
            (" with {isp} (hotline {isp_hotline})", " with {isp}"),
            ", inform citizens and use the fallback reception plan. Report by {due}.",
            _NEXT_EN,
            _ACK_EN,
            "\nIncident {id}.",
        ),
        sms=(
            "RED {code} {unit}: {service} unreachable since {time} {date}.",
            " Please check and report by {due}.",
            " Ref {id}",
        ),
    ),
    "recovered": Text(
        subject=(
            (
                "[STILL RED] {unit} ({code}): {service} is back, still red: {still}",
                "[GREEN] {unit} ({code}): {service} is back",
            ),
        ),
        body=(
            "The {service}",
            (" of {place}, {province}", " of {place}", " ({unit})"),
            " works again since {time} on {date}",
            ("; interruption {minutes} min ({work_minutes} in office hours)", "; interruption {minutes} min"),
            ".",
            " {unit} is still red by: {still}.",
            " Recorded cause: {reason}.",
            (
                "\nPlease review affected dossiers and complete the cause at {url}.",
                "\nPlease review affected dossiers.",
            ),
            "\nIncident {id}.",
        ),
        sms=(
            "RECOVERED {code} {unit}: {service} back at {time} {date}",
            ", down {minutes} min",
            ". STILL RED: {still}",
            ". Ref {id}",
        ),
    ),
    "kpi_yellow": Text(
        subject=("[YELLOW] {unit} ({code}): {kpi} at {value}", ", target {target}", " before {deadline}"),
        body=(
            ("As of {as_of}, {kpi_within} of {unit} is {value}", "{kpi} of {unit} is {value}"),
            " ({num}/{den} {counted})",
            ", {gap} points under target",
            ".",
            (
                " {n} working days left; needs {pace} points per working day, of late it moved by {trend}.",
                " {n} working days left; needs {pace} points per working day.",
                " {n} working days left.",
            ),
            _ACT_EN,
            "\nBasis: {legal_basis}.",
            " Source: {source}.",
            "\nPlease act and update by {due}.",
            _ACK_EN,
            "\nRef {id}.",
        ),
        sms=(
            "YELLOW {code} {unit}: {kpi} {value}",
            ", target {target}",
            ". {n} working days left",
            ", due before {deadline}",
            ". Act on: {codes}",
            ". Ref {id}",
        ),
    ),
    "kpi_red": Text(
        subject=("[RED] {unit} ({code}): {kpi} is red", " at {value}"),
        body=(
            "To {recipient}.",
            "\n\n",
            " {kpi} of {unit} is red",
            " at {value}",
            " ({num}/{den} {counted})",
            " as of {as_of}",
            "; beyond the floor of {floor}",
            ("; target {target} before {deadline}", "; target {target}"),
            ".",
            " {n} working days left.",
            _ACT_EN,
            "\nBasis: {legal_basis}.",
            " Source: {source}.",
            "\nPlease act ({role}) and report by {due}.",
            _NEXT_EN,
            _ACK_EN,
            "\nRef {id}.",
        ),
        sms=(
            "RED {code} {unit}: {kpi}",
            " {value}",
            (", target {target} before {deadline}", ", target {target}"),
            ". Please act and report by {due}",
            ". Act on: {codes}",
            ". Ref {id}",
        ),
    ),
    "overdue": Text(
        subject=("[OVERDUE] {unit} ({code}): {kpi} not met before {deadline}",),
        body=(
            "To {recipient}.",
            "\n\n",
            " {kpi} (target {target}",
            ", before {deadline}",
            ", basis {legal_basis}",
            ") of {unit} is {value}",
            " as of {as_of}",
            ", {days_late} days late",
            ".",
            " {reminders} reminders went to {previous_roles}.",
            _ACT_EN,
            "\nThe chairperson is asked to direct the work, name the person in charge and have the result reported"
            " by {due_time} on {due_date}.",
            "\nDetails: {url}.",
            _ACK_EN,
            "\nRef {id}.",
        ),
        sms=(
            "OVERDUE {code} {unit}: {kpi} {value} {short_of}",
            ", {days_late} days late",
            ". Chairperson to direct and report by {due_time} {due_date}",
            ". Act on: {codes}",
            ". Ref {id}",
        ),
    ),
    "kpi_met": Text(
        subject=(
            (
                "[STILL RED] {unit} ({code}), still red: {still}; alert ended: {kpi}",
                "[{colour}] {unit} ({code}): alert ended, {kpi}",
            ),
            " {value}",
        ),
        body=(
            "The alert on {kpi_within} of {unit} ended at {time} on {date}",
            ("; it is now {value} (as of {as_of})", "; it is now {value}"),
            "; target {target}",
            "; state of the target: {colour}",
            ".",
            " {unit} is still red by: {still}.",
            "\nDetails: {url}.",
            "\nRef {id}.",
        ),
        sms=(
            "ENDED {code} {unit}: {kpi}",
            " now {value}",
            ", target {target}",
            ", state {colour}",
            ". STILL RED: {still}",
            ". Ref {id}",
        ),
    ),
    "silent": Text(
        subject=("[UNKNOWN] {unit} ({code}): no data since {time} {date}",),
        body=(
            "Feed {source} of {unit} is silent for {h}",
            " (limit {limit})",
            '. State is now "unknown" and does not count as green.',
            (" Last value: {kpi_within} {last_value} at {last_time}.", " Last value: {last_value} at {last_time}."),
            "\nPlease check reporting and connection.",
            _ACK_EN,
            "\nRef {id}.",
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
            "\nDetails: {url}.",
            "\nRef {id}.",
        ),
        sms=("DATA AGAIN {code} {unit}: data again since {time} {date}", ", after {h}", ". Ref {id}"),
    ),
    "still_open": Text(
        subject=("[REMINDER] {unit} ({code}): incident {id} is still open",),
        body=(
            "To {recipient}.",
            "\n\n",
            " Incident {id} at {unit}",
            ", {province}",
            " ({kpi_within})",
            ", which began at {time} on {date}, is still open.",
            "\nYour acknowledgement ends at {due}; after that everybody is called anew.",
            "\nAcknowledge again: {ack_url}.",
        ),
        sms=(
            "REMINDER {code} {unit}: still open since {time} {date}.",
            " Your acknowledgement ends at {due}, then all are called anew.",
            " Ref {id}",
        ),
    ),
    "reminder": Text(
        subject=(
            "[REMINDER] {unit} ({code}): {n} working days left, {kpi}",
            " at {value}",
            ", target {target}",
            " before {deadline}",
        ),
        body=(
            "To {recipient}.",
            "\n\n",
            "{n} working days are left",
            " (due before {deadline})",
            ": {kpi_within} of {unit} is {value}",
            " ({num}/{den} {counted})",
            ", target {target}",
            ".",
            (
                " It needs {pace} points per working day; of late it moved by {trend}.",
                " It needs {pace} points per working day.",
            ),
            _ACT_EN,
            "\nPlease act and update by {due}.",
            _ACK_EN,
            "\nRef {id}.",
        ),
        sms=(
            "REMINDER {code} {unit}: {n} working days left",
            ", due before {deadline}",
            ". {kpi} {value}",
            ", target {target}",
            ", needs {pace} points a day",
            ". Act on: {codes}",
            ". Ref {id}",
        ),
    ),
    "mass": Text(
        subject=(
            "[WIDE OUTAGE] {unit} ({code}): {affected}/{total} {members} lost their connection",
            " at {time} {date}",
        ),
        body=(
            "To {recipient}.",
            "\n\n",
            ("Since {time} on {date} {affected}/{total}", "{affected}/{total}"),
            " {members} of {unit} have no connection",
            " (network of {isp})",
            ".",
            " Communes affected altogether: {units}.",
            " Units: {codes}.",
            "\nThis is one incident for all of them; you are not alerted of each one.",
            (
                "\n{isp} (hotline {isp_hotline}) is asked to fix it and report by {due}.",
                "\n{isp} is asked to fix it and report by {due}.",
                "\nPlease fix it ({role}) and report by {due}.",
            ),
            _NEXT_EN,
            _ACK_EN,
            "\nIncident {id}.",
        ),
        sms=(
            "WIDE OUTAGE {code} {unit}: {affected}/{total} {members} lost",
            (" {isp} link", " connection"),
            " since {time} {date}",
            (". {isp} to fix and report by {due}", ". Please fix and report by {due}"),
            ". Among them: {codes}",
            ". Ref {id}",
        ),
    ),
    "mass_over": Text(
        subject=("[WIDE OUTAGE OVER] {unit} ({code}): ended at {time} {date}",),
        body=(
            "The wide outage at {unit} ended at {time} on {date}",
            ("; it lasted {minutes} min ({work_minutes} in office hours)", "; it lasted {minutes} min"),
            ". A unit that is still cut off is alerted by itself.",
            "\nDetails: {url}.",
            "\nIncident {id}.",
        ),
        sms=("WIDE OUTAGE OVER {code} {unit}: ended at {time} {date}", ", after {minutes} min", ". Ref {id}"),
    ),
    "brief": Text(
        subject=(
            "[BRIEF] {unit} ({code}) {time} {date}: {green}/{total} green",
            "; {yellow} yellow; {red} red",
            "; {unknown} unknown",
        ),
        body=(
            "To {recipient}.",
            "\n\n",
            "At {time} on {date} {green}/{total} {members} are green",
            " ({green_change} since {previous})",
            ", {yellow} yellow, {red} red",
            ", {unknown} unknown",
            ".",
            (
                "\n{kpi}: {value}, target {goal} before {deadline}, {n} working days left.",
                "\n{kpi}: {value}, target {goal}.",
            ),
            "\nTargets by unit: {goals}.",
            "\nLowest: {lowest}.",
            "\nHighest: {best}.",
            "\nSources without data: {silent}.",
            "\nOpen incidents ({open}): {refs}.",
            "\nDetails: {url}.",
            "\nReference: {id}.",
        ),
        sms=(
            "BRIEF {code} {unit} {time} {date}: {green}/{total} green",
            ", {yellow} yellow, {red} red",
            ", {unknown} unknown",
            ". {kpi} {value}",
            ". Act on: {codes}",
            ". Ref {id}",
        ),
    ),
    "self": Text(
        subject=("[MONITOR] {unit} ({code}): {condition}",),
        body=(
            "The monitor of {unit} says of itself",
            ", since {time} on {date}",
            ": {condition}.",
            "\nAlerts may be missing meanwhile, and colours on the board may be old.",
            "\nThe operator is asked to look at once.",
            "\nDetails: {url}.",
            "\nRef {id}.",
        ),
        sms=("MONITOR {code} {unit}: {condition}", " (since {time} {date})", ". Please look at once", ". Ref {id}"),
    ),
    "self_over": Text(
        subject=("[MONITOR] {unit} ({code}): well again",),
        body=(
            "The monitor of {unit} is well again",
            " since {time} on {date}",
            ". Over: {condition}",
            ".",
            "\nRef {id}.",
        ),
        sms=("MONITOR WELL {code} {unit}: well again since {time} {date}", " ({condition})", ". Ref {id}"),
    ),
}

TEXTS: Mapping[str, Mapping[str, Text]] = {"vi": _VI, "en": _EN}


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
        "vi": ("mã truy cập kênh nhắn tin sắp hết hạn", ", trước ngày {deadline}"),
        "en": ("the access token of a channel ends soon", ", before {deadline}"),
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

_ALWAYS = "code unit province place id recipient role time date url"
_CALL = "due due_time due_date next_role next_time ack_url why_url isp isp_hotline scope previous_roles reminders"
_LASTED = "minutes work_minutes"
_SERVICE = "service service_title service_full to_check reason n_fail"
_FIGURE = (
    "kpi kpi_within value num den counted target goal short_of floor gap pace trend n deadline as_of legal_basis"
    " source colour codes"
)
_SILENCE = "source h limit last_value last_time kpi kpi_within"

# Which placeholders a text may use: what is known when it is written.
PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    key: frozenset(f"{_ALWAYS} {names}".split())
    for key, names in {
        "outage": f"{_CALL} {_SERVICE}",
        "recovered": f"{_LASTED} {_SERVICE} still",
        "kpi_yellow": f"{_CALL} {_FIGURE}",
        "kpi_red": f"{_CALL} {_FIGURE}",
        "overdue": f"{_CALL} {_FIGURE} days_late",
        "kpi_met": f"{_LASTED} {_FIGURE} still",
        "silent": f"{_CALL} {_SILENCE}",
        "speaks_again": f"{_LASTED} {_SILENCE}",
        "still_open": f"due due_time due_date ack_url why_url {_SERVICE} {_FIGURE}",
        "reminder": f"{_CALL} {_FIGURE}",
        "mass": f"{_CALL} affected total members units codes",
        "mass_over": f"{_LASTED} affected total members units codes",
        "brief": (
            "members total green yellow red unknown green_change previous kpi kpi_within value target goal deadline n"
            " goals lowest best silent open refs codes"
        ),
        "self": "condition",
        "self_over": f"{_LASTED} condition",
    }.items()
}
