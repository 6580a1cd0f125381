"""A site small enough to be simulated for hours in a second: eight communes, their province, one shared system."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.alerting.plan import Directory, Policy, Recipient, StepSpec
from monitor.config.spec import ChannelSpec, Column, FeedSpec, Site
from monitor.engine.book import Band, Book, Condition, Criterion, Indicator, Need, RollUp, Ruleset, Target
from monitor.model.colour import Colour
from monitor.model.hours import Calendar, Sessions
from monitor.model.incident import Kind
from monitor.model.unit import Level, Unit, Units

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NATION, PROVINCE, SYSTEM = "VN", "19", "HT"
COMMUNES = tuple(f"0210{number}" for number in range(1, 9))
PROBED = (*COMMUNES, SYSTEM)

POLL, FEED_POLL = 60.0, 300.0  # seconds between two polls of a probe, and of the feed
MAX_AGE = 150.0  # seconds after which a probe's answer is no longer believed
MAX_SILENCE = 900.0  # seconds without a good answer of the feed
BAD_IN_A_ROW, GOOD_IN_A_ROW = 2, 3  # answers before a unit is called down, and up again
GOAL = 80.0  # per cent
DEADLINE = datetime(2025, 8, 19, 17, tzinfo=UTC)  # 20 August, midnight in Việt Nam
FEED = "portal"
STEPS = (("focal", 0.0), ("head", 600.0), ("chair", 1500.0))  # role, seconds after the opening
REPEAT = 1200.0  # seconds between two calls of the last step
CHANNELS = {"sms": 4, "mail": 2}  # sends at once

_PERCENT = {Level.COMMUNE: 3.0}
_HALF, _MOST = 50.0, 80.0


def small_site() -> Site:
    """The site. Office hours are all hours, so that nothing waits for the morning."""
    calendar = Calendar(frozenset(), frozenset(), ZONE)
    always = ((time(0), time(0)),)
    return Site(
        root=Path(),
        name_vi="Nơi thử",
        name_en="Trial",
        zone=ZONE,
        locale="vi",
        listen=("127.0.0.1", 0),
        store_url="memory:",
        units=_units(),
        ruleset=_rules(),
        calendar=calendar,
        sessions=Sessions(calendar, (always,) * 7),
        directory=_directory(),
        probes=(),
        feeds=(_feed(),),
        channels={name: ChannelSpec(name, "log", parallel=parallel) for name, parallel in CHANNELS.items()},
        addresses={},
        exporters=(),
    )


def _units() -> Units:
    nation = Unit(NATION, Level.NATION, "nation", "Việt Nam", "Viet Nam", "Viet Nam")
    province = Unit(PROVINCE, Level.PROVINCE, "tinh", "Tỉnh", "Province", "Tinh", NATION, PROVINCE)
    system = Unit(SYSTEM, Level.SYSTEM, "system", "Hệ thống", "System", "He thong", province=PROVINCE)
    communes = (
        Unit(code, Level.COMMUNE, "xa", f"Xã {code}", f"Commune {code}", f"Xa {code}", PROVINCE, PROVINCE, (SYSTEM,))
        for code in COMMUNES
    )
    return Units((nation, province, system, *communes))


def _rules() -> Ruleset:
    indicators = (
        Indicator("reachable", "Kết nối", "Reachable", "Ket noi", "bool", "probe", MAX_AGE),
        Indicator("system_up", "Hệ thống", "System", "He thong", "bool", "probe", MAX_AGE),
        Indicator("online", "Trực tuyến", "Online", "Truc tuyen", "%", "feed", 7200.0),
        Indicator("queue", "Hàng chờ", "Queue", "Hang cho", "count", "pushed", 7200.0),
    )
    book = Book("trial", "1", "Thử", "Trial", (_centre(), _system(), _online(), _share()))
    return Ruleset({indicator.id: indicator for indicator in indicators}, (book,))


def _yes_or_no() -> tuple[Band, ...]:
    good, bad = Condition("==", True), Condition("==", False)
    return (Band(Colour.GREEN, (good,), "yes"), Band(Colour.RED, (bad,), "no"))


def _centre() -> Criterion:
    return Criterion(
        "centre", "trial", "Trung tâm", "Centre", frozenset({Level.COMMUNE}), "reachable", bands=_yes_or_no(),
        weight={Level.COMMUNE: 10.0}, critical=True, outage=True, hold=Need(BAD_IN_A_ROW), keep=Need(GOOD_IN_A_ROW),
    )  # fmt: skip


def _system() -> Criterion:
    return Criterion(
        "system", "trial", "Hệ thống", "System", frozenset({Level.SYSTEM}), "system_up", bands=_yes_or_no(),
        weight={Level.SYSTEM: 10.0, Level.COMMUNE: 5.0}, critical=True, outage=True,
        inherit=frozenset({Level.COMMUNE}), hold=Need(BAD_IN_A_ROW), keep=Need(GOOD_IN_A_ROW),
    )  # fmt: skip


def _online() -> Criterion:
    return Criterion(
        "online", "trial", "Trực tuyến", "Online", frozenset({Level.COMMUNE}), "online",
        target=Target(Condition(">=", GOAL), before=date(2025, 8, 20)), weight=_PERCENT,
        alert=frozenset({Colour.RED, Colour.YELLOW}),
    )  # fmt: skip


def _share() -> Criterion:
    bands = (
        Band(Colour.GREEN, (Condition(">=", _MOST),), "from 80"),
        Band(Colour.YELLOW, (Condition(">=", _HALF), Condition("<", _MOST)), "50 to <80"),
        Band(Colour.RED, (Condition("<", _HALF),), "below 50"),
    )
    return Criterion(
        "share", "trial", "Tỷ lệ xanh", "Share of green", frozenset({Level.PROVINCE, Level.NATION}),
        rollup=RollUp.GREEN_SHARE, bands=bands, weight={Level.PROVINCE: 10.0, Level.NATION: 10.0}, critical=True,
    )  # fmt: skip


def expected_share_colour(green: int, total: int) -> Colour:
    """Colour of a group of which so many are green, all of them known."""
    share = 100 * green / total
    return Colour.GREEN if share >= _MOST else Colour.YELLOW if share >= _HALF else Colour.RED


def _directory() -> Directory:
    focal = tuple(
        Recipient(f"focal-{code}", "focal", code, f"Đầu mối {code}", channels=("sms",))
        for code in (*COMMUNES, PROVINCE)
    )
    head = Recipient("head", "head", PROVINCE, "Giám đốc", channels=("mail",))
    chair = Recipient("chair", "chair", PROVINCE, "Chủ tịch", "en", channels=("sms", "mail"))
    every = frozenset(Kind) - {Kind.KPI_YELLOW}
    steps = tuple(
        StepSpec(after, (role,), tuple(CHANNELS), repeat=REPEAT if role == "chair" else None) for role, after in STEPS
    )
    reminders = Policy("reminders", frozenset({Kind.KPI_YELLOW}), (StepSpec(0, ("focal",), ("sms",), reminders=True),))
    roles = {role: (role, role) for role, _ in STEPS}
    return Directory((*focal, head, chair), (Policy("alarm", every, steps), reminders), roles)


def focal_of(unit: str) -> str:
    """Recipient id of the focal point who is called first for a unit."""
    return f"focal-{unit}" if unit in COMMUNES else f"focal-{PROVINCE}"


def _feed() -> FeedSpec:
    return FeedSpec(
        FEED, "json", PROVINCE, "http://127.0.0.1/", FEED_POLL, 10.0, (Column("online", "value"),), MAX_SILENCE,
        expects=frozenset(COMMUNES),
    )  # fmt: skip
