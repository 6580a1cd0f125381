"""The messages as data, by language: the words stand in `vietnamese` and `english` beside this file.

A text is a row of pieces. A piece with a placeholder whose value is not known is left out; of a tuple of pieces the
first one that can be filled is taken. The first piece of a subject or SMS always stands, with a dash for what is not
known. The unit stands in the first piece of an SMS; its last piece (the reference) is never shortened away. A line
break in a body begins a new paragraph; blanks around it, and a second empty line, go. A site's own texts
(monitor.config.texts) are rows of the same pieces.
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor.alerting.english import ENGLISH
from monitor.alerting.replytexts import REPLIES, REPLY_PLACEHOLDERS
from monitor.alerting.text import Text
from monitor.alerting.vietnamese import VIETNAMESE

TEXTS: Mapping[str, Mapping[str, Text]] = {"vi": VIETNAMESE, "en": ENGLISH}
ALL_TEXTS: Mapping[str, Mapping[str, Text]] = {  # with what is answered to those who write back
    locale: {**TEXTS[locale], **REPLIES[locale]} for locale in TEXTS
}

_ALWAYS = "code unit province place id recipient role time date url"
_CALL = "due due_time due_date next_role next_time ack_url why_url isp isp_hotline scope previous_roles reminders"
_LASTED = "minutes work_minutes"
_SERVICE = "service service_title service_full to_check reason n_fail"
_FIGURE = (
    "kpi kpi_within value met num den counted target goal short_of floor gap pace trend n deadline as_of legal_basis"
    " source colour codes"
)
_SILENCE = "source h limit last_value last_time kpi kpi_within"

# Which placeholders a text may use: what is known when it is written.
PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    key: frozenset(f"{_ALWAYS} {names}".split())
    for key, names in {
        "outage": f"{_CALL} {_SERVICE}",
        "recovered": f"{_LASTED} {_SERVICE} availability still",
        "kpi_yellow": f"{_CALL} {_FIGURE}",
        "kpi_red": f"{_CALL} {_FIGURE}",
        "overdue": f"{_CALL} {_FIGURE} days_late",
        "kpi_met": f"{_LASTED} {_FIGURE} still",
        "silent": f"{_CALL} {_SILENCE}",
        "speaks_again": f"{_LASTED} {_SILENCE} still",
        "still_open": f"due due_time due_date ack_url why_url {_SERVICE} {_FIGURE}",
        "reminder": f"{_CALL} {_FIGURE}",
        "mass": f"{_CALL} affected total members units codes",
        "mass_over": f"{_LASTED} affected total members units codes still",
        "brief": (
            "members total green yellow red unknown green_change previous kpi kpi_within value target goal deadline n"
            " rank rank_total goals lowest best silent open refs codes why_url"
        ),
        "self": "condition",
        "self_over": f"{_LASTED} condition",
    }.items()
}
ALL_PLACEHOLDERS: Mapping[str, frozenset[str]] = {**PLACEHOLDERS, **REPLY_PLACEHOLDERS}
