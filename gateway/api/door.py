"""What every API request passes: who calls, may they, is it a repetition, does it wake anybody."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import Response, g, request
from sqlalchemy import Connection
from webargs.flaskparser import FlaskParser

from gateway.api import problems
from gateway.api.problems import ApiError, Problem
from gateway.runtime import Runtime
from gateway.services import idempotency, store
from gateway.services.auth import Caller, NotAllowed, authenticate
from gateway.services.idempotency import OtherBody, Running, Stored
from gateway.services.store import Account


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body, and the lanes to wake once it is committed."""

    status: int
    body: Mapping[str, Any]
    lanes: set[str] = field(default_factory=set)


class Parser(FlaskParser):
    """Reads JSON whatever the Content-Type says; names every wrong field at once, as Notify does."""

    DEFAULT_VALIDATION_STATUS = 400

    def load_json(self, req: Any, schema: Any) -> Any:
        raw = req.get_data()
        try:
            value = json.loads(raw) if raw.strip() else {}
        except (ValueError, RecursionError):
            raise ApiError(
                400,
                Problem(
                    "BadRequestError", "Invalid JSON supplied in POST data", "Send a JSON object in UTF-8."
                ),
            ) from None
        value = value or {}
        if not isinstance(value, dict):
            raise ApiError(
                400,
                Problem("ValidationError", "The body is not of type object", "Send a JSON object, { … }."),
            )
        return value

    def handle_error(
        self, error: Any, req: Any, schema: Any, *, error_status_code: Any, error_headers: Any
    ) -> Any:
        listed = list(_flat(error.normalized_messages().get("json", {})))
        raise ApiError(
            400, *(Problem("ValidationError", text, "See this route in /docs.") for text in listed)
        )


def _flat(messages: Any, path: str = "") -> Any:
    if isinstance(messages, dict):
        for name, inner in messages.items():
            yield from _flat(inner, f"{path}.{name}" if path else str(name))
        return
    for text in messages if isinstance(messages, list) else [messages]:
        if text == "Unknown field.":
            yield f"Additional properties are not allowed ({path} was unexpected)"
        else:
            yield f"{path} {text}"


def enter(runtime: Runtime, scope: str) -> None:
    """Let an authenticated service with this scope in; ``g.caller`` is who it is."""
    admit(runtime, scope, lambda service: _account(runtime, service))


def admit(runtime: Runtime, scope: str, find: Callable[[UUID], Account | None]) -> None:
    """The same with accounts from ``find``."""
    caller = authenticate(find, request.headers.get("Authorization"), runtime.clock())
    if isinstance(caller, NotAllowed):
        raise ApiError(caller.status, Problem("AuthError", caller.message, caller.next_step))
    if scope not in caller.key.scopes:
        raise ApiError(
            403,
            Problem(
                "AuthError", f"This API key has no scope {scope}", f"Ask for a key with the scope {scope}."
            ),
        )
    g.caller = caller


def _account(runtime: Runtime, service: UUID) -> Account | None:
    with runtime.db.read() as tx:
        return store.account(tx, runtime.vault, service)


def caller() -> Caller:
    who: Caller = g.caller
    return who


def shown(body: Mapping[str, Any]) -> Response:
    """An answer that changed nothing."""
    return problems.as_json(body, 200)


def once(runtime: Runtime, work: Callable[[Connection], Answer]) -> Response:
    """Do the work in one commit, at most once for an ``Idempotency-Key``, then wake whom it concerns."""
    key = idempotency_key()
    with runtime.db.write() as tx:
        answer = _kept(tx, runtime, key, work) if key else work(tx)
    runtime.wake_all(answer.lanes)
    return problems.as_json(answer.body, answer.status)


def idempotency_key() -> str:
    """The caller's key for this request; empty for none."""
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > idempotency.LONGEST_KEY:
        raise ApiError(
            400, Problem("BadRequestError", "Idempotency-Key is too long", "Use at most 255 characters.")
        )
    return key


def _kept(tx: Connection, runtime: Runtime, key: str, work: Callable[[Connection], Answer]) -> Answer:
    service = caller().service_id
    digest = idempotency.request_digest(runtime.vault, request.method, request.path, request.get_data())
    match idempotency.look_up(tx, runtime, service, key, digest):
        case Stored(status, body):
            return Answer(status, json.loads(body))
        case OtherBody():
            raise ApiError(
                422,
                Problem(
                    "BadRequestError",
                    "Idempotency-Key was used for another request",
                    "Make a new key for a new request.",
                ),
            )
        case Running():
            raise ApiError(
                409,
                Problem(
                    "BadRequestError", "The same request is still being worked on", "Repeat it in a second."
                ),
            )
    answer = work(tx)
    idempotency.store(tx, runtime, service, key, digest, Stored(answer.status, json.dumps(answer.body)))
    return answer
