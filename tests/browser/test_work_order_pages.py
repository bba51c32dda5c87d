"""A work order in a real browser: handed in, answered, graded, and silent about what a report is about."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from gateway.transactions import steps
from tests.browser.conftest import OpenPage
from tests.browser.eyes import accessible, fits, large_enough
from tests.browser.test_pages import newest_code
from tests.stores.test_work_orders import Platform
from tests.transaction_vectors import newest
from tests.world import World


def test_a_report_is_handed_in_answered_and_graded(open_page: OpenPage, sqlite_world: World) -> None:
    """Of a report no page says what it is about; the five grades are large enough, one press gives one."""
    world, page = sqlite_world, open_page(size="22")
    platform = Platform(world)
    world.runtime._back_offices["work_order_platform"] = platform
    hand_in(page, world, "labour_inspection")
    steps.run_due(world.runtime)
    page.reload()
    main = page.locator("main")
    expect(main).to_contain_text("您关注的事项已登记")
    expect(main).not_to_contain_text("举报")
    fits(page)
    accessible(page)
    it = newest(world)
    platform.set(str(it.id), state="replied", replied_at=world.clock.advance(minutes=9), reply="李建国查处")
    world.clock.advance(minutes=9)
    steps.run_due(world.runtime)
    page.reload()
    expect(main).to_contain_text("您关注的事项已有答复")
    expect(main).not_to_contain_text("李建国")
    fits(page)
    large_enough(page, 18, 60)
    accessible(page)
    with page.expect_navigation():
        page.click('main form[action$="/grade_4"] button')
    expect(main).to_contain_text("谢谢您的评价")


def hand_in(page: Page, world: World, kind: str) -> None:
    person = world.people[0]

    def press(selector: str = "main form button") -> None:
        fits(page)
        with page.expect_navigation():
            page.click(selector)

    page.goto("/t/work_order")
    press()
    for field, text in (("id_number", person.id_number), ("name", person.name)):
        page.fill(f"#{field}", text)
        press()
    page.check(f'input[value="{kind}"]')
    press()
    words = "单位半年没有给我交社保，请查一查。" * 25  # what one tells is longer than one line
    page.fill("#text", words)
    press()
    page.fill("#code", newest_code(world))
    press()
    expect(page.locator("main")).to_contain_text("您的姓名和证件号不交给承办部门")
    expect(page.locator("main")).to_contain_text(words)
    press('form[action$="/check"] button')
