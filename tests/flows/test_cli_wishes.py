"""``explain`` and ``preferences`` of the command line."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from gateway import audit
from gateway.citizens import register
from gateway.citizens.register import citizens
from gateway.cli.command import actor
from gateway.demo import city
from gateway.demo.seed import entry
from gateway.notifications.request import Class, Request
from gateway.notifications.store import notifications, take
from gateway.runtime import Runtime
from gateway.transactions import engine
from tests.flows.shell import Shell


@pytest.fixture
def citizen(books: Runtime) -> UUID:
    """One registered person with one message that waits."""
    with books.db.write() as tx:
        register.add(tx, books.vault, [entry(person) for person in city.people(1)])
        key = UUID(str(tx.execute(select(citizens.c.id)).scalar_one()))
        take(tx, books, [Request(key, "sms", Class.RESULT, "card_loss/failed", "zh-CN", {})])
    return key


def test_explain_says_why_in_both_languages(run: Shell, books: Runtime, citizen: UUID) -> None:
    """By the message's id; --json holds the same with when it moves."""
    with books.db.read() as tx:
        key = tx.execute(select(notifications.c.id).where(notifications.c.citizen_id == citizen)).scalar_one()
    (told,) = run.json("explain", str(key))["notifications"]
    assert (
        told["en"] == "waiting: it was not tried yet; it is due and goes with the next claim of sms.normal."
    )
    assert told["zh"] == "等待中：还没有试过；已到时候，下一次领取就发。"
    assert (told["status"], told["klass"]) == ("waiting", "result")
    assert told["moves_at"]
    spoken = run("explain", str(key)).output
    assert told["en"] in spoken
    assert told["zh"] in spoken


def test_a_reference_explains_all_its_messages(run: Shell, books: Runtime, citizen: UUID) -> None:
    """Whoever reads a reference aloud is told about each of them."""
    with books.db.write() as tx:
        draft = engine.open_draft(tx, books, "card_loss", "api")
        asked = Request(citizen, "sms", Class.RESULT, "card_loss/failed", "zh-CN", {}, draft.row.id)
        take(tx, books, [asked, asked])
    told = run.json("explain", draft.row.reference)["notifications"]
    assert [one["status"] for one in told] == ["waiting", "waiting"]


@pytest.mark.parametrize("given", ["b2f5b0e5-434f-4090-b711-0526ed4ce084", "20261128000001", "nonsense"])
def test_explain_knows_no_strangers(given: str, run: Shell, books: Runtime) -> None:
    """One line says that there is nothing of the kind."""
    result = run("explain", given)
    assert result.exit_code == 1
    assert "Nothing is known by this id or reference" in result.output


def test_preferences_are_set_shown_and_taken_back(run: Shell, books: Runtime, citizen: UUID) -> None:
    """No calls is one row; every change is on record."""
    assert "Nothing said" in run("preferences", "show", str(citizen)).output
    assert "* by voice: off." in run("preferences", "set", str(citizen), "off", "--channel", "voice").output
    (said,) = run.json("preferences", "show", str(citizen))["preferences"]
    assert (said["category"], said["channel"], said["wish"], said["through"]) == (
        "*",
        "voice",
        "off",
        actor(),
    )
    assert run("preferences", "set", str(citizen), "unset", "--channel", "voice").exit_code == 0
    assert run.json("preferences", "show", str(citizen))["preferences"] == []
    with books.db.read() as tx:
        actions = tx.execute(select(audit.audit.c.action)).scalars().all()
    assert actions == ["preference.off", "preference.unset"]


def test_nobody_prefers_what_there_is_none_of(run: Shell, books: Runtime, citizen: UUID) -> None:
    """A wrong word is one line that names the right ones, and nothing is written."""
    result = run("preferences", "set", str(citizen), "off", "--category", "weather")
    assert result.exit_code == 2
    assert "There is no category 'weather'; there are " in result.output
    assert "policy" in result.output


def test_a_citizen_is_written_to_in_the_language_asked_for(run: Shell, books: Runtime, citizen: UUID) -> None:
    """One there are texts in; anything else is one line and changes nothing."""
    assert run("preferences", "language", str(citizen), "en").exit_code == 0
    refused = run("preferences", "language", str(citizen), "tlh")
    assert refused.exit_code == 2
    assert "There is no text in 'tlh'; there are en, zh-CN." in refused.output
    with books.db.read() as tx:
        assert register.language(tx, citizen) == "en"
        assert tx.execute(select(audit.audit.c.action)).scalars().all() == ["preference.language"]
