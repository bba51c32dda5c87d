"""The console in a real browser: the levers, a replay, every page for everybody, by day and by night."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import insert

from gateway.barometer.store import Measure, counts, days
from gateway.broadcasts import definition as definitions
from gateway.broadcasts import expand, store
from gateway.cities import shipped
from gateway.citizens import register
from gateway.delivery.attempt import run_lane
from gateway.messages import Message
from gateway.notifications import inbound
from gateway.notifications.request import Class
from gateway.providers import Accepted, Cause, Inbound, Outcome, Rejected, Throttled, Unknown
from gateway.transactions import call_backs
from tests.browser.conftest import OpenPage
from tests.browser.eyes import accessible, accessible_at_night, fits
from tests.flows.operator import NAME, PASSWORD, employ
from tests.world import World

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
LANE = "sms.normal"
WROTE = "我妈的社保卡丢了，今天能不能办？她走不动，https://example.com/" + "a" * 60


def always(outcome: Outcome) -> Callable[[str, Message], Outcome]:
    return lambda _handover, _message: outcome


@pytest.fixture
def world(sqlite_world: World, site: str) -> World:
    """A night in which a little of everything happened; the site stands on it."""
    assert site
    employ(sqlite_world)
    outcomes: list[Outcome] = [
        Rejected("isv.BLACK_LIST", Cause.RECIPIENT),
        Throttled("isv.BUSINESS_LIMIT_CONTROL"),
        Unknown("read_timeout"),
    ]
    for outcome in outcomes:
        sqlite_world.provider.script = always(outcome)
        sqlite_world.take(3)
        run_lane(sqlite_world.runtime, LANE)
    sqlite_world.provider.script = lambda handover, _message: Accepted(f"ref-{handover}")
    for _ in range(9):
        sqlite_world.clock.advance(minutes=1)
        sqlite_world.take(3)
        run_lane(sqlite_world.runtime, LANE)
    sqlite_world.take(3, Class.NOTICE)
    with sqlite_world.runtime.db.write() as tx:
        citizen = register.find(tx, sqlite_world.runtime.vault, sqlite_world.people[0].id_number)
        assert citizen
        call_backs.ask(tx, sqlite_world.runtime, sqlite_world.runtime.new_id(), citizen.id, "call_back")
        said = [(f"m{place}", text) for place, text in enumerate((WROTE, "早上好", "退订"))]
        inbound.receive(tx, sqlite_world.runtime, [("scripted", written(sqlite_world, *one)) for one in said])
    return sqlite_world


def written(world: World, key: str, text: str) -> Inbound:
    return Inbound(key, f"+86{world.people[0].mobile}", "106", text, world.clock())


@pytest.fixture
def broadcast(world: World) -> UUID:
    """A push to everybody that has begun."""
    here, now = world.runtime, world.clock()
    rules = shipped()["changde"].rules_now(now)
    wanted = definitions.read({"template": "policy/retirement_age", "audience": {}}, rules, now)
    with here.db.write() as tx:
        key = store.create(tx, here, wanted, "test", counted=3)
        store.act(tx, here, key, store.START, "test")
    expand.run_due(here)
    return key


def signed_in(open_page: OpenPage, width: int = 1280, javascript: bool = True) -> Page:
    page = open_page(width, javascript)
    page.goto("/ops")
    page.fill("#name", NAME)
    page.fill("#password", PASSWORD)
    press(page, "main form button")
    expect(page.locator("h1")).to_contain_text("总览")
    return page


def press(page: Page, selector: str) -> None:
    with page.expect_navigation():
        page.click(selector)


# --- the levers ----------------------------------------------------------------------------


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
def test_an_operator_pauses_a_lane_and_lets_it_go(
    javascript: bool, open_page: OpenPage, world: World
) -> None:
    """While it is paused nothing of it goes out; afterwards it does."""
    page = signed_in(open_page, javascript=javascript)
    lever = '[id="lever-lane-sms.bulk"]'
    press(page, lever)
    expect(page.locator(lever)).to_contain_text("恢复")
    expect(page.locator(".findings")).to_contain_text(f"短信群发已由 {NAME} 暂停，3条在等")
    took = len(world.provider.took)
    run_lane(world.runtime, "sms.bulk")
    assert len(world.provider.took) == took
    press(page, lever)
    expect(page.locator(lever)).to_contain_text("暂停")
    run_lane(world.runtime, "sms.bulk")
    assert len(world.provider.took) == took + 2  # one of the three has said stop


def test_an_operator_pauses_resumes_and_cancels_a_push(
    open_page: OpenPage, world: World, broadcast: UUID
) -> None:
    page = signed_in(open_page)
    page.goto("/ops/broadcasts")
    lever = f"#lever-broadcast-{broadcast}"
    press(page, lever)
    expect(page.locator("tr.still")).to_contain_text("已暂停")
    press(page, lever)
    expect(page.locator("tbody")).to_contain_text("进行中")
    press(page, f"#cancel-{broadcast}")
    expect(page.locator("h1")).to_contain_text("取消")
    press(page, "button.danger")
    expect(page.locator("tbody")).to_contain_text("已取消")


def test_an_operator_looks_first_and_then_replays_dead_letters(open_page: OpenPage, world: World) -> None:
    page = signed_in(open_page)
    page.goto("/ops/dead")
    expect(page.locator("tbody tr")).to_have_count(1)
    press(page, "tbody button")
    expect(page.locator(".figures")).to_contain_text("3")
    press(page, "main form button")
    expect(page.locator("h1")).to_contain_text("已重新接收3条")
    page.goto("/ops/dead")
    expect(page.locator("#live")).to_contain_text("没有死信")
    assert run_lane(world.runtime, LANE)


# --- an open page ----------------------------------------------------------------------------


def test_an_open_page_shows_what_is_new_and_leaves_the_focus(open_page: OpenPage, world: World) -> None:
    """It asks by itself; whoever was on a button still is, and the change is said aloud."""
    page = signed_in(open_page)
    expect(page.locator("#fresh")).to_contain_text("自动更新")
    lever = '[id="lever-lane-sms.urgent"]'
    page.focus(lever)
    world.take(2, Class.CODE)
    world.clock.advance(minutes=6)
    expect(page.locator(".findings")).to_contain_text("短信加急停住了：2条在等")
    expect(page.locator(lever)).to_be_focused()
    expect(page.locator("#said")).to_contain_text("短信加急停住了")


def test_an_open_page_whose_session_ended_asks_to_sign_in(open_page: OpenPage, world: World) -> None:
    page = signed_in(open_page)
    world.clock.advance(minutes=31)
    expect(page.locator("h1")).to_contain_text("控制台登录")


# --- every page ------------------------------------------------------------------------------


def counted(world: World) -> None:
    """Three days of the barometer, with many and with few."""
    with world.runtime.db.write() as tx:
        for number, day in enumerate((date(2026, 11, 14), date(2026, 11, 20), date(2026, 11, 21))):
            tx.execute(insert(days).values(day=day, after_event=0, counted_at=world.clock(), over=True))
            who = {"district": "430702", "band": "60-69", "insured": "pensioner"}
            for measure, face in ((Measure.BEGUN, "web"), (Measure.DONE, "phone"), (Measure.CALLS, "phone")):
                row = {"day": day, "measure": measure, "type": "card_loss", "face": face, **who}
                tx.execute(insert(counts).values(number=number * 7 + 2, people=number * 7 + 2, **row))


def walk(page: Page, world: World) -> Iterator[str]:
    """Every page of the console, one after the other; gives each its name."""
    page.goto("/ops/login")
    yield "login"
    page.fill("#name", "lin")
    page.fill("#password", "wrong")
    press(page, "main form button")
    yield "refused"
    page.fill("#name", NAME)
    page.fill("#password", PASSWORD)
    press(page, "main form button")
    yield "overview"
    press(page, '[id="lever-lane-sms.bulk"]')
    yield "overview paused"
    for name in ("providers", "broadcasts", "calls", "dead/others", "dead"):
        page.goto(f"/ops/{name}")
        yield name.replace("/", " ")
    press(page, "tbody button")
    yield "plan"
    press(page, "main form button")
    yield "replayed"
    page.goto("/ops/calls")
    press(page, "tbody button.quiet")
    yield "why"
    press(page, "main form button")
    yield "number"
    page.goto("/ops/replies")
    press(page, "#read")
    expect(page.locator("tbody")).to_contain_text(WROTE)
    yield "replies"
    press(page, "tbody button")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.goto("/ops/look-up")
    yield "look up"
    page.fill("#what", "nothing")
    press(page, "main form button")
    yield "not understood"
    page.fill("#what", world.people[0].mobile)
    press(page, "main form button")
    yield "timeline"
    page.goto("/ops/broadcasts")
    press(page, "tbody button:has-text('取消')")
    yield "cancel"
    page.goto("/ops/audit")
    press(page, "main form button")
    yield "books"
    counted(world)
    page.goto("/ops/barometer?around=2026-11-20")
    yield "barometer"


def test_every_page_is_accessible_and_fits(open_page: OpenPage, world: World, broadcast: UUID) -> None:
    """Wide or narrow, nothing for axe to find by day or by night, and nothing to scroll sideways."""
    assert broadcast
    page = open_page(400)
    for name in walk(page, world):
        for width in (1280, 400):
            page.set_viewport_size({"width": width, "height": 700})
            accessible(page, f"{name}, {width}", RULES)
            fits(page)
        accessible_at_night(page, name)  # the colours are the same on a wide screen
