"""The sandbox's filing register, driven by the real client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.back_offices import AlreadyDone, Done, Refused, Silent, Unavailable
from gateway.plugins import load
from integrations import filing_register
from integrations.sandbox import filings, page_words
from tests.contract.sandbox_process import ACCOUNT, Sandbox, running_sandbox, until

CITY = "430700"
ids = iter(range(430726195207080000, 430726195207089999))
DETAILS = {
    "destination": "310115",
    "address": "世纪大道100号",
    "contact": "13800138000",
    "start": "2026-12-01",
    "end": "",
    "reason": "children",
    "commitment": "1",
}


class Filer:
    """A person of the sandbox's city and our way to file for them; ``pension`` draws one."""

    def __init__(self, sandbox: Sandbox, pension: str | None = "done_face") -> None:
        self.sandbox, self.id_number = sandbox, str(next(ids))
        row = {"id_number": self.id_number, "name": "王芳", "city": CITY, "bank": "中国建设银行"}
        row |= {"card_number": f"A{self.id_number[-8:]}"} | ({"pension_status": pension} if pension else {})
        assert sandbox.call("POST", "people", json.dumps(row).encode()) == {"loaded": 1}
        self.register = load(
            "filing_register",
            {
                "FILING_REGISTER_URL": sandbox.url,
                "FILING_REGISTER_APP_ID": ACCOUNT["SANDBOX_CARD_APP_ID"],
                "FILING_REGISTER_SECRET": ACCOUNT["SANDBOX_CARD_SECRET"],
                "FILING_REGISTER_TIMEOUT_SECONDS": "0.5",
            },
        )

    def serial(self, nth: int = 1) -> str:
        return f"{self.id_number}-{nth}"

    def submit(self, nth: int = 1, kind: str = "pensioner_elsewhere", **details: str) -> Any:
        filed = {**DETAILS, **details}
        return self.register.submit(self.id_number, "王芳", CITY, self.serial(nth), kind, filed)

    def correct(self, nth: int = 1, **details: str) -> Any:
        return self.register.correct(self.id_number, CITY, self.serial(nth), {**DETAILS, **details})

    def found(self, name: str = "王芳", city: str = CITY) -> Any:
        return self.register.filings(self.id_number, name, city)

    def states(self) -> list[str]:
        return [one.state for one in sorted(self.found(), key=lambda one: str(one.serial))]

    def review(self, state: str, nth: int = 1, **why: str) -> Any:
        return self.sandbox.call("POST", "filings", {"serial": self.serial(nth), "state": state, **why})


@pytest.fixture
def slow(sandbox: Sandbox) -> Iterator[Sandbox]:
    """Nobody reviews by themselves."""
    sandbox.call("POST", "settings", {"filing_delay": 3000.0})
    yield sandbox
    sandbox.call("POST", "settings", {"filing_delay": 3.0})


def test_what_is_filed_is_reviewed_step_by_step_and_then_active(sandbox: Sandbox) -> None:
    """Submitted, accepted, reviewing, active, each seen in its order; what was filed stands there."""
    sandbox.call("POST", "settings", {"filing_delay": 0.9})
    filer, seen = Filer(sandbox), list[str]()
    assert filer.submit() == Done()

    def active() -> bool:
        seen.extend(state for state in filer.states() if state not in seen)
        return seen[-1:] == ["active"]

    until(active)
    assert seen == ["submitted", "accepted", "reviewing", "active"]
    [filing] = filer.found()
    assert (filing.serial, filing.details, filing.cause) == (filer.serial(), DETAILS, None)


def test_the_same_reference_is_filed_once(slow: Sandbox) -> None:
    """A repeat was already done; another filing of the kind waits until the first is decided."""
    filer = Filer(slow)
    assert [filer.submit(), filer.submit(), filer.submit(2).reason] == [Done(), AlreadyDone(), "in_review"]
    assert filer.submit(3, "injury_elsewhere") == Done()
    assert filer.states() == ["submitted", "submitted"]


def test_what_was_returned_is_corrected_under_the_same_reference(slow: Sandbox) -> None:
    """It says why it came back, and is reviewed again; only what was returned can be corrected."""
    filer = Filer(slow)
    filer.submit()
    assert filer.correct() == AlreadyDone()
    filer.review("returned", cause="04", note="目的地与地址不符")
    [filing] = filer.found()
    assert (filing.state, filing.cause, filing.note) == ("returned", "destination_wrong", "目的地与地址不符")
    assert filer.correct(destination="310101") == Done()
    [filing] = filer.found()
    assert (filing.state, filing.cause, filing.details["destination"]) == ("submitted", None, "310101")
    filer.review("rejected", cause="22")
    assert (filer.correct().reason, filer.found()[0].cause) == ("not_returned", "filed_elsewhere")


def test_what_was_decided_by_hand_stays_so(slow: Sandbox) -> None:
    """Also at a desk under way, however fast the others are."""
    filer = Filer(slow)
    filer.submit()
    filer.review("accepted")
    slow.call("POST", "settings", {"filing_delay": 0.0})
    assert filer.states() == ["accepted"]


def test_an_address_without_a_number_comes_back_by_itself(sandbox: Sandbox) -> None:
    """The reviewer cannot find the door."""
    sandbox.call("POST", "settings", {"filing_delay": 0.0})
    filer = Filer(sandbox)
    assert filer.submit(address="世纪大道旁") == Done()
    assert [(one.state, one.cause) for one in filer.found()] == [("returned", "address_unclear")]


def test_a_new_one_of_the_kind_changes_the_active_one_only_once_it_is_active(slow: Sandbox) -> None:
    """Until it has been reviewed the old one stands; its end names what took its place."""
    filer = Filer(slow)
    filer.submit()
    filer.review("active")
    assert filer.submit(2, address="人民大道1号") == Done()
    assert filer.states() == ["active", "submitted"]
    filer.review("active", 2)
    assert filer.states() == ["changed", "active"]
    assert [one.ended_by for one in filer.found() if one.state == "changed"] == [filer.serial(2)]


def test_an_active_one_is_cancelled_once(slow: Sandbox) -> None:
    """Cancelling again was already done; nothing else can be cancelled."""
    filer = Filer(slow)
    filer.submit()
    [filing] = filer.found()

    def cancel(serial: str) -> Any:
        return filer.register.cancel(filer.id_number, CITY, filing.number, serial)

    assert cancel("C1").reason == "nothing_filed"
    filer.review("active")
    assert [cancel("C1"), cancel("C2")] == [Done(), AlreadyDone()]
    assert [(one.state, one.ended_by) for one in filer.found()] == [("cancelled", "C1")]


def test_what_was_filed_for_a_time_runs_out(sandbox: Sandbox) -> None:
    """The day after its end it is over."""
    sandbox.call("POST", "settings", {"filing_delay": 0.0})
    filer = Filer(sandbox)
    assert filer.submit(start="2026-01-01", end="2026-01-31") == Done()
    assert filer.states() == ["expired"]


@pytest.mark.parametrize(
    ("kind", "details", "reason"),
    [
        ("flexible", {}, "not_entitled"),
        ("pensioner_elsewhere", {"destination": "上海"}, "destination_unknown"),
        ("pensioner_elsewhere", {"end": "2026-11-30"}, "other"),
        ("pensioner_elsewhere", {"commitment": ""}, "other"),
        ("medical", {}, "other"),
    ],
)
def test_what_cannot_be_filed_is_refused(
    sandbox: Sandbox, kind: str, details: dict[str, str], reason: str
) -> None:
    """Each with its reason, and nothing is kept."""
    filer = Filer(sandbox)
    assert filer.submit(1, kind, **details).reason == reason
    assert filer.found() == []


def test_whom_it_does_not_know_it_refuses(sandbox: Sandbox) -> None:
    """Another name, another city, somebody who draws no pension."""
    filer = Filer(sandbox, pension=None)
    assert filer.found(name="王") == Refused("name_mismatch", "姓名与证件号码不符")
    assert filer.found(city="310100").reason == "not_found"
    assert filer.submit().reason == "not_entitled"
    assert filer.submit(1, "flexible") == Done()


def test_a_silent_submission_took_effect_and_the_query_shows_it(slow: Sandbox) -> None:
    """After silence the query is the question: it names our reference."""
    filer = Filer(slow)
    slow.fault("filing_register", "silent", times=1)
    assert filer.submit() == Silent("read_timeout")
    assert [one.serial for one in filer.found()] == [filer.serial()]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"mode": "error", "code": "41"}, Refused("not_entitled", "不符合备案条件")),
        ({"mode": "error", "code": ""}, Silent("empty_answer")),
        ({"mode": "refuse", "action": "filing/submit"}, Silent("connection_lost")),
        ({"mode": "down", "action": "filing/submit"}, Unavailable("http_503")),
    ],
)
def test_each_fault_looks_like_the_real_one_and_files_nothing(
    slow: Sandbox, fault: dict[str, Any], outcome: Any
) -> None:
    """The value is the wire's, and nothing was done."""
    filer = Filer(slow)
    slow.fault("filing_register", times=1, **fault)
    assert filer.submit() == outcome
    assert filer.found() == []


@pytest.mark.parametrize("change", [{"state": "gone"}, {"state": "returned"}, {"state": "active", "x": 1}])
def test_a_review_that_makes_no_sense_is_refused(slow: Sandbox, change: dict[str, Any]) -> None:
    """No state, a return without a cause, a field nobody knows."""
    filer = Filer(slow)
    filer.submit()
    with pytest.raises(AssertionError, match=r"state: |has a cause|unknown: x"):
        slow.call("POST", "filings", {"serial": filer.serial(), **change})
    assert filer.states() == ["submitted"]


def test_filings_outlive_a_restart_and_stand_on_the_page(tmp_path: Path) -> None:
    """The register is a file; the page shows what waits with its buttons."""
    with running_sandbox(tmp_path) as first:
        first.call("POST", "settings", {"filing_delay": 3000.0})
        before = Filer(first)
        before.submit()
        assert "退休人员异地居住" in first.page()
        assert 'value="returned"' in first.page()
    with running_sandbox(tmp_path) as second:
        assert [one["serial"] for one in second.call("GET", "filings")] == [before.serial()]


def test_both_sides_have_the_same_words() -> None:
    """States, details and causes of the sandbox are those of the client, and the page has words for each."""
    assert set(filings.STATES) == filing_register.STATES == set(page_words.FILING_WORDS)
    assert filings.DETAILS == filing_register.DETAILS
    assert set(page_words.CAUSE_WORDS) == set(filing_register.CAUSES)
    assert set(filings.KINDS) == set(page_words.KIND_WORDS)
