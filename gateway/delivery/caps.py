"""How often one person may be called: caps over all messages, whoever sends them.

Two claims at the same moment may each let a call through; the vendor's own limit then
says so, and the second waits as a throttled one does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select

from gateway import channels
from gateway.delivery.store import attempts
from gateway.rows import one_of
from gateway.runtime import Runtime

Caps = Sequence[tuple[int, timedelta]]
RANG = ("accepted", "unknown")  # outcomes after which a telephone may have rung


def free_at(calls: Sequence[datetime], caps: Caps, now: datetime) -> datetime | None:
    """When the next call may be made; None: now. ``calls`` are the earlier ones, in any order. Pure."""
    latest = sorted(calls, reverse=True)
    ends = [latest[most - 1] + window for most, window in caps if len(latest) >= most]
    return max((end for end in ends if end > now), default=None)


class Callees:
    """Those of one claim: asked for each in turn, and told of no call but those it lets through."""

    def __init__(self, tx: Connection, runtime: Runtime, channel: str, indexes: Sequence[bytes]) -> None:
        self._caps = channels.load(channel).CAPS
        self._now = runtime.clock()
        self._calls: dict[bytes, list[datetime]] = {}
        if self._caps:
            self._look_up(tx, runtime, channel, indexes)

    def _look_up(self, tx: Connection, runtime: Runtime, channel: str, indexes: Sequence[bytes]) -> None:
        columns = attempts.c
        longest = max(window for _, window in self._caps)
        carriers = [name for name, provider in runtime.providers.items() if provider.channel == channel]
        query = (
            select(columns.address_index, columns.started_at, columns.handover)
            .distinct()
            .where(
                one_of(tx, columns.address_index, sorted(set(indexes))),
                columns.started_at > self._now - longest,
                columns.provider.in_(carriers),
                or_(columns.outcome.is_(None), columns.outcome.in_(RANG)),
            )
        )
        for address, started_at, _ in tx.execute(query):  # distinct: a call may tell several notices
            self._calls.setdefault(address, []).append(started_at)

    def until(self, index: bytes) -> datetime | None:
        """Until when this address is left in peace; None: it may be called, and that counts from now on."""
        if not self._caps:
            return None
        calls = self._calls.setdefault(index, [])
        until = free_at(calls, self._caps, self._now)
        if until is None:
            calls.append(self._now)
        return until
