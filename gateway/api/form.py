"""How bodies are read: as marshmallow does it, and at once where nothing is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import Schema, ValidationError, fields, missing

Read = Callable[[dict[str, Any]], Any]


def reader(schema: Schema) -> Read:
    """What reads a body by this form. Raises ``ValidationError`` with everything that is wrong.

    Of a plain form each field is read by itself; only where one is refused, or missing, or
    unknown, is the whole read again in order to say so.
    """
    known, wanted = schema.load_fields, _required(schema)
    if not _is_plain(schema):
        return schema.load

    def read(body: dict[str, Any]) -> Any:
        try:
            found = {name: known[name].deserialize(value, name, body) for name, value in body.items()}
        except (KeyError, ValidationError):
            return schema.load(body)
        return found if wanted <= found.keys() else schema.load(body)

    return read


def _required(schema: Schema) -> set[str]:
    return {name for name, field in schema.load_fields.items() if field.required}


def _is_plain(schema: Schema) -> bool:
    """Whether it is no more than its fields, each called as in the body, none with a value of its own."""
    hooks = any(schema._hooks.values())  # noqa: SLF001  # the only place they stand
    return not hooks and all(_stands_alone(field) for field in schema.load_fields.values())


def _stands_alone(field: fields.Field[Any]) -> bool:
    renamed = field.data_key is not None or field.attribute is not None
    return not renamed and field.load_default is missing
