"""The verbs for reminders: planned once, and explained to whoever is asked about them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway import config, runtime
from gateway.citizens import register
from gateway.cli import main
from gateway.demo import city
from gateway.demo.seed import entry
from gateway.pensions.situation import DUE
from gateway.runtime import Runtime
from gateway.transactions import engine

OPEN = [person for person in city.people(400) if person.pension_state in DUE]


class Shell:
    """Runs verbs on one state folder."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--state", str(self.state)])

    def json(self, *words: str) -> Any:
        result = self.run(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "BROKER_URL", "HUIYIN_STATE"):
        monkeypatch.delenv(name, raising=False)
    shell = Shell(tmp_path / "state")
    shell.json("migrate")
    return shell


@pytest.fixture
def here(shell: Shell) -> Iterator[Runtime]:
    """The Runtime of that folder, with pensioners whose authentication is open."""
    here = runtime.build(config.load({}, shell.state), wake=lambda _lane: None, sending=False)
    with here.db.write() as tx:
        register.add(tx, here.vault, [entry(person) for person in OPEN])
    yield here
    here.db.close()


def test_planning_is_counted_and_done_once(shell: Shell, here: Runtime) -> None:
    """As many as asked for, then the rest, then none; what is planned is said as one JSON object."""
    assert shell.json("reminders", "plan", "--limit", "2") == {"type": "pension_auth", "planned": 2}
    assert shell.json("reminders", "plan")["planned"] == len(OPEN) - 2
    again = shell.run("reminders", "plan", "--type", "pension_auth")
    assert again.output.splitlines()[-1].startswith("0 reminders planned.")


def test_a_reference_explains_what_is_planned_for_its_citizen(shell: Shell, here: Runtime) -> None:
    """Type, event, channel, occasion and when; an unknown reference is one line."""
    with here.db.write() as tx:
        draft = engine.open_draft(tx, here, "pension_auth", "api")
        answers = {"id_number": OPEN[0].id_number, "name": OPEN[0].name}
        answered = engine.answer(tx, here, draft, answers).transaction
        engine.attest(tx, here, answered, "counter")
    reference = draft.row.reference
    assert shell.run("reminders", "explain", reference).output == "Nothing was ever planned.\n"
    shell.json("reminders", "plan")
    (row,) = shell.json("reminders", "explain", reference)["reminders"]
    assert (row["event"], row["channel"], row["state"]) == ("remind_due", "sms", "planned")
    assert "pension_auth/remind_due sms" in shell.run("reminders", "explain", reference).output
    unknown = shell.run("reminders", "explain", "1" * 14)
    assert unknown.exit_code == 1
    assert "No citizen is known by this reference" in unknown.stderr
