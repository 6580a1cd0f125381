"""What is answered to those who write back, as in `texts`: one segment, the unit's code first, the ref last."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.alerting.text import Piece, Text, placeholders


def _text(vi: tuple[Piece, ...], sms: tuple[Piece, ...]) -> Text:
    return Text(subject=("[{id}]",), body=vi, sms=sms)


_VI: Mapping[str, Text] = {
    "acked": _text(
        (
            "Đã nhận xác nhận: {unit} ({code})",
            ", sự cố từ {time} {date}",
            ". Các bước báo sau dừng, vẫn theo dõi.",
            " Mã {id}.",
        ),
        ("DA NHAN {code} {unit}", ", su co tu {time} {date}", ". Cac buoc bao sau dung, van theo doi", ". Ma {id}"),
    ),
    "acked_part": _text(
        (
            "Đã nhận xác nhận: {unit} ({code})",
            ", sự cố từ {time} {date}",
            ". Bên này không bị báo nữa, bên còn lại vẫn được báo.",
            " Mã {id}.",
        ),
        ("DA NHAN {code} {unit}", ", su co tu {time} {date}", ". Ben con lai van duoc bao", ". Ma {id}"),
    ),
    "renewed": _text(
        ("Đã nhận xác nhận tiếp: {unit} ({code})", ", có hiệu lực đến {due_time} {due_date}", ".", " Mã {id}."),
        ("DA NHAN {code} {unit}", ", hieu luc den {due_time} {due_date}", ". Ma {id}"),
    ),
    "newer": _text(
        (
            "{unit} ({code}): tình hình đã thay đổi sau tin đã báo cho đồng chí, chưa ghi nhận xác nhận.",
            " Đề nghị xem tin mới nhất hoặc trên bảng. Mã {id}.",
        ),
        ("{code} {unit}: da thay doi sau tin da bao, chua ghi nhan", ". Xem tin moi nhat hoac bang", ". Ma {id}"),
    ),
    "own_acked": _text(
        ("Đã nhận xác nhận: hệ thống giám sát tự báo", " từ {time} {date}", ".", " Không nhắc lại.", " Mã {id}."),
        ("DA NHAN: he thong giam sat tu bao", " tu {time} {date}", ". Khong nhac lai", ". Ma {id}"),
    ),
    "acked_all": _text(
        ("Đã nhận xác nhận {count} sự cố: {listed}.", " Các bước báo sau dừng, vẫn theo dõi."),
        ("DA NHAN {count} su co: {listed}", ". Cac buoc bao sau dung, van theo doi"),
    ),
    "acked_all_part": _text(
        ("Đã nhận xác nhận {count} sự cố: {listed}.", " Bên chưa xác nhận vẫn được báo."),
        ("DA NHAN {count} su co: {listed}", ". Ben chua xac nhan van duoc bao"),
    ),
    "answered": _text(
        ("{unit} ({code}): sự cố đã có người xác nhận", " lúc {time} {date}", ". Mã {id}."),
        ("{code} {unit}: da co nguoi xac nhan", " luc {time} {date}", ". Ma {id}"),
    ),
    "over": _text(
        ("{unit} ({code}): sự cố đã đóng", " lúc {time} {date}", ", không cần xác nhận. Mã {id}."),
        ("{code} {unit}: su co da dong", " luc {time} {date}", ", khong can xac nhan", ". Ma {id}"),
    ),
    "unknown": _text(
        (
            "Không có sự cố mã {id} nào đã báo cho số này.",
            " Gần giống: {near}.",
            " Mã là 6 ký tự ở cuối tin báo.",
        ),
        (
            "Khong co su co ma {id} nao da bao cho so nay",
            ". Gan giong: {near}",
            ". Ma la 6 ky tu o cuoi tin bao",
        ),
    ),
    "several": _text(
        ("Có {count} sự cố đang chờ xác nhận: {listed}. Trả lời OK và mã, hoặc OK TAT CA.",),
        ("Co {count} su co dang cho xac nhan: {listed}. Tra loi OK va ma, hoac OK TAT CA",),
    ),
    "several_why": _text(
        ("Có {count} sự cố đang mở: {listed}. Hỏi từng sự cố: TAI SAO và mã.",),
        ("Co {count} su co dang mo: {listed}. Hoi tung su co: TAI SAO va ma",),
    ),
    "nothing_why": _text(
        ("Không có sự cố nào đang mở trong số đã báo cho số này.",),
        ("Khong co su co nao dang mo trong so da bao cho so nay",),
    ),
    "same_code": _text(
        ("Mã {id} trùng {count} sự cố, ở đơn vị {listed}. Đề nghị xác nhận bằng đường dẫn trong thư hoặc trên bảng.",),
        ("Ma {id} trung {count} su co, o don vi {listed}. De nghi xac nhan bang duong dan trong thu hoac tren bang",),
    ),
    "nothing": _text(
        ("Không có sự cố nào đang chờ số này xác nhận.",), ("Khong co su co nao dang cho so nay xac nhan",)
    ),
    "party": _text(
        ("{unit} ({code}): cần nói xác nhận thay mặt bên nào. Dùng đường dẫn trong thư hoặc trên bảng. Mã {id}.",),
        ("{code} {unit}: can noi thay mat ben nao", ". Dung duong dan trong thu hoac tren bang", ". Ma {id}"),
    ),
    "why": _text(
        (
            "{unit} ({code}): {colour}",
            ". {kpi}",
            ": {value}",
            ", yêu cầu {goal}",
            (", quá hạn {days_late} ngày", ", thời hạn trước ngày {deadline}"),
            ", từ {time} {date}",
            ". Mã {id}.",
        ),
        (
            "{code} {unit}: {colour}",
            ", {kpi}",
            " {value}",
            ", yeu cau {target}",
            (", qua han {days_late} ngay", ", han truoc {deadline}"),
            ", tu {time} {date}",
            ". Ma {id}",
        ),
    ),
    "why_outage": _text(
        (
            "{unit} ({code}): ĐỎ, không kết nối được {service_full}",
            ", lỗi: {reason}",
            ", từ {time} {date}",
            ". Mã {id}.",
        ),
        (
            "{code} {unit}: DO, khong ket noi duoc {service}",
            ", loi: {reason}",
            ", tu {time} {date}",
            ". Ma {id}",
        ),
    ),
    "why_mass": _text(
        ("{unit} ({code}): {affected}/{total} {members} mất kết nối", ", từ {time} {date}", ": {codes}", ". Mã {id}."),
        ("{code} {unit}: {affected}/{total} {members} mat ket noi", ", tu {time} {date}", ": {codes}", ". Ma {id}"),
    ),
    "why_silent": _text(
        ("{unit} ({code}): không nhận được số liệu", " của nguồn {source}", ", từ {time} {date}", ". Mã {id}."),
        ("{code} {unit}: khong nhan duoc so lieu", " cua nguon {source}", ", tu {time} {date}", ". Ma {id}"),
    ),
    "why_own": _text(
        ("Hệ thống giám sát tự báo: {condition}", ", từ {time} {date}", ". Mã {id}."),
        ("HE THONG GIAM SAT: {condition}", ", tu {time} {date}", ". Ma {id}"),
    ),
    "digest_why": _text(
        (
            "{unit} ({code}): {red} đỏ, {yellow} vàng, {unknown} chưa rõ",
            ": {codes}",
            ".",
            " Thấp nhất {worst}: {kpi}",
            " {value}",
            ", yêu cầu {goal}",
            ". Bản tin {id}.",
        ),
        (
            "{code} {unit}: {red} do, {yellow} vang, {unknown} chua ro",
            ": {codes}",
            ". {worst}: {kpi}",
            " {value}",
            ", yeu cau {target}",
            ". Ma {id}",
        ),
    ),
    "digest_well": _text(
        ("{unit} ({code}): lúc này không có đơn vị đỏ, vàng hay chưa rõ. Bản tin {id}.",),
        ("{code} {unit}: luc nay khong co don vi do, vang hay chua ro", ". Ma {id}"),
    ),
    "digest_read": _text(
        ("Bản tin {id} không cần xác nhận. Hỏi đơn vị cần xử lý: TAI SAO {id}.",),
        ("Ban tin {id} khong can xac nhan. Hoi don vi can xu ly: TAI SAO {id}",),
    ),
    "digest_unknown": _text(
        ("Không có bản tin {id} nào đã gửi cho số này. Trả lời TAI SAO và số ở cuối bản tin.",),
        ("Khong co ban tin {id} nao da gui cho so nay. Tra loi TAI SAO va so o cuoi ban tin",),
    ),
    "help": _text(
        ("Trả lời: OK MÃ (đã nhận), OK TAT CA, TAI SAO MÃ (lý do). MÃ là 6 ký tự ở cuối tin báo hoặc số bản tin.",),
        ("Tra loi: OK MA (da nhan), OK TAT CA, TAI SAO MA (ly do). MA la 6 ky tu o cuoi tin bao, hoac so ban tin",),
    ),
    "unclear": _text(
        ("Chưa hiểu tin, chưa ghi nhận gì. Trả lời: OK MÃ (đã nhận) hoặc TAI SAO MÃ (lý do). MÃ ở cuối tin báo.",),
        ("Chua hieu tin, chua ghi nhan gi. Tra loi: OK MA (da nhan) hoac TAI SAO MA (ly do). MA o cuoi tin bao",),
    ),
}

_EN: Mapping[str, Text] = {
    "acked": _text(
        (
            "Answer recorded: {unit} ({code})",
            ", since {time} {date}",
            ". Later steps stop, watching goes on.",
            " Ref {id}.",
        ),
        ("RECORDED {code} {unit}", ", since {time} {date}", ". Later steps stop, watching goes on", ". Ref {id}"),
    ),
    "acked_part": _text(
        (
            "Answer recorded: {unit} ({code})",
            ", since {time} {date}",
            ". Your side is called no more, the other side still is.",
            " Ref {id}.",
        ),
        ("RECORDED {code} {unit}", ", since {time} {date}", ". The other side is still called", ". Ref {id}"),
    ),
    "renewed": _text(
        ("Confirmed again: {unit} ({code})", ", counts until {due_time} {due_date}", ".", " Ref {id}."),
        ("RECORDED {code} {unit}", ", counts until {due_time} {due_date}", ". Ref {id}"),
    ),
    "newer": _text(
        (
            "{unit} ({code}): things have changed since you were told, nothing is recorded.",
            " Please see the newest message or the board. Ref {id}.",
        ),
        ("{code} {unit}: changed since you were told, not recorded", ". See the newest message", ". Ref {id}"),
    ),
    "own_acked": _text(
        ("Answer recorded: the monitor's own alarm", ", since {time} {date}", ".", " No more repeats.", " Ref {id}."),
        ("RECORDED: the monitor's own alarm", ", since {time} {date}", ". No more repeats", ". Ref {id}"),
    ),
    "acked_all": _text(
        ("Answer recorded for {count} incidents: {listed}.", " Later steps stop, watching goes on."),
        ("RECORDED {count} incidents: {listed}", ". Later steps stop, watching goes on"),
    ),
    "acked_all_part": _text(
        ("Answer recorded for {count} incidents: {listed}.", " Who has not answered is still called."),
        ("RECORDED {count} incidents: {listed}", ". Who has not answered is still called"),
    ),
    "answered": _text(
        ("{unit} ({code}): answered already", " at {time} {date}", ". Ref {id}."),
        ("{code} {unit}: answered already", " at {time} {date}", ". Ref {id}"),
    ),
    "over": _text(
        ("{unit} ({code}): the incident was closed", " at {time} {date}", ", no answer is needed. Ref {id}."),
        ("{code} {unit}: closed", " at {time} {date}", ", no answer is needed", ". Ref {id}"),
    ),
    "unknown": _text(
        (
            "No incident {id} was told to this number.",
            " Much like it: {near}.",
            " The ref is the 6 letters at the end of the message.",
        ),
        (
            "No incident {id} was told to this number",
            ". Much like it: {near}",
            ". The ref is the 6 letters at the end of the message",
        ),
    ),
    "several": _text(
        ("{count} incidents await an answer: {listed}. Reply OK and the ref, or OK ALL.",),
        ("{count} incidents await an answer: {listed}. Reply OK and the ref, or OK ALL",),
    ),
    "several_why": _text(
        ("{count} incidents are open: {listed}. Ask of each one: WHY and the ref.",),
        ("{count} incidents are open: {listed}. Ask of each one: WHY and the ref",),
    ),
    "nothing_why": _text(
        ("None of the incidents told to this number is open.",), ("None of the incidents told to this number is open",)
    ),
    "same_code": _text(
        ("{id} means {count} incidents, at units {listed}. Please answer by the link of the mail or on the board.",),
        ("{id} means {count} incidents, at units {listed}. Please answer by the link of the mail or on the board",),
    ),
    "nothing": _text(
        ("No incident awaits an answer of this number.",), ("No incident awaits an answer of this number",)
    ),
    "party": _text(
        ("{unit} ({code}): say for whom you answer, by the link of the mail or on the board. Ref {id}.",),
        ("{code} {unit}: say for whom you answer", ", by the link of the mail or on the board", ". Ref {id}"),
    ),
    "why": _text(
        (
            "{unit} ({code}): {colour}",
            ". {kpi}",
            ": {value}",
            ", target {goal}",
            (", {days_late} days late", ", due before {deadline}"),
            ", since {time} {date}",
            ". Ref {id}.",
        ),
        (
            "{code} {unit}: {colour}",
            ", {kpi}",
            " {value}",
            ", target {target}",
            (", {days_late} days late", ", due before {deadline}"),
            ", since {time} {date}",
            ". Ref {id}",
        ),
    ),
    "why_outage": _text(
        (
            "{unit} ({code}): RED, {service_full} unreachable",
            ", error: {reason}",
            ", since {time} {date}",
            ". Ref {id}.",
        ),
        ("{code} {unit}: RED, {service} unreachable", ", error: {reason}", ", since {time} {date}", ". Ref {id}"),
    ),
    "why_mass": _text(
        (
            "{unit} ({code}): {affected}/{total} {members} lost their connection",
            ", since {time} {date}",
            ": {codes}",
            ". Ref {id}.",
        ),
        ("{code} {unit}: {affected}/{total} {members} lost", ", since {time} {date}", ": {codes}", ". Ref {id}"),
    ),
    "why_silent": _text(
        ("{unit} ({code}): no data", " of the source {source}", ", since {time} {date}", ". Ref {id}."),
        ("{code} {unit}: no data", " of the source {source}", ", since {time} {date}", ". Ref {id}"),
    ),
    "why_own": _text(
        ("The monitor says of itself: {condition}", ", since {time} {date}", ". Ref {id}."),
        ("MONITOR: {condition}", ", since {time} {date}", ". Ref {id}"),
    ),
    "digest_why": _text(
        (
            "{unit} ({code}): {red} red, {yellow} yellow, {unknown} unknown",
            ": {codes}",
            ".",
            " Lowest {worst}: {kpi}",
            " {value}",
            ", target {goal}",
            ". Digest {id}.",
        ),
        (
            "{code} {unit}: {red} red, {yellow} yellow, {unknown} unknown",
            ": {codes}",
            ". {worst}: {kpi}",
            " {value}",
            ", target {target}",
            ". Ref {id}",
        ),
    ),
    "digest_well": _text(
        ("{unit} ({code}): no unit is red, yellow or unknown now. Digest {id}.",),
        ("{code} {unit}: no unit is red, yellow or unknown now", ". Ref {id}"),
    ),
    "digest_read": _text(
        ("Digest {id} needs no answer. To ask which units need handling: WHY {id}.",),
        ("Digest {id} needs no answer. To ask which units need handling: WHY {id}",),
    ),
    "digest_unknown": _text(
        ("No digest {id} was sent to this number. Reply WHY and the number at the end of the digest.",),
        ("No digest {id} was sent to this number. Reply WHY and the number at the end of the digest",),
    ),
    "help": _text(
        ("Reply: OK REF (acknowledge), OK ALL, WHY REF. REF is the 6 letters, or a digest's number, at the end.",),
        ("Reply: OK REF (acknowledge), OK ALL, WHY REF. REF is the 6 letters, or a digest's number, at the end",),
    ),
    "unclear": _text(
        ("Not understood, nothing was changed. Reply: OK REF (acknowledge) or WHY REF. REF ends the message.",),
        ("Not understood, nothing was changed. Reply: OK REF (acknowledge) or WHY REF. REF ends the message",),
    ),
}

REPLIES: Mapping[str, Mapping[str, Text]] = {"vi": _VI, "en": _EN}

# Which placeholders an answer may use: what the product's own uses, in either language.
REPLY_PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    key: frozenset(name for text in (_VI[key], _EN[key]) for name in placeholders(text)) for key in _VI
}
