"""The sandbox: all its parts wired together, and its addresses.

A vendor is added in ``doors``; see ``door`` for what it has to say of itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from integrations.sandbox import doors
from integrations.sandbox.aliyun import Aliyun
from integrations.sandbox.banks import BankDoor, Banks
from integrations.sandbox.cards import CardDoor, Cards
from integrations.sandbox.dice import DICE
from integrations.sandbox.door import World
from integrations.sandbox.dyvms import Voice, VoiceReports
from integrations.sandbox.exchange import Exchange
from integrations.sandbox.faults import Faults
from integrations.sandbox.filings import FilingDoor, Filings
from integrations.sandbox.handset_door import HandsetDoor
from integrations.sandbox.handsets import Handsets
from integrations.sandbox.inbound import Replies, SmsUps
from integrations.sandbox.limits import Limits
from integrations.sandbox.mail_pages import MailPages
from integrations.sandbox.mail_reports import MailReports
from integrations.sandbox.mailbox import Mailboxes, MailDoor
from integrations.sandbox.options import Credentials, Options
from integrations.sandbox.page import Page
from integrations.sandbox.payments import Payments
from integrations.sandbox.pension_door import PensionDoor
from integrations.sandbox.pensions import Pensions
from integrations.sandbox.phones import Phones
from integrations.sandbox.receipts import Pushes, Receipts, push_all
from integrations.sandbox.repeated import CALL, MAIL, TEXT, Repeated
from integrations.sandbox.scratch import open_scratch
from integrations.sandbox.services import Services
from integrations.sandbox.signature import Doorkeeper
from integrations.sandbox.steering_door import SteeringDoor
from integrations.sandbox.texts import Templates
from integrations.sandbox.transfers import TransferDoor, Transfers
from integrations.sandbox.twilio import Twilio
from integrations.sandbox.twilio_calls import Calls
from integrations.sandbox.twilio_messages import Messages
from integrations.sandbox.webhooks import Webhooks
from integrations.sandbox.work_orders import WorkOrderDoor, WorkOrders

LARGEST_BODY = 4 * 2**20


class Sandbox:
    """All parts, and what concerns all of them."""

    def __init__(self, state: Path, credentials: Credentials, options: Options) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self._scratch = open_scratch()
        self.calls: Counter[str] = Counter()
        self.faults = Faults()
        self.limits = Limits()
        self.repeated = Repeated()
        self.handsets = Handsets(self.repeated, options.newest)
        self.phones = Phones(self.repeated, options.newest)
        self.replies = Replies(options.newest)
        self.webhooks = Webhooks(credentials, self.faults)
        self.services = Services()
        self._build_cities(state, credentials)
        self._build_mail(options)
        self._build_aliyun(state, credentials)
        self._build_twilio(credentials)
        self._build_added(credentials)
        self.handset_door = HandsetDoor(self.phones, self.replies)
        self.page = Page(self)
        self.set_options(options)
        self.begin(options.seed)

    # --- parts ---

    def _build_cities(self, state: Path, credentials: Credentials) -> None:
        self.cards = Cards(state / "city.sqlite")
        self.card_door = CardDoor(credentials, self.cards, self.faults, self.calls)
        self.banks = Banks(state / "accounts.sqlite", self.cards)
        self.bank_door = BankDoor(credentials, self.banks, self.faults, self.calls)
        self.pensions = Pensions(state / "pensions.sqlite", self.cards)
        self.payments = Payments(state / "payments.sqlite", self.cards, self.pensions)
        self.pension_door = PensionDoor(credentials, self.pensions, self.payments, self.faults, self.calls)
        self.filings = Filings(state / "filings.sqlite", self.cards, self.pensions)
        self.filing_door = FilingDoor(credentials, self.filings, self.faults, self.calls)
        self.transfers = Transfers(state / "transfers.sqlite", self.cards)
        self.transfer_door = TransferDoor(credentials, self.transfers, self.faults, self.calls)
        self.work_orders = WorkOrders(state / "work-orders.sqlite")
        self.work_order_door = WorkOrderDoor(credentials, self.work_orders, self.faults, self.calls)

    def _build_mail(self, options: Options) -> None:
        self.mailboxes = Mailboxes(self._scratch, self.repeated, options.newest_mails)
        self.mail_reports = MailReports(self.faults, self.mailboxes)
        self.mail_door = MailDoor(self.mailboxes, self.faults, self.mail_reports.expect)

    def _build_aliyun(self, state: Path, credentials: Credentials) -> None:
        self.receipts = Receipts(self.faults)
        self.voice_reports = VoiceReports(self.faults)
        self.sms_ups = SmsUps(self.faults)
        self.replies.doors["aliyun_sms"] = self.sms_ups.expect
        self.voice = Voice(credentials, self.limits, self.phones, self.voice_reports)
        self.aliyun = Aliyun(
            credentials,
            Doorkeeper(credentials, self._scratch),
            self.faults,
            Templates(state / "templates.json"),
            self.limits,
            self.handsets,
            self.receipts,
            self.voice,
            self.calls,
        )

    def _build_twilio(self, credentials: Credentials) -> None:
        self.twilio_messages = Messages(credentials, self.faults, self.handsets, self.webhooks)
        self.twilio_calls = Calls(credentials, self.faults, self.phones, self.webhooks)
        self.twilio = Twilio(credentials, self.faults, self.calls, self.twilio_messages, self.twilio_calls)
        self.replies.doors["twilio_sms"] = self.twilio_messages.receive
        self.exchange = Exchange(credentials, self.webhooks)

    def _build_added(self, credentials: Credentials) -> None:
        shared = (self.handsets, self.phones, self.replies, self.limits, self.calls, self.webhooks)
        self.added = [door(World(credentials, self.faults, *shared)) for door in doors.ADDED]
        for door in self.added:
            self.faults.know(door.target, door.work, {push.action for push in door.pushes})

    @property
    def pushes(self) -> list[Pushes[Any]]:
        """Every kind of report."""
        own = (self.receipts, self.voice_reports, self.sms_ups, self.mail_reports)
        return [*own, *(push for door in self.added for push in door.pushes)]

    # --- what concerns all ---

    def set_options(self, options: Options) -> None:
        """Let every part know."""
        self.options = options
        parts: tuple[Any, ...] = (
            *(self.aliyun, self.voice, self.phones, self.webhooks, self.filings, self.pensions),
            self.transfers,
            self.work_orders,
            *(self.twilio_messages, self.twilio_calls, self.exchange),
            *self.pushes,
            *self.added,
        )
        for part in parts:
            part.options = options
        for shelf in (self.handsets, self.phones, self.replies):
            shelf.newest = options.newest
        self.mailboxes.newest = options.newest_mails

    def begin(self, seed: int) -> None:
        """Let chance begin anew."""
        DICE.begin(seed)

    def places(self) -> dict[str, Any]:
        """Where else the sandbox listens."""
        return {"smtp_port": self.mail_door.port}

    def counts(self) -> dict[str, Any]:
        """What has happened since the start or the last reset."""
        counts: dict[str, Any] = {
            "taken": self.handsets.taken,
            "receipts_pushed": self.receipts.pushed + self.twilio_messages.pushed,
            "receipts_given_up": self.receipts.given_up + self.twilio_messages.given_up,
            "repeated": self.repeated.by_medium[TEXT],
            "calls_taken": self.phones.taken,
            "calls_repeated": self.repeated.by_medium[CALL],
            "replies": self.replies.taken,
            "mails_taken": self.mailboxes.taken,
            "mails_repeated": self.repeated.by_medium[MAIL],
            "pairs_repeated": dict(self.repeated.by_kind),
            "mail_reports_pushed": self.mail_reports.pushed,
            "calls": dict(self.calls),
        }
        for door in self.added:
            counts |= door.counts()
            counts["receipts_pushed"] += sum(push.pushed for push in door.pushes)
            counts["receipts_given_up"] += sum(push.given_up for push in door.pushes)
        return counts

    def reset(self) -> None:
        """Empty messages, calls, limits, counts and faults; people, cards and templates stay."""
        for shelf in (self.handsets, self.phones, self.replies, self.mailboxes):
            shelf.clear()
        parts: tuple[Any, ...] = (
            *(self.limits, self.faults, self.calls, self.repeated, self.aliyun.signatures),
            *(self.webhooks, self.twilio_messages, self.exchange, self.services),
            *self.pushes,
            *self.added,
        )
        for part in parts:
            part.clear()

    def close(self) -> None:
        """Let the files go."""
        self.cards.close()
        self.banks.close()
        self.pensions.close()
        self.payments.close()
        self.filings.close()
        self.transfers.close()
        self.work_orders.close()

    # --- the root ---

    async def get_root(self, request: web.Request) -> web.Response:
        """The page, unless it is an RPC call by GET."""
        if "Action=" in request.query_string:
            return await self.aliyun.handle(request)
        return self.page.show(request)

    async def post_root(self, request: web.Request) -> web.Response:
        """Aliyun's, unless a door that was added claims it."""
        for door in self.added:
            if door.claims(request):
                return await door.handle(request)
        return await self.aliyun.handle(request)


def create_app(sandbox: Sandbox) -> web.Application:
    """The aiohttp application; it pushes reports while it runs."""
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=[_sense])
    app.add_routes(
        [
            web.post("/", sandbox.post_root),
            web.get("/", sandbox.get_root),
            *SteeringDoor(sandbox).routes(),
            *sandbox.handset_door.routes(),
            *sandbox.aliyun.reviews.routes(),
            *MailPages(sandbox.mailboxes).routes(),
            *sandbox.card_door.routes(),
            *sandbox.bank_door.routes(),
            *sandbox.pension_door.routes(),
            *sandbox.filing_door.routes(),
            *sandbox.transfer_door.routes(),
            *sandbox.work_order_door.routes(),
            *sandbox.twilio.routes(),
            *sandbox.exchange.routes(),
            *sandbox.services.routes(),
            *(route for door in sandbox.added for route in door.routes()),
            *sandbox.page.routes(),
        ]
    )

    async def background(_app: web.Application) -> AsyncIterator[None]:
        pushing = asyncio.create_task(push_all(sandbox.pushes, sandbox.faults))
        yield
        pushing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await pushing
        await sandbox.webhooks.close()
        sandbox.close()

    app.cleanup_ctx.append(background)
    return app


@web.middleware
async def _sense(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Who steers with nonsense nobody thought of hears so, and is not told of an error of ours."""
    try:
        return await handler(request)
    except (ValueError, OverflowError, RecursionError) as error:
        if not request.path.startswith("/_sandbox/"):
            raise
        raise web.HTTPBadRequest(text=f"that makes no sense here: {type(error).__name__}") from None
