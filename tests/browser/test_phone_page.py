"""The telephone simulator in a real browser: by keyboard and by its keys, narrow and wide, and its timers."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from gateway.demo.city import Person
from gateway.transactions import steps
from tests.browser import eyes
from tests.browser.conftest import OpenPage
from tests.browser.test_pages import newest_code
from tests.contract.sandbox_process import until
from tests.world import World

KEY = 60  # CSS pixels every key has at least, in both directions


@pytest.fixture
def person(site: str, sqlite_world: World) -> Person:
    """Somebody of 37 years: silence alone does not hand them over."""
    return sqlite_world.people[1]


@pytest.fixture
def dialled(open_page: OpenPage) -> Callable[..., Page]:
    def dial(width: int = 360, **how: str) -> Page:
        page = open_page(width, **how)
        page.goto("/phone")
        page.click("#dial")
        expect(page.locator("#captions")).to_contain_text("查办理进度请按4")
        return page

    return dial


def said(page: Page, words: str) -> None:
    expect(page.locator("#captions")).to_contain_text(words)


def report_a_loss(page: Page) -> None:
    """Through the menus to the first question."""
    page.keyboard.type("1")
    said(page, "社保卡临时挂失请按1")
    page.keyboard.type("1")
    said(page, "请按您的身份证号码")


def accessible(page: Page) -> None:
    eyes.accessible(page)
    eyes.accessible_at_night(page)
    eyes.fits(page)
    small = page.evaluate(
        "least => [...document.querySelectorAll('.phone button')].map(b => b.getBoundingClientRect())"
        ".filter(at => at.width < least || at.height < least).length",
        KEY,
    )
    assert small == 0
    assert page.evaluate(eyes.SMALL_TARGETS, 44) == []


@pytest.mark.parametrize("width", [320, 1280])
def test_a_loss_report_by_the_keyboard_alone(
    width: int, dialled: Callable[..., Page], person: Person, sqlite_world: World
) -> None:
    """Digits, star and hash of the keyboard are the telephone's; nothing is shown of what was keyed."""
    page = dialled(width)
    report_a_loss(page)
    page.keyboard.type(person.id_number[:6])
    expect(page.locator("#pressed")).to_have_text("●●●●●●")
    page.keyboard.type(person.id_number[6:] + "#")
    said(page, "请按6位验证码")
    page.keyboard.type(newest_code(sqlite_world))
    said(page, "确认办理请按1")
    page.keyboard.type("1")
    said(page, "正在办理，请稍候")
    steps.run_due(sqlite_world.runtime)
    said(page, "社保卡临时挂失，办好了")
    assert person.id_number not in page.content()
    page.click("#hang")
    expect(page.locator("#state")).to_contain_text("通话已结束")


def test_the_keys_on_the_page_put_the_caller_through_to_a_person(dialled: Callable[..., Page]) -> None:
    page = dialled()
    page.click('[data-key="1"]')
    said(page, "社保卡临时挂失请按1")
    page.click('[data-key="1"]')
    said(page, "请按您的身份证号码")
    page.click('[data-key="0"]')
    page.click('[data-key="#"]')
    expect(page.locator("#state")).to_contain_text("转接人工")
    expect(page.locator('[data-key="1"]')).to_be_disabled()
    expect(page.locator("#dial")).to_be_focused()


def test_two_stars_go_back_at_once(dialled: Callable[..., Page]) -> None:
    page = dialled()
    report_a_loss(page)
    page.keyboard.type("**")
    expect(page.locator("#captions .said", has_text="查办理进度请按4")).to_have_count(2)


def test_english_stands_beside_every_sentence(dialled: Callable[..., Page]) -> None:
    page = dialled()
    lines = page.locator("#captions .said")
    for place in range(lines.count()):
        assert re.search("[a-z]", lines.nth(place).locator(".en").inner_text())


def test_a_dropped_call_is_heard_of_when_the_page_is_left(
    dialled: Callable[..., Page], person: Person, sqlite_world: World
) -> None:
    """Closing the page hangs up: the text message with the number goes out."""
    page = dialled()
    report_a_loss(page)
    page.keyboard.type(person.id_number + "#")
    said(page, "请按6位验证码")
    page.keyboard.type(newest_code(sqlite_world))
    said(page, "确认办理请按1")
    page.goto("/")
    until(lambda: any(row.klass == "result" for row in sqlite_world.rows()))


def test_the_voice_can_be_switched_off(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/phone")
    expect(page.locator("#sound")).to_have_attribute("aria-pressed", "true")
    page.click("#sound")
    expect(page.locator("#sound")).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize("size", ["standard", "30"])
def test_the_simulator_is_accessible(size: str, open_page: OpenPage) -> None:
    """At rest, in a call, while keying and put through, day and night: no violation, keys of 60 pixels."""
    page = open_page(320, size=size)
    page.goto("/phone")
    accessible(page)
    page.click("#dial")
    said(page, "查办理进度请按4")
    page.keyboard.type("4")
    said(page, "14位编号")
    page.keyboard.type("123")
    accessible(page)
    page.keyboard.type("**")
    page.keyboard.type("0")
    expect(page.locator("#state")).to_contain_text("转接人工")
    accessible(page)


def test_without_javascript_the_page_says_where_else_to_go(open_page: OpenPage) -> None:
    page = open_page(javascript=False)
    page.goto("/phone")
    expect(page.locator("noscript p")).to_contain_text("不用它也可以在首页办理")
    expect(page.locator("#phone")).to_be_hidden()
