"""The addresses that steer the whole sandbox: settings, faults, counts, messages, people, reset."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from aiohttp import web

from integrations.sandbox.cards import Cards
from integrations.sandbox.faults import Faults
from integrations.sandbox.handsets import Handsets
from integrations.sandbox.options import Options
from integrations.sandbox.pensions import Pensions
from integrations.sandbox.repeated import Repeated
from integrations.sandbox.steering import as_json, done, read
from integrations.sandbox.transfers import Transfers

LOAD_AT_ONCE = 5000  # people in one database transaction
LISTED = 10_000  # messages in one answer, the newest; ?limit= asks for more or fewer


class Steered(Protocol):
    """The sandbox as far as it is steered from here."""

    options: Options
    faults: Faults
    handsets: Handsets
    cards: Cards
    pensions: Pensions
    transfers: Transfers
    repeated: Repeated

    def set_options(self, options: Options) -> None: ...

    def begin(self, seed: int) -> None: ...

    def places(self) -> dict[str, Any]: ...

    def counts(self) -> dict[str, Any]: ...

    def reset(self) -> None: ...


class SteeringDoor:
    """All under /_sandbox/."""

    def __init__(self, sandbox: Steered) -> None:
        self._sandbox = sandbox

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """To be added to the application."""
        return [
            web.get("/_sandbox/messages", self.get_messages),
            web.get("/_sandbox/counts", self.get_counts),
            web.get("/_sandbox/repeated", self.get_repeated),
            web.get("/_sandbox/faults", self.get_faults),
            web.post("/_sandbox/faults", self.post_faults),
            web.delete("/_sandbox/faults", self.delete_faults),
            web.post("/_sandbox/faults/clear", self.clear_faults),
            web.get("/_sandbox/settings", self.get_settings),
            web.post("/_sandbox/settings", self.post_settings),
            web.post("/_sandbox/matching", self.post_matching),
            web.post("/_sandbox/reset", self.post_reset),
            web.post("/_sandbox/people", self.post_people),
        ]

    async def get_messages(self, request: web.Request) -> web.Response:
        """?number= only that handset, ?since= (ISO 8601, inclusive), ?limit= the newest so many."""
        try:
            since = _since(request.query.get("since", ""))
            limit = int(request.query.get("limit", LISTED))
        except (ValueError, OverflowError):
            raise web.HTTPBadRequest(text="since is ISO 8601, limit a number") from None
        number = request.query.get("number")
        handsets = self._sandbox.handsets
        texts = handsets.since(since) if number is None else handsets.of(number)
        chosen = [text.as_json() for text in texts if text.at >= since]
        return as_json(chosen[-limit:] if limit > 0 else [])

    async def get_counts(self, _request: web.Request) -> web.Response:
        """Exact numbers."""
        return as_json(self._sandbox.counts())

    async def get_repeated(self, _request: web.Request) -> web.Response:
        """Every address that was told the same words more than once: what they are, and by which vendors."""
        return as_json(self._sandbox.repeated.listed())

    # --- faults ---

    async def get_faults(self, _request: web.Request) -> web.Response:
        """All that are on, and all that wait for their time."""
        return as_json(self._sandbox.faults.listed())

    async def post_faults(self, request: web.Request) -> web.Response:
        """Switch one on, from JSON or from the page's form."""
        values = await read(request)
        return done(request, _accepted(lambda: self._sandbox.faults.put(values), self._sandbox.faults.listed))

    async def delete_faults(self, _request: web.Request) -> web.Response:
        """Switch all off."""
        self._sandbox.faults.clear()
        return as_json([])

    async def clear_faults(self, request: web.Request) -> web.Response:
        """The same for the page's button."""
        self._sandbox.faults.clear()
        return done(request, [])

    # --- settings ---

    async def post_settings(self, request: web.Request) -> web.Response:
        """Change delays, addresses, limits; ``seed`` lets all chance begin anew."""
        values, sandbox = await read(request), self._sandbox

        def change() -> None:
            sandbox.set_options(sandbox.options.changed(values))
            if "seed" in values:
                sandbox.begin(sandbox.options.seed)

        return done(request, _accepted(change, self._settings))

    async def get_settings(self, _request: web.Request) -> web.Response:
        """As they are."""
        return as_json(self._settings())

    def _settings(self) -> dict[str, Any]:
        names = self._sandbox.options.__dataclass_fields__
        settings = {name: getattr(self._sandbox.options, name) for name in names}
        return settings | self._sandbox.places()

    async def post_reset(self, _request: web.Request) -> web.Response:
        """Empty messages, calls, mails, limits, counts and faults; people, cards and templates stay."""
        self._sandbox.reset()
        return as_json(self._sandbox.counts())

    # --- people ---

    async def post_matching(self, request: web.Request) -> web.Response:
        """The page's form for silent matching: ``switch`` on or off, ``share`` in a hundred, ``seconds``."""
        values, options = await read(request), self._sandbox.options

        def change() -> None:
            now = {
                "matching": str(values.get("switch", "on")) == "on",
                "matching_share": min(float(values.get("share", 100 * options.matching_share)) / 100, 1.0),
                "matching_delay": float(values.get("seconds", options.matching_delay)),
            }
            self._sandbox.set_options(options.changed(now))

        return done(request, _accepted(change, lambda: {"matching": self._sandbox.options.matching}))

    async def post_people(self, request: web.Request) -> web.Response:
        """NDJSON rows id_number, name, city, card_number, bank, card_state; any number of them.

        A pensioner's row has pension_status, too, and may have pension_last_done, pension_failed_on,
        pension_failure and pension_flags. ``transfers`` are a list of from, to, state, cause and days_ago.
        """
        loaded, rows = 0, []
        try:
            async for line in request.content:
                rows += [json.loads(line)] if line.strip() else []
                if len(rows) == LOAD_AT_ONCE:
                    loaded += self._load(rows)
                    rows.clear()
            loaded += self._load(rows)
        except (ValueError, RecursionError) as error:
            raise web.HTTPBadRequest(text=f"after {loaded} rows: {_plain(error)}") from None
        return as_json({"loaded": loaded})

    def _load(self, rows: list[Any]) -> int:
        loaded = self._sandbox.cards.load(rows)
        self._sandbox.pensions.load(rows)
        self._sandbox.transfers.load(rows)
        return loaded


def _accepted(change: Callable[[], None], shown: Callable[[], Any]) -> Any:
    try:
        change()
    except ValueError as error:
        raise web.HTTPBadRequest(text=_plain(error)) from None
    return shown()


def _plain(error: Exception) -> str:
    """What the error says, in text that can be sent: a stranger's words may be in it."""
    return str(error).encode("utf-8", "replace").decode()


def _since(text: str) -> float:
    if not text:
        return 0.0
    moment = datetime.fromisoformat(text.replace(" ", "+"))  # a bare + in a URL is a blank
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
