from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.transports.gateways.letters import fitting
from monitor.alerting.conditions import CONDITIONS
from monitor.alerting.text import Text
from monitor.alerting.texts import PLACEHOLDERS, TEXTS
from monitor.alerting.wording import overlong, render, shorten
from monitor.model.segments import segments
from monitor.model.text import unaccent
from monitor.model.verdict import Param
from tests.unit.alerting_scene import ZONE

AT = datetime(2025, 8, 26, 23, 59, tzinfo=ZONE)
LONG = "Phuong Van Mieu - Quoc Tu Giam"
WORST: dict[str, Param] = {
    "code": "02143", "level": "commune", "id": "ABCDEF", "now": AT, "when": AT, "due": AT + timedelta(hours=2),
    "unit_vi": "Phường Văn Miếu - Quốc Tử Giám", "unit_en": "Van Mieu - Quoc Tu Giam Ward", "unit_sms": LONG,
    "province_vi": "Tỉnh Thái Nguyên", "province_en": "Thai Nguyen Province",
    "recipient": "Nguyễn Văn An", "role_vi": "đầu mối cấp xã", "role_en": "commune focal point",
    "next_role_vi": "Chủ tịch", "next_role_en": "Chairperson", "next_time": AT + timedelta(minutes=30),
    "n_fail": 2, "reason": "timeout", "isp": "VNPT", "isp_hotline": "18001260", "scope": 92,
    "ack_url": "http://127.0.0.1:8866/a/ABCDEF", "why_url": "http://127.0.0.1:8866/w/ABCDEF",
    "url": "http://127.0.0.1:8866/units/02143",
    "minutes": 12345.0, "work_minutes": 2345, "availability": 99.87, "service": "centre_reachable",
    "kpi_vi": "Tỷ lệ hồ sơ trực tuyến", "kpi_en": "Online rate", "kpi_sms": "HS truc tuyen", "measure": "%",
    "value": 68.91, "sign": "=", "target": 99.55, "op": ">=", "floor": 50.0, "gap": 30.64, "pace": 3.064, "n": 10,
    "deadline": datetime(2025, 8, 20, tzinfo=ZONE), "as_of": datetime(2025, 8, 6, tzinfo=ZONE),
    "num": 6891.0, "den": 10000.0, "legal_basis": "QĐ 766", "source": "portal", "days_late": 365, "reminders": 4,
    "previous_roles_vi": "đầu mối cấp xã", "previous_roles_en": "commune focal point", "h": 3.6e6, "limit": 86400.0,
    "last_value": 68.91, "last_time": AT, "colour": "yellow", "trend": 0.25, "rank": 12, "rank_total": 92,
    "still_vi": "Tỷ lệ hồ sơ đúng hạn, Tỷ lệ trả kết quả điện tử, Mức hài lòng (+12)", "still_sms": "HS truc tuyen +12",
    "still_en": "On time, Electronic results, Satisfaction (+12)",
    "affected": 3321, "total": 3321, "codes": "02143, 05665, 05701, 05704", "more": 88,
    "green": 3300, "yellow": 10, "red": 10, "unknown": 1, "green_change": "+1", "previous": AT, "open": 3,
    "goals": "Online 63 met", "lowest": "02143 Văn Lang (45%)", "best": "-", "silent": "portal (19)", "refs": "ABCDEF",
    "condition": "stuck_outbox", "count": 28_000, "free": 4.5,
}  # fmt: skip
EVERY = [(locale, text) for locale, texts in TEXTS.items() for text in texts]


def templates(text: Text) -> Iterator[str]:
    for piece in chain(text.subject, text.body, text.sms):
        yield from (piece,) if isinstance(piece, str) else piece


@pytest.mark.parametrize(
    ("deadline", "vi", "en"),
    [
        (datetime(2025, 8, 20, tzinfo=ZONE), "han truoc 20/08. Ma", "due before 20 Aug. Ref"),
        (datetime(2026, 1, 1, tzinfo=ZONE), "han truoc 01/01. Ma", "due before 1 Jan. Ref"),  # the next one that comes
        (datetime(2031, 1, 1, tzinfo=ZONE), "han truoc 01/01/2031. Ma", "due before 1 Jan 2031. Ref"),
    ],
)
def test_a_date_in_an_sms_has_its_year_where_it_is_not_the_nearest_such_day(deadline: datetime, vi: str, en: str):
    facts = {**WORST, "deadline": deadline, "codes": None}
    assert vi in render("kpi_yellow", facts, "vi").sms
    assert en in render("kpi_yellow", facts, "en").sms


def test_both_languages_have_the_same_texts():
    assert TEXTS["vi"].keys() == TEXTS["en"].keys()


@pytest.mark.parametrize(("locale", "text"), EVERY)
def test_a_text_uses_only_the_fixed_placeholders_and_no_logic(locale, text):
    for template in templates(TEXTS[locale][text]):
        assert set(re.findall(r"\{([^}]*)\}", template)) <= PLACEHOLDERS[text]


@pytest.mark.parametrize("service", ["centre_reachable", "system_reachable", "population_db_link_ok", "line_reachable"])
@pytest.mark.parametrize(("locale", "text"), EVERY)
def test_an_sms_of_the_worst_case_is_one_unaccented_gsm_segment_with_code_and_reference(locale, text, service):
    sms = render(text, {**WORST, "service": service}, locale).sms
    assert segments(sms) == 1
    assert sms == unaccent(sms)
    assert sms.isascii()
    assert " 02143 " in sms
    assert sms.endswith((" Ma ABCDEF", " Ref ABCDEF"))
    assert not set(sms) & set("#&[]{}<@\\^~|")


WORDS = st.text(max_size=60)


@given(st.sampled_from(EVERY), WORDS, WORDS, WORDS, st.floats(-1e12, 1e12))
def test_whatever_the_values_an_sms_fits_and_a_subject_is_one_line(chosen, unit, kpi, source, value):
    facts = {**WORST, "unit_sms": unit, "unit_vi": unit, "kpi_sms": kpi, "kpi_vi": kpi, "source": source}
    message = render(chosen[1], {**facts, "value": value}, chosen[0])
    assert segments(message.sms) == 1
    assert "02143" in message.sms
    assert message.sms.endswith("ABCDEF")
    assert len(message.subject.splitlines()) <= 1


@pytest.mark.parametrize(("locale", "text"), EVERY)
def test_what_is_not_known_is_left_out_cleanly(locale, text):
    bare = {key: WORST[key] for key in ("code", "level", "id", "when", "now", "unit_vi", "unit_en", "unit_sms")}
    known = {**bare, **{key: WORST[key] for key in ("kpi_vi", "kpi_en", "kpi_sms", "value", "target", "due")}}
    message = render(text, known, locale)
    for words in (message.subject, message.body, message.sms):
        assert "{" not in words
        assert "None" not in words
        assert not re.search(r"  | [.,;:)]|\(\s*\)|,\.|;\.|\.\.", words), words


YES_NO: dict[str, Param] = {
    **WORST, "unit_sms": "Xa Van Lang", "unit_vi": "Xã Văn Lang", "kpi_vi": "Đã công bố đường dây nóng",
    "kpi_sms": "Hotline", "kpi_en": "Hotline published", "measure": "bool", "value": False, "target": True, "op": "==",
    "num": None, "den": None, "gap": None, "pace": None, "trend": None, "floor": None, "codes": None, "days_late": 4,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "vi", "en"),
    [
        ("overdue", "Xa Van Lang: Hotline chua dat, qua han 4 ngay. De", "Xa Van Lang: Hotline not met, 4 days late. "),
        ("kpi_red", "Xa Van Lang: Hotline chua dat, han truoc 20/08. De", ": Hotline not met, due before 20 Aug. Pl"),
        ("kpi_yellow", "Xa Van Lang: Hotline chua dat. Con 10 ngay", "Xa Van Lang: Hotline not met. 10 working days"),
        ("reminder", "han truoc 20/08. Hotline chua dat. Ma", "due before 20 Aug. Hotline not met. Ref"),
        ("kpi_met", "Xa Van Lang: Hotline nay chua dat, trang thai VANG", "Hotline now not met, state YELLOW"),
    ],
)
def test_what_is_done_or_not_done_is_met_or_not_and_has_no_number(text, vi, en):
    for locale, sms in (("vi", vi), ("en", en)):
        message = render(text, YES_NO, locale)
        assert sms in message.sms
        for words in (message.subject, message.body, message.sms):
            assert not re.search(r"không|khong|yêu cầu|yeu cau|\byes\b|\bno\b|đạt chưa|at not|-,", words), words
            assert words.count("(") == words.count(")")
    said = render("overdue", {**YES_NO, "value": "partly"}, "vi").body.splitlines()[2]
    assert said.startswith("Chỉ tiêu đã công bố đường dây nóng (thời hạn trước ngày 20/08/2025, căn cứ QĐ 766) của Xã")
    assert "Xã Văn Lang đạt một phần tính đến" in said
    begun = render("overdue", {**YES_NO, "value": "in_progress"}, "vi").sms
    assert "Xa Van Lang: Hotline dang thuc hien, qua han 4 ngay" in begun
    assert "Hotline nay dat, trang thai" in render("kpi_met", {**YES_NO, "value": True}, "vi").sms


def test_t1_of_a_centre_names_the_centre_and_of_a_system_the_procedure_system():
    facts = {**WORST, "unit_sms": "Xa Van Lang", "due": AT}
    assert render("outage", facts, "vi").sms == (
        "CANH BAO DO 02143 Xa Van Lang: khong ket noi duoc Trung tam PVHCC tu 23:59 26/08."
        " De nghi kiem tra, bao lai truoc 23:59. Ma ABCDEF"
    )
    system = {**facts, "level": "system", "service": "our_own_probe"}
    assert "khong ket noi duoc he thong TTHC tu" in render("outage", system, "vi").sms
    assert "procedure system unreachable since 23:59 26 Aug." in render("outage", system, "en").sms
    assert "Trung tam PVHCC" in render("outage", {**facts, "service": "our_own_probe"}, "vi").sms


def test_t3_is_worded_as_agreed():
    message = render("kpi_yellow", {**WORST, "unit_sms": "Xa Van Lang", "target": 80.0, "codes": None}, "vi")
    assert message.sms == (
        "NHAC VANG 02143 Xa Van Lang: HS truc tuyen 68,91%, yeu cau 80%. Con 10 ngay lam viec, han truoc 20/08."
        " Ma ABCDEF"
    )
    assert message.subject.endswith("Tỷ lệ hồ sơ trực tuyến đạt 68,91%, yêu cầu từ 80% trở lên trước ngày 20/08/2025")
    assert "(6.891/10.000 hồ sơ), thấp hơn chỉ tiêu 30,64 điểm phần trăm. Còn 10 ngày làm việc." in message.body
    assert "cần tăng 3,06 điểm phần trăm mỗi ngày làm việc; gần đây mỗi ngày thêm 0,25." in message.body


def test_t4_shortens_the_name_and_never_the_code():
    sms = render("overdue", WORST, "vi").sms
    assert sms.startswith("QUA HAN 02143 P. Van Mieu")
    assert segments(sms) == 1


def test_one_day_is_no_days_in_english():
    facts = {**WORST, "unit_sms": "Xa Van Lang", "n": 1, "days_late": 1, "reminders": 1}
    near, late = (render(text, facts, "en") for text in ("kpi_yellow", "overdue"))
    assert " 1 working day left; " in near.body
    assert ". 1 working day left, due before" in near.sms
    assert ", 1 day late. 1 reminder went to" in late.body
    assert ", 1 day late. Chairperson" in late.sms


def test_a_share_of_units_counts_units_and_wants_the_whole():
    share = {**WORST, "num": 63, "den": 92, "group": True, "target": 100.0, "op": ">=", "measure": "%"}
    vi, en = (render("kpi_yellow", share, locale) for locale in ("vi", "en"))
    assert "(63/92 đơn vị)" in vi.body
    assert ", yêu cầu 100% trước ngày" in vi.subject
    assert "(63/92 units)" in en.body


def test_the_name_of_a_figure_is_small_inside_a_sentence_unless_it_is_an_abbreviation():
    assert "Chỉ tiêu tỷ lệ hồ sơ" in render("overdue", WORST, "vi").body
    assert "Chỉ tiêu TTHC" in render("overdue", {**WORST, "kpi_vi": "TTHC đồng bộ"}, "vi").body


def test_t6_is_worded_as_agreed():
    message = render("silent", {**WORST, "unit_sms": "Xa Van Lang", "h": 93_600.0}, "vi")
    assert message.sms == (
        "MAT TIN HIEU 02143 Xa Van Lang: khong co so lieu tu 23:59 26/08, qua 26 gio."
        " Trang thai CHUA RO, khong tinh la xanh. Ma ABCDEF"
    )
    assert "(ngưỡng 24 giờ)" in message.body


def test_two_communes_of_one_unaccented_name_differ_by_code():
    lang = render("outage", {**WORST, "code": "02143", "unit_sms": "Xa Van Lang"}, "vi").sms
    lawng = render("outage", {**WORST, "code": "05764", "unit_sms": "Xa Van Lang"}, "vi").sms
    assert lang.replace("02143", "05764") == lawng
    assert lang != lawng


@pytest.mark.parametrize(
    ("op", "locale", "words"),
    [("<=", "vi", "khong qua 5%"), ("<", "en", "below 5%"), (">", "vi", "tren 5%"), (">=", "vi", "yeu cau 5%")],
)
def test_the_direction_of_a_goal_is_told_unless_it_is_at_least(op, locale, words):
    assert words in render("kpi_yellow", {**WORST, "op": op, "target": 5.0}, locale).sms


def test_yes_and_no_and_other_measures_are_spoken():
    yes = {**WORST, "value": False, "target": True, "op": "==", "measure": "bool"}
    assert "HS truc tuyen chua dat. Con 10 ngay" in render("kpi_yellow", yes, "vi").sms
    days = {**WORST, "value": 12.5, "target": 8.0, "op": "<=", "measure": "days"}
    assert "12,5 ngay, yeu cau khong qua 8 ngay" in render("kpi_yellow", days, "vi").sms


def test_values_cannot_break_a_line_or_smuggle_a_placeholder():
    message = render("outage", {**WORST, "unit_vi": "Xã\r\nBcc: a@b", "reason": "{code}\n{id}"}, "vi")
    assert "\n" not in message.subject
    assert "không kết nối được Trung tâm Phục vụ hành chính công tại Xã Bcc: a@b, Tỉnh" in message.body
    assert "lỗi: {code} {id})" in message.body


def test_a_language_that_is_not_spoken_becomes_vietnamese():
    assert render("outage", WORST, "fr") == render("outage", WORST, "vi")


def test_a_name_is_abbreviated_before_it_is_cut():
    assert shorten(LONG, 30) == LONG
    assert shorten(LONG, 29) == "P. Van Mieu - Quoc Tu Giam"
    assert shorten(LONG, 12) == "P. Van Mieu."
    assert shorten(LONG, 0) == ""


def test_what_a_subject_or_sms_cannot_do_without_is_a_dash_when_it_is_not_known():
    message = render("overdue", {**WORST, "value": None, "deadline": None}, "vi")
    assert message.subject.endswith("chưa đạt, thời hạn trước ngày -")
    assert "HS truc tuyen - chua dat 99,55%" in message.sms


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("HTTP status 503, expected 200", "máy chủ trả mã 503"),
        ("timeout: no complete answer within 5 s, ended while waiting", "quá thời gian chờ"),
        ("no connection within 5 s", "quá thời gian chờ"),
        ("no connection: connection refused", "không kết nối được"),
        ("no answer within 5 s, ended while waiting for the answer", "quá thời gian chờ"),
        ("no TLS within 5 s, ended while connecting", "quá thời gian chờ"),
        ("the other side broke the connection off", "kết nối bị ngắt giữa chừng"),
        ("the certificate is not trusted: certificate has expired", "kết nối bảo mật (TLS) không hợp lệ"),
        ("the certificate expires on 2026-12-01, in less than 14 days", "chứng thư TLS hết hạn ngày 01/12/2026"),
        ("step 2 'login': HTTP status 403, expected 200", "bước 2 'login': máy chủ trả mã 403"),
        ("connect: no connection: refused", "không kết nối được"),
        ("dns: the name has no usable address: not found", "không tìm thấy địa chỉ của tên miền"),
        ("something new", "something new"),
    ],
)
def test_an_official_reads_the_cause_in_vietnamese(said: str, read: str) -> None:
    assert f"lỗi: {read})" in render("outage", {**WORST, "reason": said}, "vi").body
    assert f"error: {said})" in render("outage", {**WORST, "reason": said}, "en").body


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("locale", TEXTS)
def test_every_condition_of_the_monitor_itself_fits_one_segment_and_is_a_clean_clause(condition, locale):
    for facts in (WORST, {key: WORST[key] for key in ("code", "id", "when", "unit_vi", "unit_en", "unit_sms")}):
        message = render("self", {**facts, "condition": condition}, locale)
        assert segments(message.sms) == 1
        assert message.sms.endswith(("De nghi nguoi van hanh kiem tra. Ma ABCDEF", "Please look at once. Ref ABCDEF"))
        assert not re.search(r"  | [.,;:)]|[.][.]|None|: -", message.body)


def test_t7_names_the_operator_and_as_many_communes_as_there_is_room_for():
    province = {"code": "19", "unit_sms": "Tinh Thai Nguyen", "level": "province"}
    facts = {**WORST, **province, "affected": 63, "total": 92, "due": AT}
    assert render("mass", facts, "vi").sms == (
        "SU CO DIEN RONG 19 Tinh Thai Nguyen: 63/92 xa mat ket noi mang VNPT tu 23:59 26/08."
        " De nghi VNPT xu ly, bao lai truoc 23:59. Gom: 02143, 05665, 05701. Ma ABCDEF"
    )
    assert "Các đơn vị: 02143, 05665, 05701, 05704 và 88 đơn vị khác." in render("mass", facts, "vi").body
    assert "Units: 02143, 05665, 05701, 05704 and 88 more." in render("mass", facts, "en").body


def test_t8_says_the_date_that_is_still_ahead():
    facts = {**WORST, "unit_sms": "Xa Van Lang", "due": AT, "codes": None}
    assert render("kpi_red", facts, "vi").sms == (
        "CANH BAO DO 02143 Xa Van Lang: HS truc tuyen 68,91%, yeu cau 99,55% truoc 20/08."
        " De nghi xu ly, bao lai truoc 23:59. Ma ABCDEF"
    )
    assert "không đạt mức sàn 50%; yêu cầu từ 99,55% trở lên trước ngày 20/08/2025. Còn 10 ngày làm việc." in (
        render("kpi_red", facts, "vi").body
    )


def test_t11_says_how_many_days_are_left_and_what_they_must_bring():
    facts = {**WORST, "unit_sms": "Xa Van Lang", "n": 3, "target": 80.0, "codes": None}
    assert render("reminder", facts, "vi").sms == (
        "NHAC HAN 02143 Xa Van Lang: con 3 ngay lam viec, han truoc 20/08. HS truc tuyen 68,91%, yeu cau 80%,"
        " moi ngay can tang 3,06 diem. Ma ABCDEF"
    )
    assert render("reminder", {**facts, "n": 1}, "en").subject.startswith(
        "[REMINDER] Van Mieu - Quoc Tu Giam Ward (02143): 1 working day left, online rate at 68.91%"
    )


def test_units_to_act_on_go_before_the_name_is_cut_and_the_code_stays():
    facts = {**WORST, "code": "19", "unit_sms": "Thanh pho Ho Chi Minh", "kpi_sms": "Xa, phuong xanh"}
    near, late = (render(text, facts, "vi").sms for text in ("kpi_yellow", "overdue"))
    assert ". Can xu ly: 02143" in near
    assert "Can xu ly" not in late
    assert late.startswith("QUA HAN 19 Thanh pho Ho Chi Minh: ")


def test_a_system_of_no_province_is_not_called_the_procedure_system_of_the_province():
    facts = {**WORST, "code": "dvcqg", "level": "system", "service": "system_reachable", "province_vi": None,
             "unit_sms": "Cong Dich vu cong quoc gia", "unit_vi": "Cổng Dịch vụ công quốc gia"}  # fmt: skip
    message = render("outage", facts, "vi")
    assert "khong ket noi duoc he thong tu 23:59" in message.sms
    assert "không kết nối được hệ thống dùng chung quốc gia (Cổng Dịch vụ công quốc gia)" in message.body


def test_a_line_that_is_down_asks_for_its_cables_and_a_centre_for_its_power():
    line = {**WORST, "level": "system", "service": "line_reachable", "unit_vi": "Đường truyền tại Thái Nguyên"}
    assert "không kết nối được đường truyền của nhà mạng (Đường truyền tại Thái Nguyên)" in (
        render("outage", line, "vi").body
    )
    assert "kiểm tra cáp, thiết bị và cấu hình đường truyền và phối hợp" in render("outage", line, "vi").body
    assert "kiểm tra nguồn điện, thiết bị, đường truyền tại Trung tâm" in render("outage", WORST, "vi").body


def test_a_body_is_short_lines_for_people_and_begins_with_whom_it_is_for():
    lines = render("outage", WORST, "vi").body.split("\n")
    assert lines[:2] == ["Kính gửi Nguyễn Văn An.", ""]
    assert lines[-1] == "Mã sự cố: ABCDEF."
    assert all(line == line.strip() for line in lines)


def test_overlong_words_are_measured_after_everything_that_may_go_is_gone():
    text = TEXTS["vi"]["silent"]
    wide = Text(text.subject, text.body, (text.sms[0], " " + "x" * 130 + ".", text.sms[-1]))
    assert overlong(text, WORST, "vi") == 0
    assert (
        overlong(wide, WORST, "vi")
        == len("MAT TIN HIEU 02143 P. Van Mi.: khong co so lieu tu 23:59 26/08 " + "x" * 130 + "." + ". Ma ABCDEF")
        - 160
    )


@pytest.mark.parametrize("locale", sorted(TEXTS))
@pytest.mark.parametrize("text_id", sorted(PLACEHOLDERS))
@pytest.mark.parametrize("length", range(4, 31))
def test_an_sms_is_one_segment_also_in_the_letters_that_a_gateway_takes(text_id, locale, length):
    facts = {**WORST, "unit_sms": "Xa " + "B" * (length - 3)}
    assert segments(fitting(render(text_id, facts, locale).sms, "esms")) == 1
