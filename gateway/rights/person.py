"""Whose data it is: the keys by which a person's rows are found in any table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Table, false, or_, select

from gateway.citizens import register
from gateway.db import metadata
from gateway.delivery.store import attempts
from gateway.notifications.store import notifications
from gateway.rights.tables import HELD, Held, Key
from gateway.runtime import Runtime
from gateway.transactions.store import transactions


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, registered or not. ``shared`` tells how many others each of their addresses serves."""

    id: UUID | None
    id_number: str
    keys: Mapping[Key, Collection[Any]]
    shared: int

    @property
    def known(self) -> bool:
        """Whether anything can be kept of them at all."""
        return self.id is not None or bool(self.keys[Key.TRANSACTION])


def find(tx: Connection, runtime: Runtime, id_number: str) -> Person:
    """The person with this (normalised) ID number, and every key of theirs.

    A message belongs to them by their own id, by their transaction, or because it went to their
    number and nobody else has that one; so does what was asked for by that number alone.
    """
    vault = runtime.vault
    subject = vault.index("id_number", id_number)
    citizen = register.find(tx, vault, id_number)
    record = register.record(tx, vault, citizen.id) if citizen else None
    addresses = _addresses(record)
    shared = sum(
        register.sharing(tx, vault, kind, one, record.id) for kind, one in addresses.items() if record
    )
    indexes = {vault.index(kind, one) for kind, one in addresses.items()}
    subjects = {subject} if shared else {subject, *indexes}  # what nobody was known for, by the number alone
    by_id = transactions.c.citizen_id == citizen.id if citizen else false()
    mine = or_(transactions.c.subject.in_(subjects), by_id)
    keys: dict[Key, Collection[Any]] = {
        Key.CITIZEN: {citizen.id} if citizen else set(),
        Key.SUBJECT: subjects,
        Key.ASKER: {vault.index("person", f"{id_number}:{citizen.name}")} if citizen else set(),
        Key.ADDRESS: indexes,
        Key.TRANSACTION: set(tx.execute(select(transactions.c.id).where(mine)).scalars()),
        Key.MESSAGE: set(),
    }
    keys[Key.TRIED] = {*keys[Key.SUBJECT], *keys[Key.ASKER]}
    keys[Key.MESSAGE] = _messages(tx, keys, () if shared else indexes)
    return Person(citizen.id if citizen else None, id_number, keys, shared)


def _addresses(record: register.Record | None) -> dict[str, str]:
    known = {"mobile": record.mobile, "email": record.email} if record else {}
    return {kind: one for kind, one in known.items() if one}


def _messages(tx: Connection, keys: Mapping[Key, Collection[Any]], addresses: Collection[bytes]) -> set[UUID]:
    """Their messages' ids; of those that went to an address nobody else has, the ones that are nobody's."""
    columns = notifications.c
    theirs = columns.citizen_id.in_(keys[Key.CITIZEN]) | columns.transaction_id.in_(keys[Key.TRANSACTION])
    found = set(tx.execute(select(columns.id).where(theirs)).scalars())
    if addresses:
        went = select(attempts.c.notification_id).where(attempts.c.address_index.in_(addresses))
        nobodys = columns.id.in_(went) & columns.citizen_id.is_(None) & columns.transaction_id.is_(None)
        found |= set(tx.execute(select(columns.id).where(nobodys)).scalars())
    return found


def table(name: str) -> Table:
    return metadata.tables[name]


def where(name: str, person: Person) -> ColumnElement[bool]:
    """Which rows of a table are theirs."""
    columns, held = table(name).c, HELD[name]
    found = [
        columns[column].in_(sorted(person.keys[key])) for column, key in held.by.items() if person.keys[key]
    ]
    return or_(*found) if found else false()


def rows(tx: Connection, name: str, person: Person) -> Sequence[Row[Any]]:
    """Their rows of a table, in the order of its key."""
    one = table(name)
    return tx.execute(select(one).where(where(name, person)).order_by(*one.primary_key.columns)).all()


def is_of_others(held: Held, person: Person) -> bool:
    """Whether rows found by an address may be another person's who has it too."""
    return held.shared and person.shared > 0
