"""``community-list`` and ``home-visits``: masked, in a spreadsheet, refused with the next step."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from io import StringIO

import pytest

from gateway import cities
from gateway.citizens import register
from gateway.demo import city
from gateway.demo.seed import entry
from gateway.pensions.ladder import HELPER_EVENT, LISTED
from gateway.runtime import Runtime
from gateway.transactions import reminders
from gateway.transactions.model import Plan
from tests.flows.shell import Shell

PERSON = next(iter(city.people(1)))


@pytest.fixture
def overdue(books: Runtime) -> Runtime:
    """Somebody whose word to a helper was dropped, because there is none."""
    with books.db.write() as tx:
        register.add(tx, books.vault, [entry(PERSON)])
        (key,) = register.ids(tx, books.vault, [PERSON.id_number]).values()
        now = books.clock().replace(microsecond=0).astimezone(UTC)
        reminders.plan(tx, books, "pension_auth", key, [Plan(HELPER_EVENT, "sms", now, "2026-10-31 W3")])
        tx.execute(reminders.reminders.update().values(state="dropped", reason=LISTED, due_at=None))
    return books


def test_the_list_is_masked_and_in_full_with_a_reason(run: Shell, overdue: Runtime) -> None:
    """As JSON, as a table, as a spreadsheet; a district that is none names those there are."""
    shown = run.json("community-list", PERSON.district)
    (one,) = shown["people"]
    assert (shown["masked"], one["due"]) == (True, "2026-10-31")
    assert PERSON.id_number not in run("community-list", PERSON.district).output
    words = ("community-list", PERSON.district, "--csv", "--reason", "上门看看")
    (row,) = csv.DictReader(StringIO(run(*words).stdout))
    assert (row["name"], row["id_number"]) == (PERSON.name, PERSON.id_number)
    other = next(code for code in cities.of(overdue).versions[-1].districts if code != PERSON.district)
    assert run.json("community-list", other)["people"] == []
    refused = run("community-list", "110101")
    assert (refused.exit_code, PERSON.district in refused.stderr) == (1, True)


def test_nobody_waits_and_a_strange_reference_is_one_line(run: Shell, overdue: Runtime) -> None:
    """With what to do next."""
    assert run("home-visits", "list").output == "Nobody waits for a visit.\n"
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    for words in (("arrange", "1" * 14, day), ("done", "1" * 14), ("refuse", "1" * 14, "other")):
        refused = run("home-visits", *words)
        assert refused.exit_code == 2
        assert "14 digits; compare them" in refused.stderr
