"""What providers push is kept once, and what gathers elsewhere is fetched, whatever fails beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from gateway.delivery import measures, receipts
from gateway.delivery.attempt import record, run_lane
from gateway.delivery.claim import claim_lane
from gateway.providers import Accepted, Callback, Cause, Delivery, Outcome, Rejected
from tests.world import Scripted, World, report

LANE = "sms.normal"


def _callback(body: bytes, kind: str = "sms-report", url: str = "https://x.cn/a") -> Callback:
    return Callback(kind, url, {}, body, "127.0.0.1")


def _keep(world: World, callback: Callback, provider: str = "scripted") -> bool:
    with world.runtime.db.write() as tx:
        return receipts.keep(tx, world.runtime, provider, callback)


def _states(world: World) -> dict[str, int]:
    with world.runtime.db.read() as tx:
        return dict(receipts.waiting(tx))


# --- pushed ------------------------------------------------------------------------------------


def test_a_push_that_comes_again_is_kept_once(sqlite_world: World) -> None:
    """The same body at another address, of another kind or provider is another push."""
    push = _callback(b"[]")
    others = [(replace(push, url="https://x.cn/b"), "scripted"), (replace(push, kind="sms-up"), "scripted")]
    assert [_keep(sqlite_world, push), _keep(sqlite_world, push)] == [True, False]
    assert [_keep(sqlite_world, *one) for one in [*others, (push, "other")]] == [True] * 3


def test_identical_pushes_at_the_same_moment_are_one(world: World) -> None:
    """Two doors, one row, and neither of them fails."""
    together, kept = Barrier(4), list[bool]()

    def push() -> None:
        together.wait(10)
        kept.append(_keep(world, _callback(b"[]")))

    hands = [Thread(target=push) for _ in range(4)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join(20)
    assert sorted(kept) == [False, False, False, True]


def test_a_push_repeated_while_its_message_is_not_known_is_matched_once(sqlite_world: World) -> None:
    """The one kept first goes on being looked for; the repetition changes nothing."""
    world = sqlite_world
    world.settle(1)
    world.take()
    claimed = claim_lane(world.runtime, LANE, 10)
    call = claimed.handovers[0]
    early = report("ref-later", "", call.messages[0].address, Delivery.DELIVERED)
    for _ in range(2):
        _keep(world, early)
        receipts.apply_due(world.runtime)
    assert _states(world) == {"unmatched": 1}
    with world.runtime.db.write() as tx:
        record(tx, world.runtime, claimed.lease, call, [Accepted("ref-later")])
    world.clock.advance(seconds=5)
    receipts.apply_due(world.runtime)
    assert (world.statuses(), _states(world)) == ({"delivered": 1}, {"applied": 1})


def test_what_was_given_up_is_not_revived_by_its_repetition(sqlite_world: World) -> None:
    """Neither the unreadable nor what found no message for an hour."""
    world = sqlite_world
    stray = report("ref-nobody", "", "+8613800138000", Delivery.DELIVERED)
    for push in (_callback(b"no json"), stray):
        _keep(world, push)
    for _ in range(receipts.TRIES + 2):
        receipts.apply_due(world.runtime)
        world.clock.advance(hours=1)
    given_up = {"unreadable": 1, "unmatched": 1}
    assert (_states(world), receipts.apply_due(world.runtime)) == (given_up, 0)
    assert [_keep(world, _callback(b"no json")), _keep(world, stray)] == [False, False]
    assert (receipts.apply_due(world.runtime), _states(world)) == (0, given_up)


def test_after_thirty_days_a_push_is_forgotten_and_may_come_again(sqlite_world: World) -> None:
    """Digests go with their rows."""
    _keep(sqlite_world, _callback(b"[]"))
    receipts.apply_due(sqlite_world.runtime)
    sqlite_world.clock.advance(days=30, seconds=1)
    with sqlite_world.runtime.db.write() as tx:
        receipts.forget_old(tx, sqlite_world.clock.now)
    assert _keep(sqlite_world, _callback(b"[]"))


# --- fetched -----------------------------------------------------------------------------------


class Mailbox(Scripted):
    """A provider whose reports gather in a folder: it ``breaks`` behind the last, ``stuck`` ones stay."""

    def __init__(self, *bodies: bytes) -> None:
        super().__init__()
        self.folder = list(bodies)
        self.breaks: Exception | None = None
        self.stuck: set[bytes] = set()

    def collect(self) -> Iterator[tuple[Callback, Callable[[], None]]]:
        for body in list(self.folder):
            yield _callback(body, "email-report", ""), partial(self._put_away, body)
        if self.breaks:
            raise self.breaks

    def _put_away(self, body: bytes) -> None:
        if body in self.stuck:
            raise OSError("read-only")
        self.folder.remove(body)


def _with_mailboxes(world: World, **boxes: Mailbox) -> None:
    world.runtime = replace(world.runtime, providers={**world.runtime.providers, **boxes})


def test_what_gathers_in_a_folder_is_kept_then_put_away(sqlite_world: World) -> None:
    """Each once, and the lane of receipts is woken for it; nothing new wakes nobody."""
    box = Mailbox(*(b"%d" % number for number in range(receipts.FETCHED + 1)))
    _with_mailboxes(sqlite_world, box=box)
    assert receipts.collect(sqlite_world.runtime) == receipts.FETCHED + 1
    assert (box.folder, sqlite_world.wakes.lanes) == ([], [receipts.LANE])
    assert receipts.collect(sqlite_world.runtime) == 0
    assert sqlite_world.wakes.lanes == [receipts.LANE]


def test_what_could_not_be_put_away_is_met_again_and_kept_once(sqlite_world: World) -> None:
    """As after a process that died between keeping and putting away."""
    box = Mailbox(b"1", b"2")
    box.stuck = {b"1"}
    _with_mailboxes(sqlite_world, box=box)
    assert [receipts.collect(sqlite_world.runtime) for _ in range(2)] == [2, 0]
    assert (box.folder, _states(sqlite_world)) == ([b"1"], {"new": 2})


@pytest.mark.parametrize("error", [OSError("gone"), KeyError("a bug")])
def test_a_folder_that_cannot_be_read_holds_up_no_other(sqlite_world: World, error: Exception) -> None:
    """What was read before it broke is kept, and the next provider is asked."""
    broken, whole = Mailbox(b"1"), Mailbox(b"2")
    broken.breaks = error
    _with_mailboxes(sqlite_world, broken=broken, whole=whole)
    assert receipts.collect(sqlite_world.runtime) == 2
    assert (broken.folder, whole.folder) == ([], [])


def test_a_report_the_database_does_not_take_holds_up_no_other(sqlite_world: World) -> None:
    """It stays where it is and is met again the next time."""
    box, left = Mailbox(b"1", b"2", b"3"), 2
    _with_mailboxes(sqlite_world, box=box)

    def fail(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal left
        if left and statement.startswith("INSERT INTO callbacks"):
            left -= 1
            raise OperationalError("deadlock", None, Exception("deadlock detected"))

    event.listen(sqlite_world.runtime.db.engine, "before_cursor_execute", fail)
    assert receipts.collect(sqlite_world.runtime) == 2
    assert box.folder == [b"1"]
    assert receipts.collect(sqlite_world.runtime) == 1
    assert box.folder == []


def test_a_code_no_table_knows_is_counted(sqlite_world: World) -> None:
    """Once for each message, by provider and where it was said; the code itself stands in the attempt."""
    world = sqlite_world
    world.settle(3)
    world.take(3)
    answers: Iterator[Outcome] = iter([Rejected("new.code"), Accepted("r1"), Accepted("r2")])
    world.provider.script = lambda _handover, _message: next(answers)
    run_lane(world.runtime, LANE)
    for number, cause in enumerate((Cause.UNSPECIFIED, Cause.AWAY)):
        reference, address = f"r{number + 1}", world.provider.took[number][1].address
        _keep(world, report(reference, "", address, Delivery.UNDELIVERED, cause))
    receipts.apply_due(world.runtime)
    with world.runtime.db.read() as tx:
        totals = measures.totals(tx)
    found = {key: n for key, n in totals.items() if key[0] == measures.UNKNOWN_CODES}
    assert found == {
        (measures.UNKNOWN_CODES, "scripted", "outcome"): 1,
        (measures.UNKNOWN_CODES, "scripted", "receipt"): 1,
    }
