"""The rules this deployment lives by.

``of(runtime)`` gives its city with all versions of its rules; ``gateway.rules`` says what they are.
"""

from __future__ import annotations

from gateway.card_rules import CardLoss
from gateway.rules.files import load, shipped
from gateway.rules.model import Cities, City, District, Hall, Rules
from gateway.runtime import Runtime

__all__ = ["CardLoss", "Cities", "City", "District", "Hall", "Rules", "load", "of", "shipped"]


def of(runtime: Runtime) -> City:
    """The deployment's city: all versions of its rules, as they are known now."""
    return shipped()[runtime.settings.city]


def begun_under(runtime: Runtime, city: str, version: int) -> Rules:
    """The version a row names; ``UnknownNameError`` if there is none."""
    return shipped()[city].rules(version)
