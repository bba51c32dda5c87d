"""Operators: the people who watch and steer, by name and password (argon2)."""

from __future__ import annotations

import secrets
from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from sqlalchemy import Column, Connection, String, Table, Text, insert, select, update

from gateway.db import Utc, metadata
from gateway.services import sessions

operators = Table(
    "operators",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("password", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
)
_hasher = PasswordHasher()


def digest_of(password: str) -> str:
    """What is kept of a password. It takes some 50 ms on purpose: call it outside a transaction."""
    return _hasher.hash(password)


def set_password(tx: Connection, name: str, digest: str, now: datetime) -> None:
    """Make an operator, or give one a new password; whoever was in with the old one is out."""
    if not tx.execute(update(operators).where(operators.c.name == name).values(password=digest)).rowcount:
        tx.execute(insert(operators).values(name=name, password=digest, created_at=now))
    sessions.end_all(tx, name)


def kept(tx: Connection, name: str) -> str | None:
    """What is kept of this operator's password; None for an unknown name."""
    query = select(operators.c.password).where(operators.c.name == name)
    return tx.execute(query).scalar_one_or_none()


def matches(digest: str | None, password: str) -> bool:
    """Whether this is the password of what was kept. It takes as long as ``digest_of``, and so it does
    for an unknown name.
    """
    nobodys = _nobodys()
    try:
        return _hasher.verify(digest or nobodys, password) and digest is not None
    except Argon2Error:
        return False


@cache
def _nobodys() -> str:
    return digest_of(secrets.token_urlsafe(32))
