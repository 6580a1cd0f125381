"""The inner parts of the client library that the fetcher leans on (monitor/adapters/fetch_wire.py, fetch_line.py).

They are not public. An upgrade that moves one fails here, with the part's name, before it fails anywhere else.
"""

from __future__ import annotations

import asyncio
import inspect
import logging

import pytest
from aiohttp.client_proto import ResponseHandler

from monitor.adapters import fetch_cookies

ASKED = ("read", "set_response_params", "start_timeout", "should_close", "closed", "exception", "is_connected", "abort")
LET_GO = ("_parser", "_payload", "_buffer", "transport")
TOLD = ("connection_made", "connection_lost", "data_received", "eof_received", "pause_reading", "resume_reading")
SETTINGS = ("skip_payload", "read_until_eof", "auto_decompress", "read_timeout", "read_bufsize")


def moved(what: str) -> str:
    return f"aiohttp's ResponseHandler has no {what} any more: see monitor/adapters/fetch_line.py and fetch_wire.py"


@pytest.mark.parametrize("name", ASKED + TOLD)
def test_the_protocol_has_what_is_asked_of_it(name: str) -> None:
    assert hasattr(ResponseHandler, name), moved(name)


@pytest.mark.parametrize("name", LET_GO)
async def test_the_protocol_keeps_its_answer_where_it_is_let_go_of(name: str) -> None:
    wire = ResponseHandler(asyncio.get_running_loop())
    assert hasattr(wire, name), moved(name)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_question_can_be_set_as_it_is(name: str) -> None:
    assert name in inspect.signature(ResponseHandler.set_response_params).parameters, moved(f"setting {name}")


async def test_what_comes_while_no_question_is_open_is_noticed() -> None:
    wire = ResponseHandler(asyncio.get_running_loop())
    wire._buffer = ()  # type: ignore[assignment]  # as that of an idle connection
    assert not wire.should_close, "aiohttp takes an idle connection for one that is to be closed"
    wire.data_received(b"HTTP/1.1 200 OK\r\n\r\n")
    assert wire.should_close, "aiohttp does not notice any more that something was said unasked"


async def test_a_body_without_a_length_that_ends_by_a_reset_leaves_the_error_at_the_protocol() -> None:
    wire = ResponseHandler(asyncio.get_running_loop())
    wire.set_response_params(read_until_eof=True, auto_decompress=False)
    wire.data_received(b"HTTP/1.1 200 OK\r\n\r\nhalf")
    _, body = await wire.read()
    wire.connection_lost(ConnectionResetError(104, "reset"))
    assert await body.read() == b"half"
    assert isinstance(wire.exception(), OSError), "aiohttp does not say any more that a body was cut by a reset"


def test_the_library_still_names_itself_where_its_quotes_are_kept_out_of_the_log() -> None:
    from aiohttp import _cookie_helpers, cookiejar, log

    modules = {module.__name__.rpartition(".")[2] for module in (_cookie_helpers, cookiejar)}
    assert modules == fetch_cookies.WHO_QUOTES, "aiohttp logs cookies elsewhere: see monitor/adapters/fetch_cookies.py"
    assert log.internal_logger is logging.getLogger("aiohttp.internal")
