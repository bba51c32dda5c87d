"""The sweep: wake whatever has due rows, and keep the books short. Hourly: forget what nobody needs."""

from sqlalchemy import select

from gateway.delivery import lanes, ledger, receipts
from gateway.services import idempotency
from gateway.transactions import identity
from gateway.transactions.engine import LANE
from gateway.transactions.store import transactions
from tasks.app import app, current


@app.task(name="tasks.housekeeping.sweep")
def sweep() -> None:
    """Every few seconds. What a lost wake-up, a dead worker or a wiped broker left is found here."""
    runtime = current()
    now = runtime.clock()
    with runtime.db.read() as tx:
        due = lanes.due(tx, now)
        if tx.execute(select(transactions.c.id).where(transactions.c.due_at <= now).limit(1)).first():
            due.add(LANE)
        long = ledger.is_long(tx)
    runtime.wake_all(due)
    if long:
        ledger.compact(runtime)


@app.task(name="tasks.housekeeping.tidy")
def tidy() -> None:
    """Every hour. Each room says how long it keeps what; each is a commit of its own."""
    runtime = current()
    for forget_old in (idempotency.forget_old, identity.forget_old, receipts.forget_old):
        with runtime.db.write() as tx:
            forget_old(tx, runtime.clock())
