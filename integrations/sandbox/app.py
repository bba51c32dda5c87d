"""The sandbox's addresses: the vendor, the card system, the page, and /_sandbox/ to steer it all."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from integrations.sandbox.aliyun import Aliyun
from integrations.sandbox.cards import CardDoor, Cards
from integrations.sandbox.faults import Faults
from integrations.sandbox.handsets import Handsets
from integrations.sandbox.limits import Limits
from integrations.sandbox.options import Credentials, Options
from integrations.sandbox.page import Page
from integrations.sandbox.receipts import Receipts
from integrations.sandbox.scratch import open_scratch
from integrations.sandbox.signature import Doorkeeper
from integrations.sandbox.texts import Templates

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
        self.receipts = Receipts(self.faults)
        self.cards = Cards(state / "city.sqlite")
        self.card_door = CardDoor(credentials, self.cards, self.faults, self.calls)
        self.aliyun = Aliyun(
            credentials,
            Doorkeeper(credentials, scratch),
            self.faults,
            Templates(state / "templates.json"),
            self.limits,
            self.handsets,
            self.receipts,
            self.calls,
        )
        self.page = Page(self.handsets, self.faults, self.counts)
        self.set_options(options)

    def set_options(self, options: Options) -> None:
        """Let every part know."""
        self.options = self.aliyun.options = self.receipts.options = options
        self.handsets.newest = options.newest

    def counts(self) -> dict[str, Any]:
        """What has happened since the start or the last reset."""
        return {
            "taken": self.handsets.taken,
            "receipts_pushed": self.receipts.pushed,
            "receipts_given_up": self.receipts.given_up,
            "repeated": self.handsets.repeated,
            "calls": dict(self.calls),
        }

    def reset(self) -> None:
        """Empty messages, limits, counts and faults; people, cards and templates stay."""
        for part in (self.handsets, self.limits, self.receipts, self.faults, self.calls):
            part.clear()

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
        return _json(chosen[-limit:] if limit > 0 else [])

    async def get_counts(self, _request: web.Request) -> web.Response:
        """Exact numbers."""
        return _json(self.counts())

    async def get_faults(self, _request: web.Request) -> web.Response:
        """All that are on."""
        return _json(self.faults.listed())

    async def post_faults(self, request: web.Request) -> web.Response:
        """Switch one on, from JSON or from the page's form."""
        by_form = request.content_type == "application/x-www-form-urlencoded"
        values = {k: v for k, v in (await request.post()).items() if v} if by_form else await _body(request)
        try:
            self.faults.put(values)
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        if by_form:
            raise web.HTTPSeeOther("/")
        return _json(self.faults.listed())

    async def delete_faults(self, _request: web.Request) -> web.Response:
        """Switch all off."""
        self.faults.clear()
        return _json([])

    async def post_settings(self, request: web.Request) -> web.Response:
        """Change delays, the report address, limits."""
        try:
            self.set_options(self.options.changed(await _body(request)))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        return await self.get_settings(request)

    async def get_settings(self, _request: web.Request) -> web.Response:
        """As they are."""
        names = self.options.__dataclass_fields__
        return _json({name: getattr(self.options, name) for name in names})

    async def post_reset(self, _request: web.Request) -> web.Response:
        """See ``reset``."""
        self.reset()
        return _json(self.counts())

    async def post_people(self, request: web.Request) -> web.Response:
        """NDJSON rows id_number, name, city, card_number, bank, card_state; any number of them."""
        loaded, rows = 0, []
        try:
            async for line in request.content:
                rows += [json.loads(line)] if line.strip() else []
                if len(rows) == LOAD_AT_ONCE:
                    loaded += self.cards.load(rows)
                    rows.clear()
            loaded += self.cards.load(rows)
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"after {loaded} rows: {error}") from None
        return _json({"loaded": loaded})


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
            web.get("/_sandbox/page", page.fragment),
            web.post("/_sandbox/faults/clear", page.clear_faults),
            web.get("/_sandbox/page.css", page.style),
            web.get("/_sandbox/page.js", page.script),
        ]
    )

    async def background(_app: web.Application) -> AsyncIterator[None]:
        pushing = asyncio.create_task(sandbox.receipts.run())
        yield
        pushing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await pushing
        sandbox.cards.close()

    app.cleanup_ctx.append(background)
    return app


def _since(text: str) -> float:
    if not text:
        return 0.0
    moment = datetime.fromisoformat(text.replace(" ", "+"))  # a bare + in a URL is a blank
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


async def _body(request: web.Request) -> Mapping[str, Any]:
    try:
        values = await request.json()
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise web.HTTPBadRequest(text="a JSON object, please")
    return values


def _json(value: Any) -> web.Response:
    return web.json_response(value, dumps=lambda value: json.dumps(value, ensure_ascii=False))
