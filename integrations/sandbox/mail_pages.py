"""The mailboxes to look at and to act in: mails, their pages and files, one click to unsubscribe."""

from __future__ import annotations

from urllib.parse import quote

import aiohttp
from aiohttp import web

from integrations.sandbox.mailbox import Mailboxes
from integrations.sandbox.mails import Mail
from integrations.sandbox.steering import as_json, done, read

LISTED = 1_000  # mails in one answer, the newest
SLOWEST = 10.0  # how long a mail program waits for an answer, seconds
# A mail's own page: its styles, and nothing else of it, work; it is shown in a frame of ours only.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'"


class MailPages:
    """The addresses under /_sandbox/ for it."""

    def __init__(self, mailboxes: Mailboxes) -> None:
        self._mailboxes = mailboxes

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        one = "/_sandbox/mails/{id:[0-9]+}"
        return [
            web.get("/_sandbox/mails", self.get_mails),
            web.get(one, self.get_page),
            web.get(one + "/files/{place:[0-9]+}", self.get_file),
            web.post(one + "/unsubscribe", self.post_unsubscribe),
            web.get("/_sandbox/mailboxes", self.get_mailboxes),
            web.post("/_sandbox/mailboxes", self.post_mailboxes),
        ]

    async def get_mails(self, request: web.Request) -> web.Response:
        """?address= only that mailbox, ?limit= the newest so many; newest last."""
        address = request.query.get("address")
        limit = request.query.get("limit", str(LISTED))
        if not limit.isdecimal():
            raise web.HTTPBadRequest(text="limit is a number")
        mails = self._mailboxes.since(0) if address is None else self._mailboxes.of(address)
        chosen = mails[-int(limit) :] if int(limit) else []
        return as_json([self._mailboxes.opened(mail).as_json() for mail in chosen])

    async def get_page(self, request: web.Request) -> web.Response:
        """One mail's HTML, in which nothing works but its looks."""
        mail = self._mail(request)
        if not mail.html:
            raise web.HTTPNotFound(text="this mail has no page")
        return web.Response(
            text=mail.html, content_type="text/html", headers={"Content-Security-Policy": POLICY}
        )

    async def get_file(self, request: web.Request) -> web.Response:
        """One file of a mail, to be saved."""
        mail, place = self._mail(request), int(request.match_info["place"])
        if place >= len(mail.attachments):
            raise web.HTTPNotFound(text="no such file")
        name = quote(mail.attachments[place].name, safe="")
        headers = {
            "Content-Type": mail.attachments[place].type,
            "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(body=self._mailboxes.file(mail, place), headers=headers)

    async def post_unsubscribe(self, request: web.Request) -> web.Response:
        """What a mail program's button does (RFC 8058, 3.2): one POST, no cookies, no redirect followed.

        409 when the mail offers no such button, 502 when nobody answers it.
        """
        mail = self._mail(request)
        if not mail.unsubscribe:
            raise web.HTTPConflict(text="this mail offers no one-click unsubscribing")
        timeout, jar = aiohttp.ClientTimeout(total=SLOWEST), aiohttp.DummyCookieJar()
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, cookie_jar=jar) as session,
                session.post(
                    mail.unsubscribe, data={"List-Unsubscribe": "One-Click"}, allow_redirects=False
                ) as answer,
            ):
                mail.unsubscribed = answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            raise web.HTTPBadGateway(text="nobody answers at its address") from None
        return done(request, {"status": mail.unsubscribed})

    async def get_mailboxes(self, _request: web.Request) -> web.Response:
        """Every mailbox that was told how to behave."""
        return as_json(self._mailboxes.listed())

    async def post_mailboxes(self, request: web.Request) -> web.Response:
        """{"address", "behaves": "takes" | "full" | "gone" | "complains"}: from the next mail on."""
        values = await read(request)
        try:
            self._mailboxes.set_behaviour(values.get("address"), values.get("behaves"))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        return done(request, self._mailboxes.listed())

    def _mail(self, request: web.Request) -> Mail:
        wanted = int(request.match_info["id"])
        mail = next((mail for mail in self._mailboxes.since(0) if mail.id == wanted), None)
        if mail is None:
            raise web.HTTPNotFound(text="no such mail")
        return self._mailboxes.opened(mail)
