"""The sweep: wake whatever has due rows. Beside it: keep the books short, fetch what providers
report by other means than a push, and what they decided. Hourly: forget what nobody needs."""

from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from gateway.appointments import book
from gateway.broadcasts import expand, store
from gateway.broadcasts.store import broadcasts
from gateway.content import registration
from gateway.db import is_due
from gateway.delivery import books, fetching, lanes, ledger, measures, receipts, retention, route_book
from gateway.notifications import inbound, questions, suppression
from gateway.phone import calls
from gateway.runtime import Runtime
from gateway.services import idempotency, sessions, webhooks
from gateway.transactions import engine, identity, reminders
from gateway.transactions.store import transactions
from gateway.webhooks import book as webhook_book
from gateway.webhooks import telling
from tasks.app import app, current
from tasks.turns import Turns

QUEUES = (
    (engine.LANE, transactions),
    (questions.LANE, questions.questions),
    (reminders.LANE, reminders.reminders),
    (expand.LANE, broadcasts),
)

collecting = Turns(1)  # a mailbox that answers slowly holds one thread
pulling = Turns(1)
matching = Turns(1)
log = structlog.get_logger()


@app.task(name="tasks.housekeeping.sweep")
def sweep() -> None:
    """Every few seconds. What a lost wake-up, a dead worker or a wiped broker left is found here."""
    runtime = current()
    now = runtime.clock()
    with runtime.db.read() as tx:
        due = lanes.due(tx, now) | {lane for lane, table in QUEUES if is_due(tx, table, now)}
        if webhooks.is_due(tx, now):
            due.add(telling.LANE)
    runtime.wake_all(due)


@app.task(name="tasks.housekeeping.shorten")
def shorten() -> None:
    """Every few seconds: sum up old entries where there are many."""
    runtime = current()
    with runtime.db.read() as tx:
        ledger_is_long, measures_are_long = ledger.is_long(tx), measures.is_long(tx)
    if ledger_is_long:
        ledger.compact(runtime)
    if measures_are_long:
        with runtime.db.write() as tx:
            measures.compact(tx)


@app.task(name="tasks.housekeeping.collect")
def collect() -> None:
    """Twice a minute: bounces and complaints that gather in a mailbox."""
    collecting.work(lambda: fetching.collect(current()))


@app.task(name="tasks.housekeeping.pull")
def pull() -> None:
    """Every few minutes: what providers decided on our texts."""
    pulling.work(lambda: registration.pull(current()))


@app.task(name="tasks.housekeeping.match")
def match() -> None:
    """As often, and done once a night: what is on the providers' books."""
    matching.work(lambda: books.nightly(current()))


@app.task(name="tasks.housekeeping.tidy")
def tidy() -> None:
    """Every hour. Each room says how long it keeps what; each is a commit of its own."""
    runtime = current()
    said = (inbound, questions, suppression)
    mine = (idempotency, identity, receipts, route_book, calls, book, books, sessions, webhook_book)
    rooms = (store, *said, *mine)
    for room in rooms:
        try:
            _forget_old(runtime, room.forget_old)
        except SQLAlchemyError as error:  # the others' turn comes all the same
            log.error("not_tidied", room=room.__name__, error=type(error).__name__)  # noqa: TRY400 - personal data
    retention.tidy(runtime)


def _forget_old(runtime: Runtime, forget_old: Callable[[Connection, datetime], object]) -> None:
    more: object = True
    while more:  # a room that forgets in batches says whether there are more
        with runtime.db.write() as tx:
            more = forget_old(tx, runtime.clock())
