"""Bodies of the API, in one place for validation and for OpenAPI."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from gateway.transactions import helping, registry
from gateway.transactions.model import State

_REQUIRED: dict[str, Any] = {"required": "is a required property"}

CLASSES = (
    "ValidationError",
    "BadRequestError",
    "InvalidPhoneError",
    "AuthError",
    "NoResultFound",
    "RateLimitError",
    "TooManyRequestsError",
    "InternalServerError",
)
SOMETIMES = "x-sometimes"
"""Metadata of a field that an answer may lack; every other one is always there."""
PLAIN = r"[^\x00-\x1f\x7f\ud800-\udfff]{0,120}\Z"  # what every database stores


def _text(description: str, **options: Any) -> fields.String:
    return fields.String(metadata={"description": description}, **options)


METHODS = ("code", "password", "attested")


class ProofSchema(Schema):
    """How the citizen's identity is proven."""

    method = fields.String(
        required=True,
        error_messages=_REQUIRED,
        validate=validate.OneOf(METHODS, error=f"is not one of [{', '.join(METHODS)}]"),
        metadata={
            "description": "`code`: we send a one-time code to the citizen's registered mobile, or to who "
            "helps. `password`: nothing is sent, the query password follows at `…/proof`. "
            "`attested`: your service has checked the identity itself; this is recorded."
        },
    )
    by = _text(
        "For `attested`: how it was checked, e.g. `counter, ID card seen`. No personal data.",
        validate=validate.Regexp(PLAIN, error="must be up to 120 plain characters"),
    )


class NewTransactionSchema(Schema):
    """A transaction to begin."""

    type = _text("A name from `GET /v2/transaction-types`.", required=True, error_messages=_REQUIRED)
    answers = fields.Dict(
        keys=fields.String(),
        values=fields.Raw(),
        required=True,
        error_messages=_REQUIRED,
        metadata={"description": "The form's fields by name: the schema `Answers_<type>` below."},
    )
    proof = fields.Nested(
        ProofSchema, metadata={"description": "Left out for types of the level `anonymous`, needed else."}
    )


class AnswersSchema(Schema):
    """Answers to some of a form's fields."""

    answers = fields.Dict(
        keys=fields.String(),
        values=fields.Raw(),
        required=True,
        error_messages=_REQUIRED,
        metadata={"description": "Fields by name: any of the schema `Answers_<type>` below."},
    )


_SIX_DIGITS = validate.Regexp(r"^[0-9]{6}\Z", error="must be 6 digits")


class GivenProofSchema(Schema):
    """What the citizen gave: one of the two."""

    code = fields.String(
        validate=_SIX_DIGITS,
        metadata={"description": "The code sent last: to the mobile, the e-mail address, or the new number."},
    )
    password = fields.String(
        validate=_SIX_DIGITS,
        metadata={"description": "The query password, where `proof_missing` names it."},
    )

    @validates_schema
    def one_of_them(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ValidationError(_REQUIRED["required"] + ", or password: one of the two", "code")


class WordsSchema(Schema):
    """Sentences for the citizen."""

    zh = fields.List(fields.String())
    en = fields.List(fields.String())


class MessageSchema(Schema):
    """A message this transaction caused."""

    id = fields.UUID()
    channel = fields.String()
    status = fields.String()
    reason = fields.String(allow_none=True)
    created_at = fields.String()
    completed_at = fields.String(allow_none=True)


class EventSchema(Schema):
    """A line of the timeline."""

    at = fields.String()
    event = fields.String()
    detail = fields.String(allow_none=True)


class TransactionSchema(Schema):
    """A transaction as it stands."""

    reference = _text("14 digits, the last a check digit; good on every face.")
    type = fields.String()
    state = _text(", ".join(State))
    stage = _text("The type's own word beside the state; empty for none.")
    reason = fields.String(allow_none=True)
    facts = fields.Dict(keys=fields.String(), values=fields.String())
    headline = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={"description": "The first words to the citizen, in `zh` and `en`."},
    )
    explanation = fields.Nested(WordsSchema)
    missing = fields.List(fields.String(), metadata={"description": "Fields that have no answer yet."})
    proof = fields.String(
        allow_none=True,
        metadata={
            "description": "How it was proven: `code`, `code+password`, `attested`; null: not yet. "
            "`anonymous`: nobody need be known."
        },
    )
    proof_missing = fields.List(
        fields.String(),
        metadata={
            "description": "What proves next, any one of these: `code` (to the registered mobile), "
            "`password`, `email` (a code to the registered address), `new` (a code to what is new)."
        },
    )
    actions = fields.List(
        fields.String(), metadata={"description": "What may be done now: `POST …/actions/<name>`."}
    )
    next_step = _text("What to do now, where there is something to do.", allow_none=True)
    code_again_at = fields.String(
        metadata={"description": "From when a new code may be asked for.", SOMETIMES: True}
    )
    rules = fields.Dict(keys=fields.String(), values=fields.Raw())
    created_at = fields.String()
    updated_at = fields.String()
    messages = fields.List(fields.Nested(MessageSchema))
    timeline = fields.List(fields.Nested(EventSchema))
    uri = fields.String()


class AskedSchema(Schema):
    """How one field of a form is asked for."""

    name = fields.String()
    label = fields.Dict(keys=fields.String(), values=fields.String())
    prompt = fields.Dict(keys=fields.String(), values=fields.String())
    hint = fields.Dict(keys=fields.String(), values=fields.String())
    choices = fields.Boolean(metadata={"description": "Whether its values come from `…/options`."})


class FieldSchema(AskedSchema):
    """One field of a form."""

    required = fields.Boolean()
    conditional = fields.Boolean(
        metadata={"description": "Asked only after some answers: `…/options` and `missing` say when."}
    )
    example = fields.String(allow_none=True, metadata={"description": "An answer it would take."})
    keyable = fields.Boolean(metadata={"description": "Whether a telephone keypad can enter it."})


class OptionSchema(Schema):
    """One value a field may take now."""

    value = fields.String()
    label = fields.Dict(keys=fields.String(), values=fields.String())
    note = fields.Dict(keys=fields.String(), values=fields.String(), allow_none=True)


class OptionsSchema(Schema):
    """The next open field with choices and its options; `none_left` says what is free elsewhere."""

    asked = fields.List(
        fields.String(),
        metadata={"description": "The fields of the form that are asked after these answers."},
    )
    field = fields.Nested(AskedSchema, allow_none=True)
    options = fields.List(fields.Nested(OptionSchema))
    none_left = fields.Dict(keys=fields.String(), values=fields.String(), allow_none=True)


class ActionSchema(Schema):
    """Something that may be done with a transaction that has ended."""

    name = fields.String()
    label = fields.Dict(keys=fields.String(), values=fields.String())
    asks_again = fields.List(
        fields.String(), metadata={"description": "Fields to answer anew in the transaction it opens."}
    )
    opens = fields.String(
        allow_none=True,
        metadata={"description": "The type of the transaction it begins; null: it is done at once."},
    )


class TypeSchema(Schema):
    """A transaction type and its form."""

    name = fields.String()
    title = fields.Dict(keys=fields.String(), values=fields.String())
    summary = fields.Dict(keys=fields.String(), values=fields.String())
    level = _text("How surely who asks must be known: `anonymous`, `known` or `strong`.")
    fields_ = fields.List(fields.Nested(FieldSchema), data_key="fields", attribute="fields")
    helper_fields = fields.List(
        fields.Nested(AskedSchema),
        metadata={"description": "Answers to give as well where a guardian or a relative asks for them."},
    )
    actions = fields.List(fields.Nested(ActionSchema))


class TypesSchema(Schema):
    transaction_types = fields.List(fields.Nested(TypeSchema))


class ProblemSchema(Schema):
    """One thing wrong, for a program, for a person, and what to do."""

    error = fields.String(
        validate=validate.OneOf(CLASSES), metadata={"description": "The class of the error."}
    )
    message = _text("What is wrong, in words GOV.UK Notify's clients know.")
    next_step = _text("What to do about it.")


class ProblemsSchema(Schema):
    """What was wrong, and what to do."""

    status_code = fields.Integer()
    errors = fields.List(fields.Nested(ProblemSchema))


def form_schemas() -> dict[str, type[Schema]]:
    """Every type's own form, for the documentation; a class of its own each, as two may share one."""
    kinds = registry.types().items()
    return {name: type(f"Answers_{name}", (kind.form, helping.Helper), {}) for name, kind in kinds}
