"""Check codes of notices (核验码): six digits in their text, by which anybody can ask whether they are ours.

The last digit is a check digit, so what was mistyped is not called a fraud. A code tells what its notice
is called and since when it goes out; that is no secret, and of whom it goes to nothing is kept here.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Row, String, Table, Uuid, delete, select, update
from stdnum import damm

from gateway.db import Utc, metadata, upsert

DIGITS = 6
PLACEHOLDER = "核验码"  # of a text; what it stands for comes from the broadcast
SAMPLE = "000000"  # where a text is measured or shown
TRIES = 20  # of a hundred thousand codes hardly one is drawn twice
KEPT = timedelta(days=400)  # a notice may be asked about so long

check_codes = Table(
    "check_codes",
    metadata,
    Column("code", String(DIGITS), primary_key=True),
    Column("broadcast_id", Uuid, nullable=False, unique=True),
    Column("title", String(80), nullable=False),
    Column("title_en", String(80), nullable=False),
    Column("made_at", Utc, nullable=False),
    Column("begun_at", Utc),  # when it began to go out
)


def draw(tx: Connection, broadcast_id: UUID, title: str, title_en: str, now: datetime) -> str:
    """A code that no other notice has; ``RuntimeError`` where nearly all are taken, as no year has it."""
    for _ in range(TRIES):
        code = made(secrets.randbelow(10 ** (DIGITS - 1)))
        values = {"code": code, "broadcast_id": broadcast_id, "title": title, "title_en": title_en}
        statement = upsert(tx, check_codes).values(**values, made_at=now).on_conflict_do_nothing()
        if tx.execute(statement.returning(check_codes.c.code)).first():
            return code
    raise RuntimeError("No check code is free: drop those of notices nobody asks about any more.")


def made(number: int) -> str:
    """The code made of a number below 100,000."""
    digits = f"{number:0{DIGITS - 1}d}"
    return digits + damm.calc_check_digit(digits)


def is_one(text: str) -> bool:
    """Whether its digits can be right."""
    return len(text) == DIGITS and text.isascii() and text.isdigit() and bool(damm.is_valid(text))


def begin(tx: Connection, broadcast_id: UUID, now: datetime) -> None:
    """The notice goes out from now on."""
    tx.execute(update(check_codes).where(check_codes.c.broadcast_id == broadcast_id).values(begun_at=now))


def find(tx: Connection, code: str) -> Row[Any] | None:
    """The notice a code is of, once it goes out."""
    columns = check_codes.c
    query = select(check_codes).where(columns.code == code, columns.begun_at.is_not(None))
    return tx.execute(query).one_or_none()


def forget_old(tx: Connection, now: datetime) -> None:
    """Drop those nobody asks about any more."""
    tx.execute(delete(check_codes).where(check_codes.c.made_at < now - KEPT))
