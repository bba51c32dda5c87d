"""Pension payments in a real browser: whether the money came, and what helps, on a small telephone."""

from __future__ import annotations

from datetime import date

from playwright.sync_api import Page, expect

from gateway.back_offices import Refused
from gateway.transactions import steps
from tests.browser.conftest import OpenPage
from tests.browser.eyes import accessible, accessible_at_night, fits, large_enough
from tests.browser.test_coach import press
from tests.browser.test_pages import newest_code
from tests.unit.test_payments import REPORT, Row
from tests.world import World

BLOCKED = [
    Row("2026-12", "planned", date(2026, 12, 15)),
    Row("2026-11", "failed", None, "account_blocked", REPORT),
    Row("2026-10", "paid", date(2026, 10, 15)),
]


class Registry:
    """A pension registry that answers one thing."""

    def __init__(self, answer: list[Row] | Refused) -> None:
        self.answer = answer

    def payments(self, *_who: str) -> list[Row] | Refused:
        return self.answer


def ask(page: Page, world: World, answer: list[Row] | Refused) -> None:
    """徐冬桃 asks whether her pension was paid; the registry answers."""
    world.runtime._back_offices["pension_registry"] = Registry(answer)
    person = world.people[2]
    page.goto("/t/pension_payment")
    press(page)
    for field, text in (("id_number", person.id_number), ("name", person.name)):
        page.fill(f"#{field}", text)
        press(page)
    page.fill("#code", newest_code(world))
    press(page)
    press(page)
    assert steps.run_due(world.runtime) == 1
    page.goto("/t/pension_payment/done")


def test_a_blocked_card_is_named_and_its_release_is_one_button_away(
    open_page: OpenPage, sqlite_world: World
) -> None:
    """Not lost comes first, then the cause, then the steps; it fits 320 pixels, by day and by night."""
    page = open_page(320, size="22")
    ask(page, sqlite_world, BLOCKED)
    expect(page.locator("h1")).to_contain_text("没有发成，处理好会补发")
    expect(page.locator("#status .first")).to_contain_text("钱没有丢")
    expect(page.locator("ol.steps > li").first).to_contain_text("解除挂失")
    expect(page.get_by_role("button", name="解除社保卡挂失")).to_be_visible()
    fits(page)
    accessible(page)
    accessible_at_night(page)
    large_enough(page, 22, 60)
