"""What follows from a service's answer, and how we sign what we say."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.services.webhooks import State
from gateway.webhooks import signing
from gateway.webhooks.retry import (
    GIVE_UP,
    LONGEST_REST,
    Answered,
    Barred,
    Lacking,
    Outcome,
    Silent,
    after,
    rest,
)
from tests.conftest import lacking
from tests.world import START

AILING = [Answered(500), Answered(503), Answered(429), Answered(408), Silent("timeout"), Barred()]
FINAL = [Answered(400), Answered(401), Answered(404), Answered(410), Answered(301), Lacking()]


@pytest.mark.parametrize("status", [200, 201, 204])
def test_every_2xx_is_taken_for_an_answer(status: int) -> None:
    assert after(Answered(status), 1, START, START, 0.5).state is State.DELIVERED


@pytest.mark.parametrize("outcome", FINAL)
def test_what_would_be_refused_again_is_not_tried_again(outcome: Outcome) -> None:
    """The service said no, moved without telling us, or there is nothing to tell."""
    then = after(outcome, 1, START, START, 0.5)
    assert (then.state, then.due_at) == (State.FAILED, None)
    assert then.cause


@given(st.sampled_from(AILING), st.floats(0, 1), st.integers(0, 5))
def test_an_ailing_service_is_tried_for_a_day_ever_more_rarely(
    outcome: Outcome, chance: float, late: int
) -> None:
    """The last try comes when the day is over, however late each was made; some thirty at the most."""
    now, tries, pauses = START, 0, list[timedelta]()
    while True:
        tries += 1
        then = after(outcome, tries, START, now, chance)
        if then.state is State.FAILED:
            break
        assert then.state is State.WAITING
        assert then.due_at is not None
        assert now < then.due_at <= START + GIVE_UP
        pauses.append(then.due_at - now)
        now = then.due_at + timedelta(seconds=late)
    assert now >= START + GIVE_UP
    assert 24 <= tries <= 70
    assert pauses[0] <= timedelta(seconds=5)
    assert pauses[:-1] == sorted(pauses[:-1])
    assert max(pauses) <= timedelta(hours=1)


def test_a_service_that_says_when_is_not_asked_before() -> None:
    """Retry-After; but not for longer than an hour."""
    assert after(Answered(429, 300), 1, START, START, 0).due_at == START + timedelta(seconds=300)
    assert after(Answered(503, 99_999), 1, START, START, 0).due_at == START + timedelta(hours=1)
    assert rest([Answered(200), Answered(429, 300)], 0, START, 0).until == START + timedelta(seconds=300)


def test_a_service_rests_longer_each_time_until_it_answers() -> None:
    """One event that is always refused does not hold up the others."""
    failures, until = 0, START
    for _ in range(12):
        now = until
        failures, until = (lambda one: (one.failures, one.until))(rest([Silent("timeout")], failures, now, 0))
    assert until - now == LONGEST_REST
    assert (failures, rest([Silent("x"), Answered(200)], failures, now, 0).failures) == (12, 0)
    assert rest([Answered(404)], failures, now, 0).until == now
    assert rest([], 3, now, 0) == (rest([], 3, now, 1))


@given(st.binary(max_size=200), st.integers(0, 2**33), st.uuids())
def test_what_we_say_can_be_checked_by_whoever_has_the_secret(body: bytes, seconds: int, event: UUID) -> None:
    """Written out as the specification says it; another secret, time or id does not fit."""
    secret = signing.new_secret()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    said = f"{event}.{seconds}.".encode() + body
    expected = base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
    assert signing.signature(secret, event, seconds, body) == f"v1,{expected}"
    assert signing.signature(secret, event, seconds + 1, body) != f"v1,{expected}"
    assert signing.signature(signing.new_secret(), event, seconds, body) != f"v1,{expected}"


# --- what the how-to shows ------------------------------------------------------------------------------

HOW_TO = Path(__file__).parents[2] / "docs/how-to/receive-webhooks.md"
BODY = '{"message": "你好"}'.encode()


def _shown(language: str) -> str:
    return HOW_TO.read_text("utf-8").partition(f"```{language}\n")[2].partition("```")[0]


def _said(secret: str, seconds_ago: float = 0) -> dict[str, str]:
    now = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return {
        name.lower(): value
        for name, value in signing.headers("token", secret, UUID(int=1), now, BODY).items()
    }


def test_the_python_code_of_the_how_to_knows_us(secret: str) -> None:
    """It takes what we sign and refuses another body, another secret and what is old."""
    names: dict[str, Any] = {}
    exec(_shown("python"), names)  # noqa: S102 - it is ours
    verify = names["verify"]
    assert verify(secret, _said(secret), BODY)
    assert not verify(secret, _said(secret), BODY + b" ")
    assert not verify(signing.new_secret(), _said(secret), BODY)
    assert not verify(secret, _said(secret, 600), BODY)


def test_the_node_code_of_the_how_to_knows_us(secret: str) -> None:
    """The same in a receiver of Node."""
    node = shutil.which("node")
    if node is None:
        lacking("node is not installed here")
    cases = [
        [secret, _said(secret), BODY.decode()],
        [secret, _said(secret), BODY.decode() + " "],
        [signing.new_secret(), _said(secret), BODY.decode()],
        [secret, _said(secret, 600), BODY.decode()],
    ]
    told = "process.stdout.write(JSON.stringify(JSON.parse(process.argv[1]).map("
    told += "([secret, headers, body]) => verify(secret, headers, Buffer.from(body)))))"
    command = [str(node), "-e", _shown("js") + told, json.dumps(cases)]
    printed = subprocess.run(command, capture_output=True, check=True).stdout
    assert json.loads(printed) == [True, False, False, False]


@pytest.fixture
def secret() -> str:
    return signing.new_secret()
