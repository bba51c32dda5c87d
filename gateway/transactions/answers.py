"""Answers to a transaction's question: written on its timeline, and an evaluation is given.

What was asked and the digit chosen stand there, whatever became of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import Connection, Row, insert, update

from gateway.db import claim, new_lease
from gateway.notifications.questions import questions
from gateway.runtime import Runtime
from gateway.transactions import evaluations
from gateway.transactions.store import timeline

EVENT = "answered"
CLAIM = 500
log = structlog.get_logger()


def run_due(runtime: Runtime) -> int:
    """Take up the answers that came in; returns how many."""
    done = 0
    while taken := _some(runtime):
        done += taken
    return done


def _some(runtime: Runtime) -> int:
    """Those that are only kept in one commit with the claim; of evaluations each in one of its own."""
    with runtime.db.write() as tx:
        now, seconds = runtime.clock(), runtime.settings.lease
        rows = claim(tx, questions, now=now, seconds=seconds, limit=CLAIM, lease=new_lease())
        graded = [row for row in rows if row.kind == evaluations.ASKS.kind and row.transaction_id]
        _keep(tx, [row for row in rows if row not in graded])
    for row in graded:
        _evaluate(runtime, row)
    return len(rows)


def _evaluate(runtime: Runtime, row: Row[Any]) -> None:
    """The answer and what follows from it; a fault of ours there loses neither it nor its neighbours."""
    try:
        with runtime.db.write() as tx:
            lanes = evaluations.reply(tx, runtime, row.transaction_id, row.answer)
            _keep(tx, [row])
        runtime.wake_all(lanes)
    except Exception as error:  # noqa: BLE001 - a bug in a plug-in
        log.error("evaluation_bug", error=type(error).__name__)  # noqa: TRY400
        with runtime.db.write() as tx:
            _keep(tx, [row])


def _keep(tx: Connection, rows: Sequence[Row[Any]]) -> None:
    if not rows:
        return
    lines = [
        {
            "transaction_id": row.transaction_id,
            "at": row.answered_at,
            "event": EVENT,
            "detail": f"{row.kind} {row.answer}",
        }
        for row in sorted(rows, key=lambda row: row.answered_at)
    ]
    tx.execute(insert(timeline), lines)
    ids = [row.id for row in rows]
    tx.execute(update(questions).where(questions.c.id.in_(ids)).values(due_at=None, lease=None))
