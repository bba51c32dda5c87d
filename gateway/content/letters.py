"""E-mails from a small part of Markdown, with ``((placeholders))``. Pure.

An e-mail's template has ``Subject: …`` on its first line, a blank line, then the body:
``#`` and ``##`` headings, paragraphs (their line breaks stay), ``-`` bullets, ``1.`` numbers,
``^`` insets, ``[words](https://…)`` links and ``---`` rules. Whatever else Markdown knows stays as it
is written.

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

from gateway.content.markdown import Token, blocks, children
from gateway.content.rendering import Compiled, compile_body
from gateway.errors import HuiyinError

# Dark on white, contrast at least 7:1; 18 px and 1.5 as the rules for older readers ask (MIIT 2021).
FONT = "font:18px/1.5 'PingFang SC','Microsoft YaHei','Noto Sans SC',sans-serif"
INK, LINK, LINE = "#14212b", "#075e57", "#6d7c85"
STYLES = {
    "body": f"margin:0;padding:24px;background:#ffffff;color:{INK};{FONT}",
    "div": f"max-width:34em;margin:0 auto;{FONT};color:{INK}",
    "h1": "margin:24px 0 12px;font-size:26px;line-height:1.3",
    "h2": "margin:24px 0 12px;font-size:22px;line-height:1.3",
    "p": "margin:0 0 18px",
    "ul": "margin:0 0 18px;padding-left:28px",
    "ol": "margin:0 0 18px;padding-left:28px",
    "li": "margin:0 0 6px",
    "blockquote": f"margin:0 0 18px;padding:6px 0 1px 16px;border-left:8px solid {LINE}",
    "a": f"color:{LINK};text-decoration:underline",
    "hr": f"margin:24px 0;border:0;border-top:1px solid {LINE}",
}
FOOTERS = {
    "zh": "本邮件由系统自动发送，请勿直接回复。咨询电话：{hotline}。"
    "工作人员不会索要验证码或密码，切勿告知他人。",
    "en": "This message was sent automatically; please do not reply. Questions? Call {hotline}. "
    "Our staff never ask for codes or passwords.",
}
STOPPING = {
    "zh-CN": "不想再收到这类通知，请打开下面的链接。停止后，办理结果和验证码仍会照常发给您。",
    "en": "To stop notices like this one, open the link below. Results and codes will still reach you.",
}
STOP = "停止接收 Stop"

_LINKS = ("https://", "tel:")
_MARK = re.compile("\ue000([0-9]+)\ue001")  # where a value goes; private use, so Markdown lets it be
_TAGS = {"paragraph": "p", "list_item": "li", "inset": "blockquote"}


class LetterError(HuiyinError):
    """An e-mail text begins with Subject: … and a blank line; links are fixed https: or tel: ones."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every letter. ``hotline`` is as dialled from anywhere (0736-12333).

    ``unsubscribe`` is the address that stops such letters; "" where they cannot be stopped.
    """

    signature: str
    hotline: str
    language: str = "zh-CN"
    unsubscribe: str = ""


@dataclass(frozen=True, slots=True)
class _Cut:
    """Words cut where values go."""

    texts: tuple[str, ...]
    keys: tuple[str, ...]

    def filled(self, values: Mapping[str, str]) -> str:
        parts = [self.texts[0]]
        for key, text in zip(self.keys, self.texts[1:], strict=True):
            parts += (values[key], text)
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class CompiledLetter:
    """A template read once: its subject and both bodies; ``whole`` knows the names of its placeholders."""

    whole: Compiled
    subject: _Cut
    text: _Cut
    html: _Cut


def split(template: str) -> tuple[str, str]:
    """Subject and body of an e-mail's template. Raises ``LetterError`` where there is no subject."""
    found = re.fullmatch(r"Subject:[ \t]*(\S[^\n]*)\n[ \t]*\n(.*)", _unix(template).strip(), re.S)
    if found is None:
        raise LetterError
    return found[1].strip(), found[2].strip("\n")


@lru_cache(maxsize=512)
def compile_letter(template: str) -> CompiledLetter:
    """Read a template; cached, since a version never changes and reading costs more than sending.

    Raises ``LetterError`` for one without a subject, or with a link that is not fixed.
    """
    whole = compile_body(template)
    marked = "".join(_marked(whole))
    subject, body = split(marked)
    read = blocks(body)
    return CompiledLetter(
        whole,
        _cut(subject, whole.keys),
        _cut(_plain_blocks(read), whole.keys),
        _cut("".join(map(_html, read)), whole.keys),
    )


def letter(
    compiled: CompiledLetter, personalisation: Mapping[str, str], frame: Frame
) -> tuple[str, str, str]:
    """Subject, plain text and HTML. A missing value raises ``MissingPersonalisationError``."""
    return framed(frame, *filled(compiled, personalisation))


def filled(compiled: CompiledLetter, personalisation: Mapping[str, str]) -> tuple[str, str, str]:
    """The same without its frame."""
    words = {key: _words(value) for key, value in compiled.whole.values(personalisation).items()}
    inert = {key: _inert(value) for key, value in words.items()}
    body = compiled.html.filled({key: html.escape(value) for key, value in inert.items()})
    return compiled.subject.filled(words), compiled.text.filled(inert), body


def framed(frame: Frame, subject: str, text: str, body: str) -> tuple[str, str, str]:
    """A letter with who writes, whom to ask and how to stop it."""
    signed = f"【{frame.signature}】\n\n{text}\n\n-- \n{_plain_footer(frame)}\n"
    return subject, signed, _page(frame, subject, body)


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


# --- reading ----------------------------------------------------------------------------


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _marked(whole: Compiled) -> Iterator[str]:
    """The template with numbered marks instead of its placeholders."""
    for number, text in enumerate(whole.texts):
        if number:
            yield f"\ue000{number - 1}\ue001"
        yield text.replace("\ue000", "").replace("\ue001", "")


def _cut(marked: str, keys: Sequence[str]) -> _Cut:
    pieces = _MARK.split(marked)
    return _Cut(tuple(pieces[0::2]), tuple(keys[int(number)] for number in pieces[1::2]))


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


def element(tag: str, inner: str, more: str = "") -> str:
    """A piece of HTML in the house's style."""
    return f'<{tag}{more} style="{STYLES[tag]}">{inner}</{tag}>'


def _page(frame: Frame, subject: str, body: str) -> str:
    return (
        f'<!doctype html>\n<html lang="{html.escape(frame.language)}">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(subject)}</title></head>\n"
        f'<body style="{STYLES["body"]}">\n<div style="{STYLES["div"]}">\n'
        f'<p style="{STYLES["p"]}"><strong>【{html.escape(frame.signature)}】</strong></p>\n'
        f'{body}<hr style="{STYLES["hr"]}">\n{_html_footer(frame)}'
        "</div>\n</body>\n</html>\n"
    )


def _html_footer(frame: Frame) -> str:
    footer = element("p", html.escape(_footer(frame))) + "\n"
    if not frame.unsubscribe:
        return footer
    words = [f'<span lang="{language}">{words}</span>' for language, words in STOPPING.items()]
    link = element("a", STOP, f' href="{html.escape(frame.unsubscribe)}"')
    return footer + element("p", "<br>\n".join((*words, link))) + "\n"


# --- as plain text ------------------------------------------------------------------------


def _footer(frame: Frame) -> str:
    return FOOTERS["en" if frame.language.startswith("en") else "zh"].format(hotline=frame.hotline)


def _plain_footer(frame: Frame) -> str:
    """The link on a line of its own: a mail program would take a full stop after it for a part of it."""
    if not frame.unsubscribe:
        return _footer(frame)
    return "\n".join((_footer(frame), "", *STOPPING.values(), frame.unsubscribe))


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
