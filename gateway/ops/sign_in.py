"""Signing in: five wrong passwords close a name for a quarter of an hour, whether or not it exists.

They count for the address they come from, so that a stranger cannot keep an
operator out, and for the password that holds now: whoever was given a new one
begins anew. Twenty from one address close it for every name. An unknown name gets
the same answer after the same time. What somebody typed as a name never reaches
the database unless it is an operator's: it may be a password.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import Connection

from gateway import audit
from gateway.runtime import Runtime
from gateway.services import operators, sessions
from gateway.transactions import tallies as tries
from gateway.transactions.tallies import Limit, Locked

CLOSED = timedelta(minutes=15)
TRIES = Limit("operator", 5, CLOSED, CLOSED)  # of a name, from an address
FROM_ONE = Limit("ops_address", 20, CLOSED, CLOSED)  # of any names
OF_ONE = 64  # bits of an IPv6 address that one household or office has
Tally = tuple[Limit, bytes]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The session's secret, for the browser to keep."""

    secret: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """Name and password do not belong together."""


def sign_in(runtime: Runtime, name: str, password: str, address: str) -> SignedIn | Wrong | Locked:
    """Check a password; the tries are counted before it is looked at, so guesses made at once all count."""
    with runtime.db.write() as tx:
        kept = operators.kept(tx, name) if name.isprintable() else None  # no database takes every character
        tallies = _tallies(runtime, name, kept, _place(address))
        counted = _count(tx, runtime, tallies)
        if isinstance(counted, Locked):
            return counted
    right = operators.matches(kept, password)  # takes its time: no transaction is open
    with runtime.db.write() as tx:
        if right and operators.kept(tx, name) == kept:
            return _enter(tx, runtime, name, tallies)
        return _refuse(tx, runtime, name if kept else None, last=counted)


def _tallies(runtime: Runtime, name: str, kept: str | None, place: str) -> Sequence[Tally]:
    index = runtime.vault.index
    return [
        (TRIES, index(TRIES.kind, "\0".join((place, kept or "", ascii(name))))),
        (FROM_ONE, index(FROM_ONE.kind, place)),
    ]


def _place(address: str) -> str:
    """Where somebody is: the address, or of an IPv6 one the part that cannot be changed at will."""
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    return str(ip_network((found, OF_ONE), strict=False) if isinstance(found, IPv6Address) else found)


def _count(tx: Connection, runtime: Runtime, tallies: Sequence[Tally]) -> Locked | bool:
    """Count one try; tells whether it is the last one allowed."""
    now = runtime.clock()
    for limit, subject in tallies:
        held = tries.locked(tx, limit, subject, now)
        if held:
            return held
    left = [limit.most - tries.count(tx, limit, subject, now) for limit, subject in tallies]
    return Locked(now + CLOSED) if min(left) < 0 else min(left) == 0


def _enter(tx: Connection, runtime: Runtime, name: str, tallies: Sequence[Tally]) -> SignedIn:
    for limit, subject in tallies:
        tries.forget(tx, limit, subject)
    secret = sessions.begin(tx, runtime.vault, name, runtime.clock())
    _record(tx, runtime, name, "login")
    return SignedIn(secret)


def _refuse(tx: Connection, runtime: Runtime, operator: str | None, *, last: bool) -> Wrong | Locked:
    """Only what happens to an operator is on record: names made up must not fill the chain."""
    if operator:
        _record(tx, runtime, operator, "login_failed")
    if not last:
        return Wrong()
    if operator:
        _record(tx, runtime, operator, "locked")
    return Locked(runtime.clock() + CLOSED)


def sign_out(runtime: Runtime, secret: str, name: str) -> None:
    with runtime.db.write() as tx:
        sessions.end(tx, runtime.vault, secret)
        _record(tx, runtime, name, "logout")


def _record(tx: Connection, runtime: Runtime, actor: str, what: str) -> None:
    audit.record(tx, runtime.vault, runtime.clock(), actor, f"operator.{what}", "console")
