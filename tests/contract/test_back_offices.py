"""Every back office with vectors is held to the contract, over HTTP with canned answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import datetime
from typing import Any, get_origin, get_type_hints

import pytest

from gateway import back_offices
from gateway.transactions import registry
from tests.contract import contract_vectors as vectors
from tests.contract.canned_server import CannedServer, free_port

KIND = "back_offices"


def built(name: str, url: str) -> Any:
    return vectors.build(KIND, name, url, datetime.timestamp)


def argument(name: str, value: Any) -> Any:
    """Vectors write a card as {"$card": fields} and a moment as {"$at": text}."""
    if isinstance(value, dict) and "$card" in value:
        return vectors.module(name).Card(**value["$card"])
    return datetime.fromisoformat(value["$at"]) if isinstance(value, dict) and "$at" in value else value


def call(name: str, url: str, case: dict[str, Any]) -> Any:
    arguments = {key: argument(name, value) for key, value in case["arguments"].items()}
    return getattr(built(name, url), case["method"])(**arguments)


def check_nothing_personal(name: str, text: str) -> None:
    for word in vectors.load(KIND, name)["personal"]:
        assert word not in text, "personal data or a secret was said aloud"


@pytest.mark.parametrize(("name", "case"), vectors.cases(KIND, "calls"))
def test_a_call_ends_in_the_value_the_answer_means(
    name: str, case: dict[str, Any], everything_said: Callable[[], str]
) -> None:
    with CannedServer(case["answers"]) as server:
        outcome = call(name, server.url, case)
    assert vectors.described(outcome) == vectors.whole(case["outcome"], back_offices)
    assert not server.answers, "a canned answer was not used"
    assert not server.unexpected, "there was one call too many"
    vectors.check_sent(server.requests, case.get("sent", [{} for _ in server.requests]))
    check_nothing_personal(name, everything_said() + repr(outcome))
    check_nothing_personal(name, " ".join(request.url for request in server.requests))


@pytest.mark.parametrize("name", vectors.names(KIND))
def test_a_connector_answers_whatever_its_types_ask(name: str) -> None:
    """Each method of each type's protocol, with the parameters it is called with."""
    office = vectors.load(KIND, name).get("office", name)
    asked = [kind for kind in registry.types().values() if kind.back_office == office]
    assert asked, f"no transaction type has the back office {office!r}"
    built_here = built(name, f"http://127.0.0.1:{free_port()}")
    for kind in asked:
        wanted = next(iter(get_type_hints(kind.perform).values()))
        protocol = get_origin(wanted) or wanted
        for method in [one for one in vars(protocol) if not one.startswith("_")]:
            ours = inspect.signature(getattr(built_here, method)).parameters
            theirs = list(inspect.signature(getattr(protocol, method)).parameters)[1:]
            assert list(ours) == theirs, f"{name}.{method} differs from what {kind.name} calls"


@pytest.mark.parametrize("name", vectors.names(KIND))
def test_a_back_office_nobody_answers_for_has_surely_done_nothing(
    name: str, everything_said: Callable[[], str]
) -> None:
    case = vectors.load(KIND, name)["unreachable"]
    outcome = call(name, f"http://127.0.0.1:{free_port()}", case)
    assert vectors.described(outcome) == case["outcome"]
    check_nothing_personal(name, everything_said() + repr(outcome))
