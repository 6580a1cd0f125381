from __future__ import annotations

import pytest

from monitor.model.masking import masked_address, masked_name


@pytest.mark.parametrize(("name", "shown"), [("Nguyễn Văn An", "N.V.A"), ("  Đỗ  Ánh ", "Đ.Á"), ("An", "A"), ("", "")])
def test_of_a_name_the_initials_stay(name, shown):
    assert masked_name(name) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("84912345678", "*****678"),
        ("an.nguyen@tinh.example", "a***@tinh.example"),
        ("123456", "*****"),
        ("@tinh.example", "***@tinh.example"),
        ("", "*****"),
    ],
)
def test_of_an_address_no_more_stays_than_one_knows_again(address, shown):
    assert masked_address(address) == shown
