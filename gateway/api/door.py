"""What every API request passes: who calls, may they, how often, is it a repetition, does it wake anybody."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from typing import Any
from uuid import UUID

from flask import Response, g, request
from marshmallow import ValidationError
from sqlalchemy import Connection
from webargs.flaskparser import FlaskParser

from gateway.api import form, problems
from gateway.api.problems import ApiError, Problem
from gateway.notifications import asked
from gateway.runtime import Runtime
from gateway.services import idempotency, limits, store
from gateway.services.auth import Caller, NotAllowed, authenticate
from gateway.services.idempotency import OtherBody, Repeated, Stored
from gateway.services.limits import Asked, Day
from gateway.services.store import BROADCASTS, NORMAL, TRANSACTIONS, Account

ONCE = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "The same key and body have the same answer, and are taken once, for 48 hours.",
    "schema": {"type": "string", "maxLength": idempotency.LONGEST_KEY},
}
"""What a route says that may be repeated."""
Find = Callable[[UUID], Account | None]
REAL = (BROADCASTS, TRANSACTIONS)  # what is begun there goes out to whoever it concerns: nothing is played


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body, and the lanes to wake once it is committed.

    ``once`` names what of the body is not told again to whoever repeats the request.
    """

    status: int
    body: Mapping[str, Any]
    lanes: set[str] = field(default_factory=set)
    once: str = ""

    @property
    def again(self) -> Stored:
        kept = {name: None if name == self.once else value for name, value in self.body.items()}
        return Stored(self.status, json.dumps(kept))


class Parser(FlaskParser):
    """Reads JSON whatever the Content-Type says; names every wrong field at once, as Notify does."""

    DEFAULT_VALIDATION_STATUS = 400

    def use_args(self, argmap: Any, req: Any = None, *, location: str | None = None, **options: Any) -> Any:
        """webargs' own, but for JSON bodies: they are read without what other places need."""
        if location != "json" or options:
            return super().use_args(argmap, req, location=location, **options)
        read = form.reader(argmap() if isinstance(argmap, type) else argmap)

        def decorated(view: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(view)
            def wrapper(*args: Any, **named: Any) -> Any:
                body = self.load_json(request, argmap)
                try:
                    wanted = read(body)
                except ValidationError as error:
                    raise ApiError(400, *faults(error)) from None
                return view(*args, wanted, **named)

            return wrapper

        return decorated

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
        raise ApiError(
            400, *(one for found in error.normalized_messages().values() for one in _faults(found))
        )


def faults(error: ValidationError) -> Sequence[Problem]:
    """Everything that is wrong with a part of a body."""
    return list(_faults(error.messages))


def _faults(messages: Any) -> Iterator[Problem]:
    for text in _flat(messages):
        yield Problem("ValidationError", text, "See this route in /docs.")


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
    """Let a service with this scope in, unless it asks too often; ``g.caller`` is who it is."""
    identify(runtime, scope, lambda service: _account(runtime, service))
    limit(runtime, Asked())


def enter_known(runtime: Runtime, scope: str, known: Find, channel: str = "") -> Response | None:
    """The same for busy routes: let in on what was ``known`` a moment ago, refuse only on what stands now.

    A request that asks for a message on a channel is counted for the day; one that was answered
    before the day was over has that answer.
    """
    try:
        identify(runtime, scope, known)
    except ApiError:
        identify(runtime, scope, lambda service: _account(runtime, service))
    try:
        limit(runtime, Asked(channel, 1 if channel else 0))
    except ApiError as refused:
        if refused.problems[0].error == limits.USED_UP and (earlier := answered(runtime)):
            return earlier
        raise
    return None


def identify(runtime: Runtime, scope: str, find: Find) -> None:
    """Find out who calls, with accounts from ``find``."""
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
    if scope in REAL and caller.key.type != NORMAL and request.method not in ("GET", "HEAD"):
        said = f"A {caller.key.type} key cannot be used for {scope}: they reach people outside its team"
        raise ApiError(403, Problem("AuthError", said, f"Use a normal key with the scope {scope}."))
    g.caller = caller


def limit(runtime: Runtime, asks: Asked) -> None:
    """Count what the request asks for; refuse what is beyond its service's limits."""
    now = runtime.clock()
    refused = limits.admit(runtime, caller(), asks, now, partial(_asked, runtime))
    if refused:
        raise ApiError(429, Problem(refused.error, refused.message, refused.next_step))
    g.counted, g.counted_at = asks, now


def put_back(runtime: Runtime, messages: int) -> None:
    """So many of the messages that were counted are refused one by one."""
    asks: Asked = g.counted
    limits.put_back(runtime, caller(), replace(asks, messages=messages), g.counted_at)
    g.counted = replace(asks, messages=asks.messages - messages)


def leave(runtime: Runtime, response: Response) -> Response:
    """After a request: what was counted and did not become a message was none.

    After a fault of ours nobody knows; the books are asked before anybody is refused for it.
    """
    if "counted" in g and (400 <= response.status_code < 500 or g.get("repeated")):
        limits.put_back(runtime, caller(), g.counted, g.counted_at)
    return response


def _asked(runtime: Runtime, day: Day) -> int:
    with runtime.db.read() as tx:
        return asked.count(tx, day)


def _account(runtime: Runtime, service: UUID) -> Account | None:
    with runtime.db.read() as tx:
        return store.account(tx, runtime.vault, service)


def caller() -> Caller:
    who: Caller = g.caller
    return who


def actor() -> str:
    """Who asks, as the audit chain names a service."""
    return f"service {caller().service_id}"


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
    service, asked = caller().service_id, digest(runtime)
    if found := idempotency.look_up(tx, runtime, service, key, asked):
        stored = repeated(found)
        return Answer(stored.status, json.loads(stored.body))
    answer = work(tx)
    idempotency.store(tx, runtime, service, key, asked, answer.again)
    return answer


def digest(runtime: Runtime) -> bytes:
    """What this request is compared by, should its key come again.

    Asked with another type of key it is another request: what was only played is not answered as sent.
    """
    asked = f"{caller().key.type} {request.method}"
    return idempotency.request_digest(runtime.vault, asked, request.path, request.get_data())


def repeated(found: Repeated) -> Stored:
    """The answer that stands under a key; ``ApiError`` where it cannot be given for this request."""
    if isinstance(found, Stored):
        g.repeated = True
        return found
    if isinstance(found, OtherBody):
        said = "Idempotency-Key was used for another request"
        raise ApiError(422, Problem("BadRequestError", said, "Make a new key for a new request."))
    said = "The same request is still being worked on"
    raise ApiError(409, Problem("BadRequestError", said, "Repeat it in a second."))


def answered(runtime: Runtime) -> Response | None:
    """The answer that stands under this very request's key: what has changed since changes nothing."""
    if not (key := idempotency_key()):
        return None
    with runtime.db.read() as tx:
        found = idempotency.known(tx, runtime, caller().service_id, key, digest(runtime))
    if not isinstance(found, Stored):
        return None
    stored = repeated(found)
    return problems.as_json(json.loads(stored.body), stored.status)
