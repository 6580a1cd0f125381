"""docs/first-rule.md, followed as a new user would: every file is written, every command run, every answer compared."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.process import Client, denbao, free_ports, running, until

PAGE = Path(__file__).parents[2] / "docs" / "first-rule.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MISSPELT = ("floor: 40", "flor: 40")

pytestmark = pytest.mark.integration


def blocks() -> Iterator[tuple[str, str, str]]:
    """(heading, language, text) of every block of the page, in order."""
    for section in PAGE.read_text("utf-8").split("\n## ")[1:]:
        for kind, text in BLOCK.findall(section):
            yield section.splitlines()[0], kind, text


def write(site: Path, text: str) -> None:
    """Do with a file what the block's first line says."""
    order, _, content = text.partition("\n")
    words = order.removeprefix("# ").split()
    path = site / words[-1]
    if words[0] == "write":
        path.write_text(content, "utf-8")
    elif words[0] == "append":
        path.write_text(path.read_text("utf-8") + "\n" + content, "utf-8")
    else:
        assert words[0] == "replace", order
        for line in content.splitlines():
            text, count = re.subn(rf"^{line.split(':')[0]}:.*$", line, path.read_text("utf-8"), flags=re.MULTILINE)
            assert count == 1, line
            path.write_text(text, "utf-8")


async def say(site: Path, line: str) -> str:
    """Run one command of the page on the site; what it printed."""
    program, *arguments = shlex.split(line)
    assert program == "denbao", line
    if arguments[0] == "init":
        return (await denbao("init", site)).out
    site_option = ("--site", str(site)) if arguments[0] == "explain" else (str(site),)
    said = await denbao(*arguments, *site_option)
    return said.out + said.err


async def answers(board: Client) -> bool:
    return (await board.get("/readyz"))[0] == 200


async def test_the_page_is_true_from_the_first_command_to_the_last(tmp_path: Path) -> None:
    site, said, told = tmp_path / "mysite", "", []
    for heading, kind, text in blocks():
        if heading.startswith("6."):
            break
        if kind == "yaml":
            write(site, text)
        elif kind == "sh":
            book = site / "rules" / "training.yaml"
            good = book.read_text("utf-8") if book.exists() else ""
            if heading.startswith("5."):
                book.write_text(good.replace(*MISSPELT), "utf-8")
            said = "".join([await say(site, line) for line in text.splitlines() if not line.startswith("cd ")])
            told.append(said)
            if heading.startswith("5."):
                book.write_text(good, "utf-8")
        else:
            assert text in said, f"{heading}: the page says {text!r}, the command said {said!r}"
    assert len(told) == 4 and re.search(r"^(\d+) rule tests passed, 0 failed", told[2], re.MULTILINE)
    await expects_the_wrong_thing(site)
    await is_seen_live(tmp_path, site)


async def expects_the_wrong_thing(site: Path) -> None:
    tests = site / "rules" / "training_test.yaml"
    good = tests.read_text("utf-8")
    tests.write_text(good.replace("colour: yellow", "colour: green"), "utf-8")
    said = await denbao("test", site)
    assert (
        said.code == 1 and "rules/training_test.yaml:8: " in said.out and "the colour is yellow, not green" in said.out
    )
    tests.write_text(good, "utf-8")


async def is_seen_live(folder: Path, site: Path) -> None:
    config = site / "config.yaml"
    text = config.read_text("utf-8")
    for old, new in zip((8866, 8867, 8868), ports := free_ports(3), strict=True):
        text = text.replace(str(old), str(new))
    config.write_text(text, "utf-8")
    board = Client(ports[0])
    (*_, pushed), (*_, asked), (*_, answered) = [block for block in blocks() if block[0].startswith("6.")][1:]
    async with running("run", site, log=folder / "service"):
        await until("the board is judged", answers, board)
        body = re.search(r"-d '(.*)' ", pushed)
        assert body is not None
        now = datetime.now(UTC).isoformat(timespec="seconds")
        token = (site / "var" / "operator.token").read_text().strip()
        status, _ = await board.post("/api/v1/readings", token, **json.loads(body[1].replace("NOW", now)))
        assert status == 200
    said = await say(site, asked.strip())
    assert [line for line in answered.splitlines() if line not in said] == []
