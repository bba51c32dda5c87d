"""Where in a TOML text each key stands: the standard reader does not say. Pure.

For texts that reader has taken already; nothing is checked here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

Path = tuple[str | int, ...]  # keys, and numbers from 0 in lists
_TOKEN = re.compile(
    r"""
    (?P<space>[ \t]+|\#[^\n]*)
  | (?P<line>\r?\n)
  | (?P<text>\"{3}(?:[^\\]|\\.)*?\"{3,5}(?!\")|'{3}.*?'{3,5}(?!')|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')
  | (?P<mark>[\[\]{}=,.])
  | (?P<bare>[^\s\[\]{}=,."'\#]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_LETTERS = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def lines(text: str) -> Mapping[Path, int]:
    """The line, counted from 1, of every key, table and list entry."""
    reader = _Reader(_tokens(text))
    reader.document()
    return reader.found


def _tokens(text: str) -> list[_Token]:
    tokens, line = [], 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "space":
            tokens.append(_Token(match.lastgroup or "", match.group(), line))
        line += match.group().count("\n")
    return [*tokens, _Token("end", "", line)]


class _Reader:
    """Goes through the tokens once; ``found`` grows."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.found: dict[Path, int] = {}
        self._tokens = tokens
        self._at = 0
        self._tables: dict[Path, int] = {}  # how many entries each list of tables has so far

    def document(self) -> None:
        table: Path = ()
        while self._here().kind != "end":
            if self._here().kind == "line":
                self._at += 1
            elif self._here().text == "[":
                table = self._header()
            else:
                self._pair(table)

    def _here(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._here()
        self._at += 1
        return token

    def _header(self) -> Path:
        line = self._take().line
        several = self._here().text == "["
        self._at += several
        path: Path = ()
        keys = self._keys("]")
        self._at += several
        for place, key in enumerate(keys, start=1):
            path = (*path, key)
            if several and place == len(keys):
                self._tables[path] = self._tables.get(path, 0) + 1
                self.found.setdefault(path, line)
            if path in self._tables:
                path = (*path, self._tables[path] - 1)
        self.found.setdefault(path, line)
        return path

    def _keys(self, until: str) -> list[str]:
        """A dotted key, and the mark after it."""
        keys: list[str] = []
        while (token := self._take()).text != until or token.kind != "mark":
            if token.kind == "text":
                keys.append(_said(token.text))
            elif token.kind == "bare":
                keys.append(token.text)
        return keys

    def _pair(self, table: Path) -> None:
        line = self._here().line
        path = table
        for key in self._keys("="):
            path = (*path, key)
            self.found.setdefault(path, line)
        self._value(path)

    def _value(self, path: Path) -> None:
        first = self._take()
        if (first.kind, first.text) == ("mark", "["):
            self._list(path)
        elif (first.kind, first.text) == ("mark", "{"):
            self._inline(path)
        else:
            while self._here().kind in {"bare", "text"} or self._here().text == ".":  # 1.5 is three tokens
                self._at += 1

    def _list(self, path: Path) -> None:
        number = 0
        while (token := self._here()).text != "]" or token.kind != "mark":
            if token.kind == "line" or token.text == ",":
                self._at += 1
                continue
            self.found[*path, number] = token.line
            self._value((*path, number))
            number += 1
        self._at += 1

    def _inline(self, path: Path) -> None:
        while (token := self._here()).text != "}" or token.kind != "mark":
            if token.kind == "line" or token.text == ",":
                self._at += 1
            else:
                self._pair(path)
        self._at += 1


def _said(quoted: str) -> str:
    """What a quoted key says."""
    inside = quoted[1:-1]
    return inside if quoted[0] == "'" else _ESCAPED.sub(_letter, inside)


def _letter(match: re.Match[str]) -> str:
    short, long, letter = match.groups()
    return chr(int(short or long, 16)) if short or long else _LETTERS.get(letter, letter)
