"""Every night our books of the day before are held against each provider's, and the ledger against the rows.

A row of ``book_matches`` is one day of one provider. Who wants to match it claims the row, so several
beats do no harm; a provider that does not answer is asked again half an hour later. A day is the vendor's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Row,
    String,
    Table,
    Text,
    func,
    select,
    tuple_,
    update,
)

from gateway import channels
from gateway.db import Utc, metadata, upsert
from gateway.delivery import ledger, measures
from gateway.delivery.comparing import (
    Differences,
    Kind,
    Ours,
    Sums,
    Theirs,
    compare,
    compare_sums,
    each_once,
)
from gateway.delivery.store import attempts
from gateway.provider_books import BooksUnanswered, DayCounter, DayLister
from gateway.runtime import Runtime

LEDGER = "ledger"  # in the place of a provider: our entries against our rows
RIPE = timedelta(hours=2)  # after the day's end
AGAIN = timedelta(minutes=30)  # before another try; and as long as one may take
SENT_LATER = timedelta(hours=12)  # a message may wait so long in a vendor's queue before it counts as sent
CLOCKS_APART = timedelta(minutes=5)
KEPT = timedelta(days=400)
PAGE = 5_000  # attempts read at once
log = structlog.get_logger()

book_matches = Table(
    "book_matches",
    metadata,
    Column("day", String(10), primary_key=True),  # ISO
    Column("provider", String(40), primary_key=True),
    Column("zone", String(10), nullable=False),  # whose midnight ends it
    Column("claimed_until", Utc),
    Column("checked_at", Utc),  # null: not yet
    Column("problem", String(80)),  # why not
    Column("ours", Text, nullable=False),  # JSON
    Column("theirs", Text, nullable=False),
    Column("difference", BigInteger, nullable=False),  # what explains itself does not count
    Column("listed", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Match:
    """What came of matching a day: figures of both, and their differences."""

    ours: Mapping[str, int]
    theirs: Mapping[str, int]
    found: Differences = field(default_factory=Differences)


def nightly(runtime: Runtime) -> int:
    """Match the last ripe day of everybody who keeps books, unless that is done; returns how many were."""
    now = runtime.clock()
    return sum(
        match(runtime, name, (now - RIPE).astimezone(zone).date() - timedelta(days=1))
        for name, zone in keepers(runtime).items()
    )


def keepers(runtime: Runtime) -> Mapping[str, timezone]:
    """Who keeps books, the ledger among them, and where a day ends there."""
    zones = {
        name: provider.day_zone
        for name, provider in runtime.providers.items()
        if isinstance(provider, DayCounter | DayLister)
    }
    return {LEDGER: UTC, **zones}


def match(runtime: Runtime, name: str, day: date, *, anew: bool = False) -> bool:
    """Match one day with one of ``keepers``; False where somebody did or does, or it failed."""
    zone = keepers(runtime)[name]
    with runtime.db.write() as tx:
        if not _claim(tx, name, day, zone, runtime.clock(), anew=anew):
            return False
    begins = datetime.combine(day, time.min, zone)
    try:
        found = _matched(runtime, name, day, begins, begins + timedelta(days=1))
    except BooksUnanswered as error:
        _keep(runtime, name, day, problem=str(error)[:80])
        return False
    except Exception as error:  # noqa: BLE001 - a bug in one provider stops no other
        log.error("books_not_matched", provider=name, error=type(error).__name__)  # noqa: TRY400
        _keep(runtime, name, day, problem=type(error).__name__)
        return False
    _keep(runtime, name, day, found)
    log.info("books_matched", provider=name, day=str(day), difference=found.found.unexplained)
    return True


def _claim(tx: Connection, name: str, day: date, zone: timezone, now: datetime, *, anew: bool) -> bool:
    columns = book_matches.c
    claimed = {"claimed_until": now + AGAIN}
    blank = {"ours": "{}", "theirs": "{}", "listed": "{}", "difference": 0}
    first = upsert(tx, book_matches).values(
        day=str(day), provider=name, zone=zone.tzname(None), **claimed, **blank
    )
    free = columns.checked_at.is_(None) & (columns.claimed_until <= now)
    again = first.on_conflict_do_update(
        index_elements=[columns.day, columns.provider], set_=claimed, where=None if anew else free
    )
    return tx.execute(again.returning(columns.day)).first() is not None


def _keep(
    runtime: Runtime, name: str, day: date, found: Match | None = None, problem: str | None = None
) -> None:
    columns = book_matches.c
    values: dict[str, Any] = {"problem": problem}
    if found:
        kinds = {
            kind: {"number": n, "some": found.found.listed[kind]} for kind, n in found.found.numbers.items()
        }
        values |= {
            "checked_at": runtime.clock(),
            "ours": json.dumps(dict(found.ours)),
            "theirs": json.dumps(dict(found.theirs)),
            "difference": found.found.unexplained,
            "listed": json.dumps(kinds),
        }
    with runtime.db.write() as tx:
        mine = (columns.day == str(day)) & (columns.provider == name)
        tx.execute(update(book_matches).where(mine).values(**values))


# --- matching ------------------------------------------------------------------------------------


def _matched(runtime: Runtime, name: str, day: date, begins: datetime, ends: datetime) -> Match:
    if name == LEDGER:
        return _ledger(runtime)
    provider = runtime.providers[name]
    if isinstance(provider, DayLister):
        return _list(runtime, name, provider, day, begins, ends)
    assert isinstance(provider, DayCounter)
    return _sums(runtime, name, provider, day, begins, ends)


def _ledger(runtime: Runtime) -> Match:
    """Counts every row: as it stands now, for rows do not tell of days."""
    found = Differences()
    with runtime.db.read() as tx:
        accounts, differing = ledger.accounts(tx), ledger.differences(tx)
    for (lane, status), number in sorted(differing.items()):
        found.add(Kind.THEIRS_ONLY if number > 0 else Kind.OURS_ONLY, f"{lane} {status}", abs(number))
    entries = sum(sum(account.standing.values()) for account in accounts)
    return Match({"entries": entries}, {"rows": entries + sum(differing.values())}, found)


def _list(
    runtime: Runtime, name: str, provider: DayLister, day: date, begins: datetime, ends: datetime
) -> Match:
    """Message by message; the vendor's list of the day is held in memory, some 200 bytes for each."""
    kind, theirs = channels.load(runtime.providers[name].channel).ADDRESS, {}
    for page in provider.recorded(day):
        for one in page:
            theirs[one.reference] = Theirs(runtime.vault.index(kind, one.address), one.delivery)
    ours = each_once(_attempts(runtime, name, begins - SENT_LATER, ends + CLOCKS_APART))
    counted: dict[str, int] = {"accepted": 0, "unknown": 0}

    def counting() -> Iterator[Ours]:
        for one in ours:
            outcome = one.outcome or "unknown"
            if begins <= one.at < ends and outcome in counted:
                counted[outcome] += 1
            yield one

    found = compare(theirs, counting(), begins, ends)
    return Match(counted, {"taken": len(theirs)}, found)


def _attempts(runtime: Runtime, name: str, since: datetime, until: datetime) -> Iterator[Ours]:
    """What was handed to a provider in that time, page by page along the index of its hand-overs."""
    columns = attempts.c
    key = (columns.started_at, columns.notification_id, columns.handover)
    query = select(attempts).where(columns.provider == name, columns.started_at < until).order_by(*key)
    after: tuple[datetime, UUID, str] = (since, UUID(int=0), "")
    while True:
        with runtime.db.read() as tx:
            onwards = query.where(columns.started_at >= after[0], tuple_(*key) > after)
            rows = tx.execute(onwards.limit(PAGE)).all()
        yield from map(_ours, rows)
        if len(rows) < PAGE:
            return
        after = (rows[-1].started_at, rows[-1].notification_id, rows[-1].handover)


def _ours(row: Row[Any]) -> Ours:
    reference = row.provider_ref or ""
    return Ours(row.handover, reference, row.address_index, row.started_at, row.outcome, row.receipt)


def _sums(
    runtime: Runtime, name: str, provider: DayCounter, day: date, begins: datetime, ends: datetime
) -> Match:
    totals, columns = provider.counted(day), attempts.c
    silent_ones = select(columns.handover, columns.address_index).where(
        columns.provider == name,
        columns.started_at >= begins,
        columns.started_at < ends,
        columns.outcome == "accepted",
        columns.receipt.is_(None),
    )
    unreported = select(func.count()).select_from(silent_ones.distinct().subquery())  # messages, not notices
    with runtime.db.read() as tx:
        units = measures.in_between(tx, measures.UNITS, name, begins, ends)
        silent = tx.execute(unreported).scalar_one()
    sure, told = int(units.get("accepted", 0) + units.get("found", 0)), int(units.get("found", 0))
    ours = Sums(sure, max(0, int(units.get("unknown", 0)) - told), silent)
    return Match(asdict(ours), asdict(totals), compare_sums(totals, ours))


# --- reading -------------------------------------------------------------------------------------


def of_day(tx: Connection, day: date) -> list[Row[Any]]:
    """What was matched, or tried to be, of one day."""
    columns = book_matches.c
    return list(tx.execute(select(book_matches).where(columns.day == str(day)).order_by(columns.provider)))


def newest_day(tx: Connection) -> date | None:
    """The last day that anything was matched of."""
    newest = tx.execute(select(func.max(book_matches.c.day))).scalar()
    return date.fromisoformat(newest) if newest else None


def differences(row: Row[Any]) -> Differences:
    """What a kept row says, as it was found."""
    found = Differences()
    for name, each in json.loads(row.listed).items():
        found.numbers[Kind(name)] = each["number"]
        found.listed[Kind(name)] = each["some"]
    return found


def standing(tx: Connection) -> dict[str, int]:
    """The difference of each provider's last matched day."""
    columns = book_matches.c
    last = select(columns.provider, func.max(columns.day).label("day")).where(columns.checked_at.is_not(None))
    newest = last.group_by(columns.provider).subquery()
    same = (columns.provider == newest.c.provider) & (columns.day == newest.c.day)
    query = select(columns.provider, columns.difference).join(newest, same)
    return dict(tx.execute(query).all())


def forget_old(tx: Connection, now: datetime) -> None:
    """Drop days nobody asks about any more."""
    old = str((now - KEPT).date())
    tx.execute(book_matches.delete().where(book_matches.c.day < old))
