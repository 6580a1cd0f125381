"""`denbao story`: August 2025 in Thái Nguyên, played in a minute."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from typing import cast

import click

from monitor.cli.sites import PORT, bundled
from monitor.config.spec import Site
from monitor.model.errors import ConfigError
from monitor.model.incident import Notice
from monitor.story.events import Event, Told
from monitor.story.play import Play
from monitor.story.setting import speaking, story_site
from monitor.story.tell import Language, Teller

SPEED = 40_000.0  # the twenty days last 44 s


@click.command()
@click.option("--speed", default=SPEED, show_default=True, help="Seconds of the story per second; 0: no waiting.")
@click.option("--lang", default="both", type=click.Choice(["vi", "en", "both"]), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One event is one line of JSON.")
@click.option("--serve", is_flag=True, help="Show the live board meanwhile, and afterwards until Ctrl-C.")
@click.option("--port", type=PORT, default=8866, show_default=True, help="Port of the board on 127.0.0.1.")
def story(speed: float, lang: str, as_json: bool, serve: bool, port: int) -> None:
    """August 2025 in Thai Nguyen on a fast clock: two deadlines, judged and told by the real engine.

    Only 6 August, the two deadlines and plan 02-KH/BCDTW are sourced; the figures from 7 August on are invented.
    """
    if speed < 0:
        raise click.BadParameter("must not be negative", param_hint="--speed")
    language = cast("Language", lang)
    try:
        asyncio.run(_story(speed, language, as_json, port if serve else None))
    except ConfigError as broken:
        raise click.ClickException(str(broken)) from None
    except OSError as taken:
        raise click.ClickException(f"the board cannot be served on port {port}: {taken}") from None


async def _story(speed: float, language: Language, as_json: bool, port: int | None) -> None:
    site = story_site(bundled(), os.environ)
    english = await _english(site) if language == "both" else {}
    printer = Printer(Teller(language, english), as_json)
    site = speaking(site, "en" if language == "en" else "vi")
    playing = asyncio.ensure_future(_play(Play(site, printer.show, speed), printer, port))
    printer.when_closed = playing.cancel
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, playing.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await playing


async def _english(site: Site) -> Mapping[str, Notice]:
    """The same story told in English: the same notices under the same keys."""
    told: dict[str, Notice] = {}

    def keep(event: Event) -> None:
        if isinstance(event, Told):
            told[event.notice.key] = event.notice

    play = Play(speaking(site, "en"), keep)
    try:
        await play.run()
    finally:
        await play.stop()
    return told


async def _play(play: Play, printer: Printer, port: int | None) -> None:
    printer.begin()
    try:
        async with _board(play, port):
            await play.run()
            if port is not None:
                click.echo("the story is over; the board stays until Ctrl-C", err=True)
                await asyncio.Event().wait()
    finally:
        await play.stop()


@contextlib.asynccontextmanager
async def _board(play: Play, port: int | None) -> AsyncIterator[None]:
    if port is None:
        yield
        return
    from monitor.web.access import Tokens
    from monitor.web.app import create_app, serve

    runner = await serve(create_app(play.service, Tokens(())), "127.0.0.1", port)
    try:
        click.echo(f"the board is at http://127.0.0.1:{runner.addresses[0][1]}/", err=True)
        yield
    finally:
        await runner.cleanup()


class Printer:
    """Writes to standard output; when nobody reads it any more, `when_closed` is called, once."""

    def __init__(self, teller: Teller, as_json: bool) -> None:
        self._teller = teller
        self._as_json = as_json
        self._closed = False
        self.when_closed: Callable[[], object] = lambda: None

    def begin(self) -> None:
        """Say what is sourced; not a part of the JSON lines."""
        if not self._as_json:
            self._write(self._teller.preface())

    def show(self, event: Event) -> None:
        """Write one event. Never raises: it is called from within the service."""
        self._write(self._teller.line(event) if self._as_json else self._teller.text(event))

    def _write(self, text: str) -> None:
        if self._closed:
            return
        try:
            click.echo(text)
        except BrokenPipeError:
            self._closed = True
            sys.stdout = None  # or Python complains at its end
            self.when_closed()
