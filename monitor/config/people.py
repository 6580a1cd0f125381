"""Channels, recipients and escalation policies as specs; secrets resolved, names checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from zoneinfo import ZoneInfo

from monitor.alerting.plan import Collapse, Directory, Policy, Recipient, StepSpec, TermsSpec
from monitor.config.channelmodels import Gateway, LinkChannel
from monitor.config.digests import build_digests
from monitor.config.fields import daily
from monitor.config.findings import Findings
from monitor.config.gateways import BLIND, BY_PHONE, Options, callback_of, limits_of, templates_of, zalo_app
from monitor.config.models import PolicySection, RecipientSection, SiteFile, Step, TokenSection
from monitor.config.problems import Location
from monitor.config.secrets import Secret, resolve
from monitor.config.sources import Surroundings
from monitor.config.spec import ChannelSpec, RepliesSpec, Token
from monitor.config.units import select
from monitor.model.colour import Colour
from monitor.model.incident import Address, Kind
from monitor.model.phone import normal_phone
from monitor.model.unit import Level

# The only Apprise addresses that are let through, by kind of channel.
SCHEMES: Mapping[str, tuple[str, ...]] = {
    "email": ("mailto", "mailtos"),
    "webhook": ("json", "jsons"),
    "telegram": ("tgram",),
    "zalobot": ("zalo",),
}

Addresses = dict[tuple[str, str], Secret]


def build_channels(file: SiteFile, around: Surroundings) -> dict[str, ChannelSpec]:
    """Channel by id. A channel whose secret is missing stays without it, and a problem is noted."""
    return {name: replace(_channel(name, file, around), replies=_replies(name, file, around)) for name in file.channels}


def _replies(name: str, file: SiteFile, around: Surroundings) -> RepliesSpec | None:
    section, at = file.channels[name], ("channels", name, "replies")
    told = section.replies
    if told is None:
        return None
    if section.kind == "log":
        around.findings.add(at, f"nobody can write back to the log channel '{name}'", "remove replies")
        return None
    if section.kind == "zalozns":
        text = f"the channel '{name}' sends approved templates only and cannot answer who writes back"
        around.findings.add(at, text, "remove replies, or hear them by an SMS channel")
        return None
    secret = around.secret(told.secret, (*at, "secret"), f"the channel '{name}'")
    return None if secret is None else RepliesSpec(secret, told.header, told.id, told.sender, told.text)


def build_tokens(file: SiteFile, around: Surroundings) -> tuple[Token, ...]:
    """API tokens with what they may speak of."""
    return tuple(_token(token, ("access", "tokens", index), around) for index, token in enumerate(file.access.tokens))


def _token(token: TokenSection, at: Location, around: Surroundings) -> Token:
    if (token.units or token.indicators) and token.role != "pusher":
        text = f"only a pusher is bound to units and indicators, and '{token.id}' is a {token.role}"
        around.findings.add(at, text, "remove units and indicators, or write role: pusher")
    units = select(token.units, around.units, around.findings, (*at, "units")) if token.units else ()
    return Token(token.id, token.role, token.sha256, frozenset(units), frozenset(token.indicators))


def _channel(name: str, file: SiteFile, around: Surroundings) -> ChannelSpec:
    section, at = file.channels[name], ("channels", name)
    if not isinstance(section, LinkChannel):
        return _gateway(name, section, file, around)
    url: Secret | None = None
    if section.kind == "log" and section.url is not None:
        around.findings.add((*at, "url"), f"the log channel '{name}' has an address", "remove url")
    elif section.kind != "log" and section.url is None:
        around.findings.add(at, f"the channel '{name}' has no address", "write url: ${NAME} or url: file:path")
    elif section.url is not None:
        take = partial(_apprise, section.url, section.kind, around)
        url = around.findings.attempt((*at, "url"), f"the channel '{name}'", take)
    return ChannelSpec(
        name,
        section.kind,
        url,
        section.timeout,
        section.parallel,
        blind=section.kind in BLIND,
        limits=limits_of(section.limits, ZoneInfo(file.time_zone)),
        price=section.price,
        base_url=section.base_url or "",
    )


def _gateway(name: str, section: Gateway, file: SiteFile, around: Surroundings) -> ChannelSpec:
    options = Options(section, ("channels", name), around)
    callback = callback_of(section, options)
    if callback is not None and file.base_url is None:
        text = f"the channel '{name}' wants to hear of final statuses, but base_url does not say where"
        around.findings.add(("channels", name), text, "write base_url: https://..., as the provider can reach it")
    return ChannelSpec(
        name,
        section.kind,
        options.url(),
        section.timeout,
        section.parallel,
        blind=section.kind in BLIND,
        limits=limits_of(section.limits, ZoneInfo(file.time_zone)),
        price=section.price,
        zalo=zalo_app(section, options, around),
        templates=templates_of(section),
        callback=callback,
        callback_base=(file.base_url or "").rstrip("/"),
    )


def _apprise(text: str, kind: str, around: Surroundings) -> Secret:
    secret = resolve(text, around.root, around.environ)
    scheme = secret.reveal().partition("://")[0].lower()
    if scheme not in SCHEMES[kind]:
        known = " or ".join(f"{name}://" for name in SCHEMES[kind])
        raise ValueError(f"is of kind {kind}, but its address does not begin with {known}; other addresses are refused")
    return secret


def build_addresses(file: SiteFile, channels: Mapping[str, ChannelSpec], around: Surroundings) -> Addresses:
    """The address of every recipient in every channel that needs one."""
    addresses: Addresses = {}
    for index, recipient in enumerate(file.recipients):
        at: Location = ("recipients", index)
        for channel, text in recipient.addresses.items():
            place = (*at, "addresses", channel)
            own = [name for _, name in recipient.names()]
            if channel not in own:
                around.findings.unknown(place, f"channel of '{recipient.id}'", channel, own)
                continue
            by_phone = channel in channels and channels[channel].kind in BY_PHONE
            take = partial(_address, text, by_phone, around)
            address = around.findings.attempt(place, f"the address of '{recipient.id}'", take)
            if address is not None:
                addresses[recipient.id, channel] = address
        _check_addresses(recipient, at, channels, around.findings)
    return addresses


def shared_telephones(addresses: Addresses, channels: Mapping[str, ChannelSpec]) -> dict[Address, Address]:
    """Of posts with one telephone number in a channel: the address of each later one -> that of the first."""
    first: dict[tuple[str, str], Address] = {}
    shared: dict[Address, Address] = {}
    for (who, channel), number in addresses.items():
        if channel in channels and channels[channel].kind in BY_PHONE:
            own = Address(who, channel)
            known = first.setdefault((channel, number.reveal()), own)
            shared |= {own: known} if known != own else {}
    return shared


def _address(reference: str, by_phone: bool, around: Surroundings) -> Secret:
    secret = resolve(reference, around.root, around.environ)
    return Secret(normal_phone(secret.reveal())) if by_phone else secret


def _check_addresses(
    recipient: RecipientSection, at: Location, channels: Mapping[str, ChannelSpec], findings: Findings
) -> None:
    for _, channel in recipient.names():
        spec = channels.get(channel)
        if spec is None or channel in recipient.addresses:
            continue
        wants = spec.kind not in ("log", "webhook") if spec.url is None else "{address}" in spec.url.reveal()
        if wants:
            text = f"the recipient '{recipient.id}' has no address for the channel '{channel}'"
            findings.add((*at, "channels"), text, f"write addresses: {{{channel}: ${{NAME}}}}")


def build_directory(file: SiteFile, people: tuple[Recipient, ...] = ()) -> Directory:
    """Recipients and policies, as the plan maker reads them; `people` are those of the directory file."""
    default = tuple(file.escalation.via)
    operator = file.operator
    return Directory(
        recipients=(*(_recipient(recipient, file) for recipient in file.recipients), *people),
        policies=tuple(_policy(policy, default) for policy in file.escalation.policies),
        roles={role: (names.vi, names.en) for role, names in file.roles.items()},
        base_url=(file.base_url or f"http://{file.listen}").rstrip("/"),
        operator_name=operator.name if operator else "",
        operator_hotline=operator.hotline if operator else "",
        collapses=tuple(
            Collapse(rule.criterion, Level(rule.at), rule.at_least, rule.share, rule.within, rule.wait, rule.total)
            for rule in file.escalation.collapse
        ),
        digests=build_digests(file),
    )


def _recipient(section: RecipientSection, file: SiteFile) -> Recipient:
    title = file.roles.get(section.role)
    name = section.name or (getattr(title, section.locale) if title else section.role)
    channels = tuple(name for _, name in section.names())
    return Recipient(
        section.id,
        section.role,
        section.scope,
        name,
        section.locale,
        channels,
        recoveries=section.recoveries,
        valid_from=section.valid_from,
        valid_to=section.valid_to,
        quiet=daily(section.quiet) if section.quiet else None,
        wake=section.wake,
        after=section.takeovers(),
    )


def _policy(section: PolicySection, default: tuple[str, ...]) -> Policy:
    return Policy(
        name=section.name,
        kinds=frozenset(Kind(kind) for kind in section.kinds),
        steps=tuple(_step(step, default) for step in section.steps),
        levels=frozenset(Level(level) for level in section.levels),
        criteria=frozenset(section.criteria),
        terms=TermsSpec(
            section.close_after,
            section.review,
            section.ack_expires,
            section.ack_remind,
            {party: tuple(roles) for party, roles in section.answers.items()},
        ),
    )


def _step(section: Step, default: tuple[str, ...]) -> StepSpec:
    return StepSpec(
        after=section.after,
        to=tuple(section.to),
        via=default if section.via is None else tuple(section.via),
        repeat=section.repeat,
        office_hours=section.office_hours,
        reminders=section.reminders,
        hours=daily(section.hours) if section.hours else None,
        colours=frozenset(Colour(colour) for colour in section.colours),
        still=section.only_if == "still",
    )
