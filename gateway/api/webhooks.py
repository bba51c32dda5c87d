"""Where a service is told of its events: for the service itself, and for operators on its behalf.

A key of the scope ``webhooks`` is needed, which a usual one has not: whoever may say where receipts
and people's texts go could have them sent elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from flask import Response, request
from flask_smorest import Blueprint
from sqlalchemy import Connection, Row

from gateway.api import door
from gateway.api import webhook_schemas as forms
from gateway.api.door import ONCE, Answer
from gateway.api.problems import ApiError, Problem
from gateway.api.received import OLDER, older_than, page_links
from gateway.api.shown import stamp
from gateway.errors import UnknownNameError
from gateway.levers import accounts
from gateway.runtime import Runtime
from gateway.services import webhooks as store
from gateway.services.store import OPERATE, WEBHOOKS
from gateway.services.webhooks import Kind, State
from gateway.webhooks import book
from gateway.webhooks.addresses import UnusableUrlError
from gateway.webhooks.book import Which
from gateway.webhooks.retry import Answered
from gateway.webhooks.telling import LANE

STATE = {"in": "query", "name": "state", "schema": {"type": "string", "enum": [*State]}}
NONE = {state.value: 0 for state in State}
Owner = Callable[[Mapping[str, str]], UUID]
Steer = Callable[[Connection, Runtime, UUID, Kind, str], bool]


def blueprints(runtime: Runtime) -> list[Blueprint]:
    """The routes for services themselves, and the same for operators."""
    own = Blueprint("webhooks", __name__, url_prefix="/v2/webhooks", description="Telling your service")
    own.before_request(lambda: door.enter(runtime, WEBHOOKS))
    theirs = Blueprint(
        "ops_webhooks",
        __name__,
        url_prefix="/v2/ops/services/<service>/webhooks",
        description="Telling a service",
    )
    theirs.before_request(lambda: door.enter(runtime, OPERATE))
    for routes, owner in (
        (own, lambda _: door.caller().service_id),
        (theirs, lambda at: _named(runtime, at)),
    ):
        routes.ARGUMENTS_PARSER = door.Parser()
        _subscriptions(routes, runtime, owner)
        _steering(routes, runtime, owner)
        _log(routes, runtime, owner)
    return [own, theirs]


def _named(runtime: Runtime, at: Mapping[str, str]) -> UUID:
    """The service in the path, by its id or its name."""
    try:
        with runtime.db.read() as tx:
            key: UUID = accounts.find(tx, at["service"]).id
    except UnknownNameError as error:
        raise _no_result(str(error)) from None
    return key


def _kind(at: Mapping[str, str]) -> Kind:
    try:
        return Kind(at["kind"])
    except ValueError:
        raise _no_result(f"The kinds are {', '.join(Kind)}.") from None


def _no_result(next_step: str) -> ApiError:
    return ApiError(404, Problem("NoResultFound", "No result found", next_step))


# --- subscriptions -----------------------------------------------------------------------------


def _subscriptions(routes: Blueprint, runtime: Runtime, owner: Owner) -> None:
    @routes.get("")
    @routes.response(200, forms.WebhooksSchema)
    def every(**at: str) -> Response:
        """Where the service is told of what, and how that goes."""
        service = owner(at)
        with runtime.db.read() as tx:
            counts = book.counts(tx, service)
            rows = store.listed(tx, service)
        return door.shown({"webhooks": [_webhook(row, counts.get(row.id, NONE)) for row in rows]})

    @routes.put("/<kind>")
    @routes.arguments(forms.WebhookWantedSchema)
    @routes.response(200, forms.WebhookSetSchema)
    def wanted(body: dict[str, Any], **at: str) -> Response:
        """Say where to tell it, or say so anew. Token and signing secret are shown this once."""
        service, kind, url = owner(at), _kind(at), body["url"]
        try:
            book.check(runtime, url)
        except UnusableUrlError as error:
            raise ApiError(
                400, Problem("ValidationError", str(error), "See docs: receive webhooks.")
            ) from None
        with runtime.db.write() as tx:
            made = book.subscribe(tx, runtime, service, kind, url, body.get("token"), door.actor())
        shown = {"kind": kind, "url": url, "token": made.token, "signing_secret": made.secret}
        return door.shown(shown)

    @routes.delete("/<kind>")
    @routes.response(200, forms.WebhookChangedSchema)
    def removed(**at: str) -> Response:
        """Tell it nothing of this kind any more."""
        service, kind = owner(at), _kind(at)
        with runtime.db.write() as tx, _there():
            book.remove(tx, runtime, service, kind, door.actor())
        return door.shown({"kind": kind, "state": "removed", "changed": True})


def _webhook(row: Row[Any], counts: Mapping[str, int]) -> dict[str, Any]:
    state = "paused" if row.paused_at else "resting" if row.failures else "active"
    return {
        "kind": row.kind,
        "url": row.url,
        "state": state,
        "paused_why": row.paused_why,
        "events": {str(name): number for name, number in counts.items()},
    }


@contextmanager
def _there() -> Iterator[None]:
    """What is not subscribed to, as the API says it."""
    try:
        yield
    except UnknownNameError as error:
        raise _no_result(str(error)) from None


# --- steering ------------------------------------------------------------------------------------


def _steering(routes: Blueprint, runtime: Runtime, owner: Owner) -> None:
    def steer(lever: Steer, state: str, at: Mapping[str, str]) -> Response:
        service, kind = owner(at), _kind(at)

        def work(tx: Connection) -> Answer:
            with _there():
                changed = lever(tx, runtime, service, kind, door.actor())
            return Answer(200, {"kind": kind, "state": state, "changed": changed}, {LANE})

        return door.once(runtime, work)

    @routes.post("/<kind>/pause")
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.WebhookChangedSchema)
    def paused(**at: str) -> Response:
        """Hold it still; what happens meanwhile waits, for a week."""
        return steer(book.pause, "paused", at)

    @routes.post("/<kind>/resume")
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.WebhookChangedSchema)
    def resumed(**at: str) -> Response:
        """Let it go on, beginning with what waited."""
        return steer(book.resume, "active", at)

    @routes.post("/<kind>/test")
    @routes.response(200, forms.WebhookTriedSchema)
    def tried(**at: str) -> Response:
        """Post a body about nothing to the address, now, and say what it answered."""
        service, kind = owner(at), _kind(at)
        with _there():
            outcome = book.try_out(runtime, service, kind)
        status = outcome.status if isinstance(outcome, Answered) else None
        ok = status is not None and 200 <= status < 300
        cause = None if ok else f"http_{status}" if isinstance(outcome, Answered) else outcome.code
        return door.shown({"ok": ok, "status": status, "cause": cause})


# --- the log -------------------------------------------------------------------------------------


def _log(routes: Blueprint, runtime: Runtime, owner: Owner) -> None:
    @routes.get("/<kind>/events")
    @routes.doc(parameters=[STATE, OLDER])
    @routes.response(200, forms.WebhookEventsSchema)
    def events(**at: str) -> Response:
        """What was told or is to be told, the newest first. Kept for a week."""
        which = Which(owner(at), _kind(at), _states(request.args.get("state")))
        older = older_than()
        with runtime.db.read() as tx:
            rows = book.log(tx, which, older)
        links = page_links(runtime, request.path, rows[-1].id if rows else None)
        return door.shown({"events": [_event(row) for row in rows], "links": links})

    @routes.post("/<kind>/replay")
    @routes.arguments(forms.WebhookReplaySchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.WebhookReplayedSchema)
    def replayed(body: dict[str, Any], **at: str) -> Response:
        """Tell some of it anew, under the same ids; what failed, unless you say otherwise."""
        states = tuple(map(State, body["states"]))
        which = Which(owner(at), _kind(at), states, body.get("since"), body.get("until"), body.get("ids", ()))
        return door.once(
            runtime,
            lambda tx: Answer(200, {"events": book.replay(tx, runtime, which, door.actor())}, {LANE}),
        )


def _states(given: str | None) -> tuple[State, ...]:
    if given is None:
        return tuple(State)
    try:
        return (State(given),)
    except ValueError:
        said = f"state {given[:20]} is not one of [{', '.join(State)}]"
        raise ApiError(400, Problem("ValidationError", said, "Leave it out for all.")) from None


def _event(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "kind": row.kind,
        "subject": str(row.subject),
        "state": row.state,
        "tries": row.tries,
        "status": row.status,
        "cause": row.cause,
        "created_at": stamp(row.created_at),
        "next_try_at": stamp(row.due_at) if row.due_at else None,
        "ended_at": stamp(row.ended_at) if row.ended_at else None,
    }
