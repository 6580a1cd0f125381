"""Whatever bytes arrive: parsing ends with a value, and nothing that it lets through is unbelievable."""

from __future__ import annotations

import contextlib
import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.adapters.feeds import xlsx
from monitor.adapters.feeds.body import Unreadable
from monitor.config import workbook as reading
from monitor.config.spec import AsOf, Column, FeedSpec, Portal
from monitor.model.reading import Collected
from tests.unit.feed_frames import FRAME, NOW, feed_spec, parsed, sound
from tests.unit.fuzz_corpus import inputs
from tests.unit.workbooks import changed, workbook

COLUMNS = (
    Column("rate", "ratio", "n", "d"),
    Column("overdue", "late"),
    Column("staffed", "staff", words={"đủ": True, "thiếu": False}),
)
SPECS = {
    "json": feed_spec("json", *COLUMNS, as_of=AsOf.FIELD, as_of_field="at"),
    "csv": feed_spec("csv", *COLUMNS, as_of=AsOf.FIELD, as_of_field="at", delimiter=";", decimal=","),
    "prometheus": feed_spec("prometheus", *COLUMNS, as_of=AsOf.FETCH),
    "promql": feed_spec("promql", *COLUMNS, as_of=AsOf.FETCH),
    "portal_1": feed_spec(
        "portal766", Column("rate", "CKMB"), Column("overdue", "ROW_STT"),
        unit="ID", mapping={"7": "02143", "8": "01840"}, portal=Portal(1, "398126", "it@example.vn"),
    ),
    "portal_2": feed_spec(
        "portal766", Column("rate", "2.1"), Column("other_rate", "CKMB"), Column("overdue", "totalOverdue"),
        unit="departmentCode", mapping={"H1": "02143", "H": "19"}, portal=Portal(2, "-", "it@example.vn"),
    ),
}  # fmt: skip
GOOD = {
    "json": json.dumps(
        {"rows": [
            {"code": "02143", "at": "2026-11-21T08:00:00+07:00", "ratio": 68.91, "n": "63", "d": 92,
             "late": 3, "staff": "đủ"},
            {"code": "01840", "at": "20/11/2026", "ratio": ">80 %", "n": None, "d": 9, "late": "1e2", "staff": "thiếu"},
        ]}, ensure_ascii=False,
    ).encode(),
    "csv": (
        "code;at;ratio;n;d;late;staff\n02143;21/11/2026;68,91 %;63;92;3;đủ\n"
        '01840;2026-11-20;~63/92;;;"1.200";thiếu\n'
    ).encode("utf-8-sig"),
    "prometheus": (
        b'# TYPE ratio gauge\nratio{code="02143"} 68.91\nlate{code="02143"} 3 1795237200000\nstaff{code="01840"} 1\n'
    ),
    "promql": (
        b'{"status": "success", "warnings": [], "data": {"resultType": "vector", "result": ['
        b'{"metric": {"code": "02143"}, "value": [1795237200.5, "5"]}, '
        b'{"metric": {"code": "01840"}, "value": [1795237200.5, "NaN"]}]}}'
    ),
    "portal_1": (
        b'[{"ID": "7", "TEN": "x", "ROW_STT": "3", "CAPDONVIID": "2", "CKMB": "17.5"}, {"ID": "9", "CAPDONVIID": "1"},'
        b' {"ID": "8", "ROW_STT": null, "CAPDONVIID": "2", "CKMB": "18"}]'
    ),
    "portal_2": (
        b'{"data": {"totalPages": 1, "overview": {"departmentCode": "H", "groupScores": {"CKMB": 17}}, "evaluation": ['
        b'{"departmentCode": "H1", "childGroup": "COMMUNE", "totalOverdue": 3, '
        b'"groupScores": [{"code": "CKMB", "score": 9}], "metrics": ['
        b'{"code": "2.1", "ratio": 62.5, "numerator": "5", "denominator": 8, "score": 1}]},'
        b' {"departmentCode": "H2", "childGroup": "AGENCY"}]}}'
    ),
}  # fmt: skip
GIVE = {"json": 6, "csv": 6, "prometheus": 2, "promql": 2, "portal_1": 3, "portal_2": 4}  # readings
HARSH = [
    b"\x00", b"\xff\xfe", b'"', b"\n", b";", b"{", b"[", b"}", b"\\", b"\\ud800", b"1e999", b"-", b"NaN", b"null",
    b"\xef\xbb\xbf", b"9" * 400, b"9" * 5000, b"[" * 3000, "٣".encode(), b"9999-12-31", b"0001-01-01T00:00:00-23:59",
    b"'", b"02143", b"code", b"rows", b" ", b"\r", b"<html>", b"0/0", b"1/", b"=cmd|' /C calc'!A0",
]  # fmt: skip
KINDS = pytest.mark.parametrize("kind", list(SPECS))


def check(spec: FeedSpec, body: bytes) -> Collected:
    return sound(spec, parsed(spec, body))


@st.composite
def spoilt(draw: st.DrawFn, good: bytes) -> bytes:
    """A good answer after some cuts and insertions."""
    body = good
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        stop = min(len(body), start + draw(st.integers(0, 12)))
        piece = draw(st.one_of(st.binary(max_size=6), st.sampled_from(HARSH)))
        body = body[:start] + piece + body[stop:]
    return body


@KINDS
def test_the_unspoilt_answers_are_good(kind):
    collected = check(SPECS[kind], GOOD[kind])
    assert len(collected.readings) == GIVE[kind]


@KINDS
def test_what_the_fuzzer_once_found_does_not_break_them(kind):
    kept = inputs(kind)
    assert kept
    for body in kept:
        check(SPECS[kind], body)


@KINDS
@given(body=st.binary(max_size=400))
def test_arbitrary_bytes_are_never_more_than_a_bad_answer(kind, body):
    check(SPECS[kind], body)


@KINDS
@given(text=st.text(alphabet='{}[]",:;\n\\=# 0123456789.eE+-/>~%coderatio', max_size=200))
def test_text_of_the_formats_own_letters_does_not_break_them(kind, text):
    check(SPECS[kind], text.encode())


@KINDS
@settings(max_examples=300)
@given(data=st.data())
def test_a_spoilt_good_answer_does_not_break_them(kind, data):
    check(SPECS[kind], data.draw(spoilt(GOOD[kind])))


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.lists(st.none(), max_size=2),
    st.sampled_from(["63/92", "137,5 %", ">80", "0/0", "1e400", "đủ", "21/11/2026", "31/02/2026", "\ud800", "02143"]),
)  # fmt: skip


@given(st.lists(st.dictionaries(st.sampled_from(["at", "ratio", "n", "d", "late", "staff"]), CELLS), max_size=6))
def test_rows_of_a_known_unit_with_any_cells_do_not_break_them(rows):
    for row in rows:
        row.setdefault("at", "20/11/2026")
    check(SPECS["json"], json.dumps({"rows": [{"code": "02143", **row} for row in rows]}).encode())


# -- workbooks: the guard on bytes, the tables on cells; a few examples take the whole way through the process ---------

SHEETS = feed_spec("xlsx", *COLUMNS, as_of=AsOf.FIELD, as_of_field="at", aliases={"code": ("mã", "ma")})
HEADER = ("Mã", "at", "ratio", "n", "d", "late", "staff")
BOOK = workbook(
    ("1", [("BÁO CÁO",), (), HEADER, ("02143", date(2026, 11, 20), 68.91, 63, 92, 3, "đủ")]),
    merged=[(3, 1, 4, 1, "20/11/2026")],
)  # fmt: skip
SHAPES = st.one_of(
    CELLS.filter(lambda cell: not isinstance(cell, list)),
    st.sampled_from([{"date": "2026-11-20"}, {"date": "9999-12-31T00:00:00"}, {"time": "8:30"}, *HEADER, 45977]),
)
CORNERS = st.tuples(*[st.integers(0, 6)] * 4)
AREAS = CORNERS.map(lambda c: (min(c[0], c[2]), min(c[1], c[3]), max(c[0], c[2]), max(c[1], c[3])))


@given(
    rows=st.dictionaries(st.integers(2, 8), st.lists(SHAPES, min_size=1, max_size=8), max_size=5),
    header=st.permutations(HEADER),
    merged=st.lists(AREAS, max_size=4),
)
def test_any_cells_under_a_header_do_not_break_a_workbook(rows, header, merged):
    sheet = {"name": "1", "rows": [(1, header), *sorted(rows.items())], "merged": merged}
    try:
        collected = xlsx.read(
            SHEETS, {"sheets": [sheet], "missing": [], "from_1904": False, "names": ["1"]}, NOW, FRAME
        )
    except Unreadable:
        return  # the header itself was merged away
    sound(SHEETS, collected)


def test_what_the_fuzzer_once_found_is_only_ever_refused_as_a_workbook():
    kept = inputs("workbook")
    assert kept
    for body in kept:
        with contextlib.suppress(reading.Refused):
            reading.guard(body)


@settings(max_examples=300)
@given(spoilt(BOOK))
def test_the_guard_of_workbooks_only_ever_refuses(body):
    with contextlib.suppress(reading.Refused):
        reading.guard(body)


@settings(max_examples=20)
@given(part=st.sampled_from(["workbook.xml", "sheet1.xml", "sharedStrings.xml", "styles.xml"]), data=st.data())
def test_a_workbook_with_a_spoilt_part_is_never_more_than_a_bad_answer(part, data):
    def spoil(name: str, content: bytes) -> bytes:
        return data.draw(spoilt(content)) if name.endswith(part) else content

    check(SHEETS, changed(BOOK, spoil))
