"""Proof at the three doors: the password, the second proof, helpers, one place, and nothing asked twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from gateway.app import create_app
from gateway.citizens import holds, mandates, passwords, register
from gateway.citizens.id_number import check_character
from gateway.citizens.mandates import Kind
from gateway.demo.city import Person
from gateway.demo.seed import entry
from gateway.phone import calls
from gateway.phone.keypad import digits
from gateway.phone.signals import Answered, Transfer
from gateway.transactions import devices, registry
from gateway.transactions.model import Level
from tests.flows.citizen import NOBODY, Browser
from tests.flows.faces import way
from tests.flows.test_api import Api, _key
from tests.stores.test_identity_rooms import citizen
from tests.stores.test_phone_conversations import Caller
from tests.transaction_vectors import newest
from tests.world import World

PASSWORD = "482913"
CHILD = ("310151201506300449", "王小芳")


@pytest.fixture
def strong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss report asks for a strong proof."""
    kind = replace(registry.get("card_loss"), level=Level.STRONG, also_password=False)
    monkeypatch.setitem(registry.types(), "card_loss", kind)


@pytest.fixture
def password(sqlite_world: World, person: Person) -> str:
    """The person's query password."""
    with sqlite_world.runtime.db.write() as tx:
        passwords.put(tx, sqlite_world.runtime, citizen(sqlite_world, 2), PASSWORD)
    return PASSWORD


@pytest.fixture
def child(sqlite_world: World, person: Person) -> Person:
    """A child of the register, whose guardian is people[1]."""
    kid = replace(person, id_number=CHILD[0], name=CHILD[1], mobile="13900000000")
    with sqlite_world.runtime.db.write() as tx:
        register.add(tx, sqlite_world.runtime.vault, [entry(kid)])
        key = register.ids(tx, sqlite_world.runtime.vault, [kid.id_number])[kid.id_number]
        mandates.add(tx, sqlite_world.runtime, key, citizen(sqlite_world, 1), Kind.GUARDIAN, "counter")
    return kid


# --- the web -------------------------------------------------------------------------------


def test_who_lost_the_telephone_reports_the_card_with_the_password(
    browser: Browser, person: Person, password: str
) -> None:
    """The code's page leads to it; a slip of the finger is no try; then the check, as with a code."""
    assert "用查询密码办理" in browser.answer(person.id_number, person.name)
    browser.get("/t/card_loss/code/password")
    assert "查询密码是6位数字" in browser.post("/t/card_loss/code/password", password="12345")
    assert "还可以试4次" in browser.post("/t/card_loss/code/password", password="735028")
    browser.post("/t/card_loss/code/password", password="４８２ ９１３")
    assert browser.path == "/t/card_loss/check"
    assert "已收到" in browser.post("/t/card_loss/check")
    assert newest(browser.world).row.proof == "password"


def test_the_page_of_the_password_tells_strangers_nothing(
    open_browser: Callable[[], Browser], person: Person, sqlite_world: World
) -> None:
    """An initial password that is right and a stranger's see the same pages, byte for byte, to the lock."""
    with sqlite_world.runtime.db.write() as tx:
        passwords.put(tx, sqlite_world.runtime, citizen(sqlite_world, 2), PASSWORD, initial=True)
    shown = []
    for id_number, name in ((person.id_number, person.name), NOBODY):
        browser = open_browser()
        browser.answer(id_number, name)
        browser.get("/t/card_loss/code/password")
        pages = [browser.normal]
        for _ in range(6):
            browser.post("/t/card_loss/code/password", password=PASSWORD)
            pages.append(browser.normal)
        shown.append(pages)
    assert shown[0] == shown[1]
    assert "没有改过的初始密码" in shown[0][1]
    assert "查询密码试的次数太多" in shown[0][6]
    assert "用手机验证码" in shown[0][6]


@pytest.mark.usefixtures("strong")
def test_a_strong_matter_asks_for_a_second_proof_and_says_where_there_is_none(
    browser: Browser, person: Person, sqlite_world: World
) -> None:
    """After the code the password; who has none, nor e-mail, is shown the counters, and nothing is done."""
    text = browser.prove(person)
    assert browser.path == "/t/card_loss/code/password"
    assert "这件事要到窗口办" in text
    browser.post("/t/card_loss/check")
    assert newest(sqlite_world).state == "identity_pending"
    with sqlite_world.runtime.db.write() as tx:
        passwords.put(tx, sqlite_world.runtime, citizen(sqlite_world, 2), PASSWORD)
    assert "这件事要多证明一次是您本人" in browser.get("/t/card_loss/code/password")
    browser.post("/t/card_loss/code/password", password=PASSWORD)
    assert browser.path == "/t/card_loss/check"
    browser.post("/t/card_loss/check")
    assert newest(sqlite_world).row.proof == "code+password"


@pytest.mark.usefixtures("strong")
def test_what_waits_is_said_before_more_is_asked_and_cannot_be_confirmed(
    browser: Browser, person: Person, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After another mobile number: until when, and where else; to nobody who has not given a code."""
    kind = replace(registry.get("card_loss"), risky=True)
    monkeypatch.setitem(registry.types(), "card_loss", kind)
    runtime, waits = browser.world.runtime, "11月22日16:05以后才能办"
    with runtime.db.write() as tx:
        until = runtime.clock() + timedelta(hours=24)
        holds.place(tx, runtime, citizen(browser.world, 2), until, "mobile_changed")
    assert waits not in browser.answer(person.id_number, person.name)
    assert waits not in browser.get("/t/card_loss/code/password")
    assert waits in browser.post("/t/card_loss/code", code=browser.code())
    assert browser.path == "/t/card_loss/code/password"
    text = browser.post("/t/card_loss/code/password", password=password)
    assert browser.path == "/t/card_loss/check"
    assert waits in text
    assert "市社保大厅" in text
    assert "确认：" not in text


def test_a_child_is_asked_for_its_guardian_and_the_code_goes_there(
    browser: Browser, child: Person, sqlite_world: World
) -> None:
    """The two pages come after the child's name, the way on is the same, and both stand on the check."""
    guardian = sqlite_world.people[1]
    browser.answer(child.id_number, child.name)
    assert browser.path == "/t/card_loss/helper_id_number"
    assert "给自己办" not in browser.text
    browser.post("/t/card_loss/helper_id_number", helper_id_number=guardian.id_number)
    text = browser.post("/t/card_loss/helper_name", helper_name=guardian.name)
    assert "请填代办人手机收到的验证码" in text
    assert [row.citizen_id for row in sqlite_world.rows()] == [citizen(sqlite_world, 1)]
    text = browser.post("/t/card_loss/code", code=browser.code())
    assert browser.path == "/t/card_loss/check"
    assert f"{guardian.id_number[:6]}********{guardian.id_number[-4:]}" in text


def test_who_began_for_a_relative_can_still_go_on_for_themselves(
    browser: Browser, person: Person, sqlite_world: World
) -> None:
    """Each page says whose number it means; one button takes it back, and the code goes to the person."""
    assert "替家人办理" in browser.get("/t/card_loss")
    assert "您家人的身份证号码" in browser.post("/t/card_loss", who="relative")
    browser.post("/t/card_loss/id_number", id_number=person.id_number)
    text = browser.post("/t/card_loss/name", name=person.name)
    assert "您自己的身份证号码" in text
    assert "给自己办" in text
    assert "您的身份证号码" in browser.post("/t/card_loss/code/myself")
    assert browser.path == "/t/card_loss/id_number"
    assert browser.codes() == []
    browser.post("/t/card_loss/id_number", id_number=person.id_number)
    assert browser.path == "/t/card_loss/code"
    browser.post("/t/card_loss/code", code=browser.code())
    assert browser.path == "/t/card_loss/check"


def test_in_one_visit_nothing_is_asked_twice_until_it_was_idle_for_a_quarter_of_an_hour(
    browser: Browser, person: Person, sqlite_world: World
) -> None:
    """The next matter begins with the person known; somebody else says so; a shared computer forgets."""
    browser.confirm(person)
    sqlite_world.clock.advance(minutes=14)
    masked = f"徐*桃（身份证尾号{person.id_number[-4:]}）"
    assert masked in browser.get("/t/appointment")
    browser.post("/t/appointment", who="same")
    assert browser.path == "/t/appointment/matter"
    browser.get("/t/appointment")
    browser.post("/t/appointment")
    assert browser.path == "/t/appointment/id_number"
    sqlite_world.clock.advance(minutes=16)
    assert masked not in browser.get("/t/appointment")
    browser.post("/t/appointment", who="same")
    assert browser.path == "/t/appointment/id_number"


def test_a_visit_that_was_cleared_knows_nobody(browser: Browser, person: Person) -> None:
    """Who presses "I have finished" leaves nothing to go on with."""
    browser.confirm(person)
    browser.post("/finish")
    browser.get("/t/card_loss")
    browser.post("/t/card_loss", who="same")
    assert browser.path == "/t/card_loss/id_number"


def at(browser: Browser, address: str) -> Browser:
    browser.client.environ_base["REMOTE_ADDR"] = address
    return browser


def test_a_place_that_guesses_is_closed_for_all_and_told_the_way_out(
    open_browser: Callable[[], Browser], person: Person, sqlite_world: World
) -> None:
    """After thirty wrong codes it is closed to a newcomer with the right details too; elsewhere is open."""
    thief = at(open_browser(), "203.0.113.7")
    sqlite_world.settle(3)
    for number in range(6):
        first_17 = f"11010119900307{number:03d}"
        thief.answer(first_17 + check_character(first_17), "陈安平")
        for _ in range(5):
            thief.post("/t/card_loss/code", code="000000")
    victim = at(open_browser(), "203.0.113.7")
    text = victim.answer(person.id_number, person.name)
    assert victim.codes() == []
    assert "暂时锁住了" in text
    assert "12333" in text
    elsewhere = at(open_browser(), "203.0.113.8")
    elsewhere.prove(person)
    assert elsewhere.path == "/t/card_loss/check"


# --- the telephone ---------------------------------------------------------------------------


def heard(caller: Caller) -> str:
    return "".join(line.text for line in caller.heard())


def call(world: World, id_number: str, line: str = "call") -> Caller:
    """At the code's place of a loss report."""
    caller = Caller(world, id_number, line=line)
    caller.do(Answered(), 0)
    for key in way("card_loss"):
        caller.press(key)
    caller.press(id_number.replace("X", "*") + "#")
    return caller


def test_a_caller_without_the_telephone_keys_the_password(
    sqlite_world: World, person: Person, password: str
) -> None:
    """3 and hash leads there, 1 and hash back to the code; 0 and hash is a person in both."""
    caller = call(sqlite_world, person.id_number)
    assert "用查询密码的，请按3和井号键" in heard(caller)
    caller.press("3#")
    assert "请按6位查询密码" in heard(caller)
    assert "转人工请按0和井号键" in heard(caller)
    caller.press("735028")
    assert "还可以试4次" in heard(caller)
    caller.press(password)
    assert "确认办理请按1" in heard(caller)
    caller.press("0")
    assert isinstance(caller.reply.actions[-1], Transfer)


@pytest.mark.usefixtures("strong")
def test_a_strong_matter_by_telephone_asks_twice_or_puts_through_to_a_person(
    sqlite_world: World, person: Person
) -> None:
    """The second proof is keyed; who has none is told so and gets a person."""
    caller = call(sqlite_world, person.id_number)
    caller.press(Browser(sqlite_world, create_app(sqlite_world.runtime)).code())
    assert "您没有能用的查询密码" in heard(caller)
    assert isinstance(caller.reply.actions[-1], Transfer)
    with sqlite_world.runtime.db.write() as tx:
        passwords.put(tx, sqlite_world.runtime, citizen(sqlite_world, 2), PASSWORD)
    sqlite_world.clock.advance(seconds=61)
    caller = call(sqlite_world, person.id_number, "another")
    caller.press(Browser(sqlite_world, create_app(sqlite_world.runtime)).code())
    assert "这件事要多证明一次是您本人" in heard(caller)
    caller.press(PASSWORD)
    assert "确认办理请按1" in heard(caller)


def test_a_guardian_by_telephone_keys_both_numbers(sqlite_world: World, child: Person) -> None:
    """No name is asked; the code goes to the guardian; the helper's number is read back masked."""
    guardian = sqlite_world.people[1]
    caller = call(sqlite_world, child.id_number)
    assert "代办人身份证号码" in heard(caller)
    caller.press(guardian.id_number.replace("X", "*") + "#")
    assert "代办人登记的手机" in heard(caller)
    caller.press(Browser(sqlite_world, create_app(sqlite_world.runtime)).code())
    assert "确认办理请按1" in heard(caller)
    assert " ".join(guardian.id_number[-4:]) in heard(caller)
    assert newest(sqlite_world).row.helper_id == citizen(sqlite_world, 1)


def test_two_and_hash_helps_a_relative_and_two_stars_take_it_back(
    sqlite_world: World, person: Person
) -> None:
    """At the code; back at the helper's number is back to one's own code."""
    caller = call(sqlite_world, person.id_number)
    caller.press("2#")
    assert "代办人身份证号码" in heard(caller)
    caller.press("**")
    assert "请按6位验证码" in heard(caller)
    assert newest(sqlite_world).row.helped is False


def test_a_calling_number_that_guesses_is_put_through_to_a_person(
    sqlite_world: World, person: Person
) -> None:
    """Ten wrong codes an hour from one number, for whomever; from another number people are heard."""
    number, wrong = devices.of_number(sqlite_world.runtime, "+8613800000000"), 0
    for turn in range(4):
        for place, one in enumerate(sqlite_world.people):
            caller = call(sqlite_world, one.id_number, f"call {turn} {place}")
            for _ in range(2):  # a third one in a row is put through anyway
                _press_from(caller, "000000", number)
                wrong += "验证码不对" in heard(caller)
        sqlite_world.clock.advance(seconds=61)
    assert wrong == 10
    assert isinstance(caller.reply.actions[-1], Transfer)
    sqlite_world.clock.advance(hours=1)
    third = call(sqlite_world, sqlite_world.people[2].id_number, "from another")
    third.press(Browser(sqlite_world, create_app(sqlite_world.runtime)).code())
    assert "确认办理请按1" in heard(third)


def _press_from(caller: Caller, keys: str, device: Any) -> None:
    caller.reply = calls.step(caller.world.runtime, caller.line, digits(keys, ""), caller.reply.step, device)


# --- the API -------------------------------------------------------------------------------


@pytest.fixture
def api(sqlite_world: World, person: Person) -> Api:
    app: Flask = create_app(sqlite_world.runtime)
    return Api(sqlite_world, app.test_client(), _key(sqlite_world, "identity"))


def _begin(api: Api, person: Person, method: str = "code", **more: str) -> Any:
    answers = {"id_number": person.id_number, "name": person.name, **more}
    body = {"type": "card_loss", "answers": answers, "proof": {"method": method}}
    return api.post("/v2/transactions", body)


def test_a_system_hands_in_the_password_and_no_text_message_goes_out_for_it(
    api: Api, person: Person, password: str, sqlite_world: World
) -> None:
    """Begun so, the transaction says what is missing; with the password it is submitted."""
    begun = _begin(api, person, "password").json
    assert (begun["proof"], begun["proof_missing"]) == (None, ["code", "password"])
    assert sqlite_world.rows() == []
    path = f"/v2/transactions/{begun['reference']}/proof"
    assert api.post(path, {"password": "735028"}).json["errors"][0]["message"].endswith("4 tries left")
    for body in ({}, {"password": password, "code": "000000"}, {"password": "12345"}):
        assert api.post(path, body).status_code == 400
    assert api.post(path, {"password": password}).json["state"] == "submitted"


@pytest.mark.usefixtures("strong")
def test_a_system_is_told_that_one_more_proof_is_missing(
    api: Api, person: Person, password: str, sqlite_world: World
) -> None:
    """The code alone submits nothing; what this citizen has is named, then it is enough."""
    path = f"/v2/transactions/{_begin(api, person).json['reference']}/proof"
    code = Browser(sqlite_world, create_app(sqlite_world.runtime)).code()
    half = api.post(path, {"code": code}).json
    assert (half["state"], half["proof"], half["proof_missing"]) == ("identity_pending", None, ["password"])
    assert "One more proof" in half["next_step"]
    done = api.post(path, {"password": password}).json
    assert (done["state"], done["proof"], done["proof_missing"]) == ("submitted", "code+password", [])


def test_a_system_names_the_guardian_in_the_answers(api: Api, child: Person, sqlite_world: World) -> None:
    """Without one the two answers are asked for; with one the code goes there."""
    refused = _begin(api, child)
    assert refused.status_code == 400
    assert [
        "helper_id_number" in one["message"] or "helper_name" in one["message"]
        for one in refused.json["errors"]
    ] == [
        True,
        True,
    ]
    guardian = sqlite_world.people[1]
    helper = {"helper_id_number": guardian.id_number, "helper_name": guardian.name}
    assert _begin(api, child, **helper).status_code == 201
    assert [row.citizen_id for row in sqlite_world.rows()] == [citizen(sqlite_world, 1)]


def test_who_was_seen_at_a_counter_is_not_enough_to_act_for_another(
    api: Api, person: Person, sqlite_world: World
) -> None:
    """An attested helper without a mandate is nobody's helper."""
    other = sqlite_world.people[1]
    answers = {
        "id_number": person.id_number,
        "name": person.name,
        "helper_id_number": other.id_number,
        "helper_name": other.name,
    }
    proof = {"method": "attested", "by": "counter"}
    body = {"type": "card_loss", "answers": answers, "proof": proof}
    assert api.post("/v2/transactions", body).status_code == 400
    day = sqlite_world.clock().date() + timedelta(days=1)
    with sqlite_world.runtime.db.write() as tx:
        one, two = citizen(sqlite_world, 2), citizen(sqlite_world, 1)
        mandates.add(tx, sqlite_world.runtime, one, two, Kind.RELATIVE, "counter", last_day=day)
    assert api.post("/v2/transactions", body).json["proof"] == "attested"
