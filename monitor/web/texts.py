"""The words of the pages as data, Vietnamese and English: a proof-reader needs to look at this file only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from monitor.engine.book import Condition, Indicator
from monitor.engine.explain import number, span, value_text
from monitor.model.colour import Colour
from monitor.model.verdict import Verdict

LOCALES = ("vi", "en")

WORDS: Mapping[str, tuple[str, str]] = {
    # frame
    "board": ("Bảng", "Board"),
    "incidents": ("Sự cố", "Incidents"),
    "reports": ("Báo cáo", "Reports"),
    "reports_intro": (
        "Bản in được, bảng tính và dữ liệu, như lệnh denbao report. Không nêu tên, số điện thoại của cá nhân.",
        "For print, as a workbook and as data, as by denbao report. No person is named.",
    ),
    "report_digest": ("Bản tin", "Digest"),
    "report_ranking": ("Xếp hạng", "Ranking"),
    "report_targets": ("Chỉ tiêu và thời hạn", "Targets and deadlines"),
    "report_availability": ("Độ sẵn sàng", "Availability"),
    "report_incidents": ("Sự cố", "Incidents"),
    "report_deliveries": ("Tin đã gửi", "Deliveries"),
    "format_html": ("Xem, in", "To read or print"),
    "format_xlsx": ("Excel", "Excel"),
    "format_csv": ("CSV", "CSV"),
    "format_json": ("JSON", "JSON"),
    "format_text": ("Văn bản", "Text"),
    "ranked_by": ("Xếp hạng theo chỉ số", "Ranking by an indicator"),
    "report_span": ("Theo tháng", "Of a month"),
    "report_show": ("Xem", "Show"),
    "other_language": ("English", "Tiếng Việt"),
    "skip": ("Đến nội dung chính", "Skip to the content"),
    "static_page": ("Trang lúc {time}", "Page of {time}"),
    "live": ("Trực tiếp", "Live"),
    "lost": (
        "Mất kết nối từ {time}. Màu trên trang có thể đã cũ.",
        "Connection lost since {time}. Colours may be old.",
    ),
    "reload": ("Số liệu đã thay đổi. Tải lại trang", "Things have changed. Reload the page"),
    "not_ready": ("Hệ thống chưa sẵn sàng: {reason}", "The service is not ready: {reason}"),
    "site_problems": (
        "Số lỗi trong cấu hình trên đĩa: {count}; hệ thống vẫn đánh giá theo bản đúng gần nhất.",
        "Mistakes in the site on disk: {count}; the last good version goes on judging.",
    ),
    "own_alarms": (
        "Hệ thống giám sát tự báo:",
        "The monitor says of itself:",
    ),
    "channel_problems": (
        "Số kênh gửi tin cần xử lý: {count}.",
        "Channels that need the operator: {count}.",
    ),
    "exporter_problems": (
        "Số vấn đề khi xuất số liệu cho chương trình khác: {count}; bảng này không bị ảnh hưởng.",
        "Problems of what is exported to other programs: {count}; this board is not affected.",
    ),
    "not_stored": (
        "Chưa lưu được từ {time}: màu được đánh giá trong bộ nhớ; sự cố và tin nhắn được ghi và gửi khi kho dữ liệu "
        "hoạt động lại.",
        "Not stored since {time}: colours are judged in memory; incidents and messages follow when the store is back.",
    ),
    "public_note": (
        "Trang công khai, chỉ để xem; giới hạn màu ghi trong bộ quy tắc.",
        "A public page, to be read only; limits of the colours are in the rule books.",
    ),
    "public_not_stored": (
        "Chưa lưu được từ {time}: màu là đánh giá tạm thời.",
        "Not stored since {time}: the colours are provisional.",
    ),
    "footer": (
        "Thiếu số liệu không bao giờ được tính là xanh.",
        "Missing data is never counted as green.",
    ),
    # colours
    "green": ("Xanh", "Green"),
    "yellow": ("Vàng", "Yellow"),
    "red": ("Đỏ", "Red"),
    "unknown": ("Chưa rõ", "Unknown"),
    "maintenance": ("Bảo trì", "Maintenance"),
    "excluded": ("Không tính", "Excluded"),
    "letter_green": ("X", "G"),
    "letter_yellow": ("V", "Y"),
    "letter_red": ("Đ", "R"),
    "letter_unknown": ("?", "?"),
    "letter_maintenance": ("B", "M"),
    "letter_excluded": ("–", "–"),
    # board
    "province": ("Tỉnh, thành phố", "Province"),
    "nation": ("Toàn quốc", "The nation"),
    "system": ("Hệ thống dùng chung", "Shared system"),
    "commune": ("Cấp xã", "Commune level"),
    "communes": ("Xã, phường, đặc khu", "Communes, wards, special zones"),
    "provinces": ("Các tỉnh, thành phố", "Provinces"),
    "systems": ("Hệ thống dùng chung", "Shared systems"),
    "of_units": ("trên {total} đơn vị", "of {total} units"),
    "since": ("từ", "since"),
    "show_all": ("Hiện tất cả", "Show all"),
    "only": ("Chỉ hiện: {colour}", "Only: {colour}"),
    "open_incidents": ("Sự cố đang mở", "Open incidents"),
    "no_incidents": ("Không có sự cố nào đang mở.", "No incident is open."),
    "all_incidents": ("Tất cả {count} sự cố đang mở", "All {count} open incidents"),
    "targets": ("Chỉ tiêu có thời hạn", "Targets with a deadline"),
    "no_targets": ("Chưa có chỉ tiêu nào được đánh giá.", "No target has been judged yet."),
    "deadline": ("Thời hạn", "Deadline"),
    "before_day": ("trước {day}", "before {day}"),
    "days_left": ("còn {days} ngày làm việc", "{days} working days left"),
    "working_days": ("ngày làm việc", "working days"),
    "overdue": ("Quá hạn", "Overdue"),
    "date_over": ("Đã qua hạn", "The date is over"),
    "met": ("đạt", "met"),
    "not_yet": ("chưa đạt", "not yet"),
    "late": ("quá hạn", "overdue"),
    "not_known": ("chưa rõ", "unknown"),
    "own_value": ("Toàn tỉnh", "Province"),
    "sources": ("Nguồn số liệu", "Sources of data"),
    "answered": ("trả lời lúc {time}", "answered at {time}"),
    "never_answered": ("chưa từng trả lời", "never answered"),
    "failing": ("đang lỗi", "failing"),
    "rejected_rows": ("{count} dòng không được tin", "{count} rows not believed"),
    "probes_answer": ("{good}/{total} điểm đo đang trả lời", "{good} of {total} probes answer"),
    "probes": ("Điểm đo", "Probes"),
    # feeds
    "no_feeds": ("Chưa khai báo nguồn số liệu nào.", "No source of data is declared."),
    "feeds_troubled": ("{count} trên {total} nguồn cần xem lại", "{count} of {total} sources need a look"),
    "last_answer": ("Trả lời gần nhất", "Last answer"),
    "condition": ("Tình trạng", "Condition"),
    "stage_fetch": ("không lấy được số liệu", "nothing came"),
    "stage_read": ("không đọc được nội dung trả lời", "the answer cannot be read"),
    "every": ("mỗi {span}", "every {span}"),
    "feed_owner": ("phụ trách", "owner"),
    "feed_rows": ("Đơn vị có trong nguồn", "Units in the source"),
    "not_believed": ("Dòng không được tin", "Rows not believed"),
    "all_believed": ("Mọi dòng đều được tin.", "All rows are believed."),
    "held_back": ("Đang giữ lại, chưa dùng", "Held back, not used"),
    "held_why": (
        "Số đơn vị trong lần trả lời gần nhất: {rows}; trong lần tốt trước đó: {good}. Chờ lần sau xác nhận.",
        "Units in the last answer: {rows}; in the good one before it: {good}. The next answer must confirm it.",
    ),
    "headers_gone": ("Cột không còn", "Columns that are gone"),
    "headers_new": ("Cột mới từ {time}", "Columns that are new since {time}"),
    "quarantine": ("Dòng bị giữ lại", "Rows in quarantine"),
    "quarantine_long": (
        "Các dòng này không được dùng: đơn vị sẽ thành chưa rõ khi số liệu cũ hết hạn, không bao giờ đỏ vì dòng hỏng.",
        "These rows are not used: their unit becomes unknown when its older data expires, and never red by a bad row.",
    ),
    "quarantine_of": ("Theo lần trả lời lúc {time}.", "As of the answer at {time}."),
    "place": ("Vị trí", "Place"),
    "indicator": ("Chỉ số", "Indicator"),
    "stated": ("Nội dung ghi", "What it says"),
    "why": ("Lý do", "Why"),
    "since_when": ("Từ lúc", "Since"),
    "only_counted": ("Và {count} dòng khác, chỉ được đếm.", "And {count} more, which are only counted."),
    # unit
    "more_reasons": ("{count} lý do khác", "{count} more reasons"),
    "criteria": ("Các tiêu chí", "Criteria"),
    "no_criteria": ("Chưa có tiêu chí nào được đánh giá.", "No criterion has been judged yet."),
    "value": ("Giá trị", "Value"),
    "thresholds": ("Ngưỡng", "Thresholds"),
    "target": ("chỉ tiêu", "target"),
    "floor": ("mức sàn", "floor"),
    "red_share": ("> {share} % đơn vị đỏ", "> {share} % of units red"),
    "every_month": ("hằng tháng", "every month"),
    "every_quarter": ("hằng quý", "every quarter"),
    "every_year": ("hằng năm", "every year"),
    "data_age": ("Số liệu", "Data"),
    "age": ("cách đây {age}", "{age} old"),
    "source": ("Nguồn", "Source"),
    "source_says": ("nguồn cho biết", "the source says"),
    "rule": ("Quy tắc", "Rule"),
    "legal_basis": ("Căn cứ pháp lý", "Legal basis"),
    "basis": ("Nguồn của ngưỡng", "Basis of the figures"),
    "assumed": ("giả định", "assumed"),
    "assumed_long": (
        "Ngưỡng hoặc trọng số là giả định, chưa có văn bản quy định.",
        "Figures or weight are assumed; no regulation names them.",
    ),
    "critical": ("trọng yếu", "critical"),
    "weight": ("Trọng số", "Weight"),
    "level_was": ("trước đó: {colour}", "before that: {colour}"),
    "caused_by": ("do {system}", "because of {system}"),
    "score": ("Điểm", "Score"),
    "coverage": ("Phần đã biết", "Known share"),
    "event_since": ("đợt này từ {time}", "event since {time}"),
    "index_points": (
        "{points}/{maximum} điểm (đã biết {known})",
        "{points} of {maximum} points ({known} known)",
    ),
    "no_grade": ("chưa xếp loại: chưa biết đủ số điểm", "no grade: too few points are known"),
    "group": ("Nhóm", "Group"),
    "grade": ("Xếp loại", "Grade"),
    "place_since": ("Hạng (thay đổi so với hôm qua)", "Place (change since yesterday)"),
    "since_yesterday": ("so với hôm qua", "since yesterday"),
    "all_groups": ("Tất cả các nhóm", "All groups"),
    "points": ("Điểm", "Points"),
    "reported_beside": (
        "Hệ thống quốc gia báo: {reported}; quy tắc tính ra: {computed}",
        "The national system reports: {reported}; the rules give: {computed}",
    ),
    "children": ("Đơn vị trực thuộc", "Units below"),
    "depends_on": ("Phụ thuộc vào", "Depends on"),
    "dependants": ("{count} đơn vị phụ thuộc vào hệ thống này", "{count} units depend on this system"),
    "beneath": ("{count} đơn vị bị ảnh hưởng", "{count} units are affected"),
    "history": ("Lịch sử", "History"),
    "no_history": ("Chưa có thay đổi nào được ghi.", "No change has been recorded yet."),
    "when": ("Lúc", "When"),
    "what": ("Đối tượng", "What"),
    "whole_unit": ("Đơn vị", "The unit"),
    "change": ("Thay đổi", "Change"),
    "timeline": ("Màu của đơn vị theo thời gian", "Colour of the unit over time"),
    "trend": ("Diễn biến {count} số liệu gần nhất", "The last {count} readings"),
    "code": ("Mã", "Code"),
    # incidents
    "ref": ("Mã", "Ref"),
    "unit": ("Đơn vị", "Unit"),
    "kind": ("Loại", "Kind"),
    "cause": ("Nguyên nhân", "Cause"),
    "opened": ("Mở lúc", "Opened"),
    "affected": ("Đơn vị bị ảnh hưởng", "Units affected"),
    "closed_at": ("Đóng lúc", "Closed"),
    "phase": ("Tình trạng", "Phase"),
    "open": ("Chưa ai nhận", "Unanswered"),
    "acknowledged": ("Đã nhận", "Acknowledged"),
    "closing": ("Đã ổn, đang theo dõi", "Well, watched"),
    "unanswered": ("Đã hết, chưa ai nhận", "Over, unanswered"),
    "closed": ("Đã đóng", "Closed"),
    "acked_by": ("{who} nhận lúc {time}", "acknowledged by {who} at {time}"),
    "recent_incidents": ("Đã đóng gần đây", "Closed recently"),
    "outage": ("Gián đoạn dịch vụ", "Service outage"),
    "kpi_yellow": ("Chỉ tiêu sắp đến hạn", "Target near its deadline"),
    "kpi_red": ("Chỉ tiêu ở mức đỏ", "Target in the red"),
    "silent": ("Mất số liệu", "No data"),
    "mass": ("Sự cố diện rộng", "Mass outage"),
    "covered_by": ("Nằm trong sự cố của", "Part of the trouble of"),
    "covered_count": (
        "{count} sự cố nằm trong sự cố rộng hơn, không báo riêng cho cấp trên",
        "{count} incidents are part of a wider one; those above are not told of each",
    ),
    "source_silent": ("Nguồn {source} im lặng", "Source {source} is silent"),
    "plan": ("Kế hoạch báo", "Escalation plan"),
    "who": ("Báo cho ai", "Who is told"),
    "due": ("Vào lúc", "Due"),
    "fired": ("Đã báo", "Told"),
    "waiting": ("đang chờ", "waiting"),
    "told_times": ("{count} lần", "{count} times"),
    "told": ("rồi", "yes"),
    "reached_nobody": ("chưa báo được ai", "reached nobody"),
    "spared": ("được báo bằng sự cố rộng hơn", "by the wider incident"),
    "told_later": ("được báo bằng bước sau", "by a later step"),
    "not_seen_then": ("bỏ qua, lúc đó không đo được", "passed over, it could not be seen then"),
    "party_answered": ("không gọi, bên này đã xác nhận", "not called, this party had answered"),
    "withheld": ("không cần nữa", "no longer needed"),
    "repeat": ("nhắc lại mỗi {span}", "again every {span}"),
    "nobody": ("không ai giữ vai trò này", "nobody holds this role"),
    "no_plan": ("Không có kế hoạch báo cho loại này.", "There is no plan for this kind."),
    "deliveries": ("Tin đã gửi và phải gửi", "Messages sent and owed"),
    "no_deliveries": ("Chưa có tin nào phải gửi.", "No message is owed yet."),
    "recipient": ("Người nhận", "Recipient"),
    "channel": ("Kênh", "Channel"),
    "state": ("Kết quả", "Outcome"),
    "attempt": ("Lần thử", "Attempt"),
    "state_pending": ("chờ gửi", "pending"),
    "state_leased": ("đang gửi", "being sent"),
    "state_sent": ("đã gửi", "sent"),
    "state_try_again": ("sẽ thử lại", "to be tried again"),
    "state_refused": ("bị từ chối", "refused"),
    "state_unknown": ("chưa chắc đã đến", "may have arrived"),
    "state_maybe_sent": ("có thể đã đến, đã chuyển kênh khác", "may have arrived, told by another channel"),
    "final_delivered": ("đã đến máy", "delivered"),
    "final_seen": ("đã xem", "seen"),
    "final_failed": ("không đến được", "not delivered"),
    "state_suppressed": ("đã rút", "withheld"),
    "text": ("Nội dung", "Text"),
    "muting": ("Tắt báo", "Muting"),
    "muting_intro": (
        "Im lặng: vẫn theo dõi, không nhắn ai. Bảo trì: đang làm theo kế hoạch, không đánh giá. Cả hai đều có hạn.",
        "A silence: watched as ever, nobody is told. Maintenance: planned work, not judged. Both have an end.",
    ),
    "silence": ("Im lặng", "Silence"),
    "window": ("Bảo trì", "Maintenance"),
    "mute_active": ("Đang hiệu lực", "Active"),
    "mute_coming": ("Sắp tới", "Coming"),
    "mute_past": ("Đã qua", "Past"),
    "mute_none": ("Không có.", "None."),
    "mute_what": ("Áp dụng cho", "About"),
    "mute_why": ("Vì sao", "Why"),
    "mute_by": ("Người đặt", "By"),
    "mute_from": ("Từ", "From"),
    "mute_until": ("Đến", "Until"),
    "mute_each": ("{every} lúc {at}, {lasts} mỗi lần", "{every} at {at}, {lasts} each time"),
    "mute_ended_by": ("{who} kết thúc sớm", "ended early by {who}"),
    "mute_end": ("Kết thúc ngay", "End now"),
    "mute_new": ("Đặt mới", "Add one"),
    "mute_how": ("Bằng lệnh: {command}", "By command: {command}"),
    "mute_for": ("Trong bao lâu", "For how long"),
    "mute_preview": ("Xem trước", "Preview"),
    "mute_would": (
        "Sẽ tắt: {incidents} sự cố, {units} đơn vị, {notices} tin đang chờ.",
        "Would mute: {incidents} incidents, {units} units, {notices} waiting notices.",
    ),
    "mute_done": ("Đã ghi. Đang tải lại…", "Done. Reloading…"),
    "mute_failed": ("Không làm được: ", "Not done: "),
    "answer": ("Xác nhận đã nhận", "Acknowledge"),
    "answer_how": (
        "Trên máy chủ: {command}. Các bước sau sẽ dừng; việc theo dõi vẫn tiếp tục.",
        "On the server: {command}. Later steps stop; watching goes on.",
    ),
    "told_are": ("Đã báo: {names}.", "Told: {names}."),
    "answer_link": (
        "Người đã được báo: mở đường dẫn trong tin và bấm nút.",
        "Those who were told: open the link of the message and press the button.",
    ),
    "answer_reply": (
        "Hoặc trả lời tin của kênh {channel}: OK {ref}; hỏi lý do: TAI SAO {ref}.",
        "Or reply to the message of channel {channel}: OK {ref}; to ask why: WHY {ref}.",
    ),
    "answer_here": ("Hoặc tại đây, bằng mã truy cập của bạn:", "Or here, with your token:"),
    "token": ("Mã truy cập", "Token"),
    "token_hint": ("Chỉ gửi trong phần đầu yêu cầu, không lưu lại.", "Sent in a header only, never kept."),
    "note": ("Ghi chú", "Note"),
    "send": ("Xác nhận", "Acknowledge"),
    "acked_until": ("Xác nhận có hiệu lực đến {time}", "The acknowledgement counts until {time}"),
    "awaits": ("Còn chờ", "Still awaits"),
    "well_since": ("Đã ổn từ {time}", "Well since {time}"),
    "paused_since": (
        "Tạm dừng từ {time} (bảo trì hoặc chưa đủ số liệu); các bước sau lùi lại bằng thời gian tạm dừng",
        "Paused since {time} (maintenance, or too little to judge); its steps come as much later as it lasts",
    ),
    "party": ("Xác nhận thay mặt", "Answering for"),
    "ack_done": ("Đã xác nhận. Đang tải lại…", "Acknowledged. Reloading…"),
    "ack_failed": ("Không xác nhận được: ", "Not acknowledged: "),
    # signed links
    "link_open": ("Sự cố này đang chờ đồng chí xác nhận.", "This incident awaits your answer."),
    "link_done": (
        "Đã ghi nhận xác nhận của đồng chí. Các bước báo sau sẽ dừng; việc theo dõi vẫn tiếp tục.",
        "Your answer is recorded. Later steps stop; watching goes on.",
    ),
    "link_answered": (
        "Sự cố này đã có người xác nhận, đồng chí không cần làm gì thêm ở đây.",
        "This incident is answered already; there is nothing left to do here.",
    ),
    "link_part": (
        "Đã ghi nhận xác nhận của đồng chí cho bên mình. Bên còn lại vẫn được báo cho đến khi xác nhận.",
        "Your answer is recorded for your side. The other side is still called until it answers.",
    ),
    "link_again": (
        "Sự cố này đã có người xác nhận, đến lúc ghi dưới đây. Nếu vẫn đang xử lý, đề nghị xác nhận tiếp.",
        "This incident is answered, until the time below. If it is still being worked on, please confirm again.",
    ),
    "link_renewed": (
        "Đã ghi nhận xác nhận tiếp, có hiệu lực đến lúc ghi dưới đây.",
        "Confirmed again; it counts until the time below.",
    ),
    "link_closed": ("Sự cố này đã đóng.", "This incident is closed."),
    "link_newer": (
        "Tình hình đã thay đổi sau tin này. Đề nghị dùng đường dẫn trong tin mới nhất.",
        "Things have changed since that message. Please use the link of the newest one.",
    ),
    "link_expired": (
        "Đường dẫn đã hết hạn. Đề nghị dùng tin mới hơn hoặc hỏi bộ phận trực.",
        "This link has expired. Please use a newer message, or ask the people on duty.",
    ),
    "link_wrong": (
        "Đường dẫn không đúng hoặc không còn hiệu lực. Đề nghị mở lại từ tin đã nhận, nguyên vẹn.",
        "This link is not right or counts no more. Please open it again from the message, in full.",
    ),
    "link_no_unit": ("Đơn vị này không còn được theo dõi.", "This unit is watched no more."),
    "link_party": (
        "Đề nghị chọn đồng chí xác nhận thay mặt bên nào.",
        "Please choose for whom you answer.",
    ),
    "link_as": ("Xác nhận với tư cách: {who}", "You answer as: {who}"),
    "link_note": ("Đang xử lý thế nào (không bắt buộc)", "What is being done (may stay empty)"),
    "link_button": ("Xác nhận đã nhận", "Acknowledge"),
    "link_read_only": (
        "Chỉ để xem; đường dẫn có hiệu lực đến {time}.",
        "For reading only; the link counts until {time}.",
    ),
    # problems
    "p404": ("Không tìm thấy", "Not found"),
    "p401": ("Cần mã truy cập", "A token is needed"),
    "p403": ("Không được phép", "Not allowed"),
    "p503": ("Tạm thời chưa trả lời được", "No answer just now"),
    "p_other": ("Có lỗi", "Something went wrong"),
    "to_board": ("Về bảng", "To the board"),
}

_OPS = {">=": "≥", "<=": "≤", "==": "=", ">": ">", "<": "<"}
_PLACES = (("page ", "trang "), ("line ", "dòng "), ("row ", "dòng "), ("sheet ", "trang tính "))
_MEASURES: Mapping[str, tuple[str, str]] = {
    "%": ("%", "%"),
    "minutes": ("phút", "minutes"),
    "s": ("giây", "s"),
    "days": ("ngày", "days"),
    "hours": ("giờ", "hours"),
    "points": ("điểm", "points"),
}


class Words:
    """The words of one language, and figures and instants as that language writes them in one time zone."""

    def __init__(self, locale: str, zone: ZoneInfo) -> None:
        self.locale = locale
        self._zone = zone
        self._english = locale == "en"

    def __call__(self, key: str, **filled: object) -> str:
        """A text by its key. Raises KeyError for a key that does not exist."""
        text = WORDS[key][self._english]
        return text.format_map(filled) if filled else text

    def pick(self, pair: tuple[str, str]) -> str:
        """The part of a (Vietnamese, English) pair in this language."""
        return pair[self._english]

    def letter(self, colour: Colour) -> str:
        """The letter that stands beside a colour."""
        return self(f"letter_{colour.value}")

    def number(self, value: float) -> str:
        """A number with the decimal sign of this language."""
        return number(value, self.locale)

    def place(self, row: str) -> str:
        """A place in a source ("line 17", "sheet 'Xã', row 4") in this language."""
        if self._english:
            return row
        for word, vietnamese in _PLACES:
            row = row.replace(word, vietnamese)
        return row

    def span(self, seconds: float) -> str:
        """A duration in words."""
        return span(max(seconds, 0.0), self.locale)

    def time(self, instant: datetime) -> str:
        """Clock time and date in the site's zone."""
        return f"{instant.astimezone(self._zone):%H:%M %d/%m/%Y}"

    def clock(self, instant: datetime) -> str:
        """Clock time with seconds, and date, in the site's zone."""
        return f"{instant.astimezone(self._zone):%H:%M:%S %d/%m/%Y}"

    def day(self, instant: datetime) -> str:
        """The date in the site's zone."""
        return f"{instant.astimezone(self._zone):%d/%m/%Y}"

    def condition(self, condition: Condition, indicator: Indicator | None) -> str:
        """A limit with its unit of measure: "≥ 80 %"; a yes/no or a state word stands for itself."""
        operand = condition.operand
        if isinstance(operand, (bool, str)):
            return value_text(operand, self.locale)
        return f"{_OPS[condition.op]} {self.number(operand)} {self._measure(indicator)}".rstrip()

    def value(self, verdict: Verdict, indicator: Indicator | None) -> str:
        """A judged value with its unit of measure; a dash when there is none."""
        text = value_text(verdict.value, self.locale, verdict.comparator)
        return (
            text
            if isinstance(verdict.value, (bool, str, type(None)))
            else f"{text} {self._measure(indicator)}".rstrip()
        )

    def _measure(self, indicator: Indicator | None) -> str:
        return self.pick(_MEASURES.get(indicator.unit if indicator else "%", ("", "")))
