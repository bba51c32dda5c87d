"""A relative with a mandate asks for a pensioner, at each door: the code to the helper, news to both."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date

import pytest
from flask import Flask

from gateway.app import create_app
from gateway.citizens import mandates
from gateway.citizens.mandates import Kind
from gateway.phone.signals import Answered
from gateway.transactions import steps
from gateway.transactions.model import OPEN
from tests.flows.citizen import Browser
from tests.flows.test_api import Api, _key
from tests.stores.test_identity_rooms import citizen
from tests.stores.test_phone_conversations import Caller
from tests.stores.test_reminders import Registry, Standing
from tests.stores.test_transactions import messages, sent_codes
from tests.transaction_vectors import newest
from tests.world import World


def by_web(world: World, app: Flask) -> None:
    """The start page's way for relatives."""
    browser = Browser(world, app)
    pensioner, helper = world.people[:2]
    browser.get("/t/pension_auth")
    browser.post("/t/pension_auth", who="relative")
    browser.post("/t/pension_auth/id_number", id_number=pensioner.id_number)
    browser.post("/t/pension_auth/name", name=pensioner.name)
    browser.post("/t/pension_auth/helper_id_number", helper_id_number=helper.id_number)
    browser.post("/t/pension_auth/helper_name", helper_name=helper.name)
    browser.post("/t/pension_auth/code", code=sent_codes(world)[-1])
    browser.post("/t/pension_auth/check")


def by_phone(world: World, _app: Flask) -> None:
    """Two and hash where the code is asked for."""
    pensioner, helper = (person.id_number.replace("X", "*") for person in world.people[:2])
    caller = Caller(world, world.people[0].id_number, line="a call")
    caller.do(Answered(), 0)
    for keys in ("2", "1", f"{pensioner}#", "2#", f"{helper}#"):
        caller.press(keys)
    caller.press(sent_codes(world)[-1])
    caller.press("1")


def by_api(world: World, app: Flask) -> None:
    """The helper among the answers."""
    api = Api(world, app.test_client(), _key(world, "identity"))
    pensioner, helper = world.people[:2]
    answers = {
        "id_number": pensioner.id_number,
        "name": pensioner.name,
        "helper_id_number": helper.id_number,
        "helper_name": helper.name,
    }
    body = {"type": "pension_auth", "answers": answers, "proof": {"method": "code"}}
    begun = api.post("/v2/transactions", body).json
    api.post(f"/v2/transactions/{begun['reference']}/proof", {"code": sent_codes(world)[-1]})


@pytest.mark.parametrize("door", [by_web, by_phone, by_api])
@pytest.mark.parametrize("matter", ["pension_auth", "card_loss"])
def test_a_mandate_for_the_matter_lets_a_relative_ask_and_both_hear_of_it(
    door: Callable[[World, Flask], None], matter: str, sqlite_world: World
) -> None:
    """With one for another matter no code comes to the helper, and nothing is asked."""
    world = sqlite_world
    world.settle(3)
    world.runtime._back_offices["pension_registry"] = Registry(Standing("paused", date(2025, 8, 10)))
    keys = citizen(world, 0), citizen(world, 1)
    with world.runtime.db.write() as tx:
        mandates.add(tx, world.runtime, *keys, Kind.RELATIVE, "counter", matters=[matter])
    app = create_app(world.runtime)
    with suppress(IndexError):  # where no code came
        door(world, app)
    if matter != "pension_auth":
        assert newest(world).state in OPEN
        assert keys[1] not in {row.citizen_id for row in world.rows()}
        return
    steps.run_due(world.runtime)
    assert newest(world).state == "succeeded"
    assert newest(world).row.helper_id == keys[1]
    told = [row for row in world.rows() if row.klass == "result"]
    assert {row.citizen_id for row in told} == set(keys)
    assert all("没有取消" in text for text in messages(world))
