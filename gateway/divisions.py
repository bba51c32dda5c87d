"""Administrative divisions (GB/T 2260): the name of a code, and the codes of a name. Pure.

The names are python-stdnum's, which keeps them with their years for ID numbers, and
ours of what is newer (``templates/divisions.toml``; ADR 31). Only divisions that
exist today are told: who moves somewhere moves to one of them.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stdnum import numdb

NEWER = Path(__file__).parents[1] / "templates" / "divisions.toml"
CODE = re.compile(r"[0-9]{6}")
LONGEST = 60  # characters searched for; more is no place
PROVINCE_TAIL, PREFECTURE_TAIL = "0000", "00"
# Lines of the list that only hold counties together, and names of nothing one could live in.
_NOWHERE = re.compile(r"市辖区|县|林区|.*直辖.*")
_YEARS = re.compile(r"\[[0-9]*-([0-9]*)\]")
LEAST = 2  # characters of a name that tell anything


@dataclass(frozen=True, slots=True)
class Division:
    """A division's code and its names from the province down: 湖南省, 常德市, 石门县."""

    code: str
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        return "".join(self.names)

    @property
    def is_province(self) -> bool:
        return self.code.endswith(PROVINCE_TAIL)


def named(code: str) -> Division | None:
    """The division of a code; None for one there is not, or is no longer."""
    return _all().get(code)


def search(text: str) -> Sequence[Division]:
    """The divisions a text may mean, the likeliest first: 石门, 湖南石门县, 浦东, 常德, 310115.

    Below provinces only. Of a province or prefecture that is named alone come those directly
    below it as well; names may be cut short, and those above be left out.
    """
    if len(text) > LONGEST:
        return []
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    if CODE.fullmatch(plain):
        found = named(plain)
        return [found] if found and not found.is_province else []
    if len(plain) < LEAST:
        return []
    ranked = ((_rank(plain, one.names), one) for one in _all().values() if not one.is_province)
    near = [(rank, one.code, one) for rank, one in ranked if rank is not None]
    return [one for _, _, one in sorted(near, key=lambda item: item[:2])]


def _rank(text: str, names: tuple[str, ...]) -> int | None:
    """0: its own name or the beginning of it, 1: what it lies in; None: not it."""
    if _is_path(text, names):
        return 0
    return 1 if len(names) > 1 and _is_path(text, names[:-1]) else None


def _is_path(text: str, names: tuple[str, ...]) -> bool:
    """Whether the text is made of beginnings of these names, in order and down to the last one."""
    *above, last = names
    for size in range(min(len(text), len(last)), LEAST - 1, -1):
        if text.endswith(last[:size]) and _leads(text[: len(text) - size], tuple(above)):
            return True
    return False


def _leads(text: str, above: tuple[str, ...]) -> bool:
    return not text or any(_is_path(text, above[: place + 1]) for place in range(len(above)))


# --- the list ------------------------------------------------------------------------------


@cache
def _all() -> Mapping[str, Division]:
    names = dict(_living())
    found = {}
    for code, name in sorted(names.items()):
        above = [names.get(code[:2] + PROVINCE_TAIL), names.get(code[:4] + PREFECTURE_TAIL)]
        path = tuple(dict.fromkeys(one for one in (*above, name) if one and not _NOWHERE.fullmatch(one)))
        if not _NOWHERE.fullmatch(name):
            found[code] = Division(code, path)
    return found


def _living() -> Iterator[tuple[str, str]]:
    """Code and name of all that is not over, ours last."""
    ours = tomllib.loads(NEWER.read_text(encoding="utf-8"))
    for _, province, _, _, below in numdb.get("cn/loc").prefixes:
        for _, rest, _, described, _ in below:
            name = _now(described["county"])
            if name and province + rest not in ours["over"]:
                yield province + rest, name
    for code, more in ours["more"].items():
        yield code, more["name"]


def _now(names: str) -> str | None:
    """The last of a code's names, where its years have no end."""
    last = names.split(",")[-1]
    years = _YEARS.match(last)
    return None if years and years[1] else last[years.end() if years else 0 :]
