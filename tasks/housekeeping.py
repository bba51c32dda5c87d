"""The sweep: wake whatever has due rows. Beside it: keep the books short, fetch what providers
report by other means than a push, and what they decided. Hourly: forget what nobody needs."""

import structlog

from gateway.appointments import missed, news, waiting
from gateway.barometer import roll
from gateway.broadcasts import expand
from gateway.broadcasts.pages import pages
from gateway.broadcasts.store import broadcasts
from gateway.call_backs import undelivered
from gateway.content import registration
from gateway.db import is_due
from gateway.delivery import books, fetching, lanes, ledger, measures
from gateway.notifications import questions
from gateway.phone import calls
from gateway.promises import ticks
from gateway.retention import job
from gateway.services import webhooks
from gateway.transactions import engine, reminders, replanning
from gateway.transactions.promises import promises
from gateway.transactions.store import transactions
from gateway.webhooks import telling
from tasks.app import app, current
from tasks.turns import Turns

QUEUES = (
    (engine.LANE, transactions),
    (questions.LANE, questions.questions),
    (reminders.LANE, reminders.reminders),
    (ticks.LANE, promises),
    (reminders.LANE, replanning.replannings),
    (expand.LANE, broadcasts),
    (expand.LANE, pages),
)

collecting = Turns(1)  # a mailbox that answers slowly holds one thread
pulling = Turns(1)
matching = Turns(1)
serving = Turns(1)
owing = Turns(1)
counting = Turns(1)
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
    """Every few seconds: sum up old entries where there are many, and see whether rules have changed."""
    runtime = current()
    replanning.notice(runtime)
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


@app.task(name="tasks.housekeeping.halls")
def halls() -> None:
    """Every few seconds: freed places to whoever waits for one, and what halls did told to their citizens."""
    serving.work(_serve)


def _serve() -> None:
    waiting.run_due(current())
    news.run_due(current())


@app.task(name="tasks.housekeeping.barometer")
def barometer() -> None:
    """Every few minutes: count the open day anew, and close the one before."""
    counting.work(lambda: roll.run(current(), (calls.counted,)))


@app.task(name="tasks.housekeeping.owed")
def owed() -> None:
    """Twice a minute: whom a result did not reach is called."""
    owing.work(lambda: undelivered.run_due(current()))


@app.task(name="tasks.housekeeping.tidy")
def tidy() -> None:
    """Every hour: forget what is due, by the list of every table. Before: who did not come yesterday."""
    missed.run_due(current())
    forgotten = job.run(current())
    log.info("tidied", **forgotten)
