"""The page: every handset with its messages and calls, the fault switches, the counts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader

from integrations.sandbox.faults import Faults
from integrations.sandbox.handsets import DELIVERED, FAILED, WAITING, Handsets, Shelf, Text
from integrations.sandbox.inbound import Replies, Reply
from integrations.sandbox.mailbox import Mailboxes, boxes
from integrations.sandbox.phones import (
    ANSWERED,
    BUSY,
    COMPLETED,
    EARLY,
    NO_ANSWER,
    OFF,
    RINGING,
    Call,
    Phones,
)
from integrations.sandbox.receipts import CHINA

FILES = Path(__file__).parent / "pages"
PHONES = 12  # handsets on the page
MESSAGES = 5  # newest messages and calls in each of them
MESSAGES_ALONE = 50  # when one handset was searched for
POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; form-action 'self'"
WORDS = {
    DELIVERED: ("delivered", "✓ 已送达", "delivered"),
    WAITING: ("waiting", "… 发送中", "on its way"),
    FAILED: ("failed", "✕ 未送达", "not delivered"),
}
CALL_WORDS = {
    RINGING: ("ringing", "来电", "Incoming call"),
    ANSWERED: ("talking", "通话中", "On the line"),
    COMPLETED: ("delivered", "✓ 已接听，听完", "answered, heard to the end"),
    EARLY: ("delivered", "✓ 已接听，提前挂断", "answered, hung up early"),
    BUSY: ("failed", "✕ 占线或拒接", "busy or rejected"),
    NO_ANSWER: ("failed", "✕ 未接来电", "missed call"),
    OFF: ("failed", "✕ 已关机", "switched off"),
}
ANSWER_WORDS = {
    "yes": "接听 Answers",
    "early": "接后挂断 Hangs up",
    "busy": "占线 Busy",
    "absent": "不接 No answer",
    "off": "关机 Off",
    "by_hand": "手动接听 By hand",
}
TARGETS = (
    ("aliyun_sms", "短信平台", "SMS vendor"),
    ("aliyun_voice", "语音平台", "Voice vendor"),
    ("twilio_sms", "备用短信平台", "Second SMS vendor"),
    ("twilio_voice", "备用语音平台", "Second voice vendor"),
    ("smtp", "邮件服务器", "Mail server"),
    ("card_core", "社保卡系统", "Card system"),
    ("pension_registry", "养老待遇系统", "Pension registry"),
    ("receipts", "回执", "Receipts"),
)
MODES = (
    ("ok", "正常", "OK"),
    ("slow", "变慢", "Slow"),
    ("error", "报错", "Error"),
    ("silent", "无应答", "Silent"),
    ("refuse", "断开", "Refuse"),
    ("down", "停机", "Down"),
)


class Page:
    """Rendered on the server; the script only fetches the changing parts again."""

    def __init__(
        self,
        handsets: Handsets,
        phones: Phones,
        replies: Replies,
        mailboxes: Mailboxes,
        faults: Faults,
        counts: Callable[[], dict[str, Any]],
    ) -> None:
        self._handsets = handsets
        self._phones = phones
        self._replies = replies
        self._mailboxes = mailboxes
        self._faults = faults
        self._counts = counts
        self._templates = Environment(loader=FileSystemLoader(FILES), autoescape=True, trim_blocks=True)

    def show(self, request: web.Request) -> web.Response:
        """The whole page; ?number= searches."""
        context = self._context(_digits(request)) | {"targets": TARGETS, "modes": MODES}
        html = self._templates.get_template("page.html").render(context)
        return web.Response(text=html, content_type="text/html", headers={"Content-Security-Policy": POLICY})

    async def fragment(self, request: web.Request) -> web.Response:
        """The changing parts as JSON, with a version to tell whether anything did change."""
        context = self._context(_digits(request))
        names = ("phones", "counts", "faults", "ringing", "mails")
        parts = {name: self._templates.get_template(f"{name}.html").render(context) for name in names}
        version = hashlib.sha256("\0".join(parts.values()).encode()).hexdigest()[:16]
        return web.json_response({"version": version, **parts})

    async def clear_faults(self, _request: web.Request) -> web.Response:
        """The button that puts everything right."""
        self._faults.clear()
        raise web.HTTPSeeOther("/")

    async def style(self, _request: web.Request) -> web.Response:
        """The style sheet."""
        return web.Response(text=(FILES / "page.css").read_text("utf-8"), content_type="text/css")

    async def script(self, _request: web.Request) -> web.Response:
        """The script."""
        return web.Response(text=(FILES / "page.js").read_text("utf-8"), content_type="text/javascript")

    def _context(self, part: str) -> dict[str, Any]:
        numbers = self._newest_numbers(part)
        shown = MESSAGES_ALONE if len(numbers) == 1 else MESSAGES
        return {
            "part": part,
            "phones": [self._phone(number, shown) for number in numbers],
            "ringing": [_spaced(number) for number in numbers if self._phones.rings_by_hand(number)],
            "boxes": boxes(self._mailboxes),
            "counts": self._counts(),
            "faults": self._faults.listed(),
            "target_words": {key: words for key, *words in TARGETS},
            "mode_words": {key: words for key, *words in MODES},
            "answer_words": ANSWER_WORDS,
            "doors": list(self._replies.doors),
        }

    def _newest_numbers(self, part: str) -> list[str]:
        """The handsets in which something happened last, newest first."""
        newest: dict[str, float] = {}
        shelves: tuple[Shelf[Any], ...] = (self._handsets, self._phones, self._replies)
        for shelf in shelves:
            for number in shelf.newest_numbers(part, PHONES):
                newest[number] = max(newest.get(number, 0.0), shelf.of(number)[-1].at)
        return sorted(newest, key=lambda number: newest[number], reverse=True)[:PHONES]

    def _phone(self, number: str, shown: int) -> dict[str, Any]:
        texts = self._handsets.of(number)
        others: list[Call | Reply] = [*self._phones.of(number), *self._replies.of(number)]
        thread: list[Text | Call | Reply] = sorted([*texts, *others], key=lambda item: item.at)
        return {
            "key": number,
            "number": _spaced(number),
            "earlier": max(0, len(thread) - shown),
            "thread": [_bubble(item) for item in thread[-shown:]],
            "answers": self._phones.answers(number),
            "through": texts[-1].provider if texts else "",
        }


def _digits(request: web.Request) -> str:
    """What was searched for; people type numbers with blanks and +86."""
    text = re.sub(r"[^\d+]", "", request.query.get("number", ""))
    return text.removeprefix("+86").removeprefix("+")[:20]


def _spaced(number: str) -> str:
    return f"{number[:3]} {number[3:7]} {number[7:]}"


def _bubble(item: Text | Call | Reply) -> dict[str, Any]:
    at = datetime.fromtimestamp(item.at, CHINA)
    kind = "reply" if isinstance(item, Reply) else "call" if isinstance(item, Call) else "text"
    sign, bracket, words = item.text.removeprefix("【").partition("】")
    bubble: dict[str, Any] = {
        "kind": kind,
        "sign": sign if bracket else "",
        "words": words if bracket else item.text,
        "at": at.isoformat(timespec="seconds"),
        "time": f"{at.month}月{at.day}日 {at:%H:%M:%S}",
    }
    if isinstance(item, Reply):
        return bubble
    style, status, english = CALL_WORDS[item.status] if isinstance(item, Call) else WORDS[item.status]
    bubble |= {"style": style, "status": status, "status_english": english}
    if isinstance(item, Call):
        bubble |= {"id": item.id, "plays": item.plays if item.status == COMPLETED else 0}
    return bubble
