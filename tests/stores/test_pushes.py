"""What providers push is kept once, and what gathers elsewhere is fetched, whatever fails beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from gateway.delivery import fetching, measures, receipts
from gateway.delivery.attempt import run_lane
from gateway.delivery.claim import claim_lane
from gateway.delivery.record import Answer, record
from gateway.notifications import suppression
from gateway.notifications.request import Class
from gateway.providers import (
    Accepted,
    Callback,
    CannotTell,
    Cause,
    Delivery,
    Found,
    Inbound,
    Outcome,
    Receipt,
    Rejected,
    Unknown,
    Unreadable,
)
from tests.world import Scripted, World, report

LANE = "sms.normal"


def _callback(body: bytes, kind: str = "sms-report", url: str = "https://x.cn/a") -> Callback:
    return Callback(kind, url, {}, body, "127.0.0.1")


def _keep(world: World, callback: Callback, provider: str = "scripted") -> bool:
    return receipts.keep_now(world.runtime, provider, callback)


def _states(world: World) -> dict[str, int]:
    with world.runtime.db.read() as tx:
        return dict(receipts.waiting(tx))


# --- pushed ------------------------------------------------------------------------------------


def test_a_push_that_comes_again_is_kept_once(world: World) -> None:
    """The same body at another address, of another kind or provider is another push."""
    push = _callback(b"[]")
    others = [(replace(push, url="https://x.cn/b"), "scripted"), (replace(push, kind="sms-up"), "scripted")]
    assert [_keep(world, push), _keep(world, push)] == [True, False]
    assert [_keep(world, *one) for one in [*others, (push, "other")]] == [True] * 3


def test_a_push_is_read_as_it_came(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte by byte, whatever they are, and with its address."""
    bodies = (b"", b"\n", b"[\xff\x00\n\xe4]", "回音\r\n".encode(), bytes(range(256)) * 300)
    pushes = [_callback(body, url=url) for body in bodies for url in ("", "https://x.cn/?a=回\n\ud83d")]
    read: list[Callback] = []

    def look(callback: Callback) -> list[Receipt]:
        read.append(callback)
        return []

    monkeypatch.setattr(world.provider, "parse", look)
    for push in pushes:
        _keep(world, push)
        receipts.apply_due(world.runtime)
    assert read == [replace(push, remote="") for push in pushes]


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
        record(tx, world.runtime, [Answer(claimed.lease, call, [Accepted("ref-later")])])
    world.clock.advance(seconds=5)
    receipts.apply_due(world.runtime)
    assert (world.statuses(), _states(world)) == ({"delivered": 1}, {"applied": 1})


def test_what_was_given_up_is_looked_at_again_when_it_is_pushed_again(world: World) -> None:
    """The unreadable and what found no message for an hour; what was applied is not."""
    stray = report("ref-nobody", "", "+8613800138000", Delivery.DELIVERED)
    for push in (_callback(b"no json"), stray):
        _keep(world, push)
    for _ in range(receipts.TRIES + 2):
        receipts.apply_due(world.runtime)
        world.clock.advance(hours=1)
    given_up = {"unreadable": 1, "unmatched": 1}
    assert (_states(world), receipts.apply_due(world.runtime)) == (given_up, 0)
    assert _keep(world, _callback(b"[]"))
    receipts.apply_due(world.runtime)
    assert [_keep(world, push) for push in (_callback(b"no json"), stray)] == [True, True]
    assert [_keep(world, push) for push in (stray, _callback(b"[]"))] == [False, False]
    assert (receipts.apply_due(world.runtime), _states(world)) == (2, {**given_up, "applied": 1})


def test_a_receipt_given_up_before_its_message_was_known_is_found(sqlite_world: World) -> None:
    """The answer was lost and the provider could not be asked for hours; then it tells the reference."""
    world = sqlite_world
    world.settle(1)
    world.take(klass=Class.NOTICE)
    world.provider.script = lambda handover, message: (
        world.provider.took.append((handover, message)) or Unknown("timeout")  # type: ignore[func-returns-value]
    )
    run_lane(world.runtime, "sms.bulk")
    world.provider.found = lambda _inquiry: CannotTell("down")
    _keep(world, report("ref-late", "", world.provider.took[0][1].address, Delivery.DELIVERED))
    for _ in range(receipts.TRIES + 2):
        receipts.apply_due(world.runtime)
        world.clock.advance(minutes=35)
    world.provider.found = lambda _inquiry: Found("ref-late")
    run_lane(world.runtime, "sms.bulk")
    assert world.statuses() == {"accepted": 1}
    receipts.apply_due(world.runtime)
    assert (world.statuses(), _states(world)) == ({"delivered": 1}, {"applied": 1})


def test_a_claim_takes_as_many_bytes_as_memory_has_room_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest first, one at least; all of them come to be applied."""
    monkeypatch.setattr(receipts, "BYTES", 100_000)
    at_once: list[int] = []

    def look(_callback: Callback) -> list[Receipt]:
        with world.runtime.db.read() as tx:
            leased = receipts.callbacks.c.lease.is_not(None)
            at_once.append(len(tx.execute(select(receipts.callbacks.c.id).where(leased)).all()))
        return []

    monkeypatch.setattr(world.provider, "parse", look)
    for size in (20_000, 20_000, 200_000, 20_000):
        _keep(world, _callback(b"%d" % len(at_once) * size, url=str(world.runtime.new_id())))
        world.clock.advance(seconds=1)
    receipts.apply_due(world.runtime)
    assert (at_once, _states(world)) == ([2, 2, 1, 1], {"applied": 4})


def test_one_item_that_cannot_be_read_loses_no_other(world: World) -> None:
    """A refusal beside it is heeded, once; the push is set aside for people."""
    person = world.settle(1)[0].mobile
    stop = Inbound("1", f"+86{person}", "1069012333", "TD")
    world.provider.said = [Unreadable("send_time"), stop, Unreadable("phone_number")]
    _keep(world, _callback(b"[1, 2, 3]", "sms-up"))
    assert (receipts.apply_due(world.runtime), receipts.apply_due(world.runtime)) == (1, 0)
    assert _states(world) == {"unreadable": 1}
    with world.runtime.db.read() as tx:
        assert suppression.among(tx, {world.runtime.vault.index("mobile", stop.address)})


def test_what_waits_for_its_message_is_matched_and_then_set_aside_for_the_rest(sqlite_world: World) -> None:
    """Nothing is forgotten: neither the receipt that came early nor the item nobody can read."""
    world = sqlite_world
    world.settle(1)
    world.take()
    claimed = claim_lane(world.runtime, LANE, 10)
    call = claimed.handovers[0]
    early = Receipt("ref-later", call.messages[0].address, Delivery.DELIVERED, "DELIVRD")
    world.provider.said = [early, Unreadable("biz_id")]
    _keep(world, _callback(b"[1, 2]"))
    receipts.apply_due(world.runtime)
    assert _states(world) == {"unmatched": 1}
    with world.runtime.db.write() as tx:
        record(tx, world.runtime, [Answer(claimed.lease, call, [Accepted("ref-later")])])
    world.clock.advance(seconds=5)
    receipts.apply_due(world.runtime)
    assert (world.statuses(), _states(world)) == ({"delivered": 1}, {"unreadable": 1})


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
    box = Mailbox(*(b"%d" % number for number in range(fetching.FETCHED + 1)))
    _with_mailboxes(sqlite_world, box=box)
    assert fetching.collect(sqlite_world.runtime) == fetching.FETCHED + 1
    assert (box.folder, sqlite_world.wakes.lanes) == ([], [receipts.LANE])
    assert fetching.collect(sqlite_world.runtime) == 0
    assert sqlite_world.wakes.lanes == [receipts.LANE]


def test_what_could_not_be_put_away_is_met_again_and_kept_once(sqlite_world: World) -> None:
    """As after a process that died between keeping and putting away."""
    box = Mailbox(b"1", b"2")
    box.stuck = {b"1"}
    _with_mailboxes(sqlite_world, box=box)
    assert [fetching.collect(sqlite_world.runtime) for _ in range(2)] == [2, 0]
    assert (box.folder, _states(sqlite_world)) == ([b"1"], {"new": 2})


@pytest.mark.parametrize("error", [OSError("gone"), KeyError("a bug")])
def test_a_folder_that_cannot_be_read_holds_up_no_other(sqlite_world: World, error: Exception) -> None:
    """What was read before it broke is kept, and the next provider is asked."""
    broken, whole = Mailbox(b"1"), Mailbox(b"2")
    broken.breaks = error
    _with_mailboxes(sqlite_world, broken=broken, whole=whole)
    assert fetching.collect(sqlite_world.runtime) == 2
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
    assert fetching.collect(sqlite_world.runtime) == 2
    assert box.folder == [b"1"]
    assert fetching.collect(sqlite_world.runtime) == 1
    assert box.folder == []


def test_an_answer_is_written_down_once_more_where_the_database_failed(sqlite_world: World) -> None:
    """A ring of locks that the database broke costs a tenth of a second, not the provider's answer."""
    world, left = sqlite_world, 1
    world.settle(1)
    world.take()

    def fail(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal left
        if left and statement.startswith("UPDATE notifications") and world.provider.calls:
            left -= 1
            raise OperationalError("deadlock", None, Exception("deadlock detected"))

    event.listen(world.runtime.db.engine, "before_cursor_execute", fail)
    run_lane(world.runtime, LANE)
    assert (left, world.statuses(), world.provider.calls) == (0, {"accepted": 1}, [1])
    with world.runtime.db.read() as tx:
        assert measures.totals(tx)[measures.ATTEMPTS, "scripted", "accepted"] == 1


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
