"""The verbs for routes: another weight for a while, how providers stand, and what changed and why."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from gateway.delivery import route_book
from gateway.runtime import Runtime
from gateway.traffic.board import Change
from gateway.traffic.breaker import Heard, Mode, State, Why
from tests.flows.shell import Shell
from tests.flows.test_levers import actions, one_provider

__all__ = ["one_provider"]  # a fixture
SET = ("route", "set", "sms", "twilio_sms=5,aliyun_sms=0", "--for", "2h", "--why", "prices")


@pytest.fixture(autouse=True)
def two(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMS_PROVIDERS", "aliyun_sms=9,twilio_sms=1")


def test_other_weights_are_set_shown_and_cleared_on_record(run: Shell, books: Runtime) -> None:
    """With the reason and the end, and back to the settings at once."""
    answer = run.json(*SET)
    assert datetime.fromisoformat(answer["until"]) - books.clock() > timedelta(minutes=119)
    shown = {row["provider"]: row for row in run.json("route", "show")["routes"]}
    assert (shown["twilio_sms"]["weight"], shown["twilio_sms"]["override"]["weight"]) == (1, 5)
    assert "twilio_sms=5 until" in run("route", "show").stdout
    assert run.json("route", "clear", "sms")["cleared"] == 2
    assert "had no other weights" in run("route", "clear", "sms").stdout
    assert [action for _, action, _ in actions(books)] == ["route.set", "route.clear"]
    told = [event["why"] for event in run.json("route", "history")["events"]]
    assert told == ["override_cleared"] * 2 + ["override: prices"] * 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fax", "aliyun_sms=1"), "There is no open channel called 'fax'."),
        (("sms", "pigeon=1"), "sms has no provider 'pigeon'; it has aliyun_sms, twilio_sms."),
        (("sms", "aliyun_sms=often"), "WEIGHTS has 'aliyun_sms=often'"),
        (("sms", ""), "Name providers with weights"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line(run: Shell, words: tuple[str, str], said: str) -> None:
    """And nothing is changed."""
    result = run("route", "set", *words, "--for", "2h", "--why", "x")
    assert (result.exit_code, said in result.output) == (2, True), result.output
    assert run.json("route", "history")["events"] == []


@pytest.mark.parametrize("span", ["2", "0h", "8d", "soon"])
def test_an_override_has_an_end_within_a_week(run: Shell, span: str) -> None:
    """What is to stay belongs into the settings."""
    result = run("route", "set", "sms", "twilio_sms=5", "--for", span, "--why", "x")
    assert result.exit_code == 2
    assert "no time like 30m, 2h or 1d, 7d at most" in result.output


def test_the_history_tells_what_breakers_did(run: Shell, books: Runtime) -> None:
    """Which state, why, and what had been heard; of one provider where one is named."""
    opened = State(Mode.OPEN, 1_795_000_000.0, 1_795_000_030.0, 1, Why.FAILING, 3)
    with books.db.write() as tx:
        route_book.note(tx, [Change("aliyun_sms", State(), opened, Heard(calls=12, bad=9))])
    said = run("route", "history").stdout
    assert "aliyun_sms: closed → open  failing (12 calls, 9 failed, 0 blocked)" in said
    assert "Nothing changed yet." in run("route", "history", "--provider", "twilio_sms").stdout
    shown = run.json("route", "show")["routes"]
    assert [row["state"] for row in shown] == ["open", "closed"]
