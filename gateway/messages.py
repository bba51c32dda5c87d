"""What goes out, and what one provider can carry of it. Pure.

A provider declares its ``Limits``. ``excess`` says what of a message stands against them,
naming the limit, so that a message nobody can carry is refused at the door and one that
only some can carry goes to those.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with an e-mail: its name as people see it, its media type, its bytes."""

    name: str
    media_type: str
    body: bytes = field(repr=False)


class Message(NamedTuple):
    """One message ready to go.

    ``address`` is E.164 for telephones (+8613800138000), else an e-mail address.
    ``text`` is the whole text without the signature; on the voice channel it is
    spoken. ``template`` is the provider's own code of the registered template,
    with ``params`` for its variables in the order they first stand in the text; a
    provider that carries free text ignores both. ``language`` is the text's (zh-CN, en).

    ``subject``, ``html``, ``reply_to`` (an address, where answers go elsewhere), ``unsubscribe`` (the
    https address one click on which stops such mails) and ``attachments`` are an e-mail's. ``plays``
    is how often a call says its text, ``slow`` that it says it slowly, ``asks`` that keys are waited
    for after it. After ``expires_at`` it is of no use: a provider that can holds it no longer.
    """

    address: str
    text: str
    signature: str
    template: str | None = None
    params: Mapping[str, str] = {}
    language: str = "zh-CN"
    subject: str = ""
    html: str = ""
    reply_to: str = ""
    unsubscribe: str = ""
    attachments: tuple[Attachment, ...] = ()
    plays: int = 2
    slow: bool = False
    asks: bool = False
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cap:
    """How many messages one address gets at most within a time, before the provider refuses more.

    ``of`` says which: ``code``, ``notice`` (whatever is no code) or "" (all); ``same_text`` that each
    template is counted by itself. A ``calendar`` window begins with the clock's minute or hour, in
    zones of whole hours; any other slides.
    """

    most: int
    within: timedelta
    of: str = ""
    same_text: bool = False
    calendar: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What a provider carries at most. Zero or None: it names no such limit.

    ``text`` is in characters, with the signature and its 【】 where ``signed``;
    ``variable`` is in characters of one value, ``empty`` says whether one may be empty. ``json`` is
    for those that take the text as one JSON value ``{"text":…}``: characters of that. ``links`` and
    ``links_in_values`` say whether there may be web addresses, ``countries`` which calling codes it reaches
    (None: all), ``files`` how many bytes of attachments it takes, ``caps`` how often one address
    gets anything. ``into`` names other limits, in the place of all but the caps, for numbers of a
    calling code: {"86": Limits(…)}.
    """

    text: int = 0
    signed: bool = False
    json: int = 0
    variable: int = 0
    empty: bool = True
    links: bool = True
    links_in_values: bool = True
    countries: frozenset[str] | None = None
    files: int = 0
    caps: tuple[Cap, ...] = ()
    into: Mapping[str, Limits] = field(default_factory=dict, hash=False)

    def towards(self, address: str) -> Limits:
        """Those for that address; no calling code is the beginning of another."""
        for code, there in self.into.items():
            if address.startswith(f"+{code}"):
                return there
        return self


@dataclass(frozen=True, slots=True)
class Excess:
    """What stands against a message: the ``limit`` by its name in ``Limits``, and where.

    ``field`` is the variable or the part of the message, ``most`` and ``given`` are in the
    limit's unit; 0 where it has none.
    """

    limit: str
    field: str
    most: int = 0
    given: int = 0

    def __str__(self) -> str:
        """For the system that asked: which field, which limit. Repeats no value."""
        where = f"personalisation {self.field}" if self.limit in OF_VALUES else self.field
        return f"{where} {self._said(_EN)}"

    @property
    def zh(self) -> str:
        """The same for people who read Chinese."""
        where = f"变量“{self.field}”" if self.limit in OF_VALUES else _PARTS.get(self.field, self.field)
        return f"{where}{self._said(_ZH)}"

    def _said(self, words: Mapping[str, str]) -> str:
        without = self.limit == "files" and not self.most
        return words["no_files" if without else self.limit].format(most=self.most, given=self.given)


OF_VALUES = ("variable", "empty", "links_in_values")
"""The limits of one variable's value; their ``Excess.field`` is its name."""

_EN = {
    "text": "is too long: at most {most} characters, this has {given}",
    "json": "is too long to be spoken: at most {most} characters, this has {given}",
    "variable": "is too long: at most {most} characters, this has {given}",
    "empty": "is empty: this text is registered and needs something there",
    "links": "must not contain a web address",
    "links_in_values": "must not contain a web address",
    "countries": "is in a country no provider reaches",
    "files": "are too large: at most {most} bytes together, these have {given}",
    "no_files": "cannot go this way",
}
_ZH = {
    "text": "过长：最多{most}个字，现有{given}个",
    "json": "过长，念不完：最多{most}个字，现有{given}个",
    "variable": "过长：最多{most}个字，现有{given}个",
    "empty": "为空：该文字已报备，此处必须有内容",
    "links": "中不能有网址",
    "links_in_values": "中不能有网址",
    "countries": "所在的国家或地区，没有供应商能送达",
    "files": "过大：一共最多{most}字节，现有{given}字节",
    "no_files": "不能用这种方式发送",
}
_PARTS = {"text": "正文", "address": "号码", "attachments": "附件"}
_LINK = re.compile(r"https?://|www\.|[a-z0-9-]\.(?:com|cn|net|org|gov)\b", re.IGNORECASE | re.ASCII)
_JSON = len('{"text":""}')  # around the text itself
_written = json.JSONEncoder(ensure_ascii=False).encode


def excess(limits: Limits, message: Message) -> Excess | None:
    """The first of a provider's limits the message goes beyond; None when it can be carried."""
    limits = limits.towards(message.address)
    return _beyond_text(limits, message) or _beyond_values(limits, message) or _beyond_rest(limits, message)


def _beyond_text(limits: Limits, message: Message) -> Excess | None:
    """What ``most`` and ``given`` count is the text alone; the room around it is taken off the limit."""
    around = len(message.signature) + 2 if limits.signed and message.signature else 0
    if limits.text and len(message.text) + around > limits.text:
        return Excess("text", "text", limits.text - around, len(message.text))
    if limits.json:
        written = len(_written(message.text)) - len('""')
        if written + _JSON > limits.json:
            return Excess("json", "text", limits.json - _JSON, written)
    return Excess("links", "text") if not limits.links and has_link(message.text) else None


def _beyond_values(limits: Limits, message: Message) -> Excess | None:
    for name, value in message.params.items():
        if limits.variable and len(value) > limits.variable:
            return Excess("variable", name, limits.variable, len(value))
        if not limits.empty and not value.strip():
            return Excess("empty", name)
        if not limits.links_in_values and has_link(value):
            return Excess("links_in_values", name)
    return None


def _beyond_rest(limits: Limits, message: Message) -> Excess | None:
    if limits.countries is not None and not message.address.startswith(
        tuple(f"+{code}" for code in limits.countries)
    ):
        return Excess("countries", "address")
    size = sum(len(one.body) for one in message.attachments) if message.attachments else 0
    return Excess("files", "attachments", limits.files, size) if size > limits.files else None


def has_link(text: str) -> bool:
    """Whether there is a web address; most words have neither sign one cannot be without."""
    return ("." in text or "/" in text) and _LINK.search(text) is not None
