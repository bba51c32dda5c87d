"""What a request puts into a text: checked, and as it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from gateway.api.notification_fields import plain
from gateway.api.problems import ApiError, Problem
from gateway.content.rendering import MissingPersonalisationError, compared
from gateway.content.store import TemplateVersion


def checked(version: TemplateVersion, given: Mapping[str, Any]) -> dict[str, Any]:
    """A value for each placeholder, and for nothing else: what is not said is not kept.

    A list stays one, of words. Raises ``ApiError`` for what is missing or cannot be said.
    """
    names = version.compiled.names
    try:
        values = {
            names[key]: _value(value)
            for name, value in given.items()
            if value is not None and (key := compared(name)) in names
        }
    except ValidationError as error:
        problem = Problem("ValidationError", f"personalisation {error.messages[0]}", "Send plain text.")
        raise ApiError(400, problem) from None
    if len(values) < len(names):
        missing = MissingPersonalisationError(tuple(one for one in names.values() if one not in values))
        problem = Problem("BadRequestError", str(missing), "Give every ((name)) of the text a value.")
        raise ApiError(400, problem)
    return values


def _value(value: object) -> str | list[str]:
    return [_one(one) for one in value if one is not None] if isinstance(value, list) else _one(value)


def _one(value: object) -> str:
    if isinstance(value, list | dict):
        raise ValidationError("values must be strings, numbers or lists of them")
    return plain(str(value))
