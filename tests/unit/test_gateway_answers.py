"""Answers of gateways that no gateway would give."""

from __future__ import annotations

import json

import pytest

from monitor.adapters.transports.gateways.codes import receipt_of
from monitor.adapters.transports.gateways.gateway import Letter, json_of
from monitor.adapters.transports.gateways.speedsms import SpeedSms
from monitor.adapters.transports.gateways.wire import Unreadable
from monitor.model.incident import Fault, Outcome


@pytest.mark.parametrize("body", [b"[]", b'{"a": NaN}', b'{"a":' * 60_000])
def test_what_is_no_usable_object_is_unreadable_and_breaks_nothing(body):
    with pytest.raises(Unreadable):
        json_of(body)


@pytest.mark.parametrize(
    ("gateway", "code", "outcome", "fault"),
    [
        ("esms", "99", Outcome.REFUSED, Fault.RECIPIENT),  # one blocked number stops nobody else's
        ("esms", "108", Outcome.REFUSED, Fault.RECIPIENT),
        ("esms", "140", Outcome.REFUSED, Fault.CHANNEL),
        ("speedsms", "008", Outcome.REFUSED, Fault.CHANNEL),
        ("speedsms", "009", Outcome.REFUSED, Fault.CHANNEL),
        ("speedsms", "101", Outcome.REFUSED, Fault.MESSAGE),
        ("speedsms", "500", Outcome.TRY_AGAIN, Fault.RECIPIENT),
        ("zalooa", "-213", Outcome.REFUSED, Fault.RECIPIENT),
        ("zalooa", "-230", Outcome.REFUSED, Fault.RECIPIENT),
        ("zalooa", "-212", Outcome.REFUSED, Fault.CHANNEL),
        ("zalooa", "-224", Outcome.REFUSED, Fault.CHANNEL),
    ],
)
def test_a_documented_no_has_its_consequence(gateway, code, outcome, fault):
    receipt = receipt_of(gateway, code)
    assert (receipt.outcome, receipt.fault) == (outcome, fault)
    assert "not in the table" not in receipt.detail


@pytest.mark.parametrize("spelt", ["84912345678", "0912345678", "+84912345678"])
def test_the_one_number_that_was_sent_is_the_one_that_is_called_invalid_however_it_is_spelt(spelt):
    body = {"status": "success", "code": "00", "data": {"tranId": 7, "totalSMS": 0, "invalidPhone": [spelt]}}
    read = SpeedSms({}, Letter("84912345678", "text", "name")).read(json.dumps(body).encode())
    assert receipt_of("speedsms", read.code).fault is Fault.RECIPIENT
    assert receipt_of("speedsms", read.code).outcome is Outcome.REFUSED
