"""The command: every verb speaks JSON, and a mistake is one line that says what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.content.shipped import SHIPPED
from tests.flows.shell import Shell


def test_a_new_database_is_watched_and_given_a_key(shell: Shell) -> None:
    """migrate, api-key, operator and queues work in turn, each as one JSON object."""
    assert shell.json("migrate")["templates_imported"] == len(list(SHIPPED.glob("*/*.txt")))
    assert shell.json("migrate")["templates_imported"] == 0
    made = json.loads(shell("api-key", "--json", "--service", "counter").stdout)
    assert made["api_key"][-73:-37] == made["service_id"]
    assert shell.json("operator")["user"] == "operator"
    watched = json.loads(shell("--json", "queues").stdout)
    assert watched["balanced"]
    assert {lane["name"] for lane in watched["lanes"]} == {"transactions", "receipts"}


def test_what_suites_look_for_is_not_made_beside_a_real_provider(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made-up services and real numbers never meet."""
    monkeypatch.setenv("SMTP_HOST", "mail.example.com")
    done = shell("seed", "--notify-suite", "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "without a real provider" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["queues"], "The database has schema none, this release needs"),
        (["timeline", "1"], "The database has schema none"),
        (["seed"], "The demo city needs the sandbox. Start python3 run.py without a real provider"),
        (["seed", "--citizens", "0"], "0 is not in the range"),
        (["fly"], "No such command 'fly'"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(shell: Shell, words: list[str], said: str) -> None:
    """Exit code 2, no traceback, the next step named."""
    result = shell(*words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_a_database_that_does_not_answer_is_said_in_a_line(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line names DATABASE_URL, and no password of it is shown."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://huiyin:secret@127.0.0.1:1/huiyin")
    result = shell("queues")
    assert result.exit_code == 2
    assert "The database does not answer" in result.stderr
    assert "secret" not in result.output


def test_an_unknown_reference_is_said_so(shell: Shell) -> None:
    """The operator is told what a reference looks like."""
    shell("migrate")
    result = shell("timeline", "12345678901234")
    assert result.exit_code == 1
    assert "There is no such reference. It has 14 digits" in result.stderr


def test_a_dotenv_file_is_read_and_the_environment_wins(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings may stand in .env; what the environment says comes first."""
    (tmp_path / ".env").write_text("DATABASE_URL=mysql://nowhere\n")
    assert "DATABASE_URL must begin with" in shell("migrate").stderr
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/other.db")
    assert shell("migrate").exit_code == 0
    assert (tmp_path / "other.db").exists()
