"""Halls closed and opened again, for systems. Scope ``operate``; all is on record."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy import Connection

from gateway import cities
from gateway.api import door, schemas
from gateway.api import hall_schemas as forms
from gateway.api.door import ONCE, Answer
from gateway.api.refusals import refusals
from gateway.appointments import closures
from gateway.levers import closing
from gateway.levers.closing import Wanted
from gateway.runtime import Runtime
from gateway.services.store import OPERATE

PROBLEMS = schemas.ProblemsSchema
SEE = "See GET /v2/ops/halls."


def blueprint(runtime: Runtime) -> Blueprint:
    """The routes under ``/v2/ops/halls``."""
    routes = Blueprint("halls", __name__, url_prefix="/v2/ops", description="Halls that are closed")
    routes.ARGUMENTS_PARSER = door.Parser()
    routes.before_request(lambda: door.enter(runtime, OPERATE))

    @routes.get("/halls")
    @routes.response(200, forms.HallsSchema)
    def halls() -> dict[str, Any]:
        """Every hall, and what is closed now or later."""
        now = runtime.clock()
        with runtime.db.read() as tx:
            rows = closures.ahead(tx, now)
        known = [{"id": one.id, "name": one.name} for one in cities.of(runtime).rules_now(now).halls]
        return {"halls": known, "closures": [_shown(row) for row in rows]}

    @routes.post("/halls/close")
    @routes.arguments(forms.CloseSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.ClosedSchema)
    @routes.alt_response(404, schema=PROBLEMS)
    @routes.alt_response(409, schema=PROBLEMS)
    def close(body: dict[str, Any]) -> Response:
        """Close a hall for days or hours; with `dry_run` count whom it reaches. They are told in seconds."""
        return door.once(runtime, lambda tx: _close(tx, runtime, body))

    @routes.post("/halls/reopen")
    @routes.arguments(forms.ReopenSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.ReopenedSchema)
    @routes.alt_response(404, schema=PROBLEMS)
    def reopen(body: dict[str, Any]) -> Response:
        """Open a hall again, by the closure's id. What was taken back stays so."""
        return door.once(runtime, lambda tx: _reopen(tx, runtime, body))

    return routes


def _shown(row: Any) -> dict[str, Any]:
    span = {"from_at": row.from_at.isoformat(), "to_at": row.to_at.isoformat()}
    return {"id": str(row.id), "hall": row.hall, **span, "reason": row.reason, "made_by": row.made_by}


def _close(tx: Connection, runtime: Runtime, body: dict[str, Any]) -> Answer:
    days, clocks = (body["day"], body.get("until")), (body.get("from"), body.get("to"))
    wanted = Wanted(body["hall"], *days, *clocks, body["reason"])
    with refusals(SEE):
        closed = closing.close(tx, runtime, wanted, door.actor(), dry_run=body["dry_run"])
    said = {
        "id": str(closed.id) if closed.id else None,
        "hall": closed.hall,
        "from_at": closed.from_at.isoformat(),
        "to_at": closed.to_at.isoformat(),
        "reason": closed.reason,
        "booked": closed.touched.booked,
        "offered": closed.touched.offered,
        "waiting": closed.touched.waiting,
        "changed": closed.changed,
        "dry_run": body["dry_run"],
    }
    return Answer(200, said)


def _reopen(tx: Connection, runtime: Runtime, body: dict[str, Any]) -> Answer:
    with refusals(SEE):
        changed = closing.reopen(tx, runtime, body["closure"], door.actor())
    return Answer(200, {"id": str(body["closure"]), "changed": changed})
