"""The page of a mail: a colour for every kind of trouble, and nothing that is wider than the page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.adapters.transports.email import page
from monitor.alerting.notices import RECOVERY_TEXTS
from monitor.model.incident import Kind, Notice

LINK = f"http://denbao.example/a/{'x' * 200}"


def written(kind: str, body: str = "-") -> str:
    return page(Notice("k", "i", "ABCDEF", "19", kind, "an", "mail", datetime(2026, 1, 1, tzinfo=UTC), "Về", body, "-"))


@pytest.mark.parametrize("kind", [kind.value for kind in Kind if kind is not Kind.SILENT] + ["self", "self_over"])
def test_every_trouble_has_its_colour(kind):
    assert "solid #6b7280" not in written(kind)


@pytest.mark.parametrize("over", sorted(set(RECOVERY_TEXTS.values())))
def test_what_is_over_is_green(over):
    assert "solid #15803d" in written(over)


def test_a_signed_link_is_whole_where_it_leads_and_brief_where_it_is_read():
    said = written("mass", f"Xác nhận: {LINK}.")
    assert f'href="{LINK}"' in said
    assert f">{LINK[:48]}…</a>." in said
