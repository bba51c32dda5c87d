"""The sandbox's card system, driven by the real client."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.back_offices import AlreadyDone, Done, Refused, Silent, Unavailable
from gateway.plugins import load
from tests.contract.sandbox_process import ACCOUNT, Sandbox, running_sandbox, until

CITY = "430700"
ids = iter(range(430726195207070000, 430726195207079999))


class Citizen:
    """A person with one card in the sandbox's city, and our way to ask for it."""

    def __init__(self, sandbox: Sandbox, state: str = "normal", secret: str = "") -> None:
        self.id_number = str(next(ids))
        self.number = f"A{self.id_number[-8:]}"
        row = {"id_number": self.id_number, "name": "王芳", "city": CITY, "card_number": self.number}
        row |= {"bank": "中国建设银行", "card_state": state}
        assert sandbox.call("POST", "people", json.dumps(row).encode() + b"\n") == {"loaded": 1}
        self.core = load(
            "card_core",
            {
                "CARD_CORE_URL": sandbox.url,
                "CARD_CORE_APP_ID": ACCOUNT["SANDBOX_CARD_APP_ID"],
                "CARD_CORE_SECRET": secret or ACCOUNT["SANDBOX_CARD_SECRET"],
                "CARD_CORE_TIMEOUT_SECONDS": "0.5",
            },
        )

    def cards(self, name: str = "王芳", city: str = CITY) -> Any:
        return self.core.find_cards(self.id_number, name, city)

    def report(self, serial: str = "S1", hold: timedelta = timedelta(days=7)) -> Any:
        [card] = self.cards()
        return self.core.report_loss(card, self.id_number, datetime.now(UTC) + hold, serial)


def test_a_reported_card_is_lost_until_then_under_our_serial(sandbox: Sandbox) -> None:
    citizen = Citizen(sandbox)
    assert citizen.report("S1") == Done()
    [card] = citizen.cards()
    assert (card.state, card.lost_serial, card.bank_state) == ("temp_lost", "S1", "normal")
    assert card.lost_until - datetime.now(UTC) > timedelta(days=6)


def test_a_second_report_was_already_done_and_changes_nothing(sandbox: Sandbox) -> None:
    citizen = Citizen(sandbox)
    citizen.report("S1")
    assert citizen.report("S2") == AlreadyDone()
    assert citizen.cards()[0].lost_serial == "S1"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("formal_lost", "formal_lost"),
        ("replacing", "replacing"),
        ("replaced", "cancelled"),
        ("cancelled", "cancelled"),
    ],
)
def test_a_card_in_another_state_is_refused(sandbox: Sandbox, state: str, reason: str) -> None:
    assert Citizen(sandbox, state).report().reason == reason


def test_whom_it_does_not_know_it_refuses(sandbox: Sandbox) -> None:
    citizen = Citizen(sandbox)
    assert citizen.cards(name="王").reason == "name_mismatch"
    assert citizen.cards(city="310100").reason == "not_found"
    citizen.id_number = "310115195808292022"
    assert citizen.cards().reason == "not_found"


def test_a_wrong_secret_does_nothing(sandbox: Sandbox) -> None:
    assert Citizen(sandbox, secret="wrong").cards() == Unavailable("http_401")


def test_a_silent_report_took_effect_and_the_query_shows_it(sandbox: Sandbox) -> None:
    citizen = Citizen(sandbox)
    sandbox.fault("card_core", "silent")
    assert citizen.report("S1") == Silent("read_timeout")
    assert (citizen.cards()[0].state, citizen.cards()[0].lost_serial) == ("temp_lost", "S1")


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"mode": "error", "code": "22"}, Refused("replacing", "该卡正在补换")),
        ({"mode": "error", "code": ""}, Silent("empty_answer")),
        ({"mode": "error", "status": 500}, Silent("http_500")),
        ({"mode": "refuse", "action": "card/report-loss"}, Silent("connection_lost")),
        ({"mode": "down", "action": "card/report-loss"}, Unavailable("http_503")),
    ],
)
def test_each_fault_looks_like_the_real_one_and_blocks_nothing(
    sandbox: Sandbox, fault: dict[str, Any], outcome: Any
) -> None:
    citizen = Citizen(sandbox)
    sandbox.fault("card_core", times=1, **fault)
    assert citizen.report() == outcome
    assert citizen.cards()[0].state == "normal"


def test_a_temporary_loss_lapses_by_itself(sandbox: Sandbox) -> None:
    citizen = Citizen(sandbox)
    assert citizen.report(hold=timedelta(seconds=0.5)) == Done()
    until(lambda: citizen.cards()[0].state == "normal")
    assert citizen.cards()[0].lost_until is None


def test_cards_outlive_a_restart(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as first:
        before = Citizen(first)
        before.report("S1")
    with running_sandbox(tmp_path) as second:
        after = Citizen(second)
        after.id_number = before.id_number
        assert after.cards()[0].lost_serial == "S1"
