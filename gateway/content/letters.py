"""E-mails from a small part of Markdown, with ``((placeholders))``. Pure.

An e-mail's template has ``Subject: …`` on its first line, a blank line, then the body:
``#`` and ``##`` headings, paragraphs (their line breaks stay), ``-`` bullets, ``1.`` numbers,
``^`` insets, ``[words](https://…)`` links and ``---`` rules. Whatever else Markdown knows stays as it
is written. A value that is a list becomes bullets where it stands in a paragraph; in a heading, an
inset or another list it is told one after the other.

Values are put in last, as words: one can make no markup, no line, no header and no link, not even
one that a mail program would make of it by itself.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gateway.content.frame import STYLES, Frame, element, page, plain
from gateway.content.markdown import Token, blocks, children
from gateway.content.rendering import Compiled, Values, compile_body
from gateway.errors import HuiyinError

_LINKS = ("https://", "tel:")
_MARK = re.compile("\ue000([0-9]+)([\ue001\ue002])")  # where a value goes; private use: Markdown lets it be
_LISTABLE = "\ue002"  # ends a mark in whose place bullets may stand
_TAGS = {"paragraph": "p", "list_item": "li", "inset": "blockquote"}


class LetterError(HuiyinError):
    """An e-mail text begins with Subject: … and a blank line; links are fixed https: or tel: ones."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """Words cut where values go; in some of these places a list may be bullets."""

    texts: tuple[str, ...]
    keys: tuple[str, ...]
    listable: tuple[bool, ...]

    def filled(self, values: Mapping[str, str], bullets: Mapping[str, str] = {}) -> str:
        parts = [self.texts[0]]
        if not bullets:
            for key, text in zip(self.keys, self.texts[1:], strict=True):
                parts += (values[key], text)
            return "".join(parts)
        for key, text, listable in zip(self.keys, self.texts[1:], self.listable, strict=True):
            parts += (bullets.get(key, values[key]) if listable else values[key], text)
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class CompiledLetter:
    """A template read once: its subject and both bodies; ``whole`` knows the names of its placeholders."""

    whole: Compiled
    subject: _Cut
    text: _Cut
    html: _Cut


def parted(template: str) -> tuple[str, str]:
    """Subject and body of an e-mail's template, the body as it was written.

    Raises ``LetterError`` where there is no subject.
    """
    found = re.fullmatch(r"\s*Subject:[ \t]*(\S[^\r\n]*)\r?\n[ \t]*\r?\n(.*)", template, re.S)
    if found is None:
        raise LetterError
    return found[1].strip(), found[2]


def split(template: str) -> tuple[str, str]:
    """The same with line ends of one character, and none around the body."""
    subject, body = parted(_unix(template).strip())
    return subject, body.strip("\n")


@lru_cache(maxsize=512)
def compile_letter(template: str, language: str = "zh-CN") -> CompiledLetter:
    """Read a template; cached, since a version never changes and reading costs more than sending.

    Raises ``LetterError`` for one without a subject, or with a link that is not fixed.
    """
    whole = compile_body(template, language)
    marked = "".join(_marked(whole))
    subject, body = split(marked)
    read = blocks(body)
    return CompiledLetter(
        whole,
        _cut(subject, whole.keys),
        _cut("\n\n".join(_listable(token, _plain(token)) for token in read), whole.keys),
        _cut("".join(_listable(token, _html(token)) for token in read), whole.keys),
    )


def letter(compiled: CompiledLetter, personalisation: Values, frame: Frame) -> tuple[str, str, str]:
    """Subject, plain text and HTML. A missing value raises ``MissingPersonalisationError``."""
    return framed(filled(compiled, personalisation), frame)


def filled(compiled: CompiledLetter, personalisation: Values) -> tuple[str, str, str]:
    """The same without its frame."""
    words = {key: _words(value) for key, value in compiled.whole.values(personalisation).items()}
    inert = {key: _inert(value) for key, value in words.items()}
    escaped = {key: html.escape(value) for key, value in inert.items()}
    if lists := compiled.whole.lists(personalisation):
        text, body = _with_lists(compiled, inert, escaped, lists)
    else:
        text, body = compiled.text.filled(inert), compiled.html.filled(escaped)
    return compiled.subject.filled(words), text, body


def framed(letter: tuple[str, str, str], frame: Frame) -> tuple[str, str, str]:
    """A letter with who writes, whom to ask and how to stop it."""
    subject, text, body = letter
    return subject, plain(frame, text), page(frame, subject, body)


# --- values -----------------------------------------------------------------------------

_REORDERING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LINKISH = re.compile(r"(?=//)|(?<=\.)(?=[^\W\d_]{2})|(?<=[.:/])\Z")


def _words(value: str) -> str:
    """One line of visible characters, in the order they are read."""
    line = " ".join(value.encode("utf-8", "replace").decode().split())
    return "".join(c for c in line if unicodedata.category(c) != "Cc" and c not in _REORDERING)


def _inert(words: str) -> str:
    """With a word joiner (seen by nobody) where a mail program would find an address to make a link of."""
    return _LINKISH.sub("\u2060", words)


def as_told(value: str) -> str:
    """A value as an e-mail's text says it."""
    return _inert(_words(value))


# --- lists ------------------------------------------------------------------------------

_GAP = re.compile(r"\n{3,}")


def bulleted(words: Sequence[str]) -> str:
    """A list in Markdown, apart from what stands around it."""
    return "\n\n" + "\n".join(f"* {word}" for word in words) + "\n\n"


def _with_lists(
    compiled: CompiledLetter,
    inert: Mapping[str, str],
    escaped: Mapping[str, str],
    lists: Mapping[str, Sequence[str]],
) -> tuple[str, str]:
    """Text and HTML in which lists are bullets. A paragraph ends before its list and goes on after it."""
    said = {key: [_inert(_words(word)) for word in words] for key, words in lists.items()}
    text = {key: "\n\n" + "\n".join(f"• {word}" for word in words) + "\n\n" for key, words in said.items()}
    open_, items = f'<p style="{STYLES["p"]}">', {}
    for key, words in said.items():
        inner = "".join(element("li", html.escape(word)) + "\n" for word in words)
        items[key] = f"</p>\n{element('ul', chr(10) + inner)}\n{open_}" if words else ""
    body = compiled.html.filled(escaped, items)
    body = body.replace("<br>\n</p>", "</p>").replace(f"{open_}<br>\n", open_).replace(f"{open_}</p>\n", "")
    return _GAP.sub("\n\n", compiled.text.filled(inert, text)).strip("\n"), body


# --- reading ----------------------------------------------------------------------------


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _marked(whole: Compiled) -> Iterator[str]:
    """The template with numbered marks instead of its placeholders."""
    for number, text in enumerate(whole.texts):
        if number:
            yield f"\ue000{number - 1}\ue001"
        yield re.sub("[\ue000-\ue002]", "", text)


def _cut(marked: str, keys: Sequence[str]) -> _Cut:
    pieces = _MARK.split(marked)
    numbers, ends = pieces[1::3], pieces[2::3]
    listable = tuple(end == _LISTABLE for end in ends)
    return _Cut(tuple(pieces[0::3]), tuple(keys[int(number)] for number in numbers), listable)


def _listable(token: Token, said: str) -> str:
    """What a block says, its marks such that bullets may stand in their place if it is a paragraph."""
    if token["type"] != "paragraph" or any(child["type"] != "text" for child in children(token)):
        return said
    return said.replace("\ue001", _LISTABLE)


def _destination(token: Token) -> str:
    """Where a link leads: fixed, so that no value can lead anybody anywhere."""
    url = str(token["attrs"]["url"])
    if not url.startswith(_LINKS) or "%EE%80%80" in url or "\ue000" in url:
        raise LetterError
    return url


# --- as HTML ------------------------------------------------------------------------------


def _html(token: Token) -> str:
    kind = token["type"]
    if kind == "text":
        return html.escape(_plain(token)).replace("\n", "<br>\n")
    inner = "".join(map(_html, children(token)))
    if kind == "link":
        return element("a", inner, f' href="{html.escape(_destination(token))}"')
    if kind == "heading":
        return element("h1" if token["attrs"]["level"] == 1 else "h2", inner) + "\n"
    if kind == "list":
        return _list(token, inner)
    if kind == "thematic_break":
        return f'<hr style="{STYLES["hr"]}">\n'
    tag = _TAGS.get(kind)
    return element(tag, inner) + "\n" if tag else inner


def _list(token: Token, inner: str) -> str:
    if not token["attrs"]["ordered"]:
        return element("ul", f"\n{inner}") + "\n"
    return element("ol", f"\n{inner}", f' start="{token["attrs"].get("start", 1)}"') + "\n"


# --- as plain text ------------------------------------------------------------------------


def _plain_blocks(blocks: Sequence[Token]) -> str:
    return "\n\n".join(map(_plain, blocks))


def _plain(token: Token) -> str:
    kind = token["type"]
    if kind == "text":
        return re.sub(r" *\n *", "\n", token["raw"])
    if kind == "list":
        return _plain_list(token)
    if kind == "inset":
        lines = _plain_blocks(children(token)).split("\n")
        return "\n".join(f"| {line}".rstrip() for line in lines)
    if kind == "thematic_break":
        return "-" * 20
    inner = "".join(map(_plain, children(token)))
    if kind == "heading":
        return f"{inner}\n{'=' * 20}" if token["attrs"]["level"] == 1 else f"{inner}\n{'-' * 20}"
    if kind == "link":
        return _plain_link(inner, _destination(token))
    return inner


def _plain_link(words: str, destination: str) -> str:
    """The words with their address; a telephone number that the words say is not said twice."""
    number = destination.removeprefix("tel:")
    said = number != destination and re.sub(r"\D", "", number) in re.sub(r"\D", "", words)
    return words if said else f"{words} <{number}>"


def _plain_list(token: Token) -> str:
    attributes, lines = token["attrs"], []
    for number, item in enumerate(children(token), start=attributes.get("start", 1)):
        sign = f"{number}. " if attributes["ordered"] else "• "
        words = "\n".join(map(_plain, children(item)))
        lines.append(sign + words.replace("\n", "\n" + " " * len(sign)))
    return "\n".join(lines)
