"""Replaying dead letters for an operator: first on record, then done."""

from __future__ import annotations

from datetime import datetime

from gateway import audit
from gateway.ops import dead_letters
from gateway.ops.dead_letters import Cause
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
    _record(runtime, actor, "dead.replay_again" if again else "dead.replay", str(cause))
    taken = sum(dead_letters.replay(runtime, cause, until, again=again, most=most))
    _record(runtime, actor, "dead.replayed", f"{taken} {cause}")
    return taken


def _record(runtime: Runtime, actor: str, action: str, subject: str) -> None:
    with runtime.db.write() as tx:
        audit.record(tx, runtime.vault, runtime.clock(), actor, action, subject[:SUBJECT])
