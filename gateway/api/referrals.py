"""Where other offices' matters belong, for systems that talk with citizens."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from gateway import cities, referral_rules
from gateway.api import door
from gateway.referral_rules import LONGEST_ASKED
from gateway.runtime import Runtime


class ReferralsAskedSchema(Schema):
    """What is looked for."""

    q = fields.String(
        load_default="",
        validate=validate.Length(max=LONGEST_ASKED, error="must have at most {max} characters"),
        metadata={"description": "Words of a citizen; the answer is what fits them, the best first."},
    )


class ReferralSchema(Schema):
    """A line of another office."""

    id = fields.String()
    name = fields.String()
    name_en = fields.String()
    number = fields.String(metadata={"description": "As dialled in the city."})
    number_elsewhere = fields.String(metadata={"description": "As dialled from outside it."})
    hours = fields.String()
    hours_en = fields.String()
    matters = fields.String(metadata={"description": "What for."})
    matters_en = fields.String()


class ReferralsSchema(Schema):
    referrals = fields.List(fields.Nested(ReferralSchema))


def blueprint(runtime: Runtime) -> Blueprint:
    """``GET /v2/referrals``."""
    routes = Blueprint("referrals", __name__, url_prefix="/v2", description="Other offices' numbers")
    routes.ARGUMENTS_PARSER = door.Parser()
    routes.before_request(lambda: door.enter(runtime, "transactions"))

    @routes.get("/referrals")
    @routes.arguments(ReferralsAskedSchema, location="query")
    @routes.response(200, ReferralsSchema)
    def referrals(asked: dict[str, Any]) -> dict[str, Any]:
        """Other offices' numbers in this city: all of them, or those that fit what is looked for."""
        rules = cities.of(runtime).rules_now(runtime.clock())
        wanted = asked["q"].strip()
        found = referral_rules.find(rules.referrals, wanted) if wanted else rules.referrals
        shown = [asdict(one) | {"number_elsewhere": f"{rules.area_code}-{one.number}"} for one in found]
        return {"referrals": shown}

    return routes
