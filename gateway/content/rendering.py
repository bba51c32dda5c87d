"""``((placeholders))`` as GOV.UK Notify writes them, without a template language.

``((name))`` is replaced by a value. Names compare without case, space, ``_`` and
``-``; Chinese names work. There is nothing to escape from and nothing to run:
a value that looks like a placeholder stays text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from gateway.errors import HuiyinError

_PLACEHOLDER = re.compile(r"\(\(([^()?]+)\)\)")
_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]*")


class MissingPersonalisationError(HuiyinError):
    """Missing personalisation"""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(f"Missing personalisation: {', '.join(names)}")
        self.names = names


@dataclass(frozen=True, slots=True)
class Compiled:
    """A body cut at its placeholders: ``texts`` has one more element than ``keys``.

    ``names`` are the placeholders as first written, ``variables`` the name each
    has where a provider registers the text (letters, digits and ``_`` only).
    """

    texts: tuple[str, ...]
    keys: tuple[str, ...]
    names: Mapping[str, str]
    variables: Mapping[str, str]

    def render(self, personalisation: Mapping[str, str]) -> str:
        """The text with values put in; a missing or null value raises ``MissingPersonalisationError``."""
        return self.rendered(personalisation)[0]

    def rendered(self, personalisation: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """The text and the values as a provider knows them, looked up once."""
        values = self.values(personalisation)
        parts = [self.texts[0]]
        for key, text in zip(self.keys, self.texts[1:], strict=True):
            parts += (values[key], text)
        return "".join(parts), {variable: values[key] for key, variable in self.variables.items()}

    def values(self, personalisation: Mapping[str, str]) -> dict[str, str]:
        """The values by compared name."""
        given = {compared(name): value for name, value in personalisation.items()}
        missing = tuple(name for key, name in self.names.items() if given.get(key) is None)
        if missing:
            raise MissingPersonalisationError(missing)
        return {key: str(given[key]) for key in self.names}

    def provider_body(self) -> str:
        """The body with ``${variable}``, for providers that register texts."""
        parts = [self.texts[0]]
        for key, text in zip(self.keys, self.texts[1:], strict=True):
            parts += (f"${{{self.variables[key]}}}", text)
        return "".join(parts)

    def provider_params(self, personalisation: Mapping[str, str]) -> dict[str, str]:
        """The values under the names a provider knows."""
        return self.rendered(personalisation)[1]


@lru_cache(maxsize=2048)
def compile_body(body: str) -> Compiled:
    """Cut a body at its placeholders; cached, since a version's body never changes."""
    pieces = _PLACEHOLDER.split(body)
    written = [name.strip() for name in pieces[1::2]]
    names: dict[str, str] = {}
    for name in written:
        names.setdefault(compared(name), name)
    variables = {
        key: name if _PLAIN_NAME.fullmatch(name) else f"v{number}"
        for number, (key, name) in enumerate(names.items(), start=1)
    }
    return Compiled(tuple(pieces[0::2]), tuple(compared(name) for name in written), names, variables)


@lru_cache(maxsize=4096)
def compared(name: str) -> str:
    """How names compare: without case, spaces, underscores and hyphens."""
    return re.sub(r"[\s_-]", "", name).lower()
