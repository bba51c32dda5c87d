"""Services, keys, senders and guests, for whoever operates this. Scope ``operate``; all is on record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy import Connection, Row

from gateway.api import door
from gateway.api import service_schemas as forms
from gateway.api.door import ONCE, Answer
from gateway.api.problems import ApiError, Problem
from gateway.errors import UnknownNameError
from gateway.levers import accounts, accounts_shown
from gateway.levers.accounts import Desk, WrongError
from gateway.levers.holding import NotNowError
from gateway.runtime import Runtime
from gateway.services import senders, store
from gateway.services.keys import State
from gateway.services.store import OPERATE, NewKey

Work = Callable[[Desk], Answer]


def blueprint(runtime: Runtime) -> Blueprint:
    """The routes under ``/v2/ops/services``, ``/v2/ops/keys`` and ``/v2/ops/senders``."""
    routes = Blueprint("services", __name__, url_prefix="/v2/ops", description="Who may call, and how much")
    routes.ARGUMENTS_PARSER = door.Parser()
    routes.before_request(lambda: door.enter(runtime, OPERATE))
    _looking(routes, runtime)
    _services(routes, runtime)
    _keys(routes, runtime)
    _senders(routes, runtime)
    _guests(routes, runtime)
    return routes


def _looking(routes: Blueprint, runtime: Runtime) -> None:
    @routes.get("/services")
    @routes.response(200, forms.ServicesSchema)
    def every() -> Response:
        """All services, by name."""
        with runtime.db.read() as tx:
            return door.shown({"services": [accounts_shown.service(row) for row in store.listed(tx)]})

    @routes.get("/services/<key>")
    @routes.response(200, forms.WholeServiceSchema)
    def one(key: str) -> Response:
        """A service with its keys, senders and guests. Secrets are shown nowhere."""
        with runtime.db.read() as tx, _refusals():
            return door.shown(accounts_shown.whole(_desk(tx, runtime), _found(tx, key)))


def _services(routes: Blueprint, runtime: Runtime) -> None:
    @routes.post("/services")
    @routes.arguments(forms.NewServiceSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(201, forms.ServiceSchema)
    def create(body: dict[str, Any]) -> Response:
        """Make a service, with the usual limits and no key yet."""

        def work(desk: Desk) -> Answer:
            made = accounts.create(desk, body["name"])
            return Answer(201, accounts_shown.service(_found(desk.tx, str(made))))

        return _once(runtime, work)

    @routes.post("/services/<key>/archive")
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.ChangedSchema)
    def archive(key: str) -> Response:
        """Close a service: its keys open nothing any more. What was taken still goes out."""
        return _once(runtime, lambda desk: _active(desk, key, active=False))

    @routes.post("/services/<key>/restore")
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.ChangedSchema)
    def restore(key: str) -> Response:
        """Take a service back from the archive, with the keys it had."""
        return _once(runtime, lambda desk: _active(desk, key, active=True))

    @routes.post("/services/<key>/limits")
    @routes.arguments(forms.LimitsSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.ServiceSchema)
    def limits(body: dict[str, Any], key: str) -> Response:
        """Give a service other limits. They hold within seconds."""

        def work(desk: Desk) -> Answer:
            row = _found(desk.tx, key)
            accounts.limit(desk, row, body.get("per_minute"), body["per_day"])
            return Answer(200, accounts_shown.service(_found(desk.tx, key)))

        return _once(runtime, work)


def _keys(routes: Blueprint, runtime: Runtime) -> None:
    @routes.post("/services/<key>/keys")
    @routes.arguments(forms.NewKeySchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(201, forms.IssuedKeySchema)
    def issue(body: dict[str, Any], key: str) -> Response:
        """Make a key. It is shown in this answer and never again."""
        new = NewKey(
            body["name"], body["type"], sorted(set(body["scopes"])), body["templates"], body["senders"]
        )
        return _once(
            runtime, lambda desk: _issued(desk, *accounts.new_key(desk, _found(desk.tx, key).id, new))
        )

    @routes.post("/keys/<key>/rotate")
    @routes.arguments(forms.OverlapSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(201, forms.IssuedKeySchema)
    def rotate(body: dict[str, Any], key: str) -> Response:
        """Make a key that may do the same; the old one works for some hours more."""
        overlap = timedelta(hours=body["overlap_hours"])
        return _once(runtime, lambda desk: _issued(desk, *accounts.rotate(desk, _id(key), overlap)))

    @routes.post("/keys/<key>/revoke")
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.ChangedSchema)
    def revoke(key: str) -> Response:
        """End a key at once. Doors that are busy may let it in for three seconds more."""

        def work(desk: Desk) -> Answer:
            changed = accounts.revoke(desk, _id(key))
            return Answer(200, {"id": str(_id(key)), "state": State.REVOKED, "changed": changed})

        return _once(runtime, work)


def _senders(routes: Blueprint, runtime: Runtime) -> None:
    @routes.post("/services/<key>/senders")
    @routes.arguments(forms.NewSenderSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(201, forms.SenderSchema)
    def add_sender(body: dict[str, Any], key: str) -> Response:
        """Give a service a name to send under."""

        def work(desk: Desk) -> Answer:
            owner = _found(desk.tx, key).id
            made = accounts.add_sender(
                desk, owner, body["channel"], body["value"], default=body["default"], inbound=body["inbound"]
            )
            [one] = [one for one in senders.of(desk.tx, desk.vault, owner) if one.id == made]
            return Answer(201, accounts_shown.sender(one))

        return _once(runtime, work)

    @routes.post("/senders/<key>/archive")
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.ChangedSchema)
    def archive_sender(key: str) -> Response:
        """Take a sender back. What was asked for under it still goes out so."""

        def work(desk: Desk) -> Answer:
            accounts.archive_sender(desk, _id(key))
            return Answer(200, {"id": str(_id(key)), "state": "archived", "changed": True})

        return _once(runtime, work)


def _guests(routes: Blueprint, runtime: Runtime) -> None:
    @routes.post("/services/<key>/guests")
    @routes.arguments(forms.NewGuestSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.ListedSchema)
    def add_guest(body: dict[str, Any], key: str) -> Response:
        """Let a service's team keys write to somebody."""

        def work(desk: Desk) -> Answer:
            owner = _found(desk.tx, key).id
            changed = accounts.add_guest(desk, owner, body["kind"], body["address"])
            return Answer(200, _listed(owner, body["address"], "listed", changed=changed))

        return _once(runtime, work)

    @routes.post("/services/<key>/guests/remove")
    @routes.arguments(forms.GoneGuestSchema)
    @routes.doc(parameters=[ONCE])
    @routes.response(200, forms.ListedSchema)
    def remove_guest(body: dict[str, Any], key: str) -> Response:
        """Take somebody off the list."""

        def work(desk: Desk) -> Answer:
            owner = _found(desk.tx, key).id
            changed = accounts.remove_guest(desk, owner, body["address"])
            return Answer(200, _listed(owner, body["address"], "not listed", changed=changed))

        return _once(runtime, work)


# --- the work of each route ------------------------------------------------------------------------


def _once(runtime: Runtime, work: Work) -> Response:
    def do(tx: Connection) -> Answer:
        with _refusals():
            return work(_desk(tx, runtime))

    return door.once(runtime, do)


def _desk(tx: Connection, runtime: Runtime) -> Desk:
    return Desk(tx, runtime.vault, runtime.clock(), f"service {door.caller().service_id}")


@contextmanager
def _refusals() -> Iterator[None]:
    """What there is not, what is wrong, and what cannot be done now, as the API says it."""
    try:
        yield
    except UnknownNameError as error:
        raise ApiError(404, Problem("NoResultFound", str(error), "See GET /v2/ops/services.")) from None
    except WrongError as error:
        raise ApiError(400, Problem("ValidationError", str(error), "See this route in /docs.")) from None
    except NotNowError as error:
        raise ApiError(409, Problem("BadRequestError", str(error), "See how it stands.")) from None


def _id(written: str) -> UUID:
    try:
        return UUID(written)
    except ValueError:
        raise UnknownNameError("No result found") from None


def _found(tx: Connection, key: str) -> Row[Any]:
    return accounts.find(tx, str(_id(key)))


def _active(desk: Desk, key: str, *, active: bool) -> Answer:
    row = _found(desk.tx, key)
    changed = accounts.set_active(desk, row.id, active=active)
    state = "active" if active else "archived"
    return Answer(200, {"id": str(row.id), "state": state, "changed": changed})


def _issued(desk: Desk, key: UUID, whole: str) -> Answer:
    shown = accounts_shown.key(accounts.held(desk.tx, key), desk.now)
    return Answer(201, {**shown, "api_key": whole}, once="api_key")


def _listed(service: UUID, address: str, state: str, *, changed: bool) -> dict[str, Any]:
    shown = {"service_id": str(service), "address": accounts_shown.masked(address)}
    return {**shown, "state": state, "changed": changed}
