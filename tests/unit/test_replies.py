"""What people write back is understood or not, and never breaks anything; every answer is one SMS."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.replies import LONGEST, Ask, Said, parse, readings
from monitor.alerting.replytexts import REPLIES
from monitor.alerting.wording import render
from monitor.model.segments import segments
from monitor.model.verdict import Param

CODES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=6, max_size=6)
VERBS = ["OK", "ok", "Ok", "OKE", "nhận", "ĐÃ NHẬN", "da nhan", "Xác nhận", "XONG", "xong"]
WHYS = ["TAI SAO", "tại sao", "Tại  sao", "vì sao", "lý do", "WHY", "why"]
AT = datetime(2026, 11, 18, 23, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("OK S10234", Said(Ask.ACKNOWLEDGE, "S10234")),
        ("ok s10234.", Said(Ask.ACKNOWLEDGE, "S10234")),
        ("  Ok,\n(S10234)!  ", Said(Ask.ACKNOWLEDGE, "S10234")),
        ("OKS10234", Said(Ask.ACKNOWLEDGE, "S10234")),
        ("OK Ma S10234", Said(Ask.ACKNOWLEDGE, "S10234")),
        ("đã nhận, mã: S10234 đang xử lý", Said(Ask.ACKNOWLEDGE, "S10234", "đang xử lý")),
        ("TAI SAO Ma S10234", Said(Ask.WHY, "S10234")),
        ("WHY ma 2711-1706", Said(Ask.WHY, edition="2711-1706")),
        ("ok mà", Said(Ask.UNCLEAR)),
        ("OK-S10234 đang xử lý", Said(Ask.ACKNOWLEDGE, "S10234", "đang xử lý")),
        ("đã nhận mã S10234 đang xử lý", Said(Ask.ACKNOWLEDGE, "S10234", "đang xử lý")),
        ("TAI SAO ma S10234", Said(Ask.WHY, "S10234")),
        ("TAI SAO Ma 2711-1706", Said(Ask.WHY, edition="2711-1706")),
        ("OK ma", Said(Ask.UNCLEAR)),
        ("Dạ em đã nhận S10234 ạ", Said(Ask.ACKNOWLEDGE, "S10234", "ạ")),
        ("Đã OK S10234", Said(Ask.ACKNOWLEDGE, "S10234")),
        ("OK, đã nhận sự cố mã S10234", Said(Ask.ACKNOWLEDGE, "S10234")),
        ("ok s1 0234 đang xử lý", Said(Ask.ACKNOWLEDGE, "S10234", "đang xử lý")),
        ("OK S 1 0 2 3 4", Said(Ask.ACKNOWLEDGE, "S10234")),
        ("ok xong", Said(Ask.ACKNOWLEDGE)),
        ("OK nhận tất cả", Said(Ask.ALL)),
        ("em chưa OK S10234", Said(Ask.UNCLEAR)),
        ("dạ không", Said(Ask.UNCLEAR)),
        ("ok rồi em ạ", Said(Ask.UNCLEAR)),
        ("Cho hỏi tại sao S10234 đỏ?", Said(Ask.WHY, "S10234")),
        ("S10234 vì sao vậy", Said(Ask.WHY, "S10234")),
        ("chưa rõ lý do", Said(Ask.WHY)),
        ("tại sao lại đỏ?", Said(Ask.WHY)),
        ("chưa OK, tại sao S10234?", Said(Ask.WHY, "S10234")),
        ("OK", Said(Ask.ACKNOWLEDGE)),
        ("Ok.", Said(Ask.ACKNOWLEDGE)),
        ("XONG", Said(Ask.ACKNOWLEDGE)),
        ("đã nhận S10234, cử người đến", Said(Ask.ACKNOWLEDGE, "S10234", "cử người đến")),
        ("OK tất cả", Said(Ask.ALL)),
        ("ok all", Said(Ask.ALL)),
        ("TAI SAO S10234", Said(Ask.WHY, "S10234")),
        ("Tại sao S10234?", Said(Ask.WHY, "S10234")),
        ("WHY s10234 please", Said(Ask.WHY, "S10234")),
        ("tại sao", Said(Ask.WHY)),
        ("TAI SAO 2711-1706", Said(Ask.WHY, edition="2711-1706")),
        ("tại sao 2711 1706 ạ", Said(Ask.WHY, edition="2711-1706")),
        ("why 27111706?", Said(Ask.WHY, edition="2711-1706")),
        ("OK 2711-1706", Said(Ask.ACKNOWLEDGE, edition="2711-1706")),
        ("2711-1706", Said(Ask.UNCLEAR)),
        ("TAI SAO 2711", Said(Ask.UNCLEAR)),
        ("HELP", Said(Ask.HELP)),
        ("trợ giúp", Said(Ask.HELP)),
        ("?", Said(Ask.HELP)),
        ("ok chưa?", Said(Ask.UNCLEAR)),
        ("chưa OK S10234", Said(Ask.UNCLEAR)),
        ("không OK", Said(Ask.UNCLEAR)),
        ("S10234", Said(Ask.UNCLEAR)),
        ("OK tất cả S10234", Said(Ask.UNCLEAR)),
        ("", Said(Ask.UNCLEAR)),
        ("\0\u202e\u200b", Said(Ask.UNCLEAR)),
        ("O\u200bK S1\u202e0234", Said(Ask.ACKNOWLEDGE, "S10234")),
        ("OK S10234 " + "x" * 10_000, Said(Ask.ACKNOWLEDGE, "S10234", "x" * (LONGEST - 10))),
        ("x" * 10_000, Said(Ask.UNCLEAR)),
    ],
)
def test_a_reply_means(text, said):
    assert parse(text) == said


@given(
    st.sampled_from(VERBS), CODES, st.sampled_from(["", ".", "!", " ạ", "  "]), st.sampled_from([" ", "  ", ", ", "\n"])
)
def test_a_code_after_a_verb_is_understood_however_it_is_written(verb, code, end, between):
    for written in (code, code.lower()):
        said = parse(f"{verb}{between}{written}{end}")
        assert (said.ask, said.code) == (Ask.ACKNOWLEDGE, code)


@given(st.sampled_from(WHYS), CODES)
def test_asking_why_never_acknowledges(verb, code):
    assert parse(f"{verb} {code}") == Said(Ask.WHY, code)


@given(st.text(max_size=800))
def test_whatever_is_written_is_read_bounded_and_clean(text):
    said = parse(text)
    assert len(said.note) <= LONGEST and said.note.isprintable()
    assert not said.code or (len(said.code) == 6 and said.code.isascii() and said.code.isalnum())
    assert parse(text) == said


@given(st.text(max_size=100))
def test_nothing_is_acknowledged_by_words_that_do_not_begin_with_a_verb(text):
    assert parse(f"chua {text}").ask not in (Ask.ACKNOWLEDGE, Ask.ALL)


def test_figures_that_no_code_has_stand_for_the_letters_they_look_like():
    assert readings("S10234") == ("S10234", "SIO234")
    assert readings("ABCDEF") == ("ABCDEF",)


WORST: dict[str, Param] = {
    "code": "02143", "unit_vi": "Phường Văn Miếu - Quốc Tử Giám", "unit_en": "Van Mieu - Quoc Tu Giam Ward",
    "unit_sms": "Phuong Van Mieu - Quoc Tu Giam va mot ten rat dai nua", "id": "WWWWWW", "now": AT, "when": AT,
    "due": AT, "count": 1000, "listed": "WWWWWW, WWWWWW, WWWWWW, WWWWWW, WWWWWW, WWWWWW +994", "colour": "yellow",
    "kpi_vi": "Tỷ lệ hồ sơ trực tuyến", "kpi_en": "Online rate", "kpi_sms": "HS truc tuyen", "measure": "minutes",
    "value": 1234567.89, "sign": ">=", "target": 99.55, "op": "<=",
    "near": "WWWWWW, WWWWWW", "days_late": 999, "deadline": AT, "affected": 9999, "total": 9999, "level": "commune",
    "reason": "the answer does not contain what it must", "condition": "stuck_outbox", "h": 999_999.0,
    "source": "portal",
    "red": 1000, "yellow": 1000, "unknown": 1000, "codes": "02143, 02143, 02143, 02143", "worst": "02143",
}  # fmt: skip


@pytest.mark.parametrize("locale", REPLIES)
@pytest.mark.parametrize("text", REPLIES["vi"])
def test_every_answer_is_one_sms_at_its_worst_and_none_lacks_a_language(locale, text):
    said = render(text, WORST, locale, REPLIES)
    assert segments(said.sms) == 1
    assert "{" not in said.sms + said.body and "?" not in said.sms
    template = "".join(str(piece) for piece in REPLIES[locale][text].sms)
    assert "{code}" not in template or "02143" in said.sms
    assert "{id}" not in template or "WWWWWW" in said.sms
    assert set(REPLIES["vi"]) == set(REPLIES["en"])
