"""A day is released: more ask at once than there are places, through the API, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import event

from gateway.appointments.bookings import Standing
from gateway.demo.city import Person
from gateway.transactions import engine
from gateway.transactions.store import Transaction
from tests.flows.test_api import Api, _api, _problems
from tests.flows.test_api_booking import begin, on
from tests.stores.test_appointments import hold, quotas, standings
from tests.world import World

__all__ = ["quotas"]  # a fixture of the stores' tests
CLIENTS, PLACES, HOLDERS = 32, 5, 8


def grown_up(world: World, count: int) -> list[Person]:
    """Those of age: for a child a guardian is asked for."""
    return [person for person in world.settle(2 * count) if person.birth_date.year < 2000][:count]


@pytest.fixture
def api(world: World) -> Api:
    return _api(world)


def test_as_many_as_there_are_places_have_one_and_the_others_hear_what_is_free(api: Api, quotas: Any) -> None:
    """Never one more, whoever looks when; each loser is told at once, and nothing of theirs is kept."""
    quotas(PLACES)
    api.world.people = grown_up(api.world, CLIENTS)
    before, start = api.count(), Barrier(CLIENTS)

    def client(number: int) -> Any:
        mine = Api(api.world, api.client.application.test_client(), api.key)
        start.wait()
        return begin(mine, number=number)

    with ThreadPoolExecutor(CLIENTS) as pool:
        said = list(pool.map(client, range(CLIENTS)))
    won = [answer for answer in said if answer.status_code == 201]
    lost = [answer for answer in said if answer.status_code in (400, 409)]
    assert (len(won), len(lost)) == (PLACES, CLIENTS - PLACES)
    assert len({answer.json["facts"]["number"] for answer in won}) == PLACES
    nearest = "answers.slot 09:00 is fully booked. Nearest free: 08:30, 09:30, 10:00; "
    assert all(_problems(answer)[0].startswith(nearest) for answer in lost)
    assert standings(api.world) == {Standing.BOOKED: PLACES}
    assert api.count() - before == PLACES


def test_a_booking_costs_thirty_questions_and_to_come_too_late_three(api: Api, quotas: Any) -> None:
    """Everybody else waits meanwhile: whoever asks the database more often makes a release slower."""
    quotas(2)
    begin(api)  # what is known of the service and of the rules is asked now
    asked: list[str] = []
    event.listen(api.world.runtime.db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    for number, status, most in ((1, 201, 30), (2, 400, 3)):
        asked.clear()
        assert begin(api, number=number).status_code == status
        assert len([one for one in asked if not one.startswith("BEGIN")]) <= most


def test_many_who_hold_a_place_of_one_slot_are_booked_at_once(api: Api) -> None:
    """Those who hold one wait for each other in a line, never in a circle: nobody is told of a fault."""
    people, start = grown_up(api.world, HOLDERS), Barrier(HOLDERS)
    held = [hold(api.world, person) for person in people]

    def submit(transaction: Transaction) -> str:
        start.wait()
        with api.world.runtime.db.write() as tx:  # as the API does when the last proof comes
            assert not engine.answer(tx, api.world.runtime, transaction, {}).value
            return str(engine.submit(tx, api.world.runtime, transaction).transaction.row.stage)

    with ThreadPoolExecutor(HOLDERS) as pool:
        assert list(pool.map(submit, held)) == ["booked"] * HOLDERS


def test_what_was_won_under_a_key_is_answered_again_though_nothing_is_left(api: Api, quotas: Any) -> None:
    """The quick look comes after the key: a repetition is no second wish."""
    quotas(1)
    key = {"Idempotency-Key": "mine"}
    won = begin(api, headers=key)
    assert begin(api, number=1).status_code == 400
    assert begin(api, number=1, headers={"Idempotency-Key": "another"}).status_code == 400
    again = begin(api, headers=key)
    assert (again.status_code, again.json["reference"]) == (201, won.json["reference"])
    assert on(api, won, "actions/cancel").status_code == 200
    assert begin(api, number=1).status_code == 201  # what was full a moment ago is looked at anew
