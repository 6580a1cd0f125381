"""One Chromium for the tests of a module, which therefore share an event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.visiting import chromium


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A browser; a test opens a context of its own in it."""
    async with chromium() as started:
        yield started
