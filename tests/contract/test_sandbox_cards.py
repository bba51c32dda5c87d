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
                "CARD_BANK_URL": f"{sandbox.url}/bank",
                "CARD_BANK_TIMEOUT_SECONDS": "0.5",
            },
        )

    def cards(self, name: str = "王芳", city: str = CITY) -> Any:
        return self.core.find_cards(self.id_number, name, city)

    def report(self, serial: str = "S1", hold: timedelta = timedelta(days=7)) -> Any:
        [card] = self.cards()
        return self.core.report_loss(card, self.id_number, datetime.now(UTC) + hold, serial)

    def release(self, serial: str = "R1") -> Any:
        [card] = self.cards()
        return self.core.release(card, self.id_number, serial)

    def account(self) -> Any:
        [card] = self.cards()
        return self.core.find_account(card, self.id_number)

    def at_bank(self, method: str, *more: Any) -> Any:
        [card] = self.cards()
        return getattr(self.core, method)(card, self.id_number, *more)


def test_a_reported_card_is_lost_until_then_under_our_serial(sandbox: Sandbox) -> None:
    citizen = Citizen(sandbox)
    assert isinstance(citizen.report("S1"), Done)
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
        ("replaced", "replaced"),
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
    assert isinstance(citizen.report(hold=timedelta(seconds=0.5)), Done)
    until(lambda: citizen.cards()[0].state == "normal")
    assert citizen.cards()[0].lost_until is None


# --- release ------------------------------------------------------------------------------------


def test_a_released_card_works_again_and_shows_whose_release_it_was(sandbox: Sandbox) -> None:
    """A temporary block ends under our serial; a second release was already done and changes nothing."""
    citizen = Citizen(sandbox)
    citizen.report("S1")
    assert citizen.release("R1") == Done()
    assert citizen.release("R2") == AlreadyDone()
    [card] = citizen.cards()
    assert (card.state, card.lost_serial, card.released_serial) == ("normal", None, "R1")


@pytest.mark.parametrize("state", ["formal_lost", "replacing", "replaced", "cancelled"])
def test_what_became_of_a_card_at_a_counter_cannot_be_released_from_afar(
    sandbox: Sandbox, state: str
) -> None:
    """Only a temporary block is released; what a counter did is refused by its own name."""
    citizen = Citizen(sandbox)
    citizen.report("S1")
    assert sandbox.call("POST", "cards", {"number": citizen.number, "state": state})["state"] == state
    assert citizen.release().reason == state


def test_a_silent_release_took_effect_and_the_query_shows_it(sandbox: Sandbox) -> None:
    """A fault without an action concerns the release, too: the work is done, the answer never comes."""
    citizen = Citizen(sandbox)
    citizen.report("S1")
    sandbox.fault("card_core", "silent", times=1)
    assert citizen.release("R1") == Silent("read_timeout")
    assert citizen.cards()[0].released_serial == "R1"


def test_a_report_may_take_effect_later(sandbox: Sandbox) -> None:
    """What is to begin later says from when, and cannot end before it has begun."""
    citizen, tomorrow = Citizen(sandbox), datetime.now(UTC) + timedelta(days=1)
    [card] = citizen.cards()
    early = citizen.core.report_loss(card, citizen.id_number, tomorrow, "S1", tomorrow)
    assert early.upstream == "请求内容有误"
    citizen.core.report_loss(card, citizen.id_number, tomorrow + timedelta(days=7), "S1", tomorrow)
    assert abs(citizen.cards()[0].lost_from - tomorrow) < timedelta(seconds=1)


def test_a_card_may_get_another_number(sandbox: Sandbox) -> None:
    """A new number keeps the block and whose it is; a number somebody has is refused."""
    citizen, other = Citizen(sandbox), Citizen(sandbox)
    citizen.report("S1")
    sandbox.call("POST", "cards", {"number": citizen.number, "new_number": f"B{citizen.number}"})
    assert citizen.cards()[0].lost_serial == "S1"
    with pytest.raises(AssertionError, match="the new number is taken"):
        sandbox.call("POST", "cards", {"number": other.number, "new_number": f"B{citizen.number}"})
    with pytest.raises(AssertionError, match="a card's state is one of"):
        sandbox.call("POST", "cards", {"number": other.number, "state": "lost"})


# --- the bank half ------------------------------------------------------------------------------


def test_the_bank_blocks_by_itself_and_no_longer_than_it_wants(sandbox: Sandbox) -> None:
    """The account's block has its own end, is taken once for a serial, and leaves the card alone."""
    citizen, until = Citizen(sandbox), datetime.now(UTC) + timedelta(days=9)
    done = citizen.at_bank("block_account", until, "S1")
    assert timedelta(days=4) < datetime.fromisoformat(done.facts["until"]) - datetime.now(UTC) < timedelta(5)
    assert citizen.at_bank("block_account", until, "S1") == done
    assert citizen.at_bank("block_account", until, "S2") == AlreadyDone(done.facts)
    assert (citizen.account().state, citizen.account().lost_serial) == ("temp_lost", "S1")
    assert citizen.cards()[0].state == "normal"
    assert citizen.at_bank("release_account", "R1") == Done()
    assert citizen.at_bank("release_account", "R1") == AlreadyDone()
    assert citizen.account().state == "normal"


@pytest.mark.parametrize(
    ("state", "block", "release"),
    [
        ("formal_lost", "bank_formal_lost", "bank_formal_lost"),
        ("frozen", "bank_frozen", "bank_frozen"),
        ("closed", "bank_closed", "bank_closed"),
        ("temp_lost", None, "bank_own_report"),
    ],
)
def test_what_the_bank_did_itself_only_the_bank_undoes(
    sandbox: Sandbox, state: str, block: str | None, release: str
) -> None:
    """An account in a state of the bank's own is refused by its name, for blocking and for releasing."""
    citizen = Citizen(sandbox)
    sandbox.call("POST", "accounts", {"number": citizen.number, "state": state})
    answer = citizen.at_bank("block_account", datetime.now(UTC) + timedelta(days=1), "S1")
    assert getattr(answer, "reason", None) == block
    assert citizen.at_bank("release_account", "R1").reason == release


def test_the_bank_breaks_by_itself(sandbox: Sandbox) -> None:
    """A fault of the bank half leaves the card system alone, and does the work where it is silent."""
    citizen, until = Citizen(sandbox), datetime.now(UTC) + timedelta(days=1)
    sandbox.fault("card_bank", "silent", times=1)
    assert citizen.at_bank("block_account", until, "S1") == Silent("read_timeout")
    assert citizen.account().lost_serial == "S1"
    sandbox.fault("card_bank", "down", times=2)
    assert citizen.account() == Unavailable("http_503")
    assert citizen.at_bank("release_account", "R1") == Unavailable("http_503")
    assert isinstance(citizen.report(), Done)


def test_without_a_bank_there_is_nothing_to_ask(sandbox: Sandbox) -> None:
    """Where no bank is connected each call says so, and nobody is called."""
    citizen = Citizen(sandbox)
    [card] = citizen.cards()
    account = {"CARD_CORE_APP_ID": "huiyin", "CARD_CORE_SECRET": "x", "CARD_CORE_URL": sandbox.url}
    alone = load("card_core", account)
    none = Unavailable("bank_not_connected")
    assert alone.find_account(card, "") == none
    assert alone.block_account(card, "", datetime.now(UTC), "S1") == none
    assert alone.release_account(card, "", "R1") == none


def test_the_page_shows_both_halves_and_changes_each(sandbox: Sandbox) -> None:
    """A card that changed stands on the page with its account; names of people are written, not run."""
    citizen = Citizen(sandbox)
    citizen.report("S1")
    sandbox.call("POST", "accounts", {"number": citizen.number, "state": "frozen"})
    page = sandbox.page()
    at = page.index(f'id="cards-{citizen.number}"')
    assert "社保功能：临时挂失，至" in page[at - 200 : at]
    assert "银行账户：已冻结" in page[at:]
    assert 'action="/_sandbox/accounts?back=cards"' in page[at:]


def test_cards_outlive_a_restart(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as first:
        before = Citizen(first)
        before.report("S1")
    with running_sandbox(tmp_path) as second:
        after = Citizen(second)
        after.id_number = before.id_number
        assert after.cards()[0].lost_serial == "S1"
