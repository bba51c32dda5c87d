"""The waiting list on web and API: joined as a time is chosen, the offer taken by the same action."""

from __future__ import annotations

from gateway.demo.city import Person
from tests.flows.citizen import Browser
from tests.flows.test_api import Api, api
from tests.flows.test_api_booking import begin, on, options
from tests.flows.test_web_booking import look_up, prove
from tests.stores.test_appointments import act, book
from tests.stores.test_hall_events import Small, serve
from tests.stores.test_waiting_machine import small
from tests.world import World

__all__ = ["api", "small"]


def test_a_system_waits_for_a_citizen_and_takes_the_offer(api: Api, small: Small) -> None:
    """The full day is offered with its waiting list; stage, facts and actions say what may follow."""
    small(1)
    booked = begin(api, number=1)
    begin(api, number=2, slot="09:30")
    days = options(api, matter="card", hall="shi").json["options"]
    assert days[-1]["note"]["zh"] == "约满了，可以候补"
    (wait,) = options(api, matter="card", hall="shi", day="2026-11-25").json["options"]
    waiting = begin(api, slot=wait["value"])
    assert (waiting.json["stage"], waiting.json["actions"]) == ("waiting", ["change", "cancel"])
    assert on(api, waiting, "actions/accept").status_code == 409
    on(api, booked, "actions/cancel")
    serve(api.world)
    offered = api.get(f"/v2/transactions/{waiting.json['reference']}").json
    assert (offered["stage"], offered["actions"][0]) == ("offered", "accept")
    taken = on(api, waiting, "actions/accept")
    assert (taken.status_code, taken.json["stage"], taken.json["facts"]["number"]) == (200, "booked", "A001")


def test_a_citizen_waits_and_takes_the_offer_on_the_page(
    browser: Browser, person: Person, sqlite_world: World, small: Small
) -> None:
    """Joined at the last question, told so; whoever looks it up later gives a code and has the place.

    Until then nothing is booked: no page says that a place was kept, or offers to cancel a booking.
    """
    small(1)
    others = [one for one in sqlite_world.settle(4) if one.id_number != person.id_number]
    booked = book(sqlite_world, others[0])
    book(sqlite_world, others[1], slot="09:30")
    checked = prove(browser, person, slot="wait")
    assert "您就排进候补了，还没有约上" in checked
    assert "留的时间已经过了" not in checked
    listed = browser.post("/t/appointment/check")
    assert "正在候补" in listed
    assert "取消候补" in listed
    reference = browser.reference()
    assert "请您确认：取消候补" in browser.get("/t/appointment/done/cancel")
    act(sqlite_world, booked, "cancel")
    serve(sqlite_world)
    browser.post("/finish")
    assert "有空位了：市社保大厅，11月25日09:00-09:30。请在今天" in look_up(browser, person, reference)
    sqlite_world.clock.advance(seconds=61)
    assert "请您确认：接受这个空位" in browser.get("/status/accept")
    browser.post("/status/accept/code")
    text = browser.post("/status/accept", code=browser.code())
    assert "预约号A001" in text


def test_who_leaves_the_waiting_list_reads_of_no_booking(
    browser: Browser, person: Person, sqlite_world: World, small: Small
) -> None:
    """What never was booked is not said to be cancelled."""
    small(1)
    others = [one for one in sqlite_world.settle(4) if one.id_number != person.id_number]
    book(sqlite_world, others[0])
    book(sqlite_world, others[1], slot="09:30")
    prove(browser, person, slot="wait")
    browser.post("/t/appointment/check")
    text = browser.post("/t/appointment/done/cancel")
    assert "已取消候补" in text
    assert "09:00-10:00的候补已取消，没有预约" in text
    assert "预约已取消" not in text
