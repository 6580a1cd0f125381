"""Hostile tables: answers within the bytes that a feed reads, made to keep its reader busy or to fill the memory."""

from __future__ import annotations

from collections.abc import Mapping

from tests.unit.workbooks import changed, in_sheet, workbook

MOST = 4 * 1024 * 1024  # bytes: what a feed reads unless `max_bytes` says otherwise


def _filled(head: bytes, piece: bytes, tail: bytes) -> bytes:
    return head + piece * ((MOST - len(head) - len(tail)) // len(piece)) + tail


def _rows(count: int) -> bytes:
    row = b'{"code": "02143", "ratio": 5, "name": "Xa Van Lang", "a": 1.5, "b": 2.5, "c": null, "d": true, "e": ""}'
    return b'{"rows": [' + b", ".join([row] * count) + b"]}"


def _wide_workbook() -> bytes:
    many = b"<row>" + b"<c><v>1</v></c>" * 1000 + b"</row>"
    book = workbook(("1", [("code", "ratio"), ("02143", 5)]))
    return changed(book, in_sheet(b"</sheetData>", many * 1500 + b"</sheetData>"))


TABLES: Mapping[str, tuple[str, bytes]] = {
    "lists": ("json", _filled(b'{"rows": [', b"[],", b"[]]}")),
    "numbers": ("json", _filled(b'{"rows": [', b"0,", b"0]}")),
    "floats": ("json", _filled(b'{"rows": [', b"1e300,", b"0]}")),
    "texts": ("json", _filled(b'{"rows": [', b'"",', b'""]}')),
    "objects": ("json", _filled(b'{"rows": [', b"{},", b"{}]}")),
    "keys": ("json", b'{"rows": [{' + b", ".join(b'"%d": 0' % key for key in range(300_000)) + b"}]}"),
    "a million values": ("json", b'{"rows": [[' + b"[]," * 330_000 + b"[]]]}"),
    "20,000 rows": ("json", _rows(20_000)),
    "depth": ("json", _filled(b"", b"[", b"")),
    "a text of blanks": ("json", _filled(b'{"rows": [{"code": "', b" a", b'"}]}')),
    "a text of marks": ("json", _filled(b'{"rows": [{"code": "', "\u0301\u0316".encode(), b'"}]}')),
    "digits": ("json", _filled(b'{"rows": [{"code": "02143", "ratio": 0.', b"1", b"}]}")),
    "query: lists": ("promql", _filled(b'{"status": "success", "data": {"result": [', b"[],", b"0]}}")),
    "query: a warning": ("promql", b'{"status": "success", "warnings": [[' + b"[]," * 330_000 + b"[]]]}"),
    "rows": ("csv", _filled(b"code,ratio\n", b"02143,5\n", b"")),
    "100,000 rows": ("csv", b"code,ratio\n" + b"02143,5\n" * 100_000),
    "blank lines": ("csv", _filled(b"code,ratio\n", b"\n", b"")),
    "columns": ("csv", _filled(b"code", b",", b"\n")),
    "cells": ("csv", _filled(b"code,ratio\n02143", b",", b"\n")),
    "quotation marks": ("csv", _filled(b'code,ratio\n"', b'""', b"")),
    "lines": ("prometheus", _filled(b"", b"a 1\n", b"")),
    "samples": ("prometheus", b'ratio{code="02143"} 1\n' * 150_000),
    "labels": ("prometheus", _filled(b"ratio{", b'a="",', b"} 1\n")),
    "a wide sheet": ("xlsx", _wide_workbook()),
}  # fmt: skip
