"""A filing through the real connector and the sandbox's register, with a reviewer who looks at it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.plugins import load
from gateway.transactions import engine, steps, store
from gateway.transactions.store import Transaction
from tests.contract.sandbox_process import ACCOUNT, Sandbox, running_sandbox
from tests.stores.test_filing import ANSWERS, acted, confirmed, filed, stands
from tests.world import World


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        yield sandbox


@pytest.fixture
def there(sqlite_world: World, sandbox: Sandbox) -> World:
    """A World whose register is the sandbox's, and one pensioner who lives in both."""
    [person] = sqlite_world.settle(1)
    row = {"id_number": person.id_number, "name": person.name, "city": "4307", "bank": person.bank}
    row |= {"card_number": person.card_number, "pension_status": "done_face"}
    sandbox.call("POST", "people", json.dumps(row, ensure_ascii=False).encode())
    sandbox.call("POST", "settings", {"filing_delay": 0.0})
    office = {
        "FILING_REGISTER_URL": sandbox.url,
        "FILING_REGISTER_APP_ID": ACCOUNT["SANDBOX_CARD_APP_ID"],
        "FILING_REGISTER_SECRET": ACCOUNT["SANDBOX_CARD_SECRET"],
        "FILING_REGISTER_TIMEOUT_SECONDS": "0.5",
    }
    sqlite_world.runtime._back_offices["filing_register"] = load("filing_register", office)
    return sqlite_world


def _looked(world: World, transaction: Transaction) -> tuple[str, str]:
    world.clock.advance(seconds=3)
    steps.run_due(world.runtime)
    return stands(world, transaction)


def test_a_filing_comes_back_is_corrected_in_force_moved_and_ended(there: World, sandbox: Sandbox) -> None:
    """The reviewer finds no door number, then approves; a move replaces it, and ending ends that."""
    open_ended = {name: value for name, value in ANSWERS.items() if name != "end"}
    open_ended |= {"lasting": "open", "address": "世纪大道旁"}
    sandbox.fault("filing_register", "silent", action="filing/submit", times=1)
    first = filed(there, open_ended)
    assert _looked(there, first) == ("draft", "returned")
    with there.runtime.db.write() as tx:
        back = store.load(tx, there.runtime, first.id)
        assert engine.unanswered(back) == ["address"]
        engine.answer(tx, there.runtime, back, {"address": "世纪大道100号"})
    confirmed(there, first)
    assert _looked(there, first) == ("succeeded", "active")
    moved = confirmed(
        there, acted(there, first, "move", destination="北京朝阳", commitment="1", address="建国路1号")
    )
    assert _looked(there, moved) == ("succeeded", "active")
    assert _looked(there, first) == ("succeeded", "changed")
    ended = confirmed(there, acted(there, moved, "end"))
    assert stands(there, ended) == ("succeeded", "cancelled")
    assert _looked(there, moved) == ("succeeded", "cancelled")
    listed = sandbox.call("GET", "filings")
    assert [(one["state"], one["serial"]) for one in listed] == [
        ("cancelled", moved.row.reference),
        ("changed", first.row.reference),
    ]
