"""Halls closed and opened again, by the command and by the API: checked, counted, on record, once."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.appointments import closures
from gateway.cli.command import actor
from gateway.levers import closing
from gateway.levers.closing import Closed, Wanted
from gateway.runtime import Runtime
from tests.flows.shell import Shell
from tests.flows.test_api_levers import Operator, operator
from tests.flows.test_levers import actions, one_provider
from tests.stores.test_appointments import book, now
from tests.stores.test_races import at_once
from tests.world import World

__all__ = ["one_provider", "operator"]
DAY = {"hall": "shi", "day": "2026-11-25", "reason": "停电检修"}


def test_a_hall_is_closed_and_opened_from_the_terminal(run: Shell, books: Runtime) -> None:
    """The dry run changes nothing, the same closure again is none, and both pulls are on record."""
    words = ["hall", "close", "shi", "2031-12-01", "--from", "14:00", "--to", "17:30", "--reason", "停电"]
    assert "would reach 0 booked" in run(*words, "--dry-run").output
    assert run.json("hall", "list")["closures"] == []
    closed = run.json(*words)
    assert (closed["changed"], closed["from_at"]) == (True, "2031-12-01T14:00:00+08:00")
    assert not run.json(*words)["changed"]
    (listed,) = run.json("hall", "list")["closures"]
    assert (listed["hall"], listed["reason"]) == ("shi", "停电")
    assert run.json("hall", "reopen", closed["id"])["changed"]
    assert "was open again already" in run("hall", "reopen", closed["id"]).output
    assert "No hall is closed." in run("hall", "list").output
    assert [(who, what) for who, what, _ in actions(books)] == [
        (actor(), "hall.close"),
        (actor(), "hall.reopen"),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere", "2031-12-01"], "There is no hall called 'nowhere'; there are shi, dingcheng"),
        (["shi", "2020-12-01"], "is not over yet"),
        (["shi", "2031-12-03", "--until", "2031-12-01"], "ends after it begins"),
        (["shi", "2031-12-01", "--until", "2033-12-01"], "92 days at most"),
        (["shi", "9999-12-31"], "name one of the days to come"),
        (["shi", "1.12.2031"], "'1.12.2031' cannot be read. Write it like 2026-12-01."),
        (["shi", "2031-12-01", "--until", "2031-12-03", "--from", "14:00"], "close each day by itself"),
    ],
)
def test_a_closure_that_makes_no_sense_is_refused_with_what_would(
    words: list[str], said: str, run: Shell
) -> None:
    result = run("hall", "close", *words, "--reason", "停电")
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_a_reason_citizens_could_not_be_told_is_refused(run: Shell) -> None:
    """Neither empty, nor long, nor with what no text message carries."""
    for reason in ("", "【停电】", "长" * 31, "a\nb"):
        assert "1 to 30 characters" in run("hall", "close", "shi", "2031-12-01", "--reason", reason).stderr


def test_a_system_closes_a_hall_once_for_each_key(operator: Operator) -> None:
    """It hears whom it reaches; the repeat gets the same answer; the service stands in the record."""
    world: World = operator.world
    booked = book(world, world.settle(1)[0])
    assert operator.post("/halls/close", **DAY, dry_run=True).json["booked"] == 1
    closed = operator.post("/halls/close", "k", **DAY)
    assert (closed.status_code, closed.json["booked"], closed.json["changed"]) == (200, 1, True)
    assert operator.post("/halls/close", "k", **DAY).json == closed.json
    assert operator.get("/halls").json["closures"][0]["reason"] == "停电检修"
    reopened = operator.post("/halls/reopen", closure=closed.json["id"])
    assert reopened.json == {"id": closed.json["id"], "changed": True}
    assert now(world, booked).row.stage == "booked"  # until its turn comes, a moment later
    assert [action for action, _ in operator.actions()] == ["hall.close", "hall.reopen"]


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/halls/close", {**DAY, "hall": "x"}, 404, "There is no hall called 'x'"),
        ("/halls/close", {**DAY, "day": "soon"}, 400, "day must be a day like 2026-12-01"),
        ("/halls/close", {**DAY, "from": "25:00"}, 400, "from must be a time like 14:00"),
        ("/halls/close", {**DAY, "reason": "【x】"}, 409, "Give a reason"),
        ("/halls/reopen", {"closure": "shi"}, 400, "closure must be the id of a closure"),
        ("/halls/reopen", {"closure": "2f0c3b1e-7a51-4f6e-9d43-6b1f8e0d5c44"}, 404, "There is no closure"),
    ],
)
def test_what_is_wrong_is_named(
    path: str, body: dict[str, str], status: int, said: str, operator: Operator
) -> None:
    answer = operator.post(path, **body)
    assert answer.status_code == status
    assert said in answer.json["errors"][0]["message"]


def test_whoever_closes_the_same_hours_at_the_same_moment_makes_one_closure(world: World) -> None:
    """One closes, the others hear that it is closed, under the same id. Opened again, it can be closed."""
    runtime = world.runtime
    wanted = Wanted("shi", date(2026, 11, 25), None, None, None, "停电检修")

    def close() -> Closed:
        with runtime.db.write() as tx:
            return closing.close(tx, runtime, wanted, "operator")

    for closed_before in range(3):
        said = at_once(close, close, close)
        assert [one.changed for one in said].count(True) == 1
        assert len({one.id for one in said}) == 1
        with runtime.db.write() as tx:
            assert len(closures.ahead(tx, world.clock())) == 1
            assert closing.reopen(tx, runtime, closures.ahead(tx, world.clock())[0].id, "operator")
        assert len(actions(runtime)) == 2 * (closed_before + 1)
