"""The list an author is held to, itself held to something."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.contract.situations import lacking

CODES, CAUSES = {"E1"}, {"UNDELIV"}


def ends(kind: str, answer: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"answers": [answer], "outcomes": [{"is": kind, **more}]}


def review(state: str) -> dict[str, Any]:
    return {"review": {"state": state}}


WHOLE: dict[str, list[Any]] = {
    "hand_over": [
        ends("Accepted", {"json": {}}),
        ends("Throttled", {"json": {}}, code="E0"),
        ends("Rejected", {"json": {}}, code="E2"),
        ends("Unknown", {"then": "hang"}),
        ends("Unknown", {"then": "close"}),
        ends("Unknown", {"status": 201}),
    ],
    "parse": [
        {"reports": [{"is": "Receipt", "delivery": "delivered"}]},
        {"reports": [{"is": "Receipt", "delivery": "undelivered"}]},
    ],
    "bad_reports": [{}],
    "verify": [{"genuine": True}, {"genuine": False}],
    "find": [
        {"answers": [{"json": {}}], "finding": {"is": "Found"}},
        {"answers": [{"then": "hang"}], "finding": {"is": "CannotTell"}},
    ],
    "register": [{"code": "1"}, {"refused": "no"}, {"unanswered": "http_502"}],
    "review": [review("pending"), review("approved"), review("refused")],
    "review_signature": [review("pending"), review("approved"), review("refused")],
    "counted": [{"totals": {"taken": 1}, "answers": []}, {"unanswered": "x", "answers": [{"then": "hang"}]}],
    "recorded": [{"records": [1], "answers": []}, {"unanswered": "x", "answers": [{"then": "hang"}]}],
}
REST: dict[str, Any] = {
    "settings": {"URL": "{url}"},
    "codes": [],
    "acknowledgement": {},
    "cause_push": {"body": "code={code}"},
    "causes": {"UNDELIV": "away", "NEW": "unspecified"},
}


def test_vectors_that_show_everything_lack_nothing() -> None:
    """One case for each situation is enough."""
    assert lacking({**WHOLE, **REST}, CODES, CAUSES) == []


@pytest.mark.parametrize(
    ("section", "place"), [(s, n) for s, cases in WHOLE.items() for n in range(len(cases))]
)
def test_each_case_is_missed(section: str, place: int) -> None:
    """Without it the author is told."""
    vectors = copy.deepcopy({**WHOLE, **REST})
    del vectors[section][place]
    assert lacking(vectors, CODES, CAUSES)


@pytest.mark.parametrize("key", ["cause_push", "causes"])
def test_the_causes_of_receipts_are_missed(key: str) -> None:
    """A code of the provider's table without a vector is named."""
    missing = lacking({**WHOLE, **REST, key: {}}, CODES, CAUSES)
    assert any(key in one for one in missing)
    assert key == "cause_push" or "UNDELIV stands in CAUSES and not in causes" in missing


def test_a_code_of_the_table_is_none_that_nobody_knows() -> None:
    """An unknown code must be one the provider does not know."""
    assert lacking({**WHOLE, **REST}, CODES | {"E2"}, CAUSES)


def test_a_provider_without_a_wire_must_only_take_messages() -> None:
    """Nobody can throttle it or lose its answer."""
    silent: dict[str, Any] = {"settings": {}, "hand_over": [], "codes": []}
    assert lacking(silent, {}, {}) == ["no hand_over vector ends in Accepted"]
