"""Citizens: the table, import, look-up by ID number, addresses for sending.

Personal data is sealed per cell; what audiences are chosen by stays in clear. The register is ours;
card and pension states are the back offices'.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol
from uuid import UUID

import structlog
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Date,
    Integer,
    LargeBinary,
    String,
    Table,
    Uuid,
    func,
    insert,
    select,
    update,
)

from gateway.db import metadata, uuid7
from gateway.errors import TamperedError
from gateway.security import Vault

log = structlog.get_logger()

citizens = Table(
    "citizens",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("id_number", LargeBinary, nullable=False),
    Column("id_index", LargeBinary(16), nullable=False, unique=True),
    Column("name", LargeBinary, nullable=False),
    Column("mobile", LargeBinary),
    Column("mobile_index", LargeBinary(16), index=True),
    Column("email", LargeBinary),
    Column("email_index", LargeBinary(16), index=True),
    Column("address", LargeBinary),
    Column("postcode", LargeBinary),
    Column("district", String(6), nullable=False),
    Column("birth_date", Date, nullable=False),
    Column("sex", String(1), nullable=False),
    Column("insured_type", String(16), nullable=False),
    Column("pension_state", String(24)),
    Column("language", String(8), nullable=False),
    Column("retires_at", Integer),  # a woman's old age, 55 or 50; her number does not tell it
    Column("disabled", Boolean, nullable=False, default=False),  # welcome at the halls without a booking
)


class Entry(Protocol):
    """What an import brings of one person. ``mobile`` is E.164."""

    @property
    def id_number(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def mobile(self) -> str: ...
    @property
    def email(self) -> str | None: ...
    @property
    def address(self) -> str: ...
    @property
    def district(self) -> str: ...
    @property
    def birth_date(self) -> date: ...
    @property
    def sex(self) -> str: ...
    @property
    def insured_type(self) -> str: ...
    @property
    def pension_state(self) -> str | None: ...
    @property
    def language(self) -> str: ...
    @property
    def retires_at(self) -> int | None: ...
    @property
    def disabled(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Citizen:
    """A registered person, as far as a transaction needs to know them."""

    id: UUID
    name: str
    mobile: str | None
    language: str
    has_email: bool


def find(tx: Connection, vault: Vault, id_number: str) -> Citizen | None:
    """The citizen with this (normalised) ID number."""
    return _one(tx, vault, citizens.c.id_index == vault.index("id_number", id_number))


def by_id(tx: Connection, vault: Vault, key: UUID) -> Citizen | None:
    """The citizen with this id."""
    return _one(tx, vault, citizens.c.id == key)


def _one(tx: Connection, vault: Vault, where: ColumnElement[bool]) -> Citizen | None:
    columns = citizens.c
    row = tx.execute(
        select(columns.id, columns.name, columns.mobile, columns.email, columns.language).where(where)
    ).one_or_none()
    if row is None:
        return None
    mobile = row.mobile and vault.open("citizens.mobile", row.id, row.mobile)
    name = vault.open("citizens.name", row.id, row.name)
    return Citizen(row.id, name, mobile or None, row.language, row.email is not None)


def addresses(tx: Connection, vault: Vault, kind: str, ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """Addresses of a kind (``mobile`` in E.164, ``email``) of those citizens who have one; one query."""
    rows = tx.execute(select(citizens.c.id, citizens.c[kind]).where(citizens.c.id.in_(ids))).all()
    found = {}
    for row in rows:
        try:
            if row[1]:
                found[row.id] = vault.open(f"citizens.{kind}", row.id, row[1])
        except TamperedError:  # one bad cell must not stop everybody else's messages
            log.error("cell_cannot_be_opened", table="citizens", row=str(row.id))  # noqa: TRY400
    return found


def mobile_indexes(tx: Connection, ids: Collection[UUID]) -> Mapping[UUID, bytes]:
    """The blind indexes of the mobiles of those citizens who have one; one query."""
    columns = citizens.c
    query = select(columns.id, columns.mobile_index).where(columns.id.in_(ids))
    return {row.id: row.mobile_index for row in tx.execute(query) if row.mobile_index} if ids else {}


@dataclass(frozen=True, slots=True)
class Person:
    """Who a registered citizen is, for a back office to find."""

    id_number: str
    name: str


def ids(tx: Connection, vault: Vault, numbers: Iterable[str]) -> Mapping[str, UUID]:
    """The ids of the citizens with these (normalised) ID numbers; one query."""
    indexes = {vault.index("id_number", number): number for number in numbers}
    columns = citizens.c
    query = select(columns.id, columns.id_index).where(columns.id_index.in_(list(indexes)))
    return {indexes[row.id_index]: row.id for row in tx.execute(query)}


def people(tx: Connection, vault: Vault, ids: Sequence[UUID]) -> Mapping[UUID, Person]:
    """Who these citizens are; one query for all. A cell that cannot be opened leaves its citizen out."""
    columns = citizens.c
    found = {}
    for row in tx.execute(select(columns.id, columns.id_number, columns.name).where(columns.id.in_(ids))):
        try:
            number = vault.open("citizens.id_number", row.id, row.id_number)
            found[row.id] = Person(number, vault.open("citizens.name", row.id, row.name))
        except TamperedError:
            log.error("cell_cannot_be_opened", table="citizens", row=str(row.id))  # noqa: TRY400
    return found


@dataclass(frozen=True, slots=True)
class Record:
    """What the register holds of a person that may be changed; null: nothing. ``mobile`` is E.164."""

    id: UUID
    name: str
    mobile: str | None
    email: str | None
    address: str | None
    postcode: str | None
    district: str


SEALED = ("mobile", "email", "address", "postcode")
INDEXED = ("mobile", "email")  # found by their blind index as well


def record(tx: Connection, vault: Vault, citizen: UUID, *, hold: bool = False) -> Record | None:
    """What is recorded of a citizen; None where they are not, or no longer, registered.

    With ``hold`` nobody else changes it until commit. A cell that cannot be opened counts as empty.
    """
    query = select(citizens).where(citizens.c.id == citizen)
    row = tx.execute(query.with_for_update() if hold else query).one_or_none()
    if row is None:
        return None
    values = {name: _opened(vault, row, name) for name in ("name", *SEALED)}
    return Record(id=row.id, district=row.district, **{**values, "name": values["name"] or ""})


def _opened(vault: Vault, row: Any, column: str) -> Any:
    try:
        sealed = getattr(row, column)
        return vault.open(f"citizens.{column}", row.id, sealed) if sealed else None
    except TamperedError:
        log.error("cell_cannot_be_opened", table="citizens", row=str(row.id))  # noqa: TRY400
        return None


def change(tx: Connection, vault: Vault, citizen: UUID, values: Mapping[str, str | None]) -> bool:
    """Record other values of mobile, email, address, postcode or district; null takes one away.

    Blind indexes follow their values. False where nobody is registered under this id.
    """
    written: dict[str, Any] = {}
    for column, value in values.items():
        if column not in (*SEALED, "district"):
            raise ValueError(f"{column} of a citizen is not changed here")
        if column in SEALED:
            written[column] = vault.seal(f"citizens.{column}", citizen, value) if value else None
        else:
            written[column] = value
        if column in INDEXED:
            written[f"{column}_index"] = vault.index(column, value) if value else None
    statement = update(citizens).where(citizens.c.id == citizen).values(**written)
    return bool(tx.execute(statement).rowcount)


def sharing(tx: Connection, vault: Vault, kind: str, value: str, besides: UUID) -> int:
    """How many others are reached by this ``mobile`` or ``email``."""
    columns = citizens.c
    mine = (columns[f"{kind}_index"] == vault.index(kind, value)) & (columns.id != besides)
    return tx.execute(select(func.count()).select_from(citizens).where(mine)).scalar_one()


def language(tx: Connection, citizen: UUID) -> str:
    """The language a registered citizen reads."""
    return str(tx.execute(select(citizens.c.language).where(citizens.c.id == citizen)).scalar_one())


def pensioners(tx: Connection, states: Collection[str], after: UUID | None, limit: int) -> Sequence[UUID]:
    """Citizens whose authentication stood so at the import, in the order of their ids, after that one."""
    columns = citizens.c
    query = select(columns.id).where(columns.pension_state.in_(states))
    if after is not None:
        query = query.where(columns.id > after)
    return tx.execute(query.order_by(columns.id).limit(limit)).scalars().all()


def count(tx: Connection) -> int:
    return tx.execute(select(func.count()).select_from(citizens)).scalar_one()


def add(tx: Connection, vault: Vault, entries: Iterable[Entry]) -> int:
    """Import people in one statement; those already registered are left as they are."""
    rows = [_sealed(vault, entry) for entry in entries]
    known = {
        row.id_index
        for row in tx.execute(
            select(citizens.c.id_index).where(citizens.c.id_index.in_([row["id_index"] for row in rows]))
        )
    }
    fresh = [row for row in rows if row["id_index"] not in known]
    if fresh:
        tx.execute(insert(citizens), fresh)
    return len(fresh)


def _sealed(vault: Vault, entry: Entry) -> dict[str, object]:
    row = uuid7()

    def seal(column: str, text: str | None) -> bytes | None:
        return vault.seal(f"citizens.{column}", row, text) if text else None

    return {
        "id": row,
        "id_number": seal("id_number", entry.id_number),
        "id_index": vault.index("id_number", entry.id_number),
        "name": seal("name", entry.name),
        "mobile": seal("mobile", entry.mobile),
        "mobile_index": vault.index("mobile", entry.mobile) if entry.mobile else None,
        "email": seal("email", entry.email),
        "email_index": vault.index("email", entry.email) if entry.email else None,
        "address": seal("address", entry.address),
        "district": entry.district,
        "birth_date": entry.birth_date,
        "sex": entry.sex,
        "insured_type": entry.insured_type,
        "pension_state": entry.pension_state,
        "language": entry.language,
        "retires_at": entry.retires_at,
        "disabled": entry.disabled,
    }
