"""The verb that tells who handed in a work order."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from gateway import audit
from gateway.citizens import register
from gateway.demo import city
from gateway.demo.seed import entry
from gateway.runtime import Runtime
from gateway.transactions import engine
from tests.flows.shell import Shell

WHO = next(person for person in city.people(100) if person.birth_date.year < 2000)


def test_a_confidential_reporter_is_told_with_a_reason_and_on_record(
    run: Shell, books: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In full to whoever says why; without a reason, or for another matter, nobody and a line of why not."""
    monkeypatch.setenv("HUIYIN_OPERATOR", "an")
    references = []
    who = {"id_number": WHO.id_number, "name": WHO.name}
    report = {"kind": "fund_supervision", "text": "有人冒领养老金"}
    with books.db.write() as tx:
        register.add(tx, books.vault, [entry(WHO)])
        for kind, answers in (("work_order", who | report), ("card_loss", who)):
            draft = engine.open_draft(tx, books, kind, "api")
            answered = engine.answer(tx, books, draft, answers).transaction
            known = engine.attest(tx, books, answered, "counter").transaction
            assert engine.submit(tx, books, known).value
            references.append(draft.row.reference)
        for answers in ({}, {"id_number": WHO.id_number}, who | report):
            draft = engine.open_draft(tx, books, "work_order", "web")
            assert not engine.answer(tx, books, draft, answers).value
            references.append(draft.row.reference)
    order, other, *drafts = references
    told = run.json("work-order", "reporter", order, "--reason", "立案核实 to open a case")
    assert told == {
        "reference": order,
        "name": WHO.name,
        "id_number": WHO.id_number,
        "mobile": f"+86{WHO.mobile}",
    }
    unknown = [(other, "There is no work order"), ("1" * 14, "There is no work order")]
    for wrong, said in (*unknown, *((draft, "was not handed in") for draft in drafts)):
        refused = run("work-order", "reporter", wrong, "--reason", "x")
        assert refused.exit_code
        assert said in refused.stderr
    assert "give a reason" in run("work-order", "reporter", order, "--reason", "  ").stderr
    with books.db.read() as tx:
        rows = tx.execute(select(audit.audit).where(audit.audit.c.action == "reporter.open")).all()
    assert [(row.actor, order in row.subject) for row in rows] == [("cli an", True)]
