"""Sentences for readers outside hold no addresses of machines or people, and keep their figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.reporting.outside import HIDDEN, outside

WORDS = st.sampled_from(
    ["không kết nối được", "lỗi", "at", "máy chủ", "giá trị 68,91 % (1.723/1.848)", "trước 20/08/2026"]
)


@pytest.mark.parametrize(
    "text",
    [
        "giá trị 68,91 % ứng với ngưỡng ≥ 80",
        "1.723/1.848 hồ sơ, trước 20/08/2026 lúc 17:00 18/11/2026",
        "theo Nghị định 118/2025/NĐ-CP, QĐ 766/QĐ-TTg",
        "84 xanh, 3 vàng, 5 đỏ trên 92; còn 12 ngày làm việc",
        "1.234.567 hồ sơ, 0,25 giây",
        "TP. Hồ Chí Minh, P. 1, v.v.",
    ],
)
def test_figures_dates_and_laws_stay(text):
    assert outside(text) == text


ADDRESSES = [
    "10.0.3.17", "10.0.3.17:5432", "https://portal.lan/x?y=1", "db01.tinh.gov.vn", "DB01.LAN:1433", "dbserver:5432",
    "fe80::1ff:fe23:4567:890a", "::1", "[2001:db8::7]:443", "/var/lib/denbao/db", "chi.nguyen@tinh.gov.vn",
    "0912345678", "0912 345 678", "+84912345678", "84912345678",
]  # fmt: skip


@given(st.lists(WORDS), st.sampled_from(ADDRESSES), st.lists(WORDS))
def test_addresses_of_machines_and_people_go(before, address, after):
    text = " ".join((*before, address, *after))
    assert outside(text) == " ".join((*before, HIDDEN, *after))
