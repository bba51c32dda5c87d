"""Booking a visit on the citizens' pages, as a browser without JavaScript meets them."""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.demo.city import Person
from tests.flows.citizen import Browser
from tests.stores.test_appointments import NINE, book, choose, quotas
from tests.world import World

__all__ = ["quotas"]  # a fixture of the stores' tests
Quotas = Callable[..., None]
PAGES = ("matter", "hall", "day", "slot")


def who(browser: Browser, person: Person) -> str:
    browser.get("/t/appointment")
    browser.post("/t/appointment")
    browser.post(browser.path, id_number=person.id_number)
    return browser.post(browser.path, name=person.name)


def fill_in(browser: Browser, person: Person, **changes: str) -> str:
    who(browser, person)
    for field in PAGES:
        browser.post(f"/t/appointment/{field}", **{field: {**NINE, **changes}[field]})
    return browser.text


def prove(browser: Browser, person: Person, **changes: str) -> str:
    fill_in(browser, person, **changes)
    return browser.post("/t/appointment/code", code=browser.code())


def booked(browser: Browser, person: Person, **changes: str) -> str:
    prove(browser, person, **changes)
    return browser.post("/t/appointment/check")


def offered(browser: Browser) -> list[str]:
    return re.findall(r'type="radio"[^>]*value="([^"]+)"', browser.page.text)


# --- choosing ------------------------------------------------------------------------------


def test_a_visit_is_booked_question_by_question(browser: Browser, person: Person) -> None:
    """Each choice is a page of radio buttons with what is left beside them; the end names the number."""
    assert "请先准备 What you need 身份证号码 ID number 姓名 Name 在社保登记过的手机" in browser.get(
        "/t/appointment"
    )
    who(browser, person)
    assert browser.path == "/t/appointment/matter"
    assert "<fieldset" in browser.page.text
    browser.post(browser.path, matter="card")
    assert "武陵区朗州北路示范段1号政务服务中心二楼，还有840个" in browser.text
    browser.post(browser.path, hall="shi")
    assert offered(browser) == [f"2026-11-{day}" for day in (23, 24, 25, 26, 27)]
    assert "11月25日星期三" in browser.text
    browser.post(browser.path, day="2026-11-25")
    assert "09:00–09:30" in browser.text
    assert "还有12个" in browser.text
    browser.post(browser.path, slot="09:00")
    assert browser.path == "/t/appointment/code"
    text = browser.post(browser.path, code=browser.code())
    for words in ("社保卡业务", "市社保大厅", "11月25日星期三", "09:00–09:30", "已为您留到今天16:10"):
        assert words in text
    text = browser.post("/t/appointment/check")
    for words in ("已预约", "11月25日09:00-09:30，市社保大厅，预约号A101", "65岁以上的老人和残疾人不用预约"):
        assert words in text


def test_nothing_chosen_is_told_on_the_same_page(browser: Browser, person: Person) -> None:
    who(browser, person)
    assert "请先选一项" in browser.post("/t/appointment/matter")
    assert browser.page.status_code == 422


def test_a_value_that_was_never_offered_is_not_taken(browser: Browser, person: Person) -> None:
    """A made-up hall or a Sunday is answered like a slip."""
    who(browser, person)
    browser.post("/t/appointment/matter", matter="card")
    assert "不在可选的范围里" in browser.post("/t/appointment/hall", hall="<b>")
    browser.post("/t/appointment/hall", hall="shi")
    assert "不在可选的范围里" in browser.post("/t/appointment/day", day="2026-11-22")


def test_a_corrected_name_keeps_the_choices(browser: Browser, person: Person) -> None:
    """Who asks does not change what may be chosen."""
    fill_in(browser, person)
    browser.post("/t/appointment/name", name=person.name)
    assert browser.path == "/t/appointment/code"


def test_a_changed_hall_asks_for_day_and_time_again(browser: Browser, person: Person) -> None:
    fill_in(browser, person)
    browser.post("/t/appointment/hall", hall="dingcheng")
    assert browser.path == "/t/appointment/day"


# --- no place left ---------------------------------------------------------------------------


def test_who_comes_too_late_sees_the_nearest_free_times_first(
    browser: Browser, person: Person, sqlite_world: World, quotas: Quotas
) -> None:
    quotas(1)
    who(browser, person)
    for field in PAGES[:3]:
        browser.post(f"/t/appointment/{field}", **{field: NINE[field]})
    assert offered(browser)[:2] == ["08:30", "09:00"]
    choose(sqlite_world, sqlite_world.people[0])
    text = browser.post("/t/appointment/slot", slot="09:00")
    assert "09:00已经约满。最近的空位：08:30、09:30、10:00；鼎城区社保窗口09:00。" in text
    assert offered(browser)[:4] == ["08:30", "09:30", "10:00", "10:30"]
    assert 'href="/t/appointment/hall"' in browser.page.text
    browser.post("/t/appointment/slot", slot="09:30")
    assert browser.path == "/t/appointment/code"


def test_a_day_booked_up_says_where_there_is_a_place(
    browser: Browser, person: Person, sqlite_world: World, quotas: Quotas
) -> None:
    """One can wait for a place there; the page names other times and halls, too."""
    quotas(1)
    who(browser, person)
    for field in PAGES[:3]:
        browser.post(f"/t/appointment/{field}", **{field: NINE[field]})
    people = sqlite_world.settle(3 + len(offered(browser)))[3:]
    for one, slot in zip(people, offered(browser), strict=True):
        choose(sqlite_world, one, slot=slot)
    text = browser.get("/t/appointment/slot")
    assert offered(browser) == ["wait", "wait-1", "wait-2"]
    assert "候补，全天都行" in text
    assert "已经约满。最近的空位：" in text
    assert "鼎城区社保窗口08:30" in text
    assert 'href="/t/appointment/day"' in browser.page.text


def test_a_place_lost_while_the_code_was_typed_is_told_at_the_confirmation(
    browser: Browser, person: Person, sqlite_world: World, quotas: Quotas
) -> None:
    """The citizen chooses another time and keeps everything else, the proof too."""
    quotas(1)
    prove(browser, person)
    sqlite_world.clock.advance(minutes=5)
    assert "留的时间已经过了" in browser.get("/t/appointment/check")
    book(sqlite_world, sqlite_world.people[0])
    text = browser.post("/t/appointment/check")
    assert browser.path == "/t/appointment/slot"
    assert "09:00已经约满。最近的空位：08:30" in text
    assert offered(browser)[0] == "08:30"
    browser.post("/t/appointment/slot", slot="08:30")
    assert browser.path == "/t/appointment/check"
    assert "预约号A001" in browser.post("/t/appointment/check")


def test_a_limit_is_told_on_the_page_whose_answer_must_change(
    browser: Browser, person: Person, sqlite_world: World
) -> None:
    """One booking a day: the day is asked again, with the reason; before the proof nothing is told."""
    book(sqlite_world, person, matter="other")
    assert "已有预约" not in fill_in(browser, person)
    assert browser.path == "/t/appointment/code"
    browser.post(browser.path, code=browser.code())
    text = browser.post("/t/appointment/check")
    assert browser.path == "/t/appointment/day"
    assert "这一天您已有预约" in text
    assert "这一天您已有预约" not in browser.get("/t/appointment/day")  # told once


# --- afterwards --------------------------------------------------------------------------------


def test_cancelling_asks_once_and_then_says_so(browser: Browser, person: Person) -> None:
    booked(browser, person)
    assert 'href="/t/appointment/done/cancel"' in browser.page.text
    assert "请您确认：取消预约" in browser.get("/t/appointment/done/cancel")
    assert "已预约" in browser.get("/t/appointment/done")
    assert "已取消预约" in browser.post("/t/appointment/done/cancel")
    assert browser.path == "/t/appointment/done"
    assert "/done/cancel" not in browser.page.text
    assert ".ics" not in browser.page.text


def test_too_late_to_cancel_says_so_and_what_to_do(
    browser: Browser, person: Person, sqlite_world: World
) -> None:
    """A button pressed on a page that was open for long is answered, not ignored."""
    booked(browser, person)
    reference = browser.reference()
    sqlite_world.clock.now = sqlite_world.clock.now.replace(day=24, hour=23, minute=0, second=1)
    look_up(browser, person, reference)
    text = browser.post("/status/cancel")
    assert browser.page.status_code == 409
    assert "离预约不到2小时" in text
    assert "12333" in text


def test_cancelling_twice_shows_that_it_is_cancelled(browser: Browser, person: Person) -> None:
    """A double click, or the button of an old page: no failure is shown for what was done."""
    booked(browser, person)
    for _ in range(2):
        assert "已取消预约" in browser.post("/t/appointment/done/cancel")
        assert (browser.path, browser.page.status_code) == ("/t/appointment/done", 200)
    assert "已取消预约" in browser.get("/t/appointment/done/cancel")


def test_who_looked_it_up_gives_a_code_before_it_is_cancelled(
    browser: Browser, person: Person, open_browser: Callable[[], Browser]
) -> None:
    """A reference and four digits show it; to cancel, a code goes to the registered mobile first."""
    booked(browser, person)
    reference, codes = browser.reference(), len(browser.codes())
    stranger = open_browser()
    look_up(stranger, person, reference)
    assert "要先知道是您本人" in stranger.get("/status/cancel")
    assert "要先知道是您本人" in stranger.post("/status/cancel")
    assert "已预约" in stranger.get("/status")
    stranger.world.clock.advance(seconds=61)
    assert "请填短信里的验证码" in stranger.post("/status/cancel/code")
    assert len(stranger.codes()) == codes + 1
    assert "验证码是6位数字" in stranger.post("/status/cancel", code="12")
    assert "验证码不对" in stranger.post("/status/cancel", code=stranger.wrong_code())
    assert stranger.page.status_code == 422
    assert "已取消预约" in stranger.post("/status/cancel", code=stranger.code())
    assert stranger.path == "/status"


def test_whoever_booked_here_and_looks_it_up_gives_no_second_code(browser: Browser, person: Person) -> None:
    booked(browser, person)
    look_up(browser, person, browser.reference())
    assert "确定：取消预约" in browser.get("/status/cancel")
    assert "已取消预约" in browser.post("/status/cancel")


def test_too_many_wrong_codes_close_the_way(browser: Browser, person: Person) -> None:
    booked(browser, person)
    reference = browser.reference()
    browser.post("/finish")
    browser.world.clock.advance(seconds=61)
    look_up(browser, person, reference)
    browser.post("/status/cancel/code")
    for _ in range(5):
        browser.post("/status/cancel", code=browser.wrong_code())
    assert browser.page.status_code == 429
    browser.post("/status/cancel", code=browser.code())
    assert "已预约" in browser.get("/status")


def look_up(browser: Browser, person: Person, reference: str) -> str:
    browser.get("/progress")
    browser.post("/progress", reference=reference)
    return browser.post("/progress/mobile", mobile=person.mobile[-4:])


def test_changing_asks_for_day_and_time_alone(browser: Browser, person: Person) -> None:
    """And for a code of whoever looked it up; who somebody is, is not shown to them."""
    booked(browser, person)
    reference = browser.reference()
    browser.post("/finish")
    browser.world.clock.advance(seconds=61)
    assert "已预约" in look_up(browser, person, reference)
    browser.post("/status/change")
    assert browser.path == "/t/appointment/day"
    assert person.id_number not in browser.client.get("/t/appointment/id_number").text
    browser.post("/t/appointment/day", day="2026-11-26")
    browser.post("/t/appointment/slot", slot="14:00")
    assert browser.path == "/t/appointment/code"
    browser.post("/t/appointment/check")
    assert browser.path == "/t/appointment/code"
    browser.post(browser.path, code=browser.code())
    assert browser.path == "/t/appointment/check"
    assert person.id_number not in browser.page.text
    assert "11月26日14:00-14:30" in browser.post("/t/appointment/check")
    assert "已改到别的时间" in look_up(browser, person, reference)


def test_a_change_says_what_becomes_of_the_first_and_can_be_left(browser: Browser, person: Person) -> None:
    """The check names the appointment that will go; a button keeps it, and no second code is asked for."""
    booked(browser, person)
    browser.post("/t/appointment/done/change")
    browser.post("/t/appointment/day", day="2026-11-26")
    text = browser.post("/t/appointment/slot", slot="14:00")
    assert browser.path == "/t/appointment/check"
    assert "约上以后，原来11月25日09:00-09:30的预约就取消了。" in text
    assert "不改了，保留原来的" in text
    text = browser.post("/t/appointment/check/keep")
    assert browser.path == "/t/appointment/done"
    assert "11月25日09:00-09:30" in text
    assert "已取消预约" in browser.post("/t/appointment/done/cancel")


def test_a_booking_that_replaces_nothing_has_nothing_to_keep(browser: Browser, person: Person) -> None:
    prove(browser, person)
    assert "保留原来的" not in browser.text
    browser.post("/t/appointment/check/keep")
    assert browser.path == "/t/appointment/check"


def test_an_action_there_is_not_is_a_page_there_is_not(browser: Browser, person: Person) -> None:
    booked(browser, person)
    assert browser.client.get("/t/appointment/done/erase").status_code == 404
    assert browser.client.get("/t/card_loss/done/cancel").status_code == 403


# --- the calendar ------------------------------------------------------------------------------


def test_the_calendar_file_is_one_every_calendar_takes(browser: Browser, person: Person) -> None:
    """RFC 5545: CRLF, lines of 75 octets at most, escaped text, times in UTC, an alarm the day before."""
    booked(browser, person)
    reference = browser.reference()
    response = browser.client.get("/t/appointment/done.ics")
    assert response.content_type == "text/calendar; charset=utf-8"
    assert response.text.replace("\r\n", "").count("\n") == 0
    assert all(len(line) <= 75 for line in response.data.split(b"\r\n"))
    lines = response.text.replace("\r\n ", "").split("\r\n")
    assert (lines[0], lines[-2], lines[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR", "")
    values = dict(line.split(":", 1) for line in reversed(lines) if line)  # of two the event's
    assert values["DTSTART"] == "20261125T010000Z"
    assert values["DTEND"] == "20261125T013000Z"
    assert values["DTSTAMP"] == "20261121T080500Z"
    assert values["UID"] == f"{reference}@huiyin"
    assert values["TRIGGER"] == "-PT1440M"
    assert r"Hall\, number A101\, Social-security card.\n地址：" in values["DESCRIPTION"]
    assert not re.search(r"(?<!\\)[,;]", values["DESCRIPTION"])


def test_the_calendar_file_of_a_booking_looked_up(browser: Browser, person: Person) -> None:
    booked(browser, person)
    reference = browser.reference()
    browser.post("/finish")
    assert browser.client.get("/status.ics").status_code == 403
    look_up(browser, person, reference)
    assert f"UID:{reference}" in browser.client.get("/status.ics").text


def test_what_has_no_calendar_has_no_file(browser: Browser, person: Person) -> None:
    browser.confirm(person)
    assert browser.client.get("/t/card_loss/done.ics").status_code == 404
