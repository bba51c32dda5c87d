"""Integrations found by name, and the settings they read."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Mapping
from types import ModuleType
from typing import Any, cast

from gateway.errors import SettingError, UnknownNameError


def seconds(settings: Mapping[str, str], key: str, default: float) -> float:
    """An optional time of an integration; ``ValueError`` names a setting that is no such time."""
    given = settings.get(key)
    try:
        value = float(given) if given else default
    except ValueError:
        value = 0.0
    if not 0 < value <= 600:
        raise ValueError(f"{key} must be a number of seconds up to 600, not {given!r}")
    return value


def load(name: str, settings: Mapping[str, str]) -> Any:
    """Build the integration called ``name`` from the settings it needs.

    An integration module has ``SETTINGS`` (required setting → what to put there)
    and ``build(settings)``, which raises ``ValueError`` for a value that is none. A
    setting that is missing or wrong is one line.
    """
    lacking = [f"{key} ({what})" for key, what in missing(name, settings).items()]
    if lacking:
        raise SettingError(f"{name} needs {', '.join(lacking)}. Set it in the environment or in .env.")
    try:
        return _module(name).build(settings)
    except ValueError as error:
        raise SettingError(f"A setting of {name} is wrong: {str(error).rstrip('.')}.") from None


def connector(office: str, settings: Mapping[str, str]) -> str:
    """The integration that answers for a back office: the one of its name, or what a city has in its place.

    ``CARD_CORE_CONNECTOR=ourtown_cards`` names ``integrations/ourtown_cards.py``.
    """
    return settings.get(f"{office.upper()}_CONNECTOR") or office


def names() -> list[str]:
    """Every module of integrations/, whatever it is."""
    folder = importlib.import_module("integrations").__path__
    return sorted(found.name for found in pkgutil.iter_modules(folder) if not found.ispkg)


def declared(name: str) -> Any:
    """The class of the provider called ``name``, unbuilt, for what it says of itself without settings.

    That is the class in its module whose ``name`` is the module's; None where the integration
    is no provider.
    """
    found = [one for one in vars(_module(name)).values() if isinstance(one, type)]
    return next((one for one in found if getattr(one, "name", None) == name and hasattr(one, "limits")), None)


def table(name: str, of: str) -> Mapping[str, Any]:
    """A table of an integration's module, such as ``OUTCOMES``; empty where it has none."""
    return cast(Mapping[str, Any], getattr(_module(name), of, {}))


def given(name: str, settings: Mapping[str, str]) -> Collection[str]:
    """The settings the integration called ``name`` needs that are there."""
    return [key for key in _required(_module(name)) if settings.get(key)]


def missing(name: str, settings: Mapping[str, str]) -> Mapping[str, str]:
    """The settings it needs that are not there, each with what to put there."""
    return {key: what for key, what in _required(_module(name)).items() if not settings.get(key)}


def is_complete(name: str, settings: Mapping[str, str]) -> bool:
    """Whether all the settings it needs are there."""
    return not missing(name, settings)


def _required(module: ModuleType) -> Mapping[str, str]:
    return cast(Mapping[str, str], module.SETTINGS)


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(f"integrations.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"integrations.{name}":
            raise
        raise UnknownNameError(f"There is no integration called {name!r} in integrations/.") from None
