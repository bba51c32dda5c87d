"""Reading rules from files: one TOML file per city.

Keys above the first ``[[version]]`` hold for every version; a version adds its
own and may replace any of them.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from marshmallow import ValidationError

from gateway.errors import SettingError
from gateway.rules.form import RulesSchema
from gateway.rules.model import Cities, City, Rules

SHIPPED = Path(__file__).parents[2] / "templates" / "cities"


@cache
def shipped() -> Cities:
    """The cities that come with this release; read once."""
    return load(SHIPPED)


def load(folder: Path) -> Cities:
    """Read every city in a folder.

    Raises ``SettingError`` with file, key and reason for the first thing that is wrong.
    """
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise SettingError(f"{folder}: holds no city; put one there, like changde.toml.")
    return Cities({path.stem: _city(path) for path in paths})


def _city(path: Path) -> City:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingError(f"{path}: cannot be read: {error}") from None
    blocks = document.pop("version", None)
    if not isinstance(blocks, list) or not blocks or not all(isinstance(block, dict) for block in blocks):
        raise SettingError(f"{path}: version: there must be at least one [[version]]")
    versions: list[Rules] = []
    for place, block in enumerate(blocks, start=1):
        try:
            rules = RulesSchema().load({**document, **block, "city": path.stem})
        except ValidationError as error:
            raise SettingError(f"{path}: [[version]] {place}: {_first(error.messages)}") from None
        _follows(path, versions, rules)
        versions.append(rules)
    return City(path.stem, tuple(versions))


def _follows(path: Path, earlier: list[Rules], rules: Rules) -> None:
    """Versions stand in the file in the order they come into force."""
    if not earlier:
        return
    last = earlier[-1]
    if rules.version <= last.version:
        raise SettingError(f"{path}: version: {rules.version} comes after {last.version}; count upwards")
    if rules.in_force_from <= last.in_force_from:
        raise SettingError(
            f"{path}: in_force_from: version {rules.version} must come into force after {last.in_force_from}"
        )


def _first(messages: Any) -> str:
    """The first complaint as ``key.key: reason``."""
    keys: list[str] = []
    while isinstance(messages, dict):
        key, messages = next(iter(messages.items()))
        keys.append(str(key))
    reason = messages[0] if isinstance(messages, list) else messages
    return f"{'.'.join(key for key in keys if key != '_schema')}: {reason}"
