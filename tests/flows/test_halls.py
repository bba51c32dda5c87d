"""A hall's day at its desk and at its kiosk: what is pressed, what is on record, what nobody may see."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gateway import audit
from gateway.app import create_app
from gateway.appointments.bookings import Standing
from gateway.transactions.store import Transaction
from tests.flows.operator import Operator, employ
from tests.stores.test_appointments import book, now
from tests.stores.test_checkin import TEN_TO_NINE, stand
from tests.world import World

PAGE = "/ops/halls/shi"
PRESSED = (("undo", "booked"), ("check-in", "checked_in"), ("serve", "served"), ("undo", "served"))
STRANGE: list[tuple[str, dict[str, str], int]] = [  # what no form of ours sends, and what it is answered
    ("/ops/halls/nowhere/number", {"number": "A101"}, 404),
    (f"{PAGE}/burn", {"key": "x"}, 404),
    (f"{PAGE}/serve", {"key": "x"}, 400),
    (f"{PAGE}/serve", {"key": "00000000-0000-0000-0000-000000000000"}, 404),
    (f"{PAGE}/excuse", {"key": "x", "why": "because"}, 400),
    (f"{PAGE}/walk-in", {"matter": "wine"}, 400),
    (f"{PAGE}/number", {"number": "<b>' OR 1=1"}, 200),
    (f"{PAGE}/number", {}, 200),
]
DAYS = ("2026-11-24", "2026-11-28", "9999-12-31", "0001-01-01", "tomorrow", "", "２０２６")
TYPED = [("", ""), ("A101", "12"), ("<script>", "1234"), ("A101", "１２３４a"), ("A999", "0000")]


@pytest.fixture
def world(sqlite_world: World) -> World:
    employ(sqlite_world)
    sqlite_world.settle(3)
    return sqlite_world


@pytest.fixture
def booked(world: World) -> Transaction:
    """Nine o'clock on the 25th; it is ten to nine."""
    booked = book(world, world.people[0])
    world.clock.now = TEN_TO_NINE
    return booked


@pytest.fixture
def operator(world: World, booked: Transaction) -> Operator:
    assert booked
    someone = Operator(create_app(world.runtime))
    someone.sign_in()
    return someone


def recorded(world: World) -> list[tuple[str, str]]:
    with world.runtime.db.read() as tx:
        rows = tx.execute(select(audit.audit.c.action, audit.audit.c.subject).order_by(audit.audit.c.number))
        assert audit.broken(tx, world.runtime.vault) is None
        return [(row.action, row.subject) for row in rows if row.action.startswith(("booking", "walk_in"))]


def test_the_desk_checks_in_by_number_undoes_it_and_sees_to_them(
    operator: Operator, world: World, booked: Transaction
) -> None:
    """Each press moves booking and transaction, is on record by the reference, and shows no whole name."""
    reference, person = booked.row.reference, world.people[0]
    assert "A101" in operator.get(PAGE)
    said = operator.post(f"{PAGE}/number", number="101")
    assert "A101" in said
    assert "已签到 here" in said
    for deed, stage in PRESSED:
        operator.get(PAGE)
        operator.post(f"{PAGE}/{deed}", key=str(booked.id))
        assert now(world, booked).row.stage == stage
    deeds = ("check-in", "undo", "check-in", "serve")
    assert recorded(world) == [(f"booking.{deed}", reference) for deed in deeds]
    assert not any(person.name in page or person.mobile in page for page in operator.seen)


def test_a_no_show_is_excused_for_a_reason_alone(
    operator: Operator, world: World, booked: Transaction
) -> None:
    """Without one it stays; the reason is on record; an excused one is an end."""
    stand(world, booked, Standing.NO_SHOW)
    operator.get(PAGE)
    operator.post(f"{PAGE}/excuse", key=str(booked.id))
    assert now(world, booked).row.stage == "no_show"
    operator.get(PAGE)
    assert "没有来" in operator.text
    said = operator.post(f"{PAGE}/excuse", key=str(booked.id), why="ill")
    assert "没有来，不计" in said
    assert recorded(world) == [("booking.excuse", f"{booked.row.reference} ill")]


def test_who_walks_in_is_counted_and_a_slip_taken_back(operator: Operator, world: World) -> None:
    for more in ({}, {}, {"less": "1"}):
        operator.get(PAGE)
        said = operator.post(f"{PAGE}/walk-in", matter="card", **more)
    assert "现场来的 walked in 1" in said
    assert [action for action, _ in recorded(world)] == [
        "walk_in.count",
        "walk_in.count",
        "walk_in.take_back",
    ]


def test_a_number_of_another_day_or_hall_checks_nobody_in(
    operator: Operator, world: World, booked: Transaction
) -> None:
    """It says so, and the booking stays as it is."""
    world.clock.now = datetime(2026, 11, 24, 1, tzinfo=UTC)
    for page in (PAGE, "/ops/halls/dingcheng"):
        operator.sign_in()
        operator.get(page)
        assert "没有预约号A101" in operator.post(f"{page}/number", number="A101")
        operator.get(page)
        operator.post(f"{page}/check-in", key=str(booked.id))
        assert now(world, booked).row.stage == "booked"
    world.clock.now = TEN_TO_NINE  # the day itself, at another hall's desk
    operator.sign_in()
    operator.get("/ops/halls/dingcheng")
    operator.post("/ops/halls/dingcheng/check-in", key=str(booked.id))
    assert operator.status == 404
    assert now(world, booked).row.stage == "booked"
    assert recorded(world) == []


def test_forms_of_the_desk_nobody_of_ours_made_change_nothing(operator: Operator, world: World) -> None:
    for path, fields, status in STRANGE:
        operator.get(PAGE)
        operator.post(path, **fields)
        assert operator.status == status, (path, fields)
    assert recorded(world) == []


def test_every_day_asked_for_has_a_page(operator: Operator) -> None:
    """Also one that is not worked, and one that cannot be: that is today."""
    for day in DAYS:
        for page in ("/ops/halls", PAGE):
            operator.get(f"{page}?day={day}")
            assert operator.status == 200, day


# --- the kiosk -------------------------------------------------------------------------------


@pytest.fixture
def client(world: World) -> FlaskClient:
    return create_app(world.runtime).test_client()


def kiosk(client: FlaskClient, place: str = "127.0.0.1", **fields: str) -> tuple[int, str]:
    answer = client.post("/checkin/shi?kiosk", data=fields, environ_overrides={"REMOTE_ADDR": place})
    assert "Set-Cookie" not in answer.headers
    return answer.status_code, answer.text


def test_a_kiosk_checks_in_without_cookie_or_visit_and_begins_anew(
    client: FlaskClient, world: World, booked: Transaction
) -> None:
    """It keeps nothing of anybody, and goes back to the empty page by itself."""
    person = world.people[0]
    status, page = kiosk(client, number="A101", mobile=person.mobile[-4:])
    assert status == 200
    assert "A101" in page
    assert "09:00" in page
    assert 'http-equiv="refresh"' in page
    assert person.name not in page
    assert now(world, booked).row.stage == "checked_in"


def test_a_kiosk_answers_anything_typed_with_what_to_do(
    client: FlaskClient, world: World, booked: Transaction
) -> None:
    """Escaped, and nobody is checked in."""
    for number, mobile in TYPED:
        status, page = kiosk(client, number=number, mobile=mobile)
        assert status == 422
        assert "这里要改一下" in page
        assert "<script>" not in page.partition("<body")[2]
    assert now(world, booked).row.stage == "booked"


def test_thirty_wrong_ones_close_the_place_they_came_from_and_no_other(
    client: FlaskClient, world: World, booked: Transaction
) -> None:
    """Nobody at home tries, or closes, every number of a hall; the machine there goes on."""
    right = {"number": "A101", "mobile": world.people[0].mobile[-4:]}
    tried = [
        kiosk(client, "203.0.113.7", number=f"B{number}", mobile="0000")[0] for number in range(200, 231)
    ]
    assert tried == [422] * 30 + [429]
    assert kiosk(client, "203.0.113.7", **right)[0] == 429
    assert now(world, booked).row.stage == "booked"
    assert kiosk(client, "203.0.113.8", **right)[0] == 200


def test_only_halls_of_the_city_have_a_kiosk(client: FlaskClient) -> None:
    assert client.get("/checkin/shi").status_code == 200
    assert client.get("/checkin/nowhere").status_code == 404
