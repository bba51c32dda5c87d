"""Every back office with vectors is held to the contract, over HTTP with canned answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from gateway import back_offices
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
def test_a_back_office_nobody_answers_for_has_surely_done_nothing(
    name: str, everything_said: Callable[[], str]
) -> None:
    case = vectors.load(KIND, name)["unreachable"]
    outcome = call(name, f"http://127.0.0.1:{free_port()}", case)
    assert vectors.described(outcome) == case["outcome"]
    check_nothing_personal(name, everything_said() + repr(outcome))
