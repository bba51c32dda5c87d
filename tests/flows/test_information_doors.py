"""Changes of data at the doors: the code to the new number, the password in the old one's place, a return."""

from __future__ import annotations

import pytest

from gateway.app import create_app
from gateway.citizens import passwords
from gateway.levers import reviewing
from gateway.transactions.model import State
from tests.flows.citizen import Browser
from tests.flows.test_api import Api, _key
from tests.stores.test_information_change import NEW, code_to, crowded, decide, loaded, recorded
from tests.transaction_vectors import newest
from tests.world import World

AT = "/t/information_change"
OTHER = "13900005678"


@pytest.fixture
def town(sqlite_world: World) -> World:
    sqlite_world.settle(8)
    return sqlite_world


def at_the_code(town: World, **answers: str) -> Browser:
    """A browser in which somebody has answered and is asked who they are."""
    browser, person = Browser(town, create_app(town.runtime)), town.people[1]
    browser.get(AT)
    browser.post(AT)
    for name, value in {"id_number": person.id_number, "name": person.name, **answers}.items():
        assert browser.path == f"{AT}/{name}"
        browser.post(browser.path, **{name: value})
    return browser


def test_the_page_asks_for_the_old_numbers_code_then_for_the_new_ones(town: World) -> None:
    """Both are typed at the same page; the check shows the end of the new number alone."""
    browser = at_the_code(town, item="mobile", mobile=NEW)
    browser.post(f"{AT}/code", code=code_to(town, None))
    assert browser.path == f"{AT}/code"
    assert "139****1234" in browser.text
    browser.post(f"{AT}/code", code=code_to(town, f"+86{NEW}"))
    assert browser.path == f"{AT}/check"
    assert "尾号1234" in browser.text
    assert NEW not in browser.page.text
    assert "24小时内不能办解除挂失" in browser.text
    browser.post(f"{AT}/check")
    assert "您登记的手机号码已改为尾号1234" in browser.text
    assert recorded(town).mobile == f"+86{NEW}"


def test_whoever_lost_the_old_number_proves_with_the_password_and_is_reviewed(town: World) -> None:
    """Nothing changes before somebody looked at it, and the page says by when."""
    with town.runtime.db.write() as tx:
        passwords.put(tx, town.runtime, recorded(town).id, "730581")
    before = recorded(town)
    browser = at_the_code(town, item="mobile", mobile=NEW)
    browser.get(f"{AT}/code/password")
    browser.post(f"{AT}/code/password", password="730581")
    browser.post(f"{AT}/code", code=code_to(town, f"+86{NEW}"))
    browser.post(f"{AT}/check")
    assert "工作人员在核对" in browser.text
    assert "11月25日前会发短信告诉您" in browser.text
    assert recorded(town) == before


def test_a_new_password_is_typed_twice_and_never_shown(town: World) -> None:
    """Neither at the question that is asked again, nor in the cookie, nor at the check."""
    browser = at_the_code(town, item="password", new_password="730582")
    browser.post(f"{AT}/new_password_again", new_password_again="730583")
    with browser.client.session_transaction() as session:
        assert "73058" not in str(dict(session))
    assert browser.path == f"{AT}/new_password"
    assert "两次填的密码不一样" in browser.text
    for name in ("new_password", "new_password_again"):
        assert "73058" not in browser.page.text
        browser.post(f"{AT}/{name}", **{name: "730582"})
    browser.post(f"{AT}/code", code=code_to(town, None))
    assert browser.path == f"{AT}/check"
    assert "730582" not in browser.page.text
    browser.post(f"{AT}/check")
    assert "新密码从11月22日16:05起可用" in browser.text
    assert "730582" not in browser.page.text


def test_what_was_sent_back_is_gone_on_with_under_its_reference(town: World) -> None:
    """Whoever looks it up is asked for the one value anew, and for both codes again."""
    waits = crowded(town)
    reference = waits.row.reference
    decide(town, reviewing.send_back, reference, "unreachable")
    town.clock.advance(minutes=2)
    browser = Browser(town, create_app(town.runtime))
    browser.get("/progress")
    browser.post("/progress", reference=reference)
    browser.post("/progress/mobile", mobile=town.people[1].mobile[-4:])
    browser.post("/progress/continue")
    assert browser.path == f"{AT}/mobile"
    browser.post(browser.path, mobile=OTHER)
    browser.post(f"{AT}/code", code=code_to(town, None))
    browser.post(f"{AT}/code", code=code_to(town, f"+86{OTHER}"))
    browser.post(f"{AT}/check")
    assert loaded(town, waits).state is State.SUCCEEDED
    assert recorded(town).mobile == f"+86{OTHER}"


def test_a_system_begins_a_change_with_a_code_to_both_numbers(town: World) -> None:
    """It is told what is missing after each; a value of another item is named as out of place."""
    api, person = Api(town, create_app(town.runtime).test_client(), _key(town, "counter")), town.people[1]
    answers = {"id_number": person.id_number, "name": person.name, "item": "mobile", "mobile": NEW}
    body = {"type": "information_change", "answers": answers, "proof": {"method": "code"}}
    odd = api.post("/v2/transactions", {**body, "answers": {**answers, "postcode": "415000"}})
    assert (odd.status_code, odd.json["errors"][0]["message"].split()[0]) == (400, "answers.postcode")
    begun = api.post("/v2/transactions", body)
    assert begun.status_code == 201
    assert begun.json["proof_missing"] == ["code", "password"]
    path = f"/v2/transactions/{begun.json['reference']}"
    once = api.post(f"{path}/proof", {"code": code_to(town, None)}).json
    assert once["proof_missing"] == ["new"]
    assert api.post(f"{path}/proof", {"code": code_to(town, f"+86{NEW}")}).json["state"] == "succeeded"
    shown = api.get(path).json
    assert NEW not in str(shown)
    assert newest(town).row.stage == "approved"
