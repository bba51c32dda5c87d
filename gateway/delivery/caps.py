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

    def __init__(self, tx: Connection, runtime: Runtime, channel: str, addresses: Sequence[str]) -> None:
        self._module = channels.load(channel)
        self._index = runtime.vault.index
        self._now = runtime.clock()
        self._calls: dict[bytes, list[datetime]] = {}
        if self._module.CAPS:
            self._look_up(tx, runtime, channel, addresses)

    def _look_up(self, tx: Connection, runtime: Runtime, channel: str, addresses: Sequence[str]) -> None:
        columns = attempts.c
        longest = max(window for _, window in self._module.CAPS)
        carriers = [name for name, provider in runtime.providers.items() if provider.channel == channel]
        query = select(columns.address_index, columns.started_at).where(
            columns.address_index.in_({self._of(address) for address in addresses}),
            columns.started_at > self._now - longest,
            columns.provider.in_(carriers),
            or_(columns.outcome.is_(None), columns.outcome.in_(RANG)),
        )
        for address, started_at in tx.execute(query):
            self._calls.setdefault(address, []).append(started_at)

    def _of(self, address: str) -> bytes:
        return self._index(self._module.ADDRESS, address)

    def until(self, address: str) -> datetime | None:
        """Until when this one is left in peace; None: it may be called, and that counts from now on."""
        if not self._module.CAPS:
            return None
        calls = self._calls.setdefault(self._of(address), [])
        until = free_at(calls, self._module.CAPS, self._now)
        if until is None:
            calls.append(self._now)
        return until
