"""Operators: the people who watch and steer, by name and password (argon2)."""

from __future__ import annotations

from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from sqlalchemy import Column, Connection, String, Table, Text, insert, select, update

from gateway.db import Utc, metadata

operators = Table(
    "operators",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("password", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
)
_hasher = PasswordHasher()


def set_password(tx: Connection, name: str, password: str, now: datetime) -> None:
    """Make an operator, or give one a new password."""
    digest = _hasher.hash(password)
    if not tx.execute(update(operators).where(operators.c.name == name).values(password=digest)).rowcount:
        tx.execute(insert(operators).values(name=name, password=digest, created_at=now))


def check(tx: Connection, name: str, password: str) -> bool:
    """Whether this operator has this password."""
    digest = tx.execute(select(operators.c.password).where(operators.c.name == name)).scalar_one_or_none()
    try:
        return digest is not None and _hasher.verify(digest, password)
    except Argon2Error:
        return False
