"""The citizens' pages as a browser without JavaScript meets them."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from gateway.app import create_app
from gateway.back_offices import Refused, Unavailable
from gateway.demo.city import Person
from gateway.notifications import store as notifications
from gateway.notifications.status import Status
from gateway.transactions import registry, steps
from gateway.web import home
from gateway.web import words as said
from tests.flows.citizen import Browser, Desk
from tests.world import World

# --- the whole way -------------------------------------------------------------------------


def test_a_loss_report_goes_question_by_question_to_a_reference(
    browser: Browser, person: Person, sqlite_world: World
) -> None:
    browser.begin()
    assert browser.path == "/t/card_loss/id_number"
    browser.post(browser.path, id_number=person.id_number)
    assert browser.path == "/t/card_loss/name"
    browser.post(browser.path, name=person.name)
    assert browser.path == "/t/card_loss/code"
    browser.post(browser.path, code=browser.code())
    assert browser.path == "/t/card_loss/check"
    assert "已收到，正在办理" in browser.post(browser.path)
    assert browser.path == "/t/card_loss/done"
    reference = browser.reference()
    assert f"{reference[:4]} {reference[4:9]} {reference[9:]}" in re.sub(r"\s+", " ", browser.text)
    assert sqlite_world.wakes.lanes == ["sms.urgent", "transactions"]


def test_the_status_page_says_what_is_blocked_until_when_and_what_to_do_next(
    browser: Browser, person: Person, sqlite_world: World
) -> None:
    browser.confirm(person)
    assert steps.run_due(sqlite_world.runtime) == 1
    text = browser.get(browser.path)
    for words in (
        "办好了",
        "尾号6266的社保卡已临时挂失，11月28日16:05自动解除",
        "银行账户",
        "找到卡了",
        "正式挂失",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status.DELIVERED, "短信已送达您登记的手机"),
        (Status.UNDELIVERED, "短信没有送到您的手机"),
        (Status.EXPIRED, "短信没有发出"),
    ],
)
def test_the_status_page_says_where_the_message_is(
    status: Status, words: str, browser: Browser, person: Person, sqlite_world: World
) -> None:
    browser.confirm(person)
    steps.run_due(sqlite_world.runtime)
    assert "短信正在发出" in browser.get(browser.path)
    row = sqlite_world.rows()[-1]
    with sqlite_world.runtime.db.write() as tx:
        move = notifications.moved(row, status)
        notifications.move(tx, [move], sqlite_world.clock())
    assert words in browser.get(browser.path)
    assert f'data-message="{status}"' in browser.page.text
    assert 'content="5;' not in browser.page.text  # nothing more will come


def test_a_number_that_somebody_gave_is_not_called_registered() -> None:
    """Where nobody need be known the message went to the number that was typed."""
    row = SimpleNamespace(status=Status.DELIVERED)
    given, registered = said.message(row, registered=False), said.message(row)
    assert given
    assert registered
    assert "登记" not in given.zh
    assert "登记" in registered.zh


def test_while_the_card_system_is_silent_the_page_says_so_and_reloads_itself(
    browser: Browser, person: Person, desk: Desk, sqlite_world: World
) -> None:
    desk.find = lambda: Unavailable("no_answer")
    browser.confirm(person)
    steps.run_due(sqlite_world.runtime)
    text = browser.get(browser.path)
    assert "社保卡系统暂时没有回应" in text
    assert "卡可能还没有停用" in text
    assert '<meta http-equiv="refresh" content="5;url=?auto">' in browser.page.text
    assert 'content="5;' not in browser.client.get(f"{browser.path}?still").text


def test_a_refusal_says_why_and_whom_to_ask(
    browser: Browser, person: Person, desk: Desk, sqlite_world: World
) -> None:
    desk.find = lambda: Refused("formal_lost")
    browser.confirm(person)
    steps.run_due(sqlite_world.runtime)
    text = browser.get(browser.path)
    assert "没有办成：这张卡已办理正式挂失" in text
    assert "12333" in text


# --- what is typed -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("id_number", "", "身份证号码不对"),
        ("id_number", "430703195310132406", "身份证号码不对。请对照身份证，填写全部18位"),
        ("id_number", "43070319531013240", "身份证号码不对"),
        ("name", "", "请填写身份证上的姓名"),
        ("name", "王", "请填写身份证上的姓名"),
        ("name", "<b>4711</b>", "请填写身份证上的姓名"),
        ("code", "", "验证码是6位数字"),
        ("code", "12345", "验证码是6位数字"),
    ],
)
def test_a_wrong_answer_is_kept_and_told_what_to_do(
    field: str, value: str, message: str, browser: Browser, person: Person
) -> None:
    browser.begin()
    if field != "id_number":
        browser.post("/t/card_loss/id_number", id_number=person.id_number)
    if field == "code":
        browser.post("/t/card_loss/name", name=person.name)
    assert message in browser.post(f"/t/card_loss/{field}", **{field: value})
    page = browser.page.text
    assert browser.page.status_code == 422
    assert re.search(rf'role="alert".*?href="#{field}"', page, re.DOTALL)
    written = value.replace("<", "&lt;").replace(">", "&gt;")
    assert f'name="{field}" type="text" value="{written}"' in page


@pytest.mark.parametrize("written", [" {0}{1}{2} {3}{4}{5} ", "{0}{1}{2}-{3}{4}{5}", "full width"])
def test_a_code_may_have_spaces_dashes_or_full_width_digits(
    written: str, browser: Browser, person: Person
) -> None:
    browser.answer(person.id_number, person.name)
    code = browser.code()
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code)
    browser.post("/t/card_loss/code", code=wide if written == "full width" else written.format(*code))
    assert browser.path == "/t/card_loss/check"


def test_inputs_help_whoever_types(browser: Browser, person: Person) -> None:
    browser.begin()
    assert 'inputmode="text" autocomplete="off" autocapitalize="characters"' in browser.page.text
    browser.post("/t/card_loss/id_number", id_number=person.id_number)
    assert 'autocomplete="name"' in browser.page.text
    browser.post("/t/card_loss/name", name=person.name)
    assert 'inputmode="numeric" autocomplete="one-time-code"' in browser.page.text


def test_a_question_cannot_be_jumped_over(browser: Browser) -> None:
    browser.begin()
    for path in ("/t/card_loss/name", "/t/card_loss/code", "/t/card_loss/check", "/t/card_loss/done"):
        browser.get(path)
        assert browser.path == "/t/card_loss/id_number"


def test_no_field_of_a_form_has_the_address_of_another_page(sqlite_world: World) -> None:
    """Its question would never be asked: the other page would open in its place."""
    rules = create_app(sqlite_world.runtime).url_map.iter_rules()
    taken = {rule.rule.removeprefix("/t/<name>/") for rule in rules if rule.rule.startswith("/t/<name>/")}
    forms = {name: set(kind.form().fields) for name, kind in registry.types().items()}
    assert {name: fields & taken for name, fields in forms.items() if fields & taken} == {}


def test_the_front_page_leads_to_every_type_once_under_what_it_is_about() -> None:
    """In the order of the telephone's menu; one that is in no group is among the other matters."""
    kinds = list(registry.types().values())
    groups = {place: [kind.name for kind in found] for place, _, found in home.grouped(kinds)}
    assert sorted(name for names in groups.values() for name in names) == sorted(k.name for k in kinds)
    assert groups["pension"][0] == "pension_auth"
    assert "filing" in groups["matters"]
    assert [place for place, _, _ in home.grouped([])] == ["people"]
