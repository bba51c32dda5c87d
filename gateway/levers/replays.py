"""Replaying dead letters for an operator: first on record, then done."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from gateway import audit
from gateway.levers import dead_letters
from gateway.levers.dead_letters import Batch, Cause
from gateway.runtime import Runtime

SUBJECT = 120  # characters of an audit row's subject


def replay(
    runtime: Runtime,
    cause: Cause,
    until: datetime,
    actor: str,
    *,
    again: bool = False,
    most: int | None = None,
) -> int:
    """Take the dead letters of a cause anew; returns how many. The chain tells who asked and what came."""
    with runtime.db.write() as tx:
        _asked(tx, runtime, cause, actor, again=again)
    taken = sum(dead_letters.replay(runtime, cause, until, again=again, most=most))
    with runtime.db.write() as tx:
        _record(tx, runtime, actor, "dead.replayed", f"{taken} {cause}")
    return taken


def some(
    tx: Connection, runtime: Runtime, cause: Cause, until: datetime, actor: str, *, again: bool = False
) -> Batch:
    """The same for the first letters, in the caller's commit."""
    _asked(tx, runtime, cause, actor, again=again)
    batch = dead_letters.take(tx, runtime, cause, until, again=again, most=dead_letters.AT_ONCE)
    _record(tx, runtime, actor, "dead.replayed", f"{batch.taken} {cause}")
    return batch


def _asked(tx: Connection, runtime: Runtime, cause: Cause, actor: str, *, again: bool) -> None:
    _record(tx, runtime, actor, "dead.replay_again" if again else "dead.replay", str(cause))


def _record(tx: Connection, runtime: Runtime, actor: str, action: str, subject: str) -> None:
    audit.record(tx, runtime.vault, runtime.clock(), actor, action, subject[:SUBJECT])
