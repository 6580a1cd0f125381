"""Signed links: one purpose, one recipient, one incident, until one second."""

from __future__ import annotations

import contextlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.keyfile import link_keys
from monitor.alerting.links import LASTS, Expired, Grant, NotGenuine, Purpose, expiry, filled, read, sign
from monitor.model.errors import ConfigError
from monitor.model.incident import Notice

KEY, OTHER = b"k" * 43, b"o" * 43
NOW = datetime(2026, 11, 18, 3, 0, tzinfo=UTC)
GRANT = Grant(Purpose.ACKNOWLEDGE, "02143/centre/2026-11-18T03:00:00+00:00", 2, "chair-02143", NOW + timedelta(days=7))
GRANTS = st.builds(
    Grant,
    st.sampled_from(Purpose),
    st.text(st.characters(codec="utf-8"), max_size=80),
    st.integers(0, 99),
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)


@given(GRANTS)
def test_what_was_signed_is_read_back_until_its_last_second_and_not_in_the_next(grant):
    value = sign(grant, (KEY,))
    assert read(value, grant.purpose, (KEY,), grant.expires - timedelta(seconds=1)) == grant
    with pytest.raises(Expired):
        read(value, grant.purpose, (KEY,), grant.expires)


@given(GRANTS, st.data())
def test_a_value_with_any_bit_flipped_is_refused(grant, data):
    raw = bytearray(urlsafe_b64decode(sign(grant, (KEY,)) + "=="))
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(NotGenuine):
        read(urlsafe_b64encode(raw).decode().rstrip("="), grant.purpose, (KEY,), grant.expires - timedelta(seconds=1))


@given(GRANTS, st.data())
def test_a_value_with_any_letter_changed_added_or_lost_is_refused(grant, data):
    value = sign(grant, (KEY,))
    place = data.draw(st.integers(0, len(value) - 1))
    letter = data.draw(st.characters())
    for spoiled in (value[:place] + letter + value[place + 1 :], value[:place] + letter + value[place:], value[:place]):
        if spoiled != value:
            with pytest.raises(NotGenuine):
                read(spoiled, grant.purpose, (KEY,), grant.expires - timedelta(seconds=1))


@given(GRANTS)
def test_a_link_for_one_purpose_does_nothing_else(grant):
    other = next(purpose for purpose in Purpose if purpose is not grant.purpose)
    with pytest.raises(NotGenuine):
        read(sign(grant, (KEY,)), other, (KEY,), grant.expires - timedelta(seconds=1))


@given(GRANTS, st.text(max_size=60))
def test_the_links_of_two_recipients_and_of_two_generations_differ(grant, name):
    worse = replace(grant, generation=grant.generation + 1)
    assert len({sign(grant, (KEY,)), sign(worse, (KEY,))}) == 2
    with contextlib.suppress(UnicodeEncodeError):
        another = replace(grant, recipient=name)
        assert (sign(another, (KEY,)) == sign(grant, (KEY,))) == (name == grant.recipient)


@given(st.text(max_size=2000))
def test_whatever_somebody_writes_there_is_refused_and_breaks_nothing(text):
    with pytest.raises(NotGenuine):
        read(text, Purpose.ACKNOWLEDGE, (KEY,), NOW)


def test_a_replaced_key_is_believed_while_it_stands_second_and_not_afterwards():
    value = sign(GRANT, (KEY,))
    assert read(value, GRANT.purpose, (OTHER, KEY), NOW) == GRANT
    assert sign(GRANT, (OTHER, KEY)) == sign(GRANT, (OTHER,)) != value
    for keys in ((OTHER,), (), (OTHER, OTHER, KEY)):
        with pytest.raises(NotGenuine):
            read(value, GRANT.purpose, keys, NOW)


def test_every_attempt_of_one_day_carries_the_same_link_and_it_lasts_the_promised_days():
    for purpose in Purpose:
        assert expiry(purpose, NOW) == expiry(purpose, NOW + timedelta(hours=20, minutes=59))
        for hours in range(48):
            at = NOW + timedelta(hours=hours)
            left = expiry(purpose, at) - at
            assert LASTS[purpose] < left <= LASTS[purpose] + timedelta(days=1)


def _notice(recipient: str = "chair", key: str = "unit/cause/t/2/0/0/chair/mail") -> Notice:
    body = "Nhận: https://b.vn/a/K7Q2MZ. Vì sao: https://b.vn/w/K7Q2MZ. Xem https://b.vn/units/02143."
    return Notice(
        key, "unit/cause/t", "K7Q2MZ", "02143", "outage", recipient, "mail", NOW, "Subject", body, "SMS K7Q2MZ"
    )


def test_a_message_gets_the_links_of_its_recipient_when_it_is_sent_and_nothing_else_changes():
    sent = filled(_notice(), "https://b.vn", (KEY,), NOW)
    ack, why = (sent.body.split(f"https://b.vn/{purpose}/")[1].split(".")[0] for purpose in Purpose)
    assert read(ack, Purpose.ACKNOWLEDGE, (KEY,), NOW).generation == 2
    assert read(why, Purpose.WHY, (KEY,), NOW).recipient == "chair"
    assert sent.body.replace(ack, "K7Q2MZ").replace(why, "K7Q2MZ") == _notice().body
    assert replace(sent, body="") == replace(_notice(), body="")
    assert filled(_notice("head"), "https://b.vn", (KEY,), NOW).body != sent.body


def test_a_message_of_no_incident_and_a_site_without_key_get_no_links():
    digest = _notice(key="digest/2026-11-18/chair/mail")
    assert filled(digest, "https://b.vn", (KEY,), NOW) == digest
    assert filled(_notice(), "https://b.vn", (), NOW) == _notice()
    assert filled(_notice(), "", (KEY,), NOW) == _notice()


def test_the_keys_are_made_once_for_their_owner_only_and_may_be_two(tmp_path):
    path = tmp_path / "var" / "links.key"
    made = link_keys(path)
    assert link_keys(path) == made
    assert len(made) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text(f"{'n' * 43}\n{made[0].decode()}\n")
    assert link_keys(path) == (b"n" * 43, *made)


@pytest.mark.parametrize("text", ["", "short", f"{'a' * 40}\n{'b' * 40}\n{'c' * 40}", "ø" * 40])
def test_a_key_file_that_holds_no_keys_is_refused_without_showing_them(tmp_path, text):
    path = tmp_path / "links.key"
    link_keys(path)
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        link_keys(path)
    assert not text or text not in str(refused.value)


def test_a_key_file_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "links.key"
    link_keys(path)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="others may read"):
        link_keys(path)
