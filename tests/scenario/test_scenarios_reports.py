"""An availability report over what a whole service judged in virtual time, by the scenarios of docs/scenarios.md."""

from __future__ import annotations

import asyncio
from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook

from monitor.adapters.render import FORMATS
from monitor.model.colour import Colour
from monitor.model.muting import Span
from monitor.model.state import AuditEntry
from monitor.reporting.availability import Grades
from monitor.reporting.report import Report
from monitor.service.reports import Asked, make, scene_of
from monitor.testing.site import small_site
from tests.scenario.muting_story import A, B, Story, at, play
from tests.unit.muting_scene import window

XYMON = Grades(green=99.995, yellow=97.0)


def told(story: Story, first: float, last: float, grades: Grades = XYMON) -> dict[str, dict[str, object]]:
    """The report of a span as rows by unit, with what columns are called."""
    report = _report(story, Span(at(first), at(last)), grades)
    table = report.table("units")
    names = [column.id for column in table.columns]
    return {str(row[0]): dict(zip(names, row, strict=True)) for row in table.rows}


def _report(story: Story, span: Span, grades: Grades = XYMON) -> Report:
    asked = Asked("availability", span, grades=grades)
    return asyncio.run(make(asked, scene_of(small_site(), {}), story.store))


def minutes(seconds: object) -> float:
    assert isinstance(seconds, (int, float))
    return round(seconds / 60, 1)


def test_sc_74_red_is_down_green_is_up_and_maintenance_shortens_the_period():
    """SC-74, of hours instead of a week: the ratios are the same."""
    work = window(at(120), at(180), f"unit={A}")
    story = play(
        lambda unit, minute: unit == A and 60 <= minute < 65,
        [(0.5, lambda service: service.desk.add(work, "an"))],
        minutes=300,
    )
    rows = told(story, 1, 300)
    down, left_out = minutes(rows[A]["down"]), minutes(rows[A]["left_out"])
    assert 3 <= down <= 8  # five minutes, each end later by the hold
    assert 60 <= left_out <= 64  # until the answer after the work
    assert rows[A]["availability"] == pytest.approx(100 * (299 - left_out - down) / (299 - left_out), abs=0.05)
    assert (rows[A]["colour"], rows[A]["outages"]) == (Colour.YELLOW, 1)  # between 97 and 99.995 %
    assert (rows[B]["availability"], rows[B]["colour"], rows[B]["down"]) == (100.0, Colour.GREEN, 0.0)
    assert told(story, 1, 300, Grades(99.5, 98.5))[A]["colour"] is Colour.RED


def test_sc_74_time_of_which_nothing_is_known_changes_no_ratio():
    """SC-74: before the first answer nothing is known, which is neither up nor down."""
    story = play(lambda unit, minute: unit == A and 10 <= minute < 20, minutes=40)
    short, long = told(story, 1, 40)[A], told(story, -500, 40)[A]
    assert short["down"] == long["down"]
    assert short["known"] == 100.0 and float(str(long["known"])) < 8
    assert long["availability"] == pytest.approx(100 * (40 - minutes(long["down"])) / 40, abs=0.5)


def test_sc_100_what_outages_used_and_left_of_the_budget_of_the_grade_stands_in_every_format():
    """SC-100, without alerts: two hours of which a twentieth may be down are six minutes."""
    story = play(lambda unit, minute: unit == A and 60 <= minute < 65, minutes=121)
    aimed = Grades(95.0, 90.0)
    row, idle = (told(story, 1, 121, aimed)[unit] for unit in (A, B))
    down = float(str(row["down"]))
    assert (row["budget"], idle["budget"]) == (360.0, 360.0)
    assert (row["used"], row["left"]) == (pytest.approx(100 * down / 360), max(360 - down, 0.0))
    assert (idle["used"], idle["left"]) == (0.0, 360.0)
    over = told(story, 1, 121, Grades(99.5, 99.0))[A]
    assert (float(str(over["used"])) > 100, over["left"], over["colour"]) == (True, 0.0, Colour.RED)
    report = _report(story, Span(at(1), at(121)), aimed)
    for form, title in {"html": "Còn được phép", "text": "Còn được phép", "csv": "budget", "json": "budget"}.items():
        assert title in FORMATS[form].write(report, None).decode()
    book = CalamineWorkbook.from_filelike(BytesIO(FORMATS["xlsx"].write(report, None)))
    cells = {str(cell) for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python() for cell in row}
    assert any("Còn được phép" in cell for cell in cells)


def test_an_outage_at_the_edge_counts_only_within_the_span():
    story = play(lambda unit, minute: unit == A and 10 <= minute < 50, minutes=60)
    whole, cut = told(story, 0, 60)[A], told(story, 20, 40)[A]
    assert (minutes(cut["down"]), cut["availability"], cut["outages"]) == (20.0, 0.0, 1)
    assert whole["office_down"] == whole["down"]  # this office never closes


def test_a_span_before_the_first_record_says_so():
    report = _report(play(lambda unit, minute: False, minutes=5), Span(at(-300), at(-100)))
    assert report.empty
    assert report.paragraphs[0][1] == "Nothing was recorded of this time; the record begins at 2025-08-19 08:00."


def test_while_the_monitor_was_stopped_nothing_was_measured_whether_or_not_it_started_again():
    story = play(lambda unit, minute: False, minutes=60)
    rows = told(story, 1, 180)
    assert rows[B]["known"] == pytest.approx(100 * 59 / 179, abs=1)
    assert rows[B]["availability"] == 100.0
    asyncio.run(story.store.audit(AuditEntry(at(160), "denbao", "start", "the version")))
    assert told(story, 1, 180)[B]["known"] == pytest.approx(100 * (59 + 20) / 179, abs=1)
