"""Blocks of lines as Prometheus text and OpenMetrics: read back as they were written, plain and packed."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from monitor.model.catalogue import CATALOGUE
from monitor.reporting.exposition import (
    END,
    Family,
    gzipped,
    head,
    pack,
    rendered,
    wants_gzip,
    wants_openmetrics,
)

INFO, VALUE = CATALOGUE["denbao_unit_info"], CATALOGUE["denbao_indicator_value"]
SCORE = CATALOGUE["denbao_unit_score_ratio"]
# Whatever a name may hold: quotes, backslashes, line ends of all sorts, control characters, other planes.
texts = st.text(st.characters(codec="utf-8") | st.sampled_from('\\"\n{}=,# \r\x00\x0b\x85\u2028'))
figures = st.floats(allow_nan=False) | st.integers(-(2**53), 2**53)


@given(st.lists(texts, unique=True, max_size=20))
def test_any_name_is_read_back_letter_for_letter_in_both_formats(names):
    samples = [((("unit", str(number)), ("name", name)), 1) for number, name in enumerate(names)]
    lines = rendered(INFO.name, samples).decode()
    assert lines.count("\n") == len(names)
    for openmetrics, parse in ((False, parse_text), (True, parse_openmetrics)):
        end = END.decode() if openmetrics else ""
        found = list(parse(head(INFO, openmetrics=openmetrics).decode() + lines + end))
        assert [sample.labels["name"] for family in found for sample in family.samples] == names


@given(figures)
def test_any_number_is_read_back_exactly(figure):
    line = rendered(VALUE.name, [((("unit", "1"), ("indicator", "a")), figure)]).decode()
    [family] = parse_text(line)
    assert [sample.value for sample in family.samples] == [figure]


def test_what_is_no_number_is_written_as_prometheus_writes_it():
    assert rendered("a", [((), math.nan), ((), math.inf), ((), -math.inf)]) == b"a NaN\na +Inf\na -Inf\n"


def test_a_lone_surrogate_costs_a_letter():
    assert rendered("a", [((("name", "Xã \ud800"),), 1)]) == 'a{name="Xã ?"} 1\n'.encode()


steps = st.lists(
    st.tuples(st.integers(0, 60), st.lists(st.floats(0, 1), max_size=3), st.booleans()), min_size=1, max_size=120
)


@given(steps)
def test_a_packed_family_says_at_every_moment_what_the_plain_one_says(changes):
    family, truth = Family(VALUE, {key: key for key in range(61)}), dict[int, int]()
    for key, values, look in changes:
        truth[key] = len(values)
        family.put(key, [((("unit", f"{key}"), ("indicator", f"i{n}" * 40)), value) for n, value in enumerate(values)])
        if look:
            assert gzip.decompress(gzipped([family.packed()])) == b"".join(family.text())
    assert gzip.decompress(gzipped([family.packed()])) == b"".join(family.text())
    assert family.series == sum(truth.values()) == b"".join(family.text()).count(b"\n")


def test_the_packed_page_is_one_member_because_browsers_and_curl_read_only_the_first():
    packed = gzipped([pack(b"a 1\n" * 1000), pack(b"b 2\n"), pack(b"")])
    reader = zlib.decompressobj(31)
    assert reader.decompress(packed) == b"a 1\n" * 1000 + b"b 2\n"
    assert reader.eof and reader.unused_data == b""


def test_only_what_changed_is_packed_anew(monkeypatch: pytest.MonkeyPatch):
    family, packed = Family(VALUE, {key: key for key in range(100)}), list[int]()

    def block(value: float) -> list[tuple[tuple[tuple[str, str], ...], float]]:
        return [((("unit", "1"), ("indicator", f"indicator-{n}")), value) for n in range(100)]

    for key in range(100):
        family.put(key, block(0.0))
    family.packed()
    counted = pack

    def counting(text: bytes) -> object:
        packed.append(len(text))
        return counted(text)

    monkeypatch.setattr("monitor.reporting.exposition.pack", counting)
    family.put(50, block(0.0))
    family.packed()
    assert packed == []
    family.put(50, block(1.0))
    family.packed()
    assert len(packed) == 1 and packed[0] < 20_000


def test_blocks_stand_in_the_order_of_their_places_whenever_they_came():
    family = Family(VALUE, {"a": 0, "b": 1, "c": 2})
    for key in ("c", "a", "b", "a"):
        family.put_lines(key, f"{key} 1\n".encode())
    assert b"".join(family.text()) == b"a 1\nb 1\nc 1\n"
    with pytest.raises(KeyError):
        family.put_lines("d", b"d 1\n")


def test_heads_tell_kind_help_and_unit_as_each_format_wants_them():
    assert head(SCORE, openmetrics=False).decode() == (
        "# HELP denbao_unit_score_ratio Weighted score of the known criteria, 0 to 1.\n"
        "# TYPE denbao_unit_score_ratio gauge\n"
    )
    assert head(SCORE, openmetrics=True).decode() == (
        "# TYPE denbao_unit_score_ratio gauge\n"
        "# HELP denbao_unit_score_ratio Weighted score of the known criteria, 0 to 1.\n"
        "# UNIT denbao_unit_score_ratio ratio\n"
    )
    assert head(INFO, openmetrics=False).splitlines()[1] == b"# TYPE denbao_unit_info gauge"
    assert head(INFO, openmetrics=True).splitlines()[0] == b"# TYPE denbao_unit info"


PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;"
    "version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
WANTED: Mapping[str, bool] = {
    PROMETHEUS_2: True,
    PROMETHEUS_3: True,
    "text/plain;version=0.0.4;q=1,*/*;q=0.1": False,  # VictoriaMetrics
    "text/html,application/xhtml+xml,*/*;q=0.8": False,  # a browser
    "application/openmetrics-text": True,
    "application/openmetrics-text;version=0.0.1": False,
    "application/openmetrics-text;q=0, text/plain": False,
    "application/openmetrics-text;q=many": False,
    "*/*": False,
    "": False,
}


@pytest.mark.parametrize(("accept", "openmetrics"), WANTED.items())
def test_openmetrics_goes_to_who_likes_it_best(accept, openmetrics):
    assert wants_openmetrics(accept) is openmetrics


@given(st.text())
def test_no_header_breaks_the_reading_of_headers(header):
    assert wants_gzip(header) in (True, False)
    assert wants_openmetrics(header) in (True, False)
