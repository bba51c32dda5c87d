"""The OpenAPI document: what the routes say of themselves, and what is true of all of them.

Each route names its forms and what may go wrong with its own work. What every caller may
be told (who are you, too large, too fast, a fault of ours) is said here, once for all, and
an error has one shape. ``/docs/openapi.json`` and ``gateway openapi`` give the same document.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import Any

from apispec.core import Components
from flask import Flask, Response
from flask_smorest import Api, Blueprint

from gateway.api import examples, problems
from gateway.api.problems import Problem
from gateway.api.schemas import SOMETIMES

JSON = "application/json"
PROBLEMS = {"$ref": "#/components/schemas/Problems"}
REFUSALS: Mapping[int, tuple[str, str, Problem]] = {
    400: (
        "Refused",
        "Something is wrong with the request; every fault is listed, with its next step.",
        Problem("ValidationError", "phone_number Not enough digits", "See this route in /docs."),
    ),
    401: (
        "NoToken",
        "There is no bearer token.",
        Problem(
            "AuthError",
            "Unauthorized: authentication token must be provided",
            "Send 'Authorization: Bearer <token>'; /docs shows how.",
        ),
    ),
    403: (
        "NotAllowed",
        "The token is wrong, its key was revoked, or the key may not do this.",
        Problem(
            "AuthError",
            "Invalid token: API key not found",
            "Check the service id and secret in your API key.",
        ),
    ),
    404: (
        "NotFound",
        "There is no such thing, or it is another service's.",
        Problem("NoResultFound", "No result found", "Only your own messages are shown."),
    ),
    409: (
        "NotNow",
        "It cannot be done now, or the same request is still being worked on.",
        Problem("BadRequestError", "The same request is still being worked on", "Repeat it in a second."),
    ),
    413: (
        "TooLarge",
        "The body is larger than this route takes.",
        Problem("BadRequestError", "The data value transmitted exceeds the capacity limit.", "Send less."),
    ),
    422: (
        "KeyUsedUp",
        "The Idempotency-Key was used for another request.",
        Problem(
            "BadRequestError",
            "Idempotency-Key was used for another request",
            "Make a new key for a new request.",
        ),
    ),
    429: (
        "TooMany",
        "Too many requests or tries; the message says when to go on.",
        Problem(
            "RateLimitError",
            "Exceeded rate limit for key type LIVE of 3000 requests per 60 seconds",
            "Wait a second, then ask more slowly.",
        ),
    ),
    500: (
        "OurFault",
        "A fault of ours; repeat it with the same Idempotency-Key.",
        Problem(
            "InternalServerError",
            "Internal server error",
            "Try again; if it stays, name 0123456789abcdef to us.",
        ),
    ),
}
"""By status: the name, what it means, and one of those there are."""
LINKS: Mapping[str, tuple[str, str]] = {
    "/v2/notifications/sms": ("/v2/notifications/{}", "id"),
    "/v2/notifications/email": ("/v2/notifications/{}", "id"),
    "/v2/notifications/voice": ("/v2/notifications/{}", "id"),
    "/v2/transactions": ("/v2/transactions/{}", "reference"),
    "/v2/broadcasts": ("/v2/broadcasts/{}", "id"),
}
"""Where what was made by a POST is found again, and by which key of the answer."""
_METHODS = ("get", "post", "put", "patch", "delete")


class Documented(Api):  # type: ignore[misc]  # flask-smorest ships no types
    """The routes' documentation, completed; the application's own handlers answer errors.

    It is written when it is first asked for: an application without it is there in half the time.
    """

    def __init__(self, app: Flask, about: Mapping[str, Any], parts: Callable[[Components], None]) -> None:
        """``parts`` adds what belongs to no route; ``about`` is what the document says of itself."""
        self._parts = parts
        self._routes: list[Blueprint] = []
        self._lock = Lock()
        self._document: dict[str, Any] = {}
        super().__init__(app, spec_kwargs=dict(about))

    def register_blueprint(self, routes: Blueprint) -> None:
        """Mount the routes; they are described later."""
        self._app.register_blueprint(routes)
        self._routes.append(routes)

    def document(self) -> dict[str, Any]:
        with self._lock:
            if not self._document:
                self._describe()
                self._document = complete(self.spec.to_dict())
            return self._document

    def _describe(self) -> None:
        self._parts(self.spec.components)
        for routes in self._routes:
            routes.register_views_in_doc(self, self._app, self.spec, name=routes.name, parameters=None)
            self.spec.tag({"name": routes.name, "description": routes.description})

    def handle_http_exception(self, error: Exception) -> None:
        raise error

    def _register_error_handlers(self) -> None:
        """None of flask-smorest's own."""

    def _openapi_json(self) -> Response:
        return Response(as_text(self.document()), content_type=JSON)


def of(app: Flask) -> dict[str, Any]:
    """The document of an application."""
    found: dict[str, Any] = app.extensions["flask-smorest"]["apis"][""]["ext_obj"].document()
    return found


def as_text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Say of every operation what is true of all; in an order that stays."""
    document = json.loads(json.dumps(document))  # a copy, and its keys are text
    for method, path, operation in operations(document):
        _complete(method, path, operation)
    _link(document)
    parts = document["components"]
    shown, asked = _reached(document, "responses"), _reached(document, "requestBody")
    for name in shown - asked:
        _always_there(parts["schemas"][name])
    parts["responses"] = {
        name: _refusal(status, words, one) for status, (name, words, one) in REFUSALS.items()
    }
    for name in ("Error", "PaginationMetadata"):  # flask-smorest's own; nothing here has their shape
        parts["schemas"].pop(name, None)
    parts["schemas"] = dict(sorted(parts["schemas"].items()))
    _plain(document)
    return document


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each, in their order."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield method, path, item[method]


def _complete(method: str, path: str, operation: dict[str, Any]) -> None:
    operation["operationId"] = _id(method, path)
    answers = operation["responses"]
    answers.pop("default", None)
    for status in (*_usual(method, path, operation), *(int(one) for one in answers)):
        if status in REFUSALS:
            answers[str(status)] = {"$ref": f"#/components/responses/{REFUSALS[status][0]}"}
    operation["responses"] = dict(sorted(answers.items()))
    if "requestBody" in operation:
        operation["requestBody"]["content"][JSON] |= examples.of(method, path)


def _link(document: Mapping[str, Any]) -> None:
    """Tell which operations go on with what another one made."""
    for path, (begins, key) in LINKS.items():
        made = document["paths"].get(path, {}).get("post", {}).get("responses", {}).get("201")
        for _, further, operation in operations(document):
            single, _, name = further.partition("{")
            if made and single + "{}" == begins and (found := name.partition("}"))[1]:
                links = made.setdefault("links", {})
                parameters = {found[0]: f"$response.body#/{key}"}
                links[operation["operationId"]] = {
                    "operationId": operation["operationId"],
                    "parameters": parameters,
                }


def _id(method: str, path: str) -> str:
    words = path.removeprefix("/v2/").replace("{", "by_").replace("}", "").replace("-", "_")
    return "_".join((method, *words.split("/")))


def _usual(method: str, path: str, operation: Mapping[str, Any]) -> list[int]:
    """What any such route may answer."""
    usual = [400, 401, 403, 429, 500]
    if "{" in path:
        usual.append(404)
    if method == "post":
        usual.append(413)
    if any(one.get("name") == "Idempotency-Key" for one in operation.get("parameters", ())):
        usual += [409, 422]
    return usual


def _refusal(status: int, words: str, one: Problem) -> dict[str, Any]:
    content = {"schema": PROBLEMS, "example": problems.body(status, [one])}
    return {"description": words, "content": {JSON: content}}


# --- what an answer holds ----------------------------------------------------------------------


def _reached(document: Mapping[str, Any], part: str) -> set[str]:
    """The names of all schemas that this part of any operation leads to."""
    schemas, found = document["components"]["schemas"], set[str]()
    waiting = {name for *_, one in operations(document) for name in _named(one.get(part, {}))}
    waiting |= {"Problems"} if part == "responses" else set()
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= set(_named(schemas[name])) - found
    return found


def _named(value: Any) -> Iterator[str]:
    """The schemas a part of the document refers to."""
    if isinstance(value, list):
        for one in value:
            yield from _named(one)
    if isinstance(value, dict):
        reference = str(value.get("$ref", ""))
        if reference.startswith("#/components/schemas/"):
            yield reference.rpartition("/")[2]
        yield from _named(list(value.values()))


def _always_there(schema: dict[str, Any]) -> None:
    """An answer has all its keys, but those that say they come sometimes."""
    properties = schema.get("properties", {})
    if always := [name for name, one in properties.items() if not one.get(SOMETIMES)]:
        schema["required"] = always


def _plain(value: Any) -> None:
    """Patterns as every reader of JSON Schema takes them, and no remarks of ours."""
    if isinstance(value, list):
        for one in value:
            _plain(one)
    if isinstance(value, dict):
        value.pop(SOMETIMES, None)
        if isinstance(pattern := value.get("pattern"), str):
            value["pattern"] = _pattern(pattern)
        _plain(list(value.values()))


def _pattern(python: str) -> str:
    """Python's ``match`` looks at the beginning only, its ``\\Z`` at the very end; halves of
    characters are no text at all.
    """
    found = python.replace(r"\ud800-\udfff", "").replace(r"\Z", "$")
    return found if found.startswith("^") else f"^{found}"
