"""The verbs for reminders: planned once, and explained to whoever is asked about them."""

from __future__ import annotations

import pytest

from gateway.citizens import register
from gateway.demo import city
from gateway.demo.seed import entry
from gateway.pensions.situation import DUE
from gateway.runtime import Runtime
from gateway.transactions import engine
from tests.flows.shell import Shell

OPEN = [person for person in city.people(400) if person.pension_state in DUE]


@pytest.fixture
def here(books: Runtime) -> Runtime:
    """Pensioners are registered whose authentication is open."""
    with books.db.write() as tx:
        register.add(tx, books.vault, [entry(person) for person in OPEN])
    return books


def test_planning_is_counted_and_done_once(run: Shell, here: Runtime) -> None:
    """As many as asked for, then the rest, then none; what is planned is said as one JSON object."""
    assert run.json("reminders", "plan", "--limit", "2") == {"type": "pension_auth", "planned": 2}
    assert run.json("reminders", "plan")["planned"] == len(OPEN) - 2
    again = run("reminders", "plan", "--type", "pension_auth")
    assert again.output.splitlines()[-1].startswith("0 reminders planned.")


def test_a_reference_explains_what_is_planned_for_its_citizen(run: Shell, here: Runtime) -> None:
    """Type, event, channel, occasion and when; an unknown reference is one line."""
    with here.db.write() as tx:
        draft = engine.open_draft(tx, here, "pension_auth", "api")
        answers = {"id_number": OPEN[0].id_number, "name": OPEN[0].name}
        answered = engine.answer(tx, here, draft, answers).transaction
        engine.attest(tx, here, answered, "counter")
    reference = draft.row.reference
    assert run("reminders", "explain", reference).output == "Nothing was ever planned.\n"
    run.json("reminders", "plan")
    (row,) = run.json("reminders", "explain", reference)["reminders"]
    assert (row["event"], row["channel"], row["state"]) == ("remind_due", "sms", "planned")
    assert row["rule"] == "pension_auth.reminders_per_hour"
    assert row["sentences"]["checks"]["en"].startswith("Before it goes: the pension registry is asked again")
    said = run("reminders", "explain", "-", said=OPEN[0].id_number + "\n").output
    assert (row["sentences"]["what"]["zh"] in said, OPEN[0].id_number in said) == (True, False)
    assert run.json("reminders", "explain", OPEN[0].id_number)["who"] != OPEN[0].id_number
    unknown = run("reminders", "explain", "1" * 14)
    assert unknown.exit_code == 1
    assert "No citizen is known by this" in unknown.stderr
