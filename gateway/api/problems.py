"""Errors of the API: GOV.UK Notify's shape, with the next step beside each.

``{"status_code": n, "errors": [{"error": class, "message": text, "next_step": text}]}``
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Response
from werkzeug.exceptions import HTTPException

from gateway.transactions.model import Words


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a request."""

    error: str
    message: str
    next_step: str


class ApiError(Exception):
    """A request refused before any work was done on it."""

    def __init__(self, status: int, *problems: Problem) -> None:
        super().__init__(problems[0].message)
        self.status = status
        self.problems = problems


def body(status: int, problems: Sequence[Problem]) -> dict[str, object]:
    return {"status_code": status, "errors": listed(problems)}


def listed(problems: Sequence[Problem]) -> list[dict[str, str]]:
    return [{"error": item.error, "message": item.message, "next_step": item.next_step} for item in problems]


_written = json.JSONEncoder(ensure_ascii=False).encode


def as_json(body: Mapping[str, object], status: int) -> Response:
    """A JSON answer in UTF-8; what UTF-8 cannot say in an echoed input becomes a question mark."""
    text = _written(body).encode("utf-8", "replace")
    return Response(text, status, content_type="application/json")


def response(status: int, problems: Sequence[Problem]) -> Response:
    return as_json(body(status, problems), status)


def from_http(error: HTTPException) -> Response:
    """Flask's own refusals (unknown route, wrong method, too large) in the API's shape."""
    status = error.code or 500
    name = "NoResultFound" if status == 404 else "BadRequestError"
    message = "No result found" if status == 404 else (error.description or error.name)
    answer = response(status, [Problem(name, message, "See /docs for the routes and their methods.")])
    for header, value in error.get_headers():
        if header not in ("Content-Type", "Content-Length"):
            answer.headers[header] = value  # a 405 keeps its Allow
    return answer


def unexpected(request_id: str) -> Response:
    problem = Problem(
        "InternalServerError", "Internal server error", f"Try again; if it stays, name {request_id} to us."
    )
    return response(500, [problem])


def of_fields(wrong: Mapping[str, Words]) -> list[Problem]:
    """Answers that were refused, by field."""
    return [of_field(name, words) for name, words in wrong.items()]


def of_field(name: str, words: Words) -> Problem:
    next_step = f"Correct answers.{name}; GET /v2/transaction-types describes it. {words.zh}"
    return Problem("ValidationError", f"answers.{name} {words.en}", next_step)
