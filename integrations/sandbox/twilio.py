"""The door of Twilio's REST interface (2010-04-01): who may come in, faults, lists and errors."""

from __future__ import annotations

import base64
import hmac
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlencode

from aiohttp import web

from integrations.sandbox.faults import Fault, Faults, answer_under
from integrations.sandbox.options import Credentials
from integrations.sandbox.twilio_params import Params, Refusal, one, several, within

ROOT = "/2010-04-01/Accounts/{account}"
MOST_LISTED = 1000
USUALLY_LISTED = 50


class Resource(Protocol):
    """Messages or Calls; ``key`` names their list, ``target`` and ``action`` them among the faults."""

    key: str
    target: str
    action: str

    def create(self, params: Params) -> dict[str, Any]: ...

    def newest_first(self, params: Params) -> list[dict[str, Any]]: ...

    def find(self, sid: str) -> dict[str, Any] | None: ...


class Twilio:
    """Checks a call, applies faults, has the work done and answers."""

    def __init__(
        self, credentials: Credentials, faults: Faults, calls: Counter[str], *resources: Resource
    ) -> None:
        self._account = credentials.twilio_sid
        pair = f"{credentials.twilio_sid}:{credentials.twilio_token}"
        self._authorization = b"Basic " + base64.b64encode(pair.encode())
        self._faults = faults
        self._calls = calls
        self._resources = resources

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        routes = []
        for resource in self._resources:
            path = f"{ROOT}/{resource.action}"
            routes += [
                web.post(f"{path}.json", self._handler(resource, self._create)),
                web.get(f"{path}.json", self._handler(resource, self._list)),
                web.get(f"{path}/{{sid}}.json", self._handler(resource, self._fetch)),
            ]
        return routes

    def _handler(
        self, resource: Resource, work: Callable[[Resource, web.Request, Params], web.Response]
    ) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            body = (await request.read()).decode("utf-8", "replace")
            text = body if request.method == "POST" else request.query_string
            params = several(text)
            action = resource.action if request.method == "POST" else f"{resource.action}.list"
            self._calls[action] += 1
            to = one(params, "To")
            fault = self._faults.match(resource.target, action, (to, to.removeprefix("+86")))

            def answer() -> web.Response:
                try:
                    self._check(request)
                    return work(resource, request, params)
                except Refusal as refusal:
                    return _refused(refusal)

            return await answer_under(fault, request, answer, _fault_answer)

        return handle

    def _check(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, self._authorization):
            raise Refusal("20003", "Authenticate")
        if request.match_info["account"] != self._account:
            raise Refusal("20404", f"The requested resource {request.path} was not found")

    def _create(self, resource: Resource, _request: web.Request, params: Params) -> web.Response:
        return web.json_response(resource.create(params), status=201)

    def _list(self, resource: Resource, request: web.Request, params: Params) -> web.Response:
        within(params, "PageSize", 1, MOST_LISTED)
        within(params, "Page", 0, 999_999)
        size, page = int(one(params, "PageSize") or USUALLY_LISTED), int(one(params, "Page") or 0)
        found = resource.newest_first(params)
        shown = found[page * size : (page + 1) * size]
        answer = {
            resource.key: shown,
            "page": page,
            "page_size": size,
            "start": page * size,
            "end": page * size + max(0, len(shown) - 1),
            "uri": request.path_qs,
            "first_page_uri": _page(request, params, 0),
            "previous_page_uri": _page(request, params, page - 1) if page else None,
            "next_page_uri": _page(request, params, page + 1) if len(found) > (page + 1) * size else None,
        }
        return web.json_response(answer)

    def _fetch(self, resource: Resource, request: web.Request, _params: Params) -> web.Response:
        found = resource.find(request.match_info["sid"])
        if found is None:
            raise Refusal("20404", f"The requested resource {request.path} was not found")
        return web.json_response(found)


def _page(request: web.Request, params: Params, page: int) -> str:
    return f"{request.path}?{urlencode({**params, 'Page': [str(page)]}, doseq=True)}"


def _fault_answer(fault: Fault) -> web.Response:
    code = fault.code or "20500"
    return _refused(Refusal(code, fault.message or "A fault was switched on in the sandbox.", fault.status))


def _refused(refusal: Refusal) -> web.Response:
    return web.json_response(refusal.as_json(), status=refusal.status)
