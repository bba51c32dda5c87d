"""Answers to a transaction's question, written on its timeline: what was asked and the digit chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, update

from gateway.db import claim, new_lease
from gateway.notifications.questions import questions
from gateway.runtime import Runtime
from gateway.transactions.store import timeline

EVENT = "answered"
CLAIM = 500


def run_due(runtime: Runtime) -> int:
    """Take up the answers that came in; returns how many."""
    done = 0
    while taken := _some(runtime):
        done += taken
    return done


def _some(runtime: Runtime) -> int:
    """Claimed, written and settled in one commit: there is nobody to wait for."""
    with runtime.db.write() as tx:
        now, seconds = runtime.clock(), runtime.settings.lease
        rows = claim(tx, questions, now=now, seconds=seconds, limit=CLAIM, lease=new_lease())
        if rows:
            _note(tx, rows)
            ids = [row.id for row in rows]
            tx.execute(update(questions).where(questions.c.id.in_(ids)).values(due_at=None, lease=None))
    return len(rows)


def _note(tx: Connection, rows: Sequence[Row[Any]]) -> None:
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
