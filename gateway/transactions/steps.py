"""Asking the back office: claim what is due, one call each, record what it said.

A worker may die during its call, so the back office may have acted without our
knowing: a type's ``perform`` looks before it acts, every time. What has ended and is
due again is looked at by its type's ``follow``. Types that work in our own database
do either within one commit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Row

from gateway.back_offices import Silent, StepOutcome, Unavailable
from gateway.db import claim, new_lease
from gateway.errors import TamperedError
from gateway.runtime import Runtime
from gateway.transactions import registry, store
from gateway.transactions.desk import Desk
from gateway.transactions.model import ENDS, OPEN, RAN_OUT, RETURNED, Changed, State, TransactionType
from gateway.transactions.outcome import looked, record, say
from gateway.transactions.store import Transaction, transactions

CLAIM = 8  # as many as are asked at the same time
log = structlog.get_logger()


def run_due(runtime: Runtime) -> int:
    """Work off the transactions that are due; returns how many.

    A call may take longer than a lease, so leases are renewed while calls run: a
    worker that dies is noticed within one lease, one that waits is left alone.
    """
    done = 0
    with ThreadPoolExecutor(CLAIM, thread_name_prefix="step") as pool:
        while rows := _claim(runtime):
            running = {pool.submit(_work, runtime, row): row for row in rows}
            while waiting := wait(running, timeout=runtime.settings.lease / 3).not_done:
                _renew(runtime, [running[future] for future in waiting])
            for future in running:
                future.result()
            done += len(rows)
    return done


def _renew(runtime: Runtime, rows: Sequence[Row[Any]]) -> None:
    columns = transactions.c
    ours = columns.id.in_([row.id for row in rows]) & (columns.lease == rows[0].lease)
    until = runtime.clock() + timedelta(seconds=runtime.settings.lease)
    with runtime.db.write() as tx:
        store.change_all(tx, ours, due_at=until)


def _claim(runtime: Runtime) -> list[Row[Any]]:
    """Lease due rows and return those to ask or look at; unfinished drafts end here."""
    now, lease = runtime.clock(), new_lease()
    seconds = runtime.settings.lease
    with runtime.db.write() as tx:
        rows = claim(tx, transactions, now=now, seconds=seconds, limit=CLAIM, lease=lease)
        calls = [row for row in rows if row.state not in OPEN]
        ids = [row.id for row in calls]
        store.change_all(tx, transactions.c.id.in_(ids), calling=True)
        for row in rows:
            if row.state in OPEN:
                _abandon(tx, runtime, row)
    return calls


def _abandon(tx: Connection, runtime: Runtime, row: Row[Any]) -> None:
    """A draft nobody finished, or corrected in time: cancelled, its answers erased.

    Of what was sent back the citizen hears so, while it is known whose it was.
    """
    if row.stage == RETURNED:
        _say_ran_out(tx, runtime, row)
    store.change(
        tx,
        runtime,
        row.id,
        state=State.CANCELLED,
        reason="not_finished",
        answers=None,
        due_at=None,
        lease=None,
    )
    store.note(tx, runtime, row.id, "cancelled", "not_finished")


def _say_ran_out(tx: Connection, runtime: Runtime, row: Row[Any]) -> None:
    """Its message; a cell that cannot be opened must keep neither it nor its neighbours for ever."""
    try:
        say(tx, runtime, store.opened(runtime, row), RAN_OUT)
    except TamperedError:
        log.error("cell_cannot_be_opened", table="transactions", row=str(row.id))  # noqa: TRY400


def _work(runtime: Runtime, row: Row[Any]) -> None:
    try:
        transaction = store.opened(runtime, row)
    except TamperedError:
        _cannot_open(runtime, row)
        return
    kind = registry.get(row.type)
    ask, keep = (_look, looked) if transaction.state in ENDS else (_perform, record)
    try:
        said, lanes = (_in_our_database if kind.back_office is None else _at_the_office)(
            runtime, kind, transaction, ask, keep
        )
    except Exception as error:  # noqa: BLE001 - a bug: what was done is not known, so it is looked at again
        name = type(error).__name__  # and no traceback: it may hold personal data
        log.error("back_office_bug", type=kind.name, error=name)  # noqa: TRY400
        said = Silent("back_office_bug")
        with runtime.db.write() as tx:
            lanes = keep(tx, runtime, transaction, said)
    runtime.wake_all(lanes)
    log.info("step", type=row.type, outcome=type(said).__name__.lower())


def _cannot_open(runtime: Runtime, row: Row[Any]) -> None:
    """Its sealed answers are damaged: nothing can be done or told, so people must see it."""
    log.error("cell_cannot_be_opened", table="transactions", row=str(row.id))
    ended = {"state": State.FAILED, "reason": "cannot_be_opened", "due_at": None, "lease": None}
    with runtime.db.write() as tx:
        if store.change(tx, runtime, row.id, under=row.lease, calling=False, **ended):
            store.note(tx, runtime, row.id, State.FAILED, "cannot_be_opened")


Said = StepOutcome | Changed
Ask = Callable[[TransactionType, Any, Transaction, datetime], Any]
Keep = Callable[[Connection, Runtime, Transaction, Any], set[str]]


def _at_the_office(
    runtime: Runtime, kind: TransactionType, transaction: Transaction, ask: Ask, keep: Keep
) -> tuple[Said, set[str]]:
    """Call first, with no transaction open; then write down what was said."""
    said = ask(kind, runtime.back_office(kind.back_office or ""), transaction, runtime.clock())
    with runtime.db.write() as tx:
        return said, keep(tx, runtime, transaction, said)


def _in_our_database(
    runtime: Runtime, kind: TransactionType, transaction: Transaction, ask: Ask, keep: Keep
) -> tuple[Said, set[str]]:
    """The work and what came of it in one commit; where the lease has gone, neither."""
    with runtime.db.write() as tx:
        now = store.load(tx, runtime, transaction.id, hold=True)
        if now.row.lease != transaction.row.lease:
            return Silent("lease_lost"), set()
        said = ask(kind, Desk(tx, runtime), now, runtime.clock())
        return said, keep(tx, runtime, now, said)


def _perform(kind: TransactionType, office: Any, transaction: Transaction, now: datetime) -> StepOutcome:
    return kind.perform(office, transaction.case(now))


def _look(
    kind: TransactionType, office: Any, transaction: Transaction, now: datetime
) -> Changed | Unavailable | Silent:
    """A type that names a moment to look again and has no way to do so has nothing to change."""
    view = transaction.view(now)
    if kind.follow is None:
        return Changed(view.stage, view.facts)
    return kind.follow(office, transaction.case(now), view)
