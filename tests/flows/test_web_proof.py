"""Code, check and confirmation on the citizens' pages."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from gateway.app import create_app
from gateway.demo.city import Person
from gateway.transactions import devices, steps, store, tallies
from tests.flows.citizen import NOBODY, Browser, Desk
from tests.world import World


def events(world: World) -> list[str]:
    with world.runtime.db.read() as tx:
        return [row.event for row in tx.execute(select(store.timeline).order_by(store.timeline.c.id))]


# --- proof ---------------------------------------------------------------------------------


def test_what_a_second_proof_needs_is_said_before_it_begins(browser: Browser) -> None:
    """Nobody is to find out at the fourth page what to have at hand; and nobody else is told of it."""
    assert "查询密码；没有密码的，用登记过的邮箱再收一个验证码" in browser.get("/t/card_release")
    assert "登记过的邮箱" not in browser.get("/t/card_status")


def test_a_stranger_sees_the_same_pages_as_a_registered_person(
    open_browser: Callable[[], Browser], person: Person
) -> None:
    known, stranger = open_browser(), open_browser()
    pages: list[list[str]] = [[], []]
    for browser, shown, (id_number, name) in (
        (known, pages[0], (person.id_number, person.name)),
        (stranger, pages[1], NOBODY),
    ):
        browser.answer(id_number, name)
        shown.append(browser.normal)
        browser.post("/t/card_loss/code/resend")
        shown.append(browser.normal)
        browser.world.clock.advance(seconds=61)
        browser.post("/t/card_loss/code/resend")
        shown.append(browser.normal)
        for _ in range(5):
            browser.post("/t/card_loss/code", code=known.wrong_code())
            shown.append(browser.normal)
        browser.world.clock.advance(seconds=-61)
    assert pages[0] == pages[1]
    assert "如果信息和登记的一致" in pages[0][0]
    assert "还可以试4次" in pages[0][3]
    assert "暂时锁住了" in pages[0][7]


def test_a_name_that_does_not_match_gets_no_code_and_no_hint(browser: Browser, person: Person) -> None:
    text = browser.answer(person.id_number, "陈安平")
    assert browser.codes() == []
    assert "如果信息和登记的一致，验证码会发到您登记的手机" in text


def test_a_new_code_goes_out_after_a_minute_and_the_wait_is_told(
    browser: Browser, person: Person, sqlite_world: World
) -> None:
    browser.answer(person.id_number, person.name)
    sqlite_world.clock.advance(seconds=18)
    text = browser.post("/t/card_loss/code/resend")
    assert "刚刚发过" in text
    assert "再等42秒" in text
    assert len(browser.codes()) == 1
    sqlite_world.clock.advance(seconds=42)
    assert "新的验证码已发出" in browser.post("/t/card_loss/code/resend")
    assert len(browser.codes()) == 2
    browser.post("/t/card_loss/code", code=browser.code())
    assert browser.path == "/t/card_loss/check"


def test_after_five_codes_in_an_hour_the_page_says_from_when_there_is_another(
    browser: Browser, person: Person, sqlite_world: World
) -> None:
    browser.answer(person.id_number, person.name)
    for _ in range(5):
        sqlite_world.clock.advance(seconds=61)
        text = browser.post("/t/card_loss/code/resend")
    assert len(browser.codes()) == 5
    assert "能发的次数暂时用完了。今天17:09后可以再发" in text


def test_where_a_place_has_used_up_its_codes_nobody_is_told_that_they_had_them(
    browser: Browser, person: Person, sqlite_world: World
) -> None:
    """Who shares an address had none a moment ago, nor five: they hear from when on, and where else."""
    runtime, address = sqlite_world.runtime, "203.0.113.7"
    place = devices.of_address(runtime, address)
    assert place
    with runtime.db.write() as tx:
        for _ in range(place.codes.most):
            tallies.count(tx, place.codes, place.subject, runtime.clock())
    browser.client.environ_base["REMOTE_ADDR"] = address
    text = browser.answer(person.id_number, person.name)
    assert browser.codes() == []
    assert "今天17:05后可以再发" in text
    assert not [said for said in ("刚刚发过", "1分钟才能", "只能发5次") if said in text]
    assert "武陵区朗州北路" in text


def test_five_wrong_codes_lock_and_the_page_says_where_to_go(browser: Browser, person: Person) -> None:
    browser.answer(person.id_number, person.name)
    for left in (4, 3, 2, 1):
        assert f"还可以试{left}次" in browser.post("/t/card_loss/code", code=browser.wrong_code())
    text = browser.post("/t/card_loss/code", code=browser.wrong_code())
    assert browser.page.status_code == 429
    for words in (
        "明天16:05以后可以再试",
        "12333 转人工",
        "武陵区朗州北路",
        "工作日 8:30–12:00",
        "这次没有提交，什么也没有变",
    ):
        assert words in text
    browser.post("/t/card_loss/code", code=browser.code())
    assert browser.path == "/t/card_loss/code"


def test_a_code_of_the_wrong_length_is_no_try(browser: Browser, person: Person) -> None:
    browser.answer(person.id_number, person.name)
    for _ in range(6):
        browser.post("/t/card_loss/code", code="12345")
    assert "还可以试4次" in browser.post("/t/card_loss/code", code=browser.wrong_code())


def test_a_code_older_than_five_minutes_is_not_taken(
    browser: Browser, person: Person, sqlite_world: World
) -> None:
    browser.answer(person.id_number, person.name)
    sqlite_world.clock.advance(minutes=5, seconds=1)
    assert "已过5分钟" in browser.post("/t/card_loss/code", code=browser.code())


# --- check and confirm ---------------------------------------------------------------------


def test_the_check_page_masks_who_is_asking(browser: Browser, person: Person) -> None:
    text = browser.prove(person)
    assert "430703********2405" in text
    assert "徐*桃" in text
    assert person.id_number not in browser.page.text
    assert person.name not in browser.page.text


def test_going_back_without_a_change_keeps_the_proof(browser: Browser, person: Person) -> None:
    browser.prove(person)
    browser.get("/t/card_loss/id_number")
    assert f'value="{person.id_number}"' in browser.page.text
    browser.post("/t/card_loss/id_number", id_number=person.id_number)
    assert browser.path == "/t/card_loss/check"


def test_going_back_and_on_again_sends_no_second_code(
    browser: Browser, person: Person, sqlite_world: World
) -> None:
    browser.answer(person.id_number, person.name)
    sqlite_world.clock.advance(minutes=2)
    browser.post("/t/card_loss/name", name=person.name)
    assert browser.path == "/t/card_loss/code"
    assert len(browser.codes()) == 1


def test_changing_who_is_asking_asks_for_a_new_proof(browser: Browser, sqlite_world: World) -> None:
    first, second = sqlite_world.people[2], sqlite_world.people[1]
    browser.prove(first)
    browser.post("/t/card_loss/id_number", id_number=second.id_number)
    assert browser.path == "/t/card_loss/code"
    browser.post("/t/card_loss/check")
    assert browser.path == "/t/card_loss/code"
    assert "submitted" not in events(sqlite_world)


def test_a_slip_in_the_name_corrected_gets_its_code_at_once(browser: Browser, sqlite_world: World) -> None:
    """Only the right name gets a message, so only it has a minute to wait."""
    person = sqlite_world.people[2]
    browser.answer(person.id_number, "徐冬花")
    browser.post("/t/card_loss/name", name=person.name)
    browser.post("/t/card_loss/code", code=browser.code())
    assert browser.path == "/t/card_loss/check"


def test_beginning_again_within_the_minute_takes_the_code_already_sent(
    browser: Browser, sqlite_world: World
) -> None:
    """The code on the handset stays good for the same person and the same matter."""
    person = sqlite_world.people[2]
    browser.answer(person.id_number, person.name)
    browser.answer(person.id_number, person.name)
    assert len(browser.codes()) == 1
    browser.post("/t/card_loss/code", code=browser.code())
    assert browser.path == "/t/card_loss/check"


def test_confirming_twice_submits_once(
    browser: Browser, person: Person, sqlite_world: World, desk: Desk
) -> None:
    browser.confirm(person)
    browser.post("/t/card_loss/check")
    assert browser.path == "/t/card_loss/done"
    steps.run_due(sqlite_world.runtime)
    browser.post("/t/card_loss/check")
    assert "办好了" in browser.text
    assert events(sqlite_world).count("submitted") == 1
    assert desk.reports == [browser.reference()]


def test_confirming_at_the_same_time_submits_once_on_either_database(world: World) -> None:
    world.settle(3)
    app = create_app(world.runtime)
    browser = Browser(world, app)
    browser.prove(world.people[2])
    cookie, token = browser.client.get_cookie("huiyin"), browser.token()
    assert cookie

    def confirm(_: int) -> int:
        client = app.test_client()
        client.set_cookie("huiyin", cookie.value)
        return client.post("/t/card_loss/check", data={"token": token}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(confirm, range(4))) == [303] * 4
    assert events(world).count("submitted") == 1


def test_after_confirming_the_questions_are_closed(
    browser: Browser, person: Person, sqlite_world: World
) -> None:
    browser.confirm(person)
    browser.get("/t/card_loss/id_number")
    assert browser.path == "/t/card_loss/done"
    browser.post("/t/card_loss/name", name="陈安平")
    assert browser.path == "/t/card_loss/done"
    assert steps.run_due(sqlite_world.runtime) == 1
    assert "办好了" in browser.get("/t/card_loss/done")
