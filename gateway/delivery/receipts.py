"""What providers report to us: pushed or fetched, kept raw, applied in batches by workers.

A receipt may come before its hand-over's answer is recorded, late, twice or in
the wrong order. None moves a status back; one that matches nothing yet is put
back and kept. A push that comes again, word by word, is kept once.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Uuid,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.exc import OperationalError

from gateway import channels
from gateway.db import Utc, claim, metadata, new_lease, sparse_index, upsert
from gateway.delivery import keyed, matching, reachability
from gateway.delivery.reachability import Said
from gateway.notifications import inbound, questions
from gateway.notifications.suppression import COMPLAINT
from gateway.providers import Callback, Collector, Complaint, Inbound, Receipt, Report, Reporter
from gateway.runtime import Runtime

LANE = "receipts"
CLAIM = 50  # callbacks, each with up to some hundred receipts
FETCHED = 20  # collected ones in one commit
AT_ONCE = 1_000  # receipts in one statement; databases bound its parameters
KEPT = timedelta(days=30)
FORGET = 5_000  # rows in one commit: nobody waits for long
TRIES = 12  # doubling from 1 s: an unmatched receipt is looked for during an hour, then kept as it is
log = structlog.get_logger()

callbacks = Table(
    "callbacks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("provider", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("received_at", Utc, nullable=False, index=True),
    Column("state", String(12), nullable=False),  # new, applied, unmatched, unreadable
    Column("tries", Integer, nullable=False),
    Column("due_at", Utc),
    Column("lease", BigInteger),
)
sparse_index("ix_callbacks_due", callbacks.c.due_at)
_odd = (callbacks.c.state == "unmatched") | (callbacks.c.state == "unreadable")
Index("ix_callbacks_odd", callbacks.c.state, postgresql_where=_odd, sqlite_where=_odd)


def keep(tx: Connection, runtime: Runtime, provider: str, callback: Callback) -> bool:
    """Store a verified callback as it came, sealed; False where it is kept already.

    Answering the provider is then safe. What became of the one before stands: its answer
    was lost, not its content.
    """
    key, now = runtime.new_id(), runtime.clock()
    kept = json.dumps({"url": callback.url, "body": base64.b64encode(callback.body).decode()})
    place = json.dumps([provider, callback.kind, callback.url]).encode()
    statement = upsert(tx, callbacks).values(
        id=key,
        provider=provider,
        kind=callback.kind,
        body=runtime.vault.seal("callbacks.body", key, kept),
        digest=runtime.vault.digest("callbacks", place + b"\0" + callback.body),
        received_at=now,
        state="new",
        tries=0,
        due_at=now,
    )
    once = statement.on_conflict_do_nothing(index_elements=[callbacks.c.digest])
    return tx.execute(once.returning(callbacks.c.id)).first() is not None


# --- fetching ---------------------------------------------------------------------------------

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
        runtime.wake(LANE)
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
            found = sum(keep(tx, runtime, name, callback) for callback, _ in batch)
    except Exception as error:  # noqa: BLE001 - one report stops no other
        log.warning("collected_not_kept", provider=name, error=type(error).__name__)
        return sum(_keep_all(runtime, name, [one]) for one in batch) if len(batch) > 1 else 0
    for _, put_away in batch:
        try:
            put_away()
        except Exception as error:  # noqa: BLE001 - it is met again, and known by its digest
            log.warning("collected_not_put_away", provider=name, error=type(error).__name__)
    return found


# --- applying ---------------------------------------------------------------------------------


def apply_due(runtime: Runtime) -> int:
    """Apply the receipts of due callbacks; returns how many callbacks were looked at."""
    done = 0
    while rows := _claimed(runtime):
        read = [(row, _read(runtime, row)) for row in rows]
        try:
            _apply_all(runtime, read)
        except Exception as error:  # noqa: BLE001 - one callback must not hold up all the others
            log.warning("receipts_one_by_one", error=type(error).__name__)
            for item in read:
                _apply_alone(runtime, item)
        done += len(rows)
    return done


def _claimed(runtime: Runtime) -> Sequence[Row[Any]]:
    with runtime.db.write() as tx:
        now, lease = runtime.clock(), new_lease()
        return claim(tx, callbacks, now=now, seconds=runtime.settings.lease, limit=CLAIM, lease=lease)


def _read(runtime: Runtime, row: Row[Any]) -> Sequence[Report] | None:
    """What is in a callback; None when nobody can read it."""
    provider = runtime.providers.get(row.provider)
    if not isinstance(provider, Reporter):
        return None
    try:
        kept = json.loads(runtime.vault.open("callbacks.body", row.id, row.body))
        came = Callback(row.kind, kept["url"], {}, base64.b64decode(kept["body"]), "")
        return [_clean(report) for report in provider.parse(came)]
    except Exception as error:  # noqa: BLE001 - whatever came in, it is kept as unreadable, not tried for ever
        log.warning("callback_unreadable", callback=str(row.id), error=type(error).__name__)
        return None


def _clean(report: Report) -> Report:
    """Its words without what a database refuses: lone surrogates and NUL."""
    plain = replace(report, address=_storable(report.address))
    if isinstance(plain, Complaint):
        return plain
    plain = replace(plain, handover=_storable(plain.handover))
    if isinstance(plain, Inbound):
        return replace(plain, id=_storable(plain.id), text=_storable(plain.text))
    return replace(plain, reference=_storable(plain.reference), code=_storable(plain.code)[:80])


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "")


Read = tuple[Row[Any], Sequence[Report] | None]


def _apply_all(runtime: Runtime, read: Sequence[Read]) -> None:
    now = runtime.clock()
    reports = [(row.provider, report) for row, found in read for report in found or ()]
    pairs = [(name, report) for name, report in reports if isinstance(report, Receipt)]
    unmatched: set[tuple[str, Receipt]] = set()
    about = [_complained(runtime, name, one, now) for name, one in reports if isinstance(one, Complaint)]
    with runtime.db.write() as tx:
        for start in range(0, len(pairs), AT_ONCE):
            applied = matching.apply(tx, runtime, pairs[start : start + AT_ONCE], now)
            unmatched |= applied.unmatched
            about += applied.said
        said = [(name, one) for name, one in reports if isinstance(one, Inbound)]
        heard = inbound.receive(tx, runtime, said, keyed.calls(tx, runtime, [one for _, one in said]))
        reachability.heed(tx, about, now)
        for row, found in read:
            waiting = found is not None and any((row.provider, one) in unmatched for one in found)
            _settle(tx, row, readable=found is not None, waiting=waiting, now=now)
    if heard.answers:
        runtime.wake(questions.LANE)
    log.info("receipts_applied", callbacks=len(read), reports=len(reports), unmatched=len(unmatched))


def _complained(runtime: Runtime, provider: str, complaint: Complaint, now: datetime) -> Said:
    kind = channels.load(runtime.providers[provider].channel).ADDRESS
    index = runtime.vault.index(kind, complaint.address)
    return Said(index, kind, provider, complaint.at or now, COMPLAINT)


def _apply_alone(runtime: Runtime, item: Read) -> None:
    """Apply one callback; one that cannot be applied is set aside for people."""
    try:
        _apply_all(runtime, [item])
    except OperationalError as error:  # the database's, not the callback's: due again when the lease ends
        log.warning("callback_later", callback=str(item[0].id), error=type(error.orig).__name__)
    except Exception as error:  # noqa: BLE001 - see apply_due
        log.error("callback_not_applied", callback=str(item[0].id), error=type(error).__name__)  # noqa: TRY400
        with runtime.db.write() as tx:
            _settle(tx, item[0], readable=False, waiting=False, now=runtime.clock())


def _settle(tx: Connection, row: Row[Any], *, readable: bool, waiting: bool, now: datetime) -> None:
    due_at: datetime | None = None
    state = "applied" if readable else "unreadable"
    if waiting:
        state = "unmatched"
        due_at = now + timedelta(seconds=2**row.tries) if row.tries < TRIES else None
    values = {"state": state, "due_at": due_at, "lease": None, "tries": row.tries + 1}
    tx.execute(update(callbacks).where(callbacks.c.id == row.id).values(**values))


def forget_old(tx: Connection, now: datetime) -> bool:
    """Drop some of those long applied: they hold addresses. True where there are more."""
    old = select(callbacks.c.id).where(callbacks.c.received_at < now - KEPT, callbacks.c.due_at.is_(None))
    gone = tx.execute(delete(callbacks).where(callbacks.c.id.in_(old.limit(FORGET))))
    return gone.rowcount == FORGET


def waiting(tx: Connection) -> Mapping[str, int]:
    """How many callbacks stand in each state."""
    query = select(callbacks.c.state, func.count()).group_by(callbacks.c.state)
    return dict(tx.execute(query).all())
