"""What became of a message, told by its provider: a signed address for those who can only call it (eSMS), a signed
body for those who post (Zalo). Whoever cannot show a signature learns nothing, not even whether a channel exists.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web

from monitor.adapters.transports.callback import esms_status, signed, zalo_signed, zalo_told
from monitor.config.secrets import Secret
from monitor.config.spec import ChannelSpec
from monitor.model.errors import StoreError
from monitor.web.api import answer
from monitor.web.keys import SERVICE
from monitor.web.problems import Problem
from monitor.web.query import body_of

_NAME = 100  # characters of a provider's name for a message


async def told(request: web.Request) -> web.Response:
    """A call by GET: `ref` and `sig` are ours, all other parameters the gateway's. HEAD changes nothing."""
    channel, secret = _channel(request)
    name = request.query.get("ref", "")[:_NAME]
    if not signed(secret, channel.id, name, request.query.get("sig", "")):
        raise _nothing()
    final = esms_status(request.query)
    return await _note(request, [(channel, name)], final if request.method == "GET" else "")


async def posted(request: web.Request) -> web.Response:
    """A webhook of Zalo, for all channels of its Official Account: an app has one address for all of its events.

    Events that say nothing about a delivery are accepted and forgotten.
    """
    channel, secret = _channel(request)
    body = await body_of(request)
    event = _event(body)
    stamp, presented = str(event.get("timestamp", "")), request.headers.get("X-ZEvent-Signature", "")
    app = channel.zalo.app_id if channel.zalo is not None else ""
    if not zalo_signed(secret, app, body, stamp, presented):
        raise _nothing()
    final, names = zalo_told(event)
    told = [(one, name[:_NAME]) for name in names for one in _of_account(request, app, secret)]
    return await _note(request, told, final)


def _channel(request: web.Request) -> tuple[ChannelSpec, Secret]:
    spec = request.app[SERVICE].site.channels.get(request.match_info["id"])
    if spec is None or spec.callback is None:
        raise _nothing()
    return spec, spec.callback


def _nothing() -> Problem:
    return Problem(404, "receipt", "there is nothing here")


def _event(body: bytes) -> Mapping[str, object]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):  # read before its signature is: anybody may send it
        raise _nothing() from None
    if not isinstance(found, dict):
        raise _nothing()
    return found


def _of_account(request: web.Request, app: str, secret: Secret) -> list[ChannelSpec]:
    """The channels whose webhooks are signed in the same way."""
    channels = (one for one in request.app[SERVICE].site.channels.values() if one.zalo and one.zalo.app_id == app)
    return [one for one in channels if one.callback and one.callback.reveal() == secret.reveal()]


async def _note(request: web.Request, told: list[tuple[ChannelSpec, str]], final: str) -> web.Response:
    """Take in what became of these messages, by their names in these channels."""
    sender, known = request.app[SERVICE].sender, False
    try:
        for channel, name in told if final else ():
            known |= bool(name) and await sender.heard_later(channel.id, name, final)
    except StoreError:
        raise Problem(503, "store", "cannot be written now; call again") from None
    return answer({"heard": final if known else ""})
