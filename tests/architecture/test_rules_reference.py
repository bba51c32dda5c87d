"""The reference of rules tells of every rule a city's file may hold, as the form has it."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from marshmallow import fields as form
from marshmallow import validate

from gateway.rule_fields import Clock, Day, Flag
from gateway.rules import shown, tree
from gateway.rules.model import Rules

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "rules.md"
ROW = re.compile(r"^\| `([a-z0-9_.]+)` \| (.+?) \| (.+?) \| (.+) \|$", re.MULTILINE)
SCALARS = {Flag: "true, false", Day: "a date", Clock: "a time", form.Integer: "a number"}


def _may_be(field: form.Field[Any]) -> str:
    """What a rule may be, in the page's words."""
    for check in field.validators:
        if isinstance(check, validate.Range):
            return f"{check.min}–{check.max}"
        if isinstance(check, validate.OneOf):
            return ", ".join(map(str, check.choices))
    if isinstance(field, form.List):
        return f"list of {_may_be(field.inner)}"
    if isinstance(field, form.Nested):
        return f"{{ {', '.join(one.data_key or name for name, one in field.schema.fields.items())} }}"
    if isinstance(field, form.Dict):
        return f"by key: {_may_be(field.value_field)}" if field.value_field else "by key"
    return next((words for kind, words in SCALARS.items() if isinstance(field, kind)), "a text")


def _default(name: str) -> str:
    """What holds where a file is silent."""
    first, *rest = name.split(".")
    known = {part.name: part for part in fields(Rules)}
    part = known[first]
    if part.default is MISSING and part.default_factory is MISSING:
        return "must be said"
    value = part.default_factory() if callable(part.default_factory) else part.default
    for step in rest:
        value = getattr(value, step, value)  # a class's own windows are the channel's unless it has some
    if isinstance(value, tuple) and value and hasattr(value[0], "id"):
        return ", ".join(one.id for one in value)
    return shown.said("" if value == {} else value)


def test_every_rule_stands_in_the_reference_and_no_other() -> None:
    """With what it may be and what holds where a file is silent; a missing row is shown as it should be."""
    expected = {
        name: f"| `{name}` | {_may_be(field)} | {_default(name)} |"
        for name, field in tree.leaves()
        if name not in tree.SOURCES
    }
    found = {
        name: f"| `{name}` | {may_be} | {default} |"
        for name, may_be, default, _ in ROW.findall(PAGE.read_text("utf-8"))
    }
    assert sorted(row for name, row in expected.items() if found.get(name) != row) == []
    assert sorted(set(found) - set(expected)) == []
