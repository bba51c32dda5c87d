"""The form of a city's file as a tree: which keys there are where. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

from marshmallow import Schema
from marshmallow import fields as form

from gateway.rules.form import RulesSchema

SOURCES = ("source", "source_date")  # of a block: told beside its rules, no rules themselves


@cache
def root() -> Mapping[str, form.Field[Any]]:
    """The keys of a version; the city's id is given by the file's name."""
    return {name: field for name, field in RulesSchema().fields.items() if name != "city"}


def is_rule(name: str) -> bool:
    """Whether a source may be given for this name: a rule, or what holds some."""
    *path, last = name.split(".")
    return last in keys(path) or isinstance(_field(path), form.Dict | form.List)


def blocks() -> dict[str, Schema]:
    """The tables of a version that say where their rules stand, by name."""
    nested = {name: field.schema for name, field in root().items() if isinstance(field, form.Nested)}
    return {name: schema for name, schema in nested.items() if "source" in schema.fields}


def keys(path: Sequence[str | int]) -> Mapping[str, form.Field[Any]]:
    """The keys that may stand at a place; empty where any may, or none."""
    here = _field(path)
    if here is None:
        return {} if path else root()
    return here.schema.fields if isinstance(here, form.Nested) else {}


def _field(path: Sequence[str | int]) -> form.Field[Any] | None:
    """The field at a place, through lists and dicts; None where there is none."""
    here: form.Field[Any] | None = None
    fields = root()
    for step in path:
        if isinstance(here, form.List):
            here = here.inner
        elif isinstance(here, form.Dict):
            here = here.value_field
        else:
            here = fields.get(str(step))
        fields = here.schema.fields if isinstance(here, form.Nested) else {}
    return here


def near(path: Sequence[str | int], wrong: str) -> str:
    """What was perhaps meant by a key that is not known at this place."""
    known = list(keys(path))
    if likely := get_close_matches(wrong, known, n=1):
        return f"Perhaps {likely[0]} is meant."
    return f"There are: {', '.join(known)}." if known else ""


def leaves() -> Iterator[tuple[str, form.Field[Any]]]:
    """Every rule with its name as ``gateway rules show`` writes it, in the order of the form."""
    for name, field in root().items():
        if isinstance(field, form.Nested):
            yield from _under(name, field.schema)
        else:
            yield name, field


def _under(name: str, schema: Schema) -> Iterator[tuple[str, form.Field[Any]]]:
    for key, field in schema.fields.items():
        if isinstance(field, form.Nested):
            yield from _under(f"{name}.{key}", field.schema)
        elif key not in SOURCES:
            yield f"{name}.{key}", field
