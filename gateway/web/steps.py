"""The order of a transaction's pages: questions, the code, the check, done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import abort, redirect, url_for
from werkzeug import Response

from gateway.runtime import Runtime
from gateway.transactions import anonymous, codes, engine, helping, proving, registry
from gateway.transactions.levels import Factor
from gateway.transactions.model import OPEN, RETURNED, TransactionType, Words
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


def question(transaction: Transaction, field: str) -> Step:
    fields = list(helping.fields(transaction))
    return Step(fields.index(field) + 1, check(transaction).number)


def proof(transaction: Transaction) -> Step:
    return Step(len(helping.fields(transaction)) + 1, check(transaction).number)


def check(transaction: Transaction) -> Step:
    """The last one; where nobody need be known and nothing is new, no proof comes before it."""
    proofs = 0 if anonymous.is_one(transaction) and codes.new_address(transaction) is None else 1
    count = len(helping.fields(transaction)) + proofs + 1
    return Step(count, count)


def before(transaction: Transaction, field: str) -> str:
    """Where "back" leads from a question."""
    name, fields = transaction.row.type, list(helping.fields(transaction))
    place = fields.index(field)
    if place == 0:
        return url_for("web.start", name=name)
    return url_for("web.ask", name=name, field=fields[place - 1])


def onward(transaction: Transaction) -> str:
    """The page this transaction is at."""
    name = transaction.row.type
    if transaction.state not in OPEN:
        return url_for("web.done", name=name)
    unanswered = engine.unanswered(transaction)
    if unanswered:
        return url_for("web.ask", name=name, field=unanswered[0])
    missing = proving.missing(transaction)
    if missing & {Factor.CODE, Factor.NEW}:
        return url_for("web.code", name=name)
    return url_for("web.password" if missing else "web.check", name=name)


def elsewhere(transaction: Transaction, page: str) -> bool:
    """Whether the transaction is at another page than this one."""
    return not onward(transaction).endswith(f"/{page}")


def sent_back(runtime: Runtime, transaction: Transaction) -> Sequence[Words]:
    """Why it is to be corrected, where it came back; else nothing."""
    view = transaction.view(runtime.clock())
    if view.state not in OPEN or view.stage != RETURNED:
        return ()
    return kind(view.type).explain(view)


def may_prove(transaction: Transaction, *factors: Factor) -> bool:
    """Whether all is answered and one of these is missing."""
    answered = transaction.state in OPEN and not engine.unanswered(transaction)
    return answered and bool(proving.missing(transaction) & set(factors))


def page_of(transaction: Transaction, factor: Factor) -> str:
    """The page where the code for this factor is given."""
    endpoint = "web.email" if factor is Factor.EMAIL else "web.code"
    return url_for(endpoint, name=transaction.row.type)


def first_question(transaction: Transaction) -> str:
    return url_for("web.ask", name=transaction.row.type, field=next(iter(helping.fields(transaction))))


def last_question(transaction: Transaction) -> str:
    return url_for("web.ask", name=transaction.row.type, field=list(helping.fields(transaction))[-1])


def go(address: str) -> Response:
    return redirect(address, 303)
