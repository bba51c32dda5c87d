"""A hall's day in a real browser: at its desk by keyboard and on paper, at its kiosk by finger."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from gateway.appointments import checkin
from gateway.appointments.bookings import Standing
from gateway.appointments.checkin import Deed
from tests.browser.conftest import OpenPage
from tests.browser.eyes import accessible, accessible_at_night, fits, large_enough
from tests.browser.test_console_pages import RULES, press
from tests.flows.operator import NAME, PASSWORD, employ
from tests.stores.test_appointments import book
from tests.stores.test_checkin import TEN_TO_NINE, do, stand
from tests.world import World

DAY = "/ops/halls/shi"


@pytest.fixture
def world(sqlite_world: World, site: str) -> World:
    """Ten to nine: one is expected, one is here, one was seen, one did not come, one walked in."""
    assert site
    employ(sqlite_world)
    sqlite_world.settle(4)
    expected, here, seen, missed = (
        book(sqlite_world, person, slot=slot)
        for person, slot in zip(sqlite_world.people, ("09:00", "09:00", "08:30", "08:30"), strict=True)
    )
    assert expected
    sqlite_world.clock.now = TEN_TO_NINE
    do(sqlite_world, here, Deed.CHECK_IN)
    do(sqlite_world, seen, Deed.CHECK_IN)
    do(sqlite_world, seen, Deed.SERVE)
    stand(sqlite_world, missed, Standing.NO_SHOW)
    with sqlite_world.runtime.db.write() as tx:
        checkin.walk_in(tx, "shi", "card", sqlite_world.clock())
    return sqlite_world


def desk(open_page: OpenPage, width: int) -> Page:
    page = open_page(width)
    page.goto("/ops")
    page.fill("#name", NAME)
    page.fill("#password", PASSWORD)
    press(page, "main form button")
    page.goto(DAY)
    return page


@pytest.mark.parametrize("width", [400, 1280])
def test_the_desk_works_by_keyboard_and_its_pages_are_for_everybody(
    width: int, open_page: OpenPage, world: World
) -> None:
    """A number and Enter check in; the page shows whom, and what can be done next."""
    page = desk(open_page, width)
    expect(page.locator("#number")).to_be_focused()
    with page.expect_navigation():
        page.keyboard.type("101" if width == 400 else "a101")
        page.keyboard.press("Enter")
    expect(page.locator(".found")).to_contain_text("已签到")
    expect(page.locator("#number")).to_be_focused()
    for path in ("/ops/halls", f"{DAY}?number=A101", f"{DAY}?number=A102", f"{DAY}?number=A999"):
        page.goto(path)
        accessible(page, path, RULES)
        fits(page)
        if width == 400:
            accessible_at_night(page, path)
    page.emulate_media(media="print")
    assert not page.locator("button:visible, nav:visible, input:visible").count()
    expect(page.locator("tbody tr")).to_have_count(4)


def test_people_check_in_at_the_kiosk_by_finger(open_page: OpenPage, world: World) -> None:
    """With the keys on the page, large ones; there is no way out of it but the next person's turn."""
    person = world.people[0]
    page = open_page(768)
    page.goto("/checkin/shi?kiosk")
    accessible(page, "kiosk")
    large_enough(page, 18, 60, "kiosk")

    def keys(text: str) -> None:
        for key in text:
            page.click(f'[data-key="{key}"]')

    keys("A1019")
    page.click('[data-key=""]')
    page.click("#mobile")
    keys(person.mobile[-4:])
    press(page, "main form button[type=submit]")
    expect(page.locator("h1")).to_contain_text("签到好了")
    expect(page.locator(".digits")).to_have_text("A101")
    accessible(page, "checked in")
    large_enough(page, 18, 60, "checked in")
    ways = page.locator("a:visible").evaluate_all("all => all.map(one => one.pathname)")
    assert set(ways) == {"/checkin/shi"}
    press(page, "main a.button")
    expect(page.locator("#number")).to_have_value("")


def test_a_telephone_shows_the_same_page_without_keys(open_page: OpenPage, world: World) -> None:
    """It says what is wrong with what was typed, beside it."""
    page = open_page(320)
    page.goto("/checkin/shi")
    assert not page.locator(".keys").count()
    page.fill("#number", "A101")
    press(page, "main form button[type=submit]")
    expect(page.locator(".errors")).to_contain_text("登记手机号的最后四位")
    expect(page.locator("#number")).to_have_value("A101")
    accessible(page, "wrong")
    accessible_at_night(page, "wrong")
    large_enough(page, 18, 44, "wrong")
