"""``services``, ``keys``, ``senders`` and ``guests`` of the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from gateway import config
from gateway.audit import audit
from gateway.cli import main
from gateway.db import Db

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command on a migrated database of its own, in a terminal of eighty columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("DATABASE_URL", "BROKER_URL", "HUIYIN_STATE"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--state", str(tmp_path / "state")])

    assert run("migrate").exit_code == 0
    return run


def _json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_service_is_set_up_and_shown_whole(run: Run, tmp_path: Path) -> None:
    """Every step is one verb and on record; tables hold whole ids and no secret, and mask people."""
    assert "python3 run.py services create NAME" in run("services", "list").output
    assert "python3 run.py keys create '养老处'" in run("services", "create", "养老处").output
    made = run("keys", "create", "养老处", "--type", "test", "--scope", "send", "--name", "try")
    key = made.stdout.strip()
    assert key.startswith("try-")
    assert "not shown again" in made.stderr
    ids = [
        _json(run("senders", "add", "养老处", "sms", "常德人社", "--default", "--json"))["id"],
        _json(run("keys", "list", "养老处", "--json"))["api_keys"][0]["id"],
    ]
    assert "138****8000 is on the list" in run("guests", "add", "养老处", "13800138000").output
    assert "6,000 requests" in run("services", "limits", "养老处", "--per-minute", "6000").output
    shown = run("services", "show", "养老处").output
    assert all(one in shown for one in (*ids, "常德人社", "138****8000", "6,000", "sms 250,000", "test"))
    assert key[-36:] not in shown
    assert key[-36:] not in run("keys", "list", "养老处", "--json").output
    assert _json(run("services", "list", "--json"))["services"][0]["keys"] == 1
    db = Db(config.load(state=tmp_path / "state").database_url)
    with db.read() as tx:
        actions = tx.execute(select(audit.c.action).order_by(audit.c.number)).scalars().all()
    db.close()
    assert actions == ["service.create", "api_key.create", "sender.add", "guest.add", "service.limits"]


def test_a_key_is_replaced_and_ended(run: Run) -> None:
    """Rotated with an overlap, then revoked; a service is archived and restored."""
    run("services", "create", "Pension office")
    old = _json(run("keys", "create", "Pension office", "--json"))
    new = _json(run("keys", "rotate", old["id"], "--overlap", "2", "--json"))
    assert (new["name"], new["scopes"], new["replaces"]) == (old["name"], old["scopes"], old["id"])
    assert "is revoked" in run("keys", "revoke", old["id"]).output
    assert "was revoked already" in run("keys", "revoke", old["id"]).output
    states = [one["state"] for one in _json(run("keys", "list", "Pension office", "--json"))["api_keys"]]
    assert sorted(states) == ["active", "revoked"]
    assert "is archived" in run("services", "archive", "Pension office").output
    assert "is active" in run("services", "restore", "Pension office").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("services", "show", "nobody"), "There are: counter."),
        (("services", "create", "counter"), "Choose another name"),
        (("services", "limits", "counter"), "Name a limit: --per-minute 6000"),
        (("services", "limits", "counter", "--per-day", "fax=1"), "CHANNEL=N with sms, email, voice"),
        (("services", "limits", "counter", "--per-minute", "0"), "per_minute must be from 1 to"),
        (("keys", "revoke", "740e5834-3a29-46b4-9a6f-16142fde533a"), "List the keys of its service"),
        (("keys", "create", "counter", "--name", "a b"), "name must have 1 to 80"),
        (("senders", "add", "counter", "email", "nobody"), "This is no e-mail address"),
        (("guests", "add", "counter", "12333"), "Enter a personal mobile number"),
    ],
)
def test_each_wrong_word_tells_the_next_step(run: Run, words: tuple[str, ...], said: str) -> None:
    run("services", "create", "counter")
    result = run(*words)
    assert result.exit_code != 0
    assert said in result.stderr.replace("\n", " ")
