"""Messages of a broadcast that are taken and handed over in one go, on both databases."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from gateway.broadcasts import definition as definitions
from gateway.broadcasts import expand, store
from gateway.broadcasts.expand import run_due
from gateway.broadcasts.step import USUAL, Limits
from gateway.cities import shipped
from gateway.citizens import register
from gateway.content import editing
from gateway.delivery import ledger, taking
from gateway.delivery.attempt import handing_over, run_lane
from gateway.delivery.store import attempts
from gateway.messages import Message
from gateway.notifications import pauses, stored, suppression
from gateway.notifications.check_codes import PLACEHOLDER, SAMPLE
from gateway.notifications.pauses import Kind
from gateway.notifications.preferences import ANY, Wish, prefer
from gateway.notifications.request import Class, Request
from gateway.notifications.store import notifications
from gateway.providers import Accepted, Cause, Outcome, Rejected, Throttled
from gateway.route_settings import Allowance
from tests.world import World

LANE = "sms.bulk"
PEOPLE = 12
PAGES = Limits(page=5)


@pytest.fixture
def city(world: World) -> World:
    """A few citizens, and a broadcast to all of them that has been started."""
    world.settle(PEOPLE)
    _start(world)
    return world


def _start(world: World, template: str = "policy/retirement_age") -> UUID:
    now = world.clock.now
    asked = {"template": template, "audience": {}}
    definition = definitions.read(asked, shipped()["changde"].rules_now(now), now)
    with world.runtime.db.write() as tx:
        key = store.create(tx, world.runtime, definition, "test", counted=PEOPLE)
        assert store.act(tx, world.runtime, key, store.START, "test") is None
    return key


def _run(world: World, limits: Limits = PAGES) -> None:
    with handing_over(world.runtime, expand.LANE) as calls:
        run_due(world.runtime, limits, calls)


def _row(world: World) -> Any:
    """The broadcast, under our lease."""
    due = expand._claimed(world.runtime)
    assert due
    return due.row


def _balanced(world: World) -> bool:
    """The ledger agrees with itself, and with the rows."""
    with world.runtime.db.read() as tx:
        accounts = ledger.accounts(tx)
        standing = Counter(row.status for row in world.rows())
        entered = Counter[str]()
        for account in accounts:
            entered.update(account.standing)
        return ledger.balanced(tx) and +entered == standing


def _attempts(world: World) -> list[Any]:
    with world.runtime.db.read() as tx:
        return list(tx.execute(select(attempts)).all())


def _took(world: World) -> list[str]:
    return sorted(message.address for _, message in world.provider.took)


def test_a_page_is_handed_over_by_whoever_took_it(city: World) -> None:
    """Everybody is written to once, with one attempt, and no lane need be woken for it."""
    _run(city)
    assert city.statuses() == {"accepted": PEOPLE}
    assert len(set(_took(city))) == len(_took(city)) == PEOPLE
    assert {(row.outcome, row.provider) for row in _attempts(city)} == {("accepted", "scripted")}
    assert {(row.tries, row.lease) for row in city.rows()} == {(1, None)}
    assert LANE not in city.wakes.lanes
    assert _balanced(city)


def _odd(world: World) -> None:
    """One replied STOP, one wants a digest; of one the provider knows no number, for two more it is full."""
    first, second, third, fourth = (f"+86{person.mobile}" for person in world.people[:4])
    with world.runtime.db.write() as tx:
        index = world.runtime.vault.index("mobile", first)
        suppression.suppress(tx, [(index, "scripted", world.clock.now)])
        last = register.find(tx, world.runtime.vault, world.people[-1].id_number)
        assert last
        prefer(tx, world.runtime, last.id, ANY, ANY, Wish.DAILY, "page")

    def answer(handover: str, message: Message) -> Outcome:
        if message.address == second:
            return Rejected("no_such_number", Cause.RECIPIENT)
        return Throttled("full") if message.address in (third, fourth) else Accepted(f"ref-{handover}")

    world.provider.script = answer


def _ways(world: World) -> Counter[tuple[Any, ...]]:
    columns = [
        notifications.c[name] for name in ("status", "reason", "provider", "tries", "due_at", "digest")
    ]
    with world.runtime.db.read() as tx:
        return Counter(tuple(row) for row in tx.execute(select(*columns)))


def test_the_straight_way_ends_where_the_way_through_the_lane_does(city: World) -> None:
    """Refused, throttled, suppressed or accepted: each row stands as it would have by its lane's worker."""
    _odd(city)
    _run(city)
    straight = _ways(city)
    with city.runtime.db.write() as tx:
        for table in (attempts, notifications):
            tx.execute(table.delete())
    _start(city)
    run_due(city.runtime, PAGES)
    run_lane(city.runtime, LANE)
    assert straight == _ways(city)
    assert {status for status, *_ in straight} == {"accepted", "suppressed", "failed", "waiting"}


def test_what_a_held_lane_gets_waits_in_it(city: World) -> None:
    """Nothing is handed over while an operator holds the lane; afterwards its worker does it."""
    with city.runtime.db.write() as tx:
        pauses.pause(tx, Kind.LANE, LANE, "test", city.clock.now)
    _run(city)
    assert (city.statuses(), _took(city), _attempts(city)) == ({"waiting": PEOPLE}, [], [])
    with city.runtime.db.write() as tx:
        pauses.resume(tx, Kind.LANE, LANE)
    run_lane(city.runtime, LANE)
    assert city.statuses() == {"accepted": PEOPLE}
    assert _balanced(city)


def test_what_a_provider_has_no_room_for_waits_for_its_lane(city: World) -> None:
    """Of a page as many go as its rate allows; the lane's worker has the rest as soon as it does."""
    bound = {"scripted": Allowance(per_second=3)}
    city.runtime = replace(city.runtime, settings=replace(city.runtime.settings, allowances=bound))
    _run(city, Limits(page=PEOPLE))
    went = len(_took(city))
    assert 0 < went < PEOPLE
    assert city.statuses() == {"accepted": went, "waiting": PEOPLE - went}
    assert {row.reason for row in city.rows() if row.status == "waiting"} == {"provider_rate"}
    assert _balanced(city)
    while "waiting" in city.statuses():
        city.clock.advance(seconds=2)
        run_lane(city.runtime, LANE)
    assert (city.statuses(), len(set(_took(city)))) == ({"accepted": PEOPLE}, PEOPLE)


def test_a_provider_that_hangs_does_not_hold_up_the_pages(city: World) -> None:
    """While too many calls are open the next people are taken all the same, and wait in their lane."""
    with handing_over(city.runtime, expand.LANE) as calls:
        calls.open = taking.OPEN + 1  # of a provider that does not answer
        run_due(city.runtime, Limits(page=PEOPLE, seconds=0.0), calls)
        calls.open = 0
    assert (city.statuses(), _took(city)) == ({"waiting": PEOPLE}, [])
    assert LANE in city.wakes.lanes


def test_two_runs_share_a_broadcast(city: World) -> None:
    """Each page says that there is more, and whoever comes then takes the next: nobody has one twice."""
    with handing_over(city.runtime, expand.LANE) as calls:
        run_due(city.runtime, Limits(page=5, seconds=0.0), calls)
    assert (len(_took(city)), expand.LANE in city.wakes.lanes) == (5, True)
    with ThreadPoolExecutor(2) as runs:
        list(runs.map(lambda _: _run(city, Limits(page=1)), range(2)))
    assert city.statuses() == {"accepted": PEOPLE}
    assert len(set(_took(city))) == len(_took(city)) == PEOPLE


def test_a_run_told_to_stop_takes_no_page_more(city: World) -> None:
    """The page at hand waits for its lane; nothing is called, leased or unknown."""
    with handing_over(city.runtime, expand.LANE, lambda: True) as calls:
        run_due(city.runtime, PAGES, calls)
    assert (city.statuses(), _took(city)) == ({"waiting": PAGES.page}, [])
    assert {row.lease for row in city.rows()} == {None}


def test_who_dies_before_the_calls_leaves_unknown_ones(city: World) -> None:
    """The attempts are in the books before any call: after the lease they are asked about, not sent again."""
    row = _row(city)
    step = expand.plan(city.runtime, row, USUAL)
    with handing_over(city.runtime, expand.LANE) as calls:
        calls.begin = lambda claimed: claimed.rows  # type: ignore[method-assign]  # the process ends here
        page = expand.keep(city.runtime, row, step)
        assert page
        assert expand.make(city.runtime, row, page, step.requests, calls) == PEOPLE
    assert (city.statuses(), len(_attempts(city)), _took(city)) == ({"sending": PEOPLE}, PEOPLE, [])
    assert _balanced(city)
    city.clock.advance(seconds=city.runtime.settings.lease + 1)
    run_lane(city.runtime, LANE)
    assert city.statuses() == {"unknown": PEOPLE}
    assert _took(city) == []


def test_of_two_runs_one_takes_a_page(city: World) -> None:
    """Whoever comes with an old lease takes nobody and opens no attempt."""
    row = _row(city)
    step = expand.plan(city.runtime, row, USUAL)
    city.clock.advance(seconds=city.runtime.settings.lease + 1)
    _run(city)
    assert expand.keep(city.runtime, row, step) is None
    assert len(_attempts(city)) == len(_took(city)) == PEOPLE


def test_a_text_that_asks_for_more_than_a_name_holds_the_broadcast(sqlite_world: World) -> None:
    """Its words changed after it was made: people mend it, and nobody's message has failed by then."""
    world = sqlite_world
    world.settle(PEOPLE)
    author = editing.Author("test", world.runtime.vault, world.clock.now)
    new = editing.NewText("办理", "sms", "((name))您好：请尽快办理。", "notice", name="policy/soon")
    with world.runtime.db.write() as tx:
        text = editing.create(tx, author, new)
        editing.publish(tx, author, *text.key)
    key = _start(world, "policy/soon")
    with world.runtime.db.write() as tx:
        newer = editing.add_version(tx, author, text.id, "((name))您好：请在((deadline))前办理。")
        editing.publish(tx, author, *newer.key)
    _run(world)
    with world.runtime.db.read() as tx:
        row = store.find(tx, key)
        assert row is not None
        assert row.state == store.State.PAUSED
    assert not world.rows()


def test_a_page_of_all_sorts_is_stored_as_each_of_it_alone(sqlite_world: World) -> None:
    """What neighbours share is worked out once; where they differ, each row is still its own."""
    vault, now = sqlite_world.runtime.vault, sqlite_world.clock.now
    plain = Request(None, "sms", Class.NOTICE, "policy/retirement_age", "zh-CN", {}, digest=True)
    sorts = [
        plain,
        plain,
        plain._replace(language="en"),
        plain._replace(klass=Class.RESULT, title="x"),
        plain,
    ]
    values = [{"name": f"王{n}*", PLACEHOLDER: SAMPLE} for n in range(len(sorts))]
    asked = [
        one._replace(personalisation=said, address=f"+861380000000{n}")
        for n, (one, said) in enumerate(zip(sorts, values, strict=True))
    ]
    with sqlite_world.runtime.db.read() as tx:
        columns = stored.as_columns(tx, sqlite_world.runtime, asked, now)
        texts = stored.texts(tx, sqlite_world.runtime, asked)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    singly = [stored.as_row(sqlite_world.runtime, one, texts[stored.text(one)], now) for one in asked]
    for row, alone, request in zip(rows, singly, asked, strict=True):
        for one in (row, alone):
            key = one.pop("id")
            assert vault.open("notifications.address", key, one.pop("address")) == request.address
            words = vault.open("notifications.personalisation", key, one.pop("personalisation"))
            assert json.loads(words) == request.personalisation
    assert rows == singly
