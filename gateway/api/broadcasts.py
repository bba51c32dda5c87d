"""Broadcasts for systems: count a draft, start it, hold it still, stop it, ask how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Response, request
from flask_smorest import Blueprint
from sqlalchemy import Connection

from gateway import cities
from gateway.api import door, schemas
from gateway.api.broadcast_schemas import BroadcastSchema, BroadcastsSchema, NewBroadcastSchema
from gateway.api.door import ONCE, Answer
from gateway.api.problems import ApiError, Problem
from gateway.broadcasts import carrying, enclosures, progress, recipients, rehearsal, store
from gateway.broadcasts import definition as definitions
from gateway.broadcasts.definition import Definition, DefinitionError
from gateway.broadcasts.expand import LANE
from gateway.broadcasts.recipients import SHOWN, Checked, Line
from gateway.broadcasts.rehearsal import Rehearsal
from gateway.broadcasts.store import ACTIONS
from gateway.errors import UnknownNameError
from gateway.messages import Attachment
from gateway.runtime import Runtime

STEERING = {
    "start": "Let a draft go.",
    "pause": "Hold it still: nothing more is handed over, nothing is lost.",
    "resume": "Let a paused one go on.",
    "cancel": "Stop it for good; what still waits is withdrawn within seconds.",
}
LARGEST_BODY = 16 * 2**20  # bytes of a request that makes a draft: its files in base64, and a list


def blueprint(runtime: Runtime) -> Blueprint:
    """The routes under ``/v2`` that concern broadcasts."""
    routes = Blueprint("broadcasts", __name__, url_prefix="/v2", description="One message to many people")
    routes.ARGUMENTS_PARSER = door.Parser()
    routes.before_request(lambda: _enter(runtime))

    @routes.post("/broadcasts")
    @routes.arguments(NewBroadcastSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(201, BroadcastSchema)
    @routes.alt_response(400, schema=schemas.ProblemsSchema)
    def create(body: dict[str, Any]) -> Response:
        """Count first: a draft with its numbers. Nothing goes before you start it."""
        return _create(runtime, body)

    @routes.get("/broadcasts")
    @routes.response(200, BroadcastsSchema)
    def show_all() -> dict[str, Any]:
        """Your service's broadcasts, the newest 50."""
        with runtime.db.read() as tx:
            rows = store.listed(tx, service_id=door.caller().service_id)
            found = progress.of_all(tx, rows, runtime.clock())
        return {"broadcasts": [_shown(runtime, one) for one in found]}

    @routes.get("/broadcasts/<key>")
    @routes.response(200, BroadcastSchema)
    @routes.alt_response(404, schema=schemas.ProblemsSchema)
    def show(key: str) -> dict[str, Any]:
        """How far a broadcast of your service is."""
        with runtime.db.read() as tx:
            return _shown(runtime, progress.of(tx, _own(tx, key), runtime.clock()))

    for action, words in STEERING.items():
        _steer(routes, runtime, action, words)
    return routes


def _enter(runtime: Runtime) -> None:
    """Only who may make a draft may send as much as its files have."""
    door.enter(runtime, "broadcasts")
    request.max_content_length = LARGEST_BODY


def _steer(routes: Blueprint, runtime: Runtime, action: str, words: str) -> None:
    """One route for each action."""

    def act(key: str) -> Response:
        return door.once(runtime, lambda tx: _act(tx, runtime, key, action))

    act.__name__, act.__doc__ = action, words
    act = routes.doc(parameters=[ONCE])(act)
    act = routes.response(200, BroadcastSchema)(act)
    act = routes.alt_response(404, schema=schemas.ProblemsSchema)(act)
    act = routes.alt_response(409, schema=schemas.ProblemsSchema)(act)
    routes.post(f"/broadcasts/<key>/{action}")(act)


# --- the work of each route ----------------------------------------------------------------


def _create(runtime: Runtime, body: dict[str, Any]) -> Response:
    try:
        definition, files = _definition(runtime, body), _files(body)
        given = enumerate(body.get("recipients", ()))
        lines = [Line(number, one["phone_number"], one["name"]) for number, one in given]
        with runtime.db.read() as tx:
            checked = _checked(tx, runtime, definition, lines)
            counted = (
                rehearsal.rehearse_list(tx, runtime, definition, checked, files)
                if checked
                else rehearsal.rehearse(tx, runtime, definition, files)
            )
    except DefinitionError as error:
        raise _refused(error.problems) from None
    key = runtime.new_id()
    rows = recipients.sealed(runtime, key, checked.good) if checked else []
    return door.once(runtime, lambda tx: _draft(tx, runtime, key, definition, counted, checked, rows, files))


def _definition(runtime: Runtime, body: dict[str, Any]) -> Definition:
    """The definition asked for; without ``template`` a shipped one, with what else was said in its place."""
    keys = {name: value for name, value in body.items() if name != "recipients"}
    if not keys.get("template"):
        try:
            keys = {**definitions.shipped(keys.get("name") or ""), **keys}
        except UnknownNameError as error:
            raise DefinitionError([("name", f"{error} Or give a template.")]) from None
        keys["name"] = body.get("name")
    if body.get("recipients"):
        if body.get("audience") is not None:
            raise DefinitionError([("recipients", "and audience cannot both be given")])
        keys.pop("audience", None)
    elif keys.get("audience") is None:
        raise DefinitionError([("audience", "or recipients is a required property")])
    rules = cities.of(runtime).rules_now(runtime.clock())
    return definitions.resolve(keys, rules, runtime.clock())


def _files(body: dict[str, Any]) -> list[Attachment]:
    """The files given, else those of the shipped broadcast asked for."""
    if "attachments" in body or body.get("template"):
        return enclosures.decoded(body.get("attachments", ()))
    return enclosures.beside(definitions.SHIPPED, definitions.shipped(body["name"]).get("attachments", ()))


def _checked(
    tx: Connection, runtime: Runtime, definition: Definition, lines: Sequence[Line]
) -> Checked | None:
    """The list, every line of it good; None for an audience."""
    if not lines:
        return None
    definitions.check_list(definition, "mobile")
    against = carrying.by_line(tx, runtime, definition)
    checked = recipients.check(tx, runtime, "mobile", definition.channel, lines, against)
    wrong = [(f"recipients.{one.line}.{one.key}".rstrip("."), one.reason) for one in checked.refused[:SHOWN]]
    if more := len(checked.refused) - len(wrong):
        wrong.append(("recipients", f"{more:,} more are wrong"))
    if wrong:
        raise DefinitionError(wrong)
    return checked


def _draft(
    tx: Connection,
    runtime: Runtime,
    key: UUID,
    definition: Definition,
    counted: Rehearsal,
    checked: Checked | None,
    rows: Sequence[dict[str, Any]],
    files: Sequence[Attachment],
) -> Answer:
    service = door.caller().service_id
    actor = f"service {service}"
    people = counted.people
    store.create(tx, runtime, definition, actor, counted=people, service_id=service, key=key, files=files)
    recipients.keep(tx, rows)
    rules = cities.of(runtime).rules_now(runtime.clock())
    shown = _shown(runtime, progress.of(tx, store.find(tx, key), runtime.clock()))
    shown["counted"] = rehearsal.as_json(counted, rules)
    if checked:
        shown["duplicates"] = checked.duplicates
    return Answer(201, shown)


def _act(tx: Connection, runtime: Runtime, key: str, action: str) -> Answer:
    row = _own(tx, key)
    refused = store.act(tx, runtime, row.id, ACTIONS[action], f"service {row.service_id}")
    if refused:
        raise ApiError(409, Problem("BadRequestError", refused.message, refused.next_step))
    shown = _shown(runtime, progress.of(tx, store.find(tx, row.id), runtime.clock()))
    return Answer(200, shown, {LANE})


def _own(tx: Connection, key: str) -> Any:
    """The caller's own broadcast; anybody else's is as unknown as none."""
    try:
        row = store.find(tx, UUID(key), service_id=door.caller().service_id)
    except ValueError:
        row = None
    if row is None:
        words = "Check the id; only your own broadcasts are shown: GET /v2/broadcasts."
        raise ApiError(404, Problem("NoResultFound", "No result found", words))
    return row


def _shown(runtime: Runtime, standing: progress.Progress) -> dict[str, Any]:
    uri = f"{runtime.settings.public_url}/v2/broadcasts/{standing.id}"
    return {**progress.as_json(standing), "uri": uri}


def _refused(problems: Sequence[tuple[str, str]]) -> ApiError:
    words = "Correct this and send it again; POST /v2/broadcasts in /docs describes every key."
    return ApiError(400, *(Problem("ValidationError", f"{key} {text}", words) for key, text in problems))
