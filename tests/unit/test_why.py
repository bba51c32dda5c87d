"""The sentence that says why a notification is where it is and when it moves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import gateway
from gateway.delivery import why
from gateway.delivery.why import Facts, explain
from gateway.notifications.reasons import Reason
from gateway.notifications.status import ENDS, Status

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)  # 14:00 in China
WAITS = Facts(
    Status.WAITING,
    None,
    "sms",
    "sms.bulk",
    NOW,
    ZoneInfo("Asia/Shanghai"),
    expires_at=NOW + timedelta(days=2),
    due_at=NOW,
)
LATER = NOW + timedelta(minutes=2, seconds=10)
PAST = NOW - timedelta(minutes=5)
TRIED = replace(WAITS, provider="aliyun_sms", code="isv.X", due_at=LATER)


@pytest.mark.parametrize(
    ("facts", "said", "moves_at"),
    [
        (WAITS, "waiting: it was not tried yet; it is due and goes with the next claim of sms.bulk.", NOW),
        (
            replace(WAITS, reason=Reason.OUTSIDE_WINDOW, due_at=NOW + timedelta(hours=18)),
            "waiting: the city's SMS window is closed; it will go at 2026-11-24 08:00.",
            NOW + timedelta(hours=18),
        ),
        (
            replace(WAITS, opens_at=NOW + timedelta(hours=1)),
            "waiting: the city's SMS window is closed; it will go at 15:00.",
            NOW + timedelta(hours=1),
        ),
        (
            replace(WAITS, opens_at=NOW + timedelta(hours=18), expires_at=NOW + timedelta(hours=2)),
            "waiting: the city's SMS window is closed; it expires before that, at 16:00.",
            NOW + timedelta(hours=2),
        ),
        (
            replace(WAITS, paused=("lane sms.bulk", "li"), opens_at=LATER),
            (
                "waiting: lane sms.bulk is paused by li; it goes when that is resumed, and expires at "
                "2026-11-25 14:00."
            ),
            None,
        ),
        (
            replace(WAITS, expires_at=PAST, paused=("lane sms.bulk", "li")),
            "waiting: its time is over; it expires when lane sms.bulk, paused by li, is resumed.",
            None,
        ),
        (
            replace(WAITS, expires_at=PAST),
            "waiting: its time is over; the next claim ends it as expired.",
            NOW,
        ),
        (
            replace(TRIED, reason="isv.X"),
            "waiting: aliyun_sms said isv.X the last time; it will go at 14:02:10.",
            LATER,
        ),
        (
            replace(WAITS, reason=Reason.NO_PROVIDER, obstacles={"a": "paused", "b": "pending"}),
            (
                "waiting: no provider can carry it now (a: paused, b: text under review); "
                "it is due and goes with the next claim of sms.bulk."
            ),
            NOW,
        ),
        (
            replace(TRIED, status=Status.SENDING),
            (
                "sending: it is being handed over to aliyun_sms; "
                "without an answer by 14:02:10 it counts as unknown."
            ),
            LATER,
        ),
        (
            replace(TRIED, status=Status.UNKNOWN, reason="timeout", code="timeout"),
            "unknown: aliyun_sms gave no clear answer (timeout); it is asked again at 14:02:10.",
            LATER,
        ),
        (
            replace(TRIED, status=Status.UNKNOWN, reason=Reason.CANNOT_ASK, code="timeout"),
            "unknown: aliyun_sms did not answer and cannot be asked; its report is awaited until 14:02:10.",
            LATER,
        ),
        (
            replace(TRIED, reason="some_new_word"),
            "waiting: the reason is some_new_word; it will go at 14:02:10.",
            LATER,
        ),
        (
            replace(TRIED, status=Status.ACCEPTED),
            "accepted: aliyun_sms took it; its receipt is awaited until 14:02:10.",
            LATER,
        ),
        (
            replace(TRIED, status=Status.ACCEPTED, reason=Reason.NO_RECEIPT, due_at=None),
            "accepted: no receipt of aliyun_sms came in time; only a late receipt can still change it.",
            None,
        ),
        (
            replace(TRIED, status=Status.UNDELIVERED, reason="DB:0103", code="DB:0103", completed_at=PAST),
            "undelivered: aliyun_sms reports DB:0103; that is its end, since 13:55.",
            None,
        ),
        (
            replace(WAITS, status=Status.FAILED, reason="beyond_every_provider:variable:name", replayed=True),
            (
                "failed: it is beyond the limits of every provider (variable:name); "
                "another took its place by a replay."
            ),
            None,
        ),
        (
            replace(WAITS, status=Status.SUPPRESSED, reason=Reason.OPTED_OUT, completed_at=PAST),
            "suppressed: its recipient opted out; that is its end, since 13:55.",
            None,
        ),
    ],
)
def test_one_sentence_says_where_why_and_when(facts: Facts, said: str, moves_at: datetime | None) -> None:
    """By the city's clock; a pause or a closed window tells more than the try before."""
    found = explain(facts)
    assert (found.said.en, found.moves_at) == (said, moves_at)


REASONS = (None, *Reason, "isv.SOME_CODE", "beyond_every_provider:text:")


@pytest.mark.parametrize("status", Status)
def test_there_is_no_notification_without_a_sentence(status: Status) -> None:
    """Every status with every reason, in both languages; what ended moves no more."""
    for reason, due_at, provider in product(REASONS, (None, PAST, LATER), ("", "aliyun_sms")):
        found = explain(replace(WAITS, status=status, reason=reason, due_at=due_at, provider=provider))
        assert found.said.en.startswith(f"{status}: ")
        for text in (found.said.zh, found.said.en):
            assert not re.search(r"[{}]|None|: ;|：；", text)
        assert re.search("[一-龥]", found.said.zh)
        assert found.moves_at is None or status not in ENDS


def test_every_reason_has_words_of_its_own() -> None:
    """No two of our reasons read alike."""
    assert set(why.REASONS) == set(Reason)
    assert len({words.en for words in why.REASONS.values()}) == len(Reason)


ENGINE = Path(gateway.__file__).parent / "delivery"
SAYING = {"moved": 3, "Next": 2, "Unsendable": 1, "_again": 2}  # which argument is the reason
CODES = ("Unknown", "Unreachable", "CannotTell")  # answers our own code gives in a provider's place


def _said(tree: ast.Module) -> Iterator[str]:
    """The words a room gives as reasons: written out, by a constant of its own, or as a ``Reason``."""
    named = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name | ast.Attribute):
            name = call.func.id if isinstance(call.func, ast.Name) else call.func.attr
            place = 0 if name in CODES else SAYING.get(name)
            given = [*call.args[place : place + 1]] if place is not None else []
            given += (
                [word.value for word in call.keywords if word.arg == "reason"] if place is not None else []
            )
            for word in (_word(one, named) for one in given):
                if isinstance(word, str):
                    yield word.partition(":")[0]


def _word(given: ast.expr, named: Mapping[str, object]) -> object:
    match given:
        case ast.Constant(value):
            return value
        case ast.Name(name):
            return named.get(name)
        case ast.Attribute(ast.Name("Reason"), name):
            return Reason[name].value
    return None


def test_the_engine_says_nothing_that_has_no_sentence() -> None:
    """Whatever reason the delivery rooms write is a ``Reason``."""
    rooms = {room.name: set(_said(ast.parse(room.read_text("utf-8")))) for room in ENGINE.glob("*.py")}
    assert {"too_late", "worker_lost", "no_address"} <= set().union(*rooms.values())
    assert {name: words - set(Reason) for name, words in rooms.items() if words - set(Reason)} == {}
