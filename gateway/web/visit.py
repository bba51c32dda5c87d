"""A visit: what the signed session cookie remembers of one browser, and when it forgets.

It holds ids, a token and times; never an answer. Everything of ours stands under
one key, so that another room's session in the same cookie is left alone.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, session
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, select

from gateway.runtime import Runtime
from gateway.security import same
from gateway.transactions import registry, store
from gateway.transactions.store import Transaction, transactions

IDLE = timedelta(minutes=30)  # then a shared computer forgets who sat there
KEY = "visit"
TOKEN, SEEN = "token", "seen"
OWN = "transaction"  # the one this browser is filling in or has confirmed
FOUND = "found"  # the one whose reference and mobile were given
PROVEN = "proven"  # the one this browser gave a code for
KNOWN = "known"  # the one whose citizen need not be asked again, for a while
STILL_KNOWN = timedelta(minutes=15)  # idle: then the next one is asked who they are
AUTO = "auto"  # in the query of a page that reloads by itself: nobody is there


class NothingHere(Exception):
    """This browser has nothing under way: never begun, cleared, or idle for too long."""


class StaleForm(Exception):
    """A form without the token of this visit: too old, or made by somebody else's page."""


def guard(routes: Blueprint, runtime: Runtime) -> None:
    """Let every page forget an idle visit and refuse a form that is not ours."""

    @routes.before_request
    def enter() -> None:
        _forget_when_idle(runtime.clock())
        if request.method == "POST" and not _genuine(request.form.get(TOKEN, "")):
            raise StaleForm

    @routes.errorhandler(NothingHere)
    def nothing(_: NothingHere) -> ResponseReturnValue:
        return render_template("expired.html", stale=False, kind=_kind(runtime)), 403

    @routes.errorhandler(StaleForm)
    def stale(_: StaleForm) -> ResponseReturnValue:
        if request.endpoint == "web.finish" and not holds_something():  # pressed twice: it is cleared
            return render_template("finished.html")
        return render_template("expired.html", stale=True, kind=_kind(runtime)), 400


def _kind(runtime: Runtime) -> str | None:
    """The type of the page asked for, to begin again with."""
    name = (request.view_args or {}).get("name")
    return name if name in registry.offered(runtime.settings) else None


def _values() -> dict[str, Any]:
    values: dict[str, Any] = session.get(KEY, {})
    return values


def _forget_when_idle(now: datetime) -> None:
    values = _values()
    if not values:
        return
    if now.timestamp() - values.get(SEEN, 0) > IDLE.total_seconds():
        end()
        return
    if now.timestamp() - values.get(SEEN, 0) > STILL_KNOWN.total_seconds():
        take(KNOWN)
    if AUTO not in request.args:
        put(SEEN, int(now.timestamp()))


def _genuine(given: str) -> bool:
    token = str(_values().get(TOKEN, ""))
    return bool(token) and same(token.encode(), given.encode())


def token(now: datetime) -> str:
    """The token every form of this visit carries; the first one begins the visit."""
    if TOKEN not in _values():
        put(TOKEN, secrets.token_urlsafe(24))
        put(SEEN, int(now.timestamp()))
    return str(_values()[TOKEN])


def put(key: str, value: str | int) -> None:
    session[KEY] = {**_values(), key: value}


def get(key: str) -> Any:
    return _values().get(key)


def has_proven(transaction: Transaction) -> bool:
    """Whether this browser gave a code for it: to have looked it up is not enough to act on it."""
    return bool(get(PROVEN) == str(transaction.id))


def proved(transaction: Transaction) -> None:
    """This browser has proven for it who they are: it may act on it, and go on as the same person."""
    put(PROVEN, str(transaction.id))
    if transaction.row.factors:  # of an anonymous one it is not known who that is
        put(KNOWN, str(transaction.id))


def has_proven_all(transaction: Transaction) -> bool:
    """Whether all of its proof was given here, a moment ago."""
    return bool(get(KNOWN) == str(transaction.id))


def carried(tx: Connection, runtime: Runtime) -> Transaction | None:
    """The transaction whose citizen is still known in this visit."""
    remembered = get(KNOWN)
    query = select(transactions).where(transactions.c.id == UUID(remembered)) if remembered else None
    row = tx.execute(query).one_or_none() if query is not None else None
    known = row is not None and row.factors and row.citizen_id and row.answers
    return store.opened(runtime, row) if row is not None and known else None


def take(key: str) -> Any:
    """A value that is wanted once."""
    values = dict(_values())
    value = values.pop(key, None)
    if value is not None:
        session[KEY] = values
    return value


def end() -> None:
    session.pop(KEY, None)


def holds_something() -> bool:
    return OWN in _values() or FOUND in _values()


def transaction(
    tx: Connection, runtime: Runtime, key: str = OWN, *, kind: str | None = None, change: bool = False
) -> Transaction:
    """The transaction this visit remembers under ``key``; ``NothingHere`` when there is none.

    ``change`` holds its row until commit, so that a double click is two requests
    one after the other on either database.
    """
    remembered = get(key)
    if remembered is None:
        raise NothingHere
    query = select(transactions).where(transactions.c.id == UUID(remembered))
    row = tx.execute(query.with_for_update() if change else query).one_or_none()
    if row is None or (kind is not None and row.type != kind):
        raise NothingHere
    return store.opened(runtime, row)
