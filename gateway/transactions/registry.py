"""The transaction types, found by name in ``gateway/catalogue/``."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from gateway import plugins
from gateway.config import Settings
from gateway.errors import UnknownNameError
from gateway.transactions.model import TransactionType

CATALOGUE = Path(__file__).parents[1] / "catalogue"


@cache
def types() -> Mapping[str, TransactionType]:
    """Every type of the catalogue, by name. A module of it holds one ``TYPE``."""
    names = sorted(path.stem for path in CATALOGUE.glob("[a-z]*.py"))
    found = {name: importlib.import_module(f"gateway.catalogue.{name}").TYPE for name in names}
    for name, kind in found.items():
        if kind.name != name:
            raise UnknownNameError(f"catalogue/{name}.py calls its type {kind.name!r}; the names must agree.")
    return found


def offered(settings: Settings) -> Mapping[str, TransactionType]:
    """The types a citizen may begin here: those ``TRANSACTIONS`` names, else all that can be done.

    In the demo the sandbox does all of them; outside it a type needs its back office's settings.
    """
    if settings.transactions:
        return {name: kind for name, kind in types().items() if name in settings.transactions}
    return {
        name: kind
        for name, kind in types().items()
        if settings.demo
        or kind.back_office is None
        or plugins.is_complete(
            plugins.connector(kind.back_office, settings.environment), settings.environment
        )
    }


def get(name: str) -> TransactionType:
    try:
        return types()[name]
    except KeyError:
        there = ", ".join(sorted(types()))
        raise UnknownNameError(f"There is no transaction type {name!r}; there are {there}.") from None
