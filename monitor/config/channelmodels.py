"""What may stand under `channels:` in config.yaml. A secret is always a reference, `${NAME}` or `file:path`."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from monitor.alerting.limits import Rate
from monitor.alerting.texts import TEXTS
from monitor.alerting.wording import WORDS
from monitor.config.fields import SecretText, Span, Title, Url
from monitor.config.yaml import Section
from monitor.model.nearest import nearest

_RATE = re.compile(r"([0-9]{1,6}) in ([0-9]{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BRANDNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]*")
_FIELD_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*){0,7}")
# Beside the words of the texts; a token is what stands at the end of a link, for a button that holds the rest of it.
_MORE_WORDS = ("ref", "unit_code", "subject", "why_token", "ack_token")
ANY = "any"  # the template for every kind that has none of its own
COMMON = frozenset({"kind", "timeout", "parallel", "limits", "price", "url", "replies"})


def _rate(value: object) -> Rate:
    found = _RATE.fullmatch(value) if isinstance(value, str) else None
    if found is None or not int(found[1]) or not int(found[2]):
        raise ValueError("is not a rate; write how many in which time, such as 10 in 1h")
    return Rate(int(found[1]), float(int(found[2]) * _SECONDS[found[3]]))


def _brandname(value: str) -> str:
    if len(value) > 11:
        raise ValueError(f"has {len(value)} characters; a brandname has at most 11")
    if not _BRANDNAME.fullmatch(value):
        raise ValueError(f"is '{value}'; a brandname has letters without diacritics, digits, blanks and . _ -")
    return value


def _field_path(value: str) -> str:
    if len(value) > 200 or not _FIELD_PATH.fullmatch(value):
        raise ValueError(f"is '{value[:40]}', which names no field; write names joined by dots, such as message.text")
    return value


def _word(value: str) -> str:
    known = (*WORDS, *_MORE_WORDS)
    if value not in known:
        raise ValueError(f"is '{value[:40]}', which no notice has; {nearest(value, known) or 'write code or unit'}")
    return value


def _kind_of_text(value: str) -> str:
    known = (*TEXTS["vi"], ANY)
    if value not in known:
        raise ValueError(f"is '{value[:40]}', and no notice is of that kind; {nearest(value, known) or 'write any'}")
    return value


RateText = Annotated[
    Rate, BeforeValidator(_rate), WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,6} in [0-9]{1,6}[smhd]$"})
]
Brandname = Annotated[str, AfterValidator(_brandname), Field(min_length=1)]
KindOfText = Annotated[str, AfterValidator(_kind_of_text)]
Word = Annotated[str, AfterValidator(_word)]


FieldPath = Annotated[str, AfterValidator(_field_path)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$", max_length=60)]


class LimitsSection(Section):
    """How much one channel may carry. What is over it waits, urgent before old."""

    per_recipient: RateText | None = None
    per_channel: RateText | None = None
    per_day: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    reserve: int = Field(default=0, ge=0)  # of the day's messages, only for urgent ones

    @model_validator(mode="after")
    def _leaves_some(self) -> Self:
        if self.reserve and (self.per_day is None or self.reserve >= self.per_day):
            raise ValueError("keeps more for urgent messages than there are in a day; write a smaller reserve")
        return self


class RepliesSection(Section):
    """What is written back by this channel, as its provider hands it over by POST."""

    secret: SecretText = Field(description="write secret: ${NAME}, which the provider sends in a header")
    header: HeaderName = "X-Denbao-Secret"
    id: FieldPath = "id"  # where the provider's name of the message stands
    sender: FieldPath = Field(default="from", alias="from")
    text: FieldPath = "text"


class _Channel(Section):
    replies: RepliesSection | None = None
    timeout: Span = 15.0
    parallel: int = Field(default=4, ge=1, le=64)
    limits: LimitsSection | None = None
    price: Annotated[float, Field(ge=0, le=1_000_000)] | None = None  # dong for one message, an SMS of one segment


class LinkChannel(_Channel):
    """A channel that is one Apprise address."""

    kind: Literal["log", "email", "webhook", "telegram", "zalobot"] = Field(
        description="write log, email, webhook, telegram, zalobot or a gateway"
    )
    url: SecretText | None = None  # an Apprise address; {address} stands for the recipient's
    base_url: Url | None = None  # of a bot: another host than the vendor's


class Gateway(_Channel):
    """A gateway with options of its own."""

    kind: str
    base_url: Url | None = None  # another host than the vendor's: a proxy, or a stand-in for trials


class _Sms(Gateway):
    brandname: Brandname = Field(description="write the brandname that is registered with the operators")


class EsmsChannel(_Sms):
    """eSMS."""

    kind: Literal["esms"]
    api_key: SecretText = Field(description="write api_key: ${NAME}")
    secret_key: SecretText = Field(description="write secret_key: ${NAME}")
    sandbox: bool = False
    receipts: bool = False  # ask for the final status; the board must be reachable under base_url


class SpeedSmsChannel(_Sms):
    """SpeedSMS."""

    kind: Literal["speedsms"]
    token: SecretText = Field(description="write token: ${NAME}")
    sms_type: Literal[2, 3, 4, 5] = 3


class StringeeChannel(_Sms):
    """Stringee."""

    kind: Literal["stringee"]
    key_sid: SecretText = Field(description="write key_sid: ${NAME}")
    key_secret: SecretText = Field(description="write key_secret: ${NAME}")


class VietguysChannel(_Sms):
    """Vietguys."""

    kind: Literal["vietguys"]
    user: SecretText = Field(description="write user: ${NAME}")
    password: SecretText = Field(description="write password: ${NAME}")


class ViettelChannel(_Sms):
    """Viettel brandname, SOAP."""

    kind: Literal["viettel"]
    base_url: Url = Field(description="write the address of the contract")
    user: SecretText = Field(description="write user: ${NAME}")
    password: SecretText = Field(description="write password: ${NAME}")
    cp_code: Title = Field(description="write the CPCode of the contract")


class VnptChannel(Gateway):
    """VNPT brandname: the label stands for the brandname."""

    kind: Literal["vnpt"]
    base_url: Url = Field(description="write the address of the contract")
    label: Title = Field(description="write the LABELID of the contract")
    contract: Title = Field(description="write the CONTRACTID")
    contract_type: Title = "1"
    template: Title = Field(description="write the TEMPLATEID whose parameter 1 is the text")
    agent: Title = Field(description="write the AGENTID")
    user: SecretText = Field(description="write user: ${NAME}")
    api_user: SecretText = Field(description="write api_user: ${NAME}")
    api_password: SecretText = Field(description="write api_password: ${NAME}")


class _ZaloChannel(Gateway):
    app_id: Title = Field(description="write the id of the Zalo app")
    app_secret: SecretText = Field(description="write app_secret: ${NAME}")
    refresh_token: SecretText = Field(description="write refresh_token: ${NAME}; it is used once, later ones are kept")
    oauth_url: Url = "https://oauth.zaloapp.com"
    webhook_secret: SecretText | None = None  # of the Official Account: final statuses are heard


class TemplateSection(Section):
    """An approved template and its parameters."""

    id: Title = Field(description="write the id of the approved template, in quotes")
    parameters: dict[Title, Word] = Field(default={})  # name in the template -> word of the notice


class ZaloZnsChannel(_ZaloChannel):
    """Zalo template messages by phone number (ZNS, ZBS)."""

    kind: Literal["zalozns"]
    mode: Literal["development"] | None = None
    templates: dict[KindOfText, TemplateSection] = Field(
        min_length=1, description="write outage: {id: ..., parameters: {...}}, and any: for all other kinds"
    )


class ZaloOaChannel(_ZaloChannel):
    """Messages of a Zalo Official Account to people who wrote to it within 48 hours."""

    kind: Literal["zalooa"]


Channel = Annotated[
    LinkChannel
    | EsmsChannel
    | SpeedSmsChannel
    | StringeeChannel
    | VietguysChannel
    | ViettelChannel
    | VnptChannel
    | ZaloZnsChannel
    | ZaloOaChannel,
    Field(discriminator="kind"),
]
