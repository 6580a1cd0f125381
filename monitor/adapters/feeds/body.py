"""The bytes of an answer before any format: what it is not, and its text."""

from __future__ import annotations

from collections.abc import Mapping

_BOM = b"\xef\xbb\xbf"
_LOOKED_AT = 2048  # bytes in which a page says that it is one
_CUT = ("unexpected end of data", "truncated data")
_MARKS = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script")


class Unreadable(Exception):
    """The answer as a whole cannot be used; the text says why. Never leaves the feeds."""

    stage = "read"  # as Collected.stage


class NotFetched(Unreadable):
    """There is no answer, or no whole one."""

    stage = "fetch"


def read_text(body: bytes, headers: Mapping[str, str], encoding: str, wanted: str) -> str:
    """The whole answer as text. `wanted` names the format for the sentence. Raises Unreadable."""
    if not body.strip():
        raise Unreadable("the answer is empty")
    if is_html(body, headers):
        raise Unreadable(f"not {wanted}: looks like an HTML page")
    try:
        return _decoded(body.removeprefix(_BOM) if encoding == "utf-8" else body, encoding)
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"not {encoding} text: byte {error.start + 1} in line {line} does not fit") from None
    except LookupError:
        raise Unreadable(f"the encoding '{encoding}' is not known") from None


def _decoded(body: bytes, encoding: str) -> str:
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        if error.reason not in _CUT or error.end < len(body):
            raise
        # Cut within its last letter: what stands before is whole, and the last cell shows the damage.
        return body[: error.start].decode(encoding) + "\ufffd"


def is_html(body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether this is a web page, whatever it was announced as: a login page comes with status 200."""
    head = body[:_LOOKED_AT].removeprefix(_BOM).lstrip().lower()
    if not head.startswith(b"<"):
        return False
    return headers.get("content-type", "").lower().startswith("text/html") or any(mark in head for mark in _MARKS)
