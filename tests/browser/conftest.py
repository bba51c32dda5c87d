"""A real browser at the real application, and the card desk behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from gateway.app import create_app
from tests.conftest import lacking
from tests.flows.citizen import Desk
from tests.serving import serving
from tests.world import World

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
PATIENCE = 10_000  # milliseconds

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """A browser for one file's tests: while it is there no other event loop can run in this thread."""
    if not CHROMIUM.exists():
        lacking("Chromium is not installed (apt install chromium)")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def site(sqlite_world: World) -> Iterator[str]:
    """The address of the application of this world; its people are registered, its card desk answers."""
    sqlite_world.runtime._back_offices["card_core"] = Desk()
    sqlite_world.settle(3)
    with serving(create_app(sqlite_world.runtime)) as url:
        yield url


@pytest.fixture
def open_page(chromium: Chromium, site: str) -> Iterator[OpenPage]:
    """A page at the site in a browser of its own: its width, JavaScript or not, the size of letters."""
    contexts: list[BrowserContext] = []

    def opened(width: int = 320, javascript: bool = True, size: str = "standard") -> Page:
        context = chromium.new_context(
            base_url=site, viewport={"width": width, "height": 700}, java_script_enabled=javascript
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"/size/{size}?to=/")
        return page

    yield opened
    for context in contexts:
        context.close()
