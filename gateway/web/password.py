"""The query password: in place of a code where that is taken, or besides, where one proof is not enough.

Before anybody is known the page is the same for everybody. Afterwards it says what this citizen has,
and where nothing is left, which counter helps.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from gateway.citizens import passwords
from gateway.runtime import Runtime
from gateway.transactions import codes, engine, helping, identity, proving
from gateway.transactions.identity import Wrong
from gateway.transactions.levels import Factor
from gateway.transactions.model import Words
from gateway.transactions.store import Transaction
from gateway.transactions.tallies import Locked
from gateway.web import device, inputs, proof, steps, visit, words

NOT_SIX = Words("查询密码是6位数字，请再填一次。", "The query password has 6 digits. Please type it again.")

LOCKED = Words("试的次数太多了。", "There were too many tries.")


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/t/<name>/code/password``."""

    @routes.get("/t/<name>/code/password")
    def password(name: str) -> ResponseReturnValue:
        steps.kind(name)
        with runtime.db.read() as tx:
            transaction = visit.transaction(tx, runtime, kind=name)
            if not steps.may_prove(transaction, Factor.PASSWORD):
                return steps.go(steps.onward(transaction))
            return _page(tx, runtime, transaction, None)

    @routes.post("/t/<name>/code/password")
    def give_password(name: str) -> ResponseReturnValue:
        steps.kind(name)
        given = inputs.digits(request.form.get("password", "")[: inputs.LONGEST])
        with runtime.db.write() as tx:
            transaction = visit.transaction(tx, runtime, kind=name, change=True)
            if not steps.may_prove(transaction, Factor.PASSWORD):
                return steps.go(steps.onward(transaction))
            now, lanes, error = _try(tx, runtime, transaction, given)
        runtime.wake_all(lanes)
        if error is LOCKED:
            return steps.go(url_for("web.password", name=name))
        if error is None:
            return steps.go(steps.onward(now))
        with runtime.db.read() as tx:
            return _page(tx, runtime, now, error)


def _try(
    tx: Connection, runtime: Runtime, transaction: Transaction, given: str
) -> tuple[Transaction, set[str], Words | None]:
    if not passwords.written(given):
        return transaction, set(), NOT_SIX  # a slip of the finger is no try
    result = engine.give_password(tx, runtime, transaction, given, device.here(runtime))
    if isinstance(result.value, Wrong):
        return result.transaction, set(), _wrong(result.value)
    if isinstance(result.value, Locked):
        return result.transaction, set(), LOCKED
    return *proof.proven(tx, runtime, result), None


def _wrong(said: Wrong) -> Words:
    """The same for a wrong one, an initial one, and whoever has none."""
    left = words.tries_left(said.left)
    return Words(
        f"密码不对，或者是没有改过的初始密码，初始密码不能用。{left.zh}",
        "The password is not right, or it is an initial one that was never changed: "
        f"those are not taken. {left.en}",
    )


def _page(
    tx: Connection, runtime: Runtime, transaction: Transaction, error: Words | None
) -> ResponseReturnValue:
    who, here = codes.asker(runtime, transaction), device.here(runtime)
    held = identity.closed(tx, identity.PASSWORDS, who, runtime.clock(), here)
    possible = proving.possible(tx, runtime, transaction)
    by_code = bool(possible & {Factor.CODE, Factor.EMAIL})
    if held and not by_code:
        return proof.locked_page(runtime, transaction, held)
    page = render_template(
        "password.html",
        kind=steps.kind(transaction.row.type),
        possible=possible,
        held=held and proof.moment(runtime, held),
        second=bool(transaction.row.factors),
        not_yet=proving.not_yet(tx, transaction, runtime.clock()),
        helped=helping.helped(transaction),
        back=steps.last_question(transaction),
        attributes=inputs.PASSWORD,
        error=error,
        step=steps.proof(transaction),
    )
    return page, (422 if error else 200)
