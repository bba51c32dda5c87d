"""Signing in: five wrong passwords close a name for a quarter of an hour, whether or not it exists.

An unknown name gets the same answer after the same time. What somebody typed as a
name never reaches the audit chain unless it is an operator's: it may be a password.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from gateway import audit
from gateway.runtime import Runtime
from gateway.services import operators, sessions
from gateway.transactions import identity
from gateway.transactions.identity import Limit, Locked

TRIES = Limit("operator", 5, timedelta(minutes=15), timedelta(minutes=15))
NOBODY = "nobody known"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The session's secret, for the browser to keep."""

    secret: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """Name and password do not belong together."""

    left: int


def sign_in(runtime: Runtime, name: str, password: str) -> SignedIn | Wrong | Locked:
    """Check a password; the tries are counted before it is looked at, so guesses made at once all count."""
    subject = runtime.vault.index("operator", name)
    with runtime.db.write() as tx:
        now = runtime.clock()
        held = identity.locked(tx, TRIES, subject, now)
        if held:
            return held
        tried = identity.count(tx, TRIES, subject, now)
        if tried > TRIES.most:
            return Locked(now + TRIES.closed)
        kept = operators.kept(tx, name)
    right = operators.matches(kept, password)  # takes its time: no transaction is open
    with runtime.db.write() as tx:
        if right and operators.kept(tx, name) == kept:
            return _enter(tx, runtime, name, subject)
        return _refuse(tx, runtime, name if kept else NOBODY, tried)


def _enter(tx: Connection, runtime: Runtime, name: str, subject: bytes) -> SignedIn:
    identity.forget(tx, TRIES, subject)
    secret = sessions.begin(tx, runtime.vault, name, runtime.clock())
    _record(tx, runtime, name, "login")
    return SignedIn(secret)


def _refuse(tx: Connection, runtime: Runtime, actor: str, tried: int) -> Wrong | Locked:
    _record(tx, runtime, actor, "login_failed")
    left = TRIES.most - tried
    if left:
        return Wrong(left)
    _record(tx, runtime, actor, "locked")
    return Locked(runtime.clock() + TRIES.closed)


def sign_out(runtime: Runtime, secret: str, name: str) -> None:
    with runtime.db.write() as tx:
        sessions.end(tx, runtime.vault, secret)
        _record(tx, runtime, name, "logout")


def unlock(tx: Connection, runtime: Runtime, name: str) -> None:
    """Forget the wrong passwords of a name: it was given a new one."""
    identity.forget(tx, TRIES, runtime.vault.index("operator", name))


def _record(tx: Connection, runtime: Runtime, actor: str, what: str) -> None:
    audit.record(tx, runtime.vault, runtime.clock(), actor, f"operator.{what}", "console")
