"""Transactions for systems: list the types, begin one, prove, answer, act, ask how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint
from sqlalchemy import Connection

from gateway.api import door, options, problems, schemas, shown
from gateway.api.door import ONCE, Answer
from gateway.api.known import Known
from gateway.api.looking import Looks
from gateway.api.problems import ApiError, Problem
from gateway.runtime import Runtime
from gateway.transactions import afterwards, engine, proving, registry, store
from gateway.transactions.engine import NotInRegister, NotOpen
from gateway.transactions.identity import Proven, Sent, TooSoon, Wrong
from gateway.transactions.levels import Factor
from gateway.transactions.model import OPEN, Level, TransactionType, Words
from gateway.transactions.references import is_reference
from gateway.transactions.store import Transaction
from gateway.transactions.tallies import Locked

FACE = "api"
MISSING = Words("请填写这一项。", "is a required property")


def blueprint(runtime: Runtime) -> Blueprint:
    """The routes under ``/v2`` that concern transactions."""
    routes = Blueprint("transactions", __name__, url_prefix="/v2", description="Self-service transactions")
    routes.ARGUMENTS_PARSER = door.Parser()
    account = Known(runtime).account
    routes.before_request(lambda: _enter(runtime, account))
    options.add(routes, runtime, FACE)
    _until_submitted(routes, runtime)
    _afterwards(routes, runtime)
    return routes


def _enter(runtime: Runtime, account: door.Find) -> Response | None:
    """Who begins is let in on what was known a moment ago: hundreds may at the same time."""
    if request.endpoint == "transactions.begin":
        return door.enter_known(runtime, "transactions", account)
    door.enter(runtime, "transactions")
    return None


def _until_submitted(routes: Blueprint, runtime: Runtime) -> None:
    looks = Looks(runtime, FACE)

    @routes.post("/transactions")
    @routes.arguments(schemas.NewTransactionSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(201, schemas.TransactionSchema)
    @routes.alt_response(400, schema=schemas.ProblemsSchema)
    @routes.alt_response(409, schema=schemas.ProblemsSchema)
    @routes.alt_response(429, schema=schemas.ProblemsSchema)
    def begin(body: dict[str, Any]) -> Response:
        """Begin a transaction: answers, and how the identity is proven."""
        with looks.turn(body["type"], body["answers"]) as gone:
            if gone and not door.idempotency_key():  # what was answered under a key is answered again
                raise ApiError(400, *problems.of_fields(gone))
            return door.once(runtime, lambda tx: _begin(tx, runtime, body))

    @routes.post("/transactions/<reference>/proof")
    @routes.arguments(schemas.GivenProofSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(200, schemas.TransactionSchema)
    @routes.alt_response(400, schema=schemas.ProblemsSchema)
    @routes.alt_response(409, schema=schemas.ProblemsSchema)
    @routes.alt_response(429, schema=schemas.ProblemsSchema)
    def prove(body: dict[str, Any], reference: str) -> Response:
        """Hand in the code, or the query password; once nothing is missing the transaction is submitted."""
        return door.once(runtime, lambda tx: _prove(tx, runtime, _own(tx, runtime, reference), body))

    @routes.post("/transactions/<reference>/code")
    @routes.doc(parameters=[ONCE])
    @routes.response(200, schemas.TransactionSchema)
    @routes.alt_response(429, schema=schemas.ProblemsSchema)
    def resend(reference: str) -> Response:
        """Send the code that is missing next: after a minute at the earliest, five times an hour at most."""
        return door.once(runtime, lambda tx: _send_code(tx, runtime, _own(tx, runtime, reference), 200))

    @routes.post("/transactions/<reference>/answers")
    @routes.arguments(schemas.AnswersSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(200, schemas.TransactionSchema)
    @routes.alt_response(400, schema=schemas.ProblemsSchema)
    @routes.alt_response(409, schema=schemas.ProblemsSchema)
    def answer(body: dict[str, Any], reference: str) -> Response:
        """Answer what is missing; with the last answer a transaction that is proven is submitted."""
        return door.once(
            runtime, lambda tx: _answer(tx, runtime, _own(tx, runtime, reference), body["answers"])
        )


def _afterwards(routes: Blueprint, runtime: Runtime) -> None:
    @routes.post("/transactions/<reference>/actions/<name>")
    @routes.doc(parameters=[ONCE])
    @routes.response(200, schemas.TransactionSchema)
    @routes.alt_response(404, schema=schemas.ProblemsSchema)
    @routes.alt_response(409, schema=schemas.ProblemsSchema)
    def act(reference: str, name: str) -> Response:
        """Do one of the type's actions; one that opens a transaction gives that one to go on with."""
        return door.once(runtime, lambda tx: _act(tx, runtime, _own(tx, runtime, reference), name))

    @routes.get("/transactions/<reference>")
    @routes.response(200, schemas.TransactionSchema)
    @routes.alt_response(404, schema=schemas.ProblemsSchema)
    def show(reference: str) -> dict[str, Any]:
        """How a transaction of your service stands."""
        with runtime.db.read() as tx:
            return shown.transaction(tx, runtime, _own(tx, runtime, reference))


# --- the work of each route ----------------------------------------------------------------


def _begin(tx: Connection, runtime: Runtime, body: dict[str, Any]) -> Answer:
    offered = registry.offered(runtime.settings)
    if body["type"] not in offered:
        known = ", ".join(offered)
        raise _refused("ValidationError", f"type is not one of [{known}]", "See GET /v2/transaction-types.")
    method = _method(offered[body["type"]], body)
    draft = engine.open_draft(tx, runtime, body["type"], FACE, door.caller().service_id)
    attested = method == "attested"
    answered = engine.answer(tx, runtime, draft, body["answers"], reserve=not attested)
    missing = engine.unanswered(answered.transaction) if not answered.value else []
    if answered.value or missing:
        wrong = problems.of_fields(answered.value)
        wrong += [problems.of_field(name, MISSING) for name in missing]
        raise ApiError(400, *wrong)
    if attested:
        return _attest(tx, runtime, answered.transaction, body["proof"].get("by", ""))
    if method is None and not proving.missing(answered.transaction):
        return _submitted(tx, runtime, answered.transaction, 201)
    if method == "password":
        return Answer(201, shown.transaction(tx, runtime, answered.transaction))
    return _send_code(tx, runtime, answered.transaction, 201)


def _method(kind: TransactionType, body: Mapping[str, Any]) -> str | None:
    """How who it is will be proven; None where nobody need be known."""
    if kind.level is Level.ANONYMOUS:
        return None
    if "proof" not in body:
        raise _refused("ValidationError", "proof is a required property", f"{kind.name} is of level known.")
    method: str = body["proof"]["method"]
    return method


def _attest(tx: Connection, runtime: Runtime, transaction: Transaction, by: str) -> Answer:
    if not by.strip():
        raise _refused(
            "ValidationError",
            "proof.by is a required property",
            "Say how the identity was checked: proof.by.",
        )
    result = engine.attest(tx, runtime, transaction, by, reserve=False)  # as late as can be: others wait
    if isinstance(result.value, NotOpen):
        return _not_now(result.value)
    if isinstance(result.value, NotInRegister):
        raise _refused(
            "BadRequestError",
            "No citizen is registered with this ID number and name",
            "Check both; else send the citizen to a counter to register.",
        )
    if Factor.NEW in proving.missing(result.transaction):  # who it is was checked, not whose the number is
        return _send_code(tx, runtime, result.transaction, 201)
    return _submitted(tx, runtime, result.transaction, 201)


def _send_code(tx: Connection, runtime: Runtime, transaction: Transaction, status: int) -> Answer:
    result = engine.send_code(tx, runtime, transaction)
    said = result.value
    begun = status == 201  # beginning again within a minute: the code sent before still counts
    if isinstance(said, Sent) or (begun and isinstance(said, TooSoon)):
        body = shown.transaction(tx, runtime, result.transaction)
        return Answer(status, {**body, "code_again_at": shown.stamp(said.again_at)}, result.lanes)
    return _not_now(said)


def _prove(tx: Connection, runtime: Runtime, transaction: Transaction, given: Mapping[str, str]) -> Answer:
    if "password" in given:
        result = engine.give_password(tx, runtime, transaction, given["password"])
        wrong, ask = "password is not right, or an initial one", "Ask the citizen again, or for a code."
    else:
        result = engine.prove(tx, runtime, transaction, given["code"])
        wrong, ask = "code is not right or too old", "Ask the citizen again, or POST …/code for a new one."
    match result.value:
        case Proven():
            return _one_step_on(tx, runtime, result.transaction)
        case Wrong(left):
            return _problem(400, "BadRequestError", f"{wrong}; {left} tries left", ask)
        case said:
            return _not_now(said)


def _one_step_on(tx: Connection, runtime: Runtime, transaction: Transaction) -> Answer:
    """Submitted where nothing is missing any more; what is new is sent its code."""
    wanted = proving.missing(transaction)
    if Factor.NEW in wanted:
        return _send_code(tx, runtime, transaction, 200)
    if wanted or engine.unanswered(transaction):
        return Answer(200, shown.transaction(tx, runtime, transaction))
    return _submitted(tx, runtime, transaction, 200)


def _submitted(tx: Connection, runtime: Runtime, transaction: Transaction, status: int) -> Answer:
    """Submit; where what was reserved is lost by now, its field is open again.

    One that is only being begun is not kept: the service has no reference to go on with.
    """
    if status == 200 and (lost := engine.answer(tx, runtime, transaction, {}).value):
        return _wrong(409, lost)
    result = engine.submit(tx, runtime, transaction)
    if status == 201 and (lost := engine.lost(runtime, result.transaction)):
        raise ApiError(409, *problems.of_fields(lost))
    return Answer(status, shown.transaction(tx, runtime, result.transaction), result.lanes)


def _answer(tx: Connection, runtime: Runtime, transaction: Transaction, given: dict[str, Any]) -> Answer:
    answered = engine.answer(tx, runtime, transaction, given)
    now = answered.transaction
    if answered.value:
        return _wrong(400, answered.value)
    if now.state not in OPEN:
        return _not_now(NotOpen())
    if engine.unanswered(now):
        return Answer(200, shown.transaction(tx, runtime, now))
    wanted = proving.missing(now)
    return _send_code(tx, runtime, now, 200) if Factor.CODE in wanted else _one_step_on(tx, runtime, now)


def _act(tx: Connection, runtime: Runtime, transaction: Transaction, name: str) -> Answer:
    kind = registry.get(transaction.row.type)
    if name not in kind.actions:
        known = ", ".join(kind.actions) or "none"
        raise ApiError(
            404, Problem("NoResultFound", "No result found", f"{kind.name} has the actions: {known}.")
        )
    result = afterwards.act(tx, runtime, transaction, name, FACE, proven=True)  # the service answers for it
    if isinstance(result.value, Words):
        return _problem(409, "BadRequestError", f"{name}: {result.value.en}", result.value.zh)
    begun = result.transaction
    if begun.id == transaction.id:
        return Answer(200, shown.transaction(tx, runtime, begun), result.lanes)
    if begun.row.proof and not engine.unanswered(begun) and not proving.missing(begun):
        return _submitted(tx, runtime, begun, 201)
    return Answer(201, shown.transaction(tx, runtime, begun), result.lanes)


def _not_now(said: TooSoon | Locked | NotOpen) -> Answer:
    match said:
        case TooSoon(again_at):
            wait = f"Ask again after {shown.stamp(again_at)}."
            return _problem(429, "TooManyRequestsError", "A code was sent less than a minute ago", wait)
        case Locked(until):
            return _problem(
                429,
                "TooManyRequestsError",
                f"Too many tries for this person; locked until {shown.stamp(until)}",
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


def _wrong(status: int, wrong: Mapping[str, Words]) -> Answer:
    """Answers refused, in an answer that is kept: the others are."""
    return Answer(status, problems.body(status, problems.of_fields(wrong)))
