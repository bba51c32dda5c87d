"""Texts from the terminal: written, looked at, published, tried and handed in, each step on record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from gateway import audit, config, runtime
from gateway.content import registered
from gateway.content.registered import Registration
from gateway.runtime import Runtime
from gateway.services import guests
from gateway.services import store as services
from tests.flows.test_cli import Run, _json, run

__all__ = ["run"]  # a fixture of the neighbour's


@pytest.fixture
def here(run: Run, tmp_path: Path) -> Any:
    """The instance that the verbs speak to, with its texts."""
    assert run("migrate").exit_code == 0
    opened = runtime.build(config.load({}, tmp_path / "state"), wake=lambda _lane: None, sending=False)
    yield opened
    opened.db.close()


def written(run: Run, tmp_path: Path, words: str, *options: str) -> Any:
    file = tmp_path / "words.txt"
    file.write_text(words, "utf-8")
    options = options or ("--channel", "sms", "--class", "result")
    return _json(run("templates", "new", "取卡", *options, "--file", str(file), "--json"))


WORDS = "((姓名))，请到((地点))领卡((家属??，带户口簿))。咨询12333"


def test_a_text_is_made_looked_at_and_published(run: Run, tmp_path: Path, here: Runtime) -> None:
    """Each step says the next one; a preview counts, prices and says who would carry it."""
    made = written(run, tmp_path, WORDS)
    assert (made["state"], made["version"], made["findings"]) == ("draft", 1, [])
    key = made["id"]
    shown = run("templates", "show", key).output
    assert "取卡" in shown
    assert f"templates publish {key}" in shown
    given = ("--value", "姓名=王芳", "--value", "地点=市大厅", "--value", "地点=县大厅", "--value", "家属=是")
    seen = _json(run("templates", "preview", key, *given, "--json"))
    assert seen["body"] == "王芳，请到市大厅和县大厅领卡，带户口簿。咨询12333"
    assert (seen["counted"]["parts"], seen["carriers"][0]["price"]["amount"]) == (1, None)
    assert "not handed in" in seen["carriers"][0]["en"]
    told = run("templates", "preview", key, *given).output
    assert "1 part" in told
    assert "ALIYUN_SMS_PRICE" in told
    assert _json(run("templates", "publish", key, "--json"))["state"] == "published"
    listed = _json(run("templates", "list", "--channel", "sms", "--json"))["templates"]
    assert next(one for one in listed if one["id"] == key)["state"] == "published"
    assert _json(run("templates", "list", "--drafts", "--json"))["templates"] == []
    assert _json(run("templates", "archive", key, "--json"))["archived"] is True
    with here.db.read() as tx:
        done = tx.execute(select(audit.audit.c.actor, audit.audit.c.action).order_by(audit.audit.c.number))
        assert [tuple(row) for row in done] == [
            ("cli", "template.write"),
            ("cli", "template.publish"),
            ("cli", "template.archive"),
        ]


def test_lint_ends_with_one_and_nothing_is_published_that_it_calls_an_error(
    run: Run, tmp_path: Path, here: Runtime
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
    assert _json(run("templates", "edit", key, "--file", str(better), "--json"))["version"] == 2
    assert run("templates", "lint", key).exit_code == 0
    assert _json(run("templates", "publish", key, "--json"))["version"] == 2


def test_a_draft_is_tried_on_the_team_alone(run: Run, tmp_path: Path, here: Runtime) -> None:
    key = written(run, tmp_path, "您好。咨询12333")["id"]
    trial = ("templates", "test", key, "--to", "13800138000", "--service")
    assert "no service called" in run(*trial, "counter").stderr
    with here.db.write() as tx:
        service = services.ensure_service(tx, "counter", here.clock())
    assert "team" in run(*trial, "counter").stderr
    with here.db.write() as tx:
        guests.add(tx, here.vault, service, "team", "+8613800138000", here.clock())
    assert _json(run(*trial, "counter", "--json"))["lane"] == "sms.urgent"


def test_how_a_provider_knows_a_text_is_shown(run: Run, tmp_path: Path, here: Runtime) -> None:
    """Code, signature, state, and why it is not sent there."""
    made = written(run, tmp_path, "您好((a))。咨询12333")
    with here.db.write() as tx:
        one = UUID(made["id"])
        said = Registration(one, 1, "aliyun_sms", "SMS_1", "mismatch", "its variables there: b; ours: a")
        registered.record_registration(tx, said, here.clock())
    shown = _json(run("templates", "show", made["id"], "--json"))["registrations"]
    assert [(one["code"], one["state"], one["reason"]) for one in shown] == [
        ("SMS_1", "mismatch", "its variables there: b; ours: a")
    ]
    carrier = _json(run("templates", "preview", made["id"], "--value", "a=x", "--json"))["carriers"][0]
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
def test_a_mistake_is_one_line(run: Run, here: Runtime, words: list[str], said: str) -> None:
    result = run("templates", *words)
    assert result.exit_code == 2
    assert said in result.stderr
