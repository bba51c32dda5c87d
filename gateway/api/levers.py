"""The levers for systems: hold still, let go, cancel, replay. Scope ``operate``; all is on record.

They reach every service's messages, as an operator's do.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy import Connection

from gateway.api import door, schemas
from gateway.api import lever_schemas as forms
from gateway.api.door import ONCE, Answer
from gateway.api.problems import ApiError, Problem
from gateway.api.refusals import refusals
from gateway.broadcasts import expand
from gateway.broadcasts import store as broadcasts
from gateway.delivery import route_book
from gateway.delivery.route_book import Override
from gateway.levers import cancelling, dead_letters, holding, replays, twice, weights
from gateway.levers.dead_letters import Cause
from gateway.notifications.pauses import Kind, Pause, paused
from gateway.notifications.status import DEAD
from gateway.runtime import Runtime
from gateway.services.store import OPERATE

PROBLEMS = schemas.ProblemsSchema
SEE = ("See GET /v2/ops/levers.", "See how it stands.")


def blueprint(runtime: Runtime) -> Blueprint:
    """The routes under ``/v2/ops``."""
    routes = Blueprint("levers", __name__, url_prefix="/v2/ops", description="For whoever operates this")
    routes.ARGUMENTS_PARSER = door.Parser()
    routes.before_request(lambda: door.enter(runtime, OPERATE))
    _holding(routes, runtime)
    _cancelling(routes, runtime)
    _dead_letters(routes, runtime)
    _weights(routes, runtime)
    return routes


def _holding(routes: Blueprint, runtime: Runtime) -> None:
    @routes.get("/levers")
    @routes.response(200, forms.LeversSchema)
    def levers() -> dict[str, Any]:
        """Lanes, providers and broadcasts that can be held still, and which are."""
        with runtime.db.read() as tx:
            return {"levers": [one for kind in Kind for one in _levers(tx, runtime, kind)]}

    @routes.post("/pause")
    @routes.arguments(forms.HoldSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.HeldSchema)
    @routes.alt_response(404, schema=PROBLEMS)
    @routes.alt_response(409, schema=PROBLEMS)
    def pause(body: dict[str, Any]) -> Response:
        """Hold a lane, a provider or a broadcast still. What waits keeps its place."""
        return door.once(runtime, lambda tx: _hold(tx, runtime, body, resume=False))

    @routes.post("/resume")
    @routes.arguments(forms.HoldSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.HeldSchema)
    @routes.alt_response(404, schema=PROBLEMS)
    @routes.alt_response(409, schema=PROBLEMS)
    def resume(body: dict[str, Any]) -> Response:
        """Let it go on."""
        return door.once(runtime, lambda tx: _hold(tx, runtime, body, resume=True))


def _cancelling(routes: Blueprint, runtime: Runtime) -> None:
    @routes.post("/cancel")
    @routes.arguments(forms.CancelSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.CancelledSchema)
    @routes.alt_response(404, schema=PROBLEMS)
    @routes.alt_response(409, schema=PROBLEMS)
    def cancel(body: dict[str, Any]) -> Response:
        """Withdraw a message, what waits of a transaction, or a broadcast."""
        return door.once(runtime, lambda tx: _cancel(tx, runtime, body))


def _dead_letters(routes: Blueprint, runtime: Runtime) -> None:
    @routes.get("/dead-letters")
    @routes.response(200, forms.CausesSchema)
    def causes() -> dict[str, Any]:
        """What reached nobody, by cause, the newest first."""
        with runtime.db.read() as tx:
            return {"dead_letters": [_group(one) for one in dead_letters.groups(tx, *DEAD)]}

    @routes.post("/replays")
    @routes.arguments(forms.ReplaySchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.ReplayedSchema)
    @routes.alt_response(400, schema=PROBLEMS)
    def replay(body: dict[str, Any]) -> Response:
        """Take a cause's letters anew; with `dry_run` count them and say who would get a second message."""
        cause = _cause(body["cause"])
        if body["dry_run"]:
            door.idempotency_key()  # a wrong one is told even where nothing is kept
            with runtime.db.read() as tx:
                return door.shown(_plan(tx, runtime, cause))
        return door.once(runtime, lambda tx: _replay(tx, runtime, cause, again=body["again"]))


def _weights(routes: Blueprint, runtime: Runtime) -> None:
    @routes.get("/routes")
    @routes.response(200, forms.RoutesSchema)
    def weights_now() -> dict[str, Any]:
        """Every provider's weight, and where it is another for a while."""
        with runtime.db.read() as tx:
            others = {(row.channel, row.provider): row for row in route_book.in_force(tx, runtime.clock())}
        return {
            "routes": [
                _route(channel, name, weight, others.get((channel, name)))
                for channel, weights in runtime.settings.providers.items()
                for name, weight in weights.items()
            ]
        }

    @routes.post("/routes")
    @routes.arguments(forms.OverrideSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.OverriddenSchema)
    @routes.alt_response(404, schema=PROBLEMS)
    def override(body: dict[str, Any]) -> Response:
        """Give a channel's providers other weights for a while; 0 leaves one out."""
        return door.once(runtime, lambda tx: _override(tx, runtime, body))

    @routes.post("/routes/clear")
    @routes.arguments(forms.ClearSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.ClearedSchema)
    def clear(body: dict[str, Any]) -> Response:
        """Back to the weights of the settings, at once."""
        return door.once(runtime, lambda tx: _clear(tx, runtime, body["channel"]))


# --- the work of each route ----------------------------------------------------------------


def _levers(tx: Connection, runtime: Runtime, kind: Kind) -> list[dict[str, Any]]:
    held = paused(tx, kind)
    return [_lever(kind, name, held.get(name)) for name in holding.names(tx, runtime, kind)]


def _lever(kind: Kind, name: str, pause: Pause | None) -> dict[str, Any]:
    since = pause.since.isoformat() if pause else None
    return {"kind": kind, "name": name, "paused_since": since, "paused_by": pause.actor if pause else None}


def _hold(tx: Connection, runtime: Runtime, body: dict[str, Any], *, resume: bool) -> Answer:
    kind, name = Kind(body["kind"]), body["name"]
    lever = holding.resume if resume else holding.pause
    with refusals(*SEE):
        changed = lever(tx, runtime, kind, name, door.actor())
    state = "running" if resume else "paused"
    lanes = holding.to_wake(runtime, kind, name) if resume else set()
    return Answer(200, {"kind": kind, "name": name, "state": state, "changed": changed}, lanes)


def _cancel(tx: Connection, runtime: Runtime, body: dict[str, Any]) -> Answer:
    kind, name = body["kind"], body["name"]
    said = {"kind": kind, "name": name}
    if kind == "broadcast":
        with refusals(*SEE):
            holding.steer(tx, runtime, name, broadcasts.CANCEL, door.actor())
        return Answer(200, said, {expand.LANE})
    lever = cancelling.notification if kind == "notification" else cancelling.reference
    with refusals(*SEE):
        return Answer(200, {**said, **asdict(lever(tx, runtime, name, door.actor()))})


def _group(group: dead_letters.Group) -> dict[str, Any]:
    return {
        "cause": str(group.cause),
        "number": group.number,
        "oldest": group.oldest.isoformat(),
        "newest": group.newest.isoformat(),
        "replayable": group.cause.replayable,
    }


def _cause(text: str) -> Cause:
    try:
        return Cause.read(text)
    except ValueError as error:
        words = "GET /v2/ops/dead-letters names them."
        raise ApiError(400, Problem("ValidationError", f"cause {error}", words)) from None


def _plan(tx: Connection, runtime: Runtime, cause: Cause) -> dict[str, Any]:
    now = runtime.clock()
    whom = [
        {**asdict(one), "notification": str(one.notification)}
        for one in twice.listed(tx, runtime, cause, now)
    ]
    counted = asdict(dead_letters.plan(tx, cause, now))
    return {"cause": str(cause), "dry_run": True, **counted, "would_get_a_second": whom}


def _replay(tx: Connection, runtime: Runtime, cause: Cause, *, again: bool) -> Answer:
    now = runtime.clock()
    batch = replays.some(tx, runtime, cause, now, door.actor(), again=again)
    plan = dead_letters.plan(tx, cause, now)
    left = plan.fresh + (plan.again if again else 0) if batch.held == dead_letters.AT_ONCE else 0
    shown = {"cause": str(cause), "dry_run": False, "taken": batch.taken, "left": left}
    return Answer(200, shown, batch.lanes)


def _route(channel: str, provider: str, weight: int, other: Any) -> dict[str, Any]:
    row = {"channel": channel, "provider": provider, "weight": weight, "override": None}
    if other:
        until = other.until.isoformat()
        row["override"] = {"weight": other.weight, "until": until, "by": other.actor, "why": other.why}
    return row


def _override(tx: Connection, runtime: Runtime, body: dict[str, Any]) -> Answer:
    until = runtime.clock() + timedelta(seconds=body["seconds"])
    wanted = Override(body["channel"], body["weights"], until, door.actor(), body["why"])
    with refusals(*SEE):
        weights.override(tx, runtime, wanted)
    return Answer(200, {"channel": body["channel"], "weights": body["weights"], "until": until.isoformat()})


def _clear(tx: Connection, runtime: Runtime, channel: str) -> Answer:
    cleared = route_book.clear(tx, runtime, channel, door.actor())
    return Answer(200, {"channel": channel, "cleared": cleared})
