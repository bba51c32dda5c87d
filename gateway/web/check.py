"""The check of the answers, and the confirmation."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from gateway.runtime import Runtime
from gateway.transactions import engine
from gateway.transactions.store import Transaction
from gateway.web import inputs, steps, visit


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/t/<name>/check``."""

    @routes.get("/t/<name>/check")
    def check(name: str) -> ResponseReturnValue:
        steps.kind(name)
        with runtime.db.read() as tx:
            transaction = visit.transaction(tx, runtime, kind=name)
        if steps.elsewhere(transaction, "check"):
            return steps.go(steps.onward(transaction))
        return _page(transaction)

    @routes.post("/t/<name>/check")
    def confirm(name: str) -> ResponseReturnValue:
        """Submit. Repeating it, by a double click or the back button, changes nothing."""
        steps.kind(name)
        with runtime.db.write() as tx:
            transaction = visit.transaction(tx, runtime, kind=name, change=True)
            result = engine.submit(tx, runtime, transaction)
        runtime.wake_all(result.lanes)
        return steps.go(steps.onward(result.transaction))


def _page(transaction: Transaction) -> ResponseReturnValue:
    kind = steps.kind(transaction.row.type)
    answers = [
        (name, field.metadata["label"], inputs.masked(field, transaction.answers[name]))
        for name, field in kind.form().fields.items()
    ]
    return render_template(
        "check.html",
        kind=kind,
        answers=answers,
        effect=kind.effect(transaction.rules),
        step=steps.check(kind.name),
    )
