"""What a citizen may do with a transaction that has ended: asked once whether it is meant, then done.

Who has not given a code for it in this visit is asked for one first; a change asks
for it in its course, like any new transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from gateway.runtime import Runtime
from gateway.transactions import afterwards, anonymous, codes, identity
from gateway.transactions.identity import Proven, Sent, TooSoon, Wrong
from gateway.transactions.model import Action, View, Words
from gateway.transactions.store import Transaction
from gateway.web import calendar_file, device, inputs, proof, questions, steps, visit, words
from gateway.web.questions import AGAIN_AT, FACE

BY_A_PERSON = Words(
    "留的不是手机，收不到验证码。请拨打12333转人工，说出编号。",
    "The number given takes no code. Call 12333, press 0 and say your number.",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a transaction is shown: as this visit's own, or as looked up."""

    key: str
    name: str | None = None

    @property
    def address(self) -> str:
        return url_for("web.status") if self.name is None else url_for("web.done", name=self.name)

    def transaction(self, tx: Connection, runtime: Runtime, *, change: bool = False) -> Transaction:
        return visit.transaction(tx, runtime, self.key, kind=self.name, change=change)


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/t/<name>/done/<action>``, ``/code`` under it, and ``.ics``; the same under ``/status``."""

    @routes.get("/t/<name>/done/<action>")
    def consider(name: str, action: str) -> ResponseReturnValue:
        return _consider(runtime, _own(name), action)

    @routes.post("/t/<name>/done/<action>")
    def act(name: str, action: str) -> ResponseReturnValue:
        return _act(runtime, _own(name), action)

    @routes.post("/t/<name>/done/<action>/code")
    def code_to_act(name: str, action: str) -> ResponseReturnValue:
        return _send_code(runtime, _own(name), action)

    @routes.get("/t/<name>/done.ics")
    def calendar(name: str) -> ResponseReturnValue:
        return _calendar(runtime, _own(name))

    @routes.get("/status/<action>")
    def consider_found(action: str) -> ResponseReturnValue:
        return _consider(runtime, Place(visit.FOUND), action)

    @routes.post("/status/<action>")
    def act_on_found(action: str) -> ResponseReturnValue:
        return _act(runtime, Place(visit.FOUND), action)

    @routes.post("/status/<action>/code")
    def code_to_act_on_found(action: str) -> ResponseReturnValue:
        return _send_code(runtime, Place(visit.FOUND), action)

    @routes.get("/status.ics")
    def calendar_of_found() -> ResponseReturnValue:
        return _calendar(runtime, Place(visit.FOUND))


def _own(name: str) -> Place:
    return Place(visit.OWN, steps.kind(name).name)


def _named(transaction: Transaction, name: str) -> Action:
    return steps.kind(transaction.row.type).actions.get(name) or abort(404)


def _consider(runtime: Runtime, place: Place, name: str) -> ResponseReturnValue:
    with runtime.db.read() as tx:
        transaction = place.transaction(tx, runtime)
        action, now = _named(transaction, name), runtime.clock()
        view = transaction.view(now)
        if action.done(view):
            return steps.go(place.address)
        refusal = action.refusal(view, now)
        if refusal:
            return _page(place, name, view, refusal=refusal), 409
        if action.begins or visit.has_proven(transaction):
            return _page(place, name, view)
        if not anonymous.can_reach(transaction):
            return _page(place, name, view, refusal=BY_A_PERSON), 409
        return _code_page(tx, runtime, place, name, transaction, None)


def _act(runtime: Runtime, place: Place, name: str) -> ResponseReturnValue:
    with runtime.db.write() as tx:
        transaction = place.transaction(tx, runtime, change=True)
        _named(transaction, name)
        error = _prove(tx, runtime, transaction)
        proven = visit.has_proven(transaction)
        here = visit.has_proven_all(transaction)
        result = afterwards.act(tx, runtime, transaction, name, FACE, proven=proven, here=here)
        begun = questions.send(tx, runtime, result.transaction)  # one that asks nothing wants its proof
    runtime.wake_all(result.lanes | begun.lanes)
    match result.value:
        case afterwards.NotProven():
            with runtime.db.read() as tx:
                return _code_page(tx, runtime, place, name, transaction, error)
        case Words():
            return _page(place, name, transaction.view(runtime.clock()), refusal=result.value), 409
    if result.transaction.id == transaction.id:
        return steps.go(place.address)
    visit.put(visit.OWN, str(result.transaction.id))
    if proven and result.transaction.row.factors:
        visit.proved(result.transaction)
    return steps.go(steps.onward(begun.transaction))


# --- the code --------------------------------------------------------------------------------


def _prove(tx: Connection, runtime: Runtime, transaction: Transaction) -> Words | None:
    """Try the code that came with the form; what is wrong with it."""
    if "code" not in request.form:
        return None
    code = inputs.digits(request.form["code"][: inputs.LONGEST])
    if not proof.is_code(code):
        return proof.NOT_SIX
    said = afterwards.prove(tx, runtime, transaction, code, device.here(runtime)).value
    if isinstance(said, Proven):
        visit.put(visit.PROVEN, str(transaction.id))
    return proof.wrong(said) if isinstance(said, Wrong) else None


def _send_code(runtime: Runtime, place: Place, name: str) -> ResponseReturnValue:
    with runtime.db.write() as tx:
        transaction = place.transaction(tx, runtime, change=True)
        _named(transaction, name)
        sent = afterwards.send_code(tx, runtime, transaction, device.here(runtime))
    runtime.wake_all(sent.lanes)
    if isinstance(sent.value, Sent | TooSoon):
        visit.put(AGAIN_AT, int(sent.value.again_at.timestamp()))
    return steps.go(f"{place.address}/{name}")


def _code_page(
    tx: Connection,
    runtime: Runtime,
    place: Place,
    name: str,
    transaction: Transaction,
    error: Words | None,
) -> ResponseReturnValue:
    now = runtime.clock()
    purpose, here = codes.to_act(runtime, transaction), device.here(runtime)
    held = identity.closed(tx, purpose.wrong, purpose.subject, now, here)
    if held:
        return proof.locked_page(runtime, transaction, held)
    used_up = identity.used_up(tx, purpose, now, here)
    asked = {
        "sent": afterwards.code_awaited(tx, runtime, transaction),
        "wait": words.seconds_until(visit.get(AGAIN_AT) or 0, now),
        "used_up": used_up and proof.moment(runtime, used_up),
        "attributes": inputs.CODE,
        "error": error,
    }
    return _page(place, name, transaction.view(now), code=asked), (422 if error else 200)


# --- the pages -------------------------------------------------------------------------------


def _page(
    place: Place,
    name: str,
    view: View,
    *,
    refusal: Words | None = None,
    code: Mapping[str, object] | None = None,
) -> str:
    kind = steps.kind(view.type)
    return render_template(
        "action.html",
        kind=kind,
        name=name,
        called=kind.actions[name].name_of(view),
        refusal=refusal,
        code=code,
        first=next(iter(kind.explain(view))),
        here=place.address,
    )


def _calendar(runtime: Runtime, place: Place) -> ResponseReturnValue:
    now = runtime.clock()
    with runtime.db.read() as tx:
        view = place.transaction(tx, runtime).view(now)
    entry = steps.kind(view.type).calendar(view) or abort(404)
    text = calendar_file.written(entry, view.reference, now)
    response = Response(text, content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{view.reference}.ics"'
    return response
