"""The sandbox's platform of pension transfers, driven by the real client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.back_offices import Refused, Unavailable
from gateway.plugins import load
from integrations import transfer_platform
from integrations.sandbox import page_words, transfers
from integrations.sandbox.receipts import CHINA
from tests.contract.sandbox_process import ACCOUNT, Sandbox, running_sandbox, until

CITY = "430700"
ids = iter(range(430726196107080000, 430726196107089999))


class Mover:
    """A person of the sandbox's city who has or applies for transfers there."""

    def __init__(self, sandbox: Sandbox, *come_with: dict[str, Any]) -> None:
        self.sandbox, self.id_number = sandbox, str(next(ids))
        row: dict[str, Any] = {
            "id_number": self.id_number,
            "name": "王芳",
            "city": CITY,
            "bank": "中国建设银行",
        }
        row |= {"card_number": f"T{self.id_number[-8:]}", "transfers": list(come_with)}
        self.row = json.dumps(row).encode()
        assert sandbox.call("POST", "people", self.row) == {"loaded": 1}
        settings = {
            "TRANSFER_PLATFORM_URL": sandbox.url,
            "TRANSFER_PLATFORM_APP_ID": ACCOUNT["SANDBOX_CARD_APP_ID"],
            "TRANSFER_PLATFORM_SECRET": ACCOUNT["SANDBOX_CARD_SECRET"],
            "TRANSFER_PLATFORM_TIMEOUT_SECONDS": "0.5",
        }
        self.platform = load("transfer_platform", settings)

    def found(self, name: str = "王芳", city: str = CITY) -> Any:
        return self.platform.transfers(self.id_number, name, city)

    def steer(self, **values: Any) -> Any:
        return self.sandbox.call("POST", "transfers", values)

    def applies(self, **values: Any) -> str:
        places = {"from": "430100", "to": "430700"}
        return str(self.steer(id_number=self.id_number, **places, **values)["number"])


@pytest.fixture
def moving(sandbox: Sandbox) -> Iterator[Sandbox]:
    """Transfers go on by themselves."""
    sandbox.call("POST", "settings", {"transfer_delay": 0.15})
    yield sandbox
    sandbox.call("POST", "settings", {"transfer_delay": 0.0})


def test_one_goes_through_all_its_legs_by_itself(moving: Sandbox) -> None:
    """Each state in its order, and the days its legs began on; what was moved by hand stays so."""
    mover, seen = Mover(moving), list[str]()
    mover.applies()

    def completed() -> bool:
        seen.extend(one.state for one in mover.found() if one.state not in seen)
        return seen[-1:] == ["completed"]

    until(completed)
    assert seen == [state for state in transfers.STATES if state in seen]
    [it] = mover.found()
    today = datetime.now(CHINA).date()
    assert {it.applied_on, it.letter_on, it.funds_on} <= {today, today - timedelta(days=1)}
    mover.steer(number=it.number, state="accepted")
    assert [one.state for one in mover.found()] == ["accepted"]


def test_one_can_have_stood_still_for_weeks(sandbox: Sandbox) -> None:
    """The day its leg began goes back as far; an earlier leg's stays before it."""
    mover = Mover(sandbox)
    number = mover.applies()
    mover.steer(number=number, state="letter_sent", days_ago="40")
    [it] = mover.found()
    today = datetime.now(CHINA).date()
    assert (it.state, it.letter_on, it.funds_on) == ("letter_sent", today - timedelta(days=40), None)
    mover.steer(number=number, state="old_place_processing")
    assert mover.found()[0].letter_on == today - timedelta(days=40)


def test_a_refusal_has_its_cause_and_who_comes_in_again_begins_anew(sandbox: Sandbox) -> None:
    """The client has a word for each cause; the day of the application is the new one."""
    mover = Mover(sandbox, {"from": "310115", "to": "430700", "state": "applied", "days_ago": 30})
    [before] = mover.found()
    mover.steer(number=before.number, state="returned", cause="21", note="请补材料")
    assert [(one.cause, one.note) for one in mover.found()] == [("papers_missing", "请补材料")]
    mover.steer(number=before.number, state="applied")
    [after] = mover.found()
    assert (before.from_place, after.cause) == ("310115", None)
    assert after.applied_on - before.applied_on == timedelta(days=30)
    mover.sandbox.call("POST", "people", mover.row)
    assert len(mover.found()) == 1


@pytest.mark.parametrize("state", transfers.STATES)
def test_one_may_begin_in_any_state(sandbox: Sandbox, state: str) -> None:
    """It has the days of the legs it came through, in their order."""
    mover = Mover(sandbox)
    mover.applies(state=state, cause="01", days_ago=3)
    [it] = mover.found()
    came_through = [it.applied_on, *(day for day in (it.letter_on, it.funds_on) if day)]
    assert it.state == state
    assert came_through == sorted(set(came_through))
    assert len(came_through) == {"letter_sent": 2, "old_place_processing": 2, "info_form_received": 2}.get(
        state, 3 if state in ("funds_received", "completed") else 1
    )


def test_whom_it_does_not_know_it_refuses(sandbox: Sandbox) -> None:
    """Another name, another city; who has no transfer has none."""
    mover = Mover(sandbox)
    assert mover.found() == []
    assert mover.found(name="王") == Refused("name_mismatch", "姓名与证件号码不符")
    assert mover.found(city="310100").reason == "not_found"


def test_its_faults_are_outages(sandbox: Sandbox) -> None:
    """Nothing is changed there, so silence and an outage are the same: it is asked again."""
    mover = Mover(sandbox)
    sandbox.fault("transfer_platform", "silent", times=1)
    assert mover.found() == Unavailable("read_timeout")
    sandbox.fault("transfer_platform", "down", action="transfer/query", times=1)
    assert mover.found() == Unavailable("http_503")


@pytest.mark.parametrize(
    "values",
    [
        {"state": "gone"},
        {"state": "refused"},
        {"state": "applied", "days_ago": -1},
        {"state": "applied", "x": 1},
        {"number": "77777777", "state": "applied"},
        {"id_number": "430726196107079999", "from": "430100", "to": "430700"},
    ],
)
def test_what_makes_no_sense_is_refused(sandbox: Sandbox, values: dict[str, Any]) -> None:
    """No state, no cause, no day, a field nobody knows, no transfer, nobody."""
    mover = Mover(sandbox)
    number = mover.applies(state="accepted")
    said = r"state: |has a cause|days_ago: |unknown: x|no such transfer|nobody has"
    with pytest.raises(AssertionError, match=said):
        mover.steer(**({} if "id_number" in values else {"number": number}) | values)
    assert [one.state for one in mover.found()] == ["accepted"]


def test_transfers_outlive_a_restart_and_stand_on_the_page(tmp_path: Path) -> None:
    """The platform is a file; the page shows each with its form."""
    with running_sandbox(tmp_path) as first:
        number = Mover(first).applies()
        assert f'id="transfer-set-{number}"' in first.page()
    with running_sandbox(tmp_path) as second:
        assert [one["number"] for one in second.call("GET", "transfers")] == [number]


def test_both_sides_have_the_same_words() -> None:
    """States and causes of the sandbox are those of the client, and the page has words for each."""
    assert set(transfers.STATES) == transfer_platform.STATES == set(page_words.TRANSFER_WORDS)
    assert set(page_words.TRANSFER_CAUSES) == set(transfer_platform.CAUSES)
