"""The sandbox's addresses: the vendor, the card system, the page, and /_sandbox/ to steer it all."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from integrations.sandbox.aliyun import Aliyun
from integrations.sandbox.cards import CardDoor, Cards
from integrations.sandbox.dyvms import Voice, VoiceReports
from integrations.sandbox.exchange import Exchange
from integrations.sandbox.faults import Faults
from integrations.sandbox.handset_door import HandsetDoor
from integrations.sandbox.handsets import Handsets
from integrations.sandbox.inbound import Replies, SmsUps
from integrations.sandbox.limits import Limits
from integrations.sandbox.mail_reports import MailReports
from integrations.sandbox.mailbox import Mailboxes, MailDoor
from integrations.sandbox.options import Credentials, Options
from integrations.sandbox.page import Page
from integrations.sandbox.pensions import PensionDoor, Pensions
from integrations.sandbox.phones import Phones
from integrations.sandbox.receipts import Receipts, push_all
from integrations.sandbox.scratch import open_scratch
from integrations.sandbox.signature import Doorkeeper
from integrations.sandbox.steering import as_json, done, read
from integrations.sandbox.texts import Templates
from integrations.sandbox.twilio import Twilio
from integrations.sandbox.twilio_calls import Calls
from integrations.sandbox.twilio_messages import Messages
from integrations.sandbox.webhooks import Webhooks

LOAD_AT_ONCE = 5000  # people in one database transaction
LISTED = 10_000  # messages in one answer, the newest; ?limit= asks for more or fewer
LARGEST_BODY = 4 * 2**20


class Sandbox:
    """All parts, wired together, and the handlers that steer them."""

    def __init__(self, state: Path, credentials: Credentials, options: Options) -> None:
        state.mkdir(parents=True, exist_ok=True)
        scratch = open_scratch()
        self.calls: Counter[str] = Counter()
        self.faults = Faults()
        self.limits = Limits(scratch)
        self.handsets = Handsets(scratch, options.newest)
        self.phones = Phones(scratch, options.newest)
        self.replies = Replies(options.newest)
        self.inbound = self.replies.doors  # by provider: how a reply reaches the customer
        self.receipts = Receipts(self.faults)
        self.voice_reports = VoiceReports(self.faults)
        self.sms_ups = SmsUps(self.faults)
        self.inbound["aliyun_sms"] = self.sms_ups.expect
        self.webhooks = Webhooks(credentials, self.faults)
        self.twilio_messages = Messages(credentials, self.faults, self.handsets, self.webhooks)
        self.twilio_calls = Calls(credentials, self.faults, self.phones, self.webhooks)
        self.twilio = Twilio(credentials, self.faults, self.calls, self.twilio_messages, self.twilio_calls)
        self.inbound["twilio_sms"] = self.twilio_messages.receive
        self.exchange = Exchange(credentials, self.webhooks)
        self.handset_door = HandsetDoor(self.phones, self.replies)
        self.cards = Cards(state / "city.sqlite")
        self.card_door = CardDoor(credentials, self.cards, self.faults, self.calls)
        self.pensions = Pensions(state / "pensions.sqlite", self.cards)
        self.pension_door = PensionDoor(credentials, self.pensions, self.faults, self.calls)
        self.mailboxes = Mailboxes(scratch, options.newest_mails)
        self.mail_reports = MailReports(self.faults)
        self.mail_door = MailDoor(self.mailboxes, self.faults, self.mail_reports.expect)
        self.voice = Voice(credentials, self.limits, self.phones, self.voice_reports)
        self.aliyun = Aliyun(
            credentials,
            Doorkeeper(credentials, scratch),
            self.faults,
            Templates(state / "templates.json"),
            self.limits,
            self.handsets,
            self.receipts,
            self.voice,
            self.calls,
        )
        self.page = Page(self.handsets, self.phones, self.replies, self.mailboxes, self.faults, self.counts)
        self.set_options(options)

    def set_options(self, options: Options) -> None:
        """Let every part know."""
        self.options = options
        for part in (self.aliyun, self.voice, self.phones, self.receipts, self.voice_reports, self.sms_ups):
            part.options = options
        for twilio in (self.webhooks, self.twilio_messages, self.twilio_calls, self.exchange):
            twilio.options = options
        for shelf in (self.handsets, self.phones, self.replies):
            shelf.newest = options.newest
        self.mail_reports.options = options
        self.mailboxes.newest = options.newest_mails

    def counts(self) -> dict[str, Any]:
        """What has happened since the start or the last reset."""
        return {
            "taken": self.handsets.taken,
            "receipts_pushed": self.receipts.pushed + self.twilio_messages.pushed,
            "receipts_given_up": self.receipts.given_up + self.twilio_messages.given_up,
            "repeated": self.handsets.pairs.repeated,
            "calls_taken": self.phones.taken,
            "calls_repeated": self.phones.pairs.repeated,
            "replies": self.replies.taken,
            "mails_taken": self.mailboxes.taken,
            "mails_repeated": self.mailboxes.pairs.repeated,
            "mail_reports_pushed": self.mail_reports.pushed,
            "calls": dict(self.calls),
        }

    def reset(self) -> None:
        """Empty messages, calls, limits, counts and faults; people, cards and templates stay."""
        for shelf in (self.handsets, self.phones, self.replies, self.mailboxes):
            shelf.clear()
        self.mail_reports.clear()
        for part in (self.limits, self.receipts, self.voice_reports, self.sms_ups, self.faults, self.calls):
            part.clear()
        for twilio in (self.webhooks, self.twilio_messages, self.exchange):
            twilio.clear()

    # --- handlers ---

    async def get_root(self, request: web.Request) -> web.Response:
        """The page, unless it is an RPC call by GET."""
        if "Action=" in request.query_string:
            return await self.aliyun.handle(request)
        return self.page.show(request)

    async def get_messages(self, request: web.Request) -> web.Response:
        """?number= only that handset, ?since= (ISO 8601, inclusive), ?limit= the newest so many."""
        try:
            since = _since(request.query.get("since", ""))
            limit = int(request.query.get("limit", LISTED))
        except ValueError:
            raise web.HTTPBadRequest(text="since is ISO 8601, limit a number") from None
        number = request.query.get("number")
        texts = self.handsets.since(since) if number is None else self.handsets.of(number)
        chosen = [text.as_json() for text in texts if text.at >= since]
        return as_json(chosen[-limit:] if limit > 0 else [])

    async def get_counts(self, _request: web.Request) -> web.Response:
        """Exact numbers."""
        return as_json(self.counts())

    async def get_faults(self, _request: web.Request) -> web.Response:
        """All that are on."""
        return as_json(self.faults.listed())

    async def post_faults(self, request: web.Request) -> web.Response:
        """Switch one on, from JSON or from the page's form."""
        try:
            self.faults.put(await read(request))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        return done(request, self.faults.listed())

    async def delete_faults(self, _request: web.Request) -> web.Response:
        """Switch all off."""
        self.faults.clear()
        return as_json([])

    async def post_settings(self, request: web.Request) -> web.Response:
        """Change delays, the report address, limits."""
        try:
            self.set_options(self.options.changed(await read(request)))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        return await self.get_settings(request)

    async def get_settings(self, _request: web.Request) -> web.Response:
        """As they are."""
        names = self.options.__dataclass_fields__
        settings = {name: getattr(self.options, name) for name in names}
        return as_json(settings | {"smtp_port": self.mail_door.port})

    async def post_reset(self, _request: web.Request) -> web.Response:
        """See ``reset``."""
        self.reset()
        return as_json(self.counts())

    async def post_people(self, request: web.Request) -> web.Response:
        """NDJSON rows id_number, name, city, card_number, bank, card_state; any number of them.

        A pensioner's row has pension_status, too, and may have pension_last_done, pension_failed_on,
        pension_failure and pension_flags.
        """
        loaded, rows = 0, []
        try:
            async for line in request.content:
                rows += [json.loads(line)] if line.strip() else []
                if len(rows) == LOAD_AT_ONCE:
                    loaded += self._load(rows)
                    rows.clear()
            loaded += self._load(rows)
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"after {loaded} rows: {error}") from None
        return as_json({"loaded": loaded})

    def _load(self, rows: list[Any]) -> int:
        loaded = self.cards.load(rows)
        self.pensions.load(rows)
        return loaded


def create_app(sandbox: Sandbox) -> web.Application:
    """The aiohttp application; it pushes reports while it runs."""
    app = web.Application(client_max_size=LARGEST_BODY)
    card, page = sandbox.card_door.handle, sandbox.page
    app.add_routes(
        [
            web.post("/", sandbox.aliyun.handle),
            web.get("/", sandbox.get_root),
            web.post("/card/query", card),
            web.post("/card/report-loss", card),
            web.get("/_sandbox/messages", sandbox.get_messages),
            web.get("/_sandbox/counts", sandbox.get_counts),
            web.get("/_sandbox/faults", sandbox.get_faults),
            web.post("/_sandbox/faults", sandbox.post_faults),
            web.delete("/_sandbox/faults", sandbox.delete_faults),
            web.get("/_sandbox/settings", sandbox.get_settings),
            web.post("/_sandbox/settings", sandbox.post_settings),
            web.post("/_sandbox/reset", sandbox.post_reset),
            web.post("/_sandbox/people", sandbox.post_people),
            *sandbox.handset_door.routes(),
            *sandbox.mail_door.routes(),
            *sandbox.pension_door.routes(),
            *sandbox.twilio.routes(),
            *sandbox.exchange.routes(),
            web.get("/_sandbox/page", page.fragment),
            web.post("/_sandbox/faults/clear", page.clear_faults),
            web.get("/_sandbox/page.css", page.style),
            web.get("/_sandbox/page.js", page.script),
        ]
    )

    async def background(_app: web.Application) -> AsyncIterator[None]:
        pushing = asyncio.create_task(
            push_all(
                (sandbox.receipts, sandbox.voice_reports, sandbox.sms_ups, sandbox.mail_reports),
                sandbox.faults,
            )
        )
        yield
        pushing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await pushing
        await sandbox.webhooks.close()
        sandbox.cards.close()
        sandbox.pensions.close()

    app.cleanup_ctx.append(background)
    return app


def _since(text: str) -> float:
    if not text:
        return 0.0
    moment = datetime.fromisoformat(text.replace(" ", "+"))  # a bare + in a URL is a blank
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
