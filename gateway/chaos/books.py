"""What the product's own books say when all is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, func, select

from gateway import channels
from gateway.channels import email
from gateway.delivery import joined, ledger
from gateway.delivery.addressing import addresses_of
from gateway.delivery.joined import Place
from gateway.delivery.store import attempts, digests
from gateway.delivery.wording import words_of
from gateway.notifications.request import Class
from gateway.notifications.status import Status
from gateway.notifications.store import notifications
from gateway.runtime import Runtime
from gateway.transactions.model import WITH_BACK_OFFICE
from gateway.transactions.store import transactions

SENT = (Status.ACCEPTED, Status.DELIVERED)
Address = tuple[str, str]  # channel, address


@dataclass(frozen=True, slots=True)
class Written:
    """One message in the books: a notification, or several that one message told.

    ``words`` is what it says, "" where that is not known.
    """

    channel: str
    address: str
    klass: Class
    status: Status
    due_at: datetime | None
    expires_at: datetime
    words: str

    @property
    def to(self) -> Address:
        return self.channel, self.address


@dataclass(frozen=True, slots=True)
class Books:
    """``left_lying`` are transactions due and not looked at, ``missed`` rows the ledger has no entry for."""

    rows: Sequence[Written]
    references: frozenset[str]
    left_lying: int
    missed: int
    balanced: bool


def read(runtime: Runtime) -> Books:
    """All of it, at one moment."""
    theirs, now = transactions.c, runtime.clock()
    lying = theirs.state.in_(WITH_BACK_OFFICE) & (theirs.due_at <= now)
    with runtime.db.read() as tx:
        return Books(
            rows=_rows(tx, runtime),
            references=frozenset(tx.execute(select(theirs.reference)).scalars()),
            left_lying=tx.execute(select(func.count()).where(lying)).scalar_one(),
            missed=sum(n for n in ledger.differences(tx).values() if n > 0),
            balanced=ledger.balanced(tx),
        )


def _rows(tx: Connection, runtime: Runtime) -> list[Written]:
    found = tx.execute(select(notifications)).all()
    addresses, words = _addresses(tx, runtime, found), words_of(tx, runtime, found)
    together, seen = _together(tx), set[Place]()
    once = []
    for row in found:
        place, said = together.get(row.id, (None, ""))
        if place and row.status in SENT:
            if place in seen:
                continue
            seen.add(place)
            words[row.id] = said
        once.append(row)
    return [
        Written(
            channel=row.channel,
            address=addresses.get(row.id, ""),
            klass=Class(row.klass),
            status=Status(row.status),
            due_at=row.due_at,
            expires_at=row.expires_at,
            words="" if row.channel == email.SUFFIX else words.get(row.id, ""),  # a letter is laid out
        )
        for row in once
    ]


def _together(tx: Connection) -> dict[UUID, tuple[Place, str]]:
    """Of each notification whose last message told several: which one that was, and what it said."""
    of_several = select(digests.c.handover).distinct()
    query = select(attempts.c.notification_id, attempts.c.handover, attempts.c.address_index)
    tried = query.where(attempts.c.notification_id.in_(_joined(of_several))).order_by(attempts.c.started_at)
    last = {key: (handover, index) for key, handover, index in tx.execute(tried)}
    said = joined.told(tx, {handover for handover, _ in last.values()})
    return {key: (place, said[place]) for key, place in last.items() if place in said}


def _joined(handovers: Select[Any]) -> Select[Any]:
    return select(attempts.c.notification_id).where(attempts.c.handover.in_(handovers))


def _addresses(tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]]) -> Mapping[UUID, str]:
    found: dict[UUID, str] = {}
    kinds = {row.channel: channels.load(row.channel).ADDRESS for row in rows}
    for kind in set(kinds.values()):
        its = [row for row in rows if kinds[row.channel] == kind]
        known = zip(its, addresses_of(tx, runtime, kind, its), strict=True)
        found |= {row.id: address for row, address in known if address}
    return found
