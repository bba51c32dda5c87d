"""Reviews of changes and the rights of a person, at the console, the API and the command."""

from __future__ import annotations

import json
import stat
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway import audit
from gateway.app import create_app
from gateway.citizens import easing, register
from gateway.demo import city
from gateway.demo.seed import entry
from gateway.runtime import Runtime
from gateway.services import store as services
from gateway.transactions.model import State
from tests.flows.operator import NAME, Operator, employ
from tests.flows.shell import Shell
from tests.flows.test_api_levers import Operator as System
from tests.stores.test_information_change import NEW, crowded, loaded, recorded
from tests.world import World


@pytest.fixture
def world(sqlite_world: World) -> World:
    employ(sqlite_world)
    sqlite_world.settle(8)
    return sqlite_world


def actions(world: World) -> list[tuple[str, str]]:
    with world.runtime.db.read() as tx:
        rows = tx.execute(select(audit.audit).order_by(audit.audit.c.number)).all()
    return [(row.actor, row.action) for row in rows if row.action.startswith(("review", "citizen"))]


def test_a_reviewer_opens_one_with_a_reason_and_decides(world: World) -> None:
    """The list shows no number; whoever is late hears it; a made-up decision or reason does nothing."""
    waits = crowded(world)
    reference = waits.row.reference
    operator = Operator(create_app(world.runtime))
    operator.sign_in()
    assert "等核对的变更：1件。" in operator.get("/ops")
    world.clock.advance(days=5)
    operator.sign_in()
    assert "等核对的变更：1件，其中1件已超时。" in operator.get("/ops")
    listed = operator.get("/ops/reviews")
    assert reference in listed
    assert "已登记给多个人" in listed
    assert "已超时" in listed
    assert NEW not in operator.page.text
    assert NEW not in operator.post("/ops/reviews/open", reference=reference)
    shown = operator.post("/ops/reviews/open", reference=reference, why="decide")
    assert f"+86{NEW}" in shown
    for wrong in ("", "approve it", "return misuse", "reject"):
        operator.post("/ops/reviews/decide", reference=reference, decision=wrong)
        if wrong != "approve it":
            assert operator.status == 400
            operator.get("/ops/reviews")
    assert loaded(world, waits).state is State.SUCCEEDED
    operator.post("/ops/reviews/decide", reference=reference, decision="reject misuse")
    assert operator.status == 409
    assert recorded(world).mobile == f"+86{NEW}"
    assert actions(world) == [
        (NAME, "review.open"),
        ("citizen", "citizen.change.mobile"),
        (NAME, "review.approved"),
    ]
    assert world.wakes.lanes


def test_a_system_reviews_in_the_same_way(world: World) -> None:
    """Scope operate; what does not fit together is named; a repeat under one key decides once."""
    reference = crowded(world).row.reference
    with world.runtime.db.write() as tx:
        service = services.ensure_service(tx, "control room", world.clock.now)
        key = services.create_key(
            tx, world.runtime.vault, service, "key", world.clock.now, scopes=[services.OPERATE]
        )
    system = System(world, create_app(world.runtime).test_client(), key)
    (listed,) = system.get("/reviews").json["reviews"]
    assert (listed["reference"], listed["causes"]) == (reference, ["many_people"])
    assert NEW not in json.dumps(listed)
    assert system.post(f"/reviews/{reference}/values", why="decide").json["wanted"] == f"+86{NEW}"

    def said(path: str, **body: Any) -> tuple[int, str]:
        answer = system.post(path, **body)
        return answer.status_code, answer.json["errors"][0]["message"] if "errors" in answer.json else ""

    path = f"/reviews/{reference}"
    assert said(path, decision="reject") == (400, "reason must be one of not_confirmed, misuse")
    assert said(path, decision="approve", reason="misuse")[0] == 400
    assert said(f"{path}/values", why="curious")[0] == 400
    assert said("/reviews/20261128000001", decision="approve")[0] == 404
    back = system.post(path, decision="return", reason="unclear")
    assert back.json == {"reference": reference, "state": "returned", "reason": "unclear"}
    assert said(path, decision="approve")[0] == 409


# --- the command -----------------------------------------------------------------------------------


@pytest.fixture
def number(books: Runtime) -> str:
    """The ID number of a registered person."""
    (person,) = city.people(1)
    with books.db.write() as tx:
        register.add(tx, books.vault, [entry(person)])
    return person.id_number


def test_the_command_exports_into_a_file_its_owner_alone_reads(
    run: Shell, number: str, tmp_path: Path
) -> None:
    """A file that is there is left alone; a number that is none is refused without being repeated."""
    file = tmp_path / "export.json"
    assert run.json("citizen", "export", number, "--out", str(file))["rows"] == {"citizens": 1}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["tables"]["citizens"][0]["id_number"] == number
    again = run("citizen", "export", number, "--out", str(file))
    assert again.exit_code
    assert "Choose another file" in again.output
    wrong = run("citizen", "export", number[:-1] + "?")
    assert "this is not an ID number" in wrong.output
    assert number[:17] not in wrong.output
    assert run.json("citizen", "export", number)["registered"]


def test_the_command_erases_after_a_count(run: Shell, books: Runtime, number: str) -> None:
    """Counting changes nothing; it must be said; the second time there is nobody."""
    assert "Say --dry-run to count first" in run("citizen", "erase", number).output
    planned = run.json("citizen", "erase", number, "--dry-run")
    assert {one["table"]: one["rows"] for one in planned["lines"]}["citizens"] == 1
    with books.db.read() as tx:
        assert register.count(tx) == 1
    assert "Erased." in run("citizen", "erase", number, "--yes").output
    assert "Nothing is kept under this ID number" in run("citizen", "erase", number, "--yes").output
    with books.db.read() as tx:
        assert register.count(tx) == 0


def test_the_command_puts_a_record_right(run: Shell, books: Runtime, number: str) -> None:
    """On record with the names of what was changed; a value that cannot be is named and nothing changed."""
    assert run.json("citizen", "correct", number, "--mobile", NEW) == {"changed": ["mobile"]}
    assert "It was recorded like this." in run("citizen", "correct", number, "--mobile", NEW).output
    wrong = run("citizen", "correct", number, "--postcode", "1", "--mobile", "13900009999")
    assert wrong.exit_code == 2
    assert "postcode: A postcode has six digits." in wrong.output
    assert "Name a value" in run("citizen", "correct", number).output
    with books.db.read() as tx:
        found = register.find(tx, books.vault, number)
        actions = tx.execute(select(audit.audit.c.action)).scalars().all()
    assert found
    assert found.mobile == f"+86{NEW}"
    assert actions == ["citizen.correct"]


def test_an_address_is_put_right_with_its_district(run: Shell, books: Runtime, number: str) -> None:
    """Notices to a district go by it: by code or name, or said to be the same; never left out."""
    address = ["citizen", "correct", number, "--address", "洞庭大道1号"]
    wrong = [run(*address), run(*address, "--district", "430199")]
    assert {one.exit_code for one in wrong} == {2}
    for one in wrong:
        assert "430702 武陵区" in one.output
    assert run.json(*address, "--district", "unchanged") == {"changed": ["address"]}
    for district, new in (("桃源县", ["district"]), ("430725", [])):
        assert run.json("citizen", "correct", number, "--district", district) == {"changed": new}
    with books.db.read() as tx:
        found = register.find(tx, books.vault, number)
        record = register.record(tx, books.vault, found.id) if found else None
    assert record
    assert (record.address, record.district) == ("洞庭大道1号", "430725")


def test_the_command_registers_somebody_as_disabled(run: Shell, books: Runtime, number: str) -> None:
    """Whoever is so keeps their places however young, until that is taken back; both are on record."""
    nobody_is_old = date(1900, 1, 1)
    for option, spared in (("--disabled", True), ("--not-disabled", False)):
        assert run.json("citizen", "correct", number, option) == {"changed": ["disabled"]}
        assert run.json("citizen", "correct", number, option) == {"changed": []}
        with books.db.read() as tx:
            found = register.find(tx, books.vault, number)
            assert found
            assert easing.is_eased(tx, found.id, nobody_is_old) is spared
    with books.db.read() as tx:
        assert tx.execute(select(audit.audit.c.action)).scalars().all() == ["citizen.correct"] * 2


def test_the_command_lists_and_decides_reviews(run: Shell, books: Runtime) -> None:
    """Nothing waits; a reference nobody knows, and a reason that is none, are named."""
    assert "Nothing waits to be looked at." in run("review", "list").output
    assert run.json("review", "list") == {"reviews": []}
    assert "is not one of 'not_confirmed', 'misuse'" in run("review", "reject", "1", "--reason", "x").output
    unknown = run("review", "show", "20261128000001", "--why", "decide")
    assert unknown.exit_code == 2
    assert "There is no transaction" in unknown.output
