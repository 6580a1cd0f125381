"""Every panel of every board has an answer of a real Prometheus that scraped the service through the story."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from grafana.answers import REPORTED, Answer, Question, questions, story_in_prometheus
from grafana.page import PAGE, page

pytestmark = [pytest.mark.integration, pytest.mark.needs("prometheus")]
QUESTIONS = list(questions())


@dataclass(frozen=True, slots=True)
class Told:
    """What was answered, on 6 August and at the end."""

    early: Mapping[Question, Sequence[Answer]]
    late: Mapping[Question, Sequence[Answer]]
    page: str


@pytest.fixture(scope="module")
def told() -> Told:
    """One story for all: it takes about ten seconds, for Prometheus must scrape each of its moments."""

    async def ask() -> Told:
        async with story_in_prometheus() as asked:
            early = {question: await asked.ask(question.asked, REPORTED) for question in QUESTIONS}
            late = {question: await asked.answer(question) for question in QUESTIONS}
            return Told(early, late, await page(asked))

    return asyncio.run(ask())


def test_on_6_august_every_board_counts_63_green_communes_and_29_yellow_ones(told: Told):
    counting = [one for one in QUESTIONS if one.expr.startswith("sum by (colour) (denbao_units{")]
    assert {question.board for question in counting} == {"nation", "province"}
    for question in counting:
        found = {answer.labels["colour"]: answer.value for answer in told.early[question]}
        rest = {"red": 0, "unknown": 0, "maintenance": 0, "excluded": 0}
        assert found == {"green": 63, "yellow": 29, **rest}
    [tiles] = [one for one in QUESTIONS if one.board == "province" and "special zones" in one.panel]
    colours = [answer.value for answer in told.early[tiles]]
    assert (len(colours), colours.count(0), colours.count(1)) == (92, 63, 29)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: f"{one.board}, {one.panel.partition(' / ')[2]}")
def test_no_panel_is_empty_and_every_legend_finds_its_labels(question: Question, told: Told):
    answers = told.late[question]
    assert answers
    legends = set(re.findall(r"\{\{(\w+)\}\}", question.legend))
    assert all(legends <= set(answer.labels) for answer in answers)
    if question.kind == "stat" and not legends:
        assert len(answers) == 1  # one number


def test_the_page_of_the_boards_tells_these_answers(told: Told):
    assert PAGE.read_text("utf-8") == told.page
