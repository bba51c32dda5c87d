"""What the product adds to a start: credentials to enter with, and one transaction to show."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from gateway import audit, runtime
from gateway.config import Settings
from gateway.demo import faces, identities, seed, tour
from gateway.demo.faces import Place
from gateway.demo.tour import Say
from gateway.errors import HuiyinError
from gateway.instance import Hooks, Ready
from gateway.instance.state import write_private
from gateway.runtime import Runtime
from gateway.services import operators, store
from gateway.services.webhooks import Kind
from gateway.webhooks import book

OPERATOR, SERVICE = "operator", "local"


def hooks(*, play: bool = True) -> Hooks:
    """The hooks ``gateway up`` gives the instance; with ``play`` it shows a finished transaction."""
    return Hooks(prepare=prepare, tour=show_one if play else lambda _settings, _ready: "")


def asleep(settings: Settings) -> Runtime:
    """A Runtime that wakes nobody: for what is done before the workers run."""
    return runtime.build(settings, wake=lambda _lane: None)


def prepare(settings: Settings) -> Mapping[str, object]:
    """The operator and the API key of this instance, made at its first start and kept in its state."""
    here = asleep(settings)
    if settings.sandbox_url:
        seed.templates(here)
    kept = settings.state / "credentials.json"
    known = _known(here, kept)
    if known is None:
        known = _credentials(here)
        write_private(kept, json.dumps(known))
    here.db.close()
    return known


def _known(here: Runtime, kept: Path) -> dict[str, Any] | None:
    """The credentials kept, if this database knows them."""
    if not kept.exists():
        return None
    known: dict[str, Any] = json.loads(kept.read_text())
    with here.db.read() as tx:
        here_too = store.account(tx, here.vault, UUID(known["service_id"])) is not None
    return known if here_too else None


def _credentials(here: Runtime) -> dict[str, Any]:
    password, now = secrets.token_urlsafe(12), here.clock()
    digest = operators.digest_of(password)
    with here.db.write() as tx:
        operators.set_password(tx, OPERATOR, digest, now)
        service = store.ensure_service(tx, SERVICE, now)
        key = store.create_key(tx, here.vault, service, "first", now)
        audit.record(tx, here.vault, now, "first start", "operator.set_password", OPERATOR)
        audit.record(tx, here.vault, now, "first start", "api_key.create", f"service {service}")
    return {
        "operator": {"user": OPERATOR, "password": password},
        "api_key": key,
        "service_id": str(service),
    }


def place(ready: Ready) -> Place:
    return Place(ready.url, ready.sandbox_url, str(ready.credentials["api_key"]))


def listen(here: Runtime, ready: Ready) -> None:
    """Have the sandbox's service told of what concerns ours; its page shows what it hears."""
    service = UUID(str(ready.credentials["service_id"]))
    with here.db.write() as tx:
        for kind in Kind:
            url = f"{ready.sandbox_url}/service/{kind}"
            book.subscribe(tx, here, service, kind, url, None, "demo")


def show_one(settings: Settings, ready: Ready) -> str:
    """Play one loss report on the pages and say how it went; nothing where there is no demo city."""
    if not settings.sandbox_url:
        return ""
    here = asleep(settings)
    try:
        listen(here, ready)
        person = seed.next_person(here)
        played = faces.web(place(ready), person)
        who_to_be = identities.to_try(seed.first_people(here))
    except HuiyinError as error:
        return f"  The first transaction could not be shown: {error}"
    finally:
        here.db.close()
    return "\n".join(
        [
            "",
            f"  One finished transaction · 一笔已办结的业务  {played.reference}  {played.state}",
            f"  SMS, delivered after {played.delivered_in_s} s:  {played.message}",
            "",
            *who_to_be,
            "",
        ]
    )


def play_tour(settings: Settings, ready: Ready, began: float, say: Say) -> dict[str, Any]:
    """The whole tour as the object ``run.py demo --json`` prints; ``ok`` only when all of it held."""
    here = asleep(settings)
    try:
        listen(here, ready)
        result = tour.play(here, place(ready), say)
    finally:
        here.db.close()
    return {**result, "seconds": round(time.monotonic() - began, 1)}
