"""A running board and Chromium in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from monitor.config.spec import Site
from monitor.web.app import create_app, serve
from monitor.web.keys import STREAM
from monitor.web.stream import Broadcaster
from tests.unit.web_site import World, running

CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Visit:
    """A world, its address and a browser."""

    world: World
    url: str
    browser: Browser
    streams: Broadcaster
    errors: list[str]

    @asynccontextmanager
    async def page(self, path: str = "/", **options: Any) -> AsyncIterator[Page]:
        """A page in a context of its own; what it complains of is kept in `errors`."""
        context = await self.browser.new_context(**options)
        page = await context.new_page()
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda broken: self.errors.append(str(broken)))
        page.on("dialog", lambda dialog: self.errors.append(f"dialog: {dialog.message}"))
        await page.goto(f"{self.url}{path}")
        try:
            yield page
        finally:
            await context.close()


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all tests of a module: it takes seconds to start, and its contexts share nothing."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def visiting(made: Site, browser: Browser) -> AsyncIterator[Visit]:
    """The board of a site on a port of its own, and the browser; the board ends with the block."""
    async with running(made) as world:
        app = create_app(world.service, world.tokens)
        runner = await serve(app, "127.0.0.1", 0)
        try:
            host, port = runner.addresses[0][:2]
            yield Visit(world, f"http://{host}:{port}", browser, app[STREAM], [])
        finally:
            await runner.cleanup()
