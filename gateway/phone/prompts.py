"""The words of the telephone and its menu, read once from ``templates/prompts/``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from gateway.transactions.model import Words

FOLDER = Path(__file__).parents[2] / "templates" / "prompts"


@cache
def _read(name: str) -> Mapping[str, Any]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def words(name: str, **values: Words | str | int) -> Words:
    """A sentence of ``words.toml`` with values put in, each language's own."""
    said = _read("words")[name]
    zh = {key: value.zh if isinstance(value, Words) else value for key, value in values.items()}
    en = {key: value.en if isinstance(value, Words) else value for key, value in values.items()}
    return Words(said["zh"].format(**zh), said["en"].format(**en))


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a menu: its key, its words, and where it leads: a type, a menu below, a place of ours."""

    key: str
    words: Words
    type: str = ""
    menu: str = ""
    place: str = ""


def top(offered: Sequence[str]) -> tuple[Entry, ...]:
    """The main menu with what this deployment offers; a menu below with one entry is skipped."""
    entries = []
    for item in _read("menu")["top"]:
        below = _below(item, offered)
        if item.get("place"):
            entries.append(_entry(item))
        elif len(below) == 1:
            entries.append(replace(below[0], key=item["key"]))
        elif below:
            entries.append(Entry(item["key"], _said(item), menu=item["key"]))
    return tuple(entries)


def below(menu: str, offered: Sequence[str]) -> tuple[Entry, ...]:
    """The menu under a key of the main menu."""
    for item in _read("menu")["top"]:
        if item["key"] == menu:
            return _below(item, offered)
    return ()


def _below(item: Mapping[str, Any], offered: Sequence[str]) -> tuple[Entry, ...]:
    lines = item.get("items", ())
    return tuple(_entry(line) for line in lines if line.get("place") or line["type"] in offered)


def _entry(line: Mapping[str, Any]) -> Entry:
    return Entry(line["key"], _said(line), line.get("type", ""), place=line.get("place", ""))


def _said(item: Mapping[str, Any]) -> Words:
    return Words(item["zh"], item["en"])
