"""Channels as they stand in config.yaml: the page's example, phone numbers, what reaches a worker."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from monitor.alerting.limits import Limits, Rate
from monitor.config.build import load_site
from monitor.config.people import shared_telephones
from monitor.config.secrets import Secret
from monitor.config.spec import ChannelSpec, RepliesSpec
from monitor.model.incident import Address
from monitor.model.phone import normal_phone
from monitor.service.app import ways_of
from tests.unit.sites import NOW, change, make_site

PAGE = Path(__file__).parents[2] / "docs" / "channels.md"
ENVIRON = {
    "MAIL_URL": "mailtos://u:p@mail.example/{address}",
    "ZALO_SECRET": "zs",
    "ZALO_REFRESH": "zr",
    "ESMS_KEY": "ek",
    "ESMS_SECRET": "es",
    "CHAIR_MAIL": "chair@tinh.example",
    "CHAIR_PHONE": "+84 912 345 678",
}


def test_the_example_of_the_page_is_a_site_and_means_what_it_says(tmp_path):
    found = re.search(r"```yaml\nchannels:\n(.*?)recipients:\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    make_site(tmp_path, "  log: {kind: log}\n", f"  log: {{kind: log}}\n{found[1]}")
    change(tmp_path / "config.yaml", "recipients:\n", f"recipients:\n{found[2].replace('ppc_chair', 'chair')}")
    change(tmp_path / "config.yaml", "roles:\n", "base_url: https://board.example\nroles:\n")
    site = load_site(tmp_path, environ=ENVIRON, now=NOW)
    assert site.addresses["chair-19", "sms"].reveal() == "84912345678"
    ways = ways_of(site)
    assert ways["zalo"].next_of == {"chair-19": "sms"}
    assert not ways["sms"].blind
    assert (site.channels["sms"].price, site.channels["mail"].price) == (350, None)
    assert ways["sms"].limits == Limits(Rate(10, 3600.0), None, 500, 100, site.zone)
    url = site.channels["sms"].url
    assert url is not None
    assert dict(parse_qsl(url.reveal().partition("?")[2])) == {
        "brandname": "DENBAO",
        "api_key": "ek",
        "secret_key": "es",
        "sandbox": "0",
    }
    assert site.channels["zalo"].templates["outage"].parameters == {"don_vi": "unit", "ma": "ref", "ly_do": "reason"}
    other = site.channels["zalo"].templates["any"]
    assert (other.parameters, other.rooms) == ({"don_vi": "unit", "noi_dung": "subject"}, {"noi_dung": 200})
    assert not any(secret in repr(site.channels) for secret in ("ek", "'es'", "zs", "zr", "84912345678"))


def test_the_channels_of_the_page_on_answers_hear_what_is_written_back(tmp_path):
    page = PAGE.with_name("answering.md").read_text("utf-8")
    found = re.search(r"```yaml\nchannels:\n(.*?)```", page, re.DOTALL)
    assert found is not None
    make_site(tmp_path, "  log: {kind: log}\n", f"  log: {{kind: log}}\n{found[1]}")
    environ = dict.fromkeys(("SPEEDSMS_TOKEN", "BOT_TOKEN"), "x") | {"SMS_REPLY_SECRET": "s", "BOT_REPLY_SECRET": "b"}
    site = load_site(tmp_path, environ=environ, now=NOW)
    assert site.channels["sms"].replies == RepliesSpec(Secret("s"))
    bot = site.channels["bot"].replies
    assert bot is not None and (bot.header, bot.sender) == ("X-Bot-Api-Secret-Token", "result.message.chat.id")
    assert site.channels["log"].replies is None


@pytest.mark.parametrize(
    "text", ["0912345678", "84912345678", "+84912345678", " 0912 345 678", "+84 (912) 345-678", "0912.345.678"]
)
def test_a_mobile_number_has_one_spelling(text):
    assert normal_phone(text) == "84912345678"


@pytest.mark.parametrize(
    "text", ["", "987654321", "098765432", "09876543210", "02083851234", "+1 912 345 6789", "٠٩١٢٣٤٥٦٧٨", "0912x45678"]
)
def test_what_is_no_mobile_number_is_refused_without_being_repeated(text):
    with pytest.raises(ValueError, match="is not a Vietnamese mobile number; write") as refused:
        normal_phone(text)
    assert not text or text not in str(refused.value)


def test_posts_with_one_telephone_number_are_known_and_those_with_one_mailbox_are_not():
    channels = {"sms": ChannelSpec("sms", "esms"), "mail": ChannelSpec("mail", "email")}
    numbers = {("focal", "sms"): "84912345678", ("head", "sms"): "84987654321", ("chair", "sms"): "84912345678"}
    mailbox = {("focal", "mail"): "office@example.vn", ("chair", "mail"): "office@example.vn"}
    addresses = {place: Secret(value) for place, value in (numbers | mailbox).items()}
    assert shared_telephones(addresses, channels) == {Address("chair", "sms"): Address("focal", "sms")}
