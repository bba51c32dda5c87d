"""The page: handsets with messages and calls, mailboxes, the reviewers' desk, fault switches, counts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web
from jinja2 import Environment, FileSystemLoader

from integrations.sandbox.aliyun import Aliyun
from integrations.sandbox.banks import Banks
from integrations.sandbox.cards import Cards
from integrations.sandbox.door import Door
from integrations.sandbox.faults import Faults
from integrations.sandbox.filings import Filings
from integrations.sandbox.handsets import Handsets
from integrations.sandbox.inbound import Replies
from integrations.sandbox.mailbox import Mailboxes
from integrations.sandbox.options import Options
from integrations.sandbox.page_parts import (
    CARDS,
    boxes,
    carded,
    filed,
    matching,
    ordered,
    pensioned,
    reviews,
    switches,
    threads,
    told,
    transferred,
)
from integrations.sandbox.page_words import (
    ACCOUNT_WORDS,
    ANSWER_WORDS,
    CARD_WORDS,
    CAUSE_WORDS,
    EXTENSION_WORDS,
    FAILURE_WORDS,
    MAILBOX_WORDS,
    PAYMENT_WORDS,
    PENSION_WORDS,
    REASON_WORDS,
    SERVICE_WORDS,
    TARGETS,
    TRANSFER_CAUSES,
    TRANSFER_WORDS,
    modes_of,
)
from integrations.sandbox.pensions import Pensions
from integrations.sandbox.phones import Phones
from integrations.sandbox.services import Services
from integrations.sandbox.transfers import Transfers
from integrations.sandbox.work_orders import WorkOrders

PENSIONS = 10  # listed
FILES = Path(__file__).parent / "pages"
PARTS = (
    "counts",
    "faults",
    "ringing",
    "phones",
    "mails",
    "cards",
    "service",
    "reviews",
    "filings",
    "work_orders",
    "pensions",
    "transfers",
)  # what changes, each a template
# A mail's page stands in a frame without rights; its own answer allows it its looks and nothing else.
POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; form-action 'self'"


class World(Protocol):
    """What is to be seen of the sandbox."""

    options: Options
    faults: Faults
    handsets: Handsets
    phones: Phones
    replies: Replies
    mailboxes: Mailboxes
    services: Services
    aliyun: Aliyun
    cards: Cards
    banks: Banks
    filings: Filings
    work_orders: WorkOrders
    pensions: Pensions
    transfers: Transfers
    added: list[Door]

    def counts(self) -> dict[str, Any]: ...


class Page:
    """Rendered on the server; the script only fetches the changing parts again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._templates = Environment(loader=FileSystemLoader(FILES), autoescape=True, trim_blocks=True)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """Its parts; the page itself is the sandbox's root."""
        return [
            web.get("/_sandbox/page", self.fragment),
            web.get("/_sandbox/page.css", self.style),
            web.get("/_sandbox/page.js", self.script),
        ]

    def show(self, request: web.Request) -> web.Response:
        """The whole page; ?number= searches."""
        context = self._context(_digits(request)) | {"targets": self._targets(), "modes_of": modes_of}
        html = self._templates.get_template("page.html").render(context)
        return web.Response(text=html, content_type="text/html", headers={"Content-Security-Policy": POLICY})

    async def fragment(self, request: web.Request) -> web.Response:
        """The changing parts as JSON, with a version to tell whether anything did change."""
        context = self._context(_digits(request))
        parts = {name: self._templates.get_template(f"{name}.html").render(context) for name in PARTS}
        version = hashlib.sha256("\0".join(parts.values()).encode()).hexdigest()[:16]
        return web.json_response({"version": version, **parts})

    async def style(self, _request: web.Request) -> web.Response:
        """The style sheet."""
        return web.Response(text=(FILES / "page.css").read_text("utf-8"), content_type="text/css")

    async def script(self, _request: web.Request) -> web.Response:
        """The script."""
        return web.Response(text=(FILES / "page.js").read_text("utf-8"), content_type="text/javascript")

    def _targets(self) -> dict[str, tuple[str, str]]:
        """What can be switched, receipts last."""
        added = {door.target: door.words for door in self._world.added}
        own = dict(TARGETS)
        return own | added | {"receipts": own.pop("receipts")}

    def _context(self, search: str) -> dict[str, Any]:
        world = self._world
        phones = threads(world.handsets, world.phones, world.replies, search)
        return {
            "part": search,
            "phones": phones,
            "ringing": [phone["number"] for phone in phones if phone["rings"]],
            "boxes": boxes(world.mailboxes),
            "service": world.services,
            "told": told(world.services),
            "service_words": SERVICE_WORDS,
            "reviews": reviews(world.aliyun.reviews.listed()),
            "cards": carded(world.cards.listed(CARDS), world.banks.of),
            "card_words": CARD_WORDS,
            "account_words": ACCOUNT_WORDS,
            "filings": filed(world.filings.listed()),
            "cause_words": CAUSE_WORDS,
            "orders": ordered(world.work_orders.listed()),
            "extension_words": EXTENSION_WORDS,
            **self._pensions(),
            "transfers": transferred(world.transfers.listed()),
            "transfer_states": {state: words[1] for state, words in TRANSFER_WORDS.items()},
            "transfer_causes": TRANSFER_CAUSES,
            "counts": world.counts(),
            "seed": world.options.seed,
            "faults": switches(world.faults.listed(), self._targets()),
            "answer_words": ANSWER_WORDS,
            "mailbox_words": MAILBOX_WORDS,
            "doors": list(world.replies.doors),
        }

    def _pensions(self) -> dict[str, Any]:
        return {
            "pensions": pensioned(self._world.pensions.listed(PENSIONS)),
            "matching": matching(self._world.options),
            "pension_words": PENSION_WORDS,
            "failure_words": FAILURE_WORDS,
            "payment_words": PAYMENT_WORDS,
            "reason_words": REASON_WORDS,
        }


def _digits(request: web.Request) -> str:
    """What was searched for; people type numbers with blanks and +86."""
    text = re.sub(r"[^\d+]", "", request.query.get("number", ""))
    return text.removeprefix("+86").removeprefix("+")[:20]
