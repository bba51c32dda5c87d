"""Services are told what concerns them: at least once, each by itself, and nobody else anything."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from gateway.delivery import ledger
from gateway.delivery.attempt import run_lane
from gateway.delivery.receipts import apply_due, keep
from gateway.levers import accounts
from gateway.notifications import store as notifications
from gateway.notifications.notify_words import stamp
from gateway.notifications.request import Origin
from gateway.notifications.status import Status
from gateway.providers import Accepted, Callback, Cause, Delivery, Inbound, Rejected
from gateway.services import senders, webhooks
from gateway.services import store as services
from gateway.services.webhooks import Event, Kind, State, events
from gateway.transactions import engine, store
from gateway.transactions.model import State as Stands
from gateway.webhooks import book, telling
from gateway.webhooks.addresses import read
from gateway.webhooks.book import Which
from gateway.webhooks.line import Line
from gateway.webhooks.retry import Answered, Barred, Silent
from gateway.webhooks.telling import run_due
from tests.receiver import Heard, Receiver
from tests.world import World

TOKEN = "a-token-of-the-service"
HOME = (ip_network("127.0.0.0/8"),)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def another() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


class Service:
    """A service with a webhook of a kind at a receiver."""

    def __init__(self, world: World, to: Receiver, name: str = "counter", kind: Kind = Kind.RECEIPT) -> None:
        self.world, self.kind = world, kind
        with world.runtime.db.write() as tx:
            self.id = services.ensure_service(tx, name, world.clock.now)
            self.secrets = book.subscribe(tx, world.runtime, self.id, kind, to.url, TOKEN, "test")

    def asked(self, count: int) -> list[UUID]:
        """So many messages of its own that wait."""
        origin = Origin(self.id, "normal", "case 7", supplied="138 0013 8000")
        return self.world.take(count, address="+8613800138000", origin=origin)

    def cancel(self, ids: list[UUID]) -> None:
        with self.world.runtime.db.write() as tx:
            rows = notifications.hold(tx, ids).values()
            moves = [notifications.moved(row, Status.CANCELLED) for row in rows]
            notifications.move(tx, moves, self.world.clock.now)

    def ended(self, count: int = 1) -> list[UUID]:
        """So many messages of its own have ended."""
        ids = self.asked(count)
        self.cancel(ids)
        return ids

    def events(self) -> list[Any]:
        mine = select(webhooks.webhooks.c.id).where(webhooks.webhooks.c.service_id == self.id)
        with self.world.runtime.db.read() as tx:
            query = select(events).where(events.c.webhook_id.in_(mine)).order_by(events.c.id)
            return list(tx.execute(query).all())

    def states(self) -> set[str]:
        return {row.state for row in self.events()}


def _hook(world: World) -> Any:
    with world.runtime.db.read() as tx:
        return tx.execute(select(webhooks.webhooks)).one()


# --- what is told ----------------------------------------------------------------------------------


def test_the_end_of_a_message_is_told_in_notifys_words_signed(world: World, receiver: Receiver) -> None:
    """Whatever way it ended; a body and headers as the contract has them; a second run tells nothing."""
    service = Service(world, receiver)
    world.settle(3)
    ids = service.asked(3)
    codes = iter(["ok", "ok", "bad"])
    bad = Rejected("isv.MOBILE_NUMBER_ILLEGAL", Cause.RECIPIENT)
    world.provider.batch = 1
    world.provider.script = lambda handover, _message: (
        Accepted(f"ref-{handover}") if next(codes) == "ok" else bad
    )
    run_lane(world.runtime, "sms.normal")
    for number, how in ((0, Delivery.DELIVERED), (1, Delivery.UNDELIVERED)):
        with world.runtime.db.write() as tx:
            keep(tx, world.runtime, "scripted", world.provider.report(number, how))
        apply_due(world.runtime)
    assert run_due(world.runtime) == 3
    assert run_due(world.runtime) == 0
    rows = {str(row.id): row for row in world.rows()}
    told = {heard.json["id"]: heard for heard in receiver.heard}
    assert told.keys() == {str(key) for key in ids}
    statuses = sorted(heard.json["status"] for heard in told.values())
    assert statuses == ["delivered", "permanent-failure", "temporary-failure"]
    for key, heard in told.items():
        row, body = rows[key], heard.json
        assert body["to"] == "138 0013 8000"
        assert (body["reference"], body["notification_type"]) == ("case 7", "sms")
        assert (body["template_id"], body["template_version"]) == (str(row.template_id), row.template_version)
        assert body["created_at"] == stamp(row.created_at)
        assert body["completed_at"] == stamp(row.completed_at)
        assert body["sent_at"] == stamp(row.handed_over_at)
        assert heard.headers["authorization"] == f"Bearer {TOKEN}"
        assert heard.event == key
        _check_signature(heard, service.secrets.secret, world)
    assert service.states() == {"delivered"}


def _check_signature(heard: Heard, secret: str, world: World) -> None:
    """As a service would: over id, time and body, with its own secret."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    said = f"{heard.headers['webhook-id']}.{heard.headers['webhook-timestamp']}.".encode() + heard.body
    expected = base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
    assert heard.headers["webhook-signature"] == f"v1,{expected}"
    assert abs(int(heard.headers["webhook-timestamp"]) - world.clock.now.timestamp()) < 1


def test_nothing_is_written_for_whom_it_does_not_concern(world: World, receiver: Receiver) -> None:
    """Neither for other services, nor for a broadcast, nor for the house's own messages."""
    Service(world, receiver)
    world.settle(2)
    with world.runtime.db.write() as tx:
        other = services.ensure_service(tx, "other", world.clock.now)
    for given in ({"origin": Origin(other, "normal")}, {"broadcast_id": uuid4()}, {}):
        world.take(2, **given)
    run_lane(world.runtime, "sms.normal")
    with world.runtime.db.write() as tx:
        for number in range(len(world.provider.took)):
            how = Delivery.UNDELIVERED if number % 2 else Delivery.DELIVERED
            keep(tx, world.runtime, "scripted", world.provider.report(number, how))
    apply_due(world.runtime)
    with world.runtime.db.read() as tx:
        assert tx.execute(select(events)).all() == []
        assert ledger.balanced(tx)
    assert not {row.status for row in world.rows()} - {"delivered", "undelivered"}


def test_a_transaction_is_told_at_each_state_as_it_was_then(world: World, receiver: Receiver) -> None:
    """What is set to what it was is no news, nor what another service began; each event has an id."""
    service = Service(world, receiver, kind=Kind.TRANSACTION)
    with world.runtime.db.write() as tx:
        mine = engine.open_draft(tx, world.runtime, "card_loss", "api", service.id)
        house = engine.open_draft(tx, world.runtime, "card_loss", "web")
        for stands in (Stands.DRAFT, Stands.SUBMITTED, Stands.SUBMITTED, Stands.SUCCEEDED):
            for one in (mine, house):
                store.change(tx, world.runtime, one.id, state=stands)
        store.change(tx, world.runtime, mine.id, stage="changed")
        assert not store.change(tx, world.runtime, mine.id, under=1, state=Stands.FAILED)
    assert run_due(world.runtime) == 3
    said = {(heard.json["state"], heard.json["stage"]) for heard in receiver.heard}
    assert said == {("submitted", ""), ("succeeded", ""), ("succeeded", "changed")}
    assert {heard.json["reference"] for heard in receiver.heard} == {mine.row.reference}
    assert receiver.heard[0].json.keys() == {"reference", "type", "state", "stage", "at", "uri"}
    assert len({heard.event for heard in receiver.heard}) == 3


def test_what_is_told_twice_is_one_event(world: World, receiver: Receiver) -> None:
    """The id of a message is that of its event."""
    service = Service(world, receiver)
    one = Event(uuid4(), service.id, uuid4())
    with world.runtime.db.write() as tx:
        for _ in range(2):
            webhooks.tell(tx, Kind.RECEIPT, [one, one], world.clock.now)
    assert [row.id for row in service.events()] == [one.id]


# --- whose an inbound text is -------------------------------------------------------------------------


def _hear(world: World, *said: Inbound) -> None:
    world.provider.said = list(said)
    with world.runtime.db.write() as tx:
        came = Callback("sms-up", "", {}, said[0].id.encode(), "127.0.0.1")
        keep(tx, world.runtime, "scripted", came)
    apply_due(world.runtime)
    world.provider.said = []


def test_a_text_is_for_the_service_of_its_number_else_for_who_wrote_last(
    world: World, receiver: Receiver, another: Receiver
) -> None:
    """By number first; then by the last message to that person within a week; else it is the house's own."""
    by_number = Service(world, receiver, "by number", Kind.INBOUND)
    wrote = Service(world, another, "wrote last", Kind.INBOUND)
    people = world.settle(3)
    mobiles = [f"+86{person.mobile}" for person in people]
    with world.runtime.db.write() as tx:
        senders.add(tx, world.runtime.vault, by_number.id, "sms", "10690001", world.clock.now, inbound=True)
    world.take(2, origin=Origin(by_number.id, "normal"))
    run_lane(world.runtime, "sms.normal")
    world.clock.advance(hours=1)
    world.take(2, origin=Origin(wrote.id, "normal"))
    run_lane(world.runtime, "sms.normal")
    _hear(
        world,
        Inbound("1", mobiles[0], "10690001", "to the number"),
        Inbound("2", mobiles[0], "106999", "to who wrote last"),
        Inbound("3", mobiles[2], "106999", "to the house"),
    )
    world.clock.advance(days=8)
    _hear(world, Inbound("4", mobiles[1], "106999", "too late for who wrote"))
    assert run_due(world.runtime) == 2
    assert [heard.json["message"] for heard in receiver.heard] == ["to the number"]
    [heard] = another.heard
    body = heard.json
    assert (body["source_number"], body["destination_number"]) == (mobiles[0], "106999")
    assert body.keys() == {"id", "source_number", "destination_number", "message", "date_received"}


# --- a service that does not answer -------------------------------------------------------------------


def test_a_failing_service_is_tried_again_and_gets_all_when_it_is_well(
    world: World, receiver: Receiver
) -> None:
    """It rests, a single event tries it, then all the rest goes; nothing is lost on the way."""
    service = Service(world, receiver)
    world.settle(12)
    ids = service.ended(12)
    receiver.script = lambda _heard: 503
    tried = run_due(world.runtime)
    assert 1 <= tried <= telling.CALLS
    assert run_due(world.runtime) == 0
    assert (_hook(world).failures, service.states()) == (1, {"waiting"})
    world.clock.advance(minutes=1)
    assert run_due(world.runtime) == 1
    assert _hook(world).failures == 2
    receiver.script = lambda _heard: 200
    receiver.heard.clear()
    world.clock.advance(minutes=1)
    assert run_due(world.runtime) == 12
    assert {heard.event for heard in receiver.heard} == {str(key) for key in ids}
    assert (_hook(world).failures, service.states()) == (0, {"delivered"})


def test_what_is_refused_is_over_and_what_nobody_wants_any_more_pauses(
    sqlite_world: World, receiver: Receiver
) -> None:
    """A 404 fails with its cause and holds up nothing; after a 410 nothing more is sent there."""
    world = sqlite_world
    service = Service(world, receiver)
    world.settle(2)
    service.ended(1)
    receiver.script = lambda _heard: 404
    assert run_due(world.runtime) == 1
    [row] = service.events()
    assert (row.state, row.status, row.cause, row.tries) == ("failed", 404, "http_404", 1)
    receiver.script = lambda _heard: 410
    service.ended(1)
    run_due(world.runtime)
    assert (_hook(world).paused_why, _hook(world).due_at) == ("http_410", None)
    service.ended(2)
    assert run_due(world.runtime) == 0


def test_of_first_subscriptions_at_once_the_later_holds(world: World) -> None:
    """Whoever was slower finds the row there: its secrets can be opened, whichever won."""
    setters, runtime = 8, world.runtime
    with runtime.db.write() as tx:
        owners = [services.ensure_service(tx, f"service {n}", world.clock.now) for n in range(5)]
    for owner in owners:
        together = threading.Barrier(setters)

        def subscribe(n: int, owner: UUID = owner, together: threading.Barrier = together) -> None:
            together.wait()
            with runtime.db.write() as tx:
                what = (owner, Kind.RECEIPT, "https://a.cn", f"token {n}", "secret")
                webhooks.subscribe(tx, runtime.vault, *what, world.clock.now)

        threads = [threading.Thread(target=subscribe, args=(n,)) for n in range(setters)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with runtime.db.read() as tx:
        held = [webhooks.opened(runtime.vault, row) for row in webhooks.listed(tx)]
    assert len(held) == len(owners)
    assert {one.token for one in held} <= {f"token {n}" for n in range(setters)}


def test_an_archived_service_is_told_nothing_more(world: World, receiver: Receiver) -> None:
    """Not what waited, nor what ends later, nor anew; once taken back it hears what ends from then on."""
    service = Service(world, receiver)
    world.settle(4)
    service.ended(1)
    _set_active(world, service, active=False)
    service.ended(1)
    assert [(row.state, row.cause) for row in service.events()] == [("failed", "archived")]
    with world.runtime.db.write() as tx:
        assert book.replay(tx, world.runtime, Which(service.id), "test") == 0
        tx.execute(update(events).values(state=State.WAITING.value, due_at=world.clock.now, ended_at=None))
    assert run_due(world.runtime) == 0
    assert not receiver.heard
    _set_active(world, service, active=True)
    [last] = service.ended(1)
    run_due(world.runtime)
    assert str(last) in {heard.event for heard in receiver.heard}
    assert "delivered" in service.states()


def _set_active(world: World, service: Service, *, active: bool) -> None:
    with world.runtime.db.write() as tx:
        desk = accounts.Desk(tx, world.runtime.vault, world.clock.now, "test")
        accounts.set_active(desk, service.id, active=active)


@pytest.mark.parametrize("answer", [404, 410])
def test_what_the_former_address_says_is_nothing_to_the_new_one(
    world: World, receiver: Receiver, another: Receiver, answer: int
) -> None:
    """Set anew amid a call, a subscription is neither paused nor robbed of an event by the former address."""
    service = Service(world, receiver)
    world.settle(1)
    [key] = service.ended(1)

    def set_anew(_heard: Heard) -> int:
        with world.runtime.db.write() as tx:
            book.subscribe(tx, world.runtime, service.id, service.kind, another.url, TOKEN, "test")
        return answer

    receiver.script = set_anew
    run_due(world.runtime)
    world.clock.advance(minutes=1)
    run_due(world.runtime)
    assert [heard.event for heard in another.heard] == [str(key)]
    assert (_hook(world).paused_at, service.states()) == (None, {"delivered"})


def test_one_that_cannot_be_served_stops_no_other(
    sqlite_world: World, receiver: Receiver, another: Receiver
) -> None:
    """Whatever is wrong with what one is to be told, another's is told, in this run and the next."""
    world = sqlite_world
    bad, good = Service(world, receiver, "bad"), Service(world, another, "good")
    world.settle(3)
    [key] = bad.ended(1)
    with world.runtime.db.write() as tx:
        mine = notifications.notifications.c.id == key
        tx.execute(update(notifications.notifications).where(mine).values(status="odd"))
    for _ in range(2):
        good.ended(1)
        assert run_due(world.runtime) == 1
        world.clock.advance(minutes=5)
    assert (len(another.heard), good.states(), bad.states()) == (2, {"delivered"}, {"waiting"})


def test_a_service_that_hangs_delays_no_other(
    sqlite_world: World, receiver: Receiver, another: Receiver
) -> None:
    """While one keeps its calls open the other is told everything, and the first has few calls at once."""
    world = sqlite_world
    let_go, reached = threading.Event(), threading.Semaphore(0)

    def hang(_heard: Heard) -> int:
        reached.release()
        let_go.wait(20)
        return 200

    receiver.script = hang
    slow, quick = Service(world, receiver, "slow"), Service(world, another, "quick")
    world.settle(20)
    slow.ended(20)
    worker = threading.Thread(target=run_due, args=(world.runtime,))
    worker.start()
    assert reached.acquire(timeout=10)
    quick.ended(20)
    while quick.states() != {"delivered"}:
        worker.join(0.05)
        assert worker.is_alive()
    with world.runtime.db.read() as tx:
        assert {row.failures for row in webhooks.listed(tx)} == {0}  # its calls are still open
    assert len(receiver.heard) <= 4
    assert slow.states() == {"waiting"}
    let_go.set()
    worker.join()
    assert slow.states() == {"delivered"}
    assert len(receiver.heard) == 20


WORKER = """
import sys
from pathlib import Path
from gateway.webhooks.telling import run_due
from tests.conftest import build_world
run_due(build_world(Path(sys.argv[1]), sys.argv[2]).runtime)
"""


def test_a_worker_killed_amid_its_calls_leaves_them_to_another(
    world: World, receiver: Receiver, database_url: str, tmp_path: Path
) -> None:
    """At least once: after its lease all it had not written down is told again, under the same ids."""
    service = Service(world, receiver)
    world.settle(12)
    ids = {str(key) for key in service.ended(12)}
    reached, let_go = threading.Event(), threading.Event()

    def hang_at_the_last(_heard: Heard) -> int:
        if len(receiver.heard) >= 8:
            reached.set()
            let_go.wait(20)
        return 200

    receiver.script = hang_at_the_last
    tree = Path(__file__).parents[2]
    command = [sys.executable, "-c", WORKER, str(tmp_path), database_url]
    worker = subprocess.Popen(command, cwd=tree, env=os.environ | {"PYTHONPATH": str(tree)})
    assert reached.wait(30)
    worker.kill()
    worker.wait()
    let_go.set()
    first = {heard.event for heard in receiver.heard}
    assert service.states() == {"waiting"}
    assert run_due(world.runtime) == 0
    world.clock.advance(seconds=world.runtime.settings.lease + 1)
    assert run_due(world.runtime) == 12
    assert first <= {heard.event for heard in receiver.heard} == ids
    assert (service.states(), len(receiver.heard) > len(ids)) == ({"delivered"}, True)


def test_workers_at_once_tell_each_event_once(world: World, receiver: Receiver) -> None:
    """A subscription is served by one of them at a time."""
    service = Service(world, receiver)
    world.settle(30)
    ids = service.ended(30)
    workers = [threading.Thread(target=run_due, args=(world.runtime,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(heard.event for heard in receiver.heard) == sorted(map(str, ids))
    assert receiver.connections <= telling.CALLS


# --- steering -----------------------------------------------------------------------------------------


def test_what_happens_while_it_is_paused_is_told_afterwards(world: World, receiver: Receiver) -> None:
    """With a day of tries from then on; what a removed one waited for is over."""
    service = Service(world, receiver)
    world.settle(1)
    which = (service.id, Kind.RECEIPT, "test")
    with world.runtime.db.write() as tx:
        assert book.pause(tx, world.runtime, *which)
        assert not book.pause(tx, world.runtime, *which)
    service.ended()
    assert run_due(world.runtime) == 0
    world.clock.advance(days=2)
    with world.runtime.db.write() as tx:
        assert book.resume(tx, world.runtime, *which)
    receiver.script = lambda _heard: 503
    assert run_due(world.runtime) == 1
    assert service.states() == {"waiting"}
    with world.runtime.db.write() as tx:
        book.remove(tx, world.runtime, *which)
    assert [(row.state, row.cause) for row in service.events()] == [("failed", "removed")]
    service.ended()
    assert len(service.events()) == 1
    assert (_hook(world).url, _hook(world).secret) == ("", b"")


def test_told_anew_is_told_under_the_same_id(world: World, receiver: Receiver) -> None:
    """By state, time or id, and of one service alone."""
    service = Service(world, receiver)
    world.settle(2)
    receiver.script = lambda heard: 404 if len(receiver.heard) == 1 else 200
    one = service.ended()
    run_due(world.runtime)
    later = world.clock.advance(hours=1)
    two = service.ended()
    run_due(world.runtime)

    def anew(**which: Any) -> int:
        with world.runtime.db.write() as tx:
            return book.replay(tx, world.runtime, Which(service.id, **which), "test")

    assert anew(states=[State.FAILED]) == 1
    run_due(world.runtime)
    assert anew(since=later) == 1
    run_due(world.runtime)
    assert anew(ids=one) == 1
    run_due(world.runtime)
    assert anew(kind=Kind.INBOUND) == 0
    with world.runtime.db.write() as tx:
        assert book.replay(tx, world.runtime, Which(uuid4()), "test") == 0
    order = [heard.event for heard in receiver.heard]
    assert order == [str(one[0]), str(two[0]), str(one[0]), str(two[0]), str(one[0])]
    with world.runtime.db.read() as tx:
        counts = book.counts(tx, service.id)
        assert list(counts.values()) == [{"waiting": 0, "delivered": 2, "failed": 0}]
        listed = book.log(tx, Which(service.id), limit=1)
        assert [row.id for row in listed] == two
        assert [row.id for row in book.log(tx, Which(service.id), older_than=two[0])] == one


def test_the_log_is_kept_for_a_week(world: World, receiver: Receiver) -> None:
    service = Service(world, receiver)
    world.settle(1)
    service.ended()
    run_due(world.runtime)
    now = world.clock.advance(days=7, seconds=-1)
    for at, left in ((now, 1), (now + timedelta(seconds=2), 0)):
        with world.runtime.db.write() as tx:
            assert book.forget_old(tx, at) is False
        assert len(service.events()) == left


def test_a_text_that_is_no_longer_kept_is_told_as_such(sqlite_world: World, receiver: Receiver) -> None:
    """The event fails with its cause; nothing is sent."""
    world = sqlite_world
    service = Service(world, receiver)
    with world.runtime.db.write() as tx:
        webhooks.tell(tx, Kind.RECEIPT, webhooks.ended([(service.id, uuid4())]), world.clock.now)
    assert run_due(world.runtime) == 1
    assert [(row.state, row.cause) for row in service.events()] == [("failed", "no_longer_kept")]
    assert receiver.heard == []


def test_secrets_are_sealed_and_a_damaged_one_stops_only_its_own(
    sqlite_world: World, receiver: Receiver, another: Receiver
) -> None:
    """In the clear they stand nowhere; who cannot be opened is paused for people to see."""
    world = sqlite_world
    damaged, whole = Service(world, receiver, "damaged"), Service(world, another, "whole")
    world.settle(1)
    hooks = webhooks.webhooks
    with world.runtime.db.read() as tx:
        for row in tx.execute(select(hooks)):
            assert TOKEN.encode() not in row.token
            assert damaged.secrets.secret.encode() not in row.secret
    with world.runtime.db.write() as tx:
        tx.execute(update(hooks).where(hooks.c.service_id == damaged.id).values(token=b"\x01" * 40))
    damaged.ended()
    whole.ended()
    run_due(world.runtime)
    assert (len(receiver.heard), len(another.heard)) == (0, 1)
    with world.runtime.db.read() as tx:
        why = tx.execute(select(hooks.c.paused_why).where(hooks.c.service_id == damaged.id)).scalar_one()
    assert why == "cannot_be_opened"


# --- the call itself -----------------------------------------------------------------------------------


def _posts(to: str, count: int = 1, **options: Any) -> list[Any]:
    """What comes of so many calls over one line."""
    with closing(Line(read(to), HOME, **options)) as line:
        return [line.post({}, b"{}") for _ in range(count)]


def test_a_redirect_is_not_followed(receiver: Receiver, another: Receiver) -> None:
    receiver.script = lambda _heard: 302
    receiver.headers = {"Location": another.url}
    assert _posts(receiver.url) == [Answered(302)]
    assert another.heard == []


def test_a_name_is_looked_up_and_checked_at_each_connection(receiver: Receiver) -> None:
    """One that led home when it was set is not called once it leads elsewhere: no rebinding."""
    url = receiver.url.replace("127.0.0.1", "service.example")
    answers, asked = iter(["127.0.0.1", "10.0.0.1", "127.0.0.1"]), list[str]()

    def look_up(host: str, port: int, **_: object) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    told = [outcome for _ in range(3) for outcome in _posts(url, look_up=look_up)]
    assert told == [Answered(200), Barred(), Answered(200)]
    assert asked == ["service.example"] * 3
    assert {heard.headers["host"] for heard in receiver.heard} == {read(url).authority}


def test_a_connection_is_kept_and_a_closed_one_is_replaced(receiver: Receiver) -> None:
    assert _posts(receiver.url, 3) == [Answered(200)] * 3
    assert receiver.connections == 1
    receiver.headers = {"Connection": "close"}
    assert _posts(receiver.url, 2) == [Answered(200)] * 2
    assert receiver.connections == 3


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda _send: None, id="nothing"),
        pytest.param(lambda send: [send(b"H") for _ in range(40)], id="drop by drop"),
        pytest.param(
            lambda send: [send(b"HTTP/1.1 200 OK\r\n"), *(send(b"x: y\r\n") for _ in range(40))], id="headers"
        ),
        pytest.param(
            lambda send: [
                send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"),
                *(send(b"x") for _ in range(40)),
            ],
            id="body",
        ),
    ],
)
def test_a_call_ends_when_its_time_is_over_however_the_answer_drips(answer: Callable[[Any], Any]) -> None:
    """Every byte renews a socket's patience; the call's is not renewed."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        line, _ = listening.accept()

        def send(some: bytes) -> None:
            if not over.wait(0.05):
                line.sendall(some)

        with suppress(OSError):
            answer(send)
        over.wait(10)
        line.close()

    server = threading.Thread(target=serve)
    server.start()
    began = time.monotonic()
    said = _posts(f"http://127.0.0.1:{listening.getsockname()[1]}/", timeout=0.3)
    assert said == [Silent("timeout")]
    assert time.monotonic() - began < 1.5
    over.set()
    server.join()
    listening.close()


def test_a_service_that_is_not_there_is_told_apart(receiver: Receiver) -> None:
    receiver.close()
    assert _posts(receiver.url) == [Silent("connection_refused")]

    def nowhere(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror

    assert _posts(receiver.url, look_up=nowhere) == [Silent("name_not_found")]


def test_a_name_that_is_looked_up_for_long_buys_no_time(receiver: Receiver) -> None:
    """The call is over while there is nothing to cut yet: nothing is sent and nothing waited for after it."""
    over = threading.Event()

    def slowly(host: str, port: int, **_: object) -> list[Any]:
        over.wait(0.4)
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)

    assert _posts(receiver.url, look_up=slowly, timeout=0.2) == [Silent("timeout")]
    assert not receiver.heard
