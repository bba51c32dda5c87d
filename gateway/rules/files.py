"""Reading rules from files: one TOML file per city.

Keys above the first ``[[version]]`` hold for every version; a version adds its
own and may replace any of them. A wrong file is refused with all that is wrong.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from marshmallow import ValidationError

from gateway.errors import SettingError
from gateway.rules import lines, tree
from gateway.rules.form import RulesSchema
from gateway.rules.model import Cities, City, Rules

SHIPPED = Path(__file__).parents[2] / "templates" / "cities"
LONGEST, WIDEST = 1_000_000, 4_000  # bytes of a file, characters of a line: a reader takes minutes over more
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)\Z")
ADVICE = {
    "Missing data for required field.": "Add it.",
    "Not a valid string.": "Write a text, in quotes.",
    "Not a valid integer.": "Write a whole number, without quotes or point.",
    "Not a valid list.": "Write a list, in [ ].",
    "Not a valid mapping type.": "Write keys with their values, in { } or under a heading in [ ].",
    "Invalid input type.": "Write keys with their values, in { } or under a heading in [ ].",
}


class Problem(NamedTuple):
    """One thing that is wrong; ``line`` counts from 1, ``key`` is empty where it is the file itself."""

    line: int
    version: int  # which [[version]] of the file, from 1; 0: none
    key: str
    reason: str


class RulesFileError(SettingError):
    """A city's file cannot be taken; each line says what is wrong where."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(_told(file, problem) for problem in self.problems))


def _told(file: str, problem: Problem) -> str:
    where = f"[[version]] {problem.version}: " if problem.version else ""
    key = f"{problem.key}: " if problem.key else ""
    return f"{file}:{problem.line}: {where}{key}{problem.reason}"


@dataclass(frozen=True, slots=True)
class Document:
    """A city's file, read: its text, and its versions with the line each begins on."""

    file: str
    text: str
    versions: tuple[Rules, ...]
    places: Mapping[lines.Path, int]

    def line(self, place: int, *keys: str | int) -> int:
        """Where a key of the ``place``-th version stands, from 0; else where the version begins."""
        return _line(self.places, place, keys)


@cache
def shipped() -> Cities:
    """The cities that come with this release; read once."""
    return load(SHIPPED)


@cache
def shipped_text(city: str) -> str:
    """The file of a shipped city as it stands."""
    return (SHIPPED / f"{city}.toml").read_text(encoding="utf-8")


def load(folder: Path) -> Cities:
    """Read every city in a folder; a wrong file raises ``RulesFileError``."""
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise SettingError(f"{folder}: holds no city; put one there, like changde.toml.")
    return Cities({path.stem: City(path.stem, open_file(path, path.stem).versions) for path in paths})


def open_file(path: Path, city: str) -> Document:
    """Read a city's file from disk."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SettingError(f"{path}: cannot be read: {error.strerror}.") from None
    if len(raw) > LONGEST:
        raise RulesFileError(
            str(path), [Problem(1, 0, "", f"is longer than {LONGEST:,} bytes. Is it a city's file?")]
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise RulesFileError(str(path), [Problem(line, 0, "", "cannot be read: save it as UTF-8.")]) from None
    return read(text, city, str(path))


def read(text: str, city: str, file: str) -> Document:
    """Read a city's file; ``RulesFileError`` names everything that is wrong with it."""
    document, places = _parsed(text, file)
    blocks = document.pop("version", None)
    if not isinstance(blocks, list) or not blocks or not all(isinstance(block, dict) for block in blocks):
        line = places.get(("version",), 1)
        raise RulesFileError(file, [Problem(line, 0, "version", "there must be at least one [[version]]")])
    versions: list[Rules] = []
    problems: list[Problem] = []
    for place, block in enumerate(blocks):
        given = {**document, **block}
        try:
            versions.append(_rules(given, city))
        except ValidationError as error:
            problems += _problems(error.messages, place, places)
    if not problems:
        problems = list(_out_of_order(versions, places))
    if problems:
        raise RulesFileError(file, list(dict.fromkeys(problems)))
    return Document(file, text, tuple(versions), places)


def _parsed(text: str, file: str) -> tuple[dict[str, Any], Mapping[lines.Path, int]]:
    for number, row in enumerate(text.split("\n"), start=1):
        if len(row) > WIDEST:
            raise RulesFileError(
                file, [Problem(number, 0, "", f"is longer than {WIDEST:,} characters. Break it.")]
            )
    try:
        return tomllib.loads(text), lines.lines(text.replace("\r\n", "\n"))
    except RecursionError:
        raise RulesFileError(file, [Problem(1, 0, "", "cannot be read: it is nested too deeply.")]) from None
    except ValueError as error:
        said = str(error)
        place = _PLACE.search(said)
        line, column = (place.groups() if place else None) or (None, None)
        at = f", column {column}" if column else ""
        reason = f"cannot be read: {said[: place.start()] if place else said}{at}. Correct this line."
        last = text.count("\n") + 1
        raise RulesFileError(file, [Problem(int(line) if line else last, 0, "", reason)]) from None


def _rules(given: Mapping[str, Any], city: str) -> Rules:
    if "city" in given:
        raise ValidationError("Unknown field. The city is the file's name.", "city")
    rules: Rules = RulesSchema().load({**given, "city": city})
    if strange := {key: "Unknown field." for key in rules.sources if not tree.is_rule(key)}:
        raise ValidationError({"sources": strange})
    return replace(rules, given=MappingProxyType(dict(given)))


def _problems(messages: Any, place: int, places: Mapping[lines.Path, int]) -> Iterator[Problem]:
    for path, reason in _complaints(messages, ()):
        keys = tuple(key for key in path if key not in {"_schema", "key", "value"})
        advice = ADVICE.get(reason, "")
        if reason == "Unknown field.":
            advice = tree.near(keys[:-1], str(keys[-1]))
        line, number = _line(places, place, keys), place + 1 if _own(places, place, keys) else 0
        yield Problem(line, number, ".".join(map(str, keys)), f"{reason} {advice}".strip())


def _complaints(messages: Any, path: lines.Path) -> Iterator[tuple[lines.Path, str]]:
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from _complaints(inner, (*path, key))
    else:
        for reason in messages if isinstance(messages, list) else [messages]:
            yield path, str(reason)


def _line(places: Mapping[lines.Path, int], place: int, keys: lines.Path) -> int:
    """Of the deepest part of this key that is written down: in the version, else above all of them."""
    base: lines.Path = ("version", place) if _own(places, place, keys) else ()
    for depth in range(len(keys), -1, -1):
        if (found := places.get((*base, *keys[:depth]))) is not None:
            return found
    return places.get(("version",), 1)


def _own(places: Mapping[lines.Path, int], place: int, keys: lines.Path) -> bool:
    """Whether a key is the version's own affair, not of what stands above them all."""
    return not keys or ("version", place, keys[0]) in places or keys[:1] not in places


def _out_of_order(versions: Sequence[Rules], places: Mapping[lines.Path, int]) -> Iterator[Problem]:
    """Versions stand in the file in the order they come into force."""
    for place, (last, rules) in enumerate(pairwise(versions), start=1):
        if reason := disorder(last, rules):
            yield Problem(_line(places, place, reason[:1]), place + 1, *reason)


def disorder(last: Rules, rules: Rules) -> tuple[str, str] | None:
    """What keeps a version from following another one: the key and the reason."""
    if rules.version <= last.version:
        return "version", f"{rules.version} comes after {last.version}; count upwards"
    if rules.in_force_from <= last.in_force_from:
        after = f"version {rules.version} must come into force after {last.in_force_from}"
        return "in_force_from", after
    return None
