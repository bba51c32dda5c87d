"""Who is signed in at the console: a row for each session, so that it can be ended from here.

A session ends when nobody pressed anything for half an hour, after eight hours at
most, when its operator leaves or is given a new password. The row holds a digest
of the browser's secret: whoever reads the table cannot enter with it.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, LargeBinary, String, Table, delete, insert, or_, select, update

from gateway.db import Utc, metadata
from gateway.security import Vault

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=8)
SEEN_EVERY = timedelta(minutes=1)  # a busy operator costs a write a minute, not one a page

operator_sessions = Table(
    "operator_sessions",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("operator", String(40), nullable=False),
    Column("began_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
)


def begin(tx: Connection, vault: Vault, operator: str, now: datetime) -> str:
    """Begin a session; returns the secret its browser keeps."""
    secret = secrets.token_urlsafe(32)
    row = {"digest": _digest(vault, secret), "operator": operator, "began_at": now, "seen_at": now}
    tx.execute(insert(operator_sessions).values(**row))
    return secret


def operator(tx: Connection, vault: Vault, secret: str, now: datetime) -> tuple[str, bool] | None:
    """Whose session this is, and whether it is time to write down that it is used; None for none."""
    columns = operator_sessions.c
    query = select(columns.operator, columns.seen_at).where(
        columns.digest == _digest(vault, secret),
        columns.seen_at > now - IDLE,
        columns.began_at > now - LONGEST,
    )
    row = tx.execute(query).one_or_none()
    return (row.operator, now - row.seen_at >= SEEN_EVERY) if row else None


def seen(tx: Connection, vault: Vault, secret: str, now: datetime) -> None:
    """Somebody pressed something: half an hour begins anew."""
    mine = operator_sessions.c.digest == _digest(vault, secret)
    tx.execute(update(operator_sessions).where(mine).values(seen_at=now))


def end(tx: Connection, vault: Vault, secret: str) -> None:
    tx.execute(delete(operator_sessions).where(operator_sessions.c.digest == _digest(vault, secret)))


def end_all(tx: Connection, operator: str) -> None:
    """End every session of an operator."""
    tx.execute(delete(operator_sessions).where(operator_sessions.c.operator == operator))


def forget_old(tx: Connection, now: datetime) -> None:
    """Drop sessions nobody can use any more."""
    columns = operator_sessions.c
    old = or_(columns.seen_at <= now - IDLE, columns.began_at <= now - LONGEST)
    tx.execute(delete(operator_sessions).where(old))


def _digest(vault: Vault, secret: str) -> bytes:
    return vault.digest("operator_session", secret.encode())
