"""Writing texts, for whoever operates this: make, try, publish, archive. Scope ``operate``, on record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy import Connection

from gateway.api import door, personalisation, schemas
from gateway.api import writing_schemas as forms
from gateway.api.door import ONCE, Answer
from gateway.api.problems import ApiError, Problem
from gateway.api.shown import stamp
from gateway.api.template_schemas import PersonalisationSchema
from gateway.api.templates import identifier, no_result, number_of
from gateway.channels import AddressError
from gateway.content import editing, lint, registered, store
from gateway.content.editing import Author, NewText, TextError
from gateway.content.letters import LetterError
from gateway.content.lint import NotFitError
from gateway.content.preview import Preview, preview
from gateway.content.registered import Registration
from gateway.content.store import TemplateVersion
from gateway.levers import trying
from gateway.levers.trying import NotOfTheTeamError
from gateway.runtime import Runtime
from gateway.services.store import OPERATE

PROBLEMS = schemas.ProblemsSchema
WHERE = "GET /v2/ops/templates lists them."


def blueprint(runtime: Runtime) -> Blueprint:
    """The routes under ``/v2/ops/templates``."""
    routes = Blueprint("writing", __name__, url_prefix="/v2/ops/templates", description="Writing texts")
    routes.ARGUMENTS_PARSER = door.Parser()
    routes.before_request(lambda: door.enter(runtime, OPERATE))
    _texts(routes, runtime)
    _versions(routes, runtime)
    return routes


def _texts(routes: Blueprint, runtime: Runtime) -> None:
    @routes.get("")
    @routes.response(200, forms.LinesSchema)
    def every() -> Response:
        """Every text that is not archived, with its newest version, ordered by name."""
        with runtime.db.read() as tx:
            found = store.newest_versions(tx, drafts=True)
        ordered = sorted(found, key=lambda one: (one.title, one.channel, one.language))
        return door.shown({"templates": [_line(one) for one in ordered]})

    @routes.post("")
    @routes.arguments(forms.NewTextSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(201, forms.WholeTextSchema)
    def create(body: dict[str, Any]) -> Response:
        """Make a text. Its first version is a draft."""
        return door.once(runtime, lambda tx: _created(tx, runtime, body))

    @routes.get("/<key>")
    @routes.response(200, forms.WholeTextSchema)
    def one(key: str) -> Response:
        """A text with all its versions, what lint finds in them, and how providers know them."""
        with runtime.db.read() as tx:
            return door.shown(_whole(tx, identifier(key)))

    @routes.post("/<key>/versions")
    @routes.arguments(forms.NewVersionSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(201, forms.WholeTextSchema)
    def reword(body: dict[str, Any], key: str) -> Response:
        """Make the next version, a draft. What is sent stays as it is."""
        return door.once(runtime, lambda tx: _reworded(tx, runtime, identifier(key), body))

    @routes.post("/<key>/archive")
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.WholeTextSchema)
    def archive(key: str) -> Response:
        """Let a text be sent no more."""
        return door.once(runtime, lambda tx: _archived(tx, runtime, identifier(key)))


def _versions(routes: Blueprint, runtime: Runtime) -> None:
    @routes.post("/<key>/versions/<number>/publish")
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.WholeTextSchema)
    def publish(key: str, number: str) -> Response:
        """Let a draft be sent from now on. What lint calls an error keeps it from that."""
        return door.once(runtime, lambda tx: _published(tx, runtime, identifier(key), number_of(number)))

    @routes.post("/<key>/versions/<number>/preview")
    @routes.arguments(PersonalisationSchema)
    @routes.response(200, forms.WholePreviewSchema)
    def show(body: dict[str, Any], key: str, number: str) -> Response:
        """What it would be: words, parts or seconds, price, and who would carry it. Nothing is sent."""
        with runtime.db.read() as tx:
            version = _version(tx, key, number)
            values = personalisation.checked(version, body["personalisation"])
            seen = preview(tx, runtime, version, values)
        return door.shown({**_seen(seen), "findings": list(map(asdict, lint.check(version, values)))})

    @routes.post("/<key>/versions/<number>/test")
    @routes.arguments(forms.TrialSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(201, forms.TriedSchema)
    def test(body: dict[str, Any], key: str, number: str) -> Response:
        """Send a version, a draft too, to somebody on your service's team or guest list."""
        return door.once(runtime, lambda tx: _tried(tx, runtime, _version(tx, key, number), body))


# --- doing --------------------------------------------------------------------------------------


def _author(runtime: Runtime) -> Author:
    return Author(f"service {door.caller().service_id}", runtime.vault, runtime.clock())


@contextmanager
def _refusals() -> Iterator[None]:
    """What cannot be done with a text, as the API says it."""
    try:
        yield
    except NotFitError as error:
        raise ApiError(
            400, *(Problem("BadRequestError", f"{one.place}: {one.en}", one.zh) for one in error.findings)
        ) from None
    except (TextError, LetterError) as error:
        raise ApiError(400, Problem("BadRequestError", str(error), WHERE)) from None


def _created(tx: Connection, runtime: Runtime, body: dict[str, Any]) -> Answer:
    words = _words(body, body["type"])
    new = NewText(
        body["name"],
        body["type"],
        words,
        body["class_"],
        body["language"],
        translates=body.get("translates"),
    )
    with _refusals():
        return Answer(201, _whole(tx, editing.create(tx, _author(runtime), new).id))


def _reworded(tx: Connection, runtime: Runtime, key: UUID, body: dict[str, Any]) -> Answer:
    words = _words(body, _must_be_there(tx, key).channel)
    with _refusals():
        return Answer(201, _whole(tx, editing.add_version(tx, _author(runtime), key, words).id))


def _published(tx: Connection, runtime: Runtime, key: UUID, number: int) -> Answer:
    _must_be_there(tx, key)
    with _refusals():
        return Answer(200, _whole(tx, editing.publish(tx, _author(runtime), key, number).id))


def _archived(tx: Connection, runtime: Runtime, key: UUID) -> Answer:
    _must_be_there(tx, key)
    with _refusals():
        return Answer(200, _whole(tx, editing.archive(tx, _author(runtime), key).id))


def _tried(tx: Connection, runtime: Runtime, version: TemplateVersion, body: dict[str, Any]) -> Answer:
    values, service = personalisation.checked(version, body["personalisation"]), door.caller().service_id
    try:
        key, lane = trying.send(tx, runtime, version, body["to"], values, service, f"service {service}")
    except AddressError as error:
        raise ApiError(400, Problem("ValidationError", f"to {error.en}", error.zh)) from None
    except NotOfTheTeamError as error:
        raise ApiError(400, Problem("BadRequestError", str(error), "Add it to the team.")) from None
    uri = f"{runtime.settings.public_url}/v2/notifications/{key}"
    return Answer(201, {"id": str(key), "uri": uri}, {lane})


def _words(body: dict[str, Any], channel: str) -> str:
    subject = body.get("subject")
    if (subject is None) == (channel == "email"):
        said = "subject is a required property" if subject is None else "subject is for e-mails only"
        raise ApiError(400, Problem("ValidationError", said, "An e-mail has one, nothing else does."))
    return editing.whole(subject, body["body"])


def _must_be_there(tx: Connection, key: UUID) -> TemplateVersion:
    known = store.history(tx, key)
    if not known:
        raise no_result(WHERE)
    return known[0]


def _version(tx: Connection, key: str, number: str) -> TemplateVersion:
    place = identifier(key), number_of(number)
    found = store.versions(tx, [place]).get(place)
    if found is None:
        raise no_result(WHERE)
    return found


# --- showing ------------------------------------------------------------------------------------


def _line(version: TemplateVersion) -> dict[str, Any]:
    return {**_about(version), "version": version.version, "state": version.state}


def _about(version: TemplateVersion) -> dict[str, Any]:
    return {
        "id": str(version.id),
        "key": version.name,
        "name": version.title,
        "type": version.channel,
        "language": version.language,
        "class": version.klass,
    }


def _whole(tx: Connection, key: UUID) -> dict[str, Any]:
    newest = _must_be_there(tx, key)
    known = registered.of(tx, key)
    versions = [_written(one, [r for r in known if r.key == one.key]) for one in store.history(tx, key)]
    return {**_about(newest), "archived": newest.archived, "versions": versions}


def _written(version: TemplateVersion, known: list[Registration]) -> dict[str, Any]:
    return {
        "version": version.version,
        "state": version.state,
        "body": version.text,
        "subject": version.subject,
        "created_by": version.created_by,
        "updated_at": version.updated_at and stamp(version.updated_at),
        "variables": list(version.compiled.names.values()),
        "findings": list(map(asdict, lint.check(version))),
        "registrations": [
            {"provider": one.provider, "code": one.code, "state": one.state, "reason": one.reason}
            for one in known
        ],
    }


def _seen(seen: Preview) -> dict[str, Any]:
    said = asdict(seen)
    for carrier in said["carriers"]:
        price = carrier["price"]
        del price["provider"]
        for name in ("rate", "amount"):
            price[name] = price[name] if price[name] is None else str(price[name])
    return said
