"""The page: every handset with its messages, the fault switches, the counts."""

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
from integrations.sandbox.handsets import DELIVERED, FAILED, WAITING, Handsets, Text
from integrations.sandbox.receipts import CHINA

FILES = Path(__file__).parent / "pages"
PHONES = 12  # handsets on the page
MESSAGES = 5  # newest messages in each of them
MESSAGES_ALONE = 50  # when one handset was searched for
POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; form-action 'self'"
WORDS = {
    DELIVERED: ("delivered", "✓ 已送达", "delivered"),
    WAITING: ("waiting", "… 发送中", "on its way"),
    FAILED: ("failed", "✕ 未送达", "not delivered"),
}
TARGETS = (
    ("aliyun_sms", "短信平台", "SMS vendor"),
    ("card_core", "社保卡系统", "Card system"),
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

    def __init__(self, handsets: Handsets, faults: Faults, counts: Callable[[], dict[str, Any]]) -> None:
        self._handsets = handsets
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
        names = ("phones", "counts", "faults")
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
        numbers = list(self._handsets.newest_numbers(part, PHONES))
        shown = MESSAGES_ALONE if len(numbers) == 1 else MESSAGES
        return {
            "part": part,
            "phones": [_phone(number, self._handsets.of(number), shown) for number in numbers],
            "counts": self._counts(),
            "faults": self._faults.listed(),
            "target_words": {key: words for key, *words in TARGETS},
            "mode_words": {key: words for key, *words in MODES},
        }


def _digits(request: web.Request) -> str:
    """What was searched for; people type numbers with blanks and +86."""
    text = re.sub(r"[^\d+]", "", request.query.get("number", ""))
    return text.removeprefix("+86").removeprefix("+")[:20]


def _phone(number: str, texts: list[Text], shown: int) -> dict[str, Any]:
    return {
        "number": f"{number[:3]} {number[3:7]} {number[7:]}",
        "earlier": max(0, len(texts) - shown),
        "texts": [_bubble(text) for text in texts[-shown:]],
    }


def _bubble(text: Text) -> dict[str, Any]:
    sign, _, words = text.text.removeprefix("【").partition("】")
    style, chinese, english = WORDS[text.status]
    at = datetime.fromtimestamp(text.at, CHINA)
    return {
        "sign": sign,
        "words": words,
        "at": at.isoformat(timespec="seconds"),
        "time": f"{at.month}月{at.day}日 {at:%H:%M:%S}",
        "style": style,
        "status": chinese,
        "status_english": english,
    }
