"""JSON feeds: strict JSON, rows by JMESPath, a clear sentence for everything else."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.adapters.feeds import json as json_feed
from monitor.adapters.feeds.body import Unreadable
from monitor.config.spec import Column
from tests.unit.feed_frames import feed_spec, parsed, refusals, values

SPEC = feed_spec("json")
PORTAL = feed_spec(
    "json",
    Column("rate", "metrics[?code=='2.1'].ratio | [0]", "metrics[?code=='2.1'].numerator | [0]"),
    rows="data.evaluation[?childGroup=='COMMUNE']",
    unit="departmentCode",
    mapping={"H19.02": "02143"},
)


def failure(body: str | bytes, spec=SPEC, **headers: str) -> str:
    collected = parsed(spec, body, **headers)
    assert collected.readings == () and collected.rejected == ()
    assert collected.failure.startswith("feed portal: ")
    return collected.failure


def test_rows_units_and_values_are_found_by_their_paths():
    body = """{"data": {"evaluation": [
      {"departmentCode": "H19.S01", "childGroup": "AGENCY", "metrics": []},
      {"departmentCode": "H19.02", "childGroup": "COMMUNE", "metrics": [
        {"code": "1.4", "ratio": 1}, {"code": "2.1", "ratio": 96.5, "numerator": "193"}]}]}}"""
    collected = parsed(PORTAL, body)
    assert values(collected) == {("02143", "rate"): 96.5}
    assert collected.readings[0].numerator == 193
    assert collected.rejected == ()


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/json"])
def test_a_login_page_is_no_data_whatever_it_calls_itself(kind):
    page = "\ufeff\n<!DOCTYPE html><html><title>Đăng nhập</title></html>"
    assert failure(page, content_type=kind) == "feed portal: not JSON: looks like an HTML page"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "the answer is empty"),
        (" \n ", "the answer is empty"),
        ('{"rows": [{"code": "02143", "ra', "cut off"),
        ('{"rows": [{"code": "02143"}', "cut off"),
        ('{"rows": []} trailing', "Extra data in line 1, column 14"),
        ('{"rows": [{"code": "02143", "ratio": NaN}]}', "NaN is not a number of JSON"),
        ('{"rows": [{"code": "02143", "ratio": -Infinity}]}', "-Infinity is not a number of JSON"),
        ("[" * 200_000, "nested too deeply"),
        ('{"rows": ' + "9" * 5_000 + "}", "not usable JSON"),
        ('{"rows": {"code": "02143"}}', "'rows' gives an object, not a list"),
        ("[]", "'rows' gives nothing, not a list"),
        ('{"rows": 1, "rows": 2}', "a key 'rows' that stands twice"),
        ("Service Unavailable", "not JSON"),
    ],
)
def test_what_cannot_be_used_as_a_whole_is_one_clear_sentence(body, said):
    assert said in failure(body)


@pytest.mark.parametrize("encoding", ["cp1258", "utf-16"])
def test_another_encoding_than_the_declared_is_named_with_the_byte(encoding):
    body = '{"rows":\n [{"code": "Xã Văn Lang"}]}'.encode(encoding, errors="replace")
    assert "not utf-8 text: byte" in failure(body)


def test_a_byte_order_mark_is_no_mistake():
    assert values(parsed(SPEC, '\ufeff{"rows": [{"code": "19", "ratio": 5}]}')) == {("19", "rate"): 5}


def test_no_rows_is_an_answer_and_nobody_is_refused():
    collected = parsed(SPEC, '{"rows": []}')
    assert (collected.failure, collected.readings, collected.rejected) == ("", (), ())


def test_too_many_rows_are_refused_together(monkeypatch):
    monkeypatch.setattr(json_feed, "MAX_ROWS", 2)
    assert "3 rows are more than the 2" in failure('{"rows": [{}, {}, {}]}')


@pytest.mark.parametrize("ratio", ["1e999", "-1e999", "1" + "0" * 400])
def test_a_number_beyond_all_numbers_is_not_a_number(ratio):
    collected = parsed(SPEC, f'{{"rows": [{{"code": "19", "ratio": {ratio}}}, {{"code": "02143", "ratio": 1}}]}}')
    assert values(collected) == {("02143", "rate"): 1}
    assert refusals(collected) == [("rows[0]", "not-a-number")]


def test_a_key_that_stands_twice_with_different_values_spoils_its_cell_only():
    spec = feed_spec("json", Column("rate", "ratio"), Column("overdue", "late"))
    collected = parsed(spec, '{"rows": [{"code": "19", "ratio": 5, "late": 1, "ratio": 95}]}')
    assert values(collected) == {("19", "overdue"): 1}
    assert refusals(collected) == [("rows[0]", "duplicate")]
    assert "the key 'ratio' stands twice" in collected.rejected[0].detail


def test_a_unit_that_stands_twice_spoils_its_row():
    collected = parsed(SPEC, '{"rows": [{"code": "19", "code": "02143", "ratio": 5}]}')
    assert refusals(collected) == [("rows[0]", "duplicate")]


@pytest.mark.parametrize("row", ["null", "5", '"02143"', "[]"])
def test_a_row_that_is_no_object_is_refused(row):
    assert refusals(parsed(SPEC, f'{{"rows": [{row}]}}'))[0] == ("rows[0]", "bad-row")


@pytest.mark.parametrize(("ratio", "sort"), [("[1, 2]", "a list"), ('{"value": 5}', "an object"), ("true", "true")])
def test_a_cell_that_is_no_single_value_is_refused(ratio, sort):
    collected = parsed(SPEC, f'{{"rows": [{{"code": "19", "ratio": {ratio}}}]}}')
    assert refusals(collected)[0] == ("rows[0]", "not-a-number")
    assert sort in collected.rejected[0].detail


def test_a_path_that_does_not_fit_what_is_there_spoils_the_cell():
    spec = feed_spec("json", Column("rate", "to_number(ratio)"), Column("overdue", "length(ratio)"))
    collected = parsed(spec, '{"rows": [{"code": "19", "ratio": 5}]}')
    assert values(collected) == {("19", "rate"): 5}
    assert refusals(collected) == [("rows[0]", "bad-row")]


def test_rows_of_a_winding_path_are_counted_as_people_count():
    collected = parsed(feed_spec("json", rows="rows[?ratio]"), '{"rows": [{"code": "x", "ratio": 5}]}')
    assert refusals(collected) == [("row 1", "unknown-unit")]


def test_more_values_than_are_read_are_refused_before_any_is_read(monkeypatch):
    """A few megabytes of "[]," would hold up every other check for half a second and fill the memory."""
    monkeypatch.setattr(json_feed, "MAX_VALUES", 6)
    assert values(parsed(SPEC, '{"rows": [{"code": "02143", "ratio": 5}, []]}'))
    said = "7 commas and brackets are more than the 6 that are read"
    assert said in failure('{"rows": [{"code": "02143", "ratio": 5}, [], 0]}')


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"rows": "rows[?ratio == `5`]"}, '{"rows": [' + "0, " * 1000 + "0]}"),
        ({"unit": "code | [@, @] | join('', @) | [@, @] | join('', @)"}, f'{{"rows": [{{"code": "{"x" * 9000}"}}]}}'),
        ({}, '{"rows": [' + '{"code": "19", "ratio": 5}, ' * 600 + "{}]}"),  # each of them takes a few
    ],
)
def test_what_takes_too_many_steps_ends_the_answer_with_one_sentence(monkeypatch, fields, body):
    monkeypatch.setattr(json_feed, "MAX_STEPS", 1000)
    spec = feed_spec("json", **fields)
    assert "the answer takes more than 1000 steps of its paths, the last one of '" in failure(body, spec)


def test_twenty_columns_of_the_longest_table_are_far_from_too_many_steps(monkeypatch):
    columns = tuple(Column("rate", f"metrics[?code=='{number}'].ratio | [0]") for number in range(20))
    row = {"code": "19", "metrics": [{"code": str(number), "ratio": 5} for number in range(20)]}
    most = json_feed.MAX_STEPS * 20 // json_feed.MAX_ROWS
    monkeypatch.setattr(json_feed, "MAX_STEPS", most)
    assert parsed(feed_spec("json", *columns), json.dumps({"rows": [row] * 20})).failure == ""


@pytest.mark.parametrize("piece", ["0", "1e300", '""', "[]", "{}", "true", '{"a": 0}', "[[0]]"])
def test_other_threads_have_their_turn_while_a_long_document_is_read(piece):
    """One call of the C reader keeps the interpreter from all else; Python code gives way every few milliseconds."""
    text = "[" + ", ".join([piece] * (2 * json_feed.AT_ONCE)) + "]"
    assert turns(text) > json_feed.AT_ONCE


def turns(text: str) -> int:
    """How often Python code is entered while a document is read."""
    entered = 0

    def count(_frame: object, event: str, _found: object) -> None:
        nonlocal entered
        entered += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        json_feed.load(text)
    finally:
        sys.setprofile(before)
    return entered


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=4),
    max_leaves=12,
)


@given(document=JSON, cut=st.integers(0, 60), twice=st.booleans())
@example(document={"a": 1}, cut=1, twice=True)
def test_a_long_document_is_read_as_a_short_one_is(document, cut, twice):
    """The same value, or the same sentence: also of what is cut, no JSON, or stands twice."""
    text = json.dumps(document, ensure_ascii=False)
    text = f'{{"a": {text}, "a": [1]}}' if twice else text
    text = text[: len(text) - cut] if cut < 20 else text
    assert _said(text, json_feed.AT_ONCE) == _said(text, -1)


def _said(text: str, at_once: int) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_feed, "AT_ONCE", at_once)
        try:
            return repr(json_feed.load(text))
        except Unreadable as error:
            return str(error)
