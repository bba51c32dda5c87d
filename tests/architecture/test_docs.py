"""The pages for readers: what they point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]*)(?:#([^)\s]+))?\)")


def headings(page: Path) -> set[str]:
    """The anchors a reader's browser finds in a page."""
    found = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    """To a file that is there, and a heading in it."""
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
    dead = []
    for target, anchor in LINK.findall(text):
        if target.startswith(("http", "mailto:", "tel:")):
            continue
        there = (page.parent / target).resolve() if target else page
        if not there.exists() or (anchor and anchor not in headings(there)):
            dead.append(f"{target}#{anchor}")
    assert dead == []


def test_every_page_is_linked_from_another() -> None:
    """A page nobody is led to is not read; decisions are found by their folder."""
    linked = {
        (page.parent / target).resolve()
        for page in PAGES
        for target, _ in LINK.findall(page.read_text("utf-8"))
        if target
    }
    alone = [
        page for page in PAGES if page not in linked and page.parent not in (ROOT, ROOT / "docs" / "adr")
    ]
    assert alone == []
