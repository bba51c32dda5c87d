"""Addresses that get less: their owners said stop or complained, or nothing arrives there.

Codes and results of what somebody began always go on (domain.md, "Compliance"). An
address stands here as its blind index alone, once for each reason.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Column, Connection, LargeBinary, String, Table, delete, func, select

from gateway.db import Utc, metadata, upsert
from gateway.notifications.request import Class

OPTED_OUT, COMPLAINT, DEAD_ADDRESS = "opted_out", "complaint", "dead_address"
WISHES = (OPTED_OUT, COMPLAINT)  # of the owner: they stand until the owner says otherwise
STOPPED: Mapping[Class, tuple[str, ...]] = {
    Class.NOTICE: (*WISHES, DEAD_ADDRESS),
    Class.REMINDER: (DEAD_ADDRESS,),
}
"""Which reasons stop which class, the one to name first; no reason stops codes and results."""
AT_ONCE = 1_000  # addresses in one statement; databases bound its parameters
# MIIT order 31/2015 asks that a refusal be heeded; the words are those carriers know.
STOP = frozenset({"R", "TD", "T", "N", "STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL"})
STOP_WITHIN = ("退订", "拒收", "取消订阅")  # also inside a short text: TD退订, 回复退订, 退订谢谢
NOT_MEANT = ("不", "别", "没")  # 请不要退订 is no refusal
SHORT = 10  # characters
START = frozenset({"START", "UNSTOP", "恢复", "恢复订阅"})

suppressions = Table(
    "suppressions",
    metadata,
    Column("address_index", LargeBinary(16), primary_key=True),
    Column("reason", String(16), primary_key=True),
    Column("provider", String(40), nullable=False),  # through whom it was said
    Column("since", Utc, nullable=False),
    Column("until", Utc),  # after which it lapses; null: when the owner says so
)


def wish(text: str) -> str | None:
    """``stop``, ``start``, or nothing of the kind, from what somebody replied."""
    plain = unicodedata.normalize("NFKC", text).upper()
    word = "".join(character for character in plain if character.isalnum())
    within = len(word) <= SHORT and any(one in word for one in STOP_WITHIN)
    if word in STOP or (within and not any(one in word for one in NOT_MEANT)):
        return "stop"
    return "start" if word in START else None


def suppress(
    tx: Connection,
    said: Sequence[tuple[bytes, str, datetime]],
    reason: str = OPTED_OUT,
    until: datetime | None = None,
) -> None:
    """Send less to these addresses, each with the provider it was said through and since when.

    What stands already keeps its beginning and gets the new end.
    """
    rows = [
        {"address_index": address, "reason": reason, "provider": provider, "since": at, "until": until}
        for address, provider, at in sorted(said)
    ]
    if rows:
        entered = upsert(tx, suppressions)
        keys = [suppressions.c.address_index, suppressions.c.reason]
        again = {"until": entered.excluded.until}
        tx.execute(entered.on_conflict_do_update(index_elements=keys, set_=again), rows)


def lift(tx: Connection, addresses: Collection[bytes], *reasons: str) -> None:
    """Send everything there again, or end these reasons alone.

    All end with a word of the owner's: who writes to us, or opens our link, is reached there.
    """
    for some in batches(addresses):
        any_reason = suppressions.c.address_index.in_(some)
        where = any_reason & suppressions.c.reason.in_(reasons) if reasons else any_reason
        ordered = select(suppressions.c.address_index).where(where).order_by(*suppressions.primary_key)
        if tx.execute(ordered.with_for_update()).all():  # in order, so that nobody waits in a ring
            tx.execute(delete(suppressions).where(where))


def among(tx: Connection, addresses: Collection[bytes], *reasons: str) -> set[bytes]:
    """Those of these addresses that stand here for one of the reasons, without any for a wish."""
    column, found = suppressions.c.address_index, set[bytes]()
    for some in batches(addresses):
        query = select(column).where(column.in_(some), suppressions.c.reason.in_(reasons or WISHES))
        found.update(tx.execute(query).scalars())
    return found


def against(
    tx: Connection, asked: Collection[tuple[Class, bytes]], now: datetime
) -> dict[tuple[Class, bytes], str]:
    """What stands against a message of that class to that address, by its reason."""
    columns = suppressions.c
    known: dict[bytes, set[str]] = {}
    for some in batches({address for klass, address in asked if klass in STOPPED}):
        query = select(columns.address_index, columns.reason).where(columns.address_index.in_(some))
        for address, reason in tx.execute(query.where(columns.until.is_(None) | (columns.until > now))):
            known.setdefault(address, set()).add(reason)
    return {
        (klass, address): reason
        for klass, address in asked
        for reason in STOPPED.get(klass, ())[::-1]  # the first comes last, and stays
        if reason in known.get(address, ())
    }


def batches(addresses: Collection[bytes]) -> Iterator[Sequence[bytes]]:
    """In order, as many as one statement takes."""
    ordered = sorted(addresses)
    return (ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE))


def forget_old(tx: Connection, now: datetime) -> None:
    """Drop what has lapsed."""
    tx.execute(delete(suppressions).where(suppressions.c.until <= now))


def count(tx: Connection) -> int:
    """How many addresses get less."""
    return tx.execute(select(func.count(suppressions.c.address_index.distinct()))).scalar_one()
