"""The words of a site file: durations, codes, names and addresses as pydantic types with sentences as errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from monitor.config.allow import parse_allow
from monitor.model.hours import Daily
from monitor.model.nearest import nearest

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_QUARTER = 100 * 86_400.0  # seconds
_DURATION = re.compile(r"([0-9]{1,6}) ?([smhd])")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,99}"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_HOST_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_HOST_AND_PORT = re.compile(r"(?:\[[^\[\]]*:[^\[\]]*\]|[^:\[\]]*)(?::[0-9]*)?")  # brackets around IPv6, and only there
_LONGEST_HOST = 253  # characters, by RFC 1035
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _written(pattern: str, otherwise: str) -> Callable[[str], str]:
    """Lets a text of this pattern pass; `otherwise` says what it is and what would be right, {} is the text."""
    right = re.compile(pattern)

    def check(value: str) -> str:
        if not right.fullmatch(value):
            raise ValueError(otherwise.replace("{}", value[:60]))
        return value

    return check


def _text(pattern: str, otherwise: str) -> AfterValidator:
    return AfterValidator(_written(pattern, otherwise))


identifier = _written(r"[a-z0-9][a-z0-9._-]{0,63}", "is '{}'; use lower-case letters, digits, '.', '-' and '_'")
_SESSION = _written(rf"{_TIME}-{_TIME}", "is '{}'; write from-to, such as 07:30-11:30")


def _duration(value: Any) -> float:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("is not a duration; write 30s, 5m, 2h or 1d")
    return float(int(match[1]) * _SECONDS[match[2]])


def _day(text: Any) -> date:
    try:
        if isinstance(text, str) and _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError("is not a day; write it as 2025-08-20")


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("must be longer than 0s")
    return seconds


def _code(value: Any) -> str:
    # A code without leading zeros reads as a number: it has only one spelling, so nothing was lost.
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _CODE.fullmatch(text):
        raise ValueError("is not a code; use letters, digits, '.', '-' and '_'")
    return text


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f"is '{value[:60]}'; {nearest(value, available_timezones()) or 'write Asia/Ho_Chi_Minh'}")
    return str(ZoneInfo(value))


def split_listen(value: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:8866` or `[::1]:8866`. Raises ValueError."""
    host, _, port = value.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    try:
        ip_address("127.0.0.1" if bare == "localhost" else bare)
    except ValueError:
        raise ValueError(f"is '{value[:60]}'; write an IP address and a port, such as 127.0.0.1:8866") from None
    if not (port.isascii() and port.isdigit() and int(port[:6]) <= 65535):
        raise ValueError(f"has the port '{port[:20]}'; ports are numbers from 0 to 65535")
    return bare, int(port)


def _listen(value: str) -> str:
    split_listen(value)
    return value


def _allow(value: str) -> str:
    parse_allow(value)
    return value


def is_host(text: str) -> bool:
    """Whether a text is an IP address or a name that can be looked up, and nothing beside it."""
    try:
        ip_address(text)
        return True
    except ValueError:
        pass
    try:
        *_, last = labels = text.encode("idna").decode().removesuffix(".").split(".")
    except UnicodeError:
        return False
    # What ends in a number is an address in an odd spelling, which is never dialled.
    return len(text) <= _LONGEST_HOST and all(map(_HOST_LABEL.fullmatch, labels)) and not _NUMBER.fullmatch(last)


def _host(value: str) -> str:
    if not is_host(value.replace("{code}", "x0")):
        right = "write a host name or an IP address alone, without scheme, port or path"
        raise ValueError(f"is '{value[:60]}'; {right}")
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port = parts.port
        if parts.netloc.rpartition("]")[2][:1] not in ("", ":") and "]" in parts.netloc:
            raise ValueError  # as some versions of Python do themselves
    except ValueError:
        raise ValueError("is not an address; write http://host:port/path, and IPv6 in brackets") from None
    host = parts.hostname
    clean = value.isprintable() and value == value.strip()  # urlsplit takes line breaks out, in silence
    if parts.scheme not in ("http", "https") or not host or port == 0 or not clean:
        raise ValueError("is not an address that can be asked; write http://host:port/path or https://")
    if "@" in parts.netloc:
        raise ValueError("holds a user name or password; give them as a header, by ${NAME} or file:path")
    if "{" in host.replace("{code}", ""):
        raise ValueError("lets a value choose the host; write it out: values may stand in the path and in the query")
    if not is_host(host.replace("{code}", "x0")) or not _HOST_AND_PORT.fullmatch(parts.netloc):
        right = "write a name such as dichvucong.gov.vn, or an IP address, IPv6 in brackets"
        raise ValueError(f"names '{host[:60]}' as its host, which cannot be one; {right}")
    return value


def _inside(value: str) -> str:
    if value.startswith("/") or ".." in value.split("/"):
        raise ValueError(f"is '{value[:60]}'; name a file inside the site's folder")
    return value


def _pattern(value: str) -> str:
    if "/" in value or value.startswith("."):
        raise ValueError(f"is '{value[:60]}'; write a pattern of file names without a folder, such as bao-cao-*.xlsx")
    return value


def instant(value: str) -> datetime | date:
    """An ISO 8601 instant, or a day. Raises ValueError."""
    try:
        return date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value).astimezone(UTC)
    except ValueError:
        raise ValueError("is not a day or instant; write 2025-08-06 or 2025-08-06T08:00:00+07:00") from None


def daily(text: str) -> Daily:
    """The hours of `22:00-06:00`, over midnight where they end before they begin. Raises ValueError."""
    starts, ends = (time.fromisoformat(part) for part in _SESSION(text.strip()).split("-"))
    if starts == ends:
        raise ValueError(f"is '{text.strip()}'; write two different times, such as 22:00-06:00")
    return Daily(starts, ends)


def _as_of(value: str) -> str:
    moment = instant(value)
    if isinstance(moment, datetime) and datetime.fromisoformat(value).tzinfo is None:
        raise ValueError("has no time zone; write it with an offset, such as 2025-08-06T08:00:00+07:00")
    return value


def ways(value: str) -> tuple[str, ...]:
    """The channels of `zalo > sms`, in their order."""
    return tuple(part.strip() for part in value.split(">"))


def _ways(value: str) -> str:
    names = ways(value)
    for name in names:
        identifier(name)
    if len(set(names)) < len(names):
        raise ValueError(f"is '{value[:60]}', which comes back to the same channel; name each once")
    return value


def _a_quarter(value: float) -> float:
    if value < _QUARTER:
        raise ValueError("is too short to tell of a whole quarter; write 100d or more, such as 400d")
    return value


_DURATION_SCHEMA = WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,6} ?[smhd]$", "examples": ["30s", "2h"]})

Duration = Annotated[float, BeforeValidator(_duration), _DURATION_SCHEMA]  # seconds; written "30s", "5m", "2h", "1d"
Span = Annotated[float, BeforeValidator(_duration), AfterValidator(_positive), _DURATION_SCHEMA]  # not zero
Kept = Annotated[float, BeforeValidator(_duration), AfterValidator(_a_quarter), _DURATION_SCHEMA]  # how long
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Code = Annotated[str, BeforeValidator(_code), WithJsonSchema({"type": ["string", "integer"]})]
Identifier = Annotated[str, AfterValidator(identifier)]
WaysText = Annotated[str, AfterValidator(_ways)]  # channels, each of which takes over from the one before it
Label = Annotated[str, _text(_NAME, "is '{}'; write the name of a label: letters, digits and '_'")]  # of a time series
ParameterName = Annotated[  # of a query
    str, _text(_NAME, "is '{}'; write a name as it stands behind the colon: letters, digits and '_'")
]
ValueName = Annotated[  # of a captured value
    str,
    _text(
        r"(?!code\Z)[a-z][a-z0-9_]{0,39}", "is '{}'; use lower-case letters, digits and '_', and another name than code"
    ),
]
Zone = Annotated[str, AfterValidator(_zone)]
Listen = Annotated[str, AfterValidator(_listen)]
Allow = Annotated[str, AfterValidator(_allow)]
Host = Annotated[str, AfterValidator(_host), Field(min_length=1, max_length=_LONGEST_HOST)]  # {code}: the unit's code
Url = Annotated[str, AfterValidator(_url), Field(max_length=2000)]
StoreUrl = Annotated[
    str, _text(r"memory:|sqlite:.{1,400}", "is of no known kind; write sqlite:var/denbao.db or memory:")
]
Sha256 = Annotated[
    str, _text(r"[0-9a-f]{64}", "is not a SHA-256; write the 64 hex digits of the token's hash, never the token")
]
# A reference, resolved by monitor.config.secrets. The value is never repeated: it may be the secret itself.
SecretText = Annotated[
    str,
    _text(
        r"file:.+|.*\$\{[A-Za-z_][A-Za-z0-9_]*\}.*", "holds a secret in plain text; refer to it as ${NAME} or file:path"
    ),
]
SecretFile = Annotated[str, _text(r"(?s)file:.+", "is no reference to a file; write file:path")]  # read as a whole
SitePath = Annotated[str, AfterValidator(_inside)]
FilePattern = Annotated[str, AfterValidator(_pattern), Field(min_length=1, max_length=200)]  # *, ? and [...]
AsOfText = Annotated[str, AfterValidator(_as_of)]
ClockText = Annotated[str, _text(_TIME, "is '{}'; write a time of day, such as 07:30")]
SessionText = Annotated[str, AfterValidator(_SESSION)]
Port = Annotated[int, Field(ge=1, le=65535)]
Title = Annotated[str, Field(min_length=1, max_length=200)]
