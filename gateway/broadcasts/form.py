"""The form of a broadcast: the same for a file, the command and the API's document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import Schema, ValidationError, validate
from marshmallow import fields as form

from gateway.broadcasts.audience import INSURED_TYPES, OLDEST, PENSION_STATES
from gateway.broadcasts.ladder import CALL_BACK, MOST
from gateway.notifications.asks import KIND
from gateway.notifications.request import TITLE

NOTICES = "policy/"
CHANNELS = ("sms", "voice", "email")
LONGEST_WAIT = 72 * 3600  # seconds: after that no receipt of a text message comes any more
SHORTEST_DEADLINE, LONGEST_DEADLINE = 600, 30 * 86_400  # seconds
SEXES = {"female": "f", "male": "m", "f": "f", "m": "m"}

PLAIN = r"[^\x00-\x1f\x7f\ud800-\udfff]{1,80}\Z"  # what every database stores
_REQUIRED: dict[str, Any] = {"required": "is a required property"}


def _number(low: int, high: int, about: str) -> form.Integer:
    check = validate.Range(low, high, error=f"must be from {low:,} to {high:,}")
    return form.Integer(
        strict=True,
        allow_none=True,
        validate=check,
        error_messages={"invalid": "must be a whole number"},
        metadata={"description": about},
    )


def _one_of(choices: tuple[str, ...], about: str = "", **options: Any) -> form.String:
    check = validate.OneOf(choices, error=f"must be one of {', '.join(choices)}")
    words = {"invalid": "must be text", **_REQUIRED}
    return form.String(validate=check, error_messages=words, metadata={"description": about}, **options)


def _list(inner: form.Field[Any], about: str) -> form.List[Any]:
    words: dict[str, Any] = {"invalid": "must be a list"}
    return form.List(inner, error_messages=words, metadata={"description": about})


def _title(about: str) -> form.String:
    check = validate.Regexp(
        rf"(?!.*(//|www\.|[【】]))[^\x00-\x1f\x7f\ud800-\udfff]{{1,{TITLE}}}\Z",
        error=f"must have 1 to {TITLE} plain characters, no web address and no 【】",
    )
    return form.String(
        validate=check, error_messages={"invalid": "must be text"}, metadata={"description": about}
    )


def _month(about: str) -> form.String:
    check = validate.Regexp(r"20[0-9]{2}-(0[1-9]|1[0-2])\Z", error="must be a month like 2027-01")
    return form.String(
        allow_none=True,
        validate=check,
        error_messages={"invalid": "must be text"},
        metadata={"description": about},
    )


class Plainly(form.Boolean):
    """true or false; nothing that merely looks like it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("must be true or false")
        return value


class AudienceSchema(Schema):
    """Citizens of the register for whom all of this holds."""

    districts = _list(
        form.String(error_messages={"invalid": "must be text"}), "GB/T 2260 codes, or the districts' names."
    )
    age_from = _number(0, OLDEST, "Completed years on the day the draft is made; included.")
    age_to = _number(0, OLDEST, "Completed years; included.")
    sex = _one_of(tuple(SEXES), allow_none=True)
    insured_types = _list(_one_of(INSURED_TYPES), ", ".join(INSURED_TYPES))
    retires_from = _month("The first month in which they retire, like `2027-01`; with `retires_to`.")
    retires_to = _month("The last such month; included.")
    pension_states = _list(_one_of(PENSION_STATES), ", ".join(PENSION_STATES))


class RungSchema(Schema):
    """What to try for those not reached so far."""

    channel = _one_of((*CHANNELS, CALL_BACK), "`call_back`, as the last: a person calls.", required=True)
    wait_seconds = _number(0, LONGEST_WAIT, "After the last message of the rung before was handed over.")
    older_than = _number(0, OLDEST, "Only those past this birthday.")


class Rungs(form.List):  # type: ignore[type-arg]  # marshmallow gives none at run time
    """A list of rungs; one alone may stand without its list."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> list[Any]:
        if isinstance(value, Mapping):
            return [self.inner.deserialize(value, attr, data, **options)]
        return super()._deserialize(value, attr, data, **options)


class AsksSchema(Schema):
    """What the message asks, to be answered by a text message or a key."""

    kind = form.String(
        required=True,
        validate=validate.Regexp(
            rf"[a-z0-9_]{{1,{KIND}}}\Z", error=f"must have 1 to {KIND} of a-z, 0-9 and _"
        ),
        error_messages={"invalid": "must be text", **_REQUIRED},
        metadata={"description": "Our name for the question; it stands in no text."},
    )
    choices = form.List(
        form.List(
            form.String(
                validate=validate.Regexp(PLAIN, error="must have 1 to 80 plain characters"),
                error_messages={"invalid": "must be text"},
            ),
            validate=validate.Length(equal=2, error="must be a digit and a word"),
            error_messages={"invalid": "must be a digit and a word"},
        ),
        required=True,
        error_messages={"invalid": "must be a list", **_REQUIRED},
        metadata={
            "description": 'Digits with their words, `[["1", "能"], ["2", "不能"]]`; the text names each.'
        },
    )


class DefinitionSchema(Schema):
    """The keys of a broadcast."""

    name = form.String(
        validate=validate.Regexp(PLAIN, error="must have 1 to 80 plain characters"),
        error_messages={"invalid": "must be text"},
        metadata={"description": "What to call it; without `template` the name of a shipped broadcast."},
    )
    template = form.String(
        error_messages={"invalid": "must be text"},
        metadata={"description": f"A text under `{NOTICES}`, like `policy/retirement_age`."},
    )
    channel = _one_of(CHANNELS, "The first channel; `sms` unless you say otherwise.")
    audience = form.Nested(AudienceSchema, allow_none=True)
    then = Rungs(
        form.Nested(RungSchema),
        allow_none=True,
        validate=validate.Length(max=MOST - 1, error=f"must have at most {MOST - 1} rungs"),
        error_messages={"invalid": "must be a list"},
        metadata={"description": "The rungs after the first, in their order; one may stand without a list."},
    )
    within_seconds = _number(
        SHORTEST_DEADLINE,
        LONGEST_DEADLINE,
        "From the start: by then each person was reached or is to be called back; needs that rung.",
    )
    reach = form.String(
        allow_none=True,
        error_messages={"invalid": "must be text"},
        metadata={"description": "The kind of notice, whose usual `then` and `within_seconds` it takes."},
    )
    asks = form.Nested(AsksSchema, allow_none=True)
    title = _title("What it is called among the notices of a digest: a few words in Chinese.")
    title_en = _title("The same in English; the Chinese title where there is none.")
    digest = Plainly(
        metadata={
            "description": "Whether it may wait for the city's next digest and go there together with others."
            " Needs a `title`, and an audience or a list of the register's people."
        }
    )
    pace = _number(1, 1_000_000, "The most messages taken in a minute; none unless you say so.")
    attachments: form.Field[Any] = _list(
        form.String(error_messages={"invalid": "must be text"}),
        "Files that go with the e-mails: their names, beside the definition.",
    )


def against_digest(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What cannot wait for others, or be told by a title alone."""
    if not given.get("title"):
        yield "title", "is needed for a digest: what it is called there"
    for key in ("asks", "within_seconds", "pace"):
        if given.get(key) is not None:
            yield "digest", f"cannot go with {key}; leave one of them out"


def against_spans(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Spans of an audience, of ages or of months, that end before they begin or have one end."""
    young, old = given.get("age_from"), given.get("age_to")
    if young is not None and old is not None and young > old:
        yield "audience.age_to", f"must not be below age_from ({young})"
    first, last = given.get("retires_from"), given.get("retires_to")
    if (first is None) != (last is None):
        yield "audience.retires_to", "goes with retires_from; give both, or neither"
    elif first and last and first > last:
        yield "audience.retires_to", f"must not be before retires_from ({first})"


def flat(messages: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from flat(inner, f"{path}.{key}" if path else str(key))
        return
    for text in messages if isinstance(messages, list) else [messages]:
        yield path.removesuffix("._schema"), "is not known here" if text == "Unknown field." else str(text)
