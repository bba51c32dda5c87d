"""Vectors: JSON in, real classes held to it, values compared as JSON.

A provider's file has, always: ``settings`` ("{url}" becomes the canned server's
address, "{port}" its port; give short timeouts), ``now``, ``personal`` (words that must appear nowhere),
``one.messages``, ``codes``, ``hand_over``. Then, for each protocol it speaks:
``find``; ``kind``, ``parse``, ``bad_reports``, ``verify``, ``acknowledgement`` (by kind), ``cause_push``,
``causes``; ``register``, ``review``, ``review_signature``; ``counted`` or ``recorded``.
What they must show at least is in ``situations``.

* ``hand_over``: ``rule``, ``handover``, ``messages``, ``answers``, ``outcomes``, ``sent``.
* ``answers``: each with ``status``, ``content_type`` and ``json`` or ``body``; or ``then``: hang, close,
  reset.
* ``sent``: what each request must have had: ``path``, ``query``, ``form``, ``json``, ``headers``.
* ``wire`` smtp: ``answers`` and ``sent.mail`` are those of ``canned_smtp``; a code has its ``answer``.
* ``codes``: ``rule``, ``code``, ``status``, ``outcome``, ``calls``; ``code_answer`` is the
  vendor's error body with "{code}" in it.
* ``messages``: the fields of ``gateway.messages.Message``; an attachment's ``body`` is base64.
* ``find``: ``rule``, ``address``, ``handover``, ``at``, ``text``, ``signature``, ``answers``, ``finding``.
* callbacks: ``json``, ``body`` or ``base64``, ``headers``, ``remote``, ``url``, ``kind`` (the file's own
  ``kind`` unless the case has one); ``parse`` ends in ``reports``: Receipts, Inbounds, Complaints, and
  ``{"is": "Unreadable", "code": …}`` for an item that cannot be read; ``bad_reports`` are no push at all.
* ``cause_push``: a callback with "{code}" where the vendor's code of a message that did not arrive
  stands; ``causes``: for each code of the module's ``CAUSES``, and for one that nobody knows, the cause.
* ``counted``, ``recorded``: ``rule``, ``day``, ``answers``; then ``totals``, ``records`` or ``unanswered``.
* ``register``: ``rule``, ``template``, ``answers``, then ``code``, ``refused`` or ``unanswered``;
  ``review`` (of the template ``code``, SMS_1 unless the case has one), ``review_signature``: ``rule``,
  ``answers``, ``review``; a vendor that fails leaves it pending.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway import providers as contract
from tests.contract.canned_server import CannedServer
from tests.contract.canned_smtp import CannedSmtp

ROOT = Path(__file__).parents[1] / "vectors"


def names(kind: str) -> list[str]:
    """The integrations that have vectors of that kind."""
    return sorted(path.stem for path in (ROOT / kind).glob("*.json"))


def load(kind: str, name: str) -> dict[str, Any]:
    """One integration's vectors."""
    vectors: dict[str, Any] = json.loads((ROOT / kind / f"{name}.json").read_text("utf-8"))
    return vectors


def cases(kind: str, section: str) -> list[Any]:
    """Every case of a section, over all integrations, as pytest parameters (name, case)."""
    return [
        pytest.param(name, case, id=f"{name}: {case['rule']}")
        for name in names(kind)
        for case in load(kind, name).get(section, [])
    ]


def build(kind: str, name: str, url: str, clock: Callable[[datetime], Any]) -> Any:
    """The real class on its real client, at that address and at the vectors' moment."""
    vectors = load(kind, name)
    port = str(urlsplit(url).port)
    places = {key: value.replace("{url}", url) for key, value in vectors["settings"].items()}
    settings = {key: value.replace("{port}", port) for key, value in places.items()}
    now = clock(datetime.fromisoformat(vectors["now"]))
    return module(name).build(settings, clock=lambda: now)


def has_a_wire(kind: str, name: str) -> bool:
    """Whether the integration talks to an address at all."""
    return any("{url}" in value or "{port}" in value for value in load(kind, name)["settings"].values())


def server(kind: str, name: str, answers: list[Mapping[str, Any]]) -> CannedServer | CannedSmtp:
    """Who plays these answers, on the wire the integration speaks."""
    return CannedSmtp(answers) if load(kind, name).get("wire") == "smtp" else CannedServer(answers)


def module(name: str) -> Any:
    """The integration's module."""
    return importlib.import_module(f"integrations.{name}")


def described(value: Any) -> Any:
    """A value as the vectors write it: records by name and fields, times in UTC, sets sorted."""
    if hasattr(value, "_asdict"):
        return {"is": type(value).__name__, **described(value._asdict())}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: described(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"is": type(value).__name__, **fields}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: described(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [described(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(value)
    return value


def whole(expected: Any, contract: Any = contract) -> Any:
    """What a vector expects of a value of the contract, with the defaults it does not mention."""
    if not isinstance(expected, Mapping) or not hasattr(contract, expected["is"]):
        return expected  # a back office's own kind of row
    record = getattr(contract, expected["is"])
    if hasattr(record, "_field_defaults"):
        return {**record._field_defaults, **expected}
    fields = dataclasses.fields(record)
    defaults = {field.name: field.default for field in fields if field.default is not dataclasses.MISSING}
    return {**defaults, **expected}


def check_sent(requests: list[Any], expected: list[Mapping[str, Any]]) -> None:
    """Each request carried at least what the vector says."""
    assert len(requests) == len(expected)
    for request, parts in zip(requests, expected, strict=True):
        if "path" in parts:
            assert request.path == parts["path"]
        for name, value in parts.get("query", {}).items():
            assert request.query.get(name) == value
        for name, value in parts.get("form", {}).items():
            sent = request.form.get(name)
            assert (sent if isinstance(value, str) else json.loads(sent or "null")) == value
        if "json" in parts:
            assert json.loads(request.body) == parts["json"]
        for name, value in parts.get("headers", {}).items():
            assert request.headers.get(name) == value
        for name, value in parts.get("mail", {}).items():
            assert request.mail.get(name) == value
