"""Answers of gateways that no gateway would give."""

from __future__ import annotations

import pytest

from monitor.adapters.transports.gateways.gateway import json_of
from monitor.adapters.transports.gateways.wire import Unreadable


@pytest.mark.parametrize("body", [b"[]", b'{"a": NaN}', b'{"a":' * 60_000])
def test_what_is_no_usable_object_is_unreadable_and_breaks_nothing(body):
    with pytest.raises(Unreadable):
        json_of(body)
