"""What follows from a service's answer, and how we sign what we say."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
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
