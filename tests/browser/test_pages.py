"""The citizens' pages in a real browser: keyboard alone, narrow and wide, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from gateway.demo.city import Person
from gateway.notifications import store as notifications
from gateway.notifications import unsubscribe
from gateway.notifications.status import Status
from gateway.transactions import steps
from tests.browser.conftest import OpenPage
from tests.browser.eyes import accessible, accessible_at_night, fits, large_enough
from tests.world import World

MOST_TABS = 40  # further than any page's last control


class Keyboard:
    """Someone who has no mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def reach(self, selector: str) -> None:
        """Press Tab until the control has the focus, which must be seen there."""
        for _ in range(MOST_TABS):
            if self.page.evaluate("s => document.activeElement.matches(s)", selector):
                outline = self.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert outline == "solid", f"{selector} does not show the focus"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never reaches {selector} on {self.page.url}")

    def press(self, selector: str) -> None:
        self.reach(selector)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def type(self, field: str, text: str) -> None:
        """Type into the field and send the form, as the Enter key does."""
        self.reach(f"#{field}")
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")


def newest_code(world: World) -> str:
    opened = [notifications.personalisation(world.runtime, r.id, r.personalisation) for r in world.rows()]
    return str(next(values["code"] for values in reversed(opened) if "code" in values))


def deliver(world: World) -> None:
    row = world.rows()[-1]
    with world.runtime.db.write() as tx:
        move = notifications.moved(row, Status.DELIVERED)
        notifications.move(tx, [move], world.clock())


# --- the whole way -------------------------------------------------------------------------


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
@pytest.mark.parametrize("width", [320, 1280])
def test_a_loss_report_by_keyboard_alone(
    width: int, javascript: bool, open_page: OpenPage, sqlite_world: World
) -> None:
    person, page = sqlite_world.people[2], open_page(width, javascript)
    keyboard = Keyboard(page)
    keyboard.press('a[href="/t/card_loss"]')
    keyboard.press("main form button")
    fits(page)
    keyboard.type("id_number", person.id_number[:-1])
    expect(page.locator(".errors")).to_be_focused()
    keyboard.type("id_number", person.id_number)
    keyboard.type("name", person.name)
    fits(page)
    keyboard.type("code", newest_code(sqlite_world))
    fits(page)
    keyboard.press("main form button")
    expect(page.locator("h1")).to_contain_text("已收到")
    assert steps.run_due(sqlite_world.runtime) == 1
    deliver(sqlite_world)
    page.reload()
    expect(page.locator("#status")).to_contain_text("尾号6266的社保卡已临时挂失")
    expect(page.locator(".message")).to_contain_text("短信已送达")
    fits(page)
    keyboard.press("form.finish button")
    expect(page.locator("h1")).to_contain_text("本机记录已清除")


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
def test_an_open_status_page_finds_out_by_itself(
    javascript: bool, open_page: OpenPage, sqlite_world: World
) -> None:
    page = open_page(javascript=javascript)
    names = walk(page, sqlite_world, sqlite_world.people[2])
    assert "waiting" in names  # walks on until there
    expect(page.locator("h1")).to_contain_text("已收到")
    steps.run_due(sqlite_world.runtime)
    deliver(sqlite_world)
    expect(page.locator("h1")).to_contain_text("办好了")
    expect(page.locator(".message")).to_contain_text("短信已送达")


# --- every page ----------------------------------------------------------------------------


def walk(page: Page, world: World, person: Person) -> Iterator[str]:
    """Every page of the room, one after the other; gives each its name."""

    def press(selector: str = "main form button") -> None:
        with page.expect_navigation():
            page.click(selector)

    def send(field: str, text: str) -> None:
        page.fill(f"#{field}", text)
        press()

    page.goto("/")
    yield "home"
    page.goto("/t/card_loss")
    yield "start"
    press()
    yield "id_number"
    send("id_number", person.id_number[:-1])
    yield "id_number wrong"
    send("id_number", person.id_number)
    yield "name"
    send("name", person.name)
    page.click("summary")
    yield "code"
    send("code", "12")
    yield "code wrong"
    send("code", newest_code(world))
    yield "check"
    press()
    yield "waiting"
    number = page.get_attribute("#status", "data-reference") or ""
    steps.run_due(world.runtime)
    page.goto("/t/card_loss/done")
    yield "done"
    press("form.finish button")
    yield "finished"
    page.goto("/t/card_loss/check")
    yield "nothing under way"
    page.goto("/progress")
    send("reference", "1" * 14)
    yield "progress wrong"
    send("reference", number)
    yield "progress mobile"
    for _ in range(5):
        send("mobile", "0001")
    yield "locked"
    page.goto("/nowhere")
    yield "not found"
    vault = world.runtime.vault
    page.goto(unsubscribe.link(vault, "", vault.index("email", "wang@example.cn")))
    yield "stop e-mails"
    press()
    yield "e-mails stopped"
    page.goto("/u/x")
    yield "no such link"


def test_every_page_is_accessible_by_day_and_by_night(open_page: OpenPage, sqlite_world: World) -> None:
    page = open_page(320)
    for name in walk(page, sqlite_world, sqlite_world.people[2]):
        accessible(page, name)
        large_enough(page, 18, 44, name)
        if name in ("home", "code wrong", "waiting", "done"):  # the others are made of the same parts
            accessible_at_night(page, name)


def test_large_letters_and_buttons_fit_the_narrowest_screen(open_page: OpenPage, sqlite_world: World) -> None:
    page = open_page(320, size="22")
    for name in walk(page, sqlite_world, sqlite_world.people[2]):
        large_enough(page, 22, 60, name)


def test_letters_of_thirty_pixels_fit_the_narrowest_screen(open_page: OpenPage, sqlite_world: World) -> None:
    page = open_page(320, size="30")
    for name in walk(page, sqlite_world, sqlite_world.people[2]):
        size = page.evaluate("parseFloat(getComputedStyle(document.querySelector('main p')).fontSize)")
        assert size >= 30, name
        fits(page)
        if name == "done":
            return
