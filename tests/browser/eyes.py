"""What people who see badly, or press badly, need of a page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = ("wcag2a", "wcag2aa", "wcag2aaa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
COLOURS = ("cat.color",)
AXE = Axe().axe_script
# What is written smaller than asked, English and hidden words aside.
SMALL_TEXT = """least => {
  const small = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const box = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || box.closest("noscript, .unseen, [lang=en]")) continue;
    const size = parseFloat(getComputedStyle(box).fontSize);
    if (size < least) small.push([walker.currentNode.textContent.trim(), size]);
  }
  return small;
}"""
# What is pressed and is smaller than asked, in either direction.
SMALL_TARGETS = """least => [...document.querySelectorAll("a, button, summary, input:not([type=hidden])")]
  .map(box => [box.textContent.trim() || box.name, box.getBoundingClientRect()])
  .filter(([, at]) => at.width && (at.width < least || at.height < least))
  .map(([text, at]) => [text, at.width, at.height])"""


def accessible(page: Page, name: str = "", rules: Sequence[str] = RULES) -> None:
    """Nothing for axe to find. It looks once at each page: what it asks hangs on no size of letters."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    options = json.dumps({"runOnly": rules, "resultTypes": ["violations"]})
    found = AxeResults(page.evaluate(f"axe.run({options})"))
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"


def accessible_at_night(page: Page, name: str = "") -> None:
    """The dark colours are as easy to read."""
    _light(page, "dark")
    accessible(page, f"{name}, dark", COLOURS)
    _light(page, "light")


def _light(page: Page, scheme: Literal["dark", "light"]) -> None:
    """At once: whoever wants no motion sees no colour on its way."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")


def large_enough(page: Page, text: int, target: int, name: str = "") -> None:
    """In pixels: every text and whatever is pressed; and nothing has to be scrolled sideways."""
    assert page.evaluate(SMALL_TEXT, text) == [], name
    assert page.evaluate(SMALL_TARGETS, target) == [], name
    fits(page)


def fits(page: Page) -> None:
    """Nothing has to be scrolled sideways."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
