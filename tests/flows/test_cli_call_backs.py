"""The verbs for people to be called, and for what was promised them."""

from __future__ import annotations

import pytest

from gateway.citizens import register
from gateway.cli.command import actor
from gateway.demo import city
from gateway.demo.seed import entry
from gateway.runtime import Runtime
from gateway.transactions import engine, proving
from tests.flows.shell import Shell

WHO = next(city.people(1))
NUMBER = "+8613900001234"


@pytest.fixture
def sending(run: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """With an account at a provider: what citizens are told of a call must be an approved text."""
    monkeypatch.setenv("HUIYIN_OPERATOR", "an")
    for name in ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SMS_SIGN_NAME"):
        monkeypatch.setenv(f"ALIYUN_{name}", "x")
    monkeypatch.setenv("ALIYUN_CALLBACK_NETWORKS", "127.0.0.1")
    return run


def test_a_call_is_taken_tried_and_done_and_its_promise_with_it(
    sending: Shell, books: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number is for whoever takes it alone; the first try keeps the promise; closed is closed."""
    with books.db.write() as tx:
        register.add(tx, books.vault, [entry(WHO)])
        draft = engine.open_draft(tx, books, "callback_request", "phone")
        given = {"number": NUMBER, "wish": "soon", "matter": "card"}
        answered = engine.answer(tx, books, draft, given).transaction
        assert engine.submit(tx, books, proving.called_from(tx, books, answered)).value
    (row,) = sending.json("call-backs", "list")["call_backs"]
    assert (row["reference"], NUMBER[-11:] in str(row)) == (draft.row.reference, False)
    (promise,) = sending.json("promises")["promises"]
    assert promise["reference"] == draft.row.reference
    assert sending.json("call-backs", "take", row["id"])["number"] == NUMBER.removeprefix("+86")
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("HUIYIN_OPERATOR", "")
        elsewhere.setenv("SUDO_USER", "bo\udc80")
        taken = sending("call-backs", "take", row["id"])
        assert (bool(taken.exit_code), "cli an is calling them now" in taken.stderr) == (True, True)
        assert NUMBER[-11:] not in taken.output
    busy = sending.json("call-backs", "tried", row["id"], "busy")
    assert (busy["reached"], bool(busy["again_at"])) == (False, True)
    assert sending.json("promises")["promises"] == []
    assert sending.json("call-backs", "done", row["id"])["reached"] is True
    assert sending("call-backs", "list").output == "Nobody waits to be called.\n"
    gone = sending("call-backs", "done", row["id"])
    assert gone.exit_code
    assert "See the list for those who do" in gone.stderr


def test_whoever_is_at_the_terminal_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a name given for it, else by who became root, else by the login; never longer than is kept."""
    monkeypatch.setenv("SUDO_USER", "bo\udc80")
    monkeypatch.setenv("HUIYIN_OPERATOR", "王 13812345678" + "x" * 100)
    assert actor().startswith("cli 王138****5678")
    assert len(actor()) == 64
    monkeypatch.setenv("HUIYIN_OPERATOR", " ")
    assert actor() == "cli bo"
    monkeypatch.delenv("SUDO_USER")
    monkeypatch.setenv("LOGNAME", "chen")
    assert actor() == "cli chen"
