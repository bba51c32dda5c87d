"""Calls nobody answered are made again: when, how often, and what never makes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, insert, select, update

from gateway.broadcasts import expand
from gateway.broadcasts import store as broadcasts
from gateway.broadcasts.step import USUAL
from gateway.channels import voice
from gateway.citizens import register
from gateway.delivery import ledger, matching, receipts
from gateway.delivery.attempt import run_lane
from gateway.delivery.claim import claim_lane
from gateway.delivery.record import Answer, record
from gateway.delivery.store import attempts
from gateway.notifications import store, withdrawing
from gateway.notifications.pauses import Kind, pause
from gateway.notifications.request import Class
from gateway.notifications.status import Status
from gateway.notifications.store import moved
from gateway.providers import Accepted, Cause, Delivery, Outcome, Receipt, Rejected, Throttled, Unknown
from tests.stores.test_broadcasts import SMALL, _act, _progress, _started, city
from tests.world import Scripted, World, report

__all__ = ["city"]  # a fixture of the neighbour's
NORMAL, BULK = "voice.normal", "voice.bulk"
MINUTE = timedelta(minutes=1)
AWAY = (Delivery.UNDELIVERED, Cause.AWAY)


@pytest.fixture
def world(sqlite_world: World) -> World:
    """Most rules here are no matter of the database."""
    return sqlite_world


@pytest.fixture
def caller(world: World) -> Scripted:
    return _with_caller(world)


@pytest.fixture
def either(database_url: str, make_world: Callable[[str], World]) -> World:
    """A World on each kind of database, for those that are."""
    return make_world(database_url)


def _with_caller(world: World) -> Scripted:
    """A provider of calls, beside that of texts, and two people to call."""
    caller = Scripted(batch=1)
    caller.name, caller.channel = "caller", "voice"
    weights = {**world.runtime.settings.providers, "voice": {"caller": 1}}
    world.runtime = replace(
        world.runtime,
        providers={**world.runtime.providers, "caller": caller},
        settings=replace(world.runtime.settings, providers=weights),
    )
    world.settle(2)
    return caller


def _call(world: World, klass: Class = Class.REMINDER, count: int = 1, **changes: Any) -> list[UUID]:
    values = {"name": "王*", "date": "12月31日", "days": "40", "until": "12月31日"}
    made = {"channel": "voice", "template": "policy/retirement_age", "personalisation": values}
    return world.take(count, klass, **made, **changes)


def _push(
    world: World, caller: Scripted, number: int, delivery: Delivery, cause: Cause | None = None
) -> None:
    with world.runtime.db.write() as tx:
        receipts.keep(tx, world.runtime, "caller", caller.report(number, delivery, cause))
    receipts.apply_due(world.runtime)


def _row(world: World) -> Any:
    return world.rows()[0]


def _balanced(world: World) -> bool:
    with world.runtime.db.read() as tx:
        return ledger.balanced(tx)


# --- when ------------------------------------------------------------------------------------


def test_a_call_nobody_answered_is_made_again_three_times(either: World) -> None:
    """After 2 minutes, half an hour and two hours; after the last it is undelivered."""
    world, caller = either, _with_caller(either)
    _call(world, Class.RESULT)
    world.clock.now = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)  # 14:00 there, and windows until 20:00
    for number in range(4):
        run_lane(world.runtime, NORMAL)
        assert (len(caller.took), _row(world).status) == (number + 1, "accepted")
        _push(world, caller, number, *AWAY)
        if number < 3:
            row = _row(world)
            assert (row.status, row.reason) == ("waiting", "away")
            assert row.due_at == world.clock.now + voice.RETRIES[number]
            assert _balanced(world)
            world.clock.now = row.due_at
    row = _row(world)
    assert (row.status, row.reason, row.due_at) == ("undelivered", "undelivered", None)
    assert _balanced(world)


@pytest.mark.parametrize("cause", [Cause.RECIPIENT, Cause.OPTED_OUT, Cause.CONTENT, Cause.UNSPECIFIED, None])
def test_only_who_was_away_is_called_again(world: World, caller: Scripted, cause: Cause | None) -> None:
    """A dead number and a code nobody knows end it."""
    _call(world)
    run_lane(world.runtime, NORMAL)
    _push(world, caller, 0, Delivery.UNDELIVERED, cause)
    assert world.statuses() == {"undelivered": 1}


def test_a_text_message_is_not_sent_again_to_who_was_away(world: World) -> None:
    """Carriers try for days by themselves."""
    world.settle(1)
    world.take()
    run_lane(world.runtime, "sms.normal")
    with world.runtime.db.write() as tx:
        receipts.keep(tx, world.runtime, "scripted", world.provider.report(0, *AWAY))
    receipts.apply_due(world.runtime)
    assert world.statuses() == {"undelivered": 1}


def test_no_second_call_comes_after_the_message_s_time(world: World, caller: Scripted) -> None:
    """What expires within two minutes is not waited for."""
    _call(world, expires=world.clock.now + 2 * MINUTE)
    run_lane(world.runtime, NORMAL)
    _push(world, caller, 0, *AWAY)
    assert world.statuses() == {"undelivered": 1}


def test_nobody_is_called_again_at_night(world: World, caller: Scripted) -> None:
    """Not even with a result, whose first call may come at any time; the code somebody waits for may."""
    world.runtime = replace(world.runtime, settings=replace(world.runtime.settings, city="shanghai"))
    world.clock.now = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)  # 21:00 there
    _call(world, Class.RESULT)
    (code,) = _call(world, Class.CODE, address="+8613800138000")
    run_lane(world.runtime, NORMAL)
    run_lane(world.runtime, "voice.urgent")
    for number in range(2):
        _push(world, caller, number, *AWAY)
    world.clock.advance(minutes=2)
    run_lane(world.runtime, NORMAL)
    run_lane(world.runtime, "voice.urgent")
    status = {row.id == code: (row.status, row.due_at) for row in world.rows()}
    assert status[False] == ("waiting", datetime(2026, 11, 22, 1, 0, tzinfo=UTC))  # 9:00 there
    assert status[True][0] == "accepted"


def test_a_repeated_call_keeps_to_the_day_whatever_it_waited_for_last(world: World, caller: Scripted) -> None:
    """Too many calls at that provider just before the night do not make it one that comes any time."""
    world.runtime = replace(world.runtime, settings=replace(world.runtime.settings, city="shanghai"))
    world.clock.now = datetime(2026, 11, 23, 11, 57, tzinfo=UTC)  # 19:57 there
    _call(world, Class.RESULT)
    run_lane(world.runtime, NORMAL)
    _push(world, caller, 0, *AWAY)
    world.clock.advance(minutes=2)
    caller.script = lambda _handover, _message: Throttled("busy", world.clock.now + 10 * MINUTE)
    run_lane(world.runtime, NORMAL)
    world.clock.advance(minutes=10)
    run_lane(world.runtime, NORMAL)
    row = _row(world)
    assert (row.status, row.due_at) == ("waiting", datetime(2026, 11, 24, 1, 0, tzinfo=UTC))  # 9:00 there


def test_a_first_call_that_had_to_wait_a_minute_still_comes_at_night(world: World, caller: Scripted) -> None:
    """Somebody waits for that result: a cap is no reason to say it the next morning."""
    world.runtime = replace(world.runtime, settings=replace(world.runtime.settings, city="shanghai"))
    world.clock.now = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)  # 21:00 there
    for klass in (Class.CODE, Class.RESULT):
        _call(world, klass, waited_for=True)
        run_lane(world.runtime, "voice.urgent")
    world.clock.advance(minutes=1)
    run_lane(world.runtime, "voice.urgent")
    assert (len(caller.took), world.statuses()) == (2, {"accepted": 2})


def test_a_try_the_provider_never_had_is_not_waited_for(either: World) -> None:
    """Its answer was lost and it is absent there: the next try's receipt decides."""
    world, caller = either, _with_caller(either)
    _call(world, Class.RESULT)
    world.clock.now = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
    caller.script = lambda _handover, _message: Unknown("timeout")
    run_lane(world.runtime, NORMAL)
    caller.script = lambda handover, _message: Accepted(f"ref-{handover}")
    world.clock.advance(minutes=1)
    run_lane(world.runtime, NORMAL)
    with world.runtime.db.read() as tx:
        query = select(attempts.c.outcome, attempts.c.code).order_by(attempts.c.started_at)
        assert tx.execute(query).all() == [("unreachable", "never_taken"), ("accepted", None)]
    _push(world, caller, 0, *AWAY)
    assert (_row(world).status, _row(world).reason) == ("waiting", "away")
    world.clock.advance(minutes=2)
    run_lane(world.runtime, NORMAL)
    _push(world, caller, 1, Delivery.UNDELIVERED, Cause.RECIPIENT)
    assert world.statuses() == {"undelivered": 1}


def test_a_pause_holds_the_second_call_too(world: World, caller: Scripted) -> None:
    """It goes out by a claim like any other message."""
    _call(world)
    run_lane(world.runtime, NORMAL)
    _push(world, caller, 0, *AWAY)
    with world.runtime.db.write() as tx:
        pause(tx, Kind.LANE, NORMAL, "test", world.clock())
    world.clock.advance(minutes=2)
    run_lane(world.runtime, NORMAL)
    assert len(caller.took) == 1


def test_no_call_is_made_for_a_receipt_that_came_after_its_window(world: World, caller: Scripted) -> None:
    """After 24 hours it is the end of that call, not the beginning of another."""
    _call(world)
    run_lane(world.runtime, NORMAL)
    world.clock.advance(hours=24)
    run_lane(world.runtime, NORMAL)
    assert _row(world).reason == "no_receipt"
    _push(world, caller, 0, *AWAY)
    assert world.statuses() == {"undelivered": 1}


# --- what never moves it back --------------------------------------------------------------------


def test_a_receipt_may_come_before_the_call_s_own_answer(either: World) -> None:
    """The answer that is recorded later undoes neither the wait nor the cause."""
    world, caller = either, _with_caller(either)
    _call(world)

    def early(handover: str, message: Any) -> Accepted:
        with world.runtime.db.write() as tx:
            said = report(f"ref-{handover}", handover, message.address, *AWAY)
            receipts.keep(tx, world.runtime, "caller", said)
        receipts.apply_due(world.runtime)
        return Accepted(f"ref-{handover}")

    caller.script = early
    run_lane(world.runtime, NORMAL)
    assert (_row(world).status, _row(world).due_at) == ("waiting", world.clock.now + 2 * MINUTE)
    with world.runtime.db.read() as tx:
        kept = tx.execute(select(attempts)).one()
    assert (kept.outcome, kept.receipt, kept.cause) == ("accepted", "undelivered", "away")


def test_late_copies_of_the_first_receipt_do_not_touch_the_second_call(
    world: World, caller: Scripted
) -> None:
    """Repeated, reversed or not final: the first call has had its verdict."""
    _call(world)
    run_lane(world.runtime, NORMAL)
    _push(world, caller, 0, *AWAY)
    world.clock.advance(minutes=2)
    run_lane(world.runtime, NORMAL)
    for delivery, cause in (AWAY, (Delivery.PENDING, None), (Delivery.UNDELIVERED, Cause.RECIPIENT)):
        with world.runtime.db.write() as tx:
            item = json.loads(caller.report(0, delivery, cause).body)[0]
            body = json.dumps([item | {"code": f"late {delivery} {cause}"}]).encode()
            receipts.keep(tx, world.runtime, "caller", replace(caller.report(0), body=body))
        receipts.apply_due(world.runtime)
        assert _row(world).status == "accepted"
    _push(world, caller, 1, Delivery.DELIVERED)
    assert world.statuses() == {"delivered": 1}
    assert _balanced(world)


class _Sequences:
    """One database for many sequences of receipts; each gets a call of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.numbers = count(13_000_000_000)
        _with_caller(world)

    def accepted(self, tries: int) -> tuple[UUID, str]:
        """A call tried so often, every try accepted and none reported yet."""
        world, address = self.world, f"+86{next(self.numbers)}"
        (key,) = _call(world, address=address)
        now = world.clock.now
        with world.runtime.db.write() as tx:
            for status, old in ((Status.SENDING, Status.WAITING), (Status.ACCEPTED, Status.SENDING)):
                row = store.hold(tx, [key])[key]
                store.move(tx, [moved(row, status, now + timedelta(hours=24), old=old)], now)
            kept = {"notification_id": key, "provider": "caller", "lease": 1, "outcome": "accepted"}
            kept["address_index"] = world.runtime.vault.index("mobile", address)
            for number in range(tries):
                started = now - timedelta(hours=tries - number)
                tx.execute(
                    insert(attempts).values(handover=f"{address[3:]}{number}", started_at=started, **kept)
                )
        return key, address

    def end(self, said: Sequence[tuple[int, Delivery, Cause | None]], tries: int) -> Any:
        """Where it stands when these came in this order."""
        key, address = self.accepted(tries)
        with self.world.runtime.db.write() as tx:
            for number, delivery, cause in said:
                handover, code = f"{address[3:]}{number}", f"code {number}"
                receipt = Receipt("", address, delivery, code, None, handover, cause)
                matching.apply(tx, self.world.runtime, [("caller", receipt)], self.world.clock.now)
        with self.world.runtime.db.read() as tx:
            columns = store.notifications.c
            found = select(columns.status, columns.reason, columns.due_at).where(columns.id == key)
            return tx.execute(found).one()


@pytest.fixture
def sequences(sqlite_world: World) -> _Sequences:
    return _Sequences(sqlite_world)


VERDICTS = st.one_of(
    st.just((Delivery.DELIVERED, None)),
    st.just((Delivery.PENDING, None)),
    st.sampled_from(Cause).map(lambda cause: (Delivery.UNDELIVERED, cause)),
    st.just(AWAY),
)


@given(verdicts=st.lists(VERDICTS, min_size=1, max_size=4), data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_and_repetition_of_receipts_ends_the_same(
    sequences: _Sequences, verdicts: list[tuple[Delivery, Cause | None]], data: st.DataObject
) -> None:
    """Delivered by any try wins; else the newest try's word counts, once every try has had its own."""
    straight = [(number, *verdict) for number, verdict in enumerate(verdicts)]
    repeated = data.draw(st.lists(st.sampled_from(straight), max_size=3))
    shuffled = data.draw(st.permutations([*straight, *repeated]))
    ended = sequences.end(shuffled, len(verdicts))
    assert ended == sequences.end(straight, len(verdicts))
    said = {delivery for delivery, _ in verdicts}
    if Delivery.DELIVERED in said:
        assert ended.status == Status.DELIVERED
    elif Delivery.PENDING in said:
        assert ended.status == Status.ACCEPTED
    else:
        again = verdicts[-1] == AWAY and verdicts.count(AWAY) <= len(voice.RETRIES)
        assert ended.status == (Status.WAITING if again else Status.UNDELIVERED)


# --- how often one person is called ----------------------------------------------------------------


def test_two_calls_to_one_person_are_a_minute_apart(either: World) -> None:
    """Also when both are due in the same claim: the second waits, with its reason."""
    world, caller = either, _with_caller(either)
    for _ in range(2):
        _call(world)
    run_lane(world.runtime, NORMAL)
    assert len(caller.took) == 1
    (waiting,) = [row for row in world.rows() if row.status == "waiting"]
    assert (waiting.reason, waiting.due_at) == ("callee_cap", world.clock.now + MINUTE)
    world.clock.advance(minutes=1)
    run_lane(world.runtime, NORMAL)
    assert len(caller.took) == 2
    assert _balanced(world)


def test_the_sixth_call_in_an_hour_waits_until_the_first_is_an_hour_old(
    world: World, caller: Scripted
) -> None:
    """Whatever the messages are; a call that was refused before it rang does not count."""
    begun = world.clock.now
    caller.script = lambda _handover, _message: Rejected("busy line", Cause.CONTENT)
    _call(world)
    run_lane(world.runtime, NORMAL)
    caller.script = lambda handover, _message: Accepted(f"ref-{handover}")
    for _ in range(6):
        _call(world, Class.RESULT)
        run_lane(world.runtime, NORMAL)
        world.clock.advance(minutes=2)
    assert len(caller.took) == 5
    (waiting,) = [row for row in world.rows() if row.status == "waiting"]
    assert (waiting.reason, waiting.due_at) == ("callee_cap", begun + timedelta(hours=1))


def test_a_capped_call_that_grows_too_old_expires(world: World, caller: Scripted) -> None:
    """A code does not wait for an hour to be said too late."""
    for _ in range(2):
        _call(world, Class.CODE, expires=world.clock.now + timedelta(seconds=50))
    run_lane(world.runtime, "voice.urgent")
    world.clock.advance(seconds=50)
    run_lane(world.runtime, "voice.urgent")
    assert world.statuses() == {"accepted": 1, "expired": 1}


def test_texts_and_other_people_are_not_capped(world: World, caller: Scripted) -> None:
    """Caps are the callee's and the channel's own."""
    _call(world, count=2)
    for _ in range(3):
        world.take(1)
    run_lane(world.runtime, NORMAL)
    run_lane(world.runtime, "sms.normal")
    assert (len(caller.took), len(world.provider.took)) == (2, 3)


def test_the_caps_of_a_claim_cost_one_query(world: World, caller: Scripted) -> None:
    """However many are called."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    for number in range(10):
        _call(world, address=f"+861380013800{number}")
    event.listen(world.runtime.db.engine, "before_cursor_execute", note)
    run_lane(world.runtime, NORMAL)
    looked_up = [one for one in asked if one.startswith("WITH theirs")]
    assert len(looked_up) == 1


# --- broadcasts ------------------------------------------------------------------------------------


def test_a_broadcast_waits_for_calls_that_are_made_again(city: World) -> None:
    """Such a call is in flight: it is not followed up, and the broadcast not finished."""
    caller = city.runtime.providers["calls"]
    assert isinstance(caller, Scripted)
    key = _started(
        city, audience={"sex": "male"}, channel="voice", then={"channel": "sms", "wait_seconds": 60}
    )
    expand.run_due(city.runtime)
    run_lane(city.runtime, BULK)
    for number in range(len(caller.took)):
        with city.runtime.db.write() as tx:
            delivery, cause = AWAY if number == 0 else (Delivery.DELIVERED, None)
            receipts.keep(tx, city.runtime, "calls", caller.report(number, delivery, cause))
    receipts.apply_due(city.runtime)
    city.clock.advance(seconds=100)
    expand.run_due(city.runtime)
    shown = _progress(city, key)
    assert (shown.stage, shown.state, shown.by_status["waiting"]) == (1, "running", 1)
    city.clock.advance(seconds=20)
    run_lane(city.runtime, BULK)
    with city.runtime.db.write() as tx:
        receipts.keep(tx, city.runtime, "calls", caller.report(len(caller.took) - 1))
    receipts.apply_due(city.runtime)
    for _ in range(3):
        expand.run_due(city.runtime)
        city.clock.advance(seconds=60)
    done = _progress(city, key)
    assert (done.state, done.delivered, city.provider.took) == ("finished", done.audience, [])


def test_a_cancelled_call_is_not_made_again(city: World) -> None:
    """The receipt may come after the cancelling, and puts the call back to wait: then it is withdrawn."""
    caller = city.runtime.providers["calls"]
    assert isinstance(caller, Scripted)
    key = _started(city, audience={"sex": "male"}, channel="voice")
    expand.run_due(city.runtime, SMALL)
    run_lane(city.runtime, BULK)
    _act(city, key, broadcasts.CANCEL)
    expand.run_due(city.runtime, SMALL)
    assert not _progress(city, key).finished_at
    made = len(caller.took)
    for number in range(made):
        with city.runtime.db.write() as tx:
            receipts.keep(tx, city.runtime, "calls", caller.report(number, *AWAY))
    receipts.apply_due(city.runtime)
    for _ in range(40):
        city.clock.advance(seconds=10)
        run_lane(city.runtime, BULK)
        expand.run_due(city.runtime, SMALL)
    assert (len(caller.took), city.statuses()) == (made, {"cancelled": made})
    assert _progress(city, key).finished_at
    assert _balanced(city)


def _ringing(city: World, **keys: Any) -> tuple[Scripted, UUID]:
    """A broadcast all of whose calls were just made."""
    caller = city.runtime.providers["calls"]
    assert isinstance(caller, Scripted)
    city.clock.now = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)  # 14:00 there, and windows until 20:00
    key = _started(city, audience={"sex": "male"}, channel="voice", **keys)
    expand.run_due(city.runtime)
    run_lane(city.runtime, BULK)
    expand.run_due(city.runtime)
    return caller, key


def _nobody_there(city: World, caller: Scripted, since: int = 0) -> int:
    """The receipts of all calls from this number on; returns how many there are in all."""
    for number in range(since, len(caller.took)):
        with city.runtime.db.write() as tx:
            receipts.keep(tx, city.runtime, "calls", caller.report(number, *AWAY))
    receipts.apply_due(city.runtime)
    return len(caller.took)


def _beat(city: World, **later: float) -> None:
    """All workers, once, after a while."""
    city.clock.advance(**later)
    run_lane(city.runtime, BULK)
    expand.run_due(city.runtime)
    run_lane(city.runtime, "sms.bulk")


def test_whom_no_call_reached_is_texted_when_the_last_one_is_over(city: World) -> None:
    """Not while one rings, though all are handed over and the wait has passed; then everybody, once."""
    caller, key = _ringing(city, then={"channel": "sms", "wait_seconds": 60})
    people = reported = 0
    for wait in (*voice.RETRIES, None):
        _beat(city, seconds=100)
        assert (_progress(city, key).stage, city.provider.took) == (1, [])
        people, reported = len(caller.took) - reported, _nobody_there(city, caller, reported)
        if wait:
            _beat(city, seconds=wait.total_seconds())
    for _ in range(2):
        _beat(city, seconds=5)
    done = _progress(city, key)
    assert (done.state, done.stage) == ("finished", 2)
    assert (len(caller.took), len(city.provider.took)) == (4 * people, people)
    assert city.statuses() == {"undelivered": people, "accepted": people}
    assert _balanced(city)


def test_a_call_without_a_receipt_holds_the_follow_up_back_for_ten_minutes(city: World) -> None:
    """Then it counts as unreached, and a receipt that comes later makes no other call."""
    caller, key = _ringing(city, then={"channel": "sms", "wait_seconds": 0})
    _beat(city, minutes=9)
    assert _progress(city, key).stage == 1
    _beat(city, minutes=1)
    _beat(city, seconds=5)
    assert (_progress(city, key).state, len(city.provider.took)) == ("finished", len(caller.took))
    made = _nobody_there(city, caller)
    assert city.statuses() == {"undelivered": made, "accepted": made}
    _beat(city, hours=1)
    assert len(caller.took) == made


def test_a_receipt_that_overtakes_the_end_of_the_wait_counts(city: World) -> None:
    """What waits again by then is not ended, and the broadcast goes on waiting for it."""
    caller, key = _ringing(city)
    city.clock.advance(minutes=10)
    due = expand._claimed(city.runtime)
    assert due
    step = expand.plan(city.runtime, due.row, USUAL)
    assert len(step.end) == len(caller.took)
    made = _nobody_there(city, caller)
    expand.keep(city.runtime, due.row, step)
    assert city.statuses() == {"waiting": made}
    _beat(city, minutes=3)
    assert (_progress(city, key).state, len(caller.took)) == ("running", 2 * made)


def test_a_broadcast_of_calls_can_be_paused_while_they_may_wait_again(city: World) -> None:
    """It is finished when nothing of it may go out any more, and not before."""
    caller, key = _ringing(city)
    assert _progress(city, key).state == "running"
    made = _nobody_there(city, caller)
    assert _act(city, key, broadcasts.PAUSE) is None
    _beat(city, minutes=3)
    assert len(caller.took) == made
    assert _act(city, key, broadcasts.RESUME) is None
    _beat(city, seconds=1)
    assert len(caller.took) == 2 * made
    _beat(city, minutes=9)
    assert _progress(city, key).state == "running"
    _beat(city, minutes=1)
    assert _progress(city, key).state == "finished"


# --- what was withdrawn ----------------------------------------------------------------------------


def _withdraw(world: World, transaction: UUID) -> None:
    with world.runtime.db.write() as tx:
        withdrawing.cancel_waiting(tx, world.runtime, transaction, Class.REMINDER, "appointment_cancelled")


def test_a_withdrawn_call_is_not_made_again(world: World, caller: Scripted) -> None:
    """Neither one that waits again, nor one that rings just now and is not answered."""
    transaction = world.runtime.new_id()
    _call(world, transaction_id=transaction, address="+8613800138000")
    _call(world, transaction_id=transaction, address="+8613800138001")
    run_lane(world.runtime, NORMAL)
    _push(world, caller, 0, *AWAY)
    _withdraw(world, transaction)
    assert {row.reason for row in world.rows()} == {"appointment_cancelled"}
    _push(world, caller, 1, *AWAY)
    world.clock.advance(hours=3)
    run_lane(world.runtime, NORMAL)
    assert (len(caller.took), world.statuses()) == (2, {"cancelled": 1, "undelivered": 1})
    assert _balanced(world)


@pytest.mark.parametrize("answer", [Throttled("busy"), Accepted("ref"), None])
def test_a_withdrawn_call_whose_answer_was_lost_is_not_made_again(
    world: World, caller: Scripted, answer: Outcome | None
) -> None:
    """Whatever the answer is, should it come after all."""
    transaction = world.runtime.new_id()
    _call(world, transaction_id=transaction, address="+8613800138000")
    claimed = claim_lane(world.runtime, NORMAL, 1)
    world.clock.advance(seconds=31)
    run_lane(world.runtime, NORMAL)
    assert world.statuses() == {"unknown": 1}
    _withdraw(world, transaction)
    if answer:
        with world.runtime.db.write() as tx:
            record(tx, world.runtime, [Answer(claimed.lease, claimed.handovers[0], [answer])])
            receipts.keep(tx, world.runtime, "caller", report("ref", "", "+8613800138000", *AWAY))
        receipts.apply_due(world.runtime)
    world.clock.advance(hours=3)
    run_lane(world.runtime, NORMAL)
    assert caller.took == []
    assert world.statuses() == {"undelivered" if isinstance(answer, Accepted) else "unknown": 1}
    assert _balanced(world)


def test_a_withdrawn_text_still_waits_for_its_receipt(world: World) -> None:
    """It would not have been sent again anyway."""
    world.settle(1)
    transaction = world.runtime.new_id()
    world.take(1, Class.REMINDER, transaction_id=transaction)
    run_lane(world.runtime, "sms.normal")
    before = _row(world)
    _withdraw(world, transaction)
    assert _row(world) == before


def test_an_elder_is_one_from_the_birthday_in_the_city(world: World, caller: Scripted) -> None:
    """There it is the next day already while it is still the old one in Greenwich: told slowly and twice."""
    world.clock.now = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)  # 01:00 on the 22nd in Changde
    for born, slow in ((date(1966, 11, 22), True), (date(1966, 11, 23), False)):
        with world.runtime.db.write() as tx:
            tx.execute(update(register.citizens).values(birth_date=born))
        _call(world, Class.RESULT)
        run_lane(world.runtime, NORMAL)
        message = caller.took[-1][1]
        assert (message.slow, message.plays) == (slow, 2 if slow else 1)
        world.clock.advance(minutes=2)
    assert len(caller.took) == 2
