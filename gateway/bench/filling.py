"""A lane filled fast: the rows and ledger entries the door would write, copied in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

from sqlalchemy import insert

from gateway.notifications import store
from gateway.notifications.entries import TAKEN, ledger
from gateway.notifications.request import Request
from gateway.notifications.status import Status
from gateway.notifications.store import notifications
from gateway.notifications.stored import as_columns
from gateway.runtime import Runtime

AT_ONCE = 10_000  # taken in one commit


def fill(runtime: Runtime, requests: Iterable[Request], at_once: int = AT_ONCE) -> None:
    """Take them all, each in no broadcast and asking nothing; on PostgreSQL by COPY."""
    left = iter(requests)
    take = _copy if runtime.db.engine.dialect.name == "postgresql" else _take
    while some := list(islice(left, at_once)):
        take(runtime, some)


def _take(runtime: Runtime, requests: Sequence[Request]) -> None:
    with runtime.db.write() as tx:
        store.take(tx, runtime, requests)


def _copy(runtime: Runtime, requests: Sequence[Request]) -> None:
    now = runtime.clock()
    with runtime.db.write() as tx:
        given = as_columns(tx, runtime, requests, now)
        columns = ", ".join(notifications.c[key].name for key in given)
        connection = tx.connection.driver_connection
        assert connection
        with connection.cursor().copy(f"COPY notifications ({columns}) FROM STDIN") as copy:
            for row in zip(*given.values(), strict=True):
                copy.write_row(row)
        lanes = Counter((one.lane, entry) for one in requests for entry in (TAKEN, Status.WAITING))
        entries = [{"lane": lane, "entry": str(entry), "difference": n} for (lane, entry), n in lanes.items()]
        tx.execute(insert(ledger), entries)
