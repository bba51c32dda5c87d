"""The hourly job: go through the list, forget what is due, and write down how much that was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Delete, Update, delete, event, select, tuple_
from sqlalchemy.exc import SQLAlchemyError

from gateway.db import metadata, upsert
from gateway.delivery import retention
from gateway.delivery.retention import tidied
from gateway.retention.policies import POLICIES
from gateway.retention.policy import Policy
from gateway.runtime import Runtime

AT_ONCE = 2_000  # rows in one commit: nobody waits for long
log = structlog.get_logger()


def run(runtime: Runtime) -> dict[str, int]:
    """Forget what is due; how many rows by table, and by walk of old messages.

    Each batch is a commit of its own. A table that cannot be gone through keeps no other from its turn.
    """
    forgotten: Counter[str] = Counter()
    for policy in POLICIES:
        if policy.old is not None:
            try:
                forgotten += _forget(runtime, policy)
            except SQLAlchemyError as error:
                log.error("not_tidied", table=policy.table, error=type(error).__name__)  # noqa: TRY400 - personal data
    forgotten += Counter(retention.tidy(runtime))
    return dict(forgotten)


def _forget(runtime: Runtime, policy: Policy) -> Counter[str]:
    forgotten: Counter[str] = Counter()
    more: object = True
    while more:
        now = runtime.clock()
        with runtime.db.write() as tx, _counted(tx) as found:
            more = _some(tx, policy, now, runtime)
            if type(more) is int:
                found[policy.table] = more
            _note(tx, found, now)
        forgotten += found
    return forgotten


def _some(tx: Connection, policy: Policy, now: datetime, runtime: Runtime) -> object:
    span = policy.span(runtime.settings.keep)
    if policy.old is None or span is None:
        return False
    if policy.forget is not None:
        return policy.forget(tx, now)
    if policy.drop is not None:
        return policy.drop(tx, now - span)
    table = metadata.tables[policy.table]
    key = tuple_(*table.primary_key.columns)
    some = select(*table.primary_key.columns).where(policy.old(now - span)).limit(AT_ONCE)
    return tx.execute(delete(table).where(key.in_(some))).rowcount == AT_ONCE


@contextmanager
def _counted(tx: Connection) -> Iterator[Counter[str]]:
    """How many rows of which table were deleted or emptied meanwhile, by whichever room.

    A room that reads what it deletes says the number itself: SQLite then does not.
    """
    found: Counter[str] = Counter()

    def count(_tx: Any, statement: Any, _values: Any, _more: Any, _options: Any, result: Any) -> None:
        if isinstance(statement, Delete | Update) and result.rowcount > 0:
            found[str(statement.table)] += result.rowcount

    event.listen(tx, "after_execute", count)
    try:
        yield found
    finally:
        event.remove(tx, "after_execute", count)


def _note(tx: Connection, found: Counter[str], now: datetime) -> None:
    for table, number in found.items():
        columns = tidied.c
        row = upsert(tx, tidied).values(walk=table, rows=number, at=now)
        added = {"rows": columns.rows + number, "at": now}
        tx.execute(row.on_conflict_do_update(index_elements=[columns.walk], set_=added))
