"""The address of a city's pension registry, and those to change somebody's state and payments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from integrations.sandbox.faults import Faults
from integrations.sandbox.options import Credentials
from integrations.sandbox.payments import Payments
from integrations.sandbox.pensions import MESSAGES, Pensions
from integrations.sandbox.signed_door import Account, SignedDoor
from integrations.sandbox.steering import as_json, done, read

LISTED = 20


class PensionDoor(SignedDoor):
    """What systems ask, and what is steered."""

    def __init__(
        self,
        credentials: Credentials,
        pensions: Pensions,
        payments: Payments,
        faults: Faults,
        calls: Counter[str],
    ) -> None:
        account = Account(credentials.pension_app_id, credentials.pension_secret)
        actions = {"pension/standing": pensions.standing, "pension/payments": payments.query}
        super().__init__("pension_registry", account, actions, MESSAGES, faults, calls)
        self._pensions = pensions
        self._payments = payments

    def routes(self) -> list[web.RouteDef]:
        """All its addresses."""
        return [
            web.post("/pension/standing", self.handle),
            web.post("/pension/payments", self.handle),
            web.get("/_sandbox/pensions", self.get_pensions),
            web.post("/_sandbox/pensions", self.post_pensions),
            web.post("/_sandbox/payments", self.post_payments),
        ]

    async def get_pensions(self, _request: web.Request) -> web.Response:
        """Those whose state was changed last."""
        return as_json(self._pensions.listed(LISTED))

    async def post_pensions(self, request: web.Request) -> web.Response:
        """See ``Pensions.change``; the answer is the new state."""
        return await _changed(request, self._pensions.change)

    async def post_payments(self, request: web.Request) -> web.Response:
        """See ``Payments.change``; the answer is that month's payment."""
        return await _changed(request, self._payments.change)


async def _changed(
    request: web.Request, change: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> web.Response:
    try:
        return done(request, change(await read(request)))
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    except LookupError as error:
        raise web.HTTPNotFound(text=str(error)) from None
