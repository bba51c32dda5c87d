"""The coach in a real browser: an old woman whose face scan failed, on a small telephone in large letters."""

from __future__ import annotations

from datetime import date

import pytest
from playwright.sync_api import Page, expect

from gateway.transactions import steps
from tests.browser.conftest import OpenPage
from tests.browser.eyes import accessible, accessible_at_night, fits, large_enough
from tests.browser.test_pages import newest_code
from tests.stores.test_reminders import Registry, Standing
from tests.world import World

FAILED = Standing("failed", date(2025, 12, 10), date(2026, 11, 21), "photo_mismatch")


def ask(page: Page, world: World, standing: Standing = FAILED) -> None:
    """徐冬桃, 73, asks how her authentication stands; the registry answers."""
    world.runtime._back_offices["pension_registry"] = Registry(standing)
    person = world.people[2]
    page.goto("/")
    for field, text in (("id_number", person.id_number), ("name", person.name)):
        if field == "id_number":
            page.click('a[href="/t/pension_auth"]')
            press(page)
        page.fill(f"#{field}", text)
        press(page)
    page.fill("#code", newest_code(world))
    press(page)
    press(page)
    assert steps.run_due(world.runtime) == 1
    page.goto("/t/pension_auth/done")


def press(page: Page, selector: str = "main form button") -> None:
    with page.expect_navigation():
        page.click(selector)


def test_the_first_words_are_that_the_pension_is_paid(open_page: OpenPage, sqlite_world: World) -> None:
    """Comfort before the cause, the cause before the steps, and the steps are numbered."""
    page = open_page(360)
    ask(page, sqlite_world)
    expect(page.locator("h1")).to_contain_text("养老金没有停，认证再办一次就好")
    expect(page.locator(".headline")).to_have_class("headline wait")
    expect(page.locator("#status .first")).to_contain_text("您的养老金没有停。最晚12月31日办好认证")
    expect(page.locator(".facts").first).to_contain_text("不是您的错")
    said = page.locator("ol.steps > li")
    expect(said.first).to_contain_text("白天坐到窗前")
    expect(said.nth(1)).to_contain_text("帮你认")
    expect(said.nth(2)).to_contain_text("市社保大厅")
    expect(said.last).to_contain_text("给您回电")
    order = "['.first', '.facts', 'ol.steps'].map(s => document.querySelector('#status ' + s).offsetTop)"
    tops = page.evaluate(order)
    assert tops == sorted(tops)


@pytest.mark.parametrize(("size", "text", "target"), [("standard", 18, 44), ("22", 22, 60), ("30", 22, 60)])
def test_it_can_be_read_and_pressed_by_old_eyes_and_hands(
    size: str, text: int, target: int, open_page: OpenPage, sqlite_world: World
) -> None:
    """No violation at 320 pixels in any size of letters, by day and by night."""
    page = open_page(320, size=size)
    ask(page, sqlite_world)
    accessible(page)
    accessible_at_night(page)
    large_enough(page, text, target)


def test_without_javascript_it_says_the_same(open_page: OpenPage, sqlite_world: World) -> None:
    page = open_page(360, javascript=False)
    ask(page, sqlite_world, Standing("paused", date(2025, 8, 10)))
    expect(page.locator("h1")).to_contain_text("养老金暂停，认证后补发")
    expect(page.locator("#status .first")).to_contain_text("没有取消")
    expect(page.locator("ol.steps > li").first).to_be_visible()


def test_a_call_back_is_two_presses_and_then_promised(open_page: OpenPage, sqlite_world: World) -> None:
    """The button stands behind the steps; afterwards the day stands on the page and the button is gone."""
    page = open_page(320, size="22")
    ask(page, sqlite_world)
    button = page.locator("#status .ways a", has_text="请人给我回电")
    assert page.locator("ol.steps").bounding_box()["y"] < button.bounding_box()["y"]  # type: ignore[index]
    with page.expect_navigation():
        button.click()
    expect(page.locator("main")).to_contain_text("您的养老金没有停")
    accessible(page)
    fits(page)
    press(page)
    expect(page.locator("h1")).to_contain_text("养老金没有停")
    expect(page.locator("#status .facts").first).to_contain_text("最晚11月23日打您登记的手机")
    expect(page.locator("#status .ways a", has_text="请人给我回电")).to_have_count(0)
    expect(page.locator("#status .ways a", has_text="申请上门认证")).to_have_count(1)
