"""Prometheus feeds: samples of the text format; a bad line costs only itself."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from monitor.adapters.feeds import prometheus
from monitor.config.spec import AsOf, Column
from tests.unit.feed_frames import NOW, feed_spec, parsed, refusals, values

SPEC = feed_spec("prometheus", Column("rate", "loss_percent"), unit="unit", as_of=AsOf.FETCH)
HEAD = "# HELP loss_percent Tỷ lệ mất gói\n# TYPE loss_percent gauge\n"


def test_samples_are_read_by_metric_name_and_label():
    page = HEAD + 'loss_percent{unit="02143"} 1.5\nloss_percent { line="a" , unit="01840", } 2e0\r\nother{x="y"} 5\n\n'
    collected = parsed(SPEC, page)
    assert values(collected) == {("02143", "rate"): 1.5, ("01840", "rate"): 2.0}
    assert (collected.failure, collected.rejected, collected.readings[0].as_of) == ("", (), NOW)


def test_what_the_client_library_writes_is_read():
    registry = CollectorRegistry()
    gauge = Gauge("loss_percent", 'a "quoted"\nhelp', ["unit", "note"], registry=registry)
    gauge.labels("02143", 'with "quotes", {braces}, a \\ and\na new line').set(12.5)
    assert values(parsed(SPEC, generate_latest(registry))) == {("02143", "rate"): 12.5}


def test_escapes_in_the_label_of_the_unit_are_undone():
    collected = parsed(SPEC, 'loss_percent{unit="a\\"b\\\\c\\nd"} 1\n')
    assert "'a\"b\\c d'" in collected.rejected[0].detail


def test_words_and_scales_apply_to_samples():
    up = Column("staffed", "up", words={"1": True, "0": False})
    spec = feed_spec("prometheus", up, Column("rate", "ratio", scale=100), unit="unit")
    page = 'up{unit="19"} 1.0\nup{unit="02143"} 0\nup{unit="01840"} 2\nratio{unit="19"} 0.57\n'
    collected = parsed(spec, page)
    assert values(collected) == {("19", "staffed"): True, ("02143", "staffed"): False, ("19", "rate"): 57}
    assert refusals(collected) == [("line 3", "unknown-word")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('loss_percent{unit="02143"} 137,5 %', "bad-line"),
        ('loss_percent{unit="02143"', "bad-line"),
        ('loss_percent{unit="02143} 1', "bad-line"),
        ('loss_percent{unit="02143"}', "bad-line"),
        ('loss_percent{unit="02143"} 1 2 3', "bad-line"),
        ('loss_percent{unit="02143" x="y"} 1', "bad-line"),
        ('loss_percent{unit="02143",unit="19"} 1', "bad-line"),
        ('loss_percent{unit=02143} 1', "bad-line"),
        ('loss_percent{unit="02143"} ٣', "bad-line"),
        ('loss_percent{unit="02143"} 0x1p3', "bad-line"),
        ('loss_percent{unit="02143"} 1_0', "bad-line"),
        ('loss_percent{unit="02143"} 1.2.3', "bad-line"),
        ("loss_percent-1", "bad-line"),
        ('loss_percent{unit="02143"} 1 999999999999999999', "bad-line"),
        ("%$§", "bad-line"),
        ("loss_percent 1", "missing"),
        ('loss_percent{line="02143"} 1', "missing"),
        ('loss_percent{unit="99999"} 1', "unknown-unit"),
        ('loss_percent{unit="02143"} NaN', "not-a-number"),
        ('loss_percent{unit="02143"} +Inf', "not-a-number"),
        ('loss_percent{unit="02143"} 1e999', "not-a-number"),
        ('loss_percent{unit="02143"} -1', "out-of-range"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_and_the_good_ones_count(line, reason):
    collected = parsed(SPEC, f'{HEAD}{line}\nloss_percent{{unit="19"}} 5\n')
    assert values(collected) == {("19", "rate"): 5}
    assert refusals(collected) == [("line 3", reason)]


def test_two_samples_of_one_unit_that_contradict_are_both_refused_but_two_metrics_do_not():
    spec = feed_spec("prometheus", Column("rate", "a"), Column("overdue", "b"), unit="unit")
    collected = parsed(spec, 'a{unit="19"} 1\nb{unit="19"} 2\nb{unit="02143"} 3\nb{unit="02143"} 4\n')
    assert values(collected) == {("19", "rate"): 1, ("19", "overdue"): 2}
    assert refusals(collected) == [("line 3", "duplicate"), ("line 4", "duplicate")]


def test_a_time_stamp_of_the_sample_is_its_claim():
    collected = parsed(SPEC, 'loss_percent{unit="19"} 1 1795237200000\nloss_percent{unit="02143"} 1 1795240800000\n')
    assert [reading.as_of for reading in collected.readings] == [datetime(2026, 11, 21, 5, tzinfo=UTC)]
    assert refusals(collected) == [("line 2", "future")]


def test_a_last_line_without_an_end_is_not_believed():
    collected = parsed(SPEC, 'loss_percent{unit="19"} 1\nloss_percent{unit="02143"} 1')
    assert values(collected) == {("19", "rate"): 1}
    assert refusals(collected) == [("line 2", "bad-line")]


def test_a_metric_that_is_nowhere_is_named():
    collected = parsed(SPEC, 'other{unit="19"} 1\n')
    assert refusals(collected) == [("", "missing")]
    assert "rate: nothing stands under 'loss_percent'" in collected.rejected[0].detail


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the answer is empty"),
        (b"<!doctype html><html></html>", "not Prometheus text: looks like an HTML page"),
        (b'{"status": "up"}\n', "not Prometheus text: no line of it is a sample"),
        (b"Service Unavailable\n", "not Prometheus text: no line of it is a sample"),
        (b'loss_percent{unit="\xe0"} 1\n', "not utf-8 text: byte 20 in line 1"),
    ],
)
def test_what_cannot_be_used_as_a_whole_is_one_clear_sentence(body, said):
    collected = parsed(SPEC, body)
    assert collected.readings == ()
    assert collected.failure.startswith("feed portal: ") and said in collected.failure


def test_lines_labels_and_lengths_are_bounded(monkeypatch):
    many = ",".join(f'l{n}="x"' for n in range(65))
    page = f'loss_percent{{unit="19",{many}}} 1\nloss_percent{{unit="19",x="{"y" * 20_000}"}} 1\nother 1\n'
    assert refusals(parsed(SPEC, page))[:2] == [("line 1", "bad-line"), ("line 2", "bad-line")]
    monkeypatch.setattr(prometheus, "MAX_LINES", 2)
    assert "more than 2 lines" in parsed(SPEC, page).failure
