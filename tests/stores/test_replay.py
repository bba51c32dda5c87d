"""Dead letters on both databases: gathered by cause, replayed once, nobody written to twice by accident."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from gateway import cities
from gateway.broadcasts import definition as definitions
from gateway.broadcasts import follow_up, progress
from gateway.broadcasts import store as broadcasts
from gateway.broadcasts.audience import Span
from gateway.broadcasts.expand import run_due
from gateway.delivery import ledger
from gateway.delivery.attempt import run_lane
from gateway.delivery.store import attempts
from gateway.levers import dead_letters
from gateway.levers.dead_letters import Cause
from gateway.notifications import store, stored
from gateway.notifications.request import Class, Origin
from gateway.notifications.status import Status
from gateway.notifications.store import notifications
from gateway.providers import Accepted, Rejected
from gateway.providers import Cause as Why
from gateway.transactions import store as transactions
from tests.world import World

LANE = "sms.normal"
REFUSED = Cause(Status.FAILED, Class.RESULT, "sms", "isv.MOBILE_NUMBER_ILLEGAL")


def dead(world: World, count: int, klass: Class = Class.RESULT, **changes: Any) -> list[UUID]:
    """Messages the provider refused for good."""
    world.provider.script = lambda _handover, _message: Rejected(REFUSED.reason, Why.RECIPIENT)
    taken = world.take(count, klass, **changes)
    for lane in ("sms.urgent", LANE, "sms.bulk"):
        run_lane(world.runtime, lane)
    world.provider.script = lambda handover, _message: Accepted(f"ref-{handover}")
    return taken


def replayed(world: World, cause: Cause = REFUSED, *, again: bool = False, most: int | None = None) -> int:
    return sum(dead_letters.replay(world.runtime, cause, world.clock(), again=again, most=most))


def plan(world: World, cause: Cause = REFUSED) -> dead_letters.Plan:
    with world.runtime.db.read() as tx:
        return dead_letters.plan(tx, cause, world.clock())


def groups(world: World, *statuses: Status) -> list[dead_letters.Group]:
    with world.runtime.db.read() as tx:
        return dead_letters.groups(tx, *(statuses or (Status.FAILED,)))


def balanced(world: World) -> bool:
    with world.runtime.db.read() as tx:
        return ledger.balanced(tx)


def test_a_replay_is_its_services_and_goes_where_the_first_went(world: World) -> None:
    """Whoever asked sees it under its own word; the address is the one form, not as it was supplied."""
    world.settle(1)
    origin = Origin(uuid4(), "normal", "case 7", "138 0013 8000")
    dead(world, 1, citizen_id=None, address="+8613800138000", origin=origin)
    world.provider.took.clear()
    assert replayed(world) == 1
    run_lane(world.runtime, LANE)
    assert [message.address for _, message in world.provider.took] == ["+8613800138000"]
    new = next(row for row in world.rows() if row.replay_of)
    assert stored.own_origin(world.runtime, new) == origin


def test_dead_letters_are_gathered_by_their_cause(world: World) -> None:
    """Class, channel and reason make a group, with its number, its oldest and its newest."""
    world.settle(3)
    dead(world, 2)
    first = world.clock()
    world.clock.advance(minutes=5)
    dead(world, 1)
    dead(world, 1, Class.CODE)
    code = Cause(Status.FAILED, Class.CODE, "sms", REFUSED.reason)
    found = {group.cause: group for group in groups(world)}
    assert found.keys() == {REFUSED, code}
    assert (found[REFUSED].number, found[REFUSED].oldest, found[REFUSED].newest) == (3, first, world.clock())
    with world.runtime.db.read() as tx:
        lately = dead_letters.recent(tx, world.clock(), timedelta(minutes=1))
    assert lately == {LANE: 1, "sms.urgent": 1}


def test_a_replay_says_the_same_to_the_same_people_in_the_same_lane(world: World) -> None:
    """A new notification with its own life, naming the old one, which stays dead; the ledger balances."""
    world.settle(3)
    old = set(dead(world, 3))
    world.clock.advance(hours=71)
    assert plan(world) == dead_letters.Plan(fresh=3, again=0, late=0)
    assert replayed(world) == 3
    rows = {row.id: row for row in world.rows()}
    new = [row for row in rows.values() if row.replay_of]
    assert {row.replay_of for row in new} == old
    for row in new:
        was = rows[row.replay_of]
        same = ("citizen_id", "channel", "lane", "klass", "template_id", "transaction_id")
        assert [getattr(row, name) for name in same] == [getattr(was, name) for name in same]
        assert (row.status, was.status) == ("waiting", "failed")
        assert row.expires_at == world.clock() + timedelta(hours=72)
        said = store.personalisation(world.runtime, row.id, row.personalisation)
        assert said == store.personalisation(world.runtime, was.id, was.personalisation)
    assert world.wakes.lanes == [LANE]
    assert balanced(world)
    run_lane(world.runtime, LANE)
    assert world.statuses() == {"failed": 3, "accepted": 3}
    assert balanced(world)


def test_a_letter_to_an_address_of_its_own_is_replayed_there(world: World) -> None:
    """The address is sealed anew for the new row."""
    world.settle(1)
    dead_one = dead(world, 1)[0]
    with world.runtime.db.write() as tx:
        sealed = world.runtime.vault.seal("notifications.address", dead_one, "+8613900000001")
        tx.execute(update(notifications).values(citizen_id=None, address=sealed))
    assert replayed(world) == 1
    run_lane(world.runtime, LANE)
    assert [message.address for _, message in world.provider.took] == ["+8613900000001"]


def test_what_was_replayed_is_not_offered_again(world: World) -> None:
    """A second press takes nothing; when the replay fails too, that is a letter of its own."""
    world.settle(2)
    dead(world, 2)
    assert replayed(world) == 2
    assert (groups(world), plan(world), replayed(world)) == ([], dead_letters.Plan(0, 0, 0), 0)
    world.provider.script = lambda _handover, _message: Rejected(REFUSED.reason, Why.RECIPIENT)
    run_lane(world.runtime, LANE)
    assert [group.number for group in groups(world)] == [2]


def test_whoever_may_have_got_it_is_left_out_unless_asked_for(world: World) -> None:
    """An attempt perhaps taken makes a second message; one reported undelivered does not."""
    world.settle(3)
    sure, perhaps, back = dead(world, 3)
    with world.runtime.db.write() as tx:
        tx.execute(update(attempts).where(attempts.c.notification_id == perhaps).values(outcome="unknown"))
        mine = attempts.c.notification_id == back
        tx.execute(update(attempts).where(mine).values(outcome="accepted", receipt="undelivered"))
    assert plan(world) == dead_letters.Plan(fresh=2, again=1, late=0)
    assert replayed(world) == 2
    assert {row.replay_of for row in world.rows() if row.replay_of} == {sure, back}
    assert replayed(world, again=True) == 1
    assert balanced(world)


def test_codes_are_never_replayed(world: World) -> None:
    """Five minutes after a code nobody waits for it any more."""
    world.settle(1)
    dead(world, 1, Class.CODE)
    code = Cause(Status.FAILED, Class.CODE, "sms", REFUSED.reason)
    assert plan(world, code) == dead_letters.Plan(fresh=0, again=0, late=1)
    assert replayed(world, code, again=True) == 0


def test_reminders_are_never_replayed(world: World) -> None:
    """Whether one still holds is asked just before it goes out; an old one was judged long ago."""
    world.settle(1)
    dead(world, 1, Class.REMINDER)
    cause = Cause(Status.FAILED, Class.REMINDER, "sms", REFUSED.reason)
    assert plan(world, cause) == dead_letters.Plan(fresh=0, again=0, late=1)
    assert replayed(world, cause, again=True) == 0


@pytest.mark.parametrize(("klass", "days"), [(Class.RESULT, 3), (Class.NOTICE, 7)])
def test_what_is_old_is_left_out(world: World, klass: Class, days: int) -> None:
    """After three days a result, after seven a notice says nothing anybody waits for."""
    world.settle(1)
    dead(world, 1, klass)
    cause = Cause(Status.FAILED, klass, "sms", REFUSED.reason)
    world.clock.advance(days=days, seconds=-1)
    assert plan(world, cause) == dead_letters.Plan(fresh=1, again=0, late=0)
    world.clock.advance(seconds=1)
    assert plan(world, cause) == dead_letters.Plan(fresh=0, again=0, late=1)
    assert replayed(world, cause, again=True) == 0


def test_a_result_whose_matter_changed_since_is_left_out(world: World) -> None:
    """It would tell of an appointment that was cancelled meanwhile."""
    world.settle(1)
    with world.runtime.db.write() as tx:
        about = transactions.create(tx, world.runtime, "card_loss", "web", None, world.clock()).id
    dead(world, 1, transaction_id=about)
    assert plan(world) == dead_letters.Plan(fresh=1, again=0, late=0)
    world.clock.advance(minutes=1)
    with world.runtime.db.write() as tx:
        transactions.change(tx, world.runtime, about, stage="cancelled")
    assert plan(world) == dead_letters.Plan(fresh=0, again=0, late=1)
    assert replayed(world) == 0


def _broadcast(world: World, **keys: Any) -> UUID:
    """A running one that has taken everybody."""
    rules = cities.shipped()["changde"].rules_now(world.clock())
    given = {"template": "policy/retirement_age", "audience": {}, **keys}
    policy = definitions.read(given, rules, world.clock())
    table = broadcasts.broadcasts
    with world.runtime.db.write() as tx:
        key = broadcasts.create(tx, world.runtime, policy, "lin", counted=len(world.people))
        assert broadcasts.act(tx, world.runtime, key, broadcasts.START, "lin") is None
        tx.execute(update(table).values(exhausted_at=world.clock(), due_at=None))
    return key


def _steer(world: World, key: UUID, action: broadcasts.Action) -> None:
    with world.runtime.db.write() as tx:
        assert broadcasts.act(tx, world.runtime, key, action, "lin") is None


def _figures(world: World, key: UUID) -> tuple[int, int, Mapping[str, int]]:
    """How many were taken, how many are through, and where they stand."""
    with world.runtime.db.read() as tx:
        shown = progress.of(tx, broadcasts.find(tx, key), world.clock())
    return shown.taken, shown.through, shown.by_status


def test_a_notice_of_a_cancelled_broadcast_is_left_out(world: World) -> None:
    """Whoever called it off did not want it to be said."""
    world.settle(1)
    key = _broadcast(world)
    dead(world, 1, Class.NOTICE, broadcast_id=key)
    cause = Cause(Status.FAILED, Class.NOTICE, "sms", REFUSED.reason)
    assert plan(world, cause) == dead_letters.Plan(fresh=1, again=0, late=0)
    _steer(world, key, broadcasts.CANCEL)
    assert plan(world, cause) == dead_letters.Plan(fresh=0, again=0, late=1)
    assert replayed(world, cause, again=True) == 0


def test_a_replay_belongs_to_its_broadcast(world: World) -> None:
    """Pausing and cancelling reach it, and whoever is written to anew is counted once."""
    world.settle(3)
    key = _broadcast(world)
    world.take(1, Class.NOTICE, broadcast_id=key)
    run_lane(world.runtime, "sms.bulk")
    dead(world, 2, Class.NOTICE, broadcast_id=key)
    assert replayed(world, replace(REFUSED, klass=Class.NOTICE)) == 2
    assert _figures(world, key) == (3, 1, {"accepted": 1, "waiting": 2})
    _steer(world, key, broadcasts.PAUSE)
    run_lane(world.runtime, "sms.bulk")
    assert _figures(world, key) == (3, 1, {"accepted": 1, "waiting": 2})
    _steer(world, key, broadcasts.CANCEL)
    run_due(world.runtime)
    run_lane(world.runtime, "sms.bulk")
    assert _figures(world, key) == (3, 3, {"accepted": 1, "cancelled": 2})
    assert balanced(world)


def test_whoever_was_written_to_anew_is_followed_up_at_most_once(world: World) -> None:
    """Judged by the first message and its replay: called where neither arrived."""
    world.settle(4)
    key = _broadcast(world, then={"channel": "voice"})
    bad, once, twice, other = dead(world, 4, Class.NOTICE, broadcast_id=key)
    assert replayed(world, replace(REFUSED, klass=Class.NOTICE), most=3) == 3
    status = {bad: "failed", once: "delivered", twice: "accepted"}
    with world.runtime.db.write() as tx:
        for old, new in status.items():
            columns = notifications.c
            tx.execute(update(notifications).where(columns.replay_of == old).values(status=new))
    rows = {row.id: row.citizen_id for row in world.rows()}
    with world.runtime.db.read() as tx:
        row = broadcasts.find(tx, key)
        found = follow_up.page(tx, world.runtime, row, definitions.load(row.definition), Span(None, 9))
    assert [person.citizen_id for person in found.people] == [rows[one] for one in (bad, twice, other)]


def test_no_code_waits_behind_a_replay(world: World) -> None:
    """However urgent the result once was: nobody sits there waiting for it any more."""
    world.settle(1)
    dead(world, 1, waited_for=True)
    assert replayed(world) == 1
    assert world.rows()[-1].lane == LANE


def test_only_what_the_plan_was_shown_for_goes(world: World) -> None:
    """Letters that died after the look are for the next one."""
    world.settle(2)
    dead(world, 1)
    shown = world.clock()
    world.clock.advance(seconds=1)
    dead(world, 2)
    assert sum(dead_letters.replay(world.runtime, REFUSED, shown)) == 1
    assert plan(world).fresh == 2


@pytest.mark.parametrize("at_once", [1, 2, 500])
def test_a_long_replay_goes_in_commits_and_stops_where_told(
    at_once: int, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it is cut, each goes once."""
    monkeypatch.setattr(dead_letters, "AT_ONCE", at_once)
    world.settle(5)
    dead(world, 5)
    assert replayed(world, most=3) == 3
    assert replayed(world) == 2
    assert len({row.replay_of for row in world.rows() if row.replay_of}) == 5
    assert balanced(world)


def test_one_bad_letter_stops_no_other(world: World) -> None:
    """A cell that cannot be opened stays behind."""
    world.settle(2)
    bad, _ = dead(world, 2)
    with world.runtime.db.write() as tx:
        tx.execute(
            update(notifications).where(notifications.c.id == bad).values(personalisation=b"\x01nothing")
        )
    assert replayed(world) == 1
    assert plan(world).fresh == 1


def test_two_operators_who_press_at_once_replay_each_letter_once(world: World) -> None:
    """Whoever comes second sees what the first did."""
    world.settle(20)
    dead(world, 20)
    start, done = threading.Barrier(4), []

    def press() -> None:
        start.wait()
        done.append(replayed(world))

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 20
    with world.runtime.db.read() as tx:
        names = list(tx.execute(select(notifications.c.replay_of)).scalars())
    assert len([name for name in names if name]) == 20
    assert balanced(world)


def test_the_second_tab_shows_what_expired_and_what_came_back(world: World) -> None:
    """Undelivered and expired ones are dead letters of another kind."""
    world.settle(1)
    world.take(1)
    world.clock.advance(hours=73)
    run_lane(world.runtime, LANE)
    assert groups(world) == []
    [group] = groups(world, Status.UNDELIVERED, Status.EXPIRED)
    assert group.cause == Cause(Status.EXPIRED, Class.RESULT, "sms", "too_late")
    assert plan(world, group.cause) == dead_letters.Plan(fresh=0, again=0, late=1)
