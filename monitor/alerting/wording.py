"""Facts to words: one subject, one body and one SMS segment per message. Placeholders are filled, nothing is computed.

An SMS that would need a second segment is shortened by rule: of the units to act on fewer are named, then none; then
the unit's own name is abbreviated and cut. Its code and the reference are never touched.

Datetimes are written on the clock they carry (the caller makes them local). A fact under `name_sms`, `name_vi` or
`name_en` is taken before `name` where that is spoken. A fact that is missing or None is not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from monitor.alerting.conditions import CONDITIONS
from monitor.alerting.faults import vietnamese_fault
from monitor.alerting.services import CENTRE_SERVICE, NATIONAL_SERVICE, SERVICES, SYSTEM_SERVICE, Service
from monitor.alerting.text import Piece, Text
from monitor.alerting.texts import TEXTS
from monitor.engine.explain import colour_name, number, value_text
from monitor.model.colour import Colour
from monitor.model.letters import septets
from monitor.model.reading import Comparator
from monitor.model.segments import GSM, GSM_ONE
from monitor.model.text import clean, singular, unaccent
from monitor.model.unit import Level
from monitor.model.verdict import Param

# What a notice tells as single words, for templates that are kept elsewhere (Zalo).
WORDS = (
    "code", "unit", "province", "service", "reason", "kpi", "value", "target", "goal", "deadline", "days_late",
    "date", "time", "due", "h", "minutes", "colour", "scope",
    "affected", "total", "still", "why_url", "ack_url",
)  # fmt: skip
TONE = "tone"  # beside them: the colour of what the message says, as `Colour`; a mail's page shows it
LANGUAGE = "language"  # ... and the language it is written in, "vi" or "en"
SHORTEST = 10  # characters of a unit's name that an SMS keeps
_NAMED = 3  # units to act on in an SMS
_TEMPLATES = 2048  # taken apart and kept: more than all texts of a site have pieces
KPI_LIMIT = 13  # characters of a figure's name in an SMS
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_KINDS = {"Phuong ": "P. ", "Xa ": "X. ", "Thi tran ": "TT. ", "Thanh pho ": "TP. ", "Dac khu ": "DK. ", "Tinh ": "T. "}

# level -> what stands below it: in Vietnamese and English, each in full and in an SMS
_UNITS = (("đơn vị", "don vi"), ("units", "units"))
_MEMBERS: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = {
    Level.PROVINCE: (("xã, phường, đặc khu", "xa"), ("communes", "communes")),
    Level.NATION: (("tỉnh, thành phố", "tinh"), ("provinces", "provinces")),
}

# unit of measure -> (Vietnamese, English), as it follows a number
_MEASURES: Mapping[str, tuple[str, str]] = {
    "%": ("%", "%"),
    "minutes": (" phút", " min"),
    "hours": (" giờ", " h"),
    "days": (" ngày", " days"),
    "s": (" giây", " s"),
    "points": (" điểm", " points"),
}
_MET: Mapping[str, tuple[str, str]] = {
    "true": ("đạt", "met"),
    "false": ("chưa đạt", "not met"),
    "partly": ("đạt một phần", "partly met"),
}
_GOALS: Mapping[str, tuple[str, str]] = {
    ">=": ("từ {} trở lên", "at least {}"),
    ">": ("trên {}", "more than {}"),
    "<=": ("không quá {}", "at most {}"),
    "<": ("dưới {}", "below {}"),
}
_SHORT_OF: Mapping[str, tuple[str, str]] = {
    ">=": ("dưới {}", "below {}"),
    ">": ("không trên {}", "not above {}"),
    "<=": ("trên {}", "above {}"),
    "<": ("không dưới {}", "not below {}"),
    "==": ("khác {}", "not {}"),
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message, ready to send."""

    subject: str  # one line
    body: str  # lines of plain text; an empty one between the address and the rest
    sms: str  # GSM 7-bit, one segment, without Vietnamese accents
    words: Mapping[str, str] = field(default_factory=dict)  # those of WORDS that are known


@dataclass(frozen=True, slots=True)
class Words:
    """The facts of one message as words of one language, long or for SMS."""

    facts: Mapping[str, Param]
    locale: str
    short: bool
    named: int = 8  # units to act on that are named
    _found: dict[str, str | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def word(self, name: str) -> str | None:
        """The words for one placeholder; None when it is not known or empty."""
        found = self._found  # subject, body and the single words ask for the same ones
        if name not in found:
            text = _FORMS.get(name, Words.plain)(self, name)
            found[name] = None if text is None else clean(text, 200 if self.short else 600) or None
        return found[name]

    @property
    def _english(self) -> bool:
        return self.locale == "en"

    def fact(self, name: str) -> Param:
        """A fact, in the language spoken where there is a choice."""
        names = (*([f"{name}_sms"] if self.short else []), f"{name}_{self.locale}", name)
        return next((self.facts[key] for key in names if self.facts.get(key) is not None), None)

    def plain(self, name: str) -> str | None:
        """Text as it is, a number in the style of the language."""
        value = self.fact(name)
        if value is None or isinstance(value, datetime):
            return None
        return value_text(value, self.locale)

    def reason(self, name: str) -> str | None:
        """What went wrong, as the probe saw it."""
        text = self.plain(name)
        return text if text is None or self._english else vietnamese_fault(text)

    def kpi(self, name: str) -> str | None:
        """Name of the figure; short in an SMS."""
        text = self.plain(name)
        return unaccent(text)[:KPI_LIMIT].rstrip() if text is not None and self.short else text

    def kpi_within(self, name: str) -> str | None:
        """Name of the figure inside a sentence; an abbreviation keeps its capitals."""
        text = self.kpi("kpi")
        return text if text is None or text[1:2].isupper() else text[:1].lower() + text[1:]

    def counted(self, name: str) -> str:
        """What a share counts."""
        words = ("đơn vị", "units") if self.facts.get("group") else ("hồ sơ", "dossiers")
        return words[self._english]

    def members(self, name: str) -> str:
        """What the units below a unit are called."""
        return _MEMBERS.get(str(self.facts.get("level")), _UNITS)[self._english][self.short]

    def place(self, name: str) -> str | None:
        """The unit where something is; None for a system, whose name says what it is and not where."""
        return None if self.facts.get("level") == Level.SYSTEM else self.word("unit")

    def codes(self, name: str) -> str | None:
        """Codes of the units to act on, first things first, and in a long text how many more there are."""
        codes = [code for code in str(self.facts.get("codes") or "").split(", ") if code]
        shown, more = codes[: self.named], self.facts.get("more")
        if not shown:
            return None
        rest = len(codes) - len(shown) + (int(more) if isinstance(more, (int, float)) else 0)
        if self.short or not rest:
            return ", ".join(shown)
        return ", ".join(shown) + (" và {} đơn vị khác", " and {} more")[self._english].format(rest)

    def condition(self, name: str) -> str | None:
        """What the monitor says of itself: one of the known conditions with its figures, or the words given."""
        pieces = CONDITIONS.get(str(self.facts.get(name)), {}).get(self.locale)
        return self.plain(name) if pieces is None else _start(pieces, self) + "".join(_fill(pieces[1:], self))

    def posts(self, name: str) -> str | None:
        """Who should have been told; an SMS has no room for it."""
        return None if self.short else self.plain(name)

    def time(self, name: str) -> str | None:
        """24-hour clock."""
        at = self._instant(name)
        return None if at is None else f"{at:%H:%M}"

    def date(self, name: str) -> str | None:
        """Day and month; the year too in a long text."""
        at = self._instant(name)
        if at is None:
            return None
        if self._english:
            day = f"{at.day} {_MONTHS[at.month - 1]}"
            return day if self.short else f"{day} {at.year}"
        return f"{at:%d/%m}" if self.short else f"{at:%d/%m/%Y}"

    def moment(self, name: str) -> str | None:
        """Time, and the date too unless it is today's."""
        at, now = self._instant(name), self.facts.get("now")
        if at is None:
            return None
        today = isinstance(now, datetime) and now.date() == at.date()
        return self.time(name) if today else f"{self.time(name)} {self.date(name)}"

    def _instant(self, name: str) -> datetime | None:
        at = self.facts.get("when" if name in ("time", "date") else _ALIASES.get(name, name))
        return at if isinstance(at, datetime) else None

    def measured(self, name: str) -> str | None:
        """A value with its unit of measure and, if the source is not exact, its sign."""
        value = self.facts.get(name)
        if value is None or isinstance(value, datetime):
            return None
        if (met := self._met(value)) is not None:
            return met
        sign = Comparator(str(self.facts.get("sign") or "=")) if name == "value" else Comparator.EQ
        text = value_text(value, self.locale, sign)
        return text + _MEASURES.get(str(self.facts.get("measure")), ("", ""))[self._english]

    def met(self, name: str) -> str | None:
        """How it stands with what is wanted or not wanted, and measured by no number."""
        return self._met(self.facts.get("value"))

    def _met(self, value: Param) -> str | None:
        if not isinstance(value, (bool, str)):
            return None
        words = _MET.get(str(value).lower())
        return value_text(value, self.locale) if words is None else words[self._english]

    def target(self, name: str) -> str | None:
        """The wanted value; "at least", and that a yes is wanted, goes without saying."""
        return self.measured(name) if self.facts.get("op") in (">=", None) else self.goal(name)

    def goal(self, name: str) -> str | None:
        """The wanted value with its direction; nothing is above 100 per cent."""
        whole = self.facts.get("op") == ">=" and self.facts.get("measure") == "%" and self.facts.get("target") == 100
        return self.measured("target") if whole else self._with_op(_GOALS)

    def short_of(self, name: str) -> str | None:
        """How the goal is missed."""
        return self._with_op(_SHORT_OF)

    def _with_op(self, forms: Mapping[str, tuple[str, str]]) -> str | None:
        wanted = None if isinstance(self.facts.get("target"), bool) else self.measured("target")
        form = forms.get(str(self.facts.get("op")), ("{}", "{}"))[self._english]
        return None if wanted is None else form.format(wanted)

    def span(self, name: str) -> str | None:
        """Seconds as whole hours; as minutes below one hour."""
        seconds = self.facts.get(name)
        if isinstance(seconds, (str, datetime)) or seconds is None:
            return None
        if seconds >= 3600:
            return f"{number(seconds // 3600, self.locale)} {('giờ', 'h')[self._english]}"
        return f"{number(seconds // 60, self.locale)} {('phút', 'min')[self._english]}"

    def scope(self, name: str) -> str | None:
        """How many units depend on what failed."""
        count = self.facts.get(name)
        return f"{count} {('đơn vị phụ thuộc', 'dependent units')[self._english]}" if count else None

    def tone(self, name: str) -> str | None:
        """The colour of the message itself, for programs."""
        colour = self.facts.get(name)
        return None if colour is None else str(colour)

    def colour(self, name: str) -> str | None:
        """The colour's word in capitals."""
        colour = self.facts.get(name)
        return None if colour is None else colour_name(Colour(str(colour)), self.locale).upper()

    def service(self, name: str) -> str | None:
        """What an outage takes away: by the failed indicator, otherwise by the level of the unit."""
        service = self._service()[self.locale]
        return {
            "service": service.short,
            "service_title": service.title,
            "service_full": service.full,
            "to_check": service.check,
        }[name]

    def _service(self) -> Mapping[str, Service]:
        system = self.facts.get("level") == Level.SYSTEM
        found = SERVICES.get(str(self.facts.get("service")), SYSTEM_SERVICE if system else CENTRE_SERVICE)
        national = system and found is SYSTEM_SERVICE and self.fact("province") is None
        return NATIONAL_SERVICE if national else found


_ALIASES = {"due_time": "due", "due_date": "due"}
_FORMS: Mapping[str, Callable[[Words, str], str | None]] = {
    "reason": Words.reason,
    "kpi": Words.kpi,
    "kpi_within": Words.kpi_within,
    "counted": Words.counted,
    **dict.fromkeys(("time", "due_time"), Words.time),
    **dict.fromkeys(("date", "deadline", "due_date"), Words.date),
    **dict.fromkeys(("due", "next_time", "as_of", "last_time", "previous"), Words.moment),
    **dict.fromkeys(("value", "floor", "last_value"), Words.measured),
    "met": Words.met,
    **dict.fromkeys(("h", "limit"), Words.span),
    **dict.fromkeys(("service", "service_title", "service_full", "to_check"), Words.service),
    "place": Words.place,
    "codes": Words.codes,
    "condition": Words.condition,
    "members": Words.members,
    "posts": Words.posts,
    "target": Words.target,
    "goal": Words.goal,
    "short_of": Words.short_of,
    "scope": Words.scope,
    "colour": Words.colour,
    TONE: Words.tone,
}


def render(
    text_id: str, facts: Mapping[str, Param], locale: str, texts: Mapping[str, Mapping[str, Text]] = TEXTS
) -> Message:
    """The message `text_id` in `locale` (Vietnamese for a language that is not spoken here). Raises KeyError."""
    spoken = locale if locale in texts else "vi"
    text = texts[spoken][text_id]
    words = Words(facts, spoken, short=False)
    return Message(
        clean(_start(text.subject, words) + "".join(_fill(text.subject[1:], words)), 300),
        _lines("".join(_fill(text.body, words))),
        _cut(*_sms(text, facts, spoken)),
        {name: word for name in (*WORDS, TONE) if (word := words.word(name)) is not None} | {LANGUAGE: spoken},
    )


def overlong(text: Text, facts: Mapping[str, Param], locale: str) -> int:
    """Septets by which the SMS is too long after all that may be shortened was shortened; 0: it fits."""
    head, tail = _sms(text, facts, locale)
    return max(0, septets(head + tail) - GSM_ONE)


def _lines(text: str) -> str:
    """Each line cleaned; an empty one stands alone, and neither first nor last. Facts hold no line break."""
    lines = [clean(line, 1000) for line in text.split("\n")]
    kept = [line for before, line in zip(["", *lines], lines, strict=False) if line or before]
    return "\n".join(kept).strip()


def _start(pieces: tuple[Piece, ...], words: Words, **fixed: str) -> str:
    """The first piece of a subject or SMS is never left out: what it, or the last of its choices, lacks is a dash."""
    choices = (pieces[0],) if isinstance(pieces[0], str) else pieces[0]
    able = (one for one in choices if all(words.word(name) is not None for name in _parts(one)[1::2]))
    parts = list(_parts(next(able, choices[-1])))
    parts[1::2] = [fixed.get(name, words.word(name) or "-") for name in parts[1::2]]
    text = "".join(parts)
    return singular(text) if words.locale == "en" else text


def _fill(pieces: tuple[Piece, ...], words: Words) -> list[str]:
    return [text for piece in pieces if (text := _first(piece, words)) is not None]


def _first(piece: Piece, words: Words) -> str | None:
    for choice in (piece,) if isinstance(piece, str) else piece:
        if (text := _piece(choice, words)) is not None:
            return text
    return None


def _piece(template: str, words: Words) -> str | None:
    parts = list(_parts(template))
    for place in range(1, len(parts), 2):
        word = words.word(parts[place])
        if word is None:
            return None
        parts[place] = word
    text = "".join(parts)
    return singular(text) if words.locale == "en" else text


@lru_cache(_TEMPLATES)
def _parts(template: str) -> tuple[str, ...]:
    """What stands between the placeholders of a template, and at each second place the name of one."""
    return tuple(_PLACEHOLDER.split(template))


def _sms(text: Text, facts: Mapping[str, Param], locale: str) -> tuple[str, str]:
    """The SMS and its last piece, shortened by rule; the first part may still be too long."""
    unit = _plain_gsm(Words(facts, locale, short=True).word("unit") or "")
    for named in (*range(_NAMED if facts.get("codes") else 0, 0, -1), 0):
        words = Words(facts, locale, short=True, named=named)
        parts = _segment(text, words, unit)
        room = len(unit) - max(0, septets("".join(parts)) - GSM_ONE)
        if room >= len(unit) or (named and room >= len(_brief(unit))):
            break
    parts = _segment(text, words, shorten(unit, max(room, SHORTEST)))
    return "".join(parts[:-1]), parts[-1]


def _segment(text: Text, words: Words, unit: str) -> list[str]:
    start = _start(text.sms, words, unit=unit).replace(" :", ":")
    return [_plain_gsm(part) for part in (start, *_fill(text.sms[1:], words))]


def _cut(head: str, tail: str) -> str:
    while head and septets(head + tail) > GSM_ONE:
        head = head[:-1]
    return head + tail


def _plain_gsm(text: str) -> str:
    bare = unaccent(text).translate(_DASHES)
    if GSM.issuperset(bare):
        return bare
    return "".join(char if char in GSM else "?" for char in bare)


def shorten(name: str, room: int) -> str:
    """A unit's name in at most `room` characters: its kind as an abbreviation first, then the end goes."""
    if len(name) <= room:
        return name
    name = _brief(name)
    if len(name) <= room:
        return name
    return name[: room - 1].rstrip(" -.") + "." if room > 4 else ""


def _brief(name: str) -> str:
    kind = next((kind for kind in _KINDS if name.startswith(kind)), "")
    return _KINDS.get(kind, "") + name.removeprefix(kind)
