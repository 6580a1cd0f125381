"""What became of a message, told by its provider: a signed address for those who can only call it (eSMS), a signed
body for those who post (Zalo). Whoever cannot show a signature learns nothing, not even whether a channel exists.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web

from monitor.adapters.transports.callback import esms_status, signed, zalo_signed
from monitor.config.secrets import Secret
from monitor.config.spec import ChannelSpec
from monitor.model.errors import StoreError
from monitor.model.incident import DELIVERED
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
    return await _note(request, channel, name, final if request.method == "GET" else "")


async def posted(request: web.Request) -> web.Response:
    """A webhook of Zalo. Events that say nothing about a delivery are accepted and forgotten."""
    channel, secret = _channel(request)
    body = await body_of(request)
    event = _event(body)
    stamp, presented = str(event.get("timestamp", "")), request.headers.get("X-ZEvent-Signature", "")
    app = channel.zalo.app_id if channel.zalo is not None else ""
    if not zalo_signed(secret, app, body, stamp, presented):
        raise _nothing()
    message = event.get("message")
    fields = message if isinstance(message, dict) else {}
    name = str(fields.get("tracking_id") or fields.get("msg_id") or "")[:_NAME]
    return await _note(request, channel, name, DELIVERED if event.get("event_name") == "user_received_message" else "")


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


async def _note(request: web.Request, channel: ChannelSpec, name: str, final: str) -> web.Response:
    if not final or not name:
        return answer({"heard": ""})
    try:
        known = await request.app[SERVICE].sender.heard_later(channel.id, name, final)
    except StoreError:
        raise Problem(503, "store", "cannot be written now; call again") from None
    return answer({"heard": final if known else ""})
