"""Digests of a whole service in virtual time: once for each edition and recipient, whatever happens to the service."""

from __future__ import annotations

from dataclasses import replace
from datetime import time

from monitor.alerting.plan import DigestSpec, Recipient
from monitor.config.spec import Site
from monitor.model.hours import Daily, WorkingTimes
from monitor.model.incident import Outcome, Receipt
from monitor.testing.doubles import Reply
from monitor.testing.site import PROVINCE, small_site
from tests.scenario.muting_story import A, Story, at, play

MORNING = WorkingTimes((time(8, 30), time(16, 30)))  # the story begins at 8:00 on a Tuesday
OFFICE = Recipient("office", "office", PROVINCE, "Văn phòng", channels=("mail", "sms"))
LATE_RISER = Recipient("riser", "office", PROVINCE, "Dậy muộn", channels=("mail",), quiet=Daily(time(22), time(9)))


def with_digest(*people: Recipient, via: tuple[str, ...] = ("mail", "sms")) -> Site:
    site = small_site()
    spec = DigestSpec(MORNING, ("office",), via)
    told = replace(site.directory, recipients=(*site.directory.recipients, *people), digests=(spec,))
    return replace(site, directory=told)


def editions(story: Story) -> list[tuple[float, str, str, str]]:
    """Minute, recipient, channel and number of every digest that arrived."""
    return [
        (round((ring.at - at(0)).total_seconds() / 60, 1), ring.notice.recipient, ring.notice.channel, ring.notice.ref)
        for ring in story.rings
        if ring.notice.kind == "brief"
    ]


def one_is_down(unit: str, minute: float) -> bool:
    return unit == A and minute >= 5


def test_each_recipient_gets_an_edition_once_by_each_channel_at_its_time():
    story = play(one_is_down, minutes=120, site=with_digest(OFFICE))
    assert editions(story) == [(30.0, "office", "mail", "1908-0830"), (30.0, "office", "sms", "1908-0830")]


def test_of_several_digests_of_a_unit_at_one_time_each_goes_to_its_own_people_and_nobody_hears_twice():
    chief = Recipient("chief", "chief", PROVINCE, "Chánh Văn phòng", channels=("sms",))
    specs = [
        DigestSpec(MORNING, *to_via) for to_via in ((("office",), ("mail",)), (("chief", "office"), ("sms", "mail")))
    ]
    site = with_digest(OFFICE, chief)
    site = replace(site, directory=replace(site.directory, digests=tuple(specs)))
    story = play(one_is_down, minutes=35, site=site)
    story = play(one_is_down, minutes=60, site=site, before=story, begin=40)
    told = [(who, channel) for _, who, channel, _ in editions(story)]
    assert sorted(told) == [("chief", "sms"), ("office", "mail"), ("office", "sms")]


def test_what_a_gateway_did_not_take_before_the_next_edition_is_not_sent_beside_it():
    def provider(now, notice, _attempt):
        down = notice.kind == "brief" and now < at(70)
        return Reply(Receipt(Outcome.TRY_AGAIN, "busy"), arrives=False) if down else Reply()

    site = with_digest(OFFICE, via=("mail",))
    hourly = replace(site.directory.digests[0], at=WorkingTimes((time(8, 30), time(9))))
    site = replace(site, directory=replace(site.directory, digests=(hourly,)))
    story = play(one_is_down, minutes=80, site=site, provider=provider)
    assert [number for _, _, _, number in editions(story)] == ["1908-0900"]


def test_it_tells_the_counts_the_worst_and_what_is_open():
    story = play(one_is_down, minutes=40, site=with_digest(OFFICE))
    [mail] = [ring.notice for ring in story.rings if (ring.notice.kind, ring.notice.channel) == ("brief", "mail")]
    assert mail.subject == "[BÁO CÁO NHANH] Tỉnh (19) 08:30 19/08/2025: 0/8 xanh; 0 vàng; 1 đỏ; 7 chưa rõ"
    [outage] = [ring.notice for ring in story.rings if ring.notice.kind == "outage" and ring.notice.channel == "mail"][
        :1
    ]
    assert f"Sự cố đang mở (1): {outage.ref} ({A})." in mail.body
    assert f"Thấp nhất: {A} Xã {A} (0%)" in mail.body
    assert mail.sms.startswith("BAO CAO NHANH 19 Tinh 08:30 19/08: 0/8 xanh, 0 vang, 1 do, 7 chua ro")
    assert mail.sms.endswith(". Ma 1908-0830")


def test_a_restart_after_the_hour_sends_no_second_one():
    first = play(one_is_down, minutes=35, site=with_digest(OFFICE))
    again = play(one_is_down, minutes=90, site=with_digest(OFFICE), before=first, begin=40)
    assert len(editions(again)) == 2


def test_a_restart_in_the_very_second_of_an_edition_sends_it_once():
    second = 1 / 60
    for ends in (29.99, 30 + second / 2, 30 + second):  # before it is owed, while it is, and just after
        first = play(one_is_down, minutes=ends, site=with_digest(OFFICE))
        again = play(one_is_down, minutes=90, site=with_digest(OFFICE), before=first, begin=30 + 2 * second)
        assert sorted(editions(again))[0][0] <= 30.1
        assert [(who, channel) for _, who, channel, _ in sorted(editions(again))] == [
            ("office", "mail"), ("office", "sms"),
        ]  # fmt: skip


def test_where_nothing_is_known_it_says_so_in_whole_sentences():
    story = play(lambda _unit, _minute: None, minutes=40, site=with_digest(OFFICE))
    [mail] = [ring.notice for ring in story.rings if (ring.notice.kind, ring.notice.channel) == ("brief", "mail")]
    assert mail.subject == "[BÁO CÁO NHANH] Tỉnh (19) 08:30 19/08/2025: 0/8 xanh; 0 vàng; 0 đỏ; 8 chưa rõ"
    assert mail.body.splitlines() == [
        "Kính gửi Văn phòng.",
        "",
        "Lúc 08:30 ngày 19/08/2025: 0/8 xã, phường, đặc khu xanh, 0 vàng, 0 đỏ, 8 chưa rõ.",
        "Chỉ tiêu theo đơn vị: Trực tuyến 0 đạt, 8 chưa rõ.",  # what nobody knows is not unmet
        "Mã: 1908-0830.",
    ]
    assert mail.sms == "BAO CAO NHANH 19 Tinh 08:30 19/08: 0/8 xanh, 0 vang, 0 do, 8 chua ro. Ma 1908-0830"


def test_a_new_site_owes_no_edition_of_the_time_before_it():
    assert editions(play(one_is_down, minutes=90, site=with_digest(OFFICE), begin=40)) == []


def test_an_edition_that_was_missed_comes_late_and_an_old_one_does_not():
    before = play(one_is_down, minutes=20, site=with_digest(OFFICE))
    late = play(one_is_down, minutes=200, site=with_digest(OFFICE), before=before, begin=100)
    assert [(minute < 105, number) for minute, _, channel, number in editions(late) if channel == "mail"] == [
        (True, "1908-0830")
    ]
    before = play(one_is_down, minutes=20, site=with_digest(OFFICE))
    assert editions(play(one_is_down, minutes=300, site=with_digest(OFFICE), before=before, begin=200)) == []


def test_quiet_hours_hold_it_until_they_end():
    story = play(one_is_down, minutes=120, site=with_digest(LATE_RISER))
    assert editions(story) == [(60.0, "riser", "mail", "1908-0830")]


def test_a_site_without_digests_sends_none():
    assert editions(play(one_is_down, minutes=60)) == []
