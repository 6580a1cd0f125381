"""`python -m grafana.page`: write docs/boards.md, every panel of every board with what its query answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import groupby

from grafana.answers import CHOSEN, MOMENT, REPORTED, ROOT, Answer, Asked, Question, questions, story_in_prometheus
from monitor.story.figures import ZONE

PAGE = ROOT / "docs" / "boards.md"
COUNTS = 'sum by (colour) (denbao_units{level="commune",province="19"})'
_SHOWN = 4  # series of an answer that are written down
_PREFACE = """\
# The boards

Seven Grafana boards, each in Vietnamese and in English, made by `make boards` from `grafana/boards/` and started with
`grafana/provisioning/`. Their colours and words are those of the live board; every colour also has a shape and a word.

This page is made by `python -m grafana.page`, and a test holds it to the answers: a real Prometheus scrapes the real
service while the story of August 2025 in Thái Nguyên is played, and is then asked every query of every panel as it
stood on {moment}. Beside the story there are probes, one of which fails, a feed
with one refused row, a feed of rates that earn points of the Decision 766 index (of all groups but CLGQ), a price and
a day's budget of the channel, and a push whose line is cut on the last day. What a machine measures of itself has
another value in each run; its values are left out. No Grafana has shown these boards yet: there is none where they are
built.

The reader's choices are filled in: {chosen}. The province is 19, the commune 02191, the criterion
`commune_online_submission_rate`.

On {reported}, after the report of that day, the communes of Thái Nguyên were {counts}.
"""


async def page(asked: Asked) -> str:
    """The whole page."""
    counts = await asked.ask(COUNTS, REPORTED)
    preface = _PREFACE.format(
        moment=_day(MOMENT),
        reported=_day(REPORTED),
        chosen=", ".join(f"`{name}` = `{value}`" for name, value in CHOSEN.items()),
        counts=", ".join(f"{answer.value:g} {answer.labels['colour']}" for answer in counts if answer.value),
    )
    lines = [preface]
    for board, group in groupby(questions(), key=lambda question: question.title):
        lines.append(f"## {board}\n")
        lines += [line async for line in _panels(asked, list(group))]
    return "\n".join(lines)


def _day(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%d/%m/%Y at %H:%M}"


async def _panels(asked: Asked, group: Sequence[Question]) -> AsyncIterator[str]:
    title = ""
    for question in group:
        if question.panel != title:
            title = question.panel
            yield f"**{title}** ({question.kind})\n"
        answers = await asked.answer(question)
        yield f"- {question.legend}: `{question.expr}`"
        yield f"  → {_told(answers, question)}\n"


def _told(answers: Sequence[Answer], question: Question) -> str:
    shown = " · ".join(_series(answer, question) for answer in answers[:_SHOWN])
    more = len(answers) - _SHOWN
    return f"{shown} · and {more} more" if more > 0 else shown


def _series(answer: Answer, question: Question) -> str:
    labels = ", ".join(f"{name}={value}" for name, value in sorted(answer.labels.items()))
    value = "measured" if question.measured else f"**{round(answer.value, 3):.12g}**"
    return f"{labels} {value}".strip()


async def main() -> None:
    """Play the story, ask, write."""
    async with story_in_prometheus() as asked:
        PAGE.write_text(await page(asked), encoding="utf-8")
    print(f"{PAGE} is written")


if __name__ == "__main__":
    asyncio.run(main())
