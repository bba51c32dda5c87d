"""Home visits on the console: called, noted with a day, told; no accessibility violation on a telephone."""

from __future__ import annotations

from datetime import date

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.eyes import accessible, accessible_at_night, fits
from tests.browser.test_console_pages import RULES, press, signed_in
from tests.flows.operator import employ
from tests.stores.test_overdue import wish
from tests.stores.test_reminders import Registry, Standing
from tests.stores.test_transactions import messages
from tests.world import World


def test_an_operator_notes_the_day_that_was_agreed_on(
    open_page: OpenPage, sqlite_world: World, site: str
) -> None:
    """From the list to one visit and back; the citizen is told the day."""
    assert site
    employ(sqlite_world)
    failed = Standing("failed", date(2025, 12, 10), date(2026, 11, 20), "changed_face")
    sqlite_world.runtime._back_offices["pension_registry"] = Registry(failed)
    sqlite_world.settle(3)
    it = wish(sqlite_world)
    page = signed_in(open_page, 400)
    page.goto("/ops/visits")
    expect(page.locator("tbody")).to_contain_text("等着打电话约时间")
    expect(page.locator("tbody")).not_to_contain_text(sqlite_world.people[0].mobile)
    accessible(page, "visits", RULES)
    fits(page)
    press(page, f"a:has-text('{it.row.reference}')")
    accessible(page, "visit", RULES)
    accessible_at_night(page, "visit")
    fits(page)
    page.fill("#day", "2026-11-25")
    page.select_option("#part", "am")
    press(page, "button[value=arrange]")
    expect(page.locator("tbody")).to_contain_text("2026-11-25 上午")
    assert any("11月25日上午工作人员到您家" in text for text in messages(sqlite_world))
