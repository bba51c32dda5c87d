"""Addresses that get less: their owners said stop or complained, or nothing arrives there.

Codes and results of what somebody began always go on (domain.md, "Compliance"). An
address stands here as its blind index alone, once for each reason.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import (
    Column,
    Connection,
    LargeBinary,
    String,
    Table,
    bindparam,
    case,
    delete,
    func,
    select,
)

from gateway.db import Utc, metadata, upsert
from gateway.notifications.request import Class
from gateway.rows import one_of

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
NOT_MEANT = ("不", "别", "没")  # right before the word, as in 请不要退订; 退订，别再发了 is a refusal
SHORT = 10  # letters and digits
START = frozenset({"START", "UNSTOP", "恢复", "恢复订阅"})

_MEANT = re.compile(
    "".join(rf"(?<!{no})(?<!{no}[要想用会能是有再])" for no in NOT_MEANT)  # 别发退订 says two things
    + "(?:"
    + "|".join(r"[\W_]*".join(word) for word in STOP_WITHIN)
    + ")"
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("address_index", LargeBinary(16), primary_key=True),
    Column("reason", String(16), primary_key=True),
    Column("provider", String(40), nullable=False),  # through whom it was said
    Column("since", Utc, nullable=False),  # when it was said last
    Column("until", Utc),  # after which it lapses; null: when the owner says so
)


def wish(text: str) -> str | None:
    """``stop``, ``start``, or nothing of the kind, from what somebody replied."""
    plain = unicodedata.normalize("NFKC", text).upper()
    word = "".join(character for character in plain if character.isalnum())
    if word in STOP or (len(word) <= SHORT and _MEANT.search(plain)):
        return "stop"
    return "start" if word in START else None


def hold(tx: Connection, addresses: Collection[bytes]) -> None:
    """Lock what stands against these until commit, in the one order everybody takes.

    Before a commit both adds and ends some: else two such commits could wait for each other.
    """
    for some in batches(addresses):
        theirs = select(suppressions.c.address_index).where(suppressions.c.address_index.in_(some))
        tx.execute(theirs.order_by(*suppressions.primary_key).with_for_update()).all()


def suppress(
    tx: Connection,
    said: Sequence[tuple[bytes, str, datetime]],
    reason: str = OPTED_OUT,
    until: datetime | None = None,
) -> None:
    """Send less to these addresses, each with the provider it was said through and since when.

    What stands already is since the later of both, and gets the new end.
    """
    rows = [
        {"address_index": address, "reason": reason, "provider": provider, "since": at, "until": until}
        for address, provider, at in sorted(said)
    ]
    if rows:
        entered = upsert(tx, suppressions)
        keys = [suppressions.c.address_index, suppressions.c.reason]
        columns, new = suppressions.c, entered.excluded
        later = case((new.since > columns.since, new.since), else_=columns.since)
        again = {"since": later, "until": new.until}
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


def start(tx: Connection, said: Mapping[bytes, datetime]) -> None:
    """Send everything there again to those who wrote so: what is older than that ends, nothing newer."""
    columns = suppressions.c
    older = (columns.address_index == bindparam("of")) & (columns.since <= bindparam("at"))
    rows = [{"of": address, "at": at} for address, at in sorted(said.items())]
    if rows:
        tx.execute(delete(suppressions).where(older), rows)


def among(tx: Connection, addresses: Collection[bytes], *reasons: str) -> set[bytes]:
    """Those of these addresses that stand here for one of the reasons, without any for a wish."""
    column, found = suppressions.c.address_index, set[bytes]()
    for some in batches(addresses):
        reason = suppressions.c.reason.in_(reasons or WISHES)
        query = select(column).where(one_of(tx, column, some), reason)
        found.update(tx.execute(query).scalars())
    return found


def against(
    tx: Connection, asked: Collection[tuple[Class, bytes]], now: datetime
) -> dict[tuple[Class, bytes], str]:
    """What stands against a message of that class to that address, by its reason."""
    columns = suppressions.c
    known: dict[bytes, set[str]] = {}
    for some in batches({address for klass, address in asked if klass in STOPPED}):
        query = select(columns.address_index, columns.reason).where(one_of(tx, columns.address_index, some))
        for address, reason in tx.execute(query.where(columns.until.is_(None) | (columns.until > now))).all():
            known.setdefault(address, set()).add(reason)
    if not known:
        return {}
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
