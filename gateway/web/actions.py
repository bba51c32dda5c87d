"""What a citizen may do with a transaction that has ended: asked once whether it is meant, then done."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, abort, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from gateway.runtime import Runtime
from gateway.transactions import engine
from gateway.transactions.model import Action, View, Words
from gateway.transactions.store import Transaction
from gateway.web import calendar_file, steps, visit
from gateway.web.questions import FACE


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
    """``/t/<name>/done/<action>`` and ``.ics``; the same under ``/status``."""

    @routes.get("/t/<name>/done/<action>")
    def consider(name: str, action: str) -> ResponseReturnValue:
        return _consider(runtime, _own(name), action)

    @routes.post("/t/<name>/done/<action>")
    def act(name: str, action: str) -> ResponseReturnValue:
        return _act(runtime, _own(name), action)

    @routes.get("/t/<name>/done.ics")
    def calendar(name: str) -> ResponseReturnValue:
        return _calendar(runtime, _own(name))

    @routes.get("/status/<action>")
    def consider_found(action: str) -> ResponseReturnValue:
        return _consider(runtime, Place(visit.FOUND), action)

    @routes.post("/status/<action>")
    def act_on_found(action: str) -> ResponseReturnValue:
        return _act(runtime, Place(visit.FOUND), action)

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
    return _page(place, name, action, view, action.refusal(view, now))


def _act(runtime: Runtime, place: Place, name: str) -> ResponseReturnValue:
    with runtime.db.write() as tx:
        transaction = place.transaction(tx, runtime, change=True)
        action = _named(transaction, name)
        result = engine.act(tx, runtime, transaction, name, FACE)
    runtime.wake_all(result.lanes)
    if result.value:
        return _page(place, name, action, transaction.view(runtime.clock()), result.value)
    if action.asks_again:
        visit.put(visit.OWN, str(result.transaction.id))
        return steps.go(steps.onward(result.transaction))
    return steps.go(place.address)


def _page(place: Place, name: str, action: Action, view: View, refusal: Words | None) -> ResponseReturnValue:
    kind = steps.kind(view.type)
    page = render_template(
        "action.html",
        kind=kind,
        name=name,
        action=action,
        refusal=refusal,
        first=next(iter(kind.explain(view))),
        here=place.address,
    )
    return page, (409 if refusal else 200)


def _calendar(runtime: Runtime, place: Place) -> ResponseReturnValue:
    now = runtime.clock()
    with runtime.db.read() as tx:
        view = place.transaction(tx, runtime).view(now)
    entry = steps.kind(view.type).calendar(view) or abort(404)
    text = calendar_file.written(entry, view.reference, now)
    response = Response(text, content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{view.reference}.ics"'
    return response
