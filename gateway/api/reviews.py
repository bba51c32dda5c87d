"""Changes of people's data that wait for a person, for systems. Scope ``operate``; all is on record."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy import Connection

from gateway.api import door, schemas
from gateway.api import review_schemas as forms
from gateway.api.door import ONCE, Answer
from gateway.api.refusals import refusals
from gateway.levers import reviewing
from gateway.levers.reviewing import Waiting
from gateway.runtime import Runtime
from gateway.services.store import OPERATE

PROBLEMS = schemas.ProblemsSchema
SEE = "See GET /v2/ops/reviews."


def blueprint(runtime: Runtime) -> Blueprint:
    """The routes under ``/v2/ops/reviews``."""
    routes = Blueprint(
        "reviews", __name__, url_prefix="/v2/ops", description="Changes that wait for a person"
    )
    routes.ARGUMENTS_PARSER = door.Parser()
    routes.before_request(lambda: door.enter(runtime, OPERATE))

    @routes.get("/reviews")
    @routes.response(200, forms.ReviewsSchema)
    def reviews() -> dict[str, Any]:
        """Those that wait, oldest first, masked."""
        with runtime.db.read() as tx:
            return {"reviews": [_shown(one) for one in reviewing.listed(tx, runtime)]}

    @routes.post("/reviews/<reference>/values")
    @routes.arguments(forms.WhySchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.OpenedSchema)
    @routes.alt_response(404, schema=PROBLEMS)
    @routes.alt_response(409, schema=PROBLEMS)
    def values(body: dict[str, Any], reference: str) -> Response:
        """What is recorded and what is asked for, in full. Nothing of the answer is kept for a repeat."""
        door.idempotency_key()  # a wrong one is told even where nothing is kept
        with runtime.db.write() as tx, refusals(SEE):
            found = reviewing.opened(tx, runtime, reference, body["why"], door.actor())
        return door.shown(asdict(found))

    @routes.post("/reviews/<reference>")
    @routes.arguments(forms.DecisionSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.DecidedSchema)
    @routes.alt_response(400, schema=PROBLEMS)
    @routes.alt_response(404, schema=PROBLEMS)
    @routes.alt_response(409, schema=PROBLEMS)
    def decide(body: dict[str, Any], reference: str) -> Response:
        """Approve, return or reject one; the citizen is told in the same commit."""
        return door.once(runtime, lambda tx: _decide(tx, runtime, reference, body))

    return routes


def _shown(one: Waiting) -> dict[str, Any]:
    due_at = one.due_at.isoformat() if one.due_at else None
    return {**asdict(one), "asked_at": one.asked_at.isoformat(), "due_at": due_at}


def _decide(tx: Connection, runtime: Runtime, reference: str, body: dict[str, Any]) -> Answer:
    with refusals(SEE):
        match body["decision"]:
            case forms.APPROVE:
                came = reviewing.approve(tx, runtime, reference, door.actor())
            case forms.RETURN:
                came = reviewing.send_back(tx, runtime, reference, body["reason"], door.actor())
            case _:
                came = reviewing.reject(tx, runtime, reference, body["reason"], door.actor())
    said = {"reference": came.reference, "state": came.state, "reason": came.reason}
    return Answer(200, said, came.lanes)
