"""The texts a service may send, for systems (GOV.UK Notify's v2). Drafts are not among them.

A text is shown in the version that is sent now: while a provider reviews a newer one, the one it
approved before.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from flask import Response, request
from flask_smorest import Blueprint

from gateway import cities
from gateway.api import door, personalisation
from gateway.api import template_schemas as forms
from gateway.api.problems import ApiError, Problem
from gateway.api.shown import stamp
from gateway.content import store
from gateway.content.preview import page
from gateway.content.store import State, TemplateVersion
from gateway.runtime import Runtime
from gateway.services.store import READ

TYPES = ("sms", "email", "letter")  # Notify's; letters we have none
OURS = "voice"  # shown only to those who ask for it: Notify's clients know no such type
LARGEST_VERSION = 2**31 - 1
TYPE = {
    "in": "query",
    "name": "type",
    "schema": {"type": "string", "enum": [*TYPES, OURS]},
    "description": "Texts of one type; without it those for sms and email.",
}


def blueprint(runtime: Runtime) -> Blueprint:
    """The routes under ``/v2/template`` and ``/v2/templates``."""
    routes = Blueprint("templates", __name__, url_prefix="/v2", description="Texts")
    routes.ARGUMENTS_PARSER = door.Parser()
    routes.before_request(lambda: door.enter(runtime, READ))

    @routes.get("/templates")
    @routes.doc(parameters=[TYPE])
    @routes.response(200, forms.TextsSchema)
    def every() -> Response:
        """The texts your key may send."""
        types = _types(request.args.get("type"))
        with runtime.db.read() as tx:
            found = store.listed(tx, runtime.reviewers)
        return door.shown({"templates": [_shown(one) for one in found if one.channel in types and _may(one)]})

    @routes.get("/template/<key>")
    @routes.response(200, forms.TextSchema)
    def one(key: str) -> Response:
        """A text in the version that is sent now."""
        return door.shown(_shown(_current(runtime, key)))

    @routes.get("/template/<key>/version/<number>")
    @routes.response(200, forms.TextSchema)
    def version(key: str, number: str) -> Response:
        """A text in one of its versions."""
        return door.shown(_shown(_version(runtime, key, number)))

    @routes.post("/template/<key>/preview")
    @routes.arguments(forms.PersonalisationSchema)
    @routes.response(200, forms.PreviewedSchema)
    def preview(body: dict[str, Any], key: str) -> Response:
        """A text with values put in. Nothing is sent."""
        return door.shown(_previewed(runtime, _current(runtime, key), body["personalisation"]))

    return routes


def identifier(written: str) -> UUID:
    """The id in a path; ``ApiError`` in Notify's words for what is none."""
    try:
        return UUID(written)
    except ValueError:
        problem = Problem("ValidationError", "id is not a valid UUID", "GET /v2/templates lists the ids.")
        raise ApiError(400, problem) from None


def no_result(next_step: str = "GET /v2/templates lists the texts your key may send.") -> ApiError:
    return ApiError(404, Problem("NoResultFound", "No result found", next_step))


def number_of(written: str) -> int:
    """The number of a version; ``ApiError`` for what is none."""
    if not re.fullmatch(r"-?[0-9]{1,12}", written, re.ASCII):
        problem = Problem(
            "ValidationError", f"version {written[:20]} is not of type integer", "Versions are 1, 2, 3 …"
        )
        raise ApiError(400, problem)
    if int(written) < 1:
        said = f"version {int(written)} is less than the minimum of 1"
        raise ApiError(400, Problem("ValidationError", said, "Versions are 1, 2, 3 …"))
    return min(int(written), LARGEST_VERSION)


def _types(given: str | None) -> tuple[str, ...]:
    if given is None:
        return TYPES
    if given not in (*TYPES, OURS):
        said = f"type {given[:20]} is not one of [{', '.join(TYPES)}]"
        raise ApiError(400, Problem("ValidationError", said, "Leave it out for all; voice is one of ours."))
    return (given,)


def _may(version: TemplateVersion) -> bool:
    allowed = door.caller().key.templates
    return not allowed or version.id in allowed


def _current(runtime: Runtime, key: str) -> TemplateVersion:
    with runtime.db.read() as tx:
        found = store.to_send_by_id(tx, identifier(key), runtime.reviewers)
    if found is None or not _may(found):
        raise no_result()
    return found


def _version(runtime: Runtime, key: str, number: str) -> TemplateVersion:
    place = identifier(key), number_of(number)
    with runtime.db.read() as tx:
        found = store.versions(tx, [place]).get(place)
    if found is None or found.state == State.DRAFT or not _may(found):
        raise no_result()
    return found


def _shown(version: TemplateVersion) -> dict[str, Any]:
    return {
        "id": str(version.id),
        "name": version.title,
        "type": version.channel,
        "created_at": version.created_at and stamp(version.created_at),
        "updated_at": version.updated_at and stamp(version.updated_at),
        "created_by": version.created_by,
        "version": version.version,
        "body": version.text,
        "subject": version.subject,
        "letter_contact_block": None,
        "personalisation": {name: {"required": True} for name in version.compiled.names.values()},
        "postage": None,
    }


def _previewed(runtime: Runtime, version: TemplateVersion, given: dict[str, Any]) -> dict[str, Any]:
    values = personalisation.checked(version, given)
    subject, body = version.words(values)
    said = {
        "id": str(version.id),
        "type": version.channel,
        "version": version.version,
        "body": body,
        "subject": subject,
        "html": None,
        "postage": None,
    }
    if version.channel == "email":
        rules = cities.of(runtime).rules_now(runtime.clock())
        said["html"] = page(version, values, rules)
    return said
