"""The order of a transaction's pages: questions, the code, the check, done."""

from __future__ import annotations

from dataclasses import dataclass

from flask import abort, redirect, url_for
from werkzeug import Response

from gateway.runtime import Runtime
from gateway.transactions import engine, registry
from gateway.transactions.model import OPEN, TransactionType
from gateway.transactions.store import Transaction


@dataclass(frozen=True, slots=True)
class Step:
    """Which page of how many."""

    number: int
    of: int


def kind(name: str) -> TransactionType:
    """The type called so; for any other, a page that says where to go."""
    return registry.types().get(name) or abort(404)


def offered(runtime: Runtime, name: str) -> TransactionType:
    """The type called so, if it may be begun here."""
    return registry.offered(runtime.settings).get(name) or abort(404)


def question(name: str, field: str) -> Step:
    fields = list(kind(name).form().fields)
    return Step(fields.index(field) + 1, len(fields) + 2)


def proof(name: str) -> Step:
    count = len(kind(name).form().fields)
    return Step(count + 1, count + 2)


def check(name: str) -> Step:
    count = len(kind(name).form().fields)
    return Step(count + 2, count + 2)


def before(name: str, field: str) -> str:
    """Where "back" leads from a question."""
    fields = list(kind(name).form().fields)
    place = fields.index(field)
    if place == 0:
        return url_for("web.start", name=name)
    return url_for("web.ask", name=name, field=fields[place - 1])


def onward(transaction: Transaction) -> str:
    """The page this transaction is at."""
    name = transaction.row.type
    if transaction.state not in OPEN:
        return url_for("web.done", name=name)
    missing = engine.unanswered(transaction)
    if missing:
        return url_for("web.ask", name=name, field=missing[0])
    return url_for("web.check" if transaction.row.proof else "web.code", name=name)


def elsewhere(transaction: Transaction, page: str) -> bool:
    """Whether the transaction is at another page than this one."""
    return not onward(transaction).endswith(f"/{page}")


def go(address: str) -> Response:
    return redirect(address, 303)
