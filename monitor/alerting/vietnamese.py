"""The messages in Vietnamese, as rows of pieces (`monitor.alerting.texts`). A proof-reader needs to look here only."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.alerting.text import Text

_ACK = "\nXác nhận đã nhận: {ack_url}\nXem lý do: {why_url}"  # no full stop: mail programs take it along
_ACT = "\nCần xử lý trước: {codes}."
_NEXT = "\nNếu chưa xác nhận, hệ thống sẽ chuyển cảnh báo đến {next_role} lúc {next_time}."

VIETNAMESE: Mapping[str, Text] = {
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
            _NEXT,
            _ACK,
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
            " Độ sẵn sàng 30 ngày: {availability}.",
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
        subject=(
            ("[VÀNG] {unit} ({code}): {kpi} {met}", "[VÀNG] {unit} ({code}): {kpi} đạt {value}"),
            (", yêu cầu {goal} trước ngày {deadline}", ", yêu cầu {goal}", ", thời hạn trước ngày {deadline}"),
        ),
        body=(
            (
                "Tính đến {as_of}, {kpi_within} của {unit} {met}",
                "Tính đến {as_of}, {kpi_within} của {unit} đạt {value}",
                "{kpi} của {unit} đạt {value}",
            ),
            " ({num}/{den} {counted})",
            ", thấp hơn chỉ tiêu {gap} điểm phần trăm",
            ".",
            " Còn {n} ngày làm việc.",
            (
                " Để kịp tiến độ cần tăng {pace} điểm phần trăm mỗi ngày làm việc; gần đây mỗi ngày thêm {trend}.",
                " Để kịp tiến độ cần tăng {pace} điểm phần trăm mỗi ngày làm việc.",
            ),
            _ACT,
            "\nCăn cứ: {legal_basis}.",
            " Nguồn số liệu: {source}.",
            "\nĐề nghị bộ phận đầu mối có giải pháp và cập nhật trước {due}.",
            _ACK,
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
            ("; yêu cầu {goal} trước ngày {deadline}", "; yêu cầu {goal}", "; thời hạn trước ngày {deadline}"),
            ".",
            " Còn {n} ngày làm việc.",
            _ACT,
            "\nCăn cứ: {legal_basis}.",
            " Nguồn số liệu: {source}.",
            "\nĐề nghị {role} có giải pháp và báo kết quả trước {due}.",
            _NEXT,
            _ACK,
            "\nMã: {id}.",
        ),
        sms=(
            "CANH BAO DO {code} {unit}: {kpi}",
            " {value}",
            (", yeu cau {target} truoc {deadline}", ", yeu cau {target}", ", han truoc {deadline}"),
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
            (
                " Chỉ tiêu {kpi_within} (yêu cầu {target}, thời hạn trước ngày {deadline}",
                " Chỉ tiêu {kpi_within} (yêu cầu {target}",
                " Chỉ tiêu {kpi_within} (thời hạn trước ngày {deadline}",
            ),
            ", căn cứ {legal_basis}",
            (") của {unit} {met}", ") của {unit} mới đạt {value}"),
            " tính đến {as_of}",
            ", quá hạn {days_late} ngày",
            ".",
            " Đã nhắc {reminders} lần đến {previous_roles}.",
            _ACT,
            "\nKính đề nghị đồng chí Chủ tịch chỉ đạo, giao rõ người chịu trách nhiệm và báo cáo kết quả"
            " trước {due_time} ngày {due_date}.",
            "\nChi tiết: {url}.",
            _ACK,
            "\nMã: {id}.",
        ),
        sms=(
            ("QUA HAN {code} {unit}: {kpi} {met}", "QUA HAN {code} {unit}: {kpi} {value} chua dat {target}"),
            ", qua han {days_late} ngay",
            ". De nghi Chu tich chi dao, bao cao truoc {due_time} {due_date}",
            ". Can xu ly: {codes}",
            ". Ma {id}",
        ),
    ),
    "kpi_met": Text(
        subject=(
            (
                "[VẪN ĐỎ] {unit} ({code}), còn đỏ: {still}; kết thúc cảnh báo: {kpi_within}",
                "[{colour}] {unit} ({code}): kết thúc cảnh báo, {kpi_within}",
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
            _ACK,
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
        subject=(
            (
                "[VẪN ĐỎ] {unit} ({code}): đã nhận lại số liệu lúc {time} {date}, còn đỏ: {still}",
                "[CÓ TÍN HIỆU LẠI] {unit} ({code}): đã nhận lại số liệu lúc {time} {date}",
            ),
        ),
        body=(
            "Nguồn {source} của {unit} gửi lại số liệu từ {time} ngày {date}",
            ", sau {h} không có số liệu",
            ". Trạng thái được đánh giá lại theo số liệu mới.",
            " {unit} vẫn còn chỉ tiêu đỏ: {still}.",
            "\nChi tiết: {url}.",
            "\nMã: {id}.",
        ),
        sms=(
            "CO TIN HIEU LAI {code} {unit}: nhan lai so lieu luc {time} {date}",
            ", sau {h}",
            ". VAN DO: {still}",
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
            "\nXác nhận tiếp: {ack_url}",
            "\nXem lý do: {why_url}",
        ),
        sms=(
            "NHAC {code} {unit}: su co tu {time} {date} chua xong.",
            " Xac nhan het hieu luc luc {due}, sau do bao lai tu dau.",
            " Ma {id}",
        ),
    ),
    "reminder": Text(  # T11
        subject=(
            "[NHẮC HẠN] {unit} ({code}): còn {n} ngày làm việc, {kpi_within}",
            (" {met}", " đạt {value}"),
            (", yêu cầu {goal} trước ngày {deadline}", ", yêu cầu {goal}", ", thời hạn trước ngày {deadline}"),
        ),
        body=(
            "Kính gửi {recipient}.",
            "\n\n",
            "Còn {n} ngày làm việc",
            " (thời hạn trước ngày {deadline})",
            (": {kpi_within} của {unit} {met}", ": {kpi_within} của {unit} đạt {value}"),
            " ({num}/{den} {counted})",
            ", yêu cầu {goal}",
            ".",
            (
                " Để kịp tiến độ cần tăng {pace} điểm phần trăm mỗi ngày làm việc; gần đây mỗi ngày thêm {trend}.",
                " Để kịp tiến độ cần tăng {pace} điểm phần trăm mỗi ngày làm việc.",
            ),
            _ACT,
            "\nĐề nghị bộ phận đầu mối có giải pháp và cập nhật trước {due}.",
            _ACK,
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
            _NEXT,
            _ACK,
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
        subject=(
            (
                "[VẪN ĐỎ] {unit} ({code}): hết sự cố diện rộng lúc {time} {date}, còn đỏ: {still}",
                "[HẾT SỰ CỐ DIỆN RỘNG] {unit} ({code}): kết thúc lúc {time} {date}",
            ),
        ),
        body=(
            "Sự cố diện rộng tại {unit} kết thúc lúc {time} ngày {date}",
            ("; kéo dài {minutes} phút (trong giờ làm việc: {work_minutes} phút)", "; kéo dài {minutes} phút"),
            ". Đơn vị nào còn mất kết nối sẽ được cảnh báo riêng.",
            " {unit} vẫn còn chỉ tiêu đỏ: {still}.",
            "\nChi tiết: {url}.",
            "\nMã sự cố: {id}.",
        ),
        sms=(
            "HET SU CO DIEN RONG {code} {unit}: ket thuc luc {time} {date}",
            ", keo dai {minutes} phut",
            ". VAN DO: {still}",
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
                "\n{kpi}: {value}, xếp thứ {rank}/{rank_total}, yêu cầu {goal} trước ngày {deadline},"
                " còn {n} ngày làm việc.",
                "\n{kpi}: {value}, yêu cầu {goal} trước ngày {deadline}, còn {n} ngày làm việc.",
                "\n{kpi}: {value}, yêu cầu {goal}.",
            ),
            "\nChỉ tiêu theo đơn vị: {goals}.",
            "\nThấp nhất: {lowest}.",
            "\nCao nhất: {best}.",
            "\nNguồn không gửi số liệu: {silent}.",
            "\nSự cố đang mở ({open}): {refs}.",
            "\nChi tiết: {url}.",
            "\nXem lý do: {why_url}",
            "\nMã: {id}.",
        ),
        sms=(
            "BAO CAO NHANH {code} {unit} {time} {date}: {green}/{total} xanh",
            ", {yellow} vang, {red} do",
            ", {unknown} chua ro",
            (". {kpi} {value}, hang {rank}", ". {kpi} {value}"),
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
