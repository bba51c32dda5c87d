"""The sandbox's pension registry, asked by the real client."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.back_offices import Refused, Unavailable
from gateway.plugins import load
from integrations.pension_registry import PAYMENT_REASONS, STATUSES, Standing
from integrations.sandbox import pension_moves, pensions
from integrations.sandbox.options import Options
from tests.contract.sandbox_process import ACCOUNT, Sandbox, running_sandbox

CITY = "430700"
ids = iter(range(430726195207060000, 430726195207069999))


class Pensioner:
    """A person of the sandbox's city, and our way to ask for the standing."""

    def __init__(self, sandbox: Sandbox, id_number: str = "", **state: Any) -> None:
        self.sandbox = sandbox
        self.id_number = id_number or str(next(ids))
        self.state = {f"pension_{name}": value for name, value in state.items()}
        self.registry = load(
            "pension_registry",
            {
                "PENSION_REGISTRY_URL": sandbox.url,
                "PENSION_REGISTRY_APP_ID": ACCOUNT["SANDBOX_CARD_APP_ID"],
                "PENSION_REGISTRY_SECRET": ACCOUNT["SANDBOX_CARD_SECRET"],
                "PENSION_REGISTRY_TIMEOUT_SECONDS": "0.5",
            },
        )

    def loaded(self) -> Pensioner:
        row = {"id_number": self.id_number, "name": "王芳", "city": CITY, "bank": "中国建设银行"}
        row |= {"card_number": f"A{self.id_number[-8:]}"} | self.state
        assert self.sandbox.call("POST", "people", json.dumps(row).encode()) == {"loaded": 1}
        return self

    def standing(self, name: str = "王芳", city: str = CITY) -> Any:
        return self.registry.standing(self.id_number, name, city)

    def payments(self) -> Any:
        return self.registry.payments(self.id_number, "王芳", CITY)

    def pay(self, **values: Any) -> Any:
        return self.sandbox.call("POST", "payments", {"id_number": self.id_number, **values})

    def change(self, **values: Any) -> Any:
        return self.sandbox.call("POST", "pensions", {"id_number": self.id_number, **values})


FAILED = {
    "status": "failed",
    "last_done": "2025-01-18",
    "failed_on": "2025-12-20",
    "failure": "photo_mismatch",
}


def test_a_standing_is_what_was_loaded(sandbox: Sandbox) -> None:
    expected = Standing(
        "failed", date(2025, 1, 18), "silent", date(2025, 12, 20), "photo_mismatch", frozenset()
    )
    assert Pensioner(sandbox, **FAILED).loaded().standing() == expected


def test_the_way_it_was_done_is_the_status_s(sandbox: Sandbox) -> None:
    pensioner = Pensioner(sandbox, status="done_helper", last_done="2025-06-01").loaded()
    assert pensioner.standing().method == "helper"


def test_whom_it_does_not_know_it_refuses(sandbox: Sandbox) -> None:
    pensioner = Pensioner(sandbox, **FAILED)
    assert pensioner.standing() == Refused("not_found", "未查询到人员信息")
    pensioner.loaded()
    assert pensioner.standing(name="王") == Refused("name_mismatch", "姓名与证件号码不符")
    assert pensioner.standing(city="310100").reason == "not_found"
    assert Pensioner(sandbox).loaded().standing() == Refused("not_a_pensioner", "未领取养老待遇")


def test_a_changed_state_outlives_a_second_loading(sandbox: Sandbox) -> None:
    pensioner = Pensioner(sandbox, **FAILED).loaded()
    pensioner.change(status="done_face", last_done="2026-01-02")
    expected = Standing("done_face", date(2026, 1, 2), "face", None, None, frozenset())
    assert pensioner.loaded().standing() == expected


def test_a_change_leaves_what_it_does_not_name(sandbox: Sandbox) -> None:
    pensioner = Pensioner(sandbox, status="paused", last_done="2024-08-03").loaded()
    pensioner.change(status="paused", flags=["dispute"])
    pensioner.change(status="submitted_reviewing")
    expected = Standing("submitted_reviewing", date(2024, 8, 3), "silent", None, None, frozenset({"dispute"}))
    assert pensioner.standing() == expected


@pytest.mark.parametrize("change", [{"status": "maybe"}, {"status": "paused", "last_done": "gone"}, {"x": 1}])
def test_a_state_that_is_none_is_refused(sandbox: Sandbox, change: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match=r"status is one of|Invalid isoformat|unknown: x"):
        Pensioner(sandbox, **FAILED).loaded().change(**change)


def test_states_outlive_a_restart(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as first:
        before = Pensioner(first, **FAILED).loaded()
        before.change(status="paused")
    with running_sandbox(tmp_path) as second:
        assert Pensioner(second, before.id_number).standing().status == "paused"


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"mode": "error", "code": "31"}, Refused("not_a_pensioner", "未领取养老待遇")),
        ({"mode": "error", "code": ""}, Unavailable("empty_answer")),
        ({"mode": "silent"}, Unavailable("read_timeout")),
        ({"mode": "refuse"}, Unavailable("connection_lost")),
        ({"mode": "down"}, Unavailable("http_503")),
    ],
)
def test_each_fault_looks_like_the_real_one(sandbox: Sandbox, fault: dict[str, Any], outcome: Any) -> None:
    pensioner = Pensioner(sandbox, **FAILED).loaded()
    sandbox.fault("pension_registry", times=1, **fault)
    assert pensioner.standing() == outcome
    assert pensioner.standing().status == "failed"


def test_both_sides_have_the_same_statuses() -> None:
    assert pensions.STATUSES == STATUSES


# --- payments ------------------------------------------------------------------------------------


def test_six_payments_are_listed_and_the_next_newest_first(sandbox: Sandbox) -> None:
    """Every pensioner is paid each month, unless the sandbox was told otherwise."""
    planned, *past = Pensioner(sandbox, status="not_due").loaded().payments()
    assert planned.state == "planned"
    assert planned.paid_on > datetime.now(UTC).date()
    assert [payment.state for payment in past] == ["paid"] * 6
    months = [payment.month for payment in (planned, *past)]
    assert months == sorted(set(months), reverse=True)
    assert all(payment.amount for payment in past)


@pytest.mark.parametrize("reason", sorted(PAYMENT_REASONS))
def test_a_payment_that_failed_has_its_reason_and_may_be_made_up(sandbox: Sandbox, reason: str) -> None:
    """What was steered is what is told, until it is steered otherwise."""
    pensioner = Pensioner(sandbox, status="not_due").loaded()
    pensioner.pay(state="failed", reason=reason)
    failed = pensioner.payments()[1]
    assert (failed.state, failed.reason, failed.paid_on) == ("failed", reason, None)
    pensioner.pay(state="paid")
    assert pensioner.payments()[1].reason is None


def test_a_blocked_account_names_the_report_of_the_lost_card(sandbox: Sandbox) -> None:
    """Whoever reported the card lost is told that this is why."""
    pensioner = Pensioner(sandbox, status="not_due").loaded()
    pensioner.pay(state="failed", reason="account_blocked")
    assert pensioner.payments()[1].serial is None
    settings = {
        "CARD_CORE_URL": sandbox.url,
        "CARD_CORE_APP_ID": ACCOUNT["SANDBOX_CARD_APP_ID"],
        "CARD_CORE_SECRET": ACCOUNT["SANDBOX_CARD_SECRET"],
    }
    core = load("card_core", settings)
    (card,) = core.find_cards(pensioner.id_number, "王芳", CITY)
    core.report_loss(card, pensioner.id_number, datetime.now(UTC) + timedelta(days=7), "12345678901230")
    assert pensioner.payments()[1].serial == "12345678901230"


def test_a_pause_holds_months_back_and_authentication_pays_them(sandbox: Sandbox) -> None:
    """Paused, resumed, paid back: the standing and the payments name the same months."""
    sandbox.call("POST", "settings", {"pension_delay": 3600})
    pensioner = Pensioner(sandbox, status="paused", last_done="2024-08-03").loaded()
    held = pensioner.standing().held
    assert {one.month for one in pensioner.payments() if one.state == "held"} <= held
    pensioner.change(authenticated="counter")
    now = pensioner.standing()
    assert (now.status, now.method, now.held) == ("resumed_backpay_pending", "counter", held)
    assert {one.state for one in pensioner.payments() if one.month in held} == {"pending"}
    pensioner.change(status="backpaid")
    assert {one.state for one in pensioner.payments() if one.month in held} == {"paid"}


def test_who_is_paid_no_more_is_refused(sandbox: Sandbox) -> None:
    """An ended pension, and none at all."""
    assert Pensioner(sandbox, status="ended").loaded().payments().reason == "ended"
    assert Pensioner(sandbox).loaded().payments().reason == "not_a_pensioner"


@pytest.mark.parametrize("change", [{"state": "maybe"}, {"state": "failed", "reason": "x"}, {"x": 1}])
def test_a_payment_that_is_none_is_refused(sandbox: Sandbox, change: dict[str, Any]) -> None:
    """With the reason."""
    with pytest.raises(AssertionError, match=r"state: one of|unknown: x"):
        Pensioner(sandbox, status="not_due").loaded().pay(**change)


# --- what time makes of it -----------------------------------------------------------------------

DAY = 86_400.0


def _row(number: int, **state: Any) -> dict[str, Any]:
    usual = {
        "status": "due_soon",
        "flags": [],
        "changed_at": 0.0,
        "asked_at": None,
        "last_done": "2025-01-02",
    }
    return {"id_number": f"4307261952{number:08}", **usual, **state}


def test_a_share_of_those_who_are_due_is_matched_by_itself_one_after_the_other() -> None:
    """The switch, the share and the speed count; the failed, paused and flagged are left to people."""
    fast = Options(matching_share=0.7, matching_delay=DAY)
    people = [_row(number) for number in range(2000)]
    matched = [
        sum(pension_moves.moved(row, fast, at)["status"] == "done_silent" for row in people)
        for at in (0.0, DAY / 2, DAY)
    ]
    assert matched[0] < 10
    assert 600 < matched[1] < 800
    assert 1340 < matched[2] < 1460
    off = Options(matching=False, matching_share=1.0)
    sure = Options(matching_share=1.0)
    assert pension_moves.moved(_row(1), off, DAY)["status"] == "due_soon"
    for left in ({"status": "failed"}, {"status": "paused"}, {"flags": ["death"]}, {"flags": ["dispute"]}):
        row = _row(1, **left)
        assert pension_moves.moved(row, sure, 2 * DAY) is row


def test_reviews_and_back_payments_go_on_once_they_were_asked_about() -> None:
    """Who asks first sees the work going on, and its end some time later."""
    options = Options(pension_delay=60)
    reviewing = _row(1, status="submitted_reviewing")
    assert pension_moves.moved(reviewing, options, 10 * DAY) is reviewing
    assert (
        pension_moves.moved({**reviewing, "asked_at": DAY}, options, DAY + 59)["status"]
        == "submitted_reviewing"
    )
    assert pension_moves.moved({**reviewing, "asked_at": DAY}, options, DAY + 60)["status"] == "done_counter"
    resumed = _row(1, status="resumed_backpay_pending", asked_at=DAY)
    assert pension_moves.moved(resumed, options, DAY + 60)["status"] == "backpaid"
