"""A call back in a real browser: no ID card is asked for, a code to the number, the way there at night."""

from __future__ import annotations

from datetime import UTC, datetime

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.eyes import accessible, fits, large_enough
from tests.browser.test_pages import newest_code
from tests.world import World


def test_a_call_is_asked_for_at_night_and_called_off_again(open_page: OpenPage, sqlite_world: World) -> None:
    """From any page, with a number alone; each page fits and can be read; the same visit may undo it."""
    world, page = sqlite_world, open_page()
    world.clock.now = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)  # 23:00

    def press(selector: str = "main form button") -> None:
        fits(page)
        with page.expect_navigation():
            page.click(selector)

    page.goto("/progress")
    expect(page.locator(".help")).to_contain_text("明天08:00上班")
    with page.expect_navigation():
        page.click(".help >> text=留个电话")
    main = page.locator("main")
    expect(main).to_contain_text("不用身份证")
    expect(main).not_to_contain_text("替家人")
    accessible(page)
    press()
    page.fill("#number", "13800138000")
    press()
    for value in ("soon", "card"):
        page.check(f'input[value="{value}"]')
        press()
    expect(main).to_contain_text("第4步，共5步")
    page.fill("#code", newest_code(world))
    press()
    expect(main).to_contain_text("尾号8000")
    expect(main).not_to_contain_text("13800138000")
    press('form[action$="/check"] button')
    expect(main).to_contain_text("工作人员明天上午08:00到12:00打尾号8000的电话给您")
    large_enough(page, 16, 44)
    accessible(page)
    with page.expect_navigation():
        page.click('a[href$="/withdraw"]')
    press("main form button")
    expect(main).to_contain_text("不会再打给您了")
