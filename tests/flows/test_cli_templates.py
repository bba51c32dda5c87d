"""Texts from the terminal: written, looked at, published, tried and handed in, each step on record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from gateway import audit
from gateway.cli.command import actor
from gateway.content import registered
from gateway.content.registered import Registration
from gateway.notifications.store import notifications
from gateway.runtime import Runtime
from gateway.services import guests
from gateway.services import store as services
from tests.flows.shell import Shell


def written(run: Shell, tmp_path: Path, words: str, *options: str) -> Any:
    file = tmp_path / "words.txt"
    file.write_text(words, "utf-8")
    options = options or ("--channel", "sms", "--class", "result")
    return run.json("templates", "new", "取卡", *options, "--file", str(file))


WORDS = "((姓名))，请到((地点))领卡((家属??，带户口簿))。咨询12333"


def test_a_text_is_made_looked_at_and_published(run: Shell, tmp_path: Path, books: Runtime) -> None:
    """Each step says the next one; a preview counts, prices and says who would carry it."""
    made = written(run, tmp_path, WORDS)
    assert (made["state"], made["version"], made["findings"]) == ("draft", 1, [])
    key = made["id"]
    shown = run("templates", "show", key).output
    assert "取卡" in shown
    assert f"templates publish {key}" in shown
    given = ("--value", "姓名=王芳", "--value", "地点=市大厅", "--value", "地点=县大厅", "--value", "家属=是")
    seen = run.json("templates", "preview", key, *given)
    assert seen["body"] == "王芳，请到市大厅和县大厅领卡，带户口簿。咨询12333"
    assert (seen["counted"]["parts"], seen["carriers"][0]["price"]["amount"]) == (1, None)
    assert "not handed in" in seen["carriers"][0]["en"]
    told = run("templates", "preview", key, *given).output
    assert "1 part" in told
    assert "ALIYUN_SMS_PRICE" in told
    assert run.json("templates", "publish", key)["state"] == "published"
    listed = run.json("templates", "list", "--channel", "sms")["templates"]
    assert next(one for one in listed if one["id"] == key)["state"] == "published"
    assert run.json("templates", "list", "--drafts")["templates"] == []
    assert run.json("templates", "archive", key)["archived"] is True
    with books.db.read() as tx:
        done = tx.execute(select(audit.audit.c.actor, audit.audit.c.action).order_by(audit.audit.c.number))
        assert [tuple(row) for row in done] == [
            (actor(), "template.write"),
            (actor(), "template.publish"),
            (actor(), "template.archive"),
        ]


def test_lint_ends_with_one_and_nothing_is_published_that_it_calls_an_error(
    run: Shell, tmp_path: Path, books: Runtime
) -> None:
    key = written(run, tmp_path, "请打开https://a.cn，兹告知。")["id"]
    linted = run("templates", "lint", key, "--json")
    assert linted.exit_code == 1
    found = [(one["rule"], one["severity"]) for one in json.loads(linted.stdout)["findings"]]
    assert found == [("link", "error"), ("officialese", "warning")]
    refused = run("templates", "publish", key)
    assert refused.exit_code == 1
    assert "网址" in refused.output
    better = tmp_path / "better.txt"
    better.write_text("请打电话12333。", "utf-8")
    assert run.json("templates", "edit", key, "--file", str(better))["version"] == 2
    assert run("templates", "lint", key).exit_code == 0
    assert run.json("templates", "publish", key)["version"] == 2


def test_a_draft_is_tried_on_the_team_alone(run: Shell, tmp_path: Path, books: Runtime) -> None:
    """And with every value it asks for: a message that cannot be filled is not taken."""
    key = written(run, tmp_path, "您好((name))。咨询12333")["id"]
    trial = ("templates", "test", key, "--to", "13800138000", "--service")
    assert "no service called" in run(*trial, "counter").stderr
    with books.db.write() as tx:
        service = services.ensure_service(tx, "counter", books.clock())
    assert "team" in run(*trial, "counter").stderr
    with books.db.write() as tx:
        guests.add(tx, books.vault, service, "team", "+8613800138000", books.clock())
    assert "Missing personalisation: name" in run(*trial, "counter").stderr
    with books.db.read() as tx:
        assert tx.execute(select(notifications.c.id)).all() == []
    assert run.json(*trial, "counter", "--value", "name=王芳")["lane"] == "sms.urgent"


def test_how_a_provider_knows_a_text_is_shown(run: Shell, tmp_path: Path, books: Runtime) -> None:
    """Code, signature, state, and why it is not sent there."""
    made = written(run, tmp_path, "您好((a))。咨询12333")
    with books.db.write() as tx:
        one = UUID(made["id"])
        said = Registration(one, 1, "aliyun_sms", "SMS_1", "mismatch", "its variables there: b; ours: a")
        registered.record_registration(tx, said, books.clock())
    shown = run.json("templates", "show", made["id"])["registrations"]
    assert [(one["code"], one["state"], one["reason"]) for one in shown] == [
        ("SMS_1", "mismatch", "its variables there: b; ours: a")
    ]
    carrier = run.json("templates", "preview", made["id"], "--value", "a=x")["carriers"][0]
    assert (carrier["carries"], carrier["code"]) == (False, "SMS_1")
    assert "other variables" in carrier["en"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "0f6a9f5e-4c1b-4c43-9a43-2a7f3f1d7c11"], "There is no text"),
        (["show", "x"], "not a valid UUID"),
        (["register", "--code", "SMS_1"], "--provider and --code go together"),
        (["new", "a", "--channel", "sms"], "Missing option '--class'"),
    ],
)
def test_a_mistake_is_one_line(run: Shell, books: Runtime, words: list[str], said: str) -> None:
    result = run("templates", *words)
    assert result.exit_code == 2
    assert said in result.stderr
