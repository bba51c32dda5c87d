"""The sandbox's pension registry, asked by the real client."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.back_offices import Refused, Unavailable
from gateway.plugins import load
from integrations.pension_registry import STATUSES, Standing
from integrations.sandbox import pensions
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
