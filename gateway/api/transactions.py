"""Transactions for systems: list the types, begin one, prove, ask how it stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy import Connection

from gateway.api import door, problems, schemas
from gateway.api.door import Answer
from gateway.api.problems import ApiError, Problem
from gateway.notifications import store as notifications
from gateway.runtime import Runtime
from gateway.transactions import engine, registry, store
from gateway.transactions.engine import NotInRegister, NotOpen
from gateway.transactions.identity import Locked, Proven, Sent, TooSoon, Wrong
from gateway.transactions.model import State, TransactionType, Words, is_reference
from gateway.transactions.store import Transaction

FACE = "api"


def blueprint(runtime: Runtime) -> Blueprint:
    """The routes under ``/v2`` that concern transactions."""
    routes = Blueprint("transactions", __name__, url_prefix="/v2", description="Self-service transactions")
    routes.ARGUMENTS_PARSER = door.Parser()
    once = {"in": "header", "name": "Idempotency-Key", "schema": {"type": "string", "maxLength": 255}}
    routes.before_request(lambda: door.enter(runtime, "transactions"))

    @routes.get("/transaction-types")
    @routes.response(200, schemas.TypesSchema)
    def list_types() -> dict[str, Any]:
        """What citizens can do here, and the form of each type."""
        return {"transaction_types": [_type(kind) for kind in registry.types().values()]}

    @routes.post("/transactions")
    @routes.arguments(schemas.NewTransactionSchema)
    @routes.doc(parameters=[once])
    @routes.response(201, schemas.TransactionSchema)
    @routes.alt_response(400, schema=schemas.ProblemsSchema)
    @routes.alt_response(429, schema=schemas.ProblemsSchema)
    def begin(body: dict[str, Any]) -> Response:
        """Begin a transaction: answers, and how the identity is proven."""
        return door.once(runtime, lambda tx: _begin(tx, runtime, body))

    @routes.post("/transactions/<reference>/proof")
    @routes.arguments(schemas.CodeSchema)
    @routes.doc(parameters=[once])
    @routes.response(200, schemas.TransactionSchema)
    @routes.alt_response(400, schema=schemas.ProblemsSchema)
    @routes.alt_response(429, schema=schemas.ProblemsSchema)
    def prove(body: dict[str, Any], reference: str) -> Response:
        """Hand in the code the citizen received; a right one submits the transaction."""
        return door.once(runtime, lambda tx: _prove(tx, runtime, _own(tx, runtime, reference), body["code"]))

    @routes.post("/transactions/<reference>/code")
    @routes.doc(parameters=[once])
    @routes.response(200, schemas.TransactionSchema)
    @routes.alt_response(429, schema=schemas.ProblemsSchema)
    def resend(reference: str) -> Response:
        """Send a new code: after a minute at the earliest, five times an hour at most."""
        return door.once(runtime, lambda tx: _send_code(tx, runtime, _own(tx, runtime, reference), 200))

    @routes.get("/transactions/<reference>")
    @routes.response(200, schemas.TransactionSchema)
    @routes.alt_response(404, schema=schemas.ProblemsSchema)
    def show(reference: str) -> dict[str, Any]:
        """How a transaction of your service stands."""
        with runtime.db.read() as tx:
            return _shown(tx, runtime, _own(tx, runtime, reference))

    return routes


# --- the work of each route ----------------------------------------------------------------


def _begin(tx: Connection, runtime: Runtime, body: dict[str, Any]) -> Answer:
    if body["type"] not in registry.types():
        known = ", ".join(registry.types())
        raise _refused("ValidationError", f"type is not one of [{known}]", "See GET /v2/transaction-types.")
    draft = engine.open_draft(tx, runtime, body["type"], FACE, door.caller().service_id)
    answered = engine.answer(tx, runtime, draft, body["answers"])
    missing = engine.unanswered(answered.transaction) if not answered.value else []
    if answered.value or missing:
        wrong = [_field_problem(name, words) for name, words in answered.value.items()]
        wrong += [_field_problem(name, Words("请填写这一项。", "is a required property")) for name in missing]
        raise ApiError(400, *wrong)
    if body["proof"]["method"] == "attested":
        return _attest(tx, runtime, answered.transaction, body["proof"].get("by", ""))
    return _send_code(tx, runtime, answered.transaction, 201)


def _attest(tx: Connection, runtime: Runtime, transaction: Transaction, by: str) -> Answer:
    if not by.strip():
        raise _refused(
            "ValidationError",
            "proof.by is a required property",
            "Say how the identity was checked: proof.by.",
        )
    result = engine.attest(tx, runtime, transaction, by)
    if isinstance(result.value, NotOpen):
        return _not_now(result.value)
    if isinstance(result.value, NotInRegister):
        raise _refused(
            "BadRequestError",
            "No citizen is registered with this ID number and name",
            "Check both; else send the citizen to a counter to register.",
        )
    return _submitted(tx, runtime, result.transaction, 201)


def _send_code(tx: Connection, runtime: Runtime, transaction: Transaction, status: int) -> Answer:
    result = engine.send_code(tx, runtime, transaction)
    said = result.value
    begun = status == 201  # beginning again within a minute: the code sent before still counts
    if isinstance(said, Sent) or (begun and isinstance(said, TooSoon)):
        shown = _shown(tx, runtime, result.transaction)
        return Answer(status, {**shown, "code_again_at": stamp(said.again_at)}, result.lanes)
    return _not_now(said)


def _prove(tx: Connection, runtime: Runtime, transaction: Transaction, code: str) -> Answer:
    result = engine.prove(tx, runtime, transaction, code)
    match result.value:
        case Proven():
            return _submitted(tx, runtime, result.transaction, 200)
        case Wrong(left):
            return _problem(
                400,
                "BadRequestError",
                f"code is not right or too old; {left} tries left",
                "Ask the citizen again, or POST …/code for a new one.",
            )
        case said:
            return _not_now(said)


def _submitted(tx: Connection, runtime: Runtime, transaction: Transaction, status: int) -> Answer:
    result = engine.submit(tx, runtime, transaction)
    return Answer(status, _shown(tx, runtime, result.transaction), result.lanes)


def _not_now(said: TooSoon | Locked | NotOpen) -> Answer:
    match said:
        case TooSoon(again_at):
            wait = f"Ask again after {stamp(again_at)}."
            return _problem(429, "TooManyRequestsError", "A code was sent less than a minute ago", wait)
        case Locked(until):
            return _problem(
                429,
                "TooManyRequestsError",
                f"Too many tries for this ID number; locked until {stamp(until)}",
                "Hand the citizen to a person: 12333, key 0, or a counter.",
            )
        case NotOpen():
            return _problem(
                409,
                "BadRequestError",
                "The transaction is past this step",
                "GET the transaction to see how it stands.",
            )


def _own(tx: Connection, runtime: Runtime, reference: str) -> Transaction:
    """The caller's own transaction; anybody else's is as unknown as none."""
    found = store.find(tx, runtime, reference) if is_reference(reference) else None
    if found is None or found.row.service_id != door.caller().service_id:
        raise ApiError(
            404, Problem("NoResultFound", "No result found", "Check the 14 digits; only your own are shown.")
        )
    return found


def _refused(error: str, message: str, next_step: str) -> ApiError:
    return ApiError(400, Problem(error, message, next_step))


def _problem(status: int, error: str, message: str, next_step: str) -> Answer:
    """An answer that is kept: unlike an ``ApiError`` it commits what was counted."""
    return Answer(status, problems.body(status, [Problem(error, message, next_step)]))


def _field_problem(name: str, words: Words) -> Problem:
    next_step = f"Correct answers.{name}; GET /v2/transaction-types describes it. {words.zh}"
    return Problem("ValidationError", f"answers.{name} {words.en}", next_step)


# --- how it is shown -----------------------------------------------------------------------


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _shown(tx: Connection, runtime: Runtime, transaction: Transaction) -> dict[str, Any]:
    view = transaction.view(runtime.clock())
    sentences = registry.get(view.type).explain(view)
    return {
        "reference": view.reference,
        "type": view.type,
        "state": view.state,
        "reason": view.reason,
        "facts": dict(view.facts),
        "explanation": {"zh": [words.zh for words in sentences], "en": [words.en for words in sentences]},
        "next_step": _next_step(view.state),
        "rules": {"city": view.rules.city, "version": view.rules.version},
        "created_at": stamp(view.created_at),
        "updated_at": stamp(view.updated_at),
        "messages": _messages(tx, transaction),
        "timeline": [
            {"at": stamp(row.at), "event": row.event, "detail": row.detail}
            for row in store.events(tx, transaction.id)
        ],
        "uri": f"{runtime.settings.public_url}/v2/transactions/{view.reference}",
    }


def _next_step(state: State) -> str | None:
    if state is State.IDENTITY_PENDING:
        return "POST the code the citizen received to …/proof."
    if state is State.DRAFT:
        return "POST …/code from code_again_at on: the last code was used a moment ago."
    return None


def _messages(tx: Connection, transaction: Transaction) -> Sequence[dict[str, Any]]:
    """Its messages; before the proof none, since a code's fate would tell who is registered."""
    if not transaction.row.proof:
        return []
    return [
        {
            "id": str(row.id),
            "channel": row.channel,
            "status": row.status,
            "reason": row.reason,
            "created_at": stamp(row.created_at),
            "completed_at": stamp(row.completed_at) if row.completed_at else None,
        }
        for row in notifications.of_transaction(tx, transaction.id)
    ]


def _type(kind: TransactionType) -> dict[str, Any]:
    return {
        "name": kind.name,
        "title": _both(kind.title),
        "summary": _both(kind.summary),
        "fields": [
            {
                "name": name,
                "label": _both(field.metadata["label"]),
                "prompt": _both(field.metadata["prompt"]),
                "hint": _both(field.metadata["hint"]),
                "required": field.required,
                "keyable": field.metadata["keypad"] is not None,
            }
            for name, field in kind.form().fields.items()
        ],
    }


def _both(words: Words) -> dict[str, str]:
    return {"zh": words.zh, "en": words.en}
