"""What people do with their handsets: how they take calls, picking up by hand, writing to us."""

from __future__ import annotations

from aiohttp import web

from integrations.sandbox.inbound import Replies
from integrations.sandbox.phones import Phones
from integrations.sandbox.steering import as_json, done, read

LISTED = 10_000  # calls in one answer, the newest; ?limit= asks for more or fewer


class HandsetDoor:
    """The addresses under /_sandbox/ for it."""

    def __init__(self, phones: Phones, replies: Replies) -> None:
        self._phones = phones
        self._replies = replies

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [
            web.get("/_sandbox/handsets", self.get_handsets),
            web.post("/_sandbox/handsets", self.post_handsets),
            web.get("/_sandbox/calls", self.get_calls),
            web.post("/_sandbox/calls/{id}", self.post_call),
            web.post("/_sandbox/inbound", self.post_inbound),
        ]

    async def get_handsets(self, _request: web.Request) -> web.Response:
        """Every handset whose way of taking calls was set."""
        return as_json(self._phones.listed())

    async def post_handsets(self, request: web.Request) -> web.Response:
        """{"number", "answers", "keys"?}: how that person takes calls from now on, and what they press."""
        values = await read(request)
        try:
            self._phones.set_answers(values.get("number"), values.get("answers"), values.get("keys", ""))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        return done(request, self._phones.listed())

    async def get_calls(self, request: web.Request) -> web.Response:
        """?number= only that handset's, ?limit= the newest so many; newest last."""
        number, limit = request.query.get("number"), request.query.get("limit", str(LISTED))
        if not limit.isdecimal():
            raise web.HTTPBadRequest(text="limit is a number")
        calls = self._phones.since(0.0) if number is None else self._phones.of(number)
        return as_json([call.as_json() for call in calls[-int(limit) :]] if int(limit) else [])

    async def post_call(self, request: web.Request) -> web.Response:
        """{"do": "answer" | "reject" | "press" | "hang_up", "keys"?}; 409 when it is in no state for it."""
        values = await read(request)
        try:
            self._phones.do(request.match_info["id"], values.get("do"), values.get("keys", ""))
        except LookupError as error:
            raise web.HTTPConflict(text=str(error)) from None
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        return done(request, {"done": True})

    async def post_inbound(self, request: web.Request) -> web.Response:
        """{"number", "text", "through"}: a message that person sends."""
        values = await read(request)
        try:
            reply = self._replies.send(*(values.get(name) for name in ("number", "text", "through")))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        return done(request, reply.as_json())
