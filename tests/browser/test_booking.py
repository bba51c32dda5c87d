"""Booking a visit in a real browser: by keyboard, narrow and wide, large enough, readable by machines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from gateway.demo.city import Person
from tests.browser.conftest import OpenPage
from tests.browser.eyes import accessible, accessible_at_night, fits, large_enough
from tests.browser.test_pages import Keyboard, newest_code
from tests.stores.test_appointments import book, choose, quotas
from tests.world import World

__all__ = ["quotas"]  # a fixture of the stores' tests


def walk(page: Page, world: World, person: Person) -> Iterator[str]:
    """Every page a booking has, one after the other; gives each its name."""

    def press(selector: str = "main form button") -> None:
        with page.expect_navigation():
            page.click(selector)

    def send(field: str, text: str) -> None:
        page.fill(f"#{field}", text)
        press()

    def choose_(value: str) -> None:
        page.check(f'input[value="{value}"]')
        press()

    page.goto("/t/appointment")
    yield "start"
    press()
    send("id_number", person.id_number)
    send("name", person.name)
    yield "matter"
    press()
    yield "matter not chosen"
    choose_("card")
    yield "hall"
    choose_("shi")
    yield "day"
    choose_("2026-11-25")
    yield "slot"
    choose(world, world.people[0])
    choose_("09:00")
    yield "slot taken"
    choose_("09:30")
    send("code", newest_code(world))
    yield "check"
    press()
    yield "booked"
    with page.expect_navigation():
        page.click('a[href$="/done/cancel"]')
    yield "cancel"
    press()
    yield "cancelled"


def test_every_page_of_a_booking_is_accessible_by_day_and_by_night(
    open_page: OpenPage, sqlite_world: World, quotas: object
) -> None:
    one_place(quotas)
    page = open_page(320)
    for name in walk(page, sqlite_world, sqlite_world.people[2]):
        accessible(page, name)
        large_enough(page, 18, 44, name)
        if name in ("hall", "slot taken", "check", "cancel"):
            accessible_at_night(page, name)


def test_large_letters_and_buttons_of_a_booking_fit_the_narrowest_screen(
    open_page: OpenPage, sqlite_world: World, quotas: object
) -> None:
    one_place(quotas)
    page = open_page(320, size="22")
    for name in walk(page, sqlite_world, sqlite_world.people[2]):
        large_enough(page, 22, 60, name)


def test_the_code_asked_for_before_a_cancel_is_accessible_and_large_enough(
    open_page: OpenPage, sqlite_world: World
) -> None:
    """For whoever looked it up: the page that offers a code, the one that takes it, a wrong one."""
    page, person = open_page(320, size="22"), sqlite_world.people[2]
    reference = book(sqlite_world, person).row.reference

    def send(field: str, text: str) -> None:
        page.fill(f"#{field}", text)
        with page.expect_navigation():
            page.click("main form button")

    page.goto("/progress")
    send("reference", reference)
    send("mobile", person.mobile[-4:])
    page.goto("/status/cancel")
    _right(page)
    with page.expect_navigation():
        page.click("main form button")
    _right(page)
    send("code", "12")
    _right(page)
    expect(page.locator(".errors")).to_be_focused()
    send("code", newest_code(sqlite_world))
    expect(page.locator("h1")).to_contain_text("已取消预约")


def _right(page: Page) -> None:
    accessible(page)
    large_enough(page, 22, 60)


def one_place(quotas: object) -> None:
    assert callable(quotas)
    quotas(1)


def test_letters_of_thirty_pixels_fit_the_narrowest_screen(
    open_page: OpenPage, sqlite_world: World, quotas: object
) -> None:
    one_place(quotas)
    page = open_page(320, size="30")
    for _ in walk(page, sqlite_world, sqlite_world.people[2]):
        fits(page)


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
def test_a_booking_by_keyboard_alone(javascript: bool, open_page: OpenPage, sqlite_world: World) -> None:
    """Tab to the group, arrows within it, Enter to go on; the focus is always seen."""
    person, page = sqlite_world.people[2], open_page(1280, javascript)
    keyboard = Keyboard(page)

    def pick(field: str, down: int) -> None:
        keyboard.reach(f"[name={field}]")
        keyboard.page.keyboard.press("Space")
        for _ in range(down):
            keyboard.page.keyboard.press("ArrowDown")
        keyboard.press("main form button")

    keyboard.press('a[href="/t/appointment"]')
    keyboard.press("main form button")
    keyboard.type("id_number", person.id_number)
    keyboard.type("name", person.name)
    pick("matter", 0)
    pick("hall", 0)
    pick("day", 2)
    pick("slot", 1)
    keyboard.type("code", newest_code(sqlite_world))
    keyboard.press("main form button")
    expect(page.locator("h1")).to_contain_text("已预约")
    expect(page.locator("#status")).to_contain_text("11月25日09:00-09:30，市社保大厅，预约号A101")


def test_a_wrong_choice_brings_the_focus_to_what_is_wrong(
    open_page: OpenPage, sqlite_world: World, quotas: object
) -> None:
    """The summary has the focus; its link leads to the first of the choices, the nearest free one."""
    one_place(quotas)
    page = open_page(390)
    for name in walk(page, sqlite_world, sqlite_world.people[2]):
        if name == "slot taken":
            break
    expect(page.locator(".errors")).to_be_focused()
    page.click(".errors a")
    expect(page.locator("#slot")).to_be_focused()
    assert page.locator("#slot").get_attribute("value") == "08:30"


def test_the_calendar_file_is_downloaded(
    open_page: OpenPage, sqlite_world: World, quotas: object, tmp_path: Path
) -> None:
    one_place(quotas)
    page = open_page(390)
    for name in walk(page, sqlite_world, sqlite_world.people[2]):
        if name == "booked":
            break
    with page.expect_download() as download:
        page.click('a[href$=".ics"]')
    download.value.save_as(tmp_path / "visit.ics")
    assert download.value.suggested_filename.endswith(".ics")
    assert (tmp_path / "visit.ics").read_bytes().startswith(b"BEGIN:VCALENDAR\r\n")


@pytest.mark.parametrize("waiting", [0, 20])
def test_a_full_day_has_a_page_of_its_own(
    open_page: OpenPage, sqlite_world: World, quotas: object, waiting: int
) -> None:
    """No time to choose: where there is a place instead, other days, and the list where there is one."""
    quotas(1, waiting=waiting)  # type: ignore[operator]
    page = open_page(320, size="22")
    for name in walk(page, sqlite_world, sqlite_world.people[2]):
        if name == "slot":
            break
    values = [one.get_attribute("value") or "" for one in page.locator("input[type=radio]").all()]
    sqlite_world.settle(3 + len(values))
    for person, value in zip(sqlite_world.people[3:], values, strict=True):
        book(sqlite_world, person, slot=value)
    page.goto("/t/appointment/slot")
    expect(page.locator("h1")).to_contain_text("您想几点去" if waiting else "这里没有可选的了")
    assert page.locator("input[type=radio]").count() == (3 if waiting else 0)
    expect(page.locator("main")).to_contain_text("鼎城区社保窗口08:30")
    expect(page.locator(".ways")).to_contain_text("换日期")
    _right(page)
