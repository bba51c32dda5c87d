"""What operators read of a message no provider can carry."""

from __future__ import annotations

from dataclasses import fields

import pytest

from gateway.messages import Limits
from gateway.notifications.request import Class
from gateway.notifications.status import Status
from gateway.ops import words


@pytest.mark.parametrize(
    "limit", [field.name for field in fields(Limits) if field.name not in ("signed", "into", "caps")]
)
def test_every_limit_is_told_in_words(limit: str) -> None:
    """What was too much, and that the same again does not help."""
    told = words.cause(Status.FAILED, Class.RESULT, f"beyond_every_provider:{limit}:name")
    assert told.zh.startswith("没有供应商能发：")
    assert told.en.startswith("No provider can carry it: ")
    assert "replay alone does not help" in told.en
    assert "{field}" not in told.zh + told.en


def test_a_variable_is_named() -> None:
    """The one to shorten."""
    told = words.too_much("beyond_every_provider:variable:name")
    assert told is not None
    assert told.zh == "没有供应商能发：变量“name”太长"
    assert told.en == "no provider can carry it: the value of name is too long"


@pytest.mark.parametrize("reason", ["", "no_address", "beyond_every_provider", "beyond_every_provider:new:x"])
def test_other_reasons_are_none_of_these(reason: str) -> None:
    """They keep their own words."""
    assert words.too_much(reason) is None
