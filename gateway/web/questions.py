"""The start of a transaction and its questions, one on each page, made from the form's fields."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from gateway.runtime import Runtime
from gateway.transactions import engine
from gateway.transactions.engine import Result
from gateway.transactions.identity import Sent, TooSoon
from gateway.transactions.model import OPEN, State, TransactionType, Words
from gateway.transactions.store import Transaction
from gateway.web import inputs, steps, visit
from gateway.web.page import rules_of_today

FACE = "web"
AGAIN_AT = "again_at"  # epoch seconds from when a new code may be asked for


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/t/<name>`` and ``/t/<name>/<field>``."""

    @routes.get("/t/<name>")
    def start(name: str) -> ResponseReturnValue:
        kind = steps.kind(name)
        with runtime.db.read() as tx:
            under_way = _under_way(tx, runtime, name)
        onward = steps.onward(under_way) if under_way and under_way.answers else None
        effect = kind.effect(rules_of_today(runtime))
        return render_template("start.html", kind=kind, effect=effect, onward=onward)

    @routes.post("/t/<name>")
    def begin(name: str) -> ResponseReturnValue:
        steps.kind(name)
        with runtime.db.write() as tx:
            draft = _under_way(tx, runtime, name)
            if draft is None or draft.answers:
                draft = engine.open_draft(tx, runtime, name, FACE)
        visit.put(visit.OWN, str(draft.id))
        return steps.go(steps.onward(draft))

    @routes.get("/t/<name>/<field>")
    def ask(name: str, field: str) -> ResponseReturnValue:
        kind = _with_field(name, field)
        with runtime.db.read() as tx:
            transaction = visit.transaction(tx, runtime, kind=name)
        if not _may_answer(transaction, field):
            return steps.go(steps.onward(transaction))
        return _question(kind, field, transaction.answers.get(field, ""), None)

    @routes.post("/t/<name>/<field>")
    def answer(name: str, field: str) -> ResponseReturnValue:
        kind = _with_field(name, field)
        given = request.form.get(field, "")[: inputs.LONGEST]
        with runtime.db.write() as tx:
            transaction = visit.transaction(tx, runtime, kind=name, change=True)
            if not _may_answer(transaction, field):
                return steps.go(steps.onward(transaction))
            result = _keep(tx, runtime, transaction, field, given)
        runtime.wake_all(result.lanes)
        if result.value is not None:
            return _question(kind, field, given, result.value)
        return steps.go(steps.onward(result.transaction))


def _with_field(name: str, field: str) -> TransactionType:
    kind = steps.kind(name)
    if field not in kind.form().fields:
        abort(404)
    return kind


def _under_way(tx: Connection, runtime: Runtime, name: str) -> Transaction | None:
    """This visit's unfinished transaction of the type."""
    try:
        transaction = visit.transaction(tx, runtime, kind=name)
    except visit.NothingHere:
        return None
    return transaction if transaction.state in OPEN else None


def _may_answer(transaction: Transaction, field: str) -> bool:
    """Questions are open until the transaction is confirmed, in their order."""
    missing = engine.unanswered(transaction)
    return transaction.state in OPEN and field not in missing[1:]


def _keep(
    tx: Connection, runtime: Runtime, transaction: Transaction, field: str, given: str
) -> Result[Words | None]:
    """Keep one answer; the value is what is wrong with it. After the last one a code goes out."""
    answered = engine.answer(tx, runtime, transaction, {field: given})
    if answered.value:
        return Result(answered.value[field], transaction)
    now = answered.transaction
    if engine.unanswered(now) or now.state is not State.DRAFT:
        return Result(None, now)
    sent = engine.send_code(tx, runtime, now)
    if isinstance(sent.value, Sent | TooSoon):
        visit.put(AGAIN_AT, int(sent.value.again_at.timestamp()))
    return Result(None, sent.transaction, sent.lanes)


def _question(kind: TransactionType, name: str, value: str, error: Words | None) -> ResponseReturnValue:
    field = kind.form().fields[name]
    return render_template(
        "question.html",
        kind=kind,
        name=name,
        asked=field.metadata,
        attributes=inputs.attributes(field),
        value=value,
        error=error,
        step=steps.question(kind.name, name),
        back=steps.before(kind.name, name),
    ), (422 if error else 200)
