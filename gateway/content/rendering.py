"""``((placeholders))`` as GOV.UK Notify writes them, without a template language. Pure.

``((name))`` is replaced by a value, ``((name??words))`` by its words where the value of ``name``
says yes. Names compare without case, space, ``_`` and ``-``; Chinese names work. A list is told
one after the other: 甲、乙和丙, or a, b and c. There is nothing to escape from and nothing to
run: a value that looks like a placeholder stays text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gateway.errors import HuiyinError

_PLACEHOLDER = re.compile(r"\(\(([^()?]+)(?:\?\?([^()]*))?\)\)")
KEPT_NAME = 200  # characters; longer ones are a caller's own, and would fill the memory
_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]*")
YES = frozenset({"yes", "y", "true", "t", "1", "include", "show", "是", "对"})
_AND = {"zh": ("、", "和"), "en": (", ", " and ")}

Values = Mapping[str, object]
"""What is put into a text: strings, numbers, booleans, or lists of them."""


class MissingPersonalisationError(HuiyinError):
    """Missing personalisation"""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(f"Missing personalisation: {', '.join(names)}")
        self.names = names


@dataclass(frozen=True, slots=True)
class Compiled:
    """A body cut at its placeholders: ``texts`` has one more element than ``keys``.

    ``names`` are the placeholders as first written, by compared name. A key is a compared name, or
    one of ``conditions``, each with the name it asks and its words. ``variables`` are what each
    key is called where a provider registers the text (letters, digits and ``_`` only).
    """

    texts: tuple[str, ...]
    keys: tuple[str, ...]
    names: Mapping[str, str]
    conditions: Mapping[str, tuple[str, str]]
    variables: Mapping[str, str]
    language: str

    def render(self, personalisation: Values) -> str:
        """The text with values put in; a missing or null value raises ``MissingPersonalisationError``."""
        return self.filled(self.values(personalisation))

    def rendered(self, personalisation: Values) -> tuple[str, dict[str, str]]:
        """The text and the values as a provider knows them, looked up once."""
        values = self.values(personalisation)
        return self.filled(values), {variable: values[key] for key, variable in self.variables.items()}

    def check(self, personalisation: Values) -> None:
        """Raise ``MissingPersonalisationError`` for a missing or null value."""
        if not self.names.keys() <= personalisation.keys() or None in personalisation.values():
            self.values(personalisation)  # perhaps another spelling, or a value it has no use for

    def filled(self, values: Mapping[str, str]) -> str:
        """The text with what stands for each key."""
        parts = [self.texts[0]]
        for key, text in zip(self.keys, self.texts[1:], strict=True):
            parts += (values[key], text)
        return "".join(parts)

    def values(self, personalisation: Values) -> dict[str, str]:
        """The words that stand for each key, and for each name."""
        given = {compared(name): value for name, value in personalisation.items()}
        values: dict[str, Any] = {
            key: value if type(value := given.get(key)) is str else self._told(value) for key in self.names
        }
        if None in values.values():
            missing = tuple(name for key, name in self.names.items() if values[key] is None)
            raise MissingPersonalisationError(missing)
        return self._with_conditions(values) if self.conditions else values

    def _with_conditions(self, values: dict[str, str]) -> dict[str, str]:
        for key, (asked, words) in self.conditions.items():
            values[key] = words if says_yes(values[asked]) else ""
        return values

    def lists(self, personalisation: Values) -> dict[str, list[str]]:
        """Those of the values that are lists, by compared name."""
        for value in personalisation.values():
            if type(value) is list:
                break
        else:
            return {}
        given = {compared(name): value for name, value in personalisation.items()}
        return {key: each(value) for key in self.names if isinstance(value := given.get(key), list)}

    def provider_body(self) -> str:
        """The body with ``${variable}``, for providers that register texts."""
        return self.filled({key: f"${{{variable}}}" for key, variable in self.variables.items()})

    def provider_params(self, personalisation: Values) -> dict[str, str]:
        """The values under the names a provider knows."""
        return self.rendered(personalisation)[1]

    def written(self, variable: str) -> str:
        """The name in our text of what a provider calls so; what is no variable of it stays as it is."""
        for key, one in self.variables.items():
            if one == variable:
                return self.names[self.conditions[key][0] if key in self.conditions else key]
        return variable

    def _told(self, value: object) -> str | None:
        if value is None:
            return None
        return in_words(value, self.language) if isinstance(value, list) else str(value)


@lru_cache(maxsize=2048)
def compile_body(body: str, language: str = "zh-CN") -> Compiled:
    """Cut a body at its placeholders; cached, since a version's body never changes.

    A line end is one character, as it is sent.
    """
    return as_written(body.replace("\r\n", "\n"), language)


@lru_cache(maxsize=512)
def as_written(body: str, language: str) -> Compiled:
    """The same with its line ends as they were written."""
    pieces = _PLACEHOLDER.split(body)
    names: dict[str, str] = {}
    conditions: dict[str, tuple[str, str]] = {}
    keys = []
    for name, words in zip(pieces[1::3], pieces[2::3], strict=True):
        key = asked = compared(name)
        names.setdefault(asked, name.strip())
        if words is not None:
            key = f"{asked}??{words}"
            conditions[key] = asked, words
        keys.append(key)
    variables = dict(_variables(dict.fromkeys(keys), names))
    return Compiled(tuple(pieces[0::3]), tuple(keys), names, conditions, variables, language)


def _variables(keys: Mapping[str, object], names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """A plain name is kept; any other, and each condition, is v and its number."""
    kept = {key: names[key] for key in keys if _PLAIN_NAME.fullmatch(names.get(key, ""))}
    taken = set(kept.values())
    for number, key in enumerate(keys, start=1):
        name = kept.get(key) or f"v{number}"
        while key not in kept and name in taken:
            name += "_"
        taken.add(name)
        yield key, name


def compared(name: str) -> str:
    """How names compare: without case, spaces, underscores and hyphens."""
    return _compared(name) if len(name) <= KEPT_NAME else _compared.__wrapped__(name)


@lru_cache(maxsize=4096)
def _compared(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def says_yes(word: str) -> bool:
    return word.strip().lower() in YES


def each(value: Sequence[object]) -> list[str]:
    """What there is in a list, in its order; what is empty or null is nothing to tell."""
    return [word for one in value if one is not None and (word := str(one).strip())]


def in_words(value: Sequence[object], language: str) -> str:
    """A list as it is told: 甲、乙和丙; a, b and c."""
    between, last = _AND["en" if language.startswith("en") else "zh"]
    *before, end = each(value) or [""]
    return f"{between.join(before)}{last}{end}" if before else end
