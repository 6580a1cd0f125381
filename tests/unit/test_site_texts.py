"""A site's own texts: read as pieces, used in messages, measured with the names of the site."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.notices import RECOVERY_TEXTS, STILL_OPEN
from monitor.alerting.text import Text
from monitor.alerting.texts import ALL_TEXTS, PLACEHOLDERS, TEXTS
from monitor.alerting.wording import render
from monitor.config.build import load_site
from monitor.config.texts import load_texts
from monitor.model.incident import Kind
from monitor.model.segments import aliens, segments
from monitor.model.text import unaccent
from tests.unit import texts_page
from tests.unit.sites import NOW, make_site, problems_of
from tests.unit.test_wording import WORST

OWN = """\
subject: "[GẤP] {unit} ({code})"
body:
  - "Từ {time} ngày {date}"
  - [" ({reason})", " (chưa rõ nguyên nhân)"]
  - "."
  - "\\nGọi số {isp_hotline}."
sms:
  - "GAP {code} {unit}: mat {service} tu {time}."
  - " Goi {isp_hotline}."
  - " Ma {id}"
"""


def own_site(folder, text=OWN, name="outage.vi.yaml"):
    make_site(folder)
    (folder / "texts").mkdir()
    (folder / "texts" / name).write_text(text, "utf-8")
    return folder


def test_every_kind_has_its_texts_in_both_languages_and_every_text_its_placeholders():
    wanted = {kind.value for kind in Kind} | set(RECOVERY_TEXTS.values()) | {STILL_OPEN}
    assert wanted <= TEXTS["vi"].keys() == TEXTS["en"].keys() == PLACEHOLDERS.keys()
    assert set(Kind) == RECOVERY_TEXTS.keys()


def test_a_site_says_an_outage_in_its_own_words_and_leaves_out_what_it_does_not_know(tmp_path):
    site = load_site(own_site(tmp_path), environ={}, now=NOW)
    assert problems_of(tmp_path) == []
    facts = {**WORST, "unit_sms": "Xa Van Lang", "reason": None, "isp_hotline": None}
    message = render("outage", facts, "vi", site.directory.texts)
    assert message.sms == "GAP 02143 Xa Van Lang: mat Trung tam PVHCC tu 23:59. Ma ABCDEF"
    assert message.body == "Từ 23:59 ngày 26/08/2025 (chưa rõ nguyên nhân)."
    assert message.subject == "[GẤP] Phường Văn Miếu - Quốc Tử Giám (02143)"
    assert render("outage", WORST, "vi", site.directory.texts).body.endswith("\nGọi số 18001260.")


def test_what_a_file_does_not_say_stays_as_it_is_and_so_does_the_other_language(tmp_path):
    texts = load_texts(own_site(tmp_path, 'subject: "{unit}"\n'))[0]
    assert texts["vi"]["outage"].subject == ("{unit}",)
    assert texts["vi"]["outage"].sms == ALL_TEXTS["vi"]["outage"].sms
    assert texts["en"] == ALL_TEXTS["en"]


def test_a_changed_text_is_another_version_of_the_site(tmp_path):
    before = load_site(make_site(tmp_path / "a"), environ={}, now=NOW).version
    assert load_site(own_site(tmp_path / "b"), environ={}, now=NOW).version != before


def test_the_products_texts_are_measured_too_and_the_site_that_makes_them_too_long_is_named(tmp_path):
    make_site(tmp_path)
    config = (tmp_path / "config.yaml").read_text("utf-8")
    (tmp_path / "config.yaml").write_text(config + f"\noperator: {{name: {'W' * 90}}}\n", "utf-8")
    found = [problem for problem in problems_of(tmp_path) if "'mass'" in problem]
    assert found
    assert found[0].startswith("config.yaml:1: the SMS of 'mass' needs a second segment for the unit '")


@pytest.mark.parametrize("locale", ["vi", "en"])
@pytest.mark.parametrize("key", PLACEHOLDERS)
@given(st.lists(st.text("abc. ", max_size=90), max_size=4), st.text(max_size=60), st.text(max_size=40))
def test_whatever_a_site_writes_an_sms_is_one_unaccented_segment_with_code_and_reference(key, locale, words, unit, kpi):
    text = Text(("{unit}",), ("{unit}",), ("X {code} {unit}:", *words, " Ma {id}"))
    facts = {**WORST, "unit_sms": unit, "kpi_sms": kpi}
    sms = render(key, facts, locale, {locale: {key: text}}).sms
    assert segments(sms) == 1
    assert not aliens(sms)
    assert sms == unaccent(sms)
    assert sms.startswith("X 02143")
    assert sms.endswith(" Ma ABCDEF")


def test_the_page_of_texts_shows_what_is_sent_today():
    page = texts_page.PAGE.read_text("utf-8")
    assert page == texts_page.filled(page)  # else: python -m tests.unit.texts_page


def test_the_example_of_the_page_is_a_text_that_check_accepts(tmp_path):
    example = texts_page.PAGE.read_text("utf-8").partition("```yaml\n")[2].partition("```")[0]
    own_site(tmp_path, example)
    assert problems_of(tmp_path) == []


def test_a_site_answers_those_who_write_back_in_its_own_words(tmp_path):
    make_site(tmp_path)
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/acked.vi.yaml").write_text('sms: ["CAM ON {code} {unit}", ". Ma {id}"]\n', "utf-8")
    assert problems_of(tmp_path) == []
    texts = load_site(tmp_path, environ={}, now=NOW).directory.texts
    facts = {"code": "02143", "unit_sms": "Xa Van Lang", "id": "S10234"}
    assert render("acked", facts, "vi", texts).sms == "CAM ON 02143 Xa Van Lang. Ma S10234"


def test_an_answer_of_a_site_names_code_and_reference_where_the_products_does(tmp_path):
    make_site(tmp_path)
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/acked.vi.yaml").write_text('sms: "CAM ON {unit}"\n', "utf-8")
    (tmp_path / "texts/help.vi.yaml").write_text('sms: "Tra loi OK va ma"\n', "utf-8")
    assert problems_of(tmp_path) == [
        "texts/acked.vi.yaml:1: the SMS of 'acked' does not say {code}; write it into a piece",
        "texts/acked.vi.yaml:1: the SMS of 'acked' does not say {id}; write it into a piece",
    ]
