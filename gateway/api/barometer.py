"""The barometer for systems: the same report as on the console. Scope ``operate``."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from gateway.api import door, schemas
from gateway.api.problems import ApiError, Problem
from gateway.barometer import asking, report, written
from gateway.barometer.spans import SpanError
from gateway.runtime import Runtime
from gateway.services.store import OPERATE

_SHORT = validate.Length(max=60, error="must have at most {max} characters")
_TOLD = {"description": 'A number, or `"<5"`, or `"–"`: of fewer than five people nothing is told.'}


def _asked(about: str, **options: Any) -> fields.String:
    return fields.String(load_default="", validate=_SHORT, metadata={"description": about}, **options)


class BarometerAskedSchema(Schema):
    """Which days; the last whole week where nothing is given."""

    week = _asked("An ISO week, like `2026-W48`.")
    first = _asked("From this day, like `2026-11-01`.", data_key="from", attribute="from")
    last = _asked("To this day.", data_key="to", attribute="to")
    around = _asked("A policy: its day, or the id of its broadcast.")


class BarometerSpanSchema(Schema):
    first = fields.String()
    last = fields.String()


class BarometerPolicySchema(Schema):
    day = fields.String()
    name = fields.String()


class BarometerLineSchema(Schema):
    """A number beside that of the days before."""

    name = fields.String()
    now = fields.Raw(allow_none=True, metadata=_TOLD)
    before = fields.Raw(allow_none=True, metadata=_TOLD)
    change = fields.Integer(allow_none=True, metadata={"description": "In percent; of a rate, in points."})


class BarometerMatterSchema(BarometerLineSchema):
    """A type of transaction: how many were begun, and what became of any in these days."""

    done = fields.Raw(metadata=_TOLD)
    turned_down = fields.Raw(metadata=_TOLD)
    failed = fields.Raw(metadata=_TOLD)
    left = fields.Raw(metadata=_TOLD)


class BarometerDaySchema(Schema):
    day = fields.String()
    begun = fields.Raw(metadata=_TOLD)
    done = fields.Raw(metadata=_TOLD)
    calls = fields.Raw(metadata=_TOLD)


class BarometerGroupsSchema(Schema):
    """Who began them, by what tells people apart."""

    face = fields.List(fields.Nested(BarometerLineSchema))
    district = fields.List(fields.Nested(BarometerLineSchema))
    band = fields.List(fields.Nested(BarometerLineSchema))
    insured = fields.List(fields.Nested(BarometerLineSchema))


class BarometerSchema(Schema):
    span = fields.Nested(BarometerSpanSchema)
    before = fields.Nested(BarometerSpanSchema)
    policy = fields.Nested(BarometerPolicySchema, allow_none=True)
    counted_at = fields.String(allow_none=True)
    headline = fields.List(fields.Nested(BarometerLineSchema))
    matters = fields.List(fields.Nested(BarometerMatterSchema))
    weeks = fields.Nested(BarometerSpanSchema, allow_none=True)
    groups = fields.Nested(BarometerGroupsSchema)
    days = fields.List(fields.Nested(BarometerDaySchema))
    privacy = fields.String()


def blueprint(runtime: Runtime) -> Blueprint:
    """``GET /v2/ops/barometer``."""
    routes = Blueprint(
        "barometer", __name__, url_prefix="/v2/ops", description="What is asked of the hotline"
    )
    routes.ARGUMENTS_PARSER = door.Parser()
    routes.before_request(lambda: door.enter(runtime, OPERATE))

    @routes.get("/barometer")
    @routes.arguments(BarometerAskedSchema, location="query")
    @routes.response(200, BarometerSchema)
    @routes.alt_response(400, schema=schemas.ProblemsSchema)
    def barometer(asked: dict[str, Any]) -> dict[str, Any]:
        """Some days beside those before: what was asked, by whom, how it ended, on time or not."""
        with runtime.db.read() as tx:
            try:
                return written.as_json(report.make(tx, asking.asked(tx, runtime, asked)))
            except SpanError as error:
                raise ApiError(
                    400, Problem("BadRequestError", str(error), "See this route in /docs.")
                ) from None

    return routes
