"""Builders for the alerting tests: one commune of Thái Nguyên, its people, its rules, and what the rules said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.alerting.incidents import Alerts, react
from monitor.alerting.plan import Directory, Policy, Recipient, StepSpec
from monitor.alerting.scene import Scene
from monitor.alerting.troubles import Silent, troubles
from monitor.engine.book import Condition, Criterion, Indicator, Measure, Target
from monitor.model.colour import Colour
from monitor.model.hours import Calendar, Sessions
from monitor.model.incident import Incident, Kind
from monitor.model.reading import Value
from monitor.model.unit import Level, Unit
from monitor.model.verdict import CriterionState, Verdict

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
CALENDAR = Calendar(frozenset({date(2025, 9, 2)}), frozenset(), ZONE)
HOURS = ((time(7, 30), time(11, 30)), (time(13, 30), time(17, 0)))
SESSIONS = Sessions(CALENDAR, (HOURS,) * 5 + ((), ()))
COMMUNE = Unit("02143", Level.COMMUNE, "xa", "Xã Văn Lang", "Van Lang Commune", "Xa Van Lang", "19", "19")
PROVINCE = Unit("19", Level.PROVINCE, "tinh", "Tỉnh Thái Nguyên", "Thai Nguyen", "Tinh Thai Nguyen", "VN", "19")

CENTRE = Criterion(
    "centre", "book", "Trung tâm", "Centre", frozenset({Level.COMMUNE, Level.SYSTEM}), "centre_outage_minutes",
    outage=True,
)  # fmt: skip
ONLINE = Criterion(
    "online", "book", "Trực tuyến", "Online", frozenset({Level.COMMUNE}), "online_rate",
    target=Target(Condition(">=", 80.0), before=date(2025, 8, 20), floor=50.0),
    alert=frozenset({Colour.RED, Colour.YELLOW}), legal_basis=("QĐ 766",),
)  # fmt: skip
RULES = {CENTRE.id: CENTRE, ONLINE.id: ONLINE}
INDICATORS = {
    "centre_outage_minutes": Indicator(
        "centre_outage_minutes", "Gián đoạn", "Interruption", "Gian doan TT", "minutes", "infrastructure", 150,
        measure=Measure.ELAPSED, of="centre_reachable",
    ),
    "online_rate": Indicator(
        "online_rate", "Tỷ lệ hồ sơ trực tuyến", "Online rate", "HS truc tuyen", "%", "service", 180_000
    ),
}  # fmt: skip
DEADLINE = datetime(2025, 8, 19, 17, tzinfo=UTC)  # 20 August, 00:00 local

FOCAL = Recipient("focal", "commune_focal", "02143", "Nguyễn Văn An", "vi", ("mail", "sms"))
HEAD = Recipient("head", "commune_centre_head", "02143", "Trần Thị Bình", "vi", ("mail",))
CHAIR = Recipient("chair", "commune_chair", "02143", "Lê Văn Cường", "en", ("sms",))
ROLES = {
    "commune_focal": ("đầu mối cấp xã", "commune focal point"),
    "commune_centre_head": ("lãnh đạo Trung tâm", "head of the centre"),
    "commune_chair": ("Chủ tịch UBND xã", "commune chairperson"),
}
MINUTE, HOUR = 60.0, 3600.0
OUTAGES = Policy(
    "outages", frozenset({Kind.OUTAGE, Kind.KPI_RED, Kind.OVERDUE, Kind.SILENT}),
    (
        StepSpec(0, ("commune_focal",), ("mail", "sms")),
        StepSpec(30 * MINUTE, ("commune_centre_head",), ("mail",)),
        StepSpec(2 * HOUR, ("commune_chair",), ("sms",), repeat=HOUR),
    ),
)  # fmt: skip
REMINDERS = Policy(
    "reminders", frozenset({Kind.KPI_YELLOW}), (StepSpec(0, ("commune_focal",), ("mail",), reminders=True),)
)
DIRECTORY = Directory((FOCAL, HEAD, CHAIR), (OUTAGES, REMINDERS), ROLES, "http://127.0.0.1:8866/", "VNPT", "18001260")


def local(day: int, hour: int = 0, minute: int = 0, *, month: int = 8) -> datetime:
    """An instant of 2025 on the clock of Việt Nam, in UTC."""
    return datetime(2025, month, day, hour, minute, tzinfo=ZONE).astimezone(UTC)


def state(
    criterion: str, colour: Colour, at: datetime, value: Value | None = None, *,
    raw: Colour | None = None, overdue: bool = False, left: int | None = None, caused_by: str | None = None,
    deadline: datetime | None = None,
) -> CriterionState:  # fmt: skip
    """What a rule said, held and raw alike unless `raw` is given."""
    verdict = Verdict(
        raw or colour, (), value, as_of=at, source="portal", overdue=overdue, working_days_left=left, deadline=deadline
    )
    return CriterionState(criterion, colour, at, colour, at, raw or colour, at, 2, verdict, 10, caused_by=caused_by)


def centre(colour: Colour, at: datetime, minutes: float = 0.0, **more) -> dict[str, CriterionState]:
    """The centre's interruption, judged."""
    return {CENTRE.id: state(CENTRE.id, colour, at, minutes, **more)}


def online(colour: Colour, at: datetime, value: float, left: int | None = None, **more) -> dict[str, CriterionState]:
    """The online rate, judged against 80 % before 20 August."""
    more.setdefault("deadline", DEADLINE)
    return {ONLINE.id: state(ONLINE.id, colour, at, value, left=left, **more)}


def scene(criteria: Mapping[str, CriterionState], **changes) -> Scene:
    """The commune with these judged criteria."""
    made = Scene(COMMUNE, ("02143", "19", "VN"), PROVINCE, DIRECTORY, RULES, INDICATORS, criteria, CALENDAR, SESSIONS)
    return replace(made, **changes)


def reacted(
    before: Mapping[str, Incident], criteria: Mapping[str, CriterionState], now: datetime,
    silent: Sequence[Silent] = (), **changes,
) -> Alerts:  # fmt: skip
    """One decision: troubles from the criteria, and what becomes of the incidents."""
    view = scene(criteria, **changes)
    found = troubles(view.unit, criteria, view.rules, view.indicators, silent, now)
    return react(before, found, view, now)


def minutes(count: float) -> timedelta:
    """A span of minutes."""
    return timedelta(minutes=count)
