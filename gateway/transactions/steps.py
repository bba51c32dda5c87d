"""Asking the back office: claim what is submitted, one call each, record what it said.

A worker may die during its call, so the back office may have acted without our
knowing: a type's ``perform`` looks before it acts, every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Row, update

from gateway.back_offices import Silent, StepOutcome
from gateway.db import claim, new_lease
from gateway.errors import TamperedError
from gateway.runtime import Runtime
from gateway.transactions import registry, store
from gateway.transactions.model import OPEN, WITH_BACK_OFFICE, State
from gateway.transactions.outcome import record
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
        tx.execute(update(transactions).where(ours).values(due_at=until))


def _claim(runtime: Runtime) -> list[Row[Any]]:
    """Lease due rows and return those to ask a back office about; unfinished drafts end here."""
    now, lease = runtime.clock(), new_lease()
    seconds = runtime.settings.lease
    with runtime.db.write() as tx:
        rows = claim(tx, transactions, now=now, seconds=seconds, limit=CLAIM, lease=lease)
        calls = [row for row in rows if row.state in WITH_BACK_OFFICE]
        ids = [row.id for row in calls]
        tx.execute(update(transactions).where(transactions.c.id.in_(ids)).values(calling=True))
        for row in rows:
            if row.state in OPEN:
                _abandon(tx, runtime, row)
    return calls


def _abandon(tx: Connection, runtime: Runtime, row: Row[Any]) -> None:
    """A draft nobody finished: cancelled, its answers erased."""
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


def _work(runtime: Runtime, row: Row[Any]) -> None:
    try:
        transaction = store.opened(runtime, row)
    except TamperedError:
        _cannot_open(runtime, row)
        return
    outcome = _perform(runtime, transaction)
    with runtime.db.write() as tx:
        lanes = record(tx, runtime, transaction, outcome)
    runtime.wake_all(lanes)
    log.info("step", type=row.type, outcome=type(outcome).__name__.lower())


def _cannot_open(runtime: Runtime, row: Row[Any]) -> None:
    """Its sealed answers are damaged: nothing can be done or told, so people must see it."""
    log.error("cell_cannot_be_opened", table="transactions", row=str(row.id))
    ended = {"state": State.FAILED, "reason": "cannot_be_opened", "due_at": None, "lease": None}
    with runtime.db.write() as tx:
        if store.change(tx, runtime, row.id, under=row.lease, calling=False, **ended):
            store.note(tx, runtime, row.id, State.FAILED, "cannot_be_opened")


def _perform(runtime: Runtime, transaction: Transaction) -> StepOutcome:
    kind = registry.get(transaction.row.type)
    office = kind.back_office or ""  # a type without one is done when it is submitted and never due here
    try:
        return kind.perform(runtime.back_office(office), transaction.case(runtime.clock()))
    except Exception as error:  # noqa: BLE001 - a bug: what it did is not known, so it is looked at again
        name = type(error).__name__  # and no traceback: it may hold personal data
        log.error("back_office_bug", type=kind.name, error=name)  # noqa: TRY400
        return Silent("back_office_bug")
