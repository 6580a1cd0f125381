"""The page of a mail: its bar has the colour of what it says, and nothing in it is wider than the page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from monitor.adapters.transports.email import page
from monitor.alerting.wording import TONE, render
from monitor.model.incident import Notice

LINK = f"http://denbao.example/a/{'x' * 200}"
RED, YELLOW, GREEN, GREY = "#b91c1c", "#ca8a04", "#15803d", "#6b7280"


def written(body: str = "-", words: Mapping[str, str] | None = None, subject: str = "Về") -> str:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return page(Notice("k", "i", "ABCDEF", "19", "any", "an", "mail", at, subject, body, "-", words=words or {}))


@pytest.mark.parametrize(
    ("tone", "colour"), [("red", RED), ("yellow", YELLOW), ("green", GREEN), ("unknown", GREY), ("maintenance", GREY)]
)
def test_the_bar_has_the_colour_of_what_is_said(tone, colour):
    assert f"8px solid {colour}" in written(words={TONE: tone})


def test_what_has_no_colour_such_as_a_digest_is_grey():
    assert f"8px solid {GREY}" in written()


@pytest.mark.parametrize(("locale", "language"), [("vi", "vi"), ("en", "en"), ("fr", "vi")])
def test_the_page_says_in_which_language_it_is_written(locale, language):
    assert f'<html lang="{language}">' in written(words=render("brief", {}, locale).words)


def test_a_signed_link_is_whole_where_it_leads_and_brief_where_it_is_read():
    said = written(f"Xác nhận: {LINK}.")
    assert f'href="{LINK}"' in said
    assert f">{LINK[:48]}…</a>." in said


def test_names_and_notes_that_hold_markup_are_shown_as_they_are_written():
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)> \"&' javascript:alert(1)"
    said = written(f"{hostile}\nhttp://a.example/\"onmouseover='x'<b>", subject=f"[ĐỎ] {hostile}")
    assert "<script" not in said and "<img" not in said and "<b>" not in said
    assert 'href="javascript' not in said
    assert 'href="http://a.example/"' in said
