"""What may be chosen, for systems that build the form themselves."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from marshmallow import ValidationError
from sqlalchemy import Connection

from gateway import cities
from gateway.api import schemas, shown
from gateway.api.problems import ApiError, Problem
from gateway.runtime import Runtime
from gateway.transactions import choices, registry
from gateway.transactions.desk import Desk
from gateway.transactions.form import applying, fields_of, problems
from gateway.transactions.model import Case, TransactionType


def add(routes: Blueprint, runtime: Runtime, face: str) -> None:
    """``/transaction-types`` and the options of each."""

    @routes.get("/transaction-types")
    @routes.response(200, schemas.TypesSchema)
    def list_types() -> dict[str, Any]:
        """What citizens can do here, and the form of each type."""
        offered = registry.offered(runtime.settings)
        now = runtime.clock()
        rules = cities.of(runtime).rules_now(now)
        today = now.astimezone(rules.zone).date()
        return {"transaction_types": [shown.kind(kind, today, rules) for kind in offered.values()]}

    @routes.post("/transaction-types/<name>/options")
    @routes.arguments(schemas.AnswersSchema)
    @routes.response(200, schemas.OptionsSchema)
    @routes.alt_response(400, schema=schemas.ProblemsSchema)
    @routes.alt_response(404, schema=schemas.ProblemsSchema)
    def list_options(body: dict[str, Any], name: str) -> dict[str, Any]:
        """What the next open field with choices may be answered with now, after the answers so far."""
        with runtime.db.read() as tx:
            return next_choice(tx, runtime, name, body["answers"], face)


def next_choice(
    tx: Connection, runtime: Runtime, name: str, answers: dict[str, Any], face: str
) -> dict[str, Any]:
    """The options of the first field with choices that has no answer yet; no field once all have."""
    offered = registry.offered(runtime.settings)
    kind = offered.get(name)
    if kind is None:
        known = ", ".join(offered)
        raise ApiError(404, Problem("NoResultFound", "No result found", f"There are the types {known}."))
    given = _given(kind, answers)
    asked = applying(kind.form, given)
    field = next((one for one in asked if one in kind.choices and one not in given), None)
    if field is None:
        return {"asked": asked, "field": None, "options": [], "none_left": None}
    desk, now = Desk(tx, runtime), runtime.clock()
    rules = cities.of(runtime).rules_now(now)
    case = Case(runtime.new_id(), "", given, rules, now, face)
    found = choices.offered(desk, name, case, field) or []
    return {
        "asked": asked,
        "field": shown.field(kind, field),
        "options": [shown.option(option) for option in found],
        "none_left": None if found else shown.both(kind.gone(desk, case, field) or choices.NOTHING),
    }


def _given(kind: TransactionType, answers: dict[str, Any]) -> dict[str, str]:
    """The answers as the form reads them; who asks need not be told for this."""
    form = kind.form
    known = [name for name in answers if name in fields_of(form)]
    try:
        values: dict[str, str] = form(only=known or ()).load(dict(answers))
    except ValidationError as error:
        wrong = problems(error).items()
        said = [
            Problem("ValidationError", f"answers.{name} {words.en}", f"Correct answers.{name}. {words.zh}")
            for name, words in wrong
        ]
        raise ApiError(400, *said) from None
    return values
