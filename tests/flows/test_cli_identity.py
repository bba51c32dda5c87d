"""``mandate``, ``password`` and ``hold`` of the command line: what a counter does, and what it must not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from gateway import audit
from gateway.citizens import holds, passwords, register
from gateway.citizens.passwords import Checked
from gateway.demo import city
from gateway.demo.city import Person
from gateway.demo.seed import entry
from gateway.runtime import Runtime
from tests.flows.shell import Shell

CHILD = "310151201506300449"


@pytest.fixture
def people(books: Runtime) -> list[Person]:
    """Two grown-ups and a child."""
    one, other = (person for person in city.people(3) if person.index)
    found = [one, other, replace(one, id_number=CHILD, mobile="13900000000", name="王小芳")]
    with books.db.write() as tx:
        register.add(tx, books.vault, [entry(person) for person in found])
    return found


def test_a_mandate_is_given_listed_and_ended_and_no_id_number_is_shown_or_kept_in_clear(
    run: Shell, books: Runtime, people: list[Person]
) -> None:
    """Both sides are masked, an ID number can be typed unseen, and each step is on record by its id."""
    one, other, _ = people
    result = run("mandate", "add", "-", other.id_number, "relative", "--json", said=f"{one.id_number}\n")
    assert result.exit_code == 0, result.output
    assert one.id_number not in result.output
    (listed,) = run.json("mandate", "list", other.id_number)["mandates"]
    assert listed["citizen"].endswith(f"{one.id_number[:6]}********{one.id_number[-4:]}")
    assert (listed["kind"], listed["matters"], listed["last_day"]) == ("relative", [], None)
    assert run.json("mandate", "revoke", listed["id"])["revoked"] is True
    assert run("mandate", "revoke", listed["id"]).exit_code == 1
    assert run.json("mandate", "list", one.id_number) == {"mandates": []}
    with books.db.read() as tx:
        rows = tx.execute(select(audit.audit.c.action, audit.audit.c.subject)).all()
    assert [(action, subject.split()[0]) for action, subject in rows] == [
        ("mandate.add", listed["id"]),
        ("mandate.revoke", listed["id"]),
    ]


def test_a_mandate_that_makes_no_sense_is_refused_with_what_to_do(run: Shell, people: list[Person]) -> None:
    """Who is a child, whose guardian, oneself, a type there is none of, a day gone by, strangers."""
    one, other, child = (person.id_number for person in people)
    refused = {
        (child, one, "relative"): "record a guardian instead",
        (one, other, "guardian"): "record a relative instead",
        (one, child, "relative"): "only a grown-up acts for others",
        (one, one, "relative"): "a helper is somebody else",
        (one, other, "relative", "--matter", "card_los"): "There is no transaction type 'card_los'",
        (one, other, "relative", "--until", "2020-01-01"): "name a day to come",
        (one, "430702196002290338", "relative"): "register them first",
        (one, "430702196002290339", "relative"): "copy all 18 characters",
    }
    for words, said in refused.items():
        result = run("mandate", "add", *words)
        assert (result.exit_code, said in result.output) == (2, True), result.output


def test_a_password_set_at_a_counter_counts_at_once_and_is_never_shown(
    run: Shell, books: Runtime, people: list[Person]
) -> None:
    """Typed twice; one that anybody could guess is refused; a hold can be lifted by who has seen the card."""
    one = people[0]
    assert run("password", "set", one.id_number, said="123456\n123456\n").exit_code == 2
    result = run("password", "set", one.id_number, said="482913\n482913\n")
    assert result.exit_code == 0, result.output
    assert "482913" not in result.output
    with books.db.write() as tx:
        key = register.ids(tx, books.vault, [one.id_number])[one.id_number]
        assert passwords.check(tx, books, key, "482913") is Checked.RIGHT
        holds.place(tx, books, key, books.clock() + timedelta(hours=24), "mobile_changed")
    assert run.json("hold", "lift", one.id_number)["lifted"] == 1
    assert run.json("hold", "lift", one.id_number)["lifted"] == 0
    with books.db.read() as tx:
        assert holds.until(tx, key, books.clock()) is None
        actions = tx.execute(select(audit.audit.c.action).order_by(audit.audit.c.number)).scalars().all()
    assert actions == ["password.set", "hold.lift"]
