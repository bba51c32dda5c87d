"""The nightly match on both databases: once a day of each vendor, and every difference kept and told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from gateway.delivery import books, measures, receipts
from gateway.delivery.attempt import run_lane
from gateway.delivery.books import LEDGER, book_matches
from gateway.delivery.comparing import Kind
from gateway.delivery.store import attempts
from gateway.notifications.store import notifications
from gateway.provider_books import BooksUnanswered, Record, Totals
from gateway.providers import Accepted, Delivery, Outcome, Unknown
from tests.world import Scripted, World

LANE = "sms.normal"
CHINA = timezone(timedelta(hours=8))
DAY = date(2026, 11, 21)  # where the world begins, in UTC and in China
NIGHT = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)


class Lister(Scripted):
    """It lists what it took."""

    day_zone = UTC

    def __init__(self) -> None:
        super().__init__(batch=1)
        self.end = Delivery.PENDING
        self.asked: list[date] = []
        self.down = False

    def recorded(self, day: date) -> Iterator[Sequence[Record]]:
        self.asked.append(day)
        for handover, message in self.took:
            yield [Record(f"ref-{handover}", message.address, self.end)]
        if self.down:
            raise BooksUnanswered("http_503")


class Counter(Scripted):
    """It counts what it took, each as two."""

    day_zone = CHINA
    extra = 0

    def units(self, text: str, signature: str) -> int:
        assert (text, signature) != ("", "")
        return 2

    def counted(self, day: date) -> Totals:
        taken = 2 * len(self.took) + self.extra
        return Totals(taken, 0, 0, taken) if day == DAY else Totals(0, 0, 0, 0)


def _with(world: World, provider: Any) -> Any:
    world.provider = provider
    world.runtime = replace(world.runtime, providers={"scripted": provider})
    world.settle(5)
    return provider


@pytest.fixture
def lister(world: World) -> Lister:
    lister: Lister = _with(world, Lister())
    return lister


@pytest.fixture
def counter(world: World) -> Counter:
    counter: Counter = _with(world, Counter())
    return counter


def _send(world: World, count: int = 3) -> None:
    world.take(count)
    run_lane(world.runtime, LANE)


def _matched(world: World, name: str = "scripted", day: date = DAY) -> Any:
    with world.runtime.db.read() as tx:
        (row,) = [row for row in books.of_day(tx, day) if row.provider == name]
    return row


def _numbers(row: Any) -> dict[Kind, int]:
    return dict(books.differences(row).numbers)


def test_a_day_is_matched_once_by_whoever_comes_first(world: World, lister: Lister) -> None:
    """Two beats, and a beat every few minutes: the provider is asked once, in the night after."""
    _send(world)
    assert books.nightly(world.runtime) == 2  # the day before: the ledger and the provider
    world.clock.now = NIGHT
    assert [books.nightly(world.runtime) for _ in range(3)] == [2, 0, 0]
    assert lister.asked == [DAY - timedelta(days=1), DAY]
    row = _matched(world)
    assert (row.zone, row.difference, row.problem, row.checked_at) == ("UTC", 0, None, NIGHT)
    assert _numbers(row) == {Kind.TO_COME: 3}


def test_a_day_that_somebody_is_matching_is_left_alone(world: World, lister: Lister) -> None:
    """Until its claim has ended: then whoever comes does it."""
    with world.runtime.db.write() as tx:
        assert books._claim(tx, "scripted", DAY, UTC, world.clock.now, anew=False)
    assert not books.match(world.runtime, "scripted", DAY)
    world.clock.advance(minutes=30)
    assert books.match(world.runtime, "scripted", DAY)


def test_a_provider_that_does_not_answer_is_asked_again_later(world: World, lister: Lister) -> None:
    """Half a list is no list: nothing is concluded from it."""
    _send(world)
    lister.down = True
    assert not books.match(world.runtime, "scripted", DAY)
    row = _matched(world)
    assert (row.problem, row.checked_at, row.difference, row.listed) == ("http_503", None, 0, "{}")
    lister.down = False
    assert not books.match(world.runtime, "scripted", DAY)
    world.clock.advance(minutes=31)
    assert books.match(world.runtime, "scripted", DAY)
    assert (_matched(world).problem, _matched(world).difference) == (None, 0)


def test_a_bug_in_one_provider_stops_no_other(world: World, lister: Lister) -> None:
    """The ledger is counted all the same."""
    lister.recorded = None  # type: ignore[assignment, method-assign]
    lister.counted = lambda _day: 1 / 0  # type: ignore[attr-defined]
    lister.units = lambda _text, _signature: 1  # type: ignore[attr-defined]
    world.clock.now = NIGHT
    assert books.nightly(world.runtime) == 1
    assert _matched(world).problem == "ZeroDivisionError"


def test_what_they_lost_and_what_we_do_not_have_is_listed(world: World, lister: Lister) -> None:
    """By reference: ids and codes only."""
    _send(world)
    (lost, message), *_ = lister.took
    lister.took[0] = ("stranger", message)
    books.match(world.runtime, "scripted", DAY)
    row = _matched(world)
    assert _numbers(row) == {Kind.OURS_ONLY: 1, Kind.THEIRS_ONLY: 1, Kind.TO_COME: 2}
    assert books.differences(row).listed[Kind.OURS_ONLY] == [f"ref-{lost}"]
    assert books.differences(row).listed[Kind.THEIRS_ONLY] == ["ref-stranger"]
    assert row.difference == 2
    with world.runtime.db.read() as tx:
        assert books.standing(tx) == {"scripted": 2}


def test_what_was_taken_long_before_it_went_is_ours_all_the_same(world: World, lister: Lister) -> None:
    """A message for a given day was taken weeks ahead; its hand-over counts, not its id."""
    world.clock.advance(days=-30)
    world.take(2, not_before=world.clock.now + timedelta(days=30))
    world.clock.advance(days=30)
    run_lane(world.runtime, LANE)
    assert books.match(world.runtime, "scripted", DAY)
    row = _matched(world)
    assert (row.difference, _numbers(row), row.ours) == (
        0,
        {Kind.TO_COME: 2},
        '{"accepted": 2, "unknown": 0}',
    )


def test_a_receipt_we_were_not_told_is_none_that_is_still_to_come(world: World, lister: Lister) -> None:
    """They know how all three ended; we were told of one."""
    _send(world)
    lister.end = Delivery.DELIVERED
    with world.runtime.db.write() as tx:
        receipts.keep(tx, world.runtime, "scripted", lister.report(0))
    receipts.apply_due(world.runtime)
    books.match(world.runtime, "scripted", DAY)
    assert _numbers(_matched(world)) == {Kind.MISSED: 2}


def test_another_day_s_messages_are_not_missed(world: World, lister: Lister) -> None:
    """What was handed over the day before or after is on another list."""
    _send(world, 1)
    world.clock.advance(days=1)
    _send(world, 1)
    world.clock.advance(days=1)
    _send(world, 1)
    lister.took = lister.took[1:2]
    books.match(world.runtime, "scripted", DAY + timedelta(days=1))
    assert _numbers(_matched(world, day=DAY + timedelta(days=1))) == {Kind.TO_COME: 1}


def test_pages_of_our_own_book_lose_nobody(
    world: World, lister: Lister, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read one at a time, so that both tries of a message stand at an edge."""
    monkeypatch.setattr(books, "PAGE", 1)
    _send(world, 5)
    with world.runtime.db.write() as tx:
        rows = [row._asdict() for row in tx.execute(select(attempts))]
        first = {"handover": "0", "outcome": "throttled", "provider_ref": None}
        tx.execute(insert(attempts), [{**row, **first} for row in rows])
    books.match(world.runtime, "scripted", DAY)
    assert _numbers(_matched(world)) == {Kind.TO_COME: 5}


def _lose(world: World, counter: Counter) -> None:
    def lose(handover: str, message: Any) -> Outcome:
        counter.took.append((handover, message))
        return Unknown("read_timeout")

    world.provider.script = lose
    _send(world, 1)
    world.provider.script = lambda handover, _message: Accepted(f"ref-{handover}")


def test_sums_are_compared_in_the_vendor_s_units(world: World, counter: Counter) -> None:
    """Three messages are six units here as there, by the day in China, and none has a receipt yet."""
    _send(world, 3)
    books.match(world.runtime, "scripted", DAY)
    row = _matched(world)
    assert (row.zone, row.ours) == ("UTC+08:00", '{"taken": 6, "perhaps": 0, "open": 3}')
    assert _numbers(row) == {Kind.TO_COME: 6}
    counter.extra = 2
    books.match(world.runtime, "scripted", DAY, anew=True)
    assert _numbers(_matched(world)) == {Kind.TO_COME: 8, Kind.THEIRS_ONLY: 2}


def test_a_lost_answer_explains_what_they_have_more(world: World, counter: Counter) -> None:
    """Until the provider was asked; then it counts as taken."""
    _lose(world, counter)
    books.match(world.runtime, "scripted", DAY)
    assert _numbers(_matched(world)) == {Kind.TO_COME: 2, Kind.LOST_ANSWER: 2}
    world.clock.advance(seconds=20)
    run_lane(world.runtime, LANE)
    books.match(world.runtime, "scripted", DAY, anew=True)
    assert _numbers(_matched(world)) == {Kind.TO_COME: 2}


def test_units_outlive_being_summed_up_till_their_day_was_matched(world: World, counter: Counter) -> None:
    """In blocks that both days, of UTC and of UTC+8, are made of; after some days they are one sum."""
    _send(world, 3)
    for later, units in ((timedelta(hours=18), {"accepted": 6}), (timedelta(days=5), {})):
        world.clock.now += later
        with world.runtime.db.write() as tx:
            measures.add(tx, {(measures.ATTEMPTS, "other", "accepted"): 1}, world.clock.now)
            measures.compact(tx)
            begins = datetime(2026, 11, 21, tzinfo=CHINA)
            day = begins, begins + timedelta(days=1)
            assert measures.in_between(tx, measures.UNITS, "scripted", *day) == units
            assert measures.totals(tx)[measures.UNITS, "scripted", "accepted"] == 6


def test_the_ledger_is_held_against_the_rows(world: World, lister: Lister) -> None:
    """A row that vanished is listed by lane and status."""
    _send(world, 2)
    world.take(1)
    with world.runtime.db.write() as tx:
        tx.execute(delete(notifications).where(notifications.c.status == "waiting"))
    books.match(world.runtime, LEDGER, DAY)
    row = _matched(world, LEDGER)
    assert (row.difference, row.ours, row.theirs) == (1, '{"entries": 3}', '{"rows": 2}')
    assert books.differences(row).listed == {Kind.OURS_ONLY: ["sms.normal waiting"]}


def test_matches_are_forgotten_after_a_year(world: World, lister: Lister) -> None:
    """And not before."""
    books.match(world.runtime, "scripted", DAY)
    for days, left in ((399, 1), (3, 0)):
        world.clock.advance(days=days)
        with world.runtime.db.write() as tx:
            books.forget_old(tx, world.clock.now)
            assert len(tx.execute(select(book_matches)).all()) == left
