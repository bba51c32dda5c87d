"""Reports that gather where providers leave them, such as a mailbox folder: kept, then put away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import structlog

from gateway.delivery import receipts
from gateway.providers import Callback, Collector
from gateway.runtime import Runtime

FETCHED = 20  # in one commit
log = structlog.get_logger()

Fetched = tuple[Callback, Callable[[], None]]


def collect(runtime: Runtime) -> int:
    """Keep what gathers where providers leave it; returns how many were new.

    Each is put away only when it is kept. One provider or one report that fails stops no other:
    it is met again the next time.
    """
    found = 0
    for name, provider in runtime.providers.items():
        if isinstance(provider, Collector):
            found += sum(_keep_all(runtime, name, batch) for batch in _fetched(name, provider))
    if found:
        runtime.wake(receipts.LANE)
    return found


def _fetched(name: str, provider: Collector) -> Iterator[Sequence[Fetched]]:
    """What waits at a provider, some at a time, up to where it cannot be read."""
    batch: list[Fetched] = []
    try:
        for one in provider.collect():
            batch.append(one)
            if len(batch) == FETCHED:
                yield batch
                batch = []
    except Exception as error:  # noqa: BLE001 - a bug in one provider stops no other
        log.warning("collecting_failed", provider=name, error=type(error).__name__)
    yield batch


def _keep_all(runtime: Runtime, name: str, batch: Sequence[Fetched]) -> int:
    """Keep these in one commit, or each in its own where that fails; then put them away."""
    try:
        with runtime.db.write() as tx:
            found = sum(receipts.keep(tx, runtime, name, callback) for callback, _ in batch)
    except Exception as error:  # noqa: BLE001 - one report stops no other
        log.warning("collected_not_kept", provider=name, error=type(error).__name__)
        return sum(_keep_all(runtime, name, [one]) for one in batch) if len(batch) > 1 else 0
    for _, put_away in batch:
        try:
            put_away()
        except Exception as error:  # noqa: BLE001 - it is met again, and known by its digest
            log.warning("collected_not_put_away", provider=name, error=type(error).__name__)
    return found
