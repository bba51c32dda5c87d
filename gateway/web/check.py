"""The check of the answers, and the confirmation."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from marshmallow.fields import Field
from sqlalchemy import Connection

from gateway.runtime import Runtime
from gateway.transactions import anonymous, choices, engine, helping, proving
from gateway.transactions.desk import Desk
from gateway.transactions.model import Words
from gateway.transactions.store import Transaction
from gateway.web import device, inputs, proof, steps, told, visit, words


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/t/<name>/check`` and ``/t/<name>/check/keep``."""

    @routes.get("/t/<name>/check")
    def check(name: str) -> ResponseReturnValue:
        steps.kind(name)
        with runtime.db.read() as tx:
            transaction = visit.transaction(tx, runtime, kind=name)
            if steps.elsewhere(transaction, "check"):
                return steps.go(steps.onward(transaction))
            return _page(tx, runtime, transaction)

    @routes.post("/t/<name>/check")
    def confirm(name: str) -> ResponseReturnValue:
        steps.kind(name)
        return _confirmed(runtime, name)

    @routes.post("/t/<name>/check/keep")
    def keep(name: str) -> ResponseReturnValue:
        """Leave what was to be replaced as it is; the draft runs out by itself."""
        steps.kind(name)
        with runtime.db.read() as tx:
            transaction = visit.transaction(tx, runtime, kind=name)
            old = engine.replaced(tx, runtime, transaction)
        if old is None or steps.elsewhere(transaction, "check"):
            return steps.go(steps.onward(transaction))
        if visit.has_proven(transaction):
            visit.put(visit.PROVEN, str(old.id))
        visit.put(visit.OWN, str(old.id))
        return steps.go(steps.onward(old))


def _confirmed(runtime: Runtime, name: str) -> ResponseReturnValue:
    """Submit. Repeating it, by a double click or the back button, changes nothing.

    What was reserved is reserved again first: where it is lost by now, the
    citizen chooses anew and keeps the rest.
    """
    with runtime.db.write() as tx:
        transaction = visit.transaction(tx, runtime, kind=name, change=True)
        renewed = engine.answer(tx, runtime, transaction, {})
        if renewed.value:
            return steps.go(told.ask_anew(transaction, renewed.value, transaction.answers))
        held = anonymous.too_many(tx, runtime, renewed.transaction, device.here(runtime))
        if held is None:
            result = engine.submit(tx, runtime, renewed.transaction)
    if held:
        return proof.locked_page(runtime, transaction, held)
    if result.value and anonymous.is_one(result.transaction):
        visit.proved(result.transaction)  # whoever made it may undo it in the same visit
    runtime.wake_all(result.lanes)
    return steps.go(steps.onward(result.transaction))


def _page(tx: Connection, runtime: Runtime, transaction: Transaction) -> ResponseReturnValue:
    kind, desk, now = steps.kind(transaction.row.type), Desk(tx, runtime), runtime.clock()
    until = choices.held_until(desk, transaction)
    return render_template(
        "check.html",
        kind=kind,
        answers=[
            (name, field.metadata["label"], _shown(desk, transaction, name, field))
            for name, field in helping.fields(transaction).items()
        ],
        effect=engine.effect(tx, runtime, transaction),
        not_yet=proving.not_yet(tx, transaction, now),
        replaces=engine.replaced(tx, runtime, transaction) is not None,
        step=steps.check(transaction),
        returned=steps.sent_back(runtime, transaction),
        reserves=until is not None,
        held=until and until > now and words.moment(until, now, transaction.rules.zone),
    )


def _shown(desk: Desk, transaction: Transaction, name: str, field: Field[object]) -> Words:
    """An answer as it may stand on a page others can see; a choice in its words."""
    value = transaction.answers[name]
    options = choices.options(desk, transaction, name)
    if options is None:
        return inputs.masked(field, value)
    return next((option.words for option in options if option.value == value), Words(value, ""))
