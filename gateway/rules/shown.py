"""Rules for people: each with its value, where it stands, since which version, and whose it is. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, time
from enum import StrEnum
from itertools import takewhile
from typing import Any

from gateway.rules import tree
from gateway.rules.model import City, Rules

OURS, DEMO = "产品默认值", "演示数据"  # how a source begins that is no city's
APART = {"city", "version", "in_force_from", "given", "sources", "calendar"}  # of a version: what names it
IDS = ("id", "code")  # what an entry of a list is called by
HIGHER = "own"  # a part whose entries a file writes one level higher
NONE = "–"


class Origin(StrEnum):
    """Whose a rule is."""

    CITY = "city"
    PRODUCT = "product"  # the product's default: written down as such, or left out
    DEMO = "demo"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a version. ``given``: the file says it; ``since``: the version it came with."""

    key: str
    value: str
    source: str
    source_date: date | None
    origin: Origin
    given: bool
    since: int


def rules(city: City, version: int) -> Sequence[Rule]:
    """Every rule of a version, in the order of the form."""
    mine = city.rules(version)
    earlier = [values(one) for one in city.versions if one.version <= version]
    return [
        Rule(key, value, *stands(mine, key), given=_is_given(mine, key), since=_since(city, earlier, key))
        for key, value in earlier[-1].items()
    ]


def values(mine: Rules) -> dict[str, str]:
    """Every rule's value as it is shown, by its name: ``card_loss.duration``, ``halls.shi``."""
    found: dict[str, str] = {}
    for part in fields(mine):
        if part.name not in APART and part.name not in tree.SOURCES:
            found |= dict(_under(part.name, getattr(mine, part.name)))
    return found


def differences(before: Rules, after: Rules) -> Iterator[tuple[str, str, str]]:
    """What is not the same: name, value before, value after; a rule that is not there has ``NONE``."""
    old, new = values(before), values(after)
    for key in [*old, *(key for key in new if key not in old)]:
        if old.get(key) != new.get(key):
            yield key, old.get(key, NONE), new.get(key, NONE)


def stands(mine: Rules, key: str) -> tuple[str, date | None, Origin]:
    """Where a rule stands: with its block or part, else with the version."""
    if not _is_given(mine, key):
        return f"{OURS} product default", None, Origin.PRODUCT
    said = _sayer(mine, key)
    return said.source or mine.source, said.source_date, _whose(said.source or mine.source)


def unsourced(mine: Rules) -> Iterator[tuple[str, ...]]:
    """What a version leaves unsaid of where its rules stand, and of when that is: the keys that lack."""
    for key in tree.SOURCES:
        if not getattr(mine, key):
            yield (key,)
    for part in mine.given:
        block = getattr(mine, part, None)
        if is_dataclass(block):
            yield from ((part, key) for key in tree.SOURCES if not getattr(block, key))
    yield from (("sources", name, "source_date") for name, one in mine.sources.items() if not one.source_date)


def _sayer(mine: Rules, key: str) -> Any:
    """The source nearest to a rule: its own, its list's, its block's, or the version."""
    steps = key.split(".")
    for depth in range(len(steps), 0, -1):
        if found := mine.sources.get(".".join(steps[:depth])):
            return found
    block = getattr(mine, steps[0])
    return block if is_dataclass(block) else mine


def _whose(source: str) -> Origin:
    if source.startswith(DEMO):
        return Origin.DEMO
    return Origin.PRODUCT if source.startswith(OURS) else Origin.CITY


def _is_given(mine: Rules, key: str) -> bool:
    here: Any = mine.given
    for step in key.split("."):
        if isinstance(here, list):
            return True
        if not isinstance(here, Mapping) or step not in here:
            return False
        here = here[step]
    return True


def _since(city: City, earlier: Sequence[Mapping[str, str]], key: str) -> int:
    """The version from which on a rule was what it is, without a break."""
    value = earlier[-1][key]
    same = takewhile(
        lambda pair: pair[1].get(key) == value,
        zip(city.versions[len(earlier) - 1 :: -1], reversed(earlier), strict=True),
    )
    return [one.version for one, _ in same][-1]


def _under(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if is_dataclass(value):
        for part in fields(value):
            if part.name not in (*tree.SOURCES, *IDS):
                below = name if part.name == HIGHER else f"{name}.{part.name}"
                yield from _under(below, getattr(value, part.name))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _under(f"{name}.{key}", inner)
    elif isinstance(value, tuple) and value and is_dataclass(value[0]):
        for number, one in enumerate(value, start=1):
            key = next((str(getattr(one, key)) for key in IDS if hasattr(one, key)), str(number))
            yield from _under(f"{name}.{key}", one)
    else:
        yield name, said(value)


def said(value: Any) -> str:
    """A value as people read it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, tuple | list):
        pairs = (NONE.join(map(said, one)) if isinstance(one, tuple | list) else said(one) for one in value)
        return ", ".join(pairs) or NONE
    return NONE if value in (None, "") else str(value)
