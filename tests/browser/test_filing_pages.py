"""Filing in a real browser: a place that may be several is picked, the commitment is read, all of it fits."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.eyes import accessible, fits, large_enough
from tests.browser.test_pages import newest_code
from tests.stores.test_filing import Register
from tests.world import World


def test_a_filing_is_made_by_picking_what_a_name_may_mean(open_page: OpenPage, sqlite_world: World) -> None:
    """Without knowing a code; each page fits, and its own kinds of pages are large enough and can be read."""
    world, page = sqlite_world, open_page()
    world.runtime._back_offices["filing_register"] = Register(world)
    person = world.people[0]

    def press(selector: str = "main form button") -> None:
        fits(page)
        with page.expect_navigation():
            page.click(selector)

    def send(field: str, text: str) -> None:
        page.fill(f"#{field}", text)
        press()

    def choose(value: str) -> None:
        page.check(f'input[value="{value}"]')
        press()

    page.goto("/t/filing")
    press()
    send("id_number", person.id_number)
    send("name", person.name)
    choose("medical")
    expect(page.locator("main")).to_contain_text("12393")
    for value in ("pensioner_elsewhere", "file", "children", "open"):
        choose(value)
    send("destination", "朝阳")
    expect(page.locator("main")).to_contain_text("吉林省长春市朝阳区")
    large_enough(page, 16, 44)
    accessible(page)
    press('main form:has(input[value="110105"]) button')
    for field, text in (("contact", "13800138000"), ("start", "20261201")):
        send(field, text)
    expect(page.locator("main")).to_contain_text("本人承诺")
    accessible(page)
    choose("1")
    send("address", "建国路1号")
    send("code", newest_code(world))
    _checked(page)
    press('form[action$="/check"] button')
    expect(page).to_have_url(f"{page.url.partition('/t/')[0]}/t/filing/done")


def _checked(page: Page) -> None:
    """What will be filed stands there in words, the telephone by its end only."""
    main = page.locator("main")
    for text in ("北京市朝阳区", "2026年12月1日", "尾号8000", "承诺书（第1版）", "建国路1号"):
        expect(main).to_contain_text(text)
    expect(main).not_to_contain_text("13800138000")
